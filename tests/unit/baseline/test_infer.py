import pytest

from baselines import column
from model_exporter.baseline.infer import infer_type, is_identifier
from model_exporter.baseline.model import FeatureType


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, False, None], FeatureType.BOOLEAN),
        ([1, 2.5, None], FeatureType.NUMERIC),
        ([1, True], FeatureType.NUMERIC),
        (["1", "2.5"], FeatureType.NUMERIC),
        ([1, "2.5"], FeatureType.NUMERIC),
        ([1.0] * 99 + ["oops"], FeatureType.NUMERIC),
        ([1.0] * 98 + ["oops"] * 2, FeatureType.CATEGORICAL),
        (["1"] * 999 + ["oops"], FeatureType.CATEGORICAL),
        (["01067", "80331"], FeatureType.CATEGORICAL),
        (["DE", 3], FeatureType.CATEGORICAL),
        ([True, "maybe"], FeatureType.CATEGORICAL),
        (["nan", 1.0, float("nan")], FeatureType.NUMERIC),
    ],
)
def test_the_values_tell_the_type(values: list[object], expected: FeatureType) -> None:
    """Each row of the table follows from the rule in the docstring of `infer_type`."""
    assert infer_type(column(values)) is expected


@pytest.mark.parametrize("values", [[], [None, ""], [[1], {}], [float("nan")], ["inf"], ["N/A"]])
def test_without_a_usable_value_there_is_no_type(values: list[object]) -> None:
    """Missing, nested and non-finite cells have no say."""
    assert infer_type(column(values), frozenset({"N/A"})) is None


def test_texts_for_missing_values_do_not_make_numbers_categorical() -> None:
    """Half of the cells may say N/A when the configuration declares it."""
    assert infer_type(column(["N/A", 1.5] * 50), frozenset({"N/A"})) is FeatureType.NUMERIC


@pytest.mark.parametrize(
    ("rows", "singletons", "expected"), [(100, 51, True), (100, 50, False), (99, 99, False), (0, 0, False)]
)
def test_an_identifier_is_new_in_more_than_half_of_many_rows(rows: int, singletons: int, *, expected: bool) -> None:
    """The rule needs 100 rows, and more than half of them with a value seen once."""
    assert is_identifier(rows=rows, singletons=singletons) is expected
