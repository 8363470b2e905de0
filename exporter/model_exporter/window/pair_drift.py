"""Whether features still depend on each other as they did in the baseline, pair by pair."""

from collections.abc import Mapping, Sequence
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import Baseline
from model_exporter.baseline.pairs import feature_levels
from model_exporter.stats.dependence import RHO
from model_exporter.stats.pair_bets import build_pair_bets
from model_exporter.stats.pair_evidence import PairEvidence
from model_exporter.stats.pairs import Levels, PairBaseline, PairTally
from model_exporter.window import alarm_shares
from model_exporter.window.rolling import SLOT_SECONDS
from model_exporter.window.snapshot import FeatureName, PairDriftSnapshot, PairSnapshot

MAX_NAMED: Final = 20
"""Pairs that an alarm names at most, those with the most evidence: one feature can change against all others."""

PairCounts = NDArray[np.int64]
"""Counts of a slot, int64[P, cells]."""


class PairLayout:
    """The pairs of a baseline, compiled for counting and betting.

    Attributes:
        columns: column of each feature in a matrix of levels.
        levels: level of each bin of these features, uint8[bins].
        pairs: int64[P, 2], columns of each pair.
        places: int64[P, 2], the same by the features' places in the layout of bins.
        names: names of each pair.
        bets: what is bet on each pair, at all levels of a verdict.
        phi: float64[P], by how much dependence of the rows inflates the variance of their counts.
    """

    def __init__(self, baseline: Baseline, features: Sequence[int]) -> None:
        place_of = {index: place for place, index in enumerate(features)}
        tables = [table for table in baseline.pairs if table.first in place_of and table.second in place_of]
        both = np.array([(table.first, table.second) for table in tables], np.int64).reshape(-1, 2)
        used, columns = np.unique(both, return_inverse=True)
        self.pairs = columns.reshape(-1, 2).astype(np.int64)
        self.places = np.array([place_of[index] for index in both.ravel().tolist()], np.int64).reshape(-1, 2)
        watched = [baseline.features[index] for index in used.tolist()]
        names = [FeatureName(feature.name, feature.role) for feature in watched]
        self.columns = {name: column for column, name in enumerate(names)}
        self.levels = {name: feature_levels(feature) for name, feature in zip(names, watched, strict=True)}
        self.names = [(names[first], names[second]) for first, second in self.pairs.tolist()]
        self.phi = np.array([feature.phi or 1.0 for feature in watched])[self.pairs].max(axis=1)
        flat = np.concatenate([*self.levels.values()])
        counts = np.array([table.counts for table in tables], np.int64)
        self.bets = build_pair_bets(PairBaseline(flat, self.pairs, counts), phi=self.phi)

    @classmethod
    def of(cls, baseline: Baseline, features: Sequence[int]) -> Self | None:
        """Pairs among the features with these indices; None when there are none."""
        binned = set(features)
        some = any(table.first in binned and table.second in binned for table in baseline.pairs)
        return cls(baseline, features) if some else None


class PairVerdicts:
    """The evidence on the pairs of one version of a model: one more alarm of each level, within the level's budget.

    A feature that the verdict on its own values names takes its pairs out for as long: its values have moved, and what
    its pairs say of that is either the same or nothing.

    Args:
        layout: the pairs.
        patience: mean time between false alarms of all detectors in seconds, by level.

    Attributes:
        snapshot: the verdicts after the last slot, in the order of `LEVELS`; empty before the first.
    """

    def __init__(self, layout: PairLayout, patience: Mapping[str, float]) -> None:
        self._layout = layout
        self._tally = PairTally(layout.pairs, len(layout.columns))
        self._evidence = {
            level: PairEvidence(layout.bets, patience_seconds=seconds / alarm_shares.PAIRS, phi=layout.phi, rho=RHO)
            for level, seconds in patience.items()
        }
        self.snapshot: tuple[PairDriftSnapshot, ...] = ()

    def count(self, levels: Levels) -> None:
        """Count rows by their levels, uint8[n, columns of the layout]."""
        self._tally.add(levels)

    def take_counts(self) -> PairCounts:
        """The counts of the slot that is over, for `take_slot`."""
        return self._tally.take()

    def take_slot(self, start: float, counts: PairCounts, named: Sequence[NDArray[np.bool_]]) -> None:
        """Judge a slot; `named` are the features of the layout that each level names by themselves."""
        places = self._layout.places
        for evidence, features in zip(self._evidence.values(), named, strict=True):
            evidence.forget(features[places[:, 0]] | features[places[:, 1]])
            evidence.update(counts, start=start, seconds=SLOT_SECONDS)
        self._freeze()

    def checkpoint(self) -> tuple[bytes, ...]:
        """The evidence at each level, for `restore`; empty before the first slot."""
        return tuple(evidence.checkpoint() for evidence in self._evidence.values()) if self.snapshot else ()

    def restore(self, checkpoint: Sequence[bytes]) -> None:
        """Become the verdicts that made `checkpoint`.

        Raises:
            ValueError: it is damaged, or of other pairs or rules. What became of the verdicts is of no use.
        """
        if not checkpoint:
            return
        for evidence, kept in zip(self._evidence.values(), checkpoint, strict=True):
            evidence.restore(kept)
        self._freeze()

    def _freeze(self) -> None:
        self.snapshot = tuple(self._frozen(level, evidence) for level, evidence in self._evidence.items())

    def _frozen(self, level: str, evidence: PairEvidence) -> PairDriftSnapshot:
        verdict = evidence.verdict()
        logs = verdict.pair_log_evidence
        strongest = np.argsort(np.where(verdict.named, -logs, np.inf), kind="stable")[:MAX_NAMED]
        return PairDriftSnapshot(
            level=level,
            detected=verdict.detected,
            log_evidence=verdict.log_evidence if np.isfinite(verdict.log_evidence) else np.nan,
            pairs=tuple(self._pair(pair, float(logs[pair])) for pair in strongest if verdict.named[pair]),
        )

    def _pair(self, pair: int, log_evidence: float) -> PairSnapshot:
        feature, other = self._layout.names[pair]
        return PairSnapshot(feature, other, log_evidence)
