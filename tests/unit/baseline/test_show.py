import re
from dataclasses import replace

import numpy as np
import pytest

from baselines import baseline, column, feature
from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.histogram import ASCII_BLOCKS, bar_shares, text_histogram
from model_exporter.baseline.model import Baseline, FeatureType
from model_exporter.baseline.show import render, warnings
from model_exporter.batch import Role


def _sample() -> Baseline:
    rng = np.random.default_rng(2)
    return baseline(
        column([*rng.normal(100, 15, 990).tolist(), *[None] * 10], "amount"),
        column(["DE"] * 600 + ["AT"] * 300 + ["FR"] * 100, "country"),
        column([True] * 200 + [False] * 800, "new", Role.OUTPUT),
        column([f"s{row}" for row in range(1_000)], "session"),
        column([None] * 1_000, "never"),
    )


def _line(text: str, name: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(name))


def test_the_head_tells_what_it_is() -> None:
    """Model, rows, span, source, time of creation and digest."""
    text = render(_sample(), width=120)
    for words in ("fraud", "1,000", "25.0 hours", "train.csv", "2025-11-23 04:59:40 UTC", _sample().digest):
        assert words in text


def test_each_feature_has_a_line() -> None:
    """With its role, type, missing share, number of bins, distribution and a few words about its values."""
    text = render(_sample(), width=120)
    assert "input   numeric      1.0%     18" in _line(text, "amount")
    assert "mean 99.68, sd 15.2" in _line(text, "amount")
    assert _line(text, "country").endswith("DE 60%, AT 30%, FR 10%")
    assert "output  boolean" in _line(text, "new")
    assert "not compared" in _line(text, "session")
    assert _line(text, "never").endswith("no values")


@pytest.mark.parametrize("width", [72, 80, 100, 120, 200])
def test_lines_fit_the_terminal(width: int) -> None:
    """Long names and values are cut, with an ellipsis."""
    long = baseline(column([1.5] * 9, "x" * 150), column(["c" * 100] * 9, "y"))
    text = render(long, width=width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" in text


def test_wide_characters_take_two_columns() -> None:
    """A table with Chinese names stays in line."""
    text = render(baseline(column([1.5] * 9, "金額"), column([1.5] * 9, "x")), width=120)
    assert _line(text, "金額").index("input") == _line(text, "x").index("input") - 2


def test_ascii_terminals_get_ascii() -> None:
    """Histogram and ellipsis do without Unicode."""
    assert render(baseline(column([1.5, 2.5], "x" * 150)), width=80, ascii_only=True).isascii()


def test_names_cannot_steer_the_terminal() -> None:
    """Control characters in names and categories, which a client may send, are shown as escapes."""
    text = render(baseline(column(["\x1b[2J"] * 9, "a\nb")), width=120)
    assert "\x1b" not in text
    assert r"a\nb" in text


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"rows": 10_000}, []),
        ({"rows": 9_999}, ["fewer than 10,000 rows"]),
        ({"rows": 10_000, "span_seconds": None}, ["have no time"]),
        ({"rows": 10_000, "span_seconds": 86_399.0}, ["less than a day"]),
        ({"rows": 10_000, "stable": False}, ["differ from one part of the time to another"]),
    ],
)
def test_what_speaks_against_a_baseline_is_said(change: dict[str, object], expected: list[str]) -> None:
    """Few rows, an unknown or short span, parts that differ; nothing for a good one."""
    found = list(warnings(replace(_sample(), **change)))  # type: ignore[arg-type]  # fields of several types
    assert len(found) == len(expected)
    assert all(words in warning for words, warning in zip(expected, found, strict=True))


def _with_times(days: float) -> Baseline:
    """Two features, one of which goes up and down with the day."""
    rng = np.random.default_rng(3)
    times = 1_764_000_000.0 + np.sort(rng.random(50_000)) * days * 86_400
    wave = 0.4 * np.sin(2 * np.pi * times / 86_400)
    return build_baseline(
        [column((rng.normal(size=50_000) + wave).tolist(), "wave"), column(rng.normal(size=50_000).tolist(), "flat")],
        model="m",
        created=0.0,
        source="",
        span_seconds=days * 86_400,
        times=times,
    )


