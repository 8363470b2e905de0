"""What is marked on the graphs of every page: when something changed, and when there was an incident."""

from typing import Final

from model_exporter.pack.dashboards.dashboard import annotation
from model_exporter.pack.dashboards.style import BLUE, VERMILION

OF_NOTE: Final = 'model:change:timestamp_seconds{model=~"$model",change=~"version|deployment|schema|baseline"}'
"""When something about a model last changed that may have done harm. Runs of pipelines and reloads of the exporter are
left out: where they are routine, they would hide everything else."""
CHANGES: Final = annotation(
    "Changes",
    f"{OF_NOTE} * 1000",
    BLUE,
    title="{{model}}: {{change}}",
    text="The version, deployment, schema or baseline of the model changed.",
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
INCIDENTS_ON_DEMAND: Final = {**INCIDENTS, "enable": False}
"""The same for pages of many models, where they would cover everything unless one asks for them."""
MARKS: Final = (CHANGES, INCIDENTS)
