"""Performance of models that predict numbers, as sums.

>>> tally = RegressionTally()
>>> actual = np.tile([1.0, 2.0, 3.0, 4.0], 100)
>>> sums = tally.sums(PredictedNumbers(actual, actual + np.tile([0.5, -0.5], 200)))
>>> [(measure.metric, round(measure.value, 3)) for measure in tally.measures(sums)]
[('mae', 0.5), ('bias', 0.0), ('rmse', 0.5), ('r2', 0.8)]
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from model_exporter.stats.confusion import rate
from model_exporter.stats.intervals import Interval, log_interval, rmse_error, rmse_interval
from model_exporter.stats.measure import Measure
from model_exporter.stats.moments import MeanSums, bounded
from model_exporter.stats.tally import Entries, Flags, Floats, Tally, effective_rows, weights_of

MIN_SQUARED_ROWS: Final = 300
"""Effective rows below which there is neither RMSE nor R2. Normal errors would need 100, but few rows do not show
whether the tails are heavy: those that happen to look light would be shown with too narrow an interval."""
MAX_RMSE_ERROR: Final = 0.055
"""Standard error of the log of an RMSE above which none is given: errors with heavy tails need a thousand rows and
more."""
MAX_R2_ERROR: Final = 0.15
"""The same for 1 - R2."""
ERROR, SIZE, SQUARES, COVERED = 0, 5, 10, 19
"""Where the parts of the sums begin: moments of e, moments of |e|, powers of e and y, intervals."""
WIDTH: Final = 22


_DIGITS: Final = 1e-4
"""Variance of the outcomes over their mean square about the origin, below which its fourth powers lose their digits:
the origin is a hundred standard deviations off."""


@dataclass(frozen=True, slots=True)
class PredictedNumbers:
    """Rows of a model that predicts numbers, with their outcomes.

    Attributes:
        actual: float64[n]; a row in which it or the prediction is not finite counts nowhere.
        predicted: float64[n].
        lower: float64[n], lower ends of the intervals that the model gave; NaN where absent.
        upper: float64[n], upper ends.
        weights: float64[n], 1 over the rate at which rows were kept, >= 1; None for 1.
    """

    actual: Floats
    predicted: Floats
    lower: Floats | None = None
    upper: Floats | None = None
    weights: Floats | None = None


class RegressionTally(Tally[PredictedNumbers]):
    """Sums for a model that predicts numbers.

    `measures` gives mae, bias (predicted less actual, in the mean), rmse and r2, and coverage of the model's own
    intervals. They are in the outcome's unit.

    Args:
        origin: about the mean of the outcomes, from the baseline: R2 loses digits when it is many deviations off.
        scale: about their standard deviation, > 0; matters only for numbers near the ends of the floats' range.
    """

    def __init__(self, *, origin: float = 0.0, scale: float = 1.0) -> None:
        self._origin, self._scale = origin, scale

    @property
    def width(self) -> int:
        """Length of the sums."""
        return WIDTH

    def entries(self, rows: PredictedNumbers) -> Entries:
        """What `rows` add to which sum."""
        entries = Entries(len(rows.actual))
        self.enter(entries, 0, rows)
        return entries

    def enter(self, entries: Entries, offset: int, rows: PredictedNumbers) -> Flags:
        """Put `rows` in the columns from `offset` on; the rows that counted."""
        weights = weights_of(rows.weights, len(rows.actual))
        known = np.isfinite(rows.actual) & np.isfinite(rows.predicted)
        with np.errstate(over="ignore"):  # a difference beyond the floats is cut below
            errors = (rows.predicted / self._scale - rows.actual / self._scale)[known]
            y = bounded(rows.actual[known] / self._scale - self._origin / self._scale)
        errors, w = bounded(errors), weights[known]
        e2, y2, size = errors * errors, y * y, np.abs(errors)
        columns = (
            *(w, w * w, w * errors, w * e2, w * e2 * errors),
            *(w, w * w, w * size, w * e2, w * e2 * size),
            *(w * e2, w * e2 * e2, w * e2 * e2 * e2),
            *(w * y, w * y2, w * y2 * y, w * y2 * y2, w * e2 * y, w * e2 * y2),
        )
        entries.add_columns(known, offset, columns)
        if rows.lower is not None and rows.upper is not None:
            stated = known & ~np.isnan(rows.lower) & ~np.isnan(rows.upper)
            inside = stated & (rows.lower <= rows.actual) & (rows.actual <= rows.upper)
            entries.add(offset + COVERED, weights, stated)
            entries.add(offset + COVERED + 1, weights * weights, stated)
            entries.add(offset + COVERED + 2, weights, inside)
        return known

    def measures(self, sums: Floats) -> list[Measure]:
        """What `sums` say; metrics below their minimum count are left out."""
        return self.labelled_measures(sums, "")

    def labelled_measures(self, sums: Floats, label: str) -> list[Measure]:
        """`measures`, each with `label`."""
        unbounded = (-np.inf, np.inf)
        stated, squares, inside = sums[COVERED:].tolist()
        n_stated = effective_rows(stated, squares)
        found = [
            MeanSums().measure("mae", sums[SIZE:SQUARES], label, bounds=(0.0, np.inf), scale=self._scale),
            MeanSums().measure("bias", sums[ERROR:SIZE], label, bounds=unbounded, scale=self._scale),
            self._rmse(sums, label),
            _r2(sums, label),
            rate("coverage", inside, stated, n_stated, label),
        ]
        return [measure for measure in found if measure is not None]

    def _rmse(self, sums: Floats, label: str) -> Measure | None:
        n = effective_rows(*sums[:2].tolist())
        if n < MIN_SQUARED_ROWS:
            return None
        mse, fourth, sixth = (sums[SQUARES : SQUARES + 3] / sums[0]).tolist()
        if mse <= 0:
            return Measure("rmse", 0.0, 0.0, 0.0, n, label)
        rmse, kurtosis = float(np.sqrt(mse)) * self._scale, fourth / mse / mse
        if rmse_error(kurtosis, n) > MAX_RMSE_ERROR:
            return None
        return Measure("rmse", rmse, *rmse_interval(rmse, kurtosis, sixth / mse / mse / mse, n), n, label)


def _r2(sums: Floats, label: str) -> Measure | None:
    """1 - mean e^2 / var y, with an interval for the log of the ratio by the delta method.

    The error of log(mean e^2 / var y) is that of the mean of u = e^2 / mean e^2 - (y - mean y)^2 / var y.
    """
    n = effective_rows(*sums[:2].tolist())
    if n < MIN_SQUARED_ROWS:
        return None
    e2, e4, _, y, y2, y3, y4, e2y, e2y2 = (sums[SQUARES:COVERED] / sums[0]).tolist()
    variance = y2 - y * y
    if variance <= _DIGITS * y2:
        return None
    ratio = e2 / variance
    if ratio <= 0:
        return Measure("r2", 1.0, 1.0, 1.0, n, label)
    # (y - m)^2 and (y - m)^4 from powers of y.
    fourth = y4 - 4 * y * y3 + 6 * y * y * y2 - 3 * y**4
    joint = e2y2 - 2 * y * e2y + y * y * e2
    spread = e4 / e2**2 - 2 * joint / (e2 * variance) + fourth / variance**2
    error = float(np.sqrt(max(spread, 0.0) / n))
    if error > MAX_R2_ERROR:
        return None
    best, worst = log_interval(ratio, error)
    return Measure("r2", 1 - ratio, *Interval(1 - worst, 1 - best), n, label)
