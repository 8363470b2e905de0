"""The rules: promtool accepts them, names are known and follow the conventions, and every recorded series is tested."""

import doctest
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import promql
from e2e.programs import require
from model_exporter.expose.catalogue import BY_NAME
from model_exporter.expose.metric import Metric, MetricType
from promql import Clause, clauses, metric_names

RULES: Final = Path(__file__).parents[2] / "rules"
SMALL: Final = tuple(sorted(RULES.glob("*.yml")))
REPLACED: Final = tuple(sorted((RULES / "full").glob("*.yml")))
"""Files of the full profile that take the place of those of the same name."""
TESTS: Final = tuple(sorted((RULES / "tests").glob("*.yml")))
SLOW: Final = {"slo_test.yml", "slo_history_test.yml", "traffic_history_test.yml"}
"""Tests that take longer than five seconds, because they look days back."""

MAX_RULES: Final = 20
"""In a group: Mimir's limit for small tenants."""
MAX_GROUP_NAME: Final = 40
MAX_RECURSIVE_SECONDS: Final = 60
"""Between two evaluations of a rule that reads its own last sample, which is gone after five minutes."""
OWN_LABELS: Final = {"bin", "cut"}
"""Labels that may be aggregated away by name, because nobody else's are kept or lost with them."""
OF_PROMETHEUS: Final = re.compile(r"up|ALERTS|prometheus_\w+")
RECORDED: Final = re.compile(r"model(_[a-z]+)*:[a-z0-9_]+(:[a-z0-9_]+)*")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, and where it stands; `name` is that of the series or of the alert."""

    file: Path
    group: dict[str, Any]
    name: str
    expression: str
    is_recording: bool

    @property
    def place(self) -> str:
        """For people."""
        return f"{self.file.relative_to(RULES)}: {self.name}"


def groups_of(files: tuple[Path, ...]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every group with the file that it stands in."""
    for file in files:
        for group in yaml.safe_load(file.read_text("utf-8"))["groups"]:
            yield file, group


def all_rules() -> list[Rule]:
    """Every rule of both profiles."""
    return [
        Rule(file, group, rule.get("record") or rule["alert"], str(rule["expr"]), "record" in rule)
        for file, group in groups_of(SMALL + REPLACED)
        for rule in group["rules"]
    ]


def recorded_names() -> set[str]:
    """Names of all series that the rules record."""
    return {rule.name for rule in all_rules() if rule.is_recording}


def profiles() -> dict[str, tuple[Path, ...]]:
    """Files that are loaded together."""
    replaced = {file.name for file in REPLACED}
    return {"small": SMALL, "full": tuple(file for file in SMALL if file.name not in replaced) + REPLACED}


def exposed_names(metric: Metric) -> set[str]:
    """Names of a metric's series as they are queried."""
    if metric.type is MetricType.HISTOGRAM:
        return {f"{metric.name}_{part}" for part in ("bucket", "sum", "count")}
    return {metric.name}


def queries_in(file: Path) -> Iterator[str]:
    """What the tests of `file` query."""
    for test in yaml.safe_load(file.read_text("utf-8"))["tests"]:
        for case in test.get("promql_expr_test") or ():
            yield str(case["expr"])


def keeps_to_models(clause: Clause) -> bool:
    """Whether a label can be put before that of the model wherever models are told apart; an instance is one anyway."""
    if clause.keyword in {"group_left", "group_right"}:
        return True
    if clause.keyword in {"without", "ignoring"}:
        return bool(clause.labels) and set(clause.labels) <= OWN_LABELS
    return clause.labels[:1] == ("model",) or clause.labels[:2] == ("job", "instance") or clause == Clause("on", ())


