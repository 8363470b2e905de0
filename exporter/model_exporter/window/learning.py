"""Watching live traffic until it makes a baseline."""

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.model import Baseline
from model_exporter.baseline.stability import Stability, stability
from model_exporter.batch import Batch, Column, Role, absent_cells, concatenate, take_cells, take_rows
from model_exporter.config.settings import Learn, ModelSettings
from model_exporter.window.budget import Budget
from model_exporter.window.snapshot import LearningSnapshot

MAX_RESTARTS: Final = 3
"""How often an unstable stretch is extended before its baseline is taken as it is, marked as unstable."""
_CELLS_PER_WORD: Final = 8
"""What a distinct text costs, in cells of a number."""
_MIN_ROWS: Final = 100
_JOINED: Final = 64


@dataclass(frozen=True, slots=True)
class Learned:
    """A finished baseline; `doubt` is empty when the stretch agreed with itself."""

    baseline: Baseline
    doubt: str


@dataclass(frozen=True, slots=True)
class Restarted:
    """The stretch disagreed with itself; learning goes on from its newer half."""

    reason: str


@dataclass(slots=True)
class _Stretch:
    """The rows held, as chunks of each feature's column; every feature has as many cells as there are rows.

    `times` are those of their arrival, in chunks too, which ascend. Batches are joined `_JOINED` at a time, because a
    chunk takes more room than a few cells; some features with each batch, so that no batch has to wait for all.
    """

    chunks: dict[tuple[Role, str], list[Column]] = field(default_factory=dict)
    times: list[NDArray[np.float64]] = field(default_factory=list)
    rows: int = 0
    batches: int = 0

    def append(self, batch: Batch, now: float) -> None:
        present = {(column.role, column.name): column for column in batch.columns}
        for key, column in present.items():
            if key not in self.chunks:
                self.chunks[key] = [absent_cells(column, self.rows)] if self.rows else []
            self.chunks[key].append(column)
        for key, chunks in self.chunks.items():
            if key not in present:
                chunks.append(absent_cells(chunks[0], batch.rows))
        self.times.append(np.full(batch.rows, now))
        self.rows += batch.rows
        self._join_some()

    def _join_some(self) -> None:
        turn = self.batches % _JOINED
        self.batches += 1
        for chunks in islice(self.chunks.values(), turn, None, _JOINED):
            chunks[-_JOINED:] = [concatenate(chunks[-_JOINED:])]
        if turn == 0:
            self.times[-_JOINED:] = [np.concatenate(self.times[-_JOINED:])]

    def frozen(self) -> "_Stretch":
        """The same rows, for another thread."""
        return _Stretch({key: [*chunks] for key, chunks in self.chunks.items()}, [*self.times], self.rows)

    def columns(self) -> list[Column]:
        for key, chunks in self.chunks.items():
            self.chunks[key] = [concatenate(chunks)]
        return [chunks[0] for chunks in self.chunks.values()]

    def arrivals(self) -> NDArray[np.float64]:
        self.times = [np.concatenate(self.times)]
        return self.times[0]

    def keep(self, mask: NDArray[np.bool_]) -> None:
        rows = np.flatnonzero(mask)  # a mask would be looked through for every column anew
        self.chunks = {(c.role, c.name): [take_cells(c, rows)] for c in self.columns()}
        self.times = [self.arrivals()[mask]]
        self.rows = int(np.count_nonzero(mask))

    def cells(self) -> int:
        return self.rows * len(self.chunks) + sum(map(_cost_of_words, self.columns()))

    def cost_of(self, batch: Batch) -> int:
        new = [column for column in batch.columns if (column.role, column.name) not in self.chunks]
        cells = batch.rows * (len(self.chunks) + len(new)) + self.rows * len(new)
        return cells + sum(map(_cost_of_words, batch.columns))


