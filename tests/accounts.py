"""All that a decoder tells of a request, in a form that can be compared."""

import re
from collections.abc import Mapping
from typing import Any

from model_exporter.decode import Decoded, Decoder
from model_exporter.errors import DecodeError
from model_exporter.ports import Payload
from otlp_messages import calls, rows


def account(decoder: Decoder, request: Payload) -> dict[str, Any]:
    """What `decoder` tells of `request`: rows are in order for each model, columns for each row.

    Ids that a decoder makes up are other ones each time.
    """
    try:
        return account_of(decoder.decode(request))
    except DecodeError as error:
        return {"refused": (error.reason, str(error))}


def account_of(decoded: Decoded) -> dict[str, Any]:
    """The same of what was decoded."""
    return {
        "rows": _rows_by_model(decoded),
        "columns": _columns_by_model(decoded),
        "calls": calls(decoded),
        "outcomes": [re.sub(r"~[0-9a-f]{16}", "made", repr(outcome)) for outcome in decoded.outcomes],
        "events": [repr(event) for event in decoded.events],
        "rejected": decoded.rejections,
        "ignored": decoded.ignored,
        "dropped": decoded.dropped_values,
        "told": (decoded.accepted, decoded.told_with_predictions, decoded.told_twice),
    }


def _rows_by_model(decoded: Decoded) -> dict[object, list[Mapping[str, object]]]:
    """Every row of each model, version and service."""
    found: dict[object, list[Mapping[str, object]]] = {}
    for row in rows(decoded):
        made = {"id": "made", "key": 0} if row["id"].startswith("~") else {}
        found.setdefault(row["model"], []).append(row | made)
    return found


def _columns_by_model(decoded: Decoded) -> dict[object, set[object]]:
    """Names of the columns and of their words: none is there that no row has."""
    found: dict[object, set[object]] = {}
    for batch in decoded.batches:
        told = found.setdefault((batch.model, batch.version, batch.service), set())
        for column in (*batch.columns, *batch.context):
            told.add((column.role, column.name))
            told.update((column.role, column.name, word) for word in (column.texts.words if column.texts else ()))
            assert column.kinds.dtype == "uint8"
            assert column.numbers.dtype == "float64"
    return found
