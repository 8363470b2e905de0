"""MLflow's traces: the outermost span is a prediction of the model that is served, with its inputs and outputs."""

from collections.abc import Mapping
from math import isnan, nan
from typing import Final

from model_exporter.batch import Origin
from model_exporter.config.settings import Limits
from model_exporter.decode.aliases import Names, first
from model_exporter.decode.identity import Source, Stamp, key_of_span, model_of, version_of
from model_exporter.decode.layouts import NO_CELLS
from model_exporter.decode.model_calls import plain
from model_exporter.decode.records import PREDICTION, RecordReader
from model_exporter.decode.rows import Group, Ledger
from model_exporter.decode.spans import Span, error_of, seconds_of
from model_exporter.decode.values import NANOSECONDS, is_empty, text_of
from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json

SCOPE: Final = "mlflow"
"""What the names of its scopes begin with."""
MAX_JSON: Final = 1024 * 1024
"""Characters of inputs or outputs that are parsed."""
MAX_ROWS: Final = 10_000
"""Predictions of one span."""
MAX_CATEGORY: Final = 64
"""Characters of a text that may be a category, in at most `MAX_WORDS` words; anything else is somebody's text."""
MAX_WORDS: Final = 3

_TAG: Final = "mlflow.traceTag."
_MODEL: Final[Names] = ("model.name", "model_name", f"{_TAG}model.name", f"{_TAG}model_name")
_VERSION: Final[Names] = (
    "model.version",
    "model_version",
    f"{_TAG}model.version",
    f"{_TAG}model_version",
    "mlflow.modelId",
)
_ID: Final[Names] = ("prediction.id", "prediction_id", f"{_TAG}prediction.id", "mlflow.traceRequestId")
_TYPE: Final[Names] = ("mlflow.spanType", "gen_ai.operation.name")  # the second with MLFLOW_ENABLE_OTEL_GENAI_SEMCONV
_PARTS: Final = frozenset({"evaluator", "guardrail", "memory", "parser", "retriever", "task", "tool", "execute_tool"})
"""Types of spans that are no predictions, even where they stand alone."""
_TALKING: Final = frozenset(
    {"agent", "chain", "chat", "chat_model", "embedding", "generate_content", "invoke_agent", "llm", "workflow"}
)
"""Types whose inputs and outputs are prompts and answers: nothing of them is looked at."""
_TALK: Final = frozenset(
    [
        "answer",
        "completion",
        "content",
        "input",
        "instruction",
        "message",
        "messages",
        "output",
        "prompt",
        "query",
        "question",
        "response",
        "text",
    ]
)
"""Names under which prompts and answers go; a text under one of them is never a category."""
_OUTPUTS: Final[Mapping[str, str]] = {
    "class": "prediction",
    "label": "prediction",
    "output": "prediction",
    "predicted": "prediction",
    "prediction": "prediction",
    "predictions": "prediction",
    "probabilities": "probabilities",
    "probability": "score",
    "proba": "probabilities",
    "result": "prediction",
    "score": "score",
}
Cells = dict[str, object]


