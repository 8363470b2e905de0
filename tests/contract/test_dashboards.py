"""The dashboards: written as rendered, asking only for what exists, and drawn as Grafana's conventions have it."""

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard as GrafanaDashboard

from e2e.programs import require
from model_exporter.expose.catalogue import BY_NAME
from model_exporter.expose.metric import MetricType
from model_exporter.pack.dashboards import exporter_health, style
from model_exporter.pack.dashboards.condition import CATEGORIES, CAUSES, EVIDENCE, LEVELS, SEVERITIES
from model_exporter.pack.dashboards.dashboard import TAG, text_of
from model_exporter.pack.dashboards.pages import PAGES, render
from model_exporter.pack.promql import clauses, outer_labels, replaced_labels, selectors, tokenize
from model_exporter.pack.rulefiles import read_rule_file
from model_exporter.pack.rules import RUNBOOKS, Site, rule_files

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "dashboards"
RULES = ROOT / "rules"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
BUILT_IN = {"__all", "__range", "__rate_interval", "__url_time_range", "__data", "__field", "__value"}
OF_PROMETHEUS = {
    "up": {"job", "instance"},
    "ALERTS": {"alertname", "alertstate", "component", "severity", "model", "owner", "environment", "tier", "version"}
    | {"category", "signal", "level", "cause", "job", "instance"},
    "prometheus_rule_group_last_duration_seconds": {"rule_group"},
    "prometheus_rule_group_interval_seconds": {"rule_group"},
    "prometheus_rule_group_last_evaluation_samples": {"rule_group"},
    "prometheus_rule_group_iterations_missed_total": {"rule_group"},
    "prometheus_rule_evaluation_failures_total": {"rule_group"},
}
TARGET_LABELS = {"job", "instance"}
RATE_INTERVAL = "99s"
RANGE = "98s"

uid = pytest.mark.parametrize("uid", PAGES)


@cache
def page(name: str) -> dict[str, Any]:
    """A rendered page."""
    return render(PAGES[name])


def panels(name: str, *, loaded: bool = False) -> Iterator[dict[str, Any]]:
    """Its panels; with `loaded` only those that ask when the page opens."""
    for panel in page(name)["panels"]:
        yield panel
        if not loaded:
            yield from panel.get("panels", ())


def drawn(name: str) -> Iterator[dict[str, Any]]:
    """Its panels that are no headings."""
    return (panel for panel in panels(name) if panel["type"] != "row")


def queries(name: str) -> Iterator[str]:
    """Every query of panels and annotations."""
    for panel in drawn(name):
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from (mark["expr"] for mark in page(name)["annotations"]["list"])


def concrete(expression: str) -> str:
    """A query with widths in the place of Grafana's variables."""
    return re.sub(r"\$__range\b", RANGE, expression.replace("$__rate_interval", RATE_INTERVAL))


def strings(node: object) -> Iterator[str]:
    """Every text in a tree."""
    if isinstance(node, dict):
        for value in node.values():
            yield from strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value)
    elif isinstance(node, str):
        yield node


@cache
def recorded() -> dict[str, set[str]]:
    """Every recorded series with the labels that its rule can give it."""
    labels: dict[str, set[str]] = {}
    for path in rule_files(RULES):
        for _, rule in read_rule_file(path).rules:
            if rule.record:
                tokens = tokenize(rule.expr.value)
                told = {label for clause in clauses(tokens) for label in clause.labels}
                known = labels.setdefault(rule.record, set())
                known |= told | set(replaced_labels(tokens)) | set(rule.labels)
                for selector in selectors(tokens):
                    known |= labels.get(selector.metric, set()) | set(catalogued(selector.metric) or ())
    return labels


def catalogued(metric: str) -> set[str] | None:
    """Labels of a metric of the exporter, the scraper's included; None for any other."""
    for suffix in ("", "_bucket", "_sum", "_count"):
        found = BY_NAME.get(metric.removesuffix(suffix)) if metric.endswith(suffix) else None
        if found and (not suffix or found.type is MetricType.HISTOGRAM):
            return {*found.labels, *TARGET_LABELS, *(["le"] if suffix == "_bucket" else [])}
    return None


def labels_of(expression: str) -> set[str]:
    """Labels that a query's result can have."""
    tokens = tokenize(concrete(expression))
    outer = outer_labels(tokens)
    if outer is not None:
        return set(outer)
    found = set(replaced_labels(tokens)) | {label for clause in clauses(tokens) for label in clause.labels}
    for selector in selectors(tokens):
        found |= catalogued(selector.metric) or recorded().get(selector.metric) or OF_PROMETHEUS[selector.metric]
    return found


# -- files -------------------------------------------------------------------------------------------------------------
@uid
def test_the_committed_file_is_what_is_rendered(uid: str) -> None:
    """Nobody edits a page by hand: `model_exporter pack dashboards -o dashboards` writes all of them."""
    assert (COMMITTED / f"{uid}.json").read_text("utf-8") == text_of(page(uid))


