"""The distances on random ragged counts equal scipy's, and obey the laws of distances."""

from dataclasses import dataclass
from math import fsum, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from model_exporter.stats.bins import MIN_ROWS, TAIL_REFINED, ordinal_bins, tail_refined_edges
from model_exporter.stats.distances import js_distance, ks_distance, observations, psi, wasserstein_ratio
from model_exporter.stats.summary import group_means, mean_and_sd, outlier_fences

steady = settings(derandomize=True, deadline=None, max_examples=100)


@dataclass(frozen=True)
class Feature:
    """Counts of one feature by bin; `steps` are the ways from one bin's position to the next."""

    baseline: list[int]
    window: list[int]
    ordinal: list[bool]
    steps: list[float]
    sd: float

    @property
    def positions(self) -> list[float]:
        """They do not fall."""
        return np.cumsum(self.steps).tolist() if self.steps else []


@st.composite
def features(draw: st.DrawFn) -> Feature:
    """A feature of up to six bins, some empty on one side or on both, some not ordinal."""
    size = draw(st.integers(0, 6))

    def of(values: st.SearchStrategy[object]) -> list[object]:
        return draw(st.lists(values, min_size=size, max_size=size))

    counts = st.one_of(st.just(0), st.integers(0, 60))
    steps = st.one_of(st.just(0.0), st.floats(0, 1e3))
    return Feature(of(counts), of(counts), of(st.booleans()), of(steps), draw(st.floats(0.01, 100)))  # type: ignore[arg-type]  # one helper draws lists of several types


ragged = st.lists(features(), max_size=5)


def _starts(drawn: list[Feature]) -> NDArray[np.int64]:
    return np.cumsum([0, *(len(feature.baseline) for feature in drawn)], dtype=np.int64)


def _flat(parts: list[list[int]]) -> NDArray[np.int64]:
    return np.array([count for part in parts for count in part], np.int64)


def _baseline(drawn: list[Feature]) -> NDArray[np.int64]:
    return _flat([feature.baseline for feature in drawn])


def _window(drawn: list[Feature]) -> NDArray[np.int64]:
    return _flat([feature.window for feature in drawn])


def _ordinal(drawn: list[Feature]) -> NDArray[np.bool_]:
    return np.array([flag for feature in drawn for flag in feature.ordinal], np.bool_)


def _agree(found: NDArray[np.float64], expected: list[float]) -> None:
    assert found.tolist() == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


def _on_scale(feature: Feature) -> tuple[list[int], list[int], list[float]]:
    """Window, baseline and positions of the ordinal bins."""
    places = [place for place, flag in enumerate(feature.ordinal) if flag]
    return (
        [feature.window[place] for place in places],
        [feature.baseline[place] for place in places],
        [feature.positions[place] for place in places],
    )


@steady
@given(ragged)
def test_psi_is_its_formula(drawn: list[Feature]) -> None:
    """A loop over the bins in exact summation gives the same, NaN included."""

    def by_hand(feature: Feature) -> float:
        pairs = [(w, b) for w, b in zip(feature.window, feature.baseline, strict=True) if w or b]
        n, m = sum(feature.window), sum(feature.baseline)
        if not n or not m:
            return np.nan
        shares = [((w + 0.5) / (n + len(pairs) / 2), (b + 0.5) / (m + len(pairs) / 2)) for w, b in pairs]
        return fsum((p - q) * log(p / q) for p, q in shares)

    _agree(psi(_baseline(drawn), _window(drawn), _starts(drawn)), [by_hand(feature) for feature in drawn])


@steady
@given(ragged)
def test_js_distance_is_scipys(drawn: list[Feature]) -> None:
    """`scipy.spatial.distance.jensenshannon` of the shares gives the same where both sides have rows."""

    def by_scipy(feature: Feature) -> float:
        both = sum(feature.window) and sum(feature.baseline)
        return float(jensenshannon(feature.window, feature.baseline)) if both else np.nan

    _agree(js_distance(_baseline(drawn), _window(drawn), _starts(drawn)), [by_scipy(feature) for feature in drawn])


@steady
@given(ragged)
def test_ks_distance_is_that_of_the_empirical_distributions(drawn: list[Feature]) -> None:
    """The largest difference of the cumulated shares over the ordinal bins, looped over by hand."""

    def by_hand(feature: Feature) -> float:
        window, baseline, _ = _on_scale(feature)
        if not sum(window) or not sum(baseline):
            return np.nan
        ends = range(1, len(window) + 1)
        return max(abs(sum(window[:end]) / sum(window) - sum(baseline[:end]) / sum(baseline)) for end in ends)

    found = ks_distance(_baseline(drawn), _window(drawn), _starts(drawn), _ordinal(drawn))
    _agree(found, [by_hand(feature) for feature in drawn])


