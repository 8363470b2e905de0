"""The drift rules against numpy and scipy: seeded cases become the counters of replicas in a promtool unit test."""

import json
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from e2e.programs import require
from model_exporter.stats.bins import TAIL_REFINED

RULES = Path(__file__).parents[2] / "rules"
SMALL, FULL = RULES / "drift.yml", RULES / "full" / "drift.yml"
MINUTES = 120
TOLERANCE = 0.0025
STEADY, RESET = 1e-9, 1e-3
"""Allowed error. With resets the versions of Prometheus extrapolate a little differently."""
ROOTS = ("model_feature:drift_hellinger:1h", "model_feature:drift_js_distance:1h")
"""These lose half of their digits at 0: their squares are compared."""
Z = "model_feature:drift_z:1h"
"""A cube root, which loses two thirds."""
NUMBER = ("_below", *(f"{i:02d}" for i in range(14)), "_above", "_missing")
CATEGORY = ("red", "green", "blue", "00", "01", "_other", "_unseen", "_missing")

Counts = NDArray[np.float64]
Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Case:
    """One feature of one version: counters of its replicas, and the bins of its baseline.

    Attributes:
        model: name, which tells what the case is about.
        baseline: rows by bin.
        replicas: float64[T, B], one a replica: what it shows each minute, NaN while it is not there.
        bins: labels.
        numeric: whether its bins have upper bounds.
        lacks: a bin that no replica counts in.
        thresholds: of PSI in the configuration, for the model and for the feature.
    """

    model: str
    baseline: Counts
    replicas: tuple[Counts, ...]
    bins: tuple[str, ...] = NUMBER
    numeric: bool = True
    version: str = "1"
    role: str = "input"
    digest: str = "b1"
    lacks: str = ""
    feature: str = "amount"
    thresholds: tuple[float | None, float | None] = (None, None)

    @property
    def labels(self) -> Labels:
        """Labels of its recorded series."""
        return (
            ("baseline", self.digest),
            ("feature", self.feature),
            ("model", self.model),
            ("role", self.role),
            ("version", self.version),
        )

    def window(self) -> Counts:
        """Rows by bin in the last hour, over replicas."""
        counted = np.array([name != self.lacks for name in self.bins])
        whole: Counts = np.sum([increases(replica) for replica in self.replicas], axis=0)
        return np.where(counted, whole, 0.0)


def increases(shown: Counts) -> Counts:
    """What `increase(...[1h])` of Prometheus 2 makes of the columns of `shown`, float64[B]."""
    hour = np.arange(MINUTES - 60, MINUTES + 1)
    told = hour[np.isfinite(shown[hour, 0])]
    if len(told) < 2:
        return np.zeros(shown.shape[1])
    values = shown[told]
    falls = np.diff(values, axis=0) < 0
    gained = values[-1] - values[0] + np.where(falls, values[:-1], 0.0).sum(axis=0)
    sampled = float(told[-1] - told[0])
    step = sampled / (len(told) - 1)
    to_zero = np.divide(sampled * values[0], gained, out=np.full(len(gained), np.inf), where=gained > 0)
    at_start = np.minimum(told[0] - hour[0], to_zero)
    at_start = np.where(at_start < 1.1 * step, at_start, step / 2)
    at_end = MINUTES - told[-1]
    return np.array(gained * (sampled + at_start + (at_end if at_end < 1.1 * step else step / 2)) / sampled)


def steady(counts: Iterable[float], *, replicas: int = 2) -> tuple[Counts, ...]:
    """Counters that grow evenly by `counts` an hour, shared unevenly between the replicas."""
    rng = np.random.default_rng(11)
    counts = np.array(list(counts), np.float64)
    shares = rng.dirichlet(np.ones(replicas), len(counts)).T
    minutes = np.arange(MINUTES + 1)[:, None] / 60
    return tuple(minutes * (counts * share) for share in shares)


