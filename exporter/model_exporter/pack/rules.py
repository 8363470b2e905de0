"""Renders the shipped rule files: the same text, comments and all, with a site's addresses and labels in it."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from model_exporter.errors import ConfigError
from model_exporter.expose.catalogue import CATALOGUE
from model_exporter.pack.rulefiles import RuleFile, Text, parse_rule_file, read_rule_file

RUNBOOKS: Final = "https://runbooks.example.org/model_exporter"
"""Base of the runbooks' addresses in the files."""
DASHBOARDS: Final = "https://grafana.example.org"
"""Base of the dashboards' addresses in the files."""
IDENTITY: Final = ("model", "job", "instance")
"""Labels that say whose a series is. A clause that keeps one of them begins with it, and added labels go before it."""
ADDED: Final = frozenset(
    {
        *("alertname", "component", "severity", "le"),
        *("category", "signal", "level", "cause", "evidence", "escalation", "reason", "slo"),
        *("ago", "both", "burn", "cut", "state", "what", "when"),  # within an expression only
    }
)
"""Labels that the rules and Prometheus add to those of the exporter."""
OWN: Final = ADDED.union(*(metric.labels for metric in CATALOGUE)) - {*IDENTITY}
"""Labels that already mean something in the rules, so that they cannot tell models apart."""

_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_RESOURCE: Final = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
_KUBERNETES_KEY: Final = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_KUBERNETES_VALUE: Final = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_CLAUSE: Final = re.compile(rf"(?<![\w:])(by|on)(\s*\(\s*)(?=(?:{'|'.join(IDENTITY)})\b)")
_ACTION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_PRINTF: Final = re.compile(r"""printf(\s+)("(?:[^"\\]|\\.)*"|`[^`]*`)""")
_VERB: Final = re.compile(r"%%|%[-+# 0-9.]*[a-zA-Z]")
_SELECTS_MODEL: Final = re.compile(r"""(?<!\w)model=(?:\\?")?$""")
_ARGUMENT: Final = re.compile(r"""\s+("(?:[^"\\]|\\.)*"|`[^`]*`|[^\s"`|(){}]+)""")


class Profile(Enum):
    """How much is recorded."""

    SMALL = "small"
    FULL = "full"


class Format(Enum):
    """Who loads the rules."""

    PROMETHEUS = "prometheus"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Site:
    """What a site changes in the rules.

    Attributes:
        by: labels besides `model` that tell models apart, such as `cluster`.
        runbooks: base of the runbooks' addresses.
        dashboards: base of the dashboards' addresses.
    """

    by: tuple[str, ...] = ()
    runbooks: str = RUNBOOKS
    dashboards: str = DASHBOARDS

    def __post_init__(self) -> None:
        for label in self.by:
            if not _LABEL.fullmatch(label):
                raise _misuse("--by", f"{label!r} is no label name", "Name a label such as cluster")
            if label in IDENTITY or self.by.count(label) > 1:
                raise _misuse("--by", f"{label} is kept already", "Leave it out")
            if label in OWN or label.startswith("__"):
                raise _misuse("--by", f"{label} has a meaning of its own here", "Name a label such as cluster")
        for flag, base in (("--runbook-url", self.runbooks), ("--dashboard-url", self.dashboards)):
            parts = urlsplit(base)
            if parts.scheme not in {"http", "https"} or not parts.netloc or re.search(r"[\s\"'{}<>\\]", base):
                raise _misuse(flag, f"{base!r} is no address", "Write one such as https://example.org/runbooks")


@dataclass(frozen=True, slots=True)
class Resource:
    """Metadata of PrometheusRule resources.

    Attributes:
        namespace: where they go; empty for that of the context.
        labels: what the operator selects rules by.
    """

    namespace: str = ""
    labels: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.namespace and not _RESOURCE.fullmatch(self.namespace):
            raise _misuse("--namespace", f"{self.namespace!r} is no name of a namespace", "Use small letters")
        for key, value in (self.labels or {}).items():
            if not _KUBERNETES_KEY.fullmatch(key) or not _KUBERNETES_VALUE.fullmatch(value):
                raise _misuse(
                    "--label", f"{key}={value} is no label of Kubernetes", "Write one such as release=monitoring"
                )


