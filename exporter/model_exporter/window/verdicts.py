"""Whether a model has drifted: evidence against its baseline, at each level."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import HOUR_SECONDS, Baseline, FeatureBaseline, FeatureType, SeasonKind
from model_exporter.config.settings import Drift, DriftLevel, ModelSettings
from model_exporter.stats.dependence import RHO
from model_exporter.stats.dictionary import Allowance, Label
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.model_evidence import ModelEvidence
from model_exporter.stats.portfolio import SeasonalTables
from model_exporter.stats.tables import Tables
from model_exporter.window import alarm_shares
from model_exporter.window.rolling import SLOT_SECONDS, Counts
from model_exporter.window.snapshot import LEVELS, SHAPES, BinLayout, DriftSnapshot

DAY: Final = 86_400.0 - HOUR_SECONDS
"""Seconds that a baseline must span for its measured dependence to be trusted alone: a day, but for its ragged ends."""
SMALL_BASELINE: Final = 5_000
"""Rows of a baseline, or of its smallest season, below which the allowance for their own error is `SMALL_Z` standard
errors and not `Z`."""
Z: Final = 3.0
SMALL_Z: Final = 2.0

KINDS: Final = {
    FeatureType.NUMERIC: Kind.NUMERIC,
    FeatureType.CATEGORICAL: Kind.CATEGORICAL,
    FeatureType.BOOLEAN: Kind.BOOLEAN,
}
"""How the bins of a feature stand, by its type."""


@dataclass(frozen=True, slots=True)
class _Level:
    """The bets at one level, which all versions share; the patience is that of all detectors together."""

    name: str
    patience_seconds: float
    tables: SeasonalTables


class Bets:
    """What is bet against a baseline, at each level. Built once for a baseline and its settings.

    A slot is judged by the baseline of its season where the features have seasons. Where they have none, the tolerance
    of a feature is at least its wave over the hours, which a baseline of a day or more knows. In a shorter one a rhythm
    is either within the tolerance, or in the measured dependence (then drift is told late), or it is told as drift,
    every day anew.

    Args:
        layout: the bins.
        settings: of the model.

    Attributes:
        prior: float64[F], the features' weights.
        are_ready: whether the first tables are there, which take long to build.
        rests_on: digest of all that evidence kept over a restart must agree with: baseline, features, rules.
    """

    def __init__(self, layout: BinLayout, settings: ModelSettings) -> None:
        baseline = layout.baseline
        binned = [baseline.features[index] for index in layout.features]
        self._laws = _SeasonalLaws(baseline, binned)
        least = min([baseline.rows, *(rows for seasons in baseline.seasons for rows in seasons.rows)])
        z = SMALL_Z if least < SMALL_BASELINE else Z
        # A season has its own law, against which the wave between the hours is none.
        wave = np.array([0.0 if feature.seasons else feature.wave or 0.0 for feature in binned], np.float64)
        self.levels = tuple(
            _Level(
                name,
                level.patience_seconds,
                SeasonalTables(self._laws, Allowance(tolerance=level.tolerance, wave=wave, z=z), rho=RHO),
            )
            for name, level in zip(LEVELS, _levels(settings.drift), strict=True)
        )
        weights = [settings.features[f.name].weight if f.name in settings.features else 1.0 for f in binned]
        self.prior = np.array(weights, np.float64)
        self.are_ready = False
        self.rests_on = _digest(layout, settings)

    def prepare(self) -> None:
        """Build the first tables, on which every evidence begins. No other thread may use the bets meanwhile."""
        for level in self.levels:
            _ = level.tables[0]
        self.are_ready = True

    def unbuilt(self, moment: float) -> int | None:
        """The season at `moment`, unix seconds, if its tables are yet to be built."""
        season = self._laws.at(moment)
        return None if all(season in level.tables for level in self.levels) else season

    def build(self, season: int) -> list[Tables]:
        """The tables of a season, for `keep`. Any thread may build them."""
        return [level.tables.build(season) for level in self.levels]

    def keep(self, season: int, built: Sequence[Tables]) -> None:
        """Take over the tables of a season that were built ahead."""
        for level, tables in zip(self.levels, built, strict=True):
            level.tables.keep(season, tables)

    def season(self, moment: float) -> int:
        """The index of the tables for a slot that starts at `moment`, unix seconds."""
        return self._laws.at(moment)


class Verdicts:
    """The evidence of one version of a model.

    Attributes:
        snapshot: the verdicts after the last slot, in the order of `LEVELS`; empty before the first.
        slots: how many it has taken.
    """

    def __init__(self, bets: Bets) -> None:
        self._bets = bets
        self._evidence = [
            (
                level.name,
                ModelEvidence(
                    level.tables, patience_seconds=level.patience_seconds / alarm_shares.FEATURES, prior=bets.prior
                ),
            )
            for level in bets.levels
        ]
        self.snapshot: tuple[DriftSnapshot, ...] = ()
        self.slots = 0

    def take_slot(self, start: float, counts: Counts) -> None:
        """Take the counts int64[B] of a slot that is over."""
        season = self._bets.season(start)
        (_, first), *_others = self._evidence
        slot = first.slot(counts, seconds=SLOT_SECONDS, season=season)
        if slot is not None:
            for _, evidence in self._evidence:
                evidence.take(slot, start=start)
        self._freeze()
        self.slots += 1

    def checkpoint(self) -> tuple[bytes, ...]:
        """The evidence at each level, for `restore`; empty before the first slot."""
        return tuple(evidence.checkpoint() for _, evidence in self._evidence) if self.slots else ()

    def restore(self, checkpoint: Sequence[bytes]) -> None:
        """Become the verdicts that made `checkpoint`, but for the number of their slots.

        Raises:
            ValueError: it is damaged, or of other bets. What became of the verdicts is of no use.
        """
        if not checkpoint:
            return
        for (_, evidence), kept in zip(self._evidence, checkpoint, strict=True):
            evidence.restore(kept)
        (_, first), *others = self._evidence
        if not all(other.remembers_as(first) for _, other in others):
            raise ValueError("the levels of a checkpoint are of different traffic")
        self._freeze()
        self.slots = 1

    def _freeze(self) -> None:
        self.snapshot = tuple(_frozen(level, evidence) for level, evidence in self._evidence)


def _frozen(level: str, evidence: ModelEvidence) -> DriftSnapshot:
    verdict = evidence.verdict()
    return DriftSnapshot(
        level=level,
        detected=verdict.detected,
        log_evidence=verdict.log_evidence if np.isfinite(verdict.log_evidence) else np.nan,
        onset=verdict.onset,
        feature_detected=verdict.named,
        feature_log_evidence=_finite(verdict.feature_log_evidence),
        feature_onset=verdict.feature_onset,
        shares=verdict.shares,
    )


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """No wealth yet is no evidence: absent, not minus infinity."""
    return np.where(np.isfinite(values), values, np.nan)


def _digest(layout: BinLayout, settings: ModelSettings) -> str:
    """Hex digits that are the same in every process, and change when evidence would mean something else."""
    features = [
        (name, [sorted(value) if isinstance(value, frozenset) else value for value in asdict(feature).values()])
        for name, feature in sorted(settings.features.items())
    ]
    parts = (layout.baseline.digest, layout.features, asdict(settings.drift), features)
    return blake2b(repr(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _levels(drift: Drift) -> tuple[DriftLevel, ...]:
    return drift.page, drift.ticket


class _SeasonalLaws:
    """The bins of all features season by season, put together when they are asked for.

    There is a season for every combination of the features' own: while some differ by the hour of the week, others may
    do so by the hour of the day and others by none.
    """

    def __init__(self, baseline: Baseline, features: Sequence[FeatureBaseline]) -> None:
        self._features = features
        self._kinds = [seasons.kind for seasons in baseline.seasons]
        self._seasons = baseline.seasons
        hours = max((kind.hours for kind in self._kinds), default=1)
        moments = [hour * HOUR_SECONDS for hour in range(hours)]
        self._combinations = list(dict.fromkeys(self._combination(moment) for moment in moments))
        self._index = {combination: index for index, combination in enumerate(self._combinations)}
        self._trusted = baseline.span_seconds is not None and baseline.span_seconds >= DAY

    def at(self, moment: float) -> int:
        """The index of the season at `moment`, unix seconds."""
        return self._index[self._combination(moment)]

    def __len__(self) -> int:
        return len(self._combinations)

    def __getitem__(self, season: int) -> list[FeatureBins]:
        own = dict(zip(self._kinds, self._combinations[season], strict=True))
        return [self._bins(feature, own) for feature in self._features]

    def _combination(self, moment: float) -> tuple[int, ...]:
        return tuple(seasons.at(moment) for seasons in self._seasons)

    def _bins(self, feature: FeatureBaseline, own: Mapping[SeasonKind, int]) -> FeatureBins:
        counts = feature.season_counts[own[feature.seasons]] if feature.seasons else feature.counts
        # Dependence that was measured over less than a day misses what is slow.
        rho = feature.rho if feature.rho is None or self._trusted else max(feature.rho, RHO)
        return FeatureBins(KINDS[feature.type], np.array(counts, np.int64), phi=feature.phi or 1.0, rho=rho)


assert tuple(label.name.lower() for label in Label) == SHAPES  # noqa: S101  # columns of `shares`
