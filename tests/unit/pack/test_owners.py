from pathlib import Path

import pytest

from model_exporter.config.reference import all_keys, keys_text
from model_exporter.config.shape import Key
from model_exporter.errors import ConfigError
from model_exporter.pack.base import Base
from model_exporter.pack.owners import load_owners
from model_exporter.pack.owners_schema import QUIET_ENVIRONMENTS, Day, OwnersKeys
from model_exporter.pack.profiles import Profile

BASE = Base(
    "base.yml",
    settings={"smtp_smarthost": "mail:25", "smtp_from": "a@b", "slack_api_url_file": "/secrets/slack"},
)
TEAM = "teams: {a: {email: {to: [a@example.org]}}}\ndefault: a\n"
_KEYS = dict(all_keys(OwnersKeys))
_PAGER = "pagerduty: {routing_key_file: /k}"
# An ownership file, or the keys of team `a`; where the mistake is; words of the problem; words of the remedy.
MISTAKES = [
    ("teams: {}\ndefault: a", "teams", "there is no team", "Add one"),
    ("default: a", "", "the key teams is missing", "payments-ml"),
    ("teams: {a: {email: {to: [a@b]}}}", "", "the key default is missing", "default: ml-platform"),
    (TEAM.replace("default: a", "default: b"), "default", 'there is no team "b"', "The teams are a"),
    (TEAM + "platform: aa", "platform", 'there is no team "aa"', "Did you mean a?"),
    (TEAM + "quite_environments: [dev]", "quite_environments", "no such key", "Did you mean quiet_environments?"),
    (TEAM + "heartbeat: {}", "heartbeat", "there is no address", "either url or url_file"),
    (TEAM + "heartbeat: {url: 'https://u:p@h/x'}", "heartbeat.url", "hold a secret", "credentials_file"),
    (TEAM + "heartbeat: {url: 'https://h/x?api_key=1'}", "heartbeat.url", "hold a secret", "credentials_file"),
    (TEAM + "heartbeat: {url: 'https://hooks.slack.com/services/T/B/X'}", "heartbeat.url", "hold a secret", "url_file"),
    (TEAM + "heartbeat: {url_file: /x}", "heartbeat.url_file", "0.25 reads no url_file", "--profile current"),
    (TEAM + "dashboard_url: grafana", "dashboard_url", "not a web address", "https://grafana"),
    (TEAM + "by: [a-b]", "by[0]", "not the name of a label", "cluster"),
    (TEAM + "by: [cluster, severity]", "by[1]", "a meaning of its own", "cluster"),
    (TEAM + "by: [model]", "by[0]", "a meaning of its own", "cluster"),
    ("teams: {'a{{b': {email: {to: [a@b]}}}\ndefault: a", "default", "there is no team", "The teams are"),
    ("teams: {'a{{b': {email: {to: [a@b]}}}\ndefault: 'a{{b'", 'teams["a{{b"]', "cannot be the name", "without {{"),
    ("", "teams.a", "the team has no receiver", "Add slack"),
    ("aliases: [x]", "teams.a", "the team has no receiver", "Add slack"),
    ("slack: {channel: '#a', api_url: https://x}", "teams.a.slack.api_url", "no such key", "api_url_file"),
    ("slack: {}", "teams.a.slack", "the key channel is missing", "#payments"),
    ("slack: {channel: 'a b'}", "teams.a.slack.channel", "not a channel", "#payments"),
    ("slack: {channel: '{{ .x }}'}", "teams.a.slack.channel", "not a channel", "#payments"),
    ("slack: {channel: a, api_url_file: slack}", "teams.a.slack.api_url_file", "not the whole path", "/etc"),
    ("pagerduty: {}", "teams.a.pagerduty", "there has to be one key", "routing_key_file"),
    ("pagerduty: {routing_key: x}", "teams.a.pagerduty.routing_key", "no such key", "routing_key_file"),
    (
        "pagerduty: {routing_key_file: /a, service_key_file: /b}",
        "teams.a.pagerduty.service_key_file",
        "two keys",
        "either routing_key_file",
    ),
    ("email: {to: []}", "teams.a.email.to", "the list is empty", "payments@example.org"),
    ("email: {to: a@example.org}", "teams.a.email.to", "not a list", "payments@example.org"),
    ("email: {to: [nobody]}", "teams.a.email.to[0]", "not a mail address", "payments@example.org"),
    ("email: {to: ['a@b, c@d']}", "teams.a.email.to[0]", "not a mail address", "payments@example.org"),
    ("ticket: {}", "teams.a.ticket", "there is no address", "url or url_file"),
    ("ticket: {url: 'ftp://x'}", "teams.a.ticket.url", "not a web address", "https://example.org/hook"),
    ("ticket: {url: https://x, format: fields}", "teams.a.ticket.format", "its own JSON", "--profile current"),
    (
        "ticket: {jira: {api_url: 'https://j/rest/api/2', project: X}}",
        "teams.a.ticket.jira",
        "cannot write to Jira",
        "--profile current",
    ),
    (
        "ticket: {url: https://x, jira: {api_url: 'https://j/rest/api/2', project: X}}",
        "teams.a.ticket.jira",
        "no other key",
        "Keep jira",
    ),
    (
        "ticket: {jira: {api_url: 'https://j/rest/api/3', project: X}}",
        "teams.a.ticket.jira.api_url",
        "ends in /rest/api/2",
        "https://example.atlassian.net/rest/api/2",
    ),
    (
        "ticket: {jira: {api_url: 'https://j/rest/api/2', project: X, username: u}}",
        "teams.a.ticket.jira.username",
        "belong together",
        "Write both",
    ),
    ("webhook: {url: https://x, url_file: /x}", "teams.a.webhook.url_file", "two addresses", "either url"),
    (f"{_PAGER}\n    quiet: slack", "teams.a.quiet", "the team has no slack", "quiet: none"),
    (f"{_PAGER}\n    quiet: sleck", "teams.a.quiet", "not one of none, slack", "Did you mean slack?"),
    (f"{_PAGER}\n    pages_always: [0]", "teams.a.pages_always[0]", "from 1 to 5", "Write"),
    (f"{_PAGER}\n    escalation: [{{after: 1h, to: [pagerduty]}}]", "teams.a.escalation[0].after", "1h", "30m, 2h, 8h"),
    (f"{_PAGER}\n    escalation: [{{after: 2h, to: [slack]}}]", "teams.a.escalation[0].to[0]", "no slack", "Add slack"),
    (f"{_PAGER}\n    escalation: [{{after: 2h, to: [sms]}}]", "teams.a.escalation[0].to[0]", '"sms"', "pagerduty"),
    (
        f"{_PAGER}\n    escalation: [{{after: 2h, to: ['team:aa']}}]",
        "teams.a.escalation[0].to[0]",
        'no team "aa"',
        "Did you mean a?",
    ),
    (
        f"{_PAGER}\n    escalation: [{{after: 2h, to: [pagerduty]}}, {{after: 120m, to: ['team:a']}}]",
        "teams.a.escalation[1].after",
        "another step after 2h",
        "into one",
    ),
    (f"{_PAGER}\n    office_hours: {{to: '08:00'}}", "teams.a.office_hours.to", "end at 08:00", "24:00"),
    (f"{_PAGER}\n    office_hours: {{to: 17:00}}", "teams.a.office_hours.to", "not a time", '"17:00"'),
    (f"{_PAGER}\n    office_hours: {{timezone: Mars}}", "teams.a.office_hours.timezone", "Mars is not", "Europe/Paris"),
    (f"{_PAGER}\n    office_hours: {{days: [mon]}}", "teams.a.office_hours.days[0]", '"mon"', "monday"),
    (f"{_PAGER}\n    aliases: [a]", "teams.a.aliases[0]", "told to be a as well", "one team"),
]


