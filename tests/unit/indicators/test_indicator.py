import numpy as np
import pytest

from batches import batch_of
from model_exporter.batch import Outcome
from model_exporter.indicators import (
    FieldName,
    Form,
    Indicator,
    Source,
    evaluate,
    kept_fields,
    outcome_columns,
    parse,
    prediction_columns,
    sums_of,
)

BATCH = batch_of(
    {"amount": [10.0, 20.0, None, 40.0], "vip": [True, False, True, None]},
    {"prediction": ["approve", "reject", "approve", None], "score": [0.9, 0.1, 0.8, 0.5]},
    context={"segment.region": ["eu", "us", "eu", "eu"]},
)


def told(indicator: Indicator) -> float | None:
    """What an indicator is over `BATCH`."""
    columns = prediction_columns(BATCH, indicator.fields)
    return indicator.value(sums_of(indicator.terms(columns, BATCH.rows)))


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("prediction == approve", 2 / 3),
        ("prediction != approve", 1 / 3),
        ("feature.vip", 2 / 3),
        ("not feature.vip", 1 / 3),
        ("segment.region == eu", 3 / 4),
        ("score > 0.5 and feature.amount >= 10", 1 / 3),
        ("feature.amount > 30 or score > 0.7", 3 / 4),
        ("feature.nowhere == 1", None),
    ],
)
def test_a_ratio_is_the_share_of_what_is_known(text: str, share: float | None) -> None:
    """A comparison with a missing value counts neither above nor below, unless the rest decides."""
    assert told(Indicator("i", Form.RATIO, parse(text))) == (None if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    ("form", "of", "to", "value"),
    [
        (Form.SUM, "feature.amount", None, 70.0),
        (Form.MEAN, "feature.amount", None, 70 / 3),
        (Form.SUM, "feature.amount * (prediction == approve)", None, 10.0),
        (Form.RATIO, "feature.amount * score", "feature.amount", (9 + 2 + 20) / 70),
        (Form.MEAN, "feature.amount / 0", None, None),
        (Form.RATIO, "feature.amount", "score - score", None),
        (Form.MEAN, "1 - score", None, (0.1 + 0.9 + 0.2 + 0.5) / 4),
    ],
)
def test_sums_means_and_ratios_of_numbers(form: Form, of: str, to: str | None, value: float | None) -> None:
    """Both parts of a ratio are over the rows that have both; what is divided by zero is not there."""
    found = told(Indicator("i", form, parse(of), parse(to) if to else None))
    assert found == (None if value is None else pytest.approx(value))


def test_a_row_may_stand_for_several() -> None:
    """Rows of a sample are weighted by what they stand for."""
    indicator = Indicator("i", Form.RATIO, parse("prediction == approve"))
    terms = indicator.terms(prediction_columns(BATCH, indicator.fields), BATCH.rows)
    sums = sums_of(terms, np.array([2.0, 1.0, 1.0, 5.0]))
    assert indicator.value(sums) == pytest.approx(3 / 4)
    np.testing.assert_allclose(sums, [4, 3, 4, 3, 3, 4, 6])


def test_with_the_outcome_it_is_the_same_language() -> None:
    """Fields kept of the prediction, the outcome and its values stand side by side."""
    indicator = Indicator("i", Form.SUM, parse("value.loss * (outcome == fraud and prediction == approve)"))
    kept = kept_fields([indicator])
    assert indicator.needs_outcome
    assert kept == (FieldName(Source.PREDICTION),)
    outcomes = [
        Outcome("m", "1", None, "fraud", (("loss", 5.0),)),
        Outcome("m", "2", None, "fraud", (("loss", 7.0),)),
        Outcome("m", "3", None, "good", (("loss", 9.0),)),
        Outcome("m", "4", None, "fraud"),
        Outcome("m", "5", None, "fraud", (("loss", 11.0),)),
    ]
    predictions = [("approve",), ("reject",), ("approve",), ("approve",), ()]
    terms = indicator.terms(outcome_columns(indicator.fields, kept, predictions, outcomes), 5)
    np.testing.assert_array_equal(terms.of, [5, 0, 0, np.nan, np.nan])


def test_only_what_waits_for_an_outcome_is_kept() -> None:
    """Fields of indicators that can be told at once are not, nor the outcome's own."""
    waiting = Indicator("a", Form.MEAN, parse("feature.x * (outcome == 1)"))
    at_once = Indicator("b", Form.MEAN, parse("feature.y"))
    assert kept_fields([at_once, waiting]) == (FieldName(Source.FEATURE, "x"),)


def test_texts_of_two_fields_are_compared_as_texts() -> None:
    """Whatever codes they have in their columns; a text differs from a number."""
    batch = batch_of({"a": ["x", "y", "1", "z"]}, {"prediction": ["y", "y", 1.0, None]})
    expression = parse("feature.a == prediction")
    found = evaluate(expression, prediction_columns(batch, expression.fields), 4)
    np.testing.assert_array_equal(found, [0, 1, 0, np.nan])
