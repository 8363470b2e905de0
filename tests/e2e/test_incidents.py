"""From predictions to messages: real SDK, exporters, Prometheus with the shipped rules, Alertmanager, and who is told.

Six models live through one story, each with a fault and an owner of its own, while time passes thirty times as fast for
rules and routing (see `hurried`). All faults begin at once; what was told is looked at when the story is over.
"""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from e2e.alert_sink import AlertSink, SlackMessage, WebhookCall, alert_sink
from e2e.alertmanagers import Alertmanager, run_alertmanager
from e2e.exporters import Exporter, run_exporter
from e2e.hurried import hurry_routes, hurry_rules
from e2e.programs import given, require
from e2e.python_sdk import Client
from model_exporter.demo.processes import HOST, fetch, free_port, running, wait_until

pytestmark = [pytest.mark.prometheus, pytest.mark.timeout(400)]

FACTOR: Final = 30
SLOT_SECONDS: Final = 15.0
"""Of the exporter's evidence, in real time."""
ROWS_PER_SECOND: Final = 60
TICK_SECONDS: Final = 0.5
LEARN_ROWS: Final = 1000
SECONDS: Final = 100.0
"""For any step, on a busy machine."""
CONFIG: Final = f"""
environment: production
learn: {{rows: {LEARN_ROWS}, stable_for: 1s}}
models:
  fraud: {{owner: payments, tier: 1}}
  churn: {{owner: growth, tier: 2}}
  search: {{owner: ranking, tier: 1}}
"""
DOOMED: Final = f"""
environment: production
learn: {{rows: {LEARN_ROWS}, stable_for: 1s}}
models:
  credit: {{owner: risk, tier: 1}}
"""
STAGING: Final = f"""
environment: staging
learn: {{rows: {LEARN_ROWS}, stable_for: 1s}}
models:
  rehearsal: {{owner: lab, tier: 1}}
"""


@dataclass
class Model:
    """A model that serves; the thread that drives it reads what the test sets.

    Attributes:
        moved: by how many standard deviations its inputs are away from where they were.
        harmed: whether its scores follow.
        upstream: a service that it calls for every fourth prediction.
        fails: whether that service fails.
    """

    name: str
    client: Client
    features: int = 3
    upstream: str = ""
    version: str = "1"
    moved: float = 0.0
    harmed: bool = False
    fails: bool = False
    is_served: bool = True
    sent: int = 0
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    def serve(self, count: int) -> None:
        """Predict so often, and tell."""
        inputs = self.random.normal(self.moved, 1.0, (count, self.features)).tolist()
        scores = 1 / (1 + np.exp(-self.random.normal(self.moved if self.harmed else 0.0, 1.0, count)))
        for row, score in zip(inputs, scores.tolist(), strict=True):
            features = {f"feature_{place:02}": value for place, value in enumerate(row)}
            self.client.send([features], first_id=self.sent, more={"score": score, "model.version": self.version})
            if self.upstream and self.sent % 4 == 0:
                self.client.call(self.upstream, failed=self.fails)
            self.sent += 1
        self.client.flush()


@dataclass(frozen=True, slots=True)
class Story:
    """What was told in the end, and what Alertmanager thought while the faults were there.

    Attributes:
        sink: all messages.
        states: during the faults, of each alert by its name and model.
        states_without_exporter: the same after an exporter was killed.
    """

    sink: AlertSink
    states: Mapping[tuple[str, str], set[str]]
    states_without_exporter: Mapping[tuple[str, str], set[str]]

    def tickets(self, name: str) -> Sequence[WebhookCall]:
        """What a team's tickets got."""
        return _tickets(self.sink, name)

    def chat(self, name: str) -> Sequence[SlackMessage]:
        """What a team's chat got."""
        return [message for message in self.sink.slack if message.name == name]


