"""Files as content: plain ones, and compressed ones as what they decompress to."""

import os
import stat
from typing import Final

from model_exporter import deflate
from model_exporter.follow.place import Key, Place

_MAGIC: Final = b"\x1f\x8b"
_COMPRESSED_CHUNK: Final = 64 * 1024
_CHUNK: Final = 256 * 1024


class PlainContent:
    """A file as it is. It stays readable when it is renamed or removed.

    Args:
        descriptor: open for reading; closed by `close`.
    """

    is_compressed = False
    is_broken = False

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def status(self) -> os.stat_result:
        """Of the file, wherever it is now."""
        return os.fstat(self._descriptor)

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`."""
        return os.pread(self._descriptor, size, offset)

    def still_holds(self, place: Place) -> bool:
        """Whether what was read up to `place` still stands there."""
        return place.is_in(self)

    def close(self) -> None:
        """Let the file go."""
        os.close(self._descriptor)


class GzipContent:
    """A file compressed by gzip, of one member or several. Reading forward is cheap, going back begins anew.

    Args:
        descriptor: open for reading; closed by `close`.
    """

    is_compressed = True

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._opened = self._version()
        self._begin()

    def _begin(self) -> None:
        self._inflater = deflate.decompressobj(deflate.GZIP)
        self._more = False  # the inflater may hold content of bytes that it has taken
        self._taken = 0  # compressed bytes
        self._start = 0  # where in the content `_window` begins
        self._window = b""
        self.is_broken = False  # it is no gzip, from somewhere on

    @property
    def status(self) -> os.stat_result:
        """Of the file, wherever it is now."""
        return os.fstat(self._descriptor)

    def read(self, offset: int, size: int) -> bytes:
        """See `Content`. Where the compressed bytes are damaged or incomplete, the content ends."""
        if offset < self._start:
            self._begin()
        while self._start + len(self._window) < offset + size and (more := self._inflate()):
            window = self._window + more
            passed = min(max(0, offset - self._start), len(window))
            self._window, self._start = window[passed:], self._start + passed
        passed = offset - self._start
        return self._window[passed : passed + size] if passed >= 0 else b""

    def still_holds(self, place: Place) -> bool:
        """Whether what was read up to `place` still stands there: it does unless the file has changed."""
        if self._version() != self._opened:
            self._opened = self._version()
            self._begin()
            return place.is_in(self)
        return True

    def close(self) -> None:
        """Let the file go."""
        os.close(self._descriptor)

    def _version(self) -> tuple[int, int]:
        status = self.status
        return status.st_size, status.st_mtime_ns

    def _inflate(self) -> bytes:
        """The next content, at most `_CHUNK` bytes; none at the end."""
        while not self.is_broken:
            waiting = self._inflater.unused_data if self._inflater.eof else self._inflater.unconsumed_tail
            if not waiting and not self._more:
                waiting = os.pread(self._descriptor, _COMPRESSED_CHUNK, self._taken)
                self._taken += len(waiting)
            if self._inflater.eof:
                waiting = waiting.lstrip(b"\0")  # tapes pad
                if waiting:
                    self._inflater = deflate.decompressobj(deflate.GZIP)
            if not waiting and not self._more:
                return b""
            try:
                more = self._inflater.decompress(waiting, _CHUNK)
            except deflate.error:
                self.is_broken = True
                break
            self._more = len(more) == _CHUNK and not self._inflater.eof
            if more:
                return more
        return b""

    @property
    def is_whole(self) -> bool:
        """Whether all that was taken makes whole members."""
        return self._inflater.eof and not self.is_broken


def open_content(path: str) -> tuple[PlainContent | GzipContent, Key]:
    """The content of the regular file at `path`, and its device and inode.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    # Without O_NONBLOCK, opening a FIFO that took the place of a file would wait for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = _regular_status(descriptor, path)
        compressed = os.pread(descriptor, len(_MAGIC), 0) == _MAGIC
    except OSError:
        os.close(descriptor)
        raise
    content = GzipContent(descriptor) if compressed else PlainContent(descriptor)
    return content, (status.st_dev, status.st_ino)


def _regular_status(descriptor: int, path: str) -> os.stat_result:
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"{path} is no regular file")
    return status
