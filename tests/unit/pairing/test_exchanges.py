"""Halves of calls that wait for each other."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from model_exporter.pairing import Exchange, Exchanges, Half, Side
from model_exporter.ports import Door


def half(key: str, side: Side, *, arrived: float = 0.0, stream: str = "s", body: bytes = b"{}") -> Half:
    """One event."""
    return Half(Door.CLOUD_EVENTS, key, stream, side, body, {}, None, arrived)


def exchanges(*, entries: int = 100, size: int = 1 << 20) -> Exchanges:
    """Halves wait for a minute."""
    return Exchanges(entries=entries, size=size, wait_seconds=60.0)


def test_two_halves_meet_in_either_order() -> None:
    """The response may come first, because loggers send with several workers."""
    for first, second in ((Side.REQUEST, Side.RESPONSE), (Side.RESPONSE, Side.REQUEST)):
        pairs = exchanges()
        assert pairs.take(half("a", first)).exchange is None
        met = pairs.take(half("a", second)).exchange
        assert met is not None
        assert set(met.halves) == {Side.REQUEST, Side.RESPONSE}
        assert (len(pairs), pairs.size) == (0, 0)


def test_what_is_sent_again_is_told_and_does_nothing() -> None:
    """Neither a half that waits, nor one whose exchange is over."""
    pairs = exchanges()
    pairs.take(half("a", Side.REQUEST))
    assert pairs.take(half("a", Side.REQUEST)).repeated
    pairs.take(half("a", Side.RESPONSE))
    assert pairs.take(half("a", Side.RESPONSE)).repeated
    assert pairs.take(half("a", Side.REQUEST)).repeated
    assert len(pairs) == 0


def test_a_key_is_of_its_stream_and_door() -> None:
    """Callers choose ids, and one call goes through several services: halves of two of them never meet."""
    pairs = exchanges()
    azure = Half(Door.AZURE_ML, "a", "s", Side.RESPONSE, b"{}", {}, None, 0.0)
    for other in (half("a", Side.REQUEST), half("a", Side.RESPONSE, stream="t"), azure):
        taken = pairs.take(other)
        assert (taken.exchange, taken.repeated) == (None, False)
    assert len(pairs) == 3


def test_feedback_needs_no_other_half() -> None:
    """It is complete by itself."""
    taken = exchanges().take(half("a", Side.FEEDBACK))
    assert taken.exchange is not None


def test_a_request_without_response_failed_if_its_stream_ever_answers() -> None:
    """A logger that only tells of requests tells nothing of failures."""
    pairs = exchanges()
    pairs.take(half("a", Side.REQUEST, stream="both"))
    pairs.take(half("b", Side.RESPONSE, stream="both"))
    pairs.take(half("c", Side.REQUEST, stream="requests"))
    assert pairs.expire(59.0) == []
    over = {next(iter(exchange.halves.values())).key: exchange.error for exchange in pairs.expire(60.0)}
    assert over == {"a": "no_response", "b": "", "c": ""}
    assert (len(pairs), pairs.size) == (0, 0)


def test_the_oldest_half_makes_room() -> None:
    """Entries and bytes are bounded, and what goes is told."""
    pairs = exchanges(entries=2)
    taken = [pairs.take(half(key, Side.REQUEST)) for key in "abc"]
    assert [key for evicted in taken for exchange in evicted.evicted for key in _keys(exchange)] == ["a"]
    small = exchanges(size=2_000)
    assert sum(len(small.take(half(str(n), Side.REQUEST, body=bytes(1_000))).evicted) for n in range(10)) == 9
    assert small.size <= 2_000


def test_draining_leaves_nothing_and_blames_nobody() -> None:
    """At a stop the other half may still be on its way."""
    pairs = exchanges()
    pairs.take(half("b", Side.RESPONSE))
    pairs.take(half("a", Side.REQUEST))
    assert [exchange.error for exchange in pairs.drain()] == ["", ""]
    assert (len(pairs), pairs.size) == (0, 0)


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 12))
def test_every_half_ends_up_in_one_exchange(seed: int, calls: int, entries: int) -> None:
    """Whatever the order, the repeats, the evictions and the times: none is lost and none told twice."""
    random_ = random.Random(seed)  # noqa: S311  # seeded on purpose
    sent = [
        (str(call), side) for call in range(calls) for side in (Side.REQUEST, Side.RESPONSE) if random_.random() < 0.8
    ]
    sent += random_.sample(sent, len(sent) // 3)
    random_.shuffle(sent)
    pairs = exchanges(entries=entries)
    told: list[Exchange] = []
    repeated = 0
    for now, (key, side) in enumerate(sent):
        taken = pairs.take(half(key, side, arrived=float(now)))
        repeated += taken.repeated
        told += [
            *taken.evicted,
            *([taken.exchange] if taken.exchange else []),
            *pairs.expire(now - random_.randrange(120)),
        ]
        assert len(pairs) <= entries
    told += pairs.drain()
    halves = Counter((next(iter(e.halves.values())).key, side) for e in told for side in e.halves)
    assert sum(halves.values()) + repeated == len(sent)
    assert pairs.size == 0


def _keys(exchange: Exchange) -> set[str]:
    return {half.key for half in exchange.halves.values()}