@dataclass(frozen=True, slots=True)
class Study:
    """A stretch that is long enough, with all that it takes to make a baseline of it. It does not change."""

    stretch: _Stretch
    model: str
    settings: ModelSettings
    now: float
    seconds: float

    def work_out(self) -> "Finding":
        """The baseline, and how the stretch agrees with itself. Takes seconds with a thousand features."""
        columns, times = self.stretch.columns(), self.stretch.arrivals()
        features = self.settings.features
        missing = {name: f.missing for name, f in features.items() if f.missing}
        baseline = build_baseline(
            columns,
            model=self.model,
            created=self.now,
            source="live traffic",
            span_seconds=self.seconds,
            times=times,
            types={name: f.type for name, f in features.items() if f.type is not None},
            required={name: f.required for name, f in features.items() if f.required is not None},
            missing=missing,
        )
        agreement = stability(baseline.features, columns, times=times, missing=missing)
        return Finding(baseline, agreement, self.now, self.seconds)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a study found, of the stretch that was `seconds` long at `now`."""

    baseline: Baseline
    agreement: Stability
    now: float
    seconds: float


def _cost_of_words(column: Column) -> int:
    return _CELLS_PER_WORD * len(column.texts.words) if column.texts else 0


class Learner:
    """Collects a model's rows until there are enough of them over a long enough time.

    When more rows come than are needed, a random half of those held is kept and from then on every row has half the
    chance, so that the rows held stay a fair sample of the whole stretch. The randomness is seeded. When there are
    enough the stretch is compared with itself, part by part: a drift while learning would otherwise become what is
    normal. Their times of arrival tell how the rows depend on each other and, over a week or more, the hours apart.

    Args:
        learn: how many rows, over how long.
        budget: cells, shared by all models that learn.
        now: unix seconds.
    """

    def __init__(self, learn: Learn, budget: Budget, now: float) -> None:
        self._learn = learn
        self._budget = budget
        self._started = now
        self._newest = now
        self._seen = 0
        self._share = 1.0
        self._restarts = 0
        self._cells = 0
        self._studied = False
        self._stretch = _Stretch()
        self._random = np.random.default_rng(0)

    def add(self, batch: Batch, now: float) -> bool:
        """Collect a sample of `batch`; False when the budget left no room for it."""
        self._seen += batch.rows
        self._newest = max(self._newest, now)
        if self._studied:
            return True
        if self._share < 1:
            batch = take_rows(batch, np.flatnonzero(self._random.random(batch.rows) < self._share))
        cost = self._stretch.cost_of(batch)
        if not self._budget.take(cost):
            self._thin()
            if not self._budget.take(cost):
                return False
        self._cells += cost
        self._stretch.append(batch, self._newest)
        if self._stretch.rows >= 2 * self._learn.rows:
            self._thin()
        return True

    def progress(self, now: float) -> LearningSnapshot:
        """How far it has come."""
        return LearningSnapshot(self._seen, self._learn.rows, now - self._started, self._learn.stable_for_seconds)

    def study(self, model: str, settings: ModelSettings, now: float) -> "Study | None":
        """What is to be worked out when the stretch is long enough; None while it is too short.

        From then until `conclude` no row is taken.
        """
        seconds = now - self._started
        enough = self._seen >= self._learn.rows and seconds >= self._learn.stable_for_seconds
        if self._studied or not enough or self._stretch.rows < _MIN_ROWS:
            return None
        self._studied = True
        return Study(self._stretch.frozen(), model, settings, now, seconds)

    def conclude(self, finding: "Finding") -> Learned | Restarted:
        """The baseline if the stretch agreed with itself, or was extended often enough; else it is extended."""
        baseline, agreement = finding.baseline, finding.agreement
        if not agreement.stable and self._restarts < MAX_RESTARTS:
            self._studied = False
            self._restarts += 1
            self._started = finding.now - finding.seconds / 2
            self._seen //= 2
            self._stretch.keep(np.arange(self._stretch.rows) >= self._stretch.rows // 2)
            self._settle()
            return Restarted(agreement.describe())
        self.discard()
        doubt = "" if agreement.stable else agreement.describe()
        return Learned(replace(baseline, stable=agreement.stable), doubt)

    def discard(self) -> None:
        """Give back what was reserved; the learner is of no more use."""
        self._stretch = _Stretch()
        self._settle()

    def _thin(self) -> None:
        if self._stretch.rows:
            self._stretch.keep(self._random.random(self._stretch.rows) < 1 / 2)
            self._share /= 2
            self._settle()

    def _settle(self) -> None:
        """Match the reservation to what is held."""
        held = self._stretch.cells()
        self._budget.give_back(self._cells - held)
        self._cells = held
