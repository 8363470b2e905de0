"""Verdicts and effects in sentences. Each says what the numbers prove and no more."""

from collections.abc import Iterator, Sequence
from math import exp, isnan, sqrt
from typing import Final

from model_exporter.baseline.model import ABOVE, BELOW, MISSING, FeatureType
from model_exporter.expose.explanation import BinMove, Effect, FeatureExplanation
from model_exporter.expose.feature_views import FeatureView, FeatureWindow
from model_exporter.expose.verdict_views import AnomalyView, FeatureVerdict, LevelView, PairsView
from model_exporter.expose.words import long_span, many, percent, quantity, share, short_span, signed
from model_exporter.stats.evidence import CAP
from model_exporter.stats.model_evidence import CLEAR
from model_exporter.window.snapshot import WINDOWS

SHAPE_WORDS: Final = {
    "up": "higher values",
    "down": "lower values",
    "wider": "a wider spread",
    "narrower": "a narrower spread",
    "bin": "single bins",
    "missing": "missing values",
    "other": "another shape",
}
"""What the bets of each shape are on."""
SIGNAL_WORDS: Final = {
    "low_confidence": "share of uncertain predictions",
    "missing": "share of missing values",
    "errors": "share of failed predictions",
    "latency": "latency",
    "throughput": "throughput",
}
WINDOW_WORDS: Final = {"5m": "last 5 minutes", "1h": "last hour", "1d": "last day"}

HOURS: Final = {"hour_of_day": "hour of the day", "hour_of_week": "hour of the week"}

_CUT: Final = CAP - 0.05
_STANDS_OUT: Final = 2.0
"""Standard errors from which on a mean is said to have moved."""
_NEAR: Final = 2.0
"""By how much the bets must still grow for an alarm that is not close."""
_CLEARLY: Final = 3.0
"""Standard errors from which on a share is said to have changed: there are many of them."""
_SPREAD: Final = 0.05
"""Part by which a spread may differ and still be called about the same."""
_BEYOND: Final = 0.005
"""Share of rows beyond the baseline's range from which on a mean is only known from one side."""
_TELLING: Final = -5.0
"""Log evidence under which it is seen all the time and its rarity says nothing."""
_LISTED: Final = 5
_SHAPES_TOLD: Final = 3
_SHORT: Final = 2
_SHAPE_LEAST: Final = 0.05


def verdict_sentences(level: LevelView, *, at: float) -> Iterator[str]:
    """What the evidence at one level amounts to, as of `at` (unix seconds)."""
    if isnan(level.evidence):
        yield "There is no evidence."
        return
    if level.detected:
        cut = ", where it is cut" if level.evidence > _CUT else ""
        yield f"Evidence {signed(level.evidence)}{cut}. The alarm began at 0 and ends below {signed(CLEAR)}."
        if level.onset:
            yield f"The change began about {short_span(max(0.0, at - level.onset_unix))} ago, at {level.onset}."
        yield _names(level)
    else:
        yield f"Evidence {signed(level.evidence)}. The alarm begins at 0: {_distance(level.evidence)}."
    yield _chance(level)


def pairs_sentence(pairs: PairsView) -> str:
    """What the evidence on the dependence between features amounts to, or nothing where there is none."""
    if isnan(pairs.evidence):
        return ""
    told = f"How numeric features depend on each other is an alarm of its own: evidence {signed(pairs.evidence)}"
    if not pairs.detected:
        return f"{told}, quiet."
    names = ", ".join(f"{p.feature} with {p.other} ({signed(p.evidence)})" for p in pairs.pairs[:_LISTED])
    more = f" and {len(pairs.pairs) - _LISTED} more pairs" if len(pairs.pairs) > _LISTED else ""
    return f"{told}, ALARM{f', of {names}{more}' if names else ''}."


def signal_words(signal: str) -> str:
    """What `signal` is called: a business indicator by its own name."""
    return SIGNAL_WORDS.get(signal) or signal.removeprefix("business:")


def anomaly_sentences(anomaly: AnomalyView) -> Iterator[str]:
    """How unusual the operational signals are."""
    yield (
        f"Evidence {signed(anomaly.evidence)}: T2 of the operational signals in the last slot with predictions is "
        f"{exp(anomaly.evidence):.2g} times its limit. No time between false alarms is promised for it."
    )
    parts = ", ".join(
        f"{signal_words(signal)} {'higher' if part > 0 else 'lower'} ({percent(abs(part))})"
        for signal, part in anomaly.contributions.items()
        if abs(part) >= _SHAPE_LEAST
    )
    if parts:
        yield f"What makes it so: {parts}."


