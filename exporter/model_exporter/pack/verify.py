"""`pack check`: everything that can be said of the rules and the routing without a server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from model_exporter.errors import ConfigError
from model_exporter.pack.checks import Check, Finding, run_checks
from model_exporter.pack.pool import pool
from model_exporter.pack.programs import Verdict, ask
from model_exporter.pack.rulefiles import RuleFile, read_rule_file
from model_exporter.pack.rules import Profile, rule_files


class Outcome(Enum):
    """How a check went."""

    FINE = "ok"
    SKIPPED = "skipped"
    WRONG = "error"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the report.

    Attributes:
        thing: what was checked.
        detail: what holds, why it was skipped, or what is wrong and how to mend it.
    """

    outcome: Outcome
    thing: str
    detail: str

    def __str__(self) -> str:
        """The line."""
        return f"{self.outcome.value:<8}{self.thing:<24} {self.detail}"


def check_rules(folder: Path, runbooks: Path) -> Iterator[Result]:
    """Check the rule files in `folder`, in both profiles, against each other, the catalogue and their runbooks.

    Raises:
        ConfigError: there are no rule files.
        OSError: one cannot be read.
    """
    profiles = _profiles(folder)
    read: dict[Path, RuleFile] = {}
    for path in dict.fromkeys(path for paths in profiles for path in paths):
        try:
            read[path] = read_rule_file(path)
        except ConfigError as error:
            yield Result(Outcome.WRONG, path.name, str(error))
            continue
        rules = sum(len(group.rules) for group in read[path].groups)
        yield Result(
            Outcome.FINE, _short(path, folder), _count(len(read[path].groups), "group") + ", " + _count(rules, "rule")
        )
    found: dict[Check, dict[Finding, None]] = {}
    for paths in profiles:
        for check, findings in run_checks(pool((read[path] for path in paths if path in read), runbooks)):
            found.setdefault(check, {}).update(dict.fromkeys(findings))
    for check, distinct in found.items():
        yield from (Result(Outcome.WRONG, check.name, str(finding)) for finding in distinct)
        if not distinct:
            yield Result(Outcome.FINE, check.name, check.claim)
    for paths in profiles:
        yield from verdict("promtool", "check rules", ask("promtool", "check", "rules", *map(str, paths)), len(paths))


def verdict(program: str, task: str, said: Verdict, files: int) -> Iterator[Result]:
    """The lines that tell what a program said about `files` files."""
    thing = f"{program} {task}"
    if not said.installed:
        yield Result(Outcome.SKIPPED, thing, f"{program} is not on PATH")
    yield from (Result(Outcome.WRONG, thing, complaint) for complaint in said.complaints)
    if said.installed and not said.complaints:
        yield Result(Outcome.FINE, thing, _count(files, "file"))


def _profiles(folder: Path) -> list[Sequence[Path]]:
    """The files of each profile; one list where profiles do not differ."""
    small, full = rule_files(folder), rule_files(folder, Profile.FULL)
    return [small] if small == full else [small, full]


def _short(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
