import pytest

from model_exporter.batch import Facts, Scalar, class_of


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (True, "1"),
        (1.0, "1"),
        ("true", "1"),
        ("False", "0"),
        (False, "0"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (1e20, "100000000000000000000"),
        ("fraud", "fraud"),
        ("", None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_equal_classes_have_one_text(value: Scalar, told: str | None) -> None:
    """However a prediction and its outcome write them; what is no class has none."""
    assert class_of(value) == told


@pytest.mark.parametrize(
    "facts",
    [
        Facts(),
        Facts("a", 0.5, {"a": 0.5, "b": 0.5}, 1.0, 2.0, "1d", 1.5, ("x",), ("eu", ""), ("x", None, 1.5, True), "ab12"),
        Facts(layout="ab12"),
    ],
)
def test_facts_survive_their_encoding(facts: Facts) -> None:
    """Every field, and none."""
    assert Facts.decode(facts.encode()) == facts


def test_other_bytes_are_no_facts() -> None:
    """After a change of the format what waits is dropped, not misread."""
    assert Facts.decode(b"\xc1") is None
