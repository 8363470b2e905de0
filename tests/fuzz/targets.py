"""What is fuzzed: functions that take any bytes, and raise when something is wrong that is not the bytes' fault."""

import json
import math
import random
import tempfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final
from unittest import mock

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from accounts import account, account_of
from fuzz.mutation import WORDS, Mutator, damaged, json_lines, protobuf
from model_exporter.config.load import load_settings
from model_exporter.config.reference import all_keys
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.decode import native as json_doors
from model_exporter.decode.plain import PlainReader
from model_exporter.decode.records import PREDICTION
from model_exporter.decode.tally import Tally
from model_exporter.errors import ConfigError, DecodeError, MappingError, TooLargeError
from model_exporter.expose.catalogue import CATALOGUE
from model_exporter.expose.metric import MetricType
from model_exporter.expose.text import Format, Lines, clean
from model_exporter.indicators import ExpressionError, evaluate, parse
from model_exporter.mapping import PathError, built_in_mappings, parse_path
from model_exporter.mapping.filters import FILTERS
from model_exporter.pairing import Exchange
from model_exporter.ports import Door, Encoding, Payload, Signal
from model_exporter.receive.inflate import Coding, inflate

if TYPE_CHECKING:
    from model_exporter.decode._lines import LineScanner
    from model_exporter.decode._scanner import Scanner

_LIMITS: Final = (Limits(), Limits(record_attributes=12, nesting=3, name_length=24))
_MAPPINGS: Final = built_in_mappings()
_NATIVE: Final = (Signal.PREDICTIONS, Signal.OUTCOMES, Signal.EVENTS)
_CALLS: Final = (
    (Door.CLOUD_EVENTS, "org.kubeflow.serving.inference.request"),
    (Door.CLOUD_EVENTS, "org.kubeflow.serving.inference.response"),
    (Door.CLOUD_EVENTS, "io.seldon.serving.inference.request"),
    (Door.CLOUD_EVENTS, "io.seldon.serving.inference.response"),
    (Door.CLOUD_EVENTS, "io.seldon.serving.feedback"),
    (Door.AZURE_ML, "azureml.inference.model_inputs"),
    (Door.AZURE_ML, "azureml.inference.model_outputs"),
)
_INFLATED: Final = 1 << 20
_LABELLED: Final = next(m for m in CATALOGUE if m.type is MetricType.GAUGE and len(m.labels) == 3)


@dataclass(frozen=True, slots=True)
class Target:
    """One function to fuzz.

    Attributes:
        run: takes a number that chooses between variants, and bytes. Any error that it raises is a finding.
        mutate: changes these bytes.
        words: of the language that the bytes are in.
    """

    run: Callable[[int, bytes], None]
    mutate: Mutator = damaged
    words: tuple[str, ...] = WORDS

    def __call__(self, data: bytes) -> None:
        """Run it on an input, whose first byte is the number."""
        if data:
            self.run(data[0], data[1:])

    @property
    def is_structured(self) -> bool:
        """Whether its mutations know more of the bytes than a fuzzer does."""
        return self.mutate is not damaged

    def mutated(self, data: bytes, seed: int) -> bytes:
        """An input like `data`; the same one of the same seed."""
        generator = random.Random(seed)
        variant = generator.randbytes(1) if not data or generator.random() < 0.02 else data[:1]
        return variant + self.mutate(data[1:], generator)


def _agree(variant: int, request: Payload) -> None:
    """Both decoders tell the same, at first and with what they have learned from it."""
    limits, mappings = _LIMITS[variant & 1], _MAPPINGS if variant & 2 else None
    one, other = Decoder(limits, mappings), Decoder(limits, mappings, compiled=False)
    for _ in range(2):
        assert account(one, request) == account(other, request)


def _payload(door: Door, signal: Signal, encoding: Encoding, body: bytes, **more: object) -> Payload:
    return Payload(door, signal, encoding, body, 1_800_000_000.0, **more)  # type: ignore[arg-type]  # a mapping, a context


def logs(variant: int, body: bytes) -> None:
    """OTLP logs in protobuf."""
    _agree(variant, _payload(Door.OTLP_HTTP, Signal.LOGS, Encoding.PROTOBUF, body))


@cache
def _scanner(variant: int) -> "Scanner":
    from model_exporter.decode.compiled import CompiledLogs  # noqa: PLC0415  # it may not be built

    return CompiledLogs(_LIMITS[variant], lambda _: False)._scanner()


