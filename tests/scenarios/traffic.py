"""A model of fraud and its traffic: what it is asked, what it answers, what was true, and when that is told.

Everything is drawn in stretches of a quarter of an hour, so that a fault that begins and ends on one changes a whole
stretch. The traffic has a daily wave in its rate and in two of its features.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Column, Kind, Role, Words

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Mask = NDArray[np.bool_]

DAY: Final = 86_400.0
STRETCH_SECONDS: Final = 900.0
EPOCH: Final = 1_800_057_600.0
"""Midnight, UTC."""

COUNTRIES: Final = ("DE", "FR", "IT", "PL", "ES", "NL")
CHANNELS: Final = ("web", "app", "store")
REGIONS: Final = ("north", "south", "east", "west")
COUNTRY_SHARES: Final = (0.34, 0.22, 0.16, 0.12, 0.1, 0.06)
CHANNEL_SHARES: Final = (0.5, 0.3, 0.2)
REGION_SHARES: Final = (0.25, 0.25, 0.25, 0.25)
RATE_WAVE: Final = 0.5
"""By what share traffic is above its mean at its height, in the afternoon, and below it at night."""
HABIT_WAVE: Final = 0.4
"""Height of the daily wave of amounts and of devices, in their standard deviations."""
LEGIT: Final = "legit"
FRAUD: Final = "fraud"
WEIGHTS: Final = {"amount": 1.4, "device": 1.2, "age": -0.8, "prior": 0.9}
BIAS: Final = -6.5
SHARPNESS: Final = 2.2
COUNTRY_RISK: Final = np.array([-0.3, -0.1, 0.0, 0.2, 0.3, 0.6])
LATENCY_SECONDS: Final = 0.02
LATENCY_SPREAD: Final = 0.4
UPSTREAM_SECONDS: Final = 0.004
TRUTH_SECONDS: Final = 120.0
"""Mean time until a truth is told; none takes longer than six times as much."""


@dataclass(slots=True)
class Stretch:
    """Predictions of a stretch of time, in its order; arrays of one length that faults may change in place.

    Attributes:
        start: unix seconds.
        random: draws whatever a fault needs.
        times: unix seconds of each prediction.
        amount: logarithm of the money, in standard deviations of the usual.
        device: how odd the device is, the same.
        age: of the account, the same.
        prior: earlier complaints.
        country: codes of `COUNTRIES`.
        channel: codes of `CHANNELS`.
        region: codes of `REGIONS`; no feature.
        truth: whether it was fraud.
        logit: what the model makes of the features as it sees them.
        latency: seconds.
        failed: whether there was no answer.
        upstream: seconds that the call for features took.
        upstream_failed: whether that call failed.
        version: of the model.
        amount_as_text: whether amounts are sent as text that is no number.
    """

    start: float
    random: np.random.Generator
    times: Floats
    amount: Floats
    device: Floats
    age: Floats
    prior: Floats
    country: Codes
    channel: Codes
    region: Codes
    truth: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    logit: Floats = field(default_factory=lambda: np.zeros(0))
    latency: Floats = field(default_factory=lambda: np.zeros(0))
    failed: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    upstream: Floats = field(default_factory=lambda: np.zeros(0))
    upstream_failed: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    version: str = "1.4.2"
    amount_as_text: bool = False

    @property
    def rows(self) -> int:
        """Number of predictions."""
        return len(self.times)

    @property
    def score(self) -> Floats:
        """Probability of fraud that the model tells."""
        return 1 / (1 + np.exp(-self.logit))

    def risk(self) -> Floats:
        """Logit of fraud by the features as they stand; a missing one tells nothing."""
        known = {name: np.nan_to_num(getattr(self, name)) for name in WEIGHTS}
        told = sum(WEIGHTS[name] * known[name] for name in WEIGHTS)
        return np.asarray(SHARPNESS * (told + COUNTRY_RISK[self.country]) + BIAS, np.float64)


def wave(time: float, *, peak_hour: float = 15.0) -> float:
    """Where the day stands, from -1 to 1."""
    return float(np.cos(2 * np.pi * (time / DAY - peak_hour / 24)))


def arrivals(random: np.random.Generator, start: float, seconds: float, rate: float) -> Floats:
    """Times of predictions in [start, start + seconds) at `rate` a second in the mean of the day."""
    expected = rate * (1 + RATE_WAVE * wave(start + seconds / 2)) * seconds
    return start + np.sort(random.random(random.poisson(expected))) * seconds


def people(random: np.random.Generator, start: float, times: Floats) -> Stretch:
    """Who asks at `times`, before the model has answered."""
    rows = len(times)
    habit = HABIT_WAVE * np.cos(2 * np.pi * (times / DAY - 0.9))
    return Stretch(
        start=start,
        random=random,
        times=times,
        amount=random.normal(size=rows) + habit,
        device=random.normal(size=rows) - habit,
        age=random.normal(size=rows),
        prior=random.poisson(0.6, rows).astype(np.float64),
        country=_codes(random, rows, COUNTRY_SHARES),
        channel=_codes(random, rows, CHANNEL_SHARES),
        region=_codes(random, rows, REGION_SHARES),
    )


def decide_truth(stretch: Stretch) -> None:
    """Draw what is true of those who ask."""
    stretch.truth = stretch.random.random(stretch.rows) < 1 / (1 + np.exp(-stretch.risk()))


def answer(stretch: Stretch) -> None:
    """Have the model answer by the features that it sees."""
    rows, random = stretch.rows, stretch.random
    stretch.logit = stretch.risk()
    stretch.latency = LATENCY_SECONDS * np.exp(LATENCY_SPREAD * random.normal(size=rows))
    stretch.failed = random.random(rows) < 0.0005
    stretch.upstream = UPSTREAM_SECONDS * np.exp(LATENCY_SPREAD * random.normal(size=rows))
    stretch.upstream_failed = random.random(rows) < 0.0005


def columns(stretch: Stretch) -> tuple[Column, ...]:
    """Features and outputs of `stretch` as columns."""
    return (
        _amounts(stretch),
        _numbers("device_oddity", Role.INPUT, stretch.device),
        _numbers("account_age", Role.INPUT, np.exp(0.8 * stretch.age)),
        _numbers("complaints", Role.INPUT, stretch.prior),
        _words("country", Role.INPUT, stretch.country, COUNTRIES),
        _words("channel", Role.INPUT, stretch.channel, CHANNELS),
        _words("prediction", Role.OUTPUT, (stretch.logit >= 0).astype(np.int32), (LEGIT, FRAUD)),
        _numbers("score", Role.OUTPUT, stretch.score),
    )


def context(stretch: Stretch) -> tuple[Column, ...]:
    """What stands beside the features."""
    return (_words("segment.region", Role.CONTEXT, stretch.region, REGIONS),)


def _amounts(stretch: Stretch) -> Column:
    money = 40 * np.exp(stretch.amount)
    if not stretch.amount_as_text:
        return _numbers("amount", Role.INPUT, money)
    steps = np.minimum(money / 10, 50).astype(np.int32)
    return _words("amount", Role.INPUT, steps, tuple(f"EUR {10 * step}" for step in range(51)))


def _codes(random: np.random.Generator, rows: int, shares: tuple[float, ...]) -> Codes:
    return np.searchsorted(np.cumsum(shares)[:-1], random.random(rows)).astype(np.int32)


def _numbers(name: str, role: Role, values: Floats) -> Column:
    kinds = np.where(np.isnan(values), Kind.NULL, Kind.NUMBER).astype(np.uint8)
    return Column(name, role, kinds, values)


def _words(name: str, role: Role, codes: Codes, words: tuple[str, ...]) -> Column:
    kinds = np.full(len(codes), Kind.TEXT, np.uint8)
    return Column(name, role, kinds, np.full(len(codes), np.nan), Words(codes, words))
