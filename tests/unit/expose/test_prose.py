from dataclasses import replace
from math import exp, nan

import pytest

from model_exporter.baseline.model import SeasonKind
from model_exporter.expose.explanation import BinMove, Effect, FeatureExplanation
from model_exporter.expose.feature_views import FeatureView, FeatureWindow
from model_exporter.expose.prose import (
    HOURS,
    SHAPE_WORDS,
    SIGNAL_WORDS,
    WINDOW_WORDS,
    anomaly_sentences,
    effect_sentences,
    feature_sentence,
    moved_sentence,
    pairs_sentence,
    short_effect,
    standing_sentence,
    verdict_sentences,
)
from model_exporter.expose.verdict_views import (
    AnomalyView,
    FeatureVerdict,
    LevelView,
    NamedFeature,
    PairsView,
    PairView,
)
from model_exporter.window.snapshot import SHAPES, SIGNALS, WINDOWS

AT = 10_000.0
YEAR = 31_536_000.0

LEVEL = LevelView(
    level="page",
    detected=False,
    evidence=-7.0,
    onset=None,
    onset_unix=nan,
    patience_seconds=YEAR,
    least_mean_seconds=YEAR * exp(-7.0),
    tolerance=0.01,
    named=(),
)
ALARM = replace(
    LEVEL,
    detected=True,
    evidence=2.5,
    onset="1970-01-01T02:00:00Z",
    onset_unix=AT - 300,
    least_mean_seconds=YEAR * exp(2.5),
    named=(NamedFeature("amount", "input", 2.4),),
)
VERDICT = FeatureVerdict("page", detected=False, evidence=-6.0, onset=None, onset_unix=nan, shapes={})
WINDOW = FeatureWindow(
    window="1h",
    observations=1000,
    psi=0.002,
    psi_null=0.01,
    psi_debiased=-0.008,
    psi_threshold=0.03,
    confident=True,
    js_distance=0.03,
    ks_distance=nan,
    wasserstein_ratio=nan,
    counts=(),
)
EFFECT = Effect(
    nan, nan, nan, nan, nan, bins=(BinMove("DE", "DE", 0.4, 0.405, 0.001), BinMove("FR", "FR", 0.6, 0.595, 0.001))
)


def feature(
    window: FeatureWindow | None = WINDOW,
    *,
    type_: str = "categorical",
    detected: bool = False,
    season: str | None = None,
) -> FeatureView:
    """A feature with 10,000 baseline rows."""
    return FeatureView(
        feature="x",
        role="input",
        type=type_,
        baseline_observations=10_000,
        season=season,
        verdicts=(replace(VERDICT, detected=detected, onset_unix=AT - 300 if detected else nan),),
        shown=window.window if window else None,
        bins=(),
        windows=(window,) if window else (),
    )


def number(*, shift: float, error: float = 0.03, spread: float = 1.0, bins: tuple[BinMove, ...] = ()) -> str:
    """What is said of a number that moved so."""
    effect = Effect(shift, error, spread, 50.0, 50.0 + 4.0 * shift, bins)
    return " ".join(effect_sentences(FeatureExplanation(feature(type_="numeric"), effect), at=AT))


def test_every_shape_and_every_window_has_words() -> None:
    """A new one without words would be an error in front of a person."""
    assert set(SHAPE_WORDS) == set(SHAPES)
    assert set(WINDOW_WORDS) == set(WINDOWS)


def test_an_alarm_tells_since_when_of_what_and_how_seldom_by_chance() -> None:
    """Evidence of 2.5 takes 12 years by chance where an alarm takes one; neither is rounded up."""
    told = " ".join(verdict_sentences(ALARM, at=AT))
    assert "Evidence +2.5. The alarm began at 0 and ends below -2.3." in told
    assert "began about 5 min ago, at 1970-01-01T02:00:00Z." in told
    assert "It names amount." in told
    assert "the tolerance of 0.01 (a mean shift of 0.1 standard deviations)" in told
    assert "an alarm takes at least 1 year to come about, in the mean; evidence as high as now takes 12.1 years" in told


