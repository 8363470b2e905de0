"""docker-compose.yml: each service is locked up, and everything that it mounts is what its program takes."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import pytest

import stack
from e2e.programs import require
from model_exporter.config.load import load_settings
from model_exporter.pack.alertmanager import render
from model_exporter.pack.profiles import Profile

pytestmark = pytest.mark.prometheus
ROOT = stack.ROOT
FOLDER = ROOT / "exporter" / "compose"
DASHBOARDS = ROOT / "dashboards"
PROVISIONING = DASHBOARDS / "provisioning"
SERVICES = stack.services()
LISTENS = {
    "exporter": {4317, 4318, 19464},
    "demo": set[int](),
    "inbox": {8080},
    "prometheus": {9090},
    "alertmanager": {9093},
    "grafana": {3000},
}
"""The ports of each service's program as it is started here."""
PROGRAM_SECONDS = 60
INCIDENT = ["alertname=ModelIncident", "component=model", "environment=demo", "model=tumour"]

each_service = pytest.mark.parametrize("name", SERVICES)


def _compose_command() -> list[str]:
    """Docker Compose, either as the plugin of `docker` or as a program."""
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    return [require("docker-compose")]


def test_compose_takes_the_file() -> None:
    """`docker compose config` is content; it needs no daemon."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [*_compose_command(), "--file", str(stack.FILE), "config", "--quiet"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_whole_stack_is_there() -> None:
    """Exporter, a model that sends to it, Prometheus, Alertmanager, Grafana, and where notifications end up."""
    assert set(SERVICES) == set(LISTENS)


@each_service
def test_a_service_is_locked_up(name: str) -> None:
    """No root, no capability, no way to get more; nothing to write to but volumes and a bounded /tmp."""
    service = SERVICES[name]
    user, group = service["user"].split(":")
    assert int(user) > 0, "root"
    assert group.isdecimal()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [re.sub(r"\d+m", "", tmpfs) for tmpfs in service["tmpfs"]] == ["/tmp:size=,mode=1777"]  # noqa: S108  # of a container
    assert not {"privileged", "cap_add", "network_mode", "pid", "ipc", "devices"} & set(service)


@each_service
def test_a_service_has_limits_and_is_looked_after(name: str) -> None:
    """Processor and memory are bounded, a health check says whether it works, and it is started again."""
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[MG]", limits["memory"])
    check = service["healthcheck"]
    assert check["test"][0] == "CMD", "a shell that the image may lack"
    assert "curl" not in check["test"]
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)
    assert service["restart"] == "unless-stopped"


@each_service
def test_an_image_is_pinned(name: str) -> None:
    """To a whole version, by a plain name."""
    assert re.fullmatch(r"([a-z]+/)?[a-z_-]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])


def test_the_servers_are_those_that_the_rules_are_tested_on() -> None:
    """What `make test-current` builds is what runs here."""
    script = (ROOT / ".ci" / "setup-current").read_text("utf-8")
    built = dict(re.findall(r"^(PROMETHEUS|ALERTMANAGER)=v(\S+)", script, re.MULTILINE))
    major, minor_patch = built["PROMETHEUS"].split(".", 1)  # the module is 0.MNN.P, the release M.NN.P
    release = f"{minor_patch[0]}.{int(minor_patch[1:3])}{minor_patch[3:]}"
    assert major == "0"
    assert SERVICES["prometheus"]["image"] == f"prom/prometheus:v{release}"
    assert SERVICES["alertmanager"]["image"] == f"prom/alertmanager:v{built['ALERTMANAGER']}"


@each_service
def test_ports_are_published_on_loopback_only(name: str) -> None:
    """At the same number, and only such as the program listens on."""
    published = stack.published(SERVICES[name])
    assert published == {port: f"127.0.0.1:{port}" for port in published}
    assert set(published) == LISTENS[name]


@each_service
def test_what_is_mounted_exists_and_cannot_be_written(name: str) -> None:
    """Files of the repository are there and everybody may read them; volumes are declared."""
    declared = stack.compose()["volumes"]
    for mount in stack.mounts(SERVICES[name]):
        if mount.named:
            assert mount.source in declared
            continue
        path = ROOT / mount.source
        assert path.exists(), path
        assert mount.read_only, mount
        files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
        assert files
        assert [file for file in files if not file.stat().st_mode & 0o004] == []


@each_service
def test_an_address_in_a_command_is_of_a_service(name: str) -> None:
    """What a command, a mounted file or a data source calls by name listens there, in a network that both are in."""
    texts = [json.dumps(SERVICES[name].get("command", []))]
    for mount in stack.mounts(SERVICES[name]):
        path = ROOT / mount.source
        texts += [path.read_text("utf-8")] if not mount.named and path.is_file() else []
    if name == "grafana":
        texts += [path.read_text("utf-8") for path in PROVISIONING.rglob("*.yml")]
    for host, port in re.findall(rf"(?<![\w.-])({'|'.join(SERVICES)}):(\d+)", "\n".join(texts)):
        assert int(port) in LISTENS[host], f"{name} calls {host}:{port}"
        assert set(SERVICES[host]["networks"]) & set(SERVICES[name]["networks"]), f"{name} cannot reach {host}"


def test_the_model_reaches_nothing_but_the_exporter() -> None:
    """Its network has no other service in it."""
    (network,) = SERVICES["demo"]["networks"]
    assert {name for name, service in SERVICES.items() if network in service["networks"]} == {"demo", "exporter"}


def test_the_exporter_takes_its_configuration() -> None:
    """Its model has an owner and a tier, so that alerts have somebody to go to."""
    path = stack.on_host(SERVICES["exporter"], stack.flags(SERVICES["exporter"])["--config.file"])
    assert path
    settings = load_settings(path)
    teams = stack.load(FOLDER / "owners.yml")["teams"]
    assert {model.owner in teams for model in settings.models.values()} == {True}
    assert {model.tier for model in settings.models.values()} <= {1, 2}
    assert settings.environment == "demo"


def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    """Nothing is wrong with it by promtool, nor with the rules; the small profile alone is loaded."""
    service = SERVICES["prometheus"]
    path = stack.on_host(service, stack.flags(service)["--config.file"])
    rules = stack.on_host(service, "/etc/prometheus/rules")
    assert path
    assert rules == ROOT / "rules"
    config = tmp_path / "prometheus.yml"
    config.write_text(stack.elsewhere(path.read_text("utf-8"), {}, {"/etc/prometheus/rules": rules}), "utf-8")
    done = subprocess.run(
        [require("promtool"), "check", "config", str(config)],
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    checked = set(re.findall(r"Checking (\S+\.yml)", done.stdout)) - {str(config)}
    assert checked == {str(path) for path in rules.glob("*.yml")}


def test_the_routing_is_rendered_from_the_owners() -> None:
    """Nobody edited it."""
    rendered = render(FOLDER / "owners.yml", FOLDER / "base.yml", Profile("0.25"))
    assert (FOLDER / "alertmanager.yml").read_text("utf-8") == rendered


def _alertmanager(tmp_path: Path) -> Path:
    """Alertmanager's configuration with the paths of this machine, its templates beside it."""
    service = SERVICES["alertmanager"]
    path = stack.on_host(service, stack.flags(service)["--config.file"])
    templates = stack.on_host(service, "/etc/alertmanager/templates")
    assert path
    assert templates
    secrets = {str(mount.target): ROOT / mount.source for mount in stack.mounts(service) if "secrets" in mount.source}
    config = tmp_path / "alertmanager.yml"
    config.write_text(stack.elsewhere(path.read_text("utf-8"), {}, secrets), "utf-8")
    shutil.copytree(templates, tmp_path / "templates")
    return config


