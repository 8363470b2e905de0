"""Whether seasons differ, on counts whose law is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model_exporter.stats.seasonality import seasons_differ

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
