"""Learning a baseline from live traffic, and what it says of the stretch."""

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.baseline.model import SeasonKind
from model_exporter.config.settings import Learn, ModelSettings
from model_exporter.window.budget import Budget
from model_exporter.window.learning import MAX_RESTARTS, Learned, Learner, Restarted

DAY = 86_400.0


class Traffic:
    """A stretch of traffic that a learner watches: batches of normal numbers, `step` seconds apart."""

    def __init__(self, learn: Learn, *, rows: int = 20, step: float = 15.0) -> None:
        self.learner = Learner(learn, Budget(10_000_000, "learning_cells"), T0)
        self.now = T0
        self._rows = rows
        self._step = step
        self._random = np.random.default_rng(3)

    def flow(self, means: list[float]) -> None:
        """A batch for each of the means, which its rows share."""
        for mean in means:
            values = self._random.normal(loc=mean, size=self._rows).tolist()
            assert self.learner.add(batch_of({"amount": values, "flat": [1.0] * self._rows}), self.now)
            self.now += self._step

    def finish(self) -> Learned | Restarted | None:
        """What the learner makes of it."""
        study = self.learner.study("m", ModelSettings(), self.now)
        return self.learner.conclude(study.work_out()) if study else None


def test_a_drift_in_the_last_eighth_is_found() -> None:
    """What began at the end of the stretch is neither learned nor kept quiet: halves would not have shown it."""
    traffic = Traffic(Learn(rows=8000, stable_for_seconds=3600))
    traffic.flow([0.0] * 350 + [0.4] * 50)
    found = traffic.finish()
    assert isinstance(found, Restarted)
    assert "input amount differs between parts 1 to 7 of 8" in found.reason


def test_traffic_that_never_settles_is_learned_with_a_doubt() -> None:
    """After the last restart the baseline is taken as it is, marked, and the doubt names the feature."""
    traffic = Traffic(Learn(rows=2000, stable_for_seconds=600))
    found: Learned | Restarted | None = None
    reasons = []
    level = 0.0
    for _ in range(MAX_RESTARTS + 1):
        while found is None:
            level += 0.05
            traffic.flow([level])
            found = traffic.finish()
        if isinstance(found, Restarted):
            reasons.append(found.reason)
            found = None
    assert isinstance(found, Learned)
    assert len(reasons) == MAX_RESTARTS
    assert not found.baseline.stable
    assert "input amount" in found.doubt


def test_slow_waves_are_no_drift_and_are_measured() -> None:
    """Traffic whose slots depend on each other is learned at once, and the baseline says how much they do."""
    random = np.random.default_rng(4)
    wave = [0.0]
    for noise in random.normal(scale=0.2, size=399):
        wave.append(0.7 * wave[-1] + noise)
    traffic = Traffic(Learn(rows=8000, stable_for_seconds=3600))
    traffic.flow(wave)
    found = traffic.finish()
    assert isinstance(found, Learned)
    assert found.doubt == ""
    amount, flat = found.baseline.features
    # 1 + n r (1 + a) / (1 - a), with r the wave's part of the variance
    assert amount.phi == pytest.approx(1 + 20 * 0.073 * 1.7 / 0.3, rel=0.4)
    assert amount.rho == pytest.approx(0.073 * 1.7 / 0.3, rel=0.4)
    assert flat.phi is None


def test_a_thinned_stretch_tells_the_same_rho() -> None:
    """A sixteenth of the rows is held: phi among them is less, but rho tells what it is among all."""
    random = np.random.default_rng(5)
    means = random.normal(scale=0.5, size=400).tolist()
    whole, thin = (Traffic(Learn(rows=rows, stable_for_seconds=3600), rows=40) for rows in (16_000, 1_000))
    for traffic in (whole, thin):
        traffic.flow(means)
    dense, sparse = whole.finish(), thin.finish()
    assert isinstance(dense, Learned)
    assert isinstance(sparse, Learned)
    assert sparse.baseline.rows < dense.baseline.rows / 8
    assert (sparse.baseline.features[0].phi or 0) < (dense.baseline.features[0].phi or 0) / 3
    assert sparse.baseline.features[0].rho == pytest.approx(dense.baseline.features[0].rho or 0, rel=0.4)


def test_a_week_of_learning_tells_the_hours_apart() -> None:
    """A daily rhythm is no doubt when whole days agree, and each hour gets its own baseline."""
    traffic = Traffic(Learn(rows=40_000, stable_for_seconds=8 * DAY), rows=20, step=300.0)
    traffic.flow((0.5 * np.sin(2 * np.pi * np.arange(8 * 288) / 288)).tolist())
    found = traffic.finish()
    assert isinstance(found, Learned)
    assert found.doubt == ""
    assert found.baseline.features[0].seasons is SeasonKind.HOUR_OF_DAY


def test_days_of_learning_know_the_wave() -> None:
    """Two days are too few for hours with a baseline each, but how far the hours differ is learned."""
    traffic = Traffic(Learn(rows=40_000, stable_for_seconds=2.1 * DAY), rows=70, step=300.0)
    traffic.flow((0.3 * np.sin(2 * np.pi * np.arange(606) / 288)).tolist())
    found = traffic.finish()
    assert isinstance(found, Learned)
    assert found.doubt == ""
    amount, flat = found.baseline.features
    assert amount.seasons is None
    assert np.sqrt(amount.wave or 0) == pytest.approx(0.33, abs=0.04)
    assert flat.wave is None


def test_a_clock_that_runs_backwards_stands_still() -> None:
    """Rows stay in the order of their arrival, whatever the clock says."""
    traffic = Traffic(Learn(rows=100, stable_for_seconds=10))
    traffic.flow([0.0] * 10)
    traffic.now -= 1000
    traffic.flow([0.0] * 10)
    traffic.now += 2000
    assert isinstance(traffic.finish(), Learned)


def test_small_batches_are_joined() -> None:
    """However small, a stretch is held in few pieces, and is the same as that of one large batch."""
    learn = Learn(rows=2000, stable_for_seconds=0.0)
    small, large = (Learner(learn, Budget(10_000_000, "learning_cells"), T0) for _ in range(2))
    values = np.random.default_rng(5).normal(size=2000)
    words = [f"w{row % 7}" for row in range(2000)]
    for row, value in enumerate(values.tolist()):
        cells: dict[str, list[object]] = {"amount": [value], "word": [words[row]]}
        small.add(batch_of(cells | ({"late": [1.0]} if row >= 1000 else {})), T0)
    for part in (slice(0, 1000), slice(1000, 2000)):
        rest: dict[str, list[object]] = {"late": [1.0] * 1000} if part.start else {}
        large.add(batch_of({"amount": values[part].tolist(), "word": words[part]} | rest), T0)
    pieces = [len(chunks) for chunks in small._stretch.chunks.values()]
    assert max(pieces) <= 2000 / 64 + 2 * 64
    one, other = (learner.study("m", ModelSettings(), T0) for learner in (small, large))
    assert one
    assert other
    assert one.work_out().baseline == other.work_out().baseline
