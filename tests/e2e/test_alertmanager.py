"""What a real Alertmanager sends with the rendered configuration, and to whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from e2e.alert_sink import AlertSink, alert_sink
from e2e.alertmanagers import Alertmanager, now, run_alertmanager
from e2e.programs import given
from model_exporter.demo.processes import wait_until
from model_exporter.pack.alertmanager import render, write_templates
from model_exporter.pack.owners_schema import Day
from model_exporter.pack.profiles import Profile
from model_exporter.pack.yaml_text import scalar

pytestmark = pytest.mark.prometheus

pytestmark = pytest.mark.prometheus
SECONDS = 20
ODD_OWNERS = ['a"b\\\\c|.*', "{d} 'e', #\u00e9"]
HOSTILE = 'fraud <!channel> "x" & <script>'


@dataclass(frozen=True, slots=True)
class Running:
    """An Alertmanager and where its notifications end up."""

    alertmanager: Alertmanager
    sink: AlertSink

    def wait(self, count: int) -> None:
        """Until there are `count` notifications; there must not be more."""
        wait_until(
            lambda: self.sink.count >= count, what="notifications", seconds=SECONDS, child=self.alertmanager.child
        )
        assert self.sink.count == count, (self.sink.slack, self.sink.pagerduty, self.sink.webhooks, self.sink.mails)

    def wait_for_state(self, alertname: str, state: str) -> None:
        """Until all alerts of that name are in `state`."""

        def there() -> bool:
            states = {found for labels, found in self.alertmanager.states() if labels["alertname"] == alertname}
            return states == {state}

        wait_until(there, what=f"{alertname} to be {state}", seconds=SECONDS, child=self.alertmanager.child)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """An Alertmanager with an ownership file whose receivers are a sink, and that does not wait for more alerts."""
    with alert_sink() as sink:
        config = tmp_path / "alertmanager.yml"
        config.write_text(_quick(_config(tmp_path, sink)), "utf-8")
        write_templates(tmp_path)
        with run_alertmanager(tmp_path, config) as alertmanager:
            yield Running(alertmanager, sink)


def _config(folder: Path, sink: AlertSink) -> str:
    slack = {name: sink.secret(folder, f"{name}-slack", sink.slack_url(name)) for name in ("payments", "platform")}
    pager = sink.secret(folder, "pager", "the-routing-key")
    token = sink.secret(folder, "token", "the-token")
    base = folder / "base.yml"
    base.write_text(
        "global:\n"
        f"  pagerduty_url: {sink.pagerduty_url}\n"
        f"  smtp_smarthost: {sink.smarthost}\n"
        "  smtp_from: alertmanager@example.org\n"
        "  smtp_require_tls: false\n",
        "utf-8",
    )
    owners = folder / "owners.yml"
    owners.write_text(
        "default: platform\n"
        "teams:\n"
        "  payments:\n"
        f"    slack: {{channel: '#payments', api_url_file: {slack['payments']}}}\n"
        f"    pagerduty: {{routing_key_file: {pager}}}\n"
        f"    ticket: {{url: '{sink.webhook_url('payments-tickets')}', credentials_file: {token}}}\n"
        "    escalation: [{after: 30m, to: ['team:search']}]\n"
        "  search:\n"
        "    email: {to: [search@example.org]}\n"
        "  platform:\n"
        f"    slack: {{channel: '#platform', api_url_file: {slack['platform']}}}\n"
        f"  {scalar(ODD_OWNERS[0])}:\n"
        f"    aliases: [{scalar(ODD_OWNERS[1])}]\n"
        f"    ticket: {{url: '{sink.webhook_url('odd-tickets')}'}}\n"
        "  asleep:\n"
        f"    slack: {{channel: '#asleep', api_url_file: {slack['platform']}}}\n"
        f"    pagerduty: {{routing_key_file: {pager}}}\n"
        f"    ticket: {{url: '{sink.webhook_url('asleep-tickets')}'}}\n"
        f"    office_hours: {{days: [{_day(days=3)}]}}\n"
        "  awake:\n"
        f"    slack: {{channel: '#awake', api_url_file: {slack['platform']}}}\n"
        f"    pagerduty: {{routing_key_file: {pager}}}\n"
        f"    ticket: {{url: '{sink.webhook_url('awake-tickets')}'}}\n"
        f"    office_hours: {{days: [{_day()}, {_day(days=1)}], from: '00:00', to: '24:00'}}\n"
        f"heartbeat: {{url: '{sink.webhook_url('heartbeat')}'}}\n",
        "utf-8",
    )
    return render(owners, base, Profile.CURRENT if given("alertmanager") else Profile.V0_25)


def _day(*, days: int = 0) -> str:
    """The name of the day that is so many days ahead, in UTC."""
    return list(Day)[(datetime.now(UTC) + timedelta(days=days)).weekday()].value


def _current_owners(folder: Path, sink: AlertSink) -> str:
    hook = sink.secret(folder, "hook", sink.webhook_url("fields-and-more"))
    return (
        "default: payments\n"
        "teams:\n"
        f"  payments: {{ticket: {{jira: {{api_url: '{sink.jira_url}', project: MLOPS, labels: [model]}}}}}}\n"
        f"  search: {{ticket: {{url_file: {hook}, format: fields}}}}\n"
    )


def _quick(config: str) -> str:
    for slow, fast in (("group_wait: 30s", "group_wait: 500ms"), ("group_interval: 5m", "group_interval: 1s")):
        assert slow in config
        config = config.replace(slow, fast)
    return config


def _alert(alertname: str = "ModelIncident", **labels: str) -> dict[str, Any]:
    told = {
        "alertname": alertname,
        "severity": "critical",
        "owner": "payments",
        "environment": "production",
        "model": "fraud",
        "tier": "1",
        "component": "model",
    }
    annotations = {
        "summary": "A model shows symptoms of one incident.",
        "description": f"{labels.get('model', 'fraud')} has had symptoms since 10:00.",
        "cause": "A new version, 1.5.0, since 09:58.",
        "features": "amount, country",
        "runbook_url": "https://runbooks.example.org/model_exporter/ModelIncident.md",
        "dashboard_url": "https://grafana.example.org/d/model-detail/model?var-model=fraud",
    }
    return {"labels": told | labels, "annotations": annotations, "startsAt": now()}


def test_an_incident_pages_its_owner_once_and_says_when_it_is_over(running: Running) -> None:
    """One page and one message with the triage context, and later the end of both."""
    alert = _alert(cause="deployment", version="1.5.0")
    running.alertmanager.post(alert)
    running.wait(2)
    (page,) = running.sink.pagerduty
    assert (page.routing_key, page.action, page.severity) == ("the-routing-key", "trigger", "critical")
    assert (page.component, page.class_, page.group) == ("fraud", "deployment", "production")
    assert page.summary.startswith("ModelIncident fraud (production): deployment. A model shows")
    assert page.details["cause"] == "A new version, 1.5.0, since 09:58."
    assert "Features: amount, country" in page.details["firing"]
    assert "Segments" not in page.details["firing"]
    assert set(page.links) == {"Runbook", "Dashboard"}
    (message,) = running.sink.slack
    assert (message.name, message.channel, message.color) == ("payments", "#payments", "#d32f2f")
    assert message.title == "CRITICAL ModelIncident fraud (production): deployment"
    assert message.title_link.startswith("https://grafana.example.org/d/model-detail/")
    assert "*Features:* amount, country" in message.text
    assert "|Silence>" in message.text
    running.alertmanager.post(alert | {"endsAt": now()})
    running.wait(4)
    assert running.sink.slack[1].title == "RESOLVED ModelIncident fraud (production): deployment"
    assert running.sink.slack[1].color == "#2e7d32"
    assert running.sink.pagerduty[1].action == "resolve"
    assert running.sink.pagerduty[1].dedup_key == page.dedup_key


def test_many_alerts_of_one_model_are_one_message(running: Running) -> None:
    """41 alerts in one group: one ticket that lists them all."""
    running.alertmanager.post(*(_alert(severity="warning", feature=f"f{place}") for place in range(41)))
    running.wait(1)
    (ticket,) = running.sink.webhooks
    assert (ticket.name, ticket.authorization, len(ticket.alerts)) == ("payments-tickets", "Bearer the-token", 41)


def test_an_incident_mutes_its_ticket_and_what_it_explains(running: Running) -> None:
    """The warning beside a page is not sent; drift that bad data explains is suppressed, that of another model not."""
    running.alertmanager.post(_alert(cause="upstream_failure"))
    running.wait(2)
    running.alertmanager.post(
        _alert(severity="warning", cause="population_shift"),
        _alert("ModelInputDrift", severity="warning"),
        _alert("ModelOutputDrift", severity="warning", model="churn"),
    )
    running.wait_for_state("ModelInputDrift", "suppressed")
    running.wait(3)
    assert [ticket.alerts[0]["labels"]["model"] for ticket in running.sink.webhooks] == ["churn"]
    states = {
        (labels["severity"], state)
        for labels, state in running.alertmanager.states()
        if labels["alertname"] == "ModelIncident"
    }
    assert states == {("critical", "active"), ("warning", "suppressed")}


def test_a_failing_upstream_mutes_the_drift_of_its_model_without_an_incident(running: Running) -> None:
    """The symptom is enough, although nobody is told of it."""
    running.alertmanager.post(_alert("ModelUpstreamFailing", severity="info"))
    running.wait_for_state("ModelUpstreamFailing", "active")
    running.alertmanager.post(_alert("ModelOutputDrift", severity="info"))
    running.wait_for_state("ModelOutputDrift", "suppressed")


def test_whatever_a_team_is_called_it_gets_its_alerts(running: Running) -> None:
    """Quotes, backslashes and the marks of regular expressions in an owner's name mean themselves."""
    running.alertmanager.post(*(_alert(owner=owner, model=owner) for owner in [*ODD_OWNERS, 'a"b\\\\c|.x']))
    running.wait(3)
    assert {ticket.body["commonLabels"]["owner"] for ticket in running.sink.webhooks} == set(ODD_OWNERS)
    assert [message.name for message in running.sink.slack] == ["platform"]


