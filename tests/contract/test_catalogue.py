"""The catalogue of metrics is what is exposed, what the package counts, and what Prometheus's conventions ask for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import model_exporter
import snapshots
from model_exporter.expose import catalogue
from model_exporter.expose.catalogue import BY_NAME, CATALOGUE
from model_exporter.expose.metric import Group, Metric, MetricType
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.telemetry import Telemetry, TelemetrySnapshot

PACKAGE = Path(model_exporter.__file__).parent
CLASHING = {"owner", "service", "environment", "env", "stage", "region", "zone", "cluster", "customer", "dc", "type"}
"""Labels that targets commonly carry (prometheus/docs, `instrumenting/writing_exporters.md`)."""


def families(body: bytes) -> set[str]:
    """Names of the families in a scrape."""
    return set(re.findall(r"^# TYPE (\S+) ", body.decode(), re.MULTILINE))


def counting_calls() -> Iterator[tuple[str, ast.Call, str]]:
    """Every call in the package that gives the exporter's own metrics a number: where, the call, the name."""
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            name, function = node.args[0].value, ast.unparse(node.func).rpartition(".")[2]
            if (
                function in {"count", "set", "gauge"}
                and isinstance(name, str)
                and re.fullmatch(r"model_exporter_[a-z_]+", name)
            ):
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}", node, name


def test_every_name_is_there_once() -> None:
    """No two metrics have the same name."""
    assert len(BY_NAME) == len(CATALOGUE)


def test_everything_exposed_is_catalogued_and_everything_catalogued_is_exposed() -> None:
    """A snapshot with everything in it, and a count of everything else, expose the catalogue and nothing more."""
    telemetry = Telemetry()
    for metric in CATALOGUE:
        labels = ["any"] * len(metric.labels)
        if metric.group is Group.EXPORTER and metric.type is MetricType.COUNTER:
            telemetry.count(metric.name, *labels)
        elif metric.group is Group.EXPORTER and metric not in (
            catalogue.BUILD_INFO,
            catalogue.SERIES,
            catalogue.MODELS,
        ):
            telemetry.set(metric.name, *labels, value=1)
    body = Renderer().render(snapshots.full_snapshot(), telemetry.read(), Format.TEXT)
    assert families(body) == set(BY_NAME)


def test_the_package_counts_what_the_catalogue_names() -> None:
    """Each count in the code has a catalogued name, a label for each label value, and the right type."""
    wrong = []
    for place, call, name in counting_calls():
        metric = BY_NAME.get(name)
        if metric is None:
            wrong.append(f"{place}: {name} is not in the catalogue")
            continue
        given = len(call.args) - 1
        if given != len(metric.labels) and not any(isinstance(arg, ast.Starred) for arg in call.args):
            wrong.append(f"{place}: {name} has {len(metric.labels)} labels, not {given}")
        is_gauge = any(keyword.arg == "value" for keyword in call.keywords)
        if is_gauge != (metric.type is MetricType.GAUGE):
            wrong.append(f"{place}: {name} is a {metric.type.value}")
    assert wrong == []


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_names_follow_the_conventions(metric: Metric) -> None:
    """Counters alone end in `_total`, infos alone are infos, and help is a sentence."""
    assert re.fullmatch(r"(model|process)_[a-z0-9_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.type is MetricType.COUNTER)
    assert metric.type is not MetricType.INFO or metric.name.endswith("_info")
    assert re.fullmatch(r"[A-Z].*[^.]\.", metric.help)
    assert len(set(metric.labels)) == len(metric.labels)
    assert all(len(values) == len(metric.labels) for values in metric.zeros)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_no_label_clashes_with_those_of_targets(metric: Metric) -> None:
    """What a target may be labelled with stands on the one series that tells who owns a model."""
    assert metric is catalogue.OWNERSHIP or not CLASHING & set(metric.labels)


def test_counters_whose_labels_are_known_begin_at_zero() -> None:
    """They are exposed before anything was counted: `increase` cannot see the first sample of a new series."""
    body = Renderer().render(None, TelemetrySnapshot({}, {}), Format.TEXT).decode()
    for metric in CATALOGUE:
        for values in metric.zeros:
            pairs = ",".join(f'{label}="{value}"' for label, value in zip(metric.labels, values, strict=True))
            assert f"\n{metric.name}{f'{{{pairs}}}' if pairs else ''} 0\n" in body
