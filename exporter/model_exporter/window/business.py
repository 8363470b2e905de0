"""The business indicators of one model version: sums since the start and by the time of prediction."""

from collections.abc import Sequence
from math import nan
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, Facts, Joined, Outcome, Scalar
from model_exporter.config.settings import Drift, ModelSettings
from model_exporter.indicators import (
    SUMS,
    Form,
    Indicator,
    Terms,
    kept_fields,
    outcome_columns,
    prediction_columns,
    sums_by,
)
from model_exporter.stats.intervals import Interval, wilson
from model_exporter.stats.measure import MIN_MEAN_ROWS, MIN_RATE_ROWS
from model_exporter.stats.ratios import RatioSums, ratio_interval
from model_exporter.stats.tally import cleared
from model_exporter.window.cohorts import SLOT_SECONDS, Cohorts
from model_exporter.window.delays import Delays
from model_exporter.window.share_evidence import SERIES as VERDICT_SERIES
from model_exporter.window.share_evidence import ShareEvidence
from model_exporter.window.snapshot import COHORTS, IndicatorSnapshot, IndicatorWindow

_TOTALS: Final = 4
"""Columns of totals: the terms of a row above 0 and below, without sign: of, of below 0, to, to below 0."""
_SERIES: Final = _TOTALS + 3 * len(COHORTS)
_WIDTH: Final = len(SUMS)

Floats = NDArray[np.float64]


class _Pairs(NamedTuple):
    """Predictions with their outcomes, of which row i stands for `weights[i]` and was made at `made_at[i]`."""

    facts: list[Facts]
    outcomes: list[Outcome]
    earlier: list[Outcome | None]
    weights: Floats
    made_at: Floats