def broken(counts: Iterable[float]) -> tuple[Counts, ...]:
    """A replica that begins anew, one that dies and one that is born, all within the hour."""
    counts = np.array(list(counts), np.float64)
    minutes = np.arange(MINUTES + 1)[:, None] / 60
    anew, dying, born = minutes * counts, minutes * counts * 0.7, (minutes - 95 / 60) * counts * 1.3
    anew[80:] -= anew[80]
    dying[90:], born[:95] = np.nan, np.nan
    return anew, dying, born


def cases() -> list[Case]:
    """Everything that a fleet may do, each in a model of its own."""
    rng = np.random.default_rng(2024)
    law = rng.dirichlet(np.full(len(NUMBER), 2.0))
    rows = rng.multinomial(5000, law).astype(np.float64)
    moved = rng.multinomial(900, rng.dirichlet(np.full(len(NUMBER), 2.0)))
    colours = np.array([900, 700, 500, 60, 30, 20, 0, 40.0])
    empty = np.where(np.arange(len(NUMBER)) % 4 == 0, 0.0, rows)
    short, few = ("_below", "00", "01", "_above", "_missing"), np.array([0, 400, 600, 0, 10.0])
    plain = Case("moved", rows, steady(moved))
    made = [
        plain,
        Case("no-drift", rows, steady(rng.multinomial(1200, law))),
        Case("identical", rows, steady(rows / 4)),
        Case("empty-bins", empty, steady(np.where(np.arange(len(NUMBER)) % 3 == 0, 0, moved))),
        Case("disjoint", np.array([50.0, 70] + [0] * 15), steady([0] * 14 + [100, 150, 20])),
        Case("unseen", colours, steady([100, 90, 60, 10, 2, 1, 40, 3]), bins=CATEGORY, numeric=False),
        Case(
            "truth", np.array([700.0, 300, 0]), steady([150, 90, 7]), bins=("false", "true", "_missing"), numeric=False
        ),
        Case("output", rows, steady(moved), role="output", feature="score"),
        Case("short", few, steady([3, 90, 200, 9, 1]), bins=short),
        Case("constant", np.array([0, 500.0, 0, 0, 0]), steady([0, 300, 0, 0, 0]), bins=short),
        Case("lost-values", few, steady([0, 60, 90, 0, 700]), bins=short),
        Case("all-lost", few, steady([0, 0, 0, 0, 700]), bins=short),
        Case("at-the-gate", few, steady([1, 80, 119.01, 0, 0.01]), bins=short),
        Case("below-the-gate", rows, steady(rng.multinomial(199, law))),
        Case("small-baseline", few * 0.0979, steady([3, 90, 200, 9, 1]), bins=short),
        Case("no-traffic", rows, steady(np.zeros(len(NUMBER)))),
        Case("lacks-a-bin", rows, steady(moved), lacks="03"),
        Case("reset", rows, broken(moved)),
        replace(plain, model="versions", version="1"),
        Case("versions", rows, steady(rng.multinomial(4000, law)), version="2"),
        Case("versions", rows, steady(rng.multinomial(40, law)), version="3"),
        replace(plain, model="baselines", digest="b1"),
        Case("baselines", few, steady([3, 90, 200, 9, 1]), bins=short, digest="b2"),
        replace(plain, model="model-threshold", thresholds=(0.2, None)),
        replace(plain, model="feature-threshold", thresholds=(0.2, 0.3)),
    ]
    for number in range(6):
        size, share = int(10 ** rng.uniform(2.4, 4.5)), rng.dirichlet(np.full(len(NUMBER), 0.5))
        of = rng.multinomial(int(10 ** rng.uniform(2.5, 5)), share).astype(np.float64)
        mixed = 0.8 * share + 0.2 * rng.dirichlet(np.full(len(NUMBER), 0.5))
        made.append(Case(f"random-{number}", of, steady(rng.multinomial(size, mixed), replicas=1 + number % 3)))
    return made


