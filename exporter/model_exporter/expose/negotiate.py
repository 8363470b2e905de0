"""Which format and which encoding a scraper asks for."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from model_exporter.expose.text import Format

CONTENT_TYPES: Final = {
    Format.TEXT: "text/plain; version=0.0.4; charset=utf-8",
    Format.OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
}
_VERSIONS: Final = {Format.TEXT: "0.0.4", Format.OPENMETRICS: "1.0.0"}
_MEDIA: Final = {
    "application/openmetrics-text": Format.OPENMETRICS,
    "text/plain": Format.TEXT,
    "text/*": Format.TEXT,
    "*/*": Format.TEXT,
}
_MAX_HEADER: Final = 4096
"""Characters of a header that are read; real ones have about 300."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A format, and the content type to announce it with."""

    form: Format
    content_type: str


def choose_format(accept: str) -> Chosen:
    """Choose the format that `accept`, the header of that name, weighs highest.

    Where nothing on offer is acceptable the answer is the text format all the same, as Prometheus's content
    negotiation has it (prometheus/docs, `docs/instrumenting/content_negotiation.md`). OpenMetrics asked for with an
    `escaping` parameter is announced with the scheme `underscores`: its names need no other.
    """
    best, escaped, highest = Format.TEXT, False, 0.0
    for media, parameters, weight in _ranges(accept):
        form = _MEDIA.get(media)
        if form is None or weight <= highest or parameters.get("version", _VERSIONS[form]) != _VERSIONS[form]:
            continue
        best, escaped, highest = form, "escaping" in parameters, weight
    content_type = CONTENT_TYPES[best]
    if escaped and best is Format.OPENMETRICS:
        content_type += "; escaping=underscores"
    return Chosen(best, content_type)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether `accept_encoding`, the header of that name, prefers gzip to the plain bytes (RFC 9110, 12.5.3)."""
    weights = {coding: weight for coding, _, weight in _ranges(accept_encoding)}
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _ranges(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Elements of a header with their parameters and weights, in order; those whose weight is no number weigh 0."""
    for element in header[:_MAX_HEADER].lower().split(","):
        name, *rest = (part.strip() for part in element.split(";"))
        parameters = {key.strip(): value.strip(' "') for key, _, value in (part.partition("=") for part in rest)}
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            weight = 0.0
        if name:
            yield name, parameters, weight if 0.0 <= weight <= 1.0 else 0.0
