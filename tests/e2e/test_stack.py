"""docker-compose.yml without containers: its programs with its own flags and files, on other ports and paths."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

import stack
from e2e.alertmanagers import Alertmanager
from e2e.programs import given, require
from e2e.test_prometheus import Prometheus
from model_exporter.demo.processes import HOST, Child, fetch, free_port, running, wait_until

pytestmark = [pytest.mark.prometheus, pytest.mark.slow]
SERVICES: Final = stack.services()
SECONDS: Final = 90
LISTENS: Final = {
    "exporter": {4317: "--otlp.grpc-address", 4318: "--otlp.http-address", 19464: "--web.listen-address"},
    "inbox": {8080: "--listen-address"},
    "prometheus": {9090: "--web.listen-address"},
    "alertmanager": {9093: "--web.listen-address"},
    "demo": dict[int, str](),
}
"""The ports that each program has in its container, and the flag that moves it."""
BEAT: Final = "/tmp/model_exporter-demo.beat"  # noqa: S108  # of the container
INCIDENT: Final = {
    "labels": {
        "alertname": "ModelIncident",
        "component": "model",
        "model": "tumour",
        "owner": "screening-ml",
        "severity": "critical",
        "tier": "1",
        "environment": "demo",
        "cause": "concept_shift",
    },
    "annotations": {"summary": "It is wrong."},
}


class Stack:
    """Everything but Grafana, on this machine: a folder stands for the root of each container's file system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {(name, port): free_port() for name, ports in LISTENS.items() for port in ports}
        self.children: dict[str, Child] = {}

    @property
    def prometheus(self) -> Prometheus:
        """For queries."""
        return Prometheus(self.ports["prometheus", 9090])

    def root(self, name: str) -> Path:
        """Where the mounted files of a service are: copies with this machine's addresses, empty folders for volumes."""
        root = self.folder / name
        if root.exists():
            return root
        for mount in stack.mounts(SERVICES[name]):
            target = root / str(mount.target).lstrip("/")
            source = stack.ROOT / mount.source
            target.parent.mkdir(parents=True, exist_ok=True)
            if mount.named:
                target.mkdir()
            elif source.is_dir():
                shutil.copytree(source, target)
            else:
                target.write_text(self.here(name, source.read_text("utf-8")), "utf-8")
        return root

    def here(self, name: str, text: str) -> str:
        """What a service's command or file says, for this machine."""
        there = {f"{service}:{port}": f"{HOST}:{moved}" for (service, port), moved in self.ports.items()}
        own = {
            f"localhost:{port}": f"{HOST}:{moved}" for (service, port), moved in self.ports.items() if service == name
        }
        mounted = sorted((str(mount.target) for mount in stack.mounts(SERVICES[name])), reverse=True)
        return stack.elsewhere(text, there | own, {path: self.folder / name / path.lstrip("/") for path in mounted})

    def command(self, name: str, program: Sequence[str]) -> list[str]:
        """The command line of a service, its listeners moved."""
        self.root(name)
        moved = {flag: self.ports[name, port] for port, flag in LISTENS[name].items()}
        words = [self.here(name, word) for word in SERVICES[name]["command"] if word.partition("=")[0] not in moved]
        return [*program, *words, *(f"{flag}={HOST}:{port}" for flag, port in moved.items())]

    def text(self, name: str, port: int, path: str) -> str:
        """The body of a page."""
        status, body = fetch(self.ports[name, port], path)
        assert status == 200, f"{name}{path}: {status} {body}"
        return body

    def wait_for(self, name: str, port: int, path: str) -> None:
        """Until the page is there."""
        child = self.children[name]
        wait_until(lambda: fetch(self.ports[name, port], path)[0] == 200, what=name, seconds=SECONDS, child=child)


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """Exporter, the model that sends to it, inbox, Alertmanager and Prometheus, all ready."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # the sign of life of what sends
    programs = {
        "exporter": [sys.executable, "-m", "model_exporter"],
        "inbox": [sys.executable, "-m"],
        "alertmanager": [require("alertmanager")],
        "prometheus": [require("prometheus")],
        "demo": [sys.executable, "-m"],
    }
    running_stack = Stack(tmp_path)
    with ExitStack() as ending:
        for name, program in programs.items():
            command = running_stack.command(name, program)
            running_stack.children[name] = ending.enter_context(running(name, command, tmp_path))
        running_stack.wait_for("exporter", 19464, "/-/ready")
        running_stack.wait_for("inbox", 8080, "/")
        running_stack.wait_for("alertmanager", 9093, "/-/ready")
        running_stack.wait_for("prometheus", 9090, "/-/ready")
        yield running_stack


def test_the_stack_hangs_together(started: Stack) -> None:
    """Targets are up, rules are loaded, Alertmanager is known, predictions arrive, and a page reaches its owner."""
    prometheus = started.prometheus
    _targets_are_up(prometheus)
    _rules_are_loaded(prometheus)
    wait_until(
        lambda: prometheus.value('prometheus_notifications_alertmanagers_discovered{job="prometheus"}') == 1,
        what="Alertmanager to be discovered",
        seconds=SECONDS,
    )
    wait_until(
        lambda: (prometheus.value('sum(model_predictions_total{model="tumour",job="model_exporter"})') or 0) > 0,
        what="predictions of the model",
        seconds=SECONDS,
        child=started.children["demo"],
    )
    assert prometheus.value('model_ownership_timestamp_seconds{owner="screening-ml",tier="1",environment="demo"} > 0')
    Alertmanager(started.ports["alertmanager", 9093], started.children["alertmanager"]).post(INCIDENT)
    wait_until(
        lambda: {"pagerduty", "slack"} <= _ways(started.text("inbox", 8080, "/")),
        what="the owner to be told by pager and chat",
        seconds=SECONDS,
    )
    text = started.text("inbox", 8080, "/")
    assert "pagerduty  screening-ml trigger" in text
    assert "slack      #screening-ml CRITICAL ModelIncident tumour (demo)" in text
    assert started.children["inbox"].output.read_text("utf-8") == text
    _are_healthy(started)
    # What is kept lies in the volumes.
    assert (started.root("exporter") / "var" / "lib" / "model_exporter" / "join.db").exists()
    assert (started.root("prometheus") / "prometheus" / "wal").is_dir()


def _targets_are_up(prometheus: Prometheus) -> None:
    """All but Grafana, which does not run here."""
    config = stack.load(stack.ROOT / "exporter" / "compose" / "prometheus.yml")
    jobs = {job["job_name"] for job in config["scrape_configs"]} - {"grafana"}
    wait_until(
        lambda: {dict(labels)["job"] for labels in prometheus.query("up == 1")} == jobs,
        what=f"targets of {sorted(jobs)}",
        seconds=SECONDS,
    )


def _rules_are_loaded(prometheus: Prometheus) -> None:
    """Every group of the small profile, and none that failed."""
    data = prometheus.get("/api/v1/rules")
    assert isinstance(data, dict)
    loaded = {group["name"] for group in data["groups"]}
    written = {group["name"] for path in (stack.ROOT / "rules").glob("*.yml") for group in stack.load(path)["groups"]}
    assert loaded == written
    assert [rule["name"] for group in data["groups"] for rule in group["rules"] if rule["health"] == "err"] == []


def _ways(text: str) -> set[str]:
    """How notifications have come, of the inbox's page."""
    return {line.split()[1] for line in text.splitlines()}


