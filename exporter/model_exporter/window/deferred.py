"""Work that takes long, and how it comes back to the thread that owns the state."""

from collections.abc import Callable

Ending = Callable[[], None]
"""Takes over what came of the work."""
Work = Callable[[], Ending]
"""Reads nothing that changes and changes nothing; what it found is in what it returns."""
Defer = Callable[[Work], None]
"""Have work done, somewhere and some time, and then its ending by the owner of the state, between two of its calls."""


def at_once(work: Work) -> None:
    """Do the work and what follows here and now."""
    work()()
