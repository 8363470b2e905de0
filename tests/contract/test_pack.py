"""What `pack rules` writes is what Prometheus loads; with a label put in, models of two clusters are kept apart."""

import subprocess
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

import rule_files as samples
from clusters import in_a_cluster
from e2e.programs import require
from model_exporter.cli import run
from model_exporter.pack.checks import CHECKS, Check
from model_exporter.pack.pool import Pool, pool
from model_exporter.pack.programs import ask
from model_exporter.pack.rulefiles import read_rule_file
from model_exporter.pack.rules import Profile, Site, prometheus, render, rule_files

RULES = Path(__file__).parents[2] / "rules"

# Two models of one name: that of cluster a is healthy, that of cluster b has stopped, and only b knows an owner.
TWO_CLUSTERS = """
- record: model:predictions:rate5m
  expr: sum by (model) (rate(model_predictions_total[5m]))
- record: model:owner
  expr: |
    topk by (model) (1, max by (model, owner, tier, environment) (model_ownership_timestamp_seconds)) ^ 0
- record: model:since:timestamp_seconds
  expr: |
    model:since:timestamp_seconds and on (model) model:predictions:rate5m == 0
    or on (model)
    max by (model) (0 * (model:predictions:rate5m == 0)) + time()
- alert: ModelSilent
  expr: |
    (model:predictions:rate5m == 0) * on (model) group_left (owner, tier, environment) model:owner
  for: 5m
  labels: {component: model, severity: warning}
  annotations:
    summary: A model makes no predictions.
    description: >-
      {{ $labels.model }} is silent since
      {{ with query (printf "model:since:timestamp_seconds{model=%q}" $labels.model) }}{{ . | first | value }}{{ end }}
      with {{ range query (printf "model:predictions:rate5m{model=%q}" $labels.model) }}{{ .Value }}/s{{ end }}.
    runbook_url: https://runbooks.example.org/model_exporter/ModelSilent.md
    dashboard_url: https://grafana.example.org/d/model-detail/model?var-model={{ $labels.model | urlquery }}
"""
UNIT_TEST = """
rule_files: [rules.yml]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
      - {series: 'model_predictions_total{model="m", cluster="a", instance="1"}', values: '0+60x60'}
      - {series: 'model_predictions_total{model="m", cluster="b", instance="1"}', values: '0+60x10 600x50'}
      - {series: 'model_ownership_timestamp_seconds{model="m", cluster="a", owner="x", tier="1", environment="e"}',
         values: '5x60'}
      - {series: 'model_ownership_timestamp_seconds{model="m", cluster="b", owner="y", tier="2", environment="e"}',
         values: '4x60'}
    promql_expr_test:
      - expr: model:owner
        eval_time: 30m
        exp_samples:
          - {labels: 'model:owner{model="m", cluster="a", owner="x", tier="1", environment="e"}', value: 1}
          - {labels: 'model:owner{model="m", cluster="b", owner="y", tier="2", environment="e"}', value: 1}
    alert_rule_test:
      - {eval_time: 10m, alertname: ModelSilent}
      - eval_time: 30m
        alertname: ModelSilent
        exp_alerts:
          - exp_labels: {cluster: b, model: m, owner: y, tier: '2', environment: e, component: model, severity: warning}
            exp_annotations:
              summary: A model makes no predictions.
              description: m is silent since SINCE with 0/s.
              runbook_url: https://runbooks.example.org/model_exporter/ModelSilent.md
              dashboard_url: https://grafana.example.org/d/model-detail/model?var-cluster=b&var-model=m
"""


