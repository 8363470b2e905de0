"""Panels that show all that outcomes tell: every metric, the classes, the scores, and how outcomes arrive."""

from dataclasses import replace
from typing import Final

from model_exporter.pack.dashboards.features import (
    OF_MODEL,
    OF_VERSION,
)
from model_exporter.pack.dashboards.measures import (
    CHOSEN,
    IN_WINDOW,
    NO_OUTCOMES,
)
from model_exporter.pack.dashboards.panels import (
    Column,
    Panel,
    Query,
    columns_chart,
    in_color,
    lines,
    override,
    table,
)
from model_exporter.pack.dashboards.style import (
    BLUE,
    COUNT,
    GREY,
    NATS,
    ORANGE,
    PERCENT,
    SKY,
    fixed,
)

_SCORED: Final = {"Value #A": ("Came true", BLUE), "Value #B": ("Of all predictions", GREY)}
"""Columns of the calibration with their colours."""


def all_metrics() -> tuple[Panel, ...]:
    """Every metric beside reference and estimate, and how outcomes arrive."""
    by = "version, metric, of"
    return (
        table(
            "All metrics of the window",
            "Every metric of predictions made in the window, by the outcomes that are known, with the bounds of "
            "its 95 % interval, the reference of the model, and what is estimated without outcomes.",
            Query(f"avg by ({by}) (model_performance{{{IN_WINDOW}}})", instant=True),
            Query(f"avg by ({by}) (model_performance_lower{{{IN_WINDOW}}})", instant=True),
            Query(f"avg by ({by}) (model_performance_upper{{{IN_WINDOW}}})", instant=True),
            Query(
                f"""
                0 * avg by ({by}) (model_performance{{{IN_WINDOW},of=""}})
                + on (metric) group_left () max by (metric) (model_performance_reference{{{OF_MODEL}}})
                """,
                instant=True,
            ),
            Query(f"avg by ({by}) (model_estimated_performance{{{IN_WINDOW}}})", instant=True),
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
            absence=NO_OUTCOMES,
            height=9,
            sort="Metric",
            descending=False,
        ),
        lines(
            "Estimate less realised: $metric",
            "How far the estimate was from what outcomes showed. About 0 is normal; a lasting distance means that "
            "a score no longer means what it meant (concept change), and the estimate is not to be trusted.",
            Query(
                f"avg by (version, of) (model_estimated_performance_error{{{CHOSEN}}})",
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
            absence=NO_OUTCOMES,
            overrides=(in_color("predictions", SKY), in_color("outcomes", ORANGE)),
            minimum=0,
        ),
    )


def confusion() -> Panel:
    """What was predicted for each class that came true."""
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


def calibration() -> Panel:
    """What came true for each tenth of the scores."""
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


def _by_tenth(matchers: str) -> str:
    """Scored predictions by the tenth that the upper bound of their bin lies in, as the label `tenth`."""
    counts = f"sum by (bin) (increase(model_score_bin_total{{{matchers}}}[$__range]))"
    low = f'label_replace({counts}, "tenth", "0.0", "bin", ".*")'
    middle = f'label_replace({low}, "tenth", "0.$1", "bin", "0\\\\.([0-9])[0-9]*")'
    return f'sum by (tenth) (label_replace({middle}, "tenth", "0.9", "bin", "1|1\\\\.0|\\\\+Inf"))'
