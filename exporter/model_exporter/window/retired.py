"""Versions of a model that went silent while their outcomes are still to come."""

from collections.abc import Iterator
from dataclasses import replace

from model_exporter.window.kept import KeptVersion
from model_exporter.window.truth import Truth


class Retired:
    """Silent versions of which only the performance is left, each until no outcome of its predictions can come.

    Args:
        truth: of the model; it holds their performance.
    """

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._versions: dict[str, KeptVersion] = {}

    def __len__(self) -> int:
        """How many there are."""
        return len(self._versions)

    def __iter__(self) -> Iterator[KeptVersion]:
        """What is kept of each, but for its performance."""
        return iter(self._versions.values())

    def __contains__(self, version: str) -> bool:
        """Whether it is one of them."""
        return version in self._versions

    def take(self, kept: KeptVersion, now: float) -> None:
        """Take over a version whose outcomes may still come; of any other nothing is left."""
        if self._truth.awaits(kept.version, now):
            self._versions[kept.version] = replace(
                kept, sums=b"", awaited_until=None, performance_drift=(), estimates=b""
            )
        else:
            self._truth.drop(kept.version)

    def give_back(self, version: str) -> None:
        """Let go of a version that predicts again; its performance goes on."""
        self._versions.pop(version, None)

    def drop_oldest(self) -> str:
        """Forget the version that was silent the longest, and its performance; returns its name."""
        oldest = min(self._versions, key=lambda name: self._versions[name].last_seen)
        self._drop(oldest)
        return oldest

    def expire(self, now: float) -> list[str]:
        """Forget the versions that no outcome can come of any more; returns their names."""
        over = [name for name in self._versions if not self._truth.awaits(name, now)]
        for name in over:
            self._drop(name)
        return over

    def clear(self) -> None:
        """Forget all of them, and their performance."""
        for name in list(self._versions):
            self._drop(name)

    def _drop(self, version: str) -> None:
        del self._versions[version]
        self._truth.drop(version)
