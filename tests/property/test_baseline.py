"""Whatever the rows are, a baseline can be built of them, adds up, and survives its file."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines import baseline, column, counts
from model_exporter.baseline.binning import bin_cells, count_cells
from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.coerce import coerce_boolean, coerce_categorical, coerce_numeric
from model_exporter.baseline.features import build_feature
from model_exporter.baseline.file import read_baseline, write_baseline
from model_exporter.baseline.model import OTHER, UNSEEN, FeatureBaseline, FeatureType
from model_exporter.baseline.show import render
from model_exporter.baseline.stability import stability
from model_exporter.batch import concatenate
from model_exporter.batch.columns import ABSENT

steady = settings(derandomize=True, deadline=None, max_examples=300)

MISSING = frozenset({"N/A"})
numbers = st.one_of(st.floats(), st.integers(-5, 5), st.sampled_from([-0.0, 1e308, -1e308, 5e-324, 10**400]))
texts = st.one_of(
    st.sampled_from(["a", "b", "_missing", "_other", "N/A", "3", "-0", "nan", "true", "01"]), st.text(max_size=3)
)
others: st.SearchStrategy[object] = st.sampled_from([None, ABSENT, "", [1], {}, True, False])
cells = st.one_of(numbers, texts, others)
rows = st.one_of(
    st.lists(cells, min_size=1, max_size=30),
    st.lists(numbers, min_size=1, max_size=60),
    st.lists(st.sampled_from(["a", "b", "c", "d", "e", "_x", None]), min_size=1, max_size=60),
    st.lists(st.one_of(st.booleans(), st.none()), min_size=1, max_size=20),
)
types = st.sampled_from([None, *FeatureType])
Values = list[object]


def _feature(values: Values, type_: FeatureType | None) -> FeatureBaseline:
    return build_feature(column(values), type_=type_, required=None, missing=MISSING)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file that every example writes anew."""
    return tmp_path_factory.mktemp("baselines") / "x.json"


@steady
@given(rows, types)
def test_every_feature_has_a_baseline_that_adds_up(values: Values, type_: FeatureType | None) -> None:
    """No values of any kind, under any type, fail to make one, and its counts sum to the rows."""
    built = _feature(values, type_)
    assert built.rows == len(values)
    assert len(built.bins) == len(set(built.bins)) == len(built.counts)
    assert min(built.counts, default=0) >= 0
    assert sum(built.counts) == (0 if built.type is FeatureType.IDENTIFIER else built.rows)