def _load(folder: Path, text: str, *, base: Base = BASE, profile: Profile = Profile.V0_25) -> OwnersKeys:
    file = folder / "owners.yml"
    file.write_text(text, "utf-8")
    return load_owners(file, profile=profile, base=base)


def _document(text: str) -> str:
    """`text` as a file, or within team `a` of one."""
    whole = "teams:" in text or "default:" in text
    return text if whole else f"default: a\nteams:\n  a:\n    {text}\n"


@pytest.mark.parametrize(("text", "path", "problem", "remedy"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_remedy(
    tmp_path: Path, text: str, path: str, problem: str, remedy: str
) -> None:
    """File, line, path, what is wrong, what to write."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, _document(text))
    assert caught.value.path == path
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy
    assert caught.value.line is not None


@pytest.mark.parametrize("url", ["https://user:hunter2@h/x", "https://h/x?token=hunter2"])
def test_a_secret_is_not_repeated(tmp_path: Path, url: str) -> None:
    """The message would stand in the log of a build."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, _document(f"webhook: {{url: '{url}'}}"))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("team", "path", "remedy"),
    [("slack: {channel: a}", "teams.a.slack", "slack_api_url_file"), ("email: {to: [a@b]}", "teams.a.email", "smtp_")],
)
def test_what_the_base_has_to_bring_is_told(tmp_path: Path, team: str, path: str, remedy: str) -> None:
    """Alertmanager would not start, or find no address when it sends."""
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, _document(team), base=Base("other.yml"))
    assert caught.value.path == path
    assert remedy in caught.value.remedy
    assert "other.yml" in caught.value.remedy


def test_the_defaults() -> None:
    """What a team without further keys has."""
    team = OwnersKeys(teams={}, default="a")
    assert team.quiet_environments == QUIET_ENVIRONMENTS
    assert "production" not in QUIET_ENVIRONMENTS


def test_hours_are_read_with_their_python_names(tmp_path: Path) -> None:
    """`from` is a word of Python, and a key of the file."""
    owners = _load(tmp_path, _document(f"{_PAGER}\n    office_hours: {{from: '08:30', to: '24:00', days: [sunday]}}"))
    hours = owners.teams["a"].office_hours
    assert hours is not None
    assert (hours.from_, hours.to, hours.days, hours.timezone) == ("08:30", "24:00", (Day.SUNDAY,), "UTC")


def test_a_current_alertmanager_may_have_more(tmp_path: Path) -> None:
    """What 0.25 does not know is allowed in the profile that does."""
    text = _document("ticket: {jira: {api_url: 'https://j/rest/api/2', project: X}}\n    webhook: {url_file: /x}")
    assert _load(tmp_path, text, profile=Profile.CURRENT).teams["a"].webhook is not None


@pytest.mark.parametrize("key", _KEYS.values(), ids=list(_KEYS))
def test_every_key_is_documented(key: Key) -> None:
    """A description is one or more sentences."""
    assert key.description.endswith(".")
    assert key.description[0].isupper()


def test_the_reference_has_every_key_and_fits_a_terminal() -> None:
    """Each key begins a line with its whole path, those within lists too."""
    lines = keys_text(OwnersKeys).splitlines()
    assert {path for path in _KEYS if not any(line.startswith(f"{path}: ") for line in lines)} == set()
    assert "teams.NAME.escalation[].after" in _KEYS
    assert max(map(len, lines)) <= 100
