"""The exporter in simulated time: everything from decoded records to the text of a scrape is the product's own.

What is left out are sockets, decoding, the queue and its threads: records enter where the writer takes them from the
queue, because making and parsing text would take ten times as long as all that comes after it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import yaml

from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.file import write_baseline
from model_exporter.config.load import load_settings
from model_exporter.config.settings import Limits, Settings
from model_exporter.decode import Decoded, Decoder
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.join import SqliteStore, limits_of
from model_exporter.joining import Joiner
from model_exporter.pairing import Exchanges
from model_exporter.pipeline import Pipeline
from model_exporter.queueing import BoundedQueue
from model_exporter.route import Router
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from scenarios.sender import Subject
from scenarios.traffic import DAY, EPOCH, answer, arrivals, columns, people

BASELINE_DAYS: Final = 14
BASELINE_ROWS: Final = 120_000


class SimulatedExporter:
    """One exporter whose clock is told what time it is.

    Args:
        settings: the configuration.
        folder: for the store of the join.
        now: unix seconds of its start.
    """

    def __init__(self, settings: Settings, folder: Path, now: float) -> None:
        self._now = now
        limits = settings.limits
        self._telemetry = Telemetry()
        self._store = SqliteStore(folder / "join.db", limits_of(limits))
        self._failures: list[BaseException] = []
        fleet = Fleet(settings, learned={}, recorder=self._telemetry, notify=lambda _: None, now=now)
        self._pipeline = Pipeline(
            decoder=Decoder(limits),
            settings=settings,
            queue=BoundedQueue(rows=limits.queue_rows, size=limits.queue_bytes),
            router=Router(limit=limits.models, configured=settings.models),
            fleet=fleet,
            joiner=Joiner(self._store, fleet, self._telemetry),
            exchanges=Exchanges(entries=100, size=1 << 20, wait_seconds=60.0),
            keep=lambda *_: None,
            telemetry=self._telemetry,
            clock=lambda: self._now,
            on_failure=self._failures.append,
        )
        self._renderer = Renderer(process=lambda: None)
        self._report_start(limits)

    def receive(self, records: Sequence[Decoded], now: float) -> None:
        """Have the writer take `records` at `now`."""
        self._now = now
        refusal = self._pipeline._apply(records)
        assert refusal is None, refusal

    def scrape(self, now: float) -> bytes:
        """The text of a scrape at `now`."""
        self._now = now
        self._pipeline._picture.do_all()
        return self._renderer.render(self._pipeline.snapshot, self._telemetry.read(), Format.TEXT)

    def close(self) -> None:
        """Let go of the store."""
        self._store.close()

    def _report_start(self, limits: Limits) -> None:
        """What `app` reports of a start."""
        self._telemetry.set("model_exporter_config_last_reload_successful", value=1.0)
        self._telemetry.set("model_exporter_config_last_reload_success_timestamp_seconds", value=self._now)
        self._telemetry.set("model_exporter_limit", "models", value=limits.models)


def configure(subjects: Sequence[Subject], folder: Path) -> Settings:
    """Settings of `subjects`, loaded from a file that is written to `folder`, with the baselines that it names."""
    _write_baselines([subject.name for subject in subjects], folder)
    document = {"environment": "production", "models": {subject.name: _model(subject) for subject in subjects}}
    path = folder / "model_exporter.yml"
    path.write_text(yaml.safe_dump(document))
    return load_settings(path)


def _model(subject: Subject) -> dict[str, object]:
    return {
        "kind": "classification",
        "owner": subject.owner,
        "tier": 1,
        "runbook_url": f"https://wiki.example.org/{subject.name}",
        "baseline": f"{subject.name}.json",
        "versions": {"approved": ["1.4.2", "1.5.0"]},
        "outcome": {"positive": "fraud", "wait": "1h"},
        "segments": {"region": "segment.region"} if subject.segmented else {},
        "slo": {"availability": 0.99, "latency_seconds": {"p99": 0.2}, "schema_violations": 0.01},
        "thresholds": {
            "source_age_seconds": {"ticket": 2700},
            "label_coverage_ratio": {"ticket": subject.followed / 2},
        },
        "business": {"approval_rate": {"ratio": "prediction == legit"}},
    }


def _write_baselines(models: Sequence[str], folder: Path) -> None:
    """Two weeks of healthy traffic, the same rows for all models, by the product's own builder."""
    random = np.random.default_rng(2026)
    start, rate = EPOCH - BASELINE_DAYS * DAY, BASELINE_ROWS / (BASELINE_DAYS * DAY)
    hours = [arrivals(random, start + 3600 * hour, 3600, rate) for hour in range(24 * BASELINE_DAYS)]
    history = people(random, start, np.concatenate(hours))
    answer(history)
    built = build_baseline(
        columns(history),
        model=models[0],
        created=EPOCH,
        source="history",
        span_seconds=BASELINE_DAYS * DAY,
        times=history.times,
    )
    for model in models:
        write_baseline(replace(built, model=model), folder / f"{model}.json")
