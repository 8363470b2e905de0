"""Unit tests of rules, rewritten for models in a cluster: every series has the label, and so has what comes out."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from model_exporter.pack import promql

CLUSTER: Final = "c"
OF_NOBODY: Final = ("ModelExporterAbsent", "ModelWatchdog")
"""Alerts that come from no series, and so have no cluster."""
_CLAUSE: Final = re.compile(r"\b(by|on) \((?=model|job)")


def in_a_cluster(file: Path) -> str:
    """The tests of `file` for rules that were written with `--by cluster`."""
    text = file.read_text("utf-8")
    # Both readings at once: 0x300 is no number to promtool, but expected values are.
    tests, words = (yaml.load(text, Loader=loader) for loader in (yaml.SafeLoader, yaml.BaseLoader))  # noqa: S506  # our own files
    for test, spelled in zip(tests["tests"], words["tests"], strict=True):
        for series, plain in zip(test.get("input_series") or (), spelled.get("input_series") or (), strict=True):
            series.update(series=_labelled(plain["series"]), values=plain["values"])
        for case in test.get("promql_expr_test") or ():
            _change_query(case)
        for alert in _alerts(test):
            _change_alert(alert)
    return yaml.safe_dump(tests, sort_keys=False, width=10_000)


def _labelled(series: str) -> str:
    """A series with the label; what an anchor shares is met more than once."""
    if f'cluster="{CLUSTER}"' in series:
        return series
    name, _, labels = series.strip().partition("{")
    return name + "{" + ",".join(filter(None, [f'cluster="{CLUSTER}"', labels.strip().removesuffix("}").strip()])) + "}"


def _change_query(case: dict[str, Any]) -> None:
    case["expr"] = _CLAUSE.sub(r"\1 (cluster, ", case["expr"])
    if _keeps_the_label(case["expr"]):
        for sample in case.get("exp_samples") or ():
            sample["labels"] = _labelled(sample.get("labels") or "{}")


def _keeps_the_label(expression: str) -> bool:
    """Whether what the expression returns is about models, one by one."""
    tokens = promql.tokenize(expression)
    lost = any(clause.keyword == "by" and "cluster" not in clause.labels for clause in promql.clauses(tokens))
    of_nobody = ("vector(", "scalar(", *(f'alertname="{name}"' for name in OF_NOBODY))
    return not (lost or any(promql.bare_aggregations(tokens)) or any(text in expression for text in of_nobody))


def _alerts(test: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for case in test.get("alert_rule_test") or ():
        if case["alertname"] not in OF_NOBODY:
            yield from case.get("exp_alerts") or ()


def _change_alert(alert: dict[str, Any]) -> None:
    alert["exp_labels"] = {**(alert.get("exp_labels") or {}), "cluster": CLUSTER}
    told = alert.get("exp_annotations") or {}
    if "var-cluster" not in told.get("dashboard_url", "var-cluster"):
        told["dashboard_url"] = re.sub(r"(?<=[?&])(?=var-model=)", f"var-cluster={CLUSTER}&", told["dashboard_url"])
