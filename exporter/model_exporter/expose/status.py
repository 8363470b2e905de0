"""What the service says of itself to a person or a probe."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The service at one moment.

    Attributes:
        version: of the exporter.
        started_at: unix seconds.
        config_file: its path; empty when there is none.
        doors: where records come in, while they can: a name for people, and host and port.
        ready: whether every door listens.
        reason: why it is not ready; empty when it is.
    """

    version: str
    started_at: float
    config_file: str
    doors: tuple[tuple[str, str], ...]
    ready: bool
    reason: str = ""
