"""Whether a version behaves as usual: a few operational signals of every slot, judged together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.naming import PROBABILITIES, SCORE
from model_exporter.batch import Batch, Column, Role
from model_exporter.config.settings import ModelKind
from model_exporter.indicators import Indicator
from model_exporter.stats.mewma import (
    Anomaly,
    fresh_signals,
    log_amount,
    logit_share,
    restored_signals,
    share_noise,
    watch,
)
from model_exporter.window.business_signals import BusinessSignals
from model_exporter.window.rolling import SLOT_SECONDS
from model_exporter.window.snapshot import SIGNALS, AnomalySnapshot

LOW_CONFIDENCE: Final = 0.6
"""A prediction whose likeliest class has less than this probability was made with low confidence."""
LASTING_SLOTS: Final = 240
"""Slots in alarm (an hour of traffic) after which what goes on counts as something to learn from."""
LEAST_NOISE: Final = 0.05
"""No signal is taken to be steadier than by this standard deviation of its logarithm, or of its share's logit: what
changes by a twentieth is not worth telling, however steady it was."""

_OF_CLASSES: Final = f"{PROBABILITIES}."
_NOISE_MEMORY: Final = 1 / 200
_LEAST_EVIDENCE: Final = -14.0
_FORMAT: Final = b"signals of a version 2"
_DIGEST_BYTES: Final = 8


@dataclass(slots=True)
class _Sums:
    """What the open slot adds up to."""

    uncertain: int = 0
    scored: int = 0
    missing: int = 0
    cells: int = 0
    failed: int = 0
    seconds: float = 0.0
    timed: int = 0


class Signals:
    """The operational signals of one version, in the order of `SIGNALS`, and business indicators.

    The share of predictions made with low confidence, the missing share of the cells that features should have, the
    share of failed predictions, the mean latency and the throughput; see `window.business_signals` for the indicators.
    A signal without a value in a slot is absent from it. A slot without predictions is passed over.

    An alarm keeps its slots from being learned from. One that lasts for `LASTING_SLOTS` may be the new usual, or the
    part of a day that was not seen before: from then on it is learned from, and ends when it has become usual.

    Args:
        indicators: of the model; the first few are watched.

    Attributes:
        snapshot: the verdict on the last slot; None before there is a history.
        slots: how many it has taken.
    """

    def __init__(self, indicators: Sequence[Indicator] = ()) -> None:
        self._sums = _Sums()
        self._business = BusinessSignals(indicators)
        self._names = (*SIGNALS, *self._business.names)
        self._least = np.concatenate([np.full(len(SIGNALS), LEAST_NOISE), self._business.least_noise])
        self._state = fresh_signals(len(self._names))
        self._noise = np.full(len(self._names), np.nan)
        self._in_alarm = 0
        self.snapshot: AnomalySnapshot | None = None
        self.slots = 0

    def count_confidence(self, uncertain: int, scored: int) -> None:
        """Count predictions made with low confidence, out of those whose confidence is known."""
        self._sums.uncertain += uncertain
        self._sums.scored += scored

    def count_cells(self, missing: int, cells: int) -> None:
        """Count missing cells, out of those that features should have."""
        self._sums.missing += missing
        self._sums.cells += cells

    def count_failed(self, predictions: int) -> None:
        """Count predictions that failed."""
        self._sums.failed += predictions

    def count_durations(self, seconds: NDArray[np.float64]) -> None:
        """Count latencies, none of them NaN."""
        self._sums.seconds += float(seconds.sum())
        self._sums.timed += len(seconds)

    def count_business(self, sums: NDArray[np.float64]) -> None:
        """Count what the model's indicators add up to, float64[indicators, len(SUMS)]."""
        self._business.add(sums)

    def take_slot(self, predictions: int) -> None:
        """Judge the slot that is over and made so many predictions, and begin the next."""
        sums, self._sums = self._sums, _Sums()
        if predictions == 0:
            return
        values, noise = map(np.concatenate, zip(_measure(sums, predictions), self._business.take(), strict=True))
        kept = np.where(np.isnan(self._noise), noise, self._noise)
        self._noise = np.where(np.isnan(noise), kept, kept + _NOISE_MEMORY * (noise - kept))
        self._state, anomaly = watch(
            self._state,
            values,
            noise=np.fmax(self._noise, self._least),
            accept=self._in_alarm >= LASTING_SLOTS,
        )
        self._in_alarm = self._in_alarm + 1 if anomaly and anomaly.evidence >= 0 else 0
        self.snapshot = _frozen(anomaly, self._names) if anomaly else None
        self.slots += 1

    def checkpoint(self) -> bytes:
        """What was learned and the last verdict, for `restored`. The open slot is not in it."""
        told = self.snapshot or AnomalySnapshot(np.nan, np.full(len(self._names), np.nan))
        numbers = np.concatenate([[self._in_alarm, told.evidence], told.contributions, self._noise])
        return (
            _FORMAT + self._business.digest(_DIGEST_BYTES) + numbers.astype("<f8").tobytes() + self._state.checkpoint()
        )

    @classmethod
    def restored(cls, checkpoint: bytes, indicators: Sequence[Indicator] = ()) -> Self:
        """The signals that made `checkpoint`, but for the number of their slots; of the same indicators.

        Raises:
            ValueError: it is damaged, or of other signals.
        """
        signals = cls(indicators)
        number = len(signals._names)
        head = _FORMAT + signals._business.digest(_DIGEST_BYTES)
        end = len(head) + 8 * (2 + 2 * number)
        if not checkpoint.startswith(head) or len(checkpoint) < end:
            raise ValueError("this is not a checkpoint of a version's signals")
        # Slots in alarm, the last verdict (NaN for none) and the noise stand before the state of the chart.
        numbers = np.frombuffer(checkpoint[len(head) : end], "<f8").astype(np.float64)
        (in_alarm, evidence), contributions, noise = np.split(numbers, [2, 2 + number])
        if not (np.isfinite(in_alarm) and in_alarm >= 0):
            raise ValueError("the checkpoint of a version's signals has no number of slots in alarm")
        signals._state = restored_signals(checkpoint[end:], number)
        signals._in_alarm = int(in_alarm)
        signals._noise = noise.copy()
        if np.isfinite(evidence):
            signals.snapshot = AnomalySnapshot(float(evidence), contributions.copy(), signals._names)
        return signals


