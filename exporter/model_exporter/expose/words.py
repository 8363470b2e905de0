"""Numbers, times and bins as people read them."""

from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite
from typing import Final

from model_exporter.baseline.model import ABOVE, BELOW, MISSING, OTHER, UNSEEN, FeatureBaseline
from model_exporter.expose.text import clean

_UNITS: Final = (("year", 31_536_000.0), ("day", 86_400.0), ("hour", 3600.0), ("minute", 60.0), ("second", 1.0))
_SHORT_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60))
_SPECIAL: Final = {OTHER: "other known", UNSEEN: "never seen", MISSING: "missing"}
_LEAST_DIGITS: Final = 3
_MOST_DIGITS: Final = 17
_FEW: Final = 0.0005
_FEWEST: Final = 0.00005
"""Shares below these are told with two digits after the point, and without a number."""
_ROUNDED: Final = 100
"""Lengths of time from this many of their unit on are told with two digits and noughts."""


def short_span(seconds: float) -> str:
    """A length of time in its largest unit that counts at least two of it.

    >>> short_span(90), short_span(7200)
    ('90 s', '2 h')
    """
    for unit, length in _SHORT_UNITS:
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:.0f} s"


def long_span(seconds: float) -> str:
    """A length of time in its largest unit, cut to two digits or so: never more than it is.

    >>> long_span(365 * 86_400), long_span(129_600), long_span(3.29e12)
    ('1 year', '1.5 days', '100,000 years')
    """
    unit, length = next((of for of in _UNITS if seconds >= of[1]), _UNITS[-1])
    count = seconds / length
    if count >= _ROUNDED:
        step = 10 ** (len(str(int(count))) - 2)
        told = f"{int(count) // step * step:,}"
    else:
        told = f"{int(count * 10) / 10:g}"
    return f"{told} {unit}" if told == "1" else f"{told} {unit}s"


def moment(at: float) -> str | None:
    """Unix seconds in ISO 8601, UTC, to the second; None where there is none.

    >>> moment(1_760_000_000.25)
    '2025-10-09T08:53:20Z'
    """
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if isfinite(at) else None


def share(value: float) -> str:
    """A share as a percentage, in six characters at most; only nothing reads as nothing.

    >>> share(0.1234), share(0.0), share(0.00031), share(1e-7)
    ('12.3%', '0%', '0.03%', '<0.01%')
    """
    if value == 0:
        return "0%"
    if value < _FEW:
        return f"{100 * value:.2f}%" if value >= _FEWEST else "<0.01%"
    return f"{100 * value:.1f}%"


def quantity(value: float) -> str:
    """A number in four digits.

    >>> quantity(12.3456), quantity(1e-7)
    ('12.35', '1e-07')
    """
    return f"{value:.4g}"


def many(value: float) -> str:
    """A large number, rounded to two digits.

    >>> many(18_051_538), many(134.2)
    ('18,000,000', '130')
    """
    return f"{int(float(f'{value:.2g}')):,}"


def percent(value: float) -> str:
    """A share as a whole percentage.

    >>> percent(0.834)
    '83%'
    """
    return f"{100 * value:.0f}%"


def signed(value: float) -> str:
    """Log evidence with its sign.

    >>> signed(3.14159), signed(-0.5)
    ('+3.1', '-0.5')
    """
    return f"{value:+.1f}"


def bin_names(feature: FeatureBaseline) -> tuple[str, ...]:
    """What each bin of `feature` holds, in words. Bins of numbers leave their lower bound out and their upper one in.

    >>> from model_exporter.baseline.model import FeatureType, NumericSummary
    >>> from model_exporter.batch import Role
    >>> summary = NumericSummary(2.0, 1.0, 1.0, 3.0, 0.0, 4.0, (1.0, 1.5, 3.0, 3.0))
    >>> bins = ("_below", "00", "01", "_above", "_missing")
    >>> bin_names(FeatureBaseline("x", Role.INPUT, FeatureType.NUMERIC, 9, True, bins, (0, 4, 4, 0, 1),
    ...     edges=(0.99, 2.0, 3.0), numeric=summary))
    ('below 1', '1 to 2', '3', 'above 3', 'missing')
    """
    if feature.numeric is None:
        return tuple(_SPECIAL.get(bin_) or clean(bin_.removeprefix("_")) for bin_ in feature.bins)
    bounds = (feature.numeric.minimum, *feature.edges[1:])
    told = _spelt(bounds)
    means = feature.numeric.positions[1:-1]
    inner = [
        _exact(upper) if mean == upper else f"{low} to {high}"
        for (low, high), mean, upper in zip(pairwise(told), means, feature.edges[1:], strict=True)
    ]
    ends = [name if " to " not in name else bound for name, bound in ((inner[0], told[0]), (inner[-1], told[-1]))]
    by_bin = {BELOW: f"below {ends[0]}", ABOVE: f"above {ends[1]}", MISSING: _SPECIAL[MISSING]}
    names = iter(inner)
    return tuple(by_bin.get(bin_) or next(names) for bin_ in feature.bins)


def _spelt(values: tuple[float, ...]) -> list[str]:
    """Numbers in as few digits as tell them apart."""
    for digits in range(_LEAST_DIGITS, _MOST_DIGITS):
        told = [_exact(float(f"{value:.{digits}g}")) for value in values]
        if len(set(told)) == len(set(values)):
            return told
    return [repr(value) for value in values]


def _exact(value: float) -> str:
    return f"{value:.15g}"
