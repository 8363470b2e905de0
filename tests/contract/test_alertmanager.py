"""The routing that is rendered: Alertmanager takes it, and each alert goes where the ownership file says."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from e2e.programs import given, require
from model_exporter.pack.alertmanager import render
from model_exporter.pack.profiles import Profile
from model_exporter.pack.shipped import shipped

pytestmark = pytest.mark.prometheus
FOLDER = Path(__file__).parents[2] / "alertmanager"
EXAMPLE = FOLDER / "owners.example.yml"
COMMITTED = FOLDER / "alertmanager.yml"
CURRENT = """
default: ml
heartbeat: {url_file: /etc/alertmanager/secrets/heartbeat}
by: [cluster]
teams:
  ml:
    slack: {channel: "#ml"}
    pagerduty: {service_key_file: /etc/alertmanager/secrets/pagerduty}
    ticket:
      jira:
        api_url: https://example.atlassian.net/rest/api/2
        project: MLOPS
        username: bot@example.org
        password_file: /etc/alertmanager/secrets/jira
        labels: [model]
        resolve_transition: Done
        reopen_transition: Reopen
    webhook: {url_file: /etc/alertmanager/secrets/webhook}
  risk:
    ticket: {url: "https://tickets.example.org/risk", format: fields}
"""
INCIDENT = {"alertname": "ModelIncident", "component": "model", "environment": "production", "model": "m"}
# What an alert is about, and who gets it, in the order of the tree.
ROUTES = [
    ("severity=critical owner=payments-ml tier=1", "payments-ml/page,payments-ml/chat"),
    ("severity=critical owner=payments-ml tier=2", "payments-ml/page,payments-ml/chat"),
    ("severity=critical owner=payments-ml tier=3", "payments-ml/chat"),
    ("severity=critical owner=payments-ml", "payments-ml/page,payments-ml/chat"),
    ("severity=warning owner=payments-ml tier=1", "payments-ml/ticket"),
    ("severity=warning owner=payments-ml tier=5", "payments-ml/ticket"),
    ("severity=info owner=payments-ml tier=1", "null"),
    ("severity=criticle owner=payments-ml tier=1", "payments-ml/chat"),
    ("severity=critical owner=payments tier=1", "payments-ml/page,payments-ml/chat"),
    ("severity=critical owner=payments-m tier=1", "ml-platform/page,ml-platform/chat"),
    ("severity=critical owner=pricing tier=1", "pricing/page,pricing/chat"),
    ("severity=critical owner=pricing tier=2", "pricing/page,pricing/chat"),
    ("severity=warning owner=pricing tier=1", "pricing/ticket"),
    ("severity=critical owner=search tier=1", "search/webhook,search/chat"),
    ("severity=warning owner=search", "search/webhook,search/ticket"),
    ("severity=critical owner=heads", "heads/chat"),
    ("severity=critical owner=unowned tier=1", "ml-platform/page,ml-platform/chat"),
    ("severity=critical", "ml-platform/page,ml-platform/chat"),
    ("severity=warning owner=unowned alertname=ModelUnowned", "ml-platform/ticket"),
    ("severity=critical owner=payments-ml tier=1 environment=staging", "null"),
    ("severity=critical owner=payments-ml tier=1 environment=dev", "null"),
    ("severity=critical owner=unowned environment=qa", "null"),
    ("severity=critical owner=pricing tier=1 environment=staging", "pricing/quiet"),
    ("severity=warning owner=pricing environment=dev", "pricing/quiet"),
    ("severity=info owner=pricing environment=dev", "null"),
    ("severity=critical owner=payments-ml tier=1 environment=stagging", "payments-ml/page,payments-ml/chat"),
    ("severity=critical owner=payments-ml tier=1 environment=unknown", "payments-ml/page,payments-ml/chat"),
    ("severity=critical owner=payments-ml tier=1 environment=prod-dev", "payments-ml/page,payments-ml/chat"),
    ("alertname=ModelIncidentUnresolved severity=critical owner=payments-ml escalation=1", "payments-ml/escalation-1"),
    ("alertname=ModelIncidentUnresolved severity=critical owner=payments-ml escalation=2", "payments-ml/escalation-2"),
    ("alertname=ModelIncidentUnresolved severity=critical owner=payments-ml escalation=3", "payments-ml/escalation-3"),
    ("alertname=ModelIncidentUnresolved severity=critical owner=pricing escalation=1", "null"),
    ("alertname=ModelIncidentUnresolved severity=critical owner=pricing escalation=2", "pricing/escalation-2"),
    ("alertname=ModelIncidentUnresolved severity=critical owner=pricing escalation=2 environment=dev", "null"),
    ("alertname=ModelSilent severity=critical owner=pricing tier=1", "pricing/page,pricing/chat"),
    ("alertname=ModelExporterDown severity=critical owner=payments-ml", "payments-ml/page,payments-ml/chat"),
    ("alertname=ModelExporterAbsent severity=critical component=model_exporter", "ml-platform/page,ml-platform/chat"),
    ("alertname=ModelExporterStorageFailing severity=warning component=model_exporter", "ml-platform/ticket"),
    ("alertname=ModelRulesMissed severity=warning component=model_exporter owner=payments-ml", "ml-platform/ticket"),
    ("alertname=ModelWatchdog severity=none component=model_exporter", "heartbeat"),
    ("alertname=ModelWatchdog severity=info environment=dev", "heartbeat"),
]


def _amtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [require("amtool"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def _render(folder: Path, owners: str, profile: Profile) -> Path:
    file = folder / "owners.yml"
    file.write_text(owners, "utf-8")
    config = folder / "alertmanager.yml"
    config.write_text(render(file, None, profile), "utf-8")
    return config


def test_the_committed_example_is_what_is_rendered() -> None:
    """`model_exporter pack alertmanager --owners alertmanager/owners.example.yml -o alertmanager/alertmanager.yml`."""
    assert COMMITTED.read_text("utf-8") == render(EXAMPLE, FOLDER / "base.yml", Profile.V0_25)
    assert shipped("alertmanager") == FOLDER


@pytest.mark.parametrize("profile", Profile)
def test_alertmanager_takes_the_example(tmp_path: Path, profile: Profile) -> None:
    """`amtool check-config` of the release that the profile is for; a newer one takes the older profile as well."""
    if profile.is_current and given("amtool") is None:
        pytest.skip("MODEL_EXPORTER_TEST_AMTOOL names no current amtool")
    done = _amtool("check-config", str(_render(tmp_path, EXAMPLE.read_text("utf-8"), profile)))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_current_alertmanager_takes_what_only_it_knows(tmp_path: Path) -> None:
    """Jira, payloads, addresses in files, timeouts and names of inhibitions."""
    if given("amtool") is None:
        pytest.skip("MODEL_EXPORTER_TEST_AMTOOL names no current amtool")
    done = _amtool("check-config", str(_render(tmp_path, CURRENT, Profile.CURRENT)))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("labels", "receivers"), ROUTES, ids=[labels for labels, _ in ROUTES])
def test_each_alert_goes_to(labels: str, receivers: str) -> None:
    """The table of routes, as `amtool config routes test` walks the committed tree."""
    told = INCIDENT | dict(pair.split("=", 1) for pair in labels.split())
    done = _amtool(
        "config",
        "routes",
        "test",
        f"--config.file={COMMITTED}",
        f"--verify.receivers={receivers}",
        *(f"{name}={value}" for name, value in told.items()),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_alertmanager_with_other_alerts_keeps_them(tmp_path: Path) -> None:
    """With a route in the base, only alerts about models and exporters go by the ownership file."""
    base = tmp_path / "base.yml"
    base.write_text(
        (FOLDER / "base.yml").read_text("utf-8")
        + "route: {receiver: ops, routes: [{receiver: dba, matchers: ['service=\"db\"']}]}\n"
        "receivers: [{name: ops}, {name: dba}]\n",
        "utf-8",
    )
    config = tmp_path / "alertmanager.yml"
    config.write_text(render(EXAMPLE, base, Profile.V0_25), "utf-8")
    wanted = {
        "service=db": "dba",
        "severity=critical": "ops",
        "severity=critical component=model": "ml-platform/page,ml-platform/chat",
    }
    for labels, receivers in wanted.items():
        done = _amtool(
            "config", "routes", "test", f"--config.file={config}", f"--verify.receivers={receivers}", *labels.split()
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("profile", Profile)
def test_every_template_that_is_named_is_there(tmp_path: Path, profile: Profile) -> None:
    """Alertmanager would find out only when it sends."""
    owners = CURRENT if profile.is_current else EXAMPLE.read_text("utf-8")
    named = set(re.findall(r'template "([^"]+)"', _render(tmp_path, owners, profile).read_text("utf-8")))
    text = "".join(path.read_text("utf-8") for path in sorted((FOLDER / "templates").glob("*.tmpl")))
    defined = re.findall(r'define "([^"]+)"', text)
    assert len(defined) == len(set(defined))
    assert named | set(re.findall(r'template "([^"]+)"', text)) <= set(defined)


def test_only_what_is_about_one_model_mutes_and_nothing_mutes_itself() -> None:
    """`equal` takes absent labels for equal, so sources and targets about models ask for one; and they differ."""
    for rule in yaml.safe_load(COMMITTED.read_text("utf-8"))["inhibit_rules"]:
        source, target = rule["source_matchers"], rule["target_matchers"]
        assert ('model!=""' in source) is ('model!=""' in target) is ("model" in rule["equal"])
        names = [set(re.findall(r"Model\w+", " ".join(matchers))) for matchers in (source, target)]
        severities = [set(re.findall(r'severity="(\w+)"', " ".join(matchers))) for matchers in (source, target)]
        assert not names[0] & names[1] or (all(severities) and not severities[0] & severities[1])


def test_the_ownership_file_of_the_readme_is_valid(tmp_path: Path) -> None:
    """What people copy works, and amtool answers what is printed beside it."""
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)
    (owners,) = [block for block in blocks if "teams:" in block]
    file = _render(tmp_path, owners, Profile.V0_25)
    assert "payments-ml/escalation-2" in file.read_text("utf-8")
    asked, answer = re.findall(r"--config\.file=alertmanager\.yml ((?:.*\\\n)?.*)\n(\S+)\n```", readme)[0]
    done = _amtool("config", "routes", "test", f"--config.file={file}", *asked.replace("\\\n", " ").split())
    assert done.stdout.strip() == answer, done.stderr
