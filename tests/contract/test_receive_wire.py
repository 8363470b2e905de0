"""What real clients put on the wire of the HTTP door, byte for byte, and what the network does to it."""

import gzip
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from model_exporter.errors import SlowError
from model_exporter.ports import Payload, Receipt
from model_exporter.receive import HttpDoor
from model_exporter.receive.http_connections import Patience
from receiving import JSON, MIB, PROTOBUF, Rig, connect, door_program, head, open_door, post, read_reply, until

pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")  # no socket is left open
_OF_JSON = "Content-Type: application/json"
_OF_PROTOBUF = "Content-Type: application/x-protobuf"
_UPGRADE = (
    "Connection: Upgrade, HTTP2-Settings",
    "Upgrade: h2c",
    "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
)


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A door that accepts everything."""
    with open_door(HttpDoor) as rig:
        yield rig


@pytest.fixture(scope="module", params=["compiled parser", "python parser"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """A door in its own process, with each of aiohttp's two parsers; it answers with the length of the body."""
    with door_program(AIOHTTP_NO_EXTENSIONS="1" if request.param == "python parser" else "") as program:
        yield program.address


def _send_half(connection: socket.socket) -> None:
    """Send the head and half the body of a request of four bytes; its handler waits for the rest on return."""
    connection.sendall(head("/v1/predictions", _OF_JSON, "Content-Length: 4", "Expect: 100-continue"))
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    assert connection.recv(len(interim), socket.MSG_WAITALL) == interim
    connection.sendall(b"ha")


@pytest.mark.parametrize(
    "parts",
    [
        [head("/v1/predictions", _OF_JSON, *_UPGRADE, "Content-Length: 5") + b"hello"],
        [head("/v1/predictions", _OF_JSON, *_UPGRADE, "Content-Length: 5"), b"hel", b"lo"],
        [head("/v1/predictions", _OF_JSON, *_UPGRADE, "Transfer-Encoding: chunked") + b"5\r\nhello\r\n0\r\n\r\n"],
        [head("/v1/predictions", _OF_JSON, *_UPGRADE, "Transfer-encoding: chunked"), b"5\r\nhel", b"lo\r\n0\r\n\r\n"],
        [head("/v1/predictions", _OF_JSON, "Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5"), b"hello"],
    ],
)
def test_an_offer_to_upgrade_is_declined_and_the_body_kept(address: str, parts: list[bytes]) -> None:
    """JDK's HttpClient sends `Upgrade: h2c` with every cleartext POST, and so does `curl --http2`.

    uvicorn with httptools then hands an empty body to its application, which for protobuf is a valid empty request
    (Kludex/uvicorn#2722, MagicStack/httptools#124). The connection goes on as HTTP/1.1.
    """
    with connect(address) as connection:
        for part in parts:
            connection.sendall(part)
        first = read_reply(connection)
        connection.sendall(head("/v1/predictions", _OF_JSON, "Content-Length: 2") + b"hi")
        second = read_reply(connection)
    assert (first.status, json.loads(first.body)["accepted"]) == (200, 5)
    assert (second.status, json.loads(second.body)["accepted"]) == (200, 2)


@pytest.mark.skipif(shutil.which("curl") is None and "CI" not in os.environ, reason="curl is not installed")
@pytest.mark.parametrize(
    "options",
    [
        ["--http2"],
        ["--http2", "-H", "Transfer-Encoding: chunked"],
        ["--http1.1"],
        ["--http1.1", "-H", "Transfer-Encoding: chunked"],
        ["--http1.0"],
    ],
    ids=" ".join,
)
def test_curl_is_understood(address: str, tmp_path: Path, options: list[str]) -> None:
    """A body over 1 MiB makes curl ask first (`Expect: 100-continue`); with --http2 it offers h2c."""
    file = tmp_path / "rows.jsonl"
    file.write_bytes(b"x" * (2 * MIB))
    command = ["curl", "-sS", "--max-time", "20", "--data-binary", f"@{file}", f"http://{address}/v1/predictions"]
    said = subprocess.run([*command, *options], check=True, capture_output=True, timeout=30)
    assert json.loads(said.stdout)["accepted"] == 2 * MIB


