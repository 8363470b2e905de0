"""What holds for the evidence of any traffic against any baseline."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.evidence import CAP, EvidenceState, _gains
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.model_evidence import ModelEvidence, Verdict
from model_exporter.stats.portfolio import SeasonalTables, build_tables
from model_exporter.stats.tables import Tables

SIZES = {Kind.NUMERIC: 7, Kind.CATEGORICAL: 6, Kind.BOOLEAN: 3}


@st.composite
def baselines(draw: st.DrawFn) -> list[FeatureBins]:
    """One to four features, with rare, empty and huge bins."""
    kinds = draw(st.lists(st.sampled_from(Kind), min_size=1, max_size=4))
    count = st.one_of(st.just(0), st.integers(0, 20), st.integers(0, 100_000))
    return [
        FeatureBins(kind, np.array(draw(st.lists(count, min_size=size, max_size=size))))
        for kind in kinds
        for size in (SIZES[kind],)
    ]


@st.composite
def streams(draw: st.DrawFn) -> tuple[Tables, list[np.ndarray]]:
    """Tables of any baseline, and up to twelve slots of counts, some of them empty."""
    features = draw(baselines())
    width = sum(len(feature.counts) for feature in features)
    count = st.one_of(st.just(0), st.integers(0, 5), st.integers(0, 3000))
    slot = st.lists(count, min_size=width, max_size=width).map(np.array)
    slots = draw(st.lists(st.one_of(slot, st.just(np.zeros(width, np.int64))), max_size=12))
    tolerance, rho = draw(st.sampled_from([0.0, 0.0025, 0.01])), draw(st.sampled_from([0.0, 0.001, 0.3]))
    return build_tables(features, Allowance(tolerance=tolerance), rho=rho), slots


def run(tables: Tables, slots: list[np.ndarray]) -> EvidenceState:
    """The state after `slots`, one every 15 s from 0."""
    state = EvidenceState([tables], patience_seconds=86_400.0)
    for index, counts in enumerate(slots):
        state.update(counts, start=15.0 * index, seconds=15.0)
    return state


def assert_defined(verdict: Verdict) -> None:
    """No NaN where a verdict speaks, and NaN where it has nothing to say."""
    assert verdict.log_evidence <= CAP  # false for NaN
    assert (verdict.feature_log_evidence <= CAP).all()
    assert np.isfinite(verdict.onset) == verdict.detected
    assert (np.isfinite(verdict.feature_onset) == verdict.named).all()
    assert not verdict.named.any() or verdict.detected
    told = np.isfinite(verdict.shares[:, 0])
    assert told[verdict.named].all()
    assert verdict.shares[told].sum(axis=1) == pytest.approx(np.ones(np.count_nonzero(told)))


@given(st.data(), baselines(), st.integers(1, 3))
@settings(max_examples=60)
def test_levels_together_are_as_each_alone(data: st.DataObject, features: list[FeatureBins], seasons: int) -> None:
    """Bit by bit, whatever they allow for, and through seasons."""
    width = sum(len(feature.counts) for feature in features)
    by_season = [
        [replace(feature, counts=feature.counts * (season + 1)) for feature in features] for season in range(seasons)
    ]

    def levels() -> list[ModelEvidence]:
        return [
            ModelEvidence(
                SeasonalTables(by_season, Allowance(tolerance=tolerance), rho=0.001), patience_seconds=patience
            )
            for tolerance, patience in ((0.0025, 86_400.0), (0.02, 3600.0))
        ]

    together, alone = levels(), levels()
    count = st.one_of(st.just(0), st.integers(0, 3000))
    for index in range(data.draw(st.integers(0, 6))):
        counts = np.array(data.draw(st.lists(count, min_size=width, max_size=width)), np.int64)
        season = data.draw(st.integers(0, seasons - 1))
        slot = together[0].slot(counts, seconds=15.0, season=season)
        if slot is not None:
            for level in together:
                level.take(slot, start=15.0 * index)
        for level in alone:
            level.update(counts, start=15.0 * index, seconds=15.0, season=season)
    assert [level.checkpoint() for level in together] == [level.checkpoint() for level in alone]
    assert together[1].remembers_as(alone[0])


@given(streams())
def test_evidence_is_a_number_up_to_its_cap(stream: tuple[Tables, list[np.ndarray]]) -> None:
    """Whatever comes, log evidence is never NaN nor over the cap, and the shares of wealth sum to 1."""
    state = run(*stream)
    assert (state.log_evidence <= CAP).all()
    held = state.wealth > 0
    assert state.shares(held)[held].sum(axis=1) == pytest.approx(np.ones(np.count_nonzero(held)))
    assert not np.isnan(state.onset[held]).any()


@given(streams())
def test_no_data_is_no_change(stream: tuple[Tables, list[np.ndarray]]) -> None:
    """Slots without a prediction, wherever they come, leave evidence, onset and alarm bit by bit as they were."""
    tables, slots = stream
    nothing = np.zeros(int(tables.starts[-1]), np.int64)
    one, two = (ModelEvidence([tables], patience_seconds=3600.0) for _ in range(2))
    for index, counts in enumerate(slots):
        one.update(counts, start=15.0 * index, seconds=15.0)
        two.update(nothing, start=15.0 * index - 7.0, seconds=15.0)
        two.update(counts, start=15.0 * index, seconds=15.0)
        two.update(nothing, start=15.0 * index + 7.0, seconds=15.0)
    assert two.checkpoint() == one.checkpoint()


@given(streams(), st.integers(1, 3))
def test_every_verdict_is_defined(stream: tuple[Tables, list[np.ndarray]], hours: int) -> None:
    """Whatever the baseline and the traffic, no verdict is NaN, and what is absent is absent by the rule."""
    tables, slots = stream
    model = ModelEvidence([tables], patience_seconds=3600.0 * hours)
    for index, counts in enumerate(slots):
        model.update(counts, start=15.0 * index, seconds=15.0)
        assert_defined(model.verdict())


POOR_BASELINES = [
    FeatureBins(Kind.NUMERIC, np.array([0, 10_000, 0, 0])),  # constant
    FeatureBins(Kind.NUMERIC, np.array([0, 5000, 0, 5000, 0, 0])),  # an empty bin
    FeatureBins(Kind.NUMERIC, np.array([0, 1, 0, 0])),  # one row
    FeatureBins(Kind.NUMERIC, np.array([0, 0, 0, 10_000])),  # all missing
    FeatureBins(Kind.CATEGORICAL, np.array([10_000, 0, 0, 0])),
    FeatureBins(Kind.CATEGORICAL, np.array([1, 0, 0])),
    FeatureBins(Kind.CATEGORICAL, np.array([0, 0, 10_000])),
    FeatureBins(Kind.CATEGORICAL, np.array([0, 0, 0])),  # no rows at all
    FeatureBins(Kind.BOOLEAN, np.array([0, 1, 0])),
    FeatureBins(Kind.BOOLEAN, np.array([0, 0, 10_000])),
]
"""What issue trackers are full of: baselines with nothing, or next to nothing, in most bins."""


@given(
    st.lists(st.sampled_from(POOR_BASELINES), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, 1, 400, 10_000_000])), min_size=1, max_size=30),
    st.sampled_from([0.0, 0.0025, 0.01]),
)
def test_poor_baselines_and_windows_give_a_defined_verdict(
    features: list[FeatureBins], slots: list[tuple[int, int]], tolerance: float
) -> None:
    """Constant features, one row, nothing but missing values; windows wholly in one bin, unseen or missing or empty."""
    model = ModelEvidence([build_tables(features, Allowance(tolerance=tolerance))], patience_seconds=3600.0)
    for index, (place, n) in enumerate(slots):
        alone = [np.eye(len(feature.counts), dtype=np.int64)[-1 - place % len(feature.counts)] for feature in features]
        model.update(n * np.concatenate(alone), start=15.0 * index, seconds=15.0)
        assert_defined(model.verdict())


@given(streams(), st.integers(0, 2**32 - 1))
def test_two_replicas_added_equal_one(stream: tuple[Tables, list[np.ndarray]], seed: int) -> None:
    """Predictions dealt to two replicas one by one, counted apart and added, give the verdicts of a single process."""
    tables, slots = stream
    single, added = (ModelEvidence([tables], patience_seconds=3600.0) for _ in range(2))
    width, rng = int(tables.starts[-1]), np.random.default_rng(seed)
    for index, counts in enumerate(slots):
        predictions = np.repeat(np.arange(width), counts)
        rng.shuffle(predictions)
        dealt = rng.random(len(predictions)) < rng.random()
        replicas = [np.bincount(predictions[which], minlength=width) for which in (dealt, ~dealt)]
        single.update(counts, start=15.0 * index, seconds=15.0)
        added.update(replicas[0] + replicas[1], start=15.0 * index, seconds=15.0)
    assert added.checkpoint() == single.checkpoint()


@given(streams(), st.integers(0, 2**32 - 1))
def test_order_and_split_within_a_slot_do_not_matter(stream: tuple[Tables, list[np.ndarray]], seed: int) -> None:
    """Counts of a slot's batches, in any order, and of replicas are added: the sum is all that is seen."""
    tables, slots = stream
    rng = np.random.default_rng(seed)
    whole, split = run(tables, slots), EvidenceState([tables], patience_seconds=86_400.0)
    for index, counts in enumerate(slots):
        first = rng.binomial(counts, 0.5)
        batches = [first, counts - first]
        rng.shuffle(batches)
        split.update(batches[0] + batches[1], start=15.0 * index, seconds=15.0)
    assert split.checkpoint() == whole.checkpoint()


