"""Metrics of language models, by the rules of `catalogue`."""

from functools import partial
from typing import Final

from model_exporter.expose.metric import Group, Metric, MetricType

_VERSION: Final = ("model", "version")

_called = partial(Metric, group=Group.CALLS)
TOKENS: Final = _called(
    "model_tokens_total",
    MetricType.COUNTER,
    "Tokens that calls of a language model tell of: those of prompts (input) and of answers (output).",
    (*_VERSION, "token_type"),
)
TOKEN_DETAILS: Final = _called(
    "model_token_details_total",
    MetricType.COUNTER,
    "Tokens among the others that a call tells of apart: input from a cache (cached), output that nobody sees "
    "(reasoning).",
    (*_VERSION, "detail"),
)
METERED: Final = _called(
    "model_metered_predictions_total",
    MetricType.COUNTER,
    "Calls of a language model that tell how many tokens they took; streamed ones often do not.",
    _VERSION,
)
FIRST_TOKEN: Final = _called(
    "model_time_to_first_token_seconds",
    MetricType.HISTOGRAM,
    "Time from a call of a language model to the first part of its answer, where it was streamed.",
    _VERSION,
)
FINISH_REASONS: Final = _called(
    "model_finish_reasons_total",
    MetricType.COUNTER,
    "Answers of a language model by why they ended, of several choices the first; beyond ten reasons they share one.",
    (*_VERSION, "finish_reason"),
)

METRICS: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
"""All of the above."""
