from dataclasses import replace

import numpy as np
import pytest

import snapshots
from model_exporter.batch import Role
from model_exporter.config.settings import ModelKind, ModelSettings, Threshold
from model_exporter.expose.series import SeriesWriter, learned_share
from model_exporter.expose.text import Format
from model_exporter.window.snapshot import LearningSnapshot, ModelSnapshot


def written(writer: SeriesWriter, *models: ModelSnapshot) -> list[str]:
    """Sample lines of `models`."""
    text = writer.write(snapshots.snapshot(*models)).exposition(Format.TEXT, last=True).decode()
    return [line for line in text.split("\n") if line and not line.startswith("#")]


def test_a_learning_model_has_no_drift() -> None:
    """Before there is a baseline there are no bins, distances, outliers or verdicts, but counts and progress."""
    lines = written(SeriesWriter(), snapshots.learning_model())
    names = {line.partition("{")[0] for line in lines} - {"model_drift_patience_seconds", "model_drift_tolerance"}
    assert not {name for name in names if "drift" in name or "_bin_" in name or "outliers" in name}
    assert {"model_predictions_total", "model_feature_missing_total", "model_window_predictions"} <= names
    assert 'model_baseline_learning_ratio{model="churn"} 0.25' in lines


def test_a_model_with_a_baseline_does_not_learn() -> None:
    """The progress of learning ends with it."""
    assert not [line for line in written(SeriesWriter(), snapshots.fraud_model()) if "learning_ratio" in line]


def test_too_few_rows_give_no_distance() -> None:
    """A window too small for a distance has its size and no series of NaN."""
    model = snapshots.model("m", (snapshots.numeric("x"),), distances=False)
    lines = written(SeriesWriter(), model)
    assert not [line for line in lines if line.startswith("model_drift") and 'window="' in line]
    assert len([line for line in lines if line.startswith("model_window_observations")]) == 3


def test_every_bin_is_there_from_zero() -> None:
    """A bin that nothing fell in has a series: `increase` cannot see the first sample of a new one."""
    model = snapshots.model("m", (snapshots.numeric("x"), snapshots.boolean("b")))
    empty = replace(model.versions[0], bins=np.zeros_like(model.versions[0].bins))
    lines = written(SeriesWriter(), replace(model, versions=(empty,)))
    bins = [line for line in lines if line.startswith("model_feature_bin_observations_total")]
    assert len(bins) == 19 + 3
    assert all(line.endswith(" 0") for line in bins)


def test_versions_short_of_room_share_one_reference() -> None:
    """When one version has bins for fewer features, the baseline is still exposed once, with every bin in use."""
    model = snapshots.model("m", (snapshots.numeric("x"), snapshots.boolean("b")))
    assert model.baseline
    narrow = snapshots.layout(model.baseline, features=(1,))
    rng = np.random.default_rng(3)
    second = snapshots.version("2", rng, features=2, bins=narrow, active=False)
    lines = written(SeriesWriter(), replace(model, versions=(*model.versions, second)))
    reference = [line for line in lines if line.startswith("model_baseline_bin_observations")]
    assert len(reference) == len(set(reference)) == 19 + 3


def test_a_wave_that_was_measured_is_told_with_the_baseline() -> None:
    """Of the features that have one, also of 0; a baseline without hours has none."""
    model = snapshots.model("m", (snapshots.numeric("x"), snapshots.numeric("y")))
    assert model.baseline
    assert not [line for line in written(SeriesWriter(), model) if line.startswith("model_baseline_wave")]
    steady, waving = (replace(each, wave=wave) for each, wave in zip(model.baseline.features, (0.0, 0.25), strict=True))
    baseline = replace(model.baseline, features=(steady, waving))
    version = replace(model.versions[0], layout=snapshots.layout(baseline, features=(0, 1)))
    lines = written(SeriesWriter(), replace(model, baseline=baseline, versions=(version,)))
    told = [line.rpartition(" ")[2] for line in lines if line.startswith("model_baseline_wave")]
    assert told == ["0", "0.25"]


def test_what_is_unknown_has_no_series() -> None:
    """Without a latency, a prediction, a list of approved versions or thresholds nothing is said about them."""
    model = snapshots.model("m", (snapshots.numeric("x"),))
    bare = replace(model.versions[0], last_prediction=None, duration=None, errors=(), slow=())
    names = {line.partition("{")[0] for line in written(SeriesWriter(), replace(model, versions=(bare,)))}
    assert not names & {
        "model_feature_threshold",
        "model_slow_predictions_total",
        "model_last_prediction_timestamp_seconds",
        "model_prediction_duration_seconds_count",
        "model_prediction_errors_total",
        "model_version_approved",
    }


