"""The feature that a reader looks at, and its bins under the names that a person would give them."""

from typing import Final

from model_exporter.pack.dashboards.dashboard import labels_variable
from model_exporter.pack.dashboards.style import Json

OF_MODEL: Final = 'model="$model"'
OF_VERSION: Final = 'model="$model",version=~"$version"'
OF_FEATURE: Final = 'model="$model",feature="$feature"'
OF_FEATURE_VERSION: Final = 'model="$model",version=~"$version",feature="$feature"'

_BOUND: Final = f'max by (bin) (model_baseline_bin_upper_bound{{{OF_FEATURE},bin!~"_.*"}})'
_DIGITS: Final = f"10 ^ clamp_min(3 - floor(log10(abs({_BOUND}) > 0)), 0)"
_ROUNDED: Final = f"(round({_BOUND} * ({_DIGITS})) / ({_DIGITS}) or {_BOUND})"
_PLAIN: Final = (
    f'label_replace(group by (bin) (model_baseline_bin_observations{{{OF_FEATURE}}}), "at", "$1", "bin", "(.*)")'
)
NAMES: Final = f"""
    (
      label_replace(count_values by (bin) ("at", {_ROUNDED}), "at", "up to $1", "at", "(.*)")
      or on (bin)
      label_replace(label_replace({_PLAIN}, "at", "($1)", "bin", "_([^_].*)"), "at", "_$1", "bin", "__(.*)")
    )
"""
"""1 for each bin of the chosen feature, with its name as the label `at`: the upper bound of numbers in four digits, a
category itself, and what is neither in brackets."""
PLACES: Final = f"""
    (
      clamp_max(max by (bin) (model_baseline_bin_upper_bound{{{OF_FEATURE}}}), 1e300)
      or on (bin)
      3e300 * group by (bin) (model_baseline_bin_observations{{{OF_FEATURE},bin="_missing"}})
      or on (bin)
      2e300 * group by (bin) (model_baseline_bin_observations{{{OF_FEATURE},bin="_unseen"}})
      or on (bin)
      1e300 * group by (bin) (model_baseline_bin_observations{{{OF_FEATURE},bin="_other"}})
      or on (bin)
      -max by (bin) (model_baseline_bin_observations{{{OF_FEATURE}}})
    )
"""
"""What to sort the bins of the chosen feature by: numbers by bound, categories the most frequent first, others last."""
NEWEST: Final = f"""
    on (model, baseline) topk by (model) (
      1, max by (model, baseline) (model_baseline_created_timestamp_seconds{{{OF_MODEL}}})
    )
"""
"""What to match a series with so that only bins of the newest baseline are left."""


def _ranked(expression: str) -> Json:
    query = f"query_result({' '.join(expression.split())})"
    variable = labels_variable("feature", "Feature", query, multi=False)
    return {**variable, "regex": '/feature="([^"]+)"/', "sort": 0}


BY_EVIDENCE: Final = _ranked(
    f"""
    sort_desc(
      max by (feature) (model_feature:drift_evidence{{{OF_MODEL}}})
      or on (feature)
      0 * max by (feature) (model_feature_values_total{{{OF_MODEL}}}) - 100
    )
    """
)
"""The features of the model, that with most evidence of drift first: what the page opens with."""
BY_QUALITY: Final = _ranked(
    f"""
    sort_desc(
      max by (feature) (
        model_feature:missing:ratio15m{{{OF_MODEL}}}
        + on (model, feature, role) model_feature:invalid:ratio15m{{{OF_MODEL}}}
      )
      or on (feature)
      0 * max by (feature) (model_feature_values_total{{{OF_MODEL}}}) - 1
    )
    """
)
"""The same, that with the largest share of missing and invalid values first."""
