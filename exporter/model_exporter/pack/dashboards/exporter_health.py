"""The exporters themselves: whether what the other pages show can be trusted."""

from typing import Final

from model_exporter.pack.dashboards import links
from model_exporter.pack.dashboards.condition import SEVERITIES
from model_exporter.pack.dashboards.dashboard import DATA_SOURCE, Dashboard, Row, annotation, labels_variable
from model_exporter.pack.dashboards.panels import Column, Panel, Query, bars, lines, stat, table
from model_exporter.pack.dashboards.rule_cost import rule_cost
from model_exporter.pack.dashboards.style import (
    AGO,
    BLUE,
    BYTES,
    COUNT,
    ORANGE,
    PERCENT,
    RATE,
    SECONDS,
    SKY,
    VERMILION,
    values,
)

_JOB: Final = labels_variable("job", "Job", "label_values(model_exporter_build_info, job)", all_value=".+")
_INSTANCE: Final = labels_variable(
    "instance", "Instance", 'label_values(model_exporter_build_info{job=~"$job"}, instance)', all_value=".+"
)
_ON: Final = 'job=~"$job",instance=~"$instance"'
_SEEN: Final = f"model_exporter:seen:timestamp_seconds{{{_ON}}}"
_ANSWERS: Final = values({"0": ("does not answer", VERMILION), "1": ("answers", BLUE)})
_LOADED: Final = values({"0": ("failed", VERMILION), "1": ("loaded", BLUE)})
_NO_EXPORTER: Final = "No exporter is scraped"
_DROPPED: Final = "model_exporter_dropped_records_total"
_REJECTED: Final = "model_exporter_rejected_records_total"
_VALUES: Final = "model_exporter_dropped_values_total"
_RECORDS: Final = "suffix: records/s"
# As the alerts of rules/exporter.yml have it; a test holds the two together.
FULL_QUEUE: Final = 0.8
NEAR_LIMIT: Final = 0.9
STALE_SECONDS: Final = 120


def _rate(metric: str, by: str) -> str:
    return f"sum by ({by}) (rate({metric}{{{_ON}}}[$__rate_interval]))"


def _increase(metric: str, by: str) -> str:
    return f"sum by ({by}) (increase({metric}{{{_ON}}}[$__rate_interval]))"


def _counts() -> tuple[Panel, ...]:
    return (
        stat(
            "Answering",
            "Exporters that answered their last scrape.",
            Query(f"count(up{{{_ON}}} == 1 and on (job, instance) {_SEEN}) or 0 * count({_SEEN})"),
            unit=COUNT,
            absence=_NO_EXPORTER,
            height=3,
        ),
        stat(
            "Not answering",
            "Exporters seen within a day that cannot be scraped: what their replicas do is not counted.",
            Query(f"count(up{{{_ON}}} == 0 and on (job, instance) {_SEEN}) or 0 * count({_SEEN})"),
            unit=COUNT,
            absence=_NO_EXPORTER,
            height=3,
            steps=((None, BLUE), (1, VERMILION)),
        ),
        stat(
            "Fullest queue",
            "Records that wait for the writer, as a share of those that may: at 100 % clients are told to come again.",
            Query(
                f"max(model_exporter_queue_rows{{{_ON}}} "
                f"/ on (job, instance) model_exporter_queue_capacity_rows{{{_ON}}})"
            ),
            unit=PERCENT,
            absence=_NO_EXPORTER,
            height=3,
            decimals=0,
            steps=((None, BLUE), (FULL_QUEUE, VERMILION)),
        ),
        stat(
            "Fullest limit",
            "The limit on models, series, outcomes or learning that is nearest to being reached, as a share: beyond it "
            "records are turned away and counted.",
            Query(f"max(model_exporter:limit_usage:ratio{{{_ON}}})"),
            unit=PERCENT,
            absence=_NO_EXPORTER,
            height=3,
            decimals=0,
            steps=((None, BLUE), (NEAR_LIMIT, ORANGE)),
        ),
        stat(
            "Lost records",
            "Records that were accepted and then not counted, in the chosen time. Numbers of the models concerned are "
            "too low.",
            Query(f"sum(increase(model_exporter_dropped_records_total{{{_ON}}}[$__range]))"),
            unit=COUNT,
            absence=_NO_EXPORTER,
            height=3,
            decimals=0,
            steps=((None, BLUE), (1, VERMILION)),
        ),
        stat(
            "Oldest picture",
            "Age of the oldest picture of the models that an exporter shows; taken every second. When it stands still, "
            "all models of that exporter look silent.",
            Query(f"max(time() - model_exporter_snapshot_timestamp_seconds{{{_ON}}})"),
            unit=SECONDS,
            absence=_NO_EXPORTER,
            height=3,
            decimals=0,
            steps=((None, BLUE), (STALE_SECONDS, VERMILION)),
        ),
    )


