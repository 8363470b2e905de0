"""What every store of the join promises, whatever it is built on."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import psycopg
import pytest
import redis

from joining import MODEL, T0, awaited, outcome, reasons, told
from model_exporter.batch import Joined, Outcome
from model_exporter.join import JoinStore, Lost, SqliteStore, StoreLimits, Unmatched
from model_exporter.join.postgresql_database import PostgresqlDatabase
from model_exporter.join.redis_database import RedisDatabase
from model_exporter.join.shared import SharedStore
from servers import postgresql_server, redis_server

HOUR = 3600.0
DAY = 24 * HOUR
LIMITS = StoreLimits(predictions=1000, size=1 << 40, outcomes=1000)
Opener = Callable[..., AbstractContextManager[JoinStore]]


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis."""
    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A real PostgreSQL."""
    with postgresql_server() as url:
        yield url


def _sqlite(_: pytest.FixtureRequest, folder: Path) -> Opener:
    @contextmanager
    def opened(limits: StoreLimits = LIMITS) -> Iterator[JoinStore]:
        with SqliteStore(folder / "join.db", limits) as store:
            yield store

    return opened


def _redis(request: pytest.FixtureRequest, _: Path) -> Opener:
    url = request.getfixturevalue("redis_url")
    with redis.Redis.from_url(url) as client:
        client.flushall()

    @contextmanager
    def opened(limits: StoreLimits = LIMITS) -> Iterator[JoinStore]:
        with SharedStore(RedisDatabase(url), limits) as store:
            yield store

    return opened


def _postgresql(request: pytest.FixtureRequest, _: Path) -> Opener:
    url = request.getfixturevalue("postgresql_url")
    with psycopg.connect(url, autocommit=True) as client:
        client.execute("drop table if exists model_exporter_join, model_exporter_shares")

    @contextmanager
    def opened(limits: StoreLimits = LIMITS) -> Iterator[JoinStore]:
        with SharedStore(PostgresqlDatabase(url), limits) as store:
            yield store

    return opened


_SHARED = [
    pytest.param(_redis, id="redis", marks=pytest.mark.e2e),
    pytest.param(_postgresql, id="postgresql", marks=pytest.mark.e2e),
]


@pytest.fixture(params=[pytest.param(_sqlite, id="sqlite"), *_SHARED])
def open_one(request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens the same store as often as it is called."""
    opener: Opener = request.param(request, tmp_path)
    return opener


@pytest.fixture
def store(open_one: Opener) -> Iterator[JoinStore]:
    """An empty store."""
    with open_one() as opened:
        yield opened


def tell(store: JoinStore, *outcomes: Outcome, now: float = T0 + 1) -> list[Joined]:
    """Tell outcomes of the one model."""
    return store.tell([(MODEL, one) for one in outcomes], now)


def test_an_outcome_meets_its_prediction(store: JoinStore) -> None:
    """The pair has all that was kept of the prediction, and stands for itself alone."""
    prediction = awaited("p1", version="1.4.2")
    assert store.wait_for(MODEL, [prediction], T0) == []
    (pair,) = tell(store, outcome("p1", "fraud", time=T0 - 5, loss=9.5))
    assert pair == Joined(MODEL, prediction, outcome("p1", "fraud", time=T0 - 5, loss=9.5), None, 1.0)


def test_a_prediction_meets_its_outcome(store: JoinStore) -> None:
    """An outcome that comes first waits."""
    assert tell(store, outcome("p1"), outcome("p2", "no")) == []
    assert [told(pair) for pair in store.wait_for(MODEL, [awaited("p2"), awaited("p3")], T0 + 2)] == [
        ("p2", "no", None)
    ]
    assert [told(pair) for pair in store.wait_for(MODEL, [awaited("p1")], T0 + 2)] == [("p1", "yes", None)]


def test_a_prediction_without_a_time_has_that_of_its_arrival(store: JoinStore) -> None:
    """NaN is what a record without one has; an id may hold any character."""
    store.wait_for(MODEL, [awaited("p\0\u20ac'1", made_at=float("nan")), awaited("p2", made_at=T0 - 7)], T0)
    pairs = tell(store, outcome("p\0\u20ac'1"), outcome("p2"))
    assert [(p.prediction.prediction_id, p.prediction.made_at) for p in pairs] == [("p\0\u20ac'1", T0), ("p2", T0 - 7)]


def test_models_do_not_meet(store: JoinStore) -> None:
    """The same id of another model is another prediction."""
    store.wait_for("other", [awaited("p1")], T0)
    assert tell(store, outcome("p1")) == []


def test_everything_survives_a_restart(open_one: Opener) -> None:
    """Predictions, outcomes and what was joined are there when the store is opened again."""
    with open_one() as store:
        store.wait_for(MODEL, [awaited("p1"), awaited("p2")], T0)
        tell(store, outcome("p2", "no"), outcome("p3"))
    with open_one() as store:
        assert [told(p) for p in tell(store, outcome("p1"), outcome("p2", "yes"))] == [
            ("p1", "yes", None),
            ("p2", "yes", "no"),
        ]
        assert [told(p) for p in store.wait_for(MODEL, [awaited("p3")], T0)] == [("p3", "yes", None)]


