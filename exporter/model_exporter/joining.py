"""Brings predictions and outcomes together: a store has them wait, the fleet measures what is joined."""

from collections import Counter
from collections.abc import Mapping, Sequence

from model_exporter.batch import Awaited, Outcome
from model_exporter.join import Account, JoinStore, Unmatched
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet


class Joiner:
    """Between the store and the rolling state. The writer's thread only.

    Args:
        store: where predictions and outcomes wait for each other.
        fleet: the rolling state.
        telemetry: the exporter's own counters.
    """

    def __init__(self, store: JoinStore, fleet: Fleet, telemetry: Telemetry) -> None:
        self._store = store
        self._fleet = fleet
        self._telemetry = telemetry

    def wait(self, model: str, predictions: Sequence[Awaited], now: float) -> None:
        """Keep predictions until their outcomes come, and measure those whose outcome is there already."""
        if not predictions:
            return
        joined = self._store.wait_for(model, predictions, now)
        if joined:
            if truth := self._fleet.truth(model):
                truth.count_early(len(joined))
            self._fleet.realise(joined, now)

    def begin(self, outcomes: Sequence[tuple[str, Outcome]], now: float) -> None:
        """Let predictions wait for their outcomes from now on, those of the models that `outcomes` are for."""
        for model in {model for model, _ in outcomes}:
            self._fleet.begin_joining(model, now)

    def tell(self, outcomes: Sequence[tuple[str, Outcome]], now: float) -> None:
        """Take outcomes with their models, and measure those whose prediction is known.

        Raises:
            StorageError: the store fails; nothing of `outcomes` was kept or counted.
        """
        if not outcomes:
            return
        joined = self._store.tell(outcomes, now)
        for model, told in Counter(model for model, _ in outcomes).items():
            self._fleet.count_outcomes(model, told, now)
        self._fleet.realise(joined, now)

    def advance(self, now: float) -> None:
        """Let what waited for too long go, and take note of what waits."""
        waits: Mapping[str, float] = self._fleet.waits()
        self._count(self._store.expire(now, waits))
        for model in waits:
            if truth := self._fleet.truth(model):
                truth.see_store(
                    pending=self._store.pending(model),
                    outcomes=self._store.outcomes_waiting(model),
                    rate=self._store.rate(model),
                )

    def usage(self) -> dict[str, int]:
        """How much of each bound of the store is used, by the name of the limit."""
        store = self._store
        return {"outcomes": store.early, "remembered_predictions": store.rows, "remembered_bytes": store.bytes}

    def _count(self, account: Account) -> None:
        """Count what came to nothing; that of models which are gone is nobody's any more."""
        for (model, unmatched), outcomes in account.unmatched.items():
            if truth := self._fleet.truth(model):
                truth.count_unmatched(unmatched.value, outcomes)
        for (model, lost), predictions in account.lost.items():
            if truth := self._fleet.truth(model):
                truth.count_lost(lost.value, predictions)
        count = self._telemetry.count
        evicted = sum(told for (_, reason), told in account.unmatched.items() if reason is Unmatched.LIMIT)
        count("model_exporter_outcomes_evicted_total", "limit", amount=evicted)
        count("model_exporter_corrupt_state_total", "outcomes", amount=account.set_aside)
        count("model_exporter_clock_skew_records_total", "future", amount=account.future.total())
