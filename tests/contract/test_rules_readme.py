"""What rules/README.md says exists, exists, and its configuration is one that Prometheus takes."""

import re
import subprocess
from pathlib import Path

import pytest

from e2e.programs import require
from model_exporter.pack.rulefiles import read_rule_file
from model_exporter.pack.rules import rule_files

RULES = Path(__file__).parents[2] / "rules"
README = (RULES / "README.md").read_text("utf-8")


def test_every_file_is_in_the_table() -> None:
    """Each rule file has its line, and each line its files."""
    named = {
        name
        for row in re.findall(r"^\| (`[^|]+) \|", README, re.MULTILINE)
        for name in re.findall(r"`(\S+\.yml)`", row)
    }
    written = {str(path.relative_to(RULES)) for path in (*rule_files(RULES), *(RULES / "full").glob("*.yml"))}
    assert named == written


def test_causes_have_the_ranks_of_the_table() -> None:
    """The strongest evidence for each cause ranks it as the table says, and no cause is left out."""
    ranks: dict[str, int] = {"unexplained": 10}
    for _, rule in read_rule_file(RULES / "incidents.yml").rules:
        if rule.record == "model:cause_evidence":
            rank = min(int(number) for number in re.findall(r"\) \+ (\d+)", rule.expr.value))
            cause = rule.labels["cause"]
            ranks[cause] = min(rank, ranks.get(cause, rank))
    told = {cause: int(rank) for rank, cause in re.findall(r"^\| (\d+) \| `(\w+)` \|", README, re.MULTILINE)}
    assert told == ranks


@pytest.mark.prometheus
def test_prometheus_takes_the_example(tmp_path: Path) -> None:
    """The first block of YAML is a whole configuration, and with the second one too."""
    first, second = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "rules").mkdir()
    for path in rule_files(RULES):
        (tmp_path / "rules" / path.name).write_text(path.read_text("utf-8"), "utf-8")
    relabelled = first + second.removeprefix("alerting:\n")
    for text in (first, relabelled):
        file = tmp_path / "prometheus.yml"
        file.write_text(text, "utf-8")
        command = [require("promtool"), "check", "config", str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
