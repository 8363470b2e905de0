from random import Random

import pytest

from model_exporter.forward.backoff import Backoff


@pytest.mark.parametrize(("failures", "longest"), [(1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (10_000, 30.0)])
def test_waits_double_up_to_a_limit(failures: int, longest: float) -> None:
    """Each is between half of the longest and the longest, and not always the same."""
    chance = Random(1)  # noqa: S311  # a wait
    waits = [Backoff().wait_seconds(failures, chance) for _ in range(200)]
    assert longest / 2 <= min(waits) < longest * 0.6
    assert longest * 0.9 < max(waits) <= longest
