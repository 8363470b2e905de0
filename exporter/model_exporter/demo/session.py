"""The phases of the demo: send traffic, look at the exporter, show what it says, and judge it in the end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from threading import Event
from typing import TYPE_CHECKING, Final

from model_exporter.demo import findings, outcome_findings
from model_exporter.demo.processes import Child, ProcessError, fetch
from model_exporter.demo.scrape import Scrape
from model_exporter.demo.screen import LatelyView, PerformanceView, Screen, View

if TYPE_CHECKING:
    from model_exporter.demo.service import Service

_TICK_SECONDS: Final = 0.05
_LOOK_EVERY_SECONDS: Final = 1.0
_SETTLE_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the phases may last, seconds; None is until Ctrl-C."""

    learning: float | None
    steady: float
    shifted: float
    recovered: float
    relabelled: float | None


BRIEF: Final = Plan(learning=40.0, steady=20.0, shifted=45.0, recovered=30.0, relabelled=45.0)
LASTING: Final = Plan(learning=None, steady=20.0, shifted=45.0, recovered=30.0, relabelled=None)


class _Phase(Enum):
    """What inputs and truth are like."""

    LEARNING = "normal traffic, from which the exporter learns a baseline"
    STEADY = "normal traffic"
    SHIFTED = "shifted traffic: texture x 1.3, smoothness x 0.85, symmetry missing from 20 % of the requests"
    RECOVERED = "normal traffic again"
    RELABELLED = "normal traffic, another truth: a new pathologist calls cells of high texture malignant"


@dataclass(frozen=True, slots=True)
class _Noted:
    """What was seen along the way, for the judgement in the end."""

    quiet: findings.Finding
    agreed: findings.Finding
    drifted: findings.Finding
    named: findings.Finding
    performance: PerformanceView


