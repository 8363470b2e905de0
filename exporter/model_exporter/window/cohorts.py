"""Sums by the time of prediction, for measures whose truth comes late."""

from math import ceil, isfinite, nan
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from model_exporter.config.settings import DAY
from model_exporter.window.delays import Delays
from model_exporter.window.kept_sums import KeptCohorts
from model_exporter.window.snapshot import COHORTS

COVERED: Final = 0.8
"""Share of a window's predictions that must have their truth, or else the window is provisional."""
SLOT_SECONDS: Final = 15.0
"""Length of the shortest slots; state moves on with them."""

_MINUTE, _HOUR = 60.0, 3600.0
_LEVELS: Final = (
    (SLOT_SECONDS, 0.0),
    (5 * _MINUTE, 10 * _MINUTE),
    (15 * _MINUTE, 2 * _HOUR),
    (_HOUR, 12 * _HOUR),
)
_COARSE_AGE: Final = 4 * DAY
_COARSE_SLOTS: Final = 300
"""Slots are 15 s long, from an age of ten minutes on 5 minutes, from two hours on 15 minutes, from 12 hours on an hour,
and from four days on so many hours that there are at most 300 of them; a slot grows once it is old enough as a whole.
With a wait of 7 days that makes at most 460 slots, with one of 30 days 530."""

_PREDICTED, _LABELLED = 0, 1  # columns
SUMS: Final = 2
"""Columns of a slot before its sums."""

Floats = NDArray[np.float64]


class Cohort(NamedTuple):
    """The predictions of one window, as far as their truth is known.

    Attributes:
        sums: float64[width], over those with an outcome.
        predicted: weight of all of them.
        labelled: weight of those with an outcome.
        coverage: share that has an outcome, 0 to 1; NaN without predictions. A slot that knows more outcomes than
            predictions, as after a restart, is covered as far as it knows predictions.
        lag: seconds before now at which the window ends, NaN while too few delays are known; it ends now then.
        provisional: whether what it tells may be of a biased few: because of a coverage below `COVERED`, or because
            it is not known yet how long truth takes.
    """

    sums: Floats
    predicted: float
    labelled: float
    coverage: float
    lag: float
    provisional: bool