def scanner(variant: int, body: bytes) -> None:
    """The compiled scanner alone, which is many times as fast; the same one for all inputs."""
    scans = _scanner(variant & 1)
    scans.begin(body)
    try:
        for scan in iter(scans.scan, None):
            assert scan.rows <= scan.records_seen
        scans.parts()
    except ValueError:  # not for the scanner
        pass
    finally:
        scans.finish()


@cache
def _lines(variant: int) -> "LineScanner":
    from model_exporter.decode.compiled_lines import CompiledLines  # noqa: PLC0415  # it may not be built

    return CompiledLines(_LIMITS[variant])._scanner()


def lines(variant: int, body: bytes) -> None:
    """The compiled scanner of predictions in JSON alone; the same one for all inputs."""
    scans = _lines(variant & 1)
    try:
        scans.open(body, bool(variant & 2))
        for scan in iter(scans.scan, None):
            assert scan.rows <= scan.records_seen
        scans.parts()
    except ValueError:  # not for the scanner
        pass
    finally:
        scans.finish()


def probe(variant: int, body: bytes) -> None:
    """What a probe is sure of, both decoders take whole, alone and behind a request like it."""
    limits, mappings = _LIMITS[variant & 1], _MAPPINGS if variant & 2 else None
    decoder, python = Decoder(limits, mappings), Decoder(limits, mappings, compiled=False)
    request = _payload(Door.OTLP_HTTP, Signal.LOGS, Encoding.PROTOBUF, body)
    for _ in range(2):
        told = decoder.probe(request)
        if told is None:
            return
        for one in (decoder, python):
            decoded = one.decode(request)
            assert decoded.is_all_well
            assert told == (decoded.accepted, sum((decoded.ignored or {}).values()))
        assert sum(decoded.accepted for decoded in decoder.decode_probed([body, body])) == 2 * told[0]


def traces(variant: int, body: bytes) -> None:
    """OTLP traces in protobuf."""
    _agree(variant, _payload(Door.OTLP_HTTP, Signal.TRACES, Encoding.PROTOBUF, body))


def otlp_json(variant: int, body: bytes) -> None:
    """OTLP logs and traces in JSON."""
    _agree(variant, _payload(Door.OTLP_HTTP, (Signal.LOGS, Signal.TRACES)[variant >> 2 & 1], Encoding.JSON, body))


def native(variant: int, body: bytes) -> None:
    """Predictions, outcomes and events as JSON and JSON lines: compiled, by columns and one by one."""
    encoding = (Encoding.JSON, Encoding.JSON_LINES)[variant >> 2 & 1]
    request = _payload(Door.HTTP, _NATIVE[(variant >> 3) % 3], encoding, body)
    limits = _LIMITS[variant & 1]
    compiled, one, other = Decoder(limits), Decoder(limits, compiled=False), Decoder(limits, compiled=False)
    for _ in range(2):
        told = account(one, request)
        assert account(compiled, request) == told
        with mock.patch.object(json_doors, "read_predictions", _read_one_by_one):
            assert account(other, request) == told


def _read_one_by_one(body: bytes, reader: PlainReader, tally: Tally) -> None:
    json_doors.read_native(body, PREDICTION, reader._reader, tally)


def mapped(variant: int, body: bytes) -> None:
    """Records of other systems as JSON and JSON lines."""
    encoding = (Encoding.JSON, Encoding.JSON_LINES)[variant >> 2 & 1]
    names = ["", *sorted(_MAPPINGS)]
    _agree(2 | variant, _payload(Door.HTTP, Signal.RECORDS, encoding, body, mapping=names[(variant >> 3) % len(names)]))


def exchanges(variant: int, body: bytes) -> None:
    """Events of payload loggers: a structured one, or two halves of a call in binary mode, a NUL line between them."""
    decoder = Decoder(_LIMITS[variant & 1], _MAPPINGS)
    contexts: list[tuple[Door, Mapping[str, object]]] = [(Door.CLOUD_EVENTS, MappingProxyType({}))]
    if variant & 2:
        place = (variant >> 2) % len(_CALLS)
        contexts = [
            (door, {"event": {"id": "1", "requestid": "1", "x-request-id": "1", "modelid": "m", "type": kind}})
            for door, kind in _CALLS[place : place + 2]
        ]
    bodies = body.split(b"\n\0\n", 1)
    halves = {}
    for (door, context), part in zip(contexts, bodies, strict=False):
        with suppress(DecodeError):
            half = decoder.half(_payload(door, Signal.EXCHANGES, Encoding.JSON, part, context=context))
            if half is not None:
                halves[half.side] = half
    if halves:
        account_of(decoder.decode_exchange(Exchange(halves)))


