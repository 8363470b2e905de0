"""The tree of routes, from an ownership file.

Every alert reaches one leaf, and at most two more that come before it and let it go on: a team's webhook and its pager.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from model_exporter.pack.base import Tree
from model_exporter.pack.integrations import Integrations
from model_exporter.pack.owners import team_names
from model_exporter.pack.owners_schema import (
    ESCALATIONS,
    TEAM_PREFIX,
    EscalationKeys,
    OfficeHoursKeys,
    OwnersKeys,
    Quiet,
    TeamKeys,
)
from model_exporter.pack.yaml_text import Commented

NULL: Final = "null"
"""The receiver that sends nothing."""
HEARTBEAT: Final = "heartbeat"
GROUP_BY: Final = ("alertname", "model", "environment")
"""One message for each of these: never one for each feature."""
_CRITICAL: Final = 'severity="critical"'
_WARNING: Final = 'severity="warning"'
_REPEAT_CRITICAL: Final = "4h"
_MEMBERS: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")


@dataclass(frozen=True, slots=True)
class Routing:
    """The tree, and what it leads to."""

    route: Tree
    receivers: tuple[Tree, ...]
    time_intervals: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a team uses for what.

    Attributes:
        page: kinds for what is critical and must wake somebody; empty when there is no pager beside the chat.
        chat: kinds for everything that is critical.
        ticket: kinds for warnings.
    """

    page: tuple[str, ...]
    chat: tuple[str, ...]
    ticket: tuple[str, ...]

    @classmethod
    def of(cls, team: TeamKeys) -> "Reach":
        """Everything that is there for what is critical; for warnings the quietest."""
        messages = tuple(kind for kind in ("slack", "email") if getattr(team, kind) is not None)
        chat = messages or _first(team, "pagerduty", "ticket", "webhook")
        page = _first(team, "pagerduty") if chat != ("pagerduty",) else ()
        return cls(page=page, chat=chat, ticket=_first(team, "ticket", "slack", "email", "pagerduty", "webhook"))


def matcher(label: str, values: tuple[str, ...]) -> str:
    """A matcher for any of `values`."""
    if len(values) == 1:
        return f'{label}="{_quoted(values[0])}"'
    either = "|".join(_MEMBERS.sub(r"\\\1", value) for value in values)
    return f'{label}=~"{_quoted(either)}"'


def routing(owners: OwnersKeys, integrations: Integrations) -> Routing:
    """The tree for `owners`, its receivers written by `integrations`."""
    tree = _Tree(owners, integrations)
    route = tree.root()
    hours: tuple[Tree, ...] = tuple(
        {"name": _hours_name(name), "time_intervals": [_interval(team.office_hours)]}
        for name, team in owners.teams.items()
        if team.office_hours
    )
    return Routing(route=route, receivers=tuple(tree.receivers.values()), time_intervals=hours)


