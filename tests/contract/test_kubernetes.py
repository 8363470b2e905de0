"""exporter/kubernetes: a kustomize base in which everything that is referred to is there, checked without kubectl."""

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import click
import pytest
import yaml

import stack
from model_exporter import __version__
from model_exporter.cli.serve import serve
from model_exporter.config.load import load_settings
from model_exporter.expose import http
from model_exporter.pack import rules
from model_exporter.pack.shipped import shipped

Resource = Mapping[str, Any]  # Any: it is YAML
FOLDER = stack.ROOT / "exporter" / "kubernetes"
DASHBOARDS = stack.ROOT / "dashboards"
BASE = stack.load(FOLDER / "kustomization.yaml")
RULES = FOLDER / "prometheusrules.yaml"
LARGEST_CONFIG_MAP = 1_000_000
"""Bytes: the server takes 1 MiB with everything around the data."""


def _resources() -> Iterator[Resource]:
    for name in BASE["resources"]:
        if (FOLDER / name).is_file():
            yield from yaml.safe_load_all((FOLDER / name).read_text("utf-8"))


def _one(kind: str) -> Resource:
    (found,) = [resource for resource in _resources() if resource["kind"] == kind]
    return found


def _pod() -> Resource:
    return dict(_one("Deployment")["spec"]["template"])


def _containers() -> dict[str, Resource]:
    spec = _pod()["spec"]
    return {container["name"]: container for container in (*spec["initContainers"], *spec["containers"])}


def _exporter() -> Resource:
    return _containers()["model-exporter"]


def _ports() -> dict[str, int]:
    """Ports of the pod by name."""
    return {
        port["name"]: port["containerPort"]
        for container in _containers().values()
        for port in container.get("ports", ())
    }


def test_every_file_is_part_of_the_base() -> None:
    """What the kustomization names exists, and nothing lies around that it does not name."""
    generated = {name for generator in BASE["configMapGenerator"] for name in generator["files"]}
    named = {"kustomization.yaml", *generated, *(name for name in BASE["resources"] if "/" not in name)}
    assert {path.name for path in FOLDER.iterdir()} == named
    others = [FOLDER / name for name in BASE["resources"] if "/" in name]
    assert [path.resolve() for path in others] == [DASHBOARDS]
    assert (DASHBOARDS / "kustomization.yaml").is_file()


def test_every_resource_is_one() -> None:
    """With a version, a kind and a name of its own; none says where it belongs, which is the overlay's to say."""
    seen = [(resource["apiVersion"], resource["kind"], resource["metadata"]["name"]) for resource in _resources()]
    assert len(set(seen)) == len(seen)
    assert {kind for _, kind, _ in seen} == {"Deployment", "NetworkPolicy", "PodMonitor", "PrometheusRule"}
    assert [resource for resource in _resources() if "namespace" in resource["metadata"]] == []


def test_the_exporter_is_a_sidecar() -> None:
    """It starts before the model and ends after it."""
    (sidecar,) = _pod()["spec"]["initContainers"]
    assert (sidecar["name"], sidecar["restartPolicy"]) == ("model-exporter", "Always")


def test_selectors_find_the_pod() -> None:
    """Those of the Deployment, the PodMonitor and the NetworkPolicy are among the pod's labels."""
    labels = _pod()["metadata"]["labels"].items()
    selectors = [
        _one("Deployment")["spec"]["selector"],
        _one("PodMonitor")["spec"]["selector"],
        _one("NetworkPolicy")["spec"]["podSelector"],
    ]
    for selector in selectors:
        assert selector["matchLabels"].items() <= labels, selector
        assert selector["matchLabels"]


def test_prometheus_reaches_the_metrics() -> None:
    """By the port's name, at the number and path that the exporter has by default; the network lets it through."""
    (endpoint,) = _one("PodMonitor")["spec"]["podMetricsEndpoints"]
    defaults = {option.opts[0]: option.default for option in serve.params if isinstance(option, click.Option)}
    assert f":{_ports()[endpoint['port']]}" == defaults["--web.listen-address"]
    assert endpoint["path"] == "/metrics"
    (rule,) = _one("NetworkPolicy")["spec"]["ingress"]
    assert [port["port"] for port in rule["ports"]] == [endpoint["port"]]


def test_the_doors_are_within_the_pod() -> None:
    """The exporter keeps them on loopback, where the model sends to."""
    assert [word for word in _exporter()["args"] if "-address" in word] == []
    assert "--endpoint=http://127.0.0.1:4318" in _containers()["model"]["args"]
    assert list(_ports()) == ["model-metrics"]


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_a_probe_asks_what_the_exporter_answers(probe: str) -> None:
    """A path that is a probe, at a port that the container has; liveness never depends on being ready."""
    asked = _exporter()[probe]["httpGet"]
    assert asked["path"] in http._PROBES
    assert asked["port"] in _ports()
    assert (asked["path"] == "/-/healthy") == (probe == "livenessProbe")


