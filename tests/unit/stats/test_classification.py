from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as reference
from sklearn.preprocessing import label_binarize

from model_exporter.stats.classification import BinaryTally, ClassifiedRows, MulticlassTally
from model_exporter.stats.measure import Measure
from model_exporter.stats.score_bins import precision_recall_area, roc_area
from model_exporter.stats.score_edges import class_balanced_edges, uniform_edges

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def _binary(rows: int, prevalence: float, seed: int = 0) -> tuple[Codes, Codes, Floats]:
    rng = np.random.default_rng(seed)
    actual = (rng.random(rows) < prevalence).astype(np.int64)
    scores = 1 / (1 + np.exp(-(rng.normal(size=rows) + 2 * actual - 1)))
    return actual, (scores > 0.5).astype(np.int64), scores


def _named(measures: Sequence[Measure], label: str = "") -> dict[str, Measure]:
    return {measure.metric: measure for measure in measures if measure.label == label}


def _tally(actual: Codes, scores: Floats) -> BinaryTally:
    return BinaryTally(["no", "yes"], 1, class_balanced_edges(scores, actual == 1))


@pytest.mark.parametrize("prevalence", [0.02, 0.3, 0.5, 0.9])
def test_sums_give_what_scikit_learn_gives(prevalence: float) -> None:
    """Accuracy, precision, recall, specificity, F1, log loss and Brier score are exact."""
    actual, predicted, scores = _binary(5000, prevalence)
    tally = _tally(actual, scores)
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted, scores))))
    expected = {
        "accuracy": reference.accuracy_score(actual, predicted),
        "precision": reference.precision_score(actual, predicted),
        "recall": reference.recall_score(actual, predicted),
        "specificity": reference.recall_score(actual, predicted, pos_label=0),
        "f1": reference.f1_score(actual, predicted),
        "log_loss": reference.log_loss(actual, scores),
        "brier": reference.brier_score_loss(actual, scores),
    }
    assert {name: found[name].value for name in expected} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("edges", ["balanced", "uniform", "coarse"])
@pytest.mark.parametrize("prevalence", [0.05, 0.5])
def test_areas_lie_within_their_bracket(prevalence: float, edges: str) -> None:
    """What scikit-learn finds from the rows lies between the least and the most that the bins allow."""
    actual, predicted, scores = _binary(3000, prevalence, seed=3)
    cuts = {
        "balanced": class_balanced_edges(scores, actual == 1),
        "uniform": uniform_edges(100),
        "coarse": np.array([0.5]),
    }
    tally = BinaryTally(["no", "yes"], 1, cuts[edges])
    sums = tally.sums(ClassifiedRows(actual, predicted, scores))
    negatives, positives = tally.scores(sums)
    roc, curve = roc_area(positives, negatives), precision_recall_area(positives, negatives)
    assert roc.least <= reference.roc_auc_score(actual, scores) <= roc.most
    assert curve.least <= reference.average_precision_score(actual, scores) <= curve.most
    measures = _named(tally.measures(sums))
    assert measures["roc_auc"].lower <= roc.least
    assert measures["roc_auc"].upper >= roc.most


def test_fifty_balanced_bins_are_close_to_the_rows() -> None:
    """The area under the ROC curve differs by less than .001 and average precision by less than .01."""
    actual, predicted, scores = _binary(20_000, 0.05, seed=4)
    tally = _tally(actual, scores)
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted, scores))))
    assert found["roc_auc"].value == pytest.approx(reference.roc_auc_score(actual, scores), abs=0.001)
    assert found["pr_auc"].value == pytest.approx(reference.average_precision_score(actual, scores), abs=0.01)


def test_the_calibration_error_is_that_of_ten_bins() -> None:
    """With a hundred equal bins it is sum (n_b / n) |mean score - share| over ten equal bins."""
    actual, predicted, scores = _binary(4000, 0.4)
    tally = BinaryTally(["no", "yes"], 1, uniform_edges(100))
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted, scores))))["calibration_error"]
    bins = np.minimum(np.ceil(scores * 10).astype(int) - 1, 9)
    gaps = [abs(scores[bins == b].mean() - actual[bins == b].mean()) * (bins == b).mean() for b in range(10)]
    assert found.value == pytest.approx(sum(gaps), rel=1e-9)
    assert found.lower <= found.value <= found.upper


