"""Rows of a pretended model with 20 features: the same for the same seed, in the baseline as in the traffic."""

from collections.abc import Iterator

import numpy as np
from opentelemetry.util.types import AnyValue

NUMERIC = tuple(f"number_{index:02}" for index in range(10))
WHOLE = tuple(f"whole_{index}" for index in range(5))
TEXT = tuple(f"text_{index}" for index in range(4))
FLAG = "flag"
FEATURES = (*NUMERIC, *WHOLE, *TEXT, FLAG)
MISSING_SHARE = 0.03

Row = dict[str, AnyValue]


def rows(count: int, *, seed: int, shift: float = 0.0) -> Iterator[Row]:
    """`count` rows; `shift` moves numbers by so many of their standard deviations and changes categories.

    Every third feature is missing from some rows; numbers are absent in one feature and NaN in the next.
    """
    random = np.random.default_rng(seed)
    columns: dict[str, list[object]] = {}
    for index, name in enumerate(NUMERIC):
        values = random.normal(shift, 1.0, count)
        columns[name] = (np.exp(values) if index % 2 else 100 * index + values).tolist()
    for index, name in enumerate(WHOLE):
        columns[name] = random.poisson((2.0 + 5 * index) * (1 + shift / 4), count).tolist()
    for index, name in enumerate(TEXT):
        ranks = random.zipf(1.5 + index / 4 + shift / 4, count) % 200
        columns[name] = [f"c{rank}" for rank in ranks.tolist()]
    columns[FLAG] = (random.random(count) < 0.2 + shift / 10).tolist()
    for index, name in enumerate(FEATURES):
        if index % 3 == 0:
            for row in np.flatnonzero(random.random(count) < MISSING_SHARE).tolist():
                columns[name][row] = float("nan") if index % 2 and name not in TEXT else None
    for cells in zip(*columns.values(), strict=True):
        yield {name: value for name, value in zip(columns, cells, strict=True) if value is not None}
