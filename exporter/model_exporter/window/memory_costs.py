"""How much memory a model takes, estimated from what bounds it.

Almost all of it is counts for series: each bin and each count of a feature stands in every slot of the windows, and
each line of the exposition is kept as text for the next scrape. So memory follows the series, and their limits are
limits of memory too.
"""

from typing import Final

SERIES_BYTES: Final = 650
"""One series, with full windows and the text of two formats; without a scrape in the second format, two thirds."""
PAIR_BYTES: Final = 1_500
"""One watched pair of features of a model: what is bet on it."""
PAIR_VERSION_BYTES: Final = 4_000
"""The same in each version: the wealth of each bet."""
MODEL_BYTES: Final = 50_000
"""What a model takes before it has a series."""


def of_model(*, series: int, pairs: int, versions: int) -> int:
    """Bytes of a model with so many series, watched pairs of features and versions.

    What waits for outcomes is not in it, nor the rows that a baseline is learned from: they have limits of their own.
    """
    return MODEL_BYTES + SERIES_BYTES * series + (PAIR_BYTES + PAIR_VERSION_BYTES * versions) * pairs