def _tickets(sink: AlertSink, name: str) -> Sequence[WebhookCall]:
    return [call for call in sink.webhooks if call.name == name]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The whole story, told once for all tests."""
    folder = tmp_path_factory.mktemp("incidents")
    with ExitStack() as stack:
        sink = stack.enter_context(alert_sink())
        exporters = {
            name: stack.enter_context(run_exporter(folder / name, config, name=name))
            for name, config in (("main", CONFIG), ("doomed", DOOMED), ("staging", STAGING))
        }
        alertmanager = stack.enter_context(run_alertmanager(folder, _routing(folder, sink)))
        stack.enter_context(_prometheus(folder, list(exporters.values()), alertmanager))
        models = stack.enter_context(_serving(exporters))
        _learn(exporters, models)
        _begin_faults(exporters["main"], models)
        states = _watch(sink, alertmanager)
        without_exporter = _lose_exporter(exporters["doomed"], models["credit"], sink, alertmanager)
        _repair(models["fraud"], sink)
        yield Story(sink, states, without_exporter)


def _routing(folder: Path, sink: AlertSink) -> Path:
    """An `alertmanager.yml`, rendered for six teams whose receivers are the sink."""
    base, owners, target = (folder / name for name in ("base.yml", "owners.yml", "alertmanager.yml"))
    base.write_text(f"global: {{pagerduty_url: '{sink.pagerduty_url}'}}\ntemplates: [templates/*.tmpl]\n", "utf-8")
    keys = {team: sink.secret(folder, f"{team}-key", f"key-of-{team}") for team in ("payments", "risk", "lab")}
    chats = {team: sink.secret(folder, f"{team}-chat", sink.slack_url(team)) for team in ("ranking", "ml", "watch")}
    pager = "  {0}: {{pagerduty: {{routing_key_file: {1}}}, ticket: {{url: '{2}'}}}}\n"
    chat = "  {0}: {{slack: {{channel: '#{0}', api_url_file: {1}}}}}\n"
    owners.write_text(
        "default: ml\nplatform: watch\nteams:\n"
        + "".join(pager.format(team, key, sink.webhook_url(team)) for team, key in keys.items())
        + "".join(chat.format(team, file) for team, file in chats.items())
        + f"  growth: {{ticket: {{url: '{sink.webhook_url('growth')}'}}}}\n",
        "utf-8",
    )
    profile = "current" if given("alertmanager") else "0.25"
    _pack("alertmanager", f"--owners={owners}", f"--base={base}", f"--profile={profile}", "-o", str(target))
    hurry_routes(target, FACTOR)
    return target


def _pack(*arguments: str) -> None:
    command = [sys.executable, "-m", "model_exporter", "pack", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


@contextmanager
def _prometheus(folder: Path, exporters: Sequence[Exporter], alertmanager: Alertmanager) -> Iterator[None]:
    """A Prometheus with the shipped rules that has scraped all exporters."""
    rules, config, port = folder / "rules", folder / "prometheus.yml", free_port()
    _pack("rules", "-o", str(rules))
    hurry_rules(rules, FACTOR)
    targets = ", ".join(f"'{HOST}:{exporter.ports.web}'" for exporter in exporters)
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n"
        f"rule_files: ['{rules}/*.yml']\n"
        f"alerting: {{alertmanagers: [{{static_configs: [{{targets: ['{HOST}:{alertmanager.port}']}}]}}]}}\n"
        f"scrape_configs: [{{job_name: model_exporter, static_configs: [{{targets: [{targets}]}}]}}]\n",
        "utf-8",
    )
    command = [
        require("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={HOST}:{port}",
        f"--rules.alert.resend-delay={60 // FACTOR}s",
        "--log.level=warn",
    ]
    with running("prometheus", command, folder) as child:
        wait_until(lambda: fetch(port, "/-/ready")[0] == 200, what="Prometheus", seconds=SECONDS, child=child)
        yield


@contextmanager
def _serving(exporters: Mapping[str, Exporter]) -> Iterator[dict[str, Model]]:
    """Models by name that serve until the block is left."""
    main = exporters["main"]
    models = {
        name: Model(name, _client(exporter, name), **more)
        for name, exporter, more in (
            ("fraud", main, {}),
            ("churn", main, {"features": 40}),
            ("search", main, {"upstream": "features"}),
            ("stray", main, {}),
            ("credit", exporters["doomed"], {}),
            ("rehearsal", exporters["staging"], {}),
        )
    }
    over = threading.Event()
    thread = threading.Thread(target=_serve, args=(list(models.values()), over))
    thread.start()
    try:
        yield models
    finally:
        over.set()
        thread.join()
        for model in models.values():
            model.client.close()


def _client(exporter: Exporter, name: str) -> Client:
    return Client("http", exporter.endpoint, compression="gzip", model=name, traced=False)


def _serve(models: Sequence[Model], over: threading.Event) -> None:
    """Everyday traffic, after as much at once as baselines are learned from."""
    for model in models:
        model.serve(LEARN_ROWS)
    due = time.monotonic()
    while not over.wait(max(due - time.monotonic(), 0)):
        due += TICK_SECONDS
        for model in models:
            if model.is_served:
                model.serve(round(ROWS_PER_SECOND * TICK_SECONDS))


def _learn(exporters: Mapping[str, Exporter], models: Mapping[str, Model]) -> None:
    """Wait until every model has a baseline and evidence that nothing moved."""
    told = sum(
        len(exporter.wait_for(_all_judged(count), what="evidence", seconds=SECONDS).samples("model_baseline_rows"))
        for exporter, count in zip(exporters.values(), (4, 1, 1), strict=True)
    )
    assert told == len(models)


def _all_judged(count: int) -> Any:  # Any: a condition on a page
    return lambda page: len(page.samples("model_drift_evidence", level="page")) == count


def _begin_faults(exporter: Exporter, models: Mapping[str, Model]) -> None:
    """All at once, at the begin of a slot of evidence, so that its end tells all levels together."""
    wait_until(lambda: time.time() % SLOT_SECONDS < 1, what="a slot to begin", seconds=2 * SLOT_SECONDS)
    status, reply = exporter.post("/v1/events", {"model": "fraud", "change": "deployment"})
    assert status == 200, reply
    models["fraud"].version = "2"
    models["search"].fails = True
    for name, model in models.items():
        model.harmed = name in {"fraud", "credit", "rehearsal"}
        model.moved = 2.0


def _states(alertmanager: Alertmanager) -> Mapping[tuple[str, str], set[str]]:
    states: dict[tuple[str, str], set[str]] = {}
    for labels, state in alertmanager.states():
        states.setdefault((labels["alertname"], labels.get("model", "")), set()).add(state)
    return states


def _watch(sink: AlertSink, alertmanager: Alertmanager) -> Mapping[tuple[str, str], set[str]]:
    """Wait until everybody was told who should be, and whatever fires does so; the states of all alerts then."""

    def told() -> bool:
        chats = {message.name for message in sink.slack}
        pages = {event.routing_key for event in sink.pagerduty}
        return chats >= {"ranking", "ml"} and len(pages) >= 2 and bool(_tickets(sink, "growth"))

    wait_until(told, what="the messages", seconds=SECONDS, child=alertmanager.child)
    expected = {("ModelInputDrift", name) for name in ("fraud", "churn", "search", "stray", "credit", "rehearsal")}
    expected |= {("ModelUpstreamFailing", "search"), ("ModelIncident", "rehearsal")}
    wait_until(lambda: expected <= set(_states(alertmanager)), what="all alerts", seconds=SECONDS)
    return _states(alertmanager)


def _lose_exporter(
    exporter: Exporter, model: Model, sink: AlertSink, alertmanager: Alertmanager
) -> Mapping[tuple[str, str], set[str]]:
    """Kill the exporter of a model in the midst of its incident, and wait until that is told."""
    model.is_served = False
    exporter.child.process.kill()
    key = ("ModelIncident", "credit")
    wait_until(
        lambda: sum(event.routing_key == "key-of-risk" for event in sink.pagerduty) >= 2,
        what="the page about the exporter",
        seconds=SECONDS,
    )
    wait_until(lambda: _states(alertmanager)[key] == {"suppressed"}, what="the incident to be muted", seconds=SECONDS)
    return _states(alertmanager)


def _repair(model: Model, sink: AlertSink) -> None:
    """Deploy a version that is well, and wait until the incident is told to be over."""
    model.version, model.moved, model.harmed = "3", 0.0, False
    wait_until(
        lambda: any(event.action == "resolve" for event in sink.pagerduty), what="the recovery", seconds=2 * SECONDS
    )


def test_drift_after_a_deployment_pages_its_owner_once_with_the_cause(story: Story) -> None:
    """One page, with the deployment as its cause and what triage asks for; then its end, and nothing else."""
    page, recovery = [event for event in story.sink.pagerduty if event.routing_key == "key-of-payments"]
    assert (page.action, page.severity, page.component, page.class_) == ("trigger", "critical", "fraud", "deployment")
    assert page.group == "production"
    told = page.details["firing"]
    assert "version 2" in told
    assert "A new or unapproved version has been running" in told
    assert "deployment at" in told
    assert "feature_00 (input)" in told
    assert "output_drift/drift (page)" in told
    assert "No upstream service fails" in told
    assert set(page.links) == {"Runbook", "Dashboard"}
    assert (recovery.action, recovery.dedup_key) == ("resolve", page.dedup_key)
    assert story.tickets("payments") == []


def test_forty_features_that_drift_are_one_ticket(story: Story) -> None:
    """Inputs alone harm nobody: a ticket, in office hours, with the five features that moved first."""
    (ticket,) = story.tickets("growth")
    (alert,) = ticket.alerts
    assert alert["labels"] == alert["labels"] | {
        "alertname": "ModelIncident",
        "model": "churn",
        "severity": "warning",
        "cause": "population_shift",
        "version": "1",
    }
    assert alert["annotations"]["features"].count("(input)") == 5
    assert story.states["ModelInputDrift", "churn"] == {"active"}


def test_an_upstream_that_fails_silences_the_drift_that_it_causes(story: Story) -> None:
    """One message with the cause; the alert on drift fires and is muted."""
    (message,) = story.chat("ranking")
    assert message.title == "WARNING ModelIncident search (production): upstream_failure"
    assert "features" in message.text
    assert story.states["ModelUpstreamFailing", "search"] == {"active"}
    assert story.states["ModelInputDrift", "search"] == {"suppressed"}


def test_nobody_is_told_of_single_symptoms(story: Story) -> None:
    """Teams hear of incidents, of a model without exporter and of one without owner; drift alone is told to none."""
    titles = [message.title for message in story.sink.slack if message.name != "watch"]
    titles += [event.summary for event in story.sink.pagerduty]
    titles += [alert["labels"]["alertname"] for call in story.sink.webhooks for alert in call.alerts]
    names = {name for title in titles for name in re.findall(r"\bModel[A-Z]\w+", title)}
    assert names - {"ModelUnowned"} == {"ModelIncident", "ModelExporterDown"}


def test_a_model_that_nobody_owns_reaches_the_default_team(story: Story) -> None:
    """Its incident, and that it has no owner; each once."""
    titles = [message.title for message in story.chat("ml")]
    assert titles.count("WARNING ModelIncident stray (production): population_shift") == 1
    assert set(titles) <= {
        "WARNING ModelIncident stray (production): population_shift",
        "WARNING ModelUnowned stray (production)",
    }
    assert len(titles) == len(set(titles))


def test_a_model_in_staging_disturbs_nobody(story: Story) -> None:
    """Its incident is critical and goes nowhere."""
    assert story.states["ModelIncident", "rehearsal"] == {"active"}
    told = [*(event.component for event in story.sink.pagerduty), *(message.title for message in story.sink.slack)]
    assert not [line for line in told if "rehearsal" in line]
    assert story.tickets("lab") == []


def test_a_killed_exporter_is_a_page_and_mutes_the_incident_of_its_model(story: Story) -> None:
    """The incident was told before; without a witness it neither ends nor is told again."""
    incident, down = [event for event in story.sink.pagerduty if event.routing_key == "key-of-risk"]
    assert (incident.action, incident.component, incident.class_) == ("trigger", "credit", "population_shift")
    assert (down.action, down.severity, down.component) == ("trigger", "critical", "credit")
    assert down.summary.startswith("ModelExporterDown credit (production)")
    assert story.states["ModelIncident", "credit"] == {"active"}
    assert story.states_without_exporter["ModelIncident", "credit"] == {"suppressed"}
