"""What every alert of the pack has: a name and texts to the conventions of mixins, labels for routes, a runbook."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from model_exporter.expose.catalogue import BY_NAME
from model_exporter.expose.metric import MetricType
from model_exporter.pack.promql import selectors, tokenize

RULES: Final = Path(__file__).parents[2] / "rules"
RUNBOOKS: Final = RULES / "runbooks"
SECTIONS: Final = ("Meaning", "First action", "Checks", "Likely causes", "Silence", "Tune")
CAUSES: Final = (
    "schema_change",
    "upstream_failure",
    "deployment",
    "exporter_fault",
    "overload",
    "data_quality",
    "segment_fault",
    "population_shift",
    "concept_shift",
    "unexplained",
)
DASHBOARDS: Final = ("fleet", "detail", "drift", "quality", "performance", "incidents", "exporter")


@dataclass(frozen=True, slots=True)
class Alert:
    """An alerting rule; `raw` is what the file says."""

    file: str
    group: str
    raw: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.raw["alert"])

    @property
    def labels(self) -> dict[str, str]:
        """Labels that the rule adds."""
        return dict(self.raw["labels"])

    @property
    def annotations(self) -> dict[str, str]:
        """Its texts, as templates."""
        return dict(self.raw["annotations"])


def groups() -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every group of every rule file."""
    for file in sorted(RULES.rglob("*.yml")):
        if "tests" not in file.parts:
            for group in yaml.safe_load(file.read_text("utf-8"))["groups"]:
                yield file, group


def alerts() -> list[Alert]:
    """Every alert, in the order of the files."""
    return [
        Alert(file.name, group["name"], rule) for file, group in groups() for rule in group["rules"] if "alert" in rule
    ]


def exposed() -> set[str]:
    """Names of series that the exporter has; a histogram has three."""
    names = {name for name, metric in BY_NAME.items() if metric.type is not MetricType.HISTOGRAM}
    histograms = set(BY_NAME) - names
    return names | {f"{name}_{part}" for name in histograms for part in ("bucket", "sum", "count")}


@cache
def known_metrics() -> set[str]:
    """What a runbook may ask for, besides Prometheus's own series."""
    recorded = {rule["record"] for _, group in groups() for rule in group["rules"] if "record" in rule}
    return exposed() | recorded | {"up", "ALERTS"}


def metric_names(expression: str) -> set[str]:
    """Metrics that `expression` reads."""
    return {selector.metric for selector in selectors(tokenize(expression))}


def unknown_metrics(expression: str) -> set[str]:
    """Metrics in `expression` that nobody exposes or records."""
    return {name for name in metric_names(expression) - known_metrics() if not name.startswith("prometheus_")}


