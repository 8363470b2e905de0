from dataclasses import replace

import numpy as np
import pytest

import snapshots
from model_exporter.expose.status import ServiceStatus
from model_exporter.expose.verdict_views import Alarm
from model_exporter.expose.views import WORST, State, view_model, view_status, why_not_ready
from model_exporter.telemetry import Telemetry
from model_exporter.window.snapshot import ModelSnapshot

STATUS = ServiceStatus(version="0.1.0", started_at=0.0, config_file="m.yml", doors=(("Door", "h:1"),), ready=True)


def emptied(model: ModelSnapshot, *windows: str) -> ModelSnapshot:
    """The model with neither predictions nor distances in `windows`."""
    versions = tuple(
        replace(
            version,
            windows=tuple(
                replace(window, predictions=0, psi=np.full_like(window.psi, np.nan))
                if window.name in windows
                else window
                for window in version.windows
            ),
        )
        for version in model.versions
    )
    return replace(model, versions=versions)


@pytest.mark.parametrize(
    ("model", "state"),
    [
        (snapshots.fraud_model(), State.READY),
        (snapshots.learning_model(), State.LEARNING),
        (snapshots.waiting_model(), State.WAITING),
        (emptied(snapshots.fraud_model(), "5m"), State.SILENT),
        (emptied(snapshots.learning_model(), "5m"), State.SILENT),
    ],
)
def test_a_model_stands_where_its_traffic_and_its_baseline_say(model: ModelSnapshot, state: State) -> None:
    """Silence comes before all but never having been heard of."""
    assert view_model(model).state is state


def test_the_active_version_is_the_one_that_took_over() -> None:
    """While none has, it is the newest."""
    model = snapshots.fraud_model()
    assert view_model(model).active_version == "1.4.2"
    first, second = (replace(version, active=False) for version in model.versions)
    later = replace(second, first_seen=first.first_seen + 1)
    assert view_model(replace(model, versions=(first, later))).active_version == "1.4.1"
    assert view_model(replace(model, versions=())).active_version is None


def test_traffic_is_that_of_all_versions() -> None:
    """Predictions and windows add up, and the last prediction is the newest."""
    model = snapshots.fraud_model()
    older = replace(model.versions[1], last_prediction=1.0)
    view = view_model(replace(model, versions=(model.versions[0], older)))
    assert view.predictions == sum(version.predictions for version in model.versions)
    assert view.windows["1h"] == sum(version.windows[1].predictions for version in model.versions)
    assert view.last_prediction == model.versions[0].last_prediction


def test_the_worst_features_have_the_strongest_evidence() -> None:
    """Those that an alarm names come first, with the evidence of the level where it is strongest."""
    model = snapshots.fraud_model()
    view = view_model(model)
    assert len(view.worst_features) == WORST
    assert {feature.feature for feature in view.worst_features[:2]} == {"amount", "country"}
    page, ticket = (drift.feature_log_evidence for drift in model.versions[0].drift)
    strongest = dict(zip(("amount", "age", "country"), np.maximum(page, ticket).tolist(), strict=False))
    assert all(feature.evidence == strongest.get(feature.feature, feature.evidence) for feature in view.worst_features)


def test_without_evidence_no_feature_is_worst() -> None:
    """Nothing is called worst where nothing was judged."""
    model = snapshots.fraud_model()
    unjudged = replace(model.versions[0], drift=())
    assert view_model(replace(model, versions=(unjudged,))).worst_features == ()
    assert view_model(snapshots.learning_model()).worst_features == ()


def test_the_verdict_is_that_of_the_active_version() -> None:
    """Another version's alarm is told beside it, and one that is quiet is not."""
    model = snapshots.fraud_model()
    view = view_model(model)
    assert (view.drift, view.other_alarms) == (Alarm.PAGE, {})
    assert [level.detected for level in view.verdicts] == [True, True]
    turned = replace(model.versions[1], first_seen=model.versions[0].first_seen + 1, active=True)
    view = view_model(replace(model, versions=(model.versions[0], turned)))
    assert (view.drift, view.other_alarms) == (Alarm.OK, {"1.4.2": Alarm.PAGE})


def test_nothing_judged_is_no_all_clear() -> None:
    """A model that learns or waits has no verdict."""
    assert [view_model(m).drift for m in (snapshots.learning_model(), snapshots.waiting_model())] == [None, None]


def test_warnings_tell_what_went_wrong() -> None:
    """Limits, refusals, losses and a failed reload have a sentence each; what stayed at zero has none."""
    telemetry = Telemetry()
    telemetry.set("model_exporter_config_last_reload_successful", value=0)
    telemetry.count("model_exporter_limit_hits_total", "models", amount=12_345)
    telemetry.count("model_exporter_limit_hits_total", "series", amount=0)
    telemetry.count("model_exporter_dropped_records_total", "model_limit", amount=2)
    telemetry.count("model_exporter_rejected_records_total", "model_name")
    assert view_status(STATUS, telemetry.read(), None).warnings == (
        "The last reload of the configuration failed; the one before is still in force.",
        "The limit models turned away 12,345 rows or values.",
        "2 accepted records were not counted: model_limit.",
        "1 records were refused: model_name.",
    )


def test_without_a_snapshot_nothing_is_said_of_models() -> None:
    """Their number and their series are unknown, not zero."""
    view = view_status(STATUS, Telemetry().read(), None)
    assert (view.models, view.series, view.series_limit, view.snapshot_at) == (None, None, None, None)


def test_readiness_tells_what_is_missing() -> None:
    """First the doors, then the snapshot."""
    closed = replace(STATUS, ready=False)
    assert why_not_ready(replace(closed, reason="stopping"), None) == "stopping"
    assert why_not_ready(closed, snapshots.full_snapshot()) == "not every door is open"
    assert why_not_ready(STATUS, None) == "no snapshot has been taken yet"
    assert why_not_ready(STATUS, snapshots.full_snapshot()) == ""
