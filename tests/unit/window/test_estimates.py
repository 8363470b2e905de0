"""Performance that is estimated before outcomes are known, and compared with them when they are."""

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.batch import Facts, Outcome
from model_exporter.config.settings import ModelKind, ModelSettings
from model_exporter.stats.estimates import EXTRAPOLATION, FEW_ROWS, NO_SCORES
from model_exporter.stats.measure import Measure
from model_exporter.window.delays import Delays
from model_exporter.window.estimates import PATIENCE, Estimates, Realised
from model_exporter.window.kinds import Plan
from model_exporter.window.scoring import Pair
from model_exporter.window.snapshot import CohortSnapshot, EstimateSnapshot

SETTINGS = ModelSettings(kind=ModelKind.CLASSIFICATION)
PLAN = Plan(ModelKind.CLASSIFICATION, classes=("0", "1"))
NOTHING = tuple(CohortSnapshot(name, 0.0, 0.0, np.nan, provisional=True, measures=()) for name in ("1h", "1d", "7d"))


def realised(rows: int, *, seed: int, turned: float = 0.0, at: float = T0) -> tuple[list[Realised], float]:
    """Pairs of a calibrated model, some of whose outcomes are turned round, and their accuracy."""
    random = np.random.default_rng(seed)
    scores = random.random(rows)
    actual = (random.random(rows) < scores) ^ (random.random(rows) < turned)
    told = zip((scores >= 0.5).tolist(), scores.tolist(), actual.tolist(), strict=True)
    found = [Realised(Pair(Facts(p, s), Outcome("m", "p", None, a), 1.0), at, 1.0) for p, s, a in told]
    return found, float(((scores >= 0.5) == actual).mean())


def estimates_of(rows: int = 1000, settings: ModelSettings = SETTINGS) -> Estimates:
    """After so many outcomes."""
    estimates = Estimates(settings, Delays(), T0)
    estimates.realise(PLAN, realised(rows, seed=1)[0])
    return estimates


def expect(estimates: Estimates, scores: list[float | None], *, at: float = T0, now: float = T0) -> None:
    """Predictions with these scores, made at one time."""
    rows = len(scores)
    called = [None if score is None else score >= 0.5 for score in scores]
    estimates.expect(batch_of({}, {"prediction": called, "score": scores}, times=[at] * rows), np.arange(rows), now)


def uniform(rows: int, seed: int = 5) -> list[float | None]:
    """Scores as they were in the reference."""
    found: list[float | None] = np.random.default_rng(seed).random(rows).tolist()
    return found


def window(estimates: Estimates, name: str = "1h", now: float = T0, told: object = NOTHING) -> EstimateSnapshot:
    """One window's estimates."""
    (found,) = (one for one in estimates.snapshot(now, told) if one.name == name)  # type: ignore[arg-type]
    return found


def accuracy(snapshot: EstimateSnapshot) -> Measure:
    """The estimated accuracy."""
    (found,) = (one for one in snapshot.measures if one.metric == "accuracy")
    return found


def test_there_is_no_estimate_before_the_reference_is_complete() -> None:
    """And nothing is said of it."""
    estimates = estimates_of(999)
    expect(estimates, uniform(500))
    assert estimates.snapshot(T0, NOTHING) == ()
    assert estimates.series == 0


def test_all_predictions_up_to_now_are_estimated() -> None:
    """Within a band around what a calibrated model does, three quarters; without a lag and without outcomes."""
    estimates = estimates_of()
    expect(estimates, uniform(2000))
    found = accuracy(window(estimates))
    assert found.lower < 0.75 < found.upper
    assert found.count == pytest.approx(2000)
    assert found.value == pytest.approx(0.75, abs=0.04)


def test_a_change_of_inputs_is_seen() -> None:
    """Scores that are surer than those of the reference promise more."""
    estimates = estimates_of()
    expect(estimates, [0.5 + (score - 0.5) * 0.5 for score in uniform(1000) if score is not None])
    assert accuracy(window(estimates)).value < 0.70


def test_a_window_forgets_what_is_older() -> None:
    """The predictions of two hours ago are in the window of a day and not in that of an hour."""
    estimates = estimates_of()
    expect(estimates, uniform(500))
    later = T0 + 7200
    estimates.advance(later)
    expect(estimates, uniform(100), at=later, now=later)
    assert accuracy(window(estimates, now=later)).count == 100
    assert accuracy(window(estimates, "1d", now=later)).count == 600


@pytest.mark.parametrize(
    ("scores", "reason"),
    [(uniform(20), FEW_ROWS), ([*uniform(80), *[None] * 20], NO_SCORES), ([2.5] * 100, EXTRAPOLATION)],
    ids=["few rows", "no scores", "beyond the reference"],
)
def test_an_estimate_is_withdrawn(scores: list[float | None], reason: str) -> None:
    """With the reason, and without any number."""
    estimates = estimates_of()
    expect(estimates, scores)
    found = window(estimates)
    assert (found.withdrawn, found.measures) == (reason, ())


