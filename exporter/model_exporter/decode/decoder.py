"""Bytes in, columns out."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from model_exporter.config.settings import Limits, TraceSettings
from model_exporter.decode import native, otlp_json, otlp_protobuf, records
from model_exporter.decode.aliases import LOG_FIELDS, NATIVE_FIELDS, Field
from model_exporter.decode.cloud_events import half_of, scope_of
from model_exporter.decode.decoded import Decoded, Rejection
from model_exporter.decode.layouts import Vocabulary
from model_exporter.decode.mapped import MappedReader, MappedRows
from model_exporter.decode.mapped_otlp import OtlpMappings
from model_exporter.decode.mlflow import MlflowReader
from model_exporter.decode.model_calls import ModelCallReader
from model_exporter.decode.plain import PlainReader
from model_exporter.decode.plain_layouts import PlainLayouts
from model_exporter.decode.records import RecordReader
from model_exporter.decode.rows import Ledger
from model_exporter.decode.schemas import Schemas
from model_exporter.decode.spans import Requests, SpanReader
from model_exporter.decode.traces import TraceReader
from model_exporter.errors import DecodeError, SlowError
from model_exporter.mapping import Mapping as RecordMapping
from model_exporter.pairing import Exchange, Half
from model_exporter.ports import Door, Encoding, Payload, Signal

try:
    from model_exporter.decode.compiled import CompiledLogs
    from model_exporter.decode.compiled_lines import CompiledLines
    from model_exporter.decode.compiled_traces import CompiledTraces
except ImportError:  # there was no compiler when this was installed
    HAS_COMPILED = False
except (AttributeError, TypeError, ValueError) as error:
    raise RuntimeError(
        f"the compiled modules in {Path(__file__).parent} are not those of the sources beside them ({error}): "
        "build them anew with .ci/setup-python dev, or remove them"
    ) from error
else:
    HAS_COMPILED = sys.byteorder == "little"

PROBED_BYTES: Final = 16 * 1024
"""A request over this size has records enough of its own to be decoded cheaply by itself."""

_LONGEST_FIXED_NAME: Final = len("prediction")
"""Of the outputs that have a field of their own."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_NATIVE_EVENTS: Final[Mapping[Signal, str]] = {
    Signal.PREDICTIONS: records.PREDICTION,
    Signal.OUTCOMES: records.OUTCOME,
    Signal.EVENTS: records.EVENT,
}

_DEFAULTS: Final = {"model": Field.MODEL, "version": Field.VERSION}
"""What a door knows of its records, by its name in the context."""


