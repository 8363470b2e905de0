"""What Alertmanagers of different ages understand."""

from enum import Enum


class Profile(Enum):
    """The Alertmanager to render for.

    `V0_25` is that of Debian 12 and of anything newer; `CURRENT` is 0.32 and newer.
    """

    V0_25 = "0.25"
    CURRENT = "current"

    @property
    def is_current(self) -> bool:
        """Whether it has Jira, payloads and timeouts of webhooks, `url_file` and names of inhibitions."""
        return self is Profile.CURRENT
