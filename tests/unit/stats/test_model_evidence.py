"""The model's alarm and the features it names."""

import numpy as np
import pytest

from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.evidence import CAP
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.model_evidence import ModelEvidence, e_bh
from model_exporter.stats.portfolio import build_tables

COIN = FeatureBins(Kind.BOOLEAN, np.array([5000, 4990, 10]))
EMPTY = FeatureBins(Kind.BOOLEAN, np.zeros(3, np.int64))
FAIR = np.array([0.5, 0.5, 0.0])
LOADED = np.array([0.2, 0.8, 0.0])
MONTH = 30 * 86_400.0


def evidence(features: list[FeatureBins], prior: np.ndarray | None = None) -> ModelEvidence:
    """A fresh one with a month of patience."""
    return ModelEvidence([build_tables(features, Allowance())], patience_seconds=MONTH, prior=prior)


def feed(model: ModelEvidence, laws: list[np.ndarray], *, slots: int, seed: int = 3, start: int = 0) -> None:
    """Slots of 15 s with 100 predictions, each feature by its own law."""
    rng = np.random.default_rng(seed)
    for slot in range(start, start + slots):
        counts = np.concatenate([rng.multinomial(100, law) for law in laws])
        model.update(counts, start=15.0 * slot, seconds=15.0)


def test_a_fresh_model_has_no_alarm() -> None:
    """Before the first slot there is no evidence, no onset and no name."""
    verdict = evidence([COIN, COIN]).verdict()
    assert not verdict.detected
    assert verdict.log_evidence == -np.inf
    assert np.isnan(verdict.onset)
    assert not verdict.named.any()


def test_the_drifting_feature_is_named() -> None:
    """One loaded coin among five alarms the model, and it alone is named, with its onset."""
    model = evidence([COIN] * 5)
    feed(model, [FAIR] * 5, slots=50)
    feed(model, [FAIR, FAIR, LOADED, FAIR, FAIR], slots=10, start=50)
    verdict = model.verdict()
    assert verdict.detected
    assert verdict.named.tolist() == [False, False, True, False, False]
    assert verdict.feature_onset[2] / 15 == pytest.approx(50, abs=2)
    assert verdict.onset == pytest.approx(verdict.feature_onset[2], abs=15)
    assert np.isnan(verdict.feature_onset[[0, 1, 3, 4]]).all()
    assert verdict.shares[2].sum() == pytest.approx(1)
    assert np.isnan(verdict.shares[[0, 1, 3, 4]]).all()


def test_the_alarm_ends_and_forgets() -> None:
    """When the change ends the alarm and the names go, and with them all wealth."""
    model = evidence([COIN, COIN])
    feed(model, [LOADED, FAIR], slots=10)
    assert model.verdict().detected
    feed(model, [FAIR, FAIR], slots=300, start=10)
    verdict = model.verdict()
    assert not verdict.detected
    assert not verdict.named.any()
    assert verdict.log_evidence < np.log(0.1)


def test_a_feature_that_recovers_is_named_no_longer() -> None:
    """The model's alarm may go on for another feature."""
    model = evidence([COIN, COIN])
    feed(model, [LOADED, LOADED], slots=20)
    assert model.verdict().named.all()
    feed(model, [LOADED, FAIR], slots=200, start=20)
    verdict = model.verdict()
    assert verdict.detected
    assert verdict.named.tolist() == [True, False]


def test_prior_weights_move_the_threshold() -> None:
    """A feature with nine tenths of the weight has nine times the evidence of its twin."""
    model = evidence([COIN, COIN], prior=np.array([9.0, 1.0]))
    for slot in range(3):
        model.update(np.array([40, 60, 0, 40, 60, 0]), start=15.0 * slot, seconds=15.0)
    first, second = model.verdict().feature_log_evidence
    assert first - second == pytest.approx(np.log(9))


def test_features_without_bets_leave_their_weight_to_others() -> None:
    """A feature that can never have evidence does not make the model slower."""
    alone, beside = evidence([COIN]), evidence([EMPTY, COIN])
    alone.update(np.array([40, 60, 0]), start=0.0, seconds=15.0)
    beside.update(np.array([0, 0, 0, 40, 60, 0]), start=0.0, seconds=15.0)
    assert alone.verdict().log_evidence == pytest.approx(beside.verdict().log_evidence)


@pytest.mark.parametrize("features", [[], [EMPTY]], ids=["no features", "no baseline rows"])
def test_a_model_without_bets_never_alarms(features: list[FeatureBins]) -> None:
    """There is a verdict, and it is no."""
    model = evidence(features)
    model.update(np.full(3 * len(features), 100), start=0.0, seconds=15.0)
    assert model.verdict().log_evidence == -np.inf
    assert not model.verdict().detected


def test_the_models_evidence_is_capped() -> None:
    """Any number of drifting features gives at most the cap."""
    model = evidence([COIN] * 4)
    feed(model, [LOADED] * 4, slots=100)
    assert model.verdict().log_evidence == CAP


def test_a_checkpoint_keeps_the_alarm() -> None:
    """A restored model goes on as the one that was saved."""
    features, laws = [COIN] * 9, [LOADED] + [FAIR] * 8
    saved, restored = evidence(features), evidence(features)
    feed(saved, laws, slots=15)
    restored.restore(saved.checkpoint())
    assert restored.verdict().detected
    assert restored.verdict().named.tolist() == saved.verdict().named.tolist()
    assert restored.checkpoint() == saved.checkpoint()


def test_a_foreign_checkpoint_is_refused() -> None:
    """Another number of features is another model."""
    with pytest.raises(ValueError, match="checkpoint"):
        evidence([COIN]).restore(evidence([COIN, COIN]).checkpoint())


def test_no_weights_for_a_features_are_refused() -> None:
    """One weight a feature, no more and no fewer."""
    with pytest.raises(ValueError, match="prior"):
        evidence([COIN], prior=np.ones(2))


@pytest.mark.parametrize(
    ("wealth", "named"),
    [
        ([], []),
        ([0.9], [False]),
        ([1.0], [True]),
        ([0.5, 0.49], [False, False]),
        ([0.25, 0.5, 0.3, 0.34], [True, True, True, True]),
        ([2.0, 0.0, 0.4], [True, False, False]),
    ],
)
def test_e_bh(wealth: list[float], named: list[bool]) -> None:
    """The k of largest wealth are named for the largest k whose k-th has 1/k."""
    assert e_bh(np.array(wealth), level=1.0).tolist() == named
