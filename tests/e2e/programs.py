"""Programs that the tests drive and Python cannot bring."""

import os
import shutil
from typing import Final

import pytest

_ALSO_CALLED: Final = {"alertmanager": ["prometheus-alertmanager"]}
"""Other names of a program, in the packages of some distributions."""


def require(program: str) -> str:
    """Path of `program`; skips the test without it, but fails it on a build server.

    MODEL_EXPORTER_TEST_PROMTOOL, and likewise for other programs, names the one to take instead of that on PATH.
    """
    chosen = os.environ.get(f"MODEL_EXPORTER_TEST_{program.upper()}")
    if chosen:
        assert os.access(chosen, os.X_OK), f"{chosen} is no program"
        return chosen
    for name in (program, *_ALSO_CALLED.get(program, [])):
        path = shutil.which(name)
        if path is not None:
            return path
    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed")
    pytest.skip(f"{program} is not installed")
