import json
from pathlib import Path

import yaml

from model_exporter.config.load import load_settings
from model_exporter.demo.day.servers import _WAIT
from model_exporter.demo.day.story import CAST, LOST, Fault, exporter_config, owners
from model_exporter.pack.alertmanager import render
from model_exporter.pack.profiles import Profile
from model_exporter.pack.shipped import shipped


def test_each_fault_meets_one_model_and_one_model_stays_well() -> None:
    """Four faults, and a neighbour of whom nobody is to hear."""
    assert sorted(role.fault.name for role in CAST) == sorted(fault.name for fault in Fault)
    assert len({role.owner for role in CAST}) == len(CAST)
    assert [role.name for role in CAST if not role.way] == [role.name for role in CAST if role.fault is Fault.NONE]


def test_the_configuration_of_the_exporter_is_valid(tmp_path: Path) -> None:
    """With an owner and a tier for each model, and nothing required of the upstream that is to fail."""
    file = tmp_path / "config.yml"
    file.write_text(exporter_config(), "utf-8")
    models = load_settings(file).models
    assert {name: (model.owner, model.tier) for name, model in models.items()} == {
        role.name: (role.owner, role.tier) for role in CAST
    }
    assert {name for name, feature in models["wine"].features.items() if feature.required is False} == set(LOST)


def test_each_team_has_a_route_of_its_own(tmp_path: Path) -> None:
    """Rendered by the pack, with one webhook a team, and one wait that is made shorter."""
    (tmp_path / "owners.yml").write_text(owners(1), "utf-8")
    (tmp_path / "base.yml").write_text("global: {resolve_timeout: 5m}\n", "utf-8")
    text = render(tmp_path / "owners.yml", tmp_path / "base.yml", Profile.V0_25)
    assert text.count(_WAIT[0]) == 1
    receivers = {one["name"]: one for one in yaml.safe_load(text)["receivers"]}
    for role in CAST:
        for use in ("chat", "ticket"):
            assert receivers[f"{role.owner}/{use}"]["webhook_configs"] == [{"url": f"http://127.0.0.1:1/{role.owner}"}]


def test_every_cause_is_one_of_the_rules() -> None:
    """What the demo waits for is what the rules can say."""
    rules = (shipped("rules") / "incidents.yml").read_text("utf-8")
    assert all(f"cause: {role.fault.value}," in rules for role in CAST if role.fault.value)


def test_what_is_quoted_of_an_alert_is_one_of_its_annotations() -> None:
    """A line of the story says which."""
    alerts = (shipped("rules") / "alerts.yml").read_text("utf-8")
    assert all(f"          {role.fact}: >-" in alerts for role in CAST if role.fact)


def test_each_dashboard_to_open_is_there() -> None:
    """By its uid, under which Grafana knows it."""
    for uid in ("model-incidents", *(role.dashboard for role in CAST if role.dashboard)):
        assert json.loads((shipped("dashboards") / f"{uid}.json").read_text("utf-8"))["uid"] == uid
