"""Requests of prediction logs, the same for all that is measured.

A record has 20 numeric features (12 double, 8 int), 4 categorical ones, a score, a class, an id and the model's name
and version: 26 values and about a kilobyte of OTLP protobuf. Ids have a fixed length, so that a request can be sent
again and again with ids that were never seen: a repeated one would be a duplicate, and cheaper.
"""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue, KeyValueList

COUNTRIES: Final = ("DE", "FR", "IT", "PL", "ES")
CLASSES: Final = ("no", "yes")
CUT: Final = 0.5
_DIGITS: Final = 12
_POWERS: Final = 10 ** np.arange(_DIGITS - 1, -1, -1)
_ID: Final = re.compile(rb"id\d{12}")

Value = float | int | str
_Column = tuple[str, Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Shape:
    """Numbers of features by type."""

    doubles: int = 12
    integers: int = 8
    categories: int = 4

    @classmethod
    def of(cls, features: int) -> "Shape":
        """So many features, in the proportions of the record above."""
        categories, integers = features // 6, features // 3
        return cls(features - integers - categories, integers, categories)


@dataclass(frozen=True, slots=True)
class Table:
    """Values of n records: float64[n, doubles], int64[n, integers], codes int64[n, categories], scores float64[n]."""

    doubles: NDArray[np.float64]
    integers: NDArray[np.int64]
    codes: NDArray[np.int64]
    scores: NDArray[np.float64]

    @classmethod
    def drawn(cls, rows: int, seed: int, shape: Shape = Shape()) -> "Table":
        """Random values of `rows` records."""
        random = np.random.default_rng(seed)
        return cls(
            random.normal(size=(rows, shape.doubles)),
            random.poisson(20, (rows, shape.integers)),
            random.integers(len(COUNTRIES), size=(rows, shape.categories)),
            random.random(rows),
        )

    def __len__(self) -> int:
        return len(self.doubles)

    def records(self) -> list[dict[str, Value]]:
        """The features of each record by name."""
        columns: list[_Column] = [
            *((f"numeric_feature_{index}", column.tolist()) for index, column in enumerate(self.doubles.T)),
            *((f"integer_feature_{index}", column.tolist()) for index, column in enumerate(self.integers.T)),
            *(
                (f"category_feature_{index}", [COUNTRIES[c] for c in column])
                for index, column in enumerate(self.codes.T)
            ),
        ]
        names = [name for name, _ in columns]
        return [dict(zip(names, row, strict=True)) for row in zip(*(column for _, column in columns), strict=True)]


class Request:
    """The body of a request, whose ids can be renewed in place.

    Args:
        body: holds an id made by `identifier` for each record.
    """

    def __init__(self, body: bytes) -> None:
        self.size = len(body)
        self._body = bytearray(body)
        self._bytes = np.frombuffer(self._body, np.uint8)
        starts = np.array([match.start() + 2 for match in _ID.finditer(body)], np.int64)
        self.rows = len(starts)
        self._places = starts[:, None] + np.arange(_DIGITS)

    def renewed(self, first: int) -> bytearray:
        """The body with the ids `first`, `first` + 1, ...; the same object every time."""
        numbers = first + np.arange(self.rows)
        self._bytes[self._places] = numbers[:, None] // _POWERS % 10 + ord("0")
        return self._body


def identifier(number: int) -> str:
    """An id of a prediction, always of the same length: that of a UUID without hyphens."""
    return f"{'0' * 18}id{number:0{_DIGITS}}"


def otlp_request(table: Table, *, model: str = "bench") -> Request:
    """The records as a request of OTLP logs, protobuf."""
    return Request(otlp_message(table, model=model).SerializeToString())


def otlp_message(table: Table, *, model: str = "bench") -> ExportLogsServiceRequest:
    """The records as OTLP logs."""
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    resource.resource.attributes.append(_pair("service.name", "bench"))
    records = resource.scope_logs.add().log_records
    for row, (values, score) in enumerate(zip(table.records(), table.scores.tolist(), strict=True)):
        records.add(
            time_unix_nano=time.time_ns(),
            event_name="model.prediction",
            attributes=[
                _pair("model.name", model),
                _pair("model.version", "1"),
                _pair("prediction.id", identifier(row)),
                _pair("prediction", CLASSES[score > CUT]),
                _pair("score", score),
                KeyValue(
                    key="features",
                    value=AnyValue(kvlist_value=KeyValueList(values=[_pair(*item) for item in values.items()])),
                ),
            ],
        )
    return request


def json_lines_request(table: Table, *, model: str = "bench") -> Request:
    """The same records as JSON lines for `/v1/predictions`."""
    lines = (
        json.dumps(
            {
                "model": model,
                "version": "1",
                "id": identifier(row),
                "prediction": CLASSES[score > CUT],
                "score": score,
                "features": values,
            }
        )
        for row, (values, score) in enumerate(zip(table.records(), table.scores.tolist(), strict=True))
    )
    return Request("\n".join(lines).encode())


def _pair(key: str, value: Value) -> KeyValue:
    if isinstance(value, str):
        return KeyValue(key=key, value=AnyValue(string_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    return KeyValue(key=key, value=AnyValue(double_value=value))
