"""The fleet: every model in one table, the worst first, and what is wrong now."""

from typing import Final

from model_exporter.pack.dashboards import links
from model_exporter.pack.dashboards.condition import CONDITION, CONDITION_MEANS, CONDITIONS, NO_MODELS, OWNED, chosen
from model_exporter.pack.dashboards.dashboard import DATA_SOURCE, ENVIRONMENT, MODELS, OWNER, Dashboard, Row
from model_exporter.pack.dashboards.incident_table import open_incidents
from model_exporter.pack.dashboards.marks import CHANGES, INCIDENTS_ON_DEMAND, OF_NOTE
from model_exporter.pack.dashboards.panels import Column, Panel, Query, lines, stat, states, table
from model_exporter.pack.dashboards.style import (
    AGO,
    BLUE,
    COUNT,
    NATS,
    ORANGE,
    PERCENT,
    PURPLE,
    RATE,
    VERMILION,
)

# Of versions that still decide something, the evidence that is nearest to an alarm, whatever it is about.
_WORST_EVIDENCE: Final = """
    topk by (model) (1,
      max by (model, about) (
        (
          label_replace(model_version:drift_evidence, "about", "drift", "", "")
          or label_replace(model_version:dependence_evidence, "about", "pairs", "", "")
          or label_replace(model_version:performance_evidence, "about", "performance", "", "")
          or label_replace(model_version:business_evidence, "about", "business", "", "")
        ) unless on (model, version) model_version:superseded
      )
    )
"""
# Outcomes of the last hour, from all replicas; where they come more seldom, the exporters' window of a day.
_PERFORMANCE: Final = """
    max by (model, measure) (
      label_replace(model_version:accuracy:ratio1h, "measure", "accuracy", "", "")
        and on (model, version) model:active_version
      or on (model)
      label_replace(model_version:mae:1h, "measure", "MAE", "", "")
        and on (model, version) model:active_version
      or on (model)
      label_replace(
        avg by (model, version) (model_performance{metric="accuracy",of="",window="1d"})
          and on (model, version) model:active_version,
        "measure", "accuracy", "", ""
      )
      or on (model)
      label_replace(
        avg by (model, version) (model_performance{metric="mae",of="",window="1d"})
          and on (model, version) model:active_version,
        "measure", "MAE", "", ""
      )
    )
"""
_WHO_AND_WHAT: Final = f"""
    (
      {OWNED} * on (model) group_left (version) model:active_version
      or on (model)
      {OWNED}
    )
      * on (model) group_left ()
    ({CONDITION})
"""


def _count(title: str, description: str, expression: str, color: str) -> Panel:
    """How many models something is true of; blue while it is none."""
    return stat(
        title,
        description,
        Query(f"count({expression}) or 0 * count({OWNED})"),
        unit=COUNT,
        absence="No models yet",
        height=3,
        steps=((None, BLUE), (1, color)),
    )


def _counts() -> tuple[Panel, ...]:
    return (
        stat(
            "Models",
            "Models that an exporter has reported within a day, of the chosen environments and owners.",
            Query(f"count({OWNED})"),
            unit=COUNT,
            absence="No models yet",
            height=3,
        ),
        _count(
            "Paging now",
            "Models with an incident that affects users: their owners are paged. The table below names them.",
            chosen(f"({CONDITION}) == 5"),
            VERMILION,
        ),
        _count(
            "Tickets now",
            "Models with an incident that can wait for office hours.",
            chosen(f"({CONDITION}) == 2"),
            ORANGE,
        ),
        _count(
            "Silent or not watched",
            "Models that make no predictions when they should, or that no exporter reports any more: nothing else on "
            "this page can be trusted for them.",
            chosen(f"(({CONDITION}) > 2) < 5"),
            PURPLE,
        ),
        _count(
            "Unapproved versions",
            "Versions that serve without standing among the approved ones of the configuration. Of models that list no "
            "approved versions none is counted.",
            chosen("model:unapproved_version"),
            ORANGE,
        ),
        _count(
            "Without owner",
            "Models whose configuration names no owner: their alerts go to the default team.",
            'model:owner{environment=~"$environment",owner="unowned",model=~"$model"}',
            ORANGE,
        ),
    )


