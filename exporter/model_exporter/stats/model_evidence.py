"""One verdict for a model out of the evidence of its features, and the features to name.

Each feature's stakes are multiplied by its prior weight, and the weights sum to 1, so that the wealth of all features
together is a weighted mean of e-detectors. Whatever the dependence between features, the model's mean time between
false alarms is at least T when the alarm is "the total wealth is at least 1". A feature with wealth 1 gives the alarm
alone.

The features named are those of e-BH: with wealths in falling order, the first k for the largest k at which the k-th is
at least 1/k. Such a k means that the total is at least 1, so naming never alarms by itself.

Verdicts have hysteresis: an alarm ends when the total is below `CLEAR`, and a feature stops being named when it is not
among those that e-BH would name at that level. Then its wealth is forgotten, so that the next alarm needs new evidence.

Sources: R. Wang, A. Ramdas, False discovery rate control with e-values, J. R. Stat. Soc. B 84 (2022), for e-BH;
S. Dandapanthula, A. Ramdas, Multiple testing in multi-stream sequential change detection, arXiv 2501.04130 (2025).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.evidence import CAP, EvidenceState, Slot
from model_exporter.stats.features import Flags, Floats
from model_exporter.stats.tables import Seasons

CLEAR: Final = -2.3
"""Log evidence below which an alarm ends: a tenth of what began it."""

_CLEAR_WEALTH: Final = float(np.exp(CLEAR))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says after a slot. Log evidence is 0 for an alarm, at most 14, and -inf while there is none.

    Attributes:
        detected: whether the model's alarm is on.
        log_evidence: of the model.
        onset: when the change of the model began, unix seconds; NaN unless the alarm is on.
        named: bool[F], the features named; none unless the alarm is on.
        feature_log_evidence: float64[F]; 0 if the feature alone gives the alarm.
        feature_onset: float64[F], unix seconds; NaN for features not named.
        shares: float64[F, 7], the parts of a feature's evidence that bets of each `Label` earned; NaN for features that
            are not named and have less evidence than `CLEAR`, of which there is nothing to tell.
    """

    detected: bool
    log_evidence: float
    onset: float
    named: Flags
    feature_log_evidence: Floats
    feature_onset: Floats
    shares: Floats


class ModelEvidence:
    """Evidence of a model at one level (page or ticket, say), with its alarm.

    Args:
        seasons: the tables of bets, as for `EvidenceState`.
        patience_seconds: T, the mean time between false alarms of the model, > 0.
        prior: float64[F] weights of the features, >= 0 (they are scaled to sum to 1); None for equal ones. Features
            without a bet get none.

    Raises:
        ValueError: the patience is not positive, or `prior` is not one finite number >= 0 a feature.
    """

    def __init__(self, seasons: Seasons, *, patience_seconds: float, prior: Floats | None = None) -> None:
        features = seasons[0].features
        weights = np.ones(features) if prior is None else np.asarray(prior, np.float64)
        if weights.shape == (features,) and len(seasons) == 1:  # with more, some other season may have a bet
            weights = np.where(seasons[0].has_bets, weights, 0.0)
        total = float(weights.sum())
        self._state = EvidenceState(
            seasons, patience_seconds=patience_seconds, prior=weights / total if total > 0 else weights
        )
        self._detected = False
        self._named = np.zeros(features, np.bool_)

    def update(self, counts: NDArray[np.int64], *, start: float, seconds: float, season: int = 0) -> None:
        """Take the counts of one closed slot; arguments and errors as for `EvidenceState.update`."""
        slot = self.slot(counts, seconds=seconds, season=season)
        if slot is not None:
            self.take(slot, start=start)

    def slot(self, counts: NDArray[np.int64], *, seconds: float, season: int = 0) -> Slot | None:
        """What the counts of a closed slot come to at every level that has taken the same slots, for `take`.

        None without a prediction: to look again at what has been judged is no news.
        """
        return self._state.slot(counts, seconds=seconds, season=season)

    def remembers_as(self, other: Self) -> bool:
        """Whether both remember the same traffic, as levels do that have taken the same slots."""
        return self._state.remembers_as(other._state)

    def take(self, slot: Slot, *, start: float) -> None:
        """Take what a slot comes to, and look at the alarm."""
        self._state.take(slot, start=start)
        wealth = self._state.wealth
        total = float(wealth.sum())
        if self._detected and total < _CLEAR_WEALTH:
            self._detected = False
            self._named[:] = False
            self._state.forget(np.ones_like(self._named))
            return
        self._detected = self._detected or total >= 1
        if self._detected:
            gone = self._named & ~e_bh(wealth, level=_CLEAR_WEALTH)
            self._named = (self._named & ~gone) | e_bh(wealth, level=1.0)
            if gone.any():
                self._state.forget(gone)

    def verdict(self) -> Verdict:
        """The verdict after the last update."""
        wealth, onset = self._state.wealth, self._state.onset
        total = float(wealth.sum())
        held = wealth > 0
        return Verdict(
            detected=self._detected,
            log_evidence=min(float(np.log(total)), CAP) if total > 0 else -np.inf,
            onset=float(onset[held] @ wealth[held] / total) if self._detected else np.nan,
            named=self._named.copy(),
            feature_log_evidence=self._state.log_evidence,
            feature_onset=np.where(self._named, onset, np.nan),
            shares=self._state.shares(self._named | (wealth >= _CLEAR_WEALTH)),
        )

    def checkpoint(self) -> bytes:
        """The whole state, for `restore` of evidence with the same tables, patience and prior."""
        flags = np.append(self._named, self._detected)
        return np.packbits(flags).tobytes() + self._state.checkpoint()

    def restore(self, checkpoint: bytes) -> None:
        """Become the evidence that made `checkpoint`, bit by bit.

        Raises:
            ValueError: it is damaged, or of other tables, patience or prior.
        """
        features = len(self._named)
        size = (features + 8) // 8
        self._state.restore(checkpoint[size:])
        flags = np.unpackbits(np.frombuffer(checkpoint[:size], np.uint8), count=features + 1).astype(np.bool_)
        self._named, self._detected = flags[:-1].copy(), bool(flags[-1])


def e_bh(wealth: Floats, *, level: float) -> Flags:
    """The features that e-BH names at `level`: the largest k of them whose wealth is at least level/k, bool[F].

    >>> e_bh(np.array([0.1, 0.6, 0.5]), level=1.0).tolist()
    [False, True, True]
    """
    named = np.zeros(len(wealth), np.bool_)
    order = np.argsort(-wealth, kind="stable")
    enough = np.flatnonzero(wealth[order] * np.arange(1, len(wealth) + 1) >= level)
    if len(enough):
        named[order[: enough[-1] + 1]] = True
    return named
