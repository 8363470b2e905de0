"""Drift: which features moved, by how much, since when, and the distributions behind it."""

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
    BY_EVIDENCE,
    NAMES,
    NEWEST,
    OF_FEATURE,
    OF_FEATURE_VERSION,
    OF_MODEL,
    OF_VERSION,
    PLACES,
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
    COUNT,
    GREY,
    NATS,
    ORANGE,
    PERCENT,
    PURPLE,
    VERMILION,
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
_ALARM: Final = values({"0": ("none", BLUE), "1": ("ticket", ORANGE), "2": ("page", VERMILION)})
_NO_BASELINE: Final = "No baseline yet: it is being learned, or the configuration names none"
_NO_EVIDENCE: Final = "No evidence yet: without a baseline, or predictions, nothing can be judged"
_FEW_ROWS: Final = "Nothing to compare: it takes a baseline and 200 predictions in the window"
_EVIDENCE_MEANS: Final = (
    "Evidence is a natural logarithm: at 0 it is an alarm, at -2.3 ten times as much would be needed, and each further "
    "2.3 is another factor of ten. It counts all predictions since the version appeared, so that slow drift is seen "
    "too, and however often one looks there are no more false alarms than the configuration allows."
)


def _facts() -> tuple[Panel, ...]:
    return (
        stat(
            "Drift alarm",
            "Whether the predictions of the version differ from the baseline by more than the configuration tolerates. "
            "*ticket*: a change to look at in office hours; *page*: a large one. Drift alone harms nobody: see "
            "Performance before you act.",
            Query(
                f"""
                2 * max(model_version:drift_detected{{{OF_VERSION},level="page"}})
                or
                max(model_version:drift_detected{{{OF_VERSION}}})
                or
                0 * max(model_version:drift_evidence{{{OF_VERSION}}})
                """
            ),
            unit="none",
            absence="no verdict yet",
            height=3,
            mappings=(_ALARM,),
        ),
        stat(
            "Drift began",
            "By estimate, of the feature that moved first. Compare with the marks of changes on the graphs: what "
            "changed shortly before is the first suspect.",
            Query(f"1000 * min(model_feature:drift_onset:timestamp_seconds{{{OF_VERSION}}})"),
            unit=AGO,
            absence="no drift found",
            width=5,
            height=3,
            steps=((None, VERMILION),),
        ),
        stat(
            "Predictions in the last hour",
            "Below 200 there are no distances: of so few rows they would be chance.",
            Query(f"sum(model:predictions:increase1h{{{OF_MODEL}}})"),
            unit=COUNT,
            absence="none",
            width=5,
            height=3,
            decimals=0,
        ),
        stat(
            "Baseline built",
            "When the distributions that everything is compared with were built. An old baseline makes the usual look "
            "like drift: build a new one when the change is here to stay.",
            Query(f"1000 * max(model_baseline_created_timestamp_seconds{{{OF_MODEL}}})"),
            unit=AGO,
            absence="no baseline",
            width=5,
            height=3,
        ),
        stat(
            "Baseline learned",
            "How much of a baseline that the exporter learns from traffic is there; no drift can be seen before.",
            Query(f"min(model_baseline_learning_ratio{{{OF_MODEL}}})"),
            unit=PERCENT,
            absence="nothing to learn",
            width=5,
            height=3,
            decimals=0,
        ),
    )


def _by_feature(expression: str) -> Query:
    return Query(f"max by (version, feature, role) ({expression})", instant=True)


