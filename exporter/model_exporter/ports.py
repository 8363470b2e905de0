"""What the rooms ask of each other across the pipeline, as types without behaviour."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol


class Signal(Enum):
    """What a request claims to carry."""

    LOGS = "logs"
    TRACES = "traces"
    METRICS = "metrics"
    PREDICTIONS = "predictions"
    OUTCOMES = "outcomes"
    EVENTS = "events"
    RECORDS = "records"
    EXCHANGES = "exchanges"


class Encoding(Enum):
    """How the bytes of a request are to be read; its reply is written the same way."""

    PROTOBUF = "protobuf"
    JSON = "json"
    JSON_LINES = "json_lines"


VIA_HEADER: Final = "x-model-exporter-via"
"""Header, over HTTP and gRPC, that carries `Payload.via`."""


class Door(Enum):
    """Where a request came in; the value of the label `door`."""

    OTLP_GRPC = "otlp_grpc"
    OTLP_HTTP = "otlp_http"
    HTTP = "http"
    FILE = "file"
    CLOUD_EVENTS = "cloudevents"
    AZURE_ML = "azureml"


class Payload(NamedTuple):
    """One request body, decompressed and within its size limit. A tuple, because one is made for every request.

    Attributes:
        received_at: unix seconds on the receiver's clock.
        mapping: name of the mapping that reads records; empty for whichever takes each of them.
        context: what the door knows besides, as the query of an address; mappings find it under `door`.
        via: names of the exporters that passed it on, with commas between; empty when it comes from elsewhere.
        at_once: whether it shall be refused with `SlowError` rather than read by slow readers.
    """

    door: Door
    signal: Signal
    encoding: Encoding
    body: bytes
    received_at: float
    mapping: str = ""
    context: Mapping[str, object] = MappingProxyType({})
    via: str = ""
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a request's records.

    `accepted` records are counted or on their way to be; `rejected` ones were refused one by one, and `message`
    says why, for the sender's eyes. Records that are not about predictions are in neither. Where there are outcomes
    among them, success may be told only when `safe` is done; it raises OverloadedError when they could not be kept.
    """

    accepted: int
    rejected: int
    message: str = ""
    safe: Future[None] | None = None


@dataclass(frozen=True, slots=True)
class MonitorSchema:
    """What the columns of a monitor's records are, which outlives a restart, since it is told only now and then.

    Attributes:
        service: the name of the service that runs the monitor.
        instance: which instance of it; versions that run side by side are two.
        monitor: its name, which is the model's.
        version: of the model; empty when it has none.
        columns: name, role and type of each.
    """

    service: str
    instance: str
    monitor: str
    version: str
    columns: tuple[tuple[str, str, str], ...]

    @property
    def names(self) -> frozenset[str]:
        """Of the columns."""
        return frozenset(name for name, _, _ in self.columns)


class Ingest(Protocol):
    """The door to the pipeline. Safe to call from any thread.

    Raises:
        DecodeError: the body as a whole is not what its encoding and signal say.
        OverloadedError: the queue is full, or the exporter is shutting down.
        SlowError: it shall be taken at once, and cannot.
    """

    def __call__(self, payload: Payload, /) -> Receipt:
        """Decode `payload` and queue its records; returns once they are safe from back-pressure."""
        ...


class IngestThen(Protocol):
    """`Ingest` for a door that has to know when records are counted."""

    def __call__(self, payload: Payload, /, *, then: Callable[[], None]) -> Receipt:
        """As `Ingest`; the writer calls `then` in one step with adding the records, if it can keep their outcomes."""
        ...


class Clock(Protocol):
    """Unix seconds."""

    def __call__(self) -> float:
        """Now."""
        ...


class Showing(Protocol):
    """A scrape on its way to whoever asked. `sending` comes first if at all, and then one of the two others."""

    def sending(self) -> None:
        """Its last byte is sent with the next step."""
        ...

    def sent(self) -> None:
        """All of it was sent."""
        ...

    def failed(self) -> None:
        """Not all of it was sent."""
        ...


class Show(Protocol):
    """Told of each scrape before it is sent. Safe to call from any thread."""

    def __call__(self, picture: int, /) -> Showing:
        """A scrape of the picture of that number is about to be sent."""
        ...


class Recorder(Protocol):
    """Where rooms without a clock or a log say what they counted; `Telemetry` is one."""

    def count(self, metric: str, *labels: str, amount: float = 1) -> None:
        """Add `amount` to a counter named in the catalogue."""
        ...
