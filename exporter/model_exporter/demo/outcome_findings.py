"""What the exporter's metrics must show of the outcomes that the demo tells."""

from collections import deque
from collections.abc import Collection
from typing import Final

from model_exporter.demo.findings import LEVEL, Finding, verdict
from model_exporter.demo.scrape import Scrape
from model_exporter.demo.screen import LatelyView, PerformanceView
from model_exporter.stats.intervals import wilson

METRIC: Final = "accuracy"
WINDOW: Final = "1h"
LATELY_SECONDS: Final = 15.0


class Lately:
    """Accuracy of the outcomes of the last 15 seconds: what the counters gained, as PromQL's `increase` tells it."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, float, float]] = deque()  # when, right, outcomes

    def look(self, page: Scrape, *, model: str, version: str, at: float) -> LatelyView | None:
        """As of `at`, seconds of any clock; None while nothing came in."""
        cells = page.samples("model_confusion_total", model=model, version=version)
        right = sum(cell.value for cell in cells if cell.labels["actual"] == cell.labels["predicted"])
        self._looks.append((at, right, sum(cell.value for cell in cells)))
        while len(self._looks) > 1 and self._looks[1][0] <= at - LATELY_SECONDS:
            self._looks.popleft()
        (_, right_before, outcomes_before), (_, right_now, outcomes_now) = self._looks[0], self._looks[-1]
        gained = outcomes_now - outcomes_before
        if gained <= 0:
            return None
        share = (right_now - right_before) / gained
        return LatelyView(share, *wilson(share, gained), outcomes=gained)


def performance(page: Scrape, model: str, version: str) -> PerformanceView:
    """Accuracy over the window of an hour with its bounds, and what the exporter makes of it."""
    where = {"model": model, "version": version, "window": WINDOW}
    detected = page.total("model_performance_drift_detected", model=model, version=version, level=LEVEL)
    return PerformanceView(
        accuracy=page.total("model_performance", **where, metric=METRIC),
        lower=page.total("model_performance_lower", **where, metric=METRIC),
        upper=page.total("model_performance_upper", **where, metric=METRIC),
        coverage=page.total("model_label_coverage_ratio", **where),
        provisional=page.total("model_performance_provisional", **where),
        estimated=page.total("model_estimated_performance", **where, metric=METRIC),
        detected=None if detected is None else bool(detected),
    )


def joined(page: Scrape, *, model: str, told: int, right: int) -> Finding:
    """Whether every outcome told has met its prediction, once, and the counters know which were `right`."""
    outcomes = page.total("model_outcomes_joined_total", model=model)
    cells = page.samples("model_confusion_total", model=model)
    found = sum(cell.value for cell in cells if cell.labels["actual"] == cell.labels["predicted"])
    return Finding(
        told > 0 and outcomes == told and found == right,
        f"outcomes told: {told:,}, {right:,} of them as predicted; "
        f"joined: {'none' if outcomes is None else f'{outcomes:,.0f}'}, {found:,.0f} of them as predicted",
    )


def agrees(told: PerformanceView, *, had: float | None) -> Finding:
    """Whether the accuracy that the model really `had`, unreported predictions included, is within the bounds."""
    if told.lower is None or told.upper is None or had is None:
        return Finding(holds=False, text="accuracy on the normal traffic: not shown")
    return Finding(
        told.lower <= had <= told.upper and not told.provisional,
        f"accuracy on the normal traffic: {span(told)}; what the model really had: {had:.4f}",
    )


def fell(before: PerformanceView, now: PerformanceView, lately: LatelyView | None) -> Finding:
    """Whether accuracy is below where it was `before`: in the window, diluted by older predictions, and lately.

    An exporter that judges performance must have raised its alarm, too.
    """
    if before.lower is None or now.upper is None or lately is None:
        return Finding(holds=False, text="accuracy after the change of concept: not shown")
    alarm = "" if now.detected is None else f"; alarm on performance: {'on' if now.detected else 'off'}"
    return Finding(
        now.upper < before.lower and lately.upper < before.lower and now.detected is not False,
        f"accuracy before the change of concept: {span(before)}; after it {span(now)} of the last hour's predictions, "
        f"{lately.accuracy:.4f} ({lately.lower:.4f} to {lately.upper:.4f}) of the last {LATELY_SECONDS:.0f} seconds' "
        f"outcomes{alarm}",
    )


def unseen(page: Scrape, *, model: str, version: str, known: Collection[str]) -> Finding:
    """Whether the verdict of drift names nothing but what is `known` from before: the inputs did not change."""
    alarm = verdict(page, model, version)
    new = sorted({name for name, _ in alarm.named} - set(known))
    state = {None: "none", True: "drift", False: "no drift"}[alarm.detected]
    return Finding(
        alarm.detected is not None and not new,
        f"verdict of drift after the change of concept: {state}; features named for the first time: "
        f"{', '.join(new) or 'none'}",
    )


def span(told: PerformanceView) -> str:
    """Accuracy between its bounds."""
    if told.accuracy is None:
        return "not shown"
    return f"{told.accuracy:.4f} ({told.lower:.4f} to {told.upper:.4f})"
