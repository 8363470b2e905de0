"""What the templates in labels and annotations of alerts refer to."""

import re
from collections.abc import Iterator
from typing import Final

from model_exporter.pack.promql import unquote

_ACTION: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_LABEL: Final = re.compile(r"(?:\$labels|\$?\.Labels)\.([A-Za-z_][A-Za-z0-9_]*)")
_VALUE: Final = re.compile(r"\$value\b|(?<![\w.])\.Value\b")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
_VERB: Final = re.compile(r"%[-+# 0-9.]*[a-zA-Z]")
_QUERY: Final = re.compile(r"\b(?:query|printf)\b")


def actions(text: str) -> Iterator[str]:
    """What stands between `{{` and `}}`."""
    return iter(_ACTION.findall(text))


def without_actions(text: str) -> str:
    """`text` with a placeholder for what its templates write."""
    return _ACTION.sub("x", text)


def labels(text: str) -> set[str]:
    """Labels of the alert that `text` writes; labels of what its queries return count only as `$labels.name`."""
    found = {name for action in actions(text) for name in re.findall(r"\$labels\.([A-Za-z_][A-Za-z0-9_]*)", action)}
    if not any(_QUERY.search(action) for action in actions(text)):
        found |= {name for action in actions(text) for name in _LABEL.findall(action)}
    return found


def writes_value(text: str) -> bool:
    """Whether `text` writes the value of the expression."""
    return any(_VALUE.search(action) for action in actions(text))


def queries(text: str) -> Iterator[str]:
    """The PromQL that the templates run, with a stand-in for each argument of `printf`."""
    for action in actions(text):
        if "query" not in action:
            continue
        for string in _STRING.findall(action):
            query = unquote(string)
            if re.search(r"[a-z_]:[a-z_]|\{|\(|model_", query):
                yield _VERB.sub(lambda verb: '"x"' if verb[0].endswith("q") else "1", query)