def test_the_arguments_are_flags_of_the_exporter() -> None:
    """`serve` takes them, and reads its configuration where the ConfigMap is mounted."""
    command, *arguments = _exporter()["args"]
    assert command == "serve"
    options = serve.make_context("serve", list(arguments)).params
    (generator,) = BASE["configMapGenerator"]
    mounted = {mount["name"]: PurePosixPath(mount["mountPath"]) for mount in _exporter()["volumeMounts"]}
    assert PurePosixPath(options["config_file"]) in {mounted["config"] / name for name in generator["files"]}


def test_the_configuration_is_valid() -> None:
    """Its models have owners and tiers."""
    settings = load_settings(FOLDER / "exporter.yml")
    assert settings.models
    assert [name for name, model in settings.models.items() if not model.owner or not model.tier] == []


def test_volumes_and_mounts_agree() -> None:
    """Every mount has its volume, every volume is used, and the ConfigMap is the generated one."""
    volumes = {volume["name"]: volume for volume in _pod()["spec"]["volumes"]}
    used = {mount["name"] for container in _containers().values() for mount in container["volumeMounts"]}
    assert used == set(volumes)
    (generator,) = BASE["configMapGenerator"]
    assert volumes["config"]["configMap"]["name"] == generator["name"]
    assert [
        name for name, volume in volumes.items() if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]
    ] == []


def test_the_state_is_where_the_image_keeps_it() -> None:
    """The storage path of the image is a volume that its user may write to."""
    dockerfile = (stack.ROOT / "exporter" / "Dockerfile").read_text("utf-8")
    path = next(mount["mountPath"] for mount in _exporter()["volumeMounts"] if mount["name"] == "state")
    assert f"MODEL_EXPORTER_STORAGE_PATH={path}\n" in dockerfile
    assert f"--storage.path={path}" in _exporter()["args"]
    security = _pod()["spec"]["securityContext"]
    assert f"USER {security['runAsUser']}:{security['runAsGroup']}\n" in dockerfile
    assert security["fsGroup"] == security["runAsGroup"]


@pytest.mark.parametrize("name", ["model-exporter", "model"])
def test_a_container_is_locked_up(name: str) -> None:
    """No root, no more rights than it has, nothing to write to but volumes; bounded memory, and no throttling."""
    pod, container = _pod()["spec"], _containers()[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(container["resources"]["requests"]) == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]


def test_images_are_pinned_in_one_place() -> None:
    """Containers name no tag; the kustomization gives each the version of the package."""
    named = {container["image"] for container in _containers().values()}
    assert {image["name"]: image["newTag"] for image in BASE["images"]} == dict.fromkeys(named, __version__)


def test_the_rules_are_rendered() -> None:
    """`model_exporter pack rules --format operator` writes exactly this; nobody edited it."""
    files = [rules.render(path, rules.Site()) for path in rules.rule_files(shipped("rules"))]
    rendered = "---\n".join(rules.operator(file, rules.Resource()) for file in files)
    assert RULES.read_text("utf-8") == rendered, "make render"


def test_the_example_of_an_overlay_is_about_what_is_there() -> None:
    """The comment on top says how to change images that exist, in YAML that reads."""
    text = (FOLDER / "kustomization.yaml").read_text("utf-8")
    (line,) = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#   images:")]
    (image,) = yaml.safe_load(line)["images"]
    assert image["name"] in {image["name"] for image in BASE["images"]}
    commands = [shlex.split(line.lstrip("# ")) for line in text.splitlines() if "kubectl kustomize" in line]
    assert [(stack.ROOT / words[2]).resolve() for words in commands] == [FOLDER]


def _dashboard_maps() -> list[Resource]:
    return list(stack.load(DASHBOARDS / "kustomization.yaml")["configMapGenerator"])


def test_every_dashboard_is_a_config_map() -> None:
    """Each file once, with a label that Grafana's sidecar looks for and a name that does not change."""
    listed = [name for generator in _dashboard_maps() for name in generator["files"]]
    assert sorted(listed) == sorted(path.name for path in DASHBOARDS.glob("*.json"))
    names = [generator["name"] for generator in _dashboard_maps()]
    assert len(set(names)) == len(names)
    options = stack.load(DASHBOARDS / "kustomization.yaml")["generatorOptions"]
    assert options["labels"] == {"grafana_dashboard": "1"}
    assert options["disableNameSuffixHash"] is True


def test_a_config_map_is_not_too_large() -> None:
    """One dashboard fits into one."""
    sizes = {path: path.stat().st_size for path in DASHBOARDS.glob("*.json")}
    assert [path for path, size in sizes.items() if size > LARGEST_CONFIG_MAP] == []
    assert [path for path in sizes if not isinstance(json.loads(path.read_text("utf-8")), dict)] == []
