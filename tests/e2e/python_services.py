"""Services with `model_exporter.client`, in environments that have the OpenTelemetry SDK and nothing else of ours."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import pytest

from e2e.clients import REQUIREMENTS, ROOT, client_python
from wheels import build_wheel

SCRIPT = REQUIREMENTS / "python_client" / "send.py"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of this tree, installed without its dependencies."""
    folder = tmp_path_factory.mktemp("client")
    wheel = build_wheel(ROOT, folder)
    target = folder / "site"
    uv = ROOT / ".venv" / "bin" / "uv"
    command: list[str | Path] = [uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--target", target, wheel]
    subprocess.run(command, check=True)
    return target


def environment(site: Path, **more: str) -> dict[str, str]:
    """Variables for a process that sees the wheel, and not this tree."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "OTEL"))}
    return {**kept, "PYTHONPATH": str(site), **more}


class Service:
    """A process of `tests/clients/python_client/send.py`."""

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self._process = process
        self._errors = errors

    def do(self, command: str, *numbers: float) -> Any:
        """Have it do something; its reply."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join([command, *map(str, numbers)]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, f"the service ended with code {self._process.wait(10)}"
        return json.loads(line)

    def stats(self) -> Mapping[str, Any]:
        """What became of its records; every one of them is accounted for."""
        stats: Mapping[str, Any] = self.do("stats")
        assert stats["recorded"] == stats["delivered"] + stats["waiting"] + sum(stats["dropped"].values())
        return stats

    def said(self) -> list[str]:
        """The lines that it wrote to its standard error."""
        self._errors.seek(0)
        return self._errors.read().splitlines()

    def exit(self) -> int:
        """Have it end, with what waits; its exit code."""
        self._process.communicate("exit\n", timeout=60)
        return self._process.returncode


@contextmanager
def service(
    site: Path, endpoint: str, *, client: str = "python_client", protocol: str = "http", **variables: str
) -> Iterator[Service]:
    """A service that logs to `endpoint`, with the packages of `client` and more environment variables."""
    with TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            [client_python(client), SCRIPT, endpoint, protocol],
            env=environment(site, **variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Service(process, errors)
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate()
