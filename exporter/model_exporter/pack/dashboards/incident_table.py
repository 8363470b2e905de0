"""The incidents that are open: the table that several pages show."""

from typing import Final

from model_exporter.pack.dashboards import links
from model_exporter.pack.dashboards.condition import CAUSES, SEVERITIES
from model_exporter.pack.dashboards.panels import Column, Panel, Query, table
from model_exporter.pack.dashboards.style import CLOCK

OPEN: Final = 'model:incident{environment=~"$environment",owner=~"$owner",model=~"$model"}'
"""The incidents of the chosen models: the value is the score."""


_FIRST_MOVED: Final = """
    bottomk by (model) (1, min by (model, feature) (model_feature:drift_onset:timestamp_seconds))
"""


def open_incidents(*, height: int = 7) -> Panel:
    """A line for each incident, those that page first."""
    return table(
        "Incidents now",
        "One line for each model with an incident, those that page first. Click the cause for what to do first, the "
        "model for its page. *Score* adds up the symptoms: 3 with harm to users pages. *Moved first* is the feature "
        "whose drift began first, by estimate.",
        Query(OPEN, instant=True),
        Query(f"1000 * model:incident_started:timestamp_seconds and on (model) {OPEN}", instant=True),
        Query(f"1000 * {_FIRST_MOVED} and on (model) {OPEN}", instant=True),
        columns=(
            Column("severity", "Leads to", width=80, mappings=(SEVERITIES,), colored=True),
            Column("model", "Model", width=180, links=(links.to_page(links.DETAIL, "Open the model", model="model"),)),
            Column("owner", "Owner", width=140),
            Column("cause", "Likely cause", width=150, mappings=(CAUSES,), links=(links.RUNBOOK_OF_CAUSE,)),
            Column("Value #B", "Since", CLOCK, width=150),
            Column("version", "Version", width=80),
            Column("environment", "Environment", width=105),
            Column("tier", "Tier", width=50),
            Column(
                "feature",
                "Moved first",
                width=150,
                links=(links.to_page(links.DRIFT, "Open its drift", model="model", feature="feature"),),
            ),
            Column("Value #C", "Moved", CLOCK, width=150),
            Column("Value #A", "Score", width=60),
        ),
        absence="No incident of any watched model",
        height=height,
        sort="Leads to",
        descending=False,
        filterable=False,
    )
