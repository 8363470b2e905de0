from dataclasses import replace
from math import nan

from model_exporter.expose.truth_prose import (
    estimate_sentence,
    headline,
    metric_words,
    performance_sentences,
    performance_state,
)
from model_exporter.expose.truth_views import (
    EstimateErrorView,
    EstimateView,
    GapView,
    MeasureView,
    PerformanceVerdictView,
    PerformanceView,
    PerformanceWindowView,
    SegmentView,
    SegmentWindowView,
)

ACCURACY = MeasureView("accuracy", "", 0.9, 0.85, 0.93, 412.0)
RECALL = MeasureView("recall", "fraud", 0.7, 0.6, 0.8, 112.0)
HOUR = PerformanceWindowView("1h", 500.0, 412.0, 0.824, provisional=False, note="", measures=(ACCURACY, RECALL))
GAP = GapView("true_positive_rate", "north", "_rest", 0.2, 0.05, 0.35, 70.0)
TOLD = PerformanceView(412, 9, 90.0, 4.0, "", (HOUR,), {}, ())


def test_a_version_with_outcomes_is_told_in_numbers_with_bounds() -> None:
    """Metrics of all rows, the window that they are of, and how many outcomes it has."""
    (sentence,) = performance_sentences(TOLD)
    assert sentence == (
        "82% of the 500 predictions of the hour that ended 90 s ago have their outcome. By these, accuracy 0.9 "
        "(0.85 to 0.93)."
    )
    assert performance_state(TOLD) == "known"


def test_provisional_is_not_the_same_as_good() -> None:
    """The state and a sentence say so."""
    hour = replace(HOUR, provisional=True, note="provisional: too few outcomes to know how long they take")
    told = replace(TOLD, windows=(hour,), lag_seconds=nan)
    assert performance_state(told) == "provisional"
    first, second = performance_sentences(told)
    assert "predictions of the hour have their outcome" in first
    assert second == "Provisional: too few outcomes to know how long they take."


def test_without_numbers_the_reason_is_told() -> None:
    """That of the version, else that of its shortest window."""
    none = replace(TOLD, windows=(), note="no outcomes yet: 3 predictions wait for theirs")
    assert list(performance_sentences(none)) == [
        "How good the predictions are is not known. No outcomes yet: 3 predictions wait for theirs."
    ]
    assert performance_state(none) == "unknown"
    few = replace(TOLD, windows=(replace(HOUR, measures=(), note="9 are too few for a metric"),))
    assert list(performance_sentences(few)) == [
        "How good the predictions are is not known. 9 are too few for a metric."
    ]


def test_groups_that_differ_beyond_chance_are_named() -> None:
    """With the interval; gaps that may be none are not told, nor those of another window."""
    same = replace(GAP, lower=-0.1)
    segments = (
        SegmentView("region", (), (SegmentWindowView("1h", (), (GAP, same)),)),
        SegmentView("age", (), (SegmentWindowView("1d", (), (GAP,)),)),
    )
    _, *gaps = performance_sentences(replace(TOLD, segments=segments))
    assert gaps == ["Groups of region differ: true positive rate of north less that of all others +0.2 (0.05 to 0.35)."]


def test_metrics_of_parts_stand_in_for_those_of_all_rows() -> None:
    """A model whose metrics are by depth is told by the first depth."""
    parts = tuple(replace(ACCURACY, metric="ndcg", of=depth) for depth in ("5", "5", "10"))
    assert headline(replace(HOUR, measures=parts)) == parts[:2]
    assert headline(HOUR) == (ACCURACY,)
    assert metric_words("ndcg") == "NDCG"
    assert metric_words("log_loss") == "log loss"


def test_an_alarm_is_the_state_and_what_outcomes_are_compared_with_is_told() -> None:
    """The gravest level that is on."""
    verdicts = tuple(
        PerformanceVerdictView(level, detected=on, evidence=1.0, onset=None, onset_unix=nan, metric="accuracy")
        for level, on in (("page", False), ("ticket", True))
    )
    told = replace(TOLD, verdicts=verdicts, compared="Outcomes are worse than the first 1,000 outcomes.")
    assert performance_state(told) == "ALARM (ticket)"
    assert list(performance_sentences(told))[1] == told.compared


def test_an_estimate_tells_its_assumption_and_how_far_off_it_was() -> None:
    """Or why there is none; a model without estimates has no sentence."""
    hour = EstimateView("1h", (ACCURACY,), "", (EstimateErrorView("accuracy", "", 0.08),))
    assert estimate_sentence(replace(TOLD, estimates=(hour,))) == (
        "Estimated from scores, if they still mean what they meant, accuracy of the last hour is 0.9 (0.85 to 0.93), "
        "+0.080 off where outcomes are known."
    )
    none = EstimateView("1h", (), "few_labels", ())
    assert estimate_sentence(replace(TOLD, estimates=(none,))) == (
        "Nothing is estimated without outcomes over the last hour: there are too few outcomes to learn from."
    )
    assert estimate_sentence(TOLD) == ""
