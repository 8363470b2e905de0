"""Kept versions made by hand, for tests of what comes after the window."""

from batches import T0
from model_exporter.window.kept import KeptVersion


def kept_version(model: str = "m", *, last_prediction: float | None = T0) -> KeptVersion:
    """A version whose evidence is bytes without a meaning."""
    return KeptVersion(
        model=model,
        version="1",
        rests_on="ab12",
        first_seen=T0 - 3600.25,
        last_seen=T0,
        last_prediction=last_prediction,
        drift=(b"\x00page", b"ticket\xff"),
        pairs=(),
        signals=b"signals",
        sums=b"sums\x00",
        awaited_until=T0 + 86_400.5,
        performance_drift=(b"page", b"\x00ticket"),
        reference=b"reference\xff",
        estimates=b"",
    )