class MlflowReader:
    """Reads MLflow's own spans into a ledger.

    The outermost span of a trace is a prediction, of the model that its attributes or the trace's tags name, else of
    its service; and so is any span within that names a model. Flat inputs, or one argument that is a map or a list of
    rows, are features. Prompts and answers are not kept: agents, chains and chats have no features, and a text is a
    category only of a span that names its model, and when it is short. Others are left out and counted as `free_text`;
    inputs and outputs that cannot be read as `bad_json`, that are too long as `json_too_long`.
    """

    def __init__(self, *, limits: Limits, ledger: Ledger, records: RecordReader) -> None:
        self._limits = limits
        self._ledger = ledger
        self._records = records

    def read(self, source: Source, span: Span) -> None:
        """Add the predictions that `span` tells of, or count it as one that tells of none.

        Raises:
            RecordError: a name is no text, or too long.
        """
        attributes = span.attributes
        kind = (text_of(plain(first(attributes, _TYPE))) or "").lower()
        named = plain(first(attributes, _MODEL))
        if kind in _PARTS or (span.parent_span_id and is_empty(named)):
            self._ledger.tally.ignore("not_a_prediction")
            return
        if span.parent_span_id:  # its service is another model's
            source = Source()
        limit = self._limits.name_length
        model, service = model_of(named, source, limit)
        version = version_of(plain(first(attributes, _VERSION)), source, limit)
        rows = [] if kind in _TALKING else self._rows(attributes, is_named=not is_empty(named))
        if any(rows):
            self._log(source, span, [{"model.name": model, "model.version": version, **row} for row in rows])
            return
        self._ledger.add_prediction(
            Group(model, version, service, Origin.SPAN),
            time=span.end_ns / NANOSECONDS if span.end_ns else nan,
            key=key_of_span(span.trace_id, span.span_id),
            prediction_id="",
            latency_seconds=seconds_of(span),
            error=error_of(span)[:limit],
            inputs=NO_CELLS,
            outputs=NO_CELLS,
        )

    def _log(self, source: Source, span: Span, rows: list[Cells]) -> None:
        """Add rows with features or outputs, as if the service had logged them."""
        told = text_of(plain(first(span.attributes, _ID))) or span.trace_id.hex()
        seconds, error = seconds_of(span), error_of(span)
        shared: Cells = {} if isnan(seconds) else {"latency_seconds": seconds}
        if error:
            shared["error.type"] = error
        stamp = Stamp(span.end_ns, 0, span.trace_id, span.span_id)
        for number, row in enumerate(rows):
            prediction_id = f"{told}#{number}" if len(rows) > 1 else told
            attributes = {"prediction.id": prediction_id, **shared, **row} if told else {**shared, **row}
            self._records.read_log(source, stamp, PREDICTION, attributes, None)

    def _rows(self, attributes: Mapping[str, object], *, is_named: bool) -> list[Cells]:
        """The native fields of each row; empty maps where nothing of it is kept."""
        outputs = self._json(attributes.get("mlflow.spanOutputs"))
        if isinstance(outputs, dict) and isinstance(outputs.get("predictions"), list):
            outputs = outputs["predictions"]
        inputs = _rows_in(self._json(attributes.get("mlflow.spanInputs")), outputs)
        if len(inputs) > MAX_ROWS:
            self._ledger.tally.drop("too_many_rows", len(inputs) - MAX_ROWS)
            inputs = inputs[:MAX_ROWS]
        told = outputs if isinstance(outputs, list) and len(outputs) == len(inputs) else [outputs]
        rows: list[Cells] = []
        for number, features in enumerate(inputs or [{}]):
            row = self._outputs(told[number] if number < len(told) else None, is_named=is_named)
            kept = self._kept(features, is_named=is_named)
            if kept:
                row["features"] = kept
            rows.append(row)
        return rows

    def _outputs(self, value: object, *, is_named: bool) -> Cells:
        """Native fields of one output: a scalar, an array of scores, or a map with known names."""
        if isinstance(value, list):
            numbers = all(isinstance(item, int | float) and not isinstance(item, bool) for item in value)
            return {"probabilities": value} if value and numbers else {}
        if not isinstance(value, dict):
            return self._kept({"prediction": value}, is_named=is_named)
        fields: Cells = {}
        for name, item in value.items():
            field = _OUTPUTS.get(name.lower())
            if field is None or field in fields:
                continue
            kept = self._kept({"prediction": item}, is_named=is_named)
            if kept:
                fields[field] = kept["prediction"]
        return fields

    def _kept(self, cells: Cells, *, is_named: bool) -> Cells:
        """`cells` without text that may be somebody's, and without what is empty; maps within are gone through."""
        kept: Cells = {}
        for name, value in cells.items():
            if isinstance(value, str):
                if is_named and name.lower() not in _TALK and _is_category(value):
                    kept[name] = value
                else:
                    self._ledger.tally.drop("free_text")
            elif isinstance(value, dict):
                if within := self._kept(value, is_named=is_named):
                    kept[name] = within
            elif not is_empty(value):
                kept[name] = value
        return kept

    def _json(self, text: object) -> object:
        if not isinstance(text, str) or not text:
            return None
        if len(text) > MAX_JSON:
            self._ledger.tally.drop("json_too_long")
            return None
        try:
            return parse_json(text.encode("utf-8", "backslashreplace"))
        except DecodeError:
            self._ledger.tally.drop("bad_json")
            return None


def _rows_in(inputs: object, outputs: object) -> list[Cells]:
    """The rows that the arguments of a traced function hold: one argument may be a map, or a list of rows or values."""
    argument = inputs
    if isinstance(inputs, dict):
        inner = next(iter(inputs.values())) if len(inputs) == 1 else None
        if not isinstance(inner, dict | list):
            return [inputs]
        argument = inner
    if isinstance(argument, dict):
        return [argument]
    return _rows_of(argument, outputs) if isinstance(argument, list) and argument else []


def _rows_of(values: list[object], outputs: object) -> list[Cells]:
    """Rows that are maps or lists; of single values, one of all, or one of each where there is an output for each."""
    maps = [row for row in values if isinstance(row, dict)]
    if len(maps) == len(values):
        return maps
    lists = [row for row in values if isinstance(row, list)]
    if len(lists) != len(values):
        each = len(values) > 1 and isinstance(outputs, list) and len(outputs) == len(values)
        lists = [[value] for value in values] if each else [values]
    return [{str(place): cell for place, cell in enumerate(row)} for row in lists]


def _is_category(text: str) -> bool:
    return 0 < len(text) <= MAX_CATEGORY and len(text.split()) <= MAX_WORDS
