"""The wave that a baseline is told to have, against the wave that its rows have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_exporter.baseline.build import build_baseline
from model_exporter.batch import Column, Kind, Role

DAY = 86_400.0
MIDNIGHT = 1_764_201_600.0

steady = settings(derandomize=True, deadline=None, max_examples=60)


def measured(height: float, *, days: float, rows: int, phase: float, seed: int) -> float:
    """The wave that is found, as a shift in standard deviations, of normal values with a daily sine."""
    rng = np.random.default_rng(seed)
    times = MIDNIGHT + np.sort(rng.random(rows)) * days * DAY
    values = rng.normal(size=rows) + height * np.sin(2 * np.pi * (times / DAY + phase))
    cells = Column("x", Role.INPUT, np.full(rows, Kind.NUMBER, np.uint8), values)
    [feature] = build_baseline([cells], model="m", created=0.0, source="", span_seconds=None, times=times).features
    assert feature.wave is not None
    return float(np.sqrt(feature.wave))


def group_rows(days: float, rows: int) -> float:
    """Rows that each group of hours has, at least."""
    return min(1000, rows / (8 * days if days < 7 else 8))


@steady
@given(st.floats(0, 1), st.floats(1, 12), st.integers(2_000, 60_000), st.integers(0, 2**32))
def test_a_false_wave_is_no_higher_than_chance(phase: float, days: float, rows: int, seed: int) -> None:
    """Without a wave at most what the luckiest of the hours, or groups of hours, may differ by."""
    error = 1 / np.sqrt(group_rows(days, rows))
    assert measured(0.0, days=days, rows=rows, phase=phase, seed=seed) < 6.5 * error


@steady
@given(st.floats(0.05, 0.5), st.floats(0, 1), st.floats(1, 12), st.integers(2_000, 60_000), st.integers(0, 2**32))
def test_a_wave_is_not_told_too_low(height: float, phase: float, days: float, rows: int, seed: int) -> None:
    """Whatever its phase it is told in full, but for the error of an hour (or of the group that it is in)."""
    error = 1 / np.sqrt(group_rows(days, rows))
    assert measured(height, days=days, rows=rows, phase=phase, seed=seed) > height - 1.5 * error


@pytest.mark.parametrize(("days", "rows"), [(1, 10_000), (1, 100_000), (3, 50_000)])
def test_a_wave_is_seldom_told_too_low_at_all(days: float, rows: int) -> None:
    """Of sixty waves from 0.1 to 0.4 sd at most one in six is under its height, and none by a tenth of it."""
    heights = np.linspace(0.1, 0.4, 60)
    found = [
        measured(height, days=days, rows=rows, phase=place / 60, seed=place) for place, height in enumerate(heights)
    ]
    assert np.mean(found < heights) <= 1 / 6
    assert (found > 0.9 * heights).all()
