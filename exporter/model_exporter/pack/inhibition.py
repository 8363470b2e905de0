"""Which alerts mute which.

`equal` takes a label that both lack for equal, so two alerts about no model at all would mute each other: every rule
about a model asks on both sides that there is one. Sources and targets of a rule are disjoint, because an alert that is
both would mute its own kind.
"""

from collections.abc import Iterator
from typing import Final

from model_exporter.pack.base import Tree
from model_exporter.pack.profiles import Profile

_MODEL: Final = 'model!=""'
_INCIDENT: Final = 'alertname="ModelIncident"'
_DRIFT: Final = "ModelInputDrift|ModelOutputDrift"
_SAME_PROMETHEUS: Final = ("cluster", "prometheus")
"""Labels that tell Prometheus servers apart; where they have none, there is taken to be one."""


def inhibit_rules(profile: Profile, by: tuple[str, ...]) -> list[Tree]:
    """The rules; `by` are labels besides `model` that tell models apart."""
    return [
        {"name": name, **rule} if profile.is_current else rule for name, rule in _rules(["model", "environment", *by])
    ]


def _rules(same_model: list[str]) -> Iterator[tuple[str, Tree]]:
    yield (
        "the page of an incident mutes its ticket",
        _rule([_INCIDENT, 'severity="critical"', _MODEL], [_INCIDENT, 'severity="warning"', _MODEL], same_model),
    )
    yield (
        "a model without exporter tells nothing else",
        _rule(
            ['alertname="ModelExporterDown"', _MODEL],
            ['alertname=~"ModelSilent|ModelLabelsLate|ModelIncident|ModelIncidentUnresolved"', _MODEL],
            same_model,
        ),
    )
    yield (
        "bad data explains the drift of its model",
        _rule(
            ['alertname=~"ModelSchemaViolations|ModelUpstreamFailing|ModelDataQuality"', _MODEL],
            [f'alertname=~"{_DRIFT}"', _MODEL],
            same_model,
        ),
    )
    yield (
        "an incident with a cause upstream explains what follows from it",
        _rule(
            [_INCIDENT, 'cause=~"schema_change|upstream_failure|data_quality"', _MODEL],
            [f'alertname=~"{_DRIFT}|ModelPerformanceDrop|ModelFairnessGap|ModelBusinessShift"', _MODEL],
            same_model,
        ),
    )
    yield (
        "an incident of a deployment names the unapproved version",
        _rule([_INCIDENT, 'cause="deployment"', _MODEL], ['alertname="ModelUnapprovedVersion"', _MODEL], same_model),
    )
    yield (
        "without any exporter no model is seen",
        _rule(
            ['alertname="ModelExporterAbsent"'],
            ['alertname=~"ModelExporterDown|ModelExporterReplicaDown|ModelSilent|ModelLabelsLate"'],
            list(_SAME_PROMETHEUS),
        ),
    )


def _rule(source: list[str], target: list[str], equal: list[str]) -> Tree:
    return {"source_matchers": source, "target_matchers": target, "equal": equal}
