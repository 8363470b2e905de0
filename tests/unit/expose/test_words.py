import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import model_exporter.expose
import snapshots
from baselines import feature
from model_exporter.baseline.model import FeatureType
from model_exporter.expose.words import bin_names, long_span, share, short_span

MODULES = [f"{model_exporter.expose.__name__}.{m.name}" for m in pkgutil.iter_modules(model_exporter.expose.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    """What the documentation shows is what happens."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0 seconds"),
        (59.9, "59.9 seconds"),
        (60.0, "1 minute"),
        (86_400.0 * 30, "30 days"),
        (86_400.0 * 364.9, "360 days"),
        (86_400.0 * 365 * 12.39, "12.3 years"),
        (86_400.0 * 365 * 1_202_604, "1,200,000 years"),
    ],
)
def test_a_long_time_is_never_told_as_longer_than_it_is(seconds: float, told: str) -> None:
    """A bound that was rounded up would promise more than is proven."""
    assert long_span(seconds) == told


@pytest.mark.parametrize(("seconds", "told"), [(0.4, "0 s"), (119.0, "119 s"), (7199.0, "120 min"), (172_800.0, "2 d")])
def test_a_short_time_has_the_largest_unit_of_which_there_are_two(seconds: float, told: str) -> None:
    """Small counts of a large unit would hide too much."""
    assert short_span(seconds) == told


def test_a_share_that_is_not_zero_never_reads_as_zero() -> None:
    """One row in a million is not none."""
    assert [share(value) for value in (0.0, 1e-6, 0.0004, 0.0006, 1.0)] == ["0%", "<0.01%", "0.04%", "0.1%", "100.0%"]


def test_bins_of_numbers_have_bounds_that_differ() -> None:
    """Bounds that lie close together are told in as many digits as it takes."""
    near = feature((1e6 + np.random.default_rng(3).normal(size=2000) / 1e3).tolist())
    names = bin_names(near)
    assert len(set(names)) == len(near.bins)
    assert all(name.startswith(("100000", "99999")) for name in names[1:-2])


def test_a_bin_of_one_value_is_that_value() -> None:
    """Counts and codes are not ranges; what was merged is one."""
    codes = feature([0] * 50 + [7] * 50 + [1234567] * 50 + [None] * 2)
    assert bin_names(codes) == ("below 0", "0", "7", "1234567", "above 1234567", "missing")


def test_a_pile_at_zero_stands_beside_the_ranges() -> None:
    """Of a number that is often 0 that bin is told as the value, the others as ranges."""
    values = [0.0] * 800 + np.random.default_rng(4).gamma(2.0, 50.0, 800).tolist()
    assert bin_names(feature(values))[:2] == ("below 0", "0")
    assert " to " in bin_names(feature(values))[2]


def test_categories_are_told_as_they_were_sent() -> None:
    """Labels that were given an underscore lose it, and special bins are words."""
    texts = feature(["_missing"] * 9 + ["DE"] * 7, FeatureType.CATEGORICAL)
    assert bin_names(texts) == ("_missing", "DE", "other known", "never seen", "missing")


def test_lone_surrogates_do_not_pass() -> None:
    """A category of any bytes can be encoded as UTF-8."""
    "".join(bin_names(snapshots.categorical("c", (snapshots.HOSTILE,)))).encode()
