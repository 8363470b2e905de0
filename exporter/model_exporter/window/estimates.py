"""Performance of predictions whose outcomes are not known yet, from what earlier outcomes said of such scores.

The first outcomes of a version say how often a prediction with this class and this score comes true. That is frozen,
and every prediction from then on is counted by class and score when it is made, so that the estimate is of all
predictions of a window up to now. **It assumes that a score means what it meant**: a change of inputs is seen, a change
of what they mean is not. When the outcomes have come, the estimate for these very predictions is compared with what
became of them, and the difference shows such a change.
"""

from collections.abc import Mapping, Sequence
from math import ceil, nan
from typing import Final, NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, class_of
from model_exporter.config.settings import ModelKind, ModelSettings
from model_exporter.stats.estimates import REASONS, Estimate, Estimator, reference_edges
from model_exporter.window.answers import AnswerReader
from model_exporter.window.cohorts import Cohorts
from model_exporter.window.delays import Delays
from model_exporter.window.kinds import Plan
from model_exporter.window.scoring import Pair, called, score_of
from model_exporter.window.snapshot import ESTIMATED, CohortSnapshot, EstimateError, EstimateSnapshot

PATIENCE: Final = 4
"""So many times the outcomes of a reference may come without enough of them having a score; then none is expected."""
FULL_ROWS: Final = 1000
"""Labels from which on every bin of `reference_edges` holds enough of them to be split by the class predicted."""
BOOKED_ROWS: Final = 2000
"""Predictions that are booked together, or fewer when a snapshot asks for them."""
SAME: Final = 0.01
"""By how much the weight of the predictions that are compared may differ: a restart may have lost some of one side."""
_MEASURES: Final = 5
"""Measures of a classifier of two classes."""

Codes = NDArray[np.int64]
Floats = NDArray[np.float64]


class Realised(NamedTuple):
    """A pair whose prediction gets its outcome (weight > 0), loses it (< 0) or has another now (0)."""

    pair: Pair
    made_at: float
    weight: float


class _Answered(NamedTuple):
    """What estimates need of a pair; outcomes of a reference wait as this."""

    made_at: float
    weight: float
    actual: str | None
    called: str | None
    score: float | None
    own: float | None  # probability of the predicted class

    @classmethod
    def of(cls, realised: Realised) -> Self:
        """That of a pair."""
        facts, name = realised.pair.facts, called(realised.pair.facts)
        own = facts.probabilities.get(name) if facts.probabilities and name is not None else None
        actual = class_of(realised.pair.outcome.value)
        return cls(realised.made_at, realised.weight, actual, name, score_of(facts), own)

    def known(self, of_positive: bool) -> float | None:  # noqa: FBT001  # whose score it is
        """The score of the positive class, or of the predicted one."""
        return self.score if of_positive or self.own is None else self.own


class _Kept(msgspec.Struct, array_like=True, frozen=True):
    """What outlives a restart."""

    classes: tuple[str, ...]
    positive: int | None
    edges: tuple[float, ...]
    labelled: tuple[float, ...]


class _Reference:
    """What is frozen: the calibration, and how to find a prediction's cell."""

    def __init__(self, settings: ModelSettings, kept: _Kept) -> None:
        self.kept = kept
        self.estimator = Estimator(kept.classes, np.array(kept.edges, np.float64), positive=kept.positive)
        self.labelled = np.array(kept.labelled, np.float64)
        self.reader = AnswerReader(settings, kept.classes, positive=kept.positive is not None)
        self.codes = {name: code for code, name in enumerate(kept.classes)}

    def estimate(self, traffic: Floats) -> Estimate:
        return self.estimator.estimate(self.labelled, traffic)


