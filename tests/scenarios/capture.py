"""What Prometheus would keep of scrapes, and how promtool is told of it."""

import re
from array import array
from collections.abc import Collection, Iterator, Mapping
from itertools import groupby
from math import isnan, nan
from pathlib import Path
from typing import Final

import yaml

_WORD: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_MODEL: Final = re.compile(r'[{,]model="([^"]*)"')
_TIMESTAMP: Final = "_timestamp_seconds"


def names_read(rule_files: list[Path]) -> frozenset[str]:
    """Every word in the expressions of rules: among them are the metrics that they read."""
    words: set[str] = set()
    for path in rule_files:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                words.update(_WORD.findall(str(rule["expr"])))
    return frozenset(words)


class Tape:
    """Samples of one target at one interval, by series.

    promtool's time begins with 1970, so that moments are told as seconds since the first scrape.

    Args:
        names: metrics that are kept.
        target: labels that Prometheus adds.
        epoch: unix seconds of the first scrape.

    Attributes:
        scrapes: how many there were.
    """

    def __init__(self, names: frozenset[str], target: Mapping[str, str], epoch: float) -> None:
        self._names = names
        self._target = ",".join(f'{label}="{value}"' for label, value in target.items())
        self._epoch = epoch
        self._series: dict[str, array[float] | None] = {}
        self.scrapes = 0

    def add(self, text: str) -> None:
        """Keep a scrape."""
        for line in text.splitlines():
            if line[0] == "#":
                continue
            key, _, value = line.rpartition(" ")
            if key not in self._series:
                self._series[key] = array("d") if self._wants(key) else None
            values = self._series[key]
            if values is not None:
                values.extend([nan] * (self.scrapes - len(values)))
                values.append(float(value))
        self.scrapes += 1

    def series(self, models: Collection[str]) -> Iterator[tuple[str, str]]:
        """Each series and its values in promtool's notation: those of `models`, and what belongs to no model."""
        yield f"up{{{self._target}}}", f"1x{self.scrapes - 1}"
        for key, values in self._series.items():
            named = _MODEL.search(key)
            if values is None or (named and named[1] not in models):
                continue
            name, _, labels = key.partition("{")
            padded = [*values, *[nan] * (self.scrapes - len(values))]
            moved = [value - self._epoch for value in padded] if name.endswith(_TIMESTAMP) else padded
            yield f"{name}{{{labels.removesuffix('}') + ',' if labels else ''}{self._target}}}", notation(moved)

    def _wants(self, key: str) -> bool:
        return key.partition("{")[0] in self._names


def notation(values: list[float]) -> str:
    """`values` as promtool reads them: runs of one value as `1x9`, gaps as `_`, and a stale marker where one begins.

    >>> notation([nan, 1, 1, 1, 2.5, nan, nan, 3])
    '_ 1x2 2.5 stale _ 3'
    """
    parts: list[str] = []
    for value, run in groupby(values, key=lambda value: "gap" if isnan(value) else repr(value).removesuffix(".0")):
        count = len(list(run))
        if value == "gap":
            if parts:
                parts.append("stale")
                count -= 1
            parts += [f"_x{count}" if count > 1 else "_"] if count else []
        else:
            parts.append(f"{value}x{count - 1}" if count > 1 else value)
    return " ".join(parts)