def test_the_same_outcome_again_changes_nothing(store: JoinStore) -> None:
    """A repeat is counted; True and 1 are not the same."""
    store.wait_for(MODEL, [awaited("p1")], T0)
    assert len(tell(store, outcome("p1", value=True), outcome("p1", value=True))) == 1
    assert tell(store, outcome("p1", value=True)) == []
    assert [told(p) for p in tell(store, outcome("p1", 1.0))] == [("p1", 1.0, True)]
    assert reasons(store.expire(T0 + 2, {}).unmatched) == {Unmatched.DUPLICATE: 2}


def test_a_correction_replaces_what_was_told(store: JoinStore) -> None:
    """Each says what it corrects, within one call and in later ones."""
    store.wait_for(MODEL, [awaited("p1")], T0)
    pairs = tell(store, outcome("p1", "yes"), outcome("p1", "no")) + tell(store, outcome("p1", "maybe"))
    assert [told(p) for p in pairs] == [("p1", "yes", None), ("p1", "no", "yes"), ("p1", "maybe", "no")]


def test_the_later_of_two_outcomes_holds_whichever_comes_first(store: JoinStore) -> None:
    """By their own times; what comes late and is older is counted, whether the prediction is there or not."""
    store.wait_for(MODEL, [awaited("p1")], T0)
    tell(store, outcome("p1", "new", time=T0 - 10))
    assert tell(store, outcome("p1", "old", time=T0 - 20)) == []
    tell(store, outcome("p2", "new", time=T0 - 10), outcome("p2", "old", time=T0 - 20))
    assert [told(p) for p in store.wait_for(MODEL, [awaited("p2")], T0)] == [("p2", "new", None)]
    assert reasons(store.expire(T0 + 2, {}).unmatched) == {Unmatched.OUTDATED: 2}


def test_business_values_add_up(store: JoinStore) -> None:
    """What one outcome does not tell is taken from those before it."""
    store.wait_for(MODEL, [awaited("p1")], T0)
    tell(store, outcome("p1", "yes", revenue=3.0))
    (pair,) = tell(store, outcome("p1", None, loss=1.0))
    assert (pair.outcome.value, dict(pair.outcome.values)) == ("yes", {"revenue": 3.0, "loss": 1.0})


def test_an_outcome_from_the_future_has_the_time_of_its_arrival(store: JoinStore) -> None:
    """A sender's wrong clock is counted, and no later correction is shut out by it."""
    store.wait_for(MODEL, [awaited("p1")], T0)
    (pair,) = tell(store, outcome("p1", time=T0 + HOUR), now=T0 + 1)
    assert pair.outcome.time == T0 + 1
    assert [told(p) for p in tell(store, outcome("p1", "no", time=T0 + 60), now=T0 + 61)] == [("p1", "no", "yes")]
    assert store.expire(T0 + 62, {}).future == {MODEL: 1}


def test_rows_have_outcomes_of_their_own(store: JoinStore) -> None:
    """Each row of a request is a prediction; what is told of the request alone is told of none of them."""
    store.wait_for(MODEL, [awaited("r#0"), awaited("r#1"), awaited("r#2")], T0)
    assert [told(p) for p in tell(store, outcome("r#1", "a"), outcome("r#0", "b"), outcome("r", "c"))] == [
        ("r#1", "a", None),
        ("r#0", "b", None),
    ]
    assert reasons(store.expire(T0 + 2, {}).unmatched) == {Unmatched.AMBIGUOUS: 1}


def test_an_early_outcome_of_a_request_with_rows_is_ambiguous(store: JoinStore) -> None:
    """The order of arrival does not matter for that."""
    tell(store, outcome("r", "c"), outcome("r#0", "b"))
    assert [told(p) for p in store.wait_for(MODEL, [awaited("r#0"), awaited("r#1")], T0)] == [("r#0", "b", None)]
    assert reasons(store.expire(T0 + 2, {}).unmatched) == {Unmatched.AMBIGUOUS: 1}


@pytest.mark.parametrize(("predicted", "observed"), [("r#0", "r"), ("r", "r#0"), ("r#0", "r#0")])
def test_the_only_row_is_called_by_either_name(store: JoinStore, predicted: str, observed: str) -> None:
    """With its number or without, for the prediction and for the outcome."""
    store.wait_for(MODEL, [awaited(predicted)], T0)
    assert [told(p) for p in tell(store, outcome(observed))] == [(predicted, "yes", None)]


def test_a_prediction_that_comes_again_is_ignored(store: JoinStore) -> None:
    """Within a call and later, with its outcome and without."""
    store.wait_for(MODEL, [awaited("p1"), awaited("p1")], T0)
    store.wait_for(MODEL, [awaited("p1")], T0)
    assert len(tell(store, outcome("p1"))) == 1
    assert store.wait_for(MODEL, [awaited("p1")], T0) == []
    store.expire(T0 + 60, {})
    assert (store.rows, store.pending(MODEL)) == (1, 0)


