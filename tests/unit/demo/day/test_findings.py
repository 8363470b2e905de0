from collections.abc import Sequence

import pytest

from model_exporter.demo.day import findings
from model_exporter.demo.day.story import CAST, Fault
from model_exporter.demo.day.told import Told
from model_exporter.demo.day.watch import Incident, Sight

ROLES = {role.fault: role for role in CAST}
TUMOUR = ROLES[Fault.CONCEPT]


def _told(team: str = "screening-ml", way: str = "page", cause: str = "concept_shift", model: str = "tumour") -> Told:
    return Told(team, way, {"alertname": "ModelIncident", "model": model, "cause": cause}, {})


@pytest.mark.parametrize(
    ("told", "holds"),
    [
        ([], False),
        ([_told()], True),
        ([_told(way="ticket")], False),
        ([_told(way="ticket"), _told()], True),
        ([_told(), _told(cause="deployment")], False),
        ([_told(), _told(team="post-ml")], False),
        ([_told(team="post-ml"), _told()], False),
        ([_told(model="iris")], False),
    ],
)
def test_the_owner_alone_is_told_and_last_the_right_cause(told: Sequence[Told], holds: bool) -> None:  # noqa: FBT001  # a table
    """A severity may rise on the way; another team, another cause in the end, or silence is a failure."""
    finding = findings.judge(TUMOUR, told)
    assert finding.holds is holds
    assert "to be told: concept shift to screening-ml (page)" in finding.text


def test_of_a_healthy_model_nobody_is_told() -> None:
    """Any incident of it is a false alarm."""
    healthy = ROLES[Fault.NONE]
    assert findings.judge(healthy, [_told()]).holds
    assert not findings.judge(healthy, [_told(model=healthy.name)]).holds


def test_other_alerts_and_early_ones_are_failures() -> None:
    """Only incidents are to be told, and none before the first fault."""
    other = Told("ml-platform", "ticket", {"alertname": "ModelRulesMissed"}, {})
    incident = Incident("unexplained", "warning", "post-ml", "1.0.0", 0.0)
    assert findings.early([], {"iris": Sight(symptoms={"input_drift"})}).holds
    assert not findings.early([_told()], {}).holds
    assert findings.early([], {"iris": Sight(incident=incident)}).text.endswith("incident of iris")
    assert findings.others([_told()]).holds
    assert findings.others([_told(), other]).text == "alerts besides incidents: ModelRulesMissed"
