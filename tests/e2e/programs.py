"""Programs that the end-to-end tests drive and Python cannot bring."""

import os
import shutil
from typing import Final

import pytest

_DEBIAN: Final = {
    "alertmanager": "prometheus-alertmanager",
    "amtool": "amtool",
    "prometheus": "prometheus",
    "promtool": "promtool",
}
"""Programs of Prometheus's family by their names in Debian, whose releases the tests are about."""
_DEBIAN_FOLDER: Final = "/usr/bin"


def require(program: str) -> str:
    """Path of `program`; skips the test without it, but fails it on a build server.

    `MODEL_EXPORTER_TEST_ALERTMANAGER`, `..._AMTOOL`, `..._PROMETHEUS` and `..._PROMTOOL` name others than Debian's.
    """
    path = given(program) or _found(program)
    if path is not None:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed")
    pytest.skip(f"{program} is not installed")


def given(program: str) -> str | None:
    """Path of the current release of `program`, if one was named to test against."""
    path = os.environ.get(f"MODEL_EXPORTER_TEST_{program.upper()}") if program in _DEBIAN else None
    assert path is None or os.access(path, os.X_OK), f"{path} is no program"
    return path


def _found(program: str) -> str | None:
    if program not in _DEBIAN:
        return shutil.which(program)
    folders = os.pathsep.join([_DEBIAN_FOLDER, os.environ["PATH"]])
    return shutil.which(_DEBIAN[program], path=folders) or shutil.which(program)
