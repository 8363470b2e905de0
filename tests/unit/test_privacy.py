import re

import numpy as np

from batches import batch_of
from model_exporter.batch import Batch, Column, Kind, Role
from model_exporter.config.settings import Privacy, SegmentSource
from model_exporter.privacy import conceal

FEATURE, ATTRIBUTE = SegmentSource.FEATURE, SegmentSource.ATTRIBUTE
SECRET = b"0123456789abcdef"


def column(batch: Batch, name: str) -> Column:
    """The column of that name."""
    return next(column for column in (*batch.columns, *batch.context) if column.name == name)


def texts(batch: Batch, name: str) -> list[str | None]:
    """The texts of a column."""
    told = column(batch, name).texts
    return [] if told is None else [told.words[code] if code >= 0 else None for code in told.codes.tolist()]


def hashed(batch: Batch, *names: str, secret: bytes = SECRET) -> Batch:
    """The batch with some features hashed."""
    return conceal(batch, Privacy(hash=frozenset((FEATURE, name) for name in names), secret=secret))


def test_dropped_values_are_gone() -> None:
    """Features and attributes, and all that is nested under them; others of like names stay."""
    batch = batch_of(
        {"ssn": ["1"], "ssn.part": ["1"], "ssns": ["1"]},
        {"ssn": ["1"]},
        context={"segment.religion": ["a"], "segment.region": ["eu"], "lower": [1.0]},
    )
    seen = conceal(batch, Privacy(drop=frozenset({(FEATURE, "ssn"), (ATTRIBUTE, "religion"), (ATTRIBUTE, "lower")})))
    assert [(column.role, column.name) for column in (*seen.columns, *seen.context)] == [
        (Role.INPUT, "ssns"),
        (Role.OUTPUT, "ssn"),
        (Role.CONTEXT, "segment.region"),
        (Role.CONTEXT, "lower"),
    ]


def test_hashed_values_stay_categories() -> None:
    """Equal values stay equal and others different; nothing of the value is left."""
    batch = hashed(batch_of({"email": ["a@x", "b@x", "a@x", None]}), "email")
    first, second, third, missing = texts(batch, "email")
    assert first == third != second
    assert missing is None
    assert all(re.fullmatch("[0-9a-f]{16}", text) for text in (first or "", second or ""))


def test_numbers_and_truth_values_are_hashed_too() -> None:
    """As the texts that they are written as; missing and nested cells stay what they are."""
    batch = hashed(batch_of({"id": [7.0, "7", 0.5, True, None, []], "n": [1.0] * 6}), "id")
    found = texts(batch, "id")
    assert found[0] == found[1]
    assert len({*found[:4]}) == 3
    assert column(batch, "id").kinds.tolist() == [*[Kind.TEXT] * 4, Kind.NULL, Kind.NESTED]
    assert np.isnan(column(batch, "id").numbers).all()
    assert column(batch, "n").kinds.tolist() == [Kind.NUMBER] * 6


def test_numbers_alone_and_those_that_are_not_finite_are_hashed() -> None:
    """Nothing of the number is left in the column."""
    batch = hashed(batch_of({"n": [1.0, float("nan"), float("inf")]}), "n")
    assert len(set(texts(batch, "n"))) == 3
    assert np.isnan(column(batch, "n").numbers).all()


def test_the_secret_and_the_field_are_part_of_the_hash() -> None:
    """Without the secret no table of hashes can be made, and the hashes of two fields cannot be joined."""
    batch = batch_of({"a": ["x"], "b": ["x"]})
    one, other = hashed(batch, "a", "b"), hashed(batch, "a", secret=b"another secret 16")
    assert texts(one, "a") != texts(one, "b")
    assert texts(one, "a") != texts(other, "a")


def test_a_model_without_privacy_is_left_alone() -> None:
    """And costs nothing."""
    batch = batch_of({"a": ["x"]})
    assert conceal(batch, Privacy()) is batch


def test_the_secret_is_in_no_representation() -> None:
    """Logs and errors print settings."""
    assert "0123" not in repr(Privacy(secret=SECRET))