def _compared(turned: float, *, labelled: float = 1.0) -> EstimateSnapshot:
    estimates = estimates_of()
    pairs, right = realised(2000, seed=3, turned=turned)
    estimates.realise(PLAN, pairs)
    reference = realised(1000, seed=1)[1]
    share = (2000 * right + 1000 * reference) / 3000
    measure = Measure("accuracy", share, share - 0.01, share + 0.01, 3000.0)
    told = tuple(CohortSnapshot(one.name, 3000, 3000 * labelled, 1.0, False, (measure,)) for one in NOTHING)  # noqa: FBT003
    return window(estimates, told=told)


def test_outcomes_show_a_change_of_concept_that_the_estimate_does_not() -> None:
    """Estimate less realised is about 0 while scores mean what they meant, and what was lost when they do not."""
    assert [error.metric for error in _compared(0.0).errors] == ["accuracy"]
    assert abs(_compared(0.0).errors[0].value) < 0.02
    assert _compared(0.4).errors[0].value == pytest.approx(0.4 * 0.5 * 2 / 3, abs=0.03)


def test_only_the_same_predictions_are_compared() -> None:
    """Where the truth is of others too, as after a restart, nothing is compared."""
    assert _compared(0.0, labelled=1.5).errors == ()


def test_corrections_leave_the_predictions_and_lost_outcomes_take_them_out() -> None:
    """A pair of weight 0 has another outcome now, one of weight -1 has none any more."""
    estimates = estimates_of()
    pairs, _ = realised(500, seed=3)
    estimates.realise(PLAN, pairs)
    estimates.realise(PLAN, [one._replace(weight=0.0) for one in pairs])
    estimates.realise(PLAN, [one._replace(weight=-1.0) for one in pairs])
    measure = Measure("accuracy", 0.75, 0.7, 0.8, 1000.0)
    told = tuple(CohortSnapshot(one.name, 1000, 1000.0, 1.0, False, (measure,)) for one in NOTHING)  # noqa: FBT003
    assert window(estimates, told=told).errors


def test_a_model_without_scores_is_given_up() -> None:
    """Its outcomes do not wait for ever in memory."""
    estimates = Estimates(SETTINGS, Delays(), T0)
    pair = Realised(Pair(Facts(predicted=True), Outcome("m", "p", None, value=True), 1.0), T0, 1.0)
    estimates.realise(PLAN, [pair] * (PATIENCE * 1000 + 1))
    estimates.realise(PLAN, realised(2000, seed=1)[0])
    assert estimates.snapshot(T0, NOTHING) == ()


def test_several_classes_are_estimated_by_the_probability_of_the_predicted_one() -> None:
    """Accuracy, and the precision of each class."""
    random = np.random.default_rng(4)
    shares = random.dirichlet([0.7, 0.7, 0.7], 3000)
    names = ("a", "b", "c")
    called = np.argmax(shares, axis=1)
    actual = [int(random.choice(3, p=row)) for row in shares]
    pairs = [
        Realised(
            Pair(Facts(names[c], None, dict(zip(names, row, strict=True))), Outcome("m", "p", None, names[a]), 1.0),
            T0,
            1.0,
        )
        for c, row, a in zip(called.tolist(), shares.tolist(), actual, strict=True)
    ]
    estimates = Estimates(SETTINGS, Delays(), T0)
    estimates.realise(Plan(ModelKind.CLASSIFICATION, classes=names), pairs)
    outputs = {"prediction": [names[c] for c in called.tolist()]} | {
        f"probabilities.{name}": shares[:, place].tolist() for place, name in enumerate(names)
    }
    estimates.expect(batch_of({}, outputs, times=[T0] * 3000), np.arange(3000), T0)
    found = window(estimates)
    assert {(one.metric, one.label) for one in found.measures} == {
        ("accuracy", ""), ("precision", "a"), ("precision", "b"), ("precision", "c"),
    }  # fmt: skip
    assert accuracy(found).value == pytest.approx(float((called == actual).mean()), abs=0.03)


def test_the_reference_outlives_a_restart() -> None:
    """Estimates go on with it; one that is damaged is let go."""
    estimates = estimates_of()
    again = Estimates(SETTINGS, Delays(), T0)
    assert again.restore(estimates.checkpoint())
    for one in (estimates, again):
        expect(one, uniform(1000))
    assert window(again).measures == window(estimates).measures
    assert again.series == estimates.series > 0
    for damaged in (b"x", estimates.checkpoint()[:-3]):
        anew = Estimates(SETTINGS, Delays(), T0)
        assert not anew.restore(damaged)
        assert anew.snapshot(T0, NOTHING) == ()
