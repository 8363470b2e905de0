"""The work whose instructions `instructions.py` counts; run by it under valgrind: `python instruction_jobs.py MARKS`.

MARKS is the library made of `marks.c`, which tells valgrind where each job begins and ends.
"""

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from benchmarks.bench_decode import SPANS, span_request
from benchmarks.cost.records import Table, json_lines_request, otlp_request
from model_exporter.baseline.build import build_baseline
from model_exporter.batch import Batch
from model_exporter.config.settings import Limits, Settings
from model_exporter.decode import Decoder
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.ports import Encoding, Payload, Signal
from model_exporter.telemetry import Telemetry, TelemetrySnapshot
from model_exporter.window.fleet import Fleet
from model_exporter.window.rolling import SLOT_SECONDS
from otlp_messages import payload

ROWS: Final = 256
NOW: Final = 1_800_000_000.0
NOTHING: Final = TelemetrySnapshot({}, {})


@dataclass(frozen=True, slots=True)
class Job:
    """Work to be counted; `before` it comes what is not counted."""

    name: str
    work: Callable[[], object]
    before: Callable[[], object] = lambda: None


class Watched:
    """A model with a baseline and its page."""

    def __init__(self, batch: Batch) -> None:
        baseline = build_baseline(
            batch.columns, model=batch.model, created=NOW, source="benchmark", span_seconds=None, stable=True
        )
        self._batch = batch
        self._fleet = Fleet(
            Settings(), learned={batch.model: baseline}, recorder=Telemetry(), notify=lambda _: None, now=NOW
        )
        self._renderer = Renderer()
        self._numbers = count(1)
        self._now = NOW

    def update(self) -> None:
        """Add the batch with ids that were never seen."""
        self._fleet.predict(
            self._batch.model, replace(self._batch, keys=self._batch.keys + next(self._numbers)), self._now
        )

    def close_slot(self) -> None:
        """Let the time of a slot pass."""
        self._now += SLOT_SECONDS
        self._fleet.advance(self._now)

    def picture(self) -> None:
        """Freeze what is there."""
        self._fleet.snapshot(self._now)

    def page(self) -> None:
        """Render what is there."""
        self._renderer.render(self._fleet.snapshot(self._now), NOTHING, Format.TEXT)


def jobs() -> Iterator[Job]:
    """From bytes to the page."""
    many, one = (bytes(otlp_request(Table.drawn(rows, 1)).renewed(0)) for rows in (ROWS, 1))
    lines, line = (bytes(json_lines_request(Table.drawn(rows, 1)).renewed(0)) for rows in (ROWS, 1))
    decoder, plain = Decoder(Limits()), Decoder(Limits(), compiled=False)

    def decoding(signal: Signal, encoding: Encoding, body: bytes, decoder: Decoder = decoder) -> Callable[[], object]:
        request: Payload = payload(signal, encoding, body)
        return lambda: decoder.decode(request)

    yield Job("parse by upb, 256 records", lambda: ExportLogsServiceRequest.FromString(many))
    yield Job("decode OTLP, 256 records", decoding(Signal.LOGS, Encoding.PROTOBUF, many))
    yield Job("decode OTLP, 1 record", decoding(Signal.LOGS, Encoding.PROTOBUF, one))
    if decoder.is_compiled:
        yield Job("decode OTLP in Python, 256 records", decoding(Signal.LOGS, Encoding.PROTOBUF, many, plain))
    for name in ("spans, requests", "spans, within a service"):
        body = span_request(ROWS, *SPANS[name]).SerializeToString()
        yield Job(f"decode {name}, 256 spans", decoding(Signal.TRACES, Encoding.PROTOBUF, body))
    yield Job("decode JSON lines, 256 records", decoding(Signal.PREDICTIONS, Encoding.JSON_LINES, lines))
    yield Job("decode JSON lines, 1 record", decoding(Signal.PREDICTIONS, Encoding.JSON_LINES, line))
    if decoder.is_compiled:
        yield Job(
            "decode JSON lines in Python, 256 records",
            decoding(Signal.PREDICTIONS, Encoding.JSON_LINES, lines, plain),
        )
    watched = Watched(decoder.decode(payload(Signal.LOGS, Encoding.PROTOBUF, many)).batches[0])
    yield Job("update, 256 records", watched.update)
    yield Job("slot of 24 features", watched.close_slot, before=watched.update)
    yield Job("snapshot of 24 features", watched.picture, before=watched.update)
    yield Job("page of 24 features, all changed", watched.page, before=watched.update)
    yield Job("page of 24 features, nothing changed", watched.page)


def main() -> None:
    """Do each job twice, and count the second time: the first fills caches."""
    marks = ctypes.CDLL(sys.argv[1])
    gc.disable()
    for job in jobs():
        for number in range(2):
            job.before()
            if number:
                marks.begin_job()
            job.work()
        marks.end_job(job.name.encode())


if __name__ == "__main__":
    main()
