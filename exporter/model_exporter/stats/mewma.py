"""Anomalies in a handful of operational signals, slot by slot: a robust multivariate EWMA chart.

Signals such as the share of low-confidence predictions, the missing rate, latency or throughput are brought on a scale
on which their noise is even (`logit_share`, `log_amount`), centred and scaled robustly, smoothed exponentially, and
judged together by Hotelling's T2, which sees a change against the usual correlations that no signal shows alone. The
limit allows for the autocorrelation of the signals and for the error of a short history.

T2 is not an e-process: the chance of a false alarm is a figure per slot, close to its nominal value for long histories
and above it for short ones, and there is no promise about the time between two of them.

Sources: C. A. Lowry, W. H. Woodall, C. W. Champion, S. E. Rigdon, A multivariate exponentially weighted moving average
control chart, Technometrics 34 (1992); N. A. Campbell, Robust procedures in multivariate analysis, Applied Statistics
29 (1980), for the weights; N. D. Tracy, J. C. Young, R. L. Mason, J. Quality Technology 24 (1992), for the F limit.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.tails import chi2_quantile, f_quantile

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

MEMORY: Final = 0.25
"""Lambda: weight of the newest slot."""
MIN_SLOTS: Final = 200
"""Shortest history that a verdict is built on."""
SLOTS_PER_SIGNAL: Final = 20
"""Independent slots for each signal that a verdict needs."""
NAMED: Final = 0.2
"""Part of T2 from which on a signal is named."""
CAPACITY: Final = 5760
"""Slots that are remembered to learn from: a day of 15 s."""

_REWEIGHTINGS: Final = 4
_FULL_TAIL: Final = 0.025
_NO_TAIL: Final = 0.0012
"""Slots whose distance chance exceeds with these probabilities lose weight, and lose all of it. For six signals they
are at squared distances of 14.4 and 22."""
_CLIP: Final = 2.0
"""Deviations are cut here for the correlation that the first weights come from, so that outliers cannot hide
each other."""
_MAX_AUTOCORRELATION: Final = 0.99
_NORMAL_MAD: Final = 1.4826
_LEAST_PRESENT: Final = 0.8
_FORMAT: Final = b"signals1"
_SCALARS: Final = 7
_FIRST_SLOTS: Final = 50
_PART_BETWEEN_LESSONS: Final = 10
"""What was learned is renewed when the history has grown, or was exchanged, by one part in ten."""


@dataclass(frozen=True, slots=True)
class SignalBaseline:
    """What is usual, learned from N slots.

    Attributes:
        used: bool[d], signals that take part; one that is constant or mostly absent does not.
        centre: float64[d], medians on the transformed scale; NaN for unused signals.
        scale: float64[d], robust standard deviations; NaN for unused signals.
        precision: float64[d, d], inverse of the robust covariance of the scaled signals; 0 for unused ones.
        slots: N, complete slots that were learned from.
        autocorrelation: a1, mean correlation of a signal with itself one slot before, 0 to 0.99.
        limit: T2 that chance exceeds with the probability asked for.
        speaks: whether the history is long enough for a verdict.
    """

    used: Flags
    centre: Floats
    scale: Floats
    precision: Floats
    slots: int
    autocorrelation: float
    limit: float
    speaks: bool


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Verdict on one slot.

    Attributes:
        evidence: log(T2 / limit), 0 = alarm; NaN while the history is too short to speak.
        t2: Hotelling's T2 of the smoothed signals, >= 0.
        contributions: float64[d], c_i = E_i (S^-1 E)_i, which sum to t2; NaN for unused signals. A part is negative
            when its signal deviates less than the others let expect.
        deviations: float64[d], E_i, the smoothed signals in robust standard deviations from the centre, which tells
            up from down; NaN for unused signals. Smoothing makes 0.4 of it as rare as 1 in a single slot.
        named: bool[d], signals with c_i / t2 > `NAMED`.
    """

    evidence: float
    t2: float
    contributions: Floats
    deviations: Floats
    named: Flags


