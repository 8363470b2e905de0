"""Checkpoints as bytes."""

import msgspec
import pytest

from kept_versions import kept_version
from model_exporter.journal import frame


def test_what_is_packed_comes_back() -> None:
    """Every field, also of a version that never made a prediction, and a name that UTF-8 cannot carry."""
    kept = (kept_version(), kept_version("half a pair \ud800"), kept_version("idle", last_prediction=None))
    assert frame.unpack(frame.pack(kept)) == kept


def test_nothing_is_packed_as_nothing() -> None:
    """An exporter without models has a checkpoint too."""
    assert frame.unpack(frame.pack(())) == ()


def test_any_cut_is_told() -> None:
    """A file that ends early is never taken for a whole one."""
    packed = frame.pack([kept_version()])
    for length in range(len(packed)):
        with pytest.raises(ValueError, match=r"no checkpoint|format version|checksum"):
            frame.unpack(packed[:length])


def test_any_turned_bit_is_told() -> None:
    """A file with one wrong byte is never taken for a whole one."""
    packed = frame.pack([kept_version()])
    for place in range(len(packed)):
        with pytest.raises(ValueError, match=r"no checkpoint|format version|checksum"):
            frame.unpack(packed[:place] + bytes([packed[place] ^ 1]) + packed[place + 1 :])


def test_another_format_version_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a later release wrote is not guessed at."""
    monkeypatch.setattr(frame, "FORMAT_VERSION", 3)
    packed = frame.pack([kept_version()])
    monkeypatch.undo()
    with pytest.raises(ValueError, match="format version is 3, not 2"):
        frame.unpack(packed)


def test_a_whole_frame_with_something_else_in_it_is_told() -> None:
    """A payload that is not an array of versions is an error of its own, also with the right checksum."""
    payload = msgspec.msgpack.encode([[b"m", b"1"]])
    head = frame.pack(())[: frame.HEAD - 16]
    with pytest.raises(ValueError, match="length"):
        frame.unpack(head + frame._checksum(payload) + payload)