def _models() -> Panel:
    to_detail = links.to_page(links.DETAIL, "Open the model", model="model")
    return table(
        "All models",
        f"Every model, the worst first. {CONDITION_MEANS} *Evidence* is what speaks most for a change that matters, "
        "on a scale where 0 is the alarm and each unit below it is a factor of 2.7 less; *pairs* are of features. "
        "*Performance* is of the outcomes of the last hour or day; MAE is the mean absolute error. *Budget left* is "
        "the smallest share left of the error budgets of 30 days.",
        Query(_WHO_AND_WHAT, instant=True),
        Query(chosen("model:predictions:rate5m"), instant=True),
        Query(chosen(_WORST_EVIDENCE), instant=True),
        Query(chosen(_PERFORMANCE), instant=True),
        Query(chosen("min by (model) (model:slo_budget_remaining:ratio)"), instant=True),
        Query(f"1000 * topk by (model) (1, {OF_NOTE}) and on (model) {OWNED}", instant=True),
        columns=(
            Column(
                "Value #A",
                "State",
                width=118,
                mappings=(CONDITIONS,),
                colored=True,
                links=(links.to_page(links.INCIDENTS, "Open its incidents", model="model"),),
            ),
            Column("model", "Model", width=165, links=(to_detail,)),
            Column("owner", "Owner", width=115),
            Column("tier", "Tier", width=45),
            Column("environment", "Environment", width=95),
            Column("version", "Version", width=65),
            Column("Value #B", "Traffic", RATE, width=80, decimals=1),
            Column(
                "Value #C",
                "Evidence",
                NATS,
                width=72,
                decimals=1,
                colored=True,
                steps=((None, BLUE), (0, VERMILION)),
            ),
            Column(
                "about",
                "of",
                width=98,
                links=(links.to_page(links.DRIFT, "Open its drift", model="model"),),
            ),
            Column(
                "Value #D",
                "Performance",
                width=102,
                decimals=3,
                links=(links.to_page(links.PERFORMANCE, "Open its performance", model="model"),),
            ),
            Column("measure", "Measure", width=75),
            Column(
                "Value #E",
                "Budget left",
                PERCENT,
                width=85,
                decimals=0,
                colored=True,
                steps=((None, VERMILION), (0, ORANGE), (0.25, BLUE)),
                links=(to_detail,),
            ),
            Column("Value #F", "Last change", AGO, width=115),
            Column("change", "What", width=75),
        ),
        absence=NO_MODELS,
        height=11,
        sort="State",
        filterable=False,
    )


def _history() -> tuple[Panel, ...]:
    return (
        states(
            "When models were not well",
            f"A lane for each model that was not well, at most 25 at a time. {CONDITION_MEANS} A gap is healthy, or "
            "learning.",
            Query(f"topk(25, {chosen(f'({CONDITION}) > 1')})", "{{model}}"),
            mappings=(CONDITIONS,),
            absence="No watched model was unwell in this time",
            height=7,
        ),
        lines(
            "Predictions, by owner",
            "Predictions a second of all models of an owner, failed ones included.",
            Query(f"sum by (owner) (model:predictions:rate5m * on (model) group_left (owner) {OWNED})", "{{owner}}"),
            unit=RATE,
            absence="No predictions in this time",
            minimum=0,
            stack=True,
            width=12,
        ),
        lines(
            "Failed predictions, worst ten",
            "Share of predictions that failed, of the ten models at a time with the largest.",
            Query(f"topk(10, {chosen('model:prediction_errors:ratio_rate5m')})", "{{model}}"),
            unit=PERCENT,
            absence="No predictions in this time",
            reaching=0.01,
            minimum=0,
            width=12,
        ),
    )


DASHBOARD: Final = Dashboard(
    uid=links.FLEET,
    title=links.TITLES[links.FLEET],
    description="Which models are in trouble, whose they are and since when: every model in one table.",
    rows=(
        Row("", (*_counts(), open_incidents(), _models())),
        Row("History", _history()),
    ),
    variables=(DATA_SOURCE, ENVIRONMENT, OWNER, MODELS),
    annotations=(CHANGES, INCIDENTS_ON_DEMAND),
)
