import socket

import pytest

from model_exporter.addresses import Address, listen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:4318", Address("127.0.0.1", 4318)),
        ("localhost:0", Address("localhost", 0)),
        (":19464", Address("", 19464)),
        ("[::1]:4317", Address("::1", 4317)),
        (" 0.0.0.0:65535 ", Address("0.0.0.0", 65535)),  # noqa: S104  # parsed, never listened on
    ],
)
def test_an_address_is_a_host_and_a_port(text: str, expected: Address) -> None:
    """Names, IPv4, bracketed IPv6 and the empty host of all interfaces are read, and written back the same."""
    assert Address.parse(text) == expected
    assert str(expected) == text.strip()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no port"),
        ("4318", "has no port"),
        ("[::1]", "has no port"),
        ("localhost:", "has no port"),
        ("localhost:otlp", "has no port"),
        ("localhost:-1", "has no port"),
        ("localhost:\u0664", "has no port"),
        ("localhost:65536", "over 65535"),
        ("::1:4318", "in brackets"),
        ("http://localhost:4318", "is a URL"),
    ],
)
def test_what_is_no_address_is_refused_with_a_remedy(text: str, says: str) -> None:
    """Each mistake gives a ValueError that quotes the text and says what is wrong with it."""
    with pytest.raises(ValueError, match=says) as caught:
        Address.parse(text)
    assert repr(text) in str(caught.value)


def test_port_zero_becomes_a_free_port() -> None:
    """The address returned is the one a client can connect to."""
    listener, address = listen(Address.parse("localhost:0"))
    with listener, socket.create_connection((address.host, address.port)):
        assert address.port > 0


def test_a_taken_port_is_told_with_its_address() -> None:
    """The message says what could not be listened on, and why, and nothing else."""
    listener, address = listen(Address("127.0.0.1", 0))
    with listener, pytest.raises(OSError, match="in use") as caught:
        listen(address)
    assert str(caught.value) == f"cannot listen on {address}: address already in use"


def test_an_unknown_host_is_told_by_name() -> None:
    """A name that does not resolve is an OSError, like every other reason not to listen (RFC 6761: .invalid)."""
    with pytest.raises(OSError, match=r"cannot listen on nobody\.invalid:1: no such host"):
        listen(Address.parse("nobody.invalid:1"))


def test_the_empty_host_listens_on_all_interfaces() -> None:
    """A client reaches `:port` by IPv4 loopback, whether or not the system speaks IPv6."""
    listener, address = listen(Address.parse(":0"))
    with listener, socket.create_connection(("127.0.0.1", address.port)):
        assert address.host in {"::", "0.0.0.0"}  # noqa: S104  # what was asked for
