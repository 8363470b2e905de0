"""The statistics that the exporter must show for given rows, from the baseline file alone, with numpy and scipy.

Nothing here is the exporter's own code: bins are told from the documented file, distances come from scipy where it has
them and from their textbook formula where it has not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be shown of one feature; the last two are None for a feature without a scale."""

    bins: Mapping[str, int]
    psi: float
    js_distance: float
    ks_distance: float | None
    wasserstein_ratio: float | None


def expected(file: Path, rows: Sequence[Mapping[str, object]]) -> dict[str, Expected]:
    """Each binned input feature of the baseline in `file`, compared with `rows`."""
    features = json.loads(file.read_text("utf-8"))["features"]
    return {
        feature["name"]: _compare(feature, [row.get(feature["name"]) for row in rows])
        for feature in features
        if feature["role"] == "input" and "bins" in feature
    }


def _compare(feature: Mapping[str, object], values: Sequence[object]) -> Expected:
    bins = feature["bins"]
    assert isinstance(bins, list)
    names = [bin_["bin"] for bin_ in bins]
    baseline = np.array([bin_["count"] for bin_ in bins])
    indices = (
        _place_numbers(feature, bins, values) if feature["type"] == "numeric" else _place_texts(feature, names, values)
    )
    window = np.bincount(indices, minlength=len(names))
    ordinal = len(names) - 1 if feature["type"] == "numeric" else 0
    return Expected(
        bins=dict(zip(names, window.tolist(), strict=True)),
        psi=_psi(baseline, window),
        js_distance=float(jensenshannon(window, baseline)),
        ks_distance=_ks(baseline[:ordinal], window[:ordinal]) if ordinal else None,
        wasserstein_ratio=_wasserstein(feature, bins, baseline[:ordinal], window[:ordinal]) if ordinal else None,
    )


def _place_numbers(
    feature: Mapping[str, object], bins: Sequence[Mapping[str, float]], values: Sequence[object]
) -> Counts:
    """Index of the bin of each value: `_below`, then up to and with each `up_to`, then `_above`, then `_missing`."""
    upper = np.array([bin_["up_to"] for bin_ in bins if "up_to" in bin_])
    numbers = np.array([np.nan if value is None else float(str(value)) for value in values])
    inside = 1 + np.searchsorted(upper, numbers, side="left")
    return np.where(np.isnan(numbers), len(bins) - 1, np.where(numbers < feature["minimum"], 0, inside))


def _place_texts(feature: Mapping[str, object], names: Sequence[str], values: Sequence[object]) -> Counts:
    """Index of the bin of each value: its own, `_other` for the known ones, `_unseen` for the rest, `_missing`."""
    index = {name: number for number, name in enumerate(names)}
    known = feature.get("known", [])
    assert isinstance(known, list)

    def place(value: object) -> int:
        text = str(value).lower() if isinstance(value, bool) else value
        if text is None or text != text:  # noqa: PLR0124  # NaN
            return index["_missing"]
        return index.get(str(text), index["_other"] if text in known else index.get("_unseen", -1))

    return np.array([place(value) for value in values])


def _psi(baseline: Counts, window: Counts) -> float:
    occupied = (baseline > 0) | (window > 0)
    p = (window[occupied] + 0.5) / (window.sum() + occupied.sum() / 2)
    q = (baseline[occupied] + 0.5) / (baseline.sum() + occupied.sum() / 2)
    return float(np.sum((p - q) * np.log(p / q)))


def _ks(baseline: Counts, window: Counts) -> float:
    return float(np.abs(np.cumsum(window) / window.sum() - np.cumsum(baseline) / baseline.sum()).max())


def _wasserstein(
    feature: Mapping[str, object], bins: Sequence[Mapping[str, float]], baseline: Counts, window: Counts
) -> float:
    positions = [feature["minimum"], *(bin_["mean"] for bin_ in bins if "mean" in bin_), feature["maximum"]]
    return float(wasserstein_distance(positions, positions, window, baseline)) / float(str(feature["sd"]))