def _exporters() -> tuple[Panel, ...]:
    return (
        table(
            "Alerts about exporters",
            "What fires now about the exporters and the rules, for whoever runs them. Click an alert for its runbook.",
            Query(
                "count by (alertname, severity) "
                '(ALERTS{component="model_exporter",alertstate="firing",alertname!="ModelWatchdog"})',
                instant=True,
            ),
            columns=(
                Column("severity", "Leads to", width=85, mappings=(SEVERITIES,), colored=True),
                Column("alertname", "Alert", width=240, links=(links.RUNBOOK_OF_ALERT,)),
                Column("Value", "Exporters", width=80),
            ),
            absence="No alert about an exporter fires",
            width=8,
            height=7,
            sort="Leads to",
            descending=False,
            filterable=False,
        ),
        table(
            "Exporters",
            "A line for each exporter seen within a day, those that do not answer first. *Kept on disk* is the age of "
            "the evidence and performance that a restart would go on from.",
            Query(f"max by (job, instance) (up{{{_ON}}} and on (job, instance) {_SEEN})", instant=True),
            Query(
                f"max by (job, instance, version) (model_exporter_build_info{{{_ON}}})",
                instant=True,
            ),
            Query(f"max by (job, instance) (model_exporter_models{{{_ON}}})", instant=True),
            Query(f"max by (job, instance) (model_exporter_series{{{_ON}}})", instant=True),
            Query(
                f"max by (job, instance) (model_exporter_config_last_reload_successful{{{_ON}}})",
                instant=True,
            ),
            Query(
                f"1000 * max by (job, instance) (model_exporter_checkpoint_timestamp_seconds{{{_ON}}})",
                instant=True,
            ),
            columns=(
                Column("Value #A", "State", width=115, mappings=(_ANSWERS,), colored=True),
                Column("job", "Job", width=115),
                Column("instance", "Instance", width=232),
                Column("version", "Version", width=65),
                Column("Value #C", "Models", width=60),
                Column("Value #D", "Series", width=65),
                Column("Value #E", "Config", width=70, mappings=(_LOADED,), colored=True),
                Column("Value #F", "Kept on disk", AGO, width=125, absence="never"),
            ),
            absence=_NO_EXPORTER,
            width=16,
            height=7,
            sort="State",
            descending=False,
            filterable=False,
        ),
    )


def _doors() -> tuple[Panel, ...]:
    return (
        lines(
            "Records, by door",
            "Records a second by the door that they came in at, their kind, and what became of them: accepted, "
            "rejected (unusable, lost) or ignored (not about predictions).",
            Query(
                _rate("model_exporter_records_total", "door, signal, outcome") + " > 0",
                "{{door}} {{signal}} {{outcome}}",
            ),
            unit=_RECORDS,
            absence="No records in this time",
            minimum=0,
        ),
        lines(
            "Records and values lost",
            "What was refused, or dropped after it had been accepted, by reason, within a step of the graph. Nothing "
            "is lost in silence: what is not here was counted.",
            Query(
                f"""
                label_replace({_increase(_DROPPED, "reason")} > 0, "what", "dropped", "", "")
                or
                label_replace({_increase(_REJECTED, "reason")} > 0, "what", "rejected", "", "")
                or
                label_replace({_increase(_VALUES, "reason")} > 0, "what", "values", "", "")
                """,
                "{{what}}: {{reason}}",
            ),
            unit=COUNT,
            absence="No loss was seen in this time",
            shades=VERMILION,
            minimum=0,
            points=True,
        ),
        lines(
            "Queue",
            "Records that wait for the writer, by exporter, and how many may. When it is full, clients are told to "
            "come again in a second.",
            Query(
                f"""
                max by (job, instance) (model_exporter_queue_rows{{{_ON}}})
                or
                label_replace(min(model_exporter_queue_capacity_rows{{{_ON}}}), "instance", "limit", "", "")
                """,
                "{{instance}}",
            ),
            unit=COUNT,
            absence=_NO_EXPORTER,
            minimum=0,
        ),
    )


