"""How long and how often things are measured."""

import sys
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of a run.

    Attributes:
        rounds: how often each door is measured; the median counts.
        seconds: of load in each round.
        curve_seconds: of load for each point of a curve.
        batches, features, models: where the curves are measured.
        series_models: models of 50 features in the exporter that is scraped, at each point of its curve.
        load_seconds: of load on the model of 50 features.
        profile_seconds: of load under the profile of each door.
    """

    rounds: int
    seconds: float
    curve_seconds: float
    batches: tuple[int, ...]
    features: tuple[int, ...]
    models: tuple[int, ...]
    series_models: tuple[int, ...]
    load_seconds: float
    profile_seconds: float


FULL: Final = Plan(
    rounds=5,
    seconds=4.0,
    curve_seconds=3.0,
    batches=(1, 4, 16, 64, 256, 512, 2048),
    features=(6, 12, 24, 48, 96, 192, 384),
    models=(1, 3, 10, 30, 90),
    series_models=(1, 3, 9, 24),
    load_seconds=60.0,
    profile_seconds=10.0,
)
QUICK: Final = Plan(
    rounds=4,
    seconds=2.0,
    curve_seconds=1.0,
    batches=(1, 16, 128, 1024),
    features=(12, 48, 192),
    models=(1, 9, 30),
    series_models=(1, 5, 24),
    load_seconds=10.0,
    profile_seconds=3.0,
)


def tell(line: str) -> None:
    """Tell on standard error what is done; a run takes some minutes."""
    print(line, file=sys.stderr, flush=True)
