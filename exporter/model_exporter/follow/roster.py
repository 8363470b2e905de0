"""Which files are followed: what globs find, and what rotations make of that."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from model_exporter.config.settings import LogFiles
from model_exporter.follow.copies import Copies
from model_exporter.follow.finder import (
    Found,
    are_kin,
    begins_alike,
    find,
    goes_on_in,
    neighbours,
    reason_of,
    seek,
    skipped,
)
from model_exporter.follow.place import Key, Place
from model_exporter.follow.positions import Positions
from model_exporter.follow.progress import Progress
from model_exporter.follow.reports import Reports
from model_exporter.follow.stream import Stream
from model_exporter.telemetry import Telemetry

_REST_SECONDS: Final = 86_400.0
"""How long it is remembered what a file held that is gone: it may come back compressed."""


@dataclass(frozen=True, slots=True)
class _View:
    """How the files and the streams stood to each other when globs were matched last.

    Attributes:
        matched: keys of all files that globs match.
        left: names that files had and lost, with the newest time of modification of these.
        streams: those of which something was read, by folder.
    """

    matched: frozenset[Key]
    left: Mapping[str, int]
    streams: Mapping[str, Sequence[Stream]]

    @classmethod
    def of(cls, found: Iterable[Found], streams: Iterable[Stream], resting: Iterable[Place]) -> "_View":
        """The view of now."""
        left: dict[str, int] = {}
        folders: dict[str, list[Stream]] = {}
        for stream in streams:
            for name in stream.former:
                left[name] = max(left.get(name, 0), stream.modified_ns)
            if stream.offset:
                folders.setdefault(os.path.dirname(stream.path), []).append(stream)
        for place in resting:
            left[place.path] = max(left.get(place.path, 0), place.modified_ns)
        return cls(frozenset(one.key for one in found), left, folders)

    def beside(self, path: str) -> Sequence[Stream]:
        """The streams in the folder of `path`."""
        return self.streams.get(os.path.dirname(path), ())


class Roster:
    """The streams that are read, and the places of files that are gone. One thread only.

    Args:
        kept: positions of an earlier run.
        progress: takes positions, and keeps them once a scrape has carried their lines.
        reports: takes note of problems.
        telemetry: the exporter's own counters.
        now: unix seconds.

    Attributes:
        sources: what is followed.
        streams: in the order in which they are read.
        is_stale: whether a file was found to have another name than the globs told.
    """

    def __init__(
        self, *, kept: Positions, progress: Progress, reports: Reports, telemetry: Telemetry, now: float
    ) -> None:
        self.sources: tuple[LogFiles, ...] = ()
        self.streams: list[Stream] = []
        self.is_stale = True
        self._progress = progress
        self._reports = reports
        self._telemetry = telemetry
        self._limit = 0
        self._patterns = kept.patterns
        self._resting: dict[int, tuple[Place, float]] = {}
        self._numbers = 0
        self._copies = Copies()
        self._view = _View.of((), (), ())
        self._scanned_ns = 0
        self._refused: set[Key] = set()
        for place in kept.places:
            self._rest(self._number(), place, now)
        for number, (place, _) in self._resting.items():
            progress.begin(number, place)
        self._unsought = set(self._resting)

    def take_over(self, sources: tuple[LogFiles, ...], limit: int, now: float) -> None:
        """Follow these sources from now on, at most `limit` files."""
        self._limit = limit
        if sources == self.sources:
            return
        by_pattern = {source.pattern: source for source in sources}
        self.sources = sources
        for stream in list(self.streams):
            if stream.source.pattern in by_pattern:
                stream.source = by_pattern[stream.source.pattern]
            else:
                self.retire(stream, now)
        self._unsought = set(self._resting)
        self.is_stale = True

    def scan(self, now: float) -> None:
        """Match the globs, and find out what became of the files that they do not find any more."""
        found = find(self.sources, self._reports.problem)
        self.is_stale = False
        if self._unsought:
            self._recover(found)
        by_key = {one.key: one for one in found}
        for stream in self.streams:
            here = by_key.pop(stream.key, None)
            if here is None:
                stream.matched = False
                self.look(stream)
            else:
                if here.path != stream.path:
                    self._telemetry.count("model_exporter_file_rotations_total", "renamed")
                stream.move(here)
        self._view = _View.of(found, self.streams, (place for place, _ in self._resting.values()))
        self._copies.keep(by_key)
        self._refused &= set(by_key)
        for one in found:
            if one.key not in by_key:
                continue
            if one.status.st_size:
                self._adopt(one, now)
            else:  # it is no file of anybody yet, but whatever had its name may have gone
                self._adopt_passed(one)
        self._patterns |= {source.pattern for source in self.sources}
        self.save()
        self._scanned_ns = int(now * 1e9)
        self._forget(now)

    def save(self) -> None:
        """Keep where streams begin, before any of them is read: a restart that knew one would not look for another."""
        self._progress.save(self._patterns)

    def look(self, stream: Stream) -> os.stat_result | None:
        """What the system says of the file, under whatever name; None when it is gone."""
        status = _status(stream.path)
        if status and _key(status) == stream.key:
            return status
        if stream.path not in stream.former:
            stream.former.add(stream.path)
            stream.matched = False
            self.is_stale = True
            for path, status in neighbours(stream.path):
                if _key(status) == stream.key:
                    stream.path = path
                    self._telemetry.count("model_exporter_file_rotations_total", "renamed")
                    return status
            self._telemetry.count("model_exporter_file_rotations_total", "removed")
            stream.gone = True
        return stream.content.status if stream.content else None

    def begin_anew(self, stream: Stream, now: float) -> None:
        """The file was cut, or filled anew: go on with what was not read of it in a copy, and then with the file."""
        self._telemetry.count("model_exporter_file_rotations_total", "truncated")
        place = stream.place
        index = self.streams.index(stream)
        again = Stream(self._number(), stream.source, stream.name, stream.path, stream.key, matched=stream.matched)
        again.changed_at, again.behind = now, True
        again.size, again.modified_ns = stream.size, stream.modified_ns
        stream.close()
        self.streams[index] = again
        self.know(again)
        self.is_stale = True
        hit = seek(place, self._keys()) if place.known else None
        if hit and self._resume(stream.number, place, Found(stream.source, hit[0], hit[0], hit[1])):
            rest = self.streams.pop()
            rest.matched = False
            self.streams.insert(index, rest)
            place = rest.place
        else:
            self._rest(stream.number, place, now)
            if stream.unread:
                self._reports.problem(
                    "lost_tail", stream.path, f"{stream.unread} bytes were cut off before they were read"
                )
        self.adopt_skipped(again.path, again.source, stream.was_modified_ns)

    def know(self, stream: Stream) -> None:
        """Remember how a file begins of which nothing was read."""
        try:
            stream.jump(0)
        except OSError as error:
            self._reports.problem(reason_of(error), stream.path, str(error))
        else:
            self._progress.begin(stream.number, stream.place)

    def retire(self, stream: Stream, now: float) -> None:
        """Leave a file, but remember what it held."""
        stream.close()
        self.streams.remove(stream)
        self._rest(stream.number, stream.place, now)

    def _recover(self, found: Sequence[Found]) -> None:
        """Find again what an earlier run read, or what was read under another configuration."""
        sources = {source.pattern: source for source in self.sources}
        by_key = {one.key: one for one in found}
        waiting = [(number, self._resting[number][0]) for number in self._unsought if number in self._resting]
        self._unsought = set()
        waiting = [(number, place) for number, place in waiting if place.pattern in sources]
        lost, taken = [], self._keys()
        for number, place in waiting:
            one = by_key.get(place.key)
            if one is not None and one.key not in taken and self._resume(number, place, one):
                taken.add(one.key)
            else:
                lost.append((number, place))
        for number, place in lost:
            if hit := seek(place, taken):
                path, status = hit
                if self._resume(number, place, Found(sources[place.pattern], path, path, status)):
                    taken.add(_key(status))

    def _adopt(self, one: Found, now: float) -> None:
        """Begin to read a file of which nothing is known, unless something is, after all."""
        if len(self.streams) >= self._limit:
            if one.key not in self._refused:
                self._refused.add(one.key)
                self._reports.refused(one.path, self._limit)
            return
        try:
            beside = self._view.beside(one.path)
            if self._copies.waits(one, beside, now):
                return
            if self._recall(one, now):
                return
            copy = self._copies.original(one, beside)
            stream = self._begin(one)
            is_late = one.source.from_end and one.source.pattern not in self._patterns
            if copy or is_late:
                stream.jump(copy[1] if copy else _last_line_end(stream))
        except OSError as error:
            self._reports.problem(reason_of(error), one.path, str(error))
            return
        self._copies.forget(one.key)
        # A restart has to know of the file, whether a scrape carries anything of it or not.
        self._progress.begin(stream.number, replace(stream.place, modified_ns=one.status.st_mtime_ns))
        if not copy:
            self._adopt_passed(one)

    def _recall(self, one: Found, now: float) -> bool:
        """Go on where a file was left that is gone, when `one` holds what that held."""
        for stream in [stream for stream in self.streams if stream.gone]:
            if are_kin(stream.path, one.path) and goes_on_in(stream.place, one.path, one.status):
                self.retire(stream, now)
        resting = sorted(self._resting.items(), key=lambda item: item[1][0].key != one.key)
        for number, (place, _) in resting:
            is_akin = place.key == one.key or are_kin(place.path, one.path)
            if is_akin and goes_on_in(place, one.path, one.status) and self._resume(number, place, one):
                return True
        return False

    def _adopt_passed(self, one: Found) -> None:
        """Read files that had the name of this new one after the last that is known."""
        if since_ns := self._view.left.get(one.path, self._scanned_ns):
            self.adopt_skipped(one.path, one.source, since_ns)

    def adopt_skipped(self, path: str, source: LogFiles, since_ns: int) -> None:
        """Read files that had the name `path` since then, between two looks, and that the glob does not match."""
        at = Place(source.pattern, path, (0, 0), 0, 0, 0, b"", b"", b"")
        unseen = [file for file in skipped(at, since_ns, self._keys() | self._view.matched) if file[1].st_size]
        if not unseen:
            return
        known = [stream.place for stream in self.streams if are_kin(stream.path, path) and stream.first]
        known += [place for place, _ in self._resting.values() if are_kin(place.path, path)]
        for other, status in unseen:
            if not any(begins_alike(place, other) for place in known):
                stream = self._begin(Found(source, other, other, status))
                stream.matched = False
                self._progress.begin(stream.number, replace(stream.place, modified_ns=status.st_mtime_ns))

    def _begin(self, one: Found) -> Stream:
        stream = Stream(self._number(), one.source, one.name, one.path, one.key)
        stream.jump(0)
        self.streams.append(stream)
        return stream

    def _resume(self, number: int, place: Place, one: Found) -> bool:
        """Go on where an earlier run was; False when the file holds something else by now."""
        stream = Stream(number, one.source, one.name, one.path, one.key)
        try:
            if not goes_on_in(place, one.path, one.status):
                return False
            stream.resume(place)
        except OSError as error:
            stream.close()
            self._reports.problem(reason_of(error), one.path, str(error))
            return False
        if one.path != place.path:
            stream.former.add(place.path)
        stream.modified_ns = place.modified_ns
        self._resting.pop(number, None)
        self._copies.forget(one.key)
        self.streams.append(stream)
        return True

    def _rest(self, number: int, place: Place, now: float) -> None:
        if place.known:
            self._resting[number] = place, now
        else:
            self._progress.drop(number)

    def _forget(self, now: float) -> None:
        """Forget what was gone for so long that it will not come back."""
        room = max(0, len(self._resting) - self._limit)
        for place, (number, (_, since)) in enumerate(list(self._resting.items())):
            if place < room or now - since > _REST_SECONDS:
                del self._resting[number]
                self._progress.drop(number)

    def _keys(self) -> set[Key]:
        return {stream.key for stream in self.streams}

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        return None


def _key(status: os.stat_result) -> Key:
    return status.st_dev, status.st_ino


def _last_line_end(stream: Stream) -> int:
    """Where the last whole line of a file ends."""
    content = stream.open()
    end = content.status.st_size if not content.is_compressed else 0
    while end > 0:
        start = max(0, end - (1 << 16))
        newline = content.read(start, end - start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0
