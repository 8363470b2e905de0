"""Incidents and governance: what is and was wrong, why, how soon it was seen and over, and what lacks care."""

from typing import Final

from model_exporter.pack.dashboards import links
from model_exporter.pack.dashboards.condition import CATEGORIES, CAUSES, EVIDENCE, LEVELS, OWNED, chosen, worded
from model_exporter.pack.dashboards.dashboard import DATA_SOURCE, ENVIRONMENT, MODELS, OWNER, Dashboard, Row
from model_exporter.pack.dashboards.incident_table import open_incidents
from model_exporter.pack.dashboards.marks import CHANGES
from model_exporter.pack.dashboards.panels import Column, Panel, Query, bars, lines, stat, states, table
from model_exporter.pack.dashboards.style import (
    BLUE,
    COUNT,
    DATE,
    GREY,
    ORANGE,
    PERCENT,
    SECONDS,
    VERMILION,
    Json,
    values,
)

_STARTED: Final = chosen("model:incident_started:timestamp_seconds")
_CAUSE: Final = chosen("model:incident_cause")
_TIME_BY_CAUSE: Final = worded(f"300 * sum by (cause) (count_over_time(({_CAUSE})[$__range:5m]))", "cause")
_DETECTION: Final = chosen("""
    (
      model:incident_started:timestamp_seconds
        - on (model) min by (model) (model_feature:drift_onset:timestamp_seconds)
    ) > 0
""")
"""Seconds from the first estimated onset of drift to the start of the incident; none where the drift came later."""
_INCIDENT: Final = values({"1": ("ticket", ORANGE), "2": ("page", VERMILION)})
_GAPS: Final = """
    label_replace(model:owner{owner="unowned"}, "gap", "owner", "", "")
    or label_replace(model:owner{environment="unknown"}, "gap", "environment", "", "")
    or label_replace(model:owners:count > 1, "gap", "owners", "", "")
    or label_replace(model:environments:count > 1, "gap", "environments", "", "")
    or label_replace(model:unapproved_version > 0, "gap", "version", "", "")
    or label_replace(
      model:label_coverage:ratio1d
        < on (model) model:threshold{signal="label_coverage_ratio",severity="ticket"}, "gap", "labels", "", ""
    )
    or label_replace(
      time() - max by (model) (model_baseline_created_timestamp_seconds)
        > on (model) model:threshold{signal="baseline_age_seconds",severity="ticket"}, "gap", "baseline", "", ""
    )
"""
_COVERAGE_THRESHOLD: Final = 'model:threshold{signal="label_coverage_ratio",severity="ticket"}'
_GAP_WORDS: Final = values(
    {
        "owner": ("nobody owns it", ORANGE),
        "environment": ("no environment is told", GREY),
        "owners": ("exporters name different owners", ORANGE),
        "environments": ("exporters name different environments", ORANGE),
        "version": ("an unapproved version serves", ORANGE),
        "labels": ("too few outcomes are known", GREY),
        "baseline": ("the baseline is too old", GREY),
    }
)
_TO_MODEL: Final = (links.to_page(links.DETAIL, "Open the model", model="model"),)


def _open(title: str, description: str, severity: str, color: str) -> Panel:
    selected = f'model:incident{{environment=~"$environment",owner=~"$owner",model=~"$model",severity="{severity}"}}'
    return stat(
        title,
        description,
        Query(f"count({selected}) or 0 * count({OWNED})"),
        unit=COUNT,
        absence="No models yet",
        height=3,
        steps=((None, BLUE), (1, color)),
    )


