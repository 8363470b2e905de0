"""What the performance of one model is compared with: its first outcomes, or an objective."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import class_of
from model_exporter.config.settings import ModelKind, ModelSettings
from model_exporter.stats import performance_bets
from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.performance_bets import ErrorBins, ErrorShares, Objective, Objectives, PerformanceBins
from model_exporter.stats.tables import Tables
from model_exporter.window import alarm_shares
from model_exporter.window.scoring import Pair, called
from model_exporter.window.snapshot import LEVELS, ReferenceSnapshot
from model_exporter.window.verdicts import SMALL_BASELINE, SMALL_Z, Z

_FORMAT: Final = b"reference1"
_PREFIX: Final = "performance_"
_POWERS: Final = {performance_bets.ABSOLUTE_ERROR: 1, performance_bets.SQUARED_ERROR: 2}
_CLASSES: Final = (ModelKind.CLASSIFICATION,)
_NUMBERS: Final = (ModelKind.REGRESSION, ModelKind.FORECASTING)

Floats = NDArray[np.float64]
Learned = Callable[[int, str, float], None]
"""Hears that the reference is complete: of how many outcomes, and the metric that it is known by."""


@dataclass(frozen=True, slots=True)
class PerformanceLevel:
    """The bets at one level; the patience is that of performance alone."""

    name: str
    patience_seconds: float
    tables: Tables


@dataclass(frozen=True)
class PerformanceBets:
    """What is bet on the errors of a model."""

    bins: PerformanceBins
    levels: tuple[PerformanceLevel, ...]


class PerformanceReference:
    """The first outcomes of a model, of whichever of its versions, until there are enough; then they are frozen.

    With an objective that errors can be held against there is nothing to learn.

    Args:
        settings: of the model.
        learned: hears of it when it is complete.

    Attributes:
        bets: what is bet, None until the reference is complete.
    """

    def __init__(self, settings: ModelSettings, learned: Learned = lambda *_: None) -> None:
        self._settings = settings
        self._learned = learned
        self._classifies: bool | None = None
        self._errors = np.zeros(0)
        self.bets: PerformanceBets | None = None

    def errors(self, kind: ModelKind, pairs: Sequence[Pair]) -> Floats:
        """The errors of those of `pairs` that have one, for a model of `kind`: 1 or 0 of classes, else differences.

        Rankings have none; and none that is comparable has a version of another kind than the first.
        """
        classifies = kind is ModelKind.CLASSIFICATION
        if not classifies and kind not in _NUMBERS:
            return np.zeros(0)
        if self._classifies is None:
            self._begin(classifies)
        if classifies is not self._classifies:
            return np.zeros(0)
        if classifies:
            told = ((called(pair.facts), class_of(pair.outcome.value)) for pair in pairs)
            return np.array([one != other for one, other in told if one is not None and other is not None], np.float64)
        both = [(pair.facts.predicted, pair.outcome.value) for pair in pairs]
        found = np.array(both, np.float64).reshape(-1, 2)
        errors: Floats = found[:, 0] - found[:, 1]
        return errors[np.isfinite(errors)]

    def learn(self, errors: Floats) -> Floats:
        """Take of `errors` what is still needed; returns the others, which are bet on."""
        if self.bets:
            return errors
        room = self._settings.outcome.reference - len(self._errors)
        self._errors = np.concatenate([self._errors, errors[:room]])
        if len(errors) >= room:
            self._freeze()
            self._learned(len(self._errors), *self._told())
        return errors[room:]

    def checkpoint(self) -> bytes:
        """The outcomes so far, for `restore`; empty before the first that counts."""
        if self._classifies is None:
            return b""
        return _FORMAT + bytes([bool(self._classifies)]) + self._errors.astype("<f8").tobytes()

    def restore(self, checkpoint: bytes) -> bool:
        """Go on from what was kept, unless something is known already; False when it does not fit and is let go."""
        if not checkpoint or self._classifies is not None:
            return True
        head = len(_FORMAT) + 1
        if not checkpoint.startswith(_FORMAT) or (len(checkpoint) - head) % 8 or len(checkpoint) < head:
            return False
        classifies, errors = bool(checkpoint[head - 1]), np.frombuffer(checkpoint, "<f8", offset=head)
        kind = self._settings.kind
        if not np.isfinite(errors).all() or kind not in {None, *(_CLASSES if classifies else _NUMBERS)}:
            return False
        if not self._begin(classifies):
            self._errors = errors[: self._settings.outcome.reference].astype(np.float64)
            if len(self._errors) == self._settings.outcome.reference:
                self._freeze()
        return True

    def reconfigure(self, settings: ModelSettings) -> None:
        """Take over settings under which outcomes mean what they meant; what is bet is made anew."""
        self._settings = settings
        self.bets = None
        is_learned = self._classifies is not None and not self._begin(self._classifies)
        if is_learned and len(self._errors) >= settings.outcome.reference:
            self._errors = self._errors[: settings.outcome.reference]
            self._freeze()

    def snapshot(self) -> ReferenceSnapshot | None:
        """How far it has come, and what performance is compared with; None before the first outcome."""
        if self._classifies is None:
            return None
        if self.bets and not len(self._errors):
            limits = _objectives(self._settings, classifies=self._classifies)
            told = tuple((name, value) for name, value, _ in limits)
            return ReferenceSnapshot(None, told)
        return ReferenceSnapshot(len(self._errors), (self._told(),) if self.bets else ())

    def _told(self) -> tuple[str, float]:
        if self._classifies:
            return performance_bets.ACCURACY, 1 - float(self._errors.mean())
        return performance_bets.ABSOLUTE_ERROR, float(np.abs(self._errors).mean())

    def _begin(self, classifies: bool) -> bool:  # noqa: FBT001  # the one thing that it is told
        """Take the errors for those of classes, or of numbers; True when there is an objective for these."""
        self._classifies = classifies
        limits = [objective for _, _, objective in _objectives(self._settings, classifies=classifies)]
        if limits:
            self._errors = np.zeros(0)
            self._bet(Objectives(limits), z=0.0)
        return bool(limits)

    def _freeze(self) -> None:
        small = len(self._errors) < SMALL_BASELINE
        self._bet(ErrorShares(self._errors) if self._classifies else ErrorBins(self._errors), z=SMALL_Z if small else Z)

    def _bet(self, bins: PerformanceBins, *, z: float) -> None:
        drift = self._settings.drift
        levels = zip(LEVELS, (drift.page, drift.ticket), strict=True)
        self.bets = PerformanceBets(
            bins,
            tuple(
                PerformanceLevel(
                    name,
                    level.patience_seconds / alarm_shares.PERFORMANCE,
                    bins.tables(Allowance(tolerance=level.tolerance, z=z)),
                )
                for name, level in levels
            ),
        )


def _objectives(settings: ModelSettings, *, classifies: bool) -> list[tuple[str, float, Objective]]:
    """The objectives that errors can be held against: metric, its value, and the limit of a mean loss."""
    found = []
    for told in settings.objectives:
        name = told.signal.removeprefix(_PREFIX)
        if not told.signal.startswith(_PREFIX):
            continue
        if classifies and name == performance_bets.ACCURACY and 0 < told.value < 1:
            found.append((name, told.value, Objective(name, 1 - told.value)))
        elif not classifies and name in _POWERS and told.value > 0:
            power = _POWERS[name]
            found.append((name, told.value, Objective(name, told.value**power, power)))
    return found
