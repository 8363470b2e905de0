"""OTLP/gRPC to another endpoint."""

import asyncio
from typing import Final
from urllib.parse import urlsplit

import grpc

from model_exporter import __version__
from model_exporter.config.settings import ForwardCompression, ForwardSettings
from model_exporter.decode.target_replies import read_retry_info, read_retry_status, read_success
from model_exporter.decode.transcode import to_protobuf
from model_exporter.errors import DecodeError
from model_exporter.forward.answers import Answer, Never, Taken, of_code
from model_exporter.forward.outbox import Parcel
from model_exporter.ports import VIA_HEADER, Encoding, Signal

_METHODS: Final = {
    signal: f"/opentelemetry.proto.collector.{package}.v1.{service}/Export"
    for package, service, signal in (
        ("logs", "LogsService", Signal.LOGS),
        ("trace", "TraceService", Signal.TRACES),
        ("metrics", "MetricsService", Signal.METRICS),
    )
}
_COMPRESSION: Final = {
    ForwardCompression.NONE: grpc.Compression.NoCompression,
    ForwardCompression.GZIP: grpc.Compression.Gzip,
}
_OPTIONS: Final = (
    ("grpc.primary_user_agent", f"model_exporter/{__version__}"),
    ("grpc.enable_http_proxy", 0),  # as over HTTP: the target is the one that is configured
    ("grpc.enable_retries", 0),  # retries are ours, so that they are counted
    ("grpc.initial_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 5_000),  # two minutes by default, in which all attempts fail at once
)


class GrpcTarget:
    """See `Target`. JSON is sent as protobuf, which is all that OTLP/gRPC has.

    Args:
        settings: of forwarding.
        name: this exporter's, for `VIA_HEADER`.
    """

    def __init__(self, settings: ForwardSettings, name: str) -> None:
        self._settings = settings
        self._name = name
        parts = urlsplit(settings.endpoint)
        if parts.scheme == "grpcs":
            credentials = grpc.ssl_channel_credentials(settings.authorities or None)
            self._channel = grpc.secure_channel(parts.netloc, credentials, _OPTIONS)
        else:
            self._channel = grpc.insecure_channel(parts.netloc, _OPTIONS)
        self._calls = {signal: self._channel.unary_unary(method, None, None) for signal, method in _METHODS.items()}

    async def send(self, parcel: Parcel) -> Answer:
        """Make one attempt."""
        body = parcel.body
        if parcel.encoding is not Encoding.PROTOBUF:
            try:
                body = await asyncio.get_running_loop().run_in_executor(None, to_protobuf, parcel.signal, body)
            except DecodeError as error:
                return Never(str(error), "unconvertible")
        via = ",".join(filter(None, (parcel.via, self._name)))
        call = self._calls[parcel.signal].future(
            body,
            timeout=self._settings.timeout_seconds,
            metadata=(*self._settings.headers, (VIA_HEADER, via)),
            compression=_COMPRESSION[self._settings.compression],
        )
        try:
            await _done(call)
        except asyncio.CancelledError:
            call.cancel()  # type: ignore[no-untyped-call]  # so the stubs declare it
            raise
        if call.code() is grpc.StatusCode.OK:
            return Taken(*read_success(parcel.signal, Encoding.PROTOBUF, call.result()))
        return of_code(call.code().value[0], str(call.details() or ""), _retry_after(call))

    async def close(self) -> None:
        """Let connections go."""
        self._channel.close()


async def _done(call: grpc.Future) -> None:  # type: ignore[type-arg]  # generic in the stubs only
    """Wait for a call, which ends in a thread of grpcio's."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def tell(_: object) -> None:
        try:
            loop.call_soon_threadsafe(ended.set)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return

    call.add_done_callback(tell)
    await ended.wait()


def _retry_after(call: grpc.Call) -> float | None:
    """Seconds of the RetryInfo in a call's trailers: in the Status, or in a trailer of its own."""
    trailers = {key: value for key, value in call.trailing_metadata() or () if isinstance(value, bytes)}
    found = read_retry_status(trailers.get("grpc-status-details-bin", b""))
    if found is None and "google.rpc.retryinfo-bin" in trailers:
        return read_retry_info(trailers["google.rpc.retryinfo-bin"])
    return found
