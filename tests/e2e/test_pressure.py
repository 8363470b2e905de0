"""More predictions than the exporter can count: it says so, keeps what it took, and holds no more than it may."""

from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.exporters import Exporter, run_exporter
from e2e.pressure import Open, over_grpc, over_http, press
from otlp_messages import log_record, logs_request

_RECORDS = 200
_CONFIG = "limits: {queue_rows: 300}\n"
"""A queue that has room for one request, and half of another."""
_CLIENTS = 6
_ENOUGH = 20
_MOST_MIB = 64
"""What clients that never let go may cost in memory: each has one request of 0.2 MB on its way."""


def _body() -> bytes:
    record = log_record(
        {"model.name": "m"} | {f"feature.f{index}": index / 7 for index in range(40)}, event_name="model.prediction"
    )
    return logs_request(*[record] * _RECORDS).SerializeToString()


_DOORS: dict[str, Callable[[Exporter], Open]] = {
    "http": lambda exporter: over_http(exporter, "/v1/logs", "application/x-protobuf", _body()),
    "grpc": lambda exporter: over_grpc(exporter, _body()),
}


@pytest.mark.parametrize("door", _DOORS)
def test_what_is_too_much_is_refused_and_what_is_taken_is_counted(tmp_path: Path, door: str) -> None:
    """Refusals say when to come again, memory stays bounded, nothing that was taken is lost, and it is over at once."""
    with run_exporter(tmp_path, _CONFIG) as exporter:
        connect = _DOORS[door](exporter)
        assert connect()().taken
        before = exporter.settled().total("process_resident_memory_bytes")
        pressed = press(
            connect, clients=_CLIENTS, until=lambda so_far: so_far.refused > _ENOUGH and so_far.taken > _ENOUGH
        )
        assert pressed.refused > _ENOUGH
        assert pressed.taken > _ENOUGH
        assert pressed.silent == 0
        page = exporter.settled()
        assert connect()().taken, "when the queue is empty, the next request is taken"
        assert page.total("process_resident_memory_bytes") - before < _MOST_MIB * 2**20
        assert page.total("model_exporter_requests_total", outcome="overloaded") == pressed.refused
        assert page.total("model_exporter_requests_total", outcome="success") == pressed.taken + 1
        assert page.total("model_predictions_total") == (pressed.taken + 1) * _RECORDS
        assert max(pressed.seconds) < 10, "a refusal is quick, and so is what is taken"
