import math
from itertools import pairwise

import numpy as np
import pytest

from baselines import baseline, column, counts, feature
from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.model import FeatureType
from model_exporter.batch import Column, Kind, Role, Words
from model_exporter.batch.columns import ABSENT
from model_exporter.errors import BaselineError


def _random() -> np.random.Generator:
    """The same numbers in every test, whatever ran before."""
    return np.random.default_rng(23)


def test_a_baseline_knows_what_it_was_built_from() -> None:
    """What is not in the rows is taken as it was given, and features keep their order."""
    built = baseline(column([1.0, 2.0], "amount"), column([0.5, 0.7], "score", Role.OUTPUT))
    assert (built.model, built.source, built.rows, built.stable) == ("fraud", "train.csv", 2, True)
    assert [(f.name, f.role) for f in built.features] == [("amount", Role.INPUT), ("score", Role.OUTPUT)]


@pytest.mark.parametrize("columns", [[], [column([])]])
def test_without_rows_there_is_no_baseline(columns: list[Column]) -> None:
    """No column or no cell is an error that says so."""
    with pytest.raises(BaselineError, match="no rows"):
        baseline(*columns)


def test_columns_of_different_lengths_are_no_rows() -> None:
    """A ragged table is refused."""
    with pytest.raises(BaselineError, match="different numbers of rows"):
        baseline(column([1]), column([1, 2], "y"))


def test_a_numeric_feature_has_bins_for_its_range_and_beyond() -> None:
    """Inner bins hold the rows, `_below` and `_above` none, and `_missing` what is no number."""
    built = feature([*range(1_000), None, "x", float("nan")])
    assert built.type is FeatureType.NUMERIC
    assert built.bins == ("_below", *(f"{index:02}" for index in range(16)), "_above", "_missing")
    assert (built.counts[0], built.counts[-2], built.counts[-1], sum(built.counts)) == (0, 0, 3, 1_003)
    assert (math.nextafter(built.edges[0], math.inf), built.edges[-1]) == (0.0, 999.0)


def test_a_numeric_feature_is_summarised() -> None:
    """Moments, range and fences are those of the usable values; positions are the bins' means, ends at the range."""
    summary = feature([0.0] * 50 + [1.0] * 50 + [None]).numeric
    assert summary is not None
    assert (summary.mean, summary.minimum, summary.maximum) == (0.5, 0.0, 1.0)
    assert summary.sd == pytest.approx(np.std([0.0, 1.0] * 50, ddof=1))
    assert (summary.fence_low, summary.fence_high) == (-3.0, 4.0)
    assert summary.positions == (0.0, 0.0, 1.0, 1.0)


def test_a_constant_feature_has_one_bin_and_no_deviation() -> None:
    """Its bin holds every row and nothing but the constant."""
    built = feature([7] * 10)
    assert counts(built) == {"00": 10}
    assert built.edges == (math.nextafter(7.0, -math.inf), 7.0)
    assert built.numeric is not None
    assert built.numeric.sd == 0.0


@pytest.mark.parametrize(
    ("value", "expected"), [(5, {"00": 1}), (True, {"true": 1}), ("DE", {"_unseen": 1}), (None, {"_missing": 1})]
)
def test_one_row_is_enough(value: object, expected: dict[str, int]) -> None:
    """A baseline of one row is poor, but it is one."""
    assert counts(feature([value])) == expected


@pytest.mark.parametrize("type_", [None, *FeatureType])
def test_a_feature_without_values_has_a_baseline_under_any_type(type_: FeatureType | None) -> None:
    """Every row is missing (an identifier has no bins to say so in), and nothing fails."""
    built = feature([None, ABSENT, [1]], type_)
    assert counts(built) == ({} if type_ is FeatureType.IDENTIFIER else {"_missing": 3})


def test_a_numeric_feature_without_a_number_is_what_its_values_are() -> None:
    """Texts where numbers should be place no edges: they become categories, as they will be in live traffic."""
    built = feature(["a", "b"] * 5, FeatureType.NUMERIC)
    assert built.type is FeatureType.CATEGORICAL
    assert counts(built) == {"a": 5, "b": 5}


