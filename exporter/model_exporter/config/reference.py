"""The reference of the configuration file, generated from the schema."""

from collections.abc import Iterator
from textwrap import fill

from model_exporter.config.convert import listed
from model_exporter.config.keys import Keys
from model_exporter.config.schema import RootKeys
from model_exporter.config.settings import ModelKind
from model_exporter.config.shape import Key, Shape, keys_of
from model_exporter.config.templates import POSITIVE, TEMPLATES, Template

_WIDTH = 100
_INDENT = "    "


def reference() -> str:
    """Every key with its type, default and meaning, as text of at most 100 columns. NAME stands for any name.

    Then the kinds of model, and what each of them reads and tells by default.
    """
    kinds = (_kind(kind, template) for kind, template in TEMPLATES.items())
    return "\n".join([keys_text(RootKeys), "", *kinds])


def keys_text(schema: type[Keys]) -> str:
    """Every key of `schema` with its type, default and meaning, as text of at most 100 columns."""
    return "\n".join(_told(path, key) for path, key in all_keys(schema))


def all_keys(schema: type[Keys] = RootKeys) -> Iterator[tuple[str, Key]]:
    """Every key of `schema` with its whole path, in the schema's order. Those of a list's items have `[]` in it."""
    return _below("", schema)


def _below(path: str, schema: type[Keys]) -> Iterator[tuple[str, Key]]:
    for name, key in keys_of(schema).items():
        place = f"{path}.{name}" if path else name
        yield place, key
        yield from _within(place, key.shape)


def _within(path: str, shape: Shape) -> Iterator[tuple[str, Key]]:
    if shape.entries:
        yield from _within(f"{path}.NAME", shape.entries)
    elif shape.items:
        yield from _within(f"{path}[]", shape.items)
    elif shape.keys:
        yield from _below(path, shape.keys)


def _kind(kind: ModelKind, template: Template) -> str:
    reads = [
        " or else ".join(f"`{name}`" for name in template.predicted),
        "`score` and `probabilities`" if template.classes else "",
        "`lower` and `upper`" if template.intervals else "",
        "`horizon` and `naive`" if template.forecasts else "",
    ]
    ranks = f", at {listed(map(str, template.ranks))}" if template.ranks else ""
    shape = " (a list, best first)" if template.items else ""
    positive = f" The positive class is {POSITIVE} unless `outcome.positive` names it." if template.classes else ""
    told = (
        f"Predicts {template.meaning}. Reads {listed(filter(None, reads))}{shape}. "
        f"Metrics: {listed(metric.name for metric in template.metrics)}{ranks}.{positive}"
    )
    return f"kind {kind.value}\n{fill(told, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)}"


def _told(path: str, key: Key) -> str:
    default = f" (default {key.default})" if key.default else ""
    head = fill(f"{path}: {key.shape.words}{default}", _WIDTH, subsequent_indent=_INDENT * 2)
    meaning = fill(key.description, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return f"{head}\n{meaning}"
