"""Eight faults of eight models beside each other: one incident each, of the right cause, at the right team."""

from pathlib import Path

import pytest

from e2e.programs import require
from scenarios.faults import FAULTS
from scenarios.simulation import simulate
from scenarios.stories import AFTER_SECONDS, BEFORE_SECONDS, FAULT_SECONDS, fleet
from scenarios.story import Story, metrics_read, tell

RULES = Path(__file__).resolve().parents[2] / "rules"
DETECTED_WITHIN_SECONDS = {"upstream-stale": 35 * 60.0}
"""The source may be three quarters of an hour old, and ran a quarter of an hour before its fault."""
SOON_SECONDS = 15 * 60.0
SOON_OVER_SECONDS = 55 * 60.0
"""Half an hour until windows have forgotten, verdicts a little more, and the quarter that an incident is held."""
OVER_WITHIN_SECONDS = {"segment-broken": 85 * 60.0}
"""Groups are compared over an hour."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Story]:
    """What the rules told of a fleet in which each model but one has its fault."""
    require("promtool")
    folder = tmp_path_factory.mktemp("faults")
    subjects = fleet()
    tapes = simulate(
        subjects,
        seconds=BEFORE_SECONDS + FAULT_SECONDS + AFTER_SECONDS,
        names=metrics_read(RULES),
        folder=folder,
    )
    return tell(subjects, tapes, rules=RULES, folder=folder)


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS])
def test_a_fault_is_one_incident(stories: dict[str, Story], name: str) -> None:
    """It begins after the fault and soon, goes on without a gap, and ends after the fault."""
    (spell,) = stories[name].spells
    begin, end = spell[0] - BEFORE_SECONDS, spell[1] - BEFORE_SECONDS - FAULT_SECONDS
    assert 0 < begin <= DETECTED_WITHIN_SECONDS.get(name, SOON_SECONDS)
    assert 0 < end <= OVER_WITHIN_SECONDS.get(name, SOON_OVER_SECONDS)


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])
def test_its_cause_is_the_right_one_from_the_first_message_on(stories: dict[str, Story], fault: type) -> None:
    """Every change of the cause would be another message."""
    assert stories[fault.name].told("cause") == [fault.cause]  # type: ignore[attr-defined]  # a `Fault`


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS])
def test_its_owner_is_told(stories: dict[str, Story], name: str) -> None:
    """Messages go by it, all to one team."""
    assert stories[name].told("owner") == [f"team-{name}"]


@pytest.mark.parametrize("name", [fault.name for fault in FAULTS])
def test_nothing_else_is_told(stories: dict[str, Story], name: str) -> None:
    """No other alert that anybody receives fires because of the fault."""
    assert stories[name].warnings == []


def test_the_neighbour_is_well(stories: dict[str, Story]) -> None:
    """A model without a fault has no incident and no symptom, whatever happens beside it."""
    healthy = stories["healthy"]
    assert (healthy.incidents, healthy.symptoms, healthy.warnings) == ([], [], [])
