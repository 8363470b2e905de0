from dataclasses import replace
from math import e, isnan

import numpy as np
import pytest

import snapshots
from model_exporter.config.settings import Drift, DriftLevel, ModelSettings
from model_exporter.expose.verdict_views import (
    Alarm,
    alarm_of,
    feature_verdicts,
    strongest_first,
    view_anomaly,
    view_levels,
    view_pairs,
)
from model_exporter.window.snapshot import SHAPES, AnomalySnapshot, DriftSnapshot, PairDriftSnapshot, VersionSnapshot

FEATURES = tuple(snapshots.boolean(name) for name in "abcd")
VERSION = replace(snapshots.model("m", FEATURES).versions[0], pair_drift=())


def drift(level: str, evidence: list[float], named: list[int], *, total: float = 0.5) -> DriftSnapshot:
    """A verdict on the features with that evidence, of which the places `named` are."""
    detected = np.isin(np.arange(len(evidence)), named)
    return DriftSnapshot(
        level=level,
        detected=bool(named),
        log_evidence=total,
        onset=1000.0 if named else np.nan,
        feature_detected=detected,
        feature_log_evidence=np.array(evidence),
        feature_onset=np.where(detected, 1001.0, np.nan),
        shares=np.tile(np.array([0.1, 0.6, 0.0, 0.0, 0.3, 0.0, 0.0]), (len(evidence), 1)),
    )


def version(*verdicts: DriftSnapshot) -> VersionSnapshot:
    """The version with those verdicts."""
    return replace(VERSION, drift=verdicts)


QUIET = [-3.0, -4.0, -5.0, np.nan]


@pytest.mark.parametrize(
    ("verdicts", "alarm"),
    [
        ((), None),
        ((drift("page", [np.nan] * 4, [], total=np.nan), drift("ticket", [np.nan] * 4, [], total=np.nan)), None),
        ((drift("page", QUIET, []), drift("ticket", QUIET, [])), Alarm.OK),
        ((drift("page", QUIET, []), drift("ticket", QUIET, [0])), Alarm.TICKET),
        ((drift("page", QUIET, [0]), drift("ticket", QUIET, [0])), Alarm.PAGE),
        ((drift("page", QUIET, [0]), drift("ticket", QUIET, [])), Alarm.PAGE),
    ],
)
def test_the_alarm_is_the_gravest(verdicts: tuple[DriftSnapshot, ...], alarm: Alarm | None) -> None:
    """No verdict and no evidence are no alarm and no all-clear either."""
    assert alarm_of(version(*verdicts)) is alarm


def test_an_alarm_on_dependence_is_an_alarm() -> None:
    """Features that stay as they are but no longer go together are a page as well."""
    pairs = PairDriftSnapshot("page", detected=True, log_evidence=1.0, pairs=())
    judged = replace(version(drift("page", QUIET, []), drift("ticket", QUIET, [])), pair_drift=(pairs,))
    assert alarm_of(judged) is Alarm.PAGE
    assert view_pairs(judged)[0].detected


def test_signals_are_named_only_when_there_is_something_to_explain() -> None:
    """From half of the limit on, largest part first; one that takes no part is left out."""
    parts = np.array([np.nan, 0.1, -0.6, 0.3, 0.0])
    told = view_anomaly(replace(VERSION, anomaly=AnomalySnapshot(0.2, parts)))
    assert told
    assert list(told.contributions.items()) == [
        ("errors", -0.6),
        ("latency", 0.3),
        ("missing", 0.1),
        ("throughput", 0.0),
    ]
    quiet = view_anomaly(replace(VERSION, anomaly=AnomalySnapshot(-2.0, parts)))
    assert quiet
    assert quiet.contributions == {}
    assert view_anomaly(replace(VERSION, anomaly=None)) is None


def test_a_level_comes_with_its_rules_and_with_what_chance_takes() -> None:
    """Evidence of x takes e^x times the patience to come about by chance, in the mean, at least."""
    settings = ModelSettings(drift=Drift(page=DriftLevel(1000.0, 0.04)))
    (page,) = view_levels(version(drift("page", QUIET, [1, 0], total=2.0)), settings)
    assert (page.patience_seconds, page.tolerance) == (1000.0, 0.04)
    assert page.least_mean_seconds == pytest.approx(1000.0 * e**2)
    assert (page.onset, page.onset_unix) == ("1970-01-01T00:16:40Z", 1000.0)
    assert [(one.feature, one.evidence) for one in page.named] == [("a", -3.0), ("b", -4.0)]


def test_a_quiet_level_has_no_onset_and_names_nobody() -> None:
    """What did not begin has no beginning."""
    (page,) = view_levels(version(drift("page", QUIET, [])), ModelSettings())
    assert page.onset is None
    assert isnan(page.onset_unix)
    assert page.named == ()


def test_shapes_belong_to_detected_features() -> None:
    """They come largest first; who bets on a feature that nothing happened to is of no interest."""
    judged = version(drift("page", QUIET, [1]))
    assert feature_verdicts(judged, 0)[0].shapes == {}
    shapes = feature_verdicts(judged, 1)[0].shapes
    assert list(shapes)[:3] == ["down", "bin", "up"]
    assert set(shapes) == set(SHAPES)


def test_the_strongest_are_those_that_the_graver_alarm_names() -> None:
    """Then those of the other alarm, then the rest by evidence at any level; without evidence a feature is left out."""
    page = drift("page", [-1.0, 1.0, -2.0, np.nan], [1])
    ticket = drift("ticket", [14.0, 14.0, -9.0, np.nan], [1, 0])
    assert strongest_first(version(page, ticket)) == [1, 0, 2]
    assert strongest_first(version(drift("page", QUIET, []), drift("ticket", [-9.0, -2.0, -9.0, np.nan], []))) == [
        1,
        0,
        2,
    ]
    assert strongest_first(version()) == []
