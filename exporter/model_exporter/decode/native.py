"""The native JSON doors: one object, an array of objects, or an object a line."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

import msgspec

from model_exporter.decode.plain import PlainReader
from model_exporter.decode.records import RecordReader
from model_exporter.decode.tally import Tally
from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json

_LINES: Final = msgspec.json.Decoder()
_PATIENCE: Final = 1000
"""Bad lines of one body that get a second, slow and lenient look; a body of nothing else must not take minutes."""


def read_native(body: bytes, event: str, reader: RecordReader, tally: Tally) -> None:
    """Read all records of `body`; what layout it has shows in the body itself, whatever its content type.

    Raises:
        DecodeError: nothing in it is an object.
    """
    read_objects(body, lambda record, where: reader.read_native(event, record, where=where), tally)


def read_predictions(body: bytes, reader: PlainReader, tally: Tally) -> None:
    """Read all records of `body`, as `read_native`.

    Raises:
        DecodeError: nothing in it is an object.
    """
    read = reader.read_alike(body)
    if read is not None:
        read_objects(body, reader.read, tally, skip=read)
        reader.finish()


def read_objects(body: bytes, read: Callable[[dict[str, object], str], None], tally: Tally, *, skip: int = 0) -> None:
    """Have `read` take each object of `body`, with its place for the sender's eyes; reject the rest.

    Args:
        body: objects, of which the first `skip` were read.
        read: is given an object and its place.
        tally: of what is rejected.
        skip: how many to pass over.

    Raises:
        DecodeError: nothing in it is an object.
    """
    objects, failure = take_objects(islice(_values(body), skip, None), read, tally)
    if failure and not objects + skip:
        raise failure


def take_objects(
    values: Iterable[tuple[str, object]], read: Callable[[dict[str, object], str], None], tally: Tally
) -> tuple[int, DecodeError | None]:
    """Have `read` take each object of some values with their places; how many there were, and what the first other was.

    A value may be a DecodeError, which is why there is none.
    """
    objects = 0
    failure: DecodeError | None = None
    for where, value in values:
        if isinstance(value, dict):
            objects += 1
            read(value, where)
            continue
        reason, error = "malformed_record", value
        if not isinstance(error, DecodeError):
            reason, error = "not_an_object", DecodeError("not_an_object", f"expected an object, got {_kind(value)}")
        tally.reject(reason, str(error), where=where)
        failure = failure or error
    return objects, failure


def _values(body: bytes) -> Iterator[tuple[str, object]]:
    """Each value of `body` with its place; a DecodeError where a line cannot be read."""
    if body.lstrip()[:1] == b"[":
        whole = parse_json(body)
        values = whole if isinstance(whole, list) else [whole]
    else:
        try:
            values = _LINES.decode_lines(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            yield from _doubtful_values(body)
            return
    place = place_of(body, len(values))
    for number, value in enumerate(values, 1):
        yield f"{place} {number}", value


def place_of(body: bytes, values: int) -> str:
    """What a value is called in `body`, which holds so many."""
    return "line" if body.count(b"\n") + (not body.endswith(b"\n")) == values else "record"


def _doubtful_values(body: bytes) -> Iterator[tuple[str, object]]:
    """As `_values`, for a body that is not all JSON: an object with a NaN in it, or lines of which some are bad."""
    try:
        yield "record 1", parse_json(body)
    except DecodeError:
        yield from values_of_lines(enumerate(body.split(b"\n"), 1))


def values_of_lines(lines: Iterable[tuple[int, bytes]]) -> Iterator[tuple[str, object]]:
    """The value of each line with its number, of a body in which not all are JSON; a DecodeError where it has none."""
    patience = _PATIENCE
    for number, line in lines:
        if line.strip():
            value = _line(line, lenient=patience > 0)
            patience -= isinstance(value, DecodeError)
            yield f"line {number}", value


def _line(line: bytes, *, lenient: bool) -> object:
    try:
        return parse_json(line, lenient=lenient)
    except DecodeError as error:
        return error


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
