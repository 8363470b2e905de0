"""Which metrics a PromQL expression reads: enough to check names by; Prometheus decides on syntax."""

import re
from typing import Final

_OPAQUE: Final = re.compile(
    r"""
      "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `[^`]*`   # strings
    | \#[^\n]*                                              # comments
    """,
    re.VERBOSE,
)
_LABELS: Final = re.compile(
    r"""
      \b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)   # lists of labels
    | \{[^{}]*\}                                                         # matchers
    | \[[^\[\]]*\]                                                       # ranges
    """,
    re.VERBOSE | re.IGNORECASE,
)
_NAME: Final = re.compile(r"(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])")
_WORDS: Final = frozenset(
    {"and", "or", "unless", "bool", "offset", "by", "without", "inf", "nan", "group_left", "group_right"}
)


def metric_names(expression: str) -> set[str]:
    """Names of the metrics that `expression` selects by name.

    >>> sorted(metric_names('sum by (model) (rate(a:b_total{x="y"}[5m] offset 1d)) > on (model) c or absent(d)'))
    ['a:b_total', 'c', 'd']
    """
    bare = _LABELS.sub(" ", _OPAQUE.sub('""', expression))
    bare = re.sub(r"\boffset\s+-?[0-9a-z]+", " ", bare)
    return {name for name in _NAME.findall(bare) if name.lower() not in _WORDS}