def expected(case: Case) -> dict[str, float]:
    """What the rules ought to say, by recorded name; no distance where they ought to be silent."""
    c, r = case.window(), case.baseline
    n, m, occupied = c.sum(), r.sum(), (c > 0) | (r > 0)
    bins = int(occupied.sum())
    sizes = {"model_feature:observations:increase1h": float(n), "model_feature:bins:count": float(bins)}
    if n < 200 - 1e-6 or m < 100 or case.lacks:
        return sizes
    noise = 1 / n + 1 / m
    p, q = ((x[occupied] + 0.5) / (x.sum() + bins / 2) for x in (c, r))
    null = noise * (bins - 1)
    hellinger = np.sqrt(((np.sqrt(c / n) - np.sqrt(r / m)) ** 2).sum() / 2)
    own = TOLERANCE + null + 2.33 * np.sqrt(2 * noise * null + 4 * noise * TOLERANCE)
    configured = next((value for value in reversed(case.thresholds) if value is not None), None)
    told = {
        "drift_psi:1h": float(((p - q) * np.log(p / q)).sum()),
        "drift_psi_null:1h": float(null),
        "drift_psi_threshold:1h": float(own) if configured is None else configured,
        "drift_hellinger:1h": float(hellinger),
        "drift_js_distance:1h": float(jensenshannon(c, r)),
        "missing_shift:1h": float(c[-1] / n - r[-1] / m),
        **_shift_of_unseen(case, c / n - r / m),
        **_of_values(case, c[:-1], r[:-1]),
    }
    if bins > 1:
        ninths = 2 / (9 * (bins - 1))
        told["drift_z:1h"] = float((np.cbrt(8 * hellinger**2 / noise / (bins - 1)) - 1 + ninths) / np.sqrt(ninths))
    return sizes | {f"model_feature:{name}": value for name, value in told.items()}


def _shift_of_unseen(case: Case, shifts: Counts) -> dict[str, float]:
    unseen = [place for place, name in enumerate(case.bins) if name in {"_unseen", "_below", "_above"}]
    return {"unseen_shift:1h": float(shifts[unseen].sum())} if unseen else {}


def _of_values(case: Case, c: Counts, r: Counts) -> dict[str, float]:
    """Distances that leave missing values out."""
    if c.sum() < 200 - 1e-6:
        return {}
    gaps = c / c.sum() - r / r.sum()
    told = {"drift_tv_distance:1h": float(np.abs(gaps).sum() / 2)}
    if case.numeric:
        told["drift_ks_distance:1h"] = float(np.abs(np.cumsum(gaps)).max())
    return told


CASES = cases()


def told_series(case: Case) -> list[dict[str, str]]:
    """What the replicas of `case` show."""
    labels = dict(case.labels)
    unversioned = {key: value for key, value in labels.items() if key != "version"}
    series = []
    for number, replica in enumerate(case.replicas):
        instance = {"instance": f"pod-{number}"}
        for place, name in enumerate(case.bins):
            at = {"bin": name, **instance}
            baseline = constant("model_baseline_bin_observations", {**unversioned, **at}, case.baseline[place])
            series.append(baseline)
            if case.numeric and name != "_missing":
                series.append(constant("model_baseline_bin_upper_bound", {**unversioned, **at}, float(place)))
            if name != case.lacks:
                values = " ".join("_" if np.isnan(value) else repr(float(value)) for value in replica[:, place])
                series.append(one("model_feature_bin_observations_total", {**labels, **at}, values))
        tolerance = {"model": case.model, "level": "ticket", **instance}
        series.append(constant("model_drift_tolerance", tolerance, TOLERANCE))
        series.append(constant("model_drift_tolerance", {**tolerance, "level": "page"}, 0.01))
        of_model, of_feature = case.thresholds
        told = {"model": case.model, "signal": "psi", "severity": "ticket", **instance}
        if of_model is not None:
            series.append(constant("model_threshold", told, of_model))
        if of_feature is not None:
            named = {"feature": case.feature, "role": case.role}
            series.append(constant("model_feature_threshold", {**told, **named}, of_feature))
    return series


