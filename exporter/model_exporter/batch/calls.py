"""What calls of language models tell beside their latency and their errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch.columns import Words

TOKENS: Final = ("input", "output", "cached", "reasoning")
"""Kinds of tokens that a call tells of: those of the prompt and of the answer; of the first, those that came from a
cache; of the second, those that nobody sees."""


class Call(NamedTuple):
    """One call.

    Attributes:
        tokens: by `TOKENS`; NaN where the call does not tell.
        first_token_seconds: from the request to the first part of the answer; NaN where unknown.
        finish_reason: why the model stopped; empty where unknown.
        within: the key of the span around this one; 0 without one. See `ModelCalls`.
        answer: the key of the answer; 0 without one.
    """

    tokens: tuple[float, float, float, float] = (nan, nan, nan, nan)
    first_token_seconds: float = nan
    finish_reason: str = ""
    within: int = 0
    answer: int = 0


NO_CALL: Final = Call()


@dataclass(frozen=True, slots=True)
class ModelCalls:
    """What the n rows of a batch used. It holds no text of prompts and answers.

    Attributes:
        tokens: float64[n, len(TOKENS)], NaN where a row does not tell.
        first_token_seconds: float64[n], NaN where unknown.
        finish_reasons: of the rows that tell one.
        within: int64[n], the key of the span around the row's, 0 without one. When that is a row as well, both tell of
            the same call: a framework and the library that it calls are traced.
        answers: int64[n], what an answer is recognised by, 0 where nothing does. Rows with the same one tell of the
            same call, too: not every framework has its span around those of the library.
    """

    tokens: NDArray[np.float64]
    first_token_seconds: NDArray[np.float64]
    finish_reasons: Words
    within: NDArray[np.int64]
    answers: NDArray[np.int64]

    @classmethod
    def of(cls, calls: Sequence[Call]) -> Self:
        """The columns of `calls`."""
        return cls(
            np.array([call.tokens for call in calls], np.float64).reshape(-1, len(TOKENS)),
            np.array([call.first_token_seconds for call in calls], np.float64),
            Words.from_texts([call.finish_reason for call in calls]),
            np.array([call.within for call in calls], np.int64),
            np.array([call.answer for call in calls], np.int64),
        )
