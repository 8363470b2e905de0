"""What is wrong with files: counted and told, once until it is right again."""

import logging
from typing import Final

from model_exporter.telemetry import Telemetry

log = logging.getLogger(__name__)

_TOLD: Final = 1_000
"""Problems that are remembered; while there are so many, further ones are not told."""


class Reports:
    """Problems with files. One thread only.

    Args:
        telemetry: the exporter's own counters.
    """

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._told: set[tuple[str, str]] = set()

    def problem(self, reason: str, path: str, problem: str) -> None:
        """Count a problem of the file at `path` and log it, unless that was done."""
        if (reason, path) in self._told or len(self._told) >= _TOLD:
            return
        self._told.add((reason, path))
        self._telemetry.count("model_exporter_file_problems_total", reason)
        log.warning("a log file cannot be followed as it is", extra={"reason": reason, "file": path, "error": problem})

    def refused(self, path: str, limit: int) -> None:
        """Count a file that there is no room for; log the first."""
        self._telemetry.count("model_exporter_limit_hits_total", "followed_files")
        if ("limit", "") not in self._told:
            self._told.add(("limit", ""))
            log.warning(
                "a limit was hit; model_exporter_limit_hits_total counts on",
                extra={"limit": "limits.followed_files", "value": limit, "refused": path},
            )

    def is_right(self, path: str) -> None:
        """The file at `path` can be read."""
        if self._told:
            self._told = {told for told in self._told if told[1] != path}
