"""Where the truth comes from: a laboratory that reports what cells really were, seconds after the prediction."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Final, NamedTuple

import numpy as np

from model_exporter.window.cohorts import SLOT_SECONDS

REPORTED: Final = 0.9
"""Share of the predictions whose outcome is ever told."""
DELAY_SECONDS: Final = (2.0, 6.0)
_REMEMBERED_SLOTS: Final = int(3600 / SLOT_SECONDS)


class Report(NamedTuple):
    """The true class of one prediction, and when it is told (unix seconds)."""

    due: float
    prediction: str
    truth: str


@dataclass(slots=True)
class _Slot:
    begin: float
    made: int = 0
    right: int = 0


class Laboratory:
    """Knows of every prediction whether it was right, and reports a fair share of the truth late and out of order.

    Args:
        seed: of the delays, and of what is never reported.

    Attributes:
        told: reports so far.
        told_right: those that agree with the prediction.
    """

    def __init__(self, *, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._waiting: list[Report] = []
        self._slots: deque[_Slot] = deque(maxlen=_REMEMBERED_SLOTS)
        self._right: set[str] = set()
        self.told = 0
        self.told_right = 0

    @property
    def waiting(self) -> int:
        """Reports that are still to come."""
        return len(self._waiting)

    def take(self, prediction: str, *, predicted: str, truth: str, at: float) -> None:
        """Note a prediction made at `at` (unix seconds), none of which is earlier than the one before."""
        begin = at // SLOT_SECONDS * SLOT_SECONDS
        if not self._slots or self._slots[-1].begin != begin:
            self._slots.append(_Slot(begin))
        right = predicted == truth
        self._slots[-1].made += 1
        self._slots[-1].right += right
        if self._random.random() >= REPORTED:
            return
        heappush(self._waiting, Report(at + self._random.uniform(*DELAY_SECONDS), prediction, truth))
        if right:
            self._right.add(prediction)

    def due(self, now: float) -> Iterator[Report]:
        """Reports that are to be told by `now` (unix seconds), each once."""
        while self._waiting and self._waiting[0].due <= now:
            report = heappop(self._waiting)
            self.told += 1
            self.told_right += report.prediction in self._right
            self._right.discard(report.prediction)
            yield report

    def accuracy(self, *, before: float) -> float | None:
        """Share of the predictions made before `before` that were right, reported or not; None without any.

        `before` is rounded down to a multiple of 15 s, as the exporter's windows are. The last hour is remembered.
        """
        end = before // SLOT_SECONDS * SLOT_SECONDS
        slots = [slot for slot in self._slots if slot.begin < end]
        made = sum(slot.made for slot in slots)
        return sum(slot.right for slot in slots) / made if made else None
