"""Evidence on pairs: what makes it fire, what must not, and what it remembers."""

import numpy as np
import pytest
from numpy.typing import NDArray

from model_exporter.stats.copula import LEVELS, Floats, normal_cells
from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.evidence import CAP
from model_exporter.stats.pair_bets import PairBets, build_pair_bets
from model_exporter.stats.pair_evidence import PairEvidence
from model_exporter.stats.pairs import Counts, PairBaseline, count_pairs

FEATURES = 4
PAIRS = np.column_stack(np.triu_indices(FEATURES, 1))
CUTS = np.array([-0.841621, -0.253347, 0.253347, 0.841621])
MODEL_YEAR = 31_536_000.0
SLOT = 15.0


def stream(rho: float, rows: int, *, seed: int, shift: tuple[float, ...] = (0.0,) * FEATURES) -> NDArray[np.uint8]:
    """Levels of normal features, the first two with the correlation `rho`, each shifted by standard deviations."""
    values = np.random.default_rng(seed).standard_normal((rows, FEATURES))
    values[:, 1] = rho * values[:, 0] + np.sqrt(1 - rho**2) * values[:, 1]
    levels: NDArray[np.uint8] = (values[:, :, None] + np.array(shift)[:, None] > CUTS).sum(axis=2).astype(np.uint8)
    return levels


def baseline(rho: float, rows: int = 10_000, *, seed: int = 1) -> PairBaseline:
    """A baseline of all pairs of four features."""
    return PairBaseline(np.zeros(0, np.uint8), PAIRS, count_pairs(stream(rho, rows, seed=seed), PAIRS))


def evidence_after(
    bets: PairBets, levels: NDArray[np.uint8], *, rows_a_slot: int = 25, evidence: PairEvidence | None = None
) -> PairEvidence:
    """Evidence at one false alarm a year after the rows of `levels`, slot by slot."""
    evidence = evidence or PairEvidence(bets, patience_seconds=MODEL_YEAR)
    for number, part in enumerate(np.split(levels, range(rows_a_slot, len(levels), rows_a_slot))):
        evidence.update(count_pairs(part, PAIRS), start=SLOT * number, seconds=SLOT)
    return evidence


@pytest.mark.parametrize(("before", "after", "stronger"), [(0.0, 0.5, True), (0.6, 0.2, False), (0.2, -0.3, False)])
def test_a_changed_correlation_is_found_and_named(before: float, after: float, *, stronger: bool) -> None:
    """A pair whose correlation changes is named alone, with its direction and when it began."""
    bets = build_pair_bets(baseline(before))
    rows = np.concatenate([stream(before, 2500, seed=2), stream(after, 2500, seed=3)])
    found = evidence_after(bets, rows).verdict()
    assert found.detected
    assert found.named.tolist() == [True, *[False] * (len(PAIRS) - 1)]
    assert found.stronger[0] == pytest.approx(float(stronger), abs=0.05)
    assert found.onset == pytest.approx(100 * SLOT, abs=20 * SLOT)
    assert found.pair_onset[0] == pytest.approx(found.onset, abs=SLOT)
    assert np.isnan(found.pair_onset[1:]).all()


@pytest.mark.parametrize(
    ("rho", "shift"),
    [(0.0, (0.5, 0.0, 0.0, 0.0)), (0.6, (0.5, 0.0, 0.0, 0.0)), (0.0, (0.5,) * FEATURES), (0.6, (-0.5, 0.5, 0, 0))],
)
def test_shifted_margins_are_no_evidence(rho: float, shift: tuple[float, ...]) -> None:
    """Margins that move by half a standard deviation, one or all, leave the evidence below a tenth of an alarm."""
    bets = build_pair_bets(baseline(rho))
    rows = np.concatenate([stream(rho, 1000, seed=4), stream(rho, 10_000, seed=5, shift=shift)])
    found = evidence_after(bets, rows).verdict()
    assert not found.detected
    assert found.log_evidence < -2.3


def test_a_mix_that_moves_by_one_feature_is_no_evidence() -> None:
    """Twice as many rows with large values of one feature, the other following as ever, is no changed dependence."""
    bets = build_pair_bets(baseline(0.6))
    rows = stream(0.6, 20_000, seed=6)
    kept = rows[(rows[:, 0] > 2) | (np.random.default_rng(7).random(len(rows)) < 0.5)]
    assert evidence_after(bets, kept).verdict().log_evidence < -2.3


def test_alternatives_have_the_margins_of_the_baseline() -> None:
    """What a bet pays is 1 on average or less under the baseline, and in each row and column of it."""
    bets = build_pair_bets(baseline(0.3), allowance=Allowance(tolerance=0.0, z=0.0))
    square = (len(PAIRS), -1, LEVELS, LEVELS)
    p = bets.cells.reshape(square)
    paid = np.exp(bets.log_factors).reshape(square)
    np.testing.assert_allclose((p * paid).sum(axis=(2, 3)), 1.0, atol=1e-6)
    np.testing.assert_allclose((p * paid).sum(axis=2), (p + 0 * paid).sum(axis=2), atol=1e-6)
    np.testing.assert_allclose((p * paid).sum(axis=3), (p + 0 * paid).sum(axis=3), atol=1e-6)


def test_the_allowance_costs_a_bet_its_mean() -> None:
    """With a tolerance and an allowance for the baseline's error every bet loses on average without a change."""
    bets = build_pair_bets(baseline(0.3))
    mean = (np.exp(bets.log_factors) * bets.cells[:, None, :]).sum(axis=2)
    assert (mean[bets.weights > 0] < 1).all()


