"""Evidence that the share which a business indicator tells has moved away from what it was at first."""

from typing import Final

import numpy as np

from model_exporter.config.settings import Drift, DriftLevel, Learn
from model_exporter.stats.dependence import RHO
from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.model_evidence import ModelEvidence
from model_exporter.stats.portfolio import SeasonalTables
from model_exporter.window import alarm_shares
from model_exporter.window.rolling import SLOT_SECONDS
from model_exporter.window.snapshot import LEVELS, ShareVerdict
from model_exporter.window.verdicts import SMALL_BASELINE, SMALL_Z, Z

SERIES: Final = 2 * len(LEVELS)
"""Evidence and alarm of each level."""


class ShareEvidence:
    """The evidence on one indicator of one model version: an alarm of each level, within the level's budget.

    The rows that the baseline of a model would be learned from (`learn`: so many, over so long) say what is usual.
    Slots after them are bets, as on a feature that is true or false. Slots are those in which rows are counted, which
    with outcomes is when these come.

    Args:
        drift: the levels.
        learn: of the model.
        part: of the budget for business indicators.

    Attributes:
        snapshot: the verdicts after the last slot, in the order of `LEVELS`; empty while it learns.
    """

    def __init__(self, drift: Drift, learn: Learn, *, part: float) -> None:
        self.snapshot: tuple[ShareVerdict, ...] = ()
        self._drift, self._learn, self._part = drift, learn, part
        self._usual = np.zeros(3, np.int64)  # false, true, and the missing that there are none of
        self._since: float | None = None
        self._open = np.zeros(3, np.int64)
        self._evidence: dict[str, ModelEvidence] = {}

    def judge_by(self, drift: Drift) -> None:
        """Take over other levels; evidence begins anew, what is usual stays."""
        if drift != self._drift:
            self._drift, self.snapshot = drift, ()
            if self._evidence:
                self._begin()

    def add(self, rows: int, true: int) -> None:
        """Count rows of the open slot, `true` of which the indicator holds for."""
        self._open += (rows - true, true, 0)

    def take_slot(self, start: float) -> None:
        """Judge the slot that began at `start`, unix seconds, or learn from it."""
        counts, self._open = self._open, np.zeros(3, np.int64)
        if not counts.any():
            return
        if not self._evidence:
            self._since = start if self._since is None else self._since
            self._usual += counts
            if self._usual.sum() >= self._learn.rows and start - self._since >= self._learn.stable_for_seconds:
                self._begin()
            return
        for evidence in self._evidence.values():
            evidence.update(counts, start=start, seconds=SLOT_SECONDS)
        self.snapshot = tuple(self._verdict(level, evidence) for level, evidence in self._evidence.items())

    def _begin(self) -> None:
        bins = FeatureBins(Kind.BOOLEAN, self._usual)
        z = SMALL_Z if self._usual.sum() < SMALL_BASELINE else Z
        share = alarm_shares.BUSINESS * self._part

        def evidence(level: DriftLevel) -> ModelEvidence:
            tables = SeasonalTables([[bins]], Allowance(tolerance=level.tolerance, z=z), rho=RHO)
            return ModelEvidence(tables, patience_seconds=level.patience_seconds / share)

        levels = zip(LEVELS, (self._drift.page, self._drift.ticket), strict=True)
        self._evidence = {name: evidence(level) for name, level in levels}

    def _verdict(self, level: str, evidence: ModelEvidence) -> ShareVerdict:
        verdict = evidence.verdict()
        known = np.isfinite(verdict.log_evidence)
        return ShareVerdict(level, verdict.detected, verdict.log_evidence if known else np.nan)
