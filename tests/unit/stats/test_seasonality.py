"""Whether seasons differ, and by how much, on counts whose law is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model_exporter.stats.seasonality import seasons_differ, wave_height

P = np.array([0.1, 0.2, 0.4, 0.2, 0.1])
SCORES = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0], [2.0, -1.0, -2.0, -1.0, 2.0]])


def differ(table: NDArray[np.int64], *, phi: float = 1.0) -> bool:
    """Whether the rows of `table` differ from their mean."""
    p = table.sum(axis=0) / table.sum()
    return seasons_differ(table, table.sum(axis=1)[:, None] * p, SCORES, degrees=len(table) - 1, phi=phi)


def test_chance_seldom_makes_seasons() -> None:
    """Of 2,000 days of one law, at most 1 % are taken for different hours, within what chance allows."""
    rng = np.random.default_rng(1)
    found = sum(differ(rng.multinomial(1000, P, size=24)) for _ in range(2000))
    assert found <= 33  # 20 expected at most; three standard deviations more


def test_a_small_wave_of_the_mean_is_seen() -> None:
    """A tenth of a standard deviation from noon to midnight, over 24,000 rows."""
    wave = 0.1 * np.sin(2 * np.pi * np.arange(24) / 24)[:, None]
    laws = P * (1 + wave * SCORES[0] / np.sqrt(SCORES[0] ** 2 @ P))
    rng = np.random.default_rng(2)
    found = [differ(np.array([rng.multinomial(1000, law) for law in laws])) for _ in range(20)]
    assert sum(found) == 20


def test_a_difference_that_no_score_sees_is_seen() -> None:
    """One hour prefers every other bin: mean and spread stay what they are."""
    odd = P + np.array([0.05, -0.1, 0.1, -0.1, 0.05])
    laws = np.array([P] * 23 + [odd])
    assert SCORES[0] @ odd == pytest.approx(0.0)
    rng = np.random.default_rng(3)
    assert differ(np.array([rng.multinomial(2000, law) for law in laws]))


def test_dependence_excuses_differences() -> None:
    """What is three times as variable as independent rows differs by chance."""
    rng = np.random.default_rng(4)
    tables = [3 * rng.multinomial(1000, P, size=24) for _ in range(50)]
    assert sum(map(differ, tables)) == 50
    assert sum(differ(table, phi=3.0) for table in tables) <= 3


@pytest.mark.parametrize(
    "table", [np.zeros((24, 5)), np.array([[9, 0, 0, 0, 0]] * 24), np.array([[9, 9, 9, 9, 9]]), np.eye(5)[:2]]
)
def test_tables_that_say_nothing_are_no_seasons(table: NDArray[np.float64]) -> None:
    """No rows, one bin, one season or a row each: no, and no error."""
    with np.errstate(invalid="ignore"):  # the mean of no rows, which the test asks for
        assert not differ(table.astype(np.int64))


LOCATION = SCORES[0] / np.sqrt(SCORES[0] ** 2 @ P)


def height(table: NDArray[np.int64], *, hours: float = 1.0, phi: float = 1.0) -> float:
    """The wave of a table whose groups all have so many hours."""
    return wave_height(table, SCORES, np.full(len(table), hours), phi=phi)


def waves(amplitude: float, rows: int, *, seed: int, days: int = 40) -> NDArray[np.float64]:
    """The wave measured on each of many days with a daily sine of the mean."""
    rng = np.random.default_rng(seed)
    sine = amplitude * np.sin(2 * np.pi * (np.arange(24) + 0.5) / 24)[:, None]
    laws = P * (1 + sine * LOCATION)
    return np.array([height(rng.multinomial(rows, laws)) for _ in range(days)])


@pytest.mark.parametrize("rows", [1000, 10_000])
def test_without_a_wave_only_the_luckiest_hour_is_left(rows: int) -> None:
    """The largest of 24 excesses of chi-squared with two degrees: about (2 log 24 - 2) / n, twice that at most."""
    flat = waves(0.0, rows, seed=5, days=200)
    assert np.median(flat) == pytest.approx((2 * np.log(24) - 2 * 0.4) / rows, rel=0.35)
    assert np.quantile(flat, 0.99) < 4 * (2 * np.log(24) - 2) / rows


def test_a_wave_is_at_least_its_height_squared() -> None:
    """Its own error makes it too high rather than too low, and by no more than the error of an hour."""
    found = waves(0.3, 4000, seed=6)
    assert (found >= 0.29**2).all()
    assert np.median(found) < (0.3 + 3 / np.sqrt(4000)) ** 2


def test_a_difference_that_no_score_sees_is_a_wave() -> None:
    """One hour prefers every other bin: of the whole law what is more than chance counts."""
    odd = P + np.array([0.05, -0.1, 0.1, -0.1, 0.05])
    table = np.round(20_000 * np.array([P] * 23 + [odd])).astype(np.int64)
    mean = table.sum(axis=0) / table.sum()
    divergence = ((odd - mean) ** 2 / mean).sum()
    assert 0.9 * divergence < height(table) < 1.03 * divergence


def test_dependence_is_noise_and_no_wave() -> None:
    """What differs because rows come in threes is taken away with the phi that says so."""
    rng = np.random.default_rng(7)
    table = 3 * rng.multinomial(1000, P, size=24)
    assert height(table) > height(table, phi=3.0)
    assert height(table, phi=3.0) < 3 * 4 * (2 * np.log(24) - 2) / 3000


def test_groups_of_hours_flatten_a_wave_that_is_made_up_for() -> None:
    """Groups of three hours with a border at the top see sin(y)/y of it; the whole height is told."""
    sine = 0.3 * np.sin(2 * np.pi * (np.arange(2400) + 0.5) / 2400)[:, None]
    laws = (P * (1 + sine * LOCATION)).reshape(8, 300, 5).mean(axis=1)
    table = np.round(1e7 * laws).astype(np.int64)
    assert height(table, hours=3.0) == pytest.approx(0.09, rel=0.01)


def test_a_burst_of_a_rare_value_is_no_wave() -> None:
    """All forty of a value in one hour would diverge by 0.2 for themselves."""
    table = np.tile(np.array([400, 800, 1600, 800, 400, 0]), (24, 1))
    table[3, 5] = 40
    assert (40 / 4040) ** 2 / (40 / table.sum()) > 0.2
    assert wave_height(table, np.column_stack([SCORES, np.zeros(2)]), np.ones(24), phi=1.0) < 0.001


@pytest.mark.parametrize(
    "table", [np.zeros((24, 5)), np.array([[9, 0, 0, 0, 0]] * 24), np.array([[9, 9, 9, 9, 9]]), np.eye(5)[:2] * 0]
)
def test_tables_that_say_nothing_have_no_wave(table: NDArray[np.float64]) -> None:
    """No rows, one bin or one hour: nothing differs."""
    assert height(table.astype(np.int64)) == 0.0
