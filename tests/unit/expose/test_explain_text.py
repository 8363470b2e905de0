import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

import snapshots
from model_exporter.baseline.terminal import columns
from model_exporter.expose.explain_text import LEAST_WIDTH, MOST_WIDTH, render
from model_exporter.expose.explanation import Explanation, explain
from model_exporter.window.snapshot import ModelSnapshot
from truth_snapshots import truth


def explanations() -> Iterator[Explanation]:
    """One of every kind: alarms, a quiet version, a feature, learning, waiting, no slot, an id, hostile names."""
    for model in snapshots.full_snapshot().models:
        yield explain(model, at=snapshots.AT)
    fraud = snapshots.fraud_model()
    yield explain(fraud, at=snapshots.AT, version="1.4.1")
    for feature in ("age", "country", "returning", "customer_id", "prediction"):
        yield explain(fraud, at=snapshots.AT, feature=feature)
    yield explain(replace(fraud, versions=(replace(fraud.versions[0], drift=()),)), at=snapshots.AT, feature="age")
    yield explain(snapshots.model("m", (snapshots.numeric("x"),), distances=False), at=snapshots.AT, feature="x")


@pytest.mark.parametrize("width", [1, 60, 72, 80, 100, 140, 1000])
@pytest.mark.parametrize("ascii_only", [False, True])
def test_lines_fit_the_terminal(width: int, *, ascii_only: bool) -> None:
    """Between the least and the most that is used, whatever the names."""
    for explanation in explanations():
        for line in render(explanation, width=width, ascii_only=ascii_only).splitlines():
            assert columns(line) <= min(max(width, LEAST_WIDTH), MOST_WIDTH), line


def test_no_name_moves_the_cursor() -> None:
    """Names hold escapes, line breaks and control characters; the text holds none but its own line ends."""
    for explanation in explanations():
        text = render(explanation, width=100)
        assert all(character.isprintable() for character in text.replace("\n", ""))
        text.encode()


def test_ascii_is_ascii() -> None:
    """Where names are plain, a terminal without Unicode gets nothing else."""
    explanation = explain(snapshots.fraud_model(), at=snapshots.AT, feature="age")
    assert render(explanation, width=100, ascii_only=True).isascii()
    assert not render(explanation, width=100).isascii()


def test_the_head_tells_the_verdict_the_time_and_the_baseline() -> None:
    """The first two lines are the answer."""
    lines = render(explain(snapshots.fraud_model(), at=snapshots.AT), width=100).splitlines()
    assert lines[:2] == [
        "fraud, version 1.4.2: the page alarm is on",
        "as of 2025-10-09T08:53:20Z, compared with 10,000 rows of train.csv",
    ]
    quiet = render(explain(snapshots.fraud_model(), at=snapshots.AT, version="1.4.1"), width=100)
    assert quiet.startswith("fraud, version 1.4.1: ok, no alarm is on\n")


def test_dependence_and_signals_have_their_lines() -> None:
    """Under the level whose alarm it is, and in a part of their own."""
    text = render(explain(snapshots.fraud_model(), at=snapshots.AT), width=200)
    page = text.partition("page: ALARM\n")[2].partition("\n\n")[0]
    assert "evidence +2.5, ALARM, of amount with prediction (+2.2)." in page
    assert "\nsignals: UNUSUAL\n- Evidence +0.7: T2 of" in text


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (snapshots.waiting_model(), "ranker: no verdict yet"),
        (snapshots.waiting_model(), "Nothing is judged: no predictions have come in yet."),
        (snapshots.learning_model(), "Nothing is judged: the baseline is still being learned, 25% is done."),
    ],
)
def test_without_a_verdict_the_text_says_why(model: ModelSnapshot, told: str) -> None:
    """It does not read like an all-clear."""
    text = render(explain(model, at=snapshots.AT), width=100)
    assert told in text
    assert "alarm" not in text


def test_baseline_and_window_stand_side_by_side() -> None:
    """A line for each bin, in order, with both shares; the longest bar belongs to the largest share."""
    model = snapshots.model("m", (snapshots.categorical("c", ("DE", "FR")), snapshots.boolean("b")), named=(0,))
    version = model.versions[0]
    counts = version.windows[0].bins.copy()
    counts[:5] = [100, 700, 100, 50, 50]
    windows = tuple(replace(window, bins=counts) for window in version.windows)
    explanation = explain(replace(model, versions=(replace(version, windows=windows),)), at=snapshots.AT)
    lines = render(explanation, width=80).splitlines()
    start = next(number for number, line in enumerate(lines) if re.fullmatch(r" +baseline +last 5 minutes", line))
    rows = [re.split(r"\s{2,}", line) for line in lines[start + 1 : start + 6]]
    assert [row[0] for row in rows] == ["DE", "FR", "other known", "never seen", "missing"]
    assert [row[2] for row in rows] == ["33.3%", "26.7%", "20.0%", "13.3%", "6.7%"]
    assert [row[4] for row in rows] == ["10.0%", "70.0%", "10.0%", "5.0%", "5.0%"]
    assert max((row[column] for row in rows for column in (1, 3)), key=len) == rows[1][3]


def test_of_many_bins_those_that_matter_are_drawn() -> None:
    """Twenty lines, and the rest in one."""
    categories = [f"c{i:02}" for i in range(50)]
    model = snapshots.model("m", (snapshots.categorical("c", categories), snapshots.boolean("b")), named=(0,))
    text = render(explain(model, at=snapshots.AT), width=100)
    assert len(re.findall(r"^(?:c\d\d|other known|never seen|missing) ", text, re.MULTILINE)) == 20
    assert re.search(r"^and 33 more bins with \d+\.\d% of the baseline and \d+\.\d% of the window$", text, re.MULTILINE)


def test_only_a_bin_without_rows_has_no_bar() -> None:
    """One row in ten thousand can be seen."""
    model = snapshots.model("m", (snapshots.boolean("b"), snapshots.boolean("c")), named=(0,))
    version = model.versions[0]
    counts = version.windows[0].bins.copy()
    counts[:3] = [9_999, 1, 0]
    windows = tuple(replace(window, bins=counts, observations=np.array([10_000, 9])) for window in version.windows)
    explanation = explain(replace(model, versions=(replace(version, windows=windows),)), at=snapshots.AT)
    lines = render(explanation, width=80).splitlines()
    assert re.search(r"▏ +0\.01%$", next(line for line in lines if line.startswith("true")))
    assert re.search(r"1\.0% +0%$", next(line for line in lines if line.startswith("missing")))


def test_performance_has_its_lines() -> None:
    """An alarm with its numbers, or unknown with the reason, whatever drift says."""
    model = snapshots.fraud_model()
    assert "performance: unknown" in render(explain(replace(model, truth=None), at=snapshots.AT), width=100)
    text = render(explain(replace(model, truth=truth(("1.4.2",), "fraud")), at=snapshots.AT), width=100)
    assert "performance: ALARM (ticket)" in text
    assert "accuracy 0.9 (0.85 to 0.93)" in " ".join(text.split())
