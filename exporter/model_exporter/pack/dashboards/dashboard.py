"""A dashboard: variables, rows of panels, annotations and links, as Grafana's Classic JSON.

The Classic model is what every Grafana from 10 on imports and provisions from files.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from model_exporter.pack.dashboards.panels import DATASOURCE, Panel
from model_exporter.pack.dashboards.style import Json

COLUMNS: Final = 24
_SCHEMA_VERSION: Final = 39  # of Grafana 10; later ones migrate it as they load it
TAG: Final = "model_exporter"


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, placed from left to right.

    Args:
        title: the heading; none for panels that stand at the top.
        panels: in reading order.
        collapsed: ask nothing until somebody opens the row.
    """

    title: str
    panels: tuple[Panel, ...]
    collapsed: bool = False


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What one page shows.

    Args:
        uid: the page's address, and the name of its file.
        title: after the prefix that all share.
        description: which question the page answers.
        rows: from top to bottom.
        variables: what the reader can choose.
        annotations: what is marked on all graphs.
        span: the time range at first, as `6h`.
    """

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Json, ...]
    annotations: tuple[Json, ...] = ()
    span: str = "6h"

    def render(self, links: Sequence[Json]) -> Json:
        """The dashboard as Grafana keeps it."""
        return {
            "uid": self.uid,
            "title": f"Models / {self.title}",
            "description": self.description,
            "tags": [TAG],
            "editable": False,
            "graphTooltip": 1,
            "schemaVersion": _SCHEMA_VERSION,
            "version": 1,
            "refresh": "30s",
            "time": {"from": f"now-{self.span}", "to": "now"},
            "timepicker": {},
            "timezone": "browser",
            "weekStart": "",
            "fiscalYearStartMonth": 0,
            "links": list(links),
            "templating": {"list": list(self.variables)},
            "annotations": {"list": list(self.annotations)},
            "panels": list(_place(self.rows)),
        }


def text_of(rendered: Json) -> str:
    """The file of a dashboard: indented, keys in the order of writing, a newline at the end."""
    return json.dumps(rendered, indent=2, ensure_ascii=False) + "\n"


def _place(rows: Sequence[Row]) -> Iterator[Json]:
    """Give every panel a number and a place."""
    y, number = 0, 0
    for row in rows:
        placed: list[Json] = []
        top = y + 1 if row.title else y
        x, line_height, line = 0, 0, top
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                line, x, line_height = line + line_height, 0, 0
            number += 1
            placed.append(panel.render(number, x, line))
            x, line_height = x + panel.width, max(line_height, panel.height)
        if row.title:
            number += 1
            yield _heading(row, number, y, placed if row.collapsed else [])
        if not (row.title and row.collapsed):
            yield from placed
        y = top if row.title and row.collapsed else line + line_height


def _heading(row: Row, number: int, y: int, panels: list[Json]) -> Json:
    return {
        "id": number,
        "type": "row",
        "title": row.title,
        "collapsed": row.collapsed,
        "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        "panels": panels,
    }


# -- variables ---------------------------------------------------------------------------------------------------------
DATA_SOURCE: Final[Json] = {
    "type": "datasource",
    "name": "datasource",
    "label": "Data Source",
    "query": "prometheus",
    "regex": "",
    "current": {},
    "options": [],
    "hide": 0,
    "includeAll": False,
    "multi": False,
    "refresh": 1,
    "skipUrlSync": False,
}


def labels_variable(
    name: str, label: str, query: str, *, multi: bool = True, all_value: str | None = ".*", hide: bool = False
) -> Json:
    """A variable whose values are those of a label: `query` is `label_values(series, label)`.

    Args:
        name: of the variable.
        label: what stands before it.
        query: where its values come from; read again whenever the time range changes.
        multi: let the reader choose several, and all of them, which is then the choice at first.
        all_value: what "all" stands for in a regular expression; `.*` takes series without the label too.
        hide: whether the variable is set by links only.
    """
    variable: Json = {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": "StandardVariableQuery"},
        "regex": "",
        "refresh": 2,
        "sort": 1,
        "multi": multi,
        "includeAll": multi,
        "current": {"text": ["All"], "value": ["$__all"]} if multi else {},
        "options": [],
        "hide": 2 if hide else 0,
        "skipUrlSync": False,
    }
    if multi and all_value is not None:
        variable["allValue"] = all_value
    return variable


ENVIRONMENT: Final = labels_variable("environment", "Environment", "label_values(model:owner, environment)")
OWNER: Final = labels_variable("owner", "Owner", 'label_values(model:owner{environment=~"$environment"}, owner)')
_OWNED: Final = 'model:owner{environment=~"$environment",owner=~"$owner"}'
MODELS: Final = labels_variable("model", "Model", f"label_values({_OWNED}, model)", all_value=".+")
MODEL: Final = labels_variable("model", "Model", f"label_values({_OWNED}, model)", multi=False)
VERSION: Final = labels_variable(
    "version", "Version", 'label_values(model_info{model=~"$model"}, version)', all_value=".+"
)


def choice(name: str, label: str, values: Sequence[str], first: str) -> Json:
    """A variable with a fixed list of values."""
    options = [{"text": value, "value": value, "selected": value == first} for value in values]
    return {
        "type": "custom",
        "name": name,
        "label": label,
        "query": ",".join(values),
        "current": {"text": first, "value": first},
        "options": options,
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "skipUrlSync": False,
    }


WINDOW: Final = choice("window", "Window", ("5m", "1h", "1d"), "1h")


# -- annotations -------------------------------------------------------------------------------------------------------
def annotation(name: str, expr: str, color: str, *, title: str, text: str = "", at_value: bool = False) -> Json:
    """Marks on all graphs where a query has a value; with `at_value` its value is the time, in milliseconds."""
    return {
        "name": name,
        "datasource": DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "expr": " ".join(expr.split()),
        "step": "60s",
        "titleFormat": title,
        "textFormat": text,
        "tagKeys": "",
        "useValueForTime": "on" if at_value else False,
    }
