import json
from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

import snapshots
from model_exporter.expose.api import failure, success, view_detail, view_explanation
from model_exporter.expose.explanation import explain
from model_exporter.expose.text import clean
from truth_snapshots import truth


def test_every_model_can_be_told_in_full() -> None:
    """Whatever a model has or lacks, and however it is named, its detail is JSON."""
    for model in snapshots.full_snapshot().models:
        detail = json.loads(success(view_detail(model, at=snapshots.AT)))["data"]
        assert detail["summary"]["name"] == clean(model.name)
        assert len(detail["versions"]) == len(model.versions)


def test_the_detail_has_the_numbers_of_the_snapshot() -> None:
    """Quality, distances, errors and latencies are those of the version, by name."""
    model = snapshots.fraud_model()
    version = model.versions[0]
    told = json.loads(success(view_detail(model, at=snapshots.AT)))["data"]["versions"][0]
    assert told["predictions"] == version.predictions
    assert told["errors"] == {"timeout": 4, "ValueError": 2}
    assert version.duration
    assert told["latency"] == {
        "count": int(version.duration.buckets.sum()),
        "total_seconds": version.duration.total_seconds,
    }
    assert told["quality"][0]["values"] == version.quality[0, 0]
    assert told["quality"][0]["invalid"]["nonfinite"] == version.quality[0, 5]
    assert [feature["windows"][1]["psi"] for feature in told["features"]] == version.windows[1].psi.tolist()
    assert [feature["feature"] for feature in told["features"]][:3] == ["amount", "age", "country"]


def test_the_detail_has_the_verdicts_in_full() -> None:
    """Level by level with rules and onset, and feature by feature with evidence, shapes, bins and counts."""
    model = snapshots.fraud_model()
    told = json.loads(success(view_detail(model, at=snapshots.AT)))["data"]["versions"][0]
    assert told["drift"] == "page"
    page = told["verdicts"][0]
    assert (page["level"], page["detected"], page["patience_seconds"], page["tolerance"]) == (
        "page",
        True,
        31_536_000.0,
        0.01,
    )
    assert (page["onset"], page["onset_unix"]) == ("2025-10-09T08:32:45Z", snapshots.AT - 1234.5)
    assert {one["feature"] for one in page["named"]} == {"amount", "country"}
    assert told["pairs"][0]["pairs"][0]["other"] == "prediction"
    assert told["anomaly"]["evidence"] == 0.7
    amount, age = told["features"][:2]
    assert amount["verdicts"][0]["evidence"] == model.versions[0].drift[0].feature_log_evidence[0]
    assert sum(amount["verdicts"][0]["shapes"].values()) == pytest.approx(1)
    assert (age["verdicts"][0]["detected"], age["verdicts"][0]["onset_unix"]) == (False, None)
    assert len(amount["bins"]) == len(amount["windows"][0]["counts"]) == 19
    assert amount["bins"][1]["name"].startswith("-200 to ")


def test_only_what_has_fences_has_outliers() -> None:
    """Outliers of a category or an id are null, not zero."""
    told = json.loads(success(view_detail(snapshots.fraud_model(), at=snapshots.AT)))["data"]["versions"][0]["quality"]
    known = {row["feature"] for row in told if row["outliers"] is not None}
    assert known == {"amount", "age", "score"}


def test_approval_is_unknown_unless_configured() -> None:
    """Without a list of approved versions a version is neither approved nor not."""
    fraud = view_detail(snapshots.fraud_model(), at=snapshots.AT)
    assert [version.approved for version in fraud.versions] == [True, False]
    assert view_detail(snapshots.learning_model(), at=snapshots.AT).versions[0].approved is None


def test_what_json_lacks_is_null() -> None:
    """NaN and infinities come out as null, so that any parser reads the answer."""
    model = snapshots.model("m", (snapshots.numeric("x"),))
    version = model.versions[0]
    window = replace(version.windows[0], psi=np.array([nan]), js_distance=np.array([inf]))
    body = success(view_detail(replace(model, versions=(replace(version, windows=(window,)),)), at=snapshots.AT))
    drift = json.loads(body)["data"]["versions"][0]["features"][0]["windows"][0]
    assert (drift["psi"], drift["js_distance"]) == (None, None)
    assert b"NaN" not in body


def test_an_explanation_is_text_and_its_parts() -> None:
    """Both say the same, for people and for programs; names may hold anything."""
    for model in snapshots.full_snapshot().models:
        explanation = explain(model, at=snapshots.AT)
        told = json.loads(success(view_explanation(explanation, width=100, ascii_only=False)))["data"]
        assert told["explanation"]["model"] == clean(model.name)
        assert [f["feature"]["feature"] for f in told["explanation"]["features"]] == [
            feature.feature.feature for feature in explanation.features
        ]
        assert told["text"].endswith("\n")


def test_failures_have_the_envelope_of_prometheus() -> None:
    """An error has a kind and a text, which may hold anything."""
    assert json.loads(failure("not_found", 'no "\ud800"')) == {
        "status": "error",
        "errorType": "not_found",
        "error": r'no "\ud800"',
    }


def test_the_detail_has_the_performance_of_each_version() -> None:
    """What became of outcomes stands with the model, what they tell with the version; no number is null, not 0."""
    model = replace(snapshots.fraud_model(), outcomes=7, truth=truth(("1.4.2",), "fraud"))
    told = json.loads(success(view_detail(model, at=snapshots.AT)))["data"]
    assert (told["outcomes"], told["truth"]["pending_predictions"]) == (7, 1000)
    performance = told["versions"][0]["performance"]
    assert performance["windows"][0]["measures"][0] == {
        "metric": "accuracy", "of": "", "value": 0.9, "lower": 0.85, "upper": 0.93, "rows": 412.0
    }  # fmt: skip
    assert (performance["windows"][2]["coverage"], performance["windows"][2]["provisional"]) == (None, None)
    fresh = json.loads(success(view_detail(replace(model, truth=None), at=snapshots.AT)))["data"]
    assert fresh["truth"] is None
    assert fresh["versions"][0]["performance"]["note"].startswith("no outcomes yet")