def rule_files(folder: Path, profile: Profile = Profile.SMALL) -> list[Path]:
    """The rule files of `folder` in the order of their names; those of `full/` take the place of their namesakes.

    Raises:
        ConfigError: there are none.
    """
    files = {path.name: path for path in sorted(folder.glob("*.yml"))}
    if profile is Profile.FULL:
        files |= {path.name: path for path in sorted((folder / "full").glob("*.yml"))}
    if not files:
        raise ConfigError(
            file=str(folder), path="", problem="has no rule files", remedy="Name a folder with files such as alerts.yml"
        )
    return [files[name] for name in sorted(files)]


def render(path: Path, site: Site) -> RuleFile:
    """The rules of the file at `path`, for `site`.

    Raises:
        ConfigError: it is no rule file.
        OSError: it cannot be read.
    """
    file = read_rule_file(path)
    text = file.text
    edits = {place.start: (place, edit) for place, edit in _edits(file, site)}  # aliases lead to one place
    for _, (place, edit) in sorted(edits.items(), reverse=True):
        text = text[: place.start] + _edited(place, text[place.start : place.end], edit) + text[place.end :]
    return parse_rule_file(text, path)


def twins(folder: Path, files: Sequence[RuleFile]) -> list[Path]:
    """Other rule files in `folder` with a group of `files`, as an earlier release or a copy leaves them behind."""
    written = {file.path.name for file in files}
    groups = {group.name for file in files for group in file.groups}
    found = []
    for path in sorted({*folder.glob("*.yml"), *folder.glob("*.yaml")}):
        if path.name in written:
            continue
        try:
            other = read_rule_file(path)
        except (ConfigError, OSError):
            continue  # not ours, whatever it is
        if not groups.isdisjoint(group.name for group in other.groups):
            found.append(path)
    return found


def prometheus(file: RuleFile) -> str:
    """A file for `rule_files` of Prometheus, Thanos Ruler or mimirtool."""
    return _ended(file.text)


def operator(file: RuleFile, resource: Resource) -> str:
    """A PrometheusRule resource for the operator of Prometheus, comments included."""
    head = [
        "apiVersion: monitoring.coreos.com/v1",
        "kind: PrometheusRule",
        "metadata:",
        f"  name: model-exporter-{file.path.stem.lower().replace('_', '-')}",
        *([f"  namespace: {_quoted(resource.namespace)}"] if resource.namespace else []),
        "  labels:",
        *(f"    {key}: {_quoted(value)}" for key, value in _labels(resource).items()),
        "spec:",
    ]
    body = (f"  {line}" if line.strip() else "" for line in _document(file.text).splitlines())
    return "\n".join([*head, *body]) + "\n"


def joined(files: Sequence[RuleFile]) -> str:
    """All files as one, for a pipe: one list of groups, comments included."""
    lines = ["groups:"]
    for file in files:
        body = (line for line in _document(file.text).splitlines() if not re.fullmatch(r"groups:\s*(#.*)?", line))
        lines += [_shifted(line, 2 - file.column) for line in body]
    return "\n".join(lines) + "\n"


def _shifted(line: str, by: int) -> str:
    """A line of a group, moved to the right; what is no part of a group stays."""
    if not line.startswith((" ", "-")):
        return line
    return " " * by + line if by > 0 else line[-by:]


def _labels(resource: Resource) -> dict[str, str]:
    return {"app.kubernetes.io/name": "model-exporter", **(resource.labels or {})}


def _quoted(value: str) -> str:
    return json.dumps(value)


def _document(text: str) -> str:
    """`text` without the marks of a YAML document's start and end."""
    return _ended("\n".join(line for line in text.splitlines() if line.rstrip() not in {"---", "..."}))


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"


def _edits(file: RuleFile, site: Site) -> Iterator[tuple[Text, Callable[[str], str]]]:
    """The texts of the file to edit, each with how."""
    for _, rule in file.rules:
        yield rule.expr, lambda source: _with_labels(source, site.by)
        yield from ((text, lambda source: _annotation(source, site)) for text in rule.annotations.values())


