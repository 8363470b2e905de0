"""Performance and fairness: how good a model is by its outcomes, what is estimated before they come, and for whom."""

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
)
from model_exporter.pack.dashboards.features import (
    ALARM,
    OF_MODEL,
    OF_VERSION,
    alarm_line,
    evidence,
    now_of_active,
)
from model_exporter.pack.dashboards.groups import bounds_of_groups, business, fairness
from model_exporter.pack.dashboards.marks import MARKS
from model_exporter.pack.dashboards.measures import (
    BOUND,
    CHOSEN,
    COHORT,
    GROUP_METRIC,
    IN_WINDOW,
    KPI,
    METRIC,
    NO_OUTCOMES,
    OF_REPLICAS,
    PART,
    SEGMENT,
    with_bounds,
)
from model_exporter.pack.dashboards.outcomes import all_metrics, calibration, confusion
from model_exporter.pack.dashboards.panels import (
    Panel,
    Query,
    in_color,
    lines,
    stat,
)
from model_exporter.pack.dashboards.style import (
    BLUE,
    GREY,
    NATS,
    ORANGE,
    PERCENT,
    PURPLE,
    SECONDS,
    SKY,
    values,
)

_ONSET: Final = annotation(
    "Performance fell",
    f"min by (model, level) (model_performance_drift_onset_timestamp_seconds{{{OF_VERSION}}}) * 1000",
    PURPLE,
    title="Performance fell ({{level}})",
    text="By estimate: when the outcomes that arrived began to be worse than the reference.",
    at_value=True,
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
_METRICS_MEAN: Final = (
    "*accuracy*: share of right predictions; *recall* and *precision*: of the positive class, the share that is found, "
    "and of what is called positive, the share that is right; *mae*: mean error without sign, in the unit of the "
    "prediction."
)


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
            Query(now_of_active(f"avg by (model, version) (model_label_coverage_ratio{{{IN_WINDOW}}})")),
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
            Query(now_of_active(f"max by (model, version) (model_performance_provisional{{{IN_WINDOW}}})")),
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
        f'{number} * max by (model, version) ({withdrawn}{{{IN_WINDOW},reason="{reason}"}} == 1)'
        for number, reason in enumerate(reasons, start=1)
    )
    return " or on (model, version) ".join((*told, f"0 * max by (model, version) ({withdrawn}{{{IN_WINDOW}}})"))


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
            f"the reference by less than the interval may be chance. {_METRICS_MEAN} {OF_REPLICAS}",
            Query(
                f"""
                {with_bounds("model_performance", CHOSEN, "version, of", "realised")}
                or
                {_REFERENCE}
                """,
                "{{line}} {{version}} {{of}}",
            ),
            unit=NATS,
            absence=NO_OUTCOMES,
            width=12,
            overrides=(BOUND,),
            decimals=3,
        ),
        lines(
            "Estimated without outcomes: $metric",
            "What the scores alone promise for predictions made in the window up to now, between bounds (dotted). It "
            "does not wait for outcomes, and holds only while a score still means what it meant: after a concept "
            "change it stays high while the realised metric falls.",
            Query(
                f"""
                {with_bounds("model_estimated_performance", CHOSEN, "version, of", "estimated")}
                or
                ({_REFERENCE} and on () group(model_estimated_performance{{{CHOSEN}}}))
                """,
                "{{line}} {{version}} {{of}}",
            ),
            unit=NATS,
            absence="No estimate: it takes scores of classes and a reference of outcomes; window 1h or 1d",
            width=12,
            overrides=(BOUND,),
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
                label_replace(avg by (version) (model_label_coverage_ratio{{{IN_WINDOW}}}), "line", "window", "", "")
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
            absence=NO_OUTCOMES,
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


DASHBOARD: Final = Dashboard(
    uid=links.PERFORMANCE,
    title=links.TITLES[links.PERFORMANCE],
    description="How good a model is by its outcomes and by estimate, how sure that is, and for whom.",
    rows=(
        Row("", (*_facts(), *_quality())),
        Row("Groups", fairness()),
        Row("Business", business()),
        Row("All metrics, and the feed of outcomes", all_metrics(), collapsed=True),
        Row("Confusion and calibration", (confusion(), calibration()), collapsed=True),
        Row("Bounds of the groups", bounds_of_groups(), collapsed=True),
    ),
    variables=(
        DATA_SOURCE,
        ENVIRONMENT,
        OWNER,
        MODEL,
        VERSION,
        COHORT,
        METRIC,
        PART,
        SEGMENT,
        GROUP_METRIC,
        KPI,
    ),
    annotations=(*MARKS, _ONSET),
)
