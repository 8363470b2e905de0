"""A restart from a checkpoint equals no restart."""

from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches import T0, baseline_of, batch_of
from model_exporter.config.settings import Drift, DriftLevel, ModelSettings, Settings
from model_exporter.journal.frame import pack, unpack
from model_exporter.window.fleet import Fleet
from model_exporter.window.snapshot import VersionSnapshot

WARM_SLOTS = 195
"""A few less than operational signals need before they speak."""
RNG = np.random.default_rng(3)
NORMAL = RNG.normal(size=(2, 2000))
BASELINE = baseline_of(
    {
        "a": NORMAL[0].tolist(),
        "b": (0.6 * NORMAL[0] + 0.8 * NORMAL[1]).tolist(),
        "country": RNG.choice(["DE", "FR", "IT"], 2000).tolist(),
    }
)
HASTY = Drift(page=DriftLevel(86_400.0, 0.01), ticket=DriftLevel(3600.0, 0.0025))
"""Little patience, so that alarms come and go within a short stream."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some slots alike."""

    slots: int
    rows: int  # a slot; 0 for silence
    shift: float
    rho: float
    slowness: float


USUAL = Stretch(WARM_SLOTS, 40, 0.0, 0.6, 0.0)
stretches = st.lists(
    st.builds(
        Stretch,
        slots=st.integers(10, 30),
        rows=st.sampled_from([0, 7, 40, 41]),
        shift=st.sampled_from([0.0, 0.0, 1.0, -0.5]),
        rho=st.sampled_from([0.6, 0.6, -0.6]),
        slowness=st.sampled_from([0.0, 1.0]),
    ),
    min_size=1,
    max_size=2,
)


class Deaf:
    """A recorder that can be copied."""

    def count(self, metric: str, *labels: str, amount: float = 1) -> None:
        """Forget it."""


@cache
def cold() -> Fleet:
    """A fleet that compares model `m` with the baseline; to be copied, which the defaults of two mappings cannot be."""
    model = ModelSettings(drift=HASTY, baseline=BASELINE, features={}, feature_thresholds={})
    return Fleet(Settings(models={"m": model}), learned={}, recorder=Deaf(), notify=lambda _: None, now=T0)


@cache
def warm() -> Fleet:
    """A fleet that knows what is usual, almost; to be copied."""
    target = deepcopy(cold())
    for slot in range(WARM_SLOTS):
        feed(target, slot, USUAL)
    return target


def restarted(target: Fleet, now: float) -> Fleet:
    """What another process would begin with."""
    after = deepcopy(cold())
    after.restore(unpack(pack(target.checkpoint())), admit=lambda _: True, now=now)
    return after


def feed(target: Fleet, slot: int, stretch: Stretch) -> None:
    """The rows of one slot, the same for the same slot."""
    random = np.random.default_rng(slot)
    rows, now = stretch.rows, T0 + 15.0 * slot
    if rows:
        a, noise = random.normal(size=(2, rows))
        b = stretch.rho * a + np.sqrt(1 - stretch.rho**2) * noise
        values = {
            "a": (a + stretch.shift).tolist(),
            "b": b.tolist(),
            "country": random.choice(["DE", "FR", "IT"], rows).tolist(),
        }
        latency = np.exp(random.normal(stretch.slowness, 0.3, rows)).tolist()
        target.predict("m", batch_of(values, latency=latency), now)
    target.advance(now + 15.0)


def version_of(target: Fleet) -> VersionSnapshot:
    """The only version of the only model."""
    (model,) = target.snapshot(T0).models
    (version,) = model.versions
    return version


def told(target: Fleet) -> object:
    """All that evidence says of the version, to the last bit."""
    version = version_of(target)
    return _bits((version.drift, version.pair_drift, version.anomaly, version.first_seen, version.last_prediction))


def _bits(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tobytes()
    if isinstance(value, float):
        return value.hex()
    if is_dataclass(value):
        return [_bits(getattr(value, field.name)) for field in fields(value)]
    if isinstance(value, tuple):
        return [_bits(part) for part in value]
    return value


@given(stretches, st.sets(st.integers(0, 89), min_size=1, max_size=4))
@settings(max_examples=6, deadline=None)
def test_a_restart_between_any_two_slots_changes_no_verdict(more: list[Stretch], restarts: set[int]) -> None:
    """Verdicts, pairs and signals are the same bit by bit, right after the restart and ever after."""
    slots = [stretch for stretch in (*more, USUAL) for _ in range(min(stretch.slots, 30))]
    through, stopped = deepcopy(warm()), deepcopy(warm())
    for number, stretch in enumerate(slots):
        slot = WARM_SLOTS + number
        if number in restarts:
            stopped = restarted(stopped, T0 + 15.0 * slot)
            assert told(stopped) == told(through)
        feed(through, slot, stretch)
        feed(stopped, slot, stretch)
    assert told(stopped) == told(through)


@pytest.mark.parametrize(
    ("odd", "alarms"),
    [
        (Stretch(40, 40, 1.0, 0.6, 0.0), (True, False, False)),
        (Stretch(40, 40, 0.0, -0.6, 0.0), (False, True, False)),
        (Stretch(40, 40, 0.0, 0.6, 1.0), (False, False, True)),
    ],
    ids=["values", "pairs", "signals"],
)
def test_the_streams_have_alarms_of_every_kind(odd: Stretch, alarms: tuple[bool, ...]) -> None:
    """The law above would hold for streams without any alarm: these have some on values, on pairs and on signals."""
    target = deepcopy(warm())
    for number in range(odd.slots):
        feed(target, WARM_SLOTS + number, odd)
    version = version_of(target)
    assert version.anomaly
    assert alarms == (version.drift[0].detected, version.pair_drift[0].detected, version.anomaly.evidence >= 0)
