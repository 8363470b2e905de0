"""Where the demo is watched: lines that are refreshed in place on a terminal, plain lines anywhere else."""

import shutil
from collections.abc import Sequence
from typing import Final, TextIO

_UP_AND_CLEAR: Final = "\x1b[{lines}A\x1b[J"


class Terminal:
    """Writes to `stream`.

    Attributes:
        in_place: whether lines can be refreshed.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._panel: list[str] = []
        self._lines_up = 0
        self.in_place = stream.isatty()

    def say(self, text: str) -> None:
        """Print `text` for good, under what is there."""
        print(text, file=self._stream, flush=True)
        self._lines_up = 0
        self._panel = []

    def insert(self, text: str) -> None:
        """Print `text` for good, above the lines that were refreshed last, if they are still to be refreshed."""
        panel = self._panel
        self._clear()
        self.say(text)
        if panel:
            self.refresh(panel)

    def refresh(self, lines: Sequence[str]) -> None:
        """Print `lines` where the last refreshed ones stand, unless something was said since."""
        columns = shutil.get_terminal_size().columns
        # A URL stays whole, to be clicked on; it may take several rows of a narrow terminal.
        self._panel = [line if "://" in line else line[: columns - 1] for line in lines]
        self._clear()
        self._stream.write("\n".join(self._panel) + "\n")
        self._stream.flush()
        self._lines_up = sum(max(1, -(-len(line) // columns)) for line in self._panel)

    def _clear(self) -> None:
        if self._lines_up:
            self._stream.write(_UP_AND_CLEAR.format(lines=self._lines_up))
        self._lines_up = 0
