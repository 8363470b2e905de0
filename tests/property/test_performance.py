"""Sums of performance do not depend on how rows were cut, ordered or dealt to replicas, and are never NaN."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from model_exporter.stats.classification import BinaryTally, ClassifiedRows, MulticlassTally
from model_exporter.stats.fairness import GroupErrors, GroupRates
from model_exporter.stats.forecasting import ForecastRows, ForecastTally
from model_exporter.stats.ranking import RankingTally, ranked_rows
from model_exporter.stats.regression import PredictedNumbers, RegressionTally
from model_exporter.stats.score_edges import uniform_edges

Places = NDArray[np.int64]
Make = Callable[[Places], Any]

ROWS = 400


def _columns() -> dict[str, NDArray[Any]]:
    """Rows of every kind, with absent, wild and infinite parts."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(10, 3, (4, ROWS))
    numbers[0, ::17], numbers[1, ::13], numbers[1, 5], numbers[0, 7] = np.nan, np.inf, -1e308, 1e308
    scores = rng.random(ROWS)
    scores[::11], scores[3], scores[4] = np.nan, -np.inf, 7.0
    shares = rng.random((ROWS, 3))
    shares[::7], shares[5] = np.nan, -1.0
    return {
        "actual": rng.integers(-1, 5, ROWS),
        "predicted": rng.integers(-1, 5, ROWS),
        "groups": rng.integers(-1, 4, ROWS),
        "weights": rng.choice([1.0, 2.0, 8.0], ROWS),  # sums of these are exact, so that equal means equal
        "scores": scores,
        "shares": shares,
        "numbers": numbers,
    }


C = _columns()
RANKINGS = [[str(item) for item in np.random.default_rng(row).permutation(8)] for row in range(ROWS)]
RELEVANT = [{str(row % 9): 1.0, str(row % 5): 2.0} for row in range(ROWS)]

binary = BinaryTally(["no", "yes"], 1, uniform_edges(20))
several = MulticlassTally(["a", "b", "c"], uniform_edges(20))
regression = RegressionTally(origin=10.0, scale=3.0)
forecast = ForecastTally(["1", "2"], origin=10.0, scale=3.0)
ranking = RankingTally((1, 5))


def _numbers(at: Places) -> PredictedNumbers:
    actual, predicted, lower, upper = C["numbers"][:, at]
    return PredictedNumbers(actual, predicted, lower, upper, C["weights"][at])


def _classified(at: Places) -> tuple[Any, Any, Any]:
    return C["actual"][at], C["predicted"][at], C["scores"][at]


TALLIES: dict[str, tuple[Any, Make]] = {
    "binary": (binary, lambda at: ClassifiedRows(*_classified(at), weights=C["weights"][at])),
    "several classes": (
        several,
        lambda at: ClassifiedRows(*_classified(at), probabilities=C["shares"][at], weights=C["weights"][at]),
    ),
    "regression": (regression, _numbers),
    "forecast": (forecast, lambda at: ForecastRows(_numbers(at), C["groups"][at], C["numbers"][2, at])),
    "ranking": (
        ranking,
        lambda at: ranked_rows(
            [RANKINGS[row] for row in at], [RELEVANT[row] for row in at], depth=8, weights=C["weights"][at]
        ),
    ),
}
KINDS = pytest.mark.parametrize("kind", TALLIES)
places = st.lists(st.integers(0, ROWS - 1), max_size=60).map(lambda rows: np.array(rows, np.int64))


def _close(one: NDArray[np.float64], other: NDArray[np.float64]) -> None:
    size = np.abs(np.stack([one, other])).max(initial=0.0)
    np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12 * min(size, 1e6))


@KINDS
@settings(deadline=None, max_examples=30)
@given(one=places, other=places)
def test_replicas_add_up(kind: str, one: Places, other: Places) -> None:
    """The sums of two sets of rows, either of which may be empty, add up to those of both."""
    tally, rows = TALLIES[kind]
    both = tally.sums(rows(np.concatenate([one, other])))
    _close(tally.sums(rows(one)) + tally.sums(rows(other)), both)


@KINDS
@settings(deadline=None, max_examples=30)
@given(at=places, random=st.randoms(use_true_random=False))
def test_order_does_not_matter(kind: str, at: Places, random: Any) -> None:
    """Shuffled rows have the same sums."""
    tally, rows = TALLIES[kind]
    shuffled = at.tolist()
    random.shuffle(shuffled)
    _close(tally.sums(rows(np.array(shuffled, np.int64))), tally.sums(rows(at)))


@KINDS
@settings(deadline=None, max_examples=30)
@given(at=places, number=st.integers(1, 5))
def test_cohorts_add_up(kind: str, at: Places, number: int) -> None:
    """Sums by cohort add up to the sums of all, and each is the sum of its rows."""
    tally, rows = TALLIES[kind]
    cohorts = at % number
    by_cohort = tally.sums_by(rows(at), cohorts, number)
    _close(by_cohort.sum(axis=0), tally.sums(rows(at)))
    for cohort in range(number):
        _close(by_cohort[cohort], tally.sums(rows(at[cohorts == cohort])))


@KINDS
@settings(deadline=None, max_examples=30)
@given(at=places, times=st.integers(1, 8))
def test_no_measure_is_nan_or_beside_its_interval(kind: str, at: Places, times: int) -> None:
    """Whatever the rows hold, a measure is finite and lies within its bounds; without rows there is none."""
    tally, rows = TALLIES[kind]
    for one in tally.measures(tally.sums(rows(np.tile(at, times)))):
        assert np.isfinite([one.value, one.lower, one.upper, one.count]).all()
        assert one.lower <= one.value <= one.upper
    assert tally.measures(np.zeros(tally.width)) == []


@settings(deadline=None, max_examples=30)
@given(one=places, other=places)
def test_groups_add_up(one: Places, other: Places) -> None:
    """The sums by group of two sets of rows add up to those of both."""
    rates, errors = GroupRates(["a", "b"], positive=1), GroupErrors(["a", "b"], scale=3.0)
    calls: tuple[Make, ...] = (
        lambda at: rates.predicted(C["groups"][at], C["predicted"][at], C["weights"][at]),
        lambda at: rates.realised(C["groups"][at], C["actual"][at], C["predicted"][at], C["weights"][at]),
        lambda at: errors.realised(C["groups"][at], C["numbers"][0, at], C["numbers"][1, at], C["weights"][at]),
    )
    for call in calls:
        _close(call(one) + call(other), call(np.concatenate([one, other])))
