"""Where requests are passed on to, from checked keys and the files that they name."""

import re
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from model_exporter.config.document import Node, quoted
from model_exporter.config.forward_schema import ForwardKeys, HeaderKeys
from model_exporter.config.settings import ForwardSettings, ModelSettings

_SCHEMES: Final = ("http", "https", "grpc", "grpcs")
_SECURE: Final = ("https", "grpcs")
_ADDRESS: Final = "Write `http://HOST:4318` for OTLP/HTTP or `grpc://HOST:4317` for OTLP/gRPC"
_MAX_FILE: Final = 65_536
_HEADER: Final = re.compile(r"[a-z0-9_.-]+")
_VALUE: Final = re.compile(r"[\x20-\x7e]+")
_OURS: Final = re.compile(
    r"grpc-.*|.*-bin|x-model-exporter-.*|host|te|connection|keep-alive|upgrade|expect|user-agent|accept-encoding|"
    r"(content|transfer)-.*"
)
_SECRET: Final = re.compile(r"(proxy-)?authorization|cookie|.*(key|token|secret|password|credential).*")


def forward(keys: ForwardKeys, node: Node, folder: Path, models: Mapping[str, ModelSettings]) -> ForwardSettings:
    """How requests are passed on; `node` is where that stands, and `folder` where relative paths start.

    Raises:
        ConfigError: the endpoint is none, a file cannot be used, or sensitive values would leave unsaid.
    """
    endpoint = _endpoint(keys, node) if keys.endpoint else ""
    if endpoint:
        _check_privacy(keys, node, models)
    return ForwardSettings(
        endpoint=endpoint,
        headers=tuple(_headers(keys.headers, node.find("headers"), folder)),
        authorities=_authorities(keys, node.find("ca_file"), folder) if keys.ca_file else b"",
        compression=keys.compression,
        timeout_seconds=keys.timeout,
        retry_seconds=keys.retry_for,
        queue_bytes=keys.queue_bytes,
        on_full=keys.on_full,
        signals=frozenset(keys.signals),
    )


def _endpoint(keys: ForwardKeys, node: Node) -> str:
    """The endpoint without a slash at its end. No message repeats it: it may hold a password."""
    place = node.find("endpoint")
    try:
        parts = urlsplit(keys.endpoint)
        port = parts.port
    except ValueError as error:
        raise place.mistake(f"this is no address: {error}", _ADDRESS) from error
    if parts.scheme not in _SCHEMES or not parts.hostname or re.search(r"[\s\x00-\x1f]", keys.endpoint):
        raise place.mistake("this is no address of an OTLP endpoint", _ADDRESS)
    if problem := _oddity(parts, port):
        raise place.mistake(*problem)
    if keys.ca_file and parts.scheme not in _SECURE:
        raise node.find("ca_file").mistake(
            f"{parts.scheme}:// is not encrypted, so that there is no certificate to check",
            f"Write {parts.scheme}s:// in the endpoint, or remove ca_file",
        )
    return keys.endpoint.rstrip("/")


def _oddity(parts: SplitResult, port: int | None) -> tuple[str, str] | None:
    """What is wrong with an address and how to mend it; None when nothing is."""
    if "@" in parts.netloc:
        return "credentials do not belong into an address", "Write `headers: {authorization: {file: PATH}}`"
    if parts.query or parts.fragment:
        return "an endpoint has no query and no fragment", "Remove what follows the path"
    if parts.scheme.startswith("grpc") and port is None:
        return "there is no port", f"Write {parts.scheme}://{parts.hostname}:4317"
    if parts.scheme.startswith("grpc") and parts.path.strip("/"):
        return f"OTLP/gRPC has no path, and this has {quoted(parts.path)}", "Remove the path"
    if parts.path.rstrip("/").endswith(("/v1/logs", "/v1/traces", "/v1/metrics")):
        return "the path is that of one signal", "Remove /v1/...: each signal gets its own"
    return None


def _check_privacy(keys: ForwardKeys, node: Node, models: Mapping[str, ModelSettings]) -> None:
    concealing = next((name for name, model in models.items() if model.privacy), None)
    if concealing is not None and not keys.unconcealed:
        raise node.find("unconcealed").mistake(
            f"models.{concealing}.privacy conceals values, and requests are passed on as they came, with these values",
            "Write `unconcealed: true` to say that the target may have them, or remove `forward`",
        )


def _headers(keys: Mapping[str, str | HeaderKeys], node: Node, folder: Path) -> Iterator[tuple[str, str]]:
    """Names in lower case, with values."""
    seen = set()
    for written, value in keys.items():
        place, name = node.find(written), written.lower()
        if not _HEADER.fullmatch(name):
            raise place.mistake(f"{quoted(written)} cannot be a header", "Use letters, digits, `-`, `_` and `.`")
        if _OURS.fullmatch(name):
            raise place.mistake(f"the exporter itself writes {written}", "Remove it")
        if name in seen:
            raise place.mistake(f"{written} is there twice: case does not matter in headers", "Keep one of the two")
        seen.add(name)
        if isinstance(value, str) and _SECRET.fullmatch(name):
            raise place.mistake(
                "a credential does not belong into this file", f"Write `{written}: {{file: PATH}}` with its value there"
            )
        text = value if isinstance(value, str) else _line(folder / value.file, place.find("file"))
        if not _VALUE.fullmatch(text):
            raise place.mistake("the value is not one line of printable ASCII", "Correct it")
        yield name, text


def _line(path: Path, place: Node) -> str:
    return _read(path, place).decode("latin-1").strip()


def _authorities(keys: ForwardKeys, place: Node, folder: Path) -> bytes:
    path = folder / keys.ca_file
    content = _read(path, place)
    try:
        ssl.create_default_context(cadata=content.decode("ascii"))
    except (ssl.SSLError, ValueError) as error:
        raise place.mistake(f"the file {path} holds no certificates in PEM", "Give a bundle of certificates") from error
    return content


def _read(path: Path, place: Node) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE + 1)
    except (OSError, ValueError) as error:
        problem = f"the file {path} cannot be read ({getattr(error, 'strerror', None) or error})"
        raise place.mistake(problem, "Give a file that this user can read") from error
    if len(content) > _MAX_FILE:
        raise place.mistake(f"the file {path} has more than {_MAX_FILE} bytes", "Give the right file")
    return content
