"""Performance after restarts equals performance without any."""

from collections.abc import Callable
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batches import T0
from kept_versions import kept_version
from model_exporter.batch import Awaited, Facts, Joined, Outcome, Scalar
from model_exporter.config.settings import ModelKind, ModelSettings, OutcomeSettings
from model_exporter.window.kinds import MAX_CLASSES
from model_exporter.window.performance import EARLY_PAIRS, Performance
from model_exporter.window.snapshot import PerformanceSnapshot

STEPS: Final = 24
ROWS: Final = 50
"""A step; the names are frozen about halfway."""
RESTS_ON: Final = "the same settings"

Random = np.random.Generator
Row = tuple[Facts, Outcome]


def two_classes(random: Random, _step: int) -> Row:
    """Fraud or not, with a score."""
    score = round(random.uniform(), 3)
    return Facts("fraud" if score > 0.5 else "ok", score), told("fraud" if random.uniform() < score else "ok")


def more_classes(random: Random, step: int) -> Row:
    """More classes with every step, in the end too many."""
    names = [f"c{n}" for n in range(2 + step)]
    shares = {"c0": 0.6, "c1": 0.4} if random.uniform() < 0.5 else None
    return Facts(str(random.choice(names)), 0.5, shares), told(str(random.choice(names)))


def numbers(random: Random, _step: int) -> Row:
    """A regression with intervals."""
    actual = random.normal(50, 10)
    predicted = actual + random.normal(1, 3)
    return Facts(predicted, lower=predicted - 4, upper=predicted + 4), told(actual)


def forecasts(random: Random, step: int) -> Row:
    """One horizon more with every step."""
    actual = random.normal(50, 10)
    return Facts(actual + random.normal(), horizon=f"{step}h", naive=actual + 2), told(actual)


def rankings(random: Random, _step: int) -> Row:
    """Eight items, of which some were clicked."""
    items = tuple(map(str, random.permutation(8).tolist()))
    clicked = tuple((str(item), 1.0) for item in sorted({*random.integers(0, 9, 2).tolist()}))
    return Facts(items=items), Outcome("m", "p", None, None, items=clicked)


def told(value: Scalar) -> Outcome:
    """What happened."""
    return Outcome("m", "p", None, value)


KINDS: Final[dict[str, tuple[ModelKind | None, str | None, Callable[[Random, int], Row]]]] = {
    "two classes": (ModelKind.CLASSIFICATION, "fraud", two_classes),
    "many classes": (None, None, more_classes),
    "regression": (ModelKind.REGRESSION, None, numbers),
    "forecasting": (ModelKind.FORECASTING, None, forecasts),
    "ranking": (ModelKind.RANKING, None, rankings),
}


def begun(kind: str, now: float) -> Performance:
    """An empty state."""
    of, positive, _ = KINDS[kind]
    return Performance("1", ModelSettings(kind=of, outcome=OutcomeSettings(positive=positive)), None, now)


def restarted(kind: str, before: Performance, now: float) -> Performance:
    """What another process goes on with."""
    after = begun(kind, now)
    after.restore(before.keep(kept_version(), RESTS_ON), RESTS_ON)
    return after


def shown(told: PerformanceSnapshot) -> list[object]:
    """All but the counters, which begin at 0."""
    windows = [
        (w.name, w.predicted, w.labelled, pytest.approx(w.coverage, nan_ok=True), w.provisional) for w in told.windows
    ]
    measures = [
        (m.metric, m.label, *(pytest.approx(x, rel=1e-9, abs=1e-12) for x in (m.value, m.lower, m.upper)))
        for w in told.windows
        for m in w.measures
    ]
    return [told.version, pytest.approx(told.lag, nan_ok=True), *windows, *measures]


