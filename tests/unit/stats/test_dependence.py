"""Dependence of predictions, measured on traffic whose dependence is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model_exporter.stats.dependence import MIN_STRETCHES, RHO, Dependence, dependence

ROWS = 25
"""Predictions of a slot."""


def waves(slots: int, *, decay: float, sd: float, seed: int) -> NDArray[np.float64]:
    """A first-order autoregression with standard deviation `sd`, which is `decay` from one slot to the next."""
    noise = np.random.default_rng(seed).normal(size=slots + 500)
    level = np.zeros(slots + 500)
    for slot in range(1, len(level)):
        level[slot] = decay * level[slot - 1] + np.sqrt(1 - decay**2) * noise[slot]
    return sd * level[500:]


def measured(
    mean: NDArray[np.float64], *, seed: int, rows: int = ROWS, group: NDArray[np.intp] | None = None
) -> Dependence:
    """Dependence of slots of normal predictions with the given means, seen by location and scale."""
    rng = np.random.default_rng(seed)
    sizes = rng.poisson(rows - 1, len(mean)) + 1
    values = rng.normal(size=sizes.sum()) + np.repeat(mean, sizes)
    values = (values - values.mean()) / values.std()
    scores = np.array([values, (values**2 - 1) / np.sqrt(2)])
    slot = np.repeat(np.arange(len(mean)), sizes)
    sums = np.array([np.bincount(slot, score) for score in scores])
    found = dependence(sums, sizes, (scores**2).sum(axis=1), group=group)
    assert found is not None
    return found


def test_independent_predictions_have_a_phi_of_about_one() -> None:
    """The largest of a dozen variances is a little over 1, and no dependence is extrapolated."""
    found = [measured(np.zeros(5760), seed=seed) for seed in range(20)]
    assert 1 <= np.mean([one.phi for one in found]) < 1.35
    assert max(one.rho for one in found) <= RHO


def test_a_common_shock_of_a_slot_is_measured() -> None:
    """Slots that differ by 0.2 sd: 1 + (n-1) 0.04 / 1.04 of them."""
    shocks = waves(5760, decay=0.0, sd=0.2, seed=1)
    assert measured(shocks, seed=1).phi == pytest.approx(1 + ROWS * 0.04, rel=0.3)


@pytest.mark.parametrize(("decay", "slots"), [(0.9, 5760), (0.98, 40_320)])
def test_slow_waves_are_measured(decay: float, slots: int) -> None:
    """A tenth of a standard deviation, slow: phi is 1 + n r + 2 n r a / (1 - a), from a day or a week of slots."""
    expected = 1 + ROWS * 0.01 + 2 * ROWS * 0.01 * decay / (1 - decay)
    found = [measured(waves(slots, decay=decay, sd=0.1, seed=seed), seed=seed).phi for seed in range(8)]
    assert np.mean(found) == pytest.approx(expected, rel=0.2)


def test_a_slow_wave_is_continued_past_a_short_baseline() -> None:
    """An hour of slots measures stretches of a minute, in which phi is 4.5; it says 20, which a day would measure."""
    rows, slots = 100, 250
    found = [measured(waves(slots, decay=0.9, sd=0.1, seed=seed), seed=seed, rows=rows).phi for seed in range(20)]
    assert np.median(found) == pytest.approx(1 + rows * 0.01 + 2 * rows * 0.01 * 0.9 / 0.1, rel=0.4)


def test_a_short_baseline_makes_no_waves_of_shocks() -> None:
    """Slots that differ, but not their neighbours with them, are not continued: phi is 1 + (n-1) r."""
    found = [measured(waves(250, decay=0.0, sd=0.1, seed=seed), seed=seed, rows=100).phi for seed in range(20)]
    assert np.median(found) == pytest.approx(2, rel=0.2)


def test_a_short_baseline_makes_no_waves_of_nothing() -> None:
    """Independent predictions of 25 minutes have a phi of about one."""
    found = [measured(np.zeros(100), seed=seed, rows=100).phi for seed in range(40)]
    assert np.mean(found) < 1.4
    assert np.quantile(found, 0.9) < 2


def test_rho_extrapolates_to_denser_traffic() -> None:
    """From a tenth of the predictions, rho tells what phi would be among all of them."""
    level = waves(20_000, decay=0.9, sd=0.2, seed=3)
    dense, thin = measured(level, seed=4, rows=100), measured(level, seed=5, rows=10)
    assert 1 + 100 * thin.rho == pytest.approx(dense.phi, rel=0.25)


def test_dependence_that_is_not_certain_is_not_extrapolated() -> None:
    """Two predictions a slot say little of what two thousand do: rho stays at the default where nothing is sure."""
    found = [measured(np.zeros(1000), seed=seed, rows=2).rho for seed in range(20)]
    assert np.median(found) <= RHO


def test_a_daily_wave_is_dependence_unless_it_is_a_season() -> None:
    """0.3 sd up and down in a day: hundreds of times the variance, and next to nothing within hours of the day."""
    slots = np.arange(7 * 5760)
    wave = 0.3 * np.sin(2 * np.pi * slots / 5760)
    assert measured(wave, seed=6).phi > 300
    assert measured(wave, seed=6, group=slots // 240 % 24).phi < 2


def test_the_means_of_seasons_cost_no_dependence() -> None:
    """Hours of a week's seven days are measured means: what they take from the variance is given back."""
    slots = np.arange(7 * 5760)
    group = slots // 240 % 24
    level = [waves(len(slots), decay=0.98, sd=0.1, seed=seed) for seed in range(6)]
    plain = np.mean([measured(one, seed=7).phi for one in level])
    seasonal = np.mean([measured(one, seed=7, group=group).phi for one in level])
    assert seasonal == pytest.approx(plain, rel=0.15)


def test_too_few_slots_are_not_measured() -> None:
    """Nothing is said of fewer slots than a variance takes."""
    slots = MIN_STRETCHES - 1
    assert dependence(np.zeros((1, slots)), np.ones(slots, np.int64), np.array([9.0])) is None


@pytest.mark.parametrize("scores", [0, 1])
def test_what_does_not_vary_is_not_measured(scores: int) -> None:
    """A constant feature, or one without scores, has no dependence to tell of."""
    assert dependence(np.zeros((scores, 500)), np.full(500, 3, np.int64), np.zeros(scores)) is None
