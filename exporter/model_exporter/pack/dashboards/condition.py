"""What a model is in, as one number that sorts the worst first, and who it belongs to."""

from typing import Final

from model_exporter.pack.dashboards.style import BLUE, GREY, ORANGE, PURPLE, SKY, VERMILION, values

OWNED: Final = 'model:owner{environment=~"$environment",owner=~"$owner",model=~"$model"}'
"""One series for each model that the reader chose: a match with it leaves the others out."""


def chosen(expression: str) -> str:
    """The series of `expression`, which have the label `model`, of the models that the reader chose."""
    return f"({expression}) and on (model) {OWNED}"


CONDITION: Final = """
    5 * max by (model) (model:incident_severity{severity="critical"}) ^ 0
    or on (model)
    4 * (model:last_seen:timestamp_seconds unless on (model) model:replicas:count) ^ 0
    or on (model)
    3 * model:silence:seconds ^ 0
    or on (model)
    2 * max by (model) (model:incident_severity) ^ 0
    or on (model)
    max by (model) (model_baseline_learning_ratio) ^ 0
    or on (model)
    0 * max by (model) (model:owner)
"""
"""The condition of each model: see `CONDITIONS`. Without a baseline nothing can be told of drift, so that a model which
learns one is not called healthy."""
CONDITIONS: Final = values(
    {
        "5": ("incident: page", VERMILION),
        "4": ("not watched", PURPLE),
        "3": ("silent", PURPLE),
        "2": ("incident: ticket", ORANGE),
        "1": ("learning", SKY),
        "0": ("healthy", BLUE),
    }
)
CONDITION_MEANS: Final = (
    "*incident: page*: users are affected, the owner is paged; *incident: ticket*: something is wrong that can wait "
    "for office hours; *not watched*: no exporter reports the model; *silent*: no predictions when there should be; "
    "*learning*: its baseline is not complete, so nothing can be said of drift; *healthy*: none of these."
)
"""The words of `CONDITIONS` for a reader who sees them for the first time."""
NO_MODELS: Final = "No models within a day: is an exporter scraped, and are the rules loaded?"
SEVERITIES: Final = values(
    {"critical": ("page", VERMILION), "warning": ("ticket", ORANGE), "info": ("tells nobody", GREY)}
)
"""Severities of alerts as what they lead to."""


def worded(expression: str, label: str) -> str:
    """The same series with the label `words`: the value of `label` with a space for its underscore."""
    copied = f'label_replace({expression}, "words", "$1", "{label}", "(.*)")'
    return f'label_replace({copied}, "words", "$1 $2", "{label}", "([^_]+)_(.+)")'


CAUSES: Final = values(
    {
        "schema_change": ("schema change", VERMILION),
        "upstream_failure": ("upstream failure", ORANGE),
        "deployment": ("deployment", BLUE),
        "exporter_fault": ("exporter fault", GREY),
        "overload": ("overload", PURPLE),
        "data_quality": ("data quality", ORANGE),
        "segment_fault": ("one segment", PURPLE),
        "population_shift": ("population shift", SKY),
        "concept_shift": ("concept shift", VERMILION),
        "unexplained": ("unexplained", GREY),
    }
)
"""Likely causes in words."""
LEVELS: Final = values({"page": ("page", VERMILION), "ticket": ("ticket", ORANGE), "info": ("for information", GREY)})
"""Levels of symptoms."""
CATEGORIES: Final = values(
    {
        "schema": ("schema", GREY),
        "upstream": ("upstream", GREY),
        "data_quality": ("data quality", GREY),
        "traffic": ("traffic", GREY),
        "latency": ("latency", GREY),
        "input_drift": ("input drift", GREY),
        "output_drift": ("output drift", GREY),
        "performance": ("performance", GREY),
        "fairness": ("fairness", GREY),
        "business": ("business", GREY),
        "exporter": ("exporter", GREY),
    }
)
"""Categories of symptoms in words."""
WEIGHTS: Final = values({"1": ("no harm seen", SKY), "2": ("some harm", ORANGE), "3": ("harm", VERMILION)})
"""What a symptom weighs."""
EVIDENCE: Final = values(
    {
        "schema_symptom": ("records violate the schema", GREY),
        "schema_event": ("the schema changed before bad data", GREY),
        "upstream_symptom": ("a service fails or is slow", GREY),
        "source_stale": ("a source is late, and data or results suffer", GREY),
        "recent_change": ("a change shortly before a symptom", GREY),
        "unapproved_version": ("an unapproved version serves", GREY),
        "exporter_symptom": ("the exporter is not well", GREY),
        "latency_symptom": ("slow, or slow and failing", GREY),
        "source_stale_alone": ("a source is late", GREY),
        "pipeline_run": ("a pipeline ran before bad data", GREY),
        "data_quality_symptom": ("data is missing or wrong", GREY),
        "fairness_symptom": ("one group alone is affected", GREY),
        "group_moved_alone": ("one group's predictions moved alone", GREY),
        "input_drift_symptom": ("inputs moved", GREY),
        "performance_symptom": ("worse outcomes, same inputs", GREY),
        "none": ("nothing else fits", GREY),
    }
)
"""What speaks for a cause, in words."""
