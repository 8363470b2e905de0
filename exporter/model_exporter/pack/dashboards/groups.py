"""Panels that show for whom a model is good, and what it does to the business."""

from dataclasses import replace
from typing import Final

from model_exporter.pack.dashboards.features import (
    OF_MODEL,
    OF_VERSION,
    alarm_line,
    evidence,
)
from model_exporter.pack.dashboards.measures import (
    BOUND,
    IN_WINDOW,
    OF_REPLICAS,
    OF_SEGMENT,
    with_bounds,
)
from model_exporter.pack.dashboards.panels import (
    Column,
    Panel,
    Query,
    lines,
    table,
)
from model_exporter.pack.dashboards.style import (
    COUNT,
    GREY,
    NATS,
    values,
)

_NO_GROUPS: Final = "No groups: configure segments, and send outcomes"
_NO_INDICATORS: Final = "No business indicators: configure `business` of the model"


def fairness() -> tuple[Panel, ...]:
    """The chosen metric of each group, and the gaps between groups."""
    gap = "version, metric, group, other"
    return (
        lines(
            "Metric by group: $segment $rate",
            "The chosen metric for each group, of predictions made in the window. Groups that are too small are not "
            "shown. One group that leaves the others is a fault of that segment: look for what is special to it.",
            Query(
                f'avg by (version, group) (model_segment_performance{{{OF_SEGMENT},metric="$rate"}})',
                "{{group}} {{version}}",
            ),
            unit=NATS,
            absence=_NO_GROUPS,
            width=10,
            decimals=3,
        ),
        table(
            "Gaps between groups: $segment",
            "How much more of a metric one group has than another, or than all others (rest), with bounds at 95 % "
            "for all gaps together, and what the objective allows. A gap whose lower bound is above the limit is "
            "proven; a large gap with wide bounds is for want of rows.",
            Query(f"avg by ({gap}) (model_fairness_gap{{{OF_SEGMENT}}})", instant=True),
            Query(f"avg by ({gap}) (model_fairness_gap_lower{{{OF_SEGMENT}}})", instant=True),
            Query(f"avg by ({gap}) (model_fairness_gap_upper{{{OF_SEGMENT}}})", instant=True),
            Query(
                f"""
                0 * max by (model, {gap}) (model_fairness_gap{{{OF_SEGMENT}}})
                + on (model) group_left () model:threshold{{{OF_MODEL},signal="fairness_gap",severity="objective"}}
                """,
                instant=True,
            ),
            columns=(
                Column("metric", "Metric"),
                Column("group", "Group", width=85),
                Column("other", "Has more than", width=115, mappings=(values({"_rest": ("all others", GREY)}),)),
                Column("version", "Version", width=75),
                Column("Value #A", "Gap", NATS, width=65, decimals=3),
                Column("Value #B", "Lower", NATS, width=80, decimals=3),
                Column("Value #C", "Upper", NATS, width=70, decimals=3),
                Column("Value #D", "Limit", NATS, width=70, decimals=3),
            ),
            absence=_NO_GROUPS,
            width=14,
            filterable=False,
            sort="Lower",
        ),
    )


def business() -> tuple[Panel, ...]:
    """Every business indicator with its bounds, and the evidence that one moved."""
    indicator = lines(
        "Business: $kpi",
        "The indicator of predictions made in the window, between the bounds of its 95 % interval (dotted; sums "
        "have none). It moves when the model, its inputs or its users do: this is the harm, if there is any. "
        f"{OF_REPLICAS}",
        Query(
            with_bounds("model_business_kpi", f'{IN_WINDOW},kpi="$kpi"', "version", "value"),
            "{{line}} {{version}}",
        ),
        unit=NATS,
        absence=_NO_INDICATORS,
        width=24,
        overrides=(BOUND,),
        decimals=3,
    )
    return (
        replace(indicator, repeat="kpi"),
        evidence(
            "Evidence that business moved",
            "Of shares among the indicators; of amounts there is none.",
            Query(
                f"""
                label_replace(
                  max by (version, kpi, level) (model_version:business_evidence{{{OF_VERSION}}}),
                  "line", "for a $1", "level", "(.*)"
                )
                or
                {alarm_line(f"model_version:business_evidence{{{OF_VERSION}}}")}
                """,
                "{{kpi}} {{line}} {{version}}",
            ),
            _NO_INDICATORS,
            width=24,
            height=6,
        ),
    )


def bounds_of_groups() -> tuple[Panel, ...]:
    """The chosen metric of each group between its bounds."""
    chosen = f'{OF_SEGMENT},metric="$rate"'
    counted = f'{OF_VERSION},segment="$segment"'
    return (
        table(
            "Groups and their bounds: $rate",
            "The chosen metric of each group with its 95 % interval, the group's predictions in the time shown, "
            "and how far it is from all others since the start where that is more than the objective allows. "
            "Intervals that overlap by much do not differ.",
            Query(f"avg by (version, group) (model_segment_performance{{{chosen}}})", instant=True),
            Query(f"avg by (version, group) (model_segment_performance_lower{{{chosen}}})", instant=True),
            Query(f"avg by (version, group) (model_segment_performance_upper{{{chosen}}})", instant=True),
            Query(
                f"""
                sum by (version, group) (increase(model_segment_predictions_total{{{counted}}}[$__range]))
                and on (version, group) model_segment_performance{{{chosen}}}
                """,
                instant=True,
            ),
            Query(f'avg by (version, group) (model_segment:worst{{{counted},metric="$rate"}})', instant=True),
            columns=(
                Column("group", "Group"),
                Column("version", "Version", width=140),
                Column("Value #A", "Value", NATS, width=130, decimals=3),
                Column("Value #B", "Lower bound", NATS, width=130, decimals=3),
                Column("Value #C", "Upper bound", NATS, width=130, decimals=3),
                Column("Value #D", "Predictions", COUNT, width=130, decimals=0),
                Column("Value #E", "Differs from others by", NATS, width=180, decimals=3, absence="within limits"),
            ),
            absence=_NO_GROUPS,
            sort="Value",
            descending=False,
        ),
    )
