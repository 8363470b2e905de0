"""Rule files for the tests of the pack, with nothing to complain about unless a test changes them."""

from pathlib import Path
from textwrap import dedent, indent
from typing import Final

from model_exporter.pack.checks import CHECKS, Finding
from model_exporter.pack.pool import Pool, pool
from model_exporter.pack.rulefiles import parse_rule_file

RECORDING: Final = """
- record: model:predictions:rate5m
  expr: sum by (model) (rate(model_predictions_total[5m]))
"""
OWNER: Final = """
- record: model:owner
  expr: max by (model, owner, tier, environment) (model_ownership_timestamp_seconds)
"""
ALERT: Final = """
- alert: ModelSilent
  expr: model:owner unless on (model) model:predictions:rate5m > 0
  for: 5m
  labels:
    component: model
    severity: warning
  annotations:
    summary: A model makes no predictions.
    description: Model {{ $labels.model }} of {{ $labels.owner }} is silent.
    runbook_url: https://runbooks.example.org/model_exporter/ModelSilent.md
    dashboard_url: https://grafana.example.org/d/model-detail/model?var-model={{ $labels.model | urlquery }}
"""
GOOD: Final = RECORDING + OWNER + ALERT


def group(rules: str, name: str = "model-traffic", interval: str = "") -> str:
    """A group of these rules, as part of a file."""
    head = f"  - name: {name}\n" + (f"    interval: {interval}\n" if interval else "") + "    rules:\n"
    return head + indent(dedent(rules).strip("\n"), " " * 6) + "\n"


def rule_file(*groups: str) -> str:
    """A file of these groups."""
    return "groups:\n" + "".join(groups)


def pooled(folder: Path, text: str) -> Pool:
    """The rules of a file, with a runbook for ModelSilent in `folder`."""
    (folder / "ModelSilent.md").write_text("# ModelSilent\n", "utf-8")
    return pool([parse_rule_file(text, folder / "traffic.yml")], folder)


def complaints(folder: Path, text: str) -> dict[str, list[Finding]]:
    """What each check that is not content finds in a file."""
    found = {check.name: list(check.find(pooled(folder, text))) for check in CHECKS}
    return {name: findings for name, findings in found.items() if findings}
