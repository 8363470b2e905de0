"""The scenarios that the tests and the benchmark tell."""

from scenarios.faults import FAULTS, PopulationShift, SegmentBroken
from scenarios.sender import Subject
from scenarios.traffic import STRETCH_SECONDS

BEFORE_SECONDS = 9 * STRETCH_SECONDS
"""Health before a fault: what is usual is known from two hours of it on."""
FAULT_SECONDS = 5 * STRETCH_SECONDS
AFTER_SECONDS = 6 * STRETCH_SECONDS
HEALTHY = Subject("healthy", segmented=True)


def fleet() -> list[Subject]:
    """A healthy model, and one for each fault; a population shifts before two replicas."""
    return [
        HEALTHY,
        *(
            Subject(
                fault.name,
                fault(BEFORE_SECONDS, FAULT_SECONDS),
                segmented=fault is SegmentBroken,
                replicas=2 if fault is PopulationShift else 1,
            )
            for fault in FAULTS
        ),
    ]