class Estimates:
    """Of one version of a classifier.

    Args:
        settings: of the model.
        delays: of its outcomes, which say where the windows end in which estimates are compared with the truth.
        now: unix seconds.
    """

    def __init__(self, settings: ModelSettings, delays: Delays, now: float) -> None:
        self._settings = settings
        self._cohorts = Cohorts(0, wait=settings.outcome.wait_seconds, now=now, delays=delays)
        self._waiting: list[_Answered] | None = []
        self._reference: _Reference | None = None
        self._counted: list[tuple[Floats, Codes]] = []  # made when and in which cell, not booked yet
        self._rows = 0

    @property
    def revision(self) -> tuple[int, int]:
        """Changes with the state."""
        return self._cohorts.revision, self._rows

    @property
    def series(self) -> int:
        """How many series they take at most."""
        if self._reference is None:
            return 0
        classes = len(self._reference.kept.classes)
        measures = _MEASURES if self._reference.kept.positive is not None else 1 + classes
        return len(ESTIMATED) * (4 * measures + len(REASONS))

    def expect(self, batch: Batch, rows: NDArray[np.intp], now: float) -> None:
        """Count the predictions of `batch` at the indices `rows`; its times are known."""
        reference = self._reference
        if reference is None or not len(rows):
            return
        self.advance(now)
        # Booking costs the same for one row as for thousands, so small batches wait for each other.
        self._counted.append((batch.times[rows], reference.estimator.cells(*reference.reader.read(batch, rows))))
        self._rows += len(rows)
        if self._rows >= BOOKED_ROWS:
            self._book_counted()

    def realise(self, plan: Plan, realised: Sequence[Realised]) -> None:
        """Take note of outcomes: for the reference until it is complete, and for the comparison with estimates."""
        if plan.kind is not ModelKind.CLASSIFICATION:
            return
        if self._reference:
            self._compare(self._reference, [_Answered.of(one) for one in realised])
        elif self._waiting is not None:
            self._waiting += map(_Answered.of, realised)
            self._learn(plan, self._waiting)

    def advance(self, now: float) -> None:
        """Let time pass."""
        self._cohorts.advance(now)

    def snapshot(self, now: float, windows: Sequence[CohortSnapshot]) -> tuple[EstimateSnapshot, ...]:
        """The estimates of each window of `ESTIMATED`, compared with what `windows` say of the truth."""
        reference = self._reference
        if reference is None:
            return ()
        self._book_counted()
        found = []
        for window in windows:
            if window.name not in ESTIMATED:
                continue
            width = reference.estimator.traffic_width
            estimate = reference.estimate(self._cohorts.window(window.name, now, lagged=False).sums[:width])
            joined = self._cohorts.window(window.name, now).sums[width:]
            errors = _errors(reference.estimate(joined), float(joined.sum()), window)
            found.append(EstimateSnapshot(window.name, estimate.measures, estimate.withdrawn, errors))
        return tuple(found)

    def checkpoint(self) -> bytes:
        """The reference, for `restore`; empty while it is not complete."""
        return msgspec.msgpack.encode(self._reference.kept) if self._reference else b""

    def restore(self, checkpoint: bytes) -> bool:
        """Go on with the reference that was kept; False when it cannot be read."""
        if not checkpoint:
            return True
        try:
            kept = msgspec.msgpack.decode(checkpoint, type=_Kept)
            self._begin(_Reference(self._settings, kept))
        except (msgspec.MsgspecError, ValueError):
            return False
        return True

    def _learn(self, plan: Plan, waiting: list[_Answered]) -> None:
        """Freeze the reference when there are enough outcomes with a score."""
        of_positive = plan.tells is not None
        known = [
            one for one in waiting if one.weight > 0 and one.called is not None and one.known(of_positive) is not None
        ]
        needed = self._settings.outcome.reference
        if len(known) < needed:
            if len(waiting) > PATIENCE * needed:
                self._waiting = None
            return
        codes = {name: code for code, name in enumerate(plan.classes)}
        called, scores = _coded(known[:needed], codes, of_positive)
        # Of several classes each has cells of its own: fewer bins then, so that each cell has labels enough.
        cells = 1 if of_positive else len(codes)
        edges = reference_edges(scores)[:: ceil(cells * FULL_ROWS / len(scores))]
        positive = None if plan.tells is None else codes[plan.tells]
        actual = np.array([codes.get(one.actual or "", len(codes)) for one in known[:needed]], np.int64)
        labels = Estimator(plan.classes, edges, positive=positive).labelled(actual, called, scores)
        kept = _Kept(plan.classes, positive, tuple(edges.tolist()), tuple(labels.tolist()))
        reference = _Reference(self._settings, kept)
        self._begin(reference)
        self._compare(reference, waiting)

    def _begin(self, reference: _Reference) -> None:
        if len(reference.labelled) != reference.estimator.labelled_width:
            raise ValueError("the sums are of another length than the classes and bins take")
        self._reference = reference
        self._waiting = None
        self._cohorts.restart(2 * reference.estimator.traffic_width)

    def _compare(self, reference: _Reference, answered: Sequence[_Answered]) -> None:
        """Count predictions that have their outcome by class and score."""
        changed = [one for one in answered if one.weight]
        if changed:
            codes, scores = _coded(changed, reference.codes, reference.kept.positive is not None)
            made_at = np.array([one.made_at for one in changed])
            weights = np.array([one.weight for one in changed])
            self._book(made_at, reference.estimator.cells(codes, scores), weights, joined=True)

    def _book_counted(self) -> None:
        """Book the predictions that were counted."""
        if self._counted:
            times, cells = (np.concatenate(parts) for parts in zip(*self._counted, strict=True))
            self._counted, self._rows = [], 0
            self._book(times, cells, np.ones(len(times)), joined=False)

    def _book(self, made_at: Floats, cells: Codes, weights: Floats, *, joined: bool) -> None:
        width = self._cohorts.width
        slots, places = np.unique(self._cohorts.places(made_at), return_inverse=True)
        at = places * width + cells + (width // 2 if joined else 0)
        sums = np.bincount(at, weights, len(slots) * width).astype(np.float64, copy=False)
        self._cohorts.realised(slots, sums.reshape(len(slots), width), np.zeros(len(slots)))


def _coded(answered: Sequence[_Answered], codes: Mapping[str, int], of_positive: bool) -> tuple[Codes, Floats]:  # noqa: FBT001  # whose score it is
    """The code of the predicted class, -1 for none and their number for others, and the score, NaN for none."""
    called = [-1 if one.called is None else codes.get(one.called, len(codes)) for one in answered]
    scores = [one.known(of_positive) for one in answered]
    return np.array(called, np.int64), np.array([nan if score is None else score for score in scores], np.float64)


def _errors(estimate: Estimate, weight: float, window: CohortSnapshot) -> tuple[EstimateError, ...]:
    """Estimate less realised for predictions that have their outcomes, if both are of the same ones."""
    if not window.labelled > 0 or abs(weight - window.labelled) > SAME * window.labelled:
        return ()
    realised = {(measure.metric, measure.label): measure.value for measure in window.measures}
    return tuple(
        EstimateError(measure.metric, measure.label, measure.value - realised[measure.metric, measure.label])
        for measure in estimate.measures
        if (measure.metric, measure.label) in realised
    )
