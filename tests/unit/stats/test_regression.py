import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn import metrics as reference

from model_exporter.stats.measure import Measure
from model_exporter.stats.regression import PredictedNumbers, RegressionTally

Floats = NDArray[np.float64]


def _rows(n: int, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    actual = rng.normal(50, 10, n)
    return actual, actual + rng.normal(1, 4, n)


def _named(tally: RegressionTally, sums: Floats) -> dict[str, Measure]:
    return {measure.metric: measure for measure in tally.measures(sums)}


@pytest.mark.parametrize(("origin", "scale"), [(0.0, 1.0), (50.0, 10.0), (-100.0, 1e6)])
def test_sums_give_what_scikit_learn_gives(origin: float, scale: float) -> None:
    """MAE, RMSE and R2 are exact whatever origin and scale the sums are kept in."""
    actual, predicted = _rows(2000)
    tally = RegressionTally(origin=origin, scale=scale)
    found = _named(tally, tally.sums(PredictedNumbers(actual, predicted)))
    expected = {
        "mae": reference.mean_absolute_error(actual, predicted),
        "bias": float((predicted - actual).mean()),
        "rmse": reference.root_mean_squared_error(actual, predicted),
        "r2": reference.r2_score(actual, predicted),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected, rel=1e-9)
    assert all(found[name].lower < found[name].value < found[name].upper for name in expected)


def test_weights_give_the_weighted_metrics() -> None:
    """Estimates are scikit-learn's with sample weights."""
    actual, predicted = _rows(2000)
    weights = np.random.default_rng(1).choice([1.0, 5.0], 2000)
    tally = RegressionTally(origin=50.0, scale=10.0)
    found = _named(tally, tally.sums(PredictedNumbers(actual, predicted, weights=weights)))
    mean = reference.mean_absolute_error(actual, predicted, sample_weight=weights)
    assert found["mae"].value == pytest.approx(mean, rel=1e-12)
    score = reference.r2_score(actual, predicted, sample_weight=weights)
    assert found["r2"].value == pytest.approx(score, rel=1e-9)
    assert found["mae"].count == pytest.approx(weights.sum() ** 2 / (weights**2).sum())


def test_intervals_of_the_model_cover_what_they_cover() -> None:
    """Coverage is the share of outcomes within both ends, over the rows that have both."""
    actual, predicted = _rows(400)
    lower, upper = predicted - 5, predicted + 3
    lower[:50], upper[50:100] = np.nan, np.nan
    tally = RegressionTally()
    found = _named(tally, tally.sums(PredictedNumbers(actual, predicted, lower, upper)))["coverage"]
    within = (lower <= actual) & (actual <= upper)
    assert found.value == pytest.approx(within[100:].mean())
    assert found.count == 300


def test_an_outcome_far_from_the_origin_keeps_its_r2() -> None:
    """With the origin near the outcomes R2 is right to ten digits; a hundred deviations off there is none."""
    actual, predicted = _rows(1000)
    expected = reference.r2_score(actual, predicted)
    near = RegressionTally(origin=1e9, scale=1.0)
    rows = PredictedNumbers(actual + 1e9, predicted + 1e9)
    assert _named(near, near.sums(rows))["r2"].value == pytest.approx(expected, rel=1e-6)
    far = RegressionTally()
    found = _named(far, far.sums(rows))
    assert "r2" not in found
    assert found["mae"].value == pytest.approx(reference.mean_absolute_error(actual, predicted), rel=1e-6)


def test_r2_has_the_interval_of_the_delta_method() -> None:
    """The error of log(1 - R2) is that of the mean of e^2 / mean e^2 - (y - mean y)^2 / var y."""
    actual, predicted = _rows(1500)
    tally = RegressionTally(origin=50.0)
    found = _named(tally, tally.sums(PredictedNumbers(actual, predicted)))["r2"]
    error, centred = predicted - actual, actual - actual.mean()
    influence = error**2 / (error**2).mean() - centred**2 / (centred**2).mean()
    reach = norm.ppf(0.975) * influence.std() / np.sqrt(1500)
    expected = 1 - (1 - found.value) * np.exp([reach, -reach])
    assert (found.lower, found.upper) == pytest.approx(tuple(expected), rel=1e-9)


def test_heavy_tails_have_no_rmse_until_there_are_rows() -> None:
    """A thousand lognormal errors leave the RMSE unknown; their mean absolute error is told."""
    rng = np.random.default_rng(3)
    errors = rng.lognormal(0, 1.5, 1000)
    tally = RegressionTally()
    found = _named(tally, tally.sums(PredictedNumbers(np.zeros(1000), errors)))
    assert "rmse" not in found
    assert "mae" in found


def test_each_metric_waits_for_its_own_minimum() -> None:
    """100 rows for means, 300 for squares, 30 for coverage."""
    actual, predicted = _rows(299)
    tally = RegressionTally()
    for rows, metrics in ((29, set()), (30, {"coverage"}), (99, {"coverage"}), (100, {"coverage", "mae", "bias"})):
        part = PredictedNumbers(actual[:rows], predicted[:rows], predicted[:rows] - 1, predicted[:rows] + 1)
        assert set(_named(tally, tally.sums(part))) == metrics
    assert "rmse" not in _named(tally, tally.sums(PredictedNumbers(actual, predicted)))


def test_numbers_that_are_none_count_nowhere() -> None:
    """Rows with NaN or an infinity are left out; the largest floats neither overflow nor make NaN."""
    actual, predicted = _rows(700)
    actual[:100], predicted[100:200], actual[200:300] = np.nan, np.inf, -np.inf
    tally = RegressionTally(origin=50.0)
    found = _named(tally, tally.sums(PredictedNumbers(actual, predicted)))
    assert found["mae"].value == pytest.approx(reference.mean_absolute_error(actual[300:], predicted[300:]))
    sums = tally.sums(PredictedNumbers(np.full(400, -1.7e308), np.full(400, 1.7e308)))
    assert np.isfinite(sums).all()
    assert all(np.isfinite([one.value, one.lower, one.upper]).all() for one in tally.measures(sums))


def test_perfect_predictions_are_perfect() -> None:
    """Without error everything is 0 and R2 is 1; with one outcome only there is no R2."""
    actual, _ = _rows(400)
    tally = RegressionTally(origin=50.0)
    found = _named(tally, tally.sums(PredictedNumbers(actual, actual)))
    assert {name: one.value for name, one in found.items()} == {"mae": 0.0, "bias": 0.0, "rmse": 0.0, "r2": 1.0}
    same = _named(tally, tally.sums(PredictedNumbers(np.full(400, 50.0), np.full(400, 51.0))))
    assert "r2" not in same


def test_nothing_is_measured_without_rows() -> None:
    """No rows, no measure."""
    tally = RegressionTally()
    assert tally.measures(tally.sums(PredictedNumbers(np.zeros(0), np.zeros(0)))) == []
