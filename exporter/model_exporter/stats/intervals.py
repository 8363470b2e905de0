"""Confidence intervals of shares, of gaps between shares, of means and of errors, from sums alone.

All are for one look at independent rows; for a look at every slot see `model_exporter.stats.sequences`. `n` is the
effective number of rows and may be a fraction.
"""

from functools import lru_cache
from math import exp, inf, log, sqrt
from statistics import NormalDist
from typing import Final, NamedTuple

from model_exporter.stats.tally import effective_rows

CONFIDENCE: Final = 0.95


class Interval(NamedTuple):
    """From `lower` to `upper`."""

    lower: float
    upper: float


class Moments(NamedTuple):
    """Sums that tell of a mean: of w, w^2, w x, w x^2 and w x^3."""

    weight: float
    squares: float
    first: float
    second: float
    third: float

    @property
    def rows(self) -> float:
        """Effective number of rows."""
        return effective_rows(self.weight, self.squares)

    @property
    def mean(self) -> float:
        """Of x; there must be rows."""
        return self.first / self.weight

    @property
    def sd(self) -> float:
        """Standard deviation of x, with n - 1; there must be more than one row."""
        variance = self.second / self.weight - self.mean**2
        return sqrt(max(variance, 0.0) * self.rows / (self.rows - 1))


@lru_cache(maxsize=64)
def normal_quantile(confidence: float) -> float:
    """The z with P(|Z| <= z) = confidence, 0 < confidence < 1.

    >>> round(normal_quantile(0.95), 2)
    1.96
    """
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(share: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a share, 0 to 1, seen as `share` among n > 0 rows.

    The shares P with |share - P| <= z sqrt(P (1 - P) / n).

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927).

    >>> [round(end, 3) for end in wilson(0.9, 100)]
    [0.826, 0.945]
    """
    z = normal_quantile(confidence)
    shrink = 1 / (1 + z * z / n)
    middle = (share + z * z / (2 * n)) * shrink
    half = z * sqrt(max(share * (1 - share), 0.0) / n + z * z / (4 * n * n)) * shrink
    # At 0 and 1 rounding may leave the share itself just outside.
    return Interval(max(min(middle - half, share), 0.0), min(max(middle + half, share), 1.0))


def difference(one: float, of_one: Interval, other: float, of_other: Interval) -> Interval:
    """Interval of one - other, from the interval of each, of two independent estimates.

    Its lower end lies sqrt((one - l_one)^2 + (u_other - other)^2) below the difference, its upper end
    sqrt((u_one - one)^2 + (other - l_other)^2) above. With Wilson's intervals of two shares this is R. G. Newcombe's
    hybrid score interval.

    Sources: R. G. Newcombe, Interval estimation for the difference between independent proportions, Statist. Med. 17
    (1998), method 10; G. Y. Zou and A. Donner, Construction of confidence limits about effect measures, Statist. Med.
    27 (2008), for other estimates.
    """
    gap = one - other
    below = sqrt((one - of_one.lower) ** 2 + (of_other.upper - other) ** 2)
    above = sqrt((of_one.upper - one) ** 2 + (other - of_other.lower) ** 2)
    return Interval(gap - below, gap + above)


def newcombe(one: float, n_one: float, other: float, n_other: float, confidence: float = CONFIDENCE) -> Interval:
    """Interval of the difference of two shares, seen among n_one > 0 and n_other > 0 independent rows.

    >>> [round(end, 4) for end in newcombe(56 / 70, 70, 48 / 80, 80)]  # as in Newcombe's table II
    [0.0524, 0.3339]
    """
    return difference(one, wilson(one, n_one, confidence), other, wilson(other, n_other, confidence))


def f1_interval(share: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Interval of F1 from the Jaccard share J = TP / (TP + FP + FN) among n = TP + FP + FN > 0 rows.

    Given n, TP is binomial, so J has Wilson's interval, and F1 = 2 J / (1 + J) rises with J.

    >>> [round(end, 3) for end in f1_interval(0.6, 50)]
    [0.632, 0.84]
    """
    lower, upper = wilson(share, n, confidence)
    return Interval(f1_of_share(lower), f1_of_share(upper))


def f1_of_share(jaccard: float) -> float:
    """F1 of the Jaccard share.

    >>> f1_of_share(0.6)
    0.7499999999999999
    """
    return 2 * jaccard / (1 + jaccard)