def _are_healthy(started: Stack) -> None:
    """The health checks of docker-compose.yml say so, of each program that is here with its tool."""
    for name in LISTENS:
        command = _health_check(started, name)
        if command:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
            assert done.returncode == 0, (name, command, done.stdout, done.stderr)
            _notices_a_wrong_port(started, name, command)


def _health_check(started: Stack, name: str) -> list[str]:
    """The command of a service's health check; empty where the tool of this machine is too old for it."""
    _, program, *arguments = SERVICES[name]["healthcheck"]["test"]
    if program == "promtool" and given("promtool") is None:
        return []  # Debian's cannot ask a server whether it is ready
    for (service, port), moved in started.ports.items():
        if service == name:
            arguments = [re.sub(rf"\b{port}\b", str(moved), word) for word in arguments]
    arguments = [word.replace(BEAT, str(started.folder / Path(BEAT).name)) for word in arguments]
    return [sys.executable if program == "python" else require(program), *arguments]


def _notices_a_wrong_port(started: Stack, name: str, command: Sequence[str]) -> None:
    """The same check fails where nothing listens."""
    closed = str(free_port())
    broken = list(command)
    for (service, _), moved in started.ports.items():
        if service == name:
            broken = [word.replace(str(moved), closed) for word in broken]
    if broken != list(command):
        done = subprocess.run(broken, capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode != 0, broken
