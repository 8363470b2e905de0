"""Mutations that know the structure of what they change, so that most of what they make gets past the first check."""

import json
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from google.protobuf.descriptor import Descriptor

Mutator = Callable[[bytes, random.Random], bytes]
"""Makes other bytes of some; the same ones of the same state of the generator."""

WORDS: Final = (
    *("model.name", "model_name", "model.version", "prediction.id", "request_id", "event.name", "service.name"),
    *("features", "feature.a", "feature.b", "feature.", "segment.a", "segments", "value.kpi", "values", "score"),
    *("prediction", "prediction.value", "probabilities", "y_pred_proba", "latency_ms", "latency_seconds", "timestamp"),
    *("error.type", "outcome", "label", "change", "source", "event", "lower", "upper", "interval", "horizon", "naive"),
    *("bento_meta", "bentoml_monitor_data", "model.prediction", "model.outcome", "model.event", "m", "n", "deployment"),
    *("http.request.method", "POST", "url.path", "/v2/models/m/infer", "rpc.method", "gen_ai.request.model"),
    *("", "a", "\0", "é", "x" * 25, "x" * 300, "NaN", "1e400", "-0", "true", "2026-11-26T10:00:00Z", "{", '["a"]'),
)
_TEXTS: Final = (
    *(word.encode() for word in WORDS),
    b"\xff",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf0\x9f\x98\x80",
    b"\xe2\x82",
)
_VARINTS: Final = (0, 1, 2, 127, 128, 2**31 - 1, 2**31, 2**32 - 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1)
_DOUBLES: Final = (0.0, -0.0, 1.0, 0.1, -1e-310, 1e308, 2.0**53, float("inf"), -float("inf"), float("nan"))
_NUMBERS: Final = (0, 1, 2, 3, 5, 7, 11, 12, 15, 16, 100, 19_000, 2**29 - 1)
_MAX_DEPTH: Final = 24
_MAX_COPIES: Final = 40

_VARINT, _FIXED64, _DELIMITED, _GROUP, _END_GROUP, _FIXED32 = range(6)


class NotAMessageError(Exception):
    """Bytes that cannot be taken apart."""


@dataclass(slots=True)
class Part:
    """A field of a message.

    Attributes:
        number: of the field.
        wire: its wire type.
        value: of a varint; the bytes; or the fields of a message.
        kind: the message's descriptor, None for anything else.
        padding: needless bytes in its varints.
        skew: by how much its length is wrong.
    """

    number: int
    wire: int
    value: "int | bytes | list[Part]"
    kind: Descriptor | None = None
    padding: int = 0
    skew: int = 0

    def copy(self) -> "Part":
        """Another one, with other fields within it that are the same."""
        value = [part.copy() for part in self.value] if isinstance(self.value, list) else self.value
        return Part(self.number, self.wire, value, self.kind, self.padding, self.skew)


def protobuf(kind: Descriptor) -> Mutator:
    """A mutator of messages of that kind, and of bytes that are none."""

    def mutate(body: bytes, generator: random.Random) -> bytes:
        try:
            parts = take_apart(body, kind)
        except NotAMessageError:
            return damaged(body, generator)
        for _ in range(generator.choice((1, 1, 1, 2, 4))):
            _change(parts, kind, generator)
        made = put_together(parts)
        return damaged(made, generator) if generator.random() < 0.05 else made

    return mutate


def take_apart(message: bytes, kind: Descriptor, depth: int = 0) -> list[Part]:
    """The fields of a message, and of those within it as far as they can be read.

    Raises:
        NotAMessageError: it is cut off, or has a wire type that there is not.
    """
    parts: list[Part] = []
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            parts.append(Part(number, wire, value))
            continue
        if wire == _DELIMITED:
            size, at = _varint(message, at)
        else:
            size = {_FIXED64: 8, _FIXED32: 4, _GROUP: 0, _END_GROUP: 0}.get(wire, -1)
        if size < 0 or at + size > len(message):
            raise NotAMessageError
        parts.append(_content(number, wire, message[at : at + size], kind, depth))
        at += size
    return parts


