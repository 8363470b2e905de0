"""A YAML file as a tree that remembers where every value stood."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from yaml.constructor import ConstructorError, SafeConstructor
from yaml.reader import ReaderError

from model_exporter.errors import ConfigError

MAX_VALUES: Final = 500_000
"""Values that a file may expand to. YAML's aliases can name one list many times over."""
_MAX_DEPTH: Final = 32
_PLAIN_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_YAML: Final = "tag:yaml.org,2002:"
# YAML 1.2 knows no dates: 2024-01-15 is text here, as it was written.
_TEXT_TAGS: Final = frozenset({f"{_YAML}str", f"{_YAML}timestamp", f"{_YAML}value"})
_SCALAR_TAGS: Final = frozenset({f"{_YAML}null", f"{_YAML}bool", f"{_YAML}int", f"{_YAML}float"})

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a configuration file.

    Attributes:
        file: the file it stands in.
        path: where in the file, as `models.fraud.tier`; empty for the whole.
        line: from 1.
        value: a mapping of nodes by key, a list of nodes, or a scalar as YAML 1.1 reads it.
        written: the characters of a scalar, without quotes; empty for the others.
    """

    file: str
    path: str
    line: int
    value: "Mapping[str, Node] | tuple[Node, ...] | Scalar"
    written: str = ""

    def find(self, *keys: str) -> "Node":
        """The node under `keys`, or the nearest one above it that is there."""
        node = self
        for key in keys:
            if not isinstance(node.value, Mapping) or key not in node.value:
                break
            node = node.value[key]
        return node

    def plain(self) -> object:
        """The value without places: dictionaries, lists and scalars."""
        if isinstance(self.value, Mapping):
            return {key: node.plain() for key, node in self.value.items()}
        return [node.plain() for node in self.value] if isinstance(self.value, tuple) else self.value

    def mistake(self, problem: str, remedy: str) -> ConfigError:
        """A mistake in this value."""
        return ConfigError(file=self.file, path=self.path, line=self.line, problem=problem, remedy=remedy)


def read_document(path: Path, *, optional: str = "") -> Node:
    """The YAML document in `path`; an empty file is an empty mapping. `optional` is the flag that can be left out.

    Raises:
        ConfigError: the file cannot be read, is not one YAML document, or gives a key twice.
    """
    file = str(path)
    text = _read(path, optional)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(file, error) from error
    except ReaderError as error:
        raise _bad_character(file, text, error) from error
    except RecursionError as error:
        raise ConfigError(file=file, path="", problem="it is nested too deeply", remedy="Check its brackets") from error
    if root is None:
        return Node(file, "", 1, {})
    return _Reader(file).read(root, "", 0)


def join(path: str, key: str) -> str:
    """`path` with `key` added, quoted where a plain key would be misread."""
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{quoted(key)}]"
    return f"{path}.{key}" if path else key


def quoted(text: str) -> str:
    """`text` in double quotes on one line, with escapes where it has characters that do not print."""
    return json.dumps(text, ensure_ascii=not text.isprintable())


class _Reader:
    """Turns YAML's nodes into ours."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._values = 0
        self._merged: set[yaml.MappingNode] = set()  # an alias leads to a node that was merged before
        self._constructor = SafeConstructor()

    def read(self, node: yaml.Node, path: str, depth: int) -> Node:
        line = node.start_mark.line + 1
        self._values += 1
        if depth > _MAX_DEPTH or self._values > MAX_VALUES:
            raise self._mistake(
                path, line, "it is nested too deeply, or expands to too many values", "Check its aliases (*name)"
            )
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_YAML}map":
            return Node(self._file, path, line, self._mapping(node, path, depth))
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_YAML}seq":
            items = (self.read(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(node.value))
            return Node(self._file, path, line, tuple(items))
        if isinstance(node, yaml.ScalarNode) and node.tag in _TEXT_TAGS | _SCALAR_TAGS:
            return Node(self._file, path, line, self._scalar(node), node.value)
        tag = node.tag.replace(_YAML, "!!")
        raise self._mistake(path, line, f"the tag {tag} is not supported", "Write a plain value without a tag")

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Node]:
        if node not in self._merged:
            self._refuse_duplicates(node, path)
            try:
                self._constructor.flatten_mapping(node)  # puts what `<<` merges in before the mapping's own keys
            except ConstructorError as error:
                raise _not_yaml(self._file, error) from error
            self._merged.add(node)
        return {key.value: self.read(value, join(path, key.value), depth + 1) for key, value in node.value}

    def _refuse_duplicates(self, node: yaml.MappingNode, path: str) -> None:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise self._mistake(path, line, "a key is not a scalar", "Write `name: value`")
            if key.tag == f"{_YAML}merge":
                continue
            if key.value in lines:
                raise self._mistake(
                    join(path, key.value),
                    line,
                    f"the key is given twice, on lines {lines[key.value]} and {line}",
                    "Keep one of them; YAML would silently drop the first",
                )
            lines[key.value] = line

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        if node.tag in _TEXT_TAGS:
            return str(node.value)
        try:
            value: Scalar = self._constructor.construct_object(node)
        except ValueError:
            return str(node.value)  # YAML's patterns call `0b_` a number, and Python does not
        return value

    def _mistake(self, path: str, line: int, problem: str, remedy: str) -> ConfigError:
        return ConfigError(file=self._file, path=path, line=line, problem=problem, remedy=remedy)


def _read(path: Path, optional: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        remedy = f"Check the path{f', or leave {optional} out to run with the defaults' if optional else ''}"
        raise ConfigError(file=str(path), path="", problem="the file does not exist", remedy=remedy) from error
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror})"
        remedy = "Give a file that this user can read"
        raise ConfigError(file=str(path), path="", problem=problem, remedy=remedy) from error
    except UnicodeDecodeError as error:
        problem = f"byte {error.start} is not UTF-8"
        raise ConfigError(file=str(path), path="", problem=problem, remedy="Save the file as UTF-8") from error


def _not_yaml(file: str, error: yaml.MarkedYAMLError) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    told = " ".join(filter(None, [error.context, error.problem]))
    return ConfigError(
        file=file,
        path="",
        line=mark.line + 1 if mark else None,
        problem=f"it is not YAML{where}: {told}",
        remedy="Check the indentation, the brackets and the quotes there",
    )


def _bad_character(file: str, text: str, error: ReaderError) -> ConfigError:
    before = text[: error.position]
    line, column = before.count("\n") + 1, error.position - before.rfind("\n")
    return ConfigError(
        file=file,
        path="",
        line=line,
        problem=f"it is not YAML at line {line}, column {column}: the character U+{ord(text[error.position]):04X}",
        remedy="Remove the character",
    )
