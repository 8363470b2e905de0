"""Drift: which features moved, by how much, since when, and the distributions behind it."""

from dataclasses import replace
from typing import Final

from model_exporter.pack.dashboards import links
from model_exporter.pack.dashboards.dashboard import (
    DATA_SOURCE,
    ENVIRONMENT,
    MODEL,
    OWNER,
    VERSION,
    WINDOW,
    Dashboard,
    Row,
    annotation,
)
from model_exporter.pack.dashboards.distributions import FEW_ROWS, one_feature, other_distances
from model_exporter.pack.dashboards.features import (
    ALARM,
    BY_EVIDENCE,
    EVIDENCE_MEANS,
    NEWEST,
    OF_FEATURE_VERSION,
    OF_MODEL,
    OF_VERSION,
    alarm_line,
    evidence,
    now_of_active,
)
from model_exporter.pack.dashboards.marks import MARKS
from model_exporter.pack.dashboards.panels import (
    Column,
    Panel,
    Query,
    bars,
    lines,
    override,
    stat,
    table,
)
from model_exporter.pack.dashboards.style import (
    AGO,
    GREY,
    NATS,
    ORANGE,
    PERCENT,
    PURPLE,
    VERMILION,
    absent,
    values,
)

_ONSET: Final = annotation(
    "Drift began",
    f"model_feature:drift_onset:timestamp_seconds{{{OF_VERSION}}} * 1000",
    PURPLE,
    title="{{feature}}: drift began ({{level}})",
    text="By estimate, of a drift that the alarm of this level has named.",
    at_value=True,
)
_NAMED: Final = f"""
    2 * max by (model, version, feature, role) (model_feature:drift_detected{{{OF_VERSION},level="page"}})
    or on (model, version, feature, role)
    max by (model, version, feature, role) (model_feature:drift_detected{{{OF_VERSION}}})
"""
"""The level of the alarm that names a feature: 2 for a page, 1 for a ticket."""
_VERDICTS: Final = values(
    {
        "1": ("ticket", ORANGE),
        "2": ("page", VERMILION),
        "3": ("was ticket", GREY),
        "4": ("was page", GREY),
    }
)
"""The same in words, and 2 more for a version that no longer serves."""
_TIMES: Final = "Value #E / Value #F"
_NO_EVIDENCE: Final = "No evidence yet: without a baseline, or predictions, nothing can be judged"


def _facts() -> tuple[Panel, ...]:
    return (
        stat(
            "Drift alarm",
            "Whether the predictions of the active version differ from the baseline by more than the configuration "
            "tolerates. *ticket*: a change to look at in office hours; *page*: a large one. Drift alone harms "
            "nobody: see Performance before you act.",
            Query(
                now_of_active(
                    f"""
                    2 * max by (model, version) (model_version:drift_detected{{{OF_VERSION},level="page"}})
                    or on (model, version)
                    max by (model, version) (model_version:drift_detected{{{OF_VERSION}}})
                    or on (model, version)
                    0 * max by (model, version) (model_version:drift_evidence{{{OF_VERSION}}})
                    """
                )
            ),
            unit="none",
            absence="no verdict yet",
            width=6,
            height=3,
            mappings=(ALARM,),
        ),
        stat(
            "Drift began",
            "By estimate, of the feature of the active version that moved first. Compare with the marks of changes "
            "on the graphs: what changed shortly before is the first suspect.",
            Query(now_of_active(f"1000 * model_feature:drift_onset:timestamp_seconds{{{OF_VERSION}}}", "min")),
            unit=AGO,
            absence="no drift found",
            width=6,
            height=3,
            steps=((None, VERMILION),),
        ),
        stat(
            "Baseline built",
            "When the distributions that everything is compared with were built. An old baseline makes the usual look "
            "like drift: build a new one when the change is here to stay.",
            Query(f"1000 * max(model_baseline_created_timestamp_seconds{{{OF_MODEL}}})"),
            unit=AGO,
            absence="no baseline",
            width=6,
            height=3,
        ),
        stat(
            "Baseline learned",
            "How much of a baseline that the exporter learns from traffic is there; no drift can be seen before.",
            Query(f"min(model_baseline_learning_ratio{{{OF_MODEL}}})"),
            unit=PERCENT,
            absence="nothing to learn",
            width=6,
            height=3,
            decimals=0,
        ),
    )


