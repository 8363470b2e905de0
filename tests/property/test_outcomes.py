"""Whatever predictions and outcomes say, each is scored or counted, in any order and in any portions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from batches import T0
from model_exporter.batch import Awaited, Facts, Joined, Outcome
from model_exporter.config.settings import ModelKind, ModelSettings, OutcomeSettings
from model_exporter.window.performance import Performance
from model_exporter.window.snapshot import Fault

numbers = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0.0, 1.0, 0.25, 3.0]))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.sampled_from(["a", "b", "1", "", "true", "_other"]))
items = st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(tuple)
facts = st.builds(
    Facts,
    predicted=scalars,
    score=st.one_of(st.none(), numbers),
    probabilities=st.one_of(st.none(), st.dictionaries(st.sampled_from("abc"), numbers, max_size=3)),
    lower=st.one_of(st.none(), numbers),
    upper=st.one_of(st.none(), numbers),
    horizon=st.sampled_from([None, "1h", "2h"]),
    naive=st.one_of(st.none(), numbers),
    items=items,
)
gains = items.map(lambda names: tuple((name, 1.0) for name in names))
outcomes = st.builds(
    Outcome, model=st.just("m"), prediction_id=st.just("p"), time=st.none(), value=scalars, items=gains
)
models = st.builds(
    ModelSettings,
    kind=st.sampled_from([None, *ModelKind]),
    outcome=st.builds(OutcomeSettings, positive=st.sampled_from([None, "a", "1"])),
)
pairs = st.lists(st.tuples(facts, outcomes, st.sampled_from([1.0, 0.5])), max_size=20)


@settings(deadline=None, max_examples=50)
@given(models, pairs, st.integers(1, 5))
def test_every_outcome_is_scored_or_counted(
    model: ModelSettings, told: list[tuple[Facts, Outcome, float]], portion: int
) -> None:
    """No record, however odd, breaks the state or is lost: joined and faults add up to what came."""
    performance = Performance("1", model, None, T0 - 86_400)
    joined = [Joined("m", Awaited("p", T0 - 3600, "1", f.encode()), outcome, None, rate) for f, outcome, rate in told]
    faults = 0
    for start in range(0, len(joined), portion):
        counted = performance.realise(joined[start : start + portion], T0)
        assert counted.keys() <= {*Fault}
        faults += counted.total()
    snapshot = performance.snapshot(T0)
    assert snapshot.joined + faults == len(told)
    for window in snapshot.windows:
        assert all(measure.lower <= measure.value <= measure.upper for measure in window.measures)


@settings(deadline=None, max_examples=50)
@given(models, pairs, st.integers(1, 5))
def test_portions_do_not_matter(model: ModelSettings, told: list[tuple[Facts, Outcome, float]], portion: int) -> None:
    """Counters after many small requests are those after one large one."""
    whole, parts = (Performance("1", model, None, T0 - 86_400) for _ in range(2))
    joined = [Joined("m", Awaited("p", T0 - 3600, "1", f.encode()), outcome, None, rate) for f, outcome, rate in told]
    whole.realise(joined, T0)
    for start in range(0, len(joined), portion):
        parts.realise(joined[start : start + portion], T0)
    one, other = whole.snapshot(T0), parts.snapshot(T0)
    assert [(c.counter, c.labels) for c in one.counters] == [(c.counter, c.labels) for c in other.counters]
    for mine, yours in zip(one.counters, other.counters, strict=True):
        assert abs(mine.value - yours.value) <= 1e-9 * max(abs(mine.value), abs(yours.value)), mine
