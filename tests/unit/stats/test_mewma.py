"""The chart of operational signals: what it learns, what alarms, and when it is silent."""

import numpy as np
import pytest
import scipy.stats

from model_exporter.stats.mewma import (
    CAPACITY,
    Anomaly,
    Floats,
    SignalState,
    fresh_signals,
    judge,
    learn_signals,
    log_amount,
    logit_share,
    restored_signals,
    share_noise,
    watch,
)

SIGNALS = 4
CORRELATION = np.array([[1, 0.8, 0, 0], [0.8, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


def slots(number: int, *, seed: int = 0, a1: float = 0.5) -> Floats:
    """Four signals, the first two correlated, each with mean 3, deviation 2 and autocorrelation `a1`."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((number, SIGNALS)) @ np.linalg.cholesky(CORRELATION).T
    values = np.empty_like(noise)
    values[0] = noise[0]
    for t in range(1, number):
        values[t] = a1 * values[t - 1] + np.sqrt(1 - a1**2) * noise[t]
    return 3 + 2 * values


def watched(
    history: Floats, state: SignalState | None = None, *, tail: float = 1e-5
) -> tuple[SignalState, list[Anomaly | None]]:
    """The state and the verdicts after the slots of `history`."""
    state, verdicts = state or fresh_signals(history.shape[1]), []
    for slot in history:
        state, verdict = watch(state, slot, tail=tail)
        verdicts.append(verdict)
    return state, verdicts


def test_what_is_usual_is_learned() -> None:
    """Centre, scale, correlation and autocorrelation of a long clean history come back."""
    learned = learn_signals(slots(20_000))
    assert learned is not None
    np.testing.assert_allclose(learned.centre, 3, atol=0.1)
    np.testing.assert_allclose(learned.scale, 2, atol=0.1)
    np.testing.assert_allclose(np.linalg.inv(learned.precision), CORRELATION, atol=0.08)
    assert learned.autocorrelation == pytest.approx(0.5, abs=0.03)
    assert learned.slots == 20_000
    assert learned.used.all()


def test_the_limit_is_the_stated_formula() -> None:
    """The limit for six independent signals, 1,000 slots and a tail of 1e-3, with F's quantile from scipy."""
    history = np.random.default_rng(1).standard_normal((1000, 6))
    learned = learn_signals(history, tail=1e-3)
    assert learned is not None
    r = learned.autocorrelation * 0.75
    n_eff = 1000 * (1 - learned.autocorrelation) / (1 + learned.autocorrelation)
    g = 0.25 / 1.75 * (1 + r) / (1 - r)
    f = scipy.stats.f.isf(1e-3, 6, 994)
    assert learned.limit == pytest.approx((g + 1 / n_eff) * 6 * 999 / 994 * f, rel=1e-9)


@pytest.mark.parametrize("share", [0.05, 0.1])
def test_contaminated_slots_do_not_teach(share: float) -> None:
    """A tenth of the history six deviations off in the same direction hardly moves what is learned."""
    history = slots(1000)
    bad = np.random.default_rng(2).choice(1000, int(1000 * share), replace=False)
    history[bad] += np.array([12.0, -12.0, 12.0, 0.0])
    learned = learn_signals(history)
    assert learned is not None
    np.testing.assert_allclose(learned.centre, 3, atol=0.5)
    np.testing.assert_allclose(np.linalg.inv(learned.precision), CORRELATION, atol=0.35)


def test_a_change_against_the_correlation_alarms_and_names_its_signals() -> None:
    """Two correlated signals that part by 1.5 deviations alarm, though neither would alone; both are named."""
    state, before = watched(slots(600))
    after = slots(20, seed=9) + np.array([3.0, -3.0, 0.0, 0.0])
    _, verdicts = watched(after, state)
    worst = max((v for v in verdicts if v), key=lambda v: v.evidence)
    assert all(not verdict or not verdict.evidence >= 0 for verdict in before)
    assert worst.evidence > 0
    assert worst.named.tolist() == [True, True, False, False]
    assert np.sign(worst.deviations[:2]).tolist() == [1, -1]
    assert worst.contributions.sum() == pytest.approx(worst.t2)


def test_slots_in_alarm_are_not_learned() -> None:
    """A lasting change stays an alarm for as long as it lasts, and its slots do not enter the history."""
    state, _ = watched(slots(600))
    after, verdicts = watched(slots(2000, seed=3) + np.array([8.0, 0, 0, 0]), state)
    assert verdicts[-1] is not None
    assert verdicts[-1].evidence > 0
    assert len(after.history) < len(state.history) + 10


def test_it_is_silent_until_it_has_seen_enough() -> None:
    """Without 200 slots, or 20 independent ones a signal, T2 is shown but there is no evidence."""
    state, verdicts = watched(slots(150))
    assert state.baseline is not None
    assert verdicts[-1] is not None
    assert np.isnan(verdicts[-1].evidence)
    assert verdicts[-1].t2 >= 0
    sluggish = learn_signals(slots(500, a1=0.97))
    assert sluggish is not None
    assert not sluggish.speaks
    assert watched(slots(40))[1] == [None] * 40


def test_an_absent_signal_keeps_its_mean() -> None:
    """A signal without a value is carried; a slot without any value changes nothing."""
    state, _ = watched(slots(300))
    one = np.array([5.0, np.nan, np.nan, np.nan])
    after, verdict = watch(state, one)
    assert verdict is not None
    assert after.smoothed[1:].tolist() == state.smoothed[1:].tolist()
    assert after.smoothed[0] == pytest.approx(0.75 * state.smoothed[0] + 0.25 * 5)
    same, none = watch(state, np.full(SIGNALS, np.nan))
    assert same is state
    assert none is None


def test_rare_and_constant_signals_take_no_part() -> None:
    """A signal that is mostly absent or never changes is not used, and has no contribution."""
    history = slots(400)
    history[::2, 2] = np.nan
    history[:, 3] = 7.0
    learned = learn_signals(history)
    assert learned is not None
    assert learned.used.tolist() == [True, True, False, False]
    assert learned.slots == 400
    verdict = judge(learned, np.array([3.0, 3.0, 99.0, 99.0]))
    assert np.isnan(verdict.contributions).tolist() == [False, False, True, True]
    assert not verdict.named[2:].any()


def test_a_mostly_constant_signal_has_a_scale() -> None:
    """A signal whose median deviation is 0, such as an error rate with rare errors, is scaled by its deviation."""
    history = slots(1000)
    history[:, 3] = np.where(np.random.default_rng(4).random(1000) < 0.04, 2.0, 0.0)
    learned = learn_signals(history)
    assert learned is not None
    assert learned.scale[3] == pytest.approx(0.4, abs=0.1)
    assert judge(learned, np.array([3.0, 3.0, 3.0, 0.5])).evidence < 0  # one error's mark on the exponential mean


@pytest.mark.parametrize(
    "history", [np.empty((0, 2)), np.empty((9, 0)), np.zeros((99, 2)), np.full((99, 2), np.nan), slots(8)]
)
def test_nothing_is_learned_from_too_little(history: Floats) -> None:
    """No slots, no signals, constants, nothing but absences, or two slots a signal teach nothing."""
    assert learn_signals(history) is None


def test_no_scale_is_less_than_the_noise() -> None:
    """A constant signal with noise takes part with that scale; a scale above its noise is what it would be without."""
    history = slots(1000)
    history[:, 2] = 1.5
    noise = np.array([0.5, 0.0, 0.25, 0.0])
    learned, plain = learn_signals(history, noise=noise), learn_signals(history)
    assert learned is not None
    assert plain is not None
    assert learned.used.all()
    assert learned.scale[2] == 0.25
    np.testing.assert_array_equal(learned.scale[[0, 1, 3]], plain.scale[[0, 1, 3]])
    assert plain.used.tolist() == [True, True, False, True]


def test_the_noise_of_a_share_is_that_of_its_logit() -> None:
    """For large counts it is the standard deviation of the transformed share, without one it is absent."""
    counts = np.random.default_rng(9).binomial(1000, 0.1, 20_000).astype(np.float64)
    total = np.full_like(counts, 1000)
    assert logit_share(counts, total).std() == pytest.approx(share_noise(counts, total).mean(), rel=0.03)
    assert np.isnan(share_noise(np.zeros(1), np.zeros(1))).all()


def test_an_alarm_is_learned_from_when_accepted() -> None:
    """A slot in alarm enters the history only when it is asked for."""
    state, _ = watched(slots(1000))
    shift = np.full(SIGNALS, 30.0)
    for accept, kept in ((False, 0), (True, 1)):
        after, verdict = watch(state, shift, accept=accept, capacity=5000)
        assert verdict is not None
        assert verdict.evidence > 0
        assert len(after.history) - len(state.history) == kept


def test_signals_that_say_the_same_are_no_error() -> None:
    """Two copies of one signal have a finite T2."""
    history = slots(300)
    history[:, 1] = history[:, 0]
    learned = learn_signals(history)
    assert learned is not None
    assert np.isfinite(judge(learned, history[-1]).t2)


def test_the_history_is_bounded() -> None:
    """No more slots are kept than the capacity, the newest of them."""
    history = slots(130)
    state = fresh_signals(SIGNALS)
    for slot in history:
        state, _ = watch(state, slot, capacity=60)
    assert state.history.tolist() == history[-60:].tolist()
    assert CAPACITY == 4 * 60 * 24


@pytest.mark.parametrize("at", [0, 30, 250, 399])
def test_restart_equals_no_restart(at: int) -> None:
    """A state saved and restored, before or after something was learned, goes on bit by bit."""
    history = slots(400)
    history[::7, 1] = np.nan
    state, _ = watched(history[:at])
    end, _ = watched(history[at:], state)
    end_again, _ = watched(history[at:], restored_signals(state.checkpoint(), SIGNALS))
    assert end.checkpoint() == end_again.checkpoint()


def test_a_foreign_checkpoint_is_refused() -> None:
    """Damaged checkpoints, and those of another number of signals, are refused."""
    good = watched(slots(300))[0].checkpoint()
    for bad in (b"", b"signals1", good[:-1], good[:-8], good + bytes(8), b"x" + good[1:]):
        with pytest.raises(ValueError, match="checkpoint"):
            restored_signals(bad, SIGNALS)
    with pytest.raises(ValueError, match="not one of 3"):
        restored_signals(good, 3)


def test_transforms_leave_absence_absent() -> None:
    """Shares of nothing and amounts that are not positive are absent; extreme shares are finite."""
    shares = logit_share(np.array([0.0, 10.0, 0.0]), np.array([10.0, 10.0, 0.0]))
    assert shares[0] == -shares[1]
    assert np.isnan(shares[2])
    assert np.isnan(log_amount(np.array([-1.0, 0.0, np.nan]))).all()
