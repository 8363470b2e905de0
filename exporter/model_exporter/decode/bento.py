"""BentoML's monitor: one LogRecord a row, whose body names its columns and, in `bento_meta`, what they are."""

from collections.abc import Mapping
from typing import Final

from model_exporter.decode.aliases import Field
from model_exporter.decode.layouts import Found, Row, row_of
from model_exporter.decode.values import is_empty

_NO_VERSION: Final = "not available"  # what BentoML calls the version of a bento that was never built


def read_monitor(meta: object, columns: Mapping[str, object], found: Found) -> Row | None:
    """The features among `columns`, as the schema in `meta` tells; predictions and targets are added to `found`.

    None, and nothing done, without a schema: then nothing tells features from the rest.
    """
    schema = meta.get("schema") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not isinstance(schema, dict):
        return None
    if is_empty(found.get(Field.MODEL)):
        found[Field.MODEL] = meta.get("monitor_name")
    version = meta.get("bento_version")
    if is_empty(found.get(Field.VERSION)) and version != _NO_VERSION:
        found[Field.VERSION] = version
    features: dict[str, object] = {}
    for name, description in schema.items():
        if name not in columns or not isinstance(description, dict):
            continue
        role, kind = description.get("role"), description.get("type")
        if role == "feature":
            features[name] = columns[name]
        elif role == "prediction":
            found.setdefault(Field.PROBABILITIES if kind == "numerical_sequence" else Field.PREDICTION, columns[name])
        elif role == "target":
            found.setdefault(Field.OUTCOME, columns[name])
    return row_of(features)
