"""The OpenTelemetry SDK for JavaScript, with its three exporters of logs."""

import subprocess
from pathlib import Path

import pytest

from e2e.exporters import Exporter

SECONDS = 60
ODD_VALUES = 10  # in send.mjs
PROTOCOLS = ["json", "protobuf", "grpc"]


def _send(node: Path, exporter: Exporter, protocol: str, *, kind: str, rows: int) -> None:
    endpoint = exporter.grpc_endpoint if protocol == "grpc" else exporter.endpoint
    done = subprocess.run(
        ["node", "send.mjs", protocol, endpoint, "shop", kind, str(rows)],
        cwd=node,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_prediction_is_counted_once(exporter: Exporter, node: Path, protocol: str) -> None:
    """Chunked bodies, gzip, whole floats sent as integers: one prediction a record, one type a feature."""
    _send(node, exporter, protocol, kind="plain", rows=2500)
    page = exporter.settled()
    assert page.total("model_predictions_total", model="shop") == 2500
    assert page.total("model_feature_values_total", model="shop", feature="amount", role="input") == 2500
    assert page.total("model_feature_invalid_total", model="shop") == 0
    assert page.total("model_schema_violations_total", model="shop") == 0


def test_spans_give_the_latency_and_no_second_count(exporter: Exporter, node: Path) -> None:
    """SERVER spans in OTLP/JSON of the same requests add a histogram and not a prediction."""
    _send(node, exporter, "json", kind="plain", rows=1000)
    page = exporter.settled()
    assert page.total("model_prediction_duration_seconds_count", model="shop") == 1000
    assert page.total("model_predictions_total", model="shop") == 1000


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_odd_values_spoil_nothing_else(exporter: Exporter, node: Path, protocol: str) -> None:
    """NaN, infinities, 1e300, null, undefined, -0 and 2**53-1 in one feature: every record counts in the other.

    JavaScript writes NaN and infinities as `"doubleValue": null`, 1e300 as `"intValue": 1e+300` and null as an empty
    value in OTLP/JSON (opentelemetry-js, otlp-transformer), so a batch that is read strictly is lost as a whole.
    """
    rows = 20 * ODD_VALUES
    _send(node, exporter, protocol, kind="odd", rows=rows)
    page = exporter.settled()
    assert page.total("model_predictions_total", model="shop") == rows
    assert page.total("model_feature_values_total", model="shop", feature="steady") == rows
    assert page.total("model_feature_missing_total", model="shop", feature="amount") == rows / ODD_VALUES * 2
    assert page.total("model_feature_invalid_total", feature="amount", reason="nonfinite") == rows / ODD_VALUES * 3
    assert page.total("model_feature_invalid_total", feature="amount") == rows / ODD_VALUES * 3
    assert page.total("model_exporter_records_total", outcome="rejected") == 0
