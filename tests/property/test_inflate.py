import gzip
import zlib
from contextlib import suppress
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from model_exporter.errors import DecodeError, TooLargeError
from model_exporter.receive import inflate as module
from model_exporter.receive.inflate import Coding, inflate

_STEPS = st.integers(1, 40)
_PARTS = st.lists(st.builds(lambda b, n: b * n, st.binary(max_size=60), st.integers(1, 40)), min_size=1, max_size=4)


@given(parts=_PARTS, slice_bytes=_STEPS, step_bytes=_STEPS, spare=st.integers(-3, 3))
def test_slices_and_steps_change_nothing(parts: list[bytes], slice_bytes: int, step_bytes: int, spare: int) -> None:
    """Any members, cut anywhere, come back whole when they fit, and are refused when they do not."""
    body = b"".join(parts)
    limit = max(0, len(body) + spare)
    sent = b"".join(map(gzip.compress, parts))
    with patch.object(module, "_SLICE_BYTES", slice_bytes), patch.object(module, "_STEP_BYTES", step_bytes):
        if len(body) > limit:
            with suppress(TooLargeError):
                raise AssertionError(inflate(sent, Coding.GZIP, limit=limit))
        else:
            assert inflate(sent, Coding.GZIP, limit=limit) == body
            assert inflate(zlib.compress(body), Coding.DEFLATE, limit=limit) == body


@given(sent=st.binary(max_size=200), coding=st.sampled_from(Coding))
def test_any_bytes_are_inflated_or_refused(sent: bytes, coding: Coding) -> None:
    """No other error than those two leaves the room."""
    with suppress(DecodeError, TooLargeError):
        inflate(sent, coding, limit=1_000)


@given(body=st.binary(max_size=300), cut=st.integers(1, 300))
def test_a_cut_body_is_never_taken_for_a_whole_one(body: bytes, cut: int) -> None:
    """Whatever is missing at the end is noticed."""
    for sent, coding in ((gzip.compress(body), Coding.GZIP), (zlib.compress(body), Coding.DEFLATE)):
        with suppress(DecodeError):
            raise AssertionError(inflate(sent[: -min(cut, len(sent))], coding, limit=1_000))
