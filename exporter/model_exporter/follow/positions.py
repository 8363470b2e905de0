"""The file of positions: up to where files were read whose lines a scrape has carried.

    "model_exporter positions"   24 bytes
    format version               uint16, little-endian; another one is as good as a damaged file
    checksum                     16 bytes of BLAKE2b over the rest: against damage, not against malice
    positions                    MessagePack: an array in the order of `_Wire`

Paths are bytes, because those of Linux are.
"""

import logging
import mmap
import os
import struct
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

import msgspec

from model_exporter.files import sync_folder
from model_exporter.follow.place import Place, digest

log = logging.getLogger(__name__)

FORMAT_VERSION: Final = 1
_NAME: Final = "positions"
_NUMBER: Final = struct.Struct("<Q")
_MARK: Final = b"model_exporter positions"
_CHECKSUM_AT: Final = len(_MARK) + 2
_HEAD: Final = _CHECKSUM_AT + len(digest(b""))


class _WirePlace(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """`Place`, field by field."""

    pattern: bytes
    path: bytes
    key: tuple[int, int]
    modified_ns: int
    offset: int
    known: int
    first: bytes
    head: bytes
    tail: bytes


class _Wire(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    patterns: list[bytes]
    places: list[_WirePlace]


@dataclass(frozen=True, slots=True)
class Positions:
    """What is kept.

    Attributes:
        patterns: globs that were followed before; their files have no first start any more.
        places: where files were left.
    """

    patterns: frozenset[str] = frozenset()
    places: tuple[Place, ...] = ()


class PositionsFile:
    """Positions on disk: drafts, and a mark that says which of them counts.

    The mark is memory that the process shares with a file: setting it is a single step without a call of the system,
    which a sudden death does not undo. After a power cut, what counts is what was there at the last `sync`.

    Args:
        folder: where the files are; it exists.

    Raises:
        OSError: the mark cannot be kept there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.set_aside: Path | None = None
        self._safe = folder / f"{_NAME}.safe"  # the last draft that is surely on the disk
        with (folder / f"{_NAME}.mark").open("a+b") as file:
            file.truncate(_NUMBER.size)
            self._mark = mmap.mmap(file.fileno(), _NUMBER.size)
        self._synced = 0
        self._numbers = count(1 + max((number for number, _ in self._drafts()), default=self.marked))

    @property
    def marked(self) -> int:
        """Number of the draft that counts; 0 for none."""
        number: int = _NUMBER.unpack_from(self._mark)[0]
        return number

    def read(self) -> Positions:
        """What was kept. A damaged file is renamed to `*.corrupt`: `set_aside` then names it."""
        for number, path in self._drafts():
            if number > self.marked:
                with suppress(OSError):
                    path.unlink()
        for path in (self._path(self.marked), self._safe):
            try:
                return unpack(path.read_bytes())
            except FileNotFoundError:
                continue
            except (ValueError, OSError) as error:
                self._put_aside(path, error)
        return Positions()

    def draft(self, positions: Positions) -> int:
        """Write `positions`; the number of the draft. Any thread.

        Raises:
            OSError: the disk refuses.
        """
        number = next(self._numbers)
        try:
            self._path(number).write_bytes(pack(positions))
        except OSError:
            self.discard(number)
            raise
        return number

    def mark(self, number: int) -> None:
        """Let that draft count, from now on; none of before is marked again."""
        _NUMBER.pack_into(self._mark, 0, number)

    def discard(self, number: int) -> None:
        """Remove a draft that does not count."""
        with suppress(OSError):
            self._path(number).unlink(missing_ok=True)

    def sync(self) -> None:
        """Make what counts outlive a power cut, and remove what went before. May take as long as the disk does.

        Raises:
            OSError: the disk refuses.
        """
        number = self.marked
        if number == self._synced:
            return
        name = self._folder / f".{_NAME}.tmp"
        name.unlink(missing_ok=True)
        os.link(self._path(number), name)
        with name.open("rb") as file:
            os.fsync(file.fileno())
        name.replace(self._safe)
        sync_folder(self._folder)
        self._mark.flush()
        self._synced = number
        for other, path in self._drafts():
            if other < number:
                path.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{_NAME}.{number}"

    def _drafts(self) -> list[tuple[int, Path]]:
        ends = ((path.name.removeprefix(f"{_NAME}."), path) for path in self._folder.glob(f"{_NAME}.*"))
        return [(int(end), path) for end, path in ends if end.isascii() and end.isdigit()]

    def _put_aside(self, path: Path, why: Exception) -> None:
        aside = self._folder / f"{_NAME}.corrupt"
        try:
            path.replace(aside)
        except OSError as error:
            log.warning("positions can be neither read nor set aside", extra={"error": f"{why}; {error}"})
        else:
            self.set_aside = aside
            log.warning("a file of positions was set aside", extra={"file": str(aside), "error": str(why)})


def pack(positions: Positions) -> bytes:
    """The positions as bytes, for `unpack`."""
    wire = _Wire(sorted(_encoded(positions.patterns)), [_to_wire(place) for place in positions.places])
    payload = msgspec.msgpack.encode(wire)
    return _MARK + FORMAT_VERSION.to_bytes(2, "little") + digest(payload) + payload


def unpack(packed: bytes) -> Positions:
    """The positions that were packed.

    Raises:
        ValueError: this is something else, of another format version, or damaged.
    """
    if not packed.startswith(_MARK):
        raise ValueError("these are no positions")
    version = int.from_bytes(packed[len(_MARK) : _CHECKSUM_AT], "little")
    if version != FORMAT_VERSION:
        raise ValueError(f"the format version is {version}, not {FORMAT_VERSION}")
    payload = packed[_HEAD:]
    if packed[_CHECKSUM_AT:_HEAD] != digest(payload):
        raise ValueError("the checksum is wrong")
    wire = msgspec.msgpack.decode(payload, type=_Wire)
    return Positions(frozenset(map(os.fsdecode, wire.patterns)), tuple(map(_from_wire, wire.places)))


def _encoded(names: Collection[str]) -> Iterable[bytes]:
    return map(os.fsencode, names)


def _to_wire(place: Place) -> _WirePlace:
    return _WirePlace(
        os.fsencode(place.pattern),
        os.fsencode(place.path),
        place.key,
        place.modified_ns,
        place.offset,
        place.known,
        place.first,
        place.head,
        place.tail,
    )


def _from_wire(wire: _WirePlace) -> Place:
    return Place(
        os.fsdecode(wire.pattern),
        os.fsdecode(wire.path),
        wire.key,
        wire.modified_ns,
        wire.offset,
        wire.known,
        wire.first,
        wire.head,
        wire.tail,
    )
