"""The receivers of a team, as Alertmanager writes them.

What a message says stands in the templates; here it is only named.
"""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from model_exporter.pack.base import Tree
from model_exporter.pack.owners_schema import TeamKeys
from model_exporter.pack.profiles import Profile
from model_exporter.pack.receiver_schema import (
    JiraKeys,
    PagerDutyKeys,
    SlackKeys,
    TicketFormat,
    TicketKeys,
    WebhookKeys,
)

_K = TypeVar("_K")
_TIMEOUT: Final = "10s"
_REOPEN: Final = "72h"


class Integrations:
    """Writes what a team's keys say for one profile.

    Args:
        profile: the Alertmanager.
        dashboard_url: where Grafana is; None when it is not told.
    """

    def __init__(self, profile: Profile, dashboard_url: str | None) -> None:
        self._profile = profile
        self._dashboard_url = dashboard_url
        self._writers: dict[str, Callable[[TeamKeys], tuple[str, Tree]]] = {
            "pagerduty": lambda team: ("pagerduty_configs", self._pagerduty(_there(team.pagerduty))),
            "slack": lambda team: ("slack_configs", self._slack(_there(team.slack))),
            "email": lambda team: ("email_configs", _email(_there(team.email).to)),
            "ticket": lambda team: self._ticket(_there(team.ticket)),
            "webhook": lambda team: ("webhook_configs", self.webhook(_there(team.webhook))),
        }

    def receiver(self, name: str, wanted: Iterable[tuple[TeamKeys, str]]) -> Tree:
        """The receiver `name` that sends to each kind of each team in `wanted`, once."""
        receiver: dict[str, object] = {"name": name}
        for team, kind in wanted:
            key, written = self._writers[kind](team)
            entries = receiver.setdefault(key, [])
            if isinstance(entries, list) and written not in entries:
                entries.append(written)
        return receiver

    def webhook(self, keys: WebhookKeys | TicketKeys, *, send_resolved: bool = True) -> Tree:
        """An entry of `webhook_configs`."""
        entry: Tree = {"url": keys.url} if keys.url else {"url_file": keys.url_file}
        if not send_resolved:
            entry["send_resolved"] = False
        if self._profile.is_current:
            entry["timeout"] = _TIMEOUT
        if keys.credentials_file:
            entry["http_config"] = {"authorization": {"credentials_file": keys.credentials_file}}
        return entry

    def _slack(self, keys: SlackKeys) -> Tree:
        entry: Tree = {"api_url_file": keys.api_url_file} if keys.api_url_file else {}
        entry |= {
            "channel": keys.channel,
            "send_resolved": True,
            "username": "model_exporter",
            "color": _template("slack.color"),
            "title": _template("slack.title"),
            "title_link": _template("slack.title_link"),
            "text": _template("slack.text"),
            "fallback": _template("slack.fallback"),
            "footer": _template("slack.footer"),
            "mrkdwn_in": ["text"],
        }
        if self._profile.is_current:
            entry["timeout"] = _TIMEOUT
        return entry

    def _pagerduty(self, keys: PagerDutyKeys) -> Tree:
        key = "routing_key_file" if keys.routing_key_file else "service_key_file"
        entry: Tree = {
            key: keys.routing_key_file or keys.service_key_file,
            "client": "model_exporter",
            "client_url": _template("pagerduty.url")
            if self._dashboard_url is None
            else f"{self._dashboard_url.rstrip('/')}/d/model-incidents",
            "description": _template("pagerduty.summary"),
            "severity": _template("pagerduty.severity"),
            "class": _template("pagerduty.class"),
            "component": _template("pagerduty.component"),
            "group": _template("pagerduty.group"),
            "details": {
                name: _template(f"pagerduty.{name}")
                for name in ("owner", "cause", "version", "firing", "resolved", "silence")
            },
            "links": [
                {"href": _template("pagerduty.runbook"), "text": "Runbook"},
                {"href": _template("pagerduty.model_runbook"), "text": "Runbook of the model"},
                {"href": _template("pagerduty.dashboard"), "text": "Dashboard"},
            ],
        }
        if self._profile.is_current:
            entry["timeout"] = _TIMEOUT
        return entry

    def _ticket(self, keys: TicketKeys) -> tuple[str, Tree]:
        if keys.jira is not None:
            return "jira_configs", _jira(keys.jira)
        entry = self.webhook(keys)
        if keys.format is TicketFormat.FIELDS:
            entry["payload"] = {
                name: _template(f"ticket.{name}")
                for name in ("key", "status", "title", "description", "severity", "owner", "model", "environment")
            }
        return "webhook_configs", entry


def _jira(keys: JiraKeys) -> Tree:
    entry: Tree = {
        "api_url": keys.api_url,
        "project": keys.project,
        "issue_type": keys.issue_type,
        "summary": _template("ticket.title"),
        "description": _template("ticket.jira"),
    }
    if keys.labels:
        entry["labels"] = list(keys.labels)
    if keys.resolve_transition:
        entry["resolve_transition"] = keys.resolve_transition
    if keys.reopen_transition:
        entry |= {"reopen_transition": keys.reopen_transition, "reopen_duration": _REOPEN}
    if keys.username:
        entry["http_config"] = {"basic_auth": {"username": keys.username, "password_file": keys.password_file}}
    elif keys.credentials_file:
        entry["http_config"] = {"authorization": {"credentials_file": keys.credentials_file}}
    return entry


def _email(to: Iterable[str]) -> Tree:
    return {
        "to": ", ".join(to),
        "send_resolved": True,
        "headers": {"subject": _template("email.subject")},
        "html": _template("email.html"),
        "text": _template("email.text"),
    }


def _template(name: str) -> str:
    return f'{{{{ template "model_exporter.{name}" . }}}}'


def _there(keys: _K | None) -> _K:
    if keys is None:
        raise LookupError("a receiver that the team does not have")  # refused when the file was read
    return keys
