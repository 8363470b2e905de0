import pytest

from baselines import column
from model_exporter.baseline.times import read_times

SECONDS = 1_763_873_980.0


@pytest.mark.parametrize(
    "value",
    [
        "2025-11-23T04:59:40Z",
        "2025-11-23T05:59:40+01:00",
        "2025-11-23 04:59:40",
        "1763873980",
        SECONDS,
        SECONDS * 1e3,
        SECONDS * 1e6,
        SECONDS * 1e9,
    ],
)
def test_times_are_read_in_the_usual_spellings(value: object) -> None:
    """ISO 8601, without an offset in UTC, and unix time in any unit."""
    seconds = read_times(column([value]), must=False)
    assert seconds is not None
    assert seconds.tolist() == [SECONDS]


def test_missing_times_are_passed_over() -> None:
    """They leave NaN behind and do not spoil the column."""
    seconds = read_times(column(["2025-11-23", None, ""]), must=False)
    assert seconds is not None
    assert seconds[0] == 1_763_856_000
    assert str(seconds.tolist()[1:]) == "[nan, nan]"


@pytest.mark.parametrize(
    "values", [[], [None], ["noon"], ["2025-11-23", "noon"], [True], [0.0, 86_400.0], [float("nan")], [SECONDS, -1.0]]
)
def test_what_is_not_a_date_is_no_time(values: list[object]) -> None:
    """Words, small numbers such as seconds since a start, or nothing at all."""
    assert read_times(column(values), must=False) is None


def test_small_numbers_are_times_when_the_user_says_so() -> None:
    """Seconds since a start have a span as well."""
    seconds = read_times(column([0.0, 86_400.0]), must=True)
    assert seconds is not None
    assert seconds.tolist() == [0.0, 86_400.0]
