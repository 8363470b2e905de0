"""What a restart finds again, and what it lets go."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from batches import T0, baseline_of, batch_of
from model_exporter.baseline.model import Baseline
from model_exporter.config.settings import Drift, DriftLevel, FeatureSettings, Limits, ModelSettings, Settings
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.kept import KeptVersion
from model_exporter.window.notices import EvidenceDropped, Notice
from model_exporter.window.snapshot import VersionSnapshot


def baseline(seed: int) -> Baseline:
    """2,000 normal values."""
    return baseline_of({"amount": np.random.default_rng(seed).normal(size=2000).tolist()})


BASELINE = baseline(1)
SLOTS = 30
END = T0 + 15.0 * SLOTS


class Run:
    """A fleet that compares model `m` with a baseline, and what it had to tell."""

    def __init__(
        self, settings: Settings | None = None, *, learned: Baseline | None = BASELINE, now: float = END
    ) -> None:
        self.notices: list[Notice] = []
        self.telemetry = Telemetry()
        self.fleet = Fleet(
            settings or Settings(),
            learned={"m": learned} if learned else {},
            recorder=self.telemetry,
            notify=self.notices.append,
            now=now,
        )

    def restore(self, kept: Sequence[KeptVersion], *, models: int = 100, now: float = END) -> None:
        """Go on from `kept`, with room for so many models."""
        admitted: set[str] = set()

        def admit(model: str) -> bool:
            if model not in admitted and len(admitted) >= models:
                return False
            admitted.add(model)
            return True

        self.fleet.restore(kept, admit=admit, now=now)

    @property
    def versions(self) -> list[VersionSnapshot]:
        """All versions, in no order that matters."""
        return [version for model in self.fleet.snapshot(END).models for version in model.versions]

    @property
    def dropped(self) -> list[str]:
        """Models whose evidence began anew, as told."""
        return [notice.model for notice in self.notices if isinstance(notice, EvidenceDropped)]

    def hits(self, limit: str) -> float:
        """How often a limit was hit."""
        return self.telemetry.read().counters.get(("model_exporter_limit_hits_total", (limit,)), 0)


def stopped(*, shift: float = 1.0) -> tuple[KeptVersion, VersionSnapshot]:
    """What a run with drift keeps of its only version, and what it showed in the end."""
    run, random = Run(now=T0), np.random.default_rng(2)
    for slot in range(SLOTS):
        now = T0 + 15.0 * slot
        run.fleet.predict("m", batch_of({"amount": random.normal(shift, 1.0, 100).tolist()}), now)
    run.fleet.advance(END)
    (kept,), (version,) = run.fleet.checkpoint(), run.versions
    return kept, version


KEPT, SHOWN = stopped()


def named(version: str, *, model: str = "m", age: float = 0.0) -> KeptVersion:
    """The kept version by another name, silent for `age` seconds."""
    return replace(KEPT, model=model, version=version, last_seen=END - age)


def test_an_alarm_is_on_again_before_the_first_prediction() -> None:
    """Alarm, onset and named features are there at once; counts begin at 0 and the version is not active."""
    run = Run()
    run.restore([KEPT])
    (version,) = run.versions
    assert version.drift[0].detected
    assert version.drift[0].onset == SHOWN.drift[0].onset
    assert version.drift[0].feature_detected.tolist() == [True]
    assert (version.predictions, version.active) == (0, False)
    assert (version.first_seen, version.last_prediction) == (SHOWN.first_seen, SHOWN.last_prediction)
    assert run.dropped == []


def test_evidence_goes_on_with_the_first_prediction() -> None:
    """The version of the records is the one that was kept."""
    run = Run()
    run.restore([KEPT])
    run.fleet.predict("m", batch_of({"amount": [0.1]}), END)
    (version,) = run.versions
    assert version.drift[0].detected
    assert version.predictions == 1


@pytest.mark.parametrize(
    ("settings", "learned"),
    [
        (Settings(), baseline(7)),
        (Settings(), None),
        (Settings(drift=Drift(page=DriftLevel(86_400.0, 0.01))), BASELINE),
        (Settings(drift=Drift(ticket=DriftLevel(30 * 86_400.0, 0.01))), BASELINE),
        (Settings(models={"m": ModelSettings(features={"amount": FeatureSettings(maximum=0.5)})}), BASELINE),
        (
            Settings(models={"m": ModelSettings(features={"amount": FeatureSettings(missing=frozenset("ab"))})}),
            BASELINE,
        ),
    ],
    ids=["other baseline", "no baseline", "patience", "tolerance", "range", "missing values"],
)
def test_evidence_of_something_else_is_let_go_and_told_once(settings: Settings, learned: Baseline | None) -> None:
    """What was bet against another law means nothing now: no verdict, one notice a model, and no error."""
    run = Run(settings, learned=learned)
    run.restore([named("1"), named("2")])
    assert [version.drift for version in run.versions] == [(), ()]
    assert run.dropped == ["m"]


@pytest.mark.parametrize("field", ["drift", "signals"])
def test_damaged_state_is_let_go(field: str) -> None:
    """Bytes that make no sense cost what they held and nothing else."""
    whole = getattr(KEPT, field)
    cut = whole[:-1] if field == "drift" else whole[:40]
    run = Run()
    run.restore([replace(KEPT, **{field: cut})])
    (version,) = run.versions
    assert bool(version.drift) == (field != "drift")
    assert run.dropped == ["m"]


def test_damage_at_one_level_lets_both_begin_anew() -> None:
    """No verdict is made of half a state."""
    run = Run()
    run.restore([replace(KEPT, drift=(KEPT.drift[0], KEPT.drift[1][:-8]))])
    (version,) = run.versions
    assert version.drift == ()
    run.fleet.predict("m", batch_of({"amount": [0.1]}), END)
    run.fleet.advance(END + 15.0)
    (version,) = run.versions
    assert not version.drift[0].detected


def test_a_version_that_was_silent_for_too_long_is_left_out() -> None:
    """As if the exporter had run on: older than `expire_after_seconds` is gone, younger is there."""
    run = Run(Settings(limits=Limits(expire_after_seconds=3600.0)))
    run.restore([named("old", age=3601.0), named("young", age=3599.0)])
    assert [version.version for version in run.versions] == ["young"]
    run.fleet.advance(END + 2.0)
    assert run.versions == []


def test_limits_hold_and_leave_out_the_longest_silent() -> None:
    """With room for one model and two of its versions the newest stay, and each hit is counted."""
    run = Run(Settings(limits=Limits(versions_per_model=2)))
    kept = [named("1", age=30.0), named("2", age=10.0), named("3", age=20.0), named("1", model="other", age=40.0)]
    run.restore(kept, models=1)
    assert {version.version for version in run.versions} == {"2", "3"}
    assert (run.hits("versions_per_model"), run.hits("models")) == (1, 1)


def test_series_without_room_are_left_out() -> None:
    """The budget of series holds for what was kept too."""
    run = Run(Settings(limits=Limits(series=10)))
    run.restore([KEPT])
    assert run.versions == []
    assert run.hits("series") > 0


def test_a_clock_that_was_ahead_does_not_keep_a_version_for_ever() -> None:
    """Moments after now are taken as now."""
    run = Run()
    run.restore([replace(named("1", age=-1e9), last_prediction=END + 1e9)])
    (version,) = run.versions
    assert version.last_prediction == END
    run.fleet.advance(END + Limits().expire_after_seconds + 1)
    assert run.versions == []


def test_nothing_was_judged_nothing_is_told() -> None:
    """A version stopped within its first slot has no verdict after a restart, and nothing was lost."""
    before, after = Run(now=T0), Run()
    before.fleet.predict("m", batch_of({"amount": [0.1]}), T0)
    after.restore(before.fleet.checkpoint())
    (version,) = after.versions
    assert (version.drift, version.anomaly) == ((), None)
    assert after.dropped == []