def test_evidence_at_its_limit_is_told_as_cut() -> None:
    """Fourteen is not a measurement."""
    assert "+14.0, where it is cut" in next(verdict_sentences(replace(ALARM, evidence=14.0), at=AT))


def test_an_alarm_of_many_weak_features_names_none() -> None:
    """Then it says so, instead of naming the strongest."""
    assert "none is strong enough to be named" in " ".join(verdict_sentences(replace(ALARM, named=()), at=AT))


def test_many_names_are_cut() -> None:
    """Five names and how many more."""
    names = tuple(NamedFeature(f"f{i}", "input", 1.0) for i in range(9))
    assert "It names f0, f1, f2, f3, f4 and 4 more." in " ".join(verdict_sentences(replace(ALARM, named=names), at=AT))


@pytest.mark.parametrize(
    ("evidence", "told", "untold"),
    [
        (-300.0, "it is far away", "times as much"),
        (-7.0, "it would take 1,100 times as much", "evidence as high as now"),
        (-3.0, "evidence as high as now takes 18.1 days", "close"),
        (-0.2, "The alarm begins at 0: it is close", "times as much"),
        (nan, "There is no evidence.", "alarm"),
    ],
)
def test_a_quiet_level_tells_how_far_it_is(evidence: float, told: str, untold: str) -> None:
    """How rare the evidence is stands there only where it is rare."""
    level = replace(LEVEL, evidence=evidence, least_mean_seconds=YEAR * exp(evidence))
    text = " ".join(verdict_sentences(level, at=AT))
    assert told in text
    assert untold not in text


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (VERDICT, "evidence -6.0, not named"),
        (replace(VERDICT, evidence=nan), "no evidence: the baseline leaves nothing to bet on"),
        (
            replace(
                VERDICT, detected=True, evidence=3.0, onset="1970", onset_unix=AT - 60, shapes={"up": 0.9, "bin": 0.08}
            ),
            "evidence +3.0, changed about 60 s ago, at 1970; earned by bets on higher values 90%, single bins 8%",
        ),
        (
            replace(VERDICT, detected=True, evidence=-0.5, shapes={"missing": 1.0}),
            "evidence -0.5; earned by bets on missing values 100%; below 0 it is named together with others, or still",
        ),
    ],
)
def test_a_feature_tells_what_earned_its_evidence(verdict: FeatureVerdict, told: str) -> None:
    """And why one is named whose evidence is below the line."""
    assert feature_sentence(verdict, at=AT) == told


def test_a_shift_beyond_its_error_is_a_move() -> None:
    """With its size, its error and both means."""
    told = number(shift=0.41)
    assert (
        "The mean moved up by about 0.41 baseline standard deviations (standard error 0.03), from 50 to about 51.64."
        in told
    )
    assert "moved down by about 0.41" in number(shift=-0.41)


def test_a_shift_within_its_error_is_none() -> None:
    """It is not told as a move, however the sign falls."""
    assert "The mean is where it was: 0.05 baseline standard deviations up, with a standard error of 0.03." in number(
        shift=0.05
    )


@pytest.mark.parametrize(
    ("spread", "told"),
    [(1.3, "The spread is 1.30 times what it was."), (0.97, "about what it was (0.97 times)"), (nan, "")],
)
def test_the_spread_is_told_as_a_factor(spread: float, told: str) -> None:
    """Unless there is none to compare with."""
    text = number(shift=0.0, spread=spread)
    assert told in text
    assert ("spread" in text) is bool(told)


def test_a_constant_baseline_has_no_shift() -> None:
    """Standard deviations of zero measure nothing."""
    assert "do not vary" in number(shift=nan, error=nan, spread=nan)