def _counts() -> tuple[Panel, ...]:
    return (
        _open("Paging now", "Incidents that affect users: their owners are paged.", "critical", VERMILION),
        _open("Tickets now", "Incidents that can wait for office hours.", "warning", ORANGE),
        stat(
            "Incidents in this time",
            "How many incidents of the chosen models were open at some moment of the chosen time.",
            Query(f"sum(changes(({_STARTED})[$__range:1m]) + 1) or 0 * count({OWNED})"),
            unit=COUNT,
            absence="No models yet",
            height=3,
        ),
        stat(
            "Time to detect drift",
            "From the estimated beginning of a drift to the start of the incident that it led to: the median over the "
            "models that had one in the chosen time. Faults of other kinds are seen within minutes of passing their "
            "thresholds.",
            Query(f"quantile(0.5, max_over_time(({_DETECTION})[$__range:5m]))"),
            unit=SECONDS,
            absence="None began with drift",
            height=3,
        ),
        stat(
            "Time to resolve",
            "How long incidents were open in the mean, within the chosen time; those that are still open count as far "
            "as they have come. An incident ends 15 minutes after its last symptom.",
            Query(
                f"60 * sum(count_over_time(({_STARTED})[$__range:1m])) / sum(changes(({_STARTED})[$__range:1m]) + 1)"
            ),
            unit=SECONDS,
            absence="No incident",
            height=3,
        ),
        stat(
            "Models with gaps",
            "Models with at least one line in the table of gaps at the bottom of this page.",
            Query(f"count(count by (model) ({chosen(_GAPS)})) or 0 * count({OWNED})"),
            unit=COUNT,
            absence="No models yet",
            height=3,
            steps=((None, BLUE), (1, ORANGE)),
        ),
    )


def _why() -> tuple[Panel, ...]:
    return (
        table(
            "Symptoms now",
            "Everything that is wrong with the chosen models now, those of level page first. *Shown by* counts the "
            "features, groups, services or versions that show it.",
            Query(chosen('model:symptom{level=~"page|ticket"}'), instant=True),
            columns=(
                Column("level", "Level", width=80, mappings=(LEVELS,), colored=True),
                Column("model", "Model", width=170, links=_TO_MODEL),
                Column("category", "About", width=120, mappings=(CATEGORIES,)),
                Column("signal", "Signal", width=150),
                Column("Value", "Shown by", width=90),
            ),
            absence="No symptom of any watched model",
            width=12,
            height=7,
            sort="Level",
            descending=False,
            filterable=False,
        ),
        table(
            "What speaks for which cause",
            "Every cause that something speaks for, now. The smallest rank that an incident has seen is its likely "
            "cause: what changed on purpose or failed outside comes before what the statistics name.",
            Query(f"sort({chosen('model:cause_evidence')})", instant=True),
            columns=(
                Column("model", "Model", width=180, links=_TO_MODEL),
                Column("Value", "Rank", width=60),
                Column("cause", "Cause", width=130, mappings=(CAUSES,), links=(links.RUNBOOK_OF_CAUSE,)),
                Column("evidence", "Because", mappings=(EVIDENCE,)),
            ),
            absence="Nothing speaks for a cause now",
            width=12,
            height=7,
            sort="Rank",
            descending=False,
            filterable=False,
        ),
    )


def _group(**fields: str) -> Json:
    """Rows to one for each incident; fields without a way to be summed up name it."""
    options = {
        name.replace("__", " #"): {"aggregations": [how] if how else [], "operation": "aggregate" if how else "groupby"}
        for name, how in fields.items()
    }
    return {"id": "groupBy", "options": {"fields": options}}


