from dataclasses import replace
from math import isnan, nan

import pytest

import snapshots
from model_exporter.expose.truth_views import NEVER_TOLD, PerformanceView, view_outcomes, view_performance
from model_exporter.expose.verdict_views import Alarm
from model_exporter.stats.measure import Measure
from model_exporter.window.snapshot import LOST, UNMATCHED, CohortSnapshot, ModelSnapshot, PerformanceSnapshot
from truth_snapshots import truth

ACCURACY = (Measure("accuracy", 0.9, 0.85, 0.93, 412.0),)


def model(**changes: object) -> ModelSnapshot:
    """A model whose version has outcomes, with `changes` to what they tell."""
    told = truth(("1",), "fraud")
    performance = replace(told.performance[0], **changes)  # type: ignore[arg-type]  # names of its fields
    return replace(snapshots.fraud_model(), outcomes=500, truth=replace(told, performance=(performance,)))


def windows(*told: tuple[str, float, float, bool, tuple[Measure, ...]]) -> tuple[CohortSnapshot, ...]:
    """Windows by name, outcomes and coverage of 500 predictions, whether they are provisional, and measures."""
    return tuple(
        CohortSnapshot(name, 500.0, labelled, coverage, provisional=provisional, measures=measures)
        for name, labelled, coverage, provisional, measures in told
    )


def test_the_numbers_are_those_of_the_snapshot() -> None:
    """Windows, confusion and groups, by name."""
    told = view_performance(model(), "1")
    hour = told.windows[0]
    assert (hour.outcomes, hour.coverage, hour.provisional, hour.note) == (412.0, 0.824, False, "")
    assert [(one.metric, one.of, one.value, one.lower) for one in hour.measures] == [
        ("accuracy", "", 0.9, 0.85),
        ("recall", "fraud", 0.7, 0.6),
    ]
    assert told.confusion == {"fraud": {"ok": 17.0}, "ok": {"ok": 0.0}}
    (segment,) = told.segments
    assert segment.groups[0].confusion == {
        "positive": {"positive": 5.0, "negative": 6.0},
        "negative": {"positive": 7.0, "negative": 8.0},
    }
    assert (segment.groups[1].confusion, segment.groups[1].absolute_error) == (None, 99.5)
    assert segment.windows[0].gaps[0].stands_out


def test_outcomes_are_told_by_what_became_of_them() -> None:
    """Those that told nothing by reason, and what waits on either side."""
    told = view_outcomes(model())
    assert told is not None
    assert (told.received, told.early, told.duplicates, told.sampling_ratio) == (500, 3, 4, 0.25)
    assert (told.pending_predictions, told.pending_outcomes) == (1000, 12)
    assert tuple(told.unmatched) == UNMATCHED
    assert tuple(told.predictions_without_outcome) == LOST
    assert view_outcomes(replace(model(), truth=None)) is None


def test_without_outcomes_it_says_so() -> None:
    """Nothing waits, or predictions wait, or this version has none: each has its reason and no number."""
    never = view_performance(replace(model(), truth=None), "1")
    assert never.note == NEVER_TOLD
    other = view_performance(model(), "2")
    assert other.note == "no outcomes yet: 1,000 predictions wait for theirs"
    assert other.shown is None
    assert isnan(other.mean_delay_seconds)
    assert view_performance(model(joined=0), "1").note == other.note


@pytest.mark.parametrize(
    ("window", "lag", "note"),
    [
        (("1h", 0.0, nan, True, ()), nan, "no predictions in this window"),
        (("1h", 0.0, nan, True, ()), 90.0, "no predictions in this window: it ends 90 s ago, when outcomes have had"),
        (("1h", 0.0, 0.0, True, ()), 90.0, "no outcomes yet of 500 predictions in this window"),
        (
            ("1h", 200.0, 0.4, True, ACCURACY),
            90.0,
            "provisional: 40% of the predictions of this window have their outcome",
        ),
        (("1h", 450.0, 0.9, True, ACCURACY), nan, "provisional: too few outcomes to know how long they take"),
        (("1h", 9.0, 0.9, False, ()), 90.0, "9 are too few for a metric"),
    ],
)
def test_an_absent_number_says_why(
    window: tuple[str, float, float, bool, tuple[Measure, ...]], lag: float, note: str
) -> None:
    """No predictions, no outcomes, too few of them, or a biased few."""
    (told,) = view_performance(model(windows=windows(window), lag=lag), "1").windows
    assert told.note.startswith(note)
    assert (told.provisional is None) == (window[1] == 0)


def _shown(*told: tuple[str, float, float, bool, tuple[Measure, ...]]) -> str | None:
    view: PerformanceView = view_performance(model(windows=windows(*told)), "1")
    return view.shown.window if view.shown else None


def test_the_window_shown_is_the_shortest_that_can_be_trusted() -> None:
    """Of provisional ones the one with most outcomes, and none without metrics."""
    assert _shown(("1h", 90, 0.2, True, ACCURACY), ("1d", 200, 0.9, False, ACCURACY)) == "1d"
    assert _shown(("1h", 90, 0.9, False, ACCURACY), ("1d", 200, 0.9, False, ACCURACY)) == "1h"
    assert _shown(("1h", 90, 0.2, True, ACCURACY), ("1d", 200, 0.4, True, ACCURACY)) == "1d"
    assert _shown(("1h", 9, 0.9, False, ()), ("1d", 0, 0.0, True, ())) is None


def test_gaps_beyond_chance_come_first() -> None:
    """However large a gap is that may be none."""
    snapshot: PerformanceSnapshot = truth(("1",), "fraud").performance[0]
    segment = snapshot.segments[0]
    (window,) = segment.windows
    (gap,) = window.gaps
    wide = replace(gap, value=0.9, lower=-0.1, upper=1.0)
    below = replace(gap, value=-0.3, lower=-0.4, upper=-0.2)
    segments = (replace(segment, windows=(replace(window, gaps=(wide, gap, below)),)),)
    gaps = view_performance(model(segments=segments), "1").segments[0].windows[0].gaps
    assert [(one.value, one.stands_out) for one in gaps] == [(-0.3, True), (0.2, True), (0.9, False)]


def test_verdicts_and_estimates_are_those_of_the_snapshot() -> None:
    """Level by level with the onset of an alarm, and window by window with what was off, or why there is none."""
    told = view_performance(model(), "1")
    assert told.alarm is Alarm.TICKET
    page, ticket = told.verdicts
    assert (page.detected, page.evidence, page.onset) == (False, -3.5, None)
    assert (ticket.onset, ticket.metric) == ("2023-11-14T22:13:20Z", "accuracy")
    hour, day = told.estimates
    assert [(one.metric, one.of, one.value) for one in hour.errors] == [
        ("accuracy", "", 0.08),
        ("precision", "fraud", -0.01),
    ]
    assert (hour.measures[0].value, hour.withdrawn, day.measures, day.withdrawn) == (0.91, "", (), "few_labels")
    assert view_performance(model(drift=()), "1").alarm is None
