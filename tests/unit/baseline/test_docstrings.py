import doctest
import importlib
import pkgutil

import pytest

import model_exporter.baseline
import model_exporter.stats

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (model_exporter.stats, model_exporter.baseline)
    for module in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_run(name: str) -> None:
    """What the documentation of the statistics and the baselines shows is what happens."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0