@given(streams(), st.integers(0, 12))
def test_a_restart_changes_nothing(stream: tuple[Tables, list[np.ndarray]], after: int) -> None:
    """A state restored from a checkpoint ends bit by bit like the one that was never stopped."""
    tables, slots = stream
    resumed = EvidenceState([tables], patience_seconds=86_400.0)
    resumed.restore(run(tables, slots[:after]).checkpoint())
    for index, counts in enumerate(slots[after:], len(slots[:after])):
        resumed.update(counts, start=15.0 * index, seconds=15.0)
    assert resumed.checkpoint() == run(tables, slots).checkpoint()


@given(streams())
def test_features_do_not_touch_each_other(stream: tuple[Tables, list[np.ndarray]]) -> None:
    """An idle slot for one feature leaves its evidence, whatever the others do."""
    tables, slots = stream
    state = run(tables, slots)
    before = state.log_evidence
    quiet = np.ones(int(tables.starts[-1]), np.int64)
    quiet[: tables.starts[1]] = 0
    state.update(quiet, start=1e6, seconds=15.0)
    assert state.log_evidence[0] == before[0]


@given(baselines())
@settings(max_examples=60)
def test_no_bet_gains_on_the_baseline_itself(features: list[FeatureBins]) -> None:
    """Under the law of the baseline's own shares the mean payment of every bet is at most 1."""
    tables = build_tables(features, Allowance(tolerance=0.0, z=3.0))
    tables = replace(tables, phi=np.ones_like(tables.phi), rho=np.zeros_like(tables.rho))
    rows = tables.rows
    probe = EvidenceState([tables], patience_seconds=1.0)
    counts = np.concatenate([feature.counts for feature in features]).astype(np.float64)
    owner = np.repeat(np.arange(len(features)), np.diff(tables.starts))
    total = np.bincount(owner, counts, len(features))
    law = counts / np.maximum(total, 1)[owner]
    mean = np.zeros(len(rows.feature))
    adaptive = len(tables.adaptive.features) * len(tables.memories)
    for bin_ in range(len(law)):
        x = np.zeros(len(law), np.int64)
        x[bin_] = 1
        slot = probe.slot(x, seconds=15.0)
        assert slot is not None
        gains = _gains(tables, slot)
        mean += np.where(rows.feature == owner[bin_], law[bin_] * np.exp(gains), 0.0)
    live = (rows.weight > 0) & (total[rows.feature] > 0)
    dictionary = np.arange(len(mean)) < len(mean) - adaptive
    assert (mean[live & dictionary] <= 1 + 1e-9).all()


@given(streams(), st.integers(0, 12))
def test_a_models_restart_changes_nothing(stream: tuple[Tables, list[np.ndarray]], after: int) -> None:
    """Alarm and names survive a restart with the wealth."""
    tables, slots = stream

    def fed(model: ModelEvidence, part: list[np.ndarray], first: int) -> ModelEvidence:
        for index, counts in enumerate(part, first):
            model.update(counts, start=15.0 * index, seconds=15.0)
        return model

    def fresh() -> ModelEvidence:
        return ModelEvidence([tables], patience_seconds=86_400.0)

    resumed = fresh()
    resumed.restore(fed(fresh(), slots[:after], 0).checkpoint())
    fed(resumed, slots[after:], len(slots[:after]))
    assert resumed.checkpoint() == fed(fresh(), slots, 0).checkpoint()
