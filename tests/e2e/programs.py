"""Programs that the end-to-end tests drive and Python cannot bring."""

import os
import shutil

import pytest


def require(program: str) -> str:
    """Path of `program`; skips the test without it, but fails it on a build server."""
    path = shutil.which(program)
    if path is not None:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(f"{program} is not installed")
    pytest.skip(f"{program} is not installed")
