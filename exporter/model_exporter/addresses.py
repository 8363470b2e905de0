"""Where servers listen: `host:port` as Prometheus spells it, and the sockets behind it."""

import socket
from dataclasses import dataclass
from typing import Final, Self

BACKLOG: Final = 512
"""Connections that may wait to be accepted."""
_MAX_PORT: Final = 65_535
_WILDCARDS: Final = frozenset({"", "::"})


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port to listen on.

    `host` is a name, an IPv4 or an IPv6 address without brackets; empty means all interfaces. Port 0 lets the
    system choose.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port`, `[ipv6]:port` or `:port`.

        Raises:
            ValueError: it is none of these; the message says what to write.
        """
        if "://" in text:
            raise ValueError(f"{text!r} is a URL; write host:port, as 127.0.0.1:4318")
        host, colon, port = text.strip().rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif port.endswith("]"):
            port = ""
        elif ":" in host or "[" in host or "]" in host:
            raise ValueError(f"{text!r} is ambiguous; write an IPv6 address in brackets, as [::1]:4318")
        if not colon or not (port.isascii() and port.isdigit()):
            raise ValueError(f"{text!r} has no port; write host:port, as 127.0.0.1:4318, or :4318 for all interfaces")
        if int(port) > _MAX_PORT:
            raise ValueError(f"{text!r} has a port over {_MAX_PORT}")
        return cls(host, int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def resolve(self) -> Self:
        """The same with one numeric address for a name, IPv4 before IPv6; all interfaces are `::` where it exists.

        Raises:
            OSError: nobody knows the name.
        """
        if self.host in _WILDCARDS:
            return type(self)("::" if socket.has_dualstack_ipv6() else "0.0.0.0", self.port)  # noqa: S104  # asked for
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            raise OSError(f"cannot listen on {self}: no such host") from error
        host = min(found, key=lambda entry: entry[0] != socket.AF_INET)[4][0]
        return type(self)(str(host), self.port)


def listen(address: Address) -> tuple[socket.socket, Address]:
    """A listening socket on `address`, and the numeric address and port it got.

    Raises:
        OSError: the address is taken, forbidden or not of this machine; the message names it.
    """
    resolved = address.resolve()
    family = socket.AF_INET6 if ":" in resolved.host else socket.AF_INET
    try:
        listener = socket.create_server(
            (resolved.host, resolved.port),
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=resolved.host == "::",
        )
    except OSError as error:
        raise OSError(f"cannot listen on {address}: {_reason(error)}") from error
    return listener, Address(resolved.host, listener.getsockname()[1])


def _reason(error: OSError) -> str:
    """The system's words without the address that Python appends to them."""
    return (error.strerror or str(error)).partition(" (while ")[0].lower()
