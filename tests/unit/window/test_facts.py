from dataclasses import replace

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.batch import Awaited, Batch, Facts, Outcome, Scalar
from model_exporter.config.settings import ModelKind, ModelSettings, OutcomeSettings, Segment, SegmentSource
from model_exporter.indicators import Form, Indicator, parse
from model_exporter.window.facts import FactsReader, is_positive, layout_of, relevant_items


def read(settings: ModelSettings, batch: Batch, rows: list[int] | None = None) -> list[Facts]:
    """The facts of all rows, or of some."""
    chosen = np.arange(batch.rows) if rows is None else np.array(rows, np.intp)
    batch = batch if any(batch.ids) else replace(batch, ids=tuple(map(str, range(batch.rows))))
    return [facts_of(awaited) for awaited in FactsReader(settings).read(batch, chosen, T0)]


def facts_of(awaited: Awaited) -> Facts:
    """What a prediction carries."""
    facts = Facts.decode(awaited.facts)
    assert facts is not None
    return facts


def kind(of: ModelKind | None, **settings: object) -> ModelSettings:
    """Settings of a kind of model."""
    return ModelSettings(kind=of, **settings)  # type: ignore[arg-type]  # fields by name


def test_predictions_wait_with_their_id_time_and_version() -> None:
    """A record without a time was made now, one with a clock ahead not later than now; without an id it cannot wait."""
    batch = batch_of(
        {}, {"score": [0.5] * 4}, ids=["a", "", "c", "d"], times=[T0 - 5, T0 - 5, float("nan"), T0 + 9], version="7"
    )
    awaited = FactsReader(ModelSettings()).read(batch, np.array([3, 0, 1, 2], np.intp), T0)
    assert [(one.prediction_id, one.made_at, one.version) for one in awaited] == [
        ("d", T0, "7"),
        ("a", T0 - 5, "7"),
        ("c", T0, "7"),
    ]
    assert FactsReader(ModelSettings()).read(batch, np.array([1], np.intp), T0) == []
    assert FactsReader(ModelSettings()).read(batch, np.array([], np.intp), T0) == []


def test_a_class_is_kept_as_it_was_predicted() -> None:
    """Text, number or truth value, and nothing for what is none of them."""
    batch = batch_of(
        {}, {"prediction": ["fraud", 1, True, None, [], float("nan")], "score": [0.9, "x", None, 2, 1, True]}
    )
    facts = read(kind(ModelKind.CLASSIFICATION, outcome=OutcomeSettings(positive="fraud")), batch)
    assert [fact.predicted for fact in facts] == ["fraud", 1.0, True, None, None, None]
    assert [fact.score for fact in facts] == [0.9, None, None, 2.0, 1.0, None]


def test_a_score_alone_tells_true_from_false() -> None:
    """Of a classifier without named classes; a score that is no probability tells nothing."""
    batch = batch_of({}, {"score": [0.5, 0.49, 1.5, None]})
    assert [fact.predicted for fact in read(kind(ModelKind.CLASSIFICATION), batch)] == [True, False, None, None]
    named = kind(ModelKind.CLASSIFICATION, outcome=OutcomeSettings(positive="fraud"))
    assert [fact.predicted for fact in read(named, batch)] == [None] * 4
    assert [fact.predicted for fact in read(kind(None), batch)] == [None] * 4


def test_probabilities_of_two_classes_are_one_score() -> None:
    """That of the positive class; the likelier class is the prediction that the record lacks."""
    batch = batch_of({}, {"probabilities.fraud": [0.75, 0.25], "probabilities.good": [0.25, 0.75]})
    facts = read(kind(ModelKind.CLASSIFICATION, outcome=OutcomeSettings(positive="fraud")), batch)
    assert facts == [Facts("fraud", 0.75), Facts("good", 0.25)]


def test_a_pair_of_probabilities_without_names_has_the_positive_class_last() -> None:
    """As scikit-learn orders false and true. What they are called nobody said, unless it is 0 and 1."""
    batch = batch_of({}, {"probabilities.0": [0.75, 0.25], "probabilities.1": [0.25, 0.75]})
    named = kind(ModelKind.CLASSIFICATION, outcome=OutcomeSettings(positive="fraud"))
    assert read(named, batch) == [Facts(None, 0.25), Facts(None, 0.75)]
    assert read(kind(ModelKind.CLASSIFICATION), batch) == [Facts("0", 0.25), Facts("1", 0.75)]


def test_probabilities_of_many_classes_are_kept() -> None:
    """With the likeliest class where no prediction is told; one that is told wins."""
    batch = batch_of(
        {},
        {
            "prediction": [None, "c", None],
            "probabilities.a": [0.5, 0.5, 0.5],
            "probabilities.b": [0.3, 0.5, None],
            "probabilities.c": [0.2, 0.0, 0.5],
        },
    )
    assert read(kind(ModelKind.CLASSIFICATION), batch) == [
        Facts("a", None, {"a": 0.5, "b": 0.3, "c": 0.2}),
        Facts("c", None, {"a": 0.5, "b": 0.5, "c": 0.0}),
        Facts(None, None, {"a": 0.5, "c": 0.5}),
    ]


