"""The customary rules on rolling windows: the Kolmogorov-Smirnov test of the values, and thresholds on PSI."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.special import kolmogi

from benchmarks.peers.ours import Answer, Binned
from model_exporter.stats.distances import psi

Values = NDArray[np.float32]
Flags = NDArray[np.bool_]
Rule = Callable[[str, Values, Values, int], Flags]
"""Whether it fires, bool[looks, R], given kind, baselines, rows and the length of the window; it looks forty times a
window."""

LOOKS = 40
BLOCK = 80
"""Looks that are made at once."""
TAIL = 0.05


def ks(_: str, baseline: Values, rows: Values, size: int) -> Flags:
    """The two-sample test with scipy's limit for p < .05."""
    m, runs = baseline.shape
    limit = kolmogi(TAIL) * np.sqrt(1 / size + 1 / m)
    upper = np.arange(1, size + 1) / size
    fired = []
    for run in range(runs):
        place = np.searchsorted(np.sort(baseline[:, run]), rows[:, run]) / m
        windows = sliding_window_view(place, size)[:: size // LOOKS]
        hits = np.zeros(len(windows), np.bool_)
        for start in range(0, len(windows), BLOCK):
            ordered = np.sort(windows[start : start + BLOCK], axis=1)
            gap = np.maximum((upper - ordered).max(axis=1), (ordered - upper + 1 / size).max(axis=1))
            hits[start : start + BLOCK] = gap > limit
            if hits.any():  # later ones are of no interest
                break
        fired.append(hits)
    return np.column_stack(fired)


def psi_over(threshold: float) -> Rule:
    """PSI on the exporter's bins over a threshold."""

    def rule(kind: str, baseline: Values, rows: Values, size: int) -> Flags:
        binned = Binned(kind, baseline)
        old = np.concatenate([feature.counts for feature in binned.features])
        parts = binned.count(rows, size // LOOKS)
        sums = np.cumsum(np.concatenate([np.zeros((1, parts.shape[1]), np.int64), parts]), axis=0)
        windows = sums[LOOKS:] - sums[:-LOOKS]
        return np.array([psi(old, window, binned.starts) > threshold for window in windows])

    return rule


def customary(directory: Path, rule: Rule, size: int, *, kinds: list[str], clean_rows: int) -> Answer:
    """What a rule says of windows of `size` rows. An alarm that is on when the change comes has a delay of one look."""
    about = json.loads((directory / "streams.json").read_text("utf-8"))
    step = size // LOOKS
    baselines = {kind: np.load(directory / f"baseline-{kind}.npy") for kind in kinds}
    clean, delays = {}, {}
    for kind in kinds:
        rows = np.load(directory / f"clean-{kind}.npy")[:clean_rows]
        first = first_rows(rule(kind, baselines[kind], rows, size), size, step)
        clean[kind] = sum(clean_rows if at is None else at for at in first), sum(at is not None for at in first)
    for name, kind in about["changes"].items():
        if kind in kinds:
            rows = np.load(directory / f"changed-{name}.npy")[about["before"] - size + step :]
            delays[name] = first_rows(rule(kind, baselines[kind], rows, size), step, step)
    return Answer(clean, delays)


def first_rows(fired: Flags, begin: int, step: int) -> list[int | None]:
    """Rows up to the first look at which a rule fires, of which the first is after `begin` rows and others follow."""
    return [begin + int(column.argmax()) * step if column.any() else None for column in fired.T]
