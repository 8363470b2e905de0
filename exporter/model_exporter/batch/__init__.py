"""Columns with null masks: what every room after the decoder works on."""

from model_exporter.batch.calls import NO_CALL, TOKENS, Call, ModelCalls
from model_exporter.batch.columns import Column, Kind, Role, Words, column_from_values
from model_exporter.batch.facts import Facts, Scalar, class_of
from model_exporter.batch.joining import Awaited, Joined
from model_exporter.batch.records import Batch, Event, Origin, Outcome, UpstreamBatch
from model_exporter.batch.selection import absent_cells, concatenate, join_batches, take_cells, take_rows, words_in_use

__all__ = [
    "NO_CALL",
    "TOKENS",
    "Awaited",
    "Batch",
    "Call",
    "Column",
    "Event",
    "Facts",
    "Joined",
    "Kind",
    "ModelCalls",
    "Origin",
    "Outcome",
    "Role",
    "Scalar",
    "UpstreamBatch",
    "Words",
    "absent_cells",
    "class_of",
    "column_from_values",
    "concatenate",
    "join_batches",
    "take_cells",
    "take_rows",
    "words_in_use",
]
