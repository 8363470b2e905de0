"""How large a share of its predictions a model may keep.

A share is a power of 1/2, and the sample of a smaller share is part of that of a larger one. When the store is full,
the model that takes most of it halves its share. What it holds outside of the new sample is deleted, so that all that
is left of a prediction's time was kept with the probability of the new share, whatever the share was when it came: it
stands for 1/share predictions. When the store is less than `_ROOMY` full, the model with the smallest share doubles it
for the predictions to come; what is there keeps its share. As one doubling can at most double the load, a store below
the mark cannot be filled by it, and the next doubling waits until a quarter of the model's wait has shown its effect.

An outcome that was joined before its prediction's share was halved has been counted for one prediction, and those that
are joined later for 1/share: the sum of both has the right mean. So has that of a correction, which takes back as much
as it adds.
"""

from dataclasses import dataclass
from typing import Final

_ROOMY: Final = 0.4
_PATIENCE: Final = 0.25
"""Part of a model's wait between two changes upwards."""


@dataclass(frozen=True, slots=True)
class Share:
    """What share of a model's predictions is kept, and since when.

    Attributes:
        rate: in (0, 1].
        since: unix seconds of its last change.
    """

    rate: float = 1.0
    since: float = 0.0

    def halved(self, now: float) -> "Share":
        """Half of it, from `now` on."""
        return Share(self.rate / 2, now)

    def doubled(self, now: float) -> "Share":
        """Twice as much, from `now` on."""
        return Share(min(1.0, self.rate * 2), now)

    def may_rise(self, now: float, *, wait: float, fullness: float) -> bool:
        """Whether it may be doubled.

        Args:
            now: unix seconds.
            wait: of the model, in seconds.
            fullness: of the store, 1 where it is full.
        """
        return self.rate < 1 and fullness < _ROOMY and now - self.since >= _PATIENCE * wait
