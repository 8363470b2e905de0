"""What an ownership file may say: every key with its type, default and meaning.

Every text ends up in a configuration whose texts are templates, so none may hold `{{`.
"""

from enum import Enum
from typing import Annotated, Final

from msgspec import Meta, field

from model_exporter.config.durations import Duration, format_duration
from model_exporter.config.keys import ContradictionError, Keys
from model_exporter.pack.receiver_schema import (
    EmailKeys,
    PagerDutyKeys,
    SlackKeys,
    TicketKeys,
    WebhookKeys,
)
from model_exporter.pack.zones import is_time_zone

ESCALATIONS: Final = {Duration(1800): "1", Duration(7200): "2", Duration(28800): "3"}
"""The label `escalation` of ModelIncidentUnresolved by the age of its incident in seconds, as the rules set it."""
QUIET_ENVIRONMENTS: Final = ("dev", "development", "test", "testing", "staging", "stage", "qa", "sandbox", "preview")
"""Environments that disturb nobody. Any other, a mistyped or unknown one too, counts as production."""
TEAM_PREFIX: Final = "team:"

Line = Annotated[str, Meta(pattern=r"^(?!.*\{\{)[^\x00-\x1f\x7f]{1,200}$", title="a line of 1 to 200 characters")]
Environment = Annotated[
    str, Meta(pattern=r"^(?!.*\{\{)[^\x00-\x1f\x7f]{1,200}$", title="the name of an environment", examples=["staging"])
]
TeamName = Annotated[str, Meta(min_length=1, title="the name of a team", examples=["ml-platform"])]
Tier = Annotated[int, Meta(ge=1, le=5)]
Time = Annotated[
    str, Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$", title='a time, such as "09:00"', examples=["09:00"])
]
Site = Annotated[str, Meta(pattern=r"^https?://(?!.*\{\{)[^\s@?#]+$", title="a web address (http:// or https://)")]
Label = Annotated[
    str, Meta(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]{0,199}$", title="the name of a label", examples=["cluster"])
]
Target = Annotated[
    str,
    Meta(
        pattern=r"^(pagerduty|slack|email|ticket|webhook|team:.+)$",
        title=f"pagerduty, slack, email, ticket, webhook or {TEAM_PREFIX}NAME",
        examples=["pagerduty"],
    ),
]