def test_values_beyond_the_range_make_a_shift_a_lower_bound() -> None:
    """They stand at the ends of the range, wherever they are."""
    beyond = (BinMove("_above", "above 60", 0.0, 0.02, 0.1),)
    told = number(shift=0.5, bins=beyond)
    assert "may have moved further" in told
    assert "Shares that changed: above 60 0% to 2.0%." in told


def test_shares_count_as_changed_beyond_three_standard_errors() -> None:
    """With 1,000 rows half a percent of 40 is chance, and five are not."""
    told = " ".join(effect_sentences(FeatureExplanation(feature(), EFFECT), at=AT))
    assert "No share differs by more than three standard errors." in told
    moved = replace(EFFECT, bins=(BinMove("DE", "DE", 0.4, 0.48, 0.02), BinMove("FR", "FR", 0.6, 0.52, 0.01)))
    told = " ".join(effect_sentences(FeatureExplanation(feature(), moved), at=AT))
    assert "Shares that changed: DE 40.0% to 48.0%, FR 60.0% to 52.0%." in told


def test_one_row_of_a_new_kind_is_not_a_change() -> None:
    """A single unseen category in a hundred rows happens."""
    new = replace(EFFECT, bins=(BinMove("_unseen", "never seen", 0.0, 0.001, 0.01),))
    assert "No share" in " ".join(effect_sentences(FeatureExplanation(feature(), new), at=AT))


def test_distances_that_do_not_exist_are_not_told() -> None:
    """Categories have neither of the ordered distances; too few rows have none at all."""
    told = " ".join(effect_sentences(FeatureExplanation(feature(), EFFECT), at=AT))
    assert "PSI 0.002. With so many rows chance alone gives 0.01 in the mean" in told
    assert "Jensen-Shannon distance 0.030." in told
    assert "Kolmogorov" not in told
    few = replace(WINDOW, psi=nan, js_distance=nan)
    assert "PSI" not in " ".join(effect_sentences(FeatureExplanation(feature(few), EFFECT), at=AT))


def test_a_window_longer_than_the_change_says_that_it_is_diluted() -> None:
    """The last hour of a change that began five minutes ago shows less than there is."""
    told = next(effect_sentences(FeatureExplanation(feature(detected=True), EFFECT), at=AT))
    assert "rows from before the change" in told


def test_nothing_in_the_windows_is_told() -> None:
    """Evidence outlives the windows; the effect does not."""
    explained = FeatureExplanation(feature(None), None)
    assert list(effect_sentences(explained, at=AT)) == ["No window holds rows of it now."]
    assert (short_effect(explained), standing_sentence(explained.feature, (LEVEL,))) == ("", "")


@pytest.mark.parametrize(
    ("window", "detected", "told"),
    [
        (WINDOW, False, "within what chance gives"),
        (replace(WINDOW, psi=0.015, psi_debiased=0.005), False, "within the tolerance of 0.01, chance left out"),
        (replace(WINDOW, psi=0.025, psi_debiased=0.015), False, "can still be chance and tolerance"),
        (
            replace(WINDOW, psi=0.09, psi_debiased=0.08),
            False,
            "have not won enough yet, or the difference came and went",
        ),
        (replace(WINDOW, psi=nan), False, "Too few rows for a distance"),
        (WINDOW, True, "the change may be over, and the alarm ends once its evidence is below -2.3"),
        (replace(WINDOW, psi=0.09, psi_debiased=0.08), True, ""),
    ],
)
def test_why_a_feature_is_quiet_or_still_named(window: FeatureWindow, told: str, *, detected: bool) -> None:
    """The window's distance against chance and tolerance says which it is."""
    sentence = standing_sentence(feature(window, detected=detected), (LEVEL,))
    assert told in sentence
    assert bool(told) is bool(sentence)


