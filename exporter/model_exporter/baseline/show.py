"""A baseline as a table for people."""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import sqrt
from typing import Final

from model_exporter.baseline.categories import SPECIAL_BINS
from model_exporter.baseline.histogram import ASCII_BLOCKS, BLOCKS, bar_shares, text_histogram
from model_exporter.baseline.model import MISSING, Baseline, FeatureBaseline, FeatureType, SeasonKind, Seasons
from model_exporter.baseline.terminal import columns, fit, printable

ENOUGH_ROWS: Final = 10_000
"""Rows below which the baseline's own noise delays the detection of small drifts noticeably."""
ENOUGH_SECONDS: Final = 86_400.0
"""A shorter stretch does not know the time of day."""
_BARS: Final = 20
_FEW_BARS: Final = 12
_WIDE: Final = 100
"""Columns of a terminal from which on there is room for all bars."""
_LEAST_WIDTH: Final = 72
_GAP: Final = 2
_TOP: Final = 3
_HEAD: Final = ("feature", "role", "type", "missing", "bins", "distribution", "values")
_IN_TIME: Final = ("seasons", "wave", "phi")
_NAME: Final = 0
_VALUES: Final = -1
_MUCH_PHI: Final = 10.0
"""Variance over that of independent rows from which on drift is told so late that people should know."""
_HIGH_WAVE: Final = 0.25
"""Divergence between the hours, half a standard deviation, from which on only large drift is told without seasons."""


