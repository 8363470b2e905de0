"""Evidence that the dependence between features has changed, over all watched pairs, with its alarm.

The betting is that of `model_exporter.stats.evidence`: stakes trickle in at a rate of one in T, every slot multiplies
them by what its rows paid, and the mean over the pairs is an e-detector whatever the dependence between them. One thing
is added, because a pair should speak of dependence only. Let p' be the table with the baseline's odds ratios and the
margins of the last hundred rows or so. A bet that would pay more than 1 on average under p' earns from the margins, so
what it pays is divided by that average. The divisor is at least 1: with margins that have not moved the evidence is
only smaller, and the bound on false alarms stands. With margins that have moved it holds as far as p' is right.

A sudden change of both margins by a standard deviation or more can still fire before their memory has followed. Their
own evidence fires sooner; `PairEvidence.forget` empties the pairs of a feature that has been named by it.

Sources: J. Shin, A. Ramdas, A. Rinaldo, E-detectors, New England J. Stat. Data Sci. 2 (2024); W. E. Deming,
F. F. Stephan, Ann. Math. Statist. 11 (1940), for tables of given odds ratios and margins.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from model_exporter.stats.copula import LEVELS, Floats, fit_margins
from model_exporter.stats.evidence import CAP, rounded_bytes
from model_exporter.stats.model_evidence import CLEAR, e_bh
from model_exporter.stats.pair_bets import TILTS, PairBets
from model_exporter.stats.pairs import CELLS, Counts, Flags

MARGIN_MEMORY: Final = 100.0
"""Rows after which a margin's past counts 1/e."""