class Business:
    """Indicators of one model version.

    Those that need no outcome are summed as predictions come, and their windows end now. The others are summed as
    outcomes come and booked by the time of prediction; their windows end where truth has had time to arrive, follow
    corrections, and totals keep the first outcome that told the indicator.

    Args:
        settings: of the model.
        delays: of the model version's outcomes.
        now: unix seconds.
    """

    def __init__(self, settings: ModelSettings, *, delays: Delays, now: float) -> None:
        self._since = now
        self._indicators = indicators = settings.business
        wait = settings.outcome.wait_seconds
        shares = [place for place, one in enumerate(indicators) if one.is_share]
        self._evidence = {
            place: ShareEvidence(settings.drift, settings.learn, part=1 / len(shares)) for place in shares
        }
        self._slot = now // SLOT_SECONDS
        self._kept = kept_fields(indicators)
        self._places = {
            needs: [place for place, one in enumerate(indicators) if one.needs_outcome is needs]
            for needs in (False, True)
        }
        self._cohorts = {
            False: Cohorts(_WIDTH * len(self._places[False]), wait=0.0, now=now),
            True: Cohorts(_WIDTH * len(self._places[True]), wait=wait, now=now, delays=delays),
        }
        self._totals = np.zeros((len(indicators), _TOTALS))
        self._recent: Floats | None = None

    @property
    def series(self) -> int:
        """How many series it takes at most."""
        return _SERIES * len(self._indicators) + VERDICT_SERIES * len(self._evidence)

    @property
    def revision(self) -> tuple[int, int]:
        """Changes with what it tells."""
        return self._cohorts[False].revision, self._cohorts[True].revision

    def predict(self, batch: Batch, rows: NDArray[np.intp]) -> None:
        """Count predictions, the `rows` of `batch`, whose times are all known."""
        told = [self._indicators[place] for place in self._places[False]]
        if not told or not len(rows):
            return
        columns = prediction_columns(batch, [field for one in told for field in one.fields])
        terms = [Terms(*(term[rows] for term in one.terms(columns, batch.rows))) for one in told]
        ones = np.ones(len(rows))
        self._book(terms, ones, batch.times[rows], needs_outcome=False)
        self._count(terms, ones, needs_outcome=False)

    def realise(self, joined: Sequence[tuple[Joined, Facts]]) -> None:
        """Count outcomes. What they correct is taken back, unless the prediction is older than these sums."""
        told = [self._indicators[place] for place in self._places[True]]
        pairs = _pairs([pair for pair in joined if not pair[0].corrects or pair[0].prediction.made_at >= self._since])
        if not told or not pairs.facts:
            return
        fields = [field for one in told for field in one.fields]
        kept = [facts.fields for facts in pairs.facts]
        rows = len(kept)
        columns = outcome_columns(fields, self._kept, kept, pairs.outcomes)
        now = [one.terms(columns, rows) for one in told]
        before = self._before(told, pairs, kept)
        self._book(now, pairs.weights, pairs.made_at, needs_outcome=True)
        self._book(before, pairs.weights, pairs.made_at, needs_outcome=True, sign=-1)
        first = [_where(one, np.isnan(earlier.of)) for one, earlier in zip(now, before, strict=True)]
        self._count(first, pairs.weights, needs_outcome=True)

    def advance(self, now: float) -> None:
        """Let time pass."""
        for cohorts in self._cohorts.values():
            cohorts.advance(now)
        slot = now // SLOT_SECONDS
        if slot > self._slot:
            for evidence in self._evidence.values():
                evidence.take_slot(self._slot * SLOT_SECONDS)
            self._slot = slot

    def judge_by(self, drift: Drift) -> None:
        """Take over other levels of evidence."""
        for evidence in self._evidence.values():
            evidence.judge_by(drift)

    def take_recent(self) -> Floats | None:
        """Sums of what has been counted since the last call, float64[indicators, len(SUMS)]; None for nothing."""
        recent, self._recent = self._recent, None
        return recent

    def snapshot(self, now: float) -> tuple[IndicatorSnapshot, ...]:
        """What the indicators tell."""
        windows: dict[int, list[IndicatorWindow]] = {place: [] for place in range(len(self._indicators))}
        for needs, cohorts in self._cohorts.items():
            for name in COHORTS:
                sums = cohorts.window(name, now).sums.reshape(-1, _WIDTH)
                for place, row in zip(self._places[needs], sums, strict=True):
                    if told := _window(self._indicators[place], name, row):
                        windows[place].append(told)
        found: list[IndicatorSnapshot] = []
        for place, (one, totals) in enumerate(zip(self._indicators, self._totals.tolist(), strict=True)):
            value, below, events, events_below = totals
            shown = tuple(windows[place])
            found.append(
                IndicatorSnapshot(
                    one.name,
                    value,
                    below,
                    events,
                    events_below,
                    shown,
                    is_share=one.is_share,
                    verdicts=self._evidence[place].snapshot if one.is_share else (),
                )
            )
        return tuple(found)

    def _before(self, told: Sequence[Indicator], pairs: _Pairs, kept: Sequence[Sequence[Scalar]]) -> list[Terms]:
        """The terms by the earlier outcomes, NaN where there was none."""
        rows = [row for row, outcome in enumerate(pairs.earlier) if outcome]
        earlier = [outcome for outcome in pairs.earlier if outcome]
        fields = [field for one in told for field in one.fields]
        columns = outcome_columns(fields, self._kept, [pairs.facts[row].fields for row in rows], earlier)
        found = []
        for one in told:
            terms = Terms(np.full(len(kept), nan), np.full(len(kept), nan))
            some = one.terms(columns, len(rows))
            terms.of[rows], terms.to[rows] = some.of, some.to
            found.append(terms)
        return found

    def _book(
        self, terms: Sequence[Terms], weights: Floats, made_at: Floats, *, needs_outcome: bool, sign: int = 1
    ) -> None:
        cohorts = self._cohorts[needs_outcome]
        slots, places = np.unique(cohorts.places(made_at), return_inverse=True)
        parts = [sign * sums_by(one, weights, places.astype(np.int64), len(slots)) for one in terms]
        cohorts.realised(slots, np.concatenate(parts, axis=1), np.zeros(len(slots)))

    def _count(self, terms: Sequence[Terms], weights: Floats, *, needs_outcome: bool) -> None:
        """Add what is told for the first time to the totals, and to what was counted recently."""
        if self._recent is None:
            self._recent = np.zeros((len(self._indicators), _WIDTH))
        nowhere = np.zeros(len(weights), np.int64)
        for place, one in zip(self._places[needs_outcome], terms, strict=True):
            parts = (one.of, -one.of, one.to, -one.to)
            self._totals[place] += [float(weights @ np.fmax(np.nan_to_num(part), 0.0)) for part in parts]
            sums = sums_by(one, weights, nowhere, 1)[0]
            self._recent[place] += sums
            if place in self._evidence and sums[0] > 0:
                rows = RatioSums(*sums.tolist()).rows
                self._evidence[place].add(round(rows), round(rows * sums[1] / sums[0]))


def _pairs(joined: Sequence[tuple[Joined, Facts]]) -> _Pairs:
    return _Pairs(
        [facts for _, facts in joined],
        [one.outcome for one, _ in joined],
        [one.corrects for one, _ in joined],
        np.array([1 / one.rate for one, _ in joined], np.float64),
        np.array([one.prediction.made_at for one, _ in joined], np.float64),
    )


def _where(terms: Terms, rows: NDArray[np.bool_]) -> Terms:
    """The terms of the rows under the mask, NaN elsewhere."""
    return Terms(np.where(rows, terms.of, nan), np.where(rows, terms.to, nan))


def _window(indicator: Indicator, name: str, sums: Floats) -> IndicatorWindow | None:
    """What `sums` of a window say; None below the minimum rows. A sum has no bounds: it is what was counted."""
    told = RatioSums(*cleared(sums).tolist())
    value, rows = indicator.value(sums), told.rows
    if value is None or rows <= 0:
        return None
    if indicator.form is Form.SUM:
        return IndicatorWindow(name, value, nan, nan)
    bounds: Interval | None = None
    if indicator.is_share and rows >= MIN_RATE_ROWS:
        bounds = wilson(min(max(value, 0.0), 1.0), rows)
    elif not indicator.is_share and rows >= MIN_MEAN_ROWS:
        bounds = ratio_interval(told)
    return IndicatorWindow(name, value, *bounds) if bounds else None
