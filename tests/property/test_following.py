"""Whatever happens to a file and to the exporter, in whatever order, each line counts once."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from following import DeathError, Machine

_LINE = '{{"id": "{}", "text": "{}", "why": "even the first line is longer than 64 bytes"}}'
ACTIONS = (
    "write",
    "write",
    "write",
    "rename",
    "copytruncate",
    "compress",
    "step",
    "step",
    "round",
    "round",
    "apply",
    "publish",
    "scrape",
    "crash",
    "die",
    "die",
    "wait",
)


class Story:
    """Runs actions, and knows what was written."""

    def __init__(self, folder: Path, glob: str) -> None:
        self.machine = Machine(folder, glob)
        self.written: list[str] = []
        self.machine.write("app.log")
        self.write(1, 5)
        self.machine.process.round()  # the file is known before anything happens to it

    def write(self, lines: int, width: int) -> None:
        """Append lines that no other equals."""
        new = [_LINE.format(len(self.written) + number, "x" * width) for number in range(lines)]
        self.written += new
        self.machine.write("app.log", *new)

    def act(self, action: str, lines: int, width: int) -> None:
        """Do one thing to the file or to its reader."""
        machine = self.machine
        if action == "write":
            self.write(lines, width)
        elif action in {"rename", "copytruncate"}:
            if (machine.logs / "app.log").stat().st_size:  # logrotate leaves empty files alone (notifempty)
                getattr(machine, action)("app.log")
        elif action == "compress":
            if (machine.logs / "app.log.2").exists():  # delaycompress
                machine.compress("app.log.2")
        else:
            self.go_on(action, lines)

    def go_on(self, action: str, steps: int) -> None:
        """Do one thing to the reader."""
        machine = self.machine
        match action:
            case "wait":
                machine.ahead += steps
            case "crash":
                machine.crash()
            case "die":  # in the middle of a step, while everything goes on around it
                machine.process.steps_to_live = steps
                try:
                    machine.process.step()
                except DeathError:
                    machine.crash()
                else:
                    machine.process.steps_to_live = None
            case "apply":
                machine.process.write()
            case _:
                getattr(machine.process, action)()


@pytest.mark.parametrize("glob", ["app.log", "app.log*"])
@pytest.mark.slow
def test_each_line_counts_once(glob: str) -> None:
    """Any order of writing, rotating, compressing, reading, scraping and dying leaves each line counted once."""

    @settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(1, 12), st.sampled_from([0, 40, 400])), max_size=30)
    )
    def tell(actions: list[tuple[str, int, int]]) -> None:
        with TemporaryDirectory() as folder:
            story = Story(Path(folder), glob)
            for action, lines, width in actions:
                story.act(action, lines, width)
            counted = story.machine.settle()
            assert counted == Counter(story.written)
            story.machine.process.follower.close()

    tell()
