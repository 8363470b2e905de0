"""What all mappings of the configuration file's schema have in common."""

from typing import Annotated, Final

from msgspec import Meta, Struct

_LONGEST_NAME: Final = 200

Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=_LONGEST_NAME,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        title=f"a line of 1 to {_LONGEST_NAME} characters",
    ),
]


class ContradictionError(ValueError):
    """Keys of one mapping that contradict each other; `key` is the one to blame."""

    def __init__(self, key: str, *, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.key = key
        self.problem = problem
        self.remedy = remedy


class Keys(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A mapping with known keys."""
