"""The gRPC door: OTLP/gRPC."""

import threading
from collections.abc import Iterator
from concurrent import futures
from functools import partial
from typing import Final, NoReturn

import grpc

from model_exporter.addresses import Address, listen
from model_exporter.decode.replies import encode_retry_info, encode_status, encode_success
from model_exporter.errors import DecodeError, OverloadedError, TooLargeError
from model_exporter.ports import VIA_HEADER, Clock, Door, Encoding, Ingest, Payload, Signal
from model_exporter.receive.outcomes import (
    OUTCOMES,
    Answer,
    ClientGoneError,
    UnknownPathError,
    answer_to_error,
    answer_to_receipt,
    message_of,
)
from model_exporter.receive.reports import Reporter
from model_exporter.receive.safekeeping import wait_until_safe
from model_exporter.receive.stalls import StallWatch
from model_exporter.telemetry import Telemetry

_DOOR: Final = Door.OTLP_GRPC
_WORKERS: Final = 4
_PATIENCE_SECONDS: Final = 60.0
_CANCEL_SECONDS: Final = 0.1
"""How long after the end of a call's messages grpcio may take to say that the call was cancelled."""
_CLOSE_SECONDS: Final = 1.0
_CODES: Final = {code.value[0]: code for code in grpc.StatusCode}
_METHODS: Final = {
    f"/opentelemetry.proto.collector.{package}.v1.{service}/Export": signal
    for package, service, signal in (
        ("logs", "LogsService", Signal.LOGS),
        ("trace", "TraceService", Signal.TRACES),
        ("metrics", "MetricsService", Signal.METRICS),
    )
}
_OPTIONS: Final = (
    ("grpc.so_reuseport", 0),  # a taken port is an error; grpcio would share it with whoever has it
    # The OpenTelemetry Collector pings every 10 s; by default grpcio takes that for an attack and hangs up.
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    # A client that vanished must not hold a worker until TCP notices.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.max_concurrent_streams", 100),  # of one connection; more calls wait in the client
)


