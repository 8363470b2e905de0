"""One file that is being read."""

from dataclasses import dataclass, field, replace

from model_exporter.config.settings import LogFiles
from model_exporter.follow.content import GzipContent, PlainContent, open_content
from model_exporter.follow.finder import Found
from model_exporter.follow.place import FIRST_BYTES, HEAD_BYTES, TAIL_BYTES, Key, Place, digest


@dataclass(slots=True, eq=False)
class Stream:
    """What is known of a file, and up to where it was read.

    Attributes:
        number: of the stream; a file that begins anew is another stream.
        source: the globs' entry it belongs to.
        name: the path that the glob matched.
        path: where it is now, links resolved.
        key: its device and inode.
        offset: bytes of content that are dealt with.
        searched: bytes of content in which no other line ends.
        first: the first bytes, at most `FIRST_BYTES`, dealt with or not.
        head: the first of what is dealt with, at most `HEAD_BYTES`.
        tail: the last of it, at most `TAIL_BYTES`.
        size: of the file when it was last looked at; -1 before.
        modified_ns: its time of modification then.
        changed_at: when a change was last seen, unix seconds.
        matched: whether the glob finds it, under `name`.
        gone: whether it has no name any more, as far as its folder tells.
        former: names that it had before.
        content: the file, when it is open.
        was_modified_ns: its time of modification before it changed.
        unread: bytes that were not read yet before it changed.
        behind: whether there is something that was not read yet.
        settled: whether its last line was looked at, long after its last change.
    """

    number: int
    source: LogFiles
    name: str
    path: str
    key: Key
    offset: int = 0
    searched: int = 0
    first: bytes = b""
    head: bytes = b""
    tail: bytes = b""
    size: int = -1
    modified_ns: int = -1
    changed_at: float = 0.0
    matched: bool = True
    gone: bool = False
    former: set[str] = field(default_factory=set)
    content: PlainContent | GzipContent | None = None
    was_modified_ns: int = -1
    unread: int = 0
    behind: bool = False
    settled: bool = False

    @property
    def place(self) -> Place:
        """Where the reading stands."""
        return Place(
            pattern=self.source.pattern,
            path=self.path,
            key=self.key,
            modified_ns=self.modified_ns,
            offset=self.offset,
            known=len(self.first),
            first=digest(self.first),
            head=digest(self.head),
            tail=digest(self.tail),
        )

    @property
    def lag(self) -> int:
        """Bytes of the file that are not read yet; of a compressed one all, until it is read to its end."""
        if isinstance(self.content, GzipContent):
            return 0 if self.settled else max(0, self.size)
        return max(0, self.size - self.offset)

    def open(self) -> PlainContent | GzipContent:
        """The content, opened when it was not.

        Raises:
            OSError: it cannot be opened, or another file is there now.
        """
        if self.content is None:
            content, key = open_content(self.path)
            if key != self.key:
                content.close()
                raise FileNotFoundError(f"{self.path} is another file now")
            self.content = content
        return self.content

    def close(self) -> None:
        """Let the file go; it is opened again when it changes."""
        if self.content is not None:
            self.content.close()
            self.content = None

    def advance(self, block: bytes) -> None:
        """Note that `block`, which stood at the offset, is dealt with."""
        if len(self.head) < HEAD_BYTES:
            self.head = (self.head + block)[:HEAD_BYTES]
            self.first = self.head[:FIRST_BYTES] if len(self.head) > len(self.first) else self.first
        self.tail = (self.tail + block)[-TAIL_BYTES:]
        self.offset += len(block)
        self.searched = self.offset

    def after(self, block: bytes) -> Place:
        """Where the reading will stand when `block`, which stands at the offset, is dealt with."""
        head = (self.head + block)[:HEAD_BYTES] if len(self.head) < HEAD_BYTES else self.head
        first = max(self.first, head[:FIRST_BYTES], key=len)
        return replace(
            self.place,
            offset=self.offset + len(block),
            known=len(first),
            first=digest(first),
            head=digest(head),
            tail=digest((self.tail + block)[-TAIL_BYTES:]),
        )

    def jump(self, offset: int) -> None:
        """Note that the first `offset` bytes are dealt with.

        Raises:
            OSError: the file cannot be read.
        """
        content = self.open()
        self.first = content.read(0, FIRST_BYTES)
        tail = min(offset, TAIL_BYTES)
        self.head = content.read(0, min(offset, HEAD_BYTES))
        self.tail = content.read(offset - tail, tail)
        self.offset = self.searched = offset

    def resume(self, place: Place) -> None:
        """Go on where `place` says.

        Raises:
            OSError: it cannot be read, or something else stands there now.
        """
        self.jump(place.offset)
        self.first = self.first[: place.known]
        if (digest(self.head), digest(self.tail)) != (place.head, place.tail):
            raise FileNotFoundError(f"{self.path} has changed")

    def move(self, found: Found) -> None:
        """Note under which name the glob finds the file now."""
        if found.path != self.path:
            self.former.add(self.path)
        self.name, self.path, self.matched = found.name, found.path, True
        self.former.discard(self.path)
