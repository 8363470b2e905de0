"""Sharing the false alarms of a model among its detectors."""

import pytest

from model_exporter.window import alarm_shares


def test_detectors_together_stay_within_the_budget() -> None:
    """All shares are positive and sum to 1 at most."""
    shares = {name: value for name, value in vars(alarm_shares).items() if name.isupper()}
    assert all(share > 0 for share in shares.values())
    assert sum(shares.values()) <= 1 + 1e-12


@pytest.mark.parametrize("name", ["FEATURES", "PAIRS", "PERFORMANCE", "BUSINESS"])
def test_there_is_a_share_for_every_detector(name: str) -> None:
    """Features, pairs, performance and business indicators each have one."""
    assert 0 < getattr(alarm_shares, name) < 1
