"""What the rules compute: promtool agrees with the tests of every rule file, and every recorded series is tested.

Names, clauses and conventions are held by `pack check`, see `test_pack.py`.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from e2e.programs import require
from model_exporter.pack.pool import Pool, pool
from model_exporter.pack.promql import selectors, tokenize
from model_exporter.pack.rulefiles import read_rule_file

RULES: Final = Path(__file__).parents[2] / "rules"
FILES: Final = (*sorted(RULES.glob("*.yml")), *sorted((RULES / "full").glob("*.yml")))
TESTS: Final = tuple(sorted((RULES / "tests").glob("*.yml")))
SLOW: Final = {"slo_test.yml", "slo_history_test.yml", "traffic_history_test.yml"}
"""Tests that take longer than five seconds, because they look days back."""

OFTEN: Final = {"", "15s", "30s", "1m"}
"""Intervals for a rule that reads its own last sample, which is gone after five minutes."""


def all_rules() -> Pool:
    """Every rule of both profiles."""
    return pool([read_rule_file(file) for file in FILES], RULES / "runbooks")


def queried(file: Path) -> Iterator[str]:
    """Metrics that the tests of `file` query, alerts included."""
    for test in yaml.safe_load(file.read_text("utf-8"))["tests"]:
        for case in test.get("promql_expr_test") or ():
            yield from (selector.metric for selector in selectors(tokenize(str(case["expr"]))))
        yield from (str(case["alertname"]) for case in test.get("alert_rule_test") or ())


@pytest.mark.prometheus
@pytest.mark.parametrize(
    "file", [pytest.param(file, marks=[pytest.mark.slow] * (file.name in SLOW), id=file.name) for file in TESTS]
)
def test_rules_do_what_their_tests_say(file: Path) -> None:
    """`promtool test rules` agrees with a file of tests."""
    command = [require("promtool"), "test", "rules", str(file)]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=RULES)
    assert told.returncode == 0, told.stdout + told.stderr


def test_rules_that_read_their_own_past_are_evaluated_often() -> None:
    """Their last sample must not have gone stale, even if an evaluation is missed."""
    seldom = [
        placed.rule.record
        for placed in all_rules().rules
        if placed.rule.record in {selector.metric for selector in placed.selectors}
        and placed.group.interval not in OFTEN
    ]
    assert seldom == []


def test_every_recorded_series_is_tested() -> None:
    """A test queries it, or a rule that reads it, so that a wrong value shows."""
    tested = {metric for file in TESTS for metric in queried(file)}
    readers = [(placed.rule.name, {selector.metric for selector in placed.selectors}) for placed in all_rules().rules]
    reached = set(tested)
    while grown := {metric for name, read in readers if name in reached for metric in read} - reached:
        reached |= grown
    assert sorted({name for name in all_rules().recorded if name not in reached}) == []
