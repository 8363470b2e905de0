"""Joint tables of a stream do not depend on how the stream was cut, ordered or dealt to replicas."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model_exporter.stats.evidence import CAP
from model_exporter.stats.pair_bets import PairBets, build_pair_bets
from model_exporter.stats.pair_evidence import PairEvidence
from model_exporter.stats.pairs import Levels, PairBaseline, PairTally, count_pairs

PAIRS = np.array([[0, 1], [0, 2], [1, 2]])

streams = st.integers(0, 40).flatmap(lambda rows: arrays(np.uint8, (rows, 3), elements=st.integers(0, 5)))


@given(streams, st.lists(st.integers(0, 40), max_size=6), st.integers(1, 7))
def test_split_does_not_matter(stream: Levels, cuts: list[int], capacity: int) -> None:
    """A tally of any batches, whatever it holds at once, equals the count of the whole stream."""
    tally = PairTally(PAIRS, 3, capacity=capacity)
    for part in np.split(stream, sorted(cut for cut in cuts if cut <= len(stream))):
        tally.add(part)
    np.testing.assert_array_equal(tally.take(), count_pairs(stream, PAIRS))


@given(streams, st.randoms(use_true_random=False))
def test_order_does_not_matter(stream: Levels, random: Random) -> None:
    """A shuffled stream has the same tables."""
    order = list(range(len(stream)))
    random.shuffle(order)
    np.testing.assert_array_equal(count_pairs(stream[order], PAIRS), count_pairs(stream, PAIRS))


@given(streams, streams)
def test_replicas_add_up(one: Levels, other: Levels) -> None:
    """The tables of two replicas add up to those of one that saw both streams."""
    both = count_pairs(np.concatenate([one, other]), PAIRS)
    np.testing.assert_array_equal(count_pairs(one, PAIRS) + count_pairs(other, PAIRS), both)


def _bets() -> PairBets:
    levels = np.random.default_rng(0).integers(0, 5, (3000, 3)).astype(np.uint8)
    return build_pair_bets(PairBaseline(np.zeros(0, np.uint8), PAIRS, count_pairs(levels, PAIRS)))


BETS = _bets()

slots = st.lists(st.tuples(streams, st.sampled_from([1.0, 15.0, 3600.0])), max_size=12)


@given(slots, st.integers(0, 12))
def test_restart_equals_no_restart(slots: list[tuple[Levels, float]], at: int) -> None:
    """Evidence that was saved and restored between two slots goes on bit by bit as if it had not been."""
    through, restarted = (PairEvidence(BETS, patience_seconds=50.0) for _ in range(2))
    for number, (levels, seconds) in enumerate(slots):
        if number == at:
            saved = restarted.checkpoint()
            restarted = PairEvidence(BETS, patience_seconds=50.0)
            restarted.restore(saved)
        for evidence in (through, restarted):
            evidence.update(count_pairs(levels, PAIRS), start=100.0 * number, seconds=seconds)
    assert through.checkpoint() == restarted.checkpoint()


@given(slots)
def test_evidence_is_bounded_and_defined(slots: list[tuple[Levels, float]]) -> None:
    """Whatever the counts, evidence is at most its cap and a verdict has no invalid number where it speaks."""
    evidence = PairEvidence(BETS, patience_seconds=50.0)
    for number, (levels, seconds) in enumerate(slots):
        evidence.update(count_pairs(levels, PAIRS), start=100.0 * number, seconds=seconds)
        verdict = evidence.verdict()
        assert verdict.log_evidence <= CAP
        assert not np.isnan(verdict.pair_log_evidence).any()
        assert verdict.detected == np.isfinite(verdict.onset)
        assert verdict.detected or not verdict.named.any()
