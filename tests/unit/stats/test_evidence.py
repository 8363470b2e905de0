"""The wealth of bets over slots."""

import numpy as np
import pytest

from model_exporter.stats.dictionary import Allowance, Label
from model_exporter.stats.evidence import CAP, EvidenceState, rounded_bytes
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.portfolio import SeasonalTables, build_tables

P = np.array([0, 0.02, 0.08, 0.2, 0.4, 0.2, 0.07, 0.02, 0, 0.01])
NUMERIC = FeatureBins(Kind.NUMERIC, np.array([0, 200, 800, 2000, 4000, 2000, 700, 200, 0, 100]))
CATEGORICAL = FeatureBins(Kind.CATEGORICAL, np.array([6000, 3000, 900, 40, 10, 50]))
BOOLEAN = FeatureBins(Kind.BOOLEAN, np.array([7000, 2990, 10]))
YEAR = 365 * 86_400.0


def state(*features: FeatureBins, tolerance: float = 0.0025, patience: float = YEAR, rho: float = 0.0) -> EvidenceState:
    """A fresh state."""
    return EvidenceState([build_tables(features, Allowance(tolerance=tolerance), rho=rho)], patience_seconds=patience)


def feed(evidence: EvidenceState, law: np.ndarray, *, slots: int, n: int = 100, seed: int = 1, start: int = 0) -> None:
    """`slots` slots of 15 s with n predictions each from `law`, the first with the index `start`."""
    rng = np.random.default_rng(seed)
    for slot in range(start, start + slots):
        evidence.update(rng.multinomial(n, law), start=15.0 * slot, seconds=15.0)


def shares_of(evidence: EvidenceState) -> dict[str, float]:
    """Wealth shares of the first feature by label."""
    return {
        label.name: float(share)
        for label, share in zip(Label, evidence.shares(np.ones(len(evidence.wealth), np.bool_))[0], strict=True)
    }


def test_there_is_no_evidence_before_the_first_prediction() -> None:
    """A fresh state has log evidence -inf, and neither onset nor shares."""
    fresh = state(NUMERIC)
    assert fresh.log_evidence.tolist() == [-np.inf]
    assert np.isnan(fresh.onset).all()
    assert np.isnan(fresh.shares(np.ones(1, np.bool_))).all()


def test_a_slot_without_predictions_changes_nothing() -> None:
    """An idle feature's evidence neither grows nor fades."""
    busy = state(NUMERIC)
    feed(busy, P, slots=5)
    before = busy.checkpoint()
    busy.update(np.zeros(10, np.int64), start=75.0, seconds=15.0)
    assert busy.checkpoint() == before


def test_the_first_slot_stakes_its_share_of_the_patience() -> None:
    """One ordinary prediction leaves about dt/T of wealth."""
    one = state(NUMERIC)
    one.update(np.eye(10, dtype=np.int64)[4], start=0.0, seconds=15.0)
    assert one.wealth[0] == pytest.approx(15 / YEAR, rel=0.3)


def test_lasting_clean_traffic_gives_no_alarm() -> None:
    """Two thousand slots of the baseline's law leave the evidence near its floor."""
    clean = state(NUMERIC)
    feed(clean, P, slots=2000)
    assert clean.log_evidence[0] < -8


SHIFTED = np.array([0, 0.0, 0.02, 0.08, 0.2, 0.4, 0.2, 0.09, 0, 0.01])
CHANGES = [
    ("UP", SHIFTED),
    ("DOWN", np.append(SHIFTED[:-1][::-1], 0.01)),
    ("UP", np.array([0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.2, 0.3, 0.49, 0.01])),
    ("WIDER", np.array([0, 0.10, 0.14, 0.15, 0.21, 0.15, 0.14, 0.10, 0, 0.01])),
    ("NARROWER", np.array([0, 0.0, 0.01, 0.14, 0.69, 0.14, 0.01, 0.0, 0, 0.01])),
    ("BIN", np.array([0, 0.02, 0.08, 0.15, 0.31, 0.16, 0.25, 0.02, 0, 0.01])),
    ("BIN", np.append(P[:-2] * 0.9, [0.1, 0.01])),
    ("MISSING", np.append(P[:-1] * 0.9, 0.109)),
]


@pytest.mark.parametrize(("label", "law"), CHANGES, ids=[f"{label}{at}" for at, (label, _) in enumerate(CHANGES)])
def test_a_change_is_found_and_named(label: str, law: np.ndarray) -> None:
    """Each kind of change alarms within twenty slots, and most of the wealth was won by bets of its kind."""
    changed = state(NUMERIC)
    feed(changed, law / law.sum(), slots=20)
    assert changed.log_evidence[0] > 0
    assert shares_of(changed)[label] > 0.5


