"""Performance of predictions whose outcomes are not known yet, from what earlier outcomes said of such scores.

The first outcomes of a version say how often a prediction with this class and this score comes true. That is frozen,
and every prediction from then on is counted by class and score when it is made, so that the estimate is of all
predictions of a window up to now. **It assumes that a score means what it meant**: a change of inputs is seen, a change
of what they mean is not. When the outcomes have come, the estimate for these very predictions is compared with what
became of them, and the difference shows such a change.
"""

from collections.abc import Sequence
from math import ceil, nan
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, Facts, class_of
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
        self._waiting: list[Realised] | None = []
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
        if self._reference is None and self._waiting is not None:
            self._waiting += realised
            self._learn(plan, self._waiting)
        elif self._reference:
            self._compare(self._reference, realised)

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

    def _learn(self, plan: Plan, waiting: list[Realised]) -> None:
        """Freeze the reference when there are enough outcomes with a score."""
        labelled = [(one, *_answer(one.pair.facts, plan.tells is not None)) for one in waiting if one.weight > 0]
        known = [(one, name, score) for one, name, score in labelled if name is not None and score is not None]
        needed = self._settings.outcome.reference
        if len(known) < needed:
            if len(waiting) > PATIENCE * needed:
                self._waiting = None
            return
        known = known[:needed]
        classes, scores = plan.classes, np.array([score for _, _, score in known])
        positive = None if plan.tells is None else classes.index(plan.tells)
        # Of several classes each has cells of its own: fewer bins then, so that each cell has labels enough.
        cells = 1 if positive is not None else len(classes)
        edges = reference_edges(scores)[:: ceil(cells * FULL_ROWS / len(scores))]
        estimator = Estimator(classes, edges, positive=positive)
        codes = {name: code for code, name in enumerate(classes)}
        other = len(classes)
        labels = estimator.labelled(
            np.array([codes.get(class_of(one.pair.outcome.value) or "", other) for one, _, _ in known], np.int64),
            np.array([codes.get(name, other) for _, name, _ in known], np.int64),
            scores,
        )
        kept = _Kept(classes, positive, tuple(edges.tolist()), tuple(labels.tolist()))
        self._begin(_Reference(self._settings, kept))
        if self._reference:
            self._compare(self._reference, waiting)
        self._waiting = None

    def _begin(self, reference: _Reference) -> None:
        if len(reference.labelled) != reference.estimator.labelled_width:
            raise ValueError("the sums are of another length than the classes and bins take")
        self._reference = reference
        self._waiting = None
        self._cohorts.restart(2 * reference.estimator.traffic_width)

    def _compare(self, reference: _Reference, realised: Sequence[Realised]) -> None:
        """Count predictions that have their outcome by class and score."""
        changed = [one for one in realised if one.weight]
        if not changed:
            return
        answers = [_answer(one.pair.facts, reference.kept.positive is not None) for one in changed]
        other = len(reference.codes)
        codes = np.array([-1 if name is None else reference.codes.get(name, other) for name, _ in answers], np.int64)
        scores = np.array([nan if score is None else score for _, score in answers], np.float64)
        made_at, weights = (np.array([getattr(one, name) for one in changed]) for name in ("made_at", "weight"))
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


def _answer(facts: Facts, of_positive: bool) -> tuple[str | None, float | None]:  # noqa: FBT001  # whose score it is
    """The class that was predicted, and the score of the positive class or of the predicted one."""
    name = called(facts)
    if not of_positive and facts.probabilities and name in facts.probabilities:
        return name, facts.probabilities[name]
    return name, score_of(facts)


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
