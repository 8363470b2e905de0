"""Targets that are the exporter itself."""

import socket
from collections.abc import Iterable
from urllib.parse import urlsplit

from model_exporter.addresses import Address
from model_exporter.config.settings import ForwardSettings
from model_exporter.errors import ConfigError

_DEFAULT_PORTS = {"http": 80, "https": 443}


def refuse_own_doors(settings: ForwardSettings, doors: Iterable[str], file: str) -> None:
    """Refuse an endpoint that is one of the exporter's own `doors`, `host:port` each. `file` holds the configuration.

    Raises:
        ConfigError: it is.
    """
    if not settings.endpoint:
        return
    parts = urlsplit(settings.endpoint)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    for door in map(Address.parse, doors):
        if door.port == port and _reaches(parts.hostname or "", door.host):
            raise ConfigError(
                file=file,
                path="forward.endpoint",
                problem=f"{settings.endpoint} is this exporter's own door, {door}",
                remedy="Name another endpoint",
            )


def _reaches(host: str, listening: str) -> bool:
    """Whether a connection to `host` comes in where somebody listens at `listening`; empty means everywhere here."""
    targets = _numbers(host)
    if listening in {"", "::", "0.0.0.0"}:  # noqa: S104  # a comparison
        return any(map(_is_here, targets))
    return bool(targets & _numbers(listening))


def _numbers(host: str) -> set[str]:
    """Numeric addresses of a name; none when nobody knows it."""
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        return set()


def _is_here(address: str) -> bool:
    """Whether a numeric address is one of this machine: only those can be bound."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
