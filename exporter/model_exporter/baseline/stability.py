"""Whether the rows of a stretch of traffic agree with each other, so that no drift within it becomes the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.binning import bin_cells
from model_exporter.baseline.model import FeatureBaseline
from model_exporter.baseline.rhythm import SLOT_SECONDS, scores_of
from model_exporter.baseline.seasons import DAY
from model_exporter.batch import Column, Role
from model_exporter.errors import BaselineError
from model_exporter.stats.dependence import dependence
from model_exporter.stats.stretch import BLOCKS, stretch_agreement

LONG: Final = 2 * DAY
"""Seconds from which on a stretch is compared by whole days, so that the hour of the day is no difference."""

_NO_TEXTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType({})

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Stability:
    """Whether the parts of a stretch of rows agree.

    Attributes:
        stable: whether they do, in all features.
        feature: the feature that disagrees most, or comes nearest to it; empty when none could be compared.
        role: of that feature.
        effect: chi-squared divergence of the rows from part `first` to part `last` from the others, without noise; NaN
            when none could be compared. Its root is about the mean shift in standard deviations.
        first: counted from 1.
        last: counted from 1.
        parts: how many there are.
    """

    stable: bool
    feature: str
    role: Role
    effect: float
    first: int
    last: int
    parts: int

    def describe(self) -> str:
        """One sentence for people.

        >>> Stability(False, "age", Role.INPUT, 0.09, 6, 8, 8).describe()
        'input age differs between parts 6 to 8 of 8 and the rest of the time, as much as by a mean shift of 0.3 sd'
        """
        if isnan(self.effect):
            return "no feature could be compared between the parts"
        if self.stable:
            return (
                f"no feature differs between {self.parts} parts; {self.role.value} {self.feature} comes nearest to it"
            )
        run = f"part {self.first}" if self.first == self.last else f"parts {self.first} to {self.last}"
        return (
            f"{self.role.value} {self.feature} differs between {run} of {self.parts} and the rest of the time, "
            f"as much as by a mean shift of {sqrt(max(self.effect, 0.0)):.2g} sd"
        )


def stability(
    features: Sequence[FeatureBaseline],
    columns: Sequence[Column],
    *,
    times: Floats | None = None,
    missing: Mapping[str, frozenset[str]] = _NO_TEXTS,
) -> Stability:
    """Whether the rows of a stretch agree with each other.

    The stretch is cut into `BLOCKS` parts of equally many rows, or of whole days when it is that long, and every run of
    neighbouring parts is compared with the rest (`stats.stretch`). So a drift is found that began, ended or came and
    went in any part of it. Dependence within the parts is measured and allowed for.

    Args:
        features: the baseline of the whole stretch.
        columns: what it was built of: one cell for every row, oldest first, feature by feature.
        times: float64[rows], unix seconds, ascending; None when they are not known.
        missing: as for `build_baseline`.

    Raises:
        BaselineError: there are fewer than two rows, or columns that are not of one length.
    """
    rows = {len(column.kinds) for column in columns}
    if len(rows) != 1 or min(rows) < 2:  # noqa: PLR2004  # two things to compare
        raise BaselineError("a stretch is compared with itself by columns of one length, of at least two rows")
    part = _parts(rows.pop(), times)
    parts = int(part[-1]) + 1
    slots = None if times is None else _Slots(times, part)
    binned: list[FeatureBaseline] = []
    counts: list[NDArray[np.int64]] = []
    inflations: list[float] = []
    for feature, column in zip(features, columns, strict=True):
        if feature.bins:
            bins = bin_cells(feature, column, missing.get(column.name, frozenset()))
            size = len(feature.bins)
            binned.append(feature)
            counts.append(np.bincount(part * size + bins, minlength=parts * size).reshape(parts, size))
            inflations.append(slots.phi(feature, bins) if slots else 1.0)
    if not binned:
        return Stability(stable=True, feature="", role=Role.INPUT, effect=nan, first=0, last=0, parts=parts)
    starts = np.cumsum([0, *(len(feature.bins) for feature in binned)])
    found = stretch_agreement(np.hstack(counts), starts, phi=np.array(inflations))
    # A feature that is not stable comes before any that is, one that cannot be compared after all.
    worst = int(np.argmax(np.where(np.isnan(found.excess), -np.inf, np.where(found.stable, 0.0, 1e9) + found.excess)))
    return Stability(
        stable=bool(found.stable.all()),
        feature="" if isnan(found.excess[worst]) else binned[worst].name,
        role=binned[worst].role,
        effect=float(found.effect[worst]),
        first=int(found.first[worst]) + 1,
        last=int(found.last[worst]) + 1,
        parts=parts,
    )


def _parts(rows: int, times: Floats | None) -> Indices:
    """The part of each row, counted from 0, intp[rows]."""
    if times is None or times[-1] - times[0] < LONG:
        return np.arange(rows) * BLOCKS // rows
    days = int((times[-1] - times[0]) // DAY)
    each = -(-days // BLOCKS)
    # What is left over of a day belongs to the last part.
    part: Indices = np.minimum((times - times[0]) // (each * DAY), days // each - 1).astype(np.intp)
    return part


class _Slots:
    """The slots that the rows came in, each with the part that it begins in."""

    def __init__(self, times: Floats, part: Indices) -> None:
        _, first, self._slot = np.unique(times // SLOT_SECONDS, return_index=True, return_inverse=True)
        self._rows = np.bincount(self._slot).astype(np.int64, copy=False)
        self._part = part[first]

    def phi(self, feature: FeatureBaseline, bins: Indices) -> float:
        """Variance of the feature's counts within parts over that of independent rows.

        What differs between parts is taken away before: it is what is looked for.
        """
        scores = scores_of(feature)
        sums = np.array([np.bincount(self._slot, row[bins]) for row in scores])
        squares = scores**2 @ np.bincount(bins, minlength=len(feature.bins))
        found = dependence(sums, self._rows, squares, group=self._part)
        return found.phi if found else 1.0
