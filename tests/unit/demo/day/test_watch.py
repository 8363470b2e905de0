from typing import Any

from model_exporter.demo.day.watch import Incident, Sight, sights


def _sample(name: str, value: float = 1.0, **labels: str) -> dict[str, Any]:
    return {"metric": {"__name__": name, "model": "wine"} | labels, "value": [0, str(value)]}


INCIDENT = _sample("model:incident", 3, cause="deployment", severity="critical", owner="cellar-ml", version="2")


def test_an_incident_is_joined_with_its_start() -> None:
    """In whatever order the samples come."""
    seen = sights([INCIDENT, _sample("model:incident_started:timestamp_seconds", 5)])
    assert seen["wine"].incident == Incident("deployment", "critical", "cellar-ml", "2", 5.0)


def test_an_incident_of_which_the_start_is_not_known_yet_is_left_out() -> None:
    """The next look sees both."""
    assert sights([INCIDENT])["wine"].incident is None


def test_symptoms_and_verdicts() -> None:
    """Each category once, whatever its signals and levels; a verdict of any level says that the model is judged."""
    seen = sights(
        [
            _sample("model:symptom", level="page", category="upstream", signal="upstream_errors"),
            _sample("model:symptom", level="ticket", category="upstream", signal="upstream_errors"),
            _sample("model_drift_evidence", -3, level="page"),
        ]
    )
    assert seen["wine"] == Sight(judged=True, symptoms={"upstream"})
    assert sights([]) == {}
