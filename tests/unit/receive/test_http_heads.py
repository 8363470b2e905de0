"""The heads that are read without a whole HTTP parser."""

import pytest

from model_exporter.ports import Door, Encoding, Signal
from model_exporter.receive.http_heads import MAX_HEAD_BYTES, HeadReader
from model_exporter.receive.inflate import Coding

_OF_PROTOBUF = "Content-Type: application/x-protobuf"


def _head(*lines: str, first: str = "POST /v1/logs HTTP/1.1", host: str = "Host: localhost:4318") -> bytes:
    return "\r\n".join((first, *filter(None, [host]), *lines, "", "")).encode("latin-1")


def test_a_simple_head_tells_path_length_and_order() -> None:
    """What the Python SDK's exporter sends, names in lower case."""
    data = _head(
        "user-agent: OTel-OTLP-Exporter-Python/1.45.0",
        "accept-encoding: gzip, deflate",
        "connection: keep-alive",
        "content-type: application/x-protobuf",
        "content-encoding: gzip",
        "content-length: 12",
    )
    head = HeadReader().read(data + b"the body")
    assert head is not None
    assert (head.path, head.length, head.end) == ("/v1/logs", 12, len(data))
    assert (head.order.route.door, head.order.route.signal) == (Door.OTLP_HTTP, Signal.LOGS)
    assert (head.order.encoding, head.order.coding) == (Encoding.PROTOBUF, Coding.GZIP)


def test_a_head_that_is_remembered_is_read_with_its_own_length() -> None:
    """Only the length changes from one request of a client to the next."""
    reader = HeadReader()
    heads = [reader.read(_head(_OF_PROTOBUF, f"Content-Length: {length}")) for length in (7, 4_321, 0)]
    assert [(head.length, head.order.encoding) for head in heads if head] == [
        (7, Encoding.PROTOBUF),
        (4_321, Encoding.PROTOBUF),
        (0, Encoding.PROTOBUF),
    ]


def test_more_heads_than_are_remembered_are_all_read() -> None:
    """A client whose head changes with each request only loses the short cut."""
    reader = HeadReader()
    for number in range(300):
        head = reader.read(_head(_OF_PROTOBUF, f"x-model-exporter-via: {number}", "Content-Length: 1"))
        assert head is not None
        assert head.order.via == str(number)


@pytest.mark.parametrize(
    "data",
    [
        _head(_OF_PROTOBUF, "Content-Length: 1")[:-1],
        _head(_OF_PROTOBUF),
        _head(_OF_PROTOBUF, "Transfer-Encoding: chunked"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "Transfer-Encoding: chunked"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "Content-Length: 1"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "CONTENT-LENGTH: 2"),
        _head(_OF_PROTOBUF, "Content-Length: +1"),
        _head(_OF_PROTOBUF, "Content-Length: 1_0"),
        _head(_OF_PROTOBUF, "Content-Length: 99999999999"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "Expect: 100-continue"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "Connection: close"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "Connection: Upgrade", "Upgrade: h2c"),
        _head(_OF_PROTOBUF, "Content-Length: 1", " folded"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "X : y"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "X: a\nY: b"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "X: \xe9"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "Host: other"),
        _head(_OF_PROTOBUF, "Content-Length: 1", host=""),
        _head(_OF_PROTOBUF, "Content-Length: 1", host="Host: "),
        _head(_OF_PROTOBUF, "Content-Length: 1", first="POST /v1/logs HTTP/1.0"),
        _head(_OF_PROTOBUF, "Content-Length: 1", first="GET /v1/logs HTTP/1.1"),
        _head(_OF_PROTOBUF, "Content-Length: 1", first="POST //v1/logs HTTP/1.1"),
        _head(_OF_PROTOBUF, "Content-Length: 1", first="POST /v1/logs?a=b HTTP/1.1"),
        _head(_OF_PROTOBUF, "Content-Length: 1", first="POST /v1/%6cogs HTTP/1.1"),
        _head(_OF_PROTOBUF, "Content-Length: 1", first="POST  /v1/logs HTTP/1.1"),
        _head(_OF_PROTOBUF, "Content-Length: 1", first="POST /nowhere HTTP/1.1"),
        _head("Content-Type: text/html", "Content-Length: 1"),
        _head(_OF_PROTOBUF, "Content-Encoding: br", "Content-Length: 1"),
        _head(_OF_PROTOBUF, "Content-Length: 1", "X: " + "y" * MAX_HEAD_BYTES),
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01" + bytes(200),
    ],
)
def test_whatever_is_not_simple_is_left_to_a_whole_parser(data: bytes) -> None:
    """Also where the answer would be a refusal: it has one wording, and one place."""
    reader = HeadReader()
    reader.read(_head(_OF_PROTOBUF, "Content-Length: 1"))
    assert reader.read(data) is None
