"""A running Alertmanager."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from e2e.programs import require
from model_exporter.demo.processes import HOST, Child, alertmanager_command, fetch, free_port, running, wait_until

_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Alertmanager:
    """An Alertmanager without a cluster; it keeps nothing beyond the test."""

    port: int
    child: Child

    def post(self, *alerts: Mapping[str, Any]) -> None:  # Any: it is JSON
        """Send alerts as Prometheus does, each with `labels` and `annotations`, and `endsAt` when it is over."""
        connection = HTTPConnection(HOST, self.port, timeout=10)
        connection.request("POST", "/api/v2/alerts", json.dumps(alerts), {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        connection.close()

    def states(self) -> Sequence[tuple[Mapping[str, str], str]]:
        """The labels of each alert and its state: `active`, `suppressed` or `unprocessed`."""
        status, body = fetch(self.port, "/api/v2/alerts")
        assert status == 200, body
        return [(alert["labels"], alert["status"]["state"]) for alert in json.loads(body)]


@contextmanager
def run_alertmanager(folder: Path, config: Path) -> Iterator[Alertmanager]:
    """An Alertmanager that reads `config`."""
    port = free_port()
    command = alertmanager_command(require("alertmanager"), port, folder, config=config)
    with running("alertmanager", command, folder) as child:
        wait_until(lambda: fetch(port, "/-/ready")[0] == 200, what="Alertmanager", seconds=_START_SECONDS, child=child)
        yield Alertmanager(port, child)


def now() -> str:
    """The time as `startsAt` and `endsAt` have it."""
    return datetime.now(UTC).isoformat()