def _ranking() -> Panel:
    of_hour = f"{{{OF_VERSION}}}"
    return table(
        "Features by evidence of drift",
        f"{_EVIDENCE_MEANS} *Distance* (population stability index, PSI) is how far the last hour is from the "
        "baseline; chance and what is tolerated stay below its *limit*, which is larger when there are few "
        "predictions. Much evidence with a small distance: a drift that is over, or small and steady. Click a "
        "feature for its distributions below.",
        _by_feature(f'model_feature:drift_evidence{{{OF_VERSION},level="ticket"}}'),
        _by_feature(f'model_feature:drift_evidence{{{OF_VERSION},level="page"}}'),
        Query(
            f"""
            2 * max by (version, feature, role) (model_feature:drift_detected{{{OF_VERSION},level="page"}})
            or on (version, feature, role)
            max by (version, feature, role) (model_feature:drift_detected{{{OF_VERSION}}})
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
                links=(links.of_chosen_model(links.DRIFT, "Its distributions", feature="feature"),),
            ),
            Column("role", "Role", width=80),
            Column("version", "Version", width=110),
            Column("Value #C", "Alarm", width=90, mappings=(_ALARM,), colored=True, absence="none"),
            Column("Value #D", "Began", AGO, width=140),
            Column("Value #A", "Evidence, ticket", NATS, width=135, decimals=1, absence="< -5"),
            Column("Value #B", "Evidence, page", NATS, width=130, decimals=1, absence="< -5"),
            Column("Value #E", "Distance (PSI)", NATS, width=125, decimals=3, absence="too few rows"),
            Column("Value #F", "Limit", NATS, width=80, decimals=3),
        ),
        absence=_NO_EVIDENCE,
        height=9,
        sort="Evidence, ticket",
    )


def _histogram() -> Panel:
    of_baseline = f"(max by (model, baseline, bin) (model_baseline_bin_observations{{{OF_FEATURE}}}) and {NEWEST})"
    counted = f"""
        (
          sum by (model, baseline, bin) (
            increase(model_feature_bin_observations_total{{{OF_FEATURE_VERSION}}}[$__range])
          )
          and {NEWEST}
        )
    """

    def shares(counts: str) -> Query:
        named = f"sum by (bin) ({counts}) * on (bin) group_left (at) {NAMES}"
        return Query(f"{named} / on () group_left () (sum({counts}) > 0)", instant=True)

    return columns_chart(
        "Baseline against the time shown: $feature",
        "Share of predictions in each bin: of the baseline, and of the time range at the top right. Numbers stand "
        "under the upper bound of their bin, *(below)* and *(above)* hold what is outside the baseline's range; "
        "categories stand under their name, *(other)* holds rare known ones, *(unseen)* those that the baseline "
        "lacks. Like heights: no drift. Drag over a graph to compare another time.",
        shares(of_baseline),
        shares(counted),
        Query(f"{PLACES} * on (bin) group_left (at) {NAMES}", instant=True),
        category="Bin",
        unit=PERCENT,
        absence=_NO_BASELINE,
        overrides=(
            override("Baseline", color=fixed(GREY)),
            override("Time shown", color=fixed(BLUE)),
        ),
        transformations=(
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "Value #C", "desc": False}]}},
            {"id": "filterFieldsByName", "options": {"include": {"names": ["at", "Value #A", "Value #B"]}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {"at": 0, "Value #A": 1, "Value #B": 2},
                    "renameByName": {"at": "Bin", "Value #A": "Baseline", "Value #B": "Time shown"},
                },
            },
        ),
    )


def _feature() -> tuple[Panel, ...]:
    chosen = f'{OF_FEATURE_VERSION},window="$window"'
    return (
        _histogram(),
        lines(
            "Bins over time: $feature",
            "Share of the predictions of the last hour in each bin of the baseline. Level bands: no drift. Bands that "
            "widen or narrow show which values became more or less frequent, and when.",
            Query(
                f"""
                sum by (at) (
                  sum by (bin) (model_feature_bin:observations:increase1h{{{OF_FEATURE_VERSION}}} and {NEWEST})
                  * on (bin) group_left (at) {NAMES}
                )
                / on () group_left ()
                (sum(model_feature_bin:observations:increase1h{{{OF_FEATURE_VERSION}}} and {NEWEST}) > 0)
                """,
                "{{at}}",
            ),
            unit=PERCENT,
            absence=_NO_BASELINE,
            width=12,
            height=9,
            minimum=0,
            maximum=1,
            stack=True,
        ),
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
            minimum=0,
            decimals=3,
        ),
    )


def _evidence() -> Panel:
    evidence = f'model_feature:drift_evidence{{{OF_VERSION},level="ticket"}}'
    return lines(
        "Evidence over time",
        f"{_EVIDENCE_MEANS} Here is that of a ticket, of the eight features with most at the end. A line that climbs "
        "drifts now; one that falls back was chance, or is over. No line: the evidence is below -5, which is normal.",
        Query(
            f"""
            label_replace(
              {evidence} and on (version, feature) topk(8, {evidence} @ end()),
              "line", "$1", "feature", "(.*)"
            )
            or
            label_replace(
              max(model:threshold{{{OF_MODEL},signal="drift_evidence"}}), "line", "alarm threshold", "", ""
            )
            """,
            "{{line}} {{version}}",
        ),
        unit=NATS,
        absence=_NO_EVIDENCE,
        width=12,
        decimals=1,
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
            minimum=0,
            decimals=1,
        ),
        bars(
            "Kind of change: $feature",
            "Which kinds of change have earned the feature's evidence, as shares: values moved up or down, spread "
            "wider or narrower, one bin or category grew or shrank, more or fewer values are missing, unseen or "
            "out of range, or another shape. Where to look first in the bins above.",
            Query(
                f"max by (shape, level) (model_feature_drift_shape_ratio{{{OF_FEATURE_VERSION}}})",
                "{{shape}} ({{level}})",
            ),
            unit=PERCENT,
            absence="The alarm does not name this feature",
            width=12,
            maximum=1,
        ),
    )


def _pairs() -> tuple[Panel, ...]:
    names = "version, feature, role, other, other_role, level"
    return (
        lines(
            "Evidence on how features depend on each other",
            "Each feature alone may look as ever while two of them no longer go together, for instance because "
            "rows were joined wrongly. Evidence as above: at 0 it is an alarm.",
            Query(
                f"""
                label_replace(
                  max by (version, level) (model_version:dependence_evidence{{{OF_VERSION}}}),
                  "line", "$1", "level", "(.*)"
                )
                or
                label_replace(
                  max(model:threshold{{{OF_MODEL},signal="drift_evidence"}}), "line", "alarm threshold", "", ""
                )
                """,
                "{{line}} {{version}}",
            ),
            unit=NATS,
            absence="Not judged: it takes two numeric features and a baseline that holds their dependence",
            width=12,
            decimals=1,
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

    def over_time(title: str, description: str, metric: str, legend: str = "{{version}}") -> Panel:
        return lines(
            title,
            f"{description} Of windows of the chosen length, a mean over replicas.",
            Query(f"avg by (version) ({metric}{{{chosen}}})", legend),
            unit=NATS,
            absence=_FEW_ROWS,
            width=6,
            height=7,
            minimum=0,
            decimals=3,
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
