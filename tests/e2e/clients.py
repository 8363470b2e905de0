"""The environments of real clients: serving stacks and tracing libraries, each at the versions that it is pinned to."""

import os
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
REQUIREMENTS: Final = ROOT / "tests" / "clients"
_ENVIRONMENTS: Final = ROOT / ".tools" / "clients"


def client_python(name: str) -> Path:
    """The interpreter that has the packages of `tests/clients/NAME/requirements.txt`, made by `.ci/setup-clients NAME`.

    Skips the test without it, but fails it on a build server.
    """
    environment = _ENVIRONMENTS / name
    if (environment / ".installed").exists():
        return environment / "bin" / "python"
    reason = f"the client {name} is not installed: .ci/setup-clients {name}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def pinned_version(name: str, package: str) -> str:
    """The version of `package` that the requirements of the client `name` pin."""
    text = (REQUIREMENTS / name / "requirements.txt").read_text("utf-8")
    found = re.search(rf"^{re.escape(package)}(?:\[[^\]]*\])?==(\S+)", text, re.MULTILINE)
    assert found, f"{name} does not pin {package}"
    return found[1]
