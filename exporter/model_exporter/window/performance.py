"""What outcomes tell of one version of a model."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace as changed
from typing import Final, NamedTuple

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from model_exporter.baseline.model import Baseline
from model_exporter.batch import Batch, Facts, Joined, Outcome
from model_exporter.config.settings import Limits, ModelSettings
from model_exporter.window.business import Business
from model_exporter.window.cohorts import SUMS, Cohorts
from model_exporter.window.estimates import Estimates, Realised
from model_exporter.window.facts import Calls, FactsReader
from model_exporter.window.group_performance import GroupPair, GroupPerformance
from model_exporter.window.kept import KeptVersion
from model_exporter.window.kept_performance import KeptPair, KeptPerformance, KeptPlan
from model_exporter.window.kinds import Plan
from model_exporter.window.performance_reference import PerformanceReference
from model_exporter.window.performance_verdicts import PerformanceVerdicts
from model_exporter.window.recommended import SERIES as RECOMMENDED_SERIES
from model_exporter.window.recommended import Recommended
from model_exporter.window.scoring import Pair, Scorer
from model_exporter.window.segments import Grouped
from model_exporter.window.snapshot import (
    COHORTS,
    DELAY_BUCKETS,
    LEVELS,
    CohortSnapshot,
    Fault,
    PerformanceSnapshot,
)

EARLY_PAIRS: Final = 500
"""Pairs that are kept to score them again when a class or a horizon turns up that there was none of before; then the
names are frozen, and later ones share `_other`."""

FIXED_SERIES: Final = 3 * len(COHORTS) + len(DELAY_BUCKETS) + 6 + 3 * len(LEVELS)
"""Coverage, sizes and state of the windows, the delays, the lag and the counts of joins, and the verdicts."""

Faults = Counter[Fault]


class _Booking(NamedTuple):
    """A pair that enters (sign 1) or leaves (-1) the cohort of its prediction."""

    pair: Pair
    made_at: float
    sign: int
    first: bool  # the first outcome that the counters book
    labels: int  # 1 where the prediction had no outcome before, -1 where it has none any more, 0 for corrections


class Performance:
    """Sums of one model version by the time of prediction, and since the start.

    Counters of Prometheus can only grow: they keep the first outcome of a prediction. Windows follow the last one.

    Args:
        version: of the model.
        settings: of the model.
        baseline: of the model; its classes and score bins are taken over.
        now: unix seconds.
        reader: tells the groups of the model's segments; None without segments.
        groups_per_segment: as in `Limits`.
        reference: what the versions of the model are compared with; None for one of this version alone.
    """

    def __init__(
        self,
        version: str,
        settings: ModelSettings,
        baseline: Baseline | None,
        now: float,
        *,
        reader: FactsReader | None = None,
        groups_per_segment: int = Limits().groups_per_segment,
        reference: PerformanceReference | None = None,
    ) -> None:
        self.version = version
        self._since = now
        self._newest: float | None = None
        self._settings = settings
        self._baseline = baseline
        self._cohorts = Cohorts(0, wait=settings.outcome.wait_seconds, now=now)
        self._reader = reader
        self._groups: GroupPerformance | None = None
        if reader and reader.segments.segments:
            self._groups = GroupPerformance(
                settings, reader.segments, limit=groups_per_segment, delays=self._cohorts.delays, now=now
            )
        self._business: Business | None = None
        if settings.business:
            self._business = Business(settings, delays=self._cohorts.delays, now=now)
        self._recommended: Recommended | None = None
        self._verdicts = PerformanceVerdicts(reference or PerformanceReference(settings), now)
        self._estimates = Estimates(settings, self._cohorts.delays, now)
        self._plan: Plan | None = None
        self._scorer: Scorer | None = None
        self._early: list[_Booking] | None = []
        self._totals = np.zeros(0)
        self._joined = 0
        self._corrections = 0
        self._snapshot: tuple[tuple[object, ...], PerformanceSnapshot] | None = None

    @property
    def series(self) -> int:
        """How many series it takes at most."""
        of_groups = self._groups.series if self._groups else 0
        of_business = self._business.series if self._business else 0
        of_items = RECOMMENDED_SERIES if self._recommended else 0
        of_scores = self._scorer.series if self._scorer else 0
        return FIXED_SERIES + of_groups + of_business + of_items + of_scores + self._estimates.series

    @property
    def awaited_until(self) -> float | None:
        """Until when outcomes of its predictions may come, unix seconds; None before the first prediction."""
        return None if self._newest is None else self._newest + self._settings.outcome.wait_seconds

    def keep(self, kept: KeptVersion, rests_on: str) -> KeptVersion:
        """`kept` with what of this state outlives a restart, under the digest of what its sums rest on."""
        return changed(
            kept,
            sums=self._checkpoint(rests_on),
            awaited_until=self.awaited_until,
            performance_drift=self._verdicts.checkpoint(),
            estimates=self._estimates.checkpoint(),
        )

    def _checkpoint(self, rests_on: str) -> bytes:
        """All but the counts since the start."""
        early = None
        if self._early is not None:
            early = tuple(
                KeptPair.of(one.pair, made_at=one.made_at, sign=one.sign, labels=one.labels) for one in self._early
            )
        kept = KeptPerformance(
            rests_on,
            self._since,
            self._newest,
            plan=KeptPlan.of(self._plan) if self._plan else None,
            early=early,
            cohorts=self._cohorts.checkpoint(),
            delays=self._cohorts.delays.checkpoint(),
            groups=self._groups.checkpoint() if self._groups else None,
        )
        return kept.encode()

    def restore(self, kept: KeptVersion, rests_on: str) -> bool:
        """Go on, before anything was counted, from what was kept, with the counters at 0.

        Returns:
            False when the evidence or the estimates do not fit any more and are let go.

        Raises:
            ValueError: it rests on something else or is damaged; what is here now is of no use.
        """
        self._restore_sums(KeptPerformance.decode(kept.sums), rests_on)
        return self._verdicts.restore(kept.performance_drift) & self._estimates.restore(kept.estimates)

    def _restore_sums(self, kept: KeptPerformance, rests_on: str) -> None:
        if kept.rests_on != rests_on:
            raise ValueError("what outcomes or groups mean has changed")
        self._since, self._newest = min(kept.since, self._since), kept.newest
        self._early = None
        if kept.early is not None:  # the counters of this run know nothing of these
            self._early = [
                _Booking(one.pair(), one.made_at, one.sign, first=False, labels=one.labels) for one in kept.early
            ]
        if kept.plan:
            self._plan = kept.plan.plan()
        if self._plan and kept.cohorts.sums.columns > SUMS:
            self._scorer = self._plan.scorer()
            self._cohorts.restart(self._scorer.width)
            self._totals = np.zeros(self._scorer.width)
        self._cohorts.restore(kept.cohorts)
        self._cohorts.delays.restore(kept.delays)
        if self._groups and self._plan:
            self._groups.score_as(self._plan.kind)
        if self._groups and kept.groups:
            self._groups.restore(kept.groups)

    def expect(self, made_at: NDArray[np.float64], now: float) -> None:
        """Count predictions, float64[n] unix seconds; not all of them can get an outcome."""
        self.advance(now)
        self._note_newest(made_at)
        self._cohorts.predicted(made_at, np.ones(len(made_at)))

    def expect_answers(self, batch: Batch, rows: NDArray[np.intp], now: float) -> None:
        """Count what was predicted in the rows of `batch`, whose times are known, whether or not they can be joined."""
        self._estimates.expect(batch, rows, now)

    def expect_groups(self, grouped: Grouped, calls: Calls) -> None:
        """Count predictions by group, those that did not fail by what was predicted, too."""
        if self._groups:
            self._groups.expect(grouped, calls)

    def count_business(self, batch: Batch, rows: NDArray[np.intp]) -> None:
        """Count the business indicators of predictions, the `rows` of `batch`, whose times are all known."""
        if self._business:
            self._business.predict(batch, rows)

    def count_items(self, rankings: Sequence[tuple[str, ...]], now: float) -> None:
        """Count the items that predictions list, empty for a prediction without."""
        if self._recommended is None and any(rankings):
            settings = self._settings
            self._recommended = Recommended(catalogue=settings.catalogue, usual=settings.learn.rows)
        if self._recommended:
            self._recommended.add(rankings, now)

    def recent_business(self) -> NDArray[np.float64] | None:
        """See `Business.take_recent`."""
        return self._business.take_recent() if self._business else None

    def realise(self, joined: Sequence[Joined], now: float) -> Faults:
        """Add predictions with their outcomes; returns those that tell nothing, by reason."""
        self.advance(now)
        self._note_newest(np.array([one.prediction.made_at for one in joined]))
        faults: Faults = Counter()
        bookings: list[_Booking] = []
        readable: list[tuple[Joined, Facts]] = []
        for one in joined:
            facts = Facts.decode(one.prediction.facts)
            if facts is None:
                faults[Fault.FORMAT] += 1
                continue
            if self._reader and facts.layout != self._reader.layout:
                facts = replace(facts, groups=(), fields=())  # of segments and indicators as configured before
            readable.append((one, facts))
            if self._plan is None and (one.outcome.value is not None or one.outcome.items):
                self._plan = Plan.first(self._settings, self._baseline, Pair(facts, one.outcome, 1.0))
                if self._groups:
                    self._groups.score_as(self._plan.kind)
            fault = self._plan.fault(facts, one.outcome) if self._plan else Fault.NO_VALUE
            if fault:
                faults[fault] += 1
            bookings += self._bookings(one, facts, usable=fault is None)
        if self._business:
            self._business.realise(readable)
        if bookings and self._plan:
            self._note_delays([booking for booking in bookings if booking.labels > 0], now)
            is_frozen = self._scorer is not None and self._early is None
            plan = self._plan if is_frozen else self._plan.grown([booking.pair for booking in bookings])
            self._enter(bookings, plan)
            if self._groups:
                self._groups.realise([GroupPair(b.pair, b.made_at, b.sign, b.first) for b in bookings])
            self._verdicts.take(plan.kind, [booking.pair for booking in bookings if booking.first])
            self._estimates.realise(plan, [Realised(b.pair, b.made_at, b.labels * b.pair.weight) for b in bookings])
        return faults

    def advance(self, now: float) -> None:
        """Let time pass."""
        self._cohorts.advance(now)
        self._verdicts.advance(now)
        self._estimates.advance(now)
        if self._groups:
            self._groups.advance(now, is_binary=self._is_binary)
        if self._business:
            self._business.advance(now)
        if self._recommended:
            self._recommended.advance(now)

    def adjust(self, settings: ModelSettings) -> None:
        """Take over settings that change nothing of what outcomes mean."""
        self._settings = settings
        if self._groups:
            self._groups.fairness_gap = settings.fairness_gap
        if self._business:
            self._business.judge_by(settings.drift)
        if self._recommended:
            self._recommended.catalogue = settings.catalogue

    def snapshot(self, now: float) -> PerformanceSnapshot:
        """Freeze the state as of the last `advance`; the same object again when nothing changed."""
        of_groups = self._groups.revision if self._groups else None
        of_business = self._business.revision if self._business else None
        of_items = (self._recommended.revision, self._settings.catalogue) if self._recommended else None
        parts = (of_groups, of_business, of_items, self._verdicts.slots, self._estimates.revision)
        revision = self._cohorts.revision, self._cohorts.end(now), self._joined, self._corrections, parts
        if self._snapshot is None or self._snapshot[0] != revision:
            self._snapshot = revision, self._freeze(now)
        return self._snapshot[1]

    def _freeze(self, now: float) -> PerformanceSnapshot:
        windows = tuple(self._window(name, now) for name in COHORTS)
        return PerformanceSnapshot(
            version=self.version,
            joined=self._joined,
            corrections=self._corrections,
            delay=self._cohorts.delays.snapshot(),
            lag=self._cohorts.lag,
            windows=windows,
            counters=tuple(self._scorer.counts(self._totals)) if self._scorer else (),
            segments=self._groups.snapshot(now, is_binary=self._is_binary) if self._groups else (),
            business=self._business.snapshot(now) if self._business else (),
            recommended=self._recommended.snapshot() if self._recommended else (),
            drift=self._verdicts.snapshot,
            estimates=self._estimates.snapshot(now, windows),
        )

    @property
    def _is_binary(self) -> bool:
        if self._settings.outcome.positive is not None:
            return True
        if self._plan is None:
            return self._groups is not None and self._groups.looks_binary
        return self._plan.tells is not None

    def _bookings(self, one: Joined, facts: Facts, *, usable: bool) -> list[_Booking]:
        """What a pair changes: it enters, or replaces what the earlier outcome of its prediction was."""
        made_at, weight = one.prediction.made_at, 1 / one.rate
        earlier = one.corrects
        if earlier is None or self._plan is None or self._plan.fault(facts, earlier):
            entered = _Booking(Pair(facts, one.outcome, weight), made_at, 1, first=True, labels=1)
            return [entered] if usable else []
        if _says_the_same(earlier, one.outcome):
            return []
        self._corrections += 1
        if made_at < self._since:
            return []  # nobody knows whether the earlier one was booked here or before a restart
        left = _Booking(Pair(facts, earlier, weight), made_at, -1, first=False, labels=0 if usable else -1)
        if not usable:
            return [left]
        return [left, _Booking(Pair(facts, one.outcome, weight), made_at, 1, first=False, labels=0)]

    def _note_newest(self, made_at: NDArray[np.float64]) -> None:
        if len(made_at):
            newest = float(made_at.max())
            self._newest = newest if self._newest is None else max(newest, self._newest)

    def _note_delays(self, bookings: Sequence[_Booking], now: float) -> None:
        self._joined += len(bookings)
        if bookings:
            made_at = np.array([booking.made_at for booking in bookings])
            weights = np.array([booking.pair.weight for booking in bookings])
            self._cohorts.delays.add(now - made_at, weights, now)

    def _enter(self, bookings: list[_Booking], plan: Plan) -> None:
        """Book by `plan`, with new sums for all pairs so far when it has new names early enough."""
        if self._scorer is None or plan != self._plan:
            self._plan, self._scorer = plan, plan.scorer()
            self._cohorts.restart(self._scorer.width)
            self._totals = np.zeros(self._scorer.width)
            if self._early:
                self._book(self._early, self._scorer)
        if self._early is not None:
            early = [*self._early, *bookings]
            self._early = early if len(early) <= EARLY_PAIRS else None
        self._book(bookings, self._scorer)

    def _book(self, bookings: Sequence[_Booking], scorer: Scorer) -> None:
        """Add to the cohorts, sums of one slot together, and first outcomes to the totals."""
        slots, places = np.unique(
            self._cohorts.places(np.array([booking.made_at for booking in bookings])), return_inverse=True
        )
        sums = np.zeros((len(slots), scorer.width))
        signs = np.array([booking.sign for booking in bookings])
        for sign in (1, -1):
            rows = np.flatnonzero(signs == sign)
            if len(rows):
                pairs = [bookings[row].pair for row in rows.tolist()]
                sums += sign * scorer.sums_by(pairs, places[rows].astype(np.int64), len(slots))
        labels = np.array([booking.labels * booking.pair.weight for booking in bookings])
        self._cohorts.realised(slots, sums, np.bincount(places, labels, len(slots)).astype(np.float64))
        first = [booking.pair for booking in bookings if booking.first]
        if first:
            self._totals += scorer.sums_by(first, np.zeros(len(first), np.int64), 1)[0]

    def _window(self, name: str, now: float) -> CohortSnapshot:
        cohort = self._cohorts.window(name, now)
        measures = self._scorer.measures(cohort.sums) if self._scorer else []
        return CohortSnapshot(
            name, cohort.predicted, cohort.labelled, cohort.coverage, cohort.provisional, tuple(measures)
        )


def _says_the_same(one: Outcome, other: Outcome) -> bool:
    """Whether two outcomes tell the same of performance; they may differ in time and in business values."""
    return type(one.value) is type(other.value) and one.value == other.value and one.items == other.items
