"""What calls of one version of a language model used, and which spans tell of the same call."""

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import TOKENS, ModelCalls
from model_exporter.window.duplicates import RecentKeys
from model_exporter.window.snapshot import CallsSnapshot
from model_exporter.window.traffic import BoundedCounts, Durations

MAX_FINISH_REASONS = 10
"""Reasons to finish of one version that have a series of their own."""


class CallCounts:
    """Tokens, times to the first token and reasons to finish, of one version."""

    def __init__(self) -> None:
        self._tokens = np.zeros(len(TOKENS), np.int64)
        self._told = np.zeros(len(TOKENS), np.bool_)
        self._metered = 0
        self._first_token: Durations | None = None
        self._finish_reasons = BoundedCounts(MAX_FINISH_REASONS)

    def add(self, calls: ModelCalls) -> int:
        """Count `calls`; returns how many found no room for their reason to finish."""
        told = np.isfinite(calls.tokens)
        self._tokens += np.where(told, calls.tokens, 0.0).sum(axis=0).astype(np.int64)
        self._told |= told.any(axis=0)
        self._metered += int(np.count_nonzero(told.any(axis=1)))
        known = calls.first_token_seconds[np.isfinite(calls.first_token_seconds)]
        if len(known):
            self._first_token = self._first_token or Durations()
            self._first_token.add(known)
        before = self._finish_reasons.overflowed
        self._finish_reasons.add(calls.finish_reasons)
        return self._finish_reasons.overflowed - before

    def snapshot(self) -> CallsSnapshot:
        """A copy that does not change."""
        told = zip(TOKENS, self._tokens.tolist(), self._told.tolist(), strict=True)
        return CallsSnapshot(
            tokens=tuple((kind, count) for kind, count, is_told in told if is_told),
            metered=self._metered,
            first_token=self._first_token.snapshot() if self._first_token else None,
            finish_reasons=self._finish_reasons.snapshot(),
        )


class NestedCalls:
    """Tells calls apart from the spans around them that tell of the same call.

    When a framework and the library that it calls are both traced, one call is two spans, the one in the other. The
    inner one counts. It ends first and mostly comes first; where the outer one has been counted already, as when
    another process serves the inner one, that remains the one. Of spans side by side with the same answer the first
    one counts.

    Args:
        limit: spans remembered; beyond it the oldest are forgotten.
    """

    def __init__(self, limit: int) -> None:
        self._around = RecentKeys(limit)
        self._answers = RecentKeys(limit)

    def resize(self, limit: int) -> None:
        """Take over a new limit."""
        self._around.resize(limit)
        self._answers.resize(limit)

    def announce(self, calls: ModelCalls, counted: RecentKeys) -> None:
        """Take note of the spans around `calls`, but those that have been counted, before any of them is."""
        around = calls.within
        self._around.first_seen(around[~counted.has(around)])

    def inner(self, fresh: NDArray[np.bool_], keys: NDArray[np.int64], calls: ModelCalls) -> NDArray[np.bool_]:
        """Mask bool[n] of the calls that count, out of those under the mask `fresh`.

        These are around no other, within none that was counted, and have an answer that no other had.
        """
        within_none_counted = self._around.has(calls.within) | np.equal(calls.within, 0)
        inner = fresh & within_none_counted & ~self._around.has(keys)
        return inner & self._answers.first_seen(np.where(inner, calls.answers, 0))
