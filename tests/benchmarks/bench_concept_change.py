"""Evidence on performance, measured: `python tests/benchmarks/bench_concept_change.py` writes CONCEPT_CHANGE.md.

Delays and false alarms of the two-bin feature {right, wrong} are of the product's own bets and evidence, 25 outcomes a
slot. The story of a concept change goes through the fleet, as predictions and outcomes do. Fixed seeds, one process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.batch import Batch, Joined, Origin, Outcome, Role, Words, column_from_values
from model_exporter.config.settings import Drift, DriftLevel, Learn, ModelKind, ModelSettings, OutcomeSettings, Settings
from model_exporter.stats.dictionary import Allowance, bin_boundaries
from model_exporter.stats.estimates import Estimator, reference_edges
from model_exporter.stats.evidence import EvidenceState
from model_exporter.stats.features import FeatureBins, Kind
from model_exporter.stats.model_evidence import CLEAR
from model_exporter.stats.performance_bets import Objective, Objectives, share_tables
from model_exporter.telemetry import Telemetry
from model_exporter.window import alarm_shares
from model_exporter.window.fleet import Fleet
from model_exporter.window.snapshot import ModelSnapshot
from model_exporter.window.verdicts import SMALL_BASELINE, SMALL_Z, Z

Floats = NDArray[np.float64]

SLOT_SECONDS: Final = 15.0
SLOT_ROWS: Final = 25
DAY: Final = 86_400.0
LEVELS: Final = {"page": Drift().page, "ticket": Drift().ticket}
SHIFTS: Final = ((0.93, 0.83), (0.90, 0.85), (0.90, 0.80), (0.97, 0.94))
REFERENCES: Final = (None, 10_000, 1_000)
"""Outcomes of the reference; None is an objective at the accuracy before the change."""
RUNS: Final = 300
WARM_ROWS: Final = 5_000
LONGEST: Final = 20_000
PATIENCE_SLOTS: Final = 500
QUIET_SLOTS: Final = 2_500
QUIET_RUNS: Final = 100
COVERAGE_RUNS: Final = 1_000
T0: Final = 1_800_000_000.0


@dataclass(frozen=True, slots=True)
class Case:
    """Accuracy before and after, what it is compared with, and how surely."""

    before: float
    after: float
    reference: int | None
    level: str


def divergence(q: float, p: float) -> float:
    """Kullback-Leibler divergence of a share q from a share p, nats an outcome."""
    return float(q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p)))


def log_arl(level: DriftLevel) -> float:
    """Log of the outcomes between false alarms of performance at this level."""
    return float(np.log(level.patience_seconds / alarm_shares.PERFORMANCE / SLOT_SECONDS * SLOT_ROWS))


class Runs:
    """Evidence of many runs at once: each is a feature of its own, and no feature knows of another.

    Args:
        reference: outcomes of the reference that each run draws; None for an objective at `accuracy`.
        accuracy: before the change.
        tolerance: of the level.
        patience: T of each run, seconds.
        runs: how many.
        random: draws references and outcomes.
    """

    def __init__(
        self,
        reference: int | None,
        accuracy: float,
        *,
        tolerance: float,
        patience: float,
        runs: int,
        random: np.random.Generator,
    ) -> None:
        self._random, self._runs, self._slot = random, runs, 0
        self._width = 2 if reference is None else 3
        if reference is None:
            tables = Objectives([Objective("accuracy", 1 - accuracy)] * runs).tables(Allowance())
        else:
            wrong = random.binomial(reference, 1 - accuracy, runs).tolist()
            bins = [FeatureBins(Kind.BOOLEAN, np.array([reference - one, one, 0], np.int64)) for one in wrong]
            z = SMALL_Z if reference < SMALL_BASELINE else Z
            tables = share_tables(bins, Allowance(tolerance=tolerance, z=z))
        self._state = EvidenceState([tables], patience_seconds=patience)
        self.detected = np.zeros(runs, np.bool_)
        self.episodes = np.zeros(runs, np.int64)

    def slot(self, accuracy: float) -> None:
        """Take a slot of outcomes; alarms begin at 0 and end, forgetting their wealth, below `CLEAR`."""
        counts = np.zeros((self._runs, self._width), np.int64)
        counts[:, 1] = self._random.binomial(SLOT_ROWS, 1 - accuracy, self._runs)
        counts[:, 0] = SLOT_ROWS - counts[:, 1]
        self._state.update(counts.ravel(), start=self._slot * SLOT_SECONDS, seconds=SLOT_SECONDS)
        self._slot += 1
        evidence = self._state.log_evidence
        ended = self.detected & (evidence < CLEAR)
        if ended.any():
            self._state.forget(ended)
        begun = ~self.detected & (evidence >= 0)
        self.episodes += begun
        self.detected = (self.detected & ~ended) | begun


def delays(case: Case) -> Floats:
    """Outcomes from the change to the alarm, one a run; inf without one before `LONGEST`, NaN for one before it."""
    level = LEVELS[case.level]
    runs = Runs(
        case.reference,
        case.before,
        tolerance=level.tolerance,
        patience=level.patience_seconds / alarm_shares.PERFORMANCE,
        runs=RUNS,
        random=np.random.default_rng([int(1000 * case.before), int(1000 * case.after), case.reference or 0]),
    )
    for _ in range(WARM_ROWS // SLOT_ROWS):
        runs.slot(case.before)
    found = np.where(runs.detected, np.nan, np.inf)
    for slot in range(LONGEST // SLOT_ROWS):
        runs.slot(case.after)
        found = np.where(np.isinf(found) & runs.detected, (slot + 1) * SLOT_ROWS, found)
        if not np.isinf(found).any():
            break
    return found[~np.isnan(found)]


def false_alarms(reference: int | None, accuracy: float) -> float:
    """False alarms times T over the time watched, at most 1 by the theorem; T is short so that there are some."""
    runs = Runs(
        reference,
        accuracy,
        tolerance=LEVELS["ticket"].tolerance,
        patience=PATIENCE_SLOTS * SLOT_SECONDS,
        runs=QUIET_RUNS,
        random=np.random.default_rng([7, int(1000 * accuracy), reference or 0]),
    )
    for _ in range(QUIET_SLOTS):
        runs.slot(accuracy)
    return float(runs.episodes.sum() * PATIENCE_SLOTS / (QUIET_RUNS * QUIET_SLOTS))


def coverage(shift: float) -> float:
    """Share of runs whose realised accuracy lies in the band of its estimate; the scores' logits move by `shift`."""
    held = 0
    for run in range(COVERAGE_RUNS):
        random = np.random.default_rng([run, 11])
        scores = _scores(random, 1000, 0.0)
        actual, called = (random.random(1000) < scores).astype(np.int64), (scores >= 0.5).astype(np.int64)
        estimator = Estimator(["0", "1"], reference_edges(scores), positive=1)
        labelled = estimator.labelled(actual, called, scores)
        now = _scores(random, 2000, shift)
        is_called = now >= 0.5
        estimate = estimator.estimate(labelled, estimator.traffic(is_called.astype(np.int64), now))
        realised = float((is_called == (random.random(2000) < now)).mean())
        accuracy = next(one for one in estimate.measures if one.metric == "accuracy")
        held += accuracy.lower <= realised <= accuracy.upper
    return held / COVERAGE_RUNS