def promtool(*arguments: str) -> None:
    """Run promtool, which has to be content."""
    told = subprocess.run(
        [require("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=240, cwd=RULES
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_the_reader_of_expressions_does_what_it_says() -> None:
    """Its examples run."""
    attempted = doctest.testmod(promql)
    assert attempted.attempted >= 3
    assert attempted.failed == 0


@pytest.mark.parametrize(
    ("expression", "metrics"),
    [
        ("sum(a) by (b)", {"a"}),
        ("count by (b) (count_values without (c) ('d', e))", {"e"}),
        ("a:b:rate5m offset -1h30m > bool Inf", {"a:b:rate5m"}),
        ("topk by (m) (1, max by (m) (a)) ^ 0 or b{c=~'}#{'} # d", {"a", "b"}),
        ("sum_over_time(a[30d:1h] @ end()) / on (m) group_left () (b unless c)", {"a", "b", "c"}),
        ('label_replace(time() - a, "x", "$1", "y", "(.+)") <= 1.5e-3', {"a"}),
        ("vector(1) + .5 * 0x1F", set()),
    ],
)
def test_metrics_are_read_from_expressions(expression: str, metrics: set[str]) -> None:
    """Labels, functions, words, strings, numbers and comments are no metrics."""
    assert metric_names(expression) == metrics


@pytest.mark.parametrize("profile", ["small", "full"])
def test_promtool_accepts_the_rules(profile: str) -> None:
    """`promtool check rules` finds no fault in the files of a profile."""
    promtool("check", "rules", *(str(file) for file in profiles()[profile]))


@pytest.mark.parametrize(
    "file", [pytest.param(file, marks=[pytest.mark.slow] * (file.name in SLOW), id=file.name) for file in TESTS]
)
def test_rules_do_what_their_tests_say(file: Path) -> None:
    """`promtool test rules` agrees with a file of tests."""
    promtool("test", "rules", str(file))


@pytest.mark.parametrize("profile", ["small", "full"])
def test_groups_are_small_and_named_once(profile: str) -> None:
    """A group has at most 20 rules, and a name of the pack's own that no other group of the profile has."""
    groups = [group for _, group in groups_of(profiles()[profile])]
    names = [group["name"] for group in groups]
    assert len(set(names)) == len(names)
    assert [name for name in names if not name.startswith("model-") or len(name) > MAX_GROUP_NAME] == []
    assert [group["name"] for group in groups if len(group["rules"]) > MAX_RULES] == []


def test_clauses_begin_with_the_model() -> None:
    """What keeps a model says so first, so that one substitution inserts a label of the reader's own before it."""
    wrong = [
        f"{rule.place}: {clause.keyword} {clause.labels}"
        for rule in all_rules()
        for clause in clauses(rule.expression)
        if not keeps_to_models(clause)
    ]
    assert wrong == []


def test_recorded_names_have_their_level_first() -> None:
    """A recorded series is named level:metric:operation, and its level begins with `model`."""
    assert [name for name in sorted(recorded_names()) if not RECORDED.fullmatch(name)] == []


def test_rules_that_read_their_own_past_are_evaluated_often() -> None:
    """Their last sample must not have gone stale, even if an evaluation is missed."""
    seconds = {"s": 1, "m": 60, "h": 3600}
    slow = []
    for rule in all_rules():
        interval = str(rule.group.get("interval", "0s"))
        if rule.name in metric_names(rule.expression) and int(interval[:-1]) * seconds[interval[-1]] > (
            MAX_RECURSIVE_SECONDS
        ):
            slow.append(rule.place)
    assert slow == []


def test_every_metric_exists() -> None:
    """What an expression reads is exposed by the exporter, recorded by the pack, or Prometheus's own."""
    known = recorded_names().union(*map(exposed_names, BY_NAME.values()))
    unknown = {
        f"{rule.place}: {name}"
        for rule in all_rules()
        for name in metric_names(rule.expression)
        if name not in known and not OF_PROMETHEUS.fullmatch(name)
    }
    assert sorted(unknown) == []


def test_every_recorded_series_is_tested() -> None:
    """Each is queried by some test of the rules."""
    tested = {name for file in TESTS for expression in queries_in(file) for name in metric_names(expression)}
    assert sorted(recorded_names() - tested) == []