def test_weights_give_the_weighted_metrics() -> None:
    """Estimates are scikit-learn's with sample weights, and intervals count (sum w)^2 / sum w^2 rows."""
    actual, predicted, scores = _binary(2000, 0.3)
    weights = np.random.default_rng(1).choice([1.0, 2.5, 10.0], 2000)
    tally = _tally(actual, scores)
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted, scores, weights=weights))))
    exact = {
        "accuracy": reference.accuracy_score(actual, predicted, sample_weight=weights),
        "f1": reference.f1_score(actual, predicted, sample_weight=weights),
        "log_loss": reference.log_loss(actual, scores, sample_weight=weights),
        "brier": reference.brier_score_loss(actual, scores, sample_weight=weights),
    }
    assert {name: found[name].value for name in exact} == pytest.approx(exact, rel=1e-12)
    assert found["accuracy"].count == pytest.approx(weights.sum() ** 2 / (weights**2).sum())
    called = weights[predicted == 1]
    assert found["precision"].count == pytest.approx(called.sum() ** 2 / (called**2).sum())
    area = reference.roc_auc_score(actual, scores, sample_weight=weights)
    assert found["roc_auc"].value == pytest.approx(area, abs=0.005)


def test_equal_weights_change_nothing_but_counts() -> None:
    """Rows that all stand for four have the metrics and the intervals of the rows."""
    actual, predicted, scores = _binary(500, 0.3)
    tally = _tally(actual, scores)
    plain = tally.measures(tally.sums(ClassifiedRows(actual, predicted, scores)))
    fourfold = tally.measures(tally.sums(ClassifiedRows(actual, predicted, scores, weights=np.full(500, 4.0))))
    for one, other in zip(plain, fourfold, strict=True):
        assert (one.metric, one.label) == (other.metric, other.label)
        numbers = (other.value, other.lower, other.upper, other.count)
        assert numbers == pytest.approx((one.value, one.lower, one.upper, one.count), rel=1e-9, abs=1e-12)


def test_nothing_is_measured_without_rows() -> None:
    """No rows, no measure."""
    tally, none = BinaryTally(["no", "yes"], 1, uniform_edges(10)), np.zeros(0, np.int64)
    assert tally.measures(tally.sums(ClassifiedRows(none, none, np.zeros(0)))) == []
    several = MulticlassTally(["a", "b", "c"], uniform_edges(10))
    assert several.measures(several.sums(ClassifiedRows(none, none, None, np.zeros((0, 3))))) == []


def test_each_metric_waits_for_its_own_minimum() -> None:
    """30 rows in a rate's denominator, 20 relevant for F1, 20 of each class for areas, 100 for means."""
    actual = np.repeat([1, 0], [19, 70])
    scores = np.linspace(0.9, 0.1, 89)
    tally = BinaryTally(["no", "yes"], 1, uniform_edges(10))
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, (scores > 0.69).astype(np.int64), scores))))
    assert set(found) == {"accuracy", "specificity", "f1"}
    assert found["accuracy"].count == 89
    actual = np.repeat([1, 0], [30, 70])
    predicted = (np.arange(100) < 29).astype(np.int64)
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted, np.linspace(0.9, 0.1, 100)))))
    assert "recall" in found
    assert "precision" not in found
    assert {"roc_auc", "pr_auc", "log_loss", "brier", "calibration_error"} <= set(found)


def test_scores_beyond_0_and_1_are_no_probabilities() -> None:
    """They rank, so that areas stay, but have no loss and no calibration; one stray score in a hundred is let pass."""
    actual, predicted, scores = _binary(1000, 0.3)
    tally = BinaryTally(["no", "yes"], 1, uniform_edges(50))
    margins = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted, scores * 8 - 4))))
    assert not {"log_loss", "brier", "calibration_error"} & set(margins)
    assert "roc_auc" in margins
    stray = np.where(np.arange(1000) < 5, 1.5, scores)
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted, stray))))
    expected = reference.log_loss(actual[5:], scores[5:])
    assert found["log_loss"].value == pytest.approx(expected)


