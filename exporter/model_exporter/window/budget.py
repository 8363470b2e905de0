"""Bounds shared by all models."""


class Budget:
    """A number of things that may exist at once: series, held values."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    @property
    def left(self) -> int:
        """What may still be taken; never negative, even after the limit was lowered."""
        return max(0, self.limit - self.used)

    def take(self, amount: int) -> bool:
        """Reserve `amount`, or nothing when it does not fit."""
        if amount > self.left:
            return False
        self.used += amount
        return True

    def give_back(self, amount: int) -> None:
        """Return what was reserved; a negative amount reserves without asking."""
        self.used -= amount
