"""The bodies of records: what a service says, under the names that the exporter reads."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import uuid4

from model_exporter.client.values import MISSING, Converter, UnsendableError, fields_of, seconds, sequence

PREDICTION: Final = "model.prediction"
OUTCOME: Final = "model.outcome"
EVENT: Final = "model.event"
CHANGES: Final = ("deployment", "pipeline", "schema")

_MATRIX: Final = 2


class Body(dict[str, object]):
    """The body of a record.

    Attributes:
        values_held: how many values it holds, about.
    """

    values_held = 1


def new_id() -> str:
    """An id for a prediction that came without one."""
    return uuid4().hex


def id_of(value: object) -> str:
    """A prediction's id as text; a new one for None.

    Raises:
        UnsendableError: it is no text, number or UUID.
    """
    if value is None:
        return new_id()
    plain = Converter(strict=True).value(value)
    if isinstance(plain, float) and plain.is_integer():
        plain = int(plain)
    if isinstance(plain, bool) or not isinstance(plain, str | int | float) or plain == "":
        raise UnsendableError("bad_id", f"an id is text, a number or a UUID, not {value!r}")
    return str(plain)


def id_or_new(value: object, *, strict: bool) -> str:
    """The same; unless `strict`, also a new one for what is no id."""
    try:
        return id_of(value)
    except UnsendableError:
        if strict:
            raise
        return new_id()


def put(body: Body, converter: Converter, **fields: object) -> None:
    """Add the fields that hold anything."""
    for name, value in fields.items():
        if value is not None:
            plain = converter.value(single(value))
            if plain is not MISSING:
                body[name] = plain


def put_probabilities(body: Body, converter: Converter, value: object, classes: Sequence[str]) -> None:
    """Add the probabilities of the classes, by name when the names are known."""
    if value is not None:
        put(body, converter, probabilities=converter.attempt(lambda: _by_class(value, classes), None))


def put_segments(body: Body, converter: Converter, segments: Mapping[str, object]) -> None:
    """Add the groups that the prediction belongs to."""
    groups: Mapping[str, object] = converter.attempt(lambda: dict(segments or {}), {})
    if groups:
        body["segments"] = converter.features(groups)


def put_latency(body: Body, converter: Converter, latency: object) -> None:
    """Add how long the prediction took, in seconds."""
    if latency is not None:
        put(body, converter, latency_seconds=converter.attempt(lambda: seconds(latency), None))


def put_error(body: Body, error: object) -> None:
    """Add the type of the error that the prediction failed with."""
    if error is not None and error is not False and error != "":
        name = error.__name__ if isinstance(error, type) else type(error).__name__
        body["error.type"] = error if isinstance(error, str) else name


def single(value: object) -> object:
    """The only element of an array or column of one, as models return for one row; anything else as it is."""
    if hasattr(value, "tolist") and getattr(value, "size", 0) == 1 and getattr(value, "shape", ()) != ():
        inner = sequence(value)
        while isinstance(inner[0], list):
            inner = inner[0]
        return inner[0]
    return value


def _by_class(value: object, classes: Sequence[str]) -> object:
    if fields_of(value) is not None or not hasattr(value, "__len__") or isinstance(value, str):
        return value
    shares = sequence(value)
    if getattr(value, "ndim", 1) == _MATRIX and len(shares) == 1:
        shares = sequence(shares[0])
    if classes and len(classes) != len(shares):
        raise UnsendableError("row_mismatch", f"{len(shares)} probabilities where there are {len(classes)} classes")
    return dict(zip(classes, shares, strict=True)) if classes else shares
