"""BentoML's monitor: one LogRecord a row, whose body names its columns and, in `bento_meta`, what they are."""

from collections.abc import Mapping
from typing import Final

from model_exporter.baseline.coerce import number_text
from model_exporter.decode.aliases import Field
from model_exporter.decode.identity import Source
from model_exporter.decode.layouts import Found, Row, row_of
from model_exporter.decode.schemas import Schemas
from model_exporter.decode.tally import Tally
from model_exporter.decode.values import number_of, text_of
from model_exporter.ports import MonitorSchema

SCOPE: Final = "bentoml_monitor_data"
"""The logger of all monitors, whose name is the scope of their records."""

_META: Final = "bento_meta"
_RESERVED: Final = frozenset({"timestamp", "request_id", "trace_id", _META})
"""What stands among the columns and is none; BentoML renames a column that is called so."""
_NOTHING: Final = ("", "None", "not available")
"""How BentoML writes a request outside of any, and the version of a bento that was never built."""
_CATEGORICAL: Final = "categorical"
_NUMERICAL: Final = "numerical"
_SEQUENCE: Final = "numerical_sequence"


class MonitorReader:
    """Reads the columns of monitors' records by the schema that these records or earlier ones bring."""

    def __init__(self, schemas: Schemas, tally: Tally) -> None:
        self._schemas = schemas
        self._tally = tally

    def read(self, source: Source, columns: Mapping[str, object]) -> tuple[Found, Row] | None:
        """The fields and features of a record with the body `columns`.

        None when nothing has told yet what the columns are: then nothing tells features from the rest.
        """
        schema = self._schema(source, columns)
        if schema is None:
            return None
        found: Found = {
            Field.MODEL: schema.monitor,
            Field.VERSION: schema.version,
            Field.TIME: columns.get("timestamp"),
        }
        request = text_of(columns.get("request_id"))
        if request not in _NOTHING:
            found[Field.REQUEST] = request
        return found, self._features(schema, columns, found)

    def _schema(self, source: Source, columns: Mapping[str, object]) -> MonitorSchema | None:
        service = bento_of(source.service)
        meta = columns.get(_META)
        told = meta.get("schema") if isinstance(meta, dict) else None
        if isinstance(meta, dict) and isinstance(told, dict):
            schema = MonitorSchema(
                service=service,
                instance=source.instance,
                monitor=_word(meta.get("monitor_name")),
                version=_word(meta.get("bento_version")),
                columns=tuple((name, *_described(description)) for name, description in told.items()),
            )
            self._schemas.learn(schema)
            return schema
        return self._schemas.find(service, source.instance, columns.keys() - _RESERVED)

    def _features(self, schema: MonitorSchema, columns: Mapping[str, object], found: Found) -> Row:
        """The features among `columns`; predictions, targets and segments are added to `found`."""
        features: dict[str, object] = {}
        segments: dict[str, object] = {}
        has_class = any(role == "prediction" and kind == _CATEGORICAL for _, role, kind in schema.columns)
        for name, role, kind in schema.columns:
            if name not in columns:
                continue
            value = _typed(columns[name], kind)
            field = _field(role, kind, has_class=has_class)
            if role == "feature" and kind == _SEQUENCE:
                self._tally.drop("sequence")  # an embedding: as columns it would be hundreds, as one it has no type
            elif role == "feature":
                features[name] = value
            elif role == "segment":
                segments[name] = value
            elif field is None or field in found:
                self._tally.drop("unused_column")
            else:
                found[field] = value
        if segments:
            found[Field.FLAT_SEGMENTS] = segments
        return row_of(features)


def bento_of(service: str) -> str:
    """The bento that runs a monitor whose resource has the name `service`: `iris` of `iris:iris_monitor`."""
    return service.partition(":")[0]


def _field(role: str, kind: str, *, has_class: bool) -> int | None:
    """What a column says that is no feature; a number beside a predicted class is its score."""
    if role == "target":
        return Field.OUTCOME
    if role != "prediction":
        return None
    if kind == _SEQUENCE:
        return Field.PROBABILITIES
    return Field.SCORE if has_class and kind == _NUMERICAL else Field.PREDICTION


def _typed(value: object, kind: str) -> object:
    """`value` as its type has it: a category that is a number stays a category, a number that is text a number."""
    if kind == _CATEGORICAL:
        if isinstance(value, bool):
            return "true" if value else "false"
        number = number_of(value) if isinstance(value, int | float) else None
        return value if number is None else number_text(number)
    if kind == _NUMERICAL and isinstance(value, str):
        number = number_of(value)
        return value if number is None else number
    return value


def _described(description: object) -> tuple[str, str]:
    """Role and type of a column."""
    if not isinstance(description, dict):
        return "", ""
    return _word(description.get("role")), _word(description.get("type"))


def _word(value: object) -> str:
    text = text_of(value) or ""
    return "" if text in _NOTHING else text
