"""An explanation as plain text for a terminal: sentences, and baseline against window as bars side by side."""

from collections.abc import Iterable, Iterator
from typing import Final

from model_exporter.baseline.terminal import columns, fit, printable, wrapped
from model_exporter.expose.explanation import Effect, Explanation, FeatureExplanation
from model_exporter.expose.prose import (
    WINDOW_WORDS,
    anomaly_sentences,
    effect_sentences,
    feature_sentence,
    moved_sentence,
    pairs_sentence,
    standing_sentence,
    verdict_sentences,
)
from model_exporter.expose.truth_prose import performance_sentences, performance_state
from model_exporter.expose.verdict_views import Alarm, LevelView
from model_exporter.expose.words import moment, share

LEAST_WIDTH: Final = 60
MOST_WIDTH: Final = 200

_BLOCKS: Final = " ▏▎▍▌▋▊▉█"
_ASCII_BLOCKS: Final = " #"
_ROWS: Final = 20
"""Bins drawn of a feature; of one with more, those that moved or hold most."""
_LABEL: Final = 8
_SHARE: Final = 6
_GAP: Final = 2
_READING: Final = (
    "Evidence is the logarithm of what bets against the baseline have won. It counts every prediction, holds at "
    "every look, and is kept for all features together. The times in the mean are lower bounds, and hold as long as "
    "the traffic, given what came before it, stays within the tolerance: a daily rhythm that the baseline does not "
    "know is a change."
)


def render(explanation: Explanation, *, width: int, ascii_only: bool = False) -> str:
    """`explanation` as lines no wider than `width` (at least 60 and at most 200 are used), each ended by a newline.

    Args:
        explanation: what to tell.
        width: columns of the terminal.
        ascii_only: draw bars and cuts in ASCII. Names stay as they are, but for what could move the cursor.
    """
    paper = _Paper(max(LEAST_WIDTH, min(width, MOST_WIDTH)), ascii_only=ascii_only)
    lines = [*_head(paper, explanation)]
    for level in explanation.verdicts:
        lines += ["", *_level(paper, level, explanation)]
    if explanation.anomaly:
        state = "UNUSUAL" if explanation.anomaly.evidence >= 0 else "as usual"
        lines += ["", f"signals: {state}", *paper.bullets(anomaly_sentences(explanation.anomaly))]
    if explanation.performance:
        state = performance_state(explanation.performance)
        lines += ["", f"performance: {state}", *paper.bullets(performance_sentences(explanation.performance))]
    for feature in explanation.features:
        lines += ["", *_feature(paper, feature, explanation)]
    if explanation.others:
        lines += [
            "",
            *paper.wrapped(f"The alarms name {len(explanation.others)} more: {', '.join(explanation.others)}."),
        ]
    if explanation.verdicts:
        lines += ["", *paper.wrapped(_READING)]
    return "".join(f"{line.rstrip()}\n" for line in lines)


class _Paper:
    """Where text goes: its width and its characters."""

    def __init__(self, width: int, *, ascii_only: bool) -> None:
        self.width = width
        self.blocks = _ASCII_BLOCKS if ascii_only else _BLOCKS
        self.mark = "..." if ascii_only else "…"

    def wrapped(self, text: str, *, first: str = "", rest: str = "") -> list[str]:
        """`text` in lines, the `first` and the `rest` of which begin so."""
        return wrapped(printable(text), self.width, first=first, rest=rest)

    def bullets(self, sentences: Iterable[str]) -> Iterator[str]:
        """A list item for each of the sentences."""
        for sentence in sentences:
            if sentence:
                yield from self.wrapped(sentence, first="- ", rest="  ")

    def bar(self, value: float, top: float, size: int) -> str:
        """A bar of up to `size` columns for `top`; only nothing has no bar at all."""
        steps = len(self.blocks) - 1
        filled = max(round(value / top * size * steps), 1) if value > 0 else 0
        whole, part = divmod(filled, steps)
        return fit(self.blocks[-1] * whole + (self.blocks[part] if part else ""), size, "")