def test_a_number_has_an_interval() -> None:
    """A regression may call its prediction a score; what is not finite is not there."""
    batch = batch_of({}, {"score": [2.0, 3.0]}, context={"lower": [1.0, float("nan")], "upper": [4.0, float("inf")]})
    assert read(kind(ModelKind.REGRESSION), batch) == [Facts(2.0, 2.0, None, 1.0, 4.0), Facts(3.0, 3.0)]


def test_a_forecast_has_a_horizon_and_a_naive_rival() -> None:
    """The horizon as text."""
    batch = batch_of({}, {"prediction": [2.0, 3.0]}, context={"horizon": [24, "1d"], "naive": [1.5, None]})
    facts = read(kind(ModelKind.FORECASTING), batch)
    assert facts == [Facts(2.0, horizon="24", naive=1.5), Facts(3.0, horizon="1d")]
    assert read(kind(ModelKind.REGRESSION), batch) == [Facts(2.0), Facts(3.0)]


def test_a_ranking_has_items() -> None:
    """Only of kinds that rank, and of those that nobody told."""
    batch = batch_of({"x": [1.0, 2.0]}, rankings=[("a", "b"), ()])
    for of in (ModelKind.RANKING, ModelKind.RECOMMENDATION, None):
        assert read(kind(of), batch) == [Facts(items=("a", "b")), Facts()]
    assert read(kind(ModelKind.CLASSIFICATION), batch) == [Facts(), Facts()]


def test_a_single_item_is_a_ranking_of_one() -> None:
    """Of a model that ranks or recommends; a list wins over what is beside it."""
    batch = batch_of({}, {"prediction": ["a", 7, None]}, rankings=[(), (), ("c", "d")])
    assert [fact.items for fact in read(kind(ModelKind.RECOMMENDATION), batch)] == [("a",), ("7",), ("c", "d")]
    assert [fact.items for fact in read(kind(None), batch)] == [(), (), ("c", "d")]
    alone = batch_of({}, {"prediction": ["a"]})
    assert [fact.items for fact in read(kind(ModelKind.RANKING), alone)] == [("a",)]


def test_groups_and_fields_stand_in_the_order_of_the_settings() -> None:
    """Only what a configured segment or an indicator that waits for the outcome reads is kept of the features."""
    settings = ModelSettings(
        segments=(
            Segment("tier", SegmentSource.ATTRIBUTE, "tier"),
            Segment("age", SegmentSource.FEATURE, "age", (18.0,)),
        ),
        business=(
            Indicator("loss", Form.SUM, parse("feature.amount * (outcome == 1 and prediction == ok)")),
            Indicator("seen", Form.MEAN, parse("feature.secret")),
        ),
    )
    batch = batch_of(
        {"age": [17, 40, None], "amount": [5.0, None, "x"], "secret": [1, 2, 3]},
        {"prediction": ["ok", "ok", "no"]},
        context={"segment.tier": ["gold", None, "silver"]},
    )
    layout = layout_of(settings)
    assert layout
    assert read(settings, batch, [2, 0, 1]) == [
        Facts("no", groups=("silver", ""), fields=("x", "no"), layout=layout),
        Facts("ok", groups=("gold", "<18"), fields=(5.0, "ok"), layout=layout),
        Facts("ok", groups=("", ">=18"), fields=(None, "ok"), layout=layout),
    ]
    assert layout_of(replace(settings, segments=settings.segments[::-1])) != layout
    assert layout_of(ModelSettings()) == ""


def test_groups_that_were_read_already_are_taken() -> None:
    """Whoever counts the groups of a batch has read them once."""
    reader = FactsReader(ModelSettings(segments=(Segment("a", SegmentSource.FEATURE, "a"),)), groups_per_segment=1)
    batch = batch_of({"a": ["x", "y"]}, ids=["1", "2"])
    grouped = reader.segments.groups(batch)
    facts = [facts_of(one) for one in reader.read(batch, np.arange(2), T0, grouped)]
    assert [fact.groups for fact in facts] == [("x",), ("_other",)]


@pytest.mark.parametrize(
    ("positive", "value", "told"),
    [
        (None, True, True),
        (None, 1.0, True),
        (None, "true", True),
        (None, 0.0, False),
        (None, "fraud", False),
        ("fraud", "fraud", True),
        ("fraud", "good", False),
        ("2", 2.0, True),
        (None, None, None),
        (None, float("nan"), None),
    ],
)
def test_the_positive_class_is_the_configured_one_or_the_true_one(
    positive: str | None, value: Scalar, told: object
) -> None:
    """True, 1 and "true" are one class, however an outcome and its prediction write it."""
    assert is_positive(value, OutcomeSettings(positive=positive)) is told


@pytest.mark.parametrize(
    ("outcome", "items"),
    [
        (Outcome("m", "1", None, None, (), (("a", 2.0),)), (("a", 2.0),)),
        (Outcome("m", "1", None, "a"), (("a", 1.0),)),
        (Outcome("m", "1", None, 7.0), (("7", 1.0),)),
        (Outcome("m", "1", None, value=False), ()),
        (Outcome("m", "1", None, value=True), None),
        (Outcome("m", "1", None, None, (("x", 1.0),)), None),
    ],
)
def test_relevant_items_are_told_or_named(outcome: Outcome, items: object) -> None:
    """One bought item is a list of one; nothing relevant is another thing than nothing known."""
    assert relevant_items(outcome) == items
