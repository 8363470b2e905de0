"""What holds for the evidence of any traffic against any baseline."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.evidence import CAP, EvidenceState
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.model_evidence import ModelEvidence
from model_exporter.stats.portfolio import build_tables
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


@given(streams())
def test_evidence_is_a_number_up_to_its_cap(stream: tuple[Tables, list[np.ndarray]]) -> None:
    """Whatever comes, log evidence is never NaN nor over the cap, and the shares of wealth sum to 1."""
    state = run(*stream)
    assert (state.log_evidence <= CAP).all()
    held = state.wealth > 0
    assert state.shares(held)[held].sum(axis=1) == pytest.approx(np.ones(np.count_nonzero(held)))
    assert not np.isnan(state.onset[held]).any()


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
    rows = tables.rows
    probe = EvidenceState([tables], patience_seconds=1.0)
    counts = np.concatenate([feature.counts for feature in features]).astype(np.float64)
    owner = np.repeat(np.arange(len(features)), np.diff(tables.starts))
    total = np.bincount(owner, counts, len(features))
    law = counts / np.maximum(total, 1)[owner]
    mean = np.zeros(len(rows.feature))
    adaptive = len(tables.adaptive.features) * len(tables.memories)
    for bin_ in range(len(law)):
        x = np.zeros(len(law))
        x[bin_] = 1.0
        base = np.concatenate([np.bincount(owner, x * tables.ordinary, len(features)), np.bincount(owner, x)])
        base = np.resize(base, 2 * len(features))
        gains = probe._gains(tables, x, base)
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