class Day(Enum):
    """A day of the week, as Alertmanager spells it."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class Quiet(Enum):
    """What a team gets from quiet environments."""

    NONE = "none"
    SLACK = "slack"


_WORKDAYS: Final = tuple(Day)[:5]


class OfficeHoursKeys(Keys, frozen=True):
    """`teams.NAME.office_hours`."""

    timezone: Annotated[
        Line,
        Meta(
            title="a time zone of the tz database",
            description="Whose clock the hours go by.",
            examples=["Europe/Paris"],
        ),
    ] = "UTC"
    days: Annotated[
        tuple[Day, ...],
        Meta(
            min_length=1,
            description="Working days; Monday to Friday without this key.",
            examples=[["monday", "tuesday"]],
        ),
    ] = _WORKDAYS
    from_: Annotated[Time, Meta(description="When they begin, in quotes.")] = field(name="from", default="09:00")
    to: Annotated[Time, Meta(description="When they end, later on the same day, in quotes.", examples=["17:00"])] = (
        "17:00"
    )

    def __post_init__(self) -> None:
        """Refuse what Alertmanager would refuse when it starts."""
        if self.to <= self.from_:
            raise ContradictionError(
                "to",
                problem=f"the hours end at {self.to}, and begin at {self.from_}",
                remedy="Let them end later on the same day; 24:00 is its end",
            )
        if not is_time_zone(self.timezone):
            raise ContradictionError(
                "timezone",
                problem=f"{self.timezone} is not a time zone",
                remedy="Write one of the tz database, such as Europe/Paris or UTC",
            )


class EscalationKeys(Keys, frozen=True):
    """`teams.NAME.escalation[]`."""

    after: Annotated[
        Duration,
        Meta(description="Age of a critical incident that is not over: 30m, 2h or 8h.", examples=["30m"]),
    ]
    to: Annotated[
        tuple[Target, ...],
        Meta(
            min_length=1,
            description="Who is told then: receivers of this team, or what another team gets when it is critical.",
            examples=[["pagerduty"]],
        ),
    ]

    def __post_init__(self) -> None:
        """Only the ages that the rules know can be waited for."""
        if self.after not in ESCALATIONS:
            known = ", ".join(map(format_duration, ESCALATIONS))
            raise ContradictionError(
                "after",
                problem=f"no alert comes after {format_duration(self.after)}",
                remedy=f"Write one of {known}, the ages at which ModelIncidentUnresolved fires",
            )


class TeamKeys(Keys, frozen=True):
    """`teams.NAME`."""

    aliases: Annotated[
        tuple[Line, ...],
        Meta(
            description="Further values of the label `owner` that mean this team.",
            examples=[["payments"]],
        ),
    ] = ()
    slack: Annotated[
        SlackKeys | None, Meta(description="Chat: what is critical, and warnings of a team without tickets.")
    ] = None
    pagerduty: Annotated[PagerDutyKeys | None, Meta(description="The pager: what is critical.")] = None
    email: Annotated[
        EmailKeys | None, Meta(description="Mail: what is critical, and warnings of a team without tickets and chat.")
    ] = None
    ticket: Annotated[TicketKeys | None, Meta(description="Where warnings become tickets.")] = None
    webhook: Annotated[WebhookKeys | None, Meta(description="Gets a copy of all that the team gets, at any hour.")] = (
        None
    )
    escalation: Annotated[
        tuple[EscalationKeys, ...],
        Meta(
            description="Who is told of a critical incident that lasts; without steps nobody is told again but by "
            "repetition.",
            examples=[[{"after": "30m", "to": ["pagerduty"]}]],
        ),
    ] = ()
    office_hours: Annotated[
        OfficeHoursKeys | None,
        Meta(description="Warnings wait for these hours, and so do pages about tiers that `pages_always` lacks."),
    ] = None
    pages_always: Annotated[
        tuple[Tier, ...],
        Meta(
            description="Tiers that page at any hour, as an unknown tier always does. Without office hours the others "
            "do not page: what is critical there goes to the chat.",
            examples=[[1]],
        ),
    ] = (1, 2)
    quiet: Annotated[Quiet, Meta(description="What quiet environments send: nothing, or messages to the chat.")] = (
        Quiet.NONE
    )

    def __post_init__(self) -> None:
        """A team has to be reachable, and by what its other keys name."""
        if not any((self.slack, self.pagerduty, self.email, self.ticket, self.webhook)):
            raise ContradictionError(
                "", problem="the team has no receiver", remedy="Add slack, pagerduty, email, ticket or webhook"
            )
        if self.quiet is Quiet.SLACK and self.slack is None:
            raise ContradictionError("quiet", problem="the team has no slack", remedy="Add slack, or write quiet: none")


class OwnersKeys(Keys, frozen=True):
    """An ownership file."""

    teams: Annotated[
        dict[str, TeamKeys],
        Meta(
            description="Teams by the name that models have in their label `owner`.",
            examples=[{"payments-ml": {"email": {"to": ["payments-ml@example.org"]}}}],
        ),
    ]
    default: Annotated[
        TeamName, Meta(description="The team that gets what nobody owns: models without an owner or of an unknown one.")
    ]
    platform: Annotated[
        TeamName | None,
        Meta(description="The team that runs the exporters; `default` without this key.", examples=["ml-platform"]),
    ] = None
    quiet_environments: Annotated[
        tuple[Environment, ...],
        Meta(
            description="Environments that disturb nobody; without this key " + ", ".join(QUIET_ENVIRONMENTS) + ". Any "
            "other, a mistyped one too, counts as production.",
            examples=[["dev", "staging"]],
        ),
    ] = QUIET_ENVIRONMENTS
    heartbeat: Annotated[
        WebhookKeys | None,
        Meta(description="Gets ModelWatchdog every five minutes, and has to raise the alarm when that stops."),
    ] = None
    dashboard_url: Annotated[
        Site | None,
        Meta(
            description="Where Grafana is; PagerDuty's incidents lead there.", examples=["https://grafana.example.org"]
        ),
    ] = None
    by: Annotated[
        tuple[Label, ...],
        Meta(
            description="Labels besides `model` that tell models of one name apart, as given to the rules.",
            examples=[["cluster"]],
        ),
    ] = ()
