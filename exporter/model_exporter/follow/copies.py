"""Whether a file that appears is a copy, being made perhaps, of one that is read already.

`copytruncate` of logrotate copies a file, which may take minutes, and then cuts the original to nothing. Until then the
copy is one file too many, and from then on it holds what was not read of the original.
"""

import os
from collections.abc import Iterable
from enum import Enum

from model_exporter.follow.content import GzipContent, PlainContent, open_content
from model_exporter.follow.finder import Found
from model_exporter.follow.place import HEAD_BYTES, TAIL_BYTES, Key
from model_exporter.follow.reading import SETTLE_SECONDS
from model_exporter.follow.stream import Stream


class _Relation(Enum):
    """Of a file that appears to one that is read."""

    NONE = "none"
    COPY = "copy"
    UNCLEAR = "unclear"  # what is read has just changed itself


class Copies:
    """Files that wait until it is clear what they are. One thread only."""

    def __init__(self) -> None:
        self._waiting: dict[Key, tuple[int, float]] = {}  # size, and since when it has that

    def waits(self, found: Found, streams: Iterable[Stream], now: float) -> bool:
        """Whether it is too early to say what the file is: it changes, and may be a copy or compressed.

        Raises:
            OSError: it cannot be read.
        """
        size, since = self._waiting.get(found.key, (-1, now))
        if size != found.status.st_size:
            since = now if size >= 0 else min(now, found.status.st_mtime)
            self._waiting[found.key] = found.status.st_size, since
        content, _ = open_content(found.path)
        try:
            relations = {_relation(found, content, stream) for stream in streams}
            if now - since >= SETTLE_SECONDS:
                return _Relation.UNCLEAR in relations
            return content.is_compressed or not relations <= {_Relation.NONE}
        finally:
            content.close()

    def original(self, found: Found, streams: Iterable[Stream]) -> tuple[Stream, int] | None:
        """The stream whose file this settled one is a copy of, by content and name, and the length of the copy.

        Raises:
            OSError: it cannot be read.
        """
        content, _ = open_content(found.path)
        try:
            for stream in streams:
                named = os.path.basename(found.path).startswith(os.path.basename(stream.path))
                if named and _relation(found, content, stream) is _Relation.COPY:
                    return stream, length(content)
        finally:
            content.close()
        return None

    def forget(self, key: Key) -> None:
        """It is clear what the file is."""
        self._waiting.pop(key, None)

    def keep(self, keys: Iterable[Key]) -> None:
        """Forget all files but these."""
        there = set(keys)
        self._waiting = {key: waiting for key, waiting in self._waiting.items() if key in there}


def length(content: PlainContent | GzipContent) -> int:
    """Bytes of content.

    Raises:
        OSError: it cannot be read.
    """
    if isinstance(content, PlainContent):
        return content.status.st_size
    total = 0
    while block := content.read(total, 1 << 18):
        total += len(block)
    return total


def _relation(found: Found, content: PlainContent | GzipContent, stream: Stream) -> _Relation:
    """Whether the content is, as far as it goes, that of a stream which stands at its own name, by head and tail."""
    is_apart = os.path.dirname(stream.path) != os.path.dirname(found.path)
    if is_apart or not stream.offset or not stream.matched or found.path in stream.former:
        return _Relation.NONE
    head = content.read(0, HEAD_BYTES)
    shared = min(len(head), len(stream.head))
    if not shared or head[:shared] != stream.head[:shared]:
        return _Relation.NONE
    end = min(length(content), stream.offset)
    start = max(0, end - TAIL_BYTES)
    try:
        original = stream.open()
        if not original.still_holds(stream.place):
            return _Relation.UNCLEAR
        is_same = content.read(start, end - start) == original.read(start, end - start)
    except OSError:
        return _Relation.UNCLEAR
    return _Relation.COPY if is_same else _Relation.NONE