def feature_sentence(verdict: FeatureVerdict, *, at: float) -> str:
    """What the evidence of a feature at one level amounts to."""
    if isnan(verdict.evidence):
        return "no evidence: the baseline leaves nothing to bet on"
    told = f"evidence {signed(verdict.evidence)}"
    if not verdict.detected:
        return f"{told}, not named"
    if verdict.onset:
        told += f", changed about {short_span(max(0.0, at - verdict.onset_unix))} ago, at {verdict.onset}"
    shapes = [(shape, part) for shape, part in verdict.shapes.items() if part >= _SHAPE_LEAST][:_SHAPES_TOLD]
    if shapes:
        told += "; earned by bets on " + ", ".join(f"{SHAPE_WORDS[shape]} {percent(part)}" for shape, part in shapes)
    if verdict.evidence < 0:
        told += "; below 0 it is named together with others, or still"
    return told


def effect_sentences(explained: FeatureExplanation, *, at: float) -> Iterator[str]:
    """How a feature differs from its baseline in the window shown, as of `at` (unix seconds)."""
    feature, effect, window = explained.feature, explained.effect, explained.feature.window
    if effect is None or window is None:
        yield "No window holds rows of it now."
        return
    onsets = [verdict.onset_unix for verdict in feature.verdicts if verdict.detected]
    if onsets and at - max(onsets) < WINDOWS[window.window]:
        yield "The window also holds rows from before the change, so it may show less than the whole difference."
    if feature.season:
        yield f"Evidence goes by the baseline of each {HOURS[feature.season]}; what follows is of all hours together."
    changed = [bin_ for bin_ in effect.bins if _clearly(bin_, window.observations, feature.baseline_observations)]
    if feature.type == FeatureType.NUMERIC.value:
        yield from _number_sentences(effect)
        changed = [bin_ for bin_ in changed if bin_.bin in {BELOW, ABOVE, MISSING}]
    elif not changed:
        yield "No share differs by more than three standard errors."
    if changed:
        told = ", ".join(f"{bin_.name} {share(bin_.baseline)} to {share(bin_.window)}" for bin_ in changed[:_LISTED])
        more = f", and {len(changed) - _LISTED} more" if len(changed) > _LISTED else ""
        yield f"Shares that changed: {told}{more}."
    yield from _distance_sentences(window)


def standing_sentence(feature: FeatureView, levels: Sequence[LevelView]) -> str:
    """Why a feature that no alarm names stays quiet, or whether one that is named still differs; may be empty."""
    window = feature.window
    if window is None or not levels:
        return ""
    if isnan(window.psi):
        return "Too few rows for a distance; evidence counts every row and needs no minimum."
    if not feature.detected:
        return f"Not named: {_why_quiet(feature, window, tolerance=min(level.tolerance for level in levels))}."
    if window.psi > window.psi_threshold:
        return ""
    ends = f"the change may be over, and the alarm ends once its evidence is below {signed(CLEAR)}"
    return f"This window differs by no more than chance and the tolerance explain: {ends}."


def _why_quiet(feature: FeatureView, window: FeatureWindow, *, tolerance: float) -> str:
    if window.psi_debiased <= 0:
        return "in this window the difference is within what chance gives"
    if window.psi_debiased <= tolerance:
        return f"in this window the difference is within the tolerance of {tolerance:g}, chance left out"
    if window.psi <= window.psi_threshold:
        rows = f"{window.observations:,} and {feature.baseline_observations:,} rows"
        return f"with {rows} a difference of this size can still be chance and tolerance"
    if feature.season:
        return f"against the baseline of the {HOURS[feature.season]} the bets have not won enough"
    return (
        "this window differs by more than chance and the tolerance explain, but the bets have not won enough yet, or "
        "the difference came and went"
    )


def moved_sentence(feature: FeatureView, effect: Effect) -> str:
    """Which bins make the difference; empty when there is none to speak of."""
    window = feature.window
    if window is None or isnan(window.psi) or not (feature.detected or window.psi > window.psi_threshold):
        return ""
    total = sum(bin_.psi for bin_ in effect.bins)
    top = [bin_ for bin_ in effect.bins if bin_.psi > 0][:_SHAPES_TOLD]
    if not total > 0 or not top:
        return ""
    told = ", ".join(
        f"{bin_.name} ({share(bin_.baseline)} to {share(bin_.window)}, {percent(bin_.psi / total)} of PSI)"
        for bin_ in top
    )
    return f"Bins that moved most: {told}."


