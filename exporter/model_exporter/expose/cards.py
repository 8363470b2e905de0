"""What the page shows of a model."""

from dataclasses import dataclass

from model_exporter.expose.explanation import FeatureExplanation, explain_features
from model_exporter.expose.truth_views import OutcomesView, PerformanceView, view_outcomes, view_performance
from model_exporter.expose.verdict_views import Alarm, strongest_first
from model_exporter.expose.views import WORST, ModelView, active_version, view_model
from model_exporter.window.snapshot import Snapshot

_GRAVEST_FIRST = (Alarm.PAGE, Alarm.TICKET)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One model, with the features of its active version that have the strongest evidence, and its performance.

    `outcomes` are None while no prediction waits for any, `performance` is None before the first version.
    """

    model: ModelView
    features: tuple[FeatureExplanation, ...]
    outcomes: OutcomesView | None
    performance: PerformanceView | None

    @property
    def alarm(self) -> Alarm | None:
        """The gravest alarm that is on, of drift or of performance; None when nothing was judged."""
        on = {self.model.drift, self.performance.alarm if self.performance else None}
        return next((alarm for alarm in (*_GRAVEST_FIRST, Alarm.OK) if alarm in on), None)


def view_cards(snapshot: Snapshot) -> tuple[ModelCard, ...]:
    """All models, those with the gravest alarms first."""
    cards = []
    for model in snapshot.models:
        active = active_version(model)
        features = explain_features(active, strongest_first(active)[:WORST], at=snapshot.at) if active else ()
        performance = view_performance(model, active.version) if active else None
        cards.append(ModelCard(view_model(model), features, view_outcomes(model), performance))
    return tuple(sorted(cards, key=_gravity))


def _gravity(card: ModelCard) -> int:
    alarms = {card.alarm, *card.model.other_alarms.values()}
    return next((rank for rank, alarm in enumerate(_GRAVEST_FIRST) if alarm in alarms), len(_GRAVEST_FIRST))
