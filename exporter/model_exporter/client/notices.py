"""What people are told of deliveries: when an outage begins, when it ends, and what is lost."""

import logging
import time
from typing import Final

log = logging.getLogger("model_exporter.client")

QUIET_SECONDS: Final = 60.0
"""Between two lines about the same."""


class Notices:
    """Lines in the log of the application, few however long the exporter is away. Used by one thread."""

    def __init__(self) -> None:
        self._away_since: float | None = None
        self._told: dict[str, float] = {}
        self._lost = 0

    def unheard(self, why: str, target: str, waiting: int) -> None:
        """The exporter could not take a batch now."""
        if self._away_since is None:
            self._away_since = time.monotonic()
            if self._may_tell("away"):
                log.warning("%s takes no records (%s); %d wait until it does", target, why, waiting)

    def heard(self) -> None:
        """The exporter gave an answer that is no request to come again."""
        if self._away_since is not None:
            if self._may_tell("back"):
                log.info("records are delivered again, after %.0f s", time.monotonic() - self._away_since)
            self._away_since = None

    def lost(self, records: int, why: str, target: str) -> None:
        """The exporter refused records for good."""
        self._lost += records
        if self._may_tell("lost"):
            log.warning("%s refused %d records: %s", target, self._lost, why)
            self._lost = 0

    def _may_tell(self, what: str) -> bool:
        now = time.monotonic()
        if now - self._told.get(what, -QUIET_SECONDS) < QUIET_SECONDS:
            return False
        self._told[what] = now
        return True
