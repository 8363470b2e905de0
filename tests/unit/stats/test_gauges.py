"""Gauges that know their size."""

import numpy as np
import pytest
from scipy.stats import chi2, ncx2, norm

from model_exporter.stats import gauges
from model_exporter.stats.distances import psi
from model_exporter.stats.features import FeatureBins, Kind, flatten
from model_exporter.stats.gauges import TAIL, ShiftScore, is_confident, psi_null, psi_threshold

SHARES = np.array([0, 0.005, 0.015, 0.03, 0.05, *([0.1] * 8), 0.05, 0.03, 0.015, 0.005, 0])
P = np.append(SHARES * 0.99, 0.01)
CUTS = norm.ppf(np.cumsum(SHARES)[:-1])
STARTS = np.array([0, len(P)])
REPEATS = 4000


def shifted(mean: float, sd: float = 1.0) -> np.ndarray:
    """The law of a normal feature with another mean and deviation."""
    return np.append(np.diff(norm.cdf(CUTS, mean, sd), prepend=0, append=1) * 0.99, 0.01)


def scores(law: np.ndarray, *, n: int, m: int, repeats: int = REPEATS) -> np.ndarray:
    """Scores of windows of n rows from `law`, each against a baseline of its own with m rows."""
    rng = np.random.default_rng(11)
    bins = flatten([FeatureBins(Kind.NUMERIC, rng.multinomial(m, P)) for _ in range(repeats)])
    return ShiftScore(bins).score(rng.multinomial(n, law, repeats).ravel())


def test_psi_threshold_is_the_quantile() -> None:
    """With occupied bins the threshold is c times the upper quantile of (noncentral) chi-squared."""
    baseline, window = np.full(10, 1000), np.full(10, 100)
    c = 1 / 10_000 + 1 / 1000
    starts = np.array([0, 10])
    assert psi_threshold(baseline, window, starts, tail=0.01)[0] == pytest.approx(c * chi2.isf(0.01, 9))
    tolerant = psi_threshold(baseline, window, starts, tail=0.01, tolerance=0.02)
    assert tolerant[0] == pytest.approx(c * ncx2.isf(0.01, 9, 0.02 / c), rel=0.01)


def test_features_may_have_tolerances_of_their_own() -> None:
    """Each has the threshold that it would have alone."""
    counts, starts = np.tile(np.full(10, 1000), 2), np.array([0, 10, 20])
    both = psi_threshold(counts, counts, starts, tolerance=np.array([0.0, 0.04]))
    alone = [psi_threshold(counts[:10], counts[:10], starts[:2], tolerance=tolerance)[0] for tolerance in (0.0, 0.04)]
    assert both == pytest.approx(alone)
    assert both[1] > 0.04 > both[0]


def test_debiased_psi_is_centred() -> None:
    """Without drift PSI less its null mean is 0 in the mean, within 5 % of that mean, from 300 rows on."""
    rng = np.random.default_rng(2)
    starts = len(P) * np.arange(REPEATS + 1)
    baseline, window = (rng.multinomial(rows, P, REPEATS).ravel() for rows in (5000, 300))
    null = psi_null(baseline, window, starts)
    assert np.mean(psi(baseline, window, starts) - null) == pytest.approx(0, abs=0.05 * null.mean())


@pytest.mark.parametrize("n", [50, 1000, 50_000])
@pytest.mark.parametrize("m", [500, 50_000])
def test_chance_alone_scores_over_one_in_one_window_of_a_hundred(n: int, m: int) -> None:
    """Of 4,000 clean windows no more than 1 % and its sampling error exceed 1."""
    assert np.mean(scores(P, n=n, m=m) > 1) < 0.01 + 2 * 0.0016


@pytest.mark.parametrize(
    "law",
    [shifted(0.18), shifted(-0.18), shifted(0, 1.145), shifted(0, 0.875)],
    ids=["up", "down", "wider", "narrower"],
)
def test_a_weak_shift_is_seen(law: np.ndarray) -> None:
    """A change with a population PSI of 0.03 scores over 1 in 95 of 100 windows of 1,000 rows."""
    real = P > 0
    assert np.sum((law[real] - P[real]) * np.log(law[real] / P[real])) == pytest.approx(0.033, abs=0.004)
    assert np.mean(scores(law, n=1000, m=10_000, repeats=1000) > 1) > 0.95


