import io
from dataclasses import replace

import pytest

from model_exporter.demo.screen import FeatureView, LatelyView, PerformanceView, Screen, VerdictView, View

TO_OPEN = "http://127.0.0.1:1/metrics"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _view(seconds: float, phase: str = "normal traffic", verdict: VerdictView = VerdictView()) -> View:  # noqa: B008  # frozen
    features = (FeatureView("amount", 0.5, 1234, 0), FeatureView("country", None, 3, None))
    return View(seconds, phase, 2000, 1990, "learned", features, verdict)


def test_a_terminal_is_refreshed_in_place() -> None:
    """The second panel begins where the first one began."""
    stream = _Terminal()
    screen = Screen(stream, title="demo", to_open=TO_OPEN)
    screen.show(_view(1))
    first = stream.getvalue()
    screen.show(_view(2))
    height = first.removeprefix("demo\n").count("\n")
    assert stream.getvalue()[len(first) :].startswith(f"\x1b[{height}A\x1b[J")


def test_what_is_said_stays() -> None:
    """The panel after a message stands under it."""
    stream = _Terminal()
    screen = Screen(stream, title="demo", to_open=TO_OPEN)
    screen.show(_view(1))
    screen.say("done")
    before = len(stream.getvalue())
    screen.show(_view(2))
    assert "\x1b[" not in stream.getvalue()[before:]


def test_a_number_that_is_not_there_is_a_dash() -> None:
    """A feature below the minimum sample has no PSI of 0."""
    stream = _Terminal()
    Screen(stream, title="demo", to_open=TO_OPEN).show(_view(1))
    (line,) = [line for line in stream.getvalue().splitlines() if "country" in line]
    assert line.split() == ["country", "-", "3", "-"]


def test_without_a_terminal_lines_are_few() -> None:
    """A log file gets a line every few seconds and at each change of phase, and no control characters."""
    stream = io.StringIO()
    screen = Screen(stream, title="demo", to_open=TO_OPEN)
    for second in range(12):
        screen.show(_view(second, "normal traffic" if second < 8 else "shifted traffic"))
    lines = [line for line in stream.getvalue().splitlines() if "sent 2,000" in line]
    assert [int(line.split()[0]) for line in lines] == [0, 5, 8]
    assert "\x1b" not in stream.getvalue()


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (VerdictView(), "none yet"),
        (VerdictView(detected=False), "no drift"),
        (VerdictView(detected=True), "DRIFT"),
        (
            VerdictView(detected=True, named=(("amount", "up"), ("age", "missing"))),
            "DRIFT of amount (up), age (missing)",
        ),
    ],
)
def test_the_verdict_is_told_in_words(verdict: VerdictView, told: str) -> None:
    """No verdict is not "no drift"; an alarm names features and kinds of change."""
    stream = _Terminal()
    Screen(stream, title="demo", to_open=TO_OPEN).show(_view(1, verdict=verdict))
    (line,) = [line for line in stream.getvalue().splitlines() if line.startswith("  verdict ")]
    assert line.removeprefix("  verdict ").strip() == told


@pytest.mark.parametrize(
    ("performance", "told"),
    [
        (PerformanceView(), "none yet, no prediction is old enough"),
        (PerformanceView(coverage=0.4), "none yet, 40% of outcomes known"),
        (PerformanceView(0.93, 0.92, 0.94, 0.9, 0), "0.930 (0.920 to 0.940) over 1 h, 90% of outcomes known"),
        (
            PerformanceView(0.93, 0.92, 0.94, 0.4, 1, estimated=0.95),
            "0.930 (0.920 to 0.940) over 1 h, 40% of outcomes known, provisional; estimated without outcomes 0.950",
        ),
    ],
)
def test_accuracy_is_told_with_its_bounds_or_with_the_reason_for_none(performance: PerformanceView, told: str) -> None:
    """What is provisional says so, and no number stands where the exporter gives none."""
    stream = io.StringIO()
    view = replace(_view(1), performance=performance, lately=LatelyView(0.7, 0.68, 0.72, 1234))
    Screen(stream, title="demo", to_open=TO_OPEN).show(view)
    (line,) = [line for line in stream.getvalue().splitlines() if "sent 2,000" in line]
    assert line.endswith(f"; accuracy: {told}; of late: 0.700 (0.680 to 0.720) by the last 1,234 outcomes")


def test_a_verdict_on_performance_has_a_line_once_there_is_one() -> None:
    """An exporter that judges no performance is not shown as one that finds it good."""
    lines = {}
    for detected in (None, False, True):
        stream = _Terminal()
        view = replace(_view(1), performance=PerformanceView(detected=detected))
        Screen(stream, title="demo", to_open=TO_OPEN).show(view)
        lines[detected] = [
            line.split(maxsplit=1)[1] for line in stream.getvalue().splitlines() if "performance" in line
        ]
    assert lines == {None: [], False: ["no worse than it was"], True: ["WORSE than it was"]}