def test_alertmanager_takes_its_configuration(tmp_path: Path) -> None:
    """With its templates, which lie beside it."""
    done = subprocess.run(
        [require("amtool"), "check-config", str(_alertmanager(tmp_path))],
        capture_output=True,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"- 1 templates\s+SUCCESS", done.stdout)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["severity=critical", "owner=screening-ml", "tier=1"], "screening-ml/page,screening-ml/chat"),
        (["severity=warning", "owner=screening-ml", "tier=1"], "screening-ml/ticket"),
        (["severity=info", "owner=screening-ml", "tier=1"], "null"),
        (["severity=critical"], "ml-platform/chat"),
    ],
)
def test_the_owner_of_the_model_is_told(tmp_path: Path, labels: list[str], receivers: str) -> None:
    """By pager, chat or ticket; what nobody owns reaches the platform's team."""
    config = _alertmanager(tmp_path)
    command = [require("amtool"), "config", "routes", "test", f"--config.file={config}", *INCIDENT, *labels]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_SECONDS, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, receivers)


def test_alertmanager_reads_secrets_from_files() -> None:
    """Each file that it is told of is a secret of its service; what the repository holds leads to the inbox."""
    text = (FOLDER / "alertmanager.yml").read_text("utf-8")
    told = set(re.findall(r"_file: (\S+)", text))
    assert told == {f"/run/secrets/{name}" for name in SERVICES["alertmanager"]["secrets"]}
    contents = [path.read_text("utf-8") for path in (FOLDER / "secrets").iterdir()]
    assert [content for content in contents if "inbox" not in content] == []


