"""A running exporter, as its clients and a Prometheus see it."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from model_exporter.demo.processes import (
    HOST,
    POLL_SECONDS,
    Child,
    ExporterPorts,
    exporter_command,
    fetch,
    running,
    wait_until,
)

START_SECONDS = 30.0
SETTLE_SECONDS = 60.0


class Page:
    """One scrape of `/metrics`, read by Prometheus's own Python parser."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples: dict[str, list[tuple[Mapping[str, str], float]]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self._samples.setdefault(sample.name, []).append((sample.labels, sample.value))

    def samples(self, name: str, **labels: str) -> list[tuple[Mapping[str, str], float]]:
        """Labels and value of each series of `name` that carries at least `labels`."""
        return [(have, value) for have, value in self._samples.get(name, ()) if labels.items() <= have.items()]

    def total(self, name: str, **labels: str) -> float:
        """Sum of `samples`; fails when there are none, because no series is not a zero."""
        found = self.samples(name, **labels)
        assert found, f"no series {name}{labels}"
        return sum(value for _, value in found)

    def has(self, name: str, **labels: str) -> bool:
        """Whether there is any such series."""
        return bool(self.samples(name, **labels))


@dataclass(frozen=True, slots=True)
class Exporter:
    """One exporter process."""

    child: Child
    ports: ExporterPorts

    @property
    def endpoint(self) -> str:
        """Where it takes OTLP over HTTP."""
        return f"http://{HOST}:{self.ports.http}"

    @property
    def grpc_endpoint(self) -> str:
        """Where it takes OTLP over gRPC."""
        return f"http://{HOST}:{self.ports.grpc}"

    def page(self) -> Page:
        """Scrape it now."""
        status, text = fetch(self.ports.web, "/metrics")
        assert status == 200, f"status {status}; it printed:\n{self.child.tail()}"
        return Page(text)

    def wait_for(self, condition: Callable[[Page], bool], *, what: str, seconds: float = SETTLE_SECONDS) -> Page:
        """Scrape until `condition` holds; that page."""
        deadline = time.monotonic() + seconds
        while True:
            page = self.page()
            if condition(page):
                return page
            self.child.require_running()
            assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
            time.sleep(POLL_SECONDS)

    def settled(self) -> Page:
        """A page that shows everything acknowledged before the call."""
        asked = time.time()
        return self.wait_for(
            lambda page: (
                page.total("model_exporter_snapshot_timestamp_seconds") > asked
                and page.total("model_exporter_queue_rows") == 0
            ),
            what="the writer to be done",
        )

    def post(self, path: str, body: object, *, lines: bool = False) -> tuple[int, str]:
        """POST JSON, or JSON lines, to the door for prediction logs; status and body of the reply."""
        text = "\n".join(map(json.dumps, body)) if lines and isinstance(body, list) else json.dumps(body)
        return post(self.ports.http, path, text.encode(), "application/x-ndjson" if lines else "application/json")


def post(port: int, path: str, body: bytes, content_type: str, *, seconds: float = 60.0) -> tuple[int, str]:
    """POST to a loopback port; status and body of the reply."""
    connection = HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request("POST", path, body, {"Content-Type": content_type})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


@contextmanager
def run_exporter(
    folder: Path, config: str | None = None, *, name: str = "exporter", ports: ExporterPorts | None = None
) -> Iterator[Exporter]:
    """An exporter with its storage and its configuration in `folder`, ready to serve; stopped in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    ports = ports or ExporterPorts.free()
    file = None
    if config is not None:
        file = folder / "config.yml"
        file.write_text(config, "utf-8")
    with running(name, exporter_command(ports, storage=folder / "storage", config=file), folder) as child:
        wait_until(
            lambda: fetch(ports.web, "/-/ready")[0] == 200,
            what="the exporter to be ready",
            seconds=START_SECONDS,
            child=child,
        )
        yield Exporter(child, ports)
