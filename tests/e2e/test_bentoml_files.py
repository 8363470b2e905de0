"""The files that BentoML's monitor writes without OTLP, posted as the page says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

from e2e.exporters import Exporter, post
from e2e.stacks import ask_often
from e2e.test_bentoml import ROWS, bento

MONITORING = """    monitoring:
      enabled: true
      type: default
      options: {{log_path: "{folder}"}}
"""


@contextmanager
def written(folder: Path) -> Iterator[tuple[bytes, str]]:
    """The rows and the last schema that a BentoML server has written of a request of all rows, and one of each."""
    with bento(folder, "files", MONITORING.format(folder=folder / "monitoring"), TZ="UTC") as port:
        bodies = [{"rows": ROWS}, *({"rows": [row]} for row in ROWS)]
        assert ask_often(port, "/classify", bodies) == {200: len(bodies)}
    monitor = folder / "monitoring" / "iris_monitor"
    (data,) = (monitor / "data").glob("data.*.log")
    (schema,) = (monitor / "schema").glob("schema.*.log")
    yield data.read_bytes(), schema.read_text("utf-8").splitlines()[-1]


def test_files_are_counted_row_by_row(exporter: Exporter, tmp_path: Path) -> None:
    """Half a file, then all of it: each row once, and the line that was cut off as what it is."""
    with written(tmp_path) as (rows, schema):
        path = "/v1/records/bentoml_files?" + urlencode({"model": "iris_monitor", "schema": schema})
        assert rows.count(b"\n") == 2 * len(ROWS)
        half = rows[: rows.index(b"\n", len(rows) // 2) - 1]  # cut within a line, however long the lines are
        for body in (half, rows):
            assert post(exporter.ports.http, path, body, "application/jsonl")[0] == 200
    page = exporter.settled()
    assert page.total("model_predictions_total", model="iris_monitor") == 2 * len(ROWS)
    assert page.total("model_duplicate_predictions_total", model="iris_monitor") == half.count(b"\n")
    assert page.total("model_exporter_rejected_records_total") == 1
    for feature in ("sepal length", "colour"):
        assert page.total("model_feature_values_total", model="iris_monitor", feature=feature) == 2 * len(ROWS)
    assert json.loads(schema)["meta_data"]["bento_version"] == "not available"