def promtool(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """What promtool says."""
    command = [require("promtool"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.prometheus
def test_models_of_one_name_in_two_clusters_are_two(tmp_path: Path) -> None:
    """Joins, latches and the queries of annotations stay within the cluster of the alert."""
    source = tmp_path / "source.yml"
    source.write_text(samples.rule_file(samples.group(TWO_CLUSTERS)), "utf-8")
    (tmp_path / "rules.yml").write_text(prometheus(render(source, Site(by=("cluster",)))), "utf-8")
    # A range of five minutes is open on the left in Prometheus 3, so that the rate is 0 a minute earlier.
    said = [promtool_test(tmp_path, UNIT_TEST.replace("SINCE", seconds)) for seconds in ("840", "900")]
    assert 0 in [code for code, _ in said], said


@pytest.mark.prometheus
def test_only_what_is_wrong_is_a_complaint(tmp_path: Path) -> None:
    """Praise of every other file in between would hide the mistake."""
    require("promtool")
    good, bad = tmp_path / "good.yml", tmp_path / "bad.yml"
    good.write_text(samples.rule_file(samples.group(samples.GOOD)), "utf-8")
    bad.write_text("old\n", "utf-8")
    complaints = ask("promtool", "check", "rules", str(good), str(bad)).complaints
    assert any("cannot unmarshal" in line for line in complaints)
    assert not any("good.yml" in line or "SUCCESS" in line for line in complaints)


def promtool_test(folder: Path, text: str) -> tuple[int, str]:
    """Exit code and output of a unit test of rules."""
    file = folder / "unit.yml"
    file.write_text(dedent(text), "utf-8")
    done = promtool("test", "rules", str(file))
    return done.returncode, done.stdout + done.stderr


@pytest.mark.prometheus
@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("site", [Site(), Site(by=("region", "cluster"), runbooks="https://wiki.example.com/a")])
def test_prometheus_loads_what_is_written(tmp_path: Path, profile: Profile, site: Site) -> None:
    """Every shipped file, in every form."""
    for path in rule_files(RULES, profile):
        (tmp_path / path.name).write_text(prometheus(render(path, site)), "utf-8")
    done = promtool("check", "rules", *map(str, sorted(tmp_path.iterdir())))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped rules with a label put in, and a folder for their tests."""
    folder = tmp_path_factory.mktemp("pack")
    for name in ("full", "tests"):
        (folder / name).mkdir()
    for path in {*rule_files(RULES), *rule_files(RULES, Profile.FULL)}:
        text = prometheus(render(path, Site(by=("cluster",))))
        (folder / path.relative_to(RULES)).write_text(text, "utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.prometheus
@pytest.mark.parametrize("file", sorted((RULES / "tests").glob("*_test.yml")), ids=lambda file: file.name)
def test_rules_do_the_same_for_a_model_in_a_cluster(rendered: Path, file: Path) -> None:
    """Their own unit tests pass with the label on every series, on what is recorded, on alerts and in their queries."""
    changed = rendered / "tests" / file.name
    changed.write_text(in_a_cluster(file), "utf-8")
    done = promtool("test", "rules", str(changed))
    assert done.returncode == 0, done.stdout + done.stderr


@cache
def shipped(profile: Profile, *by: str) -> Pool:
    """The shipped rules, written with the labels `by`."""
    return pool([render(path, Site(by=by)) for path in rule_files(RULES, profile)], RULES / "runbooks", by)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
@pytest.mark.parametrize("profile", Profile)
def test_the_shipped_rules_keep_to_the_conventions(profile: Profile, check: Check) -> None:
    """Every check has nothing to say of them, as they are and with a label put in."""
    assert [*map(str, check.find(shipped(profile)))] == []
    assert [*map(str, check.find(shipped(profile, "cluster")))] == []


def test_profiles_differ_in_whole_files() -> None:
    """What `full` has in place of a file has at least the series of that file."""
    for path in sorted((RULES / "full").glob("*.yml")):
        small, full = ({rule.name for _, rule in read_rule_file(each).rules} for each in (RULES / path.name, path))
        assert small <= full


def test_pack_check_passes(capsys: pytest.CaptureFixture[str]) -> None:
    """`pack check` says the same, of rules and routing."""
    assert run(["pack", "check"]) == 0, capsys.readouterr().out