@dataclass(frozen=True, slots=True)
class SignalState:
    """Everything that must be kept between two slots.

    Attributes:
        history: float64[n, d], transformed signals of the slots to learn from, oldest first, NaN where absent.
        smoothed: float64[d], exponential means on the transformed scale; NaN for a signal that was not used yet.
        baseline: what was learned last; None before.
        fresh: slots that came into the history since.
    """

    history: Floats
    smoothed: Floats
    baseline: SignalBaseline | None
    fresh: int

    def checkpoint(self) -> bytes:
        """The whole state, for `restored_signals`."""
        slots, signals = self.history.shape
        learned = self.baseline or _nothing_learned(signals)
        scalars = [slots, signals, self.fresh, learned.slots, learned.autocorrelation, learned.limit, learned.speaks]
        arrays = (self.history, self.smoothed, learned.used, learned.centre, learned.scale, learned.precision)
        return _FORMAT + np.concatenate([scalars, *(array.ravel() for array in arrays)]).astype("<f8").tobytes()


def logit_share(count: Floats, total: Floats) -> Floats:
    """log((k + 1/2) / (n - k + 1/2)), the logit of (k + 1/2)/(n + 1), for k of n; NaN where n is 0.

    >>> logit_share(np.array([0.0, 5.0, 0.0]), np.array([9.0, 10.0, 0.0])).round(3).tolist()
    [-2.944, 0.0, nan]
    """
    return np.where(total > 0, np.log((count + 0.5) / (total - count + 0.5)), np.nan)


def share_noise(count: Floats, total: Floats) -> Floats:
    """Standard deviation that `logit_share` has by chance alone, about; NaN where `total` is 0.

    >>> share_noise(np.array([0.0, 20.0]), np.array([100.0, 100.0])).round(2).tolist()
    [1.42, 0.25]
    """
    return np.where(total > 0, np.sqrt(1 / (count + 0.5) + 1 / (total - count + 0.5)), np.nan)


def log_amount(amount: Floats) -> Floats:
    """Logarithm of a duration, a rate or an amount; NaN where it is not positive.

    >>> log_amount(np.array([1.0, 0.0])).tolist()
    [0.0, nan]
    """
    logs: Floats = np.log(amount, out=np.full(amount.shape, np.nan), where=amount > 0)
    return logs


def fresh_signals(signals: int) -> SignalState:
    """The state before the first slot; also the way to make a lasting, known change the new usual."""
    return SignalState(np.empty((0, signals)), np.full(signals, np.nan), None, 0)


def restored_signals(checkpoint: bytes, signals: int) -> SignalState:
    """The state that made `checkpoint`, bit by bit.

    Args:
        checkpoint: from `SignalState.checkpoint`.
        signals: d, how many signals there are now.

    Raises:
        ValueError: it is damaged, or of another number of signals.
    """
    if not checkpoint.startswith(_FORMAT) or (len(checkpoint) - len(_FORMAT)) % 8:
        raise ValueError("this is not a checkpoint of operational signals")
    values = np.frombuffer(checkpoint, "<f8", offset=len(_FORMAT)).astype(np.float64)
    scalars, arrays = values[:_SCALARS], values[_SCALARS:]
    if len(scalars) < _SCALARS or not (np.isfinite(scalars).all() and scalars[1] == signals):
        raise ValueError(f"the checkpoint is not one of {signals} operational signals")
    slots, fresh, learned_from = int(scalars[0]), int(scalars[2]), int(scalars[3])
    ends = np.cumsum([slots * signals, signals, signals, signals, signals])
    if slots < 0 or len(arrays) != ends[-1] + signals * signals:
        raise ValueError("the checkpoint of operational signals is cut off")
    history, smoothed, used, centre, scale, precision = (part.copy() for part in np.split(arrays, ends))
    baseline = SignalBaseline(
        used.astype(np.bool_),
        centre,
        scale,
        precision.reshape(signals, signals),
        learned_from,
        autocorrelation=float(scalars[4]),
        limit=float(scalars[5]),
        speaks=bool(scalars[6]),
    )
    return SignalState(history.reshape(slots, signals), smoothed, baseline if learned_from else None, fresh)