def one(name: str, labels: dict[str, str], values: str) -> dict[str, str]:
    """An input series of promtool."""
    told = ",".join(f"{key}={json.dumps(value)}" for key, value in labels.items())
    return {"series": f"{name}{{{told}}}", "values": values}


def constant(name: str, labels: dict[str, str], value: float) -> dict[str, str]:
    """The same, of one value."""
    return one(name, labels, f"{float(value)!r}+0x{MINUTES}")


def questions(name: str) -> list[dict[str, Any]]:  # Any: JSON
    """Queries without a result when `name` has the series that are expected, and no other."""
    on = "on (model, version, feature, role, baseline)"
    wanted = f'expected{{name="{name}"}}'
    power = "^ 2" if name in ROOTS else ""
    gap = f"abs({name} {power} - {on} {wanted} {power})"
    rough = f'{{model=~"{"reset|identical" if name == Z else "reset"}"}}'
    close = f"({gap} <= {STEADY} or {gap} <= {RESET} and {on} {name}{rough})"  # which NaN is not
    asked = (f"{wanted} unless {on} {close}", f"{name} unless {on} {wanted}")
    return [{"expr": expression, "eval_time": f"{MINUTES}m", "exp_samples": []} for expression in asked]


def document(rules: Path, names: Sequence[str]) -> dict[str, Any]:  # Any: JSON
    """A unit test of promtool that asks for `names` in all cases."""
    series = [line for case in CASES for line in told_series(case)]
    for case in CASES:
        told = expected(case)
        series += [
            constant("expected", {"name": name, **dict(case.labels)}, told[name]) for name in names if name in told
        ]
    # Cases of one model tell its tolerance and its baseline more than once.
    unique = {line["series"]: line for line in series}
    test = {
        "interval": "1m",
        "input_series": list(unique.values()),
        "promql_expr_test": [question for name in names for question in questions(name)],
    }
    return {"rule_files": [str(rules)], "evaluation_interval": f"{MINUTES}m", "tests": [test]}


def rules_of(path: Path) -> dict[str, str]:
    """Expressions by recorded name."""
    (group,) = yaml.safe_load(path.read_text("utf-8"))["groups"]
    return {rule["record"]: rule["expr"] for rule in group["rules"]}


@pytest.mark.parametrize("path", [SMALL, FULL], ids=["small", "full"])
def test_rules_agree_with_numpy(path: Path, tmp_path: Path) -> None:
    """In every case each series is there or not, and what it ought to be."""
    program = require("promtool")
    names = [name for name in rules_of(path) if name in {known for case in CASES for known in expected(case)}]
    assert len(names) == (7 if path == SMALL else 12)
    test = tmp_path / "test.yml"
    test.write_text(json.dumps(document(path, names)), "utf-8")
    done = subprocess.run([program, "test", "rules", test], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_profiles_share_their_rules() -> None:
    """The full profile is the small one, rule by rule and in its order, and more; neither has over 20 rules a group."""
    small, full = rules_of(SMALL), rules_of(FULL)
    assert list(full.items())[: len(small)] == list(small.items())
    assert len(small) < len(full) <= 20
    settings = [yaml.safe_load(path.read_text("utf-8"))["groups"][0]["interval"] for path in (SMALL, FULL)]
    assert settings[0] == settings[1]


def test_order_covers_all_bins_of_numbers() -> None:
    """The Kolmogorov-Smirnov rule sums up to, or from, each edge of as many bins as a number may have."""
    ordered = ["_below", *(f"{i:02d}" for i in range(len(TAIL_REFINED) + 1)), "_above"]
    sums = re.findall(r'drift_excess:1h\{bin=~?"([^"]+)"\}', rules_of(FULL)["model_feature:drift_ks_distance:1h"])
    cuts = {len(bins.split("|")) if bins.startswith("_below") else len(ordered) - len(bins.split("|")) for bins in sums}
    assert cuts == set(range(1, len(ordered)))
    for bins in sums:
        told = bins.split("|")
        assert told in (ordered[: len(told)], ordered[-len(told) :])
