from model_exporter.forward.outbox import OVERHEAD_BYTES, Outbox, Parcel
from model_exporter.ports import Encoding, Signal


def parcel(body: bytes = b"") -> Parcel:
    """A parcel of logs."""
    return Parcel(Signal.LOGS, Encoding.PROTOBUF, body, "", 0.0)


def test_parcels_take_room_until_they_have_left() -> None:
    """Those that wait, those that are on their way and those that are about to come; the first fits always."""
    outbox = Outbox(2 * OVERHEAD_BYTES)
    assert outbox.reserve(10 * OVERHEAD_BYTES)
    assert not outbox.reserve(1)
    outbox.release(10 * OVERHEAD_BYTES)
    for _ in range(2):
        assert outbox.reserve(parcel().size)
        outbox.put(parcel())
    assert not outbox.reserve(1)
    taken = outbox.take()
    assert taken
    assert (outbox.held, outbox.waiting) == (2 * OVERHEAD_BYTES, 1)
    assert not outbox.reserve(1)
    outbox.release(taken.size)
    assert outbox.reserve(parcel().size)


def test_empty_bodies_take_room_too() -> None:
    """A million of them would fill the memory as well."""
    outbox = Outbox(10 * OVERHEAD_BYTES)
    assert [outbox.reserve(parcel().size) for _ in range(12)] == [True] * 10 + [False] * 2


def test_what_comes_back_is_next() -> None:
    """The order of arrival is kept as far as possible."""
    outbox = Outbox(10**6)
    for body in (b"1", b"2"):
        outbox.put(parcel(body))
    first = outbox.take()
    assert first
    outbox.put_back(first)
    assert [taken.body for taken in (outbox.take(), outbox.take()) if taken] == [b"1", b"2"]


def test_whoever_waits_is_called_once() -> None:
    """When the next parcel comes, and not when it finds one at once."""
    outbox, calls = Outbox(10**6), list[str]()
    assert outbox.take(lambda: calls.append("called")) is None
    for _ in range(2):
        outbox.put(parcel())
    assert calls == ["called"]
    assert outbox.take(lambda: calls.append("again")) is not None
    outbox.put(parcel())
    assert calls == ["called"]


def test_a_smaller_limit_keeps_what_is_there() -> None:
    """Only what comes later finds no room."""
    outbox = Outbox(10**6)
    assert outbox.reserve(parcel().size)
    outbox.put(parcel())
    outbox.resize(1)
    assert outbox.capacity == 1
    assert not outbox.reserve(1)
    assert outbox.take() == parcel()
