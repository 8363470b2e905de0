"""Which bets a baseline gets."""

import numpy as np
import pytest

from model_exporter.stats.dictionary import Allowance, Label
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.portfolio import SeasonalTables, build_tables
from model_exporter.stats.tables import Tables

NUMERIC = FeatureBins(Kind.NUMERIC, np.array([0, 300, 2000, 4500, 2500, 600, 0, 100]))
CATEGORICAL = FeatureBins(Kind.CATEGORICAL, np.array([6000, 3000, 900, 40, 10, 50]))
BOOLEAN = FeatureBins(Kind.BOOLEAN, np.array([7000, 2990, 10]))


def weights(tables: Tables, feature: int, label: Label) -> float:
    """Stakes of a feature's bets with a label."""
    rows = tables.rows
    return float(rows.weight[(rows.feature == feature) & (rows.label == label)].sum())


def test_stakes_sum_to_one() -> None:
    """Every feature that has a bet has stakes of 1 in all."""
    tables = build_tables([NUMERIC, CATEGORICAL, BOOLEAN], Allowance())
    sums = np.bincount(tables.rows.feature, tables.rows.weight)
    assert sums == pytest.approx([1, 1, 1])
    assert tables.has_bets.all()


def test_stakes_of_numbers_by_kind_of_change() -> None:
    """Of a number's stakes 0.4 of 0.9 are on the mean, half of it each way, and 0.15 of all on adaptive bets."""
    tables = build_tables([NUMERIC], Allowance(tolerance=0.0))
    assert weights(tables, 0, Label.UP) == pytest.approx(0.85 * 0.2 / 0.9, rel=1e-6)
    assert weights(tables, 0, Label.DOWN) == pytest.approx(0.85 * 0.2 / 0.9, rel=1e-6)
    assert weights(tables, 0, Label.WIDER) + weights(tables, 0, Label.NARROWER) == pytest.approx(0.85 * 0.2 / 0.9)
    assert weights(tables, 0, Label.OTHER) == pytest.approx(0.15)


def test_values_out_of_range_pay_like_the_outermost_bins() -> None:
    """For the bets on mean and scale a value below the baseline's smallest counts as one of its lowest bin."""
    table = build_tables([NUMERIC], Allowance()).tilts.log_factors[0]
    assert (table[:, 0] == table[:, 1]).all()
    assert (table[:, 6] == table[:, 5]).all()


@pytest.mark.parametrize(
    "feature",
    [
        FeatureBins(Kind.NUMERIC, np.zeros(19, np.int64)),
        FeatureBins(Kind.NUMERIC, np.array([0, 1, 0, 0])),
        FeatureBins(Kind.CATEGORICAL, np.zeros(3, np.int64)),
        FeatureBins(Kind.BOOLEAN, np.array([0, 1, 0])),
    ],
    ids=["no rows", "one row", "no categories", "one boolean"],
)
def test_a_baseline_too_small_to_bet_against_has_no_bets(feature: FeatureBins) -> None:
    """No rows, or one, leave nothing that could be told from chance."""
    assert not build_tables([feature], Allowance()).has_bets[0]


@pytest.mark.parametrize(
    "feature",
    [
        FeatureBins(Kind.NUMERIC, np.array([0, 10_000, 0, 0])),
        FeatureBins(Kind.NUMERIC, np.array([0, 0, 0, 10_000])),
        FeatureBins(Kind.CATEGORICAL, np.array([0, 0, 10_000])),
        FeatureBins(Kind.BOOLEAN, np.array([10_000, 0, 0])),
    ],
    ids=["constant", "all missing", "categories all missing", "always false"],
)
def test_a_poor_baseline_has_finite_bets(feature: FeatureBins) -> None:
    """A constant feature or one without a value can still be seen to change."""
    tables = build_tables([feature], Allowance())
    assert tables.has_bets[0]
    for array in (tables.tilts.log_factors, tables.odds.step, tables.odds.outside, tables.adaptive.delta):
        assert np.isfinite(array).all()


def test_no_features_are_tables_without_bets() -> None:
    """A model of identifiers only has nothing to bet on."""
    tables = build_tables([], Allowance())
    assert tables.features == 0
    assert not len(tables.rows.feature)


