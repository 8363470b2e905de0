import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference

from model_exporter.stats.fairness import REST, Alarm, GroupErrors, GroupRates
from model_exporter.stats.intervals import newcombe

Codes = NDArray[np.int64]


def _classified(rows: int, seed: int = 0) -> tuple[Codes, Codes, Codes]:
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 3, rows)
    actual = (rng.random(rows) < 0.4).astype(np.int64)
    predicted = (rng.random(rows) < 0.2 + 0.4 * actual + 0.1 * (groups == 1)).astype(np.int64)
    return groups, actual, predicted


def test_rates_are_those_of_each_groups_rows() -> None:
    """Selection rate, TPR, FPR, precision and accuracy equal scikit-learn's on the group's rows."""
    groups, actual, predicted = _classified(3000)
    tally = GroupRates(["a", "b", "c"], positive=1)
    sums = tally.predicted(groups, predicted) + tally.realised(groups, actual, predicted)
    found = {(one.metric, one.label): one.value for one in tally.measures(sums)}
    for code, name in enumerate("abc"):
        own = groups == code
        a, p = actual[own], predicted[own]
        expected = {
            "selection_rate": p.mean(),
            "true_positive_rate": reference.recall_score(a, p),
            "false_positive_rate": 1 - reference.recall_score(a, p, pos_label=0),
            "precision": reference.precision_score(a, p),
            "accuracy": reference.accuracy_score(a, p),
        }
        assert {metric: found[metric, name] for metric in expected} == pytest.approx(expected)


def test_the_largest_gap_of_two_groups_has_newcombes_interval() -> None:
    """At 95 %, the group with more first; with two groups there is no rest to compare with."""
    groups, _, predicted = _classified(2000)
    groups = np.minimum(groups, 1)
    tally = GroupRates(["a", "b"], positive=1)
    (gap,) = tally.gaps(tally.predicted(groups, predicted))
    shares = [predicted[groups == code].mean() for code in (0, 1)]
    sizes = [float((groups == code).sum()) for code in (0, 1)]
    most = int(np.argmax(shares))
    assert (gap.group, gap.other) == ("ab"[most], "ab"[1 - most])
    assert gap.value == pytest.approx(abs(shares[0] - shares[1]))
    expected = newcombe(shares[most], sizes[most], shares[1 - most], sizes[1 - most])
    assert (gap.lower, gap.upper) == pytest.approx(expected)
    assert gap.count == min(sizes)


def test_each_group_is_compared_with_the_rest() -> None:
    """The rest are all other rows, those of no listed group included."""
    groups, _, predicted = _classified(3000)
    groups[:300] = 9
    tally = GroupRates(["a", "b", "c"], positive=1)
    gaps = {gap.group: gap for gap in tally.gaps(tally.predicted(groups, predicted)) if gap.other == REST}
    assert set(gaps) == {"a", "b", "c"}
    for code, name in enumerate("abc"):
        expected = predicted[groups == code].mean() - predicted[groups != code].mean()
        assert gaps[name].value == pytest.approx(expected)


def test_small_groups_are_not_shown() -> None:
    """A group below the minimum size is in no measure and no gap, but stays in the others' rest."""
    groups, actual, predicted = _classified(3000)
    groups = np.where((groups == 2) & (np.arange(3000) > 200), 0, groups)
    tally = GroupRates(["a", "b", "c"], positive=1)
    sums = tally.predicted(groups, predicted) + tally.realised(groups, actual, predicted)
    assert {one.label for one in tally.measures(sums)} == {"a", "b"}
    gaps = tally.gaps(sums)
    assert "c" not in {name for gap in gaps for name in (gap.group, gap.other)}
    rest = next(gap for gap in gaps if (gap.metric, gap.group, gap.other) == ("selection_rate", "a", REST))
    assert rest.value == pytest.approx(predicted[groups == 0].mean() - predicted[groups != 0].mean())
    shown = GroupRates(["a", "b", "c"], positive=1, min_group=30)
    assert "c" in {one.label for one in shown.measures(sums)}


def test_a_rate_waits_for_its_denominator() -> None:
    """A group with 20 positives has no true positive rate, whatever its size."""
    groups, actual = np.zeros(400, np.int64), np.repeat([1, 0], [20, 380])
    tally = GroupRates(["a"], positive=1)
    metrics = {one.metric for one in tally.measures(tally.realised(groups, actual, actual))}
    assert metrics == {"false_positive_rate", "accuracy"}


def test_one_group_has_no_gap() -> None:
    """With nothing to compare there is no gap, no alarm and no worst group; neither without rows."""
    groups, actual, predicted = _classified(500)
    tally = GroupRates(["a", "b"], positive=1)
    for codes in (groups * 0, groups[:0]):
        n = len(codes)
        sums = tally.predicted(codes, predicted[:n]) + tally.realised(codes, actual[:n], predicted[:n])
        assert tally.gaps(sums) == []
        assert tally.alarms(sums, 0.0) == []
        assert tally.apart(sums, 0.0) == []


def test_without_a_positive_class_only_accuracy_is_compared() -> None:
    """Models of several classes have no selection rate."""
    groups, actual, predicted = _classified(2000)
    tally = GroupRates(["a", "b", "c"], positive=None)
    assert {one.metric for one in tally.measures(tally.realised(groups, actual, predicted))} == {"accuracy"}


