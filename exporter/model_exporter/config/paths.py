"""Paths of requests for predictions, and what they name: `/v2/models/{model}/versions/{version}`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

MAX_PATHS: Final = 100
"""Patterns that are tried for a span."""

_PIECE: Final = re.compile(r"(\{model\}|\{version\}|\*)")
_ANY: Final = r"[^/:]+"


class PathError(Exception):
    """A pattern is none. The message says why, in words that follow "it"."""


@dataclass(frozen=True, slots=True)
class PathPattern:
    """Whole segments anywhere in a path.

    `{model}` and `{version}` stand for what is between two slashes or colons, `*` for the same without a meaning.
    """

    text: str

    def __post_init__(self) -> None:
        """Raise PathError when the text is no pattern."""
        if not self.text.startswith("/") or self.text == "/":
            raise PathError("must begin with a slash and name something")
        for name in ("{model}", "{version}"):
            if self.text.count(name) > 1:
                raise PathError(f"has {name} more than once")
        if re.search(r"[{}?#\s]", _PIECE.sub("", self.text)):
            raise PathError("may hold {model}, {version} and *, no other braces, no query and no blanks")
        if re.search(r"(?:[}*])(?:[{*])", self.text):
            raise PathError("needs something between two placeholders")

    @property
    def expression(self) -> str:
        """The same as a regular expression."""
        names = {"{model}": rf"(?P<model>{_ANY})", "{version}": rf"(?P<version>{_ANY})", "*": _ANY}
        pieces = (names.get(piece) or re.escape(piece) for piece in _PIECE.split(self.text))
        return rf"{''.join(pieces)}(?=[/:]|$)"


@dataclass(frozen=True, slots=True)
class NamedByPath:
    """What a path says; empty where it says nothing."""

    model: str
    version: str


class Paths:
    """Patterns in the order in which they are tried."""

    def __init__(self, patterns: Iterable[PathPattern]) -> None:
        self._expressions = tuple(re.compile(pattern.expression) for pattern in patterns)

    def match(self, path: str) -> NamedByPath | None:
        """What the first pattern that matches finds in `path`, which is percent-encoded and without a query."""
        for expression in self._expressions:
            if found := expression.search(path):
                groups = found.groupdict()
                return NamedByPath(unquote(groups.get("model") or ""), unquote(groups.get("version") or ""))
        return None


BUILT_IN_PATHS: Final = tuple(
    map(
        PathPattern,
        (
            "/v2/models/{model}/versions/{version}",  # open inference protocol: MLServer, Triton, KServe
            "/v2/models/{model}",
            "/v1/models/{model}/versions/{version}",  # TensorFlow Serving, KServe
            "/v1/models/{model}/labels/{version}",  # TensorFlow Serving
            "/v1/models/{model}",
            "/{model}:predict",  # Vertex AI, and whoever copies it
            "/predictions/{model}/{version}",  # TorchServe
            "/predictions/{model}",
            "/seldon/*/{model}/api",  # Seldon Core behind its gateway: namespace, deployment
            "/endpoints/{model}/invocations",  # SageMaker's own address; containers are asked for /invocations alone
            "/serving-endpoints/{model}/invocations",  # Databricks
            "/models/{model}/invoke",  # SageMaker's containers of many models
        ),
    )
)
"""Where serving stacks name the model. Others, such as /invocations of MLflow and the routes of Ray Serve, do not."""
