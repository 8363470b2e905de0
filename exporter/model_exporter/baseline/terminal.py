"""Text for a terminal: cut to columns, and without what could move the cursor."""

from unicodedata import east_asian_width


def printable(text: str) -> str:
    r"""`text` without what could move the cursor or turn its direction: a name may hold anything that a client sent.

    >>> printable("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def columns(text: str) -> int:
    """Columns that `text` takes on a terminal.

    >>> columns("abc"), columns("金額")
    (3, 4)
    """
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def wrapped(text: str, size: int, *, first: str = "", rest: str = "") -> list[str]:
    """The words of `text` in lines of at most `size` columns, of which the `first` and the `rest` begin so.

    A word that is too long for a line is broken.

    >>> wrapped("one two three", 8, first="- ", rest="  ")
    ['- one', '  two', '  three']
    >>> wrapped("abcdefgh", 5)
    ['abcde', 'fgh']
    """
    lines: list[str] = []
    line, room = first, size - columns(first)
    begun = False
    for word in text.split():
        left, needed = word, columns(word)
        if begun and needed + 1 > room:
            lines.append(line)
            line, room, begun = rest, size - columns(rest), False
        if begun:
            line, room = f"{line} ", room - 1
        while needed > room:
            part = fit(left, room, "").rstrip() or left[0]
            lines.append(line + part)
            left = left[len(part) :]
            line, room, needed = rest, size - columns(rest), columns(left)
        line, room, begun = line + left, room - needed, True
    return [*lines, line] if begun else lines


def fit(text: str, size: int, mark: str) -> str:
    """`text` cut or padded to `size` columns; one that is cut ends in `mark`.

    >>> fit("abc", 5, "."), fit("abcdef", 5, ".")
    ('abc  ', 'abcd.')
    """
    if columns(text) > size:
        while text and columns(text) + len(mark) > size:
            text = text[:-1]
        text += mark
    return text + " " * (size - columns(text))
