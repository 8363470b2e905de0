"""Signals of one model under each other: traffic, evidence, performance, data, and what they are compared with."""

from typing import Final

from model_exporter.pack.dashboards.panels import Panel, Query, in_color, lines, override
from model_exporter.pack.dashboards.style import (
    GREY,
    NATS,
    ORANGE,
    PERCENT,
    PURPLE,
    RATE,
    SECONDS,
    SKY,
    VERMILION,
)

_EVIDENCE_KINDS: Final = """
    label_replace(model_version:drift_evidence{model="$model",version=~"$version"}, "about", "drift", "", "")
    or
    label_replace(model_version:dependence_evidence{model="$model",version=~"$version"}, "about", "pairs", "", "")
    or
    label_replace(
      model_version:performance_evidence{model="$model",version=~"$version"}, "about", "performance", "", ""
    )
    or
    label_replace(model_version:business_evidence{model="$model",version=~"$version"}, "about", "business", "", "")
"""


_OUTPUTS: Final = """
    (
      sum by (feature, bin) (
        model_feature_bin:observations:increase1h{model="$model",version=~"$version",role="output"}
      )
        / on (feature) group_left ()
      (
        sum by (feature) (
          model_feature_bin:observations:increase1h{model="$model",version=~"$version",role="output"}
        ) > 0
      )
    )
"""
_OUTPUTS_OF_BASELINE: Final = """
    (
      sum by (feature, bin) (model_feature_bin:baseline_observations{model="$model",role="output"} @ end())
        / on (feature) group_left ()
      sum by (feature) (model_feature_bin:baseline_observations{model="$model",role="output"} @ end())
    )
"""


def traffic() -> tuple[Panel, ...]:
    """How much the model is used, how often it fails, and how fast it is."""
    return (
        lines(
            "Predictions",
            "Predictions a second by version, failed ones included, and what is expected at this time of the day by "
            "the day and the week before.",
            Query(
                """
                model_version:predictions:rate5m{model="$model",version=~"$version"}
                or
                label_replace(
                  model:expected_predictions:increase15m{model="$model"} / 900, "version", "expected", "", ""
                )
                """,
                "{{version}}",
            ),
            unit=RATE,
            absence="No predictions in this time",
            minimum=0,
        ),
        lines(
            "Failed predictions",
            "Share of predictions that failed, and the share that the objective of availability allows.",
            Query(
                """
                label_replace(model:prediction_errors:ratio_rate5m{model="$model"}, "what", "failed", "", "")
                or
                label_replace(
                  1 - model:slo_objective:ratio{model="$model",slo="availability"}
                    and on (model) model:prediction_errors:ratio_rate5m,
                  "what", "allowed by the objective", "", ""
                )
                """,
                "{{what}}",
            ),
            unit=PERCENT,
            overrides=(in_color("failed", ORANGE),),
            absence="No predictions in this time",
            minimum=0,
        ),
        lines(
            "Latency",
            "Time that half of the predictions (p50) and 99 % of them (p99) took at most, 95 % of each version, and "
            "the objectives that the configuration sets. Points are single predictions that lead to a trace.",
            Query(
                """
                label_replace(model:prediction_duration_seconds:p50_rate5m{model="$model"}, "quantile", "p50", "", "")
                or
                label_replace(model:prediction_duration_seconds:p99_rate5m{model="$model"}, "quantile", "p99", "", "")
                """,
                "{{quantile}}",
            ),
            Query(
                """
                histogram_quantile(
                  0.95,
                  sum by (version, le) (
                    rate(model_prediction_duration_seconds_bucket{model="$model",version=~"$version"}[$__rate_interval])
                  )
                )
                """,
                "p95 of {{version}}",
                exemplar=True,
            ),
            Query(
                """
                max by (quantile) (
                  label_replace(
                    model:threshold{model="$model",signal=~"latency_p.+_seconds",severity="objective"},
                    "quantile", "$1", "signal", "latency_(.+)_seconds"
                  ) and on (model) model:prediction_duration_seconds:p99_rate5m
                )
                """,
                "objective of {{quantile}}",
            ),
            unit=SECONDS,
            overrides=(in_color("p50", SKY), in_color("p99", ORANGE)),
            absence="Latency is not told: neither records nor spans say how long predictions took",
            minimum=0,
        ),
    )


