"""What the pages on a model's data have in common: the chosen feature, its bins under names, and the active version."""

from dataclasses import replace
from typing import Final

from model_exporter.pack.dashboards.dashboard import labels_variable
from model_exporter.pack.dashboards.panels import Panel, Query, lines, override
from model_exporter.pack.dashboards.style import BLUE, NATS, ORANGE, VERMILION, Json, fixed, values

OF_MODEL: Final = 'model="$model"'
OF_VERSION: Final = 'model="$model",version=~"$version"'
OF_FEATURE: Final = 'model="$model",feature="$feature"'
OF_FEATURE_VERSION: Final = 'model="$model",version=~"$version",feature="$feature"'

NEWEST: Final = f"""
    on (model, baseline) topk by (model) (
      1, max by (model, baseline) (model_baseline_created_timestamp_seconds{{{OF_MODEL}}})
    )
"""
"""What to match a series with so that only bins of the newest baseline are left."""
_BINS: Final = f"model_baseline_bin_observations{{{OF_FEATURE}}} and {NEWEST}"
_BOUNDS: Final = f"model_baseline_bin_upper_bound{{{OF_FEATURE}}} and {NEWEST}"
_BOUND: Final = f'max by (bin) (model_baseline_bin_upper_bound{{{OF_FEATURE},bin!~"_.*"}} and {NEWEST})'
_DIGITS: Final = f"10 ^ clamp_min(3 - floor(log10(abs({_BOUND}) > 0)), 0)"
_ROUNDED: Final = f"(round({_BOUND} * ({_DIGITS})) / ({_DIGITS}) or {_BOUND})"
_PLAIN: Final = f'label_replace(group by (bin) ({_BINS}), "name", "$1", "bin", "(.*)")'
NAMES: Final = f"""
    (
      label_replace(count_values by (bin) ("name", {_ROUNDED}), "name", "up to $1", "name", "(.*)")
      or on (bin)
      label_replace(label_replace({_PLAIN}, "name", "($1)", "bin", "_([^_].*)"), "name", "_$1", "bin", "__(.*)")
    )
"""
"""1 for each bin of the chosen feature, with its name as the label `name`: the upper bound of numbers in four digits, a
category itself, and what is neither in brackets."""
PLACES: Final = f"""
    (
      clamp_max(max by (bin) ({_BOUNDS}), 1e300)
      or on (bin)
      3e300 * group by (bin) (model_baseline_bin_observations{{{OF_FEATURE},bin="_missing"}})
      or on (bin)
      2e300 * group by (bin) (model_baseline_bin_observations{{{OF_FEATURE},bin="_unseen"}})
      or on (bin)
      1e300 * group by (bin) (model_baseline_bin_observations{{{OF_FEATURE},bin="_other"}})
      or on (bin)
      -max by (bin) ({_BINS})
    )
"""
"""What to sort the bins of the chosen feature by: numbers by bound, categories the most frequent first, others last."""
ALARM: Final = values({"0": ("none", BLUE), "1": ("ticket", ORANGE), "2": ("page", VERMILION)})
"""The level of an alarm in words."""
OF_LEVELS: Final = (
    override("/for a page/", color=fixed(VERMILION)),
    override("/for a ticket/", color=fixed(ORANGE)),
)
"""Lines of the two levels of an alarm have the colours of what they lead to."""


def now_of_active(expression: str, fold: str = "max") -> str:
    """The value of the active version where it is among the chosen ones, else the largest of the chosen ones.

    `expression` has the labels `model` and `version`. What a version was in that no longer serves would else stand
    where one looks for the present. `fold` makes one value of several.
    """
    return f"""
        {fold}(({expression}) and on (model, version) model:active_version{{{OF_MODEL}}})
        or on ()
        ({fold}({expression}) unless on () group(model:active_version{{{OF_VERSION}}}))
    """


def evidence(title: str, description: str, query: Query, absence: str, *, width: int = 12, height: int = 8) -> Panel:
    """Evidence over time, with the alarm at 0 in sight however far below the lines are."""
    panel = lines(
        title,
        f"{description} {EVIDENCE_MEANS}",
        query,
        unit=NATS,
        absence=absence,
        width=width,
        height=height,
        overrides=OF_LEVELS,
        decimals=1,
    )
    custom = panel.defaults["custom"] | {"axisSoftMin": -5, "axisSoftMax": 5}
    return replace(panel, defaults=panel.defaults | {"custom": custom})


EVIDENCE_MEANS: Final = (
    "Evidence is a natural logarithm: at 0 it is an alarm, at -2.3 ten times as much would be needed, and it ends "
    "at 14. However often one looks, there are no more false alarms than the configuration allows."
)


def alarm_line(judged: str) -> str:
    """The line at which evidence is an alarm, while there is anything `judged`."""
    threshold = f'max(model:threshold{{{OF_MODEL},signal="drift_evidence"}}) and on () group({judged})'
    return f'label_replace({threshold}, "line", "alarm threshold", "", "")'


def ranked(name: str, title: str, label: str, expression: str) -> Json:
    """A variable with the values of `label`, of the series with the largest value first."""
    variable = labels_variable(name, title, f"query_result(sort_desc({' '.join(expression.split())}))", multi=False)
    return {**variable, "regex": f'/{label}="([^"]+)"/', "sort": 0}


_EVIDENCE: Final = f"model_feature:drift_evidence{{{OF_MODEL}}}"
_NONE: Final = f"0 * max by (feature) (model_feature_values_total{{{OF_MODEL}}}) - 100"
BY_EVIDENCE: Final = ranked(
    "feature",
    "Feature",
    "feature",
    f"""
    max by (feature) ({_EVIDENCE}) + on (feature) max by (feature) (model_feature:drift_psi:1h{{{OF_MODEL}}})
    or on (feature)
    max by (feature) ({_EVIDENCE})
    or on (feature)
    max by (feature) (max_over_time({_EVIDENCE}[6h])) - 30
    or on (feature)
    {_NONE}
    """,
)
"""The features of the model, that with most evidence of drift first, or that which had most within hours: what the page
opens with. Evidence ends at 14, so that the distance decides among those that reach it."""
BY_QUALITY: Final = ranked(
    "feature",
    "Feature",
    "feature",
    f"""
    max by (feature) (
      model_feature:missing:ratio15m{{{OF_MODEL}}}
      + on (model, feature, role) model_feature:invalid:ratio15m{{{OF_MODEL}}}
      > 0
    )
    or on (feature)
    max by (feature) (max_over_time(model_feature:missing:ratio15m{{{OF_MODEL}}}[6h])) - 2
    or on (feature)
    {_NONE}
    """,
)
"""The same, that with the largest share of missing and invalid values first."""