def test_chunks_are_joined_wherever_they_are_cut(address: str) -> None:
    """JS exporters always send chunks, gzip as one of 10 bytes and the rest; http.server reads nothing of that."""
    body = gzip.compress(b"hello" * 1_000)
    reply = post(address, "/v1/predictions", iter([body[:10], body[10:]]), JSON | {"Content-Encoding": "gzip"})
    assert (reply.status, json.loads(reply.body)["accepted"]) == (200, 5_000)
    with connect(address) as connection:
        for byte in (
            head("/v1/predictions", _OF_JSON, "Transfer-Encoding: chunked") + b"3;x=y\r\nabc\r\n0\r\nT: x\r\n\r\n"
        ):
            connection.sendall(bytes([byte]))
        assert json.loads(read_reply(connection).body)["accepted"] == 3


def test_announced_chunks_without_data_are_no_success(address: str) -> None:
    """An empty chunked body would otherwise be a valid empty protobuf request, and its records lost in silence."""
    reply = post(address, "/v1/logs", iter(()), PROTOBUF)
    assert reply.status == 400


def test_a_client_that_asks_first_is_told_to_go_on(address: str) -> None:
    """`Expect: 100-continue` gets its interim reply before the body is sent."""
    with connect(address) as connection:
        _send_half(connection)
        connection.sendall(b"lf")
        assert read_reply(connection).status == 200


def test_a_client_that_asks_first_with_too_much_is_refused_before_it_sends(address: str) -> None:
    """The size in the head is enough for a 413, and no body is invited."""
    with connect(address) as connection:
        connection.sendall(head("/v1/logs", _OF_PROTOBUF, f"Content-Length: {65 * MIB}", "Expect: 100-continue"))
        assert read_reply(connection).status == 413


@pytest.mark.parametrize(
    "sent",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        head("/v1/logs", _OF_PROTOBUF, "Content-Length: 1", "Content-Length: 2"),
        head("/v1/logs", _OF_PROTOBUF, "Content-Length: -1"),
        head("/v1/logs", _OF_PROTOBUF, "Content-Length: 3", "Transfer-Encoding: chunked"),
        head("/v1/logs", _OF_PROTOBUF, "X: " + "y" * 20_000),
        b"POST /v1/logs HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
    ids=["gRPC", "two lengths", "negative length", "length and chunks", "long header", "no host", "nonsense"],
)
def test_what_is_not_http_is_a_400_and_the_end_of_the_connection(address: str, sent: bytes) -> None:
    """Ambiguous framing is refused as a whole: two readers of it might disagree where a request ends."""
    with connect(address) as connection:
        connection.sendall(sent)
        reply = read_reply(connection)
        assert (reply.status, reply.headers["content-type"]) == (400, "text/plain; charset=utf-8")
        assert connection.recv(1) == b""


def test_what_is_not_http_is_counted(rig: Rig) -> None:
    """TLS on this port is bad data of an unknown signal."""
    with connect(rig.door.address) as connection:
        connection.sendall(bytes.fromhex("16030100c8010000c40303") + bytes(200))
        until(lambda: rig.requests() == {("otlp_http", "unknown", "bad_data"): 1})


def test_one_connection_serves_many_requests(rig: Rig) -> None:
    """Keep-alive holds over good and bad requests of all kinds, as one exporter keeps one connection."""
    with connect(rig.door.address) as connection:
        for path, status in (("/v1/logs", 200), ("/nowhere", 404), ("/v1/traces", 200), ("/v1/predictions", 415)):
            connection.sendall(head(path, _OF_PROTOBUF, "Content-Length: 3") + b"abc")
            assert read_reply(connection).status == status


@pytest.mark.parametrize("cut", [1, 30, -43, -41, -40, -39, -20, -1])
def test_a_request_is_read_wherever_it_is_cut(address: str, cut: int) -> None:
    """Head or body may come in two pieces; the connection goes on after it."""
    request = head("/v1/predictions", _OF_JSON, "Content-Length: 40") + b"x" * 40
    with connect(address) as connection:
        connection.sendall(request)
        assert json.loads(read_reply(connection).body)["accepted"] == 40
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request[:cut])
        post(address, "/v1/predictions", b"x", JSON)  # when it is answered, the first piece was read
        connection.sendall(request[cut:])
        assert json.loads(read_reply(connection).body)["accepted"] == 40
        connection.sendall(request)
        assert json.loads(read_reply(connection).body)["accepted"] == 40


def test_requests_sent_without_waiting_are_answered_in_their_order(address: str) -> None:
    """A client may send the next request, or half of it, before the reply to the last one."""
    requests = [head("/v1/predictions", _OF_JSON, f"Content-Length: {size}") + b"x" * size for size in (3, 7, 5)]
    sent = b"".join(requests)
    with connect(address) as connection:
        connection.sendall(sent[:-2])
        replies = b""
        while replies.count(b"HTTP/1.1 200 OK\r\n") < 2:
            replies += connection.recv(65536)
        connection.sendall(sent[-2:])
        while b'"accepted":5' not in replies:
            replies += connection.recv(65536)
    assert re.findall(rb'"accepted":(\d+)', replies) == [b"3", b"7", b"5"]