_PRIOR_ROWS: Final = 2.0
"""Baseline rows that the margins are mixed with, so that none of them is 0."""
_FITTING_STEPS: Final = 2
"""Rounds a slot; the table of the slot before is a good start."""
_SLOT_LIMIT: Final = 600.0
"""Nats that one slot may move a bet by; more would leave the range of floats."""
_CAP_WEALTH: Final = float(np.exp(CAP))
_CLEAR_WEALTH: Final = float(np.exp(CLEAR))
_FORMAT: Final = b"pairs1"


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What the evidence says after a slot. Log evidence is 0 for an alarm, and -inf while there is none.

    Attributes:
        detected: whether the alarm is on.
        log_evidence: of all pairs together, at most 14.
        onset: when the change began, unix seconds; NaN unless the alarm is on.
        named: bool[P], the pairs named by e-BH; none unless the alarm is on.
        pair_log_evidence: float64[P]; 0 if the pair alone gives the alarm.
        pair_onset: float64[P], unix seconds; NaN for pairs not named.
        stronger: float64[P], the part of a pair's evidence that was earned by bets on a larger (more positive)
            correlation, 0 to 1; NaN without evidence.
    """

    detected: bool
    log_evidence: float
    onset: float
    named: Flags
    pair_log_evidence: Floats
    pair_onset: Floats
    stronger: Floats


class PairEvidence:
    """Evidence of a model's pairs at one level.

    Beside the evidence of single features it is one more detector: to keep one mean time T for both, give each of them
    2 T.

    Args:
        bets: what is bet.
        patience_seconds: T, the mean time between false alarms of all pairs together, > 0.
        phi: the least tempering, >= 1: by how much dependence inflates the variance of a slot's counts.
        rho: correlation of two rows of a slot where phi is not known; a slot of n is tempered by 1 + (n - 1) rho at
            least.

    Raises:
        ValueError: the patience is not positive.
    """

    def __init__(self, bets: PairBets, *, patience_seconds: float, phi: Floats | float = 1.0, rho: float = 0.0) -> None:
        if not patience_seconds > 0:
            raise ValueError(f"the time between false alarms is positive, not {patience_seconds}")
        pairs = len(bets.cells)
        self._bets = bets
        self._phi, self._rho = phi, rho
        self._factors = np.exp(bets.log_factors)
        # Wealth a second; the pairs that can bet share it.
        self._stakes = bets.weights / (max(int(np.count_nonzero(bets.has_bets)), 1) * patience_seconds)
        self._wealth = np.zeros(bets.weights.shape)
        self._moment = np.zeros(bets.weights.shape)  # wealth times the time when it was staked
        self._recent = np.zeros_like(bets.cells)
        self._null = bets.cells.copy()
        self._detected = False
        self._named = np.zeros(pairs, np.bool_)

    def update(self, counts: Counts, *, start: float, seconds: float) -> None:
        """Take the joint counts of one closed slot, those of all replicas together.

        A pair without a row in the slot keeps its evidence.

        Args:
            counts: int64[P, 25].
            start: of the slot, unix seconds.
            seconds: its length, > 0.

        Raises:
            ValueError: `counts` are not of the bets' shape, or the slot has no length.
        """
        if counts.shape != self._recent.shape or not seconds > 0:
            raise ValueError("a slot has 25 counts for every pair, and a positive length")
        rows = counts.sum(axis=1)
        self._follow_margins(counts, rows)
        staked = self._stakes * np.where(rows > 0, seconds, 0.0)[:, None]
        growth = np.exp(np.clip(self._gains(counts, rows), -_SLOT_LIMIT, _SLOT_LIMIT))
        self._wealth = (self._wealth + staked) * growth
        self._moment = (self._moment + staked * start) * growth
        self._cut()
        self._judge()

    def forget(self, pairs: Flags) -> None:
        """Throw away all wealth of the pairs under the mask bool[P]. It can only make false alarms rarer."""
        self._wealth[pairs] = 0.0
        self._moment[pairs] = 0.0

    def verdict(self) -> PairVerdict:
        """The verdict after the last update."""
        wealth = self._wealth.sum(axis=1)
        total = float(wealth.sum())
        onset = _quotient(self._moment.sum(axis=1), wealth)
        with np.errstate(divide="ignore"):
            logs = np.log(wealth)
        return PairVerdict(
            detected=self._detected,
            log_evidence=min(float(np.log(total)), CAP) if total > 0 else -np.inf,
            onset=float(self._moment.sum() / total) if self._detected and total > 0 else np.nan,
            named=self._named.copy(),
            pair_log_evidence=np.minimum(logs, CAP),
            pair_onset=np.where(self._named, onset, np.nan),
            stronger=_quotient(self._wealth[:, np.array(TILTS) > 0].sum(axis=1), wealth),
        )

    def checkpoint(self) -> bytes:
        """The whole state, for `restore` of evidence with the same bets and patience."""
        flags = np.append(self._named, self._detected)
        arrays = (self._wealth, self._moment, self._recent, self._null)
        numbers = np.concatenate([array.ravel() for array in arrays]).astype("<f8")
        return _FORMAT + self._digest() + np.packbits(flags).tobytes() + numbers.tobytes()

    def restore(self, checkpoint: bytes) -> None:
        """Become the evidence that made `checkpoint`, bit by bit.

        Raises:
            ValueError: it is damaged, or of other bets or another patience.
        """
        pairs, bets = len(self._wealth), len(TILTS)
        head = _FORMAT + self._digest()
        end = len(head) + (pairs + 8) // 8
        if checkpoint[: len(head)] != head or len(checkpoint) != end + 16 * pairs * (bets + CELLS):
            raise ValueError("the checkpoint does not belong to these pairs and this patience")
        values = np.frombuffer(checkpoint, "<f8", offset=end).astype(np.float64)
        if not np.isfinite(values).all():
            raise ValueError("the checkpoint holds something else than finite numbers")
        flags = np.unpackbits(np.frombuffer(checkpoint[len(head) : end], np.uint8), count=pairs + 1).astype(np.bool_)
        self._named, self._detected = flags[:-1].copy(), bool(flags[-1])
        wealth, tables = np.split(values, [2 * pairs * bets])
        self._wealth, self._moment = wealth.reshape(2, pairs, bets).copy()
        self._recent, self._null = tables.reshape(2, pairs, CELLS).copy()

    def _follow_margins(self, counts: Counts, rows: Counts) -> None:
        """Move the null tables to the margins of the recent rows, with those of this slot.

        That the slot is among them does no harm: the discount it leads to is never negative.
        """
        self._recent = np.exp(-rows / MARGIN_MEMORY)[:, None] * self._recent + counts
        mixed = self._recent + _PRIOR_ROWS * self._bets.cells
        # A pair without a common row in the baseline has no cells, and no bets.
        square = mixed.reshape(-1, LEVELS, LEVELS) / np.maximum(mixed.sum(axis=1), 1e-300)[:, None, None]
        null = self._null.reshape(-1, LEVELS, LEVELS)
        fitted = fit_margins(null, square.sum(axis=2), square.sum(axis=1), steps=_FITTING_STEPS)
        self._null = fitted.reshape(-1, CELLS)

    def _gains(self, counts: Counts, rows: Counts) -> Floats:
        """Log of what a slot pays each bet, tempered and less what the margins alone would pay, float64[P, J]."""
        paid = np.matmul(self._bets.log_factors, counts[:, :, None].astype(np.float64))[:, :, 0]
        by_margins = np.matmul(self._factors, self._null[:, :, None])[:, :, 0]
        discount = rows[:, None] * np.log(np.maximum(by_margins, 1.0))
        phi = np.maximum(self._phi, 1 + np.maximum(rows - 1, 0) * self._rho)
        gains: Floats = (paid - discount) / phi[:, None]
        return gains

    def _cut(self) -> None:
        """Bring pairs over the cap down to it."""
        wealth = self._wealth.sum(axis=1)
        factor = np.minimum(1.0, _CAP_WEALTH / np.maximum(wealth, _CAP_WEALTH))[:, None]
        self._wealth *= factor
        self._moment *= factor

    def _judge(self) -> None:
        """Turn the alarm on and off, and name pairs, with hysteresis; see `model_exporter.stats.model_evidence`."""
        wealth = self._wealth.sum(axis=1)
        total = float(wealth.sum())
        if self._detected and total < _CLEAR_WEALTH:
            self._detected = False
            self._named[:] = False
            self.forget(np.ones_like(self._named))
            return
        self._detected = self._detected or total >= 1
        if self._detected:
            gone = self._named & ~e_bh(wealth, level=_CLEAR_WEALTH)
            self._named = (self._named & ~gone) | e_bh(wealth, level=1.0)
            self.forget(gone)

    def _digest(self) -> bytes:
        digest = blake2b(digest_size=16)
        for values in (self._bets.log_factors, self._stakes):
            digest.update(rounded_bytes(values))
        return digest.digest()


def _quotient(over: Floats, under: Floats) -> Floats:
    """`over / under`, NaN where `under` is 0."""
    quotient = np.full(len(over), np.nan)
    np.divide(over, under, out=quotient, where=under > 0)
    return quotient