def test_more_missing_values_are_seen() -> None:
    """From 1 to 3.5 % missing, a PSI of 0.03, scores over 1 in 95 of 100 windows of 1,000 rows."""
    assert np.mean(scores(np.append(SHARES * 0.965, 0.035), n=1000, m=10_000, repeats=1000) > 1) > 0.95


def test_a_long_tail_of_categories_is_no_shift() -> None:
    """Rare categories that the baseline happens not to hold count with the other rare ones; a new common one shows."""
    bins = flatten([FeatureBins(Kind.CATEGORICAL, np.array([6000, 4000, 0, 0]))] * 2)
    score = ShiftScore(bins).score(np.array([6000, 3700, 300, 0, 6000, 4000, 700, 0]))
    assert score[0] < 1 < score[1]


def test_dependence_lowers_the_score() -> None:
    """With phi = 4 a window counts as a quarter of its rows."""
    counts = np.random.default_rng(1).multinomial(10_000, P)
    window = np.random.default_rng(2).multinomial(1000, shifted(0.3))
    free, bound = (
        ShiftScore(flatten([FeatureBins(Kind.NUMERIC, counts, phi=phi)])).score(window)[0] for phi in (1.0, 4.0)
    )
    assert bound < 0.7 * free


@pytest.mark.parametrize(
    ("kind", "baseline", "window"),
    [
        (Kind.CATEGORICAL, [600, 390, 0, 10], [0, 0, 90, 0]),
        (Kind.BOOLEAN, [900, 100, 0], [0, 0, 80]),
        (Kind.NUMERIC, [0, 1000, 0, 0], [0, 0, 70, 0]),
        (Kind.NUMERIC, [0, 0, 0, 1000], [0, 70, 0, 0]),
    ],
    ids=["unseen only", "missing only", "constant moves", "values come"],
)
def test_poor_windows_have_a_score(kind: Kind, baseline: list[int], window: list[int]) -> None:
    """A window wholly outside of the baseline's bins is far beyond chance, and a number."""
    score = ShiftScore(flatten([FeatureBins(kind, np.array(baseline))])).score(np.array(window))
    assert 2 < score[0] < np.inf


@pytest.mark.parametrize(
    ("baseline", "window"), [([0, 0, 0], [5, 5, 0]), ([5, 5, 0], [0, 0, 0])], ids=["no baseline", "no window"]
)
def test_no_rows_have_no_gauges(baseline: list[int], window: list[int]) -> None:
    """Without rows on both sides there is nothing to show."""
    old, new, starts = np.array(baseline), np.array(window), np.array([0, 3])
    assert np.isnan(ShiftScore(flatten([FeatureBins(Kind.BOOLEAN, old)])).score(new)).all()
    assert np.isnan(psi_null(old, new, starts)).all()
    assert np.isnan(psi_threshold(old, new, starts)).all()
    assert not is_confident(old, new, starts).any() or sum(window) == 0


def test_equal_windows_score_nothing() -> None:
    """One bin with all rows on both sides, or equal shares, are no shift."""
    same = np.array([0, 400, 0, 0])
    assert ShiftScore(flatten([FeatureBins(Kind.NUMERIC, same)])).score(same).tolist() == [0.0]


def test_no_features_have_no_scores() -> None:
    """An empty layout is fine."""
    assert not len(ShiftScore(flatten([])).score(np.zeros(0, np.int64)))


@pytest.mark.parametrize(
    ("rows", "bins", "confident"), [(99, 2, False), (100, 2, True), (319, 17, False), (320, 17, True)]
)
def test_a_window_is_coloured_when_it_is_large_enough(rows: int, bins: int, confident: bool) -> None:  # noqa: FBT001
    """At least 100 rows, and 2 (B-1) / 0.1 of them."""
    baseline, window = np.full(bins, 1000), np.full(bins, rows // bins)
    window[0] += rows - window.sum()
    assert is_confident(baseline, window, np.array([0, bins])).tolist() == [confident]


def test_the_tails_are_shared_out() -> None:
    """The parts of the score together use up the chance of a false alarm, for numbers and for categories."""
    for tails in (gauges._NUMERIC_TAILS, gauges._CATEGORY_TAILS):
        assert sum(tails.values()) == pytest.approx(TAIL)
