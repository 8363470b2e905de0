"""Bounds of performance, measured: `python tests/benchmarks/bench_performance.py` writes PERFORMANCE_MEASURES.md.

Every interval is nominally 95 %. Truths are exact, or those of a million rows. Seeds are fixed.
The coverage of 200 runs has a standard error of 1.5 %.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from model_exporter.stats.classification import BinaryTally, ClassifiedRows, MulticlassTally
from model_exporter.stats.estimates import Estimator, reference_edges
from model_exporter.stats.fairness import GroupErrors, GroupRates
from model_exporter.stats.forecasting import ForecastRows, ForecastTally
from model_exporter.stats.measure import Measure
from model_exporter.stats.ranking import RankedRows, RankingTally
from model_exporter.stats.regression import PredictedNumbers, RegressionTally
from model_exporter.stats.score_edges import class_balanced_edges, uniform_edges

RUNS = 200
LARGE = 1_000_000
SEPARATION = 1.8  # deviations between the scores of positives and negatives
LOOKS = 250
PREVALENCES: tuple[float, ...] = (0.02, 0.1, 0.3, 0.5)
ONE_GROUPS_GAPS: tuple[float, ...] = (0.0, 0.1)

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


class Scored(NamedTuple):
    """Rows of a classifier: what is, what was predicted, and its score."""

    actual: Codes
    predicted: Codes
    scores: Floats

    def first(self, rows: int) -> "Scored":
        """The first of the rows."""
        return Scored(self.actual[:rows], self.predicted[:rows], self.scores[:rows])


def scored(
    rng: np.random.Generator, rows: int, prevalence: float, *, shift: float = 0.0, concept: float = 0.0
) -> Scored:
    """Rows whose score is the probability of the positive class, unless the concept changed.

    Args:
        rng: draws them.
        rows: their number.
        prevalence: of the positive class, before any shift.
        shift: of the evidence that scores are made of, in deviations; the probability at a score stays.
        concept: added to the log odds that outcomes are drawn with, but not to the score's.
    """
    marginal = rng.random(rows) < prevalence
    z = rng.standard_normal(rows) + SEPARATION * marginal + shift
    odds = np.log(prevalence / (1 - prevalence)) + SEPARATION * z - SEPARATION**2 / 2
    scores = 1 / (1 + np.exp(-odds))
    actual = rng.random(rows) < 1 / (1 + np.exp(-(odds + concept)))
    return Scored(actual.astype(np.int64), (scores > threshold(prevalence)).astype(np.int64), scores)


def threshold(prevalence: float) -> float:
    """From which score on a row is called positive: lower where positives are rare."""
    return min(0.5, 2 * prevalence)


class Coverage:
    """How often intervals held the truth, and how often there were any."""

    def __init__(self) -> None:
        self._held: dict[str, list[bool]] = defaultdict(list)
        self._width: dict[str, list[float]] = defaultdict(list)
        self._runs = 0

    def add(self, measures: Iterable[Measure], truths: dict[str, float]) -> None:
        """Count one run."""
        self._runs += 1
        for measure in measures:
            name = f"{measure.metric} {measure.label}".strip()
            if name in truths:
                self._held[name].append(measure.lower <= truths[name] <= measure.upper)
                self._width[name].append(measure.upper - measure.lower)

    def cell(self, name: str) -> str:
        """Coverage, the mean width of intervals, and the share of runs that had one where not all had."""
        held = self._held.get(name, [])
        if not held:
            return "-"
        shown = "" if len(held) == self._runs else f" ({len(held) / self._runs:.0%})"
        return f"{np.mean(held):.3f} / {np.mean(self._width[name]):.3g}{shown}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


BINARY = (
    *("accuracy", "precision", "recall", "specificity", "f1", "roc_auc", "pr_auc"),
    *("log_loss", "brier", "calibration_error"),
)


def truths_of(tally: BinaryTally, prevalence: float) -> dict[str, float]:
    """Metrics of a million rows; the scores are calibrated by construction."""
    rows = scored(np.random.default_rng(1), LARGE, prevalence)
    truths = {measure.metric: measure.value for measure in tally.measures(tally.sums(ClassifiedRows(*rows)))}
    fine = BinaryTally(["no", "yes"], 1, class_balanced_edges(rows.scores[:200_000], rows.actual[:200_000] == 1, 1000))
    exact = {measure.metric: measure.value for measure in fine.measures(fine.sums(ClassifiedRows(*rows)))}
    return truths | {"roc_auc": exact["roc_auc"], "pr_auc": exact["pr_auc"], "calibration_error": 0.0}


def classification(weighted: Callable[[np.random.Generator, int], Floats] | None = None) -> str:
    """Coverage for a binary classifier over prevalences and sizes."""
    lines = []
    for prevalence in PREVALENCES:
        rng = np.random.default_rng(2)
        baseline = scored(rng, 20_000, prevalence)
        tally = BinaryTally(["no", "yes"], 1, class_balanced_edges(baseline.scores, baseline.actual == 1))
        truths = truths_of(tally, prevalence)
        for rows in (100, 300, 1000, 5000):
            coverage = Coverage()
            for _ in range(RUNS):
                weights = weighted(rng, rows) if weighted else None
                live = ClassifiedRows(*scored(rng, rows, prevalence), weights=weights)
                coverage.add(tally.measures(tally.sums(live)), truths)
            lines.append([f"{prevalence:g}", str(rows), *(coverage.cell(metric) for metric in BINARY)])
    return table(["positives", "rows", *BINARY], lines)


def sampled_weights(rng: np.random.Generator, rows: int) -> Floats:
    """Half of the rows kept at a rate of one in four."""
    return np.where(rng.random(rows) < 0.5, 4.0, 1.0)


MULTI = ("accuracy", "macro_precision", "macro_recall", "macro_f1", "macro_roc_auc", "log_loss", "brier", "f1 c")


def multiclass() -> str:
    """Coverage for three classes of 60, 30 and 10 %."""
    shares = np.array([0.6, 0.3, 0.1])
    tally = MulticlassTally(["a", "b", "c"], uniform_edges(50))

    def draw(rng: np.random.Generator, rows: int) -> ClassifiedRows:
        actual = rng.choice(3, rows, p=shares)
        noise = rng.standard_normal((rows, 3))
        noise[np.arange(rows), actual] += 1.5
        likely = shares * np.exp(1.5 * noise)
        likely /= likely.sum(axis=1, keepdims=True)
        return ClassifiedRows(actual, likely.argmax(axis=1), probabilities=likely)

    rng = np.random.default_rng(3)
    truths = {
        f"{one.metric} {one.label}".strip(): one.value for one in tally.measures(tally.sums(draw(rng, LARGE // 2)))
    }
    lines = []
    for rows in (300, 1000, 3000):
        coverage = Coverage()
        for _ in range(RUNS):
            coverage.add(tally.measures(tally.sums(draw(rng, rows))), truths)
        lines.append([str(rows), *(coverage.cell(metric) for metric in MULTI)])
    return table(["rows", *MULTI], lines)


NUMBERS = ("mae", "bias", "rmse", "r2", "coverage", "mape", "smape", "mase")
ERRORS: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, rows: rng.standard_normal(rows),
    "t, 5 degrees": lambda rng, rows: rng.standard_t(5, rows),
    "lognormal": lambda rng, rows: rng.lognormal(0, 1, rows) - 1,
}


def regression() -> str:
    """Coverage for forecasts with errors of three laws."""
    tally = ForecastTally([], origin=10.0, scale=2.0)
    lines = []
    for law, errors in ERRORS.items():
        rng = np.random.default_rng(4)

        def draw(rows: int, rng: np.random.Generator = rng, law: Callable[..., Floats] = errors) -> ForecastRows:
            actual = np.abs(rng.normal(10, 2, rows)) + 1
            predicted = actual + law(rng, rows)
            numbers = PredictedNumbers(actual, predicted, predicted - 2, predicted + 2)
            return ForecastRows(numbers, np.zeros(rows, np.int64), actual + 2 * rng.standard_normal(rows))

        truths = {one.metric: one.value for one in tally.measures(tally.sums(draw(LARGE))) if not one.label}
        for rows in (100, 300, 1000, 3000):
            coverage = Coverage()
            for _ in range(RUNS):
                coverage.add((one for one in tally.measures(tally.sums(draw(rows))) if not one.label), truths)
            lines.append([law, str(rows), *(coverage.cell(metric) for metric in NUMBERS)])
    return table(["errors", "rows", *NUMBERS], lines)


RANKED = ("mrr", "map", "ndcg 1", "ndcg 5", "ndcg 10", "hit_rate 1", "hit_rate 10")


def ranking() -> str:
    """Coverage for rankings of ten places with one to four relevant items."""
    tally = RankingTally()

    def draw(rng: np.random.Generator, rows: int) -> RankedRows:
        gains = (rng.random((rows, 10)) < 0.15 / np.arange(1, 11)).astype(np.float64)
        relevant = np.maximum(gains.sum(axis=1), rng.integers(1, 5, rows))
        return RankedRows(gains, (np.arange(10) < relevant[:, None]).astype(np.float64), relevant)

    rng = np.random.default_rng(5)
    truths = {
        f"{one.metric} {one.label}".strip(): one.value for one in tally.measures(tally.sums(draw(rng, LARGE // 2)))
    }
    lines = []
    for rows in (100, 300, 1000):
        coverage = Coverage()
        for _ in range(RUNS):
            coverage.add(tally.measures(tally.sums(draw(rng, rows))), truths)
        lines.append([str(rows), *(coverage.cell(metric) for metric in RANKED)])
    return table(["rows", *RANKED], lines)


def gaps() -> str:
    """How often a gap of .1 is found by one interval and by the alarm, and how often one is claimed without any."""
    lines = []
    for rate, gap in ((0.3, 0.0), (0.3, 0.1), (0.1, 0.1), (0.5, 0.1)):
        per_group = round(15.7 * (rate + gap / 2) * (1 - rate - gap / 2) / 0.1**2)
        tally = GroupRates(["one", "other"], positive=1)
        rng, found, seen, missed = np.random.default_rng(6), 0, [], 0
        for _ in range(RUNS // 2):
            groups = np.tile([0, 1], per_group)
            predicted = (rng.random(len(groups)) < rate + gap * groups).astype(np.int64)
            interval = tally.gaps(tally.predicted(groups, predicted))[0]
            found += interval.lower > 0 or interval.upper < 0
            sums, at = np.zeros(tally.width), 0
            for look in range(LOOKS):
                groups = np.tile([0, 1], 40)
                predicted = (rng.random(len(groups)) < rate + gap * groups).astype(np.int64)
                sums += tally.predicted(groups, predicted)
                if tally.alarms(sums, tolerance=0.0):
                    at = look + 1
                    break
            if at:
                seen.append(at * 40)
            missed += not at
        runs = RUNS // 2
        alarms = f"{1 - missed / runs:.3f}"
        median = f"{np.median(seen):.0f}" if len(seen) > runs / 2 else "-"
        lines.append([f"{rate:g}", f"{gap:g}", str(per_group), f"{found / runs:.3f}", alarms, median])
    head = ["rate", "gap", "rows a group", "interval without 0", f"alarm within {LOOKS} looks", "median rows a group"]
    return table(head, lines)


def several_groups() -> str:
    """The same with six groups, of which none or one differs, and for errors."""
    names = list("abcdef")
    lines = []
    for gap in ONE_GROUPS_GAPS:
        rates, errors = GroupRates(names, positive=1), GroupErrors(names)
        rng = np.random.default_rng(7)
        counts: dict[str, int] = defaultdict(int)
        runs = RUNS // 5
        for _ in range(runs):
            sums, sizes = np.zeros(rates.width), np.zeros(errors.width)
            hit = set()
            for _ in range(LOOKS):
                groups = rng.integers(0, 6, 240)
                predicted = (rng.random(240) < 0.3 + gap * (groups == 2)).astype(np.int64)
                sums += rates.predicted(groups, predicted)
                error = rng.standard_normal(240) * (1 + gap * (groups == 2))
                sizes += errors.realised(groups, np.zeros(240), error)
                hit |= {"pairs"} if rates.alarms(sums, 0.0) else set()
                worst = [alarm.group for alarm in rates.apart(sums, 0.0)[:1]]
                hit |= {"worst", *(["right"] if worst == ["c"] else [])} if worst else set()
                hit |= {"errors"} if errors.alarms(sizes, 0.0) else set()
            for name in hit:
                counts[name] += 1
        lines.append([f"{gap:g}", *(f"{counts[name] / runs:.3f}" for name in ("pairs", "worst", "right", "errors"))])
    return table(["gap of one group", "a pair", "a worst group", "the right one", "a pair by mean error"], lines)


ESTIMATED = ("accuracy", "precision", "recall", "f1", "roc_auc")


def estimates() -> str:
    """How often the band without outcomes holds the realised value, and how often the estimate is withdrawn."""
    lines = []
    cases = [(shift, 0.0) for shift in (0.0, 0.25, 0.5, 1.0, 1.5)] + [(0.0, 0.7)]
    for labels, rows in ((1000, 5000), (1000, 50_000), (10_000, 50_000)):
        for shift, concept in cases:
            rng, runs = np.random.default_rng(8), RUNS // 2
            coverage, withdrawn, bias = Coverage(), 0, []
            for _ in range(runs):
                reference = scored(rng, labels, 0.3)
                estimator = Estimator(["no", "yes"], reference_edges(reference.scores), positive=1)
                live = scored(rng, rows, 0.3, shift=shift, concept=concept)
                realised = realised_metrics(live)
                estimate = estimator.estimate(
                    estimator.labelled(*reference), estimator.traffic(live.predicted, live.scores)
                )
                withdrawn += bool(estimate.withdrawn)
                coverage.add(estimate.measures, realised)
                bias += [one.value - realised["accuracy"] for one in estimate.measures if one.metric == "accuracy"]
            offset = f"{np.mean(bias):+.4f}" if bias else "-"
            cells = [coverage.cell(metric) for metric in ESTIMATED]
            lines.append(
                [str(labels), str(rows), f"{shift:g}", f"{concept:g}", f"{withdrawn / runs:.2f}", *cells, offset]
            )
    head = ["labels", "rows", "shift", "concept", "withdrawn", *ESTIMATED, "bias of accuracy"]
    return table(head, lines)


def realised_metrics(rows: Scored) -> dict[str, float]:
    """The metrics of `ESTIMATED` from the rows themselves."""
    is_, called = rows.actual == 1, rows.predicted == 1
    true = float((is_ & called).sum())
    order = np.argsort(rows.scores)
    ranks = np.empty(len(order))
    ranks[order] = np.arange(1, len(order) + 1)
    positives, negatives = int(is_.sum()), int((~is_).sum())
    return {
        "accuracy": float((is_ == called).mean()),
        "precision": true / float(called.sum()),
        "recall": true / positives,
        "f1": 2 * true / (float(called.sum()) + positives),
        "roc_auc": (float(ranks[is_].sum()) - positives * (positives + 1) / 2) / (positives * negatives),
    }


def cost() -> str:
    """Microseconds a row and milliseconds a reading, on the machine that runs this."""
    rng = np.random.default_rng(9)
    rows = scored(rng, 1000, 0.3)
    binary = BinaryTally(["no", "yes"], 1, class_balanced_edges(rows.scores, rows.actual == 1))
    numbers = RegressionTally()
    lines = []
    for size in (100, 300, 1000):
        part = ClassifiedRows(*rows.first(size))
        real = PredictedNumbers(rows.scores[:size], rows.scores[:size] ** 2)
        lines.append(
            [
                str(size),
                *(
                    f"{_seconds(call) * 1e6 / size:.2f}"
                    for call in (
                        lambda part=part: binary.sums(part),
                        lambda real=real: numbers.sums(real),
                    )
                ),
            ]
        )
    sums = binary.sums(ClassifiedRows(*rows))
    reading = _seconds(lambda: binary.measures(sums)) * 1e3
    return table(["rows a batch", "binary, us a row", "regression, us a row"], lines) + (
        f"\n\nReading all measures of a binary classifier takes {reading:.2f} ms."
    )


def _seconds(call: Callable[[], object], repeats: int = 200) -> float:
    best = np.inf
    for _ in range(5):
        start = time.process_time()
        for _ in range(repeats // 5):
            call()
        best = min(best, (time.process_time() - start) / (repeats // 5))
    return float(best)


SECTIONS: tuple[tuple[str, str, Callable[[], str]], ...] = (
    (
        "Binary classifier",
        f"Coverage / mean width of {RUNS} runs, in brackets the share of runs with enough rows. Scores are calibrated.",
        classification,
    ),
    (
        "The same from a sample",
        "Half of the rows kept at a rate of 1 in 4, and weighted by 4.",
        lambda: classification(sampled_weights),
    ),
    ("Three classes", "Of 60, 30 and 10 %.", multiclass),
    ("Numbers and forecasts", "Errors centred, but for the lognormal ones, whose skewness is 6.2.", regression),
    ("Rankings", "Ten places, one to four relevant items.", ranking),
    (
        "Gaps between two groups",
        f"Selection rates, tolerance 0, {RUNS // 2} runs; a look after every 40 rows a group.",
        gaps,
    ),
    (
        "Six groups",
        f"A look after every 240 rows in all, {LOOKS} looks, tolerance 0, {RUNS // 5} runs.",
        several_groups,
    ),
    (
        "Estimates without outcomes",
        f"Coverage of the realised value / mean width, {RUNS // 2} runs; shifts in deviations, concept in log odds.",
        estimates,
    ),
    ("Cost", "Processor time, best of five.", cost),
)


def main() -> None:
    """Write the report."""
    wanted = sys.argv[1:]
    parts = [
        "# Bounds of performance",
        "Written by `python tests/benchmarks/bench_performance.py`; see there for the set-up.",
    ]
    for title, words, section in SECTIONS:
        if wanted and not any(word.lower() in title.lower() for word in wanted):
            continue
        start = time.perf_counter()
        parts.append(f"## {title}\n\n{words}\n\n{section()}")
        print(f"{parts[-1]}\n\n({time.perf_counter() - start:.0f} s)\n", flush=True)
    if not wanted:
        Path(__file__).with_name("PERFORMANCE_MEASURES.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