def queries() -> list[tuple[str, str]]:
    """Every PromQL block of the runbooks, with the page it stands on."""
    return [
        (page.stem, block.strip())
        for page in sorted(RUNBOOKS.glob("*.md"))
        for block in re.findall(r"```promql\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    ]


ALERTS: Final = alerts()
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
each_page = pytest.mark.parametrize("page", sorted({alert.name for alert in ALERTS}))


@each_alert
def test_names_follow_the_conventions_of_mixins(alert: Alert) -> None:
    """CamelCase of at most 40 characters, all under one prefix."""
    assert len(alert.name) <= 40
    assert re.fullmatch(r"Model([A-Z]+[a-z0-9]+)+", alert.name)


@each_alert
def test_labels_say_who_is_told_and_how_loudly(alert: Alert) -> None:
    """Incidents bring their severity along; all others have one of three."""
    component = "model_exporter" if alert.file == "exporter.yml" else "model"
    assert alert.labels["component"] == component
    if "model:incident" in metric_names(alert.raw["expr"]):
        assert "severity" not in alert.labels
    else:
        assert alert.labels["severity"] in {"critical", "warning", "info"}


@each_alert
def test_texts_follow_the_conventions_of_mixins(alert: Alert) -> None:
    """The summary is one sentence that never changes; the description tells of the case."""
    summary, description = alert.annotations["summary"], alert.annotations["description"]
    assert re.fullmatch(r"[A-Z][^{}]*\.", summary)
    assert "{{" in description
    assert all(text == text.strip() and "\n" not in text for text in alert.annotations.values())


@each_alert
def test_links_are_complete_and_escaped(alert: Alert) -> None:
    """The dashboard is one of ours, label values in addresses are escaped, and the runbook is the alert's own."""
    runbook, dashboard = alert.annotations["runbook_url"], alert.annotations["dashboard_url"]
    assert re.fullmatch(
        rf"https://runbooks\.example\.org/model_exporter/{alert.name}\.md(#\{{\{{ \$labels\.cause \}}\}})?", runbook
    )
    uid = re.match(r"https://grafana\.example\.org/d/(model-([a-z]+))/\1(\?|$)", dashboard)
    assert uid is not None
    assert uid[2] in DASHBOARDS
    assert all("| urlquery" in value for value in re.findall(r"\{\{(.*?)\}\}", dashboard))


@each_alert
def test_queries_in_texts_can_take_more_labels(alert: Alert) -> None:
    """They select by the model in one spelling, in which a fleet of clusters can put its label."""
    for text in alert.annotations.values():
        for query, argument in re.findall(r'\(printf "((?:[^"\\]|\\.)*)" ([^)]*)\)', text):
            if "{model" in query:
                assert query.count("{model=%q") == 1
                assert argument == "$labels.model"
                plain = query.replace("%q", '"m"').replace('\\"', '"')
                assert unknown_metrics(plain) == set()


@each_alert
def test_alerts_wait(alert: Alert) -> None:
    """A single evaluation tells nobody, except where the expression itself has waited, or is always true."""
    if alert.name not in {"ModelIncident", "ModelIncidentUnresolved", "ModelWatchdog"}:
        assert re.fullmatch(r"[1-9][0-9]*[mh]", alert.raw["for"])
        assert re.fullmatch(r"[1-9][0-9]*m", alert.raw["keep_firing_for"])
    else:
        assert "keep_firing_for" not in alert.raw


def test_one_alert_with_two_severities_says_the_same() -> None:
    """Rules of one name differ in their severity and condition only."""
    for name in {alert.name for alert in ALERTS}:
        same = [alert for alert in ALERTS if alert.name == name]
        assert all(alert.annotations == same[0].annotations for alert in same)
        assert len({alert.labels.get("severity") for alert in same}) == len(same)


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    """No link of a page at night leads nowhere, and no page is left of an alert that is gone."""
    assert {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"} == {alert.name for alert in ALERTS}


@each_page
def test_runbooks_have_all_their_parts(page: str) -> None:
    """The same sections in the same order, with a query to check and one to tune by, and an honest silence."""
    text = (RUNBOOKS / f"{page}.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert text.startswith(f"# {page}\n")
    assert [heading for heading in headings if heading in SECTIONS] == list(SECTIONS)
    parts = dict(zip(headings, re.split(r"^## .+$", text, flags=re.MULTILINE)[1:], strict=True))
    assert "```promql" in parts["Checks"]
    assert "```promql" in parts["Tune"]
    silence = re.search(r"amtool silence add (.*?)```", parts["Silence"], re.DOTALL)
    assert silence is not None
    assert f'alertname="{page}"' in silence[1]
    assert "--duration=" in silence[1]
    assert "--comment=" in silence[1]


def test_the_runbook_of_incidents_has_a_section_for_each_cause() -> None:
    """The link in the alert ends in the cause."""
    text = (RUNBOOKS / "ModelIncident.md").read_text("utf-8")
    assert tuple(re.findall(r"^### ([a-z_]+)$", text, re.MULTILINE)) == CAUSES


def test_the_table_of_alerts_is_complete() -> None:
    """Each alert stands in it once, with the severity that it has."""
    rows = re.findall(
        r"^\| \[(\w+)\]\(\1\.md\) \| ([a-z, ]+) \|", (RUNBOOKS / "README.md").read_text("utf-8"), re.MULTILINE
    )
    severities = {
        name: {alert.labels.get("severity", "critical, warning") for alert in ALERTS if alert.name == name}
        for name in {alert.name for alert in ALERTS}
    }
    severities["ModelIncidentUnresolved"] = {"critical"}  # those are what it selects
    assert {name: set(told.split(", ")) for name, told in rows} == {
        name: {word for text in texts for word in text.split(", ")} for name, texts in severities.items()
    }
    assert len(rows) == len(severities)


def test_queries_of_runbooks_use_metrics_that_exist() -> None:
    """Every name is exposed by the exporter or recorded by a rule."""
    unknown = {(page, name) for page, query in queries() for name in unknown_metrics(query)}
    assert unknown == set()


@pytest.mark.skipif(
    shutil.which("promtool") is None and not os.environ.get("CI"), reason="promtool comes with Prometheus"
)
def test_queries_of_runbooks_are_promql(tmp_path: Path) -> None:
    """Prometheus takes each of them."""
    rules = [
        {"record": "a:b", "labels": {"page": page, "n": str(number)}, "expr": query}
        for number, (page, query) in enumerate(queries())
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}), "utf-8")
    checked = subprocess.run(
        ["promtool", "check", "rules", file], capture_output=True, text=True, check=False, timeout=60
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