def test_huge_values_are_summarised_without_overflow() -> None:
    """Values near the ends of the floats' range give finite edges, moments and fences."""
    built = feature([sign * scale * 1e307 for sign in (-1, 1) for scale in range(1, 18)])
    assert built.numeric is not None
    assert np.isfinite([*built.edges, built.numeric.sd, built.numeric.fence_low, built.numeric.fence_high]).all()
    assert built.numeric.mean == pytest.approx(0.0, abs=1e294)


def test_minus_zero_is_zero() -> None:
    """The two zeros are equal, so baselines that differ in them only have the same digest."""
    plus, minus = (baseline(column([zero] * 50 + [1.0] * 50)) for zero in (0.0, -0.0))
    assert plus.digest == minus.digest


def test_numbers_in_text_are_numbers() -> None:
    """The Python SDK turns numpy scalars into text: the baseline is that of the numbers."""
    values = _random().integers(0, 50, 500).tolist()
    assert feature([str(value) for value in values]) == feature(values)


def test_whole_floats_are_integers() -> None:
    """JavaScript cannot tell 3.0 from 3: a categorical feature has one category for both."""
    assert counts(feature([3.0, 3, "3"] * 5, FeatureType.CATEGORICAL)) == {"3": 15}


def test_configured_types_win() -> None:
    """Types, presence and missing texts are taken by name."""
    built = build_baseline(
        [column(["1", "2", "-"] * 50, "grade"), column(["x"] * 150, "note")],
        model="m",
        created=0.0,
        source="",
        span_seconds=None,
        types={"grade": FeatureType.CATEGORICAL},
        required={"note": False},
        missing={"grade": frozenset({"-"})},
    )
    grade, note = built.features
    assert counts(grade) == {"1": 50, "2": 50, "_missing": 50}
    assert (grade.required, note.required) == (True, False)


@pytest.mark.parametrize(
    ("values", "expected"), [([1] * 100, True), ([None] * 100, True), ([1] * 99 + [ABSENT], False), ([1] * 99, False)]
)
def test_a_feature_in_every_row_is_required(values: list[object], *, expected: bool) -> None:
    """Null counts as present, an absent key does not, and it takes 100 rows to say so."""
    assert feature(values).required is expected


def test_a_million_categories_are_an_identifier() -> None:
    """Nearly every value is new: the feature is not binned and no category is remembered."""
    words = Words(np.arange(1_000_000, dtype=np.int32), tuple(f"s{index}" for index in range(1_000_000)))
    kinds = np.full(1_000_000, Kind.TEXT, np.uint8)
    cells = Column("session", Role.INPUT, kinds, np.full(1_000_000, np.nan), words)
    built = baseline(cells).features[0]
    assert (built.type, built.bins, built.known) == (FeatureType.IDENTIFIER, (), frozenset())


def test_a_million_categories_that_are_declared_one_are_bounded() -> None:
    """With the type configured the bins and the remembered categories stay within their limits."""
    words = Words(np.arange(1_000_000, dtype=np.int32), tuple(f"c{index}" for index in range(1_000_000)))
    cells = Column("session", Role.INPUT, np.full(1_000_000, Kind.TEXT, np.uint8), np.full(1_000_000, np.nan), words)
    built = build_baseline(
        [cells], model="m", created=0.0, source="", span_seconds=None, types={"session": FeatureType.CATEGORICAL}
    ).features[0]
    assert len(built.known) == 10_000
    assert counts(built) == {"_unseen": 1_000_000}


def test_edges_ascend_and_positions_do_not_fall() -> None:
    """What the distances ask of a baseline holds on skewed data with ties."""
    built = feature(np.round(_random().exponential(20, 5_000)).tolist())
    assert all(low < high for low, high in pairwise(built.edges))
    assert built.numeric is not None
    assert all(low <= high for low, high in pairwise(built.numeric.positions))