def _by_feature(expression: str) -> Query:
    return Query(f"max by (version, feature, role) ({expression})", instant=True)


def _ranking() -> Panel:
    of_hour = f"{{{OF_VERSION}}}"
    panel = table(
        "Features by evidence of drift",
        f"{EVIDENCE_MEANS} A page takes a larger change than a ticket. *Distance* (population stability index, PSI) "
        "is how far the last hour is from the baseline; chance and what is tolerated stay below its *limit*, which "
        "is larger when there are few predictions. Far above the limit without evidence: often the time of day, "
        "which evidence allows for when the baseline spans days, and the distance does not. *was page*: of a "
        "version that no longer serves. Click a feature for its distributions below.",
        _by_feature(f'model_feature:drift_evidence{{{OF_VERSION},level="ticket"}}'),
        _by_feature(f'model_feature:drift_evidence{{{OF_VERSION},level="page"}}'),
        Query(
            f"""
            max by (version, feature, role) (
              ({_NAMED}) + on (model, version) group_left () 2 * model_version:superseded{{{OF_VERSION}}}
              or
              ({_NAMED})
            )
            """,
            instant=True,
        ),
        Query(
            f"1000 * min by (version, feature, role) (model_feature:drift_onset:timestamp_seconds{{{OF_VERSION}}})",
            instant=True,
        ),
        _by_feature(f"model_feature:drift_psi:1h{of_hour} and {NEWEST}"),
        _by_feature(f"model_feature:drift_psi_threshold:1h{of_hour} and {NEWEST}"),
        columns=(
            Column(
                "feature",
                "Feature",
                links=(
                    links.of_chosen_model(links.DRIFT, "Its distributions, below", feature="feature"),
                    links.of_chosen_model(links.QUALITY, "Its data quality", feature="feature"),
                ),
            ),
            Column("role", "Role", width=80),
            Column("version", "Version", width=110),
            Column(
                "Value #C",
                "Alarm",
                width=100,
                mappings=(_VERDICTS,),
                colored=True,
                steps=((None, GREY),),
                absence="none",
            ),
            Column("Value #D", "Began", AGO, width=130),
            Column("Value #A", "For a ticket", NATS, width=130, decimals=1, absence="< -5"),
            Column("Value #B", "For a page", NATS, width=110, decimals=1, absence="< -5"),
            Column("Value #E", "Distance (PSI)", NATS, width=130, decimals=3, absence="too few rows"),
            Column("Value #F", "Limit", NATS, width=85, decimals=3),
            Column(_TIMES, "Times limit", NATS, width=120, decimals=1),
        ),
        absence=_NO_EVIDENCE,
        height=9,
        transformations=(
            {
                "id": "calculateField",
                "options": {
                    "mode": "binary",
                    "binary": {"left": "Value #E", "operator": "/", "right": "Value #F"},
                    "alias": _TIMES,
                    "replaceFields": False,
                },
            },
        ),
    )
    order = [{"displayName": name, "desc": True} for name in ("For a ticket", "Times limit")]
    none = override("Times limit", unit=NATS, mappings=[absent("-")])
    return replace(panel, options=panel.options | {"sortBy": order}, overrides=(*panel.overrides, none))


def _evidence() -> Panel:
    by_feature = f'model_feature:drift_evidence{{{OF_VERSION},level="ticket"}}'
    return evidence(
        "Evidence over time",
        "Evidence for a ticket, of the eight features with most in the time shown. A line that climbs drifts now; "
        "one that falls back was chance, or is over. No line: it is below -5, which is normal. A version that no "
        "longer serves keeps what it had.",
        Query(
            f"""
            label_replace(
              {by_feature} and on (version, feature) topk(8, max_over_time({by_feature}[$__range] @ end())),
              "line", "$1", "feature", "(.*)"
            )
            or
            {alarm_line(f"model_version:drift_evidence{{{OF_VERSION}}}")}
            """,
            "{{line}} {{version}}",
        ),
        _NO_EVIDENCE,
    )


