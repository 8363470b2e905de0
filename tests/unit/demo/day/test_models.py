import numpy as np
import pytest

from model_exporter.demo.day.models import Answers, Model, train
from model_exporter.demo.day.story import LOST


@pytest.fixture(scope="module")
def fleet() -> dict[str, Model]:
    """The models of the day by name."""
    return {model.role.name: model for model in train(seed=7)}


def _right(answers: Answers, truth: Answers) -> float:
    return float(np.mean(answers == truth))


@pytest.mark.parametrize("name", ["wine", "iris", "tumour", "digits"])
def test_classifiers_are_good(fleet: dict[str, Model], name: str) -> None:
    """Nothing is wrong with the models before their faults."""
    data = fleet[name].data
    assert _right(fleet[name].predict(data.rows, reversed_columns=False), data.truth) > 0.7


def test_a_wrong_order_of_columns_is_a_bad_deployment(fleet: dict[str, Model]) -> None:
    """Most answers are wrong then."""
    data = fleet["iris"].data
    assert _right(fleet["iris"].predict(data.rows, reversed_columns=True), data.truth) < 0.5


def test_another_population_is_predicted_as_well(fleet: dict[str, Model]) -> None:
    """Older people are others, and the model's errors are as large for them."""
    model = fleet["diabetes"]
    rows, truth = model.data.rows, np.asarray(model.data.truth, dtype=float)
    errors = np.abs(np.asarray(model.predict(rows, reversed_columns=False), dtype=float) - truth)
    age, there = rows[:, model.data.features.index("age")], model.data.elsewhere
    assert age[there].mean() > age.mean() + age.std() / 2
    assert errors[there].mean() == pytest.approx(errors.mean(), rel=0.1)


def test_another_concept_leaves_the_inputs(fleet: dict[str, Model]) -> None:
    """The truth of many rows changes and nothing else."""
    data = fleet["tumour"].data
    assert 0.2 < np.mean(data.truth != data.new_truth) < 0.5
    assert len(data.elsewhere) == len(data.rows)


def test_the_upstream_brings_features_of_its_model(fleet: dict[str, Model]) -> None:
    """Without them the model answers with their means."""
    model = fleet["wine"]
    rows = model.data.rows.copy()
    assert set(LOST) <= set(model.data.features)
    rows[:, np.isin(model.data.features, LOST)] = np.nan
    assert len(model.predict(rows, reversed_columns=False)) == len(rows)
