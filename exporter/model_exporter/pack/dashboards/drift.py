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
from model_exporter.pack.dashboards.features import (
    ALARM,
    BY_EVIDENCE,
    EVIDENCE_MEANS,
    NAMES,
    NEWEST,
    OF_FEATURE,
    OF_FEATURE_VERSION,
    OF_MODEL,
    OF_VERSION,
    PLACES,
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
    columns_chart,
    lines,
    override,
    stat,
    table,
)
from model_exporter.pack.dashboards.style import (
    AGO,
    BLUE,
    GREY,
    NATS,
    ORANGE,
    PERCENT,
    PURPLE,
    VERMILION,
    absent,
    fixed,
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
_DOTS: Final = {"fill": "dot", "dash": [2, 4]}
_TIMES: Final = "Value #E / Value #F"
_NO_BASELINE: Final = "No baseline yet: it is being learned, or the configuration names none"
_NO_EVIDENCE: Final = "No evidence yet: without a baseline, or predictions, nothing can be judged"
_FEW_ROWS: Final = "Nothing to compare: it takes a baseline and 200 predictions in the window"
_ONLY_NUMBERS: Final = "For numbers only, from 200 predictions in the window on"


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


_SHARES: Final = {
    "Value #A": ("Baseline", GREY),
    "Value #B": ("Last hour", ORANGE),
    "Value #C": ("Time shown", BLUE),
}


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


def _feature() -> tuple[Panel, ...]:
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
            absence=_FEW_ROWS,
            width=12,
            overrides=(override("/without drift/", custom__lineStyle=_DOTS, custom__lineWidth=1),),
            minimum=0,
            decimals=3,
        ),
    )


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
            absence=_FEW_ROWS,
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


def _distances() -> tuple[Panel, ...]:
    chosen = f'{OF_FEATURE_VERSION},window="$window"'

    def over_time(title: str, description: str, metric: str, absence: str = _FEW_ROWS) -> Panel:
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


DASHBOARD: Final = Dashboard(
    uid=links.DRIFT,
    title=links.TITLES[links.DRIFT],
    description="Which features of a model moved away from the baseline, by how much, since when, and how.",
    rows=(
        Row("", (*_facts(), _ranking())),
        Row("Distributions of one feature", (*_feature(), _evidence())),
        Row("All features, and the kind of change", _all_features(), collapsed=True),
        Row("Pairs of features", _pairs(), collapsed=True),
        Row("Other distances of the feature", _distances(), collapsed=True),
    ),
    variables=(DATA_SOURCE, ENVIRONMENT, OWNER, MODEL, VERSION, BY_EVIDENCE, WINDOW),
    annotations=(*MARKS, _ONSET),
)
