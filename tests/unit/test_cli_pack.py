import shutil
from pathlib import Path

import pytest
import yaml

import rule_files as samples
from model_exporter.cli import run
from model_exporter.pack import programs

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shipped rules are two small files, one of them with a namesake in profile `full`."""
    folder = tmp_path / "rules"
    (folder / "full").mkdir(parents=True)
    (folder / "runbooks").mkdir()
    (folder / "runbooks" / "ModelSilent.md").touch()
    extra = "- record: model:tier\n  expr: max by (model) (model:owner)\n"
    (folder / "alerts.yml").write_text(samples.rule_file(samples.group(samples.GOOD)), "utf-8")
    (folder / "drift.yml").write_text(samples.rule_file(samples.group(extra, "model-drift")), "utf-8")
    (folder / "full" / "drift.yml").write_text(
        samples.rule_file(samples.group(extra + extra.replace("max", "min"), "model-drift")), "utf-8"
    )
    real = programs.shutil.which  # type: ignore[attr-defined]  # the module that the room uses
    monkeypatch.setattr("model_exporter.pack.shipped._CHECKOUT", _with_alertmanager(tmp_path))
    monkeypatch.setattr(programs.shutil, "which", lambda name: None if name in {"promtool", "amtool"} else real(name))  # type: ignore[attr-defined]  # the same
    return folder


def _with_alertmanager(root: Path) -> Path:
    shutil.copytree(Path(__file__).parents[2] / "alertmanager", root / "alertmanager")
    return root


def test_rules_are_written_for_prometheus(rules: Path, tmp_path: Path, capsys: Capture) -> None:
    """Each file under its own name, in a folder that is made."""
    out = tmp_path / "new" / "rules"
    assert run(["pack", "rules", "-o", str(out)]) == 0
    assert {path.name: path.read_text("utf-8") for path in out.iterdir()} == {
        name: (rules / name).read_text("utf-8") for name in ("alerts.yml", "drift.yml")
    }
    assert capsys.readouterr().out == f"{out}: 2 files, 4 rules\n"


def test_another_copy_of_the_rules_is_warned_of(rules: Path, tmp_path: Path, capsys: Capture) -> None:
    """Prometheus would load an old file beside the new ones; files that are not ours are nobody's business."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "alerts-old.yaml").write_text((rules / "alerts.yml").read_text("utf-8"), "utf-8")
    (out / "site.yml").write_text(samples.rule_file(samples.group(samples.GOOD, "site")), "utf-8")
    (out / "broken.yml").write_text("groups: [", "utf-8")
    (out / "drift.yml").write_text((rules / "full" / "drift.yml").read_text("utf-8"), "utf-8")
    assert run(["pack", "rules", "-o", str(out)]) == 0
    assert (out / "drift.yml").read_text("utf-8") == (rules / "drift.yml").read_text("utf-8")
    assert capsys.readouterr().err == (
        f"warning: {out / 'alerts-old.yaml'} has groups of these rules, too: remove it, or they are evaluated twice\n"
    )


def test_rules_are_written_for_the_operator(rules: Path, capsys: Capture) -> None:
    """All resources, for a pipe."""
    del rules
    code = run([
        "pack", "rules", "--format", "operator", "--profile", "full", "--by", "cluster", "--namespace", "monitoring",
        "--label", "release=on",
    ])  # fmt: skip
    resources = list(yaml.safe_load_all(capsys.readouterr().out))
    assert code == 0
    assert [resource["metadata"]["name"] for resource in resources] == ["model-exporter-alerts", "model-exporter-drift"]
    assert {resource["metadata"]["namespace"] for resource in resources} == {"monitoring"}
    assert [rule["expr"] for rule in resources[1]["spec"]["groups"][0]["rules"]] == [
        "max by (cluster, model) (model:owner)",
        "min by (cluster, model) (model:owner)",
    ]


def test_all_rules_are_one_file_for_a_pipe(rules: Path, capsys: Capture) -> None:
    """Prometheus takes one `groups` a file."""
    del rules
    assert run(["pack", "rules", "--runbook-url", "https://wiki.example.com"]) == 0
    told = capsys.readouterr().out
    assert [group["name"] for group in yaml.safe_load(told)["groups"]] == ["model-traffic", "model-drift"]
    assert "https://wiki.example.com/ModelSilent.md" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--namespace", "x"], "--namespace and --label need --format operator"),
        (["--format", "operator", "--label", "x"], "--label 'x' is not of the form name=value"),
        (["--by", "model"], "--by: model is kept already"),
        (["--profile", "huge"], "'huge' is not one of"),
    ],
)
def test_misuse(rules: Path, arguments: list[str], message: str, capsys: Capture) -> None:
    """One line and exit code 2."""
    del rules
    assert run(["pack", "rules", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_check_tells_everything_that_it_checked(rules: Path, capsys: Capture) -> None:
    """A line for each, and for each program that is not there."""
    del rules
    assert run(["pack", "check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in lines} == {"ok", "skipped"}
    assert "ok      alerts.yml                   1 group, 3 rules" in lines
    assert "skipped promtool check rules full    promtool is not on PATH" in lines
    assert "skipped amtool check-config 0.25     amtool is not on PATH" in lines
    assert sum("owners.example.yml" in line for line in lines) == 2


def test_check_tells_each_mistake(rules: Path, capsys: Capture) -> None:
    """Mistakes in rules, in files and in the ownership file: one line each with place and remedy, and exit code 2."""
    (rules / "drift.yml").write_text(
        samples.rule_file(samples.group("- {record: model:tier, expr: model:no}")), "utf-8"
    )
    (rules / "broken.yml").write_text("groups: [", "utf-8")
    owners = rules / "owners.yml"
    owners.write_text("teams: {}\n", "utf-8")
    assert run(["pack", "check", "--rules", str(rules), "--owners", str(owners)]) == 2
    wrong = [line for line in capsys.readouterr().out.splitlines() if line.startswith("error")]
    told = "\n".join(wrong)
    assert f"{rules / 'drift.yml'}:4: model-traffic: model:tier: reads model:no, which nothing exposes" in told
    assert f"{rules / 'broken.yml'}:1: is no YAML" in told
    assert "owners.yml" in told


def test_check_of_a_folder_that_is_not_there(tmp_path: Path, capsys: Capture) -> None:
    """A wrong path is no pack without mistakes."""
    assert run(["pack", "check", "--rules", str(tmp_path / "nothing")]) == 2
    assert "has no rule files" in capsys.readouterr().err


def test_rules_written_for_a_site_pass_the_check(rules: Path, tmp_path: Path, capsys: Capture) -> None:
    """What `pack rules` writes, `pack check` takes, with the runbooks that are shipped."""
    del rules
    out = tmp_path / "out"
    site = ["--by", "cluster", "--dashboard-url", "http://grafana:3000", "--runbook-url", "https://wiki.example.com/x/"]
    assert run(["pack", "rules", *site, "-o", str(out)]) == 0
    assert run(["pack", "check", "--by", "cluster", "--rules", str(out)]) == 0, capsys.readouterr().out


def test_rules_that_miss_a_label_somewhere_fail_the_check(rules: Path, capsys: Capture) -> None:
    """A clause without the label would join models of different clusters."""
    assert run(["pack", "check", "--by", "cluster", "--rules", str(rules)]) == 2
    assert "model:tier: has by (model). Put cluster, model first, as everywhere" in capsys.readouterr().out
