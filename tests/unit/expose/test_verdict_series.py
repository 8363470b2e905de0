from dataclasses import replace

import numpy as np

import snapshots
from model_exporter.config.settings import Drift, DriftLevel, ModelSettings
from model_exporter.expose.series import SeriesWriter
from model_exporter.expose.text import Format
from model_exporter.window.snapshot import LEVELS, SHAPES, DriftSnapshot, ModelSnapshot


def drift_lines(model: ModelSnapshot) -> list[str]:
    """Sample lines of verdicts on `model`, and of the rules they are judged by."""
    text = SeriesWriter().write(snapshots.snapshot(model)).exposition(Format.TEXT, last=True).decode()
    wanted = ("model_drift_", "model_feature_drift_", "model_threshold")
    return [line for line in text.splitlines() if line.startswith(wanted) and 'window="' not in line]


def with_verdict(model: ModelSnapshot, *verdicts: DriftSnapshot) -> ModelSnapshot:
    """The model with other verdicts on its only version."""
    return replace(model, versions=(replace(model.versions[0], drift=verdicts),))


def page(**changes: object) -> DriftSnapshot:
    """A quiet verdict of level page on two features, with `changes`."""
    quiet = DriftSnapshot(
        level="page",
        detected=False,
        log_evidence=-4.5,
        onset=np.nan,
        feature_detected=np.array([False, False]),
        feature_log_evidence=np.array([-5.25, -5.5]),
        feature_onset=np.full(2, np.nan),
        shares=np.full((2, len(SHAPES)), 1 / len(SHAPES)),
    )
    return replace(quiet, **changes)  # type: ignore[arg-type]  # named by the caller


MODEL = snapshots.model("m", (snapshots.numeric("x"), snapshots.boolean("b")), versions=("1",))


def test_the_rules_of_both_levels_are_told_for_every_model() -> None:
    """The line of alarm, the patience and the tolerance are series, even of a model that nothing was heard of."""
    settings = ModelSettings(drift=Drift(page=DriftLevel(1e7, 0.04), ticket=DriftLevel(86_400.0, 0.5)))
    waiting = replace(snapshots.waiting_model("w"), settings=settings)
    assert drift_lines(waiting) == [
        'model_threshold{model="w",signal="drift_evidence",severity="page"} 0',
        'model_threshold{model="w",signal="drift_evidence",severity="ticket"} 0',
        'model_drift_patience_seconds{model="w",level="page"} 10000000',
        'model_drift_patience_seconds{model="w",level="ticket"} 86400',
        'model_drift_tolerance{model="w",level="page"} 0.04',
        'model_drift_tolerance{model="w",level="ticket"} 0.5',
    ]


def test_a_quiet_verdict_is_evidence_and_a_zero() -> None:
    """Without an alarm there is evidence, and no onset and no shape."""
    lines = [line for line in drift_lines(with_verdict(MODEL, page())) if 'version="1"' in line]
    assert lines == [
        'model_drift_evidence{model="m",version="1",level="page"} -4.5',
        'model_drift_detected{model="m",version="1",level="page"} 0',
        'model_feature_drift_evidence{model="m",version="1",feature="x",role="input",level="page"} -5.25',
        'model_feature_drift_evidence{model="m",version="1",feature="b",role="input",level="page"} -5.5',
        'model_feature_drift_detected{model="m",version="1",feature="x",role="input",level="page"} 0',
        'model_feature_drift_detected{model="m",version="1",feature="b",role="input",level="page"} 0',
    ]


def test_only_a_detected_feature_has_an_onset_and_shapes() -> None:
    """The alarm names one of two features: that one has a beginning and a share for every shape."""
    alarm = page(
        detected=True,
        log_evidence=2.0,
        onset=1000.5,
        feature_detected=np.array([True, False]),
        feature_log_evidence=np.array([1.75, -5.5]),
        feature_onset=np.array([1000.25, np.nan]),
    )
    lines = drift_lines(with_verdict(MODEL, alarm))
    of_model, of_feature = [line for line in lines if "onset" in line]
    assert of_model == 'model_drift_onset_timestamp_seconds{model="m",version="1",level="page"} 1000.5'
    assert of_feature.startswith('model_feature_drift_onset_timestamp_seconds{model="m",version="1",feature="x"')
    assert of_feature.endswith(" 1000.25")
    shapes = [line for line in lines if "shape" in line]
    assert [line.rpartition('shape="')[2].partition('"')[0] for line in shapes] == list(SHAPES)
    assert all('feature="x"' in line for line in shapes)


def test_without_evidence_nothing_is_told() -> None:
    """A feature without a bet is not said to be free of drift, nor is a model of such features."""
    nothing = page(log_evidence=np.nan, feature_log_evidence=np.full(2, np.nan))
    assert not [line for line in drift_lines(with_verdict(MODEL, nothing)) if 'version="1"' in line]
    half = page(feature_log_evidence=np.array([-5.0, np.nan]))
    lines = drift_lines(with_verdict(MODEL, half))
    assert not [line for line in lines if 'feature="b"' in line]
    assert len([line for line in lines if 'feature="x"' in line]) == 2


def test_before_the_first_slot_there_is_no_verdict() -> None:
    """A version whose first slot is still open has no series of evidence."""
    assert len(drift_lines(with_verdict(MODEL))) == 3 * len(LEVELS)
