"""Panels that show how the chosen feature is distributed, beside its baseline and over time."""

from typing import Final

from model_exporter.pack.dashboards.features import (
    NAMES,
    NEWEST,
    OF_FEATURE,
    OF_FEATURE_VERSION,
    PLACES,
)
from model_exporter.pack.dashboards.panels import (
    Panel,
    Query,
    columns_chart,
    lines,
    override,
)
from model_exporter.pack.dashboards.style import (
    BLUE,
    GREY,
    NATS,
    ORANGE,
    PERCENT,
    fixed,
)

_DOTS: Final = {"fill": "dot", "dash": [2, 4]}
_NO_BASELINE: Final = "No baseline yet: it is being learned, or the configuration names none"
FEW_ROWS: Final = "Nothing to compare: it takes a baseline and 200 predictions in the window"
_ONLY_NUMBERS: Final = "For numbers only, from 200 predictions in the window on"
_SHARES: Final = {
    "Value #A": ("Baseline", GREY),
    "Value #B": ("Last hour", ORANGE),
    "Value #C": ("Time shown", BLUE),
}
"""Columns of the histogram with their colours."""


def _histogram() -> Panel:
    of_baseline = f"(max by (model, baseline, bin) (model_baseline_bin_observations{{{OF_FEATURE}}}) and {NEWEST})"
    last_hour = f"(model_feature_bin:observations:increase1h{{{OF_FEATURE_VERSION}}} and {NEWEST})"
    shown = f"""
        (
          sum by (model, baseline, bin) (
            increase(model_feature_bin_observations_total{{{OF_FEATURE_VERSION}}}[$__range])
          )
          and {NEWEST}
        )
    """

    def shares(counts: str) -> Query:
        named = f"sum by (bin) ({counts}) * on (bin) group_left (name) {NAMES}"
        return Query(f"{named} / on () group_left () (sum({counts}) > 0)", instant=True)

    return columns_chart(
        "Baseline against traffic: $feature",
        "Share of predictions in each bin: of the baseline, of the last hour of the time range at the top right, "
        "and of all of that range. Numbers stand under the upper bound of their bin, *(below)* and *(above)* hold "
        "what is outside the baseline's range; categories stand under their name, *(other)* holds rare known ones, "
        "*(unseen)* those that the baseline lacks. Like heights: no drift. Drag over a graph to see another time.",
        shares(of_baseline),
        shares(last_hour),
        shares(shown),
        Query(f"{PLACES} * on (bin) group_left (name) {NAMES}", instant=True),
        category="Bin",
        unit=PERCENT,
        absence=_NO_BASELINE,
        overrides=tuple(override(name, color=fixed(color)) for name, color in _SHARES.values()),
        transformations=(
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "Value #D", "desc": False}]}},
            {"id": "filterFieldsByName", "options": {"include": {"names": ["name", *_SHARES]}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {name: at for at, name in enumerate(["name", *_SHARES])},
                    "renameByName": {"name": "Bin"} | {name: told for name, (told, _) in _SHARES.items()},
                },
            },
        ),
    )


def _bins_over_time() -> Panel:
    counts = f"(model_feature_bin:observations:increase1h{{{OF_FEATURE_VERSION}}} and {NEWEST})"
    return Panel(
        "heatmap",
        "Bins over time: $feature",
        "Share of the predictions of the last hour in each bin of the baseline; the scale below tells its colours. "
        "Even bands: no drift. Bands that change show which values became rarer or more frequent, and when.",
        (
            Query(
                f"""
                label_replace(
                  sum by (bin, name) (sum by (bin) ({counts}) * on (bin) group_left (name) {NAMES})
                  / on () group_left () (sum({counts}) > 0),
                  "bin", "-", "bin", "_below"
                )
                """,
                "{{name}}",
            ),
        ),
        12,
        9,
        {"unit": PERCENT, "noValue": _NO_BASELINE, "custom": {"scaleDistribution": {"type": "linear"}}},
        {
            "calculate": False,
            "rowsFrame": {"layout": "auto", "value": "share"},
            "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "fill": BLUE, "exponent": 0.5, "min": 0},
            "cellGap": 1,
            "cellValues": {"unit": PERCENT, "decimals": 1},
            "yAxis": {"axisPlacement": "left", "axisWidth": 90, "reverse": False},
            "legend": {"show": True},
            "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": False},
            "filterValues": {"le": 1e-9},
            "exemplars": {"color": ORANGE},
        },
    )


def one_feature() -> tuple[Panel, ...]:
    """Histograms and bins of the chosen feature, and its distance from the baseline over time."""
    chosen = f'{OF_FEATURE_VERSION},window="$window"'
    return (
        _histogram(),
        _bins_over_time(),
        lines(
            "Distance of windows of $window: $feature",
            "Population stability index (PSI) of a sliding window of the chosen length against the baseline, a "
            "mean over replicas. Without drift it is about the lower dashed line, by chance alone. Above the "
            "limit, the window differs by more than chance and what is tolerated: look at the bins.",
            Query(
                f"""
                label_replace(avg by (version) (model_drift_psi{{{chosen}}}), "line", "distance", "", "")
                or
                label_replace(avg by (version) (model_drift_psi_threshold{{{chosen}}}), "line", "limit", "", "")
                or
                label_replace(avg by (version) (model_drift_psi_null{{{chosen}}}), "line", "without drift", "", "")
                """,
                "{{line}}, {{version}}",
            ),
            unit=NATS,
            absence=FEW_ROWS,
            width=12,
            overrides=(override("/without drift/", custom__lineStyle=_DOTS, custom__lineWidth=1),),
            minimum=0,
            decimals=3,
        ),
    )


def other_distances() -> tuple[Panel, ...]:
    """Its distances besides the stability index."""
    chosen = f'{OF_FEATURE_VERSION},window="$window"'

    def over_time(title: str, description: str, metric: str, absence: str = FEW_ROWS) -> Panel:
        return lines(
            title,
            f"{description} Of windows of the chosen length, a mean over replicas.",
            Query(f"avg by (version) ({metric}{{{chosen}}})", "{{version}}"),
            unit=NATS,
            absence=absence,
            width=6,
            height=7,
            minimum=0,
        )

    return (
        over_time(
            "Shift score: $feature",
            "Difference of the window from the baseline over what chance gives in one window of a hundred: above 1 "
            "it is more than chance, which is not yet more than matters.",
            "model_drift_shift_score",
        ),
        over_time(
            "Wasserstein: $feature",
            "How far values moved on average, in standard deviations of the baseline; numbers only. Below 0.1 is "
            "hardly noticeable.",
            "model_drift_wasserstein_ratio",
            _ONLY_NUMBERS,
        ),
        over_time(
            "Jensen-Shannon: $feature",
            "Distance of the shares of all bins, from 0 to 0.83; it is larger by chance when there are few rows.",
            "model_drift_js_distance",
        ),
        over_time(
            "Kolmogorov-Smirnov: $feature",
            "Largest difference of the cumulated shares, from 0 to 1; numbers only.",
            "model_drift_ks_distance",
            _ONLY_NUMBERS,
        ),
    )
