"""Samples of many series at common moments, and how they are kept in a file."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from scenarios.capture import notation

Floats = NDArray[np.float64]

_MOMENTS: Final = frozenset({"process_start_time_seconds", "model:first_moved", "ALERTS_FOR_STATE"})
"""Series whose values are moments, as are those that end in `timestamp_seconds`."""


def is_moment(name: str) -> bool:
    """Whether the values of the metric `name` are moments in unix seconds."""
    return name.endswith("timestamp_seconds") or name in _MOMENTS


@dataclass(frozen=True, slots=True)
class Recording:
    """Series at common moments, all of them told in seconds since the first.

    Attributes:
        step: seconds between two moments.
        keys: `name{labels}`, in the exposition's notation.
        values: float64[len(keys), moments]; NaN where a series was not there.
    """

    step: float
    keys: tuple[str, ...]
    values: Floats

    def rows(self) -> Iterator[tuple[str, Floats]]:
        """Each series: its key and its values."""
        return zip(self.keys, self.values, strict=True)

    def promtool_series(self, names: frozenset[str]) -> Iterator[tuple[str, str]]:
        """The series of the metrics `names` in promtool's notation."""
        for key, values in self.rows():
            if key.partition("{")[0] in names:
                yield key, notation(values.tolist())

    def thinned(self, every: int) -> Self:
        """Every so manieth moment of it, the first included."""
        return type(self)(self.step * every, self.keys, self.values[:, ::every])

    def joined(self, other: Self) -> Self:
        """The series of both; the moments of `other` are some of those of this one."""
        if other.step != self.step:
            spread = np.full((len(other.keys), self.values.shape[1]), np.nan)
            spread[:, :: round(other.step / self.step)] = other.values
            other = type(self)(self.step, other.keys, spread)
        return type(self)(self.step, self.keys + other.keys, np.concatenate((self.values, other.values)))

    def write(self, path: Path) -> None:
        """Keep it in a file."""
        with path.open("wb") as file:
            np.savez_compressed(file, step=self.step, keys=np.array(json.dumps(self.keys)), values=self.values)

    @classmethod
    def read(cls, path: Path) -> Self:
        """What `write` wrote."""
        with np.load(path) as kept:
            return cls(float(kept["step"]), tuple(json.loads(str(kept["keys"]))), kept["values"])


class Recorder:
    """Takes the samples of one moment after the other.

    Args:
        step: seconds between two moments.
        moments: how many there will be.
        epoch: unix seconds of the first; moments among the values are told since then.
    """

    def __init__(self, step: float, moments: int, epoch: float = 0.0) -> None:
        self._step = step
        self._moments = moments
        self._epoch = epoch
        self._rows: dict[str, Floats] = {}

    def add(self, moment: int, samples: Iterable[tuple[str, float]]) -> None:
        """Add what was there at a moment, which is a number from 0 on."""
        for key, value in samples:
            row = self._rows.get(key)
            if row is None:
                row = self._rows[key] = np.full(self._moments, np.nan)
            row[moment] = value

    def finish(self) -> Recording:
        """Everything that was added."""
        keys = tuple(self._rows)
        values = np.array(list(self._rows.values())) if keys else np.zeros((0, self._moments))
        moments = [is_moment(key.partition("{")[0]) for key in keys]
        values[np.array(moments, bool)] -= self._epoch
        return Recording(self._step, keys, values)


def parse_scrape(text: str, target: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    """The samples of a scrape, with the labels that Prometheus adds."""
    added = ",".join(f'{label}="{value}"' for label, value in target.items())
    for line in text.splitlines():
        if line[0] != "#":
            key, _, value = line.rpartition(" ")
            yield f"{key[:-1]},{added}}}" if key[-1] == "}" else f"{key}{{{added}}}", float(value)
