"""Small pictures for the page, as SVG without colours of its own: the style sheet knows light and dark."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import ABOVE, BELOW, MISSING, OTHER, UNSEEN
from model_exporter.expose.feature_views import BinView, FeatureView
from model_exporter.stats.evidence import CAP

WIDTH: Final = 190
HEIGHT: Final = 46
_STRETCHES: Final = 26
"""Stretches of equal length that the range of a number is drawn in."""
_TRIMMED: Final = 0.005
"""Share of the rows at either end that the range drawn leaves out; they are drawn in its outermost stretches."""
_CATEGORIES: Final = 12
"""Bars of a category at most; the last one is for all the rest."""
_GAP: Final = 7.0
_PAIR_GAP: Final = 0.22
_PAD: Final = 2.0
_GAUGE: Final = 90
_CLASSES: Final = 6
"""Classes of a confusion matrix that is drawn."""
_NAMES, _CELL, _ROW = 104, 84, 26
"""Width of the names and of a cell, height of a row."""
_LETTERS: Final = 13
_LOWEST: Final = -16.0
"""Log evidence at the left end of a gauge."""

Pair = tuple[float, float]
"""Share of the rows in the baseline and in the window."""


@dataclass(frozen=True, slots=True)
class Bars:
    """What a picture is drawn of, from left to right; each share is of all rows of its side.

    `joined` bars touch each other, because they are stretches of one range.
    """

    before: tuple[Pair, ...]
    inner: tuple[Pair, ...]
    after: tuple[Pair, ...]
    joined: bool


def histogram(feature: FeatureView) -> str:
    """Baseline and window of `feature`, one over the other; empty while no window holds rows."""
    window = feature.window
    if window is None:
        return ""
    told = f"{feature.feature}: shares of the rows in the baseline and in the window {window.window}"
    return (
        f'<svg class="hist" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(told)}">{"".join(_paths(bars(feature)))}'
        f'<path class="axis" d="M0 {HEIGHT - 0.5}H{WIDTH}"/></svg>'
    )


def gauge(evidence: float, look: str) -> str:
    """Log evidence as a bar from -16 to its cut, with a line where an alarm begins; `look` is a class."""
    scale = _GAUGE / (CAP - _LOWEST)
    width = scale * (max(_LOWEST, min(CAP, evidence)) - _LOWEST)
    line = scale * (0.0 - _LOWEST)
    track = f'<rect class="track" y="3" width="{_GAUGE}" height="6" rx="3"/>'
    fill = f'<rect class="fill {look}" y="3" width="{width:.1f}" height="6" rx="3"/>'
    return (
        f'<svg class="gauge" width="{_GAUGE}" height="12" aria-hidden="true">{track}{fill}'
        f'<path class="line" d="M{line:.1f} 0V12"/></svg>'
    )


def matrix(confusion: Mapping[str, Mapping[str, float]]) -> str:
    """Counts by actual class (rows) and predicted class (columns), darker for a larger share of the row.

    Empty when there are no counts, or more classes than can be read.
    """
    classes = list(dict.fromkeys([*confusion, *(name for row in confusion.values() for name in row)]))
    counts = {actual: {name: confusion.get(actual, {}).get(name, 0.0) for name in classes} for actual in classes}
    kept = [name for name in classes if any(counts[name].values()) or any(row[name] for row in counts.values())]
    if not 0 < len(kept) <= _CLASSES:
        return ""
    drawn = [_heading(_NAMES + (place + 0.5) * _CELL, _ROW - 7, name, "middle") for place, name in enumerate(kept)]
    for line, actual in enumerate(kept, 1):
        drawn.append(_heading(_NAMES - 8, line * _ROW + 17, actual, "end"))
        row = sum(counts[actual].values())
        for place, name in enumerate(kept):
            count = counts[actual][name]
            drawn.append(_cell(_NAMES + place * _CELL, line * _ROW, count, count / row if row > 0 else 0.0))
    width, height = _NAMES + len(kept) * _CELL, (len(kept) + 1) * _ROW
    return (
        f'<svg class="matrix" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="counts by actual class, a row each, and predicted class">{"".join(drawn)}</svg>'
    )


def _heading(x: float, y: float, name: str, anchor: str) -> str:
    """The name of a class, cut to the room there is, with the whole of it behind."""
    cut = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(cut)}<title>{escape(name)}</title></text>'


def _cell(x: float, y: float, count: float, share: float) -> str:
    return (
        f'<rect class="cell" x="{x + 1:g}" y="{y + 1:g}" width="{_CELL - 2}" height="{_ROW - 2}" rx="3" '
        f'fill-opacity="{0.06 + 0.5 * share:.2f}"/>'
        f'<text class="count" x="{x + _CELL / 2:g}" y="{y + 17:g}" text-anchor="middle">{count:,.0f}</text>'
    )


def bars(feature: FeatureView) -> Bars:
    """What to draw of `feature` and the window to look at."""
    counts = feature.window.counts if feature.window else ()
    shares = {
        bin_.bin: (before, now)
        for bin_, before, now in zip(
            feature.bins, _shares([b.baseline for b in feature.bins]), _shares(counts), strict=True
        )
    }
    missing = _shown(shares, MISSING)
    if any(bin_.mean is not None for bin_ in feature.bins):
        return _of_number(feature.bins, shares, missing)
    inner = [shares[bin_.bin] for bin_ in feature.bins if bin_.bin not in {OTHER, UNSEEN, MISSING}]
    inner += [*_shown(shares, OTHER), *_shown(shares, UNSEEN)]
    if len(inner) > _CATEGORIES:
        rest = inner[_CATEGORIES - 1 :]
        inner = [*inner[: _CATEGORIES - 1], (sum(pair[0] for pair in rest), sum(pair[1] for pair in rest))]
    return Bars((), tuple(inner), missing, joined=False)


def _of_number(bins: Sequence[BinView], shares: dict[str, Pair], missing: tuple[Pair, ...]) -> Bars:
    inside = [bin_ for bin_ in bins if bin_.bin not in {BELOW, ABOVE, MISSING}]
    below, above = _shown(shares, BELOW), (*_shown(shares, ABOVE), *missing)
    if 2 * sum(bin_.mean == bin_.up_to for bin_ in inside) > len(inside):  # most hold a single value
        return Bars(below, tuple(shares[bin_.bin] for bin_ in inside), above, joined=False)
    ends = {bin_.bin: bin_.mean for bin_ in bins}
    edges = np.array([ends[BELOW], *(bin_.up_to for bin_ in inside)], np.float64)
    sides = np.array([shares[bin_.bin] for bin_ in inside])
    before, now = _stretches(edges, sides[:, 0], sides[:, 1])
    return Bars(below, tuple(zip(before, now, strict=True)), above, joined=True)


def _stretches(edges: NDArray[np.float64], *sides: NDArray[np.float64]) -> list[list[float]]:
    """Shares in stretches of equal length, from those between ascending `edges`, spread evenly between them.

    Bins that hold similar numbers of rows all look alike; stretches of equal length show the shape.
    """
    half = edges / 2  # the whole of the floats' range is too long for a float
    length = half[-1] - half[0]
    sums = [np.concatenate([[0.0], np.cumsum(side)]) for side in sides]
    if not (length > 0 and any(of[-1] > 0 for of in sums)):
        return [[float(of[-1])] for of in sums]
    places = (half - half[0]) / length
    reach = [np.interp([_TRIMMED * of[-1], (1 - _TRIMMED) * of[-1]], of, places) for of in sums if of[-1] > 0]
    low, high = min(float(of[0]) for of in reach), max(float(of[1]) for of in reach)
    cuts = np.linspace(low, max(high, low + 1e-9), _STRETCHES + 1)
    drawn = []
    for of in sums:
        up_to = np.interp(cuts, places, of)
        up_to[0], up_to[-1] = 0.0, of[-1]
        drawn.append(np.diff(up_to).tolist())
    return drawn


def _paths(drawn: Bars) -> Iterator[str]:
    """The baseline as an area, the window as an outline over it; pairs of bars stand side by side."""
    top = max((max(pair) for pair in (*drawn.before, *drawn.inner, *drawn.after)), default=0.0)
    if not top > 0:
        return
    groups = [group for group in (drawn.before, drawn.inner, drawn.after) if group]
    # A bar beside the range is twice as wide as a stretch of it, so that it can be seen.
    weights = [len(group) * (2 if drawn.joined and group is not drawn.inner else 1) for group in groups]
    unit = (WIDTH - _GAP * (len(groups) - 1)) / sum(weights)
    before, now, left = "", "", 0.0
    for group, weight in zip(groups, weights, strict=True):
        step = unit * weight / len(group)
        if drawn.joined and group is drawn.inner:
            before += _steps([pair[0] / top for pair in group], left, step)
            now += _steps([pair[1] / top for pair in group], left, step)
        else:
            bar = step * (1 - _PAIR_GAP) / 2
            for index, pair in enumerate(group):
                at = left + index * step + step * _PAIR_GAP / 2
                before += _steps([pair[0] / top], at, bar)
                now += _steps([pair[1] / top], at + bar, bar)
        left += unit * weight + _GAP
    yield f'<path class="was" d="{before}"/><path class="now" d="{now}"/>'


def _steps(heights: Sequence[float], left: float, step: float) -> str:
    """A closed outline of bars that touch each other."""
    room = HEIGHT - _PAD - 1
    tops = [f"{HEIGHT - 1 - room * height:.1f}" for height in heights]
    path = f"M{left:.1f} {HEIGHT - 1}V{tops[0]}"
    for index, (_, following) in enumerate(pairwise(tops), start=1):
        path += f"H{left + index * step:.1f}V{following}"
    return f"{path}H{left + len(tops) * step:.1f}V{HEIGHT - 1}Z"


def _shown(shares: dict[str, Pair], bin_: str) -> tuple[Pair, ...]:
    """The bar of a bin that is drawn only when it holds rows."""
    pair = shares.get(bin_, (0.0, 0.0))
    return (pair,) if any(pair) else ()


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(sum(counts), 1)
    return [count / total for count in counts]
