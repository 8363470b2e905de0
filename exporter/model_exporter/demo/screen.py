"""What the demo shows: a panel refreshed in place on a terminal, plain lines anywhere else."""

from dataclasses import dataclass
from typing import Final, TextIO

from model_exporter.demo.terminal import Terminal

_SHOWN_FEATURES: Final = 6
_LINE_EVERY_SECONDS: Final = 5.0
_BAR_WIDTH: Final = 24


@dataclass(frozen=True, slots=True)
class FeatureView:
    """One input feature in the 5-minute window; None where the exporter gives no number."""

    name: str
    psi: float | None
    observations: float | None
    missing: float | None


@dataclass(frozen=True, slots=True)
class VerdictView:
    """The exporter's alarm on drift at the level that pages; `detected` is None as long as nothing was judged.

    `named` are the input features that the alarm names, each with the kind of change that most of its evidence is for.
    """

    detected: bool | None = None
    named: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PerformanceView:
    """Accuracy over the predictions of the last hour; None where the exporter gives no number.

    `coverage` is the share of them whose outcome is known, `provisional` is 1 while that may be a biased few,
    `estimated` the accuracy that is expected without outcomes, and `detected` the alarm on performance.
    """

    accuracy: float | None = None
    lower: float | None = None
    upper: float | None = None
    coverage: float | None = None
    provisional: float | None = None
    estimated: float | None = None
    detected: bool | None = None


@dataclass(frozen=True, slots=True)
class LatelyView:
    """Accuracy of the outcomes that came in lately, with the 95 % interval."""

    accuracy: float
    lower: float
    upper: float
    outcomes: float


@dataclass(frozen=True, slots=True)
class View:
    """One moment of the demo. `counted` is None as long as the exporter shows no predictions."""

    seconds: float
    phase: str
    sent: int
    counted: float | None
    baseline: str
    features: tuple[FeatureView, ...]  # worst first
    verdict: VerdictView
    performance: PerformanceView = PerformanceView()
    lately: LatelyView | None = None


class Screen:
    """Writes views to `stream`, in place when it is a terminal.

    `title` and `to_open` are lines that stay.
    """

    def __init__(self, stream: TextIO, *, title: str, to_open: str) -> None:
        self._terminal = Terminal(stream)
        self._to_open = to_open
        self._next_line = 0.0
        self._phase = ""
        self.say(title)
        if not self._terminal.in_place:
            self.say(to_open)

    def say(self, text: str) -> None:
        """Print `text` for good, under what is there."""
        self._terminal.say(text)

    def show(self, view: View) -> None:
        """Refresh the panel; without a terminal, a line now and then and on every change of phase."""
        if self._terminal.in_place:
            self._terminal.refresh([*_panel(view), "", *self._to_open.splitlines(), "", "Ctrl-C ends everything."])
        elif view.phase != self._phase or view.seconds >= self._next_line:
            self._phase = view.phase
            self._next_line = view.seconds + _LINE_EVERY_SECONDS
            self._terminal.say(_line(view))


def _panel(view: View) -> list[str]:
    lines = [
        "",
        f"  {view.seconds:4.0f} s       {view.phase}",
        f"  predictions  {view.sent:,} sent, {_count(view.counted)} counted by the exporter",
        f"  baseline     {view.baseline}",
        f"  verdict      {_verdict(view.verdict)}",
        f"  accuracy     {_accuracy(view.performance)}",
        f"  of late      {_lately(view.lately)}",
        *_performance_verdict(view.performance),
        "",
        f"  {'worst features, 5 min':<24}{'PSI':>8}{'n':>10}{'missing so far':>17}",
    ]
    for feature in view.features[:_SHOWN_FEATURES]:
        bar = "#" * min(_BAR_WIDTH, round(_BAR_WIDTH * (feature.psi or 0.0)))
        psi = "-" if feature.psi is None else f"{feature.psi:.3f}"
        lines.append(
            f"  {feature.name:<24}{psi:>8}{_count(feature.observations):>10}{_count(feature.missing):>17}  {bar}"
        )
    return lines + [""] * (_SHOWN_FEATURES - len(view.features))


def _line(view: View) -> str:
    worst = ", ".join(f"{feature.name} {feature.psi:.3f}" for feature in view.features[:3] if feature.psi is not None)
    return (
        f"{view.seconds:4.0f} s  {view.phase}; sent {view.sent:,}, counted {_count(view.counted)}; "
        f"baseline {view.baseline}; worst PSI: {worst or 'none yet'}; verdict: {_verdict(view.verdict)}; "
        f"accuracy: {_accuracy(view.performance)}; of late: {_lately(view.lately)}"
    )


def _verdict(verdict: VerdictView) -> str:
    if verdict.detected is None:
        return "none yet"
    if not verdict.detected:
        return "no drift"
    named = ", ".join(f"{name} ({shape})" for name, shape in verdict.named)
    return f"DRIFT of {named}" if named else "DRIFT"


def _accuracy(told: PerformanceView) -> str:
    """Performance as the exporter reports it, or why it does not."""
    if told.coverage is None:
        return "none yet, no prediction is old enough"
    covered = f"{told.coverage:.0%} of outcomes known"
    if told.accuracy is None:
        return f"none yet, {covered}"
    doubt = ", provisional" if told.provisional else ""
    expected = "" if told.estimated is None else f"; estimated without outcomes {told.estimated:.3f}"
    return f"{_between(told.accuracy, told.lower, told.upper)} over 1 h, {covered}{doubt}{expected}"


def _lately(lately: LatelyView | None) -> str:
    if lately is None:
        return "no outcomes"
    return f"{_between(lately.accuracy, lately.lower, lately.upper)} by the last {lately.outcomes:,.0f} outcomes"


def _performance_verdict(told: PerformanceView) -> list[str]:
    """The alarm on performance, once there is a verdict."""
    if told.detected is None:
        return []
    return [f"  performance  {'WORSE than it was' if told.detected else 'no worse than it was'}"]


def _between(value: float, lower: float | None, upper: float | None) -> str:
    return f"{value:.3f}" if lower is None or upper is None else f"{value:.3f} ({lower:.3f} to {upper:.3f})"


def _count(number: float | None) -> str:
    return "-" if number is None else f"{number:,.0f}"
