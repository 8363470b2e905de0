"""Which predictions a window of performance is about."""

from math import isnan

import numpy as np
import pytest

from batches import T0
from model_exporter.window.cohorts import Cohorts

DAY = 86_400.0


def cohorts_with(delay: float, outcomes: int = 40) -> Cohorts:
    """A state that knows a delay, of outcomes that no window of 7 days holds any more."""
    cohorts = Cohorts(1, wait=7 * DAY, now=T0)
    cohorts.delays.add(np.full(outcomes, delay), np.ones(outcomes), T0)
    return cohorts


def predict(cohorts: Cohorts, made_at: float, *, labelled: int, of: int) -> None:
    """That many predictions at one moment, of which some have the outcome 1."""
    cohorts.predicted(np.full(of, made_at), np.ones(of))
    cohorts.realised(np.full(labelled, made_at), np.ones((labelled, 1)), np.ones(labelled))


def test_a_window_ends_where_truth_has_had_time_to_arrive() -> None:
    """Cohorts younger than the lag are not scored: of them only those with fast outcomes are known."""
    cohorts = cohorts_with(3600.0)
    predict(cohorts, T0 - 1800, labelled=9, of=9)
    predict(cohorts, T0 - 5400, labelled=5, of=5)
    window = cohorts.window("1h", T0)
    assert 3600.0 <= window.lag <= 3600.0 * 2**0.25
    assert (window.sums.tolist(), window.predicted) == ([5.0], 5.0)
    assert not window.provisional


@pytest.mark.parametrize("labelled", [79, 80])
def test_a_window_is_provisional_below_the_coverage(labelled: int) -> None:
    """Below 80 % what is known may be of a biased few, and it is told as that."""
    cohorts = cohorts_with(60.0)
    predict(cohorts, T0 - 1800, labelled=labelled, of=100)
    window = cohorts.window("1h", T0)
    assert window.coverage == pytest.approx(labelled / 100)
    assert window.provisional is (labelled < 80)


def test_no_predictions_have_no_coverage() -> None:
    """Nothing is known of an empty window, not even that nothing of it is covered."""
    window = cohorts_with(60.0).window("1h", T0)
    assert isnan(window.coverage)
    assert (window.predicted, window.labelled) == (0, 0)


def test_predictions_without_outcomes_have_coverage_zero() -> None:
    """Waiting for the first outcome is not the same as no predictions."""
    cohorts = cohorts_with(60.0)
    predict(cohorts, T0 - 1800, labelled=0, of=10)
    assert cohorts.window("1h", T0).coverage == 0


def test_too_few_delays_are_no_lag() -> None:
    """Before 30 outcomes it is not known how long truth takes: the window ends now and is provisional."""
    cohorts = cohorts_with(3600.0, outcomes=29)
    predict(cohorts, T0, labelled=10, of=10)
    window = cohorts.window("1h", T0)
    assert isnan(window.lag)
    assert (window.labelled, window.coverage, window.provisional) == (10, 1, True)


def test_the_lag_is_at_most_the_wait() -> None:
    """No outcome is waited for any longer."""
    cohorts = cohorts_with(30 * DAY)
    assert cohorts.window("7d", T0).lag == 7 * DAY


def test_outcomes_of_uncounted_predictions_do_not_cover() -> None:
    """After a restart the outcomes of earlier predictions come in; they are slow ones, and no sign of completeness."""
    cohorts = cohorts_with(60.0)
    predict(cohorts, T0 - 1800, labelled=30, of=0)
    predict(cohorts, T0 - 900, labelled=10, of=10)
    window = cohorts.window("1h", T0)
    assert window.coverage == pytest.approx(10 / 40)
    assert window.provisional


def test_the_oldest_window_is_kept_until_the_longest_lag() -> None:
    """Predictions as old as the wait and the longest window are still there, older ones are not."""
    cohorts = cohorts_with(30 * DAY)
    predict(cohorts, T0 - 14 * DAY + 3600, labelled=1, of=1)
    predict(cohorts, T0 - 14 * DAY - 3600, labelled=1, of=1)
    assert cohorts.window("7d", T0).predicted == 1


def test_a_restart_forgets_the_sums_alone() -> None:
    """Sums of another layout begin at 0; what was predicted stays, and what was labelled is told again with them."""
    cohorts = cohorts_with(60.0)
    predict(cohorts, T0 - 1800, labelled=3, of=5)
    cohorts.restart(2)
    window = cohorts.window("1h", T0)
    assert (window.sums.tolist(), window.predicted, window.labelled) == ([0, 0], 5, 0)