class Cohorts:
    """A vector of sums by the time of prediction, in slots that are kept until no window can ask for them.

    Windows end where truth has had time to arrive: at the lag, the 95 % quantile of its delays. Outcomes that come
    fast are a biased sample, so cohorts younger than that are not scored. A window reaches back its length, and up to
    the beginning of the slot there.

    Memory: 8 (width + 2) bytes a slot; see `_COARSE_SLOTS` for how many. All of it is sums: the order in which things
    arrive does not matter, and two replicas add up.

    Args:
        width: length of the vector of sums.
        wait: how long a prediction may wait for its outcome, seconds.
        now: unix seconds.
        delays: of the outcomes, shared with other sums of the same predictions; None for own ones.
    """

    def __init__(self, width: int, *, wait: float, now: float, delays: Delays | None = None) -> None:
        self.delays = delays or Delays()
        self.revision = 0
        self._wait = wait
        self._horizon = wait + max(COHORTS.values())
        hours = max(1, ceil((self._horizon - _COARSE_AGE) / _HOUR / _COARSE_SLOTS))
        self._levels = (*_LEVELS, (hours * _HOUR, _COARSE_AGE)) if hours > 1 else _LEVELS
        self._now = now // SLOT_SECONDS * SLOT_SECONDS
        self._starts = np.zeros(0)
        self._table = np.zeros((0, SUMS + width))

    @property
    def width(self) -> int:
        """Length of the vector of sums."""
        return self._table.shape[1] - SUMS

    @property
    def slots(self) -> int:
        """How many slots hold anything."""
        return len(self._starts)

    @property
    def lag(self) -> float:
        """Seconds that truth is given to arrive; NaN until it is known how long it takes."""
        return self.delays.quantile(at_most=self._wait)

    def places(self, made_at: Floats) -> Floats:
        """The slot of each prediction, by its beginning: float64[n]. Rows of one slot may be summed beforehand."""
        return self._places(made_at)[0]

    def predicted(self, made_at: Floats, weights: Floats) -> None:
        """Count predictions: float64[n] times and weights."""
        slots, places = np.unique(self.places(made_at), return_inverse=True)
        rows = np.zeros((len(slots), self._table.shape[1]))  # not one for each prediction: they are wide
        rows[:, _PREDICTED] = np.bincount(places, weights, len(slots))
        self._add(slots, rows)

    def realised(self, made_at: Floats, sums: Floats, weights: Floats) -> None:
        """Add what is known of predictions by their outcomes: float64[n, width] sums, float64[n] weights.

        A correction adds the sums by the new outcome less those by the earlier one, with weight 0.
        """
        self._add(made_at, np.column_stack([np.zeros(len(made_at)), weights, sums]))

    def advance(self, now: float) -> None:
        """Let time pass: slots grow with age, and leave when no window can ask for them.

        Time that runs backwards is taken as standing still.
        """
        self.delays.advance(now)
        moved = now // SLOT_SECONDS * SLOT_SECONDS
        if moved <= self._now:
            return
        self._now = moved
        self.revision += 1  # windows move even when no slot changes
        if not len(self._starts):
            return
        starts, lengths = self._places(self._starts)
        kept = starts + lengths > self._now - self._horizon
        if kept.all() and np.array_equal(starts, self._starts):
            return
        starts, table = starts[kept], self._table[kept]
        firsts = np.flatnonzero(np.diff(starts, prepend=-np.inf))
        self._starts = starts[firsts]
        self._table = np.add.reduceat(table, firsts) if len(firsts) else table

    def end(self, now: float, *, lagged: bool = True) -> float:
        """Where the windows end, unix seconds: at the beginning of the slot of now less the lag, or else with now's."""
        after = self._now + SLOT_SECONDS
        if not lagged:
            return after
        lag = self.lag
        return float(self._places(np.array([min(now, after) - lag]))[0][0]) if isfinite(lag) else after

    def window(self, name: str, now: float, *, lagged: bool = True) -> Cohort:
        """The cohort of window `name` of `COHORTS`; up to now for sums that need no truth, when it is not `lagged`."""
        lag = self.lag
        end = self.end(now, lagged=lagged)
        begin = end - COHORTS[name]
        _, lengths = self._places(self._starts)
        taken = self._table[(self._starts < end) & (self._starts + lengths > begin)]
        predicted, labelled = taken[:, _PREDICTED], taken[:, _LABELLED]
        most = float(np.maximum(predicted, labelled).sum())
        coverage = float(np.minimum(predicted, labelled).sum()) / most if most > 0 else nan
        return Cohort(
            sums=taken[:, SUMS:].sum(axis=0),
            predicted=float(predicted.sum()),
            labelled=float(labelled.sum()),
            coverage=coverage,
            lag=lag,
            provisional=not (isfinite(lag) and coverage >= COVERED),
        )

    def restart(self, width: int) -> None:
        """Forget all sums, and take others of `width` from now on; how many were predicted is kept."""
        self._table = np.pad(self._table[:, : _PREDICTED + 1], ((0, 0), (0, SUMS - 1 + width)))
        self.revision += 1

    def checkpoint(self) -> KeptCohorts:
        """All slots; the delays are kept by whoever owns them."""
        return KeptCohorts.of(self._starts, self._table)

    def restore(self, kept: KeptCohorts) -> None:
        """Add the slots that were kept, to those that they belong to by now.

        Raises:
            ValueError: they are of another width, or damaged.
        """
        self._add(*kept.slots(self._table.shape[1]))

    def merge(self, other: Self) -> None:
        """Add what `other`, of the same width and wait, holds, as of the later of the two."""
        now = max(self._now, other._now)
        self.advance(now)
        other.advance(now)
        self.delays.merge(other.delays)
        self._add(other._starts, other._table)

    def _add(self, made_at: Floats, rows: Floats) -> None:
        """Add float64[n, columns] rows to the slots of their times; what is too old for any window is left out."""
        starts, lengths = self._places(made_at)
        kept = starts + lengths > self._now - self._horizon
        distinct, inverse = np.unique(starts[kept], return_inverse=True)
        if not len(distinct):
            return
        missing = distinct[~np.isin(distinct, self._starts)]
        if len(missing):
            places = np.searchsorted(self._starts, missing)
            self._starts = np.insert(self._starts, places, missing)
            self._table = np.insert(self._table, places, 0.0, axis=0)
        np.add.at(self._table, np.searchsorted(self._starts, distinct)[inverse], rows[kept])
        self.revision += 1

    def _places(self, times: Floats) -> tuple[Floats, Floats]:
        """Beginning and length of the slot of each time: the longest one that is old enough as a whole."""
        starts = np.floor(times / SLOT_SECONDS) * SLOT_SECONDS
        lengths = np.full(len(times), SLOT_SECONDS)
        for length, age in self._levels[1:]:
            longer = np.floor(times / length) * length
            old = longer + length <= self._now - age
            starts = np.where(old, longer, starts)
            lengths = np.where(old, length, lengths)
        return starts, lengths