@steady
@given(rows, types, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(values: Values, type_: FeatureType | None, random: object) -> None:
    """Shuffled rows make an equal baseline, down to the last bit of the mean."""
    shuffled = list(values)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis types its random numbers as an object
    assert _feature(shuffled, type_) == _feature(values, type_)


@steady
@given(st.lists(st.tuples(cells, cells, st.booleans()), min_size=1, max_size=40), types)
def test_a_file_brings_the_same_baseline_back(
    path: Path, drawn: list[tuple[object, object, bool]], type_: FeatureType | None
) -> None:
    """Equal in every part, with the same digest; and it can be shown."""
    first, second, third = (list(values) for values in zip(*drawn, strict=True))
    written = build_baseline(
        [column(first, "a"), column(second, "b\n"), column(third, "c")],
        model="m",
        created=1.5,
        source="rows",
        span_seconds=None,
        types={} if type_ is None else {"a": type_, "b\n": type_},
        missing={"a": MISSING},
    )
    write_baseline(written, path)
    assert read_baseline(path) == written
    assert read_baseline(path).digest == written.digest
    assert max(map(len, render(written, width=80).splitlines())) <= 100


@steady
@given(rows, types)
def test_counting_the_baselines_own_rows_gives_its_counts(values: Values, type_: FeatureType | None) -> None:
    """Bin by bin; only `_other` and `_unseen` share their rows out otherwise, since no row of its own is unseen."""
    built = _feature(values, type_)
    again = dict(zip(built.bins, count_cells(built, column(values), MISSING).tolist(), strict=True))
    original = dict(zip(built.bins, built.counts, strict=True))
    if built.type is FeatureType.CATEGORICAL and again[OTHER] + again[UNSEEN]:
        assert again.pop(OTHER) + again.pop(UNSEEN) == original.pop(OTHER) + original.pop(UNSEEN)
    assert again == original


@steady
@given(rows, st.lists(cells, min_size=1, max_size=30), types)
def test_a_cell_falls_in_its_bin_alone_and_in_company(values: Values, later: Values, type_: FeatureType | None) -> None:
    """Edges and categories come from the baseline only: a cell's bin does not depend on the cells around it."""
    built = _feature(values, type_)
    if built.type is FeatureType.IDENTIFIER:
        return
    together = bin_cells(built, column(later), MISSING).tolist()
    assert together == [int(bin_cells(built, column([value]), MISSING)[0]) for value in later]


@steady
@given(st.lists(numbers, min_size=1, max_size=80), st.lists(numbers, min_size=1, max_size=30))
def test_numbers_lie_within_the_edges_of_their_bin(values: Values, later: Values) -> None:
    """Bin i holds what is over edge i-1 and up to edge i; nothing else holds a finite number."""
    built = _feature(values, FeatureType.NUMERIC)
    if built.numeric is None:
        return
    found = coerce_numeric(column(later))
    lows, highs = [-np.inf, *built.edges], [*built.edges, np.inf]
    for number, usable, place in zip(found.values, found.usable, bin_cells(built, column(later)), strict=True):
        if usable:
            assert lows[place] < number <= highs[place] or number == lows[place] == -np.inf
        else:
            assert built.bins[place] == "_missing"


@steady
@given(rows, st.lists(cells, max_size=30), st.lists(cells, min_size=1, max_size=30), types)
def test_counts_of_parts_are_the_counts_of_the_whole(
    values: Values, left: Values, right: Values, type_: FeatureType | None
) -> None:
    """Counting merges by addition, an empty part included, so a fleet is a sum."""
    built = _feature(values, type_)
    parts = [column(left), column(right)]
    apart = sum(count_cells(built, part, MISSING) for part in parts)
    assert np.array_equal(apart, count_cells(built, concatenate(parts), MISSING))


@steady
@given(st.lists(cells, max_size=40))
def test_each_cell_is_exactly_one_thing(values: Values) -> None:
    """Usable, missing, of a bad type or non-finite, under every type that has values."""
    sent = column(values)
    numeric, boolean = coerce_numeric(sent, MISSING), coerce_boolean(sent, MISSING)
    words, missing, bad_type = coerce_categorical(sent, MISSING)
    for masks in (
        (numeric.usable, numeric.missing, numeric.bad_type, numeric.nonfinite),
        (boolean.usable, boolean.missing, boolean.bad_type, boolean.nonfinite),
        (words.codes >= 0, missing, bad_type),
    ):
        assert np.sum(masks, axis=0).tolist() == [1] * len(values)
    assert np.array_equal(np.isfinite(numeric.values), numeric.usable)
    assert not boolean.values[~boolean.usable].any()


@steady
@given(st.lists(cells, min_size=2, max_size=60), st.sampled_from([None, 0.0, 7.0, 1e5]))
def test_any_stretch_can_be_compared_with_itself(values: Values, step: float | None) -> None:
    """The answer is yes or no, with a sentence for people."""
    times = None if step is None else np.arange(len(values), dtype=np.float64) * step
    found = stability([_feature(values, None)], [column(values)], times=times, missing={"x": MISSING})
    assert found.describe()


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    st.integers(0, 2**32), st.sampled_from([0.5, 3.0, 9.0, 30.0]), st.sampled_from([0.0, 0.3]), st.floats(0.001, 0.9)
)
def test_what_times_tell_survives_the_file(path: Path, seed: int, days: float, wave: float, gaps: float) -> None:
    """Whatever lies in the times: counts by season add up, phi is at least 1, and the file brings them back."""
    rng = np.random.default_rng(seed)
    times = 1.7e9 + rng.random(20_000) ** 2 * days * 86_400
    times[rng.random(20_000) < gaps] = np.nan
    phase = wave * np.sin(np.nan_to_num(times) / 86_400 * 2 * np.pi)
    said = np.where(rng.random(20_000) < 0.5 + phase, "a", rng.integers(0, 3_000, 20_000).astype(str))
    built = build_baseline(
        [column((rng.normal(size=20_000) + phase).tolist(), "x"), column(said.tolist(), "y")],
        model="m",
        created=0.0,
        source="",
        span_seconds=None,
        times=times,
    )
    for feature in built.features:
        table = np.array(feature.season_counts, np.int64).reshape(-1, len(feature.bins))
        assert (table.sum(axis=0) <= feature.counts).all()
        assert table.min(initial=0) >= 0
        assert (feature.phi or 1.0) >= 1
    assert all(min(seasons.rows) >= 1000 for seasons in built.seasons)
    write_baseline(built, path)
    assert read_baseline(path) == built
    assert render(built, width=120)


@steady
@given(rows)
def test_the_digest_follows_the_counts(values: Values) -> None:
    """One more row is another baseline, unless the feature is an identifier and has no counts."""
    once, more = (baseline(column(part)) for part in (values, [*values, None]))
    if once.features[0].bins and more.features[0].bins:
        assert counts(once.features[0]) != counts(more.features[0])
        assert once.digest != more.digest
