"""Evidence of change, feature by feature: the wealth of a portfolio of bets (a Shiryaev-Roberts e-detector).

Every closed slot of length dt adds w_j dt/T to the stake of bet j and then multiplies the stake by what the slot's
predictions paid. While the traffic is within the allowance no bet gains on average, so the wealth R of a feature is at
most t/T in the mean at any time t, however it is stopped: the mean time until R first reaches 1 is at least T, and with
the wealth forgotten after an episode their mean number up to t is at most t/T. That holds for any dependence between
predictions as long as their conditional laws stay within the allowance. Where dependence is known, or suspected, the
payments are tempered to the power 1/phi, which keeps the bound by Jensen's inequality. Wealth over the cap is thrown
away, which can only lower it.

Source: J. Shin, A. Ramdas, A. Rinaldo, E-detectors: a nonparametric framework for sequential change detection, New
England J. Stat. Data Sci. 2 (2024).
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.adaptive import AdaptiveSlot, adaptive_shapes, adaptive_slot
from model_exporter.stats.dictionary import Label
from model_exporter.stats.features import Flags, Floats, totals
from model_exporter.stats.tables import Seasons, Tables

CAP: Final = 14.0
"""Log evidence is cut here, so that a change that ended is forgotten within a few thousand predictions."""

_CAP_WEALTH: Final = float(np.exp(CAP))
_CLOSED: Final = _CAP_WEALTH * (1 - 1e-9)
"""Wealth from which nothing more is staked: the cap, but for rounding."""
_SLOT_LIMIT: Final = 600.0
"""Nats that one slot may move a bet by; more would leave the range of floats."""
_FORMAT: Final = b"evidence1"


class EvidenceState:
    """Wealth of every bet of a portfolio, and what follows from it.

    The state depends only on the slots' counts, their times and their lengths: counts of replicas, or of parts of a
    slot, are added before the update.

    Args:
        seasons: the tables of bets, one for each season: `SeasonalTables`, or a list of one without seasons.
        patience_seconds: T, the mean time between false alarms, > 0.
        prior: float64[F], >= 0, by which each feature's stakes are multiplied; None for 1. With shares that sum to 1
            the total wealth of all features has mean time T, and that of feature f alone T / prior[f].

    Raises:
        ValueError: the patience is not positive, or `prior` is not one finite number >= 0 a feature.
    """

    def __init__(self, seasons: Seasons, *, patience_seconds: float, prior: Floats | None = None) -> None:
        tables = seasons[0]
        shares = np.ones(tables.features) if prior is None else np.asarray(prior, np.float64)
        if not patience_seconds > 0:
            raise ValueError(f"the time between false alarms is positive, not {patience_seconds}")
        if shares.shape != (tables.features,) or not (np.isfinite(shares) & (shares >= 0)).all():
            raise ValueError("there is one prior weight a feature, finite and not negative")
        rows = tables.rows
        self._seasons = seasons
        self._rows = rows  # but for the weights, those of every season
        self._rate = shares[rows.feature] / patience_seconds
        self._season, self._stakes, self._p = 0, rows.weight * self._rate, tables.adaptive.p
        self._owner = np.repeat(np.arange(tables.features), np.diff(tables.starts))
        self._wealth = np.zeros(len(rows.feature))
        self._moment = np.zeros(len(rows.feature))  # wealth times the time when it was staked
        self._memory = np.zeros((len(tables.memories), len(tables.adaptive.bins)))
        self._total = np.zeros(tables.features)
        self._digest = _digest(tables, len(seasons), self._stakes)

    @property
    def log_evidence(self) -> Floats:
        """float64[F]: log of each feature's wealth, 0 for an alarm, at most `CAP`; -inf while there is none."""
        with np.errstate(divide="ignore"):
            return np.minimum(np.log(self._total), CAP)

    @property
    def wealth(self) -> Floats:
        """float64[F]: each feature's wealth, >= 0, 1 for an alarm."""
        return self._total.copy()

    @property
    def onset(self) -> Floats:
        """float64[F]: when each feature's change began, on the clock of `update`; NaN without wealth.

        The mean of the times when the wealth was staked, weighted by what became of it. That is the posterior mean of
        the time of change if it was equally likely to come at any time: what was staked before the change has been
        lost, what was staked long after it has had no time to grow.
        """
        moment = self._by_feature(self._moment)
        onset = np.full(len(moment), np.nan)
        np.divide(moment, self._total, out=onset, where=self._total > 0)
        return onset

    def shares(self, features: Flags) -> Floats:
        """Which bets hold the wealth of the features under the mask bool[F], float64[F, len(Label)].

        Rows sum to 1; they are NaN without wealth and outside of the mask. What an adaptive bet holds goes to the
        labels by what it bets on, see `adaptive_shapes`.
        """
        tables = self._seasons[self._season]
        labels, memories = len(Label), len(self._memory)
        shares = np.full((len(features), labels), np.nan)
        if not features.any():
            return shares
        dictionary = len(self._wealth) - memories * len(tables.adaptive.features)
        key = (tables.rows.feature * labels + tables.rows.label)[:dictionary]
        held = totals(key, self._wealth[:dictionary], shares.size).reshape(shares.shape)
        remembered = self._wealth[dictionary:].reshape(-1, memories)
        held[tables.adaptive.features] += np.einsum(
            "am,aml->al", remembered, adaptive_shapes(tables.adaptive, self._memory)
        )
        total = held.sum(axis=1, keepdims=True)
        np.divide(held, total, out=shares, where=(total > 0) & features[:, None])
        return shares

    def update(self, counts: NDArray[np.int64], *, start: float, seconds: float, season: int = 0) -> None:
        """Take the counts of one closed slot.

        A feature without a prediction in the slot keeps its evidence.

        Args:
            counts: int64[B] flat, predictions per bin.
            start: of the slot, unix seconds.
            seconds: its length, > 0.
            season: the index of its tables.

        Raises:
            ValueError: `counts` are not of the tables' length, or the slot has no length.
        """
        slot = self.slot(counts, seconds=seconds, season=season)
        if slot is not None:
            self.take(slot, start=start)

    def slot(self, counts: NDArray[np.int64], *, seconds: float, season: int = 0) -> "Slot | None":
        """What the counts of a closed slot come to, for `take`; None without a prediction, which changes nothing.

        Whatever a state allows for, its patience and its prior, that is the same for all of the same features that have
        taken the same slots: it is worked out once for all levels of a verdict.

        Raises:
            ValueError: `counts` are not of the tables' length, or the slot has no length.
        """
        if counts.shape != self._owner.shape or not seconds > 0:
            raise ValueError("a slot has one count for every bin of the baseline, and a positive length")
        if not counts.any():
            return None
        tables = self._enter(season)
        x = counts.astype(np.float64)
        ordinary, features, adaptive = x * tables.ordinary, tables.features, tables.adaptive
        n, n_ordinary = totals(self._owner, x, features), totals(self._owner, ordinary, features)
        phi = np.maximum(tables.phi, 1 + (n - 1) * tables.rho)
        rows = np.concatenate([n_ordinary, n])
        x /= phi.take(self._owner)
        # What the adaptive bets remember fades by the number of the slot's predictions.
        kept = (1 - 1 / tables.memories)[:, None] ** n_ordinary.take(adaptive.features)
        memory = self._memory * kept.take(adaptive.owner, axis=1)
        memory += ordinary.take(adaptive.bins)
        return Slot(
            season=season,
            seconds=seconds,
            rows=rows,
            base=rows / np.concatenate([phi, phi]),
            x=x,
            tilted=np.append(x, 0.0).take(tables.tilts.bins)[:, :, None],
            adaptive=adaptive_slot(adaptive, self._memory, x.take(adaptive.bins)),
            memory=memory,
        )

    def take(self, slot: "Slot", *, start: float) -> None:
        """Take what a slot comes to, as this state or one that has taken the same slots has found."""
        tables = self._enter(slot.season)
        # Without a prediction nothing is staked, or an idle feature would alarm by waiting; and nothing beyond the cap,
        # where a bet that starts late could only blur the onset.
        open_ = (slot.rows > 0) & np.tile(self._total < _CLOSED, 2)
        staked = self._stakes * (open_ * slot.seconds).take(tables.rows.base)
        gains = _gains(tables, slot)
        growth = np.exp(np.clip(gains, -_SLOT_LIMIT, _SLOT_LIMIT, out=gains), out=gains)
        self._wealth += staked
        self._wealth *= growth
        staked *= start
        self._moment += staked
        self._moment *= growth
        self._memory = slot.memory
        self._total = self._by_feature(self._wealth)
        self._cut()

    def forget(self, features: Flags) -> None:
        """Throw away all wealth of the features under the mask bool[F]."""
        gone = features[self._rows.feature]
        self._wealth[gone] = 0.0
        self._moment[gone] = 0.0
        self._total[features] = 0.0

    def remembers_as(self, other: Self) -> bool:
        """Whether its adaptive bets remember the same traffic as those of `other`."""
        return np.array_equal(self._memory, other._memory)

    def checkpoint(self) -> bytes:
        """The whole state, for `restore` of a state with the same tables, patience and prior."""
        arrays = (np.array([self._season], np.float64), self._wealth, self._moment, self._memory.ravel())
        return _FORMAT + self._digest + np.concatenate(arrays).astype("<f8").tobytes()

    def restore(self, checkpoint: bytes) -> None:
        """Become the state that made `checkpoint`, bit by bit.

        Raises:
            ValueError: it is damaged, or of other tables, patience or prior (a new baseline starts from nothing).
        """
        head = len(_FORMAT) + len(self._digest)
        rows, memory = len(self._wealth), self._memory.size
        expected = head + 8 * (1 + 2 * rows + memory)
        if checkpoint[:head] != _FORMAT + self._digest or len(checkpoint) != expected:
            raise ValueError("the checkpoint does not belong to these tables, this patience and this prior")
        values = np.frombuffer(checkpoint, "<f8", offset=head).astype(np.float64)
        if not (np.isfinite(values).all() and 0 <= values[0] < len(self._seasons)):
            raise ValueError("the checkpoint holds something else than finite numbers")
        self._take(int(values[0]), self._seasons[int(values[0])])
        self._wealth, self._moment = values[1 : 1 + rows].copy(), values[1 + rows : 1 + 2 * rows].copy()
        self._memory = values[1 + 2 * rows :].reshape(self._memory.shape).copy()
        self._total = self._by_feature(self._wealth)

    def _enter(self, season: int) -> Tables:
        """Carry what the adaptive bets remember over to another season, as ratios to the baseline's shares."""
        tables = self._seasons[season]
        if season != self._season:
            self._memory = self._memory * (tables.adaptive.p / self._p)  # another state may hold it as well
            self._take(season, tables)
        return tables

    def _take(self, season: int, tables: Tables) -> None:
        """Remember of a season what is needed all the time or after it; the tables themselves are large."""
        self._season, self._stakes, self._p = season, tables.rows.weight * self._rate, tables.adaptive.p

    def _by_feature(self, rows: Floats) -> Floats:
        """Sums over the bets of each feature, float64[F]."""
        table = self._rows
        if not len(rows):
            return np.zeros(len(self._total))
        return totals(table.segment_feature, np.add.reduceat(rows, table.segments), len(self._total))

    def _cut(self) -> None:
        """Bring features over the cap down to it."""
        over = self._total > _CAP_WEALTH
        if not over.any():
            return
        factor = np.where(over, _CAP_WEALTH / np.where(over, self._total, 1.0), 1.0)
        factor = factor.take(self._rows.feature)
        self._wealth *= factor
        self._moment *= factor
        self._total = self._by_feature(self._wealth)


