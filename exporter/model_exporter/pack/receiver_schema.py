"""What an ownership file may say of receivers. A part of `pack.owners_schema`.

No key takes a secret: those stand in files that Alertmanager reads when it sends.
"""

import re
from enum import Enum
from typing import Annotated, Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Meta

from model_exporter.config.keys import ContradictionError, Keys

_SECRET_PARAMETER: Final = re.compile(
    r".*(token|secret|passw|credential|api_?key|routing_?key|service_?key).*|key|sig|signature|code", re.IGNORECASE
)
_SECRET_HOSTS: Final = re.compile(r"hooks\.slack\.com|.*\.webhook\.office\.com|discord(app)?\.com")
"""Hosts of which the address of a webhook is the secret."""

SecretFile = Annotated[
    str,
    Meta(
        pattern=r"^/(?!.*\{\{)[^\x00-\x1f\x7f]+$",
        title="the whole path of a file (Alertmanager reads others from where it was started)",
        examples=["/etc/alertmanager/secrets/name"],
    ),
]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://(?!.*\{\{)[^\s/]+(/\S*)?$",
        title="a web address (http:// or https://)",
        examples=["https://example.org/hook"],
    ),
]
Channel = Annotated[
    str, Meta(pattern=r"^[#@]?[\w.-]{1,80}$", title="a channel, such as `#payments`", examples=["#payments"])
]
Address = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`|~-]+@[A-Za-z0-9.-]+$",
        title="a mail address",
        examples=["payments@example.org"],
    ),
]
JiraText = Annotated[str, Meta(pattern=r"^(?!.*\{\{)[^\x00-\x1f\x7f]{1,200}$", title="a line of 1 to 200 characters")]


class TicketFormat(Enum):
    """What is posted for a ticket."""

    ALERTMANAGER = "alertmanager"
    FIELDS = "fields"


class SlackKeys(Keys, frozen=True):
    """`teams.NAME.slack`."""

    channel: Annotated[Channel, Meta(description="Where messages go, with its `#`, in quotes.")]
    api_url_file: Annotated[
        SecretFile | None,
        Meta(description="File with the address of the incoming webhook; the base's `slack_api_url_file` without it."),
    ] = None


class PagerDutyKeys(Keys, frozen=True):
    """`teams.NAME.pagerduty`."""

    routing_key_file: Annotated[
        SecretFile | None, Meta(description="File with the key of an Events API v2 integration.")
    ] = None
    service_key_file: Annotated[
        SecretFile | None, Meta(description="File with the key of a Prometheus integration (Events API v1).")
    ] = None

    def __post_init__(self) -> None:
        """Exactly one key."""
        if bool(self.routing_key_file) == bool(self.service_key_file):
            raise ContradictionError(
                "service_key_file" if self.service_key_file else "",
                problem="there has to be one key" if not self.service_key_file else "there are two keys",
                remedy="Write either routing_key_file (Events API v2) or service_key_file (v1)",
            )


class EmailKeys(Keys, frozen=True):
    """`teams.NAME.email`."""

    to: Annotated[
        tuple[Address, ...],
        Meta(min_length=1, description="Who gets the mail.", examples=[["payments@example.org"]]),
    ]


class WebhookKeys(Keys, frozen=True):
    """A webhook: `teams.NAME.webhook`, `heartbeat`."""

    url: Annotated[Url | None, Meta(description="Where to post Alertmanager's JSON.")] = None
    url_file: Annotated[
        SecretFile | None, Meta(description="File with that address, if it is a secret (profile current).")
    ] = None
    credentials_file: Annotated[
        SecretFile | None, Meta(description="File with a token to send as `Authorization: Bearer`.")
    ] = None

    def __post_init__(self) -> None:
        """Exactly one address, without a secret in it."""
        _check_address(self.url, self.url_file)


