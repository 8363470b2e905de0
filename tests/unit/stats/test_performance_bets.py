"""Bets that performance has become worse."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from model_exporter.stats.dictionary import MEAN_TILTS, Allowance, Label
from model_exporter.stats.model_evidence import ModelEvidence
from model_exporter.stats.performance_bets import (
    STAKES,
    ErrorBins,
    ErrorShares,
    Objective,
    Objectives,
    PerformanceBins,
)
from model_exporter.stats.tables import Tables

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Floats]

NARROW = Allowance(tolerance=0.0025, z=2.0)
PATIENCE = 365 * 86_400.0
SLOT_ROWS = 25


def wrong(share: float) -> Draw:
    """Errors of a classifier with this share of wrong classes."""
    return lambda random, rows: (random.random(rows) < share).astype(np.float64)


def normal(mean: float, sd: float) -> Draw:
    """Errors of a regression."""
    return lambda random, rows: random.normal(mean, sd, rows)


def rows_until_alarm(bins: PerformanceBins, draw: Draw, *, rows: int = 10_000) -> int | None:
    """Rows until the alarm of a year's patience, 25 a slot; None without one."""
    random = np.random.default_rng(5)
    evidence = ModelEvidence([bins.tables(NARROW)], patience_seconds=PATIENCE)
    for slot in range(rows // SLOT_ROWS):
        evidence.update(bins.counts(draw(random, SLOT_ROWS)), start=slot * 15.0, seconds=15.0)
        if evidence.verdict().detected:
            return (slot + 1) * SLOT_ROWS
    return None


def reference(draw: Draw, rows: int = 1000) -> Floats:
    """The errors of a reference."""
    return draw(np.random.default_rng(2), rows)


def means(tables: Tables, law: Floats) -> Floats:
    """What each bet that has a stake pays in the mean under the law of one feature's bins, in the order of the rows."""
    tilts, odds = tables.tilts, tables.odds
    of_bins = np.append(law, 0.0)
    on_tilts = (np.exp(tilts.log_factors) * of_bins[tilts.bins][:, None, :]).sum(axis=2).ravel()
    on_odds = np.exp(odds.outside) * (1 - law[odds.bins]) + np.exp(odds.outside + odds.step) * law[odds.bins]
    paid = np.concatenate([on_tilts, on_odds])
    return paid[tables.rows.weight[: len(paid)] > 0]


@pytest.mark.parametrize("share", [0.0, 0.03, 0.07, 0.08])
def test_no_bet_gains_while_no_more_than_the_allowance_is_wrong(share: float) -> None:
    """Within the allowance, and wherever fewer are wrong: improvement cannot alarm, whatever it is."""
    tables = ErrorShares(reference(wrong(0.07))).tables(NARROW)
    assert (means(tables, np.array([1 - share, share, 0.0])) <= 1 + 1e-12).all()


@pytest.mark.parametrize("factor", [0.0, 0.5, 0.99, 1.0])
def test_no_bet_against_an_objective_gains_while_it_is_met(factor: float) -> None:
    """The mean of each factor is at most 1 for any share of wrong classes up to the limit."""
    tables = Objectives([Objective("accuracy", 0.1)]).tables(NARROW)
    paid = means(tables, np.array([1 - 0.1 * factor, 0.1 * factor]))
    assert len(paid) == len(STAKES)
    assert (paid <= 1 + 1e-12).all()


@pytest.mark.parametrize(
    "losses",
    [np.array([0.5, 0.5]), np.array([0.0, 0.0, 0.0, 2.0]), np.append(np.zeros(999), 500.0), np.array([0.49, 0.51])],
    ids=["constant", "rare", "very rare", "about the limit"],
)
def test_no_law_of_losses_within_the_objective_gains(losses: Floats) -> None:
    """Absolute errors of mean 0.5, bounded or heavy in the tail, and their squares: counted by bin they pay no more."""
    bins = Objectives([Objective("mae", 0.5), Objective("rmse", float((losses**2).mean()), power=2)])
    tables = bins.tables(NARROW)
    law = bins.counts(losses) / len(losses)
    assert (means(tables, law) <= 1 + 1e-12).all()


def test_weights_sum_to_one_over_the_bets_that_are_left() -> None:
    """Of every feature; bets that errors are fewer, or of any shape, have none."""
    for bins in (ErrorShares(reference(wrong(0.07))), ErrorBins(reference(normal(0, 1)))):
        rows = bins.tables(NARROW).rows
        assert np.bincount(rows.feature, rows.weight).tolist() == pytest.approx([1.0] * len(bins.names))
        assert not rows.weight[np.isin(rows.label, [Label.NARROWER, Label.OTHER])].any()


def test_only_moves_away_from_zero_are_bet_on() -> None:
    """A reference whose predictions are too high is not accused of coming down to the truth."""
    tables = ErrorBins(reference(normal(1, 1))).tables(NARROW)
    kept = tables.rows.weight[: len(MEAN_TILTS)] > 0
    assert [tilt > 0 for tilt, is_kept in zip(MEAN_TILTS, kept.tolist(), strict=True) if is_kept].count(False) == 0


@pytest.mark.parametrize(
    ("before", "after", "at_most"),
    [
        (wrong(0.07), wrong(0.17), 1000),
        (normal(0, 1), normal(0.5, 1), 500),
        (normal(0, 1), normal(-0.5, 1), 500),
        (normal(0, 1), normal(0, 1.5), 500),
        (normal(1, 1), normal(1.5, 1), 800),
    ],
    ids=["more are wrong", "too high", "too low", "wider", "higher still"],
)
def test_what_is_worse_alarms(before: Draw, after: Draw, at_most: int) -> None:
    """A share of wrong classes that grew, errors that moved away from zero, errors that spread."""
    errors = reference(before)
    bins = ErrorShares(errors) if set(errors.tolist()) <= {0.0, 1.0} else ErrorBins(errors)
    delay = rows_until_alarm(bins, after)
    assert delay is not None
    assert delay <= at_most


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (normal(0, 1), normal(0, 1)),
        (normal(0, 1), normal(0, 0.4)),
        (normal(0, 1), normal(0, 0.01)),
        (normal(1, 1), normal(0, 1)),
        (normal(-2, 1), normal(-0.2, 0.3)),
    ],
    ids=["the same", "narrower", "nearly none", "no longer too high", "less too low, and narrower"],
)
def test_what_is_no_worse_does_not_alarm(before: Draw, after: Draw) -> None:
    """Errors that stay, contract or come to zero."""
    assert rows_until_alarm(ErrorBins(reference(before)), after) is None


