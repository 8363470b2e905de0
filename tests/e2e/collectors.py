"""A real OpenTelemetry Collector, built by `.ci/setup-collector`."""

import os
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from model_exporter.demo.processes import HOST, Child, free_port, running, wait_until

ROOT: Final = Path(__file__).parents[2]
PROGRAM: Final = ROOT / ".tools" / "collector" / "otelcol"
START_SECONDS: Final = 30.0
SIGNALS: Final = ("logs", "traces", "metrics")


@dataclass(frozen=True, slots=True)
class CollectorPorts:
    """Where a Collector listens."""

    grpc: int
    http: int

    @classmethod
    def free(cls) -> "CollectorPorts":
        """Two ports that nothing listens on now."""
        return cls(free_port(), free_port())

    @property
    def endpoint(self) -> str:
        """Where it takes OTLP over HTTP."""
        return f"http://{HOST}:{self.http}"

    @property
    def grpc_endpoint(self) -> str:
        """Where it takes OTLP over gRPC, as SDKs spell it."""
        return f"http://{HOST}:{self.grpc}"


def program() -> str:
    """Path of the Collector; skips the test without it, but fails it on a build server that has Go to build it."""
    if PROGRAM.exists():
        return str(PROGRAM)
    reason = "the OpenTelemetry Collector is not built: .ci/setup-collector"
    if os.environ.get("CI") == "true" and shutil.which("go"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def run_collector(
    folder: Path,
    exporter: str,
    options: dict[str, object],
    *,
    ports: CollectorPorts,
    processors: Sequence[str] = ("batch",),
    retries: bool = True,
) -> Iterator[Child]:
    """A Collector that takes OTLP at `ports` and hands it to `exporter`, until the end of the block.

    Its retries begin after a tenth of a second, where the exporter has `retries`. Otherwise only `options` differ from
    its defaults.
    """
    retrying = {"retry_on_failure": {"initial_interval": "100ms"}} if retries else {}
    config = {
        "receivers": {
            "otlp": {
                "protocols": {
                    "grpc": {"endpoint": f"{HOST}:{ports.grpc}"},
                    "http": {"endpoint": f"{HOST}:{ports.http}"},
                }
            }
        },
        "processors": {"batch": {}},
        "exporters": {exporter: {**retrying, **options}},
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {
                signal: {"receivers": ["otlp"], "processors": list(processors), "exporters": [exporter]}
                for signal in SIGNALS
            },
        },
    }
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "collector.yaml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    with running("collector", [program(), f"--config={file}"], folder) as child:
        wait_until(lambda: _listens(ports.http), what="the Collector", seconds=START_SECONDS, child=child)
        yield child


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