def _content(number: int, wire: int, content: bytes, kind: Descriptor, depth: int) -> Part:
    field = kind.fields_by_number.get(number)
    within = field.message_type if field and wire == _DELIMITED else None
    if within is not None and depth < _MAX_DEPTH:
        try:
            return Part(number, wire, take_apart(content, within, depth + 1), within)
        except NotAMessageError:
            pass
    return Part(number, wire, content)


def put_together(parts: Sequence[Part]) -> bytes:
    """The message of these fields."""
    made = bytearray()
    for part in parts:
        made += _encode(part.number << 3 | part.wire, part.padding)
        if isinstance(part.value, int):
            made += _encode(part.value, part.padding)
            continue
        content = put_together(part.value) if isinstance(part.value, list) else part.value
        if part.wire == _DELIMITED:
            made += _encode(max(0, len(content) + part.skew), part.padding)
        made += content
    return bytes(made)


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        value |= (message[at] & 0x7F) << shift
        at += 1
        if message[at - 1] < 0x80:
            return value & 2**64 - 1, at
    raise NotAMessageError


def _encode(value: int, padding: int) -> bytes:
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    if padding:
        made[-1] |= 0x80
        made += b"\x80" * (padding - 1) + b"\0"
    return bytes(made)


def _levels(parts: list[Part], kind: Descriptor) -> Iterator[tuple[list[Part], Descriptor]]:
    """The fields of a message and of all within it, each with its descriptor."""
    yield parts, kind
    for part in parts:
        if isinstance(part.value, list) and part.kind is not None:
            yield from _levels(part.value, part.kind)


def _change(parts: list[Part], kind: Descriptor, generator: random.Random) -> None:
    levels = list(_levels(parts, kind))
    siblings, of = generator.choice(levels)
    if not siblings or generator.random() < 0.2:
        siblings.insert(generator.randint(0, len(siblings)), _new(of, generator))
        return
    place = generator.randrange(len(siblings))
    if generator.random() < 0.4:
        donors, _ = generator.choice(levels)
        _rearrange(siblings, place, donors, generator)
    else:
        _rewrite(siblings[place], of, generator)


def _rearrange(siblings: list[Part], place: int, donors: list[Part], generator: random.Random) -> None:
    """Have one field less or more, or all in another order."""
    choice = generator.randrange(4)
    if choice == 0:
        del siblings[place]
    elif choice == 1:
        siblings[place:place] = [siblings[place].copy() for _ in range(generator.choice((1, 1, 2, _MAX_COPIES)))]
    elif choice == 2:
        generator.shuffle(siblings)
    elif donors:
        siblings.insert(place, generator.choice(donors).copy())


def _rewrite(part: Part, of: Descriptor, generator: random.Random) -> None:
    """Change a field of a message of the kind `of`."""
    choice = generator.randrange(6)
    if choice == 0:
        part.number = generator.choice([*of.fields_by_number, generator.choice(_NUMBERS)])
    elif choice == 1:
        part.wire = generator.randrange(8)
    elif choice == 2:
        part.padding = generator.choice((1, 2, 4, 9))
    elif choice == 3:
        part.skew = generator.choice((-1, 1, -2, 8, 2**20, 2**31))
    else:
        part.value = _another(part, generator)