def test_a_small_baseline_has_fewer_bets() -> None:
    """Bets that could not pay above the baseline's own error get no stake; with none left there is no evidence."""
    assert (build_pair_bets(baseline(0.0, 500)).weights > 0).sum(axis=1).max() < 6
    bets = build_pair_bets(baseline(0.0, 20))
    assert not bets.has_bets.any()
    found = evidence_after(bets, stream(0.9, 1000, seed=8)).verdict()
    assert (found.detected, found.log_evidence) == (False, -np.inf)
    assert np.isnan(found.stronger).all()


@pytest.mark.parametrize("counts", [np.zeros(25), np.eye(25)[0] * 9, np.diag([5, 0, 0, 0, 0]).ravel()])
def test_poor_baselines_bet_nothing(counts: Floats) -> None:
    """A pair without a common row, or with one level, has no bets and never an invalid number."""
    bets = build_pair_bets(PairBaseline(np.zeros(0, np.uint8), PAIRS[:1], counts[None].astype(np.int64)))
    evidence = PairEvidence(bets, patience_seconds=MODEL_YEAR)
    evidence.update(np.full((1, 25), 4), start=0.0, seconds=SLOT)
    assert evidence.verdict().log_evidence == -np.inf
    assert np.isfinite(bets.log_factors).all()


def test_two_levels_are_enough() -> None:
    """A pair of features with two values each has a table of four cells, and its change is found."""
    cells = np.zeros((2, 1, 5, 5))
    half = np.array([[0.5, 0.5, 0.0, 0.0, 0.0]])
    cells[0], cells[1] = normal_cells(np.zeros(1), half, half), normal_cells(np.array([0.5]), half, half)
    counts = (cells * 10_000).round().astype(np.int64).reshape(2, 1, 25)
    bets = build_pair_bets(PairBaseline(np.zeros(0, np.uint8), PAIRS[:1], counts[0]))
    evidence = PairEvidence(bets, patience_seconds=MODEL_YEAR)
    for slot in range(40):
        evidence.update(counts[1] // 400, start=SLOT * slot, seconds=SLOT)
    assert evidence.verdict().detected


def test_no_rows_change_nothing() -> None:
    """A slot without a row leaves the evidence as it was: idle time earns nothing."""
    evidence = evidence_after(build_pair_bets(baseline(0.0)), stream(0.3, 200, seed=9))
    before = evidence.checkpoint()
    evidence.update(np.zeros((len(PAIRS), 25), np.int64), start=1e6, seconds=1e9)
    after = evidence.verdict()
    evidence.restore(before)
    assert after.log_evidence == evidence.verdict().log_evidence


def test_evidence_stays_under_its_cap_and_ends() -> None:
    """Evidence never exceeds its cap, so an alarm ends soon after its cause; then it starts from nothing."""
    bets = build_pair_bets(baseline(0.0))
    evidence = evidence_after(bets, stream(0.8, 5000, seed=10))
    assert evidence.verdict().log_evidence == pytest.approx(CAP, abs=0.1)
    assert evidence.verdict().log_evidence <= CAP
    ended = evidence_after(bets, stream(0.0, 2000, seed=11), evidence=evidence).verdict()
    assert not ended.detected
    assert not ended.named.any()


def test_a_huge_slot_stays_finite() -> None:
    """A slot of millions of rows under quite another law gives a finite verdict."""
    evidence = PairEvidence(build_pair_bets(baseline(0.0)), patience_seconds=MODEL_YEAR)
    evidence.update(count_pairs(stream(0.9, 2000, seed=12), PAIRS) * 10_000, start=0.0, seconds=SLOT)
    assert evidence.verdict().log_evidence == pytest.approx(CAP)


def test_forgotten_pairs_have_no_evidence() -> None:
    """Emptied pairs lose their evidence, the others keep theirs."""
    evidence = evidence_after(build_pair_bets(baseline(0.0)), stream(0.3, 200, seed=9))
    before = evidence.verdict().pair_log_evidence
    evidence.forget(np.arange(len(PAIRS)) == 0)
    after = evidence.verdict().pair_log_evidence
    assert after[0] == -np.inf
    assert after[1:].tolist() == before[1:].tolist()


@pytest.mark.parametrize("damage", [b"", b"pairs1", b"x" * 4000])
def test_a_foreign_checkpoint_is_refused(damage: bytes) -> None:
    """A damaged checkpoint, and one of other bets or another patience, is refused and changes nothing."""
    bets = build_pair_bets(baseline(0.0))
    evidence = evidence_after(bets, stream(0.3, 200, seed=9))
    kept = evidence.checkpoint()
    other = PairEvidence(bets, patience_seconds=1.0).checkpoint()
    for bad in (damage, kept[:-1], other, kept[:-8] + np.array([np.nan]).tobytes()):
        with pytest.raises(ValueError, match="checkpoint"):
            evidence.restore(bad)
    assert evidence.checkpoint() == kept


@pytest.mark.parametrize(("shape", "seconds"), [((6, 24), SLOT), ((5, 25), SLOT), ((6, 25), 0.0)])
def test_slots_have_a_shape(shape: tuple[int, int], seconds: float) -> None:
    """Counts of another shape, and a slot without length, are refused."""
    evidence = PairEvidence(build_pair_bets(baseline(0.0)), patience_seconds=MODEL_YEAR)
    counts: Counts = np.zeros(shape, np.int64)
    with pytest.raises(ValueError, match="25 counts"):
        evidence.update(counts, start=0.0, seconds=seconds)


def test_patience_is_positive() -> None:
    """A mean time between false alarms of 0 is refused."""
    with pytest.raises(ValueError, match="positive"):
        PairEvidence(build_pair_bets(baseline(0.0)), patience_seconds=0.0)
