"""What of a model version outlives a restart."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptVersion:
    """The evidence of one version of a model, as of the last slot that closed, and what its outcomes told.

    Counts since the start and the windows of traffic are not kept.

    Attributes:
        model: name of the model.
        version: name of the version.
        rests_on: digest of the baseline and the settings that the evidence rests on; empty without evidence.
        first_seen: unix seconds.
        last_seen: when it last made a prediction, unix seconds of the exporter's clock.
        last_prediction: event time of the newest prediction, None before the first.
        drift: the state of the evidence at each of `LEVELS`; empty before a slot was judged.
        pairs: the same of the evidence on pairs; empty also when none are watched.
        signals: the state of the operational signals.
        sums: what outcomes told of it, from `Performance.keep`; empty when nothing waits for outcomes.
        awaited_until: until when outcomes of its predictions may come, unix seconds; None when none may.
        performance_drift: the state of the evidence on performance at each of `LEVELS`; empty before a slot was judged.
        reference: the outcomes that all versions of the model are compared with; empty without any.
        estimates: what performance is estimated from; empty until it is complete.
    """

    model: str
    version: str
    rests_on: str
    first_seen: float
    last_seen: float
    last_prediction: float | None
    drift: tuple[bytes, ...]
    pairs: tuple[bytes, ...]
    signals: bytes
    sums: bytes
    awaited_until: float | None
    performance_drift: tuple[bytes, ...] = ()
    reference: bytes = b""
    estimates: bytes = b""

    def outlasts(self, silent_before: float, now: float) -> bool:
        """Whether it is worth keeping: it made a prediction since then, or outcomes may still come."""
        return self.last_seen >= silent_before or (self.awaited_until is not None and self.awaited_until > now)
