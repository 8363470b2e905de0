"""How long truth takes."""

from math import isnan

import numpy as np
import pytest

from batches import T0
from model_exporter.window.delays import HALF_LIFE_SECONDS, MIN_OUTCOMES, Delays
from model_exporter.window.snapshot import DELAY_BUCKETS

LONG = 1e9


@pytest.mark.parametrize("scale", [5.0, 3600.0, 100_000.0])
def test_the_quantile_is_that_of_the_delays(scale: float) -> None:
    """It is never too small, and too large by less than a bucket, a quarter of an octave."""
    seconds = np.random.default_rng(7).exponential(scale, 5000)
    delays = Delays()
    delays.add(seconds, np.ones(5000), T0)
    true = float(np.quantile(seconds, 0.95, method="inverted_cdf"))
    assert true <= delays.quantile(at_most=LONG) <= true * 2**0.25 * (1 + 1e-9)


def test_weights_count() -> None:
    """An outcome that stands for others, which were not kept, counts as many."""
    delays = Delays()
    delays.add(np.array([10.0, 1000.0]), np.array([90.0, 10.0]), T0)
    assert delays.quantile(at_most=LONG) > 999
    delays.add(np.array([10.0]), np.array([900.0]), T0)
    assert delays.quantile(at_most=LONG) < 13


def test_too_few_outcomes_have_no_quantile() -> None:
    """A handful of delays says nothing of the slow ones."""
    delays = Delays()
    delays.add(np.full(MIN_OUTCOMES - 1, 5.0), np.ones(MIN_OUTCOMES - 1), T0)
    assert isnan(delays.quantile(at_most=LONG))
    delays.add(np.array([5.0]), np.ones(1), T0)
    assert delays.quantile(at_most=LONG) == pytest.approx(2**2.5)


def test_the_memory_fades() -> None:
    """What was true long ago no longer decides, while what is counted since the start stays."""
    delays = Delays()
    delays.add(np.full(1000, 80_000.0), np.ones(1000), T0)
    later = T0 + 8 * HALF_LIFE_SECONDS
    delays.add(np.full(1000, 60.0), np.ones(1000), later)
    assert delays.quantile(at_most=LONG) < 75
    assert delays.snapshot().buckets.sum() == 2000


def test_an_outcome_before_its_prediction_has_no_delay() -> None:
    """Truth that was there first counts in the lowest bucket."""
    delays = Delays()
    delays.add(np.full(40, -500.0), np.ones(40), T0)
    assert delays.snapshot().buckets.tolist() == [40, *[0] * len(DELAY_BUCKETS)]
    assert delays.snapshot().total_seconds == 0
    assert delays.quantile(at_most=LONG) == 1
