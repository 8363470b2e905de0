"""The compiled decoder of predictions in JSON makes of every body what the one in Python makes of it."""

import json
import math
import random
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts import account
from json_strategies import FIELDS, NAMES, numbers, odd, records, usual
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.decode.decoder import HAS_COMPILED
from model_exporter.ports import Door, Encoding, Payload, Signal

pytestmark = pytest.mark.skipif(not HAS_COMPILED, reason="the compiled decoder is not built")

patient = settings(deadline=None)

LIMITS = (Limits(), Limits(record_attributes=9, nesting=2, name_length=24))
CONTEXTS: tuple[dict[str, object], ...] = ({}, {"model": "m"}, {"model": "file", "version": "7"})


def sent(body: bytes, context: Mapping[str, object]) -> Payload:
    """`body` as lines of a file, about which `context` tells."""
    return Payload(Door.FILE, Signal.PREDICTIONS, Encoding.JSON_LINES, body, 1.8e9, context=context)


def agree(*bodies: bytes, context: Mapping[str, object] | None = None) -> None:
    """Hold both decoders to the same, also where the compiled one knows the keys from a body before."""
    for limits in LIMITS:
        compiled, python = Decoder(limits), Decoder(limits, compiled=False)
        for body in (*bodies, *bodies):
            request = sent(body, context or {})
            assert account(compiled, request) == account(python, request)


Dump = Callable[[object], str]
dumps: st.SearchStrategy[Dump] = st.builds(
    lambda ascii_, separators: lambda value: json.dumps(value, ensure_ascii=ascii_, separators=separators),
    st.booleans(),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "\r: "), (",  ", " :")]),
)
ends = st.sampled_from(["\n"] * 4 + ["\r\n", " \n", "\n\n", " \t\r\n \n"])
starts = st.sampled_from(["", "", "\ufeff", "\n", " ", "\x0b"])
nested = st.recursive(
    usual,
    lambda inner: st.dictionaries(st.sampled_from(["a", "b", "b.c", "", "n" * 12]), inner, max_size=3),
    max_leaves=6,
)
good = st.builds(
    lambda count, value, more: [
        {"model": "m", "id": row, "score": row / 7, "feature.a": value, "feature.d": more}
        if more
        else {"model": "m", "id": row, "score": row / 7, "features": {"a": value, "c": row}}
        for row in range(count)
    ],
    st.integers(0, 9),
    nested,
    st.none() | nested,
)


def encoded(text: str) -> bytes:
    """`text` in UTF-8 as far as that goes."""
    return text.encode("utf-8", "surrogatepass")


def lines(values: Iterable[object], dump: Dump, end: str, start: str = "") -> bytes:
    """Each value in a line."""
    return encoded(start + end.join(map(dump, values)))


def array(values: Iterable[object], dump: Dump, end: str, start: str = "") -> bytes:
    """All of them in one."""
    return encoded(start + "[" + f",{end}".join(map(dump, values)) + "]" + end)


mixed = st.builds(lambda many, few: [*many, *few, *many[:1]], good, records)


@settings(patient, max_examples=300)
@given(told=records | mixed, dump=dumps, end=ends, start=starts, context=st.sampled_from(CONTEXTS))
def test_records(told: list[object], dump: Dump, end: str, start: str, context: Mapping[str, object]) -> None:
    """Plain and odd records as lines and in arrays, with all kinds of space around them."""
    agree(lines(told, dump, end, start), array(told, dump, end, start), context=context)


@settings(patient, max_examples=200)
@given(told=mixed, dump=dumps, damage=st.data())
def test_damaged_bodies(told: list[object], dump: Dump, damage: st.DataObject) -> None:
    """The same cut off, with a piece doubled, left out or made up, and joined with other lines."""
    for body in (lines(told, dump, "\n"), array(told, dump, "\n")):
        start = damage.draw(st.integers(0, len(body)))
        end = damage.draw(st.integers(start, min(len(body), start + 40)))
        for put in (b"", body[start:end] * 2, damage.draw(pieces)):
            agree(body[:start] + put + body[end:])
        agree(body[:start])