def mean_interval(moments: Moments, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a mean, from more than one effective row, by the central limit theorem, longer on the skewed side.

    mean +- z sd / sqrt n, with the end on the side of the longer tail (sd / sqrt n) g (1 + 2 z^2) / (6 sqrt n) further
    out, g being the skewness: the first term of the Edgeworth expansion of the studentised mean. It is at most half of
    the half-width, because a small sample's g is poor. The expansion would move the other end inwards as much; where g
    is too small by chance that costs coverage, so it stays. With 100 rows of a lognormal law (sd of the log 1) this
    covers 93.5 %, moving both ends 90 %, neither 89 %.

    Sources: N. J. Johnson, Modified t tests and confidence intervals for asymmetrical populations, JASA 73 (1978);
    P. Hall, On the removal of skewness by transformation, JRSS B 54 (1992).

    >>> [round(end, 3) for end in mean_interval(Moments(100, 100, 0.0, 100.0, 0.0))]
    [-0.197, 0.197]
    """
    z, n, mean, sd = normal_quantile(confidence), moments.rows, moments.mean, moments.sd
    half = z * sd / sqrt(n)
    if sd <= 0:
        return Interval(mean, mean)
    third = moments.third / moments.weight - 3 * mean * moments.second / moments.weight + 2 * mean**3
    shift = third / sd**2 * (1 + 2 * z * z) / (6 * n)
    shift = max(min(shift, half / 2), -half / 2)
    return Interval(mean - half + min(shift, 0.0), mean + half + max(shift, 0.0))


def rmse_interval(rmse: float, kurtosis: float, sixth: float, n: float, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a root mean squared error >= 0 among n > 0 rows, on the log scale.

    rmse exp(+-z s) with s = sqrt((k - 1) / (4 n)), the upper end further out as in `mean_interval` by the skewness of
    log mean e^2, at most twice as far. Errors with heavy tails need many rows: see `rmse_error`.

    Args:
        rmse: the error.
        kurtosis: k = E e^4 / (E e^2)^2 of the errors e, 3 for normal ones.
        sixth: E e^6 / (E e^2)^3, 15 for normal ones.
        n: rows.
        confidence: of the interval.

    >>> [round(end, 3) for end in rmse_interval(2.0, 3.0, 15.0, 200)]
    [1.813, 2.214]
    """
    z = normal_quantile(confidence)
    reach = z * rmse_error(kurtosis, n)
    variation = sqrt(max(kurtosis - 1, 0.0))
    if variation <= 0:
        return Interval(rmse, rmse)
    skewness = (sixth - 3 * kurtosis + 2) / variation**3 - 1.5 * variation
    longer = skewness * rmse_error(kurtosis, n) * (1 + 2 * z * z) / (6 * sqrt(n))
    return Interval(rmse * exp(-reach), rmse * exp(reach + min(max(longer, 0.0), reach)))


def rmse_error(kurtosis: float, n: float) -> float:
    """Standard error of the log of a root mean squared error among n > 0 rows.

    >>> round(rmse_error(3.0, 200), 3)
    0.05
    """
    return sqrt(max(kurtosis - 1, 0.0) / (4 * n))


def log_interval(value: float, error: float, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a value > 0 whose log has the standard error `error`; an end beyond the floats is the largest one.

    >>> [round(end, 2) for end in log_interval(1.0, 0.1)]
    [0.82, 1.22]
    """
    reach = min(normal_quantile(confidence) * error, 600.0)
    return Interval(value * exp(-reach), value * exp(reach))


def logit_interval(share: float, error: float, confidence: float = CONFIDENCE) -> Interval:
    """Interval of a share strictly between 0 and 1 with the standard error `error`, on the logit scale.

    >>> [round(end, 3) for end in logit_interval(0.9, 0.03)]
    [0.824, 0.945]
    """
    reach = normal_quantile(confidence) * error / (share * (1 - share))
    at = log(share / (1 - share))
    return Interval(_share_at(at - reach), _share_at(at + reach))


def _share_at(logit: float) -> float:
    return 1 / (1 + exp(-logit)) if logit > -700 else 0.0  # noqa: PLR2004  # exp(700) is the largest that is finite


def clipped(interval: Interval, lower: float = -inf, upper: float = inf) -> Interval:
    """`interval` without what lies outside of what is possible.

    >>> clipped(Interval(-0.1, 0.4), 0.0)
    Interval(lower=0.0, upper=0.4)
    """
    return Interval(min(max(interval.lower, lower), upper), min(max(interval.upper, lower), upper))
