"""Whole lines of a file, as bodies for the pipeline."""

from dataclasses import dataclass
from typing import Final

import msgspec

BLOCK_BYTES: Final = 256 * 1024
"""Read at once, and handed over as one body: many lines at the cost of one request."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The whole lines that a block begins with.

    Attributes:
        body: what goes to the pipeline; empty when the lines hold nothing.
        size: bytes of the block that are dealt with.
        lines: lines of the body that hold something.
        zeroed: lines that began with zero bytes, as a hole leaves them; these are cut off.
    """

    body: bytes
    size: int
    lines: int
    zeroed: int = 0


def cut(block: bytes) -> Cut | None:
    """The whole lines of `block`; None when not even one ends in it."""
    size = block.rfind(b"\n") + 1
    return cut_all(block[:size]) if size else None


def cut_all(block: bytes) -> Cut:
    """All of `block`, whose last line may lack its end."""
    body, zeroed = block, 0
    if b"\0" in block:
        lines = block.split(b"\n")
        kept = [line.lstrip(b"\0") for line in lines]
        zeroed = sum(len(before) != len(after) for before, after in zip(lines, kept, strict=True))
        body = b"\n".join(kept)
    lines_held = sum(1 for line in body.split(b"\n") if not line.isspace() and line)
    return Cut(body if lines_held else b"", len(block), lines_held, zeroed)


def is_whole(line: bytes) -> bool:
    """Whether a last line without its end cannot become longer: a JSON object ends with its last bracket.

    Writers with a buffer leave parts of lines for minutes, so that time alone does not tell.
    """
    if not line.rstrip().endswith(b"}"):
        return False
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