def verdicts() -> tuple[Panel, ...]:
    """What speaks for a change, how outputs moved, and how good the outcomes are."""
    return (
        lines(
            "Evidence of change",
            "What speaks for a change that matters, on a logarithmic scale: at the dashed line (0) it is an alarm, "
            "each unit below is a factor of 2.7 less; below -10 it is drawn at -10. *Pairs* are of features. A page "
            "needs a larger change than a ticket. Watching the lines makes no false alarms.",
            Query(
                f"""
                clamp_min(
                  max by (about, level) (
                    ({_EVIDENCE_KINDS}) unless on (model, version) model_version:superseded
                  ),
                  -10
                )
                """,
                "{{about}}, {{level}}",
            ),
            Query(
                """
                max(model:threshold{model="$model",signal="drift_evidence"})
                  and on () group(model_version:drift_evidence{model="$model"})
                """,
                "alarm threshold",
            ),
            unit=NATS,
            overrides=(
                in_color("/^drift/", SKY),
                in_color("/^pairs/", PURPLE),
                in_color("/^performance/", VERMILION),
                in_color("/^business/", ORANGE),
                override("/, page$/", custom__lineWidth=2),
            ),
            absence="No evidence yet: the baseline is being learned, or no predictions came",
        ),
        lines(
            "Outputs that moved most",
            "Share of the predictions of the last hour whose output fell in a bin of the baseline, for the six bins "
            "that are furthest from the baseline now. Bins of numbers are counted from the lowest; the page on drift "
            "names their bounds.",
            Query(
                f"""
                {_OUTPUTS}
                and on (feature, bin) topk(
                  6,
                  abs(
                    {_OUTPUTS.replace("}", "} @ end()")}
                      - on (feature, bin)
                    {_OUTPUTS_OF_BASELINE}
                  )
                )
                """,
                "{{feature}}: {{bin}}",
            ),
            unit=PERCENT,
            absence="No outputs yet: outputs are binned once the baseline is complete",
            minimum=0,
        ),
        lines(
            "Performance",
            "What the outcomes that are known say of predictions made in the window, between its 95 % bounds; beside "
            "it the estimate without outcomes, and the reference that performance is compared with.",
            Query(
                """
                label_replace(avg by (version, metric) (model_performance{model="$model",version=~"$version",
                  metric=~"accuracy|mae",of="",window="$window"}), "line", "realised", "", "")
                or label_replace(avg by (version, metric) (model_performance_lower{model="$model",version=~"$version",
                  metric=~"accuracy|mae",of="",window="$window"}), "line", "lower bound", "", "")
                or label_replace(avg by (version, metric) (model_performance_upper{model="$model",version=~"$version",
                  metric=~"accuracy|mae",of="",window="$window"}), "line", "upper bound", "", "")
                or label_replace(avg by (version, metric) (model_estimated_performance{model="$model",
                  version=~"$version",metric=~"accuracy|mae",of="",window="$window"}), "line", "estimated", "", "")
                """,
                "{{metric}} {{line}}, {{version}}",
            ),
            Query(
                """
                max by (metric) (model_performance_reference{model="$model",metric=~"accuracy|mae"})
                  and on () group(model_performance{model="$model",window="$window"})
                """,
                "{{metric}} of the reference",
            ),
            unit="none",
            decimals=3,
            absence="No outcomes yet: send model.outcome records with the prediction.id",
            overrides=(in_color("/bound/", GREY, custom__lineStyle={"fill": "dot", "dash": [2, 4]}),),
        ),
    )


def data() -> tuple[Panel, ...]:
    """What comes in, what is called, and what is left of the budgets."""
    quality = " or ".join(
        f'label_replace(model_feature:{name}:ratio15m{{model="$model",role="input"}} > 0, "what", "{name}", "", "")'
        for name in ("missing", "invalid", "unseen", "outliers")
    )
    return (
        lines(
            "Worst input data",
            "Share of the values of the last 15 minutes that were missing, invalid, unseen in the baseline, or "
            "outliers: the eight largest at a time. The page on data quality has all of them with their thresholds.",
            Query(f"topk(8, {quality})", "{{feature}} {{what}}"),
            unit=PERCENT,
            absence="No missing or wrong value was seen in this time",
            minimum=0,
            reaching=0.05,
        ),
        lines(
            "Services that the model calls",
            "Share of calls that failed within ten minutes, by service, and the threshold of a ticket.",
            Query('model_upstream:errors:ratio10m{model="$model"}', "{{upstream}}"),
            Query(
                """
                max(model:threshold{model="$model",signal="upstream_error_ratio",severity="ticket"})
                  and on () group(model_upstream:errors:ratio10m{model="$model"})
                """,
                "threshold of a ticket",
            ),
            unit=PERCENT,
            absence="No calls seen: send traces of the model's service",
            minimum=0,
        ),
        lines(
            "Error budget left",
            "Share of the budget of 30 days that is left, by objective; below 0 more than all of it is spent.",
            Query('model:slo_budget_remaining:ratio{model="$model"}', "{{slo}}"),
            unit=PERCENT,
            absence="No budget yet: it needs an hour of predictions",
            maximum=1,
            overrides=(override("/.*/", custom__axisSoftMin=0),),
        ),
    )
