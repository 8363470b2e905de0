"""What is marked on the graphs of every page: when something changed, and when there was an incident."""

from typing import Final

from model_exporter.pack.dashboards.dashboard import annotation
from model_exporter.pack.dashboards.style import BLUE, VERMILION

CHANGES: Final = annotation(
    "Changes",
    'model:change:timestamp_seconds{model=~"$model"} * 1000',
    BLUE,
    title="{{model}}: {{change}}",
    text="A version, deployment, schema, pipeline, configuration or baseline of the model changed.",
    at_value=True,
)
"""One mark for each change of the chosen models: the value of the series is the time."""
INCIDENTS: Final = annotation(
    "Incidents",
    'max by (model, cause, severity) (ALERTS{alertname="ModelIncident",alertstate="firing",model=~"$model"})',
    VERMILION,
    title="{{model}}: incident, {{severity}}",
    text="Likely cause: {{cause}}",
)
"""While the alert of an incident fires."""
MARKS: Final = (CHANGES, INCIDENTS)