def test_alerts_about_no_model_do_not_mute_each_other(running: Running) -> None:
    """`equal` takes absent labels for equal; the matchers have to tell."""
    running.alertmanager.post(
        {"labels": {"alertname": "ModelIncident", "severity": "critical", "component": "model"}},
        {"labels": {"alertname": "ModelIncident", "severity": "warning", "component": "model"}},
    )
    wait_until(lambda: len(running.alertmanager.states()) == 2, what="both", seconds=SECONDS)
    running.wait_for_state("ModelIncident", "active")
    running.wait(2)


def test_what_nobody_owns_goes_to_the_default_team_and_quiet_environments_to_nobody(running: Running) -> None:
    """An unknown owner and none reach the default team; whatever happens in staging reaches no one."""
    running.alertmanager.post(_alert(environment="staging"), _alert(environment="dev", owner="unowned"))
    running.wait_for_state("ModelIncident", "active")
    running.alertmanager.post(
        _alert(owner="who", model="a"), _alert("ModelUnowned", owner="unowned", severity="warning", model="b")
    )
    running.wait(2)
    assert {(message.name, message.title) for message in running.sink.slack} == {
        ("platform", "CRITICAL ModelIncident a (production)"),
        ("platform", "WARNING ModelUnowned b (production)"),
    }


