from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference

from model_exporter.stats.forecasting import ForecastRows, ForecastTally
from model_exporter.stats.measure import Measure
from model_exporter.stats.regression import PredictedNumbers

Floats = NDArray[np.float64]


def _rows(n: int) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(0)
    actual = rng.normal(20, 3, n)
    return actual, actual + rng.normal(0.5, 2, n), actual + rng.normal(0, 4, n)


def _named(measures: Sequence[Measure], label: str = "") -> dict[str, Measure]:
    return {measure.metric: measure for measure in measures if measure.label == label}


def test_each_horizon_has_its_own_metrics_and_all_have_theirs() -> None:
    """MAPE, sMAPE and MASE by horizon equal those of the horizon's rows, and overall those of all rows."""
    actual, predicted, naive = _rows(1200)
    horizons = np.arange(1200) % 3
    tally = ForecastTally(["1", "7"], origin=20.0)
    measures = tally.measures(tally.sums(ForecastRows(PredictedNumbers(actual, predicted), horizons, naive)))
    for label, own in (("", horizons >= 0), ("1", horizons == 0), ("7", horizons == 1), ("_other", horizons == 2)):
        found = _named(measures, label)
        a, p, size = actual[own], predicted[own], np.abs(predicted - actual)[own]
        expected = {
            "mape": reference.mean_absolute_percentage_error(a, p),
            "smape": float((2 * size / (np.abs(a) + np.abs(p))).mean()),
            "mase": float(size.mean() / np.abs(naive - actual)[own].mean()),
            "mae": float(size.mean()),
            "rmse": reference.root_mean_squared_error(a, p),
        }
        assert {name: found[name].value for name in expected} == pytest.approx(expected, rel=1e-9)


def test_a_share_of_nothing_is_left_out() -> None:
    """Outcomes of 0 have no percentage error; where forecast and outcome are 0 the symmetric one is 0."""
    actual, predicted, _ = _rows(300)
    actual[:100], predicted[:50] = 0.0, 0.0
    tally = ForecastTally([])
    measures = tally.measures(tally.sums(ForecastRows(PredictedNumbers(actual, predicted), np.zeros(300, np.int64))))
    found = _named(measures)
    assert found["mape"].count == 200
    assert found["mape"].value == pytest.approx(reference.mean_absolute_percentage_error(actual[100:], predicted[100:]))
    both = np.abs(actual) + np.abs(predicted)
    smape = np.divide(2 * np.abs(predicted - actual), both, out=np.zeros(300), where=both > 0).mean()
    assert found["smape"].value == pytest.approx(smape)


def test_the_baseline_tells_the_naive_error_where_records_do_not() -> None:
    """MASE is then the mean absolute error over a constant, and absent without either."""
    actual, predicted, _ = _rows(400)
    rows = ForecastRows(PredictedNumbers(actual, predicted), np.zeros(400, np.int64))
    known, unknown = ForecastTally(["1"], naive_error=4.0), ForecastTally(["1"])
    found = _named(known.measures(known.sums(rows)))
    assert found["mase"].value == pytest.approx(np.abs(predicted - actual).mean() / 4)
    assert found["mase"].lower == pytest.approx(found["mae"].lower / 4)
    assert "mase" not in _named(unknown.measures(unknown.sums(rows)))


def test_the_unit_of_the_sums_does_not_matter() -> None:
    """Origin and scale change no metric."""
    actual, predicted, naive = _rows(900)
    rows = ForecastRows(PredictedNumbers(actual, predicted), np.arange(900) % 2, naive)
    plain, scaled = ForecastTally(["1"]), ForecastTally(["1"], origin=20.0, scale=300.0)
    for one, other in zip(plain.measures(plain.sums(rows)), scaled.measures(scaled.sums(rows)), strict=True):
        assert (one.metric, one.label) == (other.metric, other.label)
        numbers = (other.value, other.lower, other.upper)
        assert numbers == pytest.approx((one.value, one.lower, one.upper), rel=1e-6)


def test_nothing_is_measured_without_rows() -> None:
    """No rows, no measure; NaN and infinities count nowhere."""
    tally = ForecastTally(["1"])
    broken = np.full(500, np.nan)
    numbers = PredictedNumbers(broken, np.full(500, np.inf))
    assert tally.measures(tally.sums(ForecastRows(numbers, np.zeros(500, np.int64), broken))) == []
