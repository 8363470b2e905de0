"""Exporters in simulated time that tell everything a real one tells, also of themselves."""

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import yaml

from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.file import write_baseline
from model_exporter.batch import Column
from model_exporter.config.load import load_settings
from model_exporter.config.settings import Limits, Settings
from model_exporter.decode import Decoded, Decoder
from model_exporter.expose import catalogue
from model_exporter.expose.process import ProcessUsage, read_process
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.journal import CheckpointFile, Checkpoints
from model_exporter.ports import Door, Encoding, Payload, Signal
from model_exporter.receive import OUTCOMES
from scenarios.exporter import SimulatedExporter
from scenarios.traffic import DAY, EPOCH, answer, arrivals, people
from timelapse.service import USUAL_VERSION, Model
from timelapse.states import State

BASELINE_DAYS: Final = 14
BASELINE_ROWS: Final = 60_000
BASELINE_AGE_SECONDS: Final = 3 * DAY
CHECKPOINT_EVERY_SECONDS: Final = 60.0
_DOORS: Final = (
    (Door.HTTP, Signal.PREDICTIONS),
    (Door.HTTP, Signal.OUTCOMES),
    (Door.HTTP, Signal.EVENTS),
    (Door.OTLP_HTTP, Signal.TRACES),
)


class _Handed(Decoder):
    """Stands where the decoder does, and gives back what was handed over in the place of bytes."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self.next = Decoded()

    def decode(self, _: Payload) -> Decoded:
        """What was handed over last."""
        return self.next


class WatchedExporter(SimulatedExporter):
    """A simulated exporter whose doors, queue, checkpoints and process are counted as well.

    Records pass the queue as they do behind real doors. The process is the one that simulates: what it used is
    measured, and its start is that of the simulation.
    """

    def __init__(self, settings: Settings, folder: Path, now: float) -> None:
        super().__init__(settings, folder, now)
        self._handed = _Handed(settings.limits)
        self._pipeline.reconfigure(self._handed, settings)
        self._started = now
        self._renderer = Renderer(process=self._usage)
        checkpoints = Checkpoints(CheckpointFile(folder / "evidence.checkpoint"), self._telemetry)
        self._pipeline._keep = checkpoints._write  # in this thread: simulated time does not wait for another
        for limit, value in asdict(settings.limits).items():
            self._telemetry.set("model_exporter_limit", limit, value=value)
        for door, signal in _DOORS:
            for outcome in OUTCOMES:
                self._telemetry.count("model_exporter_requests_total", door.value, signal.value, outcome, amount=0)

    def receive(self, records: Sequence[Decoded], now: float) -> None:
        """Take what one service after the other sends at `now`, each kind of record at its door."""
        self._now = now
        for sent in records:
            for door, signal, decoded in _requests(sent):
                self._handed.next = decoded
                body = _written(decoded)
                receipt = self._pipeline.ingest(Payload(door, signal, Encoding.JSON, body, now))
                assert receipt.accepted
                self._telemetry.count("model_exporter_request_bytes_total", door.value, amount=len(body))
                self._telemetry.count(
                    "model_exporter_requests_total",
                    door.value,
                    signal.value,
                    "partial" if decoded.rejected else "success",
                )
        self._pipeline._queue._urgent = True  # simulated time does not linger
        while self._pipeline._queue.rows:
            self._pipeline._write(self._pipeline._queue.take(0))
            self._pipeline._queue._urgent = True
        if round(now) % CHECKPOINT_EVERY_SECONDS == 0:
            self._pipeline._checkpoint.do_all()

    def scrape(self, now: float) -> bytes:
        """The text of a scrape at `now`."""
        started = time.perf_counter()
        text = super().scrape(now)
        self._telemetry.set(catalogue.SCRAPE_DURATION.name, Format.TEXT.value, value=time.perf_counter() - started)
        return text

    def _usage(self) -> ProcessUsage | None:
        usage = read_process()
        return replace(usage, started_at=self._started) if usage else None


def configure(state: State, environment: str, folder: Path) -> Settings:
    """Settings of the models of one environment, loaded from a file that is written to `folder`."""
    models = [model for model in state.models if model.environment == environment and model.owner]
    document = {
        "environment": environment,
        "limits": {"models": max(len(models) + state.room, 1)},
        "models": {model.name: _keys(model) for model in models},
    }
    path = folder / f"{environment}.yml"
    path.write_text(yaml.safe_dump(document))
    return load_settings(path)


def write_baselines(models: Sequence[Model], folder: Path) -> None:
    """Two weeks of healthy traffic, the same rows for all models in each one's words, by the product's own builder."""
    if not models:
        return
    random = np.random.default_rng(2026)
    created = EPOCH - BASELINE_AGE_SECONDS
    start, rate = created - BASELINE_DAYS * DAY, BASELINE_ROWS / (BASELINE_DAYS * DAY)
    hours = [arrivals(random, start + 3600 * hour, 3600, rate) for hour in range(24 * BASELINE_DAYS)]
    history = people(random, start, np.concatenate(hours))
    answer(history)
    built = {
        id(trade): build_baseline(
            trade.columns(history),
            model="",
            created=created,
            source="history",
            span_seconds=BASELINE_DAYS * DAY,
            times=history.times,
        )
        for trade in {id(model.trade): model.trade for model in models}.values()
    }
    for model in models:
        write_baseline(replace(built[id(model.trade)], model=model.name), folder / f"{model.name}.json")


def _keys(model: Model) -> dict[str, object]:
    thresholds: dict[str, object] = {"label_coverage_ratio": {"ticket": model.followed / 2}}
    if model.pipeline:
        thresholds["source_age_seconds"] = {"ticket": 2700}
    return {
        "kind": model.trade.kind,
        "owner": model.owner,
        "tier": model.tier,
        "runbook_url": f"https://wiki.example.org/{model.name}",
        "baseline": f"{model.name}.json",
        "versions": {"approved": [USUAL_VERSION, "1.5.0"]},
        "outcome": model.trade.outcome(),
        "features": {
            next(iter(model.trade.names.values()), "amount"): {"thresholds": {"missing_ratio": {"ticket": 0.02}}}
        },
        "segments": {"region": "segment.region"} if model.segmented else {},
        "slo": {"availability": 0.99, "latency_seconds": {"p95": 0.1, "p99": 0.2}, "schema_violations": 0.01},
        "thresholds": thresholds,
        "business": dict(model.trade.business),
    }


def _requests(sent: Decoded) -> list[tuple[Door, Signal, Decoded]]:
    """What a service sends at once, as the requests that it takes."""
    parts = (
        (Door.HTTP, Signal.PREDICTIONS, Decoded(batches=sent.batches, rejections=sent.rejections)),
        (Door.OTLP_HTTP, Signal.TRACES, Decoded(upstreams=sent.upstreams)),
        (Door.HTTP, Signal.OUTCOMES, Decoded(outcomes=sent.outcomes)),
        (Door.HTTP, Signal.EVENTS, Decoded(events=sent.events)),
    )
    return [part for part in parts if part[2].accepted]


def _written(decoded: Decoded) -> bytes:
    """Records as JSON; nobody reads it, but its size is that of the requests."""
    rows: list[object] = list(decoded.outcomes) + list(decoded.events)
    for batch in decoded.batches:
        columns = (*batch.columns, *batch.context)
        names = ("prediction_id", "timestamp", "latency_seconds", *(column.name for column in columns))
        cells = zip(batch.ids, batch.times.tolist(), batch.latency_seconds.tolist(), *map(_cells, columns), strict=True)
        about = {"model": batch.model, "version": batch.version}
        rows += [about | dict(zip(names, row, strict=True)) for row in cells]
    for calls in decoded.upstreams:
        durations, failed = calls.duration_seconds.tolist(), calls.failed.tolist()
        peers = [calls.upstreams.words[code] for code in calls.upstreams.codes.tolist()]
        rows += [
            {"service": calls.service, "peer": peer, "seconds": seconds, "failed": bad}
            for peer, seconds, bad in zip(peers, durations, failed, strict=True)
        ]
    return msgspec.json.encode(rows)


def _cells(column: Column) -> list[object]:
    if column.texts is None:
        return list(column.numbers.tolist())
    words = (*column.texts.words, None)
    return [words[code] for code in column.texts.codes.tolist()]