def test_models_that_nobody_owns_are_one_message(running: Running) -> None:
    """However many there are: it says how many, and one environment is not mixed with another."""
    running.alertmanager.post(
        *(_alert("ModelUnowned", owner="unowned", severity="warning", model=f"model-{n}") for n in range(12)),
        _alert("ModelUnowned", owner="unowned", severity="warning", environment="lab", model="other"),
    )
    running.wait(2)
    assert {(message.title, "12 alerts in all" in message.text) for message in running.sink.slack} == {
        ("WARNING ModelUnowned (production)", True),
        ("WARNING ModelUnowned other (lab)", False),
    }


def test_an_incident_that_lasts_is_escalated_by_mail(running: Running) -> None:
    """The other team's mail has both forms, and nothing that a label says becomes markup."""
    running.alertmanager.post(_alert("ModelIncidentUnresolved", escalation="1", model=HOSTILE))
    running.wait(1)
    (mail,) = running.sink.mails
    assert mail.to == ("search@example.org",)
    assert mail.subject == f"[CRITICAL] ModelIncidentUnresolved {HOSTILE} (production)"
    assert "Cause: A new version, 1.5.0, since 09:58." in mail.text
    assert "&lt;script&gt;" in mail.html
    assert "<script>" not in mail.html
    assert '<a href="https://runbooks.example.org/model_exporter/ModelIncident.md">Runbook</a>' in mail.html


