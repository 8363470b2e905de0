"""Performance of rankings and recommendations, as sums.

>>> tally = RankingTally(depths=(1, 3))
>>> rows = ranked_rows([("a", "b", "c"), ("c", "a")] * 60, [{"b": 1.0}, {"c": 1.0, "d": 1.0}] * 60, depth=3)
>>> [(m.metric, m.label, round(m.value, 3)) for m in tally.measures(tally.sums(rows)) if m.metric != "hit_rate"]
[('mrr', '', 0.75), ('map', '', 0.5), ('ndcg', '1', 0.5), ('ndcg', '3', 0.622)]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np

from model_exporter.stats.confusion import rate
from model_exporter.stats.measure import Measure
from model_exporter.stats.moments import MeanSums
from model_exporter.stats.tally import Entries, Floats, Tally, effective_rows, weights_of

DEPTHS: Final = (1, 5, 10)
_SHARE: Final = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class RankedRows:
    """Rankings with what turned out to be relevant, cut at a depth D.

    Attributes:
        gains: float64[n, D] >= 0, gain of the item at each place, best place first; 0 for an item that is not relevant
            and past the end of a shorter ranking.
        ideal: float64[n, D], the gains of the relevant items in falling order: what the best ranking has.
        relevant: float64[n], number of relevant items; a row without any counts nowhere.
        weights: float64[n], 1 over the rate at which rows were kept, >= 1; None for 1.
    """

    gains: Floats
    ideal: Floats
    relevant: Floats
    weights: Floats | None = None


def ranked_rows(
    rankings: Sequence[Sequence[str]],
    relevant: Sequence[Mapping[str, float]],
    *,
    depth: int,
    weights: Floats | None = None,
) -> RankedRows:
    """Rows from the items of each ranking, best first, and the gains of the items that were relevant.

    A loop over rows, since items are names: about 4 us a row of ten items. An item that a ranking repeats gains once.
    """
    gains, ideal = np.zeros((len(rankings), depth)), np.zeros((len(rankings), depth))
    found: list[int] = []
    hits: list[tuple[int, int, float]] = []
    for row, (items, truth) in enumerate(zip(rankings, relevant, strict=True)):
        kept = {item: gain for item, gain in truth.items() if 0 < gain < inf}
        found.append(len(kept))
        best = sorted(kept.values(), reverse=True)[:depth]
        ideal[row, : len(best)] = best
        for place, item in enumerate(items[:depth]):
            if item in kept:
                hits.append((row, place, kept.pop(item)))
    if hits:
        rows, places, values = zip(*hits, strict=True)
        gains[rows, places] = values
    return RankedRows(gains, ideal, np.array(found, np.float64), weights)


class RankingTally(Tally[RankedRows]):
    """Sums for a model that ranks items.

    `measures` gives mrr and map over the first D places, D being the rows' depth, and ndcg and hit_rate at each of
    `depths` (as label). NDCG has linear gains and discounts 1 / log2(1 + place); average precision is divided by the
    relevant items that D places can hold.

    Sources: K. Jaervelin and J. Kekaelaeinen, Cumulated gain-based evaluation of IR techniques, ACM TOIS 20 (2002).

    Args:
        depths: k >= 1, ascending, the largest at most D.
    """

    def __init__(self, depths: Sequence[int] = DEPTHS) -> None:
        self._depths = tuple(depths)
        self._hits_at = (2 + len(self._depths)) * MeanSums.width

    @property
    def width(self) -> int:
        """Length of the sums."""
        return self._hits_at + 2 + len(self._depths)

    def entries(self, rows: RankedRows) -> Entries:
        """What `rows` add to which sum."""
        entries, weights = Entries(len(rows.gains)), weights_of(rows.weights, len(rows.gains))
        judged = rows.relevant > 0
        hits = rows.gains > 0
        places = np.arange(1, rows.gains.shape[1] + 1)
        first = np.where(hits.any(axis=1), 1 / (1 + hits.argmax(axis=1)), 0.0)
        MeanSums().enter(entries, 0, first, weights, judged)
        precise = (np.cumsum(hits, axis=1) / places * hits).sum(axis=1)
        held = np.maximum(np.minimum(rows.relevant, len(places)), 1)
        MeanSums().enter(entries, MeanSums.width, precise / held, weights, judged)
        discounts = 1 / np.log2(1 + places)
        for at, depth in enumerate(self._depths):
            own = rows.gains[:, :depth] @ discounts[:depth]
            best = rows.ideal[:, :depth] @ discounts[:depth]
            ndcg = own / np.where(best > 0, best, 1.0)
            MeanSums().enter(entries, (2 + at) * MeanSums.width, ndcg, weights, judged)
            entries.add(self._hits_at + 2 + at, weights, judged & hits[:, :depth].any(axis=1))
        entries.add(self._hits_at, weights, judged)
        entries.add(self._hits_at + 1, weights * weights, judged)
        return entries

    def measures(self, sums: Floats) -> list[Measure]:
        """What `sums` say; metrics below their minimum count are left out."""
        blocks = sums[: self._hits_at].reshape(-1, MeanSums.width)
        found = [
            MeanSums().measure("mrr", blocks[0], bounds=_SHARE),
            MeanSums().measure("map", blocks[1], bounds=_SHARE),
        ]
        weight, squares, *hits = sums[self._hits_at :].tolist()
        n = effective_rows(weight, squares)
        for depth, block, hit in zip(self._depths, blocks[2:], hits, strict=True):
            found += [
                MeanSums().measure("ndcg", block, str(depth), bounds=_SHARE),
                rate("hit_rate", hit, weight, n, str(depth)),
            ]
        return [measure for measure in found if measure is not None]
