"""Whether a stretch of traffic agrees with itself."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from baselines import column
from model_exporter.baseline.features import build_feature
from model_exporter.baseline.stability import Stability, stability
from model_exporter.batch import Column, Role
from model_exporter.batch.columns import ABSENT
from model_exporter.errors import BaselineError

Floats = NDArray[np.float64]
T0 = 1_764_000_000.0


def _random() -> np.random.Generator:
    """The same numbers in every test, whatever ran before."""
    return np.random.default_rng(23)


def judged(columns: list[Column], times: Floats | None = None) -> Stability:
    """The stretch of `columns`, oldest row first."""
    features = [build_feature(one, type_=None, required=None, missing=frozenset()) for one in columns]
    return stability(features, columns, times=times)


def of(values: Mapping[str, NDArray[Any]], times: Floats | None = None) -> Stability:
    """The stretch of features by name."""
    return judged([column(row.tolist(), name) for name, row in values.items()], times)


def test_a_stretch_of_one_law_is_stable() -> None:
    """Random rows agree with each other; the feature that comes nearest to a difference is named all the same."""
    rng = _random()
    found = of({"n": rng.normal(size=4_000), "w": rng.choice(["a", "b", "c"], 4_000)})
    assert found.stable
    assert found.feature in {"n", "w"}
    assert "no feature differs" in found.describe()


@pytest.mark.parametrize(
    ("drift", "first", "last"),
    [
        (slice(4_000, None), 1, 4),
        (slice(7_000, None), 1, 7),
        (slice(None, 1_000), 1, 1),
        (slice(3_000, 4_000), 4, 4),
        (slice(2_000, 6_000), 3, 6),
    ],
)
def test_a_drift_in_any_part_is_found(drift: slice, first: int, last: int) -> None:
    """At the end, at the beginning, or come and gone: named, with the parts that it took."""
    rng = _random()
    moved = rng.normal(size=8_000)
    moved[drift] += 0.6
    found = of({"steady": rng.normal(size=8_000), "moved": moved})
    assert not found.stable
    assert (found.feature, found.role, found.first, found.last, found.parts) == ("moved", Role.INPUT, first, last, 8)
    assert math.sqrt(found.effect) == pytest.approx(0.6, abs=0.15)
    assert "input moved differs" in found.describe()


def test_the_sentence_says_which_part() -> None:
    """One part is one part."""
    one = Stability(stable=False, feature="x", role=Role.OUTPUT, effect=0.25, first=3, last=3, parts=8)
    assert one.describe() == (
        "output x differs between part 3 of 8 and the rest of the time, as much as by a mean shift of 0.5 sd"
    )


def test_a_shift_that_does_not_matter_is_stable() -> None:
    """A tenth of a deviation is seen clearly in half a million rows, and tolerated."""
    values = _random().normal(size=500_000)
    values[250_000:] += 0.1
    assert of({"x": values}).stable


def test_chance_rarely_calls_a_stretch_unstable() -> None:
    """Of 200 short stretches of ten features of one law, at most a few are called unstable: 1 % are, nominally."""
    rng = _random()
    stable = [of({str(index): row for index, row in enumerate(rng.normal(size=(10, 400)))}).stable for _ in range(200)]
    assert stable.count(False) <= 6


def test_dependence_is_no_drift() -> None:
    """Slow waves of 0.3 sd over 400 slots: whoever takes rows for independent finds drift, measured phi does not."""
    rng = _random()
    times = T0 + np.repeat(np.arange(400) * 15.0, 25)
    found = []
    for _ in range(10):
        wave = np.zeros(600)
        for slot, noise in enumerate(rng.normal(scale=0.3 * math.sqrt(1 - 0.8**2), size=599)):
            wave[slot + 1] = 0.8 * wave[slot] + noise
        values = {"x": rng.normal(size=10_000) + np.repeat(wave[200:], 25)}
        found.append((of(values).stable, of(values, times).stable))
    assert [stable for stable, _ in found].count(False) >= 5
    assert [stable for _, stable in found].count(False) <= 1


def test_dependence_does_not_hide_a_drift() -> None:
    """What differs between the parts is taken away before dependence is measured."""
    rng = _random()
    times = T0 + np.repeat(np.arange(240) * 15.0, 50)
    values = rng.normal(size=12_000) + np.repeat(rng.normal(scale=0.1, size=240), 50)
    values[6_000:] += 0.4
    assert not of({"x": values}, times).stable


@pytest.mark.parametrize(("days", "expected"), [(1.2, False), (5.0, True), (20.0, True)])
def test_days_are_compared_with_days(days: float, *, expected: bool) -> None:
    """Half a deviation up and down every day: two days or more agree with each other, parts of one do not."""
    rng = _random()
    times = T0 + np.sort(rng.random(20_000)) * days * 86_400
    wave = 0.5 * np.sin(2 * np.pi * times / 86_400)
    assert of({"x": rng.normal(size=20_000) + wave}, times).stable is expected


def test_a_feature_that_appears_half_way_is_unstable() -> None:
    """Absent is one of the things that a value can be."""
    new = column([ABSENT] * 500 + ["a"] * 500, "new")
    found = judged([column([1.0, 2.0] * 500), new])
    assert not found.stable
    assert found.feature == "new"


def test_features_that_cannot_be_compared_are_stable() -> None:
    """Identifiers are not compared: nothing speaks against the stretch, and nothing is claimed."""
    found = judged([column([f"id {row}" for row in range(400)])])
    assert found.stable
    assert math.isnan(found.effect)
    assert "no feature" in found.describe()


@pytest.mark.parametrize("lengths", [[], [1], [0], [5, 6]])
def test_what_is_no_stretch_is_refused(lengths: list[int]) -> None:
    """That is a mistake of the caller."""
    columns = [column([1.0] * length, str(length)) for length in lengths]
    with pytest.raises(BaselineError, match="compared with itself"):
        stability([build_feature(column([1.0]), type_=None, required=None, missing=frozenset())], columns)