def gzip(variant: int, body: bytes) -> None:
    """Compressed bodies: what zlib inflates is what comes out."""
    coding = (Coding.GZIP, Coding.DEFLATE)[variant & 1]
    try:
        made = inflate(body, coding, limit=_INFLATED)
    except (DecodeError, TooLargeError):
        return
    assert len(made) <= _INFLATED
    stream = zlib.decompressobj(coding.value)
    with suppress(zlib.error):
        assert made.startswith(stream.decompress(body, _INFLATED))


def paths(_variant: int, body: bytes) -> None:
    """The path language of mappings: a line with a path, and a record that it is followed in."""
    text, _, record = body.decode("utf-8", "replace").partition("\n")
    try:
        path = parse_path(text)
    except PathError as error:
        assert 1 <= error.column <= len(text) + 1
        return
    with suppress(ValueError, MappingError, RecursionError):  # no JSON, or text that a filter makes of lists in lists
        path.value(json.loads(record))


def indicators(_variant: int, body: bytes) -> None:
    """The language of business indicators."""
    text = body.decode("utf-8", "replace")
    try:
        expression = parse(text)
    except ExpressionError as error:
        assert 1 <= error.column <= len(text) + 1
        assert error.problem
        assert error.remedy
        return
    assert evaluate(expression, {}, 2).shape == (2,)


def config(_variant: int, body: bytes) -> None:
    """Configuration files."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "exporter.yml"
        file.write_bytes(body)
        try:
            load_settings(file)
        except ConfigError as error:
            assert str(error).startswith(str(file))
            assert len(str(error).splitlines()) == 1


def exposition(variant: int, body: bytes) -> None:
    """Label values and numbers: what Prometheus' own parser reads is what was written."""
    values = body.decode("utf-8", "surrogateescape").split("\x1f", 2)
    labels = [*values, "", ""][:3]
    numbers = (0.0, -1.5, 1e300, 2.0**63, 5e-324, math.inf, -math.inf, math.nan)
    lines = Lines()
    lines.sample(_LABELLED, tuple(labels), numbers[(variant >> 1) % len(numbers)])
    form, read = ((Format.TEXT, parse_text), (Format.OPENMETRICS, parse_openmetrics))[variant & 1]
    text = lines.exposition(form, last=True).decode("utf-8")
    (sample,) = (sample for family in read(text) for sample in family.samples)
    assert sample.name == _LABELLED.name
    assert sample.labels == dict(zip(_LABELLED.labels, map(clean, labels), strict=True))
    assert repr(float(sample.value)) == repr(numbers[(variant >> 1) % len(numbers)])


_PATH_WORDS: Final = (
    *(f"|{name}" for name in FILTERS),
    "[*]",
    "[0]",
    "[-1]",
    ".*",
    '."a b"',
    "$door",
    "\\",
    "{a: [1]}",
    "\n",
)
_INDICATOR_WORDS: Final = (
    *("prediction", "score", "feature.a", 'feature."a b"', "value.v", "outcome", "latency", "true", "and", "or", "not"),
    *("==", "!=", "<=", ">=", "(", ")", "+", "-", "*", "/", "1e9", ".5", "'x'", "\\'"),
)
_CONFIG_WORDS: Final = tuple(sorted({word for path, _ in all_keys() for word in path.split(".")}))

TARGETS: Final[Mapping[str, Target]] = {
    "logs": Target(logs, protobuf(ExportLogsServiceRequest.DESCRIPTOR)),
    "scanner": Target(scanner, protobuf(ExportLogsServiceRequest.DESCRIPTOR)),
    "probe": Target(probe, protobuf(ExportLogsServiceRequest.DESCRIPTOR)),
    "traces": Target(traces, protobuf(ExportTraceServiceRequest.DESCRIPTOR)),
    "otlp_json": Target(otlp_json, json_lines),
    "native": Target(native, json_lines),
    "lines": Target(lines, json_lines),
    "mapped": Target(mapped, json_lines),
    "exchanges": Target(exchanges, json_lines),
    "gzip": Target(gzip, words=("\x1f\x8b\x08",)),
    "paths": Target(paths, words=_PATH_WORDS),
    "indicators": Target(indicators, words=_INDICATOR_WORDS),
    "config": Target(config, words=_CONFIG_WORDS),
    "exposition": Target(exposition, words=("\x1f", "\\n", "\\\\", '"', "\n", "\r", "\u2028", "\x85", "#", "{", "}")),
}
