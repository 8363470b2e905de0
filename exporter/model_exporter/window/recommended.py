"""What one model version recommends: how much of the catalogue, and how new that is."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from model_exporter.stats.catalogue import BUCKETS, catalogue_coverage, catalogue_sums, distinct_items, novelty
from model_exporter.stats.measure import Measure
from model_exporter.window.rolling import Rolling
from model_exporter.window.snapshot import COHORTS, WINDOWS

_TOLD: Final = tuple(name for name in WINDOWS if name in COHORTS)
SERIES: Final = 3 * 3 * len(_TOLD)
"""Three measures with their bounds in each window."""


class Recommended:
    """Items that were recommended, in the buckets of their hashes: 3 MB, however many items there are.

    No outcome is needed, and windows end now. Novelty is against the first lists of the version, whose items do not
    change any more once there are `usual` of them.

    Args:
        catalogue: how many items there are to recommend, None when nobody said.
        usual: lists that tell what is usual.
    """

    def __init__(self, *, catalogue: int | None, usual: int) -> None:
        self.catalogue = catalogue
        self._usual = usual
        self._lists = 0
        self._baseline = np.zeros(BUCKETS)
        self._counts = Rolling(BUCKETS)

    @property
    def revision(self) -> int:
        """Changes with what it tells."""
        return self._counts.revision

    def add(self, rankings: Sequence[tuple[str, ...]], now: float) -> None:
        """Count lists of items; an empty one tells nothing."""
        told = [items for items in rankings if items]
        if not told:
            return
        self._counts.add(catalogue_sums(told).astype(np.int64), now)
        first = told[: self._usual - self._lists]
        if first:
            self._baseline += catalogue_sums(first)
            self._lists += len(first)

    def advance(self, now: float) -> None:
        """Let time pass."""
        self._counts.advance(now)

    def snapshot(self) -> tuple[tuple[str, Measure], ...]:
        """The measures of each window, by its name."""
        found: list[tuple[str, Measure]] = []
        for name in _TOLD:
            sums = self._counts.window(name).astype(np.float64)
            told = [distinct_items(sums)]
            if self.catalogue:
                told.append(catalogue_coverage(sums, self.catalogue))
            if self._lists >= self._usual:
                told.append(novelty(sums, self._baseline))
            found += [(name, measure) for measure in told if measure]
        return tuple(found)