def test_seasons_and_dependence_are_shown() -> None:
    """How many hours, for how many features, how high the waves are, and phi; by feature where there is room."""
    text = render(_with_times(8), width=120)
    assert "seasons  24 hours of the day (UTC), " in text
    assert "for 1 of 2 features" in text
    assert re.search(r"phi      1\.\d to 1\.\d \(variance", text)
    assert re.search(r"wave     0\.0\d to 0\.4\d sd \(most", text)
    assert re.search(r" 24 +0\.4\d +1\.\d  mean", _line(text, "wave     input"))
    assert re.search(r"[▁█] +0\.0\d +1\.\d  mean", _line(text, "flat"))
    assert "phi  values" not in render(_with_times(8), width=80)


def test_what_was_not_measured_is_not_shown() -> None:
    """Rows without times have neither, and no empty columns for them."""
    text = render(_sample(), width=120)
    assert "phi" not in text
    assert "wave" not in text
    assert "seasons" not in text


def test_much_dependence_is_warned_of() -> None:
    """Half a day of a daily wave: drift is told late, and seven days cure it."""
    _, warning = warnings(_with_times(0.5))
    assert "counts of wave vary" in warning
    assert "7 days" in warning
    assert list(warnings(_with_times(3))) == []
    assert list(warnings(_with_times(8))) == []


def test_a_high_wave_is_warned_of() -> None:
    """Half a standard deviation or more between the hours hides as much drift, unless hours have their baselines."""
    plain = _with_times(3)
    high = tuple(replace(feature, wave=0.36) for feature in plain.features)
    [warning] = warnings(replace(plain, features=high))
    assert warning.startswith(
        "the hours of wave differ by as much as 0.60 sd (and those of 1 more features by over 0.50)"
    )
    assert "Rows of 7 days" in warning
    seasonal = replace(_with_times(8).features[0], wave=0.36)
    assert list(warnings(replace(plain, features=(seasonal,)))) == []


def test_a_calendar_day_of_rows_is_a_day() -> None:
    """From its first second to its last it spans a second less, but all hours are in it."""
    assert not any("less than a day" in warning for warning in warnings(replace(_with_times(1), span_seconds=86_399.0)))


def test_the_warnings_are_shown() -> None:
    """They stand in the head."""
    assert "warning  fewer than 10,000 rows" in render(_sample(), width=120)


def test_bars_are_relative_to_the_highest() -> None:
    """The highest is full, a small one is still there, and only nothing is empty."""
    assert text_histogram([0.5, 0.25, 1e-9, 0.0]) == "█▄▁ "
    assert text_histogram([0.5, 0.25, 1e-9, 0.0], blocks=ASCII_BLOCKS) == "@=. "
    assert text_histogram([]) == ""


def test_a_normal_feature_looks_like_a_bell() -> None:
    """The bars are of equal length on the scale, so quantile bins do not make everything look flat."""
    values = np.random.default_rng(4).normal(size=20_000).tolist()
    shares = bar_shares(feature(values), 11)
    assert np.argmax(shares) == 5
    assert shares[0] < shares[5] / 5
    assert sum(shares) == pytest.approx(0.99, abs=0.001)


def test_few_distinct_numbers_have_a_bar_each() -> None:
    """Counts from 0 to 3 are four bars with their shares."""
    assert bar_shares(feature([0, 1, 1, 3, 3, 3, 2, 2] * 10), 20) == pytest.approx([1 / 8, 2 / 8, 2 / 8, 3 / 8])


def test_without_values_there_are_no_bars() -> None:
    """Neither an empty feature nor an identifier has a distribution."""
    assert bar_shares(feature([None]), 20) == []
    assert bar_shares(feature(["a"], FeatureType.IDENTIFIER), 20) == []


@pytest.mark.parametrize(("seconds", "text"), [(None, "unknown"), (5.0, "5.0 seconds"), (600.0, "10.0 minutes")])
def test_spans_are_in_readable_units(seconds: float | None, text: str) -> None:
    """From seconds to days."""
    assert f"span     {text}\n" in render(baseline(column([1.0]), span_seconds=seconds), width=80)
