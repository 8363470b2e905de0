"""The columns that expressions read: of predictions as they come, or of those kept until their outcome."""

from collections.abc import Iterable, Sequence

from model_exporter.batch import Batch, Column, Outcome, Role, Scalar, column_from_values
from model_exporter.batch.columns import ABSENT
from model_exporter.indicators.evaluate import Columns
from model_exporter.indicators.syntax import AFTERWARDS, FieldName, Source

_ROLES = {Source.FEATURE: Role.INPUT, Source.PREDICTION: Role.OUTPUT, Source.SCORE: Role.OUTPUT}


def prediction_columns(batch: Batch, fields: Iterable[FieldName]) -> Columns:
    """Those of `fields` that `batch` holds; an outcome's are none of them."""
    there = {(column.role, column.name): column for column in (*batch.columns, *batch.context)}
    found: dict[FieldName, Column] = {}
    for field in fields:
        if field.source not in AFTERWARDS:
            role = _ROLES.get(field.source, Role.CONTEXT)
            name = str(field) if role is Role.CONTEXT else field.name or field.source.value
            column = there.get((role, name))
            if column is not None:
                found[field] = column
    return found


def outcome_columns(
    fields: Iterable[FieldName],
    kept: Sequence[FieldName],
    predictions: Sequence[Sequence[Scalar]],
    outcomes: Sequence[Outcome],
) -> Columns:
    """Columns of `fields` over predictions with their outcomes, a row each.

    `predictions` are the values of the fields `kept`, in that order, or nothing where they are not known.
    """
    places = {name: place for place, name in enumerate(kept)}
    found: dict[FieldName, Column] = {}
    for field in fields:
        values: list[object]
        if field.source is Source.OUTCOME:
            values = [outcome.value for outcome in outcomes]
        elif field.source is Source.VALUE:
            values = [dict(outcome.values).get(field.name) for outcome in outcomes]
        elif field in places:
            place = places[field]
            values = [row[place] if place < len(row) else ABSENT for row in predictions]
        else:
            continue
        found[field] = column_from_values(str(field), Role.CONTEXT, values)
    return found
