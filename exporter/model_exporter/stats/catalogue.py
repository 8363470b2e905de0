"""How much of a catalogue is recommended, and how new that is, from a bounded sketch.

An item counts in the bucket of its hash. Buckets add up over windows and replicas as all sums do, and an item that is
taken off leaves them. The number of distinct items follows from the empty buckets, and novelty from how often the
baseline recommended each bucket. 4096 buckets tell up to about 12,000 items apart; beyond, nothing is said.
"""

from collections.abc import Sequence
from math import log, sqrt
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.intervals import CONFIDENCE, normal_quantile
from model_exporter.stats.measure import MIN_MEAN_ROWS, Measure
from model_exporter.stats.tally import Floats, cleared

BUCKETS: Final = 4096
_FEWEST_EMPTY: Final = 200
"""Empty buckets below which the number of items is not told: its error grows without bound."""


def catalogue_sums(rankings: Sequence[Sequence[str]], buckets: int = BUCKETS) -> Floats:
    """Recommendations by bucket, float64[buckets]; a loop over items, about 0.3 us each.

    >>> int(catalogue_sums([("a", "b"), ("a", "c")]).sum())
    4
    """
    codes = [crc32(item.encode("utf-8", "surrogatepass")) for items in rankings for item in items]
    return np.bincount(_mixed(codes) % buckets, minlength=buckets).astype(np.float64)


def distinct_items(sums: Floats) -> Measure | None:
    """How many different items were recommended, from `catalogue_sums`; None without any or beyond the sketch.

    Linear counting: -B ln(V / B) with V of B buckets empty; standard error sqrt(B (exp(t) - t - 1)), t = items / B.

    Source: K.-Y. Whang, B. T. Vander-Zanden, H. M. Taylor, A linear-time probabilistic counting algorithm, ACM TODS 15
    (1990).

    >>> round(distinct_items(catalogue_sums([("a", "b"), ("a", "c")])).value, 1)
    3.0
    """
    held, buckets = cleared(sums), len(sums)
    empty = int(np.count_nonzero(held == 0))
    if empty == buckets or empty < _FEWEST_EMPTY:
        return None
    items = -buckets * log(empty / buckets)
    load = items / buckets
    reach = normal_quantile(CONFIDENCE) * sqrt(buckets * max(np.expm1(load) - load, 0.0))
    return Measure("distinct_items", items, max(items - reach, float(buckets - empty)), items + reach, held.sum())


def catalogue_coverage(sums: Floats, catalogue: int) -> Measure | None:
    """Share of `catalogue` > 0 items that were recommended; None as for `distinct_items`.

    >>> round(catalogue_coverage(catalogue_sums([("a", "b"), ("a", "c")]), 12).value, 2)
    0.25
    """
    items = distinct_items(sums)
    if items is None:
        return None
    value, lower, upper = (min(end / catalogue, 1.0) for end in (items.value, items.lower, items.upper))
    return Measure("catalogue_coverage", value, lower, upper, items.count)


def novelty(sums: Floats, baseline: Floats) -> Measure | None:
    """Mean self-information of what was recommended, in bits; None below 100 recommendations on either side.

    The mean over recommendations of -log2 p, with p = (b + 1/2) / (m + B/2) the share of the item's bucket in the
    baseline. A rise says that what was rare in the baseline is recommended more. The bounds take recommendations as
    independent; those of one list are not, so they are narrow.

    Source: T. Zhou et al., Solving the apparent diversity-accuracy dilemma of recommender systems, PNAS 107 (2010).

    >>> baseline = catalogue_sums([("a",)] * 99 + [("b",)], buckets=16)
    >>> [round(novelty(catalogue_sums([(item,)] * 200, buckets=16), baseline).value, 1) for item in "ab"]
    [0.1, 6.2]
    """
    held, known = cleared(sums), cleared(baseline)
    n, m = float(held.sum()), float(known.sum())
    if min(n, m) < MIN_MEAN_ROWS:
        return None
    bits = -np.log2((known + 0.5) / (m + len(known) / 2))
    mean = float(held @ bits) / n
    sd = sqrt(float(held @ (bits - mean) ** 2) / (n - 1))
    reach = normal_quantile(CONFIDENCE) * sd / sqrt(n)
    return Measure("novelty", mean, max(mean - reach, 0.0), mean + reach, n)


def _mixed(codes: Sequence[int]) -> NDArray[np.int64]:
    """Hashes whose bits depend on all bits of `codes`.

    CRC32 is linear: names that differ in a few digits fill its low bits more evenly than chance, and linear counting
    would find a third too many. The mixer is the last step of MurmurHash3 (A. Appleby, public domain).
    """
    mixed = np.array(codes, np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    return mixed.astype(np.int64)
