"""What a site changes in the pages: labels that tell its models apart besides their name, and addresses."""

import re
from collections.abc import Sequence
from typing import Any, Final

from model_exporter.pack.dashboards.dashboard import labels_variable
from model_exporter.pack.dashboards.style import Json
from model_exporter.pack.rules import IDENTITY, RUNBOOKS, Site

_CLAUSE: Final = re.compile(rf"(?<![\w:])(by|on)(\s*\(\s*)(?=(?:{'|'.join(IDENTITY)})\b)")
_SELECTOR: Final = re.compile(r"\{(?=[^{}]*\$(?:environment|owner|model|job|instance)\b)")
_SERIES: Final = re.compile(r"label_values\(([\w:]+),")
_CHOSEN: Final = re.compile(r"&var-model=(\$\{__(?:data\.fields|field\.labels)\.)model(:percentencode\})")
_QUERIES: Final = frozenset({"expr", "query", "definition"})


def for_site(page: Json, site: Site) -> Json:
    """`page` with the labels of `site` in every query, table, link and as variables, and its runbooks."""
    changed: Json = _changed(page, site.by, site.runbooks.rstrip("/"))
    if site.by:
        variables = changed["templating"]["list"]
        changed["templating"]["list"] = [variables[0], *_variables(site.by, variables), *variables[1:]]
    return changed


def _variables(by: Sequence[str], variables: Sequence[Json]) -> list[Json]:
    """Choices of the labels; a page about one model shows it in one place, for it would add up those of others."""
    source = _series_of(variables)
    several = all(variable["multi"] for variable in variables if variable["name"] == "model")
    return [
        labels_variable(label, label.replace("_", " ").capitalize(), f"label_values({source}, {label})", multi=several)
        for label in by
    ]


def _series_of(variables: Sequence[Json]) -> str:
    """The series that the first choice of the page is read from; it has the site's labels too."""
    return next(found[1] for variable in variables if (found := re.search(r"label_values\(([\w:]+)", str(variable))))


def _changed(node: Any, by: tuple[str, ...], runbooks: str, key: str = "") -> Any:  # noqa: ANN401  # JSON
    if isinstance(node, dict):
        node = _with_columns(node, by) if key == "options" else node
        return {name: _changed(value, by, runbooks, name) for name, value in node.items()}
    if isinstance(node, list):
        return [_changed(value, by, runbooks, key) for value in node]
    return _text(node, by, runbooks, key) if isinstance(node, str) else node


def _text(text: str, by: tuple[str, ...], runbooks: str, key: str) -> str:
    if key in _QUERIES:
        return _query(text, by)
    if key in {"legendFormat", "titleFormat"}:
        return text.replace("{{model}}", " ".join(f"{{{{{label}}}}}" for label in (*by, "model")))
    if key == "url":
        return _url(text, by).replace(RUNBOOKS, runbooks)
    return text


def _query(text: str, by: tuple[str, ...]) -> str:
    """A query that keeps and selects the labels.

    >>> _query('sum by (model) (x{model=~"$model"})', ("cluster",))
    'sum by (cluster, model) (x{cluster=~"$cluster",model=~"$model"})'
    """
    matchers = "".join(f'{label}=~"${label}",' for label in by)
    text = _CLAUSE.sub(lambda found: f"{found[1]}{found[2]}{''.join(f'{label}, ' for label in by)}", text)
    text = _SELECTOR.sub(lambda _: "{" + matchers, text)
    return _SERIES.sub(lambda found: f"label_values({found[1]}{{{matchers[:-1]}}},", text) if by else text


def _url(text: str, by: tuple[str, ...]) -> str:
    chosen = "".join(f"${{{label}:queryparam}}&" for label in by)
    text = text.replace("${model:queryparam}", f"{chosen}${{model:queryparam}}")
    return _CHOSEN.sub(
        lambda found: "".join(f"&var-{label}={found[1]}{label}{found[2]}" for label in by) + found[0], text
    )


def _with_columns(options: Json, by: tuple[str, ...]) -> Json:
    """Options of a transformation that chooses or orders columns, with the labels before the model."""
    include = options.get("include")
    if isinstance(include, dict) and "model" in include.get("names", ()):
        return {**options, "include": {**include, "names": [*by, *include["names"]]}}
    if "model" in options.get("indexByName", {}):
        place = options["indexByName"]["model"]
        later = {name: at + len(by) if at >= place else at for name, at in options["indexByName"].items()}
        return {
            **options,
            "includeByName": {**options["includeByName"], **dict.fromkeys(by, True)},
            "indexByName": {**later, **{label: place + at for at, label in enumerate(by)}},
            "renameByName": {**options["renameByName"], **{label: label.capitalize() for label in by}},
        }
    if options.get("fields", {}).get("model") and by:
        kept = {"aggregations": [], "operation": "groupby"}
        return {**options, "fields": {**dict.fromkeys(by, kept), **options["fields"]}}
    return options
