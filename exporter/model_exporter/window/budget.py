"""Bounds shared by all models."""


class Budget:
    """A number of things that may exist at once: series, held values. `name` is that of the limit."""

    def __init__(self, limit: int, name: str) -> None:
        self.limit = limit
        self.name = name
        self.used = 0

    @property
    def binding(self) -> str:
        """Name of the limit that leaves the least."""
        return self.name

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


class Part(Budget):
    """What one model takes of the budget of all models, under a limit of its own."""

    def __init__(self, whole: Budget, limit: int, name: str) -> None:
        super().__init__(limit, name)
        self._whole = whole

    @property
    def left(self) -> int:
        """What may still be taken, of its own and of the whole; never negative."""
        return min(super().left, self._whole.left)

    @property
    def binding(self) -> str:
        """Name of the limit that leaves the least; the whole's when both leave as much."""
        return self.name if super().left < self._whole.left else self._whole.binding

    def take(self, amount: int) -> bool:
        """Reserve `amount` of both, or nothing when it does not fit one of them."""
        if not super().take(amount):
            return False
        self._whole.used += amount
        return True

    def give_back(self, amount: int) -> None:
        """Return to both what was reserved; a negative amount reserves without asking."""
        super().give_back(amount)
        self._whole.give_back(amount)