def low_confidence(batch: Batch, kind: ModelKind | None) -> tuple[int, int]:
    """How many predictions of `batch` were made with low confidence, and of how many that is known.

    It is known of a classifier (and of a model of unknown kind) whose outputs have `probabilities.*`, or else `score`,
    the probability of one of two classes. Numbers outside 0 to 1 are none; rows without any are left out.
    """
    if kind not in (None, ModelKind.CLASSIFICATION):
        return 0, 0
    outputs = [column for column in batch.columns if column.role is Role.OUTPUT]
    telling = [column for column in outputs if column.name.startswith(_OF_CLASSES)] or [
        column for column in outputs if column.name == SCORE
    ]
    if not telling:
        return 0, 0
    likeliest = _likeliest(telling)
    known = (likeliest >= 0) & (likeliest <= 1)
    return int(np.count_nonzero(known & (likeliest < LOW_CONFIDENCE))), int(np.count_nonzero(known))


def _likeliest(columns: list[Column]) -> NDArray[np.float64]:
    """Probability of each row's likeliest class; NaN or outside of 0 to 1 where there is none."""
    likeliest = columns[0].numbers
    for column in columns[1:]:
        likeliest = np.fmax(likeliest, column.numbers)
    if len(columns) == 1:
        likeliest = np.maximum(likeliest, 1 - likeliest)  # the other of two classes is what is left
    return likeliest


def _measure(sums: _Sums, predictions: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The signals on the scale on which they are watched, and by how much chance alone moves them; NaN where absent."""
    # Spans may tell of failures of predictions that logs told of before.
    failed = min(sums.failed, predictions)
    counts = np.array([sums.uncertain, sums.missing, failed], np.float64)
    totals = np.array([sums.scored, sums.cells, predictions], np.float64)
    latency = sums.seconds / sums.timed if sums.timed else np.nan
    amounts = log_amount(np.array([latency, predictions / SLOT_SECONDS]))
    noise = [*share_noise(counts, totals), np.nan, predictions**-0.5]
    return np.concatenate([logit_share(counts, totals), amounts]), np.array(noise)


def _frozen(anomaly: Anomaly, names: tuple[str, ...]) -> AnomalySnapshot | None:
    if np.isnan(anomaly.evidence):
        return None
    parts = np.fmax(anomaly.contributions, 0.0)
    parts[np.isnan(anomaly.contributions)] = np.nan
    shares = np.copysign(parts, anomaly.deviations) / max(float(np.nansum(parts)), 1e-300) + 0.0  # no -0
    return AnomalySnapshot(max(anomaly.evidence, _LEAST_EVIDENCE), shares, names)


assert SIGNALS == ("low_confidence", "missing", "errors", "latency", "throughput")  # noqa: S101  # the order of `_measure`
