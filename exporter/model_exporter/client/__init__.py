"""Tell the exporter what a Python service predicts: three lines, sent with the OpenTelemetry SDK.

    from model_exporter.client import Model
    fraud = Model("fraud", version="1.4.2")
    id = fraud.log({"amount": 12.5, "country": "DE"}, prediction="genuine", score=0.03)

and, whenever the truth is known, in this process or any other:

    fraud.outcome(id, "fraud", loss=12.5)

Measure a prediction and record its errors with a block:

    with fraud.prediction(features) as p:
        p.prediction = model.predict(features)

Record a batch, of pandas, polars, numpy, a map of columns or a list of maps:

    ids = fraud.log_batch(table, prediction=labels, score=scores)

Tell of changes, which the exporter's alerts take for likely causes:

    fraud.event("deployment")

Nothing here waits for the network. Records go into a queue of bounded size and a thread sends them, to the sidecar at
http://127.0.0.1:4318 or where OTEL_EXPORTER_OTLP_ENDPOINT says. While the exporter is away they wait; when the queue
is full the next ones are dropped, and `fraud.client.stats` says how many. The end of the process sends what waits, for
at most five seconds. A process that a signal ends without that loses it, as uvicorn does on SIGTERM: have it call
`fraud.client.flush()` when it shuts down. Each process of a forking server has a queue of its own.

Values are converted to what OTLP can carry: numpy's and pandas' scalars to Python's, dates to ISO 8601, Decimal to
float, enums to their values, maps within maps as they are. None, NaT, NA and, among features, NaN are missing values.
What cannot be sent is left out and counted; nothing raises, unless the client is strict.

It needs `opentelemetry-sdk` and `opentelemetry-exporter-otlp-proto-http`, from 1.26 on, and nothing else: install
`model_exporter[client]`, or to leave out what only the exporter needs, `pip install --no-deps model_exporter`.
"""

from model_exporter.client.connection import Client
from model_exporter.client.model import Model
from model_exporter.client.outbox import Stats
from model_exporter.client.prediction import Prediction
from model_exporter.client.values import UnsendableError

__all__ = ["Client", "Model", "Prediction", "Stats", "UnsendableError"]
