"""Outcomes that wait for their prediction.

What is told of `<id>` and of `<id>#0` is told of one prediction when its request has one row, and of two things when it
has several; which of the two it is only the prediction can say. So both are kept: under `<id>#0` what was told of that
name alone, and under `<id>`, once it was told of by that name, all that was told by either, in the order it came.
"""

from collections.abc import Mapping
from dataclasses import replace

from model_exporter.batch import Outcome
from model_exporter.join.matching import first_row_of, is_ambiguous, key_of, weigh
from model_exporter.join.store import Unmatched


def let_wait(waiting: dict[str, Outcome], outcome: Outcome) -> Unmatched | None:
    """Add an outcome to those of its key, by name; returns why one that was told of the same name is not booked."""
    name, bare = outcome.prediction_id, key_of(outcome.prediction_id)
    before = waiting.get(name)
    known, nothing_new = (outcome, None) if before is None else weigh(before, outcome)
    waiting[name] = known
    if name != bare:
        if bare in waiting:
            waiting[bare] = weigh(waiting[bare], outcome)[0]
    elif before is None and (row := waiting.get(first_row_of(bare))):
        waiting[bare] = replace(weigh(row, outcome)[0], prediction_id=bare)
    # Of two outcomes that wait the older is never booked, whichever came first.
    return None if before is None else nothing_new or Unmatched.OUTDATED


def take_waiting(waiting: Mapping[str, Outcome], *, has_rows: bool) -> tuple[Outcome | None, list[Unmatched]]:
    """What was told of a prediction before it came, of all that waits by its key, and why the rest is not booked."""
    unmatched = [Unmatched.AMBIGUOUS for outcome in waiting.values() if is_ambiguous(outcome, has_rows=has_rows)]
    usable = [outcome for outcome in waiting.values() if not is_ambiguous(outcome, has_rows=has_rows)]
    if not usable:
        return None, unmatched
    known = min(usable, key=lambda outcome: len(outcome.prediction_id))  # that of `<id>` includes the other
    return known, unmatched + [Unmatched.OUTDATED] * (len(usable) - 1)
