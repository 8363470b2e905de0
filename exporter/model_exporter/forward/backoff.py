"""How long to wait before the next attempt."""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double, with chance in them, so that a fleet does not come back as one.

    Attributes:
        first_seconds: the longest wait after the first failure.
        most_seconds: the longest of all.
    """

    first_seconds: float = 1.0
    most_seconds: float = 30.0

    def wait_seconds(self, failures: int, chance: Random) -> float:
        """The wait after `failures`, at least 1, in a row: between half of the longest and the longest."""
        longest = min(self.most_seconds, self.first_seconds * 2.0 ** min(failures - 1, 32))
        return longest * chance.uniform(0.5, 1.0)
