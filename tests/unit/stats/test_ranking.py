from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

from model_exporter.stats.measure import Measure
from model_exporter.stats.ranking import RankingTally, ranked_rows

ITEMS = [f"item-{number}" for number in range(12)]
Gains = NDArray[np.float64]


def _draw(rows: int, *, graded: bool) -> tuple[list[list[str]], list[dict[str, float]], Gains, Gains]:
    """Complete rankings, what is relevant, and both as matrices for scikit-learn: gains and scores by item."""
    rng = np.random.default_rng(1)
    places = np.argsort(rng.random((rows, 12)), axis=1)
    grades = rng.integers(1, 4, (rows, 12)).astype(np.float64) if graded else np.ones((rows, 12))
    truth: Gains = np.where(rng.random((rows, 12)) < 0.2, grades, 0.0)
    truth[np.arange(rows), rng.integers(0, 12, rows)] = 1.0
    scores = np.empty((rows, 12))
    np.put_along_axis(scores, places, np.arange(12.0, 0, -1)[None], axis=1)
    rankings = [[ITEMS[at] for at in row] for row in places]
    relevant = [{ITEMS[at]: float(row[at]) for at in np.flatnonzero(row)} for row in truth]
    return rankings, relevant, truth, scores


def _named(measures: Sequence[Measure]) -> dict[tuple[str, str], Measure]:
    return {(measure.metric, measure.label): measure for measure in measures}


@pytest.mark.parametrize("graded", [False, True])
def test_gain_is_discounted_as_in_scikit_learn(graded: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """NDCG at each depth, for relevant items that are alike and for graded ones."""
    rankings, relevant, truth, scores = _draw(300, graded=graded)
    tally = RankingTally((1, 5, 12))
    found = _named(tally.measures(tally.sums(ranked_rows(rankings, relevant, depth=12))))
    for depth in (1, 5, 12):
        assert found["ndcg", str(depth)].value == pytest.approx(ndcg_score(truth, scores, k=depth))


def test_average_precision_is_that_of_scikit_learn() -> None:
    """Over complete rankings."""
    rankings, relevant, truth, scores = _draw(300, graded=False)
    tally = RankingTally((5,))
    found = _named(tally.measures(tally.sums(ranked_rows(rankings, relevant, depth=12))))
    expected = label_ranking_average_precision_score(truth > 0, scores)
    assert found["map", ""].value == pytest.approx(expected)


def test_first_hits_and_hit_rates_are_those_of_the_definition() -> None:
    """MRR is the mean of 1 over the first relevant place, the hit rate the share with one in the first k."""
    rankings, relevant, _, _ = _draw(300, graded=False)
    first = [
        next(at for at, item in enumerate(row, 1) if item in truth)
        for row, truth in zip(rankings, relevant, strict=True)
    ]
    tally = RankingTally((1, 3))
    found = _named(tally.measures(tally.sums(ranked_rows(rankings, relevant, depth=12))))
    assert found["mrr", ""].value == pytest.approx(np.mean([1 / at for at in first]))
    assert found["hit_rate", "3"].value == pytest.approx(np.mean([at <= 3 for at in first]))


def test_a_short_list_is_judged_by_what_it_can_hold() -> None:
    """Cut at a depth, average precision is divided by the relevant items that fit."""
    rows = ranked_rows([["a", "x"]] * 100, [{"a": 1.0, "b": 1.0, "c": 1.0}] * 100, depth=2)
    tally = RankingTally((2,))
    found = _named(tally.measures(tally.sums(rows)))
    assert found["map", ""].value == pytest.approx(0.5)
    assert found["ndcg", "2"].value == pytest.approx(1 / (1 + 1 / np.log2(3)))


def test_a_repeated_item_gains_once() -> None:
    """A ranking cannot win by repeating itself."""
    rows = ranked_rows([["a", "a", "a"]], [{"a": 1.0, "b": 1.0}], depth=3)
    assert rows.gains.tolist() == [[1.0, 0.0, 0.0]]


def test_rows_without_relevant_items_say_nothing() -> None:
    """They count nowhere, and gains that are no gains are none."""
    rows = ranked_rows([["a"]] * 200, [{}, {"a": np.nan}, {"a": np.inf}, {"a": -1.0}] * 50, depth=5)
    tally = RankingTally()
    assert tally.measures(tally.sums(rows)) == []
    assert tally.measures(tally.sums(ranked_rows([], [], depth=5))) == []


def test_weights_count_as_rows() -> None:
    """A row of weight 3 is worth three, and the interval counts (sum w)^2 / sum w^2 rows."""
    rankings, relevant, _, _ = _draw(300, graded=False)
    weights = np.where(np.arange(300) % 2, 3.0, 1.0)
    tally = RankingTally((5,))
    weighted = _named(tally.measures(tally.sums(ranked_rows(rankings, relevant, depth=12, weights=weights))))
    repeat = [at for at in range(300) for _ in range(int(weights[at]))]
    rows = ranked_rows([rankings[at] for at in repeat], [relevant[at] for at in repeat], depth=12)
    repeated = _named(tally.measures(tally.sums(rows)))
    assert weighted["ndcg", "5"].value == pytest.approx(repeated["ndcg", "5"].value)
    assert weighted["hit_rate", "5"].count == pytest.approx(600**2 / (150 * 10))
