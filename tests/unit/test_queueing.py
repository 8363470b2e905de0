"""How much the writer takes from its queue at once."""

import pytest

from model_exporter.decode import Decoded
from model_exporter.queueing import JOINED_BYTES, JOINED_ROWS, BoundedQueue, Item


@pytest.mark.parametrize(
    ("rows", "size", "taken"),
    [(JOINED_ROWS // 4, 1000, 4), (10, JOINED_BYTES // 2, 2), (1, 1, 7), (JOINED_ROWS + 1, JOINED_BYTES + 1, 1)],
)
def test_requests_are_taken_together_up_to_so_many_records_and_bytes(rows: int, size: int, taken: int) -> None:
    """Many small ones or few wide ones, and a large one alone; what is left waits with its records and bytes."""
    queue = BoundedQueue(rows=1 << 20, size=1 << 30)
    for _ in range(7):
        queue.put(Item(Decoded(), None, rows, size))
    lots = [len(queue.take(0.0)) for _ in range(-(-7 // taken))]
    assert lots[0] == taken
    assert sum(lots) == 7
    assert queue.rows == 0
    assert queue.take(0.0) == []
