"""Which files there are: those that globs match, and those beside a file that was rotated away."""

import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from glob import iglob
from typing import Final

from model_exporter.config.settings import LogFiles
from model_exporter.follow.content import open_content
from model_exporter.follow.place import Key, Place, digest

_NEIGHBOURS: Final = 2_000
"""Files of one folder that are looked at for a rotated one, the newest first."""
_ROTATED: Final = re.compile(r"(?:[._-]?\d[\dT:._-]*|\.gz|\.old|\.bak)+$")

Report = Callable[[str, str, str], None]
"""Take note of a problem: its reason, the path, what the system says."""


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file that a source's glob matches, or that a rotation left beside one.

    Attributes:
        source: whose it is.
        name: the path that the glob matched.
        path: the same with links resolved.
        status: what the system says of it.
    """

    source: LogFiles
    name: str
    path: str
    status: os.stat_result

    @property
    def key(self) -> Key:
        """Device and inode."""
        return self.status.st_dev, self.status.st_ino


def find(sources: Sequence[LogFiles], report: Report) -> list[Found]:
    """The files that globs match, each once, the oldest first; of equal age, in the order of their names."""
    found: dict[Key, Found] = {}
    for source in sources:
        for name in iglob(source.glob, recursive=True):
            try:
                status = os.stat(name)
                if not stat.S_ISREG(status.st_mode):
                    report("not_a_file", name, "it is no regular file")
                    continue
                one = Found(source, name, os.path.realpath(name) if os.path.islink(name) else name, status)
            except OSError as error:
                report(reason_of(error), name, str(error))
                continue
            found.setdefault(one.key, one)
    return sorted(found.values(), key=lambda one: (one.status.st_mtime_ns, one.path))


def reason_of(error: OSError) -> str:
    """The reason of a problem with a file, as a label value."""
    match error:
        case FileNotFoundError():
            return "vanished"
        case PermissionError():
            return "permission"
        case _:
            return "unreadable"


def neighbours(path: str) -> list[tuple[str, os.stat_result]]:
    """The regular files in the folder of `path`, the newest first."""
    files = []
    try:
        with os.scandir(os.path.dirname(path) or ".") as entries:
            for entry in entries:
                status = _regular(entry)
                if status:
                    files.append((entry.path, status))
    except OSError:
        return []
    return sorted(files, key=lambda file: file[1].st_mtime_ns, reverse=True)[:_NEIGHBOURS]


def seek(place: Place, taken: Collection[Key]) -> tuple[str, os.stat_result] | None:
    """Where what `place` tells of goes on, in its folder: the file itself under another name, or a copy of it.

    Files of which something is known already, those in `taken`, are left out.
    """
    files = [file for file in neighbours(place.path) if _key(file[1]) not in taken]
    files.sort(key=lambda file: (_key(file[1]) != place.key, not are_kin(file[0], place.path)))
    return next((file for file in files if goes_on_in(place, *file)), None)


def skipped(place: Place, since_ns: int, taken: Collection[Key]) -> Iterator[tuple[str, os.stat_result]]:
    """Files that a rotation left since then beside the one of `place`, which nobody has seen, the oldest first."""
    for path, status in reversed(neighbours(place.path)):
        is_newer = status.st_mtime_ns >= since_ns
        if is_newer and path != place.path and _key(status) not in taken and are_kin(path, place.path):
            yield path, status


def goes_on_in(place: Place, path: str, status: os.stat_result) -> bool:
    """Whether the file at `path` begins with all that was read up to `place`."""
    try:
        content, _ = open_content(path)
    except OSError:
        return False
    try:
        return (content.is_compressed or status.st_size >= place.offset) and place.is_in(content)
    except OSError:
        return False
    finally:
        content.close()


def begins_alike(place: Place, path: str) -> bool:
    """Whether the file at `path` begins as what was read up to `place`, or is too short to tell."""
    try:
        content, _ = open_content(path)
    except OSError:
        return True
    try:
        head = content.read(0, place.known)
    except OSError:
        return True
    finally:
        content.close()
    return len(head) < place.known or digest(head) == place.first


def are_kin(path: str, other: str) -> bool:
    """Whether one name is the other's after rotations.

    >>> are_kin("a/app.log.2.gz", "a/app.log"), are_kin("a/app.log-20260101", "a/app.log.1")
    (True, True)
    >>> are_kin("a/part-0002.jsonl", "a/part-0001.jsonl")
    False
    """
    return os.path.dirname(path) == os.path.dirname(other) and _stem(path) == _stem(other)


def _stem(path: str) -> str:
    name = os.path.basename(path)
    return _ROTATED.sub("", name) or name


def _regular(entry: "os.DirEntry[str]") -> os.stat_result | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _key(status: os.stat_result) -> Key:
    return status.st_dev, status.st_ino
