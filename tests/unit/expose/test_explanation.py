from dataclasses import replace
from math import isnan

import numpy as np
import pytest

import snapshots
from model_exporter.batch import Role
from model_exporter.expose.explanation import TOLD, Explanation, FeatureExplanation, UnknownError, explain
from model_exporter.expose.text import clean
from model_exporter.expose.verdict_views import Alarm
from model_exporter.window.snapshot import DriftSnapshot, FeatureName, ModelSnapshot, VersionSnapshot

AT = snapshots.AT


def told(explanation: Explanation) -> list[str]:
    """Names of the features explained."""
    return [feature.feature.feature for feature in explanation.features]


def with_version(model: ModelSnapshot, version: VersionSnapshot) -> ModelSnapshot:
    """The model with `version` alone."""
    return replace(model, versions=(version,))


def counted(model: ModelSnapshot, counts: list[int]) -> FeatureExplanation:
    """The first feature of a model whose windows all hold `counts` of it."""
    version = model.versions[0]
    windows = []
    for window in version.windows:
        bins = window.bins.copy()
        bins[: len(counts)] = counts
        observations = window.observations.copy()
        observations[0] = sum(counts)
        windows.append(replace(window, bins=bins, observations=observations))
    name = model.features[0].name
    changed = with_version(model, replace(version, windows=tuple(windows)))
    return explain(changed, at=AT, feature=name).features[0]


def test_the_features_that_the_alarms_name_are_explained() -> None:
    """Strongest first, with the verdict, the baseline and the time."""
    explanation = explain(snapshots.fraud_model(), at=AT)
    assert (explanation.model, explanation.version, explanation.drift) == ("fraud", "1.4.2", Alarm.PAGE)
    assert sorted(told(explanation)) == ["amount", "country"]
    assert [level.level for level in explanation.verdicts] == ["page", "ticket"]
    assert explanation.baseline
    assert (explanation.baseline.rows, explanation.at) == (10_000, AT)
    assert (explanation.no_verdict, explanation.note, explanation.others) == ("", "", ())


def test_of_a_quiet_model_the_strongest_features_are_explained() -> None:
    """Three of them, by evidence."""
    explanation = explain(snapshots.fraud_model(), at=AT, version="1.4.1")
    assert explanation.drift is Alarm.OK
    evidence = [max(verdict.evidence for verdict in f.feature.verdicts) for f in explanation.features]
    assert len(evidence) == 3
    assert evidence == sorted(evidence, reverse=True)


def test_a_feature_that_is_asked_for_is_explained() -> None:
    """Named or not; and those that the alarms name are listed beside it."""
    explanation = explain(snapshots.fraud_model(), at=AT, feature="age")
    assert told(explanation) == ["age"]
    assert sorted(explanation.others) == ["amount", "country"]


def test_an_input_and_an_output_of_one_name_are_both_explained() -> None:
    """A name alone does not tell them apart."""
    both = snapshots.model("m", (snapshots.boolean("x"), snapshots.boolean("x", role=Role.OUTPUT)))
    features = explain(both, at=AT, feature="x").features
    assert [feature.feature.role for feature in features] == ["input", "output"]


def test_many_named_features_are_explained_in_part_and_listed_in_full() -> None:
    """An explanation stays readable when everything drifts."""
    features = [snapshots.boolean(f"b{i:02}") for i in range(TOLD + 7)]
    model = snapshots.model("m", features, named=range(TOLD + 6))
    explanation = explain(model, at=AT)
    assert len(explanation.features) == TOLD
    assert len(explanation.others) == 6
    assert set(told(explanation)) | set(explanation.others) == {f"b{i:02}" for i in range(TOLD + 6)}


def test_a_feature_that_is_unknown_is_told_with_those_that_are_known() -> None:
    """A slip of the pen is answered by the names that there are, those without bins last."""
    with pytest.raises(UnknownError) as error:
        explain(snapshots.fraud_model(), at=AT, feature="amuont")
    assert str(error.value) == (
        "model fraud has no feature 'amuont'. Did you mean amount? The features are amount, age, country, returning, "
        "score, prediction, customer_id"
    )


def test_a_version_that_is_unknown_is_told_with_those_that_are_known() -> None:
    """The same for versions."""
    with pytest.raises(UnknownError, match=r"^model fraud has no version '2'. The versions are 1\.4\.2, 1\.4\.1$"):
        explain(snapshots.fraud_model(), at=AT, version="2")