def test_an_alarm_needs_more_than_the_tolerance() -> None:
    """A gap of .2 over thousands of rows is over a tolerance of .1, not over one of .2."""
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 2, 20_000)
    predicted = (rng.random(20_000) < 0.3 + 0.2 * groups).astype(np.int64)
    tally = GroupRates(["a", "b"], positive=1)
    sums = tally.predicted(groups, predicted)
    (alarm,) = tally.alarms(sums, 0.1)
    assert (alarm.metric, alarm.group, alarm.other) == ("selection_rate", "b", "a")
    assert 0.1 < alarm.least < alarm.value
    assert tally.alarms(sums, 0.2) == []


def test_an_alarm_stands_until_the_gap_is_within_the_tolerance() -> None:
    """Where the rows so far no longer prove it the gap still does; one that did not stand does not begin so."""
    groups = np.repeat([0, 1], 400)
    tally = GroupRates(["a", "b"], positive=1)
    sums = tally.predicted(groups, (np.arange(800) % 20 < np.where(groups, 8, 6)).astype(np.int64))
    assert tally.alarms(sums, 0.05) == []
    standing = [Alarm("selection_rate", "a", "b", 0.3, 0.2)]
    assert [(one.group, one.other) for one in tally.alarms(sums, 0.05, standing)] == [("b", "a")]
    assert tally.alarms(sums, 0.1001, standing) == []


def test_the_worst_group_is_named() -> None:
    """The one group that differs stands first against the rest, whether it has more or less."""
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 5, 30_000)
    for sign in (-1, 1):
        predicted = (rng.random(30_000) < 0.5 + sign * 0.15 * (groups == 3)).astype(np.int64)
        tally = GroupRates(list("abcde"), positive=1)
        worst = tally.apart(tally.predicted(groups, predicted), 0.05)[0]
        assert (worst.metric, worst.group, worst.other) == ("selection_rate", "d", REST)
        assert np.sign(worst.value) == sign
        assert worst.least > 0.05


def test_errors_are_compared_by_group() -> None:
    """The mean absolute error of each group equals scikit-learn's, and its gap has an interval and an alarm."""
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 3, 6000)
    actual = rng.normal(50, 5, 6000)
    predicted = actual + rng.normal(0, 1 + (groups == 1), 6000)
    tally = GroupErrors(["a", "b", "c"], scale=5.0)
    sums = tally.realised(groups, actual, predicted)
    for code, one in enumerate(tally.measures(sums)):
        own = groups == code
        assert one.value == pytest.approx(reference.mean_absolute_error(actual[own], predicted[own]))
        assert one.lower < one.value < one.upper
    gap = tally.gaps(sums)[0]
    assert gap.group == "b"
    assert 0.6 < gap.lower < gap.value < gap.upper < 1.0
    assert {alarm.group for alarm in tally.alarms(sums, 0.3)} == {"b"}
    assert tally.apart(sums, 0.3)[0].group == "b"


def test_numbers_that_are_none_are_left_out() -> None:
    """Rows with NaN, and codes that say that there is none, count in no group."""
    groups = np.zeros(300, np.int64)
    errors = GroupErrors(["a"])
    actual = np.where(np.arange(300) < 100, np.nan, 1.0)
    (one,) = errors.measures(errors.realised(groups, actual, np.zeros(300)))
    assert (one.value, one.count) == (1.0, 200.0)
    rates = GroupRates(["a"], positive=1)
    absent = np.full(300, -1)
    assert not rates.predicted(groups, absent).any()
    assert not rates.realised(groups, absent, absent).any()


def test_weights_count_as_rows() -> None:
    """Rates are weighted and rest on (sum w)^2 / sum w^2 rows."""
    groups, actual, predicted = _classified(3000)
    weights = np.where(np.arange(3000) % 2, 3.0, 1.0)
    tally = GroupRates(["a", "b", "c"], positive=1)
    found = {(one.metric, one.label): one for one in tally.measures(tally.realised(groups, actual, predicted, weights))}
    own = groups == 1
    expected = reference.recall_score(actual[own], predicted[own], sample_weight=weights[own])
    w = weights[own & (actual == 1)]
    assert found["true_positive_rate", "b"].value == pytest.approx(expected)
    assert found["true_positive_rate", "b"].count == pytest.approx(w.sum() ** 2 / (w**2).sum())


@pytest.mark.slow
def test_a_gap_is_found_and_none_is_claimed() -> None:
    """Over 250 looks a gap of .1 alarms in all of 40 runs, and equal groups in at most 4 of 60."""
    rng = np.random.default_rng(5)
    tally = GroupRates(["a", "b"], positive=1)
    for gap, runs, at_least, at_most in ((0.1, 40, 40, 40), (0.0, 60, 0, 4)):
        alarmed = 0
        for _ in range(runs):
            sums = np.zeros(tally.width)
            for _ in range(250):
                groups = np.tile([0, 1], 40)
                sums += tally.predicted(groups, (rng.random(80) < 0.3 + gap * groups).astype(np.int64))
                if tally.alarms(sums, 0.0):
                    alarmed += 1
                    break
        assert at_least <= alarmed <= at_most
