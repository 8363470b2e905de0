"""Performance and fairness: how good a model is by its outcomes, what is estimated before they come, and for whom."""

from dataclasses import replace
from typing import Final

from model_exporter.pack.dashboards import links
from model_exporter.pack.dashboards.dashboard import (
    DATA_SOURCE,
    ENVIRONMENT,
    MODEL,
    OWNER,
    VERSION,
    Dashboard,
    Row,
    annotation,
    choice,
    labels_variable,
)
from model_exporter.pack.dashboards.features import (
    ALARM,
    OF_MODEL,
    OF_VERSION,
    alarm_line,
    evidence,
    now_of_active,
    ranked,
)
from model_exporter.pack.dashboards.marks import MARKS
from model_exporter.pack.dashboards.panels import (
    Column,
    Panel,
    Query,
    columns_chart,
    in_color,
    lines,
    override,
    stat,
    table,
)
from model_exporter.pack.dashboards.style import (
    BLUE,
    COUNT,
    GREY,
    NATS,
    ORANGE,
    PERCENT,
    PURPLE,
    SECONDS,
    SKY,
    fixed,
    values,
)

_COHORT: Final = choice("window", "Window", ("1h", "1d", "7d"), "1h")
_METRIC: Final = ranked(
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
_PART: Final = labels_variable(
    "of", "Class, horizon or depth", f'label_values(model_performance{{{OF_MODEL},metric="$metric"}}, of)'
)
_SEGMENT: Final = labels_variable(
    "segment", "Segment", f"label_values(model_segment_predictions_total{{{OF_MODEL}}}, segment)", multi=False
)
_GROUP_METRIC: Final = labels_variable(
    "rate",
    "Metric of groups",
    f'label_values(model_segment_performance{{{OF_MODEL},segment="$segment"}}, metric)',
    multi=False,
)
_KPI: Final = labels_variable("kpi", "Business indicator", f"label_values(model_business_kpi{{{OF_MODEL}}}, kpi)")

_IN_WINDOW: Final = f'{OF_VERSION},window="$window"'
_CHOSEN: Final = f'{_IN_WINDOW},metric="$metric",of=~"$of"'
_OF_SEGMENT: Final = f'{_IN_WINDOW},segment="$segment"'
_ONSET: Final = annotation(
    "Performance fell",
    f"min by (model, level) (model_performance_drift_onset_timestamp_seconds{{{OF_VERSION}}}) * 1000",
    PURPLE,
    title="Performance fell ({{level}})",
    text="By estimate: when the outcomes that arrived began to be worse than the reference.",
    at_value=True,
)
_BOUND: Final = override(
    "/bound/",
    custom__lineStyle={"fill": "dot", "dash": [2, 4]},
    custom__lineWidth=1,
    color=fixed(SKY),
)
_TRUST: Final = values({"0": ("settled", BLUE), "1": ("provisional", ORANGE)})
_WITHDRAWN: Final = values(
    {
        "0": ("given", BLUE),
        "1": ("too few predictions", GREY),
        "2": ("too few outcomes", GREY),
        "3": ("no scores", GREY),
        "4": ("not comparable", ORANGE),
    }
)
_NO_OUTCOMES: Final = "No outcomes yet: send model.outcome records with the prediction.id"
_NO_GROUPS: Final = "No groups: configure segments, and send outcomes"
_NO_INDICATORS: Final = "No business indicators: configure `business` of the model"
_METRICS_MEAN: Final = (
    "*accuracy*: share of right predictions; *recall* and *precision*: of the positive class, the share that is found, "
    "and of what is called positive, the share that is right; *mae*: mean error without sign, in the unit of the "
    "prediction."
)
_OF_REPLICAS: Final = "Of several replicas it is the mean, so that bounds are wider than those of all rows together."


def _facts() -> tuple[Panel, ...]:
    return (
        stat(
            "Performance alarm",
            "Whether outcomes are worse than the reference, or the objective, by more than the configuration "
            "tolerates. *page*: by much; roll back, or switch to the fallback, when a deployment came shortly "
            "before.",
            Query(
                now_of_active(
                    f"""
                    2 * (
                      max by (model, version) (model_version:performance_evidence{{{OF_VERSION},level="page"}}) >= 0
                    ) ^ 0
                    or on (model, version)
                    (max by (model, version) (model_version:performance_evidence{{{OF_VERSION}}}) >= 0) ^ 0
                    or on (model, version)
                    0 * max by (model, version) (model_version:performance_evidence{{{OF_VERSION}}})
                    """
                )
            ),
            unit="none",
            absence="no verdict yet",
            width=5,
            height=3,
            mappings=(ALARM,),
        ),
        stat(
            "Fairness alarm",
            "Whether any two groups of a segment differ by more than the objective allows, by all predictions "
            "since the start. *page*: see which group below, and what is special to it, before you look at the "
            "model.",
            Query(
                now_of_active(
                    f"""
                    2 * max by (model, version) (model_version:fairness_detected{{{OF_VERSION}}})
                    or on (model, version)
                    0 * max by (model, version) (model_fairness_detected{{{OF_VERSION}}})
                    """
                )
            ),
            unit="none",
            absence="no groups",
            width=5,
            height=3,
            mappings=(ALARM,),
        ),
        stat(
            "Outcomes known",
            "Share of the window's predictions whose outcome is known. When it is small, those that are known may not "
            "be like the others.",
            Query(now_of_active(f"avg by (model, version) (model_label_coverage_ratio{{{_IN_WINDOW}}})")),
            unit=PERCENT,
            absence="no outcomes yet",
            width=5,
            height=3,
            decimals=0,
        ),
        stat(
            "Trust",
            "*provisional*: too few outcomes of the window are known, or not how long they take, so those that "
            "came first may be of a biased few; wait before you act on the number. *settled*: enough are known.",
            Query(now_of_active(f"max by (model, version) (model_performance_provisional{{{_IN_WINDOW}}})")),
            unit="none",
            absence="no outcomes yet",
            width=5,
            height=3,
            mappings=(_TRUST,),
        ),
        stat(
            "Estimate",
            "Whether there is an estimate of performance without outcomes, or why not: too few predictions or "
            "outcomes, no scores, or predictions where the outcomes so far had few (*not comparable*), as after "
            "drift.",
            Query(now_of_active(_withdrawn())),
            unit="none",
            absence="none for this window",
            height=3,
            mappings=(_WITHDRAWN,),
        ),
    )


def _withdrawn() -> str:
    """Why a version has no estimate, by the numbers of `_WITHDRAWN`; 0 where it has one."""
    reasons = ("few_rows", "few_labels", "no_scores", "extrapolation")
    withdrawn = "model_estimated_performance_withdrawn"
    told = (
        f'{number} * max by (model, version) ({withdrawn}{{{_IN_WINDOW},reason="{reason}"}} == 1)'
        for number, reason in enumerate(reasons, start=1)
    )
    return " or on (model, version) ".join((*told, f"0 * max by (model, version) ({withdrawn}{{{_IN_WINDOW}}})"))


def _with_bounds(metric: str, matchers: str, by: str, name: str) -> str:
    """The metric between its bounds, told apart by the label `line`."""
    told = ((metric, name), (f"{metric}_lower", "lower bound"), (f"{metric}_upper", "upper bound"))
    return " or ".join(
        f'label_replace(avg by ({by}) ({series}{{{matchers}}}), "line", "{line}", "", "")' for series, line in told
    )


_REFERENCE: Final = f"""
    label_replace(
      max(model_performance_reference{{{OF_MODEL},metric="$metric"}}), "line", "reference", "", ""
    )
"""


def _quality() -> tuple[Panel, ...]:
    return (
        lines(
            "Realised: $metric",
            "The chosen metric of predictions made in the window, by the outcomes that are known, between the "
            "bounds of its 95 % interval (dotted), and the reference (dashed) that it is compared with. Worse than "
            f"the reference by less than the interval may be chance. {_METRICS_MEAN} {_OF_REPLICAS}",
            Query(
                f"""
                {_with_bounds("model_performance", _CHOSEN, "version, of", "realised")}
                or
                {_REFERENCE}
                """,
                "{{line}} {{version}} {{of}}",
            ),
            unit=NATS,
            absence=_NO_OUTCOMES,
            width=12,
            overrides=(_BOUND,),
            decimals=3,
        ),
        lines(
            "Estimated without outcomes: $metric",
            "What the scores alone promise for predictions made in the window up to now, between bounds (dotted). It "
            "does not wait for outcomes, and holds only while a score still means what it meant: after a concept "
            "change it stays high while the realised metric falls.",
            Query(
                f"""
                {_with_bounds("model_estimated_performance", _CHOSEN, "version, of", "estimated")}
                or
                ({_REFERENCE} and on () group(model_estimated_performance{{{_CHOSEN}}}))
                """,
                "{{line}} {{version}} {{of}}",
            ),
            unit=NATS,
            absence="No estimate: it takes scores of classes and a reference of outcomes; window 1h or 1d",
            width=12,
            overrides=(_BOUND,),
            decimals=3,
        ),
        evidence(
            "Evidence that performance fell",
            "A page takes a larger fall than a ticket.",
            Query(
                f"""
                label_replace(
                  max by (version, level) (model_version:performance_evidence{{{OF_VERSION}}}),
                  "line", "for a $1", "level", "(.*)"
                )
                or
                {alarm_line(f"model_version:performance_evidence{{{OF_VERSION}}}")}
                """,
                "{{line}} {{version}}",
            ),
            "No evidence yet: it takes a reference of outcomes, or an objective",
            width=8,
        ),
        lines(
            "Coverage of outcomes",
            "Share of predictions whose outcome is known: of the window, and of the last day for all versions with the "
            "threshold below which it is a ticket. A fall is most often a broken feed of outcomes, not a worse model.",
            Query(
                f"""
                label_replace(avg by (version) (model_label_coverage_ratio{{{_IN_WINDOW}}}), "line", "window", "", "")
                or
                label_replace(model:label_coverage:ratio1d{{{OF_MODEL}}}, "line", "last day", "", "")
                or
                label_replace(
                  model:threshold{{{OF_MODEL},signal="label_coverage_ratio",severity="ticket"}}
                  and on (model) model_label_coverage_ratio{{{OF_MODEL}}},
                  "line", "threshold of a ticket", "", ""
                )
                """,
                "{{line}} {{version}}",
            ),
            unit=PERCENT,
            absence=_NO_OUTCOMES,
            overrides=(in_color("/last day/", ORANGE),),
            minimum=0,
            maximum=1,
        ),
        lines(
            "How long outcomes take",
            "Time from a prediction to the arrival of its outcome: the mean of those that arrived, and the time in "
            "which 95 % arrive, after which a window is judged. Steady is normal; a jump is a late feed, and "
            "performance is known that much later.",
            Query(
                f"""
                label_replace(
                  sum(rate(model_outcome_delay_seconds_sum{{{OF_VERSION}}}[$__rate_interval]))
                  / (sum(rate(model_outcome_delay_seconds_count{{{OF_VERSION}}}[$__rate_interval])) > 0),
                  "line", "mean", "", ""
                )
                or
                label_replace(max(model_performance_lag_seconds{{{OF_VERSION}}}), "line", "95 % within", "", "")
                """,
                "{{line}}",
            ),
            unit=SECONDS,
            absence="No outcomes in this time",
            overrides=(in_color("mean", SKY), in_color("95 % within", ORANGE)),
            minimum=0,
        ),
    )


def _fairness() -> tuple[Panel, ...]:
    gap = "version, metric, group, other"
    return (
        lines(
            "Metric by group: $segment $rate",
            "The chosen metric for each group, of predictions made in the window. Groups that are too small are not "
            "shown. One group that leaves the others is a fault of that segment: look for what is special to it.",
            Query(
                f'avg by (version, group) (model_segment_performance{{{_OF_SEGMENT},metric="$rate"}})',
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
            Query(f"avg by ({gap}) (model_fairness_gap{{{_OF_SEGMENT}}})", instant=True),
            Query(f"avg by ({gap}) (model_fairness_gap_lower{{{_OF_SEGMENT}}})", instant=True),
            Query(f"avg by ({gap}) (model_fairness_gap_upper{{{_OF_SEGMENT}}})", instant=True),
            Query(
                f"""
                0 * max by (model, {gap}) (model_fairness_gap{{{_OF_SEGMENT}}})
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


def _business() -> tuple[Panel, ...]:
    indicator = lines(
        "Business: $kpi",
        "The indicator of predictions made in the window, between the bounds of its 95 % interval (dotted; sums "
        "have none). It moves when the model, its inputs or its users do: this is the harm, if there is any. "
        f"{_OF_REPLICAS}",
        Query(
            _with_bounds("model_business_kpi", f'{_IN_WINDOW},kpi="$kpi"', "version", "value"),
            "{{line}} {{version}}",
        ),
        unit=NATS,
        absence=_NO_INDICATORS,
        width=24,
        overrides=(_BOUND,),
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


def _metrics() -> tuple[Panel, ...]:
    by = "version, metric, of"
    return (
        table(
            "All metrics of the window",
            "Every metric of predictions made in the window, by the outcomes that are known, with the bounds of "
            "its 95 % interval, the reference of the model, and what is estimated without outcomes.",
            Query(f"avg by ({by}) (model_performance{{{_IN_WINDOW}}})", instant=True),
            Query(f"avg by ({by}) (model_performance_lower{{{_IN_WINDOW}}})", instant=True),
            Query(f"avg by ({by}) (model_performance_upper{{{_IN_WINDOW}}})", instant=True),
            Query(
                f"""
                0 * avg by ({by}) (model_performance{{{_IN_WINDOW},of=""}})
                + on (metric) group_left () max by (metric) (model_performance_reference{{{OF_MODEL}}})
                """,
                instant=True,
            ),
            Query(f"avg by ({by}) (model_estimated_performance{{{_IN_WINDOW}}})", instant=True),
            columns=(
                Column("metric", "Metric"),
                Column("of", "Class, horizon or depth", width=180),
                Column("version", "Version", width=120),
                Column("Value #A", "Realised", NATS, width=120, decimals=3),
                Column("Value #B", "Lower bound", NATS, width=120, decimals=3),
                Column("Value #C", "Upper bound", NATS, width=120, decimals=3),
                Column("Value #D", "Reference", NATS, width=120, decimals=3),
                Column("Value #E", "Estimated", NATS, width=120, decimals=3),
            ),
            absence=_NO_OUTCOMES,
            height=9,
            sort="Metric",
            descending=False,
        ),
        lines(
            "Estimate less realised: $metric",
            "How far the estimate was from what outcomes showed. About 0 is normal; a lasting distance means that "
            "a score no longer means what it meant (concept change), and the estimate is not to be trusted.",
            Query(
                f"avg by (version, of) (model_estimated_performance_error{{{_CHOSEN}}})",
                "{{version}} {{of}}",
            ),
            unit=NATS,
            absence="No estimate to compare, or no outcomes yet",
            decimals=3,
        ),
        lines(
            "Outcomes that tell nothing",
            "Outcomes a second that could not be used, by reason. Normal is few; many without a prediction are "
            "most often sent under another identifier, or after the prediction was given up.",
            Query(
                f"""
                label_replace(
                  sum by (reason) (rate(model_outcomes_unmatched_total{{{OF_MODEL}}}[$__rate_interval])) > 0,
                  "line", "outcome: $1", "reason", "(.*)"
                )
                or
                label_replace(
                  sum by (reason) (rate(model_predictions_without_outcome_total{{{OF_MODEL}}}[$__rate_interval])) > 0,
                  "line", "prediction given up: $1", "reason", "(.*)"
                )
                """,
                "{{line}}",
            ),
            unit="cps",
            absence="None",
            minimum=0,
        ),
        lines(
            "Waiting for outcomes",
            "Predictions that wait for their outcome, and outcomes that wait for their prediction. Both level off at "
            "what arrives in the time that outcomes take; a climb without end is a feed that stopped.",
            Query(
                f"""
                label_replace(sum(model_pending_predictions{{{OF_MODEL}}}), "line", "predictions", "", "")
                or
                label_replace(sum(model_pending_outcomes{{{OF_MODEL}}}), "line", "outcomes", "", "")
                """,
                "{{line}}",
            ),
            unit=COUNT,
            absence=_NO_OUTCOMES,
            overrides=(in_color("predictions", SKY), in_color("outcomes", ORANGE)),
            minimum=0,
        ),
    )


def _confusion() -> Panel:
    counts = f"avg_over_time(model_version:confusion:increase1h{{{OF_VERSION}}}[$__range])"
    panel = table(
        "What was predicted for each class",
        "For each class that came true (row), the shares of what had been predicted (columns), over the time "
        "shown. The share on the diagonal is the class's recall; large ones elsewhere are what the model takes it "
        "for.",
        Query(
            f"""
            sum by (actual, predicted) ({counts})
            / on (actual) group_left () (sum by (actual) ({counts}) > 0)
            """,
            instant=True,
        ),
        columns=(Column("actual", "actual"), Column("predicted", "predicted"), Column("Value", "share", PERCENT)),
        absence="No outcomes of classes in this time",
        width=12,
        height=8,
    )
    matrix = {
        "id": "groupingToMatrix",
        "options": {"rowField": "actual", "columnField": "predicted", "valueField": "share", "emptyValue": "zero"},
    }
    return replace(
        panel,
        defaults=panel.defaults | {"unit": PERCENT, "decimals": 1},
        overrides=(),
        transformations=(*panel.transformations, matrix),
    )


def _calibration() -> Panel:
    positive = _by_tenth(f'{OF_VERSION},actual="positive"')
    scored = _by_tenth(OF_VERSION)
    return columns_chart(
        "Calibration: outcomes by score",
        "Share of predictions that came true as positive, by the tenth that their score lies in, and how many "
        "predictions had such a score, over the time shown. Scores that are probabilities have blue bars within "
        "their tenth: 20 to 30 % above *0.2*. Higher, and the model is too timid there; lower, too bold; with few "
        "predictions it is chance.",
        Query(f"{positive} / ({scored} > 0)", instant=True),
        Query(f"{scored} / on () group_left () (sum({scored}) > 0)", instant=True),
        category="Score from",
        unit=PERCENT,
        absence="No outcomes of predictions with scores in this time",
        height=8,
        overrides=tuple(override(name, color=fixed(color)) for name, color in _SCORED.values()),
        transformations=(
            {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": "tenth", "desc": False}]}},
            {"id": "filterFieldsByName", "options": {"include": {"names": ["tenth", *_SCORED]}}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {},
                    "indexByName": {name: at for at, name in enumerate(["tenth", *_SCORED])},
                    "renameByName": {"tenth": "Score from"} | {name: told for name, (told, _) in _SCORED.items()},
                },
            },
        ),
    )


_SCORED: Final = {"Value #A": ("Came true", BLUE), "Value #B": ("Of all predictions", GREY)}


def _by_tenth(matchers: str) -> str:
    """Scored predictions by the tenth that the upper bound of their bin lies in, as the label `tenth`."""
    counts = f"sum by (bin) (increase(model_score_bin_total{{{matchers}}}[$__range]))"
    low = f'label_replace({counts}, "tenth", "0.0", "bin", ".*")'
    middle = f'label_replace({low}, "tenth", "0.$1", "bin", "0\\\\.([0-9])[0-9]*")'
    return f'sum by (tenth) (label_replace({middle}, "tenth", "0.9", "bin", "1|1\\\\.0|\\\\+Inf"))'


def _groups() -> tuple[Panel, ...]:
    chosen = f'{_OF_SEGMENT},metric="$rate"'
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


DASHBOARD: Final = Dashboard(
    uid=links.PERFORMANCE,
    title=links.TITLES[links.PERFORMANCE],
    description="How good a model is by its outcomes and by estimate, how sure that is, and for whom.",
    rows=(
        Row("", (*_facts(), *_quality())),
        Row("Groups", _fairness()),
        Row("Business", _business()),
        Row("All metrics, and the feed of outcomes", _metrics(), collapsed=True),
        Row("Confusion and calibration", (_confusion(), _calibration()), collapsed=True),
        Row("Bounds of the groups", _groups(), collapsed=True),
    ),
    variables=(
        DATA_SOURCE,
        ENVIRONMENT,
        OWNER,
        MODEL,
        VERSION,
        _COHORT,
        _METRIC,
        _PART,
        _SEGMENT,
        _GROUP_METRIC,
        _KPI,
    ),
    annotations=(*MARKS, _ONSET),
)
