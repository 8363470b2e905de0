import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import average_precision_score, roc_auc_score

from model_exporter.stats.bins import ordinal_bins
from model_exporter.stats.score_bins import ScoreBins, delong_error, precision_recall_area, roc_area
from model_exporter.stats.tally import Entries

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def _draw(rows: int, seed: int) -> tuple[Flags, Floats]:
    rng = np.random.default_rng(seed)
    positive = rng.random(rows) < 0.3
    return positive, rng.normal(size=rows) + 1.2 * positive


def _binned(positive: Flags, scores: Floats, edges: Floats) -> tuple[Floats, Floats]:
    bins = ordinal_bins(scores, edges)
    one, other = (np.bincount(bins[own], minlength=len(edges) + 1) for own in (positive, ~positive))
    return one.astype(np.float64), other.astype(np.float64)


def _sums(block: ScoreBins, positive: Flags, scores: Floats) -> Floats:
    entries = Entries(len(scores))
    block.enter(entries, 0, scores, positive=positive, weights=np.ones(len(scores)))
    return entries.total(block.width)


def test_a_bin_a_score_leaves_nothing_open() -> None:
    """With an edge at each distinct score both areas are scikit-learn's, ties included, and U is scipy's."""
    positive, scores = _draw(500, 0)
    scores = np.round(scores, 1)
    parts = _binned(positive, scores, np.unique(scores)[:-1])
    area = roc_area(*parts)
    assert area.value == pytest.approx(roc_auc_score(positive, scores))
    u = mannwhitneyu(scores[positive], scores[~positive]).statistic
    assert area.value == pytest.approx(u / positive.sum() / (~positive).sum())
    curve = precision_recall_area(*parts)
    assert curve.least <= average_precision_score(positive, scores) <= curve.most


def test_delongs_error_is_that_of_the_pairs() -> None:
    """From the shares of pairs won by each positive and by each negative, computed pair by pair."""
    positive, scores = _draw(400, 1)
    scores = np.round(scores, 1)
    above, below = scores[positive], scores[~positive]
    won = np.where(above[:, None] == below, 0.5, above[:, None] > below)
    expected = np.sqrt(won.mean(axis=1).var(ddof=1) / len(above) + won.mean(axis=0).var(ddof=1) / len(below))
    parts = _binned(positive, scores, np.unique(scores)[:-1])
    assert delong_error(*parts, len(above), len(below)) == pytest.approx(expected)


@pytest.mark.parametrize("edges", [[], [0.0], [-1.0, 0.0, 1.0, 2.0]])
def test_no_order_within_bins_leaves_the_bracket(edges: list[float]) -> None:
    """The best and the worst order of rows within bins, and random ones, give areas between least and most."""
    positive, scores = _draw(300, 2)
    cuts = np.array(edges, np.float64)
    bins = ordinal_bins(scores, cuts)
    parts = _binned(positive, scores, cuts)
    roc, curve = roc_area(*parts), precision_recall_area(*parts)
    rng = np.random.default_rng(0)
    ranks = [positive.astype(np.float64), 1.0 - positive, *(rng.random(300) for _ in range(20))]
    areas = [roc_auc_score(positive, bins + 0.9 * rank) for rank in ranks]
    precisions = [average_precision_score(positive, bins + 0.9 * rank + 1e-6 * rng.random(300)) for rank in ranks]
    assert (max(areas), min(areas)) == pytest.approx((roc.most, roc.least))
    assert curve.least - 1e-12 <= min(precisions)
    assert max(precisions) <= curve.most + 1e-12
    assert curve.value == pytest.approx(np.mean(precisions[2:]), abs=0.03)


def test_the_interval_of_an_area_is_delongs_and_the_bracket() -> None:
    """On the logit scale, then longer at each end by what the bins leave open."""
    positive, scores = _draw(600, 3)
    block = ScoreBins(np.linspace(-2, 3, 29))
    sums = _sums(block, positive, scores)
    found = block.roc_auc(sums)
    assert found is not None
    parts = block.positives(sums), block.negatives(sums)
    area = roc_area(*parts)
    error = delong_error(*parts, float(positive.sum()), float((~positive).sum()))
    reach = norm.ppf(0.975) * error / (area.value * (1 - area.value)) * np.array([-1, 1])
    ends = 1 / (1 + np.exp(-(np.log(area.value / (1 - area.value)) + reach)))
    assert (found.lower, found.upper) == pytest.approx(
        (ends[0] - area.value + area.least, ends[1] + area.most - area.value)
    )


def test_calibrated_scores_may_be_without_error() -> None:
    """Noise makes an error of calibrated scores whose interval reaches 0; that of scores off by .2 does not."""
    rng = np.random.default_rng(4)
    scores = rng.uniform(0.1, 0.7, 2000)
    block = ScoreBins(np.arange(1, 100) / 100)
    for offset, reaches_zero in ((0.0, True), (0.2, False)):
        found = block.calibration_error(_sums(block, rng.random(2000) < scores + offset, scores))
        assert found is not None
        assert found.value > 0
        assert (found.lower == 0) == reaches_zero
        assert found.lower <= offset <= found.upper


def test_areas_wait_for_both_classes() -> None:
    """19 of either class are too few, 20 of each enough."""
    block = ScoreBins(np.array([0.0]))
    for positives, negatives in ((19, 500), (500, 19), (20, 20)):
        positive = np.repeat([True, False], [positives, negatives])
        sums = _sums(block, positive, np.random.default_rng(0).normal(size=len(positive)))
        shown = min(positives, negatives) >= 20
        assert (block.roc_auc(sums) is not None) == shown
        assert (block.pr_auc(sums) is not None) == shown
