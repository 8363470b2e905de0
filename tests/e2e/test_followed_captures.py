"""Files of other systems that the exporter follows itself."""

import json
from pathlib import Path

from e2e.exporters import run_exporter

ROWS = 50


def test_files_of_a_monitor_are_read_with_the_schema_beside_them(tmp_path: Path) -> None:
    """BentoML writes what its columns are to another folder; the version comes from there."""
    monitor = tmp_path / "monitoring" / "iris"
    for folder in ("data", "schema"):
        (monitor / folder).mkdir(parents=True)
    columns = [
        {"name": "length", "role": "feature", "type": "numerical"},
        {"name": "kind", "role": "prediction", "type": "categorical"},
    ]
    schema = {"meta_data": {"bento_name": "iris", "bento_version": "v1"}, "columns": columns}
    (monitor / "schema" / "schema.1.log").write_text(json.dumps(schema) + "\n", "utf-8")
    (monitor / "data" / "data.1.log").write_text("".join(map(_row, range(ROWS))), "utf-8")
    config = f"files: [{{path: '{monitor}/data/*.log', mapping: bentoml_files, model: iris}}]"
    with run_exporter(tmp_path, config) as exporter:
        page = exporter.wait_for(
            lambda page: page.has("model_predictions_total") and page.total("model_predictions_total") == ROWS,
            what="all rows",
        )
    assert page.total("model_feature_values_total", model="iris", version="v1", feature="length") == ROWS


def _row(number: int) -> str:
    row = {"length": number, "kind": "setosa", "timestamp": "2026-11-26T13:00:00.5", "request_id": str(number)}
    return json.dumps(row) + "\n"
