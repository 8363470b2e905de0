"""An ownership file, checked as a whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from model_exporter.config.convert import convert, did_you_mean, listed
from model_exporter.config.document import Node, quoted, read_document
from model_exporter.config.durations import format_duration
from model_exporter.pack.base import Base
from model_exporter.pack.owners_schema import TEAM_PREFIX, EscalationKeys, OwnersKeys, TeamKeys
from model_exporter.pack.profiles import Profile
from model_exporter.pack.receiver_schema import TicketFormat, TicketKeys, WebhookKeys
from model_exporter.pack.rules import IDENTITY, OWN

_LONGEST: Final = 200
_INSTEAD: Final = ", and the profile is 0.25"


def load_owners(path: Path, *, profile: Profile, base: Base) -> OwnersKeys:
    """What the ownership file at `path` says, which Alertmanagers of `profile` understand and `base` suffices for.

    Raises:
        ConfigError: the first mistake in it.
    """
    root = read_document(path)
    owners = convert(root, OwnersKeys)
    _check_default(owners, root)
    _check_by(owners, root)
    named: dict[str, str] = {}
    for name, team in owners.teams.items():
        node = root.find("teams", name)
        _check_name(name, node)
        _check_aliases(name, team, node, named)
        for place, step in enumerate(team.escalation):
            _check_step(owners, team, step, _items(node.find("escalation"))[place])
        _check_base(team, node, base)
        if not profile.is_current:
            _check_old(team.webhook, node.find("webhook"))
            _check_old(team.ticket, node.find("ticket"))
    if not profile.is_current:
        _check_old(owners.heartbeat, root.find("heartbeat"))
    return owners


def team_names(targets: tuple[str, ...]) -> Iterator[str]:
    """The teams among the targets of a step of escalation."""
    return (target.removeprefix(TEAM_PREFIX) for target in targets if target.startswith(TEAM_PREFIX))


def _check_default(owners: OwnersKeys, root: Node) -> None:
    if not owners.teams:
        raise root.find("teams").mistake("there is no team", "Add one, which `default` can name")
    for key, team in (("default", owners.default), ("platform", owners.platform)):
        if team is not None and team not in owners.teams:
            raise root.find(key).mistake(f"there is no team {quoted(team)}", _teams(owners, team))


def _check_by(owners: OwnersKeys, root: Node) -> None:
    """No label is among those that differ between alerts which mute each other."""
    for place, label in enumerate(owners.by):
        if label in OWN or label in IDENTITY:
            raise _items(root.find("by"))[place].mistake(
                f"{quoted(label)} has a meaning of its own in the rules", "Name a label such as cluster"
            )


def _check_name(name: str, node: Node) -> None:
    if not name.isprintable() or len(name) > _LONGEST or "{{" in name:
        raise node.mistake(
            f"{quoted(name[:_LONGEST])} cannot be the name of a team",
            f"Write at most {_LONGEST} characters that print, without {{{{",
        )


def _check_aliases(name: str, team: TeamKeys, node: Node, named: dict[str, str]) -> None:
    """Each value of the label `owner` leads to one team."""
    for place, owner in enumerate((name, *team.aliases)):
        where = _items(node.find("aliases"))[place - 1] if place else node
        if owner in named:
            raise where.mistake(
                f"{quoted(owner)} is told to be {named[owner]} as well", "Give each value of `owner` to one team"
            )
        if not owner.isprintable():
            raise where.mistake(f"{quoted(owner)} cannot be an owner", "Write characters that print")
        named[owner] = name


def _check_step(owners: OwnersKeys, team: TeamKeys, step: EscalationKeys, node: Node) -> None:
    steps = [other for other in team.escalation if other.after == step.after]
    if len(steps) > 1 and steps[-1] is step:
        raise node.find("after").mistake(
            f"there is another step after {format_duration(step.after)}", "Put the targets of both into one"
        )
    for target, where in zip(step.to, _items(node.find("to")), strict=True):
        if target.startswith(TEAM_PREFIX):
            other = target.removeprefix(TEAM_PREFIX)
            if other not in owners.teams:
                raise where.mistake(f"there is no team {quoted(other)}", _teams(owners, other))
        elif getattr(team, target) is None:
            raise where.mistake(f"the team has no {target}", f"Add {target} to the team, or name another target")


def _check_base(team: TeamKeys, node: Node, base: Base) -> None:
    if team.slack and team.slack.api_url_file is None and not base.has_slack:
        raise node.find("slack").mistake(
            "there is no file with the address of Slack's webhook",
            f"Write api_url_file here, or slack_api_url_file in global of {base.file}",
        )
    if team.email and not base.has_mail:
        raise node.find("email").mistake(
            "there is no mail server", f"Write smtp_smarthost and smtp_from in global of {base.file}"
        )


def _check_old(keys: WebhookKeys | TicketKeys | None, node: Node) -> None:
    """Refuse what 0.25 would refuse when it starts."""
    if keys is not None and keys.url_file:
        raise node.find("url_file").mistake(
            f"Alertmanager 0.25 reads no url_file{_INSTEAD}", "Write url and credentials_file, or use --profile current"
        )
    if isinstance(keys, TicketKeys) and keys.jira is not None:
        raise node.find("jira").mistake(
            f"Alertmanager 0.25 cannot write to Jira{_INSTEAD}", "Write the url of a bridge, or use --profile current"
        )
    if isinstance(keys, TicketKeys) and keys.format is TicketFormat.FIELDS:
        raise node.find("format").mistake(
            f"Alertmanager 0.25 always posts its own JSON{_INSTEAD}", "Remove the key, or use --profile current"
        )


def _items(node: Node) -> tuple[Node, ...]:
    return node.value if isinstance(node.value, tuple) else ()


def _teams(owners: OwnersKeys, name: str) -> str:
    return f"{did_you_mean(name, owners.teams)}The teams are {listed(owners.teams)}"
