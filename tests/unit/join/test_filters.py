"""The filter in front of a partition."""

import numpy as np
import pytest

from model_exporter.join.filters import KeyFilter, Probe
from model_exporter.join.matching import HASH_BITS


def _hashes(count: int, seed: int, rate: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.random.default_rng(seed).integers(0, int(rate * 2**HASH_BITS), count, np.int64)


def test_what_was_added_is_never_denied() -> None:
    """Whatever is said of other keys."""
    added = _hashes(50_000, 1)
    keys = KeyFilter.for_keys(len(added))
    for part in np.array_split(added, 7):
        keys.add(part)
    assert keys.may_hold(Probe(added)).all()


@pytest.mark.parametrize("rate", [1.0, 2.0**-12])
def test_little_else_passes(rate: float) -> None:
    """Fewer than one in a hundred other keys, in a full filter, of all keys and of a small sample of them."""
    keys = KeyFilter.for_keys(65_536)
    assert keys.room == 65_536
    keys.add(_hashes(65_536, 1, rate))
    assert keys.may_hold(Probe(_hashes(100_000, 2, rate))).mean() < 0.01


def test_it_comes_back_as_it_was() -> None:
    """The same answers after a restart."""
    keys = KeyFilter.for_keys(1000)
    keys.add(_hashes(1000, 1))
    again = KeyFilter.decode(keys.encode())
    assert (again.may_hold(Probe(_hashes(20_000, 2))) == keys.may_hold(Probe(_hashes(20_000, 2)))).all()
    with pytest.raises(ValueError, match="no filter"):
        KeyFilter.decode(b"12345678")
