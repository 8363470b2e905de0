import io

import pytest

from model_exporter.demo.terminal import Terminal


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def test_what_is_inserted_stands_above_what_is_refreshed() -> None:
    """The panel is cleared, the text printed, and the panel drawn again under it."""
    stream = _Screen()
    terminal = Terminal(stream)
    terminal.refresh(["one", "two"])
    terminal.insert("told")
    assert stream.getvalue() == "one\ntwo\n\x1b[2A\x1b[Jtold\none\ntwo\n"


def test_without_a_panel_text_is_only_printed() -> None:
    """A file has no control characters."""
    stream = io.StringIO()
    Terminal(stream).insert("told")
    assert stream.getvalue() == "told\n"


def test_a_line_that_wraps_is_cleared_as_two() -> None:
    """An address stays whole; other lines are cut."""
    stream = _Screen()
    terminal = Terminal(stream)
    terminal.refresh(["http://" + "x" * 40, "y" * 50])
    assert stream.getvalue().splitlines()[1] == "y" * 39
    terminal.refresh([])
    assert "\x1b[3A\x1b[J" in stream.getvalue()