def test_no_other_page_is_committed() -> None:
    """Every file is a page."""
    assert {path.stem for path in COMMITTED.glob("*.json")} == set(PAGES)


@uid
def test_the_types_of_grafana_know_every_key(uid: str) -> None:
    """Read with the types that Grafana publishes and written again, a page is what it was: they know all of it."""
    register_default_plugins()
    written = json.loads(JSONEncoder().encode(GrafanaDashboard.from_json(page(uid))))
    assert list(_lost(page(uid), written)) == []


def _lost(node: Any, written: Any, path: str = "") -> Iterator[str]:
    """Where what was written lacks something of `node`."""
    if isinstance(node, dict) and isinstance(written, dict):
        for key, value in node.items():
            yield from _lost(value, written[key], f"{path}.{key}") if key in written else [f"{path}.{key}"]
    elif isinstance(node, list) and isinstance(written, list) and len(node) == len(written):
        for at, (one, other) in enumerate(zip(node, written, strict=True)):
            yield from _lost(one, other, f"{path}[{at}]")
    elif node != written:
        yield path


# -- conventions -------------------------------------------------------------------------------------------------------
@uid
def test_a_page_has_what_grafana_needs_to_find_it(uid: str) -> None:
    """Address, title, tag and schema are stable, and nobody edits it in place."""
    shown = page(uid)
    assert (shown["uid"], shown["tags"], shown["editable"]) == (uid, [TAG], False)
    assert re.fullmatch(r"Models / [A-Z][a-z ]+", shown["title"])
    assert 39 <= shown["schemaVersion"] <= 42
    assert shown["description"].endswith(".")
    assert "__inputs" not in shown


def test_titles_are_unique() -> None:
    """Two pages with one title cannot be told apart in a list."""
    titles = [page(uid)["title"] for uid in PAGES]
    assert len(set(titles)) == len(titles)


@uid
def test_panels_are_numbered_and_named_once(uid: str) -> None:
    """Grafana links to a panel by its number, people speak of it by its title."""
    numbers = [panel["id"] for panel in panels(uid)]
    titles = [panel["title"] for panel in panels(uid)]
    assert len(set(numbers)) == len(numbers)
    assert len(set(titles)) == len(titles)


@uid
def test_panels_explain_themselves(uid: str) -> None:
    """Every panel has a title, a description, a unit, and words for the absence of data."""
    for panel in drawn(uid):
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        if panel["type"] != "text":
            defaults = panel["fieldConfig"]["defaults"]
            assert defaults["noValue"], panel["title"]
            assert defaults.get("unit") or panel["type"] == "table", panel["title"]


@uid
def test_colours_are_those_that_the_colour_blind_can_tell_apart(uid: str) -> None:
    """Colours with a meaning are those of the style; red and green of Grafana's own have none."""
    told = {text for text in strings(page(uid)) if re.fullmatch(r"#[0-9A-Fa-f]{6}", text)}
    known = {value for value in vars(style).values() if isinstance(value, str) and value.startswith("#")}
    assert told <= known
    assert not {"red", "green", "dark-red", "dark-green"} & {*strings(page(uid))}


@uid
def test_columns_have_units_and_fit(uid: str) -> None:
    """Each number of a table has its unit, and the widths that are set leave room for the others."""
    for panel in (panel for panel in drawn(uid) if panel["type"] == "table"):
        told = [
            {entry["id"]: entry["value"] for entry in one["properties"]} for one in panel["fieldConfig"]["overrides"]
        ]
        assert all(one.get("unit") for one in told), panel["title"]
        room = 1366 * panel["gridPos"]["w"] / 24 - 40
        assert sum(one.get("custom.width", 70) for one in told) <= max(room, 0) * 1.25, panel["title"]


@uid
def test_every_query_goes_to_the_chosen_data_source(uid: str) -> None:
    """The first variable is the data source, under the label that Grafana's linter wants, and everything uses it."""
    first, *others = page(uid)["templating"]["list"]
    assert (first["name"], first["type"], first["label"]) == ("datasource", "datasource", "Data Source")
    assert all(one["datasource"] == DATASOURCE for one in others if one["type"] == "query")
    for panel in drawn(uid):
        assert panel["datasource"] == DATASOURCE
        assert all(target["datasource"] == DATASOURCE for target in panel.get("targets", ()))
    assert all(mark["datasource"] == DATASOURCE for mark in page(uid)["annotations"]["list"])


