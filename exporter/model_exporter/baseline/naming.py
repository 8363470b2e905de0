"""What the columns of a file are: inputs, outputs, or neither."""

from collections.abc import Collection, Iterable
from typing import Final

from model_exporter.batch import Role

FEATURE_PREFIX: Final = "feature."
PROBABILITIES: Final = "probabilities"
SCORE: Final = "score"

OUTPUTS: Final = ("prediction", SCORE, f"{PROBABILITIES}.*")
"""Columns that came out of the model, unless told otherwise. A name that ends in `.*` stands for all that begin so."""

TIMES: Final = ("timestamp", "time")
"""Columns that tell when a row was made, if their values are times."""

BOOKKEEPING: Final = (
    "id",
    "prediction.id",
    "prediction_id",
    "inference_id",
    "request_id",
    "trace_id",
    "span_id",
    "event.name",
    "model.name",
    "model_name",
    "model.version",
    "model_version",
    "latency_ms",
    "latency_seconds",
    "error.type",
    "error_type",
    "outcome",
    "label",
    "segment.*",
    "value.*",
)
"""Columns that tell of the record and not of the model's inputs; left out unless they are given a type."""

_PREFIXES: Final = (FEATURE_PREFIX, "features.")


def assign_roles(
    names: Iterable[str],
    *,
    outputs: Collection[str] = OUTPUTS,
    ignore: Collection[str] = (),
    keep: Collection[str] = (),
) -> dict[str, tuple[Role, str]]:
    """Role and name, as the model's records have it, of each column that is a feature or an output.

    When any name begins with `feature.` or `features.`, the rows are prediction records: the columns with that prefix
    are the inputs, and of the others only outputs count. In any other file each column is an input that is neither an
    output nor `BOOKKEEPING`.

    Args:
        names: the columns.
        outputs: those that came out of the model.
        ignore: those to leave out.
        keep: those never to take for bookkeeping.

    >>> assign_roles(["id", "amount", "score"])
    {'amount': (<Role.INPUT: 'input'>, 'amount'), 'score': (<Role.OUTPUT: 'output'>, 'score')}
    >>> assign_roles(["feature.id", "score", "host"])
    {'feature.id': (<Role.INPUT: 'input'>, 'id'), 'score': (<Role.OUTPUT: 'output'>, 'score')}
    """
    names = list(names)
    are_records = any(name.startswith(_PREFIXES) for name in names)
    roles = {}
    for name in names:
        bare = bare_name(name)
        if matches(name, ignore) or matches(bare, ignore):
            continue
        if matches(name, outputs):
            roles[name] = Role.OUTPUT, name
        elif bare != name if are_records else bare in keep or not matches(name, BOOKKEEPING):
            roles[name] = Role.INPUT, bare
    return roles


def matches(name: str, patterns: Collection[str]) -> bool:
    """Whether `name` is one of `patterns` or begins like one that ends in `.*`.

    >>> matches("segment.region", ["segment.*"]), matches("segments", ["segment.*"])
    (True, False)
    """
    return name in patterns or any(p.endswith(".*") and name.startswith(p[:-1]) for p in patterns)


def bare_name(name: str) -> str:
    """Name of a feature as the model's records have it: without a prefix, as long as there is something left.

    >>> bare_name("feature.amount"), bare_name("amount")
    ('amount', 'amount')
    """
    return next((name.removeprefix(p) for p in _PREFIXES if name.startswith(p) and name != p), name)
