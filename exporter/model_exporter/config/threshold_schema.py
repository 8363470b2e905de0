"""What a configuration file may say of thresholds: a mapping for each signal of `config.signals`, made from that table.

A part of `config.schema`, whose conventions hold here.
"""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Final

from msgspec import Meta, defstruct

from model_exporter.config.keys import ContradictionError, Keys
from model_exporter.config.signals import FEATURE_SIGNALS, SIGNALS, Signal, Unit, is_reached_first

_RANGES: Final = {
    Unit.SHARE: Meta(ge=0, le=1, examples=[0.5]),
    Unit.INDEX: Meta(gt=0, examples=[0.25]),
    Unit.TIMES: Meta(gt=1, examples=[3]),
    Unit.SECONDS: Meta(gt=0, examples=[3600]),
}


class LevelKeys(Keys, frozen=True):
    """`models.NAME.thresholds.SIGNAL`, and the same of a feature."""

    signal: ClassVar[Signal]
    page: float | None = None
    ticket: float | None = None

    def __post_init__(self) -> None:
        """Refuse a page that comes before the ticket."""
        if self.page is None or self.ticket is None or not is_reached_first(self.signal, self.page, self.ticket):
            return
        word = "smaller" if self.signal.lower_is_worse else "larger"
        raise ContradictionError(
            "page",
            problem=f"{self.signal.name} reaches {self.page:g} before ticket, {self.ticket:g}",
            remedy=f"Write a {word} page, or move ticket",
        )


def _level_keys(signal: Signal) -> type[Keys]:
    number = Annotated[float, _RANGES[signal.unit]]
    side = "Below" if signal.lower_is_worse else "Above"
    page = Meta(description=f"{side} this it may wake somebody.")
    ticket = Meta(description=f"{side} this it makes a ticket.")
    fields = [("page", Annotated[number | None, page], None), ("ticket", Annotated[number | None, ticket], None)]
    return defstruct(
        f"{signal.name}_keys", fields, bases=(LevelKeys,), namespace={"signal": signal}, module=__name__, frozen=True
    )  # type: ignore[return-value]  # a subclass of `LevelKeys`, which the stub does not tell


def _threshold_keys(name: str, signals: Iterable[Signal]) -> type[Keys]:
    fields = [
        (signal.name, Annotated[_level_keys(signal) | None, Meta(description=signal.meaning)], None)
        for signal in signals
    ]
    return defstruct(name, fields, bases=(Keys,), module=__name__, frozen=True)  # type: ignore[return-value]  # as above


ThresholdKeys: Final = _threshold_keys("ThresholdKeys", SIGNALS)
"""`models.NAME.thresholds`."""
FeatureThresholdKeys: Final = _threshold_keys("FeatureThresholdKeys", FEATURE_SIGNALS)
"""`models.NAME.features.NAME.thresholds`."""