def _scores(random: np.random.Generator, rows: int, shift: float) -> Floats:
    return 1 / (1 + np.exp(-random.normal(shift, 2.5, rows)))


class Story:
    """A model whose inputs stay while a fifth of the outcomes turns round: 100 predictions a minute, truth at once."""

    def __init__(self) -> None:
        model = ModelSettings(kind=ModelKind.CLASSIFICATION, outcome=OutcomeSettings(expected=True))
        settings = Settings(learn=Learn(rows=5000, stable_for_seconds=3600), models={"m": model})
        self._fleet = Fleet(settings, learned={}, recorder=Telemetry(), notify=lambda _: None, now=T0)
        self._random = np.random.default_rng(17)
        self._now = T0

    def run(self, minutes: int, *, turned: float) -> ModelSnapshot:
        """Let time pass; the model's state after it."""
        for _ in range(minutes):
            scores = _scores(self._random, 100, 0.0)
            actual = (self._random.random(100) < scores) ^ (self._random.random(100) < turned)
            awaited = self._fleet.predict("m", _batch(self._now, scores, self._random.normal(size=100)), self._now)
            joined = [
                Joined("m", one, Outcome("m", one.prediction_id, None, truth), None, 1.0)
                for one, truth in zip(awaited, actual.tolist(), strict=True)
            ]
            self._fleet.realise(joined, self._now + 30)
            self._now += 60
            self._fleet.advance(self._now)
        (model,) = self._fleet.snapshot(self._now).models
        return model


def _batch(now: float, scores: Floats, x: Floats) -> Batch:
    rows = len(scores)
    ids = tuple(f"{now:.0f}-{row}" for row in range(rows))
    columns = [
        column_from_values("x", Role.INPUT, x.tolist()),
        column_from_values("prediction", Role.OUTPUT, (scores >= 0.5).tolist()),
        column_from_values("score", Role.OUTPUT, scores.tolist()),
    ]
    return Batch(
        model="m",
        version="1",
        service="",
        origin=Origin.LOG,
        times=np.full(rows, now),
        keys=np.array([hash(name) for name in ids], np.int64),
        ids=ids,
        latency_seconds=np.full(rows, np.nan),
        errors=Words.from_texts([None] * rows),
        columns=tuple(columns),
    )


def _told(when: str, model: ModelSnapshot) -> str:
    assert model.truth
    (performance,), (version,) = model.truth.performance, model.versions
    estimate = performance.estimates[0]
    estimated = next(one for one in estimate.measures if one.metric == "accuracy")
    realised = next(one for one in performance.windows[0].measures if one.metric == "accuracy")
    error = next(one.value for one in estimate.errors if one.metric == "accuracy")
    features = max(drift.log_evidence for drift in version.drift)
    outcomes = performance.drift[0]
    return (
        f"| {when} | {estimated.value:.3f} ({estimated.lower:.3f} to {estimated.upper:.3f}) | {realised.value:.3f} | "
        f"{error:+.3f} | {features:.1f} | {outcomes.log_evidence:.1f} | {'page' if outcomes.detected else 'none'} |"
    )