def _sources() -> list[dict[str, Any]]:  # Any: it is YAML
    """The data sources that Grafana is provisioned with."""
    return [
        source
        for path in sorted((PROVISIONING / "datasources").glob("*.yml"))
        for source in stack.load(path)["datasources"]
    ]


def test_grafana_has_the_sources() -> None:
    """Prometheus, which is the one that dashboards choose by themselves, and Alertmanager."""
    assert [(source["type"], source.get("isDefault", False)) for source in _sources()] == [
        ("prometheus", True),
        ("alertmanager", False),
    ]
    for source in _sources():
        url = urlsplit(source["url"])
        assert (url.scheme, url.hostname, {url.port}) == ("http", source["type"], LISTENS[source["type"]])
        assert {"name", "uid", "access", "editable"} <= set(source)
    assert _sources()[1]["jsonData"]["implementation"] == "prometheus"


def test_grafana_knows_how_often_prometheus_scrapes() -> None:
    """Rates of the dashboards reach over four scrapes."""
    scrape = stack.load(FOLDER / "prometheus.yml")["global"]["scrape_interval"]
    assert _sources()[0]["jsonData"]["timeInterval"] == scrape


def test_grafana_reads_the_dashboards_of_the_repository() -> None:
    """From the folder that is mounted, into a folder of their own; Grafana's interface changes none."""
    (path,) = (PROVISIONING / "dashboards").glob("*.yml")
    (provider,) = stack.load(path)["providers"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
    assert stack.on_host(SERVICES["grafana"], provider["options"]["path"]) == DASHBOARDS
    assert stack.on_host(SERVICES["grafana"], "/etc/grafana/provisioning") == PROVISIONING
    folders = {folder.name for folder in PROVISIONING.iterdir()}
    assert folders == {"datasources", "dashboards"}, "Grafana reads folders of these names"


def test_grafana_opens_with_a_dashboard() -> None:
    """The home dashboard is one of those that are provisioned, and all of them are JSON with a uid of their own."""
    files = sorted(DASHBOARDS.glob("*.json"))
    uids = [json.loads(path.read_text("utf-8"))["uid"] for path in files]
    assert len(set(uids)) == len(files) > 0
    home = PurePosixPath(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert stack.on_host(SERVICES["grafana"], str(home)) in files


def test_grafana_leaves_its_plugins_alone() -> None:
    """It would unload those that it cannot replace on a read-only file system, the one for Prometheus among them."""
    told = SERVICES["grafana"]["environment"]
    assert told["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert told["GF_PLUGINS_PREINSTALL_AUTO_UPDATE"] == "false"


def test_grafana_has_no_password() -> None:
    """Nobody can log in, and whoever opens it may only look."""
    told = SERVICES["grafana"]["environment"]
    assert told["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert told["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert told["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert [name for name in told if "PASSWORD" in name] == []