pieces = st.binary(max_size=3) | st.sampled_from(
    [
        b"\n",
        b"\r",
        b"\0",
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b",",
        b":",
        b"0",
        b"-",
        b"e",
        b".",
        b"NaN",
        b"\xff",
        b" ",
    ]
)
RAW_VALUES = r"""
0 -0 -0.0 00 01 1. .5 +1 1e 1e5 1E+05 1e-400 1e400 -1e309 5e-324 2.2250738585072014e-308 4.9406564584124654e-324
1.7976931348623157e308 1.7976931348623159e308 9007199254740993 18446744073709551616 0.1e1 0x1 1_0 NaN Infinity -Infinity
true false null True nul tru "" "a" "\u00e9" "\ud83d\ude00" "\ud83d" "\ude00" "\ud83dx" "\u0000" "\x" "\" "\/\b\f\n\r\t"
"é" [] [1] [1,] [,] [[[[]]]] {} {"a":1} {"a":1,} {"a":1,"a":2} {"a"} {1:2} "[1]" '' //
1700000000 1700000000000 "2026-01-01T00:00:00Z" "2026-02-30T00:00:00Z" "1970-01-01T00:00:00+01:00"
"2026-01-01T00:00:60Z" "2026-01-01T24:00:00" "2026-01-01T00:00:00.123Z" "2026-W01-1" "20260101T000000Z"
"2024-02-29T23:59:59.123456-23:59"
"2100-02-29T00:00:00" "2000-02-29T00:00:00" "1969-12-31T23:59:59Z" "2026-01-01T00:00:00+24:00" "2026-01-01T00:00:00,5"
"""
raw_values = st.sampled_from(
    [*re.findall(r"\S+", RAW_VALUES), '"\t"', '"\x7f"', '"2026-01-01 00:00:00.5"', '"2026-01-01 00:00:00.25"', '"a\nb"']
) | numbers.map(repr)
raw_keys = st.sampled_from([*NAMES, "a", "", "\\u0061", "features", "feature.", "segment.", "value.", "event", "é"])
raw_maps = st.lists(st.tuples(raw_keys, raw_values), max_size=4).map(
    lambda pairs: "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
)
raw_arrays = st.lists(raw_values, max_size=4).map(lambda values: "[" + ",".join(values) + "]")
raw_records = st.lists(st.tuples(raw_keys, raw_values | raw_values | raw_maps | raw_arrays), max_size=5).map(
    lambda pairs: '{"model":"m","score":0,' + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
)
raw_lines = st.lists(raw_records | raw_values | raw_maps | st.just("{}{}") | st.just('{"model":"m"\n}'), max_size=3)


@settings(patient, max_examples=500)
@given(told=good, raw=raw_lines, last=good, end=ends)
def test_text_that_no_library_writes(told: list[object], raw: list[str], last: list[object], end: str) -> None:
    """Numbers, texts, keys and frames that are not JSON, or hardly, among good ones."""
    parts = [*map(json.dumps, told), *raw, *map(json.dumps, last)]
    agree(encoded(end.join(parts)), encoded("[" + ",".join(parts) + "]"))


@settings(patient, max_examples=200)
@given(
    fields=st.dictionaries(st.sampled_from(sorted(FIELDS)), odd | raw_values, max_size=4),
    count=st.integers(1, 3),
    dump=dumps,
)
def test_fields(fields: dict[str, object], count: int, dump: Dump) -> None:
    """Every field with every kind of value, in records that would else be plain."""
    plain = {"model": "m", "id": "1", "features": {"a": 1}}
    agree(lines([plain, plain | fields, plain] * count, dump, "\n"))


def spelt(rng: random.Random) -> str:
    """A number as somebody may write it; many are between two that a double can be."""
    number = math.nan
    while not math.isfinite(number):
        (number,) = struct.unpack("d", rng.randbytes(8))
    middle = 2 * (rng.getrandbits(53) | 1 << 52) + 1
    return rng.choice(
        [
            repr(number),
            repr(rng.gauss(0, 1)),
            f"{number:.{rng.randrange(1, 25)}e}",
            str(rng.getrandbits(rng.randrange(1, 200)) * rng.choice([1, -1])),
            str(middle << rng.randrange(12)),
            f"{Decimal(middle) / 2 ** rng.randrange(1, 20):f}",
            f"{rng.getrandbits(20)}.{rng.getrandbits(60):0{rng.randrange(1, 30)}d}",
            f"{rng.getrandbits(rng.randrange(1, 66))}e{rng.randrange(-340, 310)}",
        ]
    )


@pytest.mark.parametrize("seed", range(4))
def test_numbers_are_read_to_the_last_bit(seed: int) -> None:
    """Whatever the digits, a cell holds the double that Python reads."""
    rng = random.Random(seed)  # noqa: S311  # no secret
    texts = [spelt(rng) for _ in range(5000)]
    body = b"\n".join(b'{"model":"m","features":{"x":%b}}' % text.encode() for text in texts)
    (batch,) = Decoder(Limits()).decode(sent(body, {})).batches
    assert batch.columns[0].numbers.tolist() == [float(text) for text in texts]
