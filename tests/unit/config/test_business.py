from pathlib import Path

import pytest

from model_exporter.config.load import load_settings
from model_exporter.config.settings import ModelSettings, Objective, OutcomeSettings
from model_exporter.errors import ConfigError
from model_exporter.indicators import Form, Indicator, parse


def load(tmp_path: Path, text: str) -> ModelSettings:
    """Settings of a model that the file says `text` of."""
    file = tmp_path / "exporter.yml"
    file.write_text(f"models: {{fraud: {{{text}}}}}")
    return load_settings(file).models["fraud"]


@pytest.mark.parametrize(
    ("text", "indicator"),
    [
        ('ratio: "prediction == approve"', Indicator("k", Form.RATIO, parse("prediction == approve"))),
        (
            "ratio: {of: value.loss, to: feature.amount}",
            Indicator("k", Form.RATIO, parse("value.loss"), parse("feature.amount")),
        ),
        ("ratio: {of: value.loss}", Indicator("k", Form.RATIO, parse("value.loss"), parse("1"))),
        ("sum: value.loss", Indicator("k", Form.SUM, parse("value.loss"))),
        ("mean: 1 - score", Indicator("k", Form.MEAN, parse("1 - score"))),
    ],
)
def test_an_indicator_is_a_ratio_a_sum_or_a_mean(tmp_path: Path, text: str, indicator: Indicator) -> None:
    """A ratio of what is true, or of two sums."""
    assert load(tmp_path, f"business: {{k: {{{text}}}}}").business == (indicator,)


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("business: {k: {ratio: score * 2}}", "business.k.ratio", "it is a number, and a ratio counts what is true"),
        ("business: {k: {sum: amount}}", "business.k.sum", "at column 1: this is a text"),
        ("business: {k: {ratio: {to: 1 +}}}", "business.k.ratio.to", "at column 4: the expression ends too early"),
        ("business: {k: {sum: score, mean: score}}", "business.k.mean", "not both"),
        ("business: {k: {}}", "business.k", "it says nothing"),
        ("business: {k: {sum: feature.a}}, privacy: {drop: [feature.a]}", "business.k.sum", "feature.a is dropped"),
        ("slo: {performance: {acuracy: 0.9}}", "slo.performance.acuracy", "Did you mean accuracy?"),
        ("kind: regression, slo: {performance: {accuracy: 0.9}}", "slo.performance.accuracy", "kind regression has no"),
        ("slo: {performance: {accuracy: 90}}", "slo.performance.accuracy", "accuracy is between 0 and 1"),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, text: str, path: str, told: str) -> None:
    """With its path, for an expression its column, and a remedy."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert caught.value.path == f"models.fraud.{path}"
    assert told in str(caught.value)


def test_objectives_of_performance_are_thresholds(tmp_path: Path) -> None:
    """After the others, under the metric's name."""
    model = load(tmp_path, "kind: regression, slo: {availability: 0.9, performance: {mae: 12, r2: 0.8}}")
    assert model.objectives == (
        Objective("availability", 0.9),
        Objective("performance_mae", 12.0),
        Objective("performance_r2", 0.8),
    )


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", OutcomeSettings()),
        ("outcome: {}", OutcomeSettings(expected=True)),
        ("outcome: {positive: fraud, wait: 1d}", OutcomeSettings(expected=True, positive="fraud", wait_seconds=86_400)),
        ("outcome: {positive: true}", OutcomeSettings(expected=True, positive="1")),
        ("outcome: {positive: 2}", OutcomeSettings(expected=True, positive="2")),
        ("outcome: {positive: 'True'}", OutcomeSettings(expected=True, positive="1")),
    ],
)
def test_outcomes_are_awaited_once_they_are_spoken_of(tmp_path: Path, text: str, outcome: OutcomeSettings) -> None:
    """The positive class is the text that predictions and outcomes have for it, whatever the file calls it."""
    assert load(tmp_path, text).outcome == outcome