def test_what_goes_by_the_hour_says_so() -> None:
    """The window is compared with all hours together, which the evidence does not do."""
    kinds = {kind.value for kind in SeasonKind}
    assert set(HOURS) == kinds
    for season in kinds:
        told = " ".join(effect_sentences(FeatureExplanation(feature(season=season), EFFECT), at=AT))
        assert f"Evidence goes by the baseline of each {HOURS[season]}; what follows is of all hours together." in told
        apart = feature(replace(WINDOW, psi=0.09, psi_debiased=0.08), season=season)
        assert f"against the baseline of the {HOURS[season]}" in standing_sentence(apart, (LEVEL,))


PAIR = PairView("amount", "input", "age", "input", 2.9)


@pytest.mark.parametrize(
    ("pairs", "told"),
    [
        (PairsView("page", detected=False, evidence=-8.0, pairs=()), "evidence -8.0, quiet."),
        (
            PairsView("page", detected=True, evidence=3.0, pairs=(PAIR,)),
            "evidence +3.0, ALARM, of amount with age (+2.9).",
        ),
        (PairsView("page", detected=True, evidence=0.1, pairs=()), "evidence +0.1, ALARM."),
        (PairsView("page", detected=True, evidence=9.0, pairs=(PAIR,) * 9), "age (+2.9) and 4 more pairs."),
    ],
)
def test_dependence_has_an_alarm_of_its_own(pairs: PairsView, told: str) -> None:
    """With the pairs that it names, five at most."""
    sentence = pairs_sentence(pairs)
    assert sentence.startswith("How numeric features depend on each other is an alarm of its own: ")
    assert sentence.endswith(told)


def test_without_evidence_on_pairs_nothing_is_said_of_them() -> None:
    """Absence is not quiet."""
    assert pairs_sentence(PairsView("page", detected=False, evidence=nan, pairs=())) == ""


def test_unusual_signals_are_named_with_their_direction() -> None:
    """Those that make a part of it, and what the number is not."""
    assert set(SIGNAL_WORDS) == set(SIGNALS)
    anomaly = AnomalyView(0.7, {"latency": 0.6, "errors": -0.38, "missing": 0.02})
    told = " ".join(anomaly_sentences(anomaly))
    assert "T2 of the operational signals in the last slot with predictions is 2 times its limit." in told
    assert "No time between false alarms is promised for it." in told
    assert told.endswith("What makes it so: latency higher (60%), share of failed predictions lower (38%).")
    assert "makes" not in " ".join(anomaly_sentences(AnomalyView(-3.0, {})))


def test_the_bins_that_moved_are_told_where_there_is_a_difference() -> None:
    """With both shares and their part of PSI; of a feature within chance nothing moved."""
    moved = replace(EFFECT, bins=(BinMove("DE", "DE", 0.4, 0.48, 0.03), BinMove("FR", "FR", 0.6, 0.52, 0.01)))
    told = moved_sentence(feature(detected=True), moved)
    assert told == "Bins that moved most: DE (40.0% to 48.0%, 75% of PSI), FR (60.0% to 52.0%, 25% of PSI)."
    assert moved_sentence(feature(), moved) == ""
    still = replace(EFFECT, bins=(BinMove("DE", "DE", 1.0, 1.0, 0.0),))
    assert moved_sentence(feature(detected=True), still) == ""


def test_a_short_effect_fits_a_table() -> None:
    """Two things at most, and only what stands out from chance."""
    effect = Effect(0.41, 0.03, 1.3, 50.0, 52.0, (BinMove("_missing", "missing", 0.01, 0.05, 0.1),))
    assert short_effect(FeatureExplanation(feature(type_="numeric"), effect)) == "mean +0.41 sd, spread x1.30"
    assert short_effect(FeatureExplanation(feature(type_="numeric"), replace(effect, shift=0.01, spread=1.01))) == (
        "missing 1.0% to 5.0%"
    )
    assert short_effect(FeatureExplanation(feature(), EFFECT)) == ""