def _bounds() -> tuple[Panel, ...]:
    return (
        bars(
            "Limits",
            "How full each limit is, at the exporter where it is fullest. Limits bound memory and the number of "
            "series; what goes beyond is turned away and counted. Ids that are remembered are full by design.",
            Query(
                f"""
                sort_desc(max by (limit) (
                  model_exporter_limit_usage{{{_ON}}} / on (job, instance, limit) (model_exporter_limit{{{_ON}}} > 0)
                ))
                """,
                "{{limit}}",
            ),
            unit=PERCENT,
            absence=_NO_EXPORTER,
            decimals=0,
            maximum=1,
            steps=((None, SKY), (NEAR_LIMIT, ORANGE)),
        ),
        lines(
            "Turned away by limits",
            "Rows or values that a limit turned away, within a step of the graph.",
            Query(_increase("model_exporter_limit_hits_total", "limit") + " > 0", "{{limit}}"),
            unit=COUNT,
            absence="No limit was reached in this time",
            shades=ORANGE,
            minimum=0,
            points=True,
        ),
        lines(
            "Memory",
            "Resident memory, by exporter.",
            Query(
                f"max by (job, instance) (process_resident_memory_bytes{{{_ON}}} and on (job, instance) {_SEEN})",
                "{{instance}}",
            ),
            unit=BYTES,
            absence=_NO_EXPORTER,
            minimum=0,
        ),
    )


def _work() -> tuple[Panel, ...]:
    return (
        lines(
            "Processor",
            "Processor time, by exporter; 100 % is one core.",
            Query(
                f"""
                sum by (job, instance) (rate(process_cpu_seconds_total{{{_ON}}}[$__rate_interval]))
                and on (job, instance) {_SEEN}
                """,
                "{{instance}}",
            ),
            unit=PERCENT,
            absence=_NO_EXPORTER,
            minimum=0,
        ),
        lines(
            "Time of pictures and scrapes",
            "Time that taking a picture of the models took, once a second, and that writing a scrape took.",
            Query(
                f"max by (job, instance) (model_exporter_snapshot_duration_seconds{{{_ON}}})", "picture, {{instance}}"
            ),
            Query(f"max by (job, instance) (model_exporter_scrape_duration_seconds{{{_ON}}})", "scrape, {{instance}}"),
            unit=SECONDS,
            absence=_NO_EXPORTER,
            minimum=0,
        ),
        lines(
            "Requests, by outcome",
            "Requests a second by what became of them; overloaded clients are told to come again.",
            Query(_rate("model_exporter_requests_total", "door, outcome") + " > 0", "{{door}} {{outcome}}"),
            unit=RATE,
            absence="No requests in this time",
            minimum=0,
        ),
        lines(
            "Failures of storage",
            "Times that records, evidence or performance could not be written, and files that could not be read, "
            "within a step of the graph.",
            Query(_increase("model_exporter_storage_failures_total", "store") + " > 0", "refused: {{store}}"),
            Query(
                _increase("model_exporter_checkpoint_failures_total", "instance") + " > 0", "not written: checkpoint"
            ),
            Query(_increase("model_exporter_corrupt_state_total", "store") + " > 0", "damaged: {{store}}"),
            unit=COUNT,
            absence="No failure was seen in this time",
            shades=VERMILION,
            minimum=0,
            points=True,
        ),
        lines(
            "Clocks that disagree",
            "Share of records of 15 minutes whose time was too far from the exporter's clock; they are counted at "
            "their arrival. Shown from 20 such records on.",
            Query(f"model_exporter:clock_skew:ratio15m{{{_ON}}}", "{{instance}}: {{direction}}"),
            unit=PERCENT,
            absence="Clocks agreed in this time",
            shades=ORANGE,
            minimum=0,
        ),
        lines(
            "Predictions and outcomes that wait",
            "What is kept until a prediction meets its outcome, by exporter.",
            Query(f"sum by (job, instance) (model_pending_predictions{{{_ON}}})", "predictions, {{instance}}"),
            Query(f"sum by (job, instance) (model_pending_outcomes{{{_ON}}})", "outcomes, {{instance}}"),
            unit=COUNT,
            absence="Nothing waits: no outcomes have come",
            minimum=0,
        ),
    )


DASHBOARD: Final = Dashboard(
    uid=links.EXPORTER,
    title=links.TITLES[links.EXPORTER],
    description="Whether the exporters are well, so that what the other pages show can be trusted, and what they cost.",
    rows=(
        Row("", (*_counts(), *_exporters())),
        Row("What comes in", _doors()),
        Row("Bounds", _bounds()),
        Row("Work, storage and clocks", _work(), collapsed=True),
        Row("Cost of the rules", rule_cost(), collapsed=True),
    ),
    variables=(DATA_SOURCE, _JOB, _INSTANCE),
    annotations=(
        annotation(
            "Starts",
            f"1000 * process_start_time_seconds{{{_ON}}} and on (job, instance) model_exporter_build_info",
            BLUE,
            title="{{instance}} started",
            text="Counters begin at 0; evidence and performance go on from what was kept on disk.",
            at_value=True,
        ),
    ),
)