def test_every_model_is_told_with_its_environment() -> None:
    """A model without an owner has one series of ownership too: its environment is known, and the rest is empty."""
    lines = written(SeriesWriter(), snapshots.learning_model())
    (ownership,) = [line for line in lines if line.startswith("model_ownership_timestamp_seconds")]
    assert '{model="churn",owner="",tier="",environment="production",runbook_url=""}' in ownership


def test_thresholds_stand_for_each_role_of_a_feature_that_is_there() -> None:
    """An input and an output of one name have both the threshold of the name; a feature that never came has none."""
    features = (snapshots.numeric("x"), snapshots.numeric("x", role=Role.OUTPUT), snapshots.numeric("y"))
    settings = ModelSettings(
        feature_thresholds={name: (Threshold("psi", "page", 0.5),) for name in ("x", "absent")},
    )
    lines = written(SeriesWriter(), snapshots.model("m", features, settings=settings))
    told = [line for line in lines if line.startswith("model_feature_threshold")]
    assert told == [
        f'model_feature_threshold{{model="m",feature="x",role="{role}",signal="psi",severity="page"}} 0.5'
        for role in ("input", "output")
    ]


def test_thresholds_follow_a_reload_and_new_features() -> None:
    """What is kept of their lines is let go when the settings change or a feature appears."""
    writer = SeriesWriter()
    settings = ModelSettings(thresholds=(Threshold("psi", "page", 0.5),))
    model = snapshots.model("m", (snapshots.numeric("x"),), settings=settings)
    assert 'model_threshold{model="m",signal="psi",severity="page"} 0.5' in written(writer, model)
    own = ModelSettings(feature_thresholds={name: (Threshold("psi", "ticket", 0.1),) for name in ("x", "y")})
    reloaded = replace(model, settings=own)
    lines = written(writer, reloaded)
    assert not [line for line in lines if 'signal="psi",severity="page"' in line]
    assert len([line for line in lines if line.startswith("model_feature_threshold")]) == 1
    two = snapshots.model("m", (snapshots.numeric("x"), snapshots.numeric("y")), settings=own)
    assert len([line for line in written(writer, two) if line.startswith("model_feature_threshold")]) == 2


def test_changed_settings_show_at_once() -> None:
    """A reload shows although no number of the version changed."""
    writer, model = SeriesWriter(), snapshots.fraud_model()
    assert 'model_version_approved{model="fraud",version="1.4.1"} 0' in written(writer, model)
    settings = ModelSettings(kind=ModelKind.RANKING, approved_versions=("1.4.1",))
    lines = written(writer, replace(model, settings=settings))
    assert 'model_version_approved{model="fraud",version="1.4.1"} 1' in lines
    assert 'model_info{model="fraud",version="1.4.1",kind="ranking"} 1' in lines


def test_an_unchanged_version_is_written_as_before() -> None:
    """The same version twice gives the same lines, and a changed one beside it gives its own."""
    writer, model = SeriesWriter(), snapshots.fraud_model()
    first = written(writer, model)
    assert written(writer, model) == first
    more = replace(model.versions[1], predictions=model.versions[1].predictions + 1)
    changed = written(writer, replace(model, versions=(model.versions[0], more)))
    assert len(set(changed) - set(first)) == 1


def test_nothing_is_kept_of_what_is_gone() -> None:
    """Texts of models, versions, baselines and upstreams that left the snapshot are let go."""
    writer, model = SeriesWriter(), snapshots.fraud_model()
    written(writer, model, snapshots.learning_model())
    written(writer, replace(model, versions=model.versions[:1], upstreams=()))
    assert set(writer._models) == {"fraud"}  # white box: what is kept shows nowhere else
    kept = writer._models["fraud"]
    assert (set(kept._versions), len(kept._baselines), len(kept._upstreams)) == ({"1.4.2"}, 1, 0)
    written(writer)
    assert writer._models == {}


@pytest.mark.parametrize(
    ("learning", "share"),
    [
        (LearningSnapshot(0, 100, 0.0, 60.0), 0.0),
        (LearningSnapshot(50, 100, 60.0, 60.0), 0.5),
        (LearningSnapshot(100, 100, 15.0, 60.0), 0.25),
        (LearningSnapshot(500, 100, 90.0, 60.0), 1.0),
        (LearningSnapshot(50, 100, 0.0, 0.0), 0.5),
        (LearningSnapshot(0, 0, 0.0, 0.0), 1.0),
    ],
)
def test_learning_is_as_far_as_the_slower_of_rows_and_time(learning: LearningSnapshot, share: float) -> None:
    """The share is that of whichever is behind, and never above one."""
    assert learned_share(learning) == share
