"""The path language: where in a record something stands.

    path = step { "." step | index | "|" filter }
    step = name | '"' any text '"' | "*"
    index = "[" number "]" | "[*]"

`[*]` goes through the elements of a list, one row each; a path may do so once. `*` as the last step is the whole map or
list. A step into text that holds JSON parses it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from model_exporter.errors import MappingError
from model_exporter.mapping.filters import FILTERS, check_rows, elements_of

MAX_LENGTH: Final = 500
"""Characters of a path."""

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<quoted>"(?:[^"\\]|\\.)*")
      | \[\s*(?P<index>-?\d{1,9}|\*)\s*\]
      | \|\s*(?P<filter>[a-z_0-9]+)
      | (?P<dot>\.)
      | (?P<name>[^.\[\]|"\s][^.\[\]|"]*)
    )""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(.)")


class PathError(ValueError):
    """The text is no path; `column` counts from 1."""

    def __init__(self, message: str, column: int) -> None:
        super().__init__(f"{message}, at column {column}")
        self.column = column


Step = Callable[[object], object]


@dataclass(frozen=True, slots=True)
class Path:
    """A parsed path.

    Attributes:
        text: as it was written.
        before: steps to a single value.
        after: steps from each element of that value on; None when the path does not go through elements.
        root: the name that it begins with; empty when it begins with no name.
    """

    text: str
    before: tuple[Step, ...]
    after: tuple[Step, ...] | None = None
    root: str = ""

    @property
    def is_starred(self) -> bool:
        """Whether it has a value for each row."""
        return self.after is not None

    def value(self, record: object) -> object:
        """What stands there; None where nothing does. For a starred path a list, one element a row.

        Raises:
            MappingError: what stands on the way cannot be read as the path says.
        """
        value = record
        for step in self.before:
            value = step(value)
            if value is None:
                return None
        if self.after is None:
            return value
        elements = elements_of(_opened(value))
        if elements is None:
            raise MappingError("bad_path_value", f"{self.text}: expected a list at [*], got {type(value).__name__}")
        check_rows(len(elements))
        return [_walk(element, self.after) for element in elements]


def parse_path(text: str) -> Path:
    """The path in `text`.

    Raises:
        PathError: it is none.
    """
    if len(text) > MAX_LENGTH:
        raise PathError(f"a path has at most {MAX_LENGTH} characters", MAX_LENGTH)
    steps: list[Step | None] = []  # None stands for [*]
    names_next = True  # a name may come: at the start, and after a dot
    root = ""
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise PathError(f"cannot read {text[at : at + 10]!r}", at + 1)
        _check_order(found, names_next=names_next, has_steps=bool(steps), column=at + 1)
        names_next = found["dot"] is not None
        if not names_next:
            root = root if steps else _name(found)
            steps.append(_step(found, at + 1))
        at = found.end()
    if names_next:
        raise PathError("a path cannot end here; a name is missing", at + 1)
    return _path(text, steps, root)


def _check_order(found: re.Match[str], *, names_next: bool, has_steps: bool, column: int) -> None:
    is_name = found["quoted"] is not None or found["name"] is not None
    if is_name and not names_next:
        raise PathError("a dot is missing before the name", column)
    if not is_name and names_next and has_steps:
        raise PathError("a name is missing after the dot", column)
    if found["dot"] is not None and names_next:
        raise PathError("a name is missing before the dot", column)


def _name(found: re.Match[str]) -> str:
    """The name that a token is, without its quotes; empty for another token."""
    if found["quoted"] is not None:
        return _ESCAPE.sub(r"\1", found["quoted"][1:-1])
    return (found["name"] or "").strip()


def _step(found: re.Match[str], column: int) -> Step | None:
    name = _name(found)
    if name or found["quoted"] is not None:
        return _opened if found["name"] is not None and name == "*" else _member(name)
    if found["index"] is not None:
        return None if found["index"] == "*" else _element(int(found["index"]))
    name = found["filter"]
    if name not in FILTERS:
        close = get_close_matches(name, FILTERS, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise PathError(f"there is no filter {name!r}{hint} (filters are {', '.join(sorted(FILTERS))})", column)
    return FILTERS[name]


def _path(text: str, steps: Sequence[Step | None], root: str) -> Path:
    if None not in steps:
        return Path(text, tuple(step for step in steps if step), root=root)
    star = steps.index(None)
    if None in steps[star + 1 :]:
        raise PathError("a path goes through the elements of one list only; [*] may stand once", len(text))
    return Path(text, tuple(filter(None, steps[:star])), tuple(filter(None, steps[star + 1 :])), root)


def _walk(value: object, steps: Iterable[Step]) -> object:
    for step in steps:
        if value is None:
            return None
        value = step(value)
    return value


def _member(name: str) -> Step:
    def step(value: object) -> object:
        if not isinstance(value, dict):
            value = _opened(value)
        return value.get(name) if isinstance(value, dict) else None

    return step


def _element(index: int) -> Step:
    def step(value: object) -> object:
        elements = elements_of(_opened(value))
        return elements[index] if elements and -len(elements) <= index < len(elements) else None

    return step


def _opened(value: object) -> object:
    """`value`, or what the JSON in it says when it is text that may be JSON."""
    if not isinstance(value, str) or value.lstrip()[:1] not in {"{", "["}:
        return value
    return FILTERS["json"](value)
