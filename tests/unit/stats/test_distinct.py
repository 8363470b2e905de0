"""Distinct values without numpy's masked arrays."""

import subprocess
import sys

import numpy as np
import pytest

from model_exporter.stats.distinct import distinct


@pytest.mark.parametrize(
    "values", [[], [1.0], [3.0, 1.0, 3.0], [0.0, -0.0], [np.nan, 1.0, np.nan], [np.inf, -np.inf, np.inf]]
)
def test_it_is_what_numpy_says(values: list[float]) -> None:
    """Whatever the values, none and those that are no number included."""
    array = np.array(values, np.float64)
    np.testing.assert_array_equal(distinct(array), np.unique(array))


def test_it_loads_no_masked_arrays() -> None:
    """They would stay in the memory of every exporter that learns a baseline."""
    program = (
        "import sys, numpy as np\n"
        "from model_exporter.stats.distinct import distinct\n"
        "distinct(np.array([1, 2, 1], np.uint8))\n"
        "sys.exit('numpy.ma' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
