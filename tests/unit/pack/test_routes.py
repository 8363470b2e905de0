from collections.abc import Iterator
from typing import Any

import pytest

from model_exporter.config.durations import Duration
from model_exporter.pack.integrations import Integrations
from model_exporter.pack.owners_schema import EscalationKeys, OfficeHoursKeys, OwnersKeys, Quiet, TeamKeys
from model_exporter.pack.profiles import Profile
from model_exporter.pack.receiver_schema import EmailKeys, PagerDutyKeys, SlackKeys, TicketKeys, WebhookKeys
from model_exporter.pack.routes import GROUP_BY, Reach, Routing, matcher, routing
from model_exporter.pack.yaml_text import Commented

SLACK = SlackKeys(channel="#a")
PAGER = PagerDutyKeys(routing_key_file="/k")
MAIL = EmailKeys(to=("a@example.org",))
TICKET = TicketKeys(url="https://t/")
HOOK = WebhookKeys(url="https://h/")


def _routing(*, default: TeamKeys, **keys: Any) -> Routing:  # Any: those of OwnersKeys
    return routing(OwnersKeys(teams={"a": default}, default="a", **keys), Integrations(Profile.V0_25, None))


def _routes(route: Any) -> Iterator[dict[str, Any]]:  # Any: it is YAML
    if isinstance(route, Commented):
        route = route.value
    yield route
    for child in route.get("routes", []):
        yield from _routes(child)


@pytest.mark.parametrize(
    ("team", "page", "chat", "ticket"),
    [
        (TeamKeys(slack=SLACK, pagerduty=PAGER, ticket=TICKET), ("pagerduty",), ("slack",), ("ticket",)),
        (TeamKeys(slack=SLACK, email=MAIL), (), ("slack", "email"), ("slack",)),
        (TeamKeys(email=MAIL), (), ("email",), ("email",)),
        (TeamKeys(pagerduty=PAGER), (), ("pagerduty",), ("pagerduty",)),
        (TeamKeys(pagerduty=PAGER, ticket=TICKET), (), ("pagerduty",), ("ticket",)),
        (TeamKeys(ticket=TICKET), (), ("ticket",), ("ticket",)),
        (TeamKeys(webhook=HOOK), (), ("webhook",), ("webhook",)),
        (TeamKeys(webhook=HOOK, pagerduty=PAGER), (), ("pagerduty",), ("pagerduty",)),
    ],
)
def test_what_a_team_has_is_used(team: TeamKeys, page: tuple[str], chat: tuple[str], ticket: tuple[str]) -> None:
    """What is critical always reaches somebody, and warnings take the quietest way."""
    assert Reach.of(team) == Reach(page=page, chat=chat, ticket=ticket)


def test_matchers_are_quoted() -> None:
    """Neither quotes nor the marks of regular expressions get out."""
    assert matcher("owner", ('a"b\\',)) == 'owner="a\\"b\\\\"'
    assert matcher("owner", ("a.b", "c|d")) == 'owner=~"a\\\\.b|c\\\\|d"'


def test_every_route_leads_to_a_receiver_and_every_receiver_is_used() -> None:
    """Alertmanager refuses the first, and the second would be clutter."""
    team = TeamKeys(
        slack=SLACK,
        pagerduty=PAGER,
        webhook=HOOK,
        quiet=Quiet.SLACK,
        office_hours=OfficeHoursKeys(),
        escalation=(EscalationKeys(after=Duration(1800), to=("team:a", "pagerduty")),),
    )
    built = _routing(default=team, heartbeat=HOOK)
    used = {route["receiver"] for route in _routes(built.route)}
    assert used == {receiver["name"] for receiver in built.receivers}
    assert [interval["name"] for interval in built.time_intervals] == ["a/office-hours"]
    (escalation,) = [receiver for receiver in built.receivers if receiver["name"] == "a/escalation-1"]
    assert len(list(escalation["pagerduty_configs"])) == 1  # type: ignore[call-overload]  # it is a list


def test_groups_are_incidents_and_never_features() -> None:
    """Nor by the model where the message is that nobody owns it; labels that tell clusters apart are added."""
    built = _routing(default=TeamKeys(email=MAIL), by=("cluster",))
    assert [tuple(route["group_by"]) for route in _routes(built.route) if "group_by" in route] == [
        (*GROUP_BY, "cluster"),
        ("alertname", "environment", "cluster"),
    ]


def test_no_quiet_environments_is_no_route() -> None:
    """An empty list must not match alerts that have no environment."""
    built = _routing(default=TeamKeys(email=MAIL), quiet_environments=())
    matchers = [matcher for route in _routes(built.route) for matcher in route.get("matchers", ())]
    assert not [matcher for matcher in matchers if matcher.startswith("environment")]


def test_pages_outside_of_office_hours_are_of_the_tiers_that_are_told() -> None:
    """Others wait; an unknown tier does not."""
    team = TeamKeys(slack=SLACK, pagerduty=PAGER, office_hours=OfficeHoursKeys(), pages_always=(1,))
    pages = [route for route in _routes(_routing(default=team).route) if route["receiver"] == "a/page"]
    assert {(route["matchers"][1], "active_time_intervals" in route) for route in pages} == {
        ('tier=~"|1"', False),
        ('tier!~"|1"', True),
    }


def test_a_pager_alone_waits_for_office_hours_too() -> None:
    """Where there is no chat, tiers that do not page at any hour come within the hours only."""
    team = TeamKeys(pagerduty=PAGER, office_hours=OfficeHoursKeys(), pages_always=())
    chats = [route for route in _routes(_routing(default=team).route) if route.get("repeat_interval") == "4h"]
    assert ('tier!=""', True) in {(route["matchers"][-1], "active_time_intervals" in route) for route in chats}
