"""The self-comparison of a stretch does not depend on anything but the rows of its blocks."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model_exporter.stats.pairs import Counts
from model_exporter.stats.stretch import stretch_agreement

STARTS = np.array([0, 4, 4, 9])

counts = st.integers(2, 6).flatmap(lambda k: arrays(np.int64, (k, 9), elements=st.integers(0, 400)))


@given(counts)
def test_time_reversed_disagrees_as_much(blocks: Counts) -> None:
    """A stretch read backwards has the same verdicts and effects."""
    forward, backward = stretch_agreement(blocks, STARTS), stretch_agreement(blocks[::-1], STARTS)
    np.testing.assert_array_equal(forward.stable, backward.stable)
    np.testing.assert_allclose(forward.excess, backward.excess, atol=1e-9)


@given(counts)
def test_verdicts_are_defined(blocks: Counts) -> None:
    """Whatever the counts, a feature is compared with figures or stable without."""
    agreement = stretch_agreement(blocks, STARTS)
    compared = agreement.first >= 0
    np.testing.assert_array_equal(np.isnan(agreement.excess), ~compared)
    np.testing.assert_array_equal(np.isnan(agreement.effect), ~compared)
    assert agreement.stable[~compared].all()


@given(counts, st.integers(0, 400))
def test_equal_blocks_agree(blocks: Counts, seed: int) -> None:
    """A stretch whose blocks have equal shares agrees with itself."""
    same = np.outer(np.random.default_rng(seed).integers(1, 5, len(blocks)), blocks[0])
    assert stretch_agreement(same, STARTS).stable.all()
