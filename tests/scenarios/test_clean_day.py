"""A day of healthy traffic with its wave: nobody hears of it."""

from pathlib import Path

import pytest

from e2e.programs import require
from scenarios.simulation import SCRAPE_SECONDS, simulate
from scenarios.stories import HEALTHY
from scenarios.story import metrics_read, tell
from scenarios.traffic import DAY

RULES = Path(__file__).resolve().parents[2] / "rules"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_a_clean_day_tells_nobody(tmp_path: Path) -> None:
    """No incident and no warning; traffic comes a minute at a time, so that a day takes a minute."""
    require("promtool")
    tapes = simulate([HEALTHY], seconds=DAY, names=metrics_read(RULES), folder=tmp_path, step=SCRAPE_SECONDS)
    story = tell([HEALTHY], tapes, rules=RULES, folder=tmp_path)[HEALTHY.name]
    assert (story.incidents, story.warnings) == ([], [])
