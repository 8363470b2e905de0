from dataclasses import replace
from itertools import pairwise
from math import isnan

import numpy as np
import pytest

import snapshots
from model_exporter.expose.feature_views import FeatureView, view_features
from model_exporter.window.snapshot import VersionSnapshot, WindowSnapshot

MODEL = snapshots.model("m", (snapshots.numeric("x"), snapshots.boolean("b")), named=(0,))


def view(version: VersionSnapshot, *, at: float = snapshots.AT) -> FeatureView:
    """The first feature of `version`."""
    return view_features(version, [0], at=at)[0]


def with_windows(*, rows: dict[str, int], measured: tuple[str, ...], since: float | None) -> VersionSnapshot:
    """The version with so many rows a window, PSI in those `measured`, and a change `since` seconds ago, if any."""

    def window(of: WindowSnapshot) -> WindowSnapshot:
        psi = np.full(2, 0.1 if of.name in measured else np.nan)
        return replace(of, psi=psi, observations=np.full(2, rows.get(of.name, 1000)))

    version = MODEL.versions[0]
    drift = replace(
        version.drift[0],
        feature_detected=np.array([since is not None, False]),
        feature_onset=np.array([snapshots.AT - since if since is not None else np.nan, np.nan]),
    )
    return replace(version, windows=tuple(map(window, version.windows)), drift=(drift,))


ALL = ("5m", "1h", "1d")


@pytest.mark.parametrize(
    ("measured", "since", "shown"),
    [
        (ALL, None, "1h"),
        (("1d", "5m"), None, "1d"),
        (("5m",), None, "5m"),
        (ALL, 100.0, "5m"),
        (ALL, 400.0, "5m"),
        (ALL, 3700.0, "1h"),
        (ALL, 90_000.0, "1d"),
        (("1h", "1d"), 400.0, "1h"),
        (("5m", "1d"), 3700.0, "5m"),
        (("1d",), 100.0, "1d"),
        ((), 100.0, "5m"),
        ((), None, "1h"),
    ],
)
def test_a_change_is_shown_by_the_longest_window_after_it_began(
    measured: tuple[str, ...], since: float | None, shown: str
) -> None:
    """A quiet feature by the last hour. A window without a distance is shown only where there is no other."""
    assert view(with_windows(rows={}, measured=measured, since=since)).shown == shown


def test_an_empty_window_is_not_shown() -> None:
    """Few rows are better than none, and without any row there is nothing to show."""
    few = with_windows(rows={"5m": 0, "1h": 0, "1d": 3}, measured=(), since=None)
    assert view(few).shown == "1d"
    none = view(with_windows(rows={"5m": 0, "1h": 0, "1d": 0}, measured=(), since=None))
    assert (none.shown, none.window) == (None, None)


def test_bins_come_with_bounds_means_and_baseline_rows() -> None:
    """The bounds of neighbours meet; open ends have none, and neither has the bin of missing values."""
    bins = view(MODEL.versions[0]).bins
    assert [bin_.bin for bin_ in bins[:2]] == ["_below", "00"]
    assert [bin_.bin for bin_ in bins[-2:]] == ["_above", "_missing"]
    assert (bins[0].above, bins[-2].up_to, bins[-1].above, bins[-1].up_to) == (None, None, None, None)
    assert all(low.up_to == high.above for low, high in pairwise(bins[:-1]))
    assert sum(bin_.baseline for bin_ in bins) == view(MODEL.versions[0]).baseline_observations
    assert all(bin_.mean is None for bin_ in view_features(MODEL.versions[0], [1], at=0.0)[0].bins)


def test_a_window_has_the_counts_of_its_feature() -> None:
    """Each feature has its own part of the flat arrays, as long as its bins."""
    version = MODEL.versions[0]
    first, second = view_features(version, [0, 1], at=snapshots.AT)
    for window, flat in zip(first.windows, version.windows, strict=True):
        assert window.counts == tuple(flat.bins[: len(first.bins)].tolist())
    assert second.windows[0].counts == tuple(version.windows[0].bins[-len(second.bins) :].tolist())


@pytest.mark.parametrize(("rows", "confident"), [(99, False), (300, False), (400, True)])
def test_a_window_is_judged_by_its_index_once_it_is_large_enough(rows: int, *, confident: bool) -> None:
    """Nineteen bins take 360 rows: then chance gives no more than half of the customary limit."""
    version = MODEL.versions[0]
    counts = np.zeros_like(version.windows[0].bins)
    counts[:19] = np.bincount(np.arange(rows) % 19, minlength=19)
    window = replace(version.windows[0], bins=counts)
    assert view(replace(version, windows=(window,))).windows[0].confident is confident


def test_without_a_baseline_there_are_no_features() -> None:
    """A model that learns has nothing to compare with."""
    learning = snapshots.learning_model().versions[0]
    assert view_features(learning, [], at=snapshots.AT) == ()


def test_what_a_window_lacks_is_absent() -> None:
    """Distances below their minimum sample are NaN, not zero."""
    window = view(snapshots.model("m", (snapshots.numeric("x"),), distances=False).versions[0]).windows[0]
    assert isnan(window.psi)
    assert isnan(window.psi_threshold)