class Decoder:
    """Makes columns of requests. Safe to use from many threads: calls share bounded caches of names and of schemas.

    Args:
        limits: `record_attributes`, `nesting` and `name_length` bound what one record may bring.
        mappings: what records of other systems mean; the first that takes a record reads it.
        schemas: what monitors have told of their columns; by default nothing yet.
        traces: which spans are requests for predictions.
        compiled: whether OTLP logs and traces in protobuf and predictions in JSON go through compiled scanners first,
            if these are there. Nothing but the cost depends on that.
    """

    def __init__(
        self,
        limits: Limits,
        mappings: Mapping[str, RecordMapping] | None = None,
        schemas: Schemas | None = None,
        traces: TraceSettings | None = None,
        *,
        compiled: bool = True,
    ) -> None:
        self._limits = limits
        told = mappings or {}
        self._mappings = {name: mapping for name, mapping in told.items() if "records" in mapping.scopes}
        self._log_mappings = [mapping for mapping in told.values() if "logs" in mapping.scopes]
        self._span_mappings = [mapping for mapping in told.values() if "spans" in mapping.scopes]
        self._exchange_mappings = [mapping for mapping in told.values() if "exchanges" in mapping.scopes]
        self._schemas = Schemas(limit=limits.monitor_schemas) if schemas is None else schemas
        self._requests = Requests(traces or TraceSettings())
        self._log_names = Vocabulary(LOG_FIELDS)
        self._native_names = Vocabulary(NATIVE_FIELDS)
        self._plain = PlainLayouts(limits)
        # A limit that even fixed names exceed is for Python, which leaves their values out.
        can_scan = compiled and HAS_COMPILED and limits.name_length >= _LONGEST_FIXED_NAME
        self._compiled = CompiledLogs(limits, partial(_is_mapped, self._log_mappings)) if can_scan else None
        self._compiled_lines = CompiledLines(limits) if can_scan else None
        self._compiled_traces = (
            CompiledTraces(limits, partial(_is_mapped, self._span_mappings)) if compiled and HAS_COMPILED else None
        )

    @property
    def is_compiled(self) -> bool:
        """Whether OTLP logs and traces, and predictions in JSON, go through compiled scanners first."""
        return self._compiled is not None

    def decode(self, payload: Payload) -> Decoded:
        """The records of `payload`, good and bad.

        Of keys given twice in one map the last one wins. Metrics are not looked at. Reasons are:

        - of rejected records `bad_event`, `empty_record`, `malformed_record`, `model_name`, `model_version`,
          `no_schema`, `not_an_object`, `outcome_without_id`, `outcome_without_value`, `prediction_id`,
          `too_many_models`, `too_sparse`, and those of `MappedRows` and `MappedReader`;
        - of ignored records `metrics`, `not_a_prediction`, `span_kind`;
        - of values left out `attribute_limit`, `bad_context` (a segment, an interval, a naive forecast),
          `bad_features`, `bad_json` (in an attribute), `bad_latency`, `bad_outcome` (on a prediction), `bad_time`,
          `bad_usage` (of a language model), `bad_value` (a business value, a gain), `empty_name`, `free_text`,
          `json_too_long`, `name_too_long`, `nesting_limit`, `ranking_limit`, `sequence` and `unused_column` (of a
          monitor), `too_many_rows`.

        Raises:
            DecodeError: the body as a whole is not what its signal and encoding say; `reason` is one of
                `empty_body`, `malformed_json`, `malformed_protobuf`, `not_an_object`, `not_utf8`, `unknown_mapping`,
                `wrong_encoding`.
            SlowError: `payload` shall be taken at once, and is not for the compiled scanner of logs, or not quite.
        """
        if payload.signal is Signal.METRICS:
            return Decoded(ignored={"metrics": 1})
        if self._compiled and payload.signal is Signal.LOGS and payload.encoding is Encoding.PROTOBUF:
            decoded = self._compiled.decode(
                payload.body, partial(self._reader, self._log_names), at_once=payload.at_once
            )
            if decoded is not None:
                return decoded
        if payload.at_once:
            raise SlowError("only readers in Python can take it")
        if self._compiled_lines and payload.signal is Signal.PREDICTIONS and payload.encoding is not Encoding.PROTOBUF:
            defaults = _defaults_of(payload)
            decoded = self._compiled_lines.decode(
                payload.body.removeprefix(_BYTE_ORDER_MARK),
                lambda ledger: self._reader(self._native_names, ledger, defaults),
                defaults,
            )
            if decoded is not None:
                return decoded
        if self._compiled_traces and payload.signal is Signal.TRACES and payload.encoding is Encoding.PROTOBUF:
            decoded = self._compiled_traces.decode(payload.body, self._traces)
            if decoded is not None:
                return decoded
        ledger = Ledger(self._limits)
        try:
            self._read(payload, ledger)
        except RecursionError as error:
            raise DecodeError("malformed_json", "nested too deeply") from error
        return ledger.decoded()

    def probe(self, payload: Payload) -> tuple[int, int] | None:
        """How many predictions and how many other records a small request of OTLP logs holds.

        Only if it is sure that `decode` would take or ignore each, leave no value out and find no outcomes; None
        otherwise. It costs a fraction of decoding, and what was probed can be decoded later, with others.
        """
        if (
            self._compiled is None
            or payload.signal is not Signal.LOGS
            or payload.encoding is not Encoding.PROTOBUF
            or len(payload.body) > PROBED_BYTES
        ):
            return None
        return self._compiled.probe(payload.body)

    def decode_probed(self, bodies: Sequence[bytes]) -> Iterator[Decoded]:
        """The records of requests that `probe` was sure of, at about the cost of one.

        A message of protobuf followed by another of its kind is the two merged, and of requests of OTLP logs that is
        the records of both. All together may be too many or too different for one request; then each half is one.
        """
        together = None
        if self._compiled and len(bodies) > 1:
            together = self._compiled.decode(b"".join(bodies), partial(self._reader, self._log_names))
        if together is not None and together.is_all_well:
            yield together
        elif len(bodies) > 1:
            half = len(bodies) // 2
            yield from self.decode_probed(bodies[:half])
            yield from self.decode_probed(bodies[half:])
        else:
            for body in bodies:
                try:
                    yield self.decode(Payload(Door.OTLP_HTTP, Signal.LOGS, Encoding.PROTOBUF, body, 0.0))
                except DecodeError as error:  # by a bug of the probe, which must not end the writer
                    yield Decoded(rejections=(Rejection(error.reason, 1, str(error)),))

    def half(self, payload: Payload) -> Half | None:
        """The half of a call that the event in `payload` tells of; None for an event of another kind.

        Raises:
            DecodeError: it is no event; `reason` is `malformed_event`, `malformed_json` or `not_utf8`.
        """
        return half_of(payload)

    def decode_exchange(self, exchange: Exchange) -> Decoded:
        """The records of a call, whose halves have met or never will. What cannot be read is rejected."""
        ledger = Ledger(self._limits)
        reader = self._reader(self._native_names, ledger)
        try:
            if not MappedRows(reader, ledger.tally).read(self._exchange_mappings, scope_of(exchange)):
                ledger.tally.ignore("not_a_prediction")
        except DecodeError as error:
            ledger.tally.reject(error.reason, str(error))
        except RecursionError:
            ledger.tally.reject("malformed_json", "nested too deeply")
        return ledger.decoded()

    def usage(self) -> dict[str, int]:
        """How much of each limit on what decoding remembers is taken, by the limit's name."""
        return {"monitor_schemas": len(self._schemas)}

    def _read(self, payload: Payload, ledger: Ledger) -> None:
        body = payload.body
        is_json = payload.encoding is not Encoding.PROTOBUF
        if is_json:
            body = body.removeprefix(_BYTE_ORDER_MARK)
            if not body.strip():
                raise DecodeError("empty_body", "the body is empty, which is no JSON")
        if payload.signal is Signal.TRACES:
            spans = self._traces(ledger)
            through = self._through(self._span_mappings, ledger)
            (otlp_json if is_json else otlp_protobuf).read_spans(body, spans, ledger.tally, through)
        elif payload.signal is Signal.LOGS:
            logs = self._reader(self._log_names, ledger)
            through = self._through(self._log_mappings, ledger)
            (otlp_json if is_json else otlp_protobuf).read_logs(body, logs, ledger.tally, through)
        elif is_json and payload.signal is not Signal.EXCHANGES:
            defaults = _defaults_of(payload)
            reader = self._reader(self._native_names, ledger, defaults)
            if payload.signal is Signal.RECORDS:
                mapped = MappedReader(
                    self._mappings, payload.mapping, payload.context, reader=reader, tally=ledger.tally
                )
                native.read_objects(body, mapped.read, ledger.tally)
            elif payload.signal is Signal.PREDICTIONS:
                plain = PlainReader(
                    layouts=self._plain, limits=self._limits, ledger=ledger, reader=reader, defaults=defaults
                )
                native.read_predictions(body, plain, ledger.tally)
            else:
                native.read_native(body, _NATIVE_EVENTS[payload.signal], reader, ledger.tally)
        else:
            raise DecodeError("wrong_encoding", f"{payload.signal.value} come as JSON or JSON lines")

    def _through(self, mappings: Sequence[RecordMapping], ledger: Ledger) -> OtlpMappings | None:
        """What reads OTLP records through mappings; None without any, so that nobody pays for what he does not use."""
        if not mappings:
            return None
        return OtlpMappings(mappings, MappedRows(self._reader(self._native_names, ledger), ledger.tally))

    def _traces(self, ledger: Ledger) -> TraceReader:
        limits = self._limits
        records = self._reader(self._log_names, ledger)
        return TraceReader(
            spans=SpanReader(limits=limits, requests=self._requests, ledger=ledger),
            calls=ModelCallReader(limits=limits, ledger=ledger),
            mlflow=MlflowReader(limits=limits, ledger=ledger, records=records),
            ledger=ledger,
        )

    def _reader(
        self, vocabulary: Vocabulary, ledger: Ledger, defaults: Mapping[int, str] | None = None
    ) -> RecordReader:
        return RecordReader(
            vocabulary=vocabulary, limits=self._limits, ledger=ledger, schemas=self._schemas, defaults=defaults
        )


def _defaults_of(payload: Payload) -> dict[int, str]:
    """What the records of a door have that lack it."""
    context = payload.context if payload.door is Door.FILE else {}
    return {field: str(context[key]) for key, field in _DEFAULTS.items() if key in context}


def _is_mapped(mappings: Sequence[RecordMapping], shared: Mapping[str, object]) -> bool:
    """Whether one of `mappings` may take the records of a scope."""
    return any(mapping.may_take_any_with(shared) for mapping in mappings)
