"""Pairs of features in baseline files."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batches import baseline_of
from model_exporter.baseline.file import read_baseline, write_baseline
from model_exporter.baseline.model import Baseline, PairTable
from model_exporter.baseline.pairs import MIN_ROWS
from model_exporter.errors import BaselineError


@pytest.fixture(scope="module")
def paired() -> Baseline:
    """A baseline of two numbers and a category, with a pair."""
    random = np.random.default_rng(1)
    a, b = random.normal(size=(2, MIN_ROWS)).tolist()
    return baseline_of({"a b": a, "c": ["x", "y"] * (MIN_ROWS // 2)}, {"score": b})


def test_pairs_come_back_as_they_were_written(paired: Baseline, tmp_path: Path) -> None:
    """A pair stands in the file by the roles and names of its features, and is the same after reading."""
    path = tmp_path / "b.json"
    write_baseline(paired, path)
    assert '{"first": "input a b", "second": "output score", "counts": [' in path.read_text("utf-8")
    assert read_baseline(path) == paired


def test_counts_of_pairs_are_part_of_the_digest(paired: Baseline) -> None:
    """A baseline with other tables is another one to compare with."""
    assert replace(paired, pairs=()).digest != paired.digest


@pytest.mark.parametrize(
    "tables",
    [
        (PairTable(0, 1, (1,) * 25),),  # a category
        (PairTable(2, 0, (1,) * 25),),  # not in order
        (PairTable(0, 0, (1,) * 25),),  # with itself
        (PairTable(0, 2, (1,) * 25),) * 2,
        (PairTable(0, 2, (1,) * 24),),
        (PairTable(0, 2, (-1,) * 25),),
        (PairTable(0, 2, (MIN_ROWS,) * 25),),
    ],
)
def test_tables_that_do_not_fit_are_refused(paired: Baseline, tables: tuple[PairTable, ...], tmp_path: Path) -> None:
    """Only different numeric features have tables, each pair one, of 25 counts of no more rows than there are."""
    with pytest.raises(BaselineError):
        write_baseline(replace(paired, pairs=tables), tmp_path / "b.json")