@dataclass(frozen=True, slots=True)
class Slot:
    """What the counts of a slot come to, whatever is allowed for.

    Attributes:
        season: the index of the tables.
        seconds: its length.
        rows: float64[2F], predictions with an ordinary value by feature, then all predictions.
        base: float64[2F], the same, tempered.
        x: float64[B], tempered counts of bins.
        tilted: float64[N, B', 1], those of the bins of `Tilts`.
        adaptive: what they come to for the adaptive bets.
        memory: what these remember afterwards.
    """

    season: int
    seconds: float
    rows: Floats
    base: Floats
    x: Floats
    tilted: Floats
    adaptive: AdaptiveSlot
    memory: Floats


def _gains(tables: Tables, slot: Slot) -> Floats:
    """Log of what a slot pays each bet, float64[J]."""
    odds = tables.odds
    on_tilts = np.matmul(tables.tilts.log_factors, slot.tilted)
    on_odds = slot.base.take(odds.base) * odds.outside + slot.x.take(odds.bins) * odds.step
    on_adaptive = slot.adaptive.gains(tables.adaptive.delta)
    return np.concatenate([on_tilts.ravel(), on_odds, on_adaptive.T.ravel()])


def rounded_bytes(values: Floats) -> bytes:
    """Bytes of an array to six decimals or so of its largest value, for a digest.

    The last bits of a logarithm depend on the processor; a checkpoint may be restored on another one.
    """
    largest = float(np.abs(values).max(initial=0.0))
    scale = 2.0 ** -np.round(np.log2(largest)) if largest > 0 else 1.0
    rounded = np.round(values * scale, 6) + 0.0  # no -0
    return rounded.astype("<f8").tobytes()


def _digest(tables: Tables, seasons: int, stakes: Floats) -> bytes:
    """Sixteen bytes that change with anything that the state's numbers mean, but for the other seasons' baselines."""
    digest = blake2b(seasons.to_bytes(4, "little"), digest_size=16)
    for places in (tables.starts, tables.odds.bins):
        digest.update(places.tobytes())
    for values in (tables.tilts.log_factors, tables.odds.step, tables.adaptive.p, stakes):
        digest.update(rounded_bytes(values))
    return digest.digest()
