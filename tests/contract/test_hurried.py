"""Rules that are hurried in a test are still the shipped ones."""

import doctest
import subprocess
from pathlib import Path

import pytest

from e2e import hurried
from e2e.programs import require
from model_exporter.pack.rules import Profile, Site, prometheus, render, rule_files

RULES = Path(__file__).resolve().parents[2] / "rules"


def test_time_is_divided_and_nothing_else() -> None:
    """Its example runs."""
    attempted = doctest.testmod(hurried)
    assert attempted.attempted == 1
    assert attempted.failed == 0


def test_a_number_that_may_be_seconds_is_not_passed_over() -> None:
    """Whoever writes a rule with a new number has to say what it is."""
    with pytest.raises(AssertionError, match="is 1234 a number of seconds"):
        hurried.hurried("time() - x > 1234", 30)


@pytest.mark.parametrize("profile", Profile)
def test_every_rule_can_be_hurried(tmp_path: Path, profile: Profile) -> None:
    """All numbers are known, and Prometheus takes what comes out."""
    for path in rule_files(RULES, profile):
        (tmp_path / path.name).write_text(prometheus(render(path, Site())), "utf-8")
    hurried.hurry_rules(tmp_path, 30)
    done = subprocess.run(
        [require("promtool"), "check", "rules", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
