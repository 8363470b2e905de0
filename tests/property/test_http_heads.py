"""The short cut for simple heads against aiohttp's parser: whatever one reads, the other reads alike."""

import asyncio
from unittest.mock import Mock

from aiohttp.http import HttpRequestParser
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model_exporter.receive.http_heads import HeadReader
from model_exporter.receive.orders import read_order
from model_exporter.receive.routes import find_encoding, find_route

_FIRST = ("POST /v1/logs HTTP/1.1", "POST /v1/records/name HTTP/1.1", "POST / HTTP/1.1")
_LINES = (
    "content-type: application/x-protobuf",
    "Content-Type: application/json; charset=utf-8",
    "content-encoding: gzip",
    "Connection: keep-alive",
    "Transfer-Encoding: chunked",
    "Ce-Type: some.type",
    "ce-id:\t7 ",
    "x-model-exporter-via: a,b",
    "X-Empty:",
)
_LENGTHS = (
    "Content-Length: 5",
    "content-length: 05",
    "Content-Length:5",
    "content-Length: 0",
    "CONTENT-LENGTH: 5",
    "X: y",
)
_ODD = st.sampled_from(
    ["", "\r", "\n", "\0", " ", "\t", ":", "\x7f", "\xe9", "\r\n", "\r\n\r\n", "Content-Length: 6\r\n", "?", "%"]
)


@st.composite
def _heads(draw: st.DrawFn) -> bytes:
    """A length among other lines, in any order, mostly with something odd at one place."""
    lines = [draw(st.sampled_from(_LENGTHS)), "Host: a", *draw(st.lists(st.sampled_from(_LINES), max_size=5))]
    text = "\r\n".join([draw(st.sampled_from(_FIRST)), *draw(st.permutations(lines)), "", ""])
    place = draw(st.integers(0, len(text)))
    return (text[:place] + draw(_ODD) + text[place:]).encode("latin-1")


@settings(max_examples=600, deadline=None)
@given(_heads())
@example(b"POST /v1/logs HTTP/1.1\r\nHost: a\r\ncontent-type: application/x-protobuf\r\ncontent-length: 05\r\n\r\n")
def test_a_head_that_is_taken_means_the_same_to_a_whole_parser(data: bytes) -> None:
    """Same path, same order, same length, and the body begins at the same byte."""
    head = HeadReader().read(data)
    if head is None:
        return
    body = b"x" * head.length
    loop = asyncio.new_event_loop()
    try:
        parser = HttpRequestParser(Mock(_reading_paused=False), loop, 2**16, auto_decompress=False)
        ((message, payload),), upgraded, tail = parser.feed_data(data[: head.end] + body)
        route = find_route(message.url.path, message.headers)
        order = read_order(route, find_encoding(route, message.headers), message.headers, message.url.query)
        assert (message.method, message.should_close, message.chunked) == ("POST", False, False)
        assert (upgraded, tail) == (False, b"")
        assert (message.url.path, order) == (head.path, head.order)
        assert payload.is_eof()
        assert payload.read_nowait() == body
    finally:
        loop.close()