def _edited(place: Text, source: str, edit: Callable[[str], str]) -> str:
    """The source of a scalar after `edit`; one in double quotes is edited as what it means and quoted again."""
    if not place.quoted:
        return edit(source)
    changed = edit(place.value)
    return source if changed == place.value else json.dumps(changed, ensure_ascii=False)


def _with_labels(expression: str, labels: Sequence[str]) -> str:
    """`expression` with `labels` in every clause that keeps what a series belongs to.

    >>> _with_labels("sum by (model, version) (x) * on (model) group_left (owner) y", ["cluster"])
    'sum by (cluster, model, version) (x) * on (cluster, model) group_left (owner) y'
    """
    return _CLAUSE.sub(lambda found: f"{found[1]}{found[2]}{''.join(f'{label}, ' for label in labels)}", expression)


def _annotation(text: str, site: Site) -> str:
    """An annotation with the site's addresses, whose queries select the added labels of the alert as well."""
    text = text.replace(RUNBOOKS, site.runbooks.rstrip("/")).replace(DASHBOARDS, site.dashboards.rstrip("/"))
    if not site.by:
        return text
    variables = "".join(f"var-{label}={{{{ $labels.{label} | urlquery }}}}&" for label in site.by)
    text = re.sub(r"(?<=[?&])(?=var-model=)", lambda _: variables, text)
    return _ACTION.sub(lambda action: _query(_with_labels(action[0], site.by), site.by), text)


def _query(action: str, labels: Sequence[str]) -> str:
    """A template's action whose `printf` of a query that selects a model selects the alert's other labels too.

    >>> _query('{{ with printf "x{model=%q}" $labels.model | query }}', ["cluster"])
    '{{ with printf "x{cluster=%q,model=%q}" $labels.cluster $labels.model | query }}'
    """
    parts, place = [], 0
    for call in _PRINTF.finditer(action):
        end, arguments = _arguments(action, call.end())
        text, values = _selecting(call[2], arguments, labels)
        parts += [action[place : call.start()], f"printf{call[1]}{text}", *values]
        place = end
    return "".join([*parts, action[place:]])


def _selecting(text: str, arguments: list[str], labels: Sequence[str]) -> tuple[str, list[str]]:
    """A format of queries and its arguments, with `labels` selected wherever `model` is.

    The last argument may come through a pipe; those added before it are in their places all the same.
    """
    values = list(arguments)
    parts, place, verb, added = [], 0, 0, 0
    for found in _VERB.finditer(text):
        if found[0] == "%%":
            continue
        selects = _SELECTS_MODEL.search(text, 0, found.start())
        if selects:
            parts += [text[place : selects.start()], "".join(f"{label}=%q," for label in labels)]
            place = selects.start()
            values[verb + added : verb + added] = [f" $labels.{label}" for label in labels]
            added += len(labels)
        verb += 1
    return "".join([*parts, text[place:]]), values


def _arguments(action: str, place: int) -> tuple[int, list[str]]:
    """Where the arguments that begin at `place` end, and each with the white space before it."""
    arguments = []
    while True:
        start = place
        while place < len(action) and action[place].isspace():
            place += 1
        if place > start and action[place : place + 1] == "(":
            place = _closed(action, place)
            arguments.append(action[start:place])
            continue
        found = _ARGUMENT.match(action, start)
        if found is None:
            return start, arguments
        place = found.end()
        arguments.append(found[0])


def _closed(action: str, place: int) -> int:
    """Behind the parenthesis that closes the one at `place`."""
    depth = 0
    for found in re.compile(r"""[()]|"(?:[^"\\]|\\.)*"|`[^`]*`""").finditer(action, place):
        depth += (found[0] == "(") - (found[0] == ")")
        if depth == 0:
            return found.end()
    return len(action)


def _misuse(flag: str, problem: str, remedy: str) -> ConfigError:
    return ConfigError(file=flag, path="", problem=problem, remedy=remedy)