@uid
def test_variables_are_used_and_known(uid: str) -> None:
    """What can be chosen has an effect, and what is asked for can be chosen."""
    shown = page(uid)
    names = {one["name"] for one in shown["templating"]["list"]}
    rest = {**shown, "links": []}
    used = {name for text in strings(rest) for name in re.findall(r"\$\{?([a-z_]\w*)", text)}
    assert used - BUILT_IN == names
    assert all(one["refresh"] == 2 for one in shown["templating"]["list"] if one["type"] == "query")


@uid
def test_a_page_asks_little_when_it_opens(uid: str) -> None:
    """At most 20 queries, marks included; collapsed rows ask nothing."""
    asked = sum(len(panel.get("targets", ())) for panel in panels(uid, loaded=True))
    assert asked + len(page(uid)["annotations"]["list"]) <= 20


@uid
def test_panels_stand_beside_each_other(uid: str) -> None:
    """No two panels share a place, and none is wider than the page."""
    taken: set[tuple[int, int]] = set()
    for panel in panels(uid, loaded=True):
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells


# -- queries -----------------------------------------------------------------------------------------------------------
@uid
def test_every_metric_is_exposed_or_recorded(uid: str) -> None:
    """Panels, marks and variables ask for series of the catalogue, of the rules or of Prometheus itself."""
    asked = {selector.metric for text in queries(uid) for selector in selectors(tokenize(concrete(text)))}
    for one in page(uid)["templating"]["list"]:
        asked |= set(re.findall(r"label_values\(([\w:]+)", str(one.get("definition"))))
    unknown = {name for name in asked if catalogued(name) is None} - recorded().keys() - OF_PROMETHEUS.keys()
    assert unknown == set()


@uid
def test_counters_are_read_over_the_rate_interval(uid: str) -> None:
    """A fixed width breaks with another scrape interval; the whole range is for totals."""
    for text in queries(uid):
        for selector in selectors(tokenize(concrete(text))):
            if (
                selector.range_seconds is not None
                and catalogued(selector.metric)
                and {"rate", "increase"} & {*selector.within}
            ):
                assert selector.range_seconds in {float(RATE_INTERVAL[:-1]), float(RANGE[:-1])}, text


@uid
def test_counters_are_summed_over_what_the_page_does_not_name(uid: str) -> None:
    """A counter of one replica is no counter of a model."""
    for text in queries(uid):
        for selector in selectors(tokenize(concrete(text))):
            if selector.within[:1] in {("rate",), ("increase",)}:
                assert "sum" in selector.within, text


@uid
def test_legends_name_labels_that_exist(uid: str) -> None:
    """A label that no series has would be an empty place."""
    for panel in drawn(uid):
        for target in panel.get("targets", ()):
            asked = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert asked <= labels_of(target["expr"]), (panel["title"], target["expr"])


@uid
def test_columns_name_labels_that_exist(uid: str) -> None:
    """So would a column."""
    for panel in (panel for panel in drawn(uid) if panel["type"] == "table"):
        known = set().union(*(labels_of(target["expr"]) for target in panel["targets"]))
        kept = next(one for one in panel["transformations"] if one["id"] == "filterFieldsByName")
        for name in kept["options"]["include"]["names"]:
            field = re.sub(r" \(\w+\)$", "", name)
            assert field in known | {"Time"} or field.startswith("Value"), (panel["title"], name)