def watch(
    state: SignalState,
    signals: Floats,
    *,
    noise: Floats | float = 0.0,
    tail: float = 1e-3,
    capacity: int = CAPACITY,
    accept: bool = False,
) -> tuple[SignalState, Anomaly | None]:
    """The state after a slot, and the verdict on the slot; None while nothing was learned or no signal came.

    A slot without any value changes nothing: do call it for slots without predictions, or do not. A signal without a
    value keeps its exponential mean. Slots in alarm are not learned from, so a lasting change stays an alarm until it
    ends or until `fresh_signals`; what creeps in below the limit, the robust weights must bear. What was learned is
    renewed whenever a tenth of the history is new.

    Args:
        state: the state before the slot.
        signals: float64[d], transformed (`logit_share`, `log_amount`), NaN where absent.
        noise: as for `learn_signals`.
        tail: chance of a false alarm in a slot, nominally.
        capacity: slots to learn from at most.
        accept: learn from the slot even if it is in alarm.
    """
    present = np.isfinite(signals)
    if not present.any():
        return state, None
    smoothed = np.where(present, state.smoothed + MEMORY * (signals - state.smoothed), state.smoothed)
    baseline = state.baseline
    anomaly = None if baseline is None else judge(baseline, smoothed)
    history, fresh = state.history, state.fresh
    if accept or anomaly is None or not anomaly.evidence >= 0:
        history, fresh = np.concatenate([history[max(len(history) + 1 - capacity, 0) :], signals[None]]), fresh + 1
    if len(history) >= _FIRST_SLOTS and fresh * _PART_BETWEEN_LESSONS >= len(history):
        baseline, fresh = learn_signals(history, noise=noise, tail=tail), 0
    if baseline is not None:
        # A signal starts from its centre, where its deviation is 0, and not from one slot's value.
        smoothed = np.where(np.isnan(smoothed), baseline.centre, smoothed)
    return SignalState(history, smoothed, baseline, fresh), anomaly


def learn_signals(history: Floats, *, noise: Floats | float = 0.0, tail: float = 1e-3) -> SignalBaseline | None:
    """What is usual in `history`, float64[N, d], transformed signals of consecutive slots with NaN where absent.

    Each signal is centred by its median and scaled by 1.4826 times its median absolute deviation (by its standard
    deviation where more than half of the slots are equal). The covariance S of the scaled signals is reweighted four
    times by w = min(1, a/D), and w = 0 where D > b, with D a slot's squared distance and a and b the quantiles of
    chi-squared with d degrees of freedom for the tails 0.025 and 0.0012; no variance is taken for less than 1, and
    the covariances shrink by d/N. The limit is

        (g + 1/N_eff) d (N-1)/(N-d) F_{d, N-d}(1 - tail),  g = lambda/(2-lambda) (1+r)/(1-r),  r = a1 (1-lambda)

    with N_eff = N (1-a1)/(1+a1). It speaks from N >= max(200, 20 d (1+a1)/(1-a1)) slots on.

    A signal that is absent from more than a fifth of the slots, or that is constant and has no `noise`, is not used;
    slots in which a used signal is absent are left out.

    Args:
        history: as above.
        noise: float64[d] or one for all, >= 0: standard deviations below which a signal's scale is never taken. So a
            share that was 0 of a few so far does not make the first case of it an anomaly, nor follow its total.
        tail: chance of a false alarm in a slot, nominally.

    Returns:
        None when no signal can be used, or when there are not more than 2 d slots.
    """
    present = np.isfinite(history)
    used = present.sum(axis=0) >= max(_LEAST_PRESENT * len(history), 1)
    rows = history[present[:, used].all(axis=1)][:, used]
    least = np.broadcast_to(noise, used.shape)[used]
    varies = (rows != rows[:1]).any(axis=0) | (least > 0)
    rows, least, used[used] = rows[:, varies], least[varies], varies
    slots, d = rows.shape
    if d == 0 or slots <= 2 * d:
        return None
    centre, scale = _centre_and_scale(rows, least)
    z = (rows - centre) / scale
    covariance, weights = _robust_covariance(z)
    a1 = _autocorrelation(z, weights > 0)
    everywhere = np.full((2, len(used)), np.nan)
    everywhere[:, used] = centre, scale
    precision = np.zeros((len(used), len(used)))
    precision[np.ix_(used, used)] = np.linalg.inv(covariance)
    persistence = (1 + a1) / (1 - a1)
    return SignalBaseline(
        used,
        everywhere[0],
        everywhere[1],
        precision,
        slots,
        a1,
        limit=_limit(d, slots, a1, tail),
        speaks=slots >= max(MIN_SLOTS, SLOTS_PER_SIGNAL * d * persistence),
    )