@steady
@given(ragged)
def test_wasserstein_ratio_is_scipys(drawn: list[Feature]) -> None:
    """`scipy.stats.wasserstein_distance` of the positions weighted by the counts, over the deviation."""

    def by_scipy(feature: Feature) -> float:
        window, baseline, positions = _on_scale(feature)
        if not sum(window) or not sum(baseline):
            return np.nan
        return float(wasserstein_distance(positions, positions, window, baseline)) / feature.sd

    positions = np.array([x for feature in drawn for x in feature.positions])
    sd = np.array([feature.sd for feature in drawn])
    found = wasserstein_ratio(_baseline(drawn), _window(drawn), _starts(drawn), _ordinal(drawn), positions, sd)
    _agree(found, [by_scipy(feature) for feature in drawn])


@steady
@given(ragged)
def test_distances_are_symmetric_and_within_their_range(drawn: list[Feature]) -> None:
    """Either side may be the baseline, and no value leaves the documented range."""
    baseline, window, starts, flags = _baseline(drawn), _window(drawn), _starts(drawn), _ordinal(drawn)
    for there, back, top in (
        (psi(baseline, window, starts), psi(window, baseline, starts), np.inf),
        (js_distance(baseline, window, starts), js_distance(window, baseline, starts), np.sqrt(np.log(2)) + 1e-15),
        (ks_distance(baseline, window, starts, flags), ks_distance(window, baseline, starts, flags), 1.0),
    ):
        _agree(there, back.tolist())
        defined = there[~np.isnan(there)]
        assert ((defined >= 0) & (defined <= top)).all()


@steady
@given(ragged, ragged)
def test_features_do_not_see_each_other(left: list[Feature], right: list[Feature]) -> None:
    """The distances of two models' features side by side are those of each model alone, to the last bit."""
    both = left + right
    apart = [psi(_baseline(part), _window(part), _starts(part)) for part in (left, right)]
    np.testing.assert_array_equal(psi(_baseline(both), _window(both), _starts(both)), np.concatenate(apart))
    apart = [ks_distance(_baseline(part), _window(part), _starts(part), _ordinal(part)) for part in (left, right)]
    together = ks_distance(_baseline(both), _window(both), _starts(both), _ordinal(both))
    np.testing.assert_array_equal(together, np.concatenate(apart))


@steady
@given(ragged)
def test_observations_add_up(drawn: list[Feature]) -> None:
    """The rows of merged windows are the sum of the windows' rows."""
    baseline, window, starts = _baseline(drawn), _window(drawn), _starts(drawn)
    merged = observations(baseline + window, starts)
    assert merged.tolist() == (observations(baseline, starts) + observations(window, starts)).tolist()
    assert merged.sum() == baseline.sum() + window.sum()


finite = st.floats(allow_nan=False, allow_infinity=False)
values = st.one_of(
    st.lists(finite, min_size=1, max_size=200), st.lists(st.integers(0, 30).map(float), min_size=1, max_size=400)
)


@steady
@given(values)
def test_edges_are_ascending_observed_values(drawn: list[float]) -> None:
    """All edges but the first are values of the baseline, every bin is filled, and no value is outside."""
    ordered = np.sort(drawn)
    edges = tail_refined_edges(ordered)
    counts = np.bincount(ordinal_bins(ordered, edges), minlength=len(edges) + 1)
    assert (np.diff(edges) > 0).all()
    assert set(edges[1:].tolist()) <= set(drawn)
    assert 2 <= len(edges) <= len(TAIL_REFINED) + 2
    assert (counts[0], counts[-1]) == (0, 0)
    assert counts[1:-1].min() >= min(MIN_ROWS, len(drawn))


@steady
@given(values)
def test_summaries_are_finite_and_in_order(drawn: list[float]) -> None:
    """Whatever the values, mean, deviation, fences and positions are finite, and they lie where they must."""
    ordered = np.sort(drawn)
    mean, sd = mean_and_sd(ordered)
    low, high = outlier_fences(ordered)
    bounds = np.searchsorted(ordered, tail_refined_edges(ordered), side="right")
    means = group_means(ordered, bounds)
    assert np.isfinite([mean, sd, low, high, *means]).all()
    assert ordered[0] <= mean <= ordered[-1]
    assert sd >= 0
    assert low <= high
    assert (np.diff(means) >= 0).all()
    assert ordered[0] <= means[0] <= means[-1] <= ordered[-1]
