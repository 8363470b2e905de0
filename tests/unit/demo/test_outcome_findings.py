import pytest

from model_exporter.demo import outcome_findings as findings
from model_exporter.demo.scrape import Scrape
from model_exporter.demo.screen import LatelyView, PerformanceView

GOOD = PerformanceView(0.93, 0.92, 0.94, 0.9, 0)


def _counters(right: int, wrong: int, *, joined: int | None = None) -> Scrape:
    version = 'model="m",version="1"'
    return Scrape(
        f"model_outcomes_joined_total{{{version}}} {right + wrong if joined is None else joined}\n"
        f'model_confusion_total{{{version},actual="ill",predicted="ill"}} {right}\n'
        f'model_confusion_total{{{version},actual="well",predicted="well"}} 0\n'
        f'model_confusion_total{{{version},actual="well",predicted="ill"}} {wrong}\n'
    )


def _window(**more: float) -> Scrape:
    labels = 'model="m",version="1",window="1h"'
    lines = [
        f'model_performance{{{labels},metric="accuracy",of=""}} 0.9',
        f'model_performance{{{labels},metric="recall",of=""}} 0.5',
        f'model_performance_lower{{{labels},metric="accuracy",of=""}} 0.88',
        f'model_performance_upper{{{labels},metric="accuracy",of=""}} 0.91',
        f"model_label_coverage_ratio{{{labels}}} 0.85",
        f"model_performance_provisional{{{labels}}} 0",
        *(
            f'model_performance_drift_detected{{model="m",version="1",level="{level}"}} {on}'
            for level, on in more.items()
        ),
    ]
    return Scrape("\n".join(lines))


def test_performance_is_the_accuracy_over_an_hour() -> None:
    """With bounds, coverage and the alarm that pages; what the exporter does not show is None."""
    told = findings.performance(_window(page=1, ticket=0), "m", "1")
    assert told == PerformanceView(0.9, 0.88, 0.91, 0.85, 0, detected=True)
    assert findings.performance(_window(), "m", "1").detected is None
    assert findings.performance(Scrape(""), "m", "1") == PerformanceView()


def test_of_late_is_what_the_counters_gained_in_15_seconds() -> None:
    """Older outcomes do not dilute it, and nothing gained is no accuracy."""
    lately = findings.Lately()
    assert lately.look(_counters(900, 100), model="m", version="1", at=0) is None
    assert lately.look(_counters(990, 110), model="m", version="1", at=10) is not None
    told = lately.look(_counters(1040, 160), model="m", version="1", at=25)
    assert told is not None
    assert (told.accuracy, told.outcomes) == (0.5, 100)
    assert told.lower < 0.5 < told.upper
    assert lately.look(_counters(1040, 160), model="m", version="1", at=60) is None


def test_every_outcome_told_must_be_joined_once_and_scored_right() -> None:
    """One lost, one twice, one in the wrong cell, or none at all: each is told."""
    assert findings.joined(_counters(90, 10), model="m", told=100, right=90).holds
    assert not findings.joined(_counters(90, 9), model="m", told=100, right=90).holds
    assert not findings.joined(_counters(90, 10, joined=101), model="m", told=100, right=90).holds
    assert not findings.joined(_counters(89, 11), model="m", told=100, right=90).holds
    assert not findings.joined(Scrape(""), model="m", told=0, right=0).holds


def test_the_accuracy_that_the_model_had_must_be_within_the_bounds() -> None:
    """A provisional number and no number prove nothing."""
    assert findings.agrees(GOOD, had=0.935).holds
    assert not findings.agrees(GOOD, had=0.95).holds
    assert not findings.agrees(PerformanceView(0.93, 0.92, 0.94, 0.5, 1), had=0.935).holds
    assert not findings.agrees(PerformanceView(), had=0.935).holds
    assert not findings.agrees(GOOD, had=None).holds


@pytest.mark.parametrize(
    ("now", "lately", "holds"),
    [
        (PerformanceView(0.9, 0.89, 0.91), LatelyView(0.7, 0.68, 0.72, 900), True),
        (PerformanceView(0.92, 0.91, 0.925), LatelyView(0.7, 0.68, 0.72, 900), False),  # the window agrees with before
        (PerformanceView(0.9, 0.89, 0.91), LatelyView(0.91, 0.89, 0.93, 900), False),  # it has recovered
        (PerformanceView(0.9, 0.89, 0.91), None, False),
        (PerformanceView(0.9, 0.89, 0.91, detected=True), LatelyView(0.7, 0.68, 0.72, 900), True),
        (PerformanceView(0.9, 0.89, 0.91, detected=False), LatelyView(0.7, 0.68, 0.72, 900), False),  # no alarm
        (PerformanceView(), LatelyView(0.7, 0.68, 0.72, 900), False),
    ],
)
def test_a_fall_is_one_beyond_the_bounds(now: PerformanceView, lately: LatelyView | None, *, holds: bool) -> None:
    """In the window as well as lately, the upper end of the interval is below the lower end of the one before."""
    assert findings.fell(GOOD, now, lately).holds == holds
    assert not findings.fell(PerformanceView(), now, lately).holds


def test_drift_must_name_nothing_new() -> None:
    """An alarm that still stands on what was shifted before is fine; a new name, or no verdict, is not."""
    version = 'model="m",version="1"'
    of = f'{version},feature="a",role="input",level="page"'
    standing = Scrape(
        f'model_drift_detected{{{version},level="page"}} 1\n'
        f"model_feature_drift_detected{{{of}}} 1\n"
        f'model_feature_drift_shape_ratio{{{of},shape="up"}} 1\n'
    )
    quiet = Scrape(f'model_drift_detected{{{version},level="page"}} 0\n')
    assert findings.unseen(standing, model="m", version="1", known={"a"}).holds
    assert findings.unseen(quiet, model="m", version="1", known=()).holds
    assert not findings.unseen(standing, model="m", version="1", known=()).holds
    assert not findings.unseen(Scrape(""), model="m", version="1", known=()).holds