def _all_features() -> tuple[Panel, ...]:
    effect = f"""
        max by (version, feature) (
          (model_feature:drift_psi:1h{{{OF_VERSION}}} and {NEWEST})
          / on (model, version, feature, role, baseline) model_feature:drift_psi_threshold:1h{{{OF_VERSION}}}
        )
    """
    return (
        lines(
            "Distance over its limit, all features",
            "Distance (PSI) of the last hour from the baseline as a multiple of its limit, of the eight features that "
            "were farthest in the time shown. Above 1 the hour differs by more than chance and what is tolerated.",
            Query(
                f"""
                label_replace(
                  {effect} and on (version, feature) topk(8, max_over_time(({effect})[$__range:10m] @ end())),
                  "line", "$1", "feature", "(.*)"
                )
                or
                label_replace(
                  max(model:threshold{{{OF_MODEL},signal="drift_evidence"}}) * 0 + 1, "line", "limit", "", ""
                )
                """,
                "{{line}} {{version}}",
            ),
            unit=NATS,
            absence=FEW_ROWS,
            width=12,
            minimum=0.01,
            log=True,
        ),
        bars(
            "Kind of change: $feature",
            "Which kinds of change have earned the feature's evidence, as shares: values moved up or down, spread "
            "wider or narrower, one bin or category grew or shrank, more or fewer values are missing, unseen or "
            "out of range, or another shape. Where to look first in the bins above.",
            Query(
                f"max by (shape) (model_feature_drift_shape_ratio{{{OF_FEATURE_VERSION}}})",
                "{{shape}}",
            ),
            unit=PERCENT,
            absence="The alarm does not name this feature",
            width=12,
            maximum=1,
            decimals=0,
        ),
    )


def _pairs() -> tuple[Panel, ...]:
    names = "version, feature, role, other, other_role, level"
    return (
        evidence(
            "Evidence on how features depend on each other",
            "Each feature alone may look as ever while two of them no longer go together, for instance because "
            "rows were joined wrongly.",
            Query(
                f"""
                label_replace(
                  max by (version, level) (model_version:dependence_evidence{{{OF_VERSION}}}),
                  "line", "for a $1", "level", "(.*)"
                )
                or
                {alarm_line(f"model_version:dependence_evidence{{{OF_VERSION}}}")}
                """,
                "{{line}} {{version}}",
            ),
            "Not judged: it takes two numeric features and a baseline that holds their dependence",
        ),
        table(
            "Pairs that no longer go together",
            "Pairs of numeric features that the alarm on dependence names, with their evidence: what feeds one of the "
            "two has changed, and most often both come from one table or join.",
            Query(
                f"""
                ln(
                  sum by (model, {names}) (exp(clamp_max(model_pair_drift_evidence{{{OF_VERSION}}}, 20)))
                  / on (model, version, level) group_left ()
                  count by (model, version, level) (model_multivariate_drift_evidence{{{OF_VERSION}}})
                )
                """,
                instant=True,
            ),
            columns=(
                Column("feature", "Feature"),
                Column("other", "And"),
                Column("version", "Version", width=110),
                Column("level", "Level", width=80),
                Column("Value", "Evidence", NATS, width=95, decimals=1),
            ),
            absence="None: the alarm on dependence names no pair",
            width=12,
            sort="Evidence",
        ),
    )


DASHBOARD: Final = Dashboard(
    uid=links.DRIFT,
    title=links.TITLES[links.DRIFT],
    description="Which features of a model moved away from the baseline, by how much, since when, and how.",
    rows=(
        Row("", (*_facts(), _ranking())),
        Row("Distributions of one feature", (*one_feature(), _evidence())),
        Row("All features, and the kind of change", _all_features(), collapsed=True),
        Row("Pairs of features", _pairs(), collapsed=True),
        Row("Other distances of the feature", other_distances(), collapsed=True),
    ),
    variables=(DATA_SOURCE, ENVIRONMENT, OWNER, MODEL, VERSION, BY_EVIDENCE, WINDOW),
    annotations=(*MARKS, _ONSET),
)