class Session:
    """One run of the demo, once everything is started.

    Args:
        exporter: the process, watched for a sudden end.
        web: the port of its metrics.
        service: what sends.
        screen: what shows.
        rate: predictions a second.
        ended: set when the user has had enough.
    """

    def __init__(
        self, exporter: Child, web: int, service: "Service", screen: Screen, *, rate: float, ended: Event
    ) -> None:
        self._exporter = exporter
        self._web = web
        self._service = service
        self._screen = screen
        self._rate = rate
        self._ended = ended
        self._started = time.monotonic()
        self._lately = outcome_findings.Lately()
        self._gained: LatelyView | None = None

    def run(self, plan: Plan, *, shift: bool) -> int:
        """Go through the phases and return the exit code.

        Raises:
            ProcessError: the exporter ended, or no baseline was learned in time.
        """
        learned = self._send(_Phase.LEARNING, seconds=plan.learning, until=self._has_baseline)
        if not learned and not self._ended.is_set():
            raise ProcessError(f"no baseline was learned in {plan.learning:g} s; a higher --rate may help")
        self._send(_Phase.STEADY, seconds=plan.steady)
        page = self._scrape()
        quiet, agreed = self._quiet(page), self._agrees(page)
        brief = plan.relabelled is not None
        drifts = self._shows_drift if brief else None
        self._send(_Phase.SHIFTED if shift else _Phase.STEADY, seconds=plan.shifted, until=drifts)
        page = self._scrape()
        drifted, named = self._drift(page), self._named(page)
        if shift:
            self._send(_Phase.RECOVERED, seconds=plan.recovered)
        noted = _Noted(quiet, agreed, drifted, named, self._performance(self._scrape()))
        if shift or not brief:
            falls = self._fell(noted.performance) if brief else None
            self._send(_Phase.RELABELLED if shift else _Phase.STEADY, seconds=plan.relabelled, until=falls)
        if self._ended.is_set():
            self._screen.say("\nStopping everything.")
            return 0
        return self._judge(noted)

    def _send(self, phase: _Phase, *, seconds: float | None, until: Callable[[Scrape], bool] | None = None) -> bool:
        """Send until `until` holds, the time is up or the user ends the demo; whether `until` held."""
        start = then = next_look = time.monotonic()
        due = 0.0
        while not self._ended.wait(_TICK_SECONDS):
            now = time.monotonic()
            # A service that cannot keep up falls behind; it does not send in bursts.
            due = min(due + self._rate * (now - then), max(1.0, self._rate * 2 * _TICK_SECONDS))
            then = now
            self._service.answer(int(due), shifted=phase is _Phase.SHIFTED, relabelled=phase is _Phase.RELABELLED)
            due -= int(due)
            if now >= next_look:
                self._exporter.require_running()
                page = self._look(phase)
                if until is not None and until(page):
                    return True
                next_look = now + _LOOK_EVERY_SECONDS
            if seconds is not None and now - start >= seconds:
                return False
        return False

    def _look(self, phase: _Phase) -> Scrape:
        page = self._scrape()
        model, version = self._service.model, self._service.version
        self._gained = self._lately.look(page, model=model, version=version, at=time.monotonic())
        self._screen.show(
            View(
                seconds=time.monotonic() - self._started,
                phase=phase.value,
                sent=self._service.sent,
                counted=page.total("model_predictions_total", model=model),
                baseline=self._baseline(page),
                features=findings.features(page, model, version),
                verdict=findings.verdict(page, model, version),
                performance=self._performance(page),
                lately=self._gained,
            )
        )
        return page

    def _scrape(self) -> Scrape:
        return Scrape(fetch(self._web, "/metrics")[1])

    def _baseline(self, page: Scrape) -> str:
        rows = page.total("model_baseline_rows", model=self._service.model)
        if rows is not None:
            return f"learned from {rows:,.0f} predictions"
        share = page.total("model_baseline_learning_ratio", model=self._service.model)
        return "none yet" if share is None else f"learning, {share:.0%} done"

    def _has_baseline(self, page: Scrape) -> bool:
        return page.total("model_baseline_rows", model=self._service.model) is not None

    def _shows_drift(self, page: Scrape) -> bool:
        return self._drift(page).holds and self._named(page).holds

    def _quiet(self, page: Scrape) -> findings.Finding:
        return findings.quiet(page, model=self._service.model, version=self._service.version)

    def _named(self, page: Scrape) -> findings.Finding:
        service = self._service
        return findings.named(
            page, model=service.model, version=service.version, shifted={*service.scaled, service.lossy}
        )

    def _drift(self, page: Scrape) -> findings.Finding:
        service = self._service
        return findings.drift(
            page, model=service.model, version=service.version, shifted=service.scaled, lost=service.lossy
        )

    def _performance(self, page: Scrape) -> PerformanceView:
        return outcome_findings.performance(page, self._service.model, self._service.version)

    def _agrees(self, page: Scrape) -> findings.Finding:
        """Whether the window's accuracy is that of the same predictions in the service's own books."""
        lag = page.total("model_performance_lag_seconds", model=self._service.model)
        had = None if lag is None else self._service.laboratory.accuracy(before=time.time() - lag)
        return outcome_findings.agrees(self._performance(page), had=had)

    def _fell(self, before: PerformanceView) -> Callable[[Scrape], bool]:
        return lambda page: outcome_findings.fell(before, self._performance(page), self._gained).holds

    def _judge(self, noted: _Noted) -> int:
        """Print what the exporter must show by now, and whether it does; `noted` is what it said along the way."""
        service = self._service
        page = self._scrape()
        fell = outcome_findings.fell(noted.performance, self._performance(page), self._gained)
        unseen = outcome_findings.unseen(
            page, model=service.model, version=service.version, known={*service.scaled, service.lossy}
        )
        counted, joined, missed = self._settled()
        results = (counted, joined, missed, noted.quiet, noted.agreed, noted.drifted, noted.named, unseen, fell)
        for result in results:
            self._screen.say(f"{'ok    ' if result.holds else 'FAILED'}  {result.text}")
        if all(result.holds for result in results):
            self._screen.say("The shift and the change of concept are visible in the exporter's metrics.")
            return 0
        self._screen.say(
            "Not all of it is visible in the exporter's metrics, or not every prediction or outcome was counted."
        )
        return 1

    def _settled(self) -> tuple[findings.Finding, findings.Finding, findings.Finding]:
        """What was counted once everything that was sent has arrived and all outcomes are told, or time is up."""
        service, laboratory = self._service, self._service.laboratory
        deadline = time.monotonic() + _SETTLE_SECONDS
        while True:
            service.report()
            service.flush()
            page = self._scrape()
            counted = findings.counted(page, model=service.model, sent=service.sent)
            joined = outcome_findings.joined(
                page, model=service.model, told=laboratory.told, right=laboratory.told_right
            )
            done = counted.holds and joined.holds and not laboratory.waiting
            if done or time.monotonic() > deadline or self._ended.wait(_LOOK_EVERY_SECONDS):
                break
        return counted, joined, findings.missed(page, model=service.model, feature=service.lossy, lost=service.lost)