def test_an_objective_that_is_missed_alarms_and_one_that_is_met_does_not() -> None:
    """Of the share of wrong classes, and of the mean absolute error."""
    accuracy, error = Objectives([Objective("accuracy", 0.1)]), Objectives([Objective("mae", 0.8)])
    assert rows_until_alarm(accuracy, wrong(0.2)) is not None
    assert rows_until_alarm(accuracy, wrong(0.1)) is None
    assert rows_until_alarm(error, normal(0, 1.3)) is not None
    assert rows_until_alarm(error, normal(0, 0.99)) is None


def test_errors_that_never_differ_leave_no_bet_but_for_those_beyond_them() -> None:
    """A perfect reference has one value of error; larger ones are out of its range, and alarm."""
    bins = ErrorBins(np.zeros(1000))
    assert rows_until_alarm(bins, normal(0, 0.0)) is None
    assert rows_until_alarm(bins, normal(0, 1.0)) is not None


def test_every_error_is_counted_once_in_each_feature() -> None:
    """Also beyond the reference's range."""
    bins = ErrorBins(reference(normal(0, 1)))
    starts = bins.tables(NARROW).starts
    counts = bins.counts(np.array([-99.0, 0.0, 0.1, 99.0]))
    assert [int(counts[a:b].sum()) for a, b in pairwise(starts.tolist())] == [4, 4]
    assert len(counts) == starts[-1]
    objectives = Objectives([Objective("accuracy", 0.07), Objective("mae", 3.0)])
    flat = objectives.counts(np.array([1.0, 0.0, 1.0]))
    assert flat[:2].tolist() == [1, 2]
    assert int(flat[2:].sum()) == 3