def render(baseline: Baseline, *, width: int, ascii_only: bool = False) -> str:
    """`baseline` as text: what it is, what speaks against it, and a line for each feature.

    Args:
        baseline: the baseline.
        width: columns of the terminal; at least 72 are used.
        ascii_only: draw histograms and cuts in ASCII, for terminals without Unicode. Names stay as they are.

    Returns:
        lines without trailing spaces, ended by a newline.
    """
    bars = _BARS if width >= _WIDE else _FEW_BARS
    measured = any(feature.phi is not None for feature in baseline.features)
    rows = [_HEAD, *(_row(feature, bars=bars, ascii_only=ascii_only) for feature in baseline.features)]
    if measured and width >= _WIDE:
        in_time = [_IN_TIME, *(_in_time(feature) for feature in baseline.features)]
        rows = [(*row[:_VALUES], *more, row[_VALUES]) for row, more in zip(rows, in_time, strict=True)]
    lines = [
        f"model    {printable(baseline.model)}",
        f"rows     {baseline.rows:,}",
        f"span     {_span(baseline.span_seconds)}",
        *(f"seasons  {_seasons(baseline, seasons)}" for seasons in baseline.seasons),
        *(f"wave     {text}" for text in _waves(baseline)),
        *([f"phi      {_dependence(baseline)}"] if measured else []),
        f"source   {printable(baseline.source)}",
        f"created  {datetime.fromtimestamp(baseline.created, UTC).strftime('%Y-%m-%d %H:%M:%S')} UTC",
        f"digest   {baseline.digest}",
        *(f"warning  {warning}" for warning in warnings(baseline)),
        "",
        *_table(rows, width, mark="..." if ascii_only else "…"),
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def warnings(baseline: Baseline) -> Iterator[str]:
    """What makes `baseline` a poor one, in words; nothing when it is good."""
    if not baseline.stable:
        yield "its rows differ from one part of the time to another: drift may already be in it"
    if baseline.rows < ENOUGH_ROWS:
        yield f"fewer than {ENOUGH_ROWS:,} rows: its own noise hides small drifts"
    if baseline.span_seconds is None:
        yield "the rows have no time: whether they cover all hours of the day is not known"
    elif baseline.span_seconds < ENOUGH_SECONDS and all(feature.wave is None for feature in baseline.features):
        yield "less than a day: the daily rhythm will look like drift"
    high = [f for f in baseline.features if (f.wave or 0.0) > _HIGH_WAVE and not f.seasons]
    if high:
        highest = max(high, key=lambda feature: feature.wave or 0.0)
        others = f" (and those of {len(high) - 1} more features by over {_as_shift(_HIGH_WAVE)})" if high[1:] else ""
        yield (
            f"the hours of {printable(highest.name)} differ by as much as {_as_shift(highest.wave)} sd{others}: "
            "only larger drift is told. Rows of 7 days, by which hours get a baseline each, cure it"
        )
    slow = [feature for feature in baseline.features if (feature.phi or 1.0) >= _MUCH_PHI]
    if slow:
        worst = max(slow, key=lambda feature: feature.phi or 1.0)
        yield (
            f"counts of {printable(worst.name)} vary {worst.phi:.0f} times as much as those of independent rows"
            f"{f' (and {len(slow) - 1} more features over {_MUCH_PHI:.0f})' if len(slow) > 1 else ''}: "
            "drift is told that much later. Where the hour of the day is the cause, rows of 7 days cure it"
        )


def _row(feature: FeatureBaseline, *, bars: int, ascii_only: bool) -> tuple[str, ...]:
    missing = dict(zip(feature.bins, feature.counts, strict=True)).get(MISSING)
    blocks = ASCII_BLOCKS if ascii_only else BLOCKS
    return (
        printable(feature.name),
        feature.role.value,
        feature.type.value,
        "" if missing is None else f"{missing / feature.rows:.1%}",
        str(len(feature.bins)),
        text_histogram(bar_shares(feature, bars), blocks=blocks),
        _values(feature),
    )


def _in_time(feature: FeatureBaseline) -> tuple[str, str, str]:
    """How many seasons it has, its wave and its phi."""
    return (
        str(len(feature.season_counts) or ""),
        "" if feature.wave is None else _as_shift(feature.wave),
        "" if feature.phi is None else f"{feature.phi:.1f}",
    )


def _as_shift(wave: float | None) -> str:
    """The mean shift in standard deviations that diverges as much as a wave."""
    return f"{sqrt(wave or 0.0):.2f}"


def _seasons(baseline: Baseline, seasons: Seasons) -> str:
    """How many seasons there are, and how many features have them."""
    having = sum(feature.seasons is seasons.kind for feature in baseline.features)
    of = "the day" if seasons.kind is SeasonKind.HOUR_OF_DAY else "the week"
    shared = "" if len(seasons.rows) == seasons.kind.hours else f" in {len(seasons.rows)} groups"
    return (
        f"{seasons.kind.hours} hours of {of}{shared} (UTC), {min(seasons.rows):,} rows or more each, "
        f"for {having} of {len(baseline.features)} features"
    )


def _waves(baseline: Baseline) -> Iterator[str]:
    """The range of the wave over the features, if it was measured."""
    waves = [feature.wave for feature in baseline.features if feature.wave is not None]
    if waves:
        yield (
            f"{_as_shift(min(waves))} to {_as_shift(max(waves))} sd (most by which an hour differs from all rows, "
            "as a shift of the mean)"
        )


def _dependence(baseline: Baseline) -> str:
    """The range of phi over the features."""
    inflations = [feature.phi for feature in baseline.features if feature.phi is not None]
    return f"{min(inflations):.1f} to {max(inflations):.1f} (variance of counts; independent rows have 1)"


def _values(feature: FeatureBaseline) -> str:
    """What the values are like, in a few words."""
    if feature.type is FeatureType.IDENTIFIER:
        return "not compared: nearly all differ"
    if feature.numeric:
        return f"mean {feature.numeric.mean:.4g}, sd {feature.numeric.sd:.4g}"
    bins = [(count, bin_) for bin_, count in zip(feature.bins, feature.counts, strict=True)]
    total = sum(count for count, bin_ in bins if bin_ != MISSING)
    top = [(count, bin_) for count, bin_ in bins if count and bin_ not in SPECIAL_BINS][:_TOP]
    if not total:
        return "no values"
    return ", ".join(f"{printable(bin_)} {count / total:.0%}" for count, bin_ in top) or "rare categories only"


def _table(rows: list[tuple[str, ...]], width: int, *, mark: str) -> list[str]:
    """Lines of a table no wider than `width`: names and values, first and last, are cut where they are too long."""
    table = list(zip(*rows, strict=True))
    widths = [max(map(columns, cells)) for cells in table]
    room = max(width, _LEAST_WIDTH) - sum(widths) - _GAP * (len(widths) - 1) + widths[_NAME] + widths[_VALUES]
    # Either of the two gets what the other leaves, and at least half.
    widths[_NAME] = min(widths[_NAME], max(room - widths[_VALUES], room // 2))
    widths[_VALUES] = min(widths[_VALUES], room - widths[_NAME])
    return [
        (" " * _GAP).join(fit(cell, size, mark) for cell, size in zip(row, widths, strict=True))
        for row in zip(*table, strict=True)
    ]


def _span(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} seconds"