def test_what_waits_is_counted(store: JoinStore) -> None:
    """Predictions and outcomes that wait, by model, and what is remembered."""
    store.wait_for(MODEL, [awaited(f"p{n}") for n in range(5)], T0)
    tell(store, outcome("p0"), outcome("x"), outcome("y"))
    store.expire(T0 + 60, {})
    assert (store.pending(MODEL), store.outcomes_waiting(MODEL), store.rows, store.early) == (4, 2, 5, 2)
    assert (store.pending("other"), store.outcomes_waiting("other"), store.rate("other")) == (0, 0, 1.0)
    assert store.bytes > 0


def test_time_is_up(store: JoinStore) -> None:
    """After their wait, and a 32nd of it, predictions and outcomes are given up and counted; joined ones are not."""
    store.expire(T0, {MODEL: DAY})
    store.wait_for(MODEL, [awaited("p1"), awaited("p2")], T0)
    tell(store, outcome("p2"), outcome("x"), now=T0)
    early = store.expire(T0 + 0.99 * DAY, {})
    assert (sum(early.lost.values()), sum(early.unmatched.values())) == (0, 0)
    late = store.expire(T0 + 1.04 * DAY, {})
    assert {reason: count for (_, reason), count in late.lost.items() if count} == {Lost.TIMED_OUT: 1}
    assert reasons(late.unmatched) == {Unmatched.NO_PREDICTION: 1}
    assert tell(store, outcome("p1"), outcome("p2"), now=T0 + 1.1 * DAY) == []


def _overfill(store: JoinStore, count: int) -> float:
    """Far more predictions than there is room for; the time when all has calmed down."""
    names = [f"p{n}" for n in range(count)]
    for first in range(0, count, 250):
        store.wait_for(MODEL, [awaited(name) for name in names[first : first + 250]], T0 + first / 250)
    now = T0 + 100
    for _ in range(60):
        now += 30
        store.expire(now, {})
    return now


def test_beyond_the_limit_a_sample_is_kept(store: JoinStore) -> None:
    """It fits, every prediction is joined or counted as outside of the sample, and 1/rate estimates their number."""
    now = _overfill(store, 6000)
    rate = store.rate(MODEL)
    assert store.rows <= LIMITS.predictions
    assert rate in {1 / 8, 1 / 16}
    pairs = tell(store, *(outcome(f"p{n}") for n in range(6000)), now=now)
    assert len(pairs) == store.rows
    assert {pair.rate for pair in pairs} == {rate}
    # The number in the sample is binomial: 5 standard deviations.
    assert sum(1 / pair.rate for pair in pairs) == pytest.approx(6000, abs=5 * np.sqrt(6000 * (1 - rate) / rate))
    assert reasons(store.expire(now + 1, {}).unmatched) == {Unmatched.SAMPLED_OUT: 6000 - len(pairs)}


def test_the_rate_rises_when_there_is_room_and_predictions_keep_theirs(store: JoinStore) -> None:
    """A quarter of the wait after the load has fallen; what was kept under the small rate still stands for more."""
    store.expire(T0, {MODEL: DAY})
    now = _overfill(store, 6000)
    before = store.rate(MODEL)
    store.resize(StoreLimits(predictions=100_000, size=1 << 40, outcomes=1000))
    now += DAY / 4
    store.expire(now, {})
    assert store.rate(MODEL) == 2 * before
    store.wait_for(MODEL, [awaited(f"q{n}") for n in range(500)], now)
    pairs = tell(store, *(outcome(f"{kind}{n}") for kind in "pq" for n in range(500)), now=now)
    rates = {pair.prediction.prediction_id[0]: pair.rate for pair in pairs}
    assert rates == {"p": before, "q": 2 * before}


@pytest.mark.parametrize("opener", _SHARED)
def test_replicas_share_a_store_and_each_pair_goes_to_one(
    request: pytest.FixtureRequest, tmp_path: Path, opener: Callable[[pytest.FixtureRequest, Path], Opener]
) -> None:
    """The outcome may reach another replica than the prediction did; together they have every pair once."""
    open_one = opener(request, tmp_path)
    names = [f"p{n}" for n in range(600)]

    def work(index: int) -> list[Joined]:
        """Every replica hears of everything, each in an order of its own."""
        rng = np.random.default_rng(index)
        pairs: list[Joined] = []
        with open_one() as store:
            for part in np.array_split(rng.permutation(len(names)), 12):
                pairs += tell(store, *(outcome(names[n]) for n in part))
                pairs += store.wait_for(MODEL, [awaited(names[n]) for n in reversed(part)], T0)
        return pairs

    with ThreadPoolExecutor(3) as pool:
        pairs = [pair for mine in pool.map(work, range(3)) for pair in mine]
    assert sorted(pair.prediction.prediction_id for pair in pairs) == sorted(names)
    assert {pair.corrects for pair in pairs} == {None}