def _head(paper: _Paper, explanation: Explanation) -> Iterator[str]:
    version = f", version {explanation.version}" if explanation.version is not None else ""
    match explanation.drift:
        case None:
            state = "no verdict yet"
        case Alarm.OK:
            state = "ok, no alarm is on"
        case alarm:
            state = f"the {alarm.value} alarm is on"
    yield from paper.wrapped(f"{explanation.model}{version}: {state}")
    against = (
        f", compared with {explanation.baseline.rows:,} rows of {explanation.baseline.source}"
        if explanation.baseline
        else ""
    )
    yield from paper.wrapped(f"as of {moment(explanation.at)}{against}")
    if explanation.no_verdict:
        yield from paper.wrapped(f"Nothing is judged: {explanation.no_verdict}.")
    if explanation.note:
        yield from paper.wrapped(f"The feature is not compared: {explanation.note}.")


def _level(paper: _Paper, level: LevelView, explanation: Explanation) -> Iterator[str]:
    yield f"{level.level}: {'ALARM' if level.detected else 'quiet'}"
    yield from paper.bullets(verdict_sentences(level, at=explanation.at))
    yield from paper.bullets(pairs_sentence(pairs) for pairs in explanation.pairs if pairs.level == level.level)


def _feature(paper: _Paper, explained: FeatureExplanation, explanation: Explanation) -> Iterator[str]:
    feature = explained.feature
    head = f"{feature.feature} ({feature.type} {feature.role})"
    if feature.window:
        head += (
            f": {feature.window.observations:,} predictions of the {WINDOW_WORDS[feature.window.window]} against "
            f"{feature.baseline_observations:,} baseline rows"
        )
    yield from paper.wrapped(head)
    for verdict in feature.verdicts:
        yield from paper.wrapped(
            f"{verdict.level}: {feature_sentence(verdict, at=explanation.at)}.", first="- ", rest="  "
        )
    yield from paper.bullets(effect_sentences(explained, at=explanation.at))
    yield from paper.bullets([standing_sentence(feature, explanation.verdicts)])
    if explained.effect:
        yield from paper.bullets([moved_sentence(feature, explained.effect)])
        yield ""
        yield from _histogram(paper, explained, explained.effect)


def _histogram(paper: _Paper, explained: FeatureExplanation, effect: Effect) -> Iterator[str]:
    """Baseline and window as bars, a line for each bin."""
    bins = explained.feature.bins
    by_bin = {bin_.bin: bin_ for bin_ in effect.bins}
    moves = [by_bin[bin_.bin] for bin_ in bins]
    weight = {move.bin: max(move.baseline, move.window) + move.psi for move in moves}
    kept = set(sorted(weight, key=lambda bin_: -weight[bin_])[:_ROWS])
    drawn = [move for move in moves if move.bin in kept]
    names = [printable(move.name) for move in drawn]
    label = min(max(map(columns, names)), max(_LABEL, paper.width // 3))
    size = (paper.width - label - 2 * (_SHARE + 2 * _GAP)) // 2
    top = max(max(move.baseline, move.window) for move in drawn)
    window = explained.feature.shown or ""
    gap = " " * _GAP
    heads = [fit(head, size + _GAP + _SHARE, paper.mark) for head in ("baseline", WINDOW_WORDS[window])]
    yield f"{' ' * label}{gap}{heads[0]}{gap}{heads[1]}"
    for name, move in zip(names, drawn, strict=True):
        sides = (f"{paper.bar(of, top, size)}{gap}{share(of):>{_SHARE}}" for of in (move.baseline, move.window))
        yield f"{fit(name, label, paper.mark)}{gap}{gap.join(sides)}"
    if len(drawn) < len(moves):
        rest = [move for move in moves if move.bin not in kept]
        held = [share(sum(getattr(move, side) for move in rest)) for side in ("baseline", "window")]
        yield from paper.wrapped(
            f"and {len(rest)} more bins with {held[0]} of the baseline and {held[1]} of the window"
        )
