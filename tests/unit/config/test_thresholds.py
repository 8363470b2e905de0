"""Thresholds of signals: what may be written, what it means, and what is refused or warned of."""

from pathlib import Path

import pytest

from batches import columns_of
from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.file import write_baseline
from model_exporter.config.advice import advise
from model_exporter.config.load import load_settings
from model_exporter.config.settings import FeatureSettings, ModelSettings, Settings, Threshold
from model_exporter.config.signals import FEATURE_SIGNALS, SIGNALS, Signal, Unit, is_reached_first
from model_exporter.errors import ConfigError

_INSIDE = {Unit.SHARE: (0, 1), Unit.INDEX: (0.001, 40), Unit.TIMES: (1.01, 100), Unit.SECONDS: (0.5, 10**9)}
_OUTSIDE = {
    Unit.SHARE: ((-0.01, 1.01), "is not a number from 0 to 1"),
    Unit.INDEX: ((0, -1), "is not a number above 0"),
    Unit.TIMES: ((1, 0.5), "is not a number above 1"),
    Unit.SECONDS: ((0, -60), "is not a number above 0"),
}


def _load(folder: Path, model: str) -> Settings:
    file = folder / "c.yml"
    file.write_text(f"models: {{m: {{{model}}}}}", encoding="utf-8")
    return load_settings(file)


def _model(folder: Path, text: str) -> ModelSettings:
    return _load(folder, text).models["m"]


def _mistake(folder: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text)
    return caught.value


def _of_model(signal: Signal, levels: str) -> str:
    return f"thresholds: {{{signal.name}: {{{levels}}}}}"


def _of_feature(signal: Signal, levels: str) -> str:
    return f"features: {{amount: {{{_of_model(signal, levels)}}}}}"


def test_each_signal_may_have_a_page_and_a_ticket(tmp_path: Path) -> None:
    """All of them, at both levels, in the order of the table."""
    limits = {Unit.SHARE: 0.5, Unit.INDEX: 0.5, Unit.TIMES: 2.5, Unit.SECONDS: 60.0}
    lines = [f"{signal.name}: {{ticket: {limits[signal.unit]}, page: {limits[signal.unit]}}}" for signal in SIGNALS]
    told = _model(tmp_path, f"thresholds: {{{', '.join(lines)}}}").thresholds
    assert told == tuple(
        Threshold(signal.name, severity, limits[signal.unit]) for signal in SIGNALS for severity in ("page", "ticket")
    )


def test_one_level_may_be_told_alone(tmp_path: Path) -> None:
    """The other is left to the rules; so are signals without any, and a mapping with nothing in it."""
    model = _model(tmp_path, "thresholds: {psi: {ticket: 0.2}, latency_ratio: , silence_seconds: {}}")
    assert model.thresholds == (Threshold("psi", "ticket", 0.2),)
    assert (_model(tmp_path, "thresholds: ").thresholds, ModelSettings().thresholds) == ((), ())


def test_features_have_thresholds_of_their_own(tmp_path: Path) -> None:
    """Beside what else is said of them, and apart from it."""
    model = _model(
        tmp_path, "features: {amount: {min: 0, thresholds: {psi: {page: 0.5}}}, age: {max: 120}}, thresholds: {}"
    )
    assert model.feature_thresholds == {"amount": (Threshold("psi", "page", 0.5),)}
    assert model.features == {"amount": FeatureSettings(minimum=0), "age": FeatureSettings(maximum=120)}


def test_a_feature_with_nothing_but_thresholds_is_not_in_the_schema(tmp_path: Path) -> None:
    """Naming it there would begin its evidence anew; one that is named with nothing is in the schema as ever."""
    model = _model(tmp_path, "features: {amount: {thresholds: {psi: {page: 0.5}}}, age: , size: {thresholds: {}}}")
    assert set(model.features) == {"age", "size"}
    assert set(model.feature_thresholds) == {"amount"}


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_threshold_is_within_the_range_of_its_unit(tmp_path: Path, signal: Signal) -> None:
    """What lies outside is refused where it stands, for features as for models."""
    for value in _INSIDE[signal.unit]:
        assert _model(tmp_path, _of_model(signal, f"page: {value}")).thresholds[0].value == value
    values, told = _OUTSIDE[signal.unit]
    for value in values:
        mistake = _mistake(tmp_path, _of_model(signal, f"ticket: {value}"))
        assert mistake.path == f"models.m.thresholds.{signal.name}.ticket"
        assert told in str(mistake)
        if signal in FEATURE_SIGNALS:
            mistake = _mistake(tmp_path, _of_feature(signal, f"page: {value}"))
            assert mistake.path == f"models.m.features.amount.thresholds.{signal.name}.page"


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_page_never_comes_before_the_ticket(tmp_path: Path, signal: Signal) -> None:
    """Whichever way the signal gets worse; both at once are fine."""
    low, high = (0.2, 0.4) if signal.unit is Unit.SHARE else (2, 4)
    page, ticket = (high, low) if signal.lower_is_worse else (low, high)
    mistake = _mistake(tmp_path, _of_model(signal, f"page: {page}, ticket: {ticket}"))
    assert mistake.path == f"models.m.thresholds.{signal.name}.page"
    assert mistake.problem == f"{signal.name} reaches {page:g} before ticket, {ticket:g}"
    assert mistake.remedy.startswith(f"Write a {'smaller' if signal.lower_is_worse else 'larger'} page")
    assert len(_model(tmp_path, _of_model(signal, f"page: {ticket}, ticket: {page}")).thresholds) == 2
    assert len(_model(tmp_path, _of_model(signal, f"page: {page}, ticket: {page}")).thresholds) == 2