@pytest.mark.prometheus
@pytest.mark.parametrize("by", [(), ("cluster", "namespace")])
def test_prometheus_takes_every_query(tmp_path: Path, by: tuple[str, ...]) -> None:
    """Prometheus' own parser reads all of them, also with the labels of a site."""
    rules = [
        {"record": f"query{at}:of:page", "expr": concrete(text)}
        for at, text in enumerate(text for uid in PAGES for text in _queries_for(uid, by))
    ]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), "utf-8")
    command = [require("promtool"), "check", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _queries_for(uid: str, by: tuple[str, ...]) -> list[str]:
    shown = render(PAGES[uid], Site(by=by))
    return [str(node["expr"]) for node in _nodes(shown) if "expr" in node]


def _nodes(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


# -- links -------------------------------------------------------------------------------------------------------------
@uid
def test_links_lead_to_pages_and_their_variables(uid: str) -> None:
    """No link leads nowhere, and each sets only what the other page can choose."""
    variables = {name: {one["name"] for one in page(name)["templating"]["list"]} for name in PAGES}
    for url in (text for text in strings(page(uid)) if text.startswith("/d/")):
        found = re.match(r"/d/([\w-]+)", url)
        assert found
        assert set(re.findall(r"var-(\w+)=", url)) <= variables[found[1]], url
    assert {link["url"] for link in page(uid)["links"]} >= {f"/d/{other}" for other in PAGES if other != uid}
    assert all(link["keepTime"] and link["includeVars"] for link in page(uid)["links"])


@uid
def test_links_of_rows_take_fields_that_the_row_has(uid: str) -> None:
    """A field that is not shown cannot be read by a link."""
    for panel in (panel for panel in drawn(uid) if panel["type"] == "table"):
        kept = next(one for one in panel["transformations"] if one["id"] == "filterFieldsByName")
        names = set(kept["options"]["include"]["names"])
        asked = {name for text in strings(panel) for name in re.findall(r"__data\.fields\.(\w+)", text)}
        assert asked <= names, panel["title"]


def test_every_runbook_exists() -> None:
    """Each alert that a table can show has its page, and each cause its section."""
    texts = {text for uid in PAGES for text in strings(page(uid)) if text.startswith(RUNBOOKS)}
    assert texts == {
        f"{RUNBOOKS}/${{__data.fields.alertname}}.md",
        f"{RUNBOOKS}/ModelIncident.md#${{__data.fields.cause}}",
        f"{RUNBOOKS}/ModelIncident.md#${{__field.labels.cause}}",
    }
    headings = set(
        re.findall(r"^#+ (\w+)$", (RULES / "runbooks" / "ModelIncident.md").read_text("utf-8"), re.MULTILINE)
    )
    assert set(CAUSES["options"]) <= headings


def test_questions_lead_to_panels_that_exist() -> None:
    """Each page and panel in the table of ten questions is there, in its words."""
    text = (COMMITTED / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| (.+\?) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    there = {(page(name)["title"], panel["title"]) for name in PAGES for panel in drawn(name)}
    wanted = [(f"Models / {title}", panel) for _, title, told in rows for panel in told.split("; ")]
    assert len(rows) == 10
    assert [one for one in wanted if one not in there] == []


@pytest.mark.parametrize(
    ("label", "words"),
    [("cause", CAUSES), ("evidence", EVIDENCE), ("category", CATEGORIES), ("level", LEVELS), ("severity", SEVERITIES)],
)
def test_what_rules_say_has_words(label: str, words: dict[str, Any]) -> None:
    """Every value of a label that the rules of symptoms and incidents set can be read by a person."""
    files = [read_rule_file(RULES / f"{name}.yml") for name in ("symptoms", "incidents")]
    told = {rule.labels[label] for file in files for _, rule in file.rules if label in rule.labels}
    assert told
    assert told <= set(words["options"])


def test_alerts_lead_to_pages() -> None:
    """The dashboards that alerts name are these, and an alert sets only what its page can choose."""
    addresses = {
        text.value
        for path in rule_files(RULES)
        for _, rule in read_rule_file(path).rules
        for name, text in rule.annotations.items()
        if name == "dashboard_url"
    }
    assert addresses
    for address in addresses:
        found = re.search(r"/d/([\w-]+)", address)
        assert found
        assert found[1] in PAGES
        variables = {one["name"] for one in page(found[1])["templating"]["list"]}
        assert set(re.findall(r"var-(\w+)=", address)) <= variables, address


def test_colours_of_the_exporter_change_where_its_alerts_fire() -> None:
    """A number that alarms is not drawn as if it did not."""
    rules = (RULES / "exporter.yml").read_text("utf-8")
    assert f"> {exporter_health.FULL_QUEUE} * model_exporter_queue_capacity_rows" in rules
    assert f"model_exporter:limit_usage:ratio > {exporter_health.NEAR_LIMIT}" in rules
    assert f"[5m]) > {exporter_health.STALE_SECONDS}" in rules


# -- a site ------------------------------------------------------------------------------------------------------------
@uid
def test_labels_of_a_site_stand_wherever_the_model_does(uid: str) -> None:
    """With two clusters, nothing adds up, joins or shows models of both as one."""
    shown = render(PAGES[uid], Site(by=("cluster",)))
    for text in (str(node["expr"]) for node in _nodes(shown) if "expr" in node):
        for clause in clauses(tokenize(concrete(text))):
            if clause.keyword in {"by", "on"} and {"model", "job"} & {*clause.labels}:
                assert clause.labels[0] == "cluster", text
        for matchers in re.findall(r"\{([^}]*\$[a-z][^}]*)\}", text):
            assert matchers.startswith('cluster=~"$cluster"'), text
    cluster = shown["templating"]["list"][1]
    assert cluster["name"] == "cluster"
    assert cluster["multi"] == all(one["multi"] for one in shown["templating"]["list"] if one["name"] == "model")
    for url in (text for text in strings(shown) if "&var-model=" in text):
        assert "&var-cluster=" in url
    for url in (text for text in strings(shown) if "${model:queryparam}" in text):
        assert "&${cluster:queryparam}&${model:queryparam}" in url


def test_a_site_without_labels_changes_addresses_only() -> None:
    """The runbooks' base, and nothing else."""
    page_ = PAGES["model-fleet"]
    changed = text_of(render(page_, Site(runbooks="https://wiki.example.com/ml/")))
    assert changed == text_of(render(page_)).replace(RUNBOOKS, "https://wiki.example.com/ml")
