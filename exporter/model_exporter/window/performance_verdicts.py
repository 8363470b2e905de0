"""Whether the performance of a model version has become worse: evidence from its outcomes, at each level.

Outcomes count by when they arrive: every slot of 15 seconds in which some did is one bet. Given all that was known
before, each new outcome is an error with at most the probability that the reference or the objective allows while
nothing has changed; that is all that the bound on false alarms asks for, and it holds for outcomes in any order. Each
prediction counts once, with its first outcome: a bet that was paid is not taken back when the outcome is corrected.
Where only a sample of the predictions waited, each of the sample counts once: it is a random one.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model_exporter.config.settings import ModelKind
from model_exporter.stats.model_evidence import ModelEvidence
from model_exporter.window.performance_reference import PerformanceBets, PerformanceReference
from model_exporter.window.rolling import SLOT_SECONDS, Counts
from model_exporter.window.scoring import Pair
from model_exporter.window.snapshot import PerformanceDriftSnapshot


class PerformanceVerdicts:
    """The evidence of one version of a model.

    Args:
        reference: what all versions of the model are compared with.
        now: unix seconds.

    Attributes:
        snapshot: the verdicts after the last slot with outcomes, in the order of `LEVELS`; empty before the first.
        slots: how many it has taken.
    """

    def __init__(self, reference: PerformanceReference, now: float) -> None:
        self._reference = reference
        self._slot = _slot(now)
        self._bets: PerformanceBets | None = None
        self._evidence: tuple[ModelEvidence, ...] = ()
        self._open: Counts = np.zeros(0, np.int64)
        self.snapshot: tuple[PerformanceDriftSnapshot, ...] = ()
        self.slots = 0

    def take(self, kind: ModelKind, pairs: Sequence[Pair]) -> None:
        """Take predictions with their first outcomes, in order of arrival."""
        errors = self._reference.learn(self._reference.errors(kind, pairs))
        if len(errors) and self._follow():
            self._open += self._bins(errors)

    def advance(self, now: float) -> None:
        """Let time pass; the slot that is over is judged. Time that runs backwards stands still."""
        slot = _slot(now)
        if slot <= self._slot:
            return
        if self._follow() and self._open.any():
            for evidence in self._evidence:
                evidence.update(self._open, start=self._slot, seconds=SLOT_SECONDS)
            self._open[:] = 0
            self.slots += 1
            self._freeze()
        self._slot = slot

    def checkpoint(self) -> tuple[bytes, ...]:
        """The evidence at each level, for `restore`; empty before the first slot."""
        return tuple(evidence.checkpoint() for evidence in self._evidence) if self.snapshot else ()

    def restore(self, checkpoint: Sequence[bytes]) -> bool:
        """Go on from what was kept; False when it does not fit the reference or the rules of now, and begins anew."""
        if not checkpoint:
            return True
        if not self._follow() or len(checkpoint) != len(self._evidence):
            return False
        try:
            for evidence, kept in zip(self._evidence, checkpoint, strict=True):
                evidence.restore(kept)
        except ValueError:
            self._begin()
            return False
        self._freeze()
        return True

    def _follow(self) -> bool:
        """Bet what the reference says now, from nothing when that is new; False while it says nothing."""
        if self._bets is not self._reference.bets:
            self._bets = self._reference.bets
            self._begin()
        return self._bets is not None

    def _begin(self) -> None:
        levels = self._bets.levels if self._bets else ()
        self._evidence = tuple(
            ModelEvidence([level.tables], patience_seconds=level.patience_seconds) for level in levels
        )
        self._open = np.zeros(int(levels[0].tables.starts[-1]) if levels else 0, np.int64)
        self.snapshot = ()
        self.slots += 1  # what was told is over

    def _bins(self, errors: NDArray[np.float64]) -> Counts:
        assert self._bets  # noqa: S101  # after `_follow`
        return self._bets.bins.counts(errors)

    def _freeze(self) -> None:
        assert self._bets  # noqa: S101  # there is evidence
        told = []
        for level, evidence in zip(self._bets.levels, self._evidence, strict=True):
            verdict = evidence.verdict()
            log_evidence = verdict.log_evidence if np.isfinite(verdict.log_evidence) else np.nan
            strongest = int(np.argmax(verdict.feature_log_evidence))
            named = self._bets.bins.names[strongest] if verdict.detected else ""
            told.append(PerformanceDriftSnapshot(level.name, verdict.detected, log_evidence, verdict.onset, named))
        self.snapshot = tuple(told)


def _slot(now: float) -> float:
    return now // SLOT_SECONDS * SLOT_SECONDS
