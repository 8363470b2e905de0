"""One model: what it is in, whose it is, what is wrong with it, and its signals under each other."""

from typing import Final

from model_exporter.pack.dashboards import links, signals
from model_exporter.pack.dashboards.condition import (
    CATEGORIES,
    CONDITION,
    CONDITION_MEANS,
    CONDITIONS,
    LEVELS,
    SEVERITIES,
    WEIGHTS,
    worded,
)
from model_exporter.pack.dashboards.dashboard import (
    DATA_SOURCE,
    ENVIRONMENT,
    MODEL,
    OWNER,
    VERSION,
    WINDOW,
    Dashboard,
    Row,
)
from model_exporter.pack.dashboards.marks import MARKS, OF_NOTE
from model_exporter.pack.dashboards.panels import Column, Panel, Query, stat, states, table
from model_exporter.pack.dashboards.style import (
    AGO,
    BLUE,
    ORANGE,
    RATE,
    SKY,
    VERMILION,
    YES,
    matching,
)


def _facts() -> tuple[Panel, ...]:
    return (
        stat(
            "State",
            CONDITION_MEANS,
            Query(f'({CONDITION}) and on (model) model:owner{{model="$model"}}'),
            unit="none",
            absence="unknown model",
            height=3,
            mappings=(CONDITIONS,),
        ),
        stat(
            "Likely cause",
            "What explains the symptoms of the open incident best: the first that fits of schema change, upstream "
            "failure, deployment, exporter fault, overload, data quality, segment fault, population shift (inputs "
            "moved) and concept shift (the same inputs lead to other outcomes).",
            Query(worded('model:incident_cause{model="$model"}', "cause"), "{{words}}"),
            unit="none",
            absence="no incident",
            height=3,
            text=True,
            steps=((None, VERMILION),),
            links=(links.RUNBOOK_OF_INCIDENT,),
        ),
        stat(
            "Incident began",
            "When the first symptom of the open incident was seen.",
            Query('1000 * model:incident_started:timestamp_seconds{model="$model"}'),
            unit=AGO,
            absence="no incident",
            height=3,
            steps=((None, VERMILION),),
        ),
        stat(
            "Last change",
            "What changed last: version, deployment, schema or baseline. A change shortly before an incident is the "
            "first suspect. The row at the bottom has pipelines and configuration too.",
            Query(f"1000 * topk(1, {OF_NOTE})", "{{change}}"),
            unit=AGO,
            absence="no change known",
            height=3,
            named=True,
        ),
        stat(
            "Owner",
            "Whose the model is, the tier (incidents of tier 1, 2 or none may page) and the environment, as the "
            "exporter's configuration says.",
            Query(
                """
                label_replace(
                  label_replace(model:owner{model="$model"}, "rank", "no tier", "tier", ""),
                  "rank", "tier $1", "tier", "(.+)"
                )
                """,
                "{{owner}}, {{rank}}, {{environment}}",
            ),
            unit="none",
            absence="unknown model",
            height=3,
            text=True,
        ),
        stat(
            "Active version",
            "The version that took over the traffic last. Orange while the configuration lists approved versions and "
            "this one is not among them.",
            Query(
                """
                model:unapproved_version{model="$model"} ^ 0 and on (model, version) model:active_version
                or on (model)
                0 * model:active_version{model="$model"}
                """,
                "{{version}}",
            ),
            unit="none",
            absence="none active",
            height=3,
            text=True,
            steps=((None, SKY), (1, ORANGE)),
        ),
    )


