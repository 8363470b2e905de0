"""Data quality and upstream: what is missing, wrong, unknown or late before the model sees it."""

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
)
from model_exporter.pack.dashboards.features import BY_QUALITY, OF_FEATURE_VERSION, OF_MODEL, OF_VERSION
from model_exporter.pack.dashboards.marks import MARKS
from model_exporter.pack.dashboards.panels import Column, Panel, Query, in_color, lines, stat, table
from model_exporter.pack.dashboards.style import BLUE, ORANGE, PERCENT, SECONDS, SKY, VERMILION, values

_WRONGS: Final = {
    "missing": ("missing_ratio", "model_feature:missing_baseline:ratio"),
    "invalid": ("invalid_ratio", None),
    "unseen": ("unseen_ratio", "model_feature:unseen_baseline:ratio"),
    "outliers": ("outlier_ratio", None),
}
"""What can be wrong with a feature's values: the signal of its threshold, and the baseline's share, which is usual."""
_NO_ROWS: Final = "No predictions in the last 15 minutes"
_FEATURE: Final = "model, feature, role"
_OVER: Final = values({"0": ("within limits", BLUE), "1": ("ticket", ORANGE), "2": ("page", VERMILION)})


def _share(wrong: str) -> str:
    return f"model_feature:{wrong}:ratio15m{{{OF_MODEL}}}"


def _usual(wrong: str) -> str:
    """What the baseline has of it, for each feature that has the ratio; 0 where it says nothing of it."""
    usual = _WRONGS[wrong][1]
    nothing = f"0 * {_share(wrong)}"
    return f"({usual}{{{OF_MODEL}}} or on ({_FEATURE}) {nothing})" if usual else f"({nothing})"


def _limit(wrong: str, severity: str) -> str:
    """The share from which on there is a symptom: the feature's threshold or else the model's, above what is usual."""
    matchers = f'{OF_MODEL},signal="{_WRONGS[wrong][0]}",severity="{severity}"'
    return f"""
        (
          {_usual(wrong)}
          + on ({_FEATURE}) (
            max by ({_FEATURE}) (model_feature_threshold{{{matchers}}})
            or on ({_FEATURE})
            0 * {_share(wrong)} + on (model) group_left () model:threshold{{{matchers}}}
          )
        )
    """


def _each(expression: dict[str, str]) -> str:
    """One expression for each of `_WRONGS`, told apart by the label `what`."""
    return " or ".join(f'label_replace({text}, "what", "{wrong}", "", "")' for wrong, text in expression.items())


def _facts() -> tuple[Panel, ...]:
    return (
        stat(
            "Data and upstream",
            "Whether anything on this page is over its limit: inputs, schema, duplicates, services or sources. "
            "*page* and *ticket* are how sure and how large it is. Repair data first: whatever else is wrong may "
            "follow from it.",
            Query(
                f"""
                2 * max(
                  model:symptom:raw{{{OF_MODEL},category=~"data_quality|schema|upstream",level="page"}} ^ 0
                )
                or
                max(model:symptom:raw{{{OF_MODEL},category=~"data_quality|schema|upstream"}} ^ 0)
                or
                0 * max(model:owner{{{OF_MODEL}}})
                """
            ),
            unit="none",
            absence="unknown model",
            width=6,
            height=3,
            mappings=(_OVER,),
        ),
        stat(
            "Violate the schema",
            "Share of the predictions of the last 15 minutes that deviate from the schema, for instance by a field of "
            "another type.",
            Query(f"max(model:violating_predictions:ratio15m{{{OF_MODEL}}})"),
            unit=PERCENT,
            absence=_NO_ROWS,
            width=6,
            height=3,
        ),
        stat(
            "Duplicates",
            "Share of the predictions of the last 15 minutes that had been counted before, and were left out. Retries "
            "make some; most of the traffic twice is a fault of the sender.",
            Query(f"max(model:duplicates:ratio15m{{{OF_MODEL}}})"),
            unit=PERCENT,
            absence=_NO_ROWS,
            width=6,
            height=3,
        ),
        stat(
            "Oldest source",
            "Time since the data source that ran longest ago. Past its limit the model works on old data.",
            Query(f"max(model_source:age_seconds{{{OF_MODEL}}})"),
            unit=SECONDS,
            absence="no source reports its runs",
            width=6,
            height=3,
        ),
    )