def judge(baseline: SignalBaseline, smoothed: Floats) -> Anomaly:
    """Verdict on the exponential means `smoothed`, float64[d] on the transformed scale."""
    deviations = (smoothed - baseline.centre) / baseline.scale
    # A used signal without a mean yet has not deviated.
    e = np.where(np.isnan(deviations), 0.0, deviations)
    parts = e * (baseline.precision @ e)
    t2 = float(parts.sum())
    contributions = np.where(baseline.used, parts, np.nan)
    with np.errstate(divide="ignore"):
        evidence = float(np.log(t2 / baseline.limit)) if baseline.speaks else np.nan
    return Anomaly(evidence, t2, contributions, deviations, baseline.used & (parts > NAMED * t2))


def _nothing_learned(signals: int) -> SignalBaseline:
    """Stands in a checkpoint for no baseline: one of 0 slots."""
    absent = np.full(signals, np.nan)
    return SignalBaseline(
        np.zeros(signals, np.bool_), absent, absent, np.zeros((signals, signals)), 0, 0.0, 0.0, speaks=False
    )


def _centre_and_scale(rows: Floats, least: Floats) -> tuple[Floats, Floats]:
    centre = np.median(rows, axis=0)
    scale = _NORMAL_MAD * np.median(np.abs(rows - centre), axis=0)
    return centre, np.maximum(np.where(scale > 0, scale, rows.std(axis=0)), least)


def _robust_covariance(z: Floats) -> tuple[Floats, Floats]:
    """Covariance float64[d, d] of z, float64[N, d], and the last weights, float64[N]."""
    d = z.shape[1]
    full, none = chi2_quantile(d, _FULL_TAIL), chi2_quantile(d, _NO_TAIL)
    clipped = np.clip(z, -_CLIP, _CLIP)
    covariance = _shrunk(clipped.T @ clipped / len(z), len(z))
    weights = np.ones(len(z))
    for _ in range(_REWEIGHTINGS):
        distances = ((z @ np.linalg.inv(covariance)) * z).sum(axis=1)
        weights = np.where(distances > none, 0.0, np.minimum(1.0, full / np.maximum(distances, full)))
        covariance = _shrunk((z * weights[:, None]).T @ z / max(weights.sum(), 1.0), len(z))
    return covariance, weights


def _shrunk(covariance: Floats, slots: int) -> Floats:
    """Variances of at least 1, the scale's own, and covariances less d/N: an inverse that exists and is not wild."""
    variances = np.maximum(np.diag(covariance), 1.0)
    return np.diag(variances) + (1 - len(variances) / slots) * (covariance - np.diag(np.diag(covariance)))


def _autocorrelation(z: Floats, kept: Flags) -> float:
    """Mean lag-1 autocorrelation of the signals over neighbouring slots that are both kept, 0 to 0.99."""
    neighbours = kept[1:] & kept[:-1]
    if not neighbours.any():
        return 0.0
    products = (z[1:] * z[:-1])[neighbours].mean(axis=0)
    squares = (z[kept] ** 2).mean(axis=0)
    ratios = np.divide(products, squares, out=np.zeros_like(squares), where=squares > 0)
    return float(np.clip(ratios.mean(), 0.0, _MAX_AUTOCORRELATION))


def _limit(d: int, slots: int, a1: float, tail: float) -> float:
    persistence = (1 + a1) / (1 - a1)
    r = a1 * (1 - MEMORY)
    g = MEMORY / (2 - MEMORY) * (1 + r) / (1 - r)
    return (g + persistence / slots) * d * (slots - 1) / (slots - d) * f_quantile(d, slots - d, tail)
