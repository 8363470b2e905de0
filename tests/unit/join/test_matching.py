"""Which of two outcomes holds, and what keys hash to."""

import numpy as np
import pytest

from joining import T0, outcome
from model_exporter.batch import Outcome
from model_exporter.join import Unmatched
from model_exporter.join.matching import decode_outcome, encode_outcome, hashes_of, threshold_of, weigh, with_rows


def test_hashes_are_the_same_everywhere() -> None:
    """Replicas of any release keep the same sample, so these numbers may never change."""
    assert hashes_of(["", "p1", "7c1d9a"]).tolist() == [
        6510301506637419378,
        5253249113598888820,
        1537059825053257423,
    ]


def test_hashes_are_uniform() -> None:
    """The share of ids below the threshold of a rate is that rate, within five standard deviations."""
    hashes = hashes_of([f"order-{number}" for number in range(100_000)])
    for rate in (0.5, 0.25, 1 / 64):
        inside = float((hashes < threshold_of(rate)).mean())
        assert inside == pytest.approx(rate, abs=5 * np.sqrt(rate * (1 - rate) / 100_000))


def test_rows_are_told_from_requests() -> None:
    """A first row has company when the second one is there; ids with other endings are just ids."""
    assert with_rows(["a#0", "a#1", "b#0", "c", "d#1", "e#10", "e#0"]) == {"a#0"}


@pytest.mark.parametrize(
    ("old", "new", "value", "reason"),
    [
        (outcome("p", "a"), outcome("p", "b"), "b", None),
        (outcome("p", "a", time=T0), outcome("p", "b", time=T0 + 1), "b", None),
        (outcome("p", "a", time=T0), outcome("p", "b", time=T0), "b", None),
        (outcome("p", "a", time=T0), outcome("p", "b", time=T0 - 1), "a", Unmatched.OUTDATED),
        (outcome("p", "a", time=T0), outcome("p", "b"), "b", None),
        (outcome("p", "a"), outcome("p", "b", time=T0), "b", None),
        (outcome("p", "a", time=T0), outcome("p", "a", time=T0 - 1), "a", Unmatched.DUPLICATE),
        (outcome("p", "a", time=T0), outcome("p", "a", time=T0 + 1), "a", Unmatched.DUPLICATE),
        (outcome("p", "a"), outcome("p", None), "a", Unmatched.DUPLICATE),
        (outcome("p", None, x=1.0), outcome("p", "a"), "a", None),
    ],
)
def test_the_later_outcome_holds(old: Outcome, new: Outcome, value: str, reason: Unmatched | None) -> None:
    """By their times where both have one, else by arrival."""
    known, nothing_new = weigh(old, new)
    assert (known.value, nothing_new) == (value, reason)


def test_a_repeat_with_a_later_time_outlives_a_correction_in_between() -> None:
    """The value was confirmed after the correction was made."""
    known, _ = weigh(outcome("p", "a", time=T0), outcome("p", "a", time=T0 + 2))
    assert weigh(known, outcome("p", "b", time=T0 + 1))[0].value == "a"


@pytest.mark.parametrize(
    "kept",
    [
        outcome("p#0", value=True, time=T0, revenue=2.5),
        outcome("p", 1.0),
        Outcome("m", "p", None, None, (), (("a", 1.0), ("b", 0.5))),
    ],
)
def test_outcomes_come_back_as_they_were(kept: Outcome) -> None:
    """All but the model, which the reader knows."""
    found = decode_outcome(encode_outcome(kept), kept.model)
    assert found == kept
    assert found is not None
    assert type(found.value) is type(kept.value)


def test_garbage_is_no_outcome() -> None:
    """A store written by another release does not stop this one."""
    assert decode_outcome(b"\xc1garbage", "m") is None
