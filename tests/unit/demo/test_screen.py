import io

import pytest

from model_exporter.demo.screen import FeatureView, Screen, VerdictView, View

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
