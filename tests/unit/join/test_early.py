"""Outcomes that wait for a prediction that has two names until it comes."""

import pytest

from joining import outcome
from model_exporter.batch import Outcome
from model_exporter.join.early import let_wait, take_waiting
from model_exporter.join.store import Unmatched


def told(*outcomes: Outcome) -> tuple[dict[str, Outcome], list[Unmatched | None]]:
    """What waits after all of them, and what was said of each."""
    waiting: dict[str, Outcome] = {}
    return waiting, [let_wait(waiting, one) for one in outcomes]


@pytest.mark.parametrize(
    ("order", "known"),
    [
        ((("a", "yes"), ("a#0", "no")), "no"),
        ((("a#0", "no"), ("a", "yes")), "yes"),
        ((("a", "yes"), ("a#0", "no"), ("a", "yes")), "yes"),
        ((("a#0", "no"), ("a", "yes"), ("a#0", "no")), "no"),
        ((("a#0", "no"),), "no"),
    ],
)
def test_of_one_row_the_last_outcome_holds_by_whatever_name(order: tuple[tuple[str, str], ...], known: str) -> None:
    """The two names mean the same prediction; each outcome is booked or accounted for."""
    waiting, said = told(*(outcome(name, value) for name, value in order))
    found, unmatched = take_waiting(waiting, has_rows=False)
    assert found is not None
    assert found.value == known
    assert len([one for one in said if one]) + len(unmatched) == len(order) - 1


def test_of_several_rows_only_what_names_the_row_holds() -> None:
    """What was told of the request is ambiguous, and changes nothing of the row."""
    waiting, _ = told(outcome("a#0", "no"), outcome("a", "yes"))
    found, unmatched = take_waiting(waiting, has_rows=True)
    assert found is not None
    assert (found.prediction_id, found.value, unmatched) == ("a#0", "no", [Unmatched.AMBIGUOUS])
    assert take_waiting({"a": outcome("a", "yes")}, has_rows=True) == (None, [Unmatched.AMBIGUOUS])


def test_nothing_waits_of_nothing() -> None:
    """Most predictions come first."""
    assert take_waiting({}, has_rows=False) == (None, [])