def _ranking() -> Panel:
    keep = "feature, role, what"
    shares = _each({wrong: _share(wrong) for wrong in _WRONGS})
    tickets = _each({wrong: _limit(wrong, "ticket") for wrong in _WRONGS})
    return table(
        "What is wrong with which feature",
        "Shares of the predictions of the last 15 minutes. *missing*: absent or null; *invalid*: cannot be right, "
        "as a text for a number; *unseen*: a category that the baseline lacks; *outliers*: numbers far outside the "
        "baseline's. *Usual* is the baseline's share. *Of limit* is what is above the usual, over what a ticket "
        "takes: from 100 % on it is a symptom (of inputs only, with 100 predictions at least). Ask who fills the "
        "feature.",
        Query(f"max by ({keep}) ({shares})", instant=True),
        Query(
            f"max by ({keep}) ({_each({wrong: _usual(wrong) for wrong in _WRONGS if _WRONGS[wrong][1]})})", instant=True
        ),
        Query(f"max by ({keep}) ({tickets})", instant=True),
        Query(
            f"""
            max by ({keep}) (
              (({shares}) - on (model, {keep}) ({_each({wrong: _usual(wrong) for wrong in _WRONGS})}))
              / on (model, {keep})
              (({tickets}) - on (model, {keep}) ({_each({wrong: _usual(wrong) for wrong in _WRONGS})}))
            )
            """,
            instant=True,
        ),
        columns=(
            Column(
                "feature",
                "Feature",
                links=(
                    links.of_chosen_model(links.QUALITY, "By version and reason, below", feature="feature"),
                    links.of_chosen_model(links.DRIFT, "Its distributions", feature="feature"),
                ),
            ),
            Column("role", "Role", width=100),
            Column("what", "What", width=110),
            Column("Value #A", "Share", PERCENT, width=110, decimals=1),
            Column("Value #B", "Usual", PERCENT, width=110, decimals=1),
            Column("Value #C", "Limit", PERCENT, width=110, decimals=1),
            Column(
                "Value #D",
                "Of limit",
                PERCENT,
                width=230,
                decimals=0,
                gauge=(0, 1),
                steps=((None, BLUE), (1, VERMILION)),
            ),
        ),
        absence=_NO_ROWS,
        height=9,
        sort="Of limit",
    )


_WORDS: Final = {
    "missing": (
        "Missing",
        (
            "Share of predictions that lack the feature, above the baseline's share. Near 0 is normal; a jump is most "
            "often a field that was renamed or a service that no longer answers."
        ),
    ),
    "invalid": (
        "Invalid",
        (
            "Share of values that cannot be right: of another type, not finite, or outside the range that the schema "
            "allows. Normal is none."
        ),
    ),
    "unseen": (
        "Unseen categories",
        (
            "Share of values that the baseline does not know, above its own share of rare ones. New categories may be "
            "right: then build a new baseline, and ask whether the model knows them."
        ),
    ),
    "outliers": (
        "Outliers",
        (
            "Share of numbers far outside those of the baseline. A few are normal; many at once are most often another "
            "unit or currency."
        ),
    ),
}


def _over_time(wrong: str) -> Panel:
    title, description = _WORDS[wrong]
    share = f'model_feature:{wrong}:ratio15m{{{OF_MODEL},role="input"}}'
    usual = _WRONGS[wrong][1]
    above = (
        f"""
        clamp_min(
          {share} - on ({_FEATURE}) ({usual}{{{OF_MODEL}}} or on ({_FEATURE}) 0 * {share}), 0
        )
        """
        if usual
        else share
    )
    worst = f"topk(5, max_over_time({share}[$__range] @ end()) > 0)"
    return lines(
        title,
        f"{description} The five inputs with the largest shares in the time shown, those with none left out, and "
        "the model's thresholds.",
        Query(
            f"""
            label_replace({above} and on ({_FEATURE}) {worst}, "line", "$1", "feature", "(.*)")
            or
            label_replace(
              model:threshold{{{OF_MODEL},signal="{_WRONGS[wrong][0]}"}} and on (model) {share},
              "line", "threshold of a $1", "severity", "(.*)"
            )
            """,
            "{{line}}",
        ),
        unit=PERCENT,
        absence="No inputs in this time of which this could be told",
        width=6,
        height=7,
        minimum=0,
    )


def _schema() -> tuple[Panel, ...]:
    return (
        lines(
            "Predictions that violate the schema",
            "Share of predictions of which any field deviates from the schema, and the share that the objective "
            "allows. Every sudden step is a change of the model's caller: compare with the marks of changes.",
            Query(
                f"""
                label_replace(model:violating_predictions:ratio15m{{{OF_MODEL}}}, "line", "violate", "", "")
                or
                label_replace(
                  model:threshold{{{OF_MODEL},signal="schema_violations",severity="objective"}}
                  and on (model) model:violating_predictions:ratio15m{{{OF_MODEL}}},
                  "line", "objective: at most", "", ""
                )
                """,
                "{{line}}",
            ),
            unit=PERCENT,
            absence=_NO_ROWS,
            overrides=(in_color("violate", SKY),),
            minimum=0,
        ),
        lines(
            "Violations by reason",
            "Deviations from the schema a second by reason, each field of a prediction counted: what the callers do "
            "otherwise than the schema says. Normal is none.",
            Query(
                f"sum by (reason) (rate(model_schema_violations_total{{{OF_VERSION}}}[$__rate_interval])) > 0",
                "{{reason}}",
            ),
            unit="cps",
            absence="No violations, or no schema to deviate from",
            minimum=0,
        ),
        lines(
            "Duplicate predictions",
            "Share of predictions that had been counted before, and the threshold of a ticket. They are left out "
            "everywhere else.",
            Query(
                f"""
                label_replace(model:duplicates:ratio15m{{{OF_MODEL}}}, "line", "duplicates", "", "")
                or
                label_replace(
                  model:threshold{{{OF_MODEL},signal="duplicate_ratio"}}
                  and on (model) model:duplicates:ratio15m{{{OF_MODEL}}},
                  "line", "threshold of a $1", "severity", "(.*)"
                )
                """,
                "{{line}}",
            ),
            unit=PERCENT,
            absence=_NO_ROWS,
            overrides=(in_color("duplicates", SKY),),
            minimum=0,
        ),
    )


