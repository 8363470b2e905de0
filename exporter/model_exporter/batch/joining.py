"""Predictions on their way to their outcomes, and what comes of the two."""

from typing import NamedTuple

from model_exporter.batch.records import Outcome


class Awaited(NamedTuple):
    """A prediction that waits for its outcome.

    Attributes:
        prediction_id: not empty.
        made_at: unix seconds.
        version: of the model.
        facts: what is kept of it, as `Facts.encode` makes it.
    """

    prediction_id: str
    made_at: float
    version: str
    facts: bytes


class Joined(NamedTuple):
    """A prediction with its outcome.

    Attributes:
        model: its name.
        prediction: what was kept of it.
        outcome: what happened.
        corrects: the outcome told before this one, which it replaces; None for the first.
        rate: share of predictions like this one that were kept, in (0, 1]; it stands for 1/rate of them.
    """

    model: str
    prediction: Awaited
    outcome: Outcome
    corrects: Outcome | None
    rate: float
