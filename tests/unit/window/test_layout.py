"""A baseline compiled for measuring: distances of windows from it."""

from dataclasses import replace

import numpy as np
import pytest

from batches import baseline_of
from model_exporter.window.layout import Layout, binned_features


@pytest.mark.parametrize(("wave", "within"), [(None, False), (0.001, False), (0.04, True)])
def test_the_hours_of_a_wave_are_within_the_threshold_of_psi(wave: float | None, within: bool) -> None:  # noqa: FBT001
    """An hour that stands 0.2 sd from all rows of the baseline is within the threshold only where that is usual."""
    rng = np.random.default_rng(1)
    baseline = baseline_of({"x": rng.normal(size=20_000).tolist(), "y": rng.normal(size=20_000).tolist()})
    baseline = replace(baseline, features=(replace(baseline.features[0], wave=wave), baseline.features[1]))
    layout = Layout(baseline, {}, binned_features(baseline), tolerance=0.0025)
    hour = []
    for feature in baseline.features:
        place = np.searchsorted(feature.edges, rng.normal(loc=0.2, size=20_000))
        hour.append(np.bincount(place, minlength=len(feature.bins)))
    found = layout.measure(np.concatenate(hour).astype(np.int64))
    assert (found.psi <= found.psi_threshold).tolist() == [within, False]
