import platform

import pytest

import snapshots
from model_exporter.expose.own_series import OwnWriter
from model_exporter.expose.process import ProcessUsage
from model_exporter.expose.text import Format
from model_exporter.telemetry import Telemetry
from model_exporter.window.snapshot import Snapshot

USAGE = ProcessUsage(
    cpu_seconds=1.5,
    resident_bytes=50_000_000,
    virtual_bytes=200_000_000,
    open_fds=12,
    max_fds=float("inf"),
    started_at=1_760_000_000.5,
)


def written(telemetry: Telemetry, *, snapshot: Snapshot | None = None, usage: ProcessUsage | None = None) -> list[str]:
    """Lines about the exporter."""
    lines = OwnWriter("0.1.0").write(telemetry.read(), snapshot, usage)
    return lines.exposition(Format.TEXT, last=True).decode().splitlines()


def test_telemetry_is_exposed_under_its_names() -> None:
    """Counters and gauges have the labels of the catalogue in its order."""
    telemetry = Telemetry()
    telemetry.count("model_exporter_records_total", "otlp_grpc", "logs", "accepted", amount=512)
    telemetry.set("model_exporter_queue_rows", value=3)
    lines = written(telemetry)
    assert 'model_exporter_records_total{door="otlp_grpc",signal="logs",outcome="accepted"} 512' in lines
    assert "model_exporter_queue_rows 3" in lines


def test_the_snapshot_tells_how_much_there_is() -> None:
    """Series and models are those of the picture that is exposed with them; without one there are none."""
    lines = written(Telemetry(), snapshot=snapshots.full_snapshot())
    assert "model_exporter_series 1234" in lines
    assert "model_exporter_models 4" in lines
    assert not [line for line in written(Telemetry()) if line.startswith("model_exporter_series")]


def test_the_build_is_exposed() -> None:
    """Versions of the exporter and of Python."""
    expected = f'model_exporter_build_info{{version="0.1.0",python_version="{platform.python_version()}"}} 1'
    assert expected in written(Telemetry())


def test_the_process_is_exposed_where_it_can_be_read() -> None:
    """Usage has the names that every Prometheus client gives it, and is left out on other systems."""
    lines = written(Telemetry(), usage=USAGE)
    assert "process_cpu_seconds_total 1.5" in lines
    assert "process_max_fds +Inf" in lines
    assert "process_start_time_seconds 1760000000.5" in lines
    assert not [line for line in written(Telemetry()) if line.startswith("process_")]


def test_a_name_outside_the_catalogue_is_a_bug() -> None:
    """It fails loudly instead of being lost."""
    telemetry = Telemetry()
    telemetry.count("model_exporter_made_up_total")
    with pytest.raises(LookupError, match="model_exporter_made_up_total"):
        written(telemetry)


def test_label_values_in_the_wrong_number_are_a_bug() -> None:
    """They fail loudly instead of being exposed under the wrong labels."""
    telemetry = Telemetry()
    telemetry.count("model_exporter_rejected_records_total", "otlp_grpc", "bad")
    with pytest.raises(ValueError, match="not 2 of them"):
        written(telemetry)
