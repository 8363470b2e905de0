"""A fleet in simulated time: traffic, exporters, and what Prometheus would have scraped of them."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from scenarios.capture import Tape
from scenarios.exporter import SimulatedExporter, configure
from scenarios.sender import Sender, Subject
from scenarios.traffic import EPOCH

STEP_SECONDS: Final = 15.0
"""How much traffic is sent at once: a slot of the exporter's evidence."""
SCRAPE_SECONDS: Final = 60.0
_BEFORE_THE_END: Final = 0.5
"""How long before the end of a slot its traffic arrives, seconds."""


def simulate(
    subjects: Sequence[Subject], *, seconds: float, names: frozenset[str], folder: Path, step: float = STEP_SECONDS
) -> list[Tape]:
    """Run `subjects` for so many seconds; returns the tape of each exporter.

    Args:
        subjects: the models; each replica of them has an exporter, which those of other models share.
        seconds: from `EPOCH` on.
        names: metrics that are kept.
        folder: for configuration, baselines and stores.
        step: how much traffic is sent at once, seconds.
    """
    settings = configure(subjects, folder)
    replicas = max(subject.replicas for subject in subjects)
    senders = [[Sender(one, replica) for one in subjects if one.replicas > replica] for replica in range(replicas)]
    tapes = [
        Tape(names, {"job": "model_exporter", "instance": f"exporter-{replica}:19464"}, EPOCH)
        for replica in range(replicas)
    ]
    with ExitStack() as stack:
        exporters = []
        for replica in range(replicas):
            own = folder / f"replica-{replica}"
            own.mkdir()
            exporters.append(SimulatedExporter(settings, own, EPOCH))
            stack.callback(exporters[-1].close)
        for exporter, tape in zip(exporters, tapes, strict=True):
            tape.add(exporter.scrape(EPOCH).decode())
        for number in range(1, round(seconds / step) + 1):
            now = EPOCH + number * step
            for exporter, tape, sending in zip(exporters, tapes, senders, strict=True):
                exporter.receive([sender.step(now - step, step) for sender in sending], now - _BEFORE_THE_END)
                if now % SCRAPE_SECONDS == 0:
                    tape.add(exporter.scrape(now).decode())
    return tapes
