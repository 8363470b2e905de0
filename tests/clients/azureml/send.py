"""A scoring script that collects what goes into its model and what comes out, as Azure ML's documentation says.

Where the collector sends stands in the environment. Arguments: how many calls to make, how many seconds to leave
between them, and a name for the model, or nothing. Prints, as JSON, the errors that the collector told of.
"""

import json
import sys
import time

import pandas as pd
from azureml.ai.monitoring import Collector
from azureml.ai.monitoring.context import BasicCorrelationContext
from azureml.ai.monitoring.init import teardown

ROWS = 3
"""Rows of each call. The second has no length."""


def main() -> None:
    """Make the calls, and wait until everything is sent."""
    calls, pause, model = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else ""
    errors: list[str] = []

    def note(error: Exception) -> None:
        errors.append(str(error))

    inputs = Collector(name="model_inputs", on_error=note)
    outputs = Collector(name="model_outputs", on_error=note)
    others = Collector(name="scored_by", on_error=note)
    for call in range(calls):
        frame = pd.DataFrame(
            {
                "length": [5.1, float("nan"), 6.3 + call % 5],
                "country": ["DE", "FR", "DE"],
                "when": pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"]),
            }
        )
        context = BasicCorrelationContext(headers={"model": model}) if model else None
        context = inputs.collect(frame, context)
        outputs.collect(pd.DataFrame({"label": ["setosa", "virginica", "setosa"], "score": [0.9, 0.2, 0.8]}), context)
        others.collect(pd.DataFrame({"host": ["a"]}), context)
        time.sleep(pause)
    teardown(wait_for_flush=True)
    sys.stdout.write(json.dumps(errors) + "\n")


main()
