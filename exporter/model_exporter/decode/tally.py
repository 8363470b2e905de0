"""What became of the records and values of one request that were not simply kept."""

from collections import Counter
from typing import Final

from model_exporter.decode.decoded import Rejection

_MAX_MESSAGE: Final = 300


class RecordError(Exception):
    """One record is refused; the rest of its request is not touched.

    Attributes:
        reason: one of a small fixed set of words, safe as a label value.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Tally:
    """Counts of one request. Rejections keep the first message of each reason as an example."""

    def __init__(self) -> None:
        self._ignored: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._rejected: Counter[str] = Counter()
        self._messages: dict[str, str] = {}

    def ignore(self, reason: str, records: int = 1) -> None:
        """Count records that are not about predictions."""
        self._ignored[reason] += records

    def drop(self, reason: str, values: int = 1) -> None:
        """Count values left out of a record that is kept."""
        self._dropped[reason] += values

    def reject(self, reason: str, message: str, *, where: str = "") -> None:
        """Count a refused record. `where` tells its sender which one it was."""
        self._rejected[reason] += 1
        if reason not in self._messages:
            text = f"{where}: {message}" if where else message
            self._messages[reason] = text if len(text) <= _MAX_MESSAGE else f"{text[:_MAX_MESSAGE]}..."

    @property
    def rejections(self) -> tuple[Rejection, ...]:
        """Refused records by reason, in the order first seen."""
        return tuple(Rejection(reason, count, self._messages[reason]) for reason, count in self._rejected.items())

    @property
    def ignored(self) -> dict[str, int] | None:
        """Ignored records by reason."""
        return dict(self._ignored) or None

    @property
    def dropped(self) -> dict[str, int] | None:
        """Dropped values by reason."""
        return dict(self._dropped) or None
