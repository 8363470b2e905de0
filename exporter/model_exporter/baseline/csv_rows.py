"""Rows of CSV files.

A cell is text, and what it means shows in its column only, so a column is kept as text until its end: when all of its
texts are true or false it is boolean, when at least 99 % spell quantities those become numbers, and otherwise it stays
as it is.
"""

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.coerce import is_quantity, parse_number
from model_exporter.baseline.infer import NUMERIC_SHARE
from model_exporter.baseline.parts import Part, column_of_words
from model_exporter.batch import Column, Kind, Role, Words
from model_exporter.errors import BaselineError

_CHUNK_ROWS: Final = 8192
_BOOLEANS: Final = {"false": 0.0, "true": 1.0}
_NOT_PLAIN: Final = re.compile(rb'"\s*[+-]?0\d|_')  # leading zeros and underscores, which float() would take
_OTHER_SEPARATOR: Final = re.compile(r"[;\t|]")

MissingTexts = Callable[[str], frozenset[str]]
"""Texts that stand for a missing value, by column."""
StaysText = Callable[[str], bool]
"""Whether a column is to be kept as text whatever its cells look like."""


def read_csv(lines: Iterable[bytes], *, file: str, missing: MissingTexts, stays_text: StaysText) -> Iterator[Part]:
    """Rows of one file, comma-separated, the first line with the columns' names. Columns without a name are left out.

    Args:
        lines: the file's lines, in UTF-8.
        file: its name, for errors.
        missing: texts that stand for a missing value, besides the empty one.
        stays_text: columns whose cells are not to be read as numbers or booleans.

    Raises:
        BaselineError: a line is not CSV; the message has its number.
    """
    rows = _Rows(lines, file)
    columns = [_Cells(missing(name), stays_text=stays_text(name)) for name in rows.names]
    lengths: list[int] = []
    while chunk := rows.next_chunk():
        for cells, column in zip(zip(*chunk, strict=True), columns, strict=True):
            column.add(cells)
        lengths.append(len(chunk))
    named = [(name, column.columns(name)) for name, column in zip(rows.names, columns, strict=True) if name]
    for length in lengths:
        yield Part(length, [next(parts) for _, parts in named])


class _Rows:
    """The rows of one file; `names` is the first."""

    def __init__(self, lines: Iterable[bytes], file: str) -> None:
        self._file = file
        self._reader = csv.reader(_decoded(lines, file), skipinitialspace=True, strict=True)
        first = self._next()
        if first is None:
            raise BaselineError(f"{file}: is empty. Its first line must name the columns")
        self.names = [name.strip() for name in first]
        twice = [name for name, count in Counter(self.names).items() if count > 1 and name]
        if twice:
            raise BaselineError(f"{file}: line 1: two columns are called {twice[0]!r}. Rename one of them")
        if len(self.names) == 1 and _OTHER_SEPARATOR.search(first[0]):
            raise BaselineError(f"{file}: line 1: the columns are not separated by commas. Save the file with commas")

    def next_chunk(self) -> list[list[str]]:
        """Some rows, as many cells in each as there are names; none at the end."""
        rows: list[list[str]] = []
        width = len(self.names)
        while len(rows) < _CHUNK_ROWS and (row := self._next()) is not None:
            if len(row) != width:
                raise BaselineError(
                    f"{self._file}: line {self._reader.line_num}: has {len(row)} cells, and the first line names "
                    f"{width} columns. Mend the line or take it out"
                )
            rows.append(row)
        return rows

    def _next(self) -> list[str] | None:
        """The next row that is not blank; None at the end."""
        try:
            return next(filter(None, self._reader), None)
        except csv.Error as error:
            raise BaselineError(
                f"{self._file}: line {self._reader.line_num}: is not CSV: {error}. Mend the line"
            ) from error


class _Cells:
    """The cells of one column, kept as JSON text, which takes a tenth of the memory of Python's strings."""

    def __init__(self, missing: frozenset[str], *, stays_text: bool) -> None:
        self._missing = missing | {""}
        self._stays_text = stays_text
        self._texts: list[bytes] = []
        self._numbers: list[NDArray[np.float64] | None] = []
        self._quantities = self._booleans = self._others = 0

    def add(self, cells: Sequence[str]) -> None:
        """Add some rows' cells."""
        text = msgspec.json.encode(cells)
        self._texts.append(text)
        if self._stays_text:
            return
        numbers = _plain_numbers(cells, text) if self._missing == {""} else None
        self._numbers.append(numbers)
        if numbers is not None:
            self._quantities += len(numbers)
            return
        for word, count in Counter(cells).items():
            if word in self._missing:
                continue
            if is_quantity(word):
                self._quantities += count
            elif word.lower() in _BOOLEANS:
                self._booleans += count
            elif _quantity(word) is None:
                self._others += count

    def columns(self, name: str) -> Iterator[Column]:
        """The cells as columns, one for each `add`."""
        usable = self._quantities + self._booleans + self._others
        numeric = self._quantities and self._quantities >= NUMERIC_SHARE * usable
        for place, text in enumerate(self._texts):
            if numeric and (numbers := self._numbers[place]) is not None:
                yield Column(name, Role.INPUT, np.full(len(numbers), Kind.NUMBER, np.uint8), numbers)
                continue
            words = Words.from_texts(msgspec.json.decode(text, type=list[str]))
            if numeric:
                yield _with_values(name, words, self._missing, Kind.NUMBER, _quantity)
            elif self._booleans and self._booleans == usable:
                yield _with_values(name, words, self._missing, Kind.BOOLEAN, _truth)
            else:
                yield column_of_words(name, _without(words, self._missing))


def _decoded(lines: Iterable[bytes], file: str) -> Iterator[str]:
    encoding = "utf-8-sig"  # spreadsheets begin a file with a byte order mark
    for number, line in enumerate(lines, start=1):
        try:
            yield line.decode(encoding)
        except UnicodeDecodeError as error:
            raise BaselineError(f"{file}: line {number}: is not text in UTF-8. Save the file as UTF-8") from error
        encoding = "utf-8"


def _plain_numbers(cells: Sequence[str], text: bytes) -> NDArray[np.float64] | None:
    """The cells as numbers when each spells one and none is a code such as 007; else None."""
    if not text.isascii() or _NOT_PLAIN.search(text):
        return None
    try:
        return np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        return None


def _with_values(
    name: str, texts: Words, missing: frozenset[str], kind: int, read: Callable[[str], float | None]
) -> Column:
    """A column in which the texts that `read` understands are cells of `kind`, the missing ones NULL, the rest TEXT."""
    values = {w: value for w in texts.words if w not in missing and (value := read(w)) is not None}
    numbers = np.array([*(values.get(word, np.nan) for word in texts.words), np.nan])[texts.codes]
    found = np.array([*(word in values for word in texts.words), False])[texts.codes]
    rest = column_of_words(name, _without(texts, missing | set(values)))
    return Column(name, Role.INPUT, np.where(found, np.uint8(kind), rest.kinds), numbers, rest.texts)


def _without(texts: Words, words: frozenset[str]) -> Words:
    """`texts` with the rows of `words` left empty."""
    gone = np.array([*(word in words for word in texts.words), True])
    return Words(np.where(gone[texts.codes], np.int32(-1), texts.codes), texts.words)


def _quantity(word: str) -> float | None:
    """The number, finite or not, unless the word is a code such as 007."""
    number = parse_number(word)
    return None if number is not None and np.isfinite(number) and not is_quantity(word) else number


def _truth(word: str) -> float | None:
    return _BOOLEANS.get(word.lower())
