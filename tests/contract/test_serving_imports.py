"""What a serving process holds in memory from its start on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from model_exporter.demo.processes import ExporterPorts, exporter_command

_SERVE = """
import json, os, signal, sys, threading, time
from http.client import HTTPConnection
from model_exporter.cli import run

def ask(port, method, path, body=None):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    response.read()
    return response.status

def use(http, web):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if ask(web, "GET", "/-/ready") == 200:
                break
        except OSError:
            time.sleep(0.05)
    with open("/proc/self/status") as file:
        resident = int(dict(line.split(":", 1) for line in file)["VmRSS"].split()[0])
    prediction = json.dumps({"model": "m", "id": "1", "prediction": 1, "features": {"x": 1.0, "y": "a"}})
    statuses = [ask(http, "POST", "/v1/predictions", prediction), ask(web, "GET", "/metrics"), ask(web, "GET", "/")]
    print(json.dumps({"modules": sorted(sys.modules), "resident_kib": resident, "statuses": statuses}), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=use, args=(int(sys.argv[1]), int(sys.argv[2])), daemon=True).start()
sys.exit(run(sys.argv[3:]))
"""

_PACKAGES = {
    *{"aiohttp", "aiohappyeyeballs", "aiosignal", "attr", "frozenlist", "idna", "multidict", "propcache", "yarl"},
    *{"click", "google", "grpc", "isal", "model_exporter", "msgspec", "numpy", "opentelemetry", "yaml"},
    *{"async_timeout", "typing_extensions"},  # of aiohttp, with some versions of Python
}
"""All that is not of the standard library. A package more is a decision: it costs every sidecar."""
_NOT_OF_ALL = (
    "_cython_",
    "cython_runtime",
    "_distutils_hack",
    "sitecustomize",
    "__mp_main__",
    "_virtualenv",
    "__editable__",
)
"""What compiled modules and environments bring along."""


class Serving(NamedTuple):
    """A process that took a prediction, and showed metrics and the page."""

    modules: frozenset[str]
    resident_mib: float  # before the prediction


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Serving:
    """One, asked from within."""
    ports = ExporterPorts.free()
    arguments = exporter_command(ports, storage=Path(tmp_path_factory.mktemp("storage")))[3:]
    command = [sys.executable, "-c", _SERVE, str(ports.http), str(ports.web), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["statuses"] == [200, 200, 200]
    return Serving(frozenset(told["modules"]), told["resident_kib"] / 1024)


def test_serving_loads_its_own_packages_only(serving: Serving) -> None:
    """Neither scipy, pandas, pyarrow nor prometheus_client, and nothing else that is not in the list."""
    packages = {name.partition(".")[0] for name in serving.modules} - sys.stdlib_module_names - {"__main__"}
    others = {name for name in packages - _PACKAGES if not name.startswith(_NOT_OF_ALL)}
    assert not others


@pytest.mark.parametrize(
    "module",
    [
        *("model_exporter.cli.baseline", "model_exporter.cli.mapping", "model_exporter.cli.explain"),
        *("model_exporter.pack", "model_exporter.demo", "model_exporter.client"),
        *("model_exporter.baseline.parquet_rows", "model_exporter.join.redis_database", "numpy.polynomial"),
    ],
)
def test_serving_leaves_out_what_other_commands_need(serving: Serving, module: str) -> None:
    """The module is not loaded; `model_exporter.cli.serve` is."""
    assert "model_exporter.cli.serve" in serving.modules
    assert module not in serving.modules


def test_an_idle_exporter_is_small(serving: Serving) -> None:
    """Resident memory before the first record; a twelfth of room for other builds of the libraries."""
    assert serving.resident_mib < 87
