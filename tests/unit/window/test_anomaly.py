"""Operational signals, from batches to the verdict on a slot."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.config.settings import Learn, ModelKind, Settings
from model_exporter.indicators import Form, Indicator, parse
from model_exporter.stats.mewma import MIN_SLOTS
from model_exporter.telemetry import Telemetry
from model_exporter.window.anomaly import LASTING_SLOTS, Signals, low_confidence
from model_exporter.window.fleet import Fleet
from model_exporter.window.snapshot import SIGNALS, AnomalySnapshot

LONG_ENOUGH = 400


def feed(
    signals: Signals, slots: int, *, seed: int, load: float = 0.0, slowness: float = 0.0, errors: float = 0.0
) -> list[AnomalySnapshot | None]:
    """Slots whose latency follows the load; `load` and `slowness` are added on the logarithmic scale."""
    random = np.random.default_rng(seed)
    verdicts = []
    for _ in range(slots):
        busy = random.normal(scale=0.2)
        predictions = int(200 * np.exp(busy + load))
        seconds = 0.05 * np.exp(busy + random.normal(scale=0.05) + slowness)
        signals.count_durations(np.full(predictions, seconds))
        signals.count_failed(random.binomial(predictions, errors))
        signals.count_cells(0, predictions * 3)
        signals.count_confidence(int(random.binomial(predictions, 0.2)), predictions)
        signals.take_slot(predictions)
        verdicts.append(signals.snapshot)
    return verdicts


def told(anomaly: AnomalySnapshot | None) -> dict[str, float]:
    """The contributions worth naming, by signal."""
    assert anomaly
    parts = dict(zip(SIGNALS, anomaly.contributions.tolist(), strict=True))
    return {signal: part for signal, part in parts.items() if abs(part) > 0.2}


def test_nothing_is_told_before_the_minimum_history() -> None:
    """The first verdict comes when there are slots enough to know what is usual, however wild they are."""
    signals = Signals()
    early = feed(signals, MIN_SLOTS // 2, seed=1) + feed(signals, MIN_SLOTS // 2, seed=2, load=2.0)
    assert early == [None] * MIN_SLOTS


def test_signals_against_their_usual_correlation_are_told_and_named() -> None:
    """Latency that rises while traffic falls, each within its own range, is an alarm that names both and which way."""
    signals = Signals()
    quiet = feed(signals, LONG_ENOUGH, seed=3)[-100:]
    assert all(anomaly and anomaly.evidence < 0 for anomaly in quiet)
    odd = feed(signals, 20, seed=4, load=-0.2, slowness=0.2)[-1]
    assert odd
    assert odd.evidence > 0
    parts = told(odd)
    assert set(parts) == {"latency", "throughput"}
    assert parts["latency"] > 0 > parts["throughput"]
    assert np.nansum(np.abs(odd.contributions)) == pytest.approx(1)


def test_the_same_change_along_the_usual_correlation_is_not_told() -> None:
    """More traffic that is slower by as much as always is nothing new."""
    signals = Signals()
    feed(signals, LONG_ENOUGH, seed=3)
    last = feed(signals, 20, seed=4, load=0.1)[-1]
    assert last
    assert last.evidence < 0


def test_a_first_error_is_no_anomaly_and_a_burst_is() -> None:
    """A share that was always 0 has the noise of a small count: one case is chance, a twentieth for a minute is not."""
    signals = Signals()
    feed(signals, LONG_ENOUGH, seed=5)
    signals.count_failed(1)
    first = feed(signals, 1, seed=6)[-1]
    assert first
    assert first.evidence < 0
    burst = feed(signals, 8, seed=7, errors=0.05)[-1]
    assert burst
    assert burst.evidence > 0
    assert set(told(burst)) == {"errors"}


def test_a_lasting_change_becomes_usual() -> None:
    """An alarm stays for an hour; then the slots are learned from, and it ends."""
    signals = Signals()
    feed(signals, LONG_ENOUGH, seed=8)
    hour = feed(signals, LASTING_SLOTS, seed=9, load=2.0)
    assert all(anomaly and anomaly.evidence > 0 for anomaly in hour[20:])
    later = feed(signals, 4 * LONG_ENOUGH, seed=10, load=2.0)[-1]
    assert later
    assert later.evidence < 0


def test_no_traffic_changes_nothing() -> None:
    """Slots without predictions leave the verdict and what is known as they were."""
    signals, other = Signals(), Signals()
    feed(signals, LONG_ENOUGH, seed=11)
    feed(other, LONG_ENOUGH, seed=11)
    for _ in range(100):
        signals.take_slot(0)
    assert signals.slots == LONG_ENOUGH
    ours, theirs = feed(signals, 1, seed=12)[0], feed(other, 1, seed=12)[0]
    assert ours
    assert theirs
    assert ours.evidence == theirs.evidence


def test_bare_and_constant_signals_give_finite_verdicts() -> None:
    """Nothing but a constant number of predictions is a history like another: no alarm, no NaN in the verdict."""
    signals = Signals()
    for _ in range(LONG_ENOUGH):
        signals.take_slot(7)
    assert signals.snapshot
    assert np.isfinite(signals.snapshot.evidence)
    assert signals.snapshot.evidence < 0
    assert np.isnan(signals.snapshot.contributions).tolist() == [True, True, False, True, False]


@pytest.mark.parametrize(
    ("outputs", "kind", "expected"),
    [
        ({"score": [0.1, 0.45, 0.55, 0.9, None]}, None, (2, 4)),
        ({"score": [0.5, 3.0, -1.0]}, ModelKind.CLASSIFICATION, (1, 1)),
        ({"score": [0.5]}, ModelKind.REGRESSION, (0, 0)),
        ({"probabilities.a": [0.5, 0.1], "probabilities.b": [0.3, 0.8], "score": [0.5, 0.5]}, None, (1, 2)),
        ({"probabilities.yes": [0.1, 0.5]}, None, (1, 2)),
        ({"probabilities.a": [None, "x"], "probabilities.b": [None, None]}, None, (0, 0)),
        ({"prediction": ["a", "b"]}, None, (0, 0)),
    ],
)
def test_confidence_is_that_of_the_likeliest_class(
    outputs: Mapping[str, Sequence[object]], kind: ModelKind | None, expected: tuple[int, int]
) -> None:
    """A score is the probability of one of two classes; what is not a probability is not counted."""
    assert low_confidence(batch_of(outputs=outputs), kind) == expected


def test_a_version_judges_its_slots() -> None:
    """From batches to the snapshot: missing values that come in one after another are told as such."""
    learn = Learn(rows=10**6)
    fleet = Fleet(Settings(learn=learn), learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)
    random = np.random.default_rng(13)
    verdicts = []
    for slot in range(LONG_ENOUGH):
        now = T0 + slot * 15.0
        rows = int(random.integers(20, 40))
        gone = rows if slot >= LONG_ENOUGH - 10 else 0
        fleet.predict(
            "m", batch_of({"a": [1.0] * rows, "b": [None] * gone + [2.0] * (rows - gone)}, latency=[0.1] * rows), now
        )
        fleet.advance(now)
        verdicts.append(fleet.snapshot(now).models[0].versions[0].anomaly)
    assert verdicts[:MIN_SLOTS] == [None] * MIN_SLOTS
    assert all(anomaly.evidence < 0 for anomaly in verdicts[MIN_SLOTS:-10] if anomaly)
    last = verdicts[-1]
    assert last
    assert last.evidence > 0
    assert set(told(last)) == {"missing"}


def test_a_checkpoint_is_of_the_same_indicators() -> None:
    """What was usual of one indicator is not taken for another's; the very signals go on."""
    approval = Indicator("approval", Form.RATIO, parse("prediction == approve"))
    signals = Signals([approval])
    for seed in range(LONG_ENOUGH // 10):
        signals.count_business(np.array([[10.0, 5.0, 10.0, 5.0, 5.0, 10.0, 10.0]]))
        feed(signals, 10, seed=seed)
    kept = signals.checkpoint()
    again = Signals.restored(kept, [approval])
    assert again.checkpoint() == kept
    for others in ([], [Indicator("approval", Form.MEAN, parse("score"))]):
        with pytest.raises(ValueError, match="not a checkpoint"):
            Signals.restored(kept, others)