def test_dependence_makes_a_baseline_smaller() -> None:
    """Bets against 10,000 rows at phi = 10 allow for the error of 1000 rows."""
    counts = np.array([0, 300, 2000, 4500, 2500, 600, 0, 100])
    dependent = build_tables([FeatureBins(Kind.NUMERIC, counts, phi=10.0)], Allowance(tolerance=0.0))
    smaller = build_tables([FeatureBins(Kind.NUMERIC, counts // 10)], Allowance(tolerance=0.0))
    assert dependent.rows.weight[:10].astype(bool).tolist() == smaller.rows.weight[:10].astype(bool).tolist()
    assert dependent.tilts.log_factors == pytest.approx(smaller.tilts.log_factors, abs=0.02)


def test_seasons_have_the_same_rows() -> None:
    """A bet that a season cannot pay has no stake there, but keeps its place."""
    small = FeatureBins(Kind.NUMERIC, NUMERIC.counts // 50)
    tables = SeasonalTables([[NUMERIC, BOOLEAN], [small, BOOLEAN]], Allowance())
    assert (tables[0].rows.feature == tables[1].rows.feature).all()
    assert (tables[0].rows.label == tables[1].rows.label).all()
    assert np.count_nonzero(tables[1].rows.weight) < np.count_nonzero(tables[0].rows.weight)
    without_stake = tables[1].rows.weight[: tables[1].tilts.log_factors.shape[1]] == 0
    assert not tables[1].tilts.log_factors[0][without_stake].any()


def test_tables_of_a_season_are_built_once_while_it_lasts() -> None:
    """All versions of a model share them; what three later seasons have pushed out is built again, the same."""
    seasons = SeasonalTables([[NUMERIC]] * 6, Allowance())
    first, second = seasons[0], seasons[1]
    assert seasons[0] is first
    assert second is not first
    assert seasons[1] is second
    assert len({id(seasons[season]) for season in (2, 3, 4)}) == 3
    assert [season in seasons for season in range(6)] == [True, False, True, True, True, False]
    assert seasons[0] is first  # on which every evidence begins
    again = seasons[1]
    assert again is not second
    assert (again.tilts.log_factors == second.tilts.log_factors).all()


def test_tables_can_be_built_ahead() -> None:
    """By whom it does not hold up; then they are there."""
    seasons = SeasonalTables([[NUMERIC]] * 3, Allowance())
    built = seasons.build(2)
    assert 2 not in seasons
    seasons.keep(2, built)
    assert seasons[2] is built


@pytest.mark.parametrize(
    "feature",
    [
        FeatureBins(Kind.NUMERIC, np.array([1, 2, 3])),
        FeatureBins(Kind.BOOLEAN, np.array([1, 2, 3, 4])),
        FeatureBins(Kind.CATEGORICAL, np.array([1, -2, 3])),
        FeatureBins(Kind.BOOLEAN, np.array([1, 2, 3]), phi=0.5),
        FeatureBins(Kind.BOOLEAN, np.array([1, 2, 3]), phi=np.nan),
    ],
)
def test_impossible_bins_are_refused(feature: FeatureBins) -> None:
    """Bins that do not fit the kind, negative counts and a phi below 1 are errors of the caller."""
    with pytest.raises(ValueError, match="at least"):
        build_tables([feature], Allowance())


def test_seasons_of_different_features_are_refused() -> None:
    """Wealth cannot move between tables of other bins."""
    with pytest.raises(ValueError, match="same features"):
        SeasonalTables([[NUMERIC], [BOOLEAN]], Allowance())


def test_each_feature_has_its_own_wave() -> None:
    """Beside features without a wave, one has the bets that it would have alone with that tolerance."""
    together = build_tables([NUMERIC, CATEGORICAL, BOOLEAN], Allowance(tolerance=0.01, wave=np.array([0.0, 0.04, 0.0])))
    alone = build_tables([CATEGORICAL], Allowance(tolerance=0.01, wave=np.full(1, 0.04)))
    plain = build_tables([NUMERIC, BOOLEAN], Allowance(tolerance=0.01))
    first, last = len(NUMERIC.counts), len(NUMERIC.counts) + len(CATEGORICAL.counts)
    own = (together.odds.bins >= first) & (together.odds.bins < last)
    assert together.odds.step[own] == pytest.approx(alone.odds.step)
    assert together.odds.step[~own] == pytest.approx(plain.odds.step)
    assert together.adaptive.delta == pytest.approx(
        [plain.adaptive.delta[0], alone.adaptive.delta[0], plain.adaptive.delta[1]]
    )
    assert (together.tilts.log_factors == plain.tilts.log_factors).all()
