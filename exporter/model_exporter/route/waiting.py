"""Spans that came before it was known whose they are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Final

from model_exporter.batch import Batch, UpstreamBatch

Spans = Batch | UpstreamBatch

WAIT_SECONDS: Final = 10.0
"""Unless told otherwise SDKs send logs every second and spans every five."""


@dataclass(slots=True)
class _Held:
    """Spans of one service, and when their wait is over."""

    until: float
    spans: list[Spans] = field(default_factory=list)


class EarlySpans:
    """The first spans of each service wait until it has logged a prediction, or for `WAIT_SECONDS`.

    A service that logs its predictions and is traced as well tells of each of them twice, and its spans seldom name
    the model. Logs and spans travel apart, so that the first spans may well overtake the first logs; counted at once,
    they would make the same predictions count twice, as those of a model named after the service. Spans of a service
    without a name, and those there is no room for, do not wait.

    Args:
        rows: spans that may wait, of all services together.
        services: services remembered as known; beyond it the first one is forgotten, and its spans wait anew.
    """

    def __init__(self, *, rows: int, services: int) -> None:
        self._limit_rows = rows
        self._limit_services = services
        self._rows = 0
        self._held: dict[str, _Held] = {}
        self._known: dict[str, None] = {}  # in the order they became known

    def hear_logs(self, service: str) -> None:
        """Take note that `service` logs its predictions."""
        self._know(service)

    def let_pass(self, arrived: Iterable[Spans], now: float) -> list[Spans]:
        """Keep those of `arrived` that must wait; returns the others, after those whose wait is over at `now`."""
        passing = self._release(now)
        for spans in arrived:
            service, rows = spans.service, len(spans.keys)
            if not service or service in self._known or self._rows + rows > self._limit_rows:
                passing.append(spans)
                continue
            self._rows += rows
            self._held.setdefault(service, _Held(now + WAIT_SECONDS)).spans.append(spans)
        return passing

    def let_all_pass(self) -> list[Spans]:
        """Everything that waits."""
        return self._release(inf)

    def _release(self, now: float) -> list[Spans]:
        over = [service for service, held in self._held.items() if held.until <= now or service in self._known]
        released = [spans for service in over for spans in self._held.pop(service).spans]
        for service in over:
            self._know(service)
        self._rows -= sum(len(spans.keys) for spans in released)
        return released

    def _know(self, service: str) -> None:
        self._known[service] = None
        if len(self._known) > self._limit_services:
            del self._known[next(iter(self._known))]
