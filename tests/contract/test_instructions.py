"""What decoding, counting and rendering cost, in instructions, which do not depend on how busy a machine is."""

import os

import pytest

from benchmarks.instructions import TOLERANCE, count, known, variant, why_not


@pytest.mark.slow
@pytest.mark.timeout(660)
def test_no_stage_takes_more_instructions_than_it_did() -> None:
    """Each stage takes at most 15 % more instructions than on file; where that is meant, `make instructions`."""
    if reason := why_not():
        assert os.environ.get("CI") != "true", reason
        pytest.skip(reason)
    expected = known().get(variant())
    if expected is None:
        pytest.skip(f"no counts on file for {variant()}")

    counted = count()

    assert counted.keys() == expected.keys()
    grown = {job: round(counted[job] / expected[job], 3) for job in expected}
    assert all(ratio <= TOLERANCE for ratio in grown.values()), grown
