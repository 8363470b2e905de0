"""What Prometheus says about the models: their symptoms and incidents by the rules."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from model_exporter.demo.processes import ProcessError, fetch

_INCIDENT: Final = "model:incident"
_STARTED: Final = "model:incident_started:timestamp_seconds"
_SYMPTOM: Final = "model:symptom"
_VERDICT: Final = "model_drift_evidence"
_QUERY: Final = f'{{__name__=~"{_INCIDENT}|{_STARTED}|{_SYMPTOM}|{_VERDICT}",level!="info"}}'


@dataclass(frozen=True, slots=True)
class Incident:
    """An open incident, whether or not it is old enough to be told.

    Attributes:
        cause: the likely one, as the rules call it.
        severity: critical or warning.
        owner: whose model it is.
        version: of the model.
        started: unix seconds.
    """

    cause: str
    severity: str
    owner: str
    version: str
    started: float


@dataclass(slots=True)
class Sight:
    """What is known of one model.

    Attributes:
        judged: whether there are verdicts: a baseline is learned, and a slot was compared with it.
        symptoms: their categories, such as `input_drift`.
        incident: the open one.
    """

    judged: bool = False
    symptoms: set[str] = field(default_factory=set)
    incident: Incident | None = None


def look(prometheus: int) -> Mapping[str, Sight]:
    """What the Prometheus at a loopback port knows of each model.

    Raises:
        ProcessError: it does not answer.
    """
    status, body = fetch(prometheus, f"/api/v1/query?query={quote(_QUERY)}")
    if status != HTTPStatus.OK:
        raise ProcessError(f"Prometheus does not answer a query: status {status} {body}")
    return sights(json.loads(body)["data"]["result"])


def sights(result: list[Mapping[str, Any]]) -> Mapping[str, Sight]:  # Any: it is JSON
    """What an instant vector of Prometheus's API says, by model."""
    seen: dict[str, Sight] = {}
    started = {labels["model"]: value for labels, value in _samples(result) if labels["__name__"] == _STARTED}
    for labels, _ in _samples(result):
        name, model = labels["__name__"], labels["model"]
        sight = seen.setdefault(model, Sight())
        sight.judged |= name == _VERDICT
        if name == _SYMPTOM:
            sight.symptoms.add(labels["category"])
        elif name == _INCIDENT and model in started:
            told = (labels["cause"], labels["severity"], labels["owner"], labels.get("version", ""))
            sight.incident = Incident(*told, started[model])
    return seen


def _samples(result: list[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, str], float]]:  # Any: it is JSON
    return ((one["metric"], float(one["value"][1])) for one in result)
