"""Tables of sums as bytes."""

import numpy as np
import pytest
from msgspec.structs import replace

from model_exporter.window.kept_sums import KeptCohorts, KeptTable, to_bytes, to_texts

TABLE = np.array([[0.0, 1.0, -2.5], [0.0, 0.0, 1e300]])
STARTS = np.array([15.0, 30.0])


@pytest.mark.parametrize("table", [TABLE, np.zeros((3, 7)), np.zeros((0, 4)), np.zeros((2, 0)), np.ones((1, 9))])
def test_a_table_comes_back(table: np.ndarray) -> None:
    """Every number to the last bit, also without rows, without columns, and with nothing but zeros."""
    np.testing.assert_array_equal(KeptTable.of(table).table(), table)


def test_zeros_cost_a_bit() -> None:
    """Most sums are 0."""
    kept = KeptTable.of(np.eye(100))
    assert (len(kept.places), len(kept.numbers)) == (1250, 800)


@pytest.mark.parametrize(
    "damage",
    [
        {"rows": 3},
        {"rows": -2, "columns": -3},
        {"places": b""},
        {"places": b"\xff"},
        {"numbers": b""},
        {"numbers": b"\x00"},
        {"numbers": np.array([1.0, np.nan, 2.0]).tobytes()},
    ],
)
def test_parts_that_do_not_belong_together_are_told(damage: dict[str, object]) -> None:
    """No table is made of half of one."""
    with pytest.raises(ValueError, match=r"."):
        replace(KeptTable.of(TABLE), **damage).table()


def test_slots_come_back_with_the_columns_that_are_asked_for() -> None:
    """Sums of another width mean something else."""
    kept = KeptCohorts.of(STARTS, TABLE)
    starts, table = kept.slots(3)
    assert starts.tolist() == STARTS.tolist()
    np.testing.assert_array_equal(table, TABLE)
    with pytest.raises(ValueError, match="columns"):
        kept.slots(4)


@pytest.mark.parametrize("starts", [[15.0], [30.0, 15.0], [15.0, 15.0], [15.0, np.inf]])
def test_slots_out_of_order_are_told(starts: list[float]) -> None:
    """Each slot begins once, in order."""
    with pytest.raises(ValueError, match=r"columns|order"):
        replace(KeptCohorts.of(STARTS, TABLE), starts=np.array(starts).tobytes()).slots(3)


def test_names_come_back() -> None:
    """Also one that UTF-8 cannot carry."""
    names = ("", "ä", "half a pair \ud800")
    assert to_texts(to_bytes(names)) == names
