"""What the exporter's evidence says of the streams in a directory: every run is a feature of one `EvidenceState`."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.bins import ordinal_bins, tail_refined_edges
from model_exporter.stats.dictionary import Allowance
from model_exporter.stats.evidence import EvidenceState
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.portfolio import build_tables

SLOT_ROWS = 25
SLOT_SECONDS = 15.0
WARM_SLOTS = 100
CATEGORIES = 7

Values = NDArray[np.float32]
Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Answer:
    """What a rule does.

    Attributes:
        clean: by kind of feature, predictions seen until the first false alarms, or without one, of all runs, and how
            many of the runs had one.
        delays: by change, predictions from the change to the alarm in each run; None where none came.
    """

    clean: dict[str, tuple[int, int]]
    delays: dict[str, list[int | None]]


class Binned:
    """The bins of all runs' baselines, as the exporter would cut them."""

    def __init__(self, kind: str, baseline: Values) -> None:
        self._number = kind != "category"
        self._edges: list[NDArray[np.float64]] = []
        if self._number:
            for column in baseline.T.astype(np.float64):
                self._edges.append(tail_refined_edges(np.sort(column[np.isfinite(column)])))
            sizes = [len(edges) + 2 for edges in self._edges]
        else:
            sizes = [CATEGORIES + 3] * baseline.shape[1]  # others, unseen and missing besides
        self.starts = np.array([0, *np.cumsum(sizes)], np.int64)
        (counts,) = self.count(baseline, len(baseline))
        self.features = [
            FeatureBins(Kind.NUMERIC if self._number else Kind.CATEGORICAL, part)
            for part in np.split(counts, self.starts[1:-1])
        ]

    def count(self, rows: Values, size: int) -> Counts:
        """Counts int64[slots, B] of consecutive slots of `size` rows."""
        slots = len(rows) // size
        width = int(self.starts[-1])
        slot = np.repeat(np.arange(slots), size) * width
        total = np.zeros(slots * width, np.int64)
        for run, start in enumerate(self.starts[:-1].tolist()):
            values = rows[: slots * size, run].astype(np.float64)
            if self._number:
                bins = np.where(np.isnan(values), len(self._edges[run]) + 1, ordinal_bins(values, self._edges[run]))
            else:
                bins = values.astype(np.int64)
            total += np.bincount(slot + start + bins, minlength=len(total))
        return total.reshape(slots, width)


class Streams:
    """The streams of a directory, in slots."""

    def __init__(self, directory: Path) -> None:
        about = json.loads((directory / "streams.json").read_text("utf-8"))
        self.kinds: list[str] = about["kinds"]
        self.changes: dict[str, str] = about["changes"]
        self.binned = {kind: Binned(kind, np.load(directory / f"baseline-{kind}.npy")) for kind in self.kinds}
        self.clean = {
            kind: self.binned[kind].count(np.load(directory / f"clean-{kind}.npy"), SLOT_ROWS) for kind in self.kinds
        }
        self.change = about["before"] // SLOT_ROWS
        self.changed = {
            name: self.binned[kind].count(np.load(directory / f"changed-{name}.npy"), SLOT_ROWS)
            for name, kind in self.changes.items()
        }


def evidence(streams: Streams, allowance: Allowance, patience: dict[str, float], *, clean_kinds: list[str]) -> Answer:
    """What evidence says that has a mean time between false alarms of `patience` predictions a feature, by kind."""
    clean, delays = {}, {}
    tables = {kind: build_tables(streams.binned[kind].features, allowance) for kind in streams.kinds}
    seconds = {kind: predictions / SLOT_ROWS * SLOT_SECONDS for kind, predictions in patience.items()}
    for kind in clean_kinds:
        state = EvidenceState([tables[kind]], patience_seconds=seconds[kind])
        first = first_alarms(state, streams.clean[kind])
        seen = sum(len(streams.clean[kind]) * SLOT_ROWS if at is None else at for at in first)
        clean[kind] = seen, sum(at is not None for at in first)
    for name, kind in streams.changes.items():
        state = EvidenceState([tables[kind]], patience_seconds=seconds[kind])
        counts = streams.changed[name]
        for slot in counts[streams.change - WARM_SLOTS : streams.change]:
            state.update(slot, start=0.0, seconds=SLOT_SECONDS)
            state.forget(state.wealth >= 1)  # a false alarm is over, and the next one needs new evidence
        delays[name] = first_alarms(state, counts[streams.change :])
    return Answer(clean, delays)


def first_alarms(state: EvidenceState, counts: Counts) -> list[int | None]:
    """Predictions up to each feature's first alarm, None where there is none."""
    first: NDArray[np.int64] | None = None
    for number, slot in enumerate(counts, start=1):
        state.update(slot, start=0.0, seconds=SLOT_SECONDS)
        alarm = state.wealth >= 1
        first = np.zeros(len(alarm), np.int64) if first is None else first
        first[(first == 0) & alarm] = number * SLOT_ROWS
        if first.all():
            break
    return [int(at) or None for at in first] if first is not None else []