def short_effect(explained: FeatureExplanation) -> str:
    """The effect in a few words, for a table: what stands out from chance, or empty."""
    feature, effect, window = explained.feature, explained.effect, explained.feature.window
    if effect is None or window is None:
        return ""
    told = []
    if abs(effect.shift) >= _CLEARLY * effect.shift_error:
        told.append(f"mean {effect.shift:+.2f} sd")
    if abs(effect.spread - 1) >= 2 * _SPREAD:
        told.append(f"spread x{effect.spread:.2f}")
    shown = {BELOW, ABOVE, MISSING} if feature.type == FeatureType.NUMERIC.value else {bin_.bin for bin_ in effect.bins}
    told += [
        f"{bin_.name} {share(bin_.baseline)} to {share(bin_.window)}"
        for bin_ in effect.bins
        if bin_.bin in shown and _clearly(bin_, window.observations, feature.baseline_observations)
    ]
    return ", ".join(told[:_SHORT])


def _distance(evidence: float) -> str:
    """How far below its line an alarm is."""
    if evidence < -CAP:
        return "it is far away"
    times = exp(-evidence)
    return f"it would take {many(times)} times as much" if times >= _NEAR else "it is close"


def _chance(level: LevelView) -> str:
    """How long chance needs for an alarm, and for evidence as high as it is when that says more."""
    told = f"an alarm takes at least {long_span(level.patience_seconds)} to come about, in the mean"
    if level.evidence > _TELLING:
        told += f"; evidence as high as now takes {long_span(level.least_mean_seconds)}"
    return (
        f"While nothing changes beyond the tolerance of {level.tolerance:g} (a mean shift of "
        f"{sqrt(level.tolerance):.2g} standard deviations), {told}."
    )


def _names(level: LevelView) -> str:
    if not level.named:
        return "It comes from many features together; none is strong enough to be named."
    names = [feature.feature for feature in level.named]
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"It names {', '.join(names[:_LISTED])}{more}."


def _number_sentences(effect: Effect) -> Iterator[str]:
    if isnan(effect.shift):
        yield "The baseline's numbers do not vary, or the window has none, so there is no shift to tell."
        return
    way = "up" if effect.shift > 0 else "down"
    size = f"{abs(effect.shift):.2f} baseline standard deviations"
    if abs(effect.shift) >= _STANDS_OUT * effect.shift_error:
        means = f"from {quantity(effect.baseline_mean)} to about {quantity(effect.window_mean)}"
        yield f"The mean moved {way} by about {size} (standard error {effect.shift_error:.2f}), {means}."
    else:
        yield f"The mean is where it was: {size} {way}, with a standard error of {effect.shift_error:.2f}."
    if sum(bin_.window for bin_ in effect.bins if bin_.bin in {BELOW, ABOVE}) > _BEYOND:
        yield "Values beyond the baseline's range count as its ends: mean and spread may have moved further."
    if isnan(effect.spread):
        return
    if abs(effect.spread - 1) < _SPREAD:
        yield f"The spread is about what it was ({effect.spread:.2f} times)."
    else:
        yield f"The spread is {effect.spread:.2f} times what it was."


def _distance_sentences(window: FeatureWindow) -> Iterator[str]:
    if isnan(window.psi):
        return
    yield (
        f"PSI {window.psi:.3g}. With so many rows chance alone gives {window.psi_null:.2g} in the mean, and chance "
        f"with the tolerance seldom more than {window.psi_threshold:.2g}."
    )
    others = (
        ("Jensen-Shannon distance", window.js_distance, ""),
        ("Kolmogorov-Smirnov distance", window.ks_distance, ""),
        ("Wasserstein distance", window.wasserstein_ratio, " standard deviations"),
    )
    told = ", ".join(f"{name} {value:.3f}{unit}" for name, value, unit in others if not isnan(value))
    if told:
        yield f"{told}."


def _clearly(bin_: BinMove, n: int, m: int) -> bool:
    """Whether a share changed by more than chance explains, with half a row more on either side."""
    pooled = (bin_.window * n + bin_.baseline * m + 1) / (n + m + 2)
    error = sqrt(pooled * (1 - pooled) * (1 / max(n, 1) + 1 / max(m, 1)))
    return abs(bin_.window - bin_.baseline) > _CLEARLY * error