def _wrong() -> tuple[Panel, ...]:
    return (
        table(
            "What is wrong now",
            "Alerts of the model and of its symptoms that fire now, beside the incident that joins them. *Level* is "
            "how sure and how large a symptom is; whether somebody is woken is decided once for all of them. Click an "
            "alert for its runbook.",
            Query(
                "max by (alertname, category, signal, level, severity) "
                '(ALERTS{component="model",model="$model",alertstate="firing",alertname!~"ModelIncident.*"})',
                instant=True,
            ),
            columns=(
                Column("level", "Level", width=110, mappings=(LEVELS,), colored=True),
                Column("alertname", "Alert", width=210, links=(links.RUNBOOK_OF_ALERT,)),
                Column("category", "About", width=130, mappings=(CATEGORIES,)),
                Column("signal", "Signal", width=150),
                Column("severity", "By itself", mappings=(SEVERITIES,)),
            ),
            absence="No alert of this model fires",
            width=14,
            height=7,
            sort="Level",
            descending=False,
            filterable=False,
        ),
        states(
            "Since when",
            "What each kind of symptom weighed over time. *harm*: users are affected; *some harm*: slow answers, other "
            "outputs, or one group treated otherwise; *no harm seen*: may be without effect. Symptoms are held for 15 "
            "minutes after their end.",
            Query(worded('model:symptom_weight{model="$model"}', "category"), "{{words}}"),
            mappings=(WEIGHTS,),
            absence="No symptom seen in this time",
            width=10,
            height=7,
        ),
    )


def _versions() -> tuple[Panel, ...]:
    return (
        table(
            "Versions",
            "Versions that the exporters keep series of, the newest first.",
            Query('1000 * min by (version) (model_version_first_seen_timestamp_seconds{model="$model"})', instant=True),
            Query('max by (version) (model_version_active{model="$model"})', instant=True),
            Query('max by (version) (model_version_approved{model="$model"})', instant=True),
            Query('sum by (version) (model_version:predictions:rate5m{model="$model"})', instant=True),
            columns=(
                Column("version", "Version", width=90),
                Column("Value #A", "First seen", AGO, width=130),
                Column("Value #B", "Active", width=70, mappings=(YES,)),
                Column("Value #C", "Approved", width=115, mappings=(YES,), absence="not asked for"),
                Column("Value #D", "Predictions", RATE, width=100, decimals=1),
            ),
            absence="No versions yet",
            width=10,
            height=7,
            sort="First seen",
            filterable=False,
        ),
        table(
            "Changes",
            "When each thing about the model last changed, the newest first.",
            Query('1000 * max by (change) (model:change:timestamp_seconds{model="$model"})', instant=True),
            columns=(Column("change", "What", width=105), Column("Value", "When", AGO, width=130)),
            absence="Nothing has changed",
            width=5,
            height=7,
            sort="When",
            filterable=False,
        ),
        table(
            "Whose it is",
            "What the exporter's configuration says of the model; *Runbook* is the owner's own.",
            Query('group by (owner, tier, environment, runbook_url) (model:owner{model="$model"})', instant=True),
            columns=(
                Column("owner", "Owner", width=110),
                Column("tier", "Tier", width=50, absence="none"),
                Column("environment", "Environment", width=110),
                Column(
                    "runbook_url",
                    "Runbook",
                    width=140,
                    mappings=(matching(".+", "open the runbook", BLUE),),
                    links=(links.RUNBOOK_OF_OWNER,),
                    colored=True,
                    absence="none is told",
                ),
            ),
            absence="The exporter's configuration says nothing of this model",
            width=9,
            height=7,
            filterable=False,
        ),
    )


DASHBOARD: Final = Dashboard(
    uid=links.DETAIL,
    title=links.TITLES[links.DETAIL],
    description="What is wrong with one model, since when and why, and its signals under each other.",
    rows=(
        Row("", (*_facts(), *_wrong())),
        Row("Traffic", signals.traffic()),
        Row("Outputs, evidence and performance", signals.verdicts()),
        Row("Input data, services and budgets", signals.data(), collapsed=True),
        Row("Versions, changes and ownership", _versions(), collapsed=True),
    ),
    variables=(DATA_SOURCE, ENVIRONMENT, OWNER, MODEL, VERSION, WINDOW),
    annotations=MARKS,
)
