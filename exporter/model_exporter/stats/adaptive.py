"""The bets whose alternative is the traffic itself, as it has been lately: they find changes that no other bet is on.

Each memory V holds the counts of a feature's ordinary bins, fading by the number of predictions. The bet for the next
slot is on q = (50 p + V) / (50 + |V|).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from model_exporter.stats.dictionary import Label
from model_exporter.stats.features import Floats
from model_exporter.stats.tables import Adaptive

_PRIOR_ROWS: Final = 50.0
"""Predictions that the baseline counts for in the alternative."""


@dataclass(frozen=True, slots=True)
class AdaptiveSlot:
    """What a slot comes to for the adaptive bets, whatever they allow for.

    Attributes:
        paid: float64[M, A], log of the product of q_k/p_k over the slot's predictions.
        s: float64[M, A], root of sum q^2/p - 1.
        rows: float64[A], predictions.
    """

    paid: Floats
    s: Floats
    rows: Floats

    def gains(self, delta: Floats) -> Floats:
        """Log of what the slot pays bets that allow for `delta` float64[A], float64[M, A]."""
        gains: Floats = self.paid - np.log1p(delta * self.s) * self.rows
        return gains


def adaptive_slot(adaptive: Adaptive, memory: Floats, x: Floats) -> AdaptiveSlot:
    """What a slot comes to.

    A prediction in bin k pays q_k/p_k / (1 + delta s) with s^2 = sum q^2/p - 1, which has a mean of at most 1 while
    the divergence of the traffic is at most delta^2 (Cauchy and Schwarz). The direction comes from the traffic and may
    follow the baseline's error in any number of dimensions, so delta allows for the whole of that error, not for its
    part in one direction.

    Args:
        adaptive: the bets of A features, with b bins in all.
        memory: float64[M, b], V.
        x: float64[b], tempered counts of the slot.
    """
    starts = adaptive.starts[:-1]
    if not len(starts):
        return AdaptiveSlot(np.zeros((len(memory), 0)), np.zeros((len(memory), 0)), np.zeros(0))
    ratio = _ratio(adaptive, memory)
    s = np.sqrt(np.maximum(np.add.reduceat(ratio * ratio * adaptive.p, starts, axis=1) - 1, 0.0))
    paid = np.add.reduceat(np.log(ratio) * x, starts, axis=1)
    return AdaptiveSlot(paid, s, np.add.reduceat(x, starts))


def adaptive_shapes(adaptive: Adaptive, memory: Floats) -> Floats:
    """What each adaptive bet bets on, as shares of s^2 by label, float64[A, M, len(Label)]; they sum to 1.

    The divergence s^2 of q from p is split into its part along the location score (up or down), along the scale score
    (wider or narrower), and the rest (other); or, where a single bin explains more, into that bin's part and the rest.
    """
    starts = adaptive.starts[:-1]
    shapes = np.zeros((len(starts), len(memory), len(Label)))
    if not len(starts):
        return shapes
    g = _ratio(adaptive, memory) - 1
    weighted = g * adaptive.p
    whole = np.maximum(np.add.reduceat(weighted * g, starts, axis=1), 1e-300)
    location = np.add.reduceat(weighted * adaptive.location, starts, axis=1) / np.sqrt(whole)
    scale = np.add.reduceat(weighted * adaptive.scale, starts, axis=1) / np.sqrt(whole)
    one_bin = np.maximum.reduceat(weighted * g / np.maximum(1 - adaptive.p, 1e-300), starts, axis=1) / whole
    smooth = np.minimum(location**2 + scale**2, 1.0)
    by_bin = one_bin > smooth
    for label, part in (
        (Label.UP, np.where(location > 0, location**2, 0.0)),
        (Label.DOWN, np.where(location < 0, location**2, 0.0)),
        (Label.WIDER, np.where(scale > 0, scale**2, 0.0)),
        (Label.NARROWER, np.where(scale < 0, scale**2, 0.0)),
    ):
        shapes[:, :, label] = np.where(by_bin, 0.0, part).T
    shapes[:, :, Label.BIN] = np.where(by_bin, np.minimum(one_bin, 1.0), 0.0).T
    shapes[:, :, Label.OTHER] = np.maximum(1 - shapes.sum(axis=2), 0.0)
    return shapes


def _ratio(adaptive: Adaptive, memory: Floats) -> Floats:
    """q/p, float64[M, b]."""
    rows = np.add.reduceat(memory, adaptive.starts[:-1], axis=1) + _PRIOR_ROWS
    ratio: Floats = memory / adaptive.p
    ratio += _PRIOR_ROWS
    ratio /= rows.take(adaptive.owner, axis=1)
    return ratio
