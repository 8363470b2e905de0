from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import beta
from sklearn.metrics import roc_auc_score

from model_exporter.stats.estimates import EXTRAPOLATION, FEW_LABELS, FEW_ROWS, NO_SCORES, Estimator, reference_edges
from model_exporter.stats.measure import Measure

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class Rows(NamedTuple):
    """Rows of a classifier: what is, what was predicted, and its score."""

    actual: Codes
    predicted: Codes
    scores: Floats

    def only(self, own: slice | NDArray[np.bool_]) -> "Rows":
        """Some of the rows."""
        return Rows(self.actual[own], self.predicted[own], self.scores[own])


def _rows(n: int, *, seed: int, shift: float = 0.0, concept: float = 0.0) -> Rows:
    rng = np.random.default_rng(seed)
    odds = 1.6 * rng.normal(size=n) - 0.8 + 1.6 * shift
    actual = (rng.random(n) < 1 / (1 + np.exp(-odds - concept))).astype(np.int64)
    return Rows(actual, (odds > 0).astype(np.int64), 1 / (1 + np.exp(-odds)))


def _realised(rows: Rows) -> dict[str, float]:
    is_, called = rows.actual == 1, rows.predicted == 1
    true = float((is_ & called).sum())
    return {
        "accuracy": float((is_ == called).mean()),
        "precision": true / called.sum(),
        "recall": true / is_.sum(),
        "f1": 2 * true / (is_.sum() + called.sum()),
        "roc_auc": float(roc_auc_score(is_, rows.scores)),
    }


def _estimator(reference: Rows) -> Estimator:
    return Estimator(["no", "yes"], reference_edges(reference.scores), positive=1)


def _named(measures: tuple[Measure, ...]) -> dict[str, Measure]:
    return {measure.metric: measure for measure in measures}


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_the_estimate_is_near_what_comes_true(shift: float) -> None:
    """With the meaning of scores unchanged, all five metrics lie in their bands, inputs shifted or not."""
    reference, live = _rows(10_000, seed=1), _rows(20_000, seed=2, shift=shift)
    estimator = _estimator(reference)
    estimate = estimator.estimate(estimator.labelled(*reference), estimator.traffic(live.predicted, live.scores))
    assert estimate.withdrawn == ""
    found = _named(estimate.measures)
    for metric, value in _realised(live).items():
        assert found[metric].lower <= value <= found[metric].upper
        assert found[metric].upper - found[metric].lower < 0.05


def test_a_change_of_meaning_is_not_seen() -> None:
    """The assumption: outcomes that no longer follow the scores leave the estimate where it was."""
    reference, live = _rows(10_000, seed=1), _rows(20_000, seed=2, concept=1.5)
    estimator = _estimator(reference)
    estimate = estimator.estimate(estimator.labelled(*reference), estimator.traffic(live.predicted, live.scores))
    accuracy = _named(estimate.measures)["accuracy"]
    assert _realised(live)["accuracy"] < accuracy.lower - 0.05


def test_the_band_has_both_variances() -> None:
    """That of the calibration, as of a Beta law, and that of the labels to come."""
    labels, rows, share = 400, 1000, 0.8
    estimator = Estimator(["no", "yes"], np.zeros(0), positive=1)
    ones = np.ones(labels, np.int64)
    labelled = estimator.labelled((np.arange(labels) < share * labels).astype(np.int64), ones, np.full(labels, 0.8))
    traffic = estimator.traffic(np.ones(rows, np.int64), np.full(rows, 0.8))
    accuracy = _named(estimator.estimate(labelled, traffic).measures)["accuracy"]
    calibration = beta(share * labels, (1 - share) * labels).var()
    expected = 1.959964 * np.sqrt(calibration + share * (1 - share) / rows)
    assert accuracy.value == pytest.approx(share)
    assert (accuracy.upper - accuracy.lower) / 2 == pytest.approx(expected, rel=1e-3)


def test_the_band_is_that_of_the_delta_method() -> None:
    """With labels enough the variance is sum (dg/dp)^2 p (1 - p) / n over cells, with numerical derivatives."""
    reference, live = _rows(4000, seed=3), _rows(3000, seed=4)
    estimator = _estimator(reference)
    labelled = estimator.labelled(*reference) * 1e9  # the label noise alone is left
    traffic = estimator.traffic(live.predicted, live.scores)
    labels, events = np.split(labelled, 2)
    variances = dict.fromkeys(("accuracy", "precision", "recall", "f1", "roc_auc"), 0.0)
    for cell in np.flatnonzero(traffic[:-1] * labels):
        share, step = events[cell] / labels[cell], 1e-4
        values = []
        for sign in (-1, 1):
            moved = labelled.copy()
            moved[len(labels) + cell] += sign * step * labels[cell]
            values.append(_named(estimator.estimate(moved, traffic).measures))
        for metric in variances:
            slope = (values[1][metric].value - values[0][metric].value) / (2 * step)
            variances[metric] += slope**2 * share * (1 - share) / traffic[cell]
    found = _named(estimator.estimate(labelled, traffic).measures)
    for metric, variance in variances.items():
        reach = (found[metric].upper - found[metric].lower) / 2
        assert reach == pytest.approx(1.959964 * np.sqrt(variance), rel=0.01)


