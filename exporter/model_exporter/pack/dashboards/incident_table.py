"""The incidents that are open: the table that several pages show."""

from typing import Final

from model_exporter.pack.dashboards import links
from model_exporter.pack.dashboards.condition import CAUSES, SEVERITIES, chosen
from model_exporter.pack.dashboards.panels import Column, Panel, Query, table
from model_exporter.pack.dashboards.style import AGO

OPEN: Final = 'model:incident{environment=~"$environment",owner=~"$owner",model=~"$model"}'
"""The incidents of the chosen models: the value is the score."""


def open_incidents(*, height: int = 6) -> Panel:
    """A line for each incident, those that page first."""
    return table(
        "Incidents now",
        "One line for each model with an incident, those that page first. Click the cause for what to do first, the "
        "model for its page. *Score* adds up the symptoms: 3 with harm to users pages. *Moved first* is the feature "
        "whose drift began first, by estimate.",
        Query(OPEN, instant=True),
        Query(chosen("1000 * model:incident_started:timestamp_seconds"), instant=True),
        Query(chosen("1000 * bottomk by (model) (1, model:first_moved)"), instant=True),
        columns=(
            Column("severity", "Leads to", width=90, mappings=(SEVERITIES,), colored=True),
            Column("model", "Model", width=180, links=(links.to_page(links.DETAIL, "Open the model", model="model"),)),
            Column("owner", "Owner", width=150),
            Column("cause", "Likely cause", width=150, mappings=(CAUSES,), links=(links.RUNBOOK_OF_CAUSE,)),
            Column("Value #B", "Since", AGO, width=130),
            Column("version", "Version", width=100),
            Column("environment", "Environment", width=110),
            Column("tier", "Tier", width=60),
            Column(
                "feature",
                "Moved first",
                width=160,
                links=(links.to_page(links.DRIFT, "Open its drift", model="model", feature="feature"),),
            ),
            Column("Value #C", "Moved", AGO, width=130),
            Column("Value #A", "Score", width=70),
        ),
        absence="No incident of any watched model",
        height=height,
        sort="Leads to",
        descending=False,
    )
