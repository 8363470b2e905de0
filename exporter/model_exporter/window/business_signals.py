"""Business indicators as operational signals: how each slot was, and by how much chance alone moves it."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.indicators import SUMS, Indicator
from model_exporter.stats.mewma import logit_share, share_noise
from model_exporter.stats.ratios import RatioSums, ratio_error

MAX_INDICATORS: Final = 8
"""Indicators of a model that are watched, the first ones: each makes the history longer that a verdict needs."""
PREFIX: Final = "business:"
"""What the signal of an indicator is called before its name."""
_STEADY: Final = 0.05
"""No indicator is taken to be steadier than by this share of itself, or for shares this much of their logit."""

Floats = NDArray[np.float64]


class BusinessSignals:
    """The first indicators of a model, slot by slot.

    A share is watched as its logit, anything else as the ratio of its sums, a sum as its mean per prediction: how many
    there are is a signal of its own. What needs outcomes belongs to the slot in which they come. An indicator that is
    not told in a slot is absent from it.
    """

    def __init__(self, indicators: Sequence[Indicator]) -> None:
        self._indicators = tuple(indicators[:MAX_INDICATORS])
        self._sums = self._none()

    @property
    def names(self) -> tuple[str, ...]:
        """What the signals are called."""
        return tuple(f"{PREFIX}{indicator.name}" for indicator in self._indicators)

    @property
    def least_noise(self) -> Floats:
        """Noise below which a signal is never taken to be, where that does not depend on its own size."""
        return np.array([_STEADY if indicator.is_share else 0.0 for indicator in self._indicators])

    def digest(self, size: int) -> bytes:
        """Of so many bytes; other indicators have another one."""
        told = "\n".join(f"{one.name} {one.form} {one.of.text} {one.to and one.to.text}" for one in self._indicators)
        return blake2b(told.encode(), digest_size=size).digest()

    def add(self, sums: Floats) -> None:
        """Add sums of all indicators of the model, float64[indicators, len(SUMS)]."""
        self._sums += sums[: len(self._indicators)]

    def take(self) -> tuple[Floats, Floats]:
        """The values and the noise of the slot that is over, NaN where there is none; the next begins."""
        sums, self._sums = self._sums, self._none()
        told = [_share(row) if one.is_share else _amount(row) for one, row in zip(self._indicators, sums, strict=True)]
        values = np.array(told, np.float64).reshape(-1, 2)
        return values[:, 0], values[:, 1]

    def _none(self) -> Floats:
        return np.zeros((len(self._indicators), len(SUMS)))


def _share(sums: Floats) -> tuple[float, float]:
    total, count = sums[:1], sums[1:2]
    return logit_share(count, total).item(), share_noise(count, total).item()


def _amount(sums: Floats) -> tuple[float, float]:
    told = RatioSums(*sums.tolist())
    if not told.to:
        return np.nan, np.nan
    ratio = told.of / told.to
    return ratio, max(ratio_error(told) or 0.0, _STEADY * abs(ratio))
