"""The scenarios' own tools: what promtool is told, and what is read from its complaints."""

from math import nan
from pathlib import Path

import pytest

from e2e.programs import require
from scenarios.capture import Tape, notation
from scenarios.promtool import Sample, evaluate, read_complaints
from scenarios.sender import Subject
from scenarios.story import Episode, Story, episodes

RULES = """
groups:
  - name: g
    rules:
      - record: model:seen
        expr: count by (model) (model_seen)
      - alert: Many
        expr: model_seen{model="m"} > 3
        for: 2m
        labels: {text: 'a, "b" {c}\\d'}
"""


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([1.0, 1.0, 1.0], "1x2"),
        ([nan, nan, 0.5, 2.0], "_x2 0.5 2"),
        ([1.0, nan, nan, 3.0], "1 stale _ 3"),
        ([1.0, nan], "1 stale"),
        ([-3.0, 1e-07, 1e300], "-3 1e-07 1e+300"),
    ],
)
def test_values_are_told_in_promtools_notation(values: list[float], told: str) -> None:
    """Runs are short, gaps before a series are gaps, and its end is marked as Prometheus marks it."""
    assert notation(values) == told


def test_a_tape_keeps_what_is_read_and_counts_time_from_its_begin() -> None:
    """Other metrics are dropped, moments become seconds since the first scrape, other models can be left out."""
    tape = Tape(frozenset({"a", "b_timestamp_seconds"}), {"job": "j"}, 1000.0)
    tape.add('# HELP a of a\na{model="m"} 1\nc 5\nb_timestamp_seconds{model="other"} 1030')
    tape.add('a{model="m"} 1\na{model="other"} 2\nb_timestamp_seconds{model="other"} 1060')
    assert dict(tape.series(["m", "other"])) == {
        'up{job="j"}': "1x1",
        'a{model="m",job="j"}': "1x1",
        'a{model="other",job="j"}': "_ 2",
        'b_timestamp_seconds{model="other",job="j"}': "30 60",
    }
    assert set(dict(tape.series(["m"]))) == {'up{job="j"}', 'a{model="m",job="j"}'}


def test_complaints_are_read_with_whatever_stands_in_labels() -> None:
    """Quotes, commas and brackets in labels, exponents, infinities, several samples or none, long times."""
    text = (
        '    expr: "ALERTS{a=\\"b\\"}", time: 1d2h5m,\n        exp: {__name__="x"} 1E+00\n'
        '        got: {__name__="ALERTS", text="a, \\"b\\" {c}\\\\d"} 1E+00, {model="m"} +Inf\n'
        '    expr: "up", time: 30s,\n        exp: {__name__="x"} 1E+00\n        got: nil\n'
    )
    answers = read_complaints(text)
    at = 26 * 3600 + 300.0
    assert answers == {
        'ALERTS{a="b"}': {at: [Sample(at, {"text": 'a, "b" {c}\\d'}, 1.0), Sample(at, {"model": "m"}, float("inf"))]},
        "up": {30.0: []},
    }


def test_promtool_answers_what_it_was_asked(tmp_path: Path) -> None:
    """An alert fires when its time is over, and a recorded series is there while it is."""
    require("promtool")
    rules = tmp_path / "rules.yml"
    rules.write_text(RULES)
    answers = evaluate(
        [rules],
        [('model_seen{model="m"}', "1 5x4 stale _x9")],
        {'ALERTS{alertstate="firing"}': [60.0 * minute for minute in range(10)], "model:seen": [0.0, 600.0]},
        folder=tmp_path,
    )
    assert episodes(answers['ALERTS{alertstate="firing"}']) == [
        Episode(
            {"alertname": "Many", "alertstate": "firing", "model": "m", "text": 'a, "b" {c}\\d'}, begin=180.0, end=300.0
        )
    ]
    assert answers["model:seen"] == [Sample(0.0, {"model": "m"}, 1.0)]


def test_a_change_of_labels_is_no_second_incident_but_a_gap_is() -> None:
    """Spells join what follows within an interval, whatever the labels say."""
    found = [
        Episode({"cause": "a"}, 0.0, 60.0),
        Episode({"cause": "b"}, 120.0, 300.0),
        Episode({"cause": "a"}, 600.0, 660.0),
    ]
    story = Story(Subject("m"), found, [], [])
    assert story.spells == [(0.0, 300.0), (600.0, 660.0)]
    assert story.told("cause") == ["a", "b"]
