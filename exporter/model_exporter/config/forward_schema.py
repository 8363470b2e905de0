"""What a configuration file may say of passing requests on. A part of `config.schema`, whose conventions hold here."""

from typing import Annotated, Final

from msgspec import Meta, field

from model_exporter.config.durations import Duration
from model_exporter.config.keys import Keys, Name
from model_exporter.config.settings import ForwardCompression, ForwardedSignal, ForwardSettings, WhenFull

_FORWARD: Final = ForwardSettings()

Signals = Annotated[tuple[ForwardedSignal, ...], Meta(min_length=1, examples=[["logs", "traces"]])]


class HeaderKeys(Keys, frozen=True):
    """`forward.headers.NAME`, where it is not just a text."""

    file: Annotated[
        str,
        Meta(
            min_length=1,
            title="a path",
            description="File with the value, relative to the configuration file; read at the start and at a reload.",
            examples=["secrets/token"],
        ),
    ]


class ForwardKeys(Keys, frozen=True):
    """`forward`."""

    endpoint: Annotated[
        str,
        Meta(
            title="the address of an OTLP endpoint",
            description="Where all OTLP requests go as well, as they came: `http://HOST:PORT` or `https://` for "
            "OTLP/HTTP, `grpc://HOST:PORT` or `grpcs://` for OTLP/gRPC. Nothing is passed on without it.",
            examples=["http://collector:4318"],
        ),
    ] = ""
    headers: Annotated[
        dict[str, Name | HeaderKeys],
        Meta(
            description="Headers of every request, by name: a text, or a mapping with the file that holds the value. "
            "Credentials are taken from files only."
        ),
    ] = field(default_factory=dict)
    ca_file: Annotated[
        str,
        Meta(
            min_length=1,
            title="a path",
            description="Certificates (PEM) that the target's is checked against, relative to the configuration "
            "file; the system's without this key.",
            examples=["certificates/ca.pem"],
        ),
    ] = ""
    compression: Annotated[ForwardCompression, Meta(description="How bodies are compressed on their way.")] = (
        _FORWARD.compression
    )
    timeout: Annotated[Duration, Meta(description="How long the target may take to answer one request.")] = Duration(
        _FORWARD.timeout_seconds
    )
    retry_for: Annotated[
        Duration,
        Meta(description="How long after its arrival a request is tried for; then it is dropped and counted."),
    ] = Duration(_FORWARD.retry_seconds)
    queue_bytes: Annotated[
        int,
        Meta(
            ge=1,
            le=10**12,
            title="a whole number from 1 to 10^12",
            description="Bytes of the requests that wait for the target, in memory: their bodies and 1 KiB each.",
        ),
    ] = _FORWARD.queue_bytes
    on_full: Annotated[
        WhenFull,
        Meta(
            description="What becomes of a request that finds no room there: it is measured but not passed on (drop), "
            "or its sender is told to come back (refuse), which lets a dead target hold up the measuring too."
        ),
    ] = _FORWARD.on_full
    signals: Annotated[Signals, Meta(description="What is passed on; all three without this key.")] = tuple(
        ForwardedSignal
    )
    unconcealed: Annotated[
        bool,
        Meta(
            description="Says that the target may have the values that `models.NAME.privacy` drops or hashes: requests "
            "are passed on as they came."
        ),
    ] = False
