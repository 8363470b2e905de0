"""Columns that are counted together come out as one feature after the other would."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from batches import baseline_of, batch_of
from model_exporter.baseline.model import FeatureType
from model_exporter.batch import Batch, Kind, column_from_values
from model_exporter.batch.columns import ABSENT, Role
from model_exporter.config.settings import FeatureSettings
from model_exporter.stats import kernel, plain_kernel
from model_exporter.stats.pairs import NO_LEVEL
from model_exporter.window.assess import Assessor
from model_exporter.window.layout import Layout, binned_features
from model_exporter.window.schema import FeatureCounts, Schema
from model_exporter.window.snapshot import QUALITY, FeatureName

_ROWS = 1200
_RNG = np.random.default_rng(8)
BASELINE = baseline_of(
    {
        "wide": _RNG.normal(size=_ROWS).tolist(),
        "skewed": _RNG.exponential(size=_ROWS).tolist(),
        "whole": _RNG.integers(0, 4, _ROWS).tolist(),
        "flag": (_RNG.random(_ROWS) < 0.3).tolist(),
        "country": _RNG.choice(["DE", "AT", "FR", "n/a"], _ROWS).tolist(),
        "code": [f"c{value}" for value in _RNG.integers(0, 300, _ROWS)],
        "id": [f"id{row}" for row in range(_ROWS)],
    },
    {"score": _RNG.random(_ROWS).tolist(), "prediction": _RNG.choice(["yes", "no"], _ROWS).tolist()},
)
SETTINGS = {
    "wide": FeatureSettings(minimum=-1.0, maximum=1.0),
    "country": FeatureSettings(categories=frozenset({"DE", "AT"}), missing=frozenset({"n/a", "FR"}), required=True),
    "more": FeatureSettings(type=FeatureType.NUMERIC, minimum=0.0, required=True),
    "kind": FeatureSettings(type=FeatureType.CATEGORICAL, categories=frozenset({"a"})),
    "truth": FeatureSettings(type=FeatureType.BOOLEAN),
}
INPUTS = ("wide", "skewed", "whole", "flag", "country", "code", "id", "more", "kind", "truth", "strange")
OUTPUTS = ("score", "prediction")

numbers = st.one_of(
    st.floats(width=64),
    st.integers(-3, 5),
    st.sampled_from([-0.0, 0.0, 1.0, -1.0, 5e-324, -5e-324, 1.7976931348623157e308]),
)
texts = st.sampled_from(["DE", "AT", "FR", "n/a", "c1", "c299", "new", "yes", "no", "true", "2.5", "a", "nan"])
cells = st.one_of(numbers, texts, st.booleans(), st.none(), st.just(ABSENT), st.just([1]))


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    """Columns of which most are of one kind, as in real traffic, and any may be absent."""
    rows = draw(st.integers(1, 6))

    def column() -> list[object]:
        of = draw(st.sampled_from([numbers, numbers, texts, texts, st.booleans(), cells]))
        return draw(st.lists(st.one_of(of, st.none()) if draw(st.booleans()) else of, min_size=rows, max_size=rows))

    chosen = draw(st.sets(st.sampled_from([*INPUTS, *OUTPUTS])))
    inputs = {name: column() for name in INPUTS if name in chosen}
    outputs = {name: column() for name in OUTPUTS if name in chosen}
    return batch_of(inputs, outputs, rows=rows)


def one_by_one(batch: Batch, features: tuple[FeatureName, ...], layout: Layout | None) -> FeatureCounts:
    """What `Schema.count` promises, said for one feature after the other."""
    rows = batch.rows
    columns = {FeatureName(column.name, column.role): column for column in batch.columns}
    quality = np.zeros((len(features), len(QUALITY)), np.int64)
    bins = np.zeros(layout.width if layout else 0, np.int64)
    pairs = layout.pairs if layout else None
    levels = np.full((rows, len(pairs.columns) if pairs else 0), NO_LEVEL, np.uint8)
    violating = np.zeros(rows, np.bool_)
    missing_features = unexpected = missing = cells_ = 0
    for place, feature in enumerate(features):
        known = layout.assessors.get(feature) if layout else None
        assessor = known or Assessor(None, SETTINGS.get(feature.name, FeatureSettings()))
        belongs = layout is None or known is not None or feature.name in SETTINGS
        column = columns.get(feature) or column_from_values(feature.name, feature.role, [ABSENT] * rows)
        found = assessor.assess(column)
        absent = column.kinds == Kind.ABSENT
        quality[place] = found.quality
        if belongs:
            missing += int(found.quality[QUALITY.index("missing")])
            cells_ += rows
        else:
            quality[place, QUALITY.index("missing")] -= np.count_nonzero(absent)
            unexpected += int(np.count_nonzero(~absent))
            violating |= ~absent
        if assessor.required:
            missing_features += int(np.count_nonzero(absent))
            violating |= absent
        if found.bad_type is not None:
            violating |= found.bad_type
        if layout and feature in layout.place:
            bins[layout.place[feature]] = found.bins
        if pairs and found.levels is not None:
            levels[:, pairs.columns[feature]] = found.levels
    violations = np.array([missing_features, unexpected, quality[:, QUALITY.index("type")].sum()])
    return FeatureCounts(
        quality,
        violations,
        int(np.count_nonzero(violating)),
        bins if layout else None,
        missing,
        cells_,
        levels if pairs else None,
    )


def _layout(features: tuple[int, ...]) -> Layout:
    return Layout(BASELINE, SETTINGS, features, tolerance=0.01)


EVERY = binned_features(BASELINE)
LAYOUTS = {"all have bins": _layout(EVERY), "some have bins": _layout(EVERY[::2]), "no baseline": None}


KERNELS = {
    "as installed": {name: getattr(kernel, name) for name in kernel.__all__},
    "in numpy": {name: getattr(plain_kernel, name) for name in kernel.__all__},
}


@pytest.mark.parametrize("kind", KERNELS)
@settings(max_examples=200, deadline=None)
@given(st.lists(batches(), min_size=1, max_size=3), st.sampled_from(list(LAYOUTS)))
def test_counting_together_equals_one_by_one(kind: str, stream: list[Batch], which: str) -> None:
    """Whatever the cells, with and without a baseline; the second batch of a shape as the first."""
    with patch.multiple(kernel, **KERNELS[kind]):
        _equals_one_by_one(stream, LAYOUTS[which])


def _equals_one_by_one(stream: list[Batch], layout: Layout | None) -> None:
    schema = Schema(SETTINGS)
    schema.compare_with(layout, SETTINGS)
    for batch in [*stream, *stream]:
        for column in batch.columns:
            if FeatureName(column.name, column.role) not in schema:
                schema.add(FeatureName(column.name, column.role))
        counts = schema.count(batch)
        again = schema.count_known(batch)
        expected = one_by_one(batch, schema.features, layout)
        for found in (counts, again):
            assert found is not None
            np.testing.assert_array_equal(found.quality, expected.quality)
            np.testing.assert_array_equal(found.violations, expected.violations)
            assert (found.violating, found.missing, found.cells) == (
                expected.violating,
                expected.missing,
                expected.cells,
            )
            _same(found.bins, expected.bins)
            _same(found.levels, expected.levels)


def test_the_baseline_has_every_type_and_pairs() -> None:
    """What the law is tried on: features of all types, of which numeric ones are watched in pairs."""
    assert {feature.type for feature in BASELINE.features} == set(FeatureType)
    assert BASELINE.pairs
    assert {feature.role for feature in BASELINE.features} == {Role.INPUT, Role.OUTPUT}


def test_many_rows_and_features_are_compared_in_blocks() -> None:
    """More comparisons than are made at once give the same bins."""
    rng = np.random.default_rng(1)
    rows = 20_000
    batch = batch_of({name: rng.normal(size=rows).tolist() for name in ("wide", "skewed", "whole")})
    schema = Schema({})
    schema.compare_with(LAYOUTS["all have bins"], {})
    expected = one_by_one(batch, schema.features, LAYOUTS["all have bins"])
    _same(schema.count(batch).bins, expected.bins)


def _same(found: NDArray[np.generic] | None, expected: NDArray[np.generic] | None) -> None:
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        np.testing.assert_array_equal(found, expected)