def test_absent_parts_of_a_row_count_for_the_others() -> None:
    """Without a score a row counts in the confusion, without a prediction in the curves, without truth nowhere."""
    actual, predicted, scores = _binary(900, 0.4)
    tally = BinaryTally(["no", "yes"], 1, uniform_edges(50))
    predicted[:300], scores[300:600], actual[600:700] = -1, np.nan, -1
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted, scores))))
    assert found["accuracy"].count == 500
    assert found["roc_auc"].count == 500
    assert found["accuracy"].value == (actual == predicted)[np.r_[300:600, 700:900]].mean()


def test_a_perfect_separation_is_not_certain() -> None:
    """An area of 1 from 30 rows of each class has a lower bound of Wilson's width."""
    actual = np.repeat([0, 1], 30)
    tally = BinaryTally(["no", "yes"], 1, uniform_edges(10))
    scores = np.where(actual == 1, 0.95, 0.05)
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, actual, scores))))
    assert found["roc_auc"].value == 1.0
    assert 0.85 < found["roc_auc"].lower < 0.9
    assert 0.85 < found["pr_auc"].lower < 0.9


def test_a_class_never_seen_counts_as_other() -> None:
    """It is an error against every class, and right only where the rows say that it is the same."""
    actual = np.repeat([0, 1, 2, 7], 25)
    predicted = np.repeat([0, 1, 5, 5], 25)
    same = np.repeat([True, True, True, False], 25)
    tally = MulticlassTally(["a", "b"], uniform_edges(10))
    sums = tally.sums(ClassifiedRows(actual, predicted, same=same))
    assert tally.classes == ("a", "b", "_other")
    assert tally.confusion(sums).tolist() == [[25, 0, 0], [0, 25, 0], [0, 0, 50]]
    assert tally.right_and_wrong(sums) == (75.0, 25.0)
    assert tally.right_and_wrong(tally.sums(ClassifiedRows(actual, predicted))) == (50.0, 50.0)


def test_rows_that_are_taken_off_leave_nothing() -> None:
    """Sums less the same sums are no rows, whatever rounding leaves."""
    actual, predicted, scores = _binary(500, 0.3)
    tally = _tally(actual, scores)
    weights = np.random.default_rng(0).uniform(1, 10, 500)
    left = tally.sums(ClassifiedRows(actual, predicted, scores, weights=weights))
    for part in np.array_split(np.arange(500), 7):
        rows = ClassifiedRows(actual[part], predicted[part], scores[part], weights=weights[part])
        left = left - tally.sums(rows)
    assert tally.measures(left) == []


def _several(rows: int) -> tuple[Codes, Codes, Floats]:
    rng = np.random.default_rng(5)
    actual = rng.choice(4, rows, p=[0.5, 0.3, 0.15, 0.05])
    odds = rng.normal(size=(rows, 4))
    odds[np.arange(rows), actual] += 1.2
    shares = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    return actual, shares.argmax(axis=1), shares


def test_several_classes_give_what_scikit_learn_gives() -> None:
    """Per class, macro, log loss and Brier score are exact; areas against the rest are close."""
    actual, predicted, shares = _several(4000)
    tally = MulticlassTally(["a", "b", "c", "d"], uniform_edges(100))
    measures = tally.measures(tally.sums(ClassifiedRows(actual, predicted, probabilities=shares)))
    report = reference.classification_report(actual, predicted, output_dict=True)
    for code, name in enumerate("abcd"):
        found = _named(measures, name)
        for metric, theirs in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert found[metric].value == pytest.approx(report[str(code)][theirs], rel=1e-12)
    overall = _named(measures)
    expected = {
        "accuracy": report["accuracy"],
        "macro_precision": report["macro avg"]["precision"],
        "macro_recall": report["macro avg"]["recall"],
        "macro_f1": report["macro avg"]["f1-score"],
        "log_loss": reference.log_loss(actual, shares),
        "brier": float(((shares - label_binarize(actual, classes=range(4))) ** 2).sum(axis=1).mean()),
    }
    assert {name: overall[name].value for name in expected} == pytest.approx(expected, rel=1e-9)
    area = reference.roc_auc_score(actual, shares, multi_class="ovr")
    assert overall["macro_roc_auc"].lower < area < overall["macro_roc_auc"].upper
    assert overall["macro_roc_auc"].value == pytest.approx(area, abs=0.005)


