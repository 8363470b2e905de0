"""What an expression is once it is parsed: a frozen tree."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple


class Source(Enum):
    """Where a field comes from."""

    PREDICTION = "prediction"
    SCORE = "score"
    FEATURE = "feature"
    SEGMENT = "segment"
    OUTCOME = "outcome"
    VALUE = "value"


AFTERWARDS: Final = frozenset({Source.OUTCOME, Source.VALUE})
"""Sources that are only known with the outcome."""
NAMED: Final = frozenset({Source.FEATURE, Source.SEGMENT, Source.VALUE})
"""Sources of many fields, each with a name of its own."""


class FieldName(NamedTuple):
    """A field that an expression reads; `name` is empty for the sources that are one field."""

    source: Source
    name: str = ""

    def __str__(self) -> str:
        return f"{self.source.value}.{self.name}" if self.name else self.source.value


class Operator(Enum):
    """What combines two operands."""

    OR = "or"
    AND = "and"
    EQUAL = "=="
    UNEQUAL = "!="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="
    PLUS = "+"
    MINUS = "-"
    TIMES = "*"
    OVER = "/"


LOGIC: Final = frozenset({Operator.OR, Operator.AND})
EQUALITY: Final = frozenset({Operator.EQUAL, Operator.UNEQUAL})
ORDER: Final = frozenset({Operator.BELOW, Operator.AT_MOST, Operator.ABOVE, Operator.AT_LEAST})
ARITHMETIC: Final = frozenset({Operator.PLUS, Operator.MINUS, Operator.TIMES, Operator.OVER})


@dataclass(frozen=True, slots=True)
class Literal:
    """A finite number, a text, or a truth value."""

    value: float | str | bool


@dataclass(frozen=True, slots=True)
class Field:
    """The value of a field."""

    name: FieldName


@dataclass(frozen=True, slots=True)
class Not:
    """True where the operand is false."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Minus:
    """The number with the other sign."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what combines them."""

    operator: Operator
    left: "Node"
    right: "Node"


Node = Literal | Field | Not | Minus | Binary


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression.

    Attributes:
        text: as it was written.
        root: its tree.
        fields: what it reads, each once, in the order of the text.
        is_truth: whether it is true or false, rather than a number; None for a lone field, which may be either.
    """

    text: str
    root: Node
    fields: tuple[FieldName, ...]
    is_truth: bool | None

    @property
    def needs_outcome(self) -> bool:
        """Whether it can be evaluated only once the outcome is known."""
        return any(name.source in AFTERWARDS for name in self.fields)
