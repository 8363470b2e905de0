"""The schemas of monitors outlive a restart, and damage to their file."""

from pathlib import Path

import pytest

from model_exporter.journal import SchemaFile, SchemaKeeper
from model_exporter.ports import MonitorSchema
from model_exporter.telemetry import Telemetry

SCHEMAS = (MonitorSchema("iris", "v1", "iris_monitor", "v1", (("sepal length", "feature", "numerical"),)),)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """All of it."""
    file = SchemaFile(tmp_path / "schemas.json")
    assert file.read() == ()
    file.write(SCHEMAS)
    assert SchemaFile(tmp_path / "schemas.json").read() == SCHEMAS


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-20],
        lambda _: b"",
        lambda content: b"\xff" + content,
        lambda content: content.replace(b'"format_version": 1', b'"format_version": 2'),
        lambda content: content.replace(b'"feature"', b"7"),
    ],
)
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: object) -> None:
    """Truncated, empty, no JSON, of another format, of other types: nothing was kept, and the file stays to look at."""
    file = SchemaFile(tmp_path / "schemas.json")
    file.write(SCHEMAS)
    file.path.write_bytes(damage(file.path.read_bytes()))  # type: ignore[operator]  # one of the lambdas above
    assert file.read() == ()
    assert file.set_aside == tmp_path / "schemas.corrupt"
    assert file.set_aside.exists()
    assert not file.path.exists()


def test_a_change_is_written_at_once(tmp_path: Path) -> None:
    """Stopping waits for the last one."""
    file = SchemaFile(tmp_path / "schemas.json")
    keeper = SchemaKeeper(file, lambda: SCHEMAS, Telemetry())
    keeper.start()
    keeper.changed()
    assert keeper.stop(5.0)
    assert file.read() == SCHEMAS


def test_a_disk_that_refuses_is_counted(tmp_path: Path) -> None:
    """The exporter goes on without."""
    telemetry = Telemetry()
    keeper = SchemaKeeper(SchemaFile(tmp_path / "gone" / "schemas.json"), lambda: SCHEMAS, telemetry)
    keeper.start()
    keeper.changed()
    assert keeper.stop(5.0)
    assert telemetry.read().counters["model_exporter_schema_write_failures_total", ()] == 1