def test_macro_means_follow_scikit_learn_where_a_class_is_missing() -> None:
    """A class that was never predicted has precision 0; one that never occurred has no recall."""
    actual = np.repeat([0, 1, 2], [50, 30, 20])
    predicted = np.repeat([0, 1, 3], [60, 30, 10])
    tally = MulticlassTally(list("abcd"), uniform_edges(10))
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted))))
    assert found["macro_precision"].value == pytest.approx(
        reference.precision_score(actual, predicted, average="macro", zero_division=0)
    )
    assert found["macro_recall"].value == pytest.approx(
        reference.recall_score(actual, predicted, labels=[0, 1, 2], average="macro")
    )
    assert found["macro_f1"].value == pytest.approx(reference.f1_score(actual, predicted, average="macro"))


def test_confidence_is_that_of_the_predicted_class() -> None:
    """The calibration error of several classes compares it with being right."""
    actual, predicted, shares = _several(3000)
    tally = MulticlassTally(list("abcd"), uniform_edges(100))
    own = shares[np.arange(3000), predicted]
    from_shares = tally.measures(tally.sums(ClassifiedRows(actual, predicted, probabilities=shares)))
    from_scores = tally.measures(tally.sums(ClassifiedRows(actual, predicted, own)))
    one, other = (_named(measures)["calibration_error"] for measures in (from_shares, from_scores))
    assert (one.value, one.lower, one.upper) == pytest.approx((other.value, other.lower, other.upper), rel=1e-9)


def test_probabilities_that_are_none_are_left_out() -> None:
    """Rows of NaN, negative or all 0 have no loss; others are made to sum to 1."""
    actual, predicted, shares = _several(400)
    broken = shares * np.random.default_rng(0).uniform(0.5, 2, (400, 1))
    broken[:10], broken[10:20], broken[20:30, 0] = np.nan, 0.0, -1.0
    tally = MulticlassTally(list("abcd"), uniform_edges(10))
    found = _named(tally.measures(tally.sums(ClassifiedRows(actual, predicted, probabilities=broken))))
    assert found["log_loss"].count == 370
    assert found["log_loss"].value == pytest.approx(reference.log_loss(actual[30:], shares[30:], labels=range(4)))


def test_many_classes_have_no_areas_of_their_own() -> None:
    """Beyond ten classes the sums grow with the classes' square only."""
    actual = np.arange(1200) % 12
    tally = MulticlassTally([str(code) for code in range(12)], uniform_edges(50))
    shares = np.full((1200, 12), 1 / 12)
    measures = tally.measures(tally.sums(ClassifiedRows(actual, actual, probabilities=shares)))
    assert not [measure for measure in measures if "auc" in measure.metric]
    assert _named(measures)["log_loss"].value == pytest.approx(np.log(12))


def test_cohorts_add_up_to_all_rows() -> None:
    """Sums by place are the sums of each place's rows."""
    actual, predicted, scores = _binary(600, 0.3)
    places = np.random.default_rng(0).integers(0, 4, 600)
    tally = _tally(actual, scores)
    by_place = tally.sums_by(ClassifiedRows(actual, predicted, scores), places, 5)
    assert by_place.shape == (5, tally.width)
    for place in range(5):
        own = places == place
        rows = ClassifiedRows(actual[own], predicted[own], scores[own])
        np.testing.assert_allclose(by_place[place], tally.sums(rows), rtol=1e-12)