class _Tree:
    """Builds routes, and the receivers that they name."""

    def __init__(self, owners: OwnersKeys, integrations: Integrations) -> None:
        self._owners = owners
        self._integrations = integrations
        self.receivers: dict[str, Tree] = {NULL: {"name": NULL}}

    def root(self) -> Tree:
        """The route of everything about models; what nothing below it takes goes to the default team's chat."""
        owners = self._owners
        return {
            "receiver": self._receiver(owners.default, owners.teams[owners.default], "chat"),
            "group_by": [*GROUP_BY, *owners.by],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": list(self._branches()),
        }

    def _branches(self) -> Iterator[Commented]:
        teams, default = self._owners.teams, self._owners.default
        platform = self._owners.platform or default
        yield Commented(
            "The alert that always fires: whoever misses it knows that alerting is broken", self._watchdog()
        )
        silent: Tree = {"receiver": NULL, "matchers": ['severity=~"info|none"']}
        yield Commented("Single symptoms are there for whoever looks; only what correlates is sent", silent)
        yield from self._quiet()
        exporters = self._team(platform, teams[platform], ['component="model_exporter"'])
        yield Commented("The exporters themselves, and Prometheus's rules about them", exporters)
        for name, team in teams.items():
            yield Commented(f"Models of {name}", self._team(name, team, [_owner(name, team)]))
        yield Commented("That nobody owns them is one ticket, however many models there are", self._unowned())
        yield Commented("Other alerts of models that nobody owns", self._team(default, teams[default], []))

    def _watchdog(self) -> Tree:
        route: Tree = {"receiver": NULL, "matchers": ['alertname="ModelWatchdog"']}
        heartbeat = self._owners.heartbeat
        if heartbeat is not None:
            entry = self._integrations.webhook(heartbeat, send_resolved=False)
            self.receivers[HEARTBEAT] = {"name": HEARTBEAT, "webhook_configs": [entry]}
            route |= {"receiver": HEARTBEAT, "group_wait": "0s", "group_interval": "1m", "repeat_interval": "5m"}
        return route

    def _quiet(self) -> Iterator[Commented]:
        environments = self._owners.quiet_environments
        if not environments:
            return
        route: Tree = {"receiver": NULL, "matchers": [matcher("environment", environments)]}
        asking = {name: team for name, team in self._owners.teams.items() if team.quiet is Quiet.SLACK}
        if asking:
            route["routes"] = [
                {
                    "receiver": self._receiver(name, team, "quiet"),
                    "matchers": [_owner(name, team), 'alertname!="ModelIncidentUnresolved"'],
                }
                for name, team in asking.items()
            ]
        yield Commented("Environments that disturb nobody", route)

    def _unowned(self) -> Tree:
        name = self._owners.default
        team = self._owners.teams[name]
        ticket = {"receiver": self._receiver(name, team, "ticket")} | _hours(name, team)
        route = ticket | {
            "matchers": ['alertname="ModelUnowned"'],
            "group_by": ["alertname", "environment", *self._owners.by],
        }
        copies = list(self._copies(name, team))
        return route | {"routes": [*copies, ticket]} if copies else route

    def _team(self, name: str, team: TeamKeys, matchers: list[str]) -> Tree:
        """The route of one team; a severity that nobody knows goes to its chat."""
        routes = [*self._copies(name, team), *self._escalations(name, team), *self._severities(name, team)]
        route: Tree = {"receiver": self._receiver(name, team, "chat")}
        if matchers:
            route["matchers"] = matchers
        return route | {"routes": routes}

    def _copies(self, name: str, team: TeamKeys) -> Iterator[Tree]:
        if team.webhook is not None and Reach.of(team).chat != ("webhook",):
            yield {"receiver": self._receiver(name, team, "webhook"), "continue": True}

    def _escalations(self, name: str, team: TeamKeys) -> Iterator[Tree]:
        for step in team.escalation:
            label = ESCALATIONS[step.after]
            yield {
                "receiver": self._escalation_receiver(team, step, f"{name}/escalation-{label}"),
                "matchers": ['alertname="ModelIncidentUnresolved"', f'escalation="{label}"'],
                "repeat_interval": _REPEAT_CRITICAL,
            }
        yield {"receiver": NULL, "matchers": ['alertname="ModelIncidentUnresolved"']}

    def _severities(self, name: str, team: TeamKeys) -> Iterator[Tree]:
        reach, hours = Reach.of(team), _hours(name, team)
        always = matcher("tier", ("", *map(str, team.pages_always)))
        if reach.page:
            page = self._receiver(name, team, "page")
            yield _critical(page, always) | {"continue": True}
            if hours:
                yield _critical(page, _other(always)) | {"continue": True} | hours
        chat = self._receiver(name, team, "chat")
        if hours and reach.chat == ("pagerduty",):
            yield _critical(chat, _other(always)) | hours
        yield _critical(chat)
        yield {"receiver": self._receiver(name, team, "ticket"), "matchers": [_WARNING]} | hours

    def _receiver(self, name: str, team: TeamKeys, use: str) -> str:
        kinds = {"quiet": ("slack",), "webhook": ("webhook",)}.get(use) or getattr(Reach.of(team), use)
        full = f"{name}/{use}"
        self.receivers.setdefault(full, self._integrations.receiver(full, ((team, kind) for kind in kinds)))
        return full

    def _escalation_receiver(self, team: TeamKeys, step: EscalationKeys, full: str) -> str:
        wanted = [(team, target) for target in step.to if not target.startswith(TEAM_PREFIX)]
        for other in map(self._owners.teams.__getitem__, team_names(step.to)):
            reach = Reach.of(other)
            wanted += [(other, kind) for kind in (*reach.page, *reach.chat)]
        self.receivers.setdefault(full, self._integrations.receiver(full, wanted))
        return full


def _owner(name: str, team: TeamKeys) -> str:
    return matcher("owner", (name, *team.aliases))


def _first(team: TeamKeys, *kinds: str) -> tuple[str, ...]:
    return tuple(kind for kind in kinds if getattr(team, kind) is not None)[:1]


def _critical(receiver: str, *tiers: str) -> Tree:
    return {"receiver": receiver, "matchers": [_CRITICAL, *tiers], "repeat_interval": _REPEAT_CRITICAL}


def _other(positive: str) -> str:
    """The matcher of everything that `positive`, one of regular expressions, does not match."""
    return positive.replace("=~", "!~", 1) if "=~" in positive else positive.replace("=", "!=", 1)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _hours(name: str, team: TeamKeys) -> Tree:
    return {"active_time_intervals": [_hours_name(name)]} if team.office_hours else {}


def _hours_name(name: str) -> str:
    return f"{name}/office-hours"


def _interval(hours: OfficeHoursKeys | None) -> Tree:
    if hours is None:
        return {}
    return {
        "times": [{"start_time": hours.from_, "end_time": hours.to}],
        "weekdays": [day.value for day in hours.days],
        "location": hours.timezone,
    }