def test_extrapolation_withdraws_the_estimate() -> None:
    """Scores that moved where the reference has few or none have no estimate, and the reason is told."""
    reference = _rows(10_000, seed=1)
    estimator = _estimator(reference)
    labelled = estimator.labelled(*reference)
    moved = _rows(20_000, seed=2, shift=1.5)
    estimate = estimator.estimate(labelled, estimator.traffic(moved.predicted, moved.scores))
    assert (estimate.measures, estimate.withdrawn) == ((), EXTRAPOLATION)
    narrow = reference.scores < 0.5
    known = estimator.labelled(*reference.only(narrow))
    live = _rows(20_000, seed=2)
    estimate = estimator.estimate(known, estimator.traffic(live.predicted, live.scores))
    assert estimate.withdrawn == EXTRAPOLATION
    assert estimate.unknown > 0.2


def test_too_little_withdraws_the_estimate() -> None:
    """Few labels, few rows, rows without scores, and no reference at all: each has its reason."""
    reference, live = _rows(10_000, seed=1), _rows(5000, seed=2)
    estimator = _estimator(reference)
    labelled = estimator.labelled(*reference)
    few = Estimator(["no", "yes"], np.array([0.5]), positive=1)
    some = few.labelled(*reference.only(slice(150)))
    assert few.estimate(some, few.traffic(live.predicted, live.scores)).withdrawn == FEW_LABELS
    assert estimator.estimate(labelled, estimator.traffic(live.predicted[:29], live.scores[:29])).withdrawn == FEW_ROWS
    blank = np.where(np.arange(5000) < 500, np.nan, live.scores)
    assert estimator.estimate(labelled, estimator.traffic(live.predicted, blank)).withdrawn == NO_SCORES
    blank = np.full(5000, np.nan)
    assert estimator.estimate(labelled, estimator.traffic(live.predicted, blank)).withdrawn == NO_SCORES
    nothing = np.zeros(estimator.labelled_width)
    traffic = estimator.traffic(live.predicted, live.scores)
    assert estimator.estimate(nothing, traffic).withdrawn == EXTRAPOLATION


def test_several_classes_have_accuracy_and_precision() -> None:
    """From the scores of the predicted class: how often each is right."""
    rng = np.random.default_rng(0)

    def draw(n: int) -> Rows:
        predicted = rng.integers(0, 3, n)
        scores = rng.uniform(0.4, 1.0, n)
        right = rng.random(n) < scores
        return Rows(np.where(right, predicted, (predicted + 1) % 3), predicted, scores)

    reference, live = draw(10_000), draw(10_000)
    estimator = Estimator(list("abc"), reference_edges(reference.scores))
    estimate = estimator.estimate(estimator.labelled(*reference), estimator.traffic(live.predicted, live.scores))
    accuracy = estimate.measures[0]
    assert accuracy.metric == "accuracy"
    assert accuracy.lower <= (live.actual == live.predicted).mean() <= accuracy.upper
    assert [(one.metric, one.label) for one in estimate.measures[1:]] == [("precision", name) for name in "abc"]
    for one in estimate.measures[1:]:
        code = "abc".index(one.label)
        assert one.value == pytest.approx((live.actual[live.predicted == code] == code).mean(), abs=0.03)


def test_sums_of_rows_add_up() -> None:
    """Labelled and unlabelled sums of two batches are those of both, weights included."""
    rows = _rows(500, seed=1)
    weights = np.random.default_rng(0).choice([1.0, 4.0], 500)
    estimator = _estimator(rows)
    parts = [slice(0, 123), slice(123, 500)]
    labelled, traffic = np.zeros(estimator.labelled_width), np.zeros(estimator.traffic_width)
    for own in parts:
        labelled += estimator.labelled(*rows.only(own), weights[own])
        traffic += estimator.traffic(rows.predicted[own], rows.scores[own], weights[own])
    np.testing.assert_array_equal(labelled, estimator.labelled(*rows, weights))
    np.testing.assert_array_equal(traffic, estimator.traffic(rows.predicted, rows.scores, weights))


def test_reference_bins_have_enough_labels() -> None:
    """Each holds at least 20 rows, whatever the law of the scores."""
    rng = np.random.default_rng(0)
    for scores in (rng.random(25), rng.random(1000), rng.integers(0, 3, 400).astype(float), rng.lognormal(size=20_000)):
        edges = reference_edges(scores)
        bins = np.searchsorted(edges, scores, side="left")
        assert np.bincount(bins, minlength=len(edges) + 1).min() >= 20