def test_missing_values_are_no_shift_of_the_others() -> None:
    """When half of the values go missing the bets on the rest of the law neither win nor lose."""
    lossy = state(CATEGORICAL, NUMERIC)
    counts = np.concatenate([[300, 150, 45, 2, 0, 503], P * 1000]).astype(np.int64)
    for slot in range(20):
        lossy.update(counts, start=15.0 * slot, seconds=15.0)
    assert lossy.log_evidence[0] == CAP
    assert shares_of(lossy)["MISSING"] > 0.999


@pytest.mark.parametrize(
    ("feature", "counts"),
    [
        (CATEGORICAL, [0, 0, 0, 0, 100, 0]),
        (CATEGORICAL, [0, 0, 0, 0, 0, 100]),
        (NUMERIC, [100, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        (BOOLEAN, [0, 0, 100]),
        (FeatureBins(Kind.NUMERIC, np.array([0, 10_000, 0, 0])), [0, 0, 100, 0]),
        (FeatureBins(Kind.BOOLEAN, np.array([10_000, 0, 0])), [0, 100, 0]),
        (FeatureBins(Kind.NUMERIC, np.array([0, 0, 0, 10_000])), [0, 100, 0, 0]),
    ],
    ids=["unseen only", "missing only", "below only", "boolean lost", "constant moves", "true appears", "values come"],
)
def test_poor_traffic_gives_a_defined_verdict(feature: FeatureBins, counts: list[int]) -> None:
    """Traffic wholly outside of the baseline's ordinary bins alarms at the cap, with a number in every field."""
    poor = state(feature)
    for slot in range(30):
        poor.update(np.array(counts), start=15.0 * slot, seconds=15.0)
    assert poor.log_evidence[0] == CAP
    assert poor.shares(np.ones(1, np.bool_)).sum() == pytest.approx(1)
    assert 0 <= poor.onset[0] < 60


def test_no_rows_in_the_baseline_is_no_evidence_ever() -> None:
    """Nothing to compare with leaves log evidence -inf, not NaN."""
    blind = state(FeatureBins(Kind.BOOLEAN, np.zeros(3, np.int64)))
    blind.update(np.array([50, 40, 10]), start=0.0, seconds=15.0)
    assert blind.log_evidence.tolist() == [-np.inf]


def test_a_huge_slot_is_counted_and_capped() -> None:
    """Ten million predictions in one slot overflow nothing."""
    huge = state(NUMERIC)
    huge.update(np.array([0, 0, 0, 0, 0, 0, 0, 10**7, 0, 10**6]), start=0.0, seconds=15.0)
    assert huge.log_evidence[0] == CAP
    assert np.isfinite(huge.wealth).all()


def test_the_onset_is_near_the_change() -> None:
    """After 300 clean slots the estimated start of a shift is within three slots of the true one."""
    late = state(NUMERIC)
    feed(late, P, slots=300)
    feed(late, SHIFTED, slots=8, start=300)
    assert late.log_evidence[0] > 0
    assert abs(late.onset[0] / 15 - 300) < 3


def test_the_onset_outlasts_the_cap() -> None:
    """A shift that lasts keeps its onset although new stakes are added."""
    late = state(NUMERIC)
    feed(late, P, slots=100)
    feed(late, SHIFTED, slots=400, start=100)
    assert late.log_evidence[0] == CAP
    assert abs(late.onset[0] / 15 - 100) < 3


def test_evidence_fades_when_the_change_ends() -> None:
    """Clean traffic after a change brings capped evidence below a tenth within 20,000 predictions."""
    brief = state(NUMERIC)
    feed(brief, SHIFTED, slots=50)
    feed(brief, P, slots=200, start=50)
    assert brief.log_evidence[0] < np.log(0.1)


def test_dependence_tempers_evidence() -> None:
    """With a correlation of 1 within slots a slot is worth one prediction."""
    plain, tempered = state(NUMERIC), state(NUMERIC, rho=1.0)
    feed(plain, SHIFTED, slots=10)
    feed(tempered, SHIFTED, slots=10)
    assert plain.log_evidence[0] == CAP
    assert tempered.log_evidence[0] < 0


def test_a_measured_correlation_wins_over_the_assumed_one() -> None:
    """A feature with a rho of its own is tempered by that."""
    measured = state(FeatureBins(NUMERIC.kind, NUMERIC.counts, rho=0.0), rho=1.0)
    plain = state(NUMERIC)
    feed(measured, SHIFTED, slots=3)
    feed(plain, SHIFTED, slots=3)
    assert measured.log_evidence[0] == plain.log_evidence[0]


def test_forgetting_is_by_feature() -> None:
    """The wealth of the features named goes, that of the others stays."""
    two = state(BOOLEAN, CATEGORICAL)
    two.update(np.array([70, 29, 1, 60, 30, 9, 1, 0, 0]), start=0.0, seconds=15.0)
    before = two.wealth
    two.forget(np.array([True, False]))
    assert two.wealth.tolist() == [0, before[1]]
    assert np.isnan(two.onset[0])


def test_a_season_is_judged_by_its_own_baseline() -> None:
    """Traffic that swings between two laws is clean against a baseline of each, and drifts against their mean."""
    low, high = (FeatureBins(Kind.BOOLEAN, np.array(counts)) for counts in ([8000, 1990, 10], [2000, 7990, 10]))
    both = FeatureBins(Kind.BOOLEAN, low.counts + high.counts)
    seasonal = EvidenceState(SeasonalTables([[low], [high]], Allowance()), patience_seconds=YEAR)
    flat = state(both)
    rng = np.random.default_rng(5)
    for slot in range(400):
        season = slot // 20 % 2
        counts = rng.multinomial(50, (low, high)[season].counts / 10_000)
        seasonal.update(counts, start=15.0 * slot, seconds=15.0, season=season)
        flat.update(counts, start=15.0 * slot, seconds=15.0)
    assert seasonal.log_evidence[0] < -5
    assert flat.log_evidence[0] > 0


def test_a_checkpoint_keeps_its_season() -> None:
    """What resumes in the night goes on with the night's bets, as if it had not stopped."""
    low, high = (FeatureBins(Kind.BOOLEAN, np.array(counts)) for counts in ([8000, 1990, 10], [2000, 7990, 10]))
    seasons = SeasonalTables([[low], [high]], Allowance())
    whole, resumed = (EvidenceState(seasons, patience_seconds=YEAR) for _ in range(2))
    counts = np.array([20, 30, 0])
    whole.update(counts, start=0.0, seconds=15.0, season=1)
    resumed.restore(whole.checkpoint())
    for state_ in (whole, resumed):
        state_.update(counts, start=15.0, seconds=15.0, season=1)
        state_.update(counts, start=30.0, seconds=15.0, season=0)
    assert whole.checkpoint() == resumed.checkpoint()


@pytest.mark.parametrize(
    ("counts", "seconds"),
    [(np.zeros(3, np.int64), 0.0), (np.zeros(4, np.int64), 15.0), (np.zeros(3, np.int64), np.nan)],
)
def test_an_impossible_slot_is_refused(counts: np.ndarray, seconds: float) -> None:
    """A slot has a length, and a count for every bin."""
    with pytest.raises(ValueError, match="slot"):
        state(BOOLEAN).update(counts, start=0.0, seconds=seconds)


@pytest.mark.parametrize(("patience", "prior"), [(0.0, None), (YEAR, [1.0, 1.0]), (YEAR, [-1.0]), (YEAR, [np.nan])])
def test_impossible_budgets_are_refused(patience: float, prior: list[float] | None) -> None:
    """The patience is positive and there is one weight a feature."""
    tables = build_tables([BOOLEAN], Allowance())
    with pytest.raises(ValueError, match=r"alarms|prior"):
        EvidenceState([tables], patience_seconds=patience, prior=None if prior is None else np.array(prior))


def test_a_foreign_or_damaged_checkpoint_is_refused() -> None:
    """Wealth of other bets, or with bytes missing, is never taken over."""
    own, other = state(BOOLEAN), state(BOOLEAN, tolerance=0.01)
    feed(own, np.array([0.7, 0.299, 0.001]), slots=3)
    kept = own.checkpoint()
    nan = kept[:-8] + np.array([np.nan]).tobytes()
    for target, blob in ((other, kept), (own, kept[:-8]), (own, kept + b"x"), (own, b""), (own, nan)):
        with pytest.raises(ValueError, match="checkpoint"):
            target.restore(blob)


def test_a_digest_does_not_see_the_last_bits() -> None:
    """Tables that another processor has built differ in the last bits, and are the same; the fourth digit counts."""
    values = np.random.default_rng(5).normal(size=1000)
    noisy = values * (1 + 1e-14 * np.random.default_rng(6).normal(size=1000))
    assert rounded_bytes(noisy) == rounded_bytes(values)
    assert rounded_bytes(1e-12 * noisy) == rounded_bytes(1e-12 * values)
    assert rounded_bytes(values * 1.0001) != rounded_bytes(values)
    assert rounded_bytes(-np.zeros(2)) == rounded_bytes(np.zeros(2))
    assert rounded_bytes(np.zeros(0)) == b""