def steps(kind: str, seed: int) -> list[tuple[float, list[float], list[Joined]]]:
    """At some moments predictions and outcomes: late ones, corrections of earlier ones, of predictions of any age."""
    random, now = np.random.default_rng(seed), T0
    waiting: list[tuple[Awaited, Outcome]] = []
    known: list[tuple[Awaited, Outcome]] = []
    taken = []
    for step in range(STEPS):
        now += float(random.choice([5.0, 40.0, 900.0, 5000.0]))
        rows = [KINDS[kind][2](random, step) for _ in range(ROWS)]
        made = [now - age for age in random.uniform(0, 30, ROWS).tolist()]
        waiting += [(Awaited("p", at, "1", facts.encode()), o) for at, (facts, o) in zip(made, rows, strict=True)]
        joined = []
        for _ in range(min(len(waiting), ROWS - 10)):
            one, outcome = waiting.pop(int(random.integers(len(waiting))))
            joined.append(Joined("m", one, outcome, None, 1.0))
            known.append((one, outcome))
        for _ in range(min(len(known), 5)):
            place = int(random.integers(len(known)))
            one, earlier = known[place]
            outcome = KINDS[kind][2](random, step)[1]
            joined.append(Joined("m", one, outcome, earlier, 1.0))
            known[place] = one, outcome
        taken.append((now, made, joined))
    return taken


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(0, 1000), st.sets(st.integers(0, STEPS - 1), min_size=1, max_size=6))
@settings(max_examples=6)
def test_restarts_change_no_window(kind: str, seed: int, restarts: set[int]) -> None:
    """Measures with bounds, coverage and lag, after each and in the end, with corrections of what was told before."""
    assert STEPS * (ROWS - 10) > EARLY_PAIRS  # the names are frozen on the way
    assert STEPS > MAX_CLASSES - 2  # and there are more of them than places
    through, stopped = begun(kind, T0), begun(kind, T0)
    for step, (now, made, joined) in enumerate(steps(kind, seed)):
        if step in restarts:
            stopped = restarted(kind, stopped, now)
        for performance in (through, stopped):
            performance.expect(np.array(made), now)
            performance.realise(joined, now)
            performance.advance(now + 15.0)
        if step in restarts or step == STEPS - 1:
            assert shown(stopped.snapshot(now + 15.0)) == shown(through.snapshot(now + 15.0))
    assert any(window.measures for window in stopped.snapshot(now + 15.0).windows)


def test_counters_begin_at_zero_even_when_early_pairs_are_scored_again() -> None:
    """What the last process counted is in no counter of this one, also after a new class came."""
    before = begun("many classes", T0)
    pair = Awaited("p", T0, "1", Facts("a").encode())
    before.realise([Joined("m", pair, told("a"), None, 1.0)] * 10, T0)
    after = restarted("many classes", before, T0 + 15)
    assert {counted.value for counted in after.snapshot(T0 + 15).counters} == {0.0}
    after.realise([Joined("m", pair, told("b"), None, 1.0)], T0 + 15)
    told_of = {counted.labels: counted.value for counted in after.snapshot(T0 + 15).counters if counted.value}
    assert told_of == {("b", "a"): 1.0}
    assert (after.snapshot(T0 + 15).joined, after.snapshot(T0 + 15).delay.buckets.sum()) == (1, 1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_correction_of_what_was_lost_bends_no_measure_out_of_its_bounds(kind: str) -> None:
    """After a sudden death an outcome may be taken off that is in no sum: by one pair sums are wrong, and no more."""
    random, make = np.random.default_rng(4), KINDS[kind][2]
    before = begun(kind, T0 - 86_400)
    rows = [make(random, 1) for _ in range(60)]
    before.realise([Joined("m", Awaited("p", T0, "1", f.encode()), o, None, 1.0) for f, o in rows], T0)
    after = restarted(kind, before, T0 + 15)
    (facts, lost), (_, known) = make(random, 1), make(random, 1)
    after.realise([Joined("m", Awaited("p", T0 - 900, "1", facts.encode()), known, lost, 1.0)], T0 + 15)
    after.advance(T0 + 7200)
    for window in after.snapshot(T0 + 7200).windows[1:]:
        assert window.labelled == 60
        for measure in window.measures:
            assert measure.lower <= measure.value <= measure.upper