def _another(part: Part, generator: random.Random) -> "int | bytes | list[Part]":
    if isinstance(part.value, int):
        return generator.choice((*_VARINTS, (part.value + 1) % 2**64, generator.getrandbits(64)))
    if isinstance(part.value, list):
        inner = part.kind.fields_by_number if part.kind else {}
        return [] if generator.random() < 0.3 or not inner else [_new(part.kind, generator)]  # type: ignore[arg-type]  # it has fields
    if part.wire == _FIXED64:
        return struct.pack("<d", generator.choice((*_DOUBLES, generator.gauss(0, 100))))
    return generator.choice(
        (*_TEXTS, part.value[: len(part.value) // 2], part.value + part.value, damaged(part.value, generator))
    )


def _new(kind: Descriptor, generator: random.Random, depth: int = 0) -> Part:
    """A field that a message of this kind may have, and some fields within it."""
    if not kind.fields or generator.random() < 0.03:
        return Part(generator.choice(_NUMBERS), _VARINT, generator.choice(_VARINTS))
    field = generator.choice(kind.fields)
    if field.message_type is not None:
        inner = (
            []
            if depth > 3
            else [_new(field.message_type, generator, depth + 1) for _ in range(generator.randint(0, 3))]
        )
        return Part(field.number, _DELIMITED, inner, field.message_type)
    if field.type in {field.TYPE_STRING, field.TYPE_BYTES}:
        return Part(field.number, _DELIMITED, generator.choice(_TEXTS))
    if field.type in {field.TYPE_DOUBLE, field.TYPE_FIXED64, field.TYPE_SFIXED64}:
        return Part(field.number, _FIXED64, struct.pack("<d", generator.choice(_DOUBLES)))
    if field.type in {field.TYPE_FIXED32, field.TYPE_FLOAT, field.TYPE_SFIXED32}:
        return Part(field.number, _FIXED32, struct.pack("<I", generator.getrandbits(32)))
    return Part(field.number, _VARINT, generator.choice(_VARINTS))


def json_lines(body: bytes, generator: random.Random) -> bytes:
    """Another JSON text, or several lines of it."""
    lines = body.split(b"\n")
    place = generator.randrange(len(lines))
    try:
        value = json.loads(lines[place])
    except (ValueError, RecursionError):
        return damaged(body, generator)
    for _ in range(generator.choice((1, 1, 2, 4))):
        value = _other_json(value, generator)
    text = json.dumps(value, ensure_ascii=generator.random() < 0.8).encode("utf-8", "surrogatepass")
    lines[place : place + generator.randint(0, 1)] = [text]
    if generator.random() < 0.1:
        generator.shuffle(lines)
    made = b"\n".join(lines)
    return damaged(made, generator) if generator.random() < 0.05 else made


def _other_json(value: object, generator: random.Random) -> object:
    if isinstance(value, dict) and value and generator.random() < 0.8:
        key = generator.choice(list(value))
        choice = generator.randrange(8)
        changed = dict(value)
        if choice == 0:
            del changed[key]
        elif choice == 1:
            changed[generator.choice(WORDS)] = changed.pop(key)
        elif choice == 2:
            changed[generator.choice(WORDS)] = _new_json(generator)
        else:
            changed[key] = _other_json(value[key], generator)
        return changed
    if isinstance(value, list) and value and generator.random() < 0.8:
        place = generator.randrange(len(value))
        other = [_other_json(value[place], generator)] * generator.choice((0, 1, 1, 1, 2, _MAX_COPIES))
        return [*value[:place], *other, *value[place + 1 :]]
    if isinstance(value, str) and value and generator.random() < 0.3:
        return generator.choice((value[1:], value * 2, value + "\ud800", f"{value}\0"))
    return _new_json(generator)


def _new_json(generator: random.Random, depth: int = 0) -> object:
    choice = generator.randrange(9 if depth < 3 else 7)
    if choice == 0:
        return generator.choice((None, True, False))
    if choice == 1:
        return generator.choice((*_VARINTS, -1, 10**20, -(2**63)))
    if choice == 2:
        return generator.choice(_DOUBLES)
    if choice == 7:
        return [_new_json(generator, depth + 1) for _ in range(generator.randint(0, 3))]
    if choice == 8:
        return {generator.choice(WORDS): _new_json(generator, depth + 1) for _ in range(generator.randint(0, 3))}
    return generator.choice(WORDS)


def damaged(body: bytes, generator: random.Random) -> bytes:
    """`body` with one byte changed, one stretch missing or twice there, or cut off."""
    if not body:
        return generator.randbytes(generator.randint(1, 8))
    start = generator.randrange(len(body))
    end = min(len(body), start + generator.choice((1, 1, 2, 8, 64)))
    choice = generator.randrange(4)
    if choice == 0:
        return body[:start] + bytes([body[start] ^ 1 << generator.randrange(8)]) + body[start + 1 :]
    if choice == 1:
        return body[:start] + body[end:]
    if choice == 2:
        return body[:end] + body[start:]
    return body[:start]
