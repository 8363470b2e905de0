"""What outcomes say of a version's performance, in a sentence."""

from math import isfinite

from model_exporter.expose.words import moment
from model_exporter.window.snapshot import ModelSnapshot, PerformanceDriftSnapshot, ReferenceSnapshot


def performance_sentence(model: ModelSnapshot, version: str) -> str:
    """Whether outcomes have become worse, and than what; empty for a version that no outcome tells of."""
    truth = model.truth
    told = next((one for one in truth.performance if one.version == version), None) if truth else None
    if truth is None or truth.reference is None or told is None:
        return ""
    needed = model.settings.outcome.reference
    if not truth.reference.values:
        return f"{truth.reference.outcomes or 0:,} of the {needed:,} outcomes are in that it will be compared with."
    judged = [drift for drift in told.drift if isfinite(drift.log_evidence)]
    if not judged:
        return f"No outcome has been compared with {_compared(truth.reference)} yet."
    alarm = next((drift for drift in judged if drift.detected), None)
    evidence = ", ".join(f"{drift.log_evidence:.1f} at level {drift.level}" for drift in judged)
    return f"{_verdict(alarm, _compared(truth.reference))} Log evidence: {evidence}; 0 is the alarm."


def _verdict(alarm: PerformanceDriftSnapshot | None, compared: str) -> str:
    if alarm is None:
        return f"Outcomes are not known to be worse than {compared}."
    return (
        f"Outcomes are worse than {compared}, seen in {alarm.metric} (level {alarm.level}); those that arrived from "
        f"about {moment(alarm.onset)} on."
    )


def _compared(reference: ReferenceSnapshot) -> str:
    values = " and ".join(f"{metric} {value:.3g}" for metric, value in reference.values)
    if reference.outcomes is None:
        return f"the objective of {values}"
    return f"the first {reference.outcomes:,} outcomes ({values})"