def test_only_label_coverage_gets_worse_as_it_falls() -> None:
    """All else alarms above its threshold."""
    assert [signal.name for signal in SIGNALS if signal.lower_is_worse] == ["label_coverage_ratio"]
    coverage, psi = (next(s for s in SIGNALS if s.name == name) for name in ("label_coverage_ratio", "psi"))
    assert is_reached_first(coverage, 0.5, 0.2)
    assert not is_reached_first(coverage, 0.2, 0.2)
    assert is_reached_first(psi, 0.2, 0.5)
    assert not is_reached_first(psi, 0.5, 0.5)


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("thresholds: {psy: {page: 1}}", "thresholds.psy", "there is no such key. Did you mean psi?"),
        ("thresholds: {psi: 0.2}", "thresholds.psi", "0.2 is not a mapping"),
        ("thresholds: {psi: {warning: 0.2}}", "thresholds.psi.warning", "The keys here are page, ticket"),
        ("thresholds: {psi: {page: high}}", "thresholds.psi.page", '"high" is not a number above 0'),
        ("thresholds: {psi: {page: }}", "thresholds.psi.page", "there is no value"),
        ("thresholds: {psi: {page: .inf}}", "thresholds.psi.page", ".inf is not a number above 0"),
        ("thresholds: {drift_evidence: {page: 1}}", "thresholds.drift_evidence", "there is no such key"),
        (
            "features: {amount: {thresholds: {silence_seconds: {page: 60}}}}",
            "features.amount.thresholds.silence_seconds",
            "The keys here are psi, missing_ratio, invalid_ratio, outlier_ratio, unseen_ratio",
        ),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, text: str, path: str, told: str) -> None:
    """Unknown signals and levels, and a signal of the model under a feature."""
    mistake = _mistake(tmp_path, text)
    assert mistake.path == f"models.m.{path}"
    assert told in str(mistake)


def test_the_same_thresholds_load_as_equal_settings(tmp_path: Path) -> None:
    """So that a reload without a change rebuilds nothing."""
    text = "thresholds: {psi: {page: 0.5}}, features: {amount: {thresholds: {psi: {page: 0.6}}}}"
    assert _load(tmp_path, text) == _load(tmp_path, text)


@pytest.mark.parametrize(
    ("model", "feature", "told"),
    [
        ("ticket: 0.3", "page: 0.1", "psi: with the model's ticket, 0.3, it reaches page before ticket"),
        ("page: 0.3", "ticket: 0.4", "psi: with the model's page, 0.3, it reaches page before ticket"),
        ("ticket: 0.3", "page: 0.3", ""),
        ("ticket: 0.3", "page: 0.1, ticket: 0.05", ""),
        ("page: 0.3", "page: 0.1", ""),
    ],
)
def test_a_feature_and_its_model_that_contradict_each_other_are_a_warning(
    tmp_path: Path, model: str, feature: str, told: str
) -> None:
    """A level that the feature does not tell is the model's."""
    text = f"thresholds: {{psi: {{{model}}}}}, features: {{amount: {{thresholds: {{psi: {{{feature}}}}}}}}}"
    warnings = [f"models.m.features.amount.thresholds.{told}"] if told else []
    assert list(advise(_load(tmp_path, text))) == warnings


@pytest.mark.parametrize(
    ("type_", "signal", "told"),
    [
        ("categorical", "outlier_ratio", "only a numeric feature has it, and this one is categorical"),
        ("numeric", "unseen_ratio", "only a categorical feature has it, and this one is numeric"),
        ("numeric", "outlier_ratio", ""),
        ("categorical", "psi", ""),
    ],
)
def test_a_signal_that_a_feature_cannot_have_is_a_warning(tmp_path: Path, type_: str, signal: str, told: str) -> None:
    """Its threshold would never be reached."""
    text = f"features: {{amount: {{type: {type_}, thresholds: {{{signal}: {{page: 0.5, ticket: 0.1}}}}}}}}"
    warnings = [f"models.m.features.amount.thresholds.{signal}: {told}"] if told else []
    assert list(advise(_load(tmp_path, text))) == warnings


def test_the_baseline_knows_which_features_there_are(tmp_path: Path) -> None:
    """And their types, where the configuration has nothing but a threshold."""
    rows = {"amount": [float(row % 50) for row in range(500)]}
    built = build_baseline(columns_of(rows, {}), model="m", created=1.8e9, source="s", span_seconds=None)
    write_baseline(built, tmp_path / "b.json")
    text = (
        "baseline: b.json, features: {amuont: {thresholds: {psi: {page: 1}}},"
        " amount: {thresholds: {unseen_ratio: {page: 1}}}}"
    )
    assert set(advise(_load(tmp_path, text))) == {
        "models.m.features.amuont: the baseline has no such feature. Did you mean amount?",
        "models.m.features.amount.thresholds.unseen_ratio: only a categorical feature has it, and this one is numeric",
    }
