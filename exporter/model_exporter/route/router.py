"""Models by name, and by the service that hosts them."""

from collections.abc import Collection
from typing import Final

MAX_SERVICES: Final = 10_000
"""Services whose models are remembered; beyond it the first one is forgotten, until its next log."""


class Router:
    """Decides the model of a record and bounds the number of models.

    Spans seldom name a model; prediction logs of the same service do. A service that has told of exactly one model
    lends that name to its nameless records; any other service stands for a model of its own.

    Args:
        limit: how many models there may be; configured ones always fit.
        configured: names that are admitted whatever the limit.
    """

    def __init__(self, *, limit: int, configured: Collection[str]) -> None:
        self._limit = limit
        self._configured = frozenset(configured)
        self._admitted: set[str] = set(configured)
        self._models_of: dict[str, set[str]] = {}

    def route(self, *, model: str, service: str) -> str | None:
        """Name of the model that a record belongs to, or None when there is no room for another model."""
        if not model:
            known = self._models_of.get(service, ())
            model = next(iter(known)) if len(known) == 1 else service
            return self._admit(model)
        admitted = self._admit(model)
        if admitted and service:
            self._models_of.setdefault(service, set()).add(admitted)
            if len(self._models_of) > MAX_SERVICES:
                del self._models_of[next(iter(self._models_of))]
        return admitted

    def forget(self, model: str) -> None:
        """Make room: `model` has expired."""
        if model in self._configured:
            return
        self._admitted.discard(model)
        for service, models in list(self._models_of.items()):
            models.discard(model)
            if not models:
                del self._models_of[service]

    def configure(self, *, limit: int, configured: Collection[str]) -> None:
        """Take over a new configuration; models already admitted stay."""
        self._limit = limit
        self._configured = frozenset(configured)
        self._admitted |= self._configured

    @property
    def models(self) -> int:
        """Models admitted now."""
        return len(self._admitted)

    def _admit(self, model: str) -> str | None:
        if model not in self._admitted:
            if len(self._admitted) >= self._limit:
                return None
            self._admitted.add(model)
        return model