@pytest.mark.parametrize("size", [70_000, 300_000, MIB, 3 * MIB])
def test_large_bodies_arrive_whole_and_the_connection_goes_on(address: str, size: int) -> None:
    """Whoever decodes them: the loop, a thread, or aiohttp before these."""
    with connect(address) as connection:
        for _ in range(3):
            connection.sendall(head("/v1/predictions", _OF_JSON, f"Content-Length: {size}") + b"x" * size)
            assert json.loads(read_reply(connection).body)["accepted"] == size


def test_an_idle_connection_is_closed_after_its_last_reply() -> None:
    """Clients that went away without a word do not stay for ever."""
    with open_door(HttpDoor, patience=Patience(idle=0.2)) as rig, connect(rig.door.address) as connection:
        connection.sendall(head("/v1/logs", _OF_PROTOBUF, "Content-Length: 1") + b"x")
        assert read_reply(connection).status == 200
        assert connection.recv(1) == b""


def test_a_decoder_that_takes_long_does_not_make_its_client_idle() -> None:
    """The client waits for the door, not the door for the client."""

    def decode(_: Payload) -> Receipt:
        time.sleep(0.5)
        return Receipt(1, 0)

    with open_door(HttpDoor, decode, patience=Patience(idle=0.1)) as rig, connect(rig.door.address) as connection:
        connection.sendall(head("/v1/logs", _OF_PROTOBUF, f"Content-Length: {MIB}") + bytes(MIB))
        assert read_reply(connection).status == 200


def test_an_old_client_is_served(rig: Rig) -> None:
    """HTTP/1.0 without a Host header, as simple health checkers and proxies speak it."""
    with connect(rig.door.address) as connection:
        connection.sendall(
            b"POST /v1/logs HTTP/1.0\r\nContent-Type: application/x-protobuf\r\nContent-Length: 2\r\n\r\nhi"
        )
        assert read_reply(connection).status == 200
        assert connection.recv(1) == b""
    assert rig.ingest.bodies == [b"hi"]


def test_a_client_that_hangs_up_half_way_is_counted_and_ingests_nothing(rig: Rig) -> None:
    """Half a body is never taken for a whole one."""
    with connect(rig.door.address) as connection:
        connection.sendall(head("/v1/logs", _OF_PROTOBUF, "Content-Length: 100") + b"half")
    until(lambda: rig.requests() == {("otlp_http", "logs", "client_gone"): 1})
    with connect(rig.door.address) as connection:
        connection.sendall(head("/v1/logs", _OF_PROTOBUF, "Transfer-Encoding: chunked") + b"4\r\nhalf\r\n")
    until(lambda: rig.requests() == {("otlp_http", "logs", "client_gone"): 2})
    assert not rig.ingest.payloads


def test_a_body_that_stalls_is_given_up() -> None:
    """A slow body does not hold memory for ever: 408, counted, and the connection ends."""
    with open_door(HttpDoor, patience=Patience(body=0.1)) as rig, connect(rig.door.address) as connection:
        connection.sendall(head("/v1/logs", _OF_PROTOBUF, "Content-Length: 100") + b"half")
        assert read_reply(connection).status == 408
        assert rig.requests() == {("otlp_http", "logs", "client_gone"): 1}


def test_a_head_that_stalls_is_given_up() -> None:
    """A connection that never completes a request head is closed, however slowly it drips."""
    with open_door(HttpDoor, patience=Patience(idle=0.3)) as rig, connect(rig.door.address) as connection:
        dripping = True

        def drip() -> None:
            while dripping:
                try:
                    connection.sendall(b"X")
                except OSError:
                    return
                time.sleep(0.05)

        connection.sendall(b"POST /v1/logs HTTP/1.1\r\n")
        dripper = threading.Thread(target=drip)
        dripper.start()
        try:
            connection.settimeout(10)
            with suppress(ConnectionResetError):  # closed while a drop was on its way
                assert connection.recv(1) == b""
        finally:
            dripping = False
            dripper.join()


