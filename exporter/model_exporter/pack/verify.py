"""`pack check`: everything that can be said of the rules and the routing without a server."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from model_exporter.errors import ConfigError
from model_exporter.pack.alertmanager import render, write_templates
from model_exporter.pack.checks import Check, Finding, run_checks
from model_exporter.pack.pool import pool
from model_exporter.pack.profiles import Profile as Routing
from model_exporter.pack.programs import Verdict, ask, program_version
from model_exporter.pack.rulefiles import RuleFile, read_rule_file
from model_exporter.pack.rules import Profile, rule_files

_CURRENT: Final = (0, 32)
"""The first Alertmanager that takes everything that the current profile renders."""


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
        return f"{self.outcome.value:<8}{self.thing:<28} {self.detail}"


def check_rules(folder: Path, runbooks: Path, by: tuple[str, ...] = ()) -> Iterator[Result]:
    """Check the rule files in `folder`, in both profiles, against each other, the catalogue and their runbooks.

    Args:
        folder: where the rule files are.
        runbooks: where their runbooks are.
        by: the labels that they were rendered with.

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
        for check, findings in run_checks(pool((read[path] for path in paths if path in read), runbooks, by)):
            found.setdefault(check, {}).update(dict.fromkeys(findings))
    for check, distinct in found.items():
        yield from (Result(Outcome.WRONG, check.name, str(finding)) for finding in distinct)
        if not distinct:
            yield Result(Outcome.FINE, check.name, check.claim)
    for profile, paths in zip(Profile, profiles, strict=False):
        said = ask("promtool", "check", "rules", *map(str, paths))
        task = f"check rules {profile.value}" if len(profiles) > 1 else "check rules"
        yield from verdict("promtool", task, said, len(paths))


def check_routing(owners: Path, base: Path | None) -> Iterator[Result]:
    """Check the ownership file and what is rendered from it, for each age of Alertmanager that it is written for.

    Raises:
        OSError: a file cannot be read.
    """
    refused: dict[Routing, ConfigError] = {}
    for profile in Routing:
        try:
            text = render(owners, base, profile)
        except ConfigError as error:
            refused[profile] = error
            continue
        yield Result(Outcome.FINE, owners.name, f"renders for Alertmanager {profile.value}")
        yield from _amtool(text, profile)
    outcome = Outcome.WRONG if len(refused) == len(Routing) else Outcome.SKIPPED
    told = {str(error): f"for Alertmanager {profile.value}: {error}" for profile, error in refused.items()}
    yield from (Result(outcome, owners.name, line) for line in told.values())


def _amtool(text: str, profile: Routing) -> Iterator[Result]:
    """What amtool says of a rendered configuration; one that is older than the profile is not asked."""
    task = f"check-config {profile.value}"
    version = program_version("amtool")
    if profile.is_current and version is not None and version < _CURRENT:
        yield Result(
            Outcome.SKIPPED, f"amtool {task}", f"amtool is of version {version[0]}.{version[1]}, which is too old"
        )
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "alertmanager.yml"
        file.write_text(text, "utf-8")
        write_templates(file.parent)
        yield from verdict("amtool", task, ask("amtool", "check-config", str(file)), 1)


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
