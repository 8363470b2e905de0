"""Every text of every alert can be written by Prometheus, whatever a model is called and whatever its queries find."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from e2e.programs import require
from model_exporter.pack.rules import rule_files

RULES: Final = Path(__file__).parents[2] / "rules"
ODD: Final = 'a "b" \\c {{ x }} 價格 &+%'
LABELS: Final = ("model", "version", "owner", "tier", "environment", "feature", "role", "segment", "group", "metric")
OTHER: Final = ("instance", "job", "category", "signal", "level", "change", "evidence", "upstream", "source", "kpi")
CAUSES: Final = ("deployment", "unexplained")

pytestmark = pytest.mark.prometheus


def alerts() -> list[dict[str, Any]]:
    """Every alert of the files."""
    return [
        rule
        for path in rule_files(RULES)
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]


def read_by(rule: dict[str, Any]) -> list[str]:
    """The series that the texts of an alert ask for."""
    texts = " ".join(rule["annotations"].values())
    queries = re.findall(r'printf "((?:[^"\\]|\\.)*)"', texts)
    return sorted({name for query in queries for name in re.findall(r"\bmodel\w*(?::\w+)+|\bmodel_\w+", query)})


def _sample(name: str, labels: dict[str, str]) -> dict[str, str]:
    told = ",".join(f"{key}={yaml.dump(value, default_style=chr(34), allow_unicode=True, width=9999).strip()}"
                    for key, value in labels.items())  # fmt: skip
    return {"series": f"{name}{{{told}}}", "values": "1700000000x5"}


@pytest.mark.parametrize("found", [False, True], ids=["nothing is found", "something is found"])
@pytest.mark.parametrize("cause", CAUSES)
def test_no_text_fails(tmp_path: Path, *, found: bool, cause: str) -> None:
    """The rules fire on a made-up sample, and what a text asks for is there or is not."""
    labels = dict.fromkeys((*LABELS, *OTHER), ODD) | {"tier": "1", "cause": cause}
    rules = alerts()
    groups = [
        {"name": f"g{place}", "rules": [{"alert": f"A{place}", "expr": "probe", "annotations": rule["annotations"]}]}
        for place, rule in enumerate(rules)
    ]
    asked = sorted({name for rule in rules for name in read_by(rule)}) if found else []
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}, allow_unicode=True), "utf-8")
    test = {
        "interval": "1m",
        "input_series": [_sample("probe", labels), *(_sample(name, labels) for name in asked)],
        "alert_rule_test": [
            {"eval_time": "2m", "alertname": f"A{place}", "exp_alerts": []} for place in range(len(rules))
        ],
    }
    file = tmp_path / "test.yml"
    file.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "tests": [test]}, allow_unicode=True), "utf-8")
    command = [require("promtool"), "test", "rules", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    assert {int(place) for place in re.findall(r"alertname: A(\d+)", said)} == {*range(len(rules))}, said
    assert said.count("Annotations:{") >= len(rules)
    assert not re.findall(r"<error expanding template.{0,200}", said, re.DOTALL)
