"""Durations as Prometheus writes them: `1h30m`, `15s`, `7d`."""

import re
from typing import Final, NewType

Duration = NewType("Duration", float)
"""Seconds, written in the configuration as a Prometheus duration."""

EXAMPLES: Final = "15s, 5m, 1h30m or 7d"
_UNITS: Final = {"y": 31_536_000.0, "w": 604_800.0, "d": 86_400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PATTERN: Final = re.compile("".join(rf"(?:(\d{{1,9}}){unit})?" for unit in _UNITS), re.ASCII)


def parse_duration(text: str) -> Duration:
    """Seconds, more than 0, of a duration such as `1h30m`: numbers with units, largest first, each unit once.

    Raises:
        ValueError: it is no such duration, or no time at all.
    """
    match = _PATTERN.fullmatch(text)
    seconds = sum(int(n) * size for n, size in zip(match.groups("0"), _UNITS.values(), strict=True)) if match else 0.0
    if seconds <= 0:
        raise ValueError(f"{text!r} is not a duration such as {EXAMPLES}")
    return Duration(seconds)


def format_duration(seconds: float) -> str:
    """The shortest way to write `seconds`, a positive number of whole milliseconds: `1h30m` for 5400."""
    rest = round(seconds * 1000)
    parts = []
    for unit, size in _UNITS.items():
        # Years and weeks are read but not written: 7d says more than 1w to most people.
        if unit not in {"y", "w"}:
            count, rest = divmod(rest, round(size * 1000))
            parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