class JiraKeys(Keys, frozen=True):
    """`teams.NAME.ticket.jira`."""

    api_url: Annotated[
        str,
        Meta(
            pattern=r"^https?://(?!.*\{\{)[^\s/@]+(/\S*)?/rest/api/2/?$",
            title="an address that ends in /rest/api/2 (version 3 takes no plain text)",
            description="Jira's API.",
            examples=["https://example.atlassian.net/rest/api/2"],
        ),
    ]
    project: Annotated[JiraText, Meta(description="Key of the project.", examples=["MLOPS"])]
    issue_type: Annotated[JiraText, Meta(description="Type of the issues.")] = "Task"
    username: Annotated[
        JiraText | None, Meta(description="User, with `password_file`: Jira Cloud.", examples=["bot@example.org"])
    ] = None
    password_file: Annotated[SecretFile | None, Meta(description="File with the password or API token.")] = None
    credentials_file: Annotated[
        SecretFile | None, Meta(description="File with a personal access token: Jira Data Center.")
    ] = None
    labels: Annotated[tuple[JiraText, ...], Meta(description="Labels of the issues.", examples=[["model"]])] = ()
    resolve_transition: Annotated[
        JiraText | None, Meta(description="Transition when the alert is over.", examples=["Done"])
    ] = None
    reopen_transition: Annotated[
        JiraText | None, Meta(description="Transition when it is back within three days.", examples=["Reopen"])
    ] = None

    def __post_init__(self) -> None:
        """One way to sign in."""
        if bool(self.username) != bool(self.password_file):
            raise ContradictionError(
                "username" if self.username else "password_file",
                problem="username and password_file belong together",
                remedy="Write both, or credentials_file",
            )
        if self.credentials_file and self.username:
            raise ContradictionError(
                "credentials_file", problem="there are two ways to sign in", remedy="Keep one of them"
            )


class TicketKeys(Keys, frozen=True):
    """`teams.NAME.ticket`."""

    url: Annotated[Url | None, Meta(description="Where to post, such as the webhook of a bridge to ServiceNow.")] = None
    url_file: Annotated[
        SecretFile | None, Meta(description="File with that address, if it is a secret (profile current).")
    ] = None
    credentials_file: Annotated[
        SecretFile | None, Meta(description="File with a token to send as `Authorization: Bearer`.")
    ] = None
    format: Annotated[
        TicketFormat,
        Meta(
            description="What to post: Alertmanager's JSON, or a flat object with title, description and a key to "
            "recognise repetitions by (profile current)."
        ),
    ] = TicketFormat.ALERTMANAGER
    jira: Annotated[JiraKeys | None, Meta(description="Issues in Jira, without a bridge (profile current).")] = None

    def __post_init__(self) -> None:
        """Either a webhook or Jira."""
        if self.jira is None:
            _check_address(self.url, self.url_file)
        elif self.url or self.url_file or self.credentials_file or self.format is not TicketFormat.ALERTMANAGER:
            raise ContradictionError(
                "jira", problem="jira needs no other key beside it", remedy="Keep jira, or url and its keys"
            )


def _check_address(url: str | None, url_file: str | None) -> None:
    if bool(url) == bool(url_file):
        raise ContradictionError(
            "url_file" if url else "",
            problem="there are two addresses" if url else "there is no address",
            remedy="Write either url or url_file",
        )
    if url and holds_secret(url):
        raise ContradictionError(
            "url",
            problem="the address seems to hold a secret",  # which is not repeated here
            remedy="Put the token into a file and name it in credentials_file, or the whole address into url_file",
        )


def holds_secret(url: str) -> bool:
    """Whether `url` has a user or a password, a parameter that is named like a secret, or is one as a whole."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False  # Alertmanager tells
    return (
        (bool(parts.scheme) and "@" in parts.netloc)
        or any(_SECRET_PARAMETER.fullmatch(name) for name, _ in parse_qsl(parts.query))
        or bool(_SECRET_HOSTS.fullmatch(parts.netloc))
    )
