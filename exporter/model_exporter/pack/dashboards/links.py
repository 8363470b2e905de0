"""Ways from one dashboard to another, which keep the time range and what was chosen."""

from typing import Final

from model_exporter.pack.dashboards.style import Json
from model_exporter.pack.rules import RUNBOOKS

FLEET: Final = "model-fleet"
DETAIL: Final = "model-detail"
DRIFT: Final = "model-drift"
QUALITY: Final = "model-quality"
PERFORMANCE: Final = "model-performance"
INCIDENTS: Final = "model-incidents"
EXPORTER: Final = "model-exporter"

TITLES: Final = {
    FLEET: "Fleet",
    DETAIL: "One model",
    DRIFT: "Drift",
    QUALITY: "Data quality",
    PERFORMANCE: "Performance",
    INCIDENTS: "Incidents",
    EXPORTER: "Exporter",
}
"""Titles of the seven pages by uid, in the order of the links."""


_KEPT: Final = "${__url_time_range}&${datasource:queryparam}&${environment:queryparam}&${owner:queryparam}"


def page_links(own: str) -> list[Json]:
    """Links at the top of the page `own` to all others."""
    return [
        {
            "type": "link",
            "title": title,
            "url": f"/d/{uid}",
            "icon": "dashboard",
            "tooltip": "",
            "keepTime": True,
            "includeVars": True,
            "asDropdown": False,
            "targetBlank": False,
            "tags": [],
        }
        for uid, title in TITLES.items()
        if uid != own
    ]


def to_page(uid: str, title: str, **fields: str) -> Json:
    """A link of a row to a page: each variable takes the value of a field of what was clicked.

    `model="model"` sets the variable `model` to the field `model`. Time, data source, environment and owner are kept.
    """
    chosen = "".join(f"&var-{name}=${{__data.fields.{field}:percentencode}}" for name, field in fields.items())
    return {"title": title, "url": f"/d/{uid}?{_KEPT}{chosen}"}


def of_chosen_model(uid: str, title: str, **fields: str) -> Json:
    """A link of a row to a page about the model that this page shows, with all that both let the reader choose."""
    kept = "&".join(f"${{{name}:queryparam}}" for name in ("datasource", "environment", "owner", "model", "version"))
    chosen = "".join(f"&var-{name}=${{__data.fields.{field}:percentencode}}" for name, field in fields.items())
    return {"title": title, "url": f"/d/{uid}?${{__url_time_range}}&{kept}{chosen}"}


def series_to_page(uid: str, title: str, **labels: str) -> Json:
    """The same for a line of a graph, whose labels are told otherwise."""
    chosen = "".join(f"&var-{name}=${{__field.labels.{label}:percentencode}}" for name, label in labels.items())
    return {"title": title, "url": f"/d/{uid}?{_KEPT}{chosen}"}


RUNBOOK_OF_ALERT: Final[Json] = {
    "title": "Runbook: what to do first",
    "url": f"{RUNBOOKS}/${{__data.fields.alertname}}.md",
    "targetBlank": True,
}
"""From a row with the name of an alert to its runbook."""
RUNBOOK_OF_CAUSE: Final[Json] = {
    "title": "Runbook: what to do first",
    "url": f"{RUNBOOKS}/ModelIncident.md#${{__data.fields.cause}}",
    "targetBlank": True,
}
"""From a row with the cause of an incident to its section of the runbook."""
RUNBOOK_OF_INCIDENT: Final[Json] = {
    "title": "Runbook: what to do first",
    "url": f"{RUNBOOKS}/ModelIncident.md#${{__field.labels.cause}}",
    "targetBlank": True,
}
"""From a number of a series with the cause of an incident."""
RUNBOOK_OF_OWNER: Final[Json] = {
    "title": "The owner's runbook of this model",
    "url": "${__data.fields.runbook_url:raw}",
    "targetBlank": True,
}
"""From a row with the runbook that the configuration names."""
