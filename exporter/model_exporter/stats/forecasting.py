"""Performance of forecasts, as sums by horizon.

>>> tally = ForecastTally(["1h", "24h"])
>>> actual = np.tile([1.0, 2.0, 3.0, 4.0], 50)
>>> rows = ForecastRows(PredictedNumbers(actual, actual * 1.1), np.zeros(200, np.int64), np.full(200, 2.5))
>>> [(m.metric, m.label, round(m.value, 3)) for m in tally.measures(tally.sums(rows)) if m.metric in {"mape", "mase"}]
[('mape', '', 0.1), ('mase', '', 0.25), ('mape', '1h', 0.1), ('mase', '1h', 0.25)]
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from model_exporter.stats.intervals import log_interval
from model_exporter.stats.measure import MIN_MEAN_ROWS, Measure
from model_exporter.stats.moments import MeanSums, bounded
from model_exporter.stats.regression import SIZE, SQUARES, WIDTH, PredictedNumbers, RegressionTally
from model_exporter.stats.tally import Entries, Floats, Indices, Tally, effective_rows, weights_of

OTHER_HORIZON: Final = "_other"
MAX_MASE_ERROR: Final = 0.22
"""Standard error of the log of a MASE above which none is given."""
_MAPE, _SMAPE, _NAIVE = WIDTH, WIDTH + MeanSums.width, WIDTH + 2 * MeanSums.width
_BLOCK: Final = _NAIVE + 7


@dataclass(frozen=True, slots=True)
class ForecastRows:
    """Forecasts with what happened.

    Attributes:
        numbers: actual and predicted values, intervals and weights of n rows.
        horizons: int64[n], places in the tally's horizons; any other code counts as `_other`.
        naive: float64[n], what the naive forecast said, as the value a season before; NaN where absent.
    """

    numbers: PredictedNumbers
    horizons: Indices
    naive: Floats | None = None


class ForecastTally(Tally[ForecastRows]):
    """Sums for a model that forecasts numbers.

    `measures` gives, over all rows and for each horizon (as label): mape and smape (shares, 0.1 is 10 %), mase, and
    what `RegressionTally` gives. MASE is the mean absolute error over the naive forecast's on the same rows, where the
    records tell it; else over `naive_error`; else absent.

    Args:
        horizons: their names, as sent.
        naive_error: > 0, mean absolute error of the naive forecast on the baseline; None where it is not known.
        origin: as for `RegressionTally`.
        scale: as for `RegressionTally`.
    """

    def __init__(
        self, horizons: Sequence[str], *, naive_error: float | None = None, origin: float = 0.0, scale: float = 1.0
    ) -> None:
        self._horizons = (*horizons, OTHER_HORIZON)
        self._naive_error, self._scale = naive_error, scale
        self._numbers = RegressionTally(origin=origin, scale=scale)

    @property
    def width(self) -> int:
        """Length of the sums."""
        return _BLOCK * len(self._horizons)

    def entries(self, rows: ForecastRows) -> Entries:
        """What `rows` add to which sum."""
        entries, other = Entries(len(rows.horizons)), len(self._horizons) - 1
        at = np.where((rows.horizons < 0) | (rows.horizons > other), other, rows.horizons)
        self._enter(entries, rows)
        return entries.moved(at * _BLOCK)

    def measures(self, sums: Floats) -> list[Measure]:
        """What `sums` say; metrics below their minimum count are left out."""
        blocks = sums.reshape(len(self._horizons), _BLOCK)
        found = self._measured(blocks.sum(axis=0), "")
        for block, name in zip(blocks, self._horizons, strict=True):
            found += self._measured(block, name)
        return found

    def _enter(self, entries: Entries, rows: ForecastRows) -> None:
        numbers = rows.numbers
        weights = weights_of(numbers.weights, len(rows.horizons))
        known = self._numbers.enter(entries, 0, numbers)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # rows that do not count, and cut below
            actual, size = np.abs(numbers.actual), np.abs(numbers.predicted - numbers.actual)
            both = actual / 2 + np.abs(numbers.predicted) / 2
            share = np.where(both > 0, size / both, 0.0)
            MeanSums().enter(entries, _MAPE, size / actual, weights, known & (actual > 0))
        MeanSums().enter(entries, _SMAPE, share, weights, known)
        if rows.naive is not None:
            compared = known & np.isfinite(rows.naive)
            with np.errstate(over="ignore"):
                naive = (rows.naive / self._scale - numbers.actual / self._scale)[compared]
                errors = (numbers.predicted / self._scale - numbers.actual / self._scale)[compared]
            a, b, w = bounded(np.abs(errors)), bounded(np.abs(naive)), weights[compared]
            columns = (w, w * w, w * a, w * a * a, w * a * b, w * b, w * b * b)
            entries.add_columns(compared, _NAIVE, columns)

    def _measured(self, block: Floats, label: str) -> list[Measure]:
        found = [
            MeanSums().measure("mape", block[_MAPE:_SMAPE], label, bounds=(0.0, np.inf)),
            MeanSums().measure("smape", block[_SMAPE:_NAIVE], label, bounds=(0.0, 2.0)),
            self._mase(block, label),
        ]
        return [measure for measure in found if measure is not None] + self._numbers.labelled_measures(
            block[:WIDTH], label
        )

    def _mase(self, block: Floats, label: str) -> Measure | None:
        n = effective_rows(*block[_NAIVE : _NAIVE + 2].tolist())
        if n >= MIN_MEAN_ROWS:
            return _error_ratio(block[_NAIVE:], n, label)
        if self._naive_error is None:
            return None
        scale = self._scale / self._naive_error
        return MeanSums().measure("mase", block[SIZE:SQUARES], label, bounds=(0.0, np.inf), scale=scale)


def _error_ratio(sums: Floats, n: float, label: str) -> Measure | None:
    """Mean a over mean b of the same rows, with an interval for its log by the delta method."""
    a, a2, ab, b, b2 = (sums[2:7] / sums[0]).tolist()
    if b <= 0:
        return None
    if a <= 0:
        return Measure("mase", 0.0, 0.0, 0.0, n, label)
    spread = a2 / a**2 - 2 * ab / (a * b) + b2 / b**2
    error = float(np.sqrt(max(spread, 0.0) / n))
    if error > MAX_MASE_ERROR:
        return None
    return Measure("mase", a / b, *log_interval(a / b, error), n, label)
