"""What services hand in, and what OTLP gets."""

import dataclasses
import math
from collections import namedtuple
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common._internal import _encode_value

from model_exporter.client.values import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_VALUES,
    MISSING,
    Converter,
    UnsendableError,
    seconds,
    unix_nanoseconds,
)


class Colour(Enum):
    """Text, and what is none."""

    RED = "red"
    ODD = (1, 2)


class Text(StrEnum):
    """Is text."""

    A = "a"


class OldText(str, Enum):  # noqa: UP042  # what much code still has
    """Is text, too, and prints otherwise."""

    B = "b"


class Number(IntEnum):
    """Is a number."""

    ONE = 1


Pair = namedtuple("Pair", ["left", "right"])  # noqa: PYI024  # the untyped kind has to work, too


@dataclasses.dataclass
class Order:
    """Named fields."""

    amount: float
    country: str


class Model:
    """As pydantic's objects are."""

    def model_dump(self) -> Mapping[str, object]:
        """The fields."""
        return {"amount": np.float32(0.5)}


class Hostile:
    """Raises whatever it is asked."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


SENT: list[tuple[object, object]] = [
    (1, 1),
    (True, True),
    (1.5, 1.5),
    ("text", "text"),
    (np.float64(0.5), 0.5),
    (np.float32(0.5), 0.5),
    (np.float16(0.5), 0.5),
    (np.longdouble(0.5), 0.5),
    (np.int64(3), 3),
    (np.uint8(3), 3),
    (np.bool_(True), True),  # noqa: FBT003  # numpy's signature
    (np.str_("x"), "x"),
    (np.bytes_(b"x"), "x"),
    (np.array(2.5), 2.5),
    (np.array([1, 2]), [1, 2]),
    (np.array([[1.0], [2.0]]), [[1.0], [2.0]]),
    (np.datetime64("2026-01-02T03:04:05"), "2026-01-02T03:04:05"),
    (np.array(["2026-01-02"], "M8[ns]"), ["2026-01-02T00:00:00.000000000"]),
    (np.timedelta64(1500, "ms"), 1.5),
    (10**30, 1e30),
    (Decimal("1.25"), 1.25),
    (Fraction(1, 4), 0.25),
    (datetime(2026, 1, 2, 3, tzinfo=UTC), "2026-01-02T03:00:00+00:00"),
    (date(2026, 1, 2), "2026-01-02"),
    (time(3, 4), "03:04:00"),
    (timedelta(seconds=90), 90.0),
    (Colour.RED, "red"),
    (Colour.ODD, "ODD"),
    (Text.A, "a"),
    (OldText.B, "b"),
    (Number.ONE, 1),
    (b"caf\xc3\xa9", "café"),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (PurePosixPath("/a"), "/a"),
    ({"a": {"b": np.float32(1)}, 3: None}, {"a": {"b": 1.0}}),
    ([1, "x", 2.5], [1, "x", 2.5]),
    ((1, 2), [1, 2]),
    ({1}, [1]),
    (Pair(1, "x"), {"left": 1, "right": "x"}),
    (Order(1.5, "DE"), {"amount": 1.5, "country": "DE"}),
    (Model(), {"amount": 0.5}),
    ("\ud800", "\\ud800"),
    ("x" * 5000, "x" * MAX_CHARACTERS),
]


@pytest.mark.parametrize(("value", "expected"), SENT, ids=[type(value).__name__ for value, _ in SENT])
def test_a_value_has_its_plain_type(value: object, expected: object) -> None:
    """Whatever it was, it is a Python number, text, boolean, list or map that the SDK encodes."""
    converter = Converter(strict=True)
    plain = converter.value(value)
    assert plain == expected
    assert type(plain) is type(expected)
    _encode_value(plain)  # that it takes this is the claim


@pytest.mark.parametrize(
    "value",
    [None, np.datetime64("NaT"), np.timedelta64("NaT"), np.ma.masked, Decimal("NaN")],
    ids=repr,
)
def test_nothing_is_missing(value: object) -> None:
    """Each library's word for nothing is left out and is no fault."""
    converter = Converter(strict=True)
    assert converter.value(value) is MISSING
    assert converter.features({"x": value, "y": 1}) == {"y": 1}


def test_a_feature_that_is_nan_is_missing() -> None:
    """Tables write a missing number as NaN; infinity is a number that something is wrong with."""
    features = Converter(strict=True).features({"x": math.nan, "y": np.float32("nan"), "z": math.inf})
    assert features == {"z": math.inf}


def test_a_score_that_is_nan_stays() -> None:
    """A model that answers NaN has a fault, which the exporter has to see."""
    score = Converter(strict=True).value(np.float32("nan"))
    assert isinstance(score, float)
    assert math.isnan(score)


def test_missing_elements_keep_their_places() -> None:
    """Within an array nothing can be left out."""
    plain = Converter(strict=True).value([1.0, None, 3.0])
    assert isinstance(plain, list)
    assert plain[0] == 1.0
    assert math.isnan(plain[1])
    assert plain[2] == 3.0


@pytest.mark.parametrize(
    "value",
    [object(), 1j, np.complex64(1), b"\xff\xfe", Hostile(), 10**400, open],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_sent_is_counted(value: object) -> None:
    """One value is left out; the others of its record stay."""
    converter = Converter(strict=False)
    assert converter.features({"bad": value, "good": 1}) == {"good": 1}
    assert converter.dropped == {"unsendable": 1}


def test_a_strict_client_raises() -> None:
    """The same, in a test of a service."""
    with pytest.raises(UnsendableError):
        Converter(strict=True).features({"bad": object()})


def test_maps_that_hold_themselves_end() -> None:
    """Depth is bounded."""
    loop: dict[str, object] = {"x": 1}
    loop["self"] = loop
    converter = Converter(strict=False)
    assert converter.value(loop) is MISSING
    assert converter.dropped == {"too_deep": 1}
    deep: object = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert Converter(strict=True).value(deep) == deep


def test_records_are_bounded() -> None:
    """Arrays and maps are cut, and what is left out is counted."""
    converter = Converter(strict=False)
    plain = converter.value(list(range(MAX_ELEMENTS + 5)))
    assert plain == list(range(MAX_ELEMENTS))
    assert converter.dropped == {"too_many": 5}
    features = converter.features({str(index): index for index in range(2 * MAX_VALUES)})
    assert converter.values == MAX_VALUES
    assert len(features) == MAX_VALUES - MAX_ELEMENTS - 1
    assert converter.dropped.total() == 5 + 2 * MAX_VALUES - len(features)


_LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.datetimes() | st.decimals()
)


@given(st.recursive(_LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=50))
def test_whatever_comes_out_can_be_encoded(value: object) -> None:
    """No value of Python breaks the batch that its record is in."""
    plain = Converter(strict=False).value(value)
    if plain is not MISSING:
        _encode_value(plain).SerializeToString()  # that it takes this is the claim


def test_times_and_durations() -> None:
    """A moment is a datetime or unix seconds; a duration is a timedelta or seconds."""
    assert unix_nanoseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)) == 10**9
    assert unix_nanoseconds(np.float64(1.5)) == 1_500_000_000
    assert seconds(timedelta(milliseconds=5)) == 0.005
    assert seconds(3) == 3.0
    for wrong in ("1", -1, math.nan, None):
        with pytest.raises(UnsendableError):
            seconds(wrong)
        with pytest.raises(UnsendableError):
            unix_nanoseconds(wrong)
