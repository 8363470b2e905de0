"""What panels on performance, groups and business have in common: what can be chosen, and how bounds are drawn."""

from typing import Final

from model_exporter.pack.dashboards.dashboard import choice, labels_variable
from model_exporter.pack.dashboards.features import (
    OF_MODEL,
    OF_VERSION,
    ranked,
)
from model_exporter.pack.dashboards.panels import (
    override,
)
from model_exporter.pack.dashboards.style import (
    SKY,
    fixed,
)

COHORT: Final = choice("window", "Window", ("1h", "1d", "7d"), "1h")
METRIC: Final = ranked(
    "metric",
    "Metric",
    "metric",
    f"""
    0 * max by (metric) (model_performance_reference{{{OF_MODEL}}}) + 1
    or on (metric)
    0 * max by (metric) (model_performance{{{OF_MODEL}}})
    """,
)
"""That which the reference is of, and which alarms are about, first."""
PART: Final = labels_variable(
    "of", "Class, horizon or depth", f'label_values(model_performance{{{OF_MODEL},metric="$metric"}}, of)'
)
SEGMENT: Final = ranked(
    "segment",
    "Segment",
    "segment",
    f"""
    max by (segment) (model_version:fairness_detected{{{OF_MODEL}}})
    or on (segment)
    0 * max by (segment) (model_segment_predictions_total{{{OF_MODEL}}})
    """,
)
"""Segments with an alarm first."""
GROUP_METRIC: Final = ranked(
    "rate",
    "Metric of groups",
    "metric",
    f"""
    max by (metric) (model_version:fairness_detected{{{OF_MODEL},segment="$segment"}})
    or on (metric)
    0 * max by (metric) (model_segment_performance{{{OF_MODEL},segment="$segment"}})
    """,
)
"""Metrics with an alarm first."""
KPI: Final = labels_variable("kpi", "Business indicator", f"label_values(model_business_kpi{{{OF_MODEL}}}, kpi)")

IN_WINDOW: Final = f'{OF_VERSION},window="$window"'
CHOSEN: Final = f'{IN_WINDOW},metric="$metric",of=~"$of"'
OF_SEGMENT: Final = f'{IN_WINDOW},segment="$segment"'
BOUND: Final = override(
    "/bound/",
    custom__lineStyle={"fill": "dot", "dash": [2, 4]},
    custom__lineWidth=1,
    color=fixed(SKY),
)
"""Ends of an interval are dotted."""
NO_OUTCOMES: Final = "No outcomes yet: send model.outcome records with the prediction.id"
OF_REPLICAS: Final = "Of several replicas it is the mean, so that bounds are wider than those of all rows together."


def with_bounds(metric: str, matchers: str, by: str, name: str) -> str:
    """The metric between its bounds, told apart by the label `line`."""
    told = ((metric, name), (f"{metric}_lower", "lower bound"), (f"{metric}_upper", "upper bound"))
    return " or ".join(
        f'label_replace(avg by ({by}) ({series}{{{matchers}}}), "line", "{line}", "", "")' for series, line in told
    )
