"""Prometheus rule files, read with the place of every text in them, so that they can be checked and edited in place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml

from model_exporter.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Text:
    """A scalar of a file.

    Attributes:
        value: what YAML makes of it.
        start: where its source begins in the file's text.
        end: where its source ends.
        quoted: whether it is in double quotes, so that its source has escapes.
    """

    value: str
    start: int
    end: int
    quoted: bool = False


NOTHING: Final = Text("", 0, 0)


@dataclass(frozen=True, slots=True)
class Rule:
    """A recording or alerting rule; what it does not say is empty.

    Attributes:
        line: where it begins in the file, from 1.
        unknown: keys that no rule has.
    """

    line: int
    record: str = ""
    alert: str = ""
    expr: Text = NOTHING
    for_: str = ""
    keep_firing_for: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, Text] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name of the series or of the alert."""
        return self.record or self.alert


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rules, evaluated one after the other."""

    name: str
    line: int
    rules: tuple[Rule, ...]
    interval: str = ""
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A rule file.

    Attributes:
        path: where it was read from.
        text: its source.
        column: how far its groups are indented, in characters.
    """

    path: Path
    text: str
    groups: tuple[Group, ...]
    column: int = 0

    @property
    def rules(self) -> Iterator[tuple[Group, Rule]]:
        """Every rule with its group."""
        return ((group, rule) for group in self.groups for rule in group.rules)


_GROUP_KEYS: Final = {"name", "interval", "rules", "limit", "query_offset", "labels", "partial_response_strategy"}
_RULE_KEYS: Final = {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}


def read_rule_file(path: Path) -> RuleFile:
    """The rules of a file.

    Raises:
        ConfigError: it is no YAML, or has not the shape of a rule file.
        OSError: it cannot be read.
    """
    return parse_rule_file(path.read_text("utf-8"), path)


def parse_rule_file(text: str, path: Path) -> RuleFile:
    """The rules in `text`; `path` is for messages.

    Raises:
        ConfigError: it is no YAML, or has not the shape of a rule file.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", error))
        raise _mistake(path, mark.line + 1 if mark else None, "", f"is no YAML: {problem}", "Mend it") from None
    reader = _Reader(path)
    top = reader.mapping(root, "")
    if set(top) != {"groups"}:
        raise reader.mistake(root, "", "has other keys than groups", "Write `groups:` and below it a list of groups")
    groups = tuple(reader.group(node) for node in reader.sequence(top["groups"], "groups"))
    return RuleFile(path, text, groups, top["groups"].start_mark.column)


class _Reader:
    """YAML nodes of one file to its rules; every mistake names the file and the line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mistake(self, node: yaml.Node | None, where: str, problem: str, remedy: str) -> ConfigError:
        """What is wrong at `node`."""
        return _mistake(self._path, node.start_mark.line + 1 if node else None, where, problem, remedy)

    def mapping(self, node: yaml.Node | None, where: str) -> dict[str, yaml.Node]:
        """The values of a mapping by key."""
        if not isinstance(node, yaml.MappingNode):
            raise self.mistake(node, where, "is no mapping", "Write keys with values")
        values: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if key.value in values:
                raise self.mistake(key, where, f"has {key.value} twice", "Keep one of them")
            values[key.value] = value
        return values

    def sequence(self, node: yaml.Node, where: str) -> list[yaml.Node]:
        """The items of a list."""
        if not isinstance(node, yaml.SequenceNode):
            raise self.mistake(node, where, "is no list", "Write a list")
        return list(node.value)

    def text(self, node: yaml.Node | None, where: str) -> Text:
        """A scalar; nothing for None."""
        if node is None:
            return NOTHING
        if not isinstance(node, yaml.ScalarNode):
            raise self.mistake(node, where, "is no text", "Write one value")
        return Text(str(node.value), node.start_mark.index, node.end_mark.index, node.style == '"')

    def texts(self, node: yaml.Node | None, where: str) -> dict[str, Text]:
        """A mapping of scalars; empty for None."""
        values = self.mapping(node, where) if node is not None else {}
        return {key: self.text(value, f"{where}.{key}") for key, value in values.items()}

    def group(self, node: yaml.Node) -> Group:
        """A group with its rules."""
        values = self.mapping(node, "group")
        name = self.text(values.get("name"), "group.name").value
        if not name or "rules" not in values:
            raise self.mistake(node, name or "group", "lacks name or rules", "Give the group both")
        return Group(
            name=name,
            line=node.start_mark.line + 1,
            rules=tuple(self.rule(rule, name) for rule in self.sequence(values["rules"], name)),
            interval=self.text(values.get("interval"), f"{name}.interval").value,
            unknown=tuple(sorted(values.keys() - _GROUP_KEYS)),
        )

    def rule(self, node: yaml.Node, group: str) -> Rule:
        """One rule."""
        values = self.mapping(node, group)

        def text(key: str) -> Text:
            return self.text(values.get(key), f"{group}.{key}")

        if ("record" in values) == ("alert" in values) or not text("expr").value.strip():
            raise self.mistake(node, group, "has a rule without a name or an expr", "Give it expr, and record or alert")
        return Rule(
            line=node.start_mark.line + 1,
            record=text("record").value,
            alert=text("alert").value,
            expr=text("expr"),
            for_=text("for").value,
            keep_firing_for=text("keep_firing_for").value,
            labels={key: value.value for key, value in self.texts(values.get("labels"), f"{group}.labels").items()},
            annotations=self.texts(values.get("annotations"), f"{group}.annotations"),
            unknown=tuple(sorted(values.keys() - _RULE_KEYS)),
        )


def _mistake(path: Path, line: int | None, where: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(file=str(path), line=line, path=where, problem=problem, remedy=remedy)