def _upstream() -> tuple[Panel, ...]:
    return (
        lines(
            "Failed calls of services",
            "Share of the model's calls of other services that failed within ten minutes, by service, and the "
            "thresholds. Features from a service that fails are missing, or stale.",
            Query(
                f"""
                label_replace(model_upstream:errors:ratio10m{{{OF_MODEL}}}, "line", "$1", "upstream", "(.*)")
                or
                label_replace(
                  model:threshold{{{OF_MODEL},signal="upstream_error_ratio"}}
                  and on (model) model_upstream:errors:ratio10m{{{OF_MODEL}}},
                  "line", "threshold of a $1", "severity", "(.*)"
                )
                """,
                "{{line}}",
            ),
            unit=PERCENT,
            absence="No calls seen: send traces of the model's service",
            minimum=0,
        ),
        lines(
            "Latency of services",
            "Mean time that the model's calls of other services took within ten minutes, and the threshold: so many "
            "times the mean of the day before, once there is an hour of it.",
            Query(
                f"""
                label_replace(model_upstream:duration_seconds:mean10m{{{OF_MODEL}}}, "line", "$1", "upstream", "(.*)")
                or
                label_replace(
                  model_upstream:duration_seconds:mean10m{{{OF_MODEL}}} / model_upstream:latency:ratio10m{{{OF_MODEL}}}
                  * on (model) group_left ()
                  model:threshold{{{OF_MODEL},signal="upstream_latency_ratio",severity="ticket"}},
                  "line", "threshold of $1", "upstream", "(.*)"
                )
                """,
                "{{line}}",
            ),
            unit=SECONDS,
            absence="No calls seen: send traces of the model's service",
            minimum=0,
        ),
        lines(
            "Age of sources",
            "Time since each data source of the model last ran, and the threshold of a ticket. A saw-tooth is "
            "normal; a line that goes on climbing is a pipeline that stands still.",
            Query(
                f"""
                label_replace(model_source:age_seconds{{{OF_MODEL}}}, "line", "$1", "source", "(.*)")
                or
                label_replace(
                  model:threshold{{{OF_MODEL},signal="source_age_seconds",severity="ticket"}}
                  and on (model) model_source:age_seconds{{{OF_MODEL}}},
                  "line", "threshold of a ticket", "", ""
                )
                """,
                "{{line}}",
            ),
            unit=SECONDS,
            absence="No source reports its runs: send model.event records of pipeline runs with their source",
            minimum=0,
        ),
    )


def _by_version() -> tuple[Panel, ...]:
    def rate(metric: str, by: str) -> str:
        return f"sum by ({by}) (rate({metric}{{{OF_FEATURE_VERSION}}}[$__rate_interval]))"

    rows = f"({rate('model_feature_values_total', 'version')} + {rate('model_feature_missing_total', 'version')} > 0)"
    return (
        lines(
            "Missing by version: $feature",
            "Share of predictions that lack the chosen feature, by version of the model. Versions that differ point to "
            "the deployment; all alike to the data.",
            Query(f"{rate('model_feature_missing_total', 'version')} / {rows}", "{{version}}"),
            unit=PERCENT,
            absence="No predictions with this feature in this time",
            minimum=0,
            reaching=0.01,
        ),
        lines(
            "Invalid by reason: $feature",
            "Values of the chosen feature a second that cannot be right, by reason and version.",
            Query(f"{rate('model_feature_invalid_total', 'version, reason')} > 0", "{{reason}}, {{version}}"),
            unit="cps",
            absence="No value of this feature was invalid",
            minimum=0,
        ),
        lines(
            "Outliers by version: $feature",
            "Share of the chosen feature's values that lie far outside those of the baseline, by version.",
            Query(f"{rate('model_feature_outliers_total', 'version')} / {rows}", "{{version}}"),
            unit=PERCENT,
            absence="No numbers of this feature in this time",
            minimum=0,
            reaching=0.01,
        ),
    )


DASHBOARD: Final = Dashboard(
    uid=links.QUALITY,
    title=links.TITLES[links.QUALITY],
    description="What is missing, wrong, unknown or late in what a model is given, by feature, service and source.",
    rows=(
        Row("", (*_facts(), _ranking())),
        Row("Inputs over time", tuple(_over_time(wrong) for wrong in _WRONGS)),
        Row("Schema and duplicates", _schema()),
        Row("Services and sources that the model depends on", _upstream()),
        Row("One feature by version and reason", _by_version(), collapsed=True),
    ),
    variables=(DATA_SOURCE, ENVIRONMENT, OWNER, MODEL, VERSION, BY_QUALITY),
    annotations=MARKS,
)
