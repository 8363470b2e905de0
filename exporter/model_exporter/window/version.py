"""Counts and windows of one version of a model."""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, ModelCalls
from model_exporter.indicators import Indicator
from model_exporter.window.anomaly import Signals
from model_exporter.window.calls import CallCounts
from model_exporter.window.kept import KeptVersion
from model_exporter.window.layout import Distances, Layout
from model_exporter.window.pair_drift import PairCounts, PairVerdicts
from model_exporter.window.rolling import Counts, Rolling
from model_exporter.window.schema import FeatureCounts
from model_exporter.window.snapshot import QUALITY, VIOLATIONS, WINDOWS, VersionSnapshot, WindowSnapshot
from model_exporter.window.traffic import BoundedCounts, Durations
from model_exporter.window.verdicts import Bets, Verdicts

PREDICTIONS: Final = 0
DUPLICATES: Final = 1
VIOLATING: Final = 2
MAX_UNJUDGED: Final = 4
"""Slots that are over and wait to be judged; time passes at least once in each, unless the writer is far behind."""
_HEAD: Final = 3 + len(VIOLATIONS)  # what stands before the features in the vector of counts


class VersionState:
    """One version of one model.

    Its counts stand in one vector, `[predictions, duplicates, violating predictions, violations..., quality of
    feature 0, of feature 1, ...]`, and those of the bins in another, because the first grows with the features and the
    second belongs to a baseline.
    """

    def __init__(
        self,
        version: str,
        *,
        now: float,
        error_types: int,
        features: int,
        layout: Layout | None,
        bets: Bets | None,
        indicators: Sequence[Indicator] = (),
        latency_objectives: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        self.version = version
        self.first_seen = now
        self.last_seen = now
        self.error_types = error_types
        self._last_prediction: float | None = None
        self._errors = BoundedCounts(error_types)
        self._durations: Durations | None = None
        self._calls: CallCounts | None = None
        self._latency_objectives = latency_objectives
        self._slow: Counter[str] = Counter()  # by objective; those of one that is gone stay for its return
        self._counts = Rolling(_HEAD + len(QUALITY) * max(8, features), on_close=self._close_slot)
        self._indicators = tuple(indicators)
        self._signals = Signals(indicators)
        self._bins: Rolling | None = None
        self._layout: Layout | None = None
        self._measured: dict[str, tuple[Counts, Distances]] = {}  # by window, for the counts as they were
        self._snapshot: tuple[object, VersionSnapshot] | None = None
        self._touched = 0
        self._unjudged: deque[tuple[float, Counts, PairCounts | None]] = deque()
        self._rests_on = ""
        self._verdicts: Verdicts | None = None
        self._pairs: PairVerdicts | None = None
        self.compare_with(layout, bets)

    @property
    def active(self) -> bool:
        """Whether it made a prediction within the shortest window, as of the last `advance`."""
        return bool(self._counts.window("5m")[PREDICTIONS])

    @property
    def is_called(self) -> bool:
        """Whether it is a language model whose calls have been counted."""
        return self._calls is not None

    def compare_with(self, layout: Layout | None, bets: Bets | None) -> None:
        """Take over the bins of a new baseline, and the bets against it; both begin at 0."""
        self._layout = layout
        self._rests_on = bets.rests_on if bets else ""
        self._judge_by(bets)
        self._unjudged.clear()
        self._measured = {}
        self._bins = Rolling(layout.width, on_close=self._close_bins) if layout else None
        self._touched += 1

    def begin_judging(self, bets: Bets) -> None:
        """Begin the evidence on the bins it has been given, by bets that were not ready then."""
        if self._verdicts is None:
            self._rests_on = bets.rests_on
            self._judge_by(bets)
            self._touched += 1

    def checkpoint(self, model: str) -> KeptVersion:
        """What outlives a restart, as of the last slot that closed, but for what outcomes told."""
        return KeptVersion(
            model=model,
            version=self.version,
            rests_on=self._rests_on,
            first_seen=self.first_seen,
            last_seen=self.last_seen,
            last_prediction=self._last_prediction,
            drift=self._verdicts.checkpoint() if self._verdicts else (),
            pairs=self._pairs.checkpoint() if self._pairs else (),
            signals=self._signals.checkpoint(),
            sums=b"",
            awaited_until=None,
        )

    def restore(self, kept: KeptVersion, bets: Bets | None, now: float) -> bool:
        """Go on, before the first prediction, from what was kept; False when some of it does not fit and is let go.

        Args:
            kept: of this version.
            bets: as given before.
            now: unix seconds; what was kept by a clock that ran ahead happened now.
        """
        self.first_seen, self.last_seen = min(kept.first_seen, now), min(kept.last_seen, now)
        self._last_prediction = None if kept.last_prediction is None else min(kept.last_prediction, now)
        self._touched += 1
        return self._restore_signals(kept) & self._restore_verdicts(kept, bets)

    def let_pass(self, now: float) -> None:
        """Let time pass for the counts; slots that are over wait for `advance` to be judged."""
        self._counts.advance(now)
        if self._bins:
            self._bins.advance(now)

    def advance(self, now: float) -> None:
        """Let time pass, and judge the slots that are over."""
        self.let_pass(now)
        self._judge()

    def count_traffic(self, *, predictions: int, duplicates: int, now: float) -> None:
        """Count rows that are (or repeat) predictions."""
        delta = np.zeros(self._counts.width, np.int64)
        delta[PREDICTIONS] = predictions
        delta[DUPLICATES] = duplicates
        self._counts.add(delta, now)

    def count_errors(self, batch: Batch) -> int:
        """Count failed rows by type; returns how many found no room for their type."""
        before = self._errors.overflowed
        self._errors.add(batch.errors)
        self._signals.count_failed(int(np.count_nonzero(batch.errors.codes >= 0)))
        self._touched += 1
        return self._errors.overflowed - before

    def count_durations(self, seconds: NDArray[np.float64]) -> None:
        """Count latencies; NaN is no latency."""
        known = seconds[np.isfinite(seconds)]
        if len(known):
            self._durations = self._durations or Durations()
            self._durations.add(known)
            for objective, bound in self._latency_objectives.items():
                self._slow[objective] += int(np.count_nonzero(known > bound))
            self._signals.count_durations(known)
            self._touched += 1

    def count_calls(self, calls: ModelCalls) -> int:
        """Count what calls of a language model used; returns how many found no room for their reason to finish."""
        self._calls = self._calls or CallCounts()
        self._touched += 1
        return self._calls.add(calls)

    def saw_prediction(self, times: NDArray[np.float64], now: float) -> None:
        """Remember when the newest prediction was made; a clock that runs ahead counts as now."""
        latest = float(np.fmax.reduce(times, initial=-np.inf))  # of a row without a time it is NaN
        if np.isinf(latest):
            known = times[np.isfinite(times)]
            latest = float(known.max()) if len(known) else now
        newest = min(latest, now)
        self._last_prediction = max(newest, self._last_prediction or newest)
        self.last_seen = now
        self._touched += 1

    def count_confidence(self, uncertain: int, scored: int) -> None:
        """Count predictions made with low confidence, out of those whose confidence is known."""
        self._signals.count_confidence(uncertain, scored)

    def hold_to(self, latency_objectives: Mapping[str, float]) -> None:
        """Count against other bounds on the latency, seconds by objective; what was counted stays."""
        self._latency_objectives = latency_objectives
        self._touched += 1

    def watch_business(self, indicators: Sequence[Indicator]) -> None:
        """Watch other business indicators; what was usual is learned anew."""
        self._indicators = tuple(indicators)
        self._signals = Signals(indicators)
        self._touched += 1

    def count_business(self, sums: NDArray[np.float64]) -> None:
        """Count what the business indicators add up to, float64[indicators, len(SUMS)]."""
        self._signals.count_business(sums)

    def count_features(self, counts: FeatureCounts, now: float) -> None:
        """Count what the columns of one batch amount to."""
        features = len(counts.quality)
        self._make_room(features)
        delta = np.zeros(self._counts.width, np.int64)
        delta[VIOLATING] = counts.violating
        delta[_HEAD - len(VIOLATIONS) : _HEAD] = counts.violations
        delta[_HEAD : _HEAD + features * len(QUALITY)] = counts.quality.ravel()
        self._counts.add(delta, now)
        self._signals.count_cells(counts.missing, counts.cells)
        if counts.bins is not None and self._bins is not None:
            self._bins.add(counts.bins, now)
        if counts.levels is not None and self._pairs is not None:
            self._pairs.count(counts.levels)

    def snapshot(self, *, features: int) -> VersionSnapshot:
        """Freeze the state as of the last `advance`; the same object again when nothing changed."""
        *_, snapshot = self.freezing(features=features)
        assert snapshot is not None  # noqa: S101  # the last one
        return snapshot

    def freezing(self, *, features: int) -> Iterator[VersionSnapshot | None]:
        """The same in steps, because the distances of a window take long: nothing, and at last the snapshot.

        Counts may be added between the steps: then the longer windows have what the shorter ones are without.
        """
        self._make_room(features)
        slots = self._signals.slots, self._verdicts.slots if self._verdicts else 0
        bins = self._bins.revision if self._bins else 0
        revision = (features, self._counts.revision, bins, self._touched, slots)
        if self._snapshot is None or self._snapshot[0] != revision:
            windows = []
            for name in WINDOWS:
                windows.append(self._window(name, features))
                yield None
            self._snapshot = revision, self._freeze(features, windows)
        yield self._snapshot[1]

    def _restore_signals(self, kept: KeptVersion) -> bool:
        try:
            self._signals = Signals.restored(kept.signals, self._indicators)
        except ValueError:
            return False
        return True

    def _restore_verdicts(self, kept: KeptVersion, bets: Bets | None) -> bool:
        if not kept.drift:
            return True
        if self._verdicts is None or kept.rests_on != self._rests_on:
            return False
        try:
            self._verdicts.restore(kept.drift)
            if self._pairs:
                self._pairs.restore(kept.pairs)
        except ValueError:
            self._judge_by(bets)
            return False
        return True

    def _judge_by(self, bets: Bets | None) -> None:
        """Begin the verdicts on values and on pairs anew."""
        self._verdicts = Verdicts(bets) if bets else None
        pairs = self._layout.pairs if self._layout else None
        self._pairs = None
        if bets and pairs:
            self._pairs = PairVerdicts(pairs, {level.name: level.patience_seconds for level in bets.levels})

    def _freeze(self, features: int, windows: Sequence[WindowSnapshot]) -> VersionSnapshot:
        total = self._counts.total.copy()
        return VersionSnapshot(
            version=self.version,
            first_seen=self.first_seen,
            last_prediction=self._last_prediction,
            active=self.active,
            predictions=int(total[PREDICTIONS]),
            duplicates=int(total[DUPLICATES]),
            errors=self._errors.snapshot(),
            duration=self._durations.snapshot() if self._durations else None,
            slow=tuple((objective, self._slow[objective]) for objective in self._latency_objectives),
            violating=int(total[VIOLATING]),
            violations=total[_HEAD - len(VIOLATIONS) : _HEAD],
            quality=_quality(total, features),
            layout=self._layout.public if self._layout else None,
            bins=self._bins.total.copy() if self._bins else np.zeros(0, np.int64),
            windows=tuple(windows),
            drift=self._verdicts.snapshot if self._verdicts else (),
            pair_drift=self._pairs.snapshot if self._pairs else (),
            anomaly=self._signals.snapshot,
            calls=self._calls.snapshot() if self._calls else None,
        )

    def _window(self, name: str, features: int) -> WindowSnapshot:
        counts = self._counts.window(name)
        bins = self._bins.window(name) if self._bins else np.zeros(0, np.int64)
        none = np.zeros(0)
        distances = self._measure(name, bins, self._layout) if self._layout else None
        return WindowSnapshot(
            name=name,
            predictions=int(counts[PREDICTIONS]),
            duplicates=int(counts[DUPLICATES]),
            violations=counts[_HEAD - len(VIOLATIONS) : _HEAD],
            quality=_quality(counts, features),
            bins=bins,
            observations=distances.observations if distances else np.zeros(0, np.int64),
            psi=distances.psi if distances else none,
            psi_null=distances.psi_null if distances else none,
            psi_debiased=distances.psi - distances.psi_null if distances else none,
            psi_threshold=distances.psi_threshold if distances else none,
            shift_score=distances.shift_score if distances else none,
            js_distance=distances.js_distance if distances else none,
            ks_distance=distances.ks_distance if distances else none,
            wasserstein_ratio=distances.wasserstein_ratio if distances else none,
        )

    def _measure(self, window: str, bins: Counts, layout: Layout) -> Distances:
        """The distances of a window, measured anew only when its counts are others: they cost most of a snapshot."""
        known = self._measured.get(window)
        if known is None or not np.array_equal(known[0], bins):
            known = self._measured[window] = bins, layout.measure(bins)
        return known[1]

    def _close_bins(self, start: float, counts: Counts) -> None:
        """Keep a slot for its judgement, which costs more than whoever sends the next prediction should wait for."""
        if self._verdicts:
            if len(self._unjudged) >= MAX_UNJUDGED:
                self._judge()
            self._unjudged.append((start, counts.copy(), self._pairs.take_counts() if self._pairs else None))

    def _judge(self) -> None:
        """Judge the slots that are over, in their order."""
        while self._unjudged and self._verdicts:
            start, counts, pairs = self._unjudged.popleft()
            self._verdicts.take_slot(start, counts)
            if self._pairs and pairs is not None:
                self._pairs.take_slot(start, pairs, [drift.feature_detected for drift in self._verdicts.snapshot])

    def _close_slot(self, _start: float, counts: Counts) -> None:
        self._signals.take_slot(int(counts[PREDICTIONS]))

    def _make_room(self, features: int) -> None:
        needed = _HEAD + features * len(QUALITY)
        if needed > self._counts.width:
            self._counts.widen(_HEAD + 2 * features * len(QUALITY))


def _quality(counts: NDArray[np.int64], features: int) -> NDArray[np.int64]:
    return counts[_HEAD : _HEAD + features * len(QUALITY)].reshape(features, len(QUALITY))
