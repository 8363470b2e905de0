import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_exporter.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15s", 15),
        ("5m", 300),
        ("1h30m", 5400),
        ("7d", 604_800),
        ("1w", 604_800),
        ("1y", 365 * 86_400),
        ("1ms", 0.001),
        ("1d2h3m4s5ms", 93_784.005),
        ("90m", 5400),
    ],
)
def test_durations_are_read_as_prometheus_reads_them(text: str, seconds: float) -> None:
    """Units from y to ms, largest first; a week has 7 days and a year 365 (Prometheus, model.ParseDuration)."""
    assert parse_duration(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "0s",
        "5",
        "1.5h",
        "-5m",
        "5M",
        "30m1h",
        "1h1h",
        "1 h",
        " 1h",
        "1h\n",
        "h",
        "1hour",
        "\u0661h",
        "9" * 400 + "s",
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    """No unit, wrong order, a unit twice, fractions, signs, spaces and no time at all are refused."""
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@given(st.integers(min_value=1, max_value=10**12))
def test_what_is_written_reads_back(milliseconds: int) -> None:
    """format_duration and parse_duration are inverse on whole milliseconds."""
    seconds = milliseconds / 1000
    assert parse_duration(format_duration(seconds)) == pytest.approx(seconds, abs=5e-4)


@pytest.mark.parametrize(("seconds", "text"), [(3600, "1h"), (5400, "1h30m"), (604_800, "7d"), (0.25, "250ms")])
def test_durations_are_written_in_few_units(seconds: float, text: str) -> None:
    """Only the units that are there appear."""
    assert format_duration(seconds) == text