def test_bodies_on_their_way_are_bounded_together() -> None:
    """Clients that each send within the limit, and wait, do not add up: the next one is asked to come again."""
    with open_door(HttpDoor, request_bytes=MIB // 4) as rig:
        waiting = [connect(rig.door.address) for _ in range(4)]
        try:
            for connection in waiting:
                connection.sendall(head("/v1/logs", _OF_PROTOBUF, f"Content-Length: {MIB // 4}") + bytes(MIB // 4 - 1))
            until(lambda: post(rig.door.address, "/v1/logs", b"xxxxx", PROTOBUF).status == 503)
            for connection in waiting:
                connection.sendall(b"x")
                assert read_reply(connection).status == 200
        finally:
            for connection in waiting:
                connection.close()
        assert post(rig.door.address, "/v1/logs", b"xxxxx", PROTOBUF).status == 200


def test_a_bomb_costs_no_more_memory_than_the_limit() -> None:
    """300 MiB of zeros in 0.3 MB of gzip is a 413, and the process never holds much more than the limit of 64 MiB."""
    bomb = gzip.compress(bytes(300 * MIB), compresslevel=9)
    with door_program() as program:
        post(program.address, "/v1/logs", b"x", PROTOBUF)
        before = program.peak_bytes
        for _ in range(3):
            assert post(program.address, "/v1/logs", bomb, PROTOBUF | {"Content-Encoding": "gzip"}).status == 413
        assert program.peak_bytes - before < 80 * MIB


def test_a_taken_port_is_one_clear_error(rig: Rig) -> None:
    """The message names the address, and nothing is left running."""
    second = HttpDoor(
        rig.door.address, ingest=rig.ingest, telemetry=rig.telemetry, request_bytes=MIB, clock=lambda: 0.0
    )
    with pytest.raises(OSError, match="in use") as caught:
        second.start()
    assert str(caught.value) == f"cannot listen on {rig.door.address}: address already in use"
    second.stop(1.0)


def test_what_is_no_address_is_told_when_the_door_is_built(rig: Rig) -> None:
    """A door never starts half-way on a wrong address."""
    with pytest.raises(ValueError, match="has no port"):
        HttpDoor("localhost", ingest=rig.ingest, telemetry=rig.telemetry, request_bytes=MIB, clock=lambda: 0.0)


def test_stopping_lets_requests_that_have_begun_finish() -> None:
    """One is being decoded, of two others half the body has come: all get their replies, and no new client is taken."""
    go_on, begun = threading.Event(), threading.Event()

    def decode(payload: Payload) -> Receipt:
        if payload.at_once:
            raise SlowError("only readers in Python can take it")
        if len(payload.body) == MIB:
            begun.set()
            assert go_on.wait(20)
        return Receipt(1, 0)

    with (
        open_door(HttpDoor, decode) as rig,
        connect(rig.door.address) as idle,
        connect(rig.door.address) as half,
        connect(rig.door.address) as simple,
        connect(rig.door.address) as large,
    ):
        _send_half(half)
        simple.sendall(head("/v1/predictions", _OF_JSON, "Content-Length: 4") + b"ha")
        large.sendall(head("/v1/logs", _OF_PROTOBUF, f"Content-Length: {MIB}") + bytes(MIB))
        assert begun.wait(20)
        stopper = threading.Thread(target=rig.door.stop, args=(20.0,))
        stopper.start()
        try:
            assert idle.recv(1) == b""
            with pytest.raises(ConnectionRefusedError):
                connect(rig.door.address)
            for begun_in_time in (half, simple):
                begun_in_time.sendall(b"lf")
                reply = read_reply(begun_in_time)
                assert (reply.status, reply.headers["connection"]) == (200, "close")
        finally:
            go_on.set()
        reply = read_reply(large)
        assert (reply.status, reply.headers["connection"]) == (200, "close")
        stopper.join(20)
        assert not stopper.is_alive()


def test_stopping_takes_no_longer_than_the_grace_time() -> None:
    """A client that never finishes its request, and an idle one, do not hold the exporter up."""
    with open_door(HttpDoor) as rig, connect(rig.door.address) as stuck, connect(rig.door.address) as idle:
        _send_half(stuck)
        began = time.monotonic()
        rig.door.stop(0.2)
        assert time.monotonic() - began < 3
        assert idle.recv(1) == b""


def test_a_door_that_does_not_serve_can_be_stopped(rig: Rig) -> None:
    """Stopping twice, or before the start, does nothing."""
    rig.door.stop(1.0)
    rig.door.stop(1.0)
    HttpDoor("127.0.0.1:0", ingest=rig.ingest, telemetry=rig.telemetry, request_bytes=1, clock=lambda: 0.0).stop(1.0)
