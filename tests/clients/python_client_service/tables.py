"""Prints, as JSON, the bodies of what `model_exporter.client` makes of tables of pandas and polars."""

import datetime as dt
import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogExporter, SimpleLogRecordProcessor

from model_exporter.client import Client, Model

_memory = InMemoryLogExporter()  # type: ignore[no-untyped-call]  # so the SDK declares it
_provider = LoggerProvider(shutdown_on_exit=False)
_provider.add_log_record_processor(SimpleLogRecordProcessor(_memory))
_model = Model("fraud", classes=["no", "yes"], client=Client(provider=_provider, strict=True))

FRAME = pd.DataFrame(
    {
        "float32": np.array([0.5, np.nan], "float32"),
        "int": [1, 2],
        "nullable": pd.array([1, None], "Int64"),
        "bool": [True, False],
        "nullable_bool": pd.array([None, True], "boolean"),
        "text": ["a", None],
        "category": pd.Categorical(["x", "y"]),
        "when": pd.to_datetime(["2026-01-02T03:04:05Z", None]),
        "took": pd.to_timedelta(["1.5s", None]),
    }
)


def main() -> None:
    """Log everything there is, and print it."""
    _model.log_batch(FRAME, id="pandas", prediction=pd.Series(["no", "yes"]), probabilities=np.eye(2))
    _model.log(FRAME.iloc[0], id="row")
    _model.log(FRAME.iloc[[1]], id="frame", prediction=pd.Series([1]))
    when = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    polars = pl.DataFrame({"x": [1, None], "y": ["a", "b"], "when": [when, None], "list": [[1, 2], []]})
    _model.log_batch(polars, id="polars", prediction=pl.Series([1.5, 2.5]))
    bodies: list[Any] = [entry.log_record.body for entry in _memory.get_finished_logs()]
    json.dump({body["prediction.id"]: body for body in bodies}, sys.stdout)


if __name__ == "__main__":
    main()