def test_a_long_list_of_what_is_known_is_cut() -> None:
    """Five hundred names are no answer."""
    model = snapshots.model("m", [snapshots.boolean(f"b{i:03}") for i in range(30)])
    with pytest.raises(UnknownError, match=r"b019 and 10 more$"):
        explain(model, at=AT, feature="x")


def test_a_feature_that_cannot_be_compared_says_why() -> None:
    """An id has no distribution, one beyond the limits no bins, and a new one no baseline."""
    model = snapshots.fraud_model()
    assert "nearly every value of it is new" in explain(model, at=AT, feature="customer_id").note
    assert model.baseline
    narrow = snapshots.layout(model.baseline, features=(1,))
    drift = tuple(snapshots.verdict("page", np.random.default_rng(1), features=1) for _ in "a")
    short = replace(model.versions[0], layout=narrow, drift=drift)
    assert "no room" in explain(with_version(model, short), at=AT, feature="amount").note
    later = (*model.features, FeatureName("later", Role.INPUT))
    assert "does not have it" in explain(replace(model, features=later), at=AT, feature="later").note


def without_evidence(drift: DriftSnapshot) -> DriftSnapshot:
    """The verdict of a baseline that leaves nothing to bet on."""
    return replace(drift, log_evidence=np.nan, feature_log_evidence=np.full_like(drift.feature_log_evidence, np.nan))


def test_without_a_verdict_it_says_why() -> None:
    """Nothing heard, learning, no bins, no slot over, nothing to bet on: each is told, and none is an all-clear."""
    quiet = snapshots.model("m", (snapshots.boolean("b"), snapshots.boolean("c")))
    version = quiet.versions[0]
    reasons = {
        "no predictions": snapshots.waiting_model(),
        "still being learned, 25% is done": snapshots.learning_model(),
        "no baseline with bins": snapshots.model("m", (snapshots.identifier("id"),)),
        "no slot of 15 seconds": with_version(quiet, replace(version, drift=())),
        "too few rows": with_version(quiet, replace(version, drift=tuple(map(without_evidence, version.drift)))),
    }
    for reason, model in reasons.items():
        explanation = explain(model, at=AT)
        assert reason in explanation.no_verdict
        assert explanation.drift is None


def test_the_effect_is_that_of_the_window() -> None:
    """Mean, spread, shares and terms of PSI come from the counts, and the bins that add most to PSI come first."""
    model = snapshots.model("m", (snapshots.numeric("x"),))
    assert model.baseline
    feature = model.baseline.features[0]
    assert feature.numeric
    counts = [0, *range(1600, 0, -100), 0, 40]
    explained = counted(model, counts)
    effect = explained.effect
    assert effect
    positions = np.array(feature.numeric.positions[1:-1])
    means = [np.average(positions, weights=side[1:-2]) for side in (feature.counts, counts)]
    assert effect.shift == pytest.approx((means[1] - means[0]) / feature.numeric.sd)
    assert effect.window_mean == pytest.approx(feature.numeric.mean + means[1] - means[0])
    assert sum(bin_.window for bin_ in effect.bins) == pytest.approx(1)
    assert [bin_.psi for bin_ in effect.bins] == sorted((bin_.psi for bin_ in effect.bins), reverse=True)


def test_a_category_has_shares_and_no_mean() -> None:
    """Where there is no scale there is no shift."""
    effect = counted(snapshots.model("m", (snapshots.boolean("b"),)), [500, 480, 20]).effect
    assert effect
    assert isnan(effect.shift)
    assert isnan(effect.window_mean)
    assert {bin_.name: bin_.window for bin_ in effect.bins} == {"false": 0.5, "true": 0.48, "missing": 0.02}


def test_without_rows_in_any_window_there_is_no_effect() -> None:
    """The evidence stays and is told, and what the windows held is gone."""
    model = snapshots.model("m", (snapshots.boolean("b"),), distances=False)
    assert counted(model, [0, 0, 0]).effect is None


def test_names_are_found_as_they_are_shown() -> None:
    """A name with a lone surrogate is asked for by the text that stands for it."""
    hostile = snapshots.model(snapshots.HOSTILE, (snapshots.boolean(snapshots.HOSTILE),), versions=(snapshots.HOSTILE,))
    shown = clean(snapshots.HOSTILE)
    explanation = explain(hostile, at=AT, version=shown, feature=shown)
    assert (explanation.model, explanation.version, told(explanation)) == (shown, shown, [shown])