def _story_rows() -> list[str]:
    story = Story()
    rows = [_told("4 hours, as before", story.run(240, turned=0.0))]
    for minutes in (15, 30, 60, 120):
        passed = {15: 15, 30: 15, 60: 30, 120: 60}[minutes]
        rows.append(_told(f"{minutes} minutes after", story.run(passed, turned=0.2)))
    return rows


def _boundary(reference: int) -> float:
    """Accuracy down to which no page is meant to be made, of a reference of that size and an accuracy of 0.9."""
    wrong, z = np.array([0.1]), SMALL_Z if reference < SMALL_BASELINE else Z
    allowance = Allowance(tolerance=LEVELS["page"].tolerance, z=z)
    return float(1 - bin_boundaries(wrong, wrong * reference, np.array([float(reference)]), allowance)[1][0])


def _delay_row(case: Case) -> str:
    level = LEVELS[case.level]
    found = delays(case)
    missed = int(np.isinf(found).sum())
    bound = log_arl(level) / divergence(1 - case.after, 1 - case.before)
    against = "objective" if case.reference is None else f"{case.reference:,} outcomes"
    head = f"| {case.before:.2f} to {case.after:.2f} | {case.level} | {against} | {bound:,.0f} |"
    if missed > RUNS // 20:
        return f"{head} {missed} of {RUNS} runs without an alarm in {LONGEST:,} | | |"
    kept = found[np.isfinite(found)]
    return f"{head} {kept.mean():,.0f} | {np.quantile(kept, 0.95):,.0f} | {kept.mean() / bound:.2f} |"


def report() -> Sequence[str]:
    """The lines of CONCEPT_CHANGE.md."""
    cases = [
        Case(before, after, reference, level)
        for before, after in SHIFTS
        for level in LEVELS
        for reference in REFERENCES
    ]
    large, small = _boundary(10_000), _boundary(1_000)
    return [
        "# A change of concept: what outcomes tell, and when",
        "",
        "Made by `python tests/benchmarks/bench_concept_change.py`; do not edit.",
        "",
        "## Inputs stay, a fifth of the outcomes turns round",
        "",
        "One model through the fleet, 100 predictions a minute with their outcomes 30 s later; accuracy over an hour.",
        "Log evidence of 0 is an alarm; that of the features is the higher one of both levels, that of outcomes is the",
        "page's, against the first 1,000 outcomes.",
        "",
        "| after the change | estimated (95 %) | realised | estimate less realised | features | outcomes | alarm |",
        "|---|---|---|---|---|---|---|",
        *_story_rows(),
        "",
        "## Outcomes from the change to the alarm",
        "",
        f"Accuracy before and after, {SLOT_ROWS} outcomes a slot, {RUNS} runs after {WARM_ROWS:,} outcomes without a",
        "change. The bound is log(ARL)/KL of section 3: first order, for a reference that is known exactly and no",
        "tolerance. It is what an objective at the accuracy of before can be held to; a reference pays for its own",
        "error and for the tolerance (chi-squared 0.01 for a page, 0.0025 for a ticket) with a boundary further out,",
        f"and a fall that does not get there is not told by intention: from 0.90 a page's lies at {large:.3f}",
        f"with 10,000 outcomes and at {small:.3f} with 1,000, where these are just like the law.",
        "",
        "| accuracy | level | against | bound | mean | 95 % | mean / bound |",
        "|---|---|---|---|---|---|---|",
        *map(_delay_row, cases),
        "",
        "## False alarms",
        "",
        f"No change, T = {PATIENCE_SLOTS:,} slots, {QUIET_RUNS} runs of {QUIET_SLOTS:,} slots; alarms times T over the",
        "time, which the theorem bounds by 1. The objective is exactly met, which is the worst case.",
        "",
        "| accuracy | objective | 10,000 outcomes | 1,000 outcomes |",
        "|---|---|---|---|",
        *(
            f"| {accuracy:.2f} | "
            + " | ".join(f"{false_alarms(reference, accuracy):.2f}" for reference in REFERENCES)
            + " |"
            for accuracy in (0.93, 0.90)
        ),
        "",
        "## The band of the estimate without a change of concept",
        "",
        f"1,000 labels, 2,000 predictions, {COVERAGE_RUNS:,} runs: share in which the 95 % band of accuracy holds what",
        "the outcomes show.",
        "",
        "| scores (logits) | held |",
        "|---|---|",
        *(f"| moved by {shift:g} | {coverage(shift):.3f} |" for shift in (0.0, 0.5)),
    ]


if __name__ == "__main__":
    Path(__file__).with_name("CONCEPT_CHANGE.md").write_text("\n".join(report()) + "\n", "utf-8")