class GrpcDoor:
    """Serves on grpcio's threads, from `start` to `stop`.

    Decompression and the limit on what comes out of it are grpcio's, so bytes are counted after it.

    Args:
        address: `host:port`; port 0 is any free one.
        ingest: takes the messages.
        telemetry: counts requests by outcome, and the bytes of their messages.
        request_bytes: limit of one message, as sent and again after decompression.
        clock: unix seconds.
        patience_seconds: how long a call may take to bring its message.

    Raises:
        ValueError: `address` is none.
    """

    def __init__(
        self,
        address: str,
        *,
        ingest: Ingest,
        telemetry: Telemetry,
        request_bytes: int,
        clock: Clock,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        self._address = Address.parse(address)
        self._ingest = ingest
        self._telemetry = telemetry
        self._limit = request_bytes
        self._clock = clock
        self._watch = StallWatch(patience_seconds)
        self._reporter = Reporter()
        self._server: grpc.Server | None = None

    @property
    def address(self) -> str:
        """Where it listens, `host:port`; before `start`, where it was told to."""
        return str(self._address)

    def start(self) -> None:
        """Listen and serve; connections are taken when this returns.

        Raises:
            OSError: the address cannot be listened on; the message names it.
        """
        for signal in _METHODS.values():
            for outcome in OUTCOMES:
                self._telemetry.count("model_exporter_requests_total", _DOOR.value, signal.value, outcome, amount=0)
        server = grpc.server(
            futures.ThreadPoolExecutor(_WORKERS, "grpc-door"),
            handlers=[_Methods(self)],
            options=(("grpc.max_receive_message_length", self._limit), *_OPTIONS),
        )
        self._address = _bind(server, self._address)
        self._watch.start()
        server.start()
        self._server = server

    def stop(self, grace_seconds: float) -> None:
        """Take no more calls, let those that have begun finish in `grace_seconds`, then close.

        Does nothing when the door does not serve.
        """
        server, self._server = self._server, None
        if server is None:
            return
        server.stop(grace_seconds).wait(grace_seconds + _CLOSE_SECONDS)
        self._watch.stop()

    def export(self, signal: Signal, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        """Answer one call; refusals end it with a status and never return."""
        refusal = None
        reply = b""
        try:
            body = self._receive(messages, context)
            self._telemetry.count("model_exporter_request_bytes_total", _DOOR.value, amount=len(body))
            receipt = self._ingest(Payload(_DOOR, signal, Encoding.PROTOBUF, body, self._clock(), via=_via(context)))
            wait_until_safe(receipt)
            answer = answer_to_receipt(receipt, _DOOR)
            reply = encode_success(signal, Encoding.PROTOBUF, rejected=receipt.rejected, message=receipt.message)
        except Exception as error:  # noqa: BLE001  # the top of a server: a bug must not end it
            refusal, answer = error, answer_to_error(error)
            self._reporter.refused(answer, error, peer=context.peer(), path=signal.value)
        self._telemetry.count("model_exporter_requests_total", _DOOR.value, signal.value, answer.outcome)
        if refusal is not None:
            _abort(context, answer, refusal)
        return reply

    def refuse_method(self, method: str) -> None:
        """Count a call of a method that is not served; grpcio answers UNIMPLEMENTED."""
        refusal = UnknownPathError(f"there is no method {method[:100]!r}")
        answer = answer_to_error(refusal)
        self._telemetry.count("model_exporter_requests_total", _DOOR.value, "unknown", answer.outcome)
        self._reporter.refused(answer, refusal, peer="", path=method)

    def _receive(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        """The one message of a call.

        grpcio refuses a message over the limit by itself, with RESOURCE_EXHAUSTED, and has no hook to tell of it:
        the call just ends. So does the call of a client that gives up; OTLP clients do that at their deadline.
        What else ends before its message came is taken for too large.
        """
        self._watch.begin(context)
        try:
            return next(messages)
        except StopIteration as error:
            ended = threading.Event()
            if context.add_callback(ended.set) and not ended.wait(_CANCEL_SECONDS):
                raise DecodeError("body", "the call carries no message") from error
            cause: Exception = error
        except grpc.RpcError as error:
            cause = error
        finally:
            stalled = self._watch.end(context)
        if stalled or self._server is None or not context.time_remaining():
            raise ClientGoneError("the message did not arrive in time") from cause
        raise TooLargeError(f"the message has more than {self._limit} bytes, or its sender gave up") from cause


class _Methods(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs only
    """Hands raw bytes to the door: letting grpcio parse messages costs two to four times more.

    The calls are unary; as streams of one message the door learns of those that end without it.
    """

    def __init__(self, door: GrpcDoor) -> None:
        self._door = door
        self._handlers = {
            method: grpc.stream_unary_rpc_method_handler(partial(door.export, signal))
            for method, signal in _METHODS.items()
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        """The handler of a method; None for unknown ones."""
        handler = self._handlers.get(handler_call_details.method)
        if handler is None:
            self._door.refuse_method(handler_call_details.method)
        return handler


def _via(context: grpc.ServicerContext) -> str:
    return next((str(value) for key, value in context.invocation_metadata() if key == VIA_HEADER), "")


def _abort(context: grpc.ServicerContext, answer: Answer, error: Exception) -> NoReturn:
    """End a call with a status, and the same as google.rpc.Status where clients look for it.

    The hint to retry stands in two places: most clients read it from the Status, Python's from a trailer of its own.
    """
    message = message_of(error)
    retry_after = error.retry_after_seconds if isinstance(error, OverloadedError) else None
    status = encode_status(answer.code, message, Encoding.PROTOBUF, retry_after_seconds=retry_after)
    trailers: list[tuple[str, str | bytes]] = [("grpc-status-details-bin", status)]
    if retry_after is not None:
        trailers.append(("google.rpc.retryinfo-bin", encode_retry_info(retry_after)))
    context.set_trailing_metadata(tuple(trailers))
    context.abort(_CODES[answer.code], message)


def _bind(server: grpc.Server, address: Address) -> Address:
    # grpcio does not say why it cannot listen, except in a line of its own on standard error; the same attempt by
    # ourselves does.
    listen(address)[0].close()
    resolved = address.resolve()
    try:
        port = server.add_insecure_port(str(resolved))
    except RuntimeError as error:
        raise OSError(f"cannot listen on {address}: {error}") from error
    return Address(resolved.host, port)
