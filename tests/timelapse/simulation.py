"""A state in simulated time: everything that Prometheus would have scraped."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from timelapse.recording import Recorder, Recording, parse_scrape
from timelapse.service import Service
from timelapse.states import START, State
from timelapse.watched import WatchedExporter, configure, write_baselines

STEP_SECONDS: Final = 30.0
"""How much traffic is sent at once: two slots of the exporter's evidence, at little more than the cost of one."""
SCRAPE_SECONDS: Final = 60.0
_BEFORE_THE_END: Final = 0.5
"""How long before the end of a slot its traffic arrives, seconds."""


class _Place:
    """An exporter, the services that send to it, and how Prometheus calls it."""

    def __init__(self, state: State, environment: str, replica: int, folder: Path) -> None:
        folder.mkdir()
        self.exporter = WatchedExporter(configure(state, environment, folder.parent), folder, START)
        self._services = [
            Service(model, replica)
            for model in state.models
            if model.environment == environment and model.replicas > replica
        ]
        suffix = "" if environment == "production" else f"-{environment}"
        self._target = {"job": "model_exporter", "instance": f"model-exporter{suffix}-{replica}:19464"}

    def step(self, now: float) -> None:
        """Send what services have sent in the step that ends at `now`."""
        sent = [service.step(now - STEP_SECONDS, STEP_SECONDS) for service in self._services]
        self.exporter.receive(sent, now - _BEFORE_THE_END)

    def scrape(self, now: float) -> list[tuple[str, float]]:
        """What Prometheus keeps of a scrape: its samples, and what it says of the scrape itself."""
        started = time.perf_counter()
        samples = list(parse_scrape(self.exporter.scrape(now).decode(), self._target))
        took = time.perf_counter() - started
        about = {"up": 1.0, "scrape_duration_seconds": took, "scrape_samples_scraped": float(len(samples))}
        labels = ",".join(f'{label}="{value}"' for label, value in self._target.items())
        return samples + [(f"{name}{{{labels}}}", value) for name, value in about.items()]


def simulate(state: State, folder: Path) -> Recording:
    """Run `state`; returns all scrapes of all of its exporters."""
    write_baselines([model for model in state.models if model.owner], folder)
    seconds = state.history + state.lead
    recorder = Recorder(SCRAPE_SECONDS, round(seconds / SCRAPE_SECONDS) + 1, START)
    environments = dict.fromkeys(["production", *(model.environment for model in state.models)])
    with ExitStack() as stack:
        places = []
        for environment in environments:
            replicas = max([1, *(model.replicas for model in state.models if model.environment == environment)])
            for replica in range(replicas):
                places.append(_Place(state, environment, replica, folder / f"{environment}-{replica}"))
                stack.callback(places[-1].exporter.close)
        for place in places:
            recorder.add(0, place.scrape(START))
        for number in range(1, round(seconds / STEP_SECONDS) + 1):
            now = START + number * STEP_SECONDS
            for place in places:
                place.step(now)
                if now % SCRAPE_SECONDS == 0:
                    recorder.add(round((now - START) / SCRAPE_SECONDS), place.scrape(now))
    return recorder.finish()