def test_a_label_cannot_ping_a_channel(running: Running) -> None:
    """Slack's own marks arrive as text."""
    running.alertmanager.post(_alert(model=HOSTILE, owner="platform"))
    running.wait(1)
    (message,) = running.sink.slack
    assert message.title.startswith('CRITICAL ModelIncident fraud &lt;!channel&gt; "x" &amp; &lt;script&gt;')
    assert "<!channel>" not in message.text


def test_the_watchdog_beats(running: Running) -> None:
    """The alert that always fires goes to the heartbeat, although it has the severity of a symptom."""
    running.alertmanager.post(_alert("ModelWatchdog", severity="none", component="model_exporter"))
    running.wait(1)
    assert running.sink.webhooks[0].name == "heartbeat"


def test_what_can_wait_waits_for_office_hours(running: Running) -> None:
    """Outside of them a lower tier reaches the chat and no pager, and a warning nobody; within them both are sent."""
    running.alertmanager.post(_alert(owner="asleep", tier="3"), _alert(owner="asleep", severity="warning", model="b"))
    running.wait(1)
    running.alertmanager.post(_alert(owner="awake", tier="3"), _alert(owner="awake", severity="warning", model="b"))
    running.wait(4)
    assert [message.channel for message in running.sink.slack] == ["#asleep", "#awake"]
    assert [page.details["owner"] for page in running.sink.pagerduty] == ["awake"]
    assert [ticket.name for ticket in running.sink.webhooks] == ["awake-tickets"]


def test_office_hours_do_not_keep_a_high_tier_waiting(running: Running) -> None:
    """Tiers 1 and 2, and an unknown one, page at any hour."""
    running.alertmanager.post(_alert(owner="asleep", tier="2"), _alert(owner="asleep", tier="", model="b"))
    running.wait(4)
    assert {page.component for page in running.sink.pagerduty} == {"fraud", "b"}


def test_a_current_alertmanager_writes_tickets_itself(tmp_path: Path) -> None:
    """An issue in Jira whose markup no label can bend, and a flat object with a key for repetitions."""
    if given("alertmanager") is None:
        pytest.skip("MODEL_EXPORTER_TEST_ALERTMANAGER names no current Alertmanager")
    with alert_sink() as sink:
        owners, base, config = (tmp_path / name for name in ("owners.yml", "base.yml", "alertmanager.yml"))
        owners.write_text(_current_owners(tmp_path, sink), "utf-8")
        base.write_text("", "utf-8")
        config.write_text(_quick(render(owners, base, Profile.CURRENT)), "utf-8")
        write_templates(tmp_path)
        with run_alertmanager(tmp_path, config) as alertmanager:
            running = Running(alertmanager, sink)
            alertmanager.post(
                _alert(severity="warning", model="fraud {code}"), _alert(severity="warning", owner="search")
            )
            running.wait(2)
    (issue,) = sink.jira
    assert (issue.project, issue.issue_type, issue.summary) == (
        "MLOPS",
        "Task",
        "ModelIncident fraud {code} (production)",
    )
    assert "* Model: fraud \\{code\\}" in issue.description
    assert "* Runbook: https://runbooks.example.org" in issue.description
    assert "model" in issue.labels
    (ticket,) = sink.webhooks
    assert ticket.body["key"] == "ModelIncident/production/fraud"
    assert (ticket.body["status"], ticket.body["owner"], ticket.body["severity"]) == ("firing", "search", "warning")
    assert "Cause: A new version" in ticket.body["description"]
