"""The streams that all rules are judged on: made once, read by every peer from files.

A directory holds, for every kind of feature, `baseline-KIND.npy` float32[10,000, R] and `clean-KIND.npy`
float32[CLEAN or LONG, R], traffic without a change; for every change `changed-NAME.npy` float32[BEFORE + AFTER, R],
whose first BEFORE rows are clean; and `streams.json`. A column is a run of its own. Categories are codes, missing
values NaN.
"""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RUNS = 20
BASELINE = 10_000
CLEAN = 100_000
LONG = 1_000_000
"""Rows of clean numbers, so that the time to a false alarm of a rule that seldom fires can be measured."""
BEFORE = 10_000
AFTER = 40_000
SHARES = (0.35, 0.25, 0.2, 0.1, 0.05, 0.03, 0.02)
GROWING = 4
"""The category that grows."""

Values = NDArray[np.float32]
Draw = Callable[[np.random.Generator, int], Values]


def numbers(*, mean: float = 0.0, variance: float = 1.0, missing: float = 0.0) -> Draw:
    """Normal values, a share of them missing."""

    def draw(rng: np.random.Generator, rows: int) -> Values:
        values = rng.standard_normal((rows, RUNS), np.float32) * np.float32(variance**0.5) + np.float32(mean)
        if missing:
            values[rng.random((rows, RUNS), np.float32) < missing] = np.nan
        return values

    return draw


def categories(growing: float = SHARES[GROWING]) -> Draw:
    """Codes of categories, one of which has the share `growing`."""
    others = (1 - growing) / (1 - SHARES[GROWING])
    shares = [growing if code == GROWING else share * others for code, share in enumerate(SHARES)]
    edges = np.cumsum(shares)[:-1].astype(np.float32)

    def draw(rng: np.random.Generator, rows: int) -> Values:
        return np.searchsorted(edges, rng.random((rows, RUNS), np.float32), side="right").astype(np.float32)

    return draw


KINDS: dict[str, Draw] = {"number": numbers(), "category": categories(), "missing": numbers(missing=0.01)}
CHANGES: dict[str, tuple[str, Draw]] = {
    "mean +.25 sd": ("number", numbers(mean=0.25)),
    "mean +.5 sd": ("number", numbers(mean=0.5)),
    "mean +1 sd": ("number", numbers(mean=1.0)),
    "variance x1.5": ("number", numbers(variance=1.5)),
    "category 5 to 10 %": ("category", categories(0.1)),
    "missing 1 to 3 %": ("missing", numbers(missing=0.03)),
}


def write_streams(directory: Path) -> None:
    """Fill the directory."""
    rng = np.random.default_rng(2027)
    for kind, clean in KINDS.items():
        np.save(directory / f"baseline-{kind}.npy", clean(rng, BASELINE))
        np.save(directory / f"clean-{kind}.npy", clean(rng, LONG if kind == "number" else CLEAN))
    for name, (kind, changed) in CHANGES.items():
        rows = np.concatenate([KINDS[kind](rng, BEFORE), changed(rng, AFTER)])
        np.save(directory / f"changed-{name}.npy", rows)
    about = {
        "before": BEFORE,
        "growing": GROWING,
        "kinds": list(KINDS),
        "changes": {name: kind for name, (kind, _) in CHANGES.items()},
        "phases": rng.random(RUNS).tolist(),  # where in a chunk the change falls, for tools that judge chunks
    }
    (directory / "streams.json").write_text(json.dumps(about), encoding="utf-8")