def _past() -> tuple[Panel, ...]:
    return (
        states(
            "Incidents over time",
            "A lane for each model that had an incident, at most 25 at a time. A gap is a time without.",
            Query(f"topk(25, {chosen('max by (model) (model:incident_severity)')})", "{{model}}"),
            mappings=(_INCIDENT,),
            absence="No incident of any watched model in this time",
            width=16,
            height=7,
        ),
        bars(
            "Time in incidents, by cause",
            "How long incidents of the chosen models were open in the chosen time, by the likely cause of each moment.",
            Query(
                f"sort_desc({_TIME_BY_CAUSE})",
                "{{words}}",
            ),
            unit=SECONDS,
            absence="No incident of any watched model in this time",
            height=7,
        ),
        table(
            "Incidents of this time",
            "One line for each incident that was open in the chosen time, the newest first. *To detect* is from the "
            "estimated beginning of drift, where there was any before. Over more than a week, incidents of a few "
            "minutes may be left out.",
            Query(
                f"""
                1000 * ({_STARTED})
                  * on (model) group_left (owner, cause, version)
                topk by (model) (1, model:incident) ^ 0
                """,
                samples=True,
            ),
            Query(chosen("max by (model) (model:incident_severity)"), samples=True),
            Query(chosen("time() - model:incident_started:timestamp_seconds"), samples=True),
            Query(_DETECTION, samples=True),
            columns=(
                Column("Value #B (max)", "Worst", width=90, mappings=(_INCIDENT,), colored=True),
                Column("model", "Model", width=190, links=_TO_MODEL),
                Column("owner (last)", "Owner", width=140),
                Column("version (last)", "Version", width=80),
                Column("cause (last)", "Likely cause", width=150, mappings=(CAUSES,)),
                Column("Value #A", "Began", DATE, width=165),
                Column("Time (last)", "Last seen", DATE, width=165),
                Column("Value #C (max)", "Open for", SECONDS, width=120),
                Column("Value #D (max)", "To detect", SECONDS, width=120, absence="no drift before"),
            ),
            absence="No incident of any watched model in this time",
            height=8,
            sort="Began",
            filterable=False,
            transformations=(
                _group(
                    model="",
                    Value__A="",
                    owner="last",
                    cause="last",
                    version="last",
                    Time="last",
                    Value__B="max",
                    Value__C="max",
                    Value__D="max",
                ),
            ),
        ),
    )


def _governance() -> tuple[Panel, ...]:
    return (
        table(
            "Gaps",
            "What the configuration or the data of a model lacks: an owner, an environment, agreement between "
            "exporters, the approval of a version, outcomes, or a baseline that is not too old.",
            Query(
                f"""
                max by (model, gap, version) ({_GAPS}) ^ 0
                  * on (model) group_left (owner, environment)
                {OWNED}
                """,
                instant=True,
            ),
            columns=(
                Column("model", "Model", width=160, links=_TO_MODEL),
                Column("gap", "Gap", width=240, mappings=(_GAP_WORDS,), colored=True),
                Column("version", "Version", width=70),
                Column("owner", "Owner", width=120),
                Column("environment", "Environment"),
            ),
            absence="No gaps: owners, versions, outcomes and baselines are in order",
            width=14,
            height=8,
            sort="Gap",
            filterable=False,
        ),
        lines(
            "Label coverage",
            "Outcomes that came within a day over predictions made within it: the ten lowest at a time, and the lowest "
            "thresholds of a ticket. Without outcomes nothing is known of performance.",
            Query(
                f"""
                bottomk(10, {chosen("model:label_coverage:ratio1d")})
                or
                label_replace(min({chosen(_COVERAGE_THRESHOLD)}), "model", "threshold of a ticket", "", "")
                """,
                "{{model}}",
            ),
            unit=PERCENT,
            absence="No outcomes yet: send model.outcome records",
            minimum=0,
            maximum=1,
            width=10,
        ),
    )


DASHBOARD: Final = Dashboard(
    uid=links.INCIDENTS,
    title=links.TITLES[links.INCIDENTS],
    description="What is and was wrong, why, how soon it was seen and over, and which models lack care.",
    rows=(
        Row("", (*_counts(), open_incidents())),
        Row("Why", _why()),
        Row("Past incidents", _past()),
        Row("Governance", _governance()),
    ),
    variables=(DATA_SOURCE, ENVIRONMENT, OWNER, MODELS),
    annotations=(CHANGES,),
    span="24h",
)
