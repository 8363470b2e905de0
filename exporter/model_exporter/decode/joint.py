"""Several small requests as one: decoding them together costs little more than decoding one of them.

A message of protobuf followed by another of its kind is the two merged, and of an `ExportLogsServiceRequest` that is
the resources of both. Nobody can tell afterwards who sent what, so only requests in which all is well are joined.
"""

from collections.abc import Sequence
from typing import Final

from model_exporter.decode.bento import SCOPE
from model_exporter.decode.decoded import Decoded

_RESOURCE_LOGS: Final = 0x0A
"""Tag of the only field of a request: number 1, length-delimited."""
_NUMBERED_ROWS: Final = SCOPE.encode()
"""Monitors whose rows are numbered within their request."""
_VARINT_BITS: Final = 28
"""Of a length that a small request can have."""


def join_logs(bodies: Sequence[bytes]) -> bytes | None:
    """The request that holds what all `bodies` hold, requests of OTLP logs; None when that may mean something else.

    A body that is cut off would take the beginning of the next one for its own end, so each must end where its last
    field does.
    """
    if not all(map(_is_whole, bodies)):
        return None
    joined = b"".join(bodies)
    return None if _NUMBERED_ROWS in joined else joined


def is_all_well(decoded: Decoded) -> bool:
    """Whether nothing has to be told to a single sender: of what it sent, all was kept or is ignored by design."""
    return not (decoded.rejections or decoded.dropped_values or decoded.outcomes)


def _is_whole(body: bytes) -> bool:
    place, size = 0, len(body)
    while place < size:
        if body[place] != _RESOURCE_LOGS:
            return False
        length = shift = 0
        more = True
        while more:
            place += 1
            if place == size or shift > _VARINT_BITS - 7:
                return False
            length |= (body[place] & 0x7F) << shift
            shift += 7
            more = body[place] >= 0x80  # noqa: PLR2004  # the bit that says that the number goes on
        place += 1 + length
    return place == size
