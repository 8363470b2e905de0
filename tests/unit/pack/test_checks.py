from pathlib import Path

import pytest

import rule_files as samples
from model_exporter.pack.checks import CHECKS, GROUP_SIZE, run_checks


def described(folder: Path, text: str) -> set[str]:
    """Names of the checks that are not content with a file."""
    return set(samples.complaints(folder, text))


def test_good_rules_pass(tmp_path: Path) -> None:
    """A pack that keeps to everything has no finding."""
    text = samples.rule_file(samples.group(samples.GOOD))
    results = list(run_checks(samples.pooled(tmp_path, text)))
    assert [(check.name, findings) for check, findings in results] == [(check.name, []) for check in CHECKS]


def record(expr: str, name: str = "model:x") -> str:
    """A recording rule beside good ones."""
    return samples.GOOD + f"- record: {name}\n  expr: '{expr}'\n"


LATER = "- record: model:later\n  expr: model:owner\n"

MORE = [f"- {{record: 'model:x{n}', expr: 'model:owner'}}\n" for n in range(GROUP_SIZE - 2)]

BAD_RULES = [
    ("syntax", record("sum by (model) (model:owner"), "a ')' is missing"),
    ("syntax", samples.GOOD.replace("  for: 5m", "  for: 5m\n  limit: 3"), "has the keys limit"),
    ("names", record("model:owner", "model_x"), "is no name of a recorded series"),
    ("names", record("model:owner", "service:x:y"), "is no name of a recorded series"),
    ("names", samples.GOOD.replace("ModelSilent", "ModelISSilent_"), "is no name of an alert"),
    ("names", samples.GOOD.replace("ModelSilent", "Model" + "Silent" * 6), "is no name of an alert"),
    ("rule/duplicate", samples.GOOD + samples.RECORDING, "is there twice"),
    ("promql/series", record("model:ownr"), "reads model:ownr, which nothing"),
    ("promql/series", record("model_predictions"), "reads model_predictions, which"),
    ("promql/series", record("model_prediction_duration_seconds > 1"), "reads model_prediction_duration"),
    ("promql/series", record('model:owner{team="x"}'), "selects model:owner by team"),
    ("promql/series", record('model_predictions_total{feature="x"}'), "selects model_predictions_total by feature"),
    ("promql/series", record('{model="x"}'), "selects series by labels only"),
    ("promql/series",
     samples.GOOD.replace("is silent.", 'is {{ query (printf "model:nobody{model=%q}" $labels.model) }}.'),
     "description: reads model:nobody"),
    ("promql/series",
     samples.GOOD.replace("is silent.", 'is {{ query "model:owner{" }}.'), "description: a query cannot be read"),
    ("rule/dependency", record("model:later") + LATER, "reads model:later, which a later rule"),
    ("promql/aggregate", record("sum(model:owner)"), "has sum without labels"),
    ("promql/aggregate", record("sum by (owner) (model:owner)"), "has by (owner), which mixes models"),
    ("promql/aggregate", record("sum by (owner, model) (model:owner)"), "Put model first"),
    ("promql/aggregate", record("model:owner and on (tier, model) model:owner"), "Put model first"),
    ("promql/aggregate", record("model:owner and on (x, job, instance) up"), "Put job first"),
    ("promql/aggregate", record("sum without (instance) (model_predictions_total)"), "Name the labels to keep"),
    ("promql/aggregate", record("model:owner + ignoring (tier) model:owner"), "Name the labels to keep"),
    ("promql/aggregate", record("sum BY (model) (model:owner)"), "small letters"),
    ("promql/rate", record("rate(model_predictions_total[1m])"), "Take 120 or more"),
    ("promql/rate", record("rate(model:owner[5m])"), "which is recorded"),
    ("promql/rate", record("increase(model_version_active[5m])"), "which is no counter"),
    ("promql/regexp", record('model:owner{tier=~"1"}'), "Write ="),
    ("promql/regexp", record('model:owner{tier!~"1"}'), "Write !="),
    ("promql/regexp", record('model:owner{tier=~"^1.*"}'), "Leave out"),
    ("promql/regexp", record('model:owner{tier=~".*1$"}'), "Leave out"),
    ("alerts/for", samples.GOOD.replace("for: 5m", "for: 0m"), "has for: 0m"),
    ("alerts/for", samples.GOOD.replace("for: 5m", "keep_firing_for: soon"), "has keep_firing_for: soon"),
    ("alerts/comparison",
     samples.GOOD.replace(" unless on (model) model:predictions:rate5m > 0", ""), "fires for every"),
    ("rule/label", samples.GOOD.replace("severity: warning", "team: x"), "has no severity"),
    ("rule/label", samples.GOOD.replace("severity: warning", "severity: page"), "has the severity page"),
    ("rule/label", samples.GOOD.replace("component: model", "component: x"), "has no component"),
    ("rule/label", samples.GOOD.replace("severity: warning", "severity: warning\n    at: '{{ $value }}'"),
     "writes its value into the label at"),
    ("rule/label", samples.GOOD.replace("(model, owner, tier, environment)", "(model, owner, tier)"),
     "cannot have the label environment"),
    ("alerts/template", samples.GOOD.replace("$labels.owner", "$labels.ownr"), "writes the label ownr"),
    ("alerts/annotation", samples.GOOD.replace("predictions.", "predictions"), "has the summary"),
    ("alerts/annotation", samples.GOOD.replace("A model makes", "Model {{ $labels.model }} makes"), "has the summary"),
    ("alerts/annotation", samples.GOOD.replace("{{ $labels.model }} of {{ $labels.owner }}", "x"), "says nothing"),
    ("alerts/annotation", samples.GOOD.replace("dashboard_url", "dashboard"), "has no dashboard_url"),
    ("rule/link", samples.GOOD.replace("/ModelSilent.md", "/Model.md"), "End it with /ModelSilent.md"),
    ("rule/link", samples.GOOD.replace("https://runbooks", "runbooks"), "has a runbook_url that is no address"),
    ("rule/link", samples.GOOD.replace("/d/model-detail", "/d/nothing"), "links to an unknown dashboard"),
    ("runbooks", samples.GOOD.replace("ModelSilent", "ModelQuiet"), "has no runbook"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "rules", "message"), BAD_RULES)
def test_each_mistake_is_found(tmp_path: Path, check: str, rules: str, message: str) -> None:
    """A mistake is told by the check that is named after it, with the place and what to do."""
    found = samples.complaints(tmp_path, samples.rule_file(samples.group(rules)))
    assert any(message in str(finding) for finding in found.get(check, [])), found
    assert all(finding.remedy for findings in found.values() for finding in findings)


@pytest.mark.parametrize(
    "rules",
    [
        samples.GOOD.replace("/ModelSilent.md", "/ModelSilent.md#{{ $labels.tier }}"),
        record("topk by (model) (1, model:owner)"),
        record("sum without (bin) (model_feature_bin_observations_total)"),
        record("sum(up)", "model_exporter:x"),
        record("model:state or model:owner", "model:state"),
        record("model:late or model:owner", "model:early") + "- record: model:late\n  expr: model:early\n",
        record('label_replace(model:owner, "team", "$1", "owner", "(.*)")')
        + "- {record: model:y, expr: 'model:x{team=\"a\"}'}\n",
        record("histogram_quantile(0.9, sum by (model, le) (rate(model_prediction_duration_seconds_bucket[5m])))"),
        record('prometheus_rule_group_interval_seconds{anything="x"} * on () group_left () model:owner'),
        samples.GOOD.replace("{{ $labels.owner }}", '{{ range query "model:owner" }}{{ .Labels.other }}{{ end }}'),
    ],
)  # fmt: skip
def test_what_is_no_mistake(tmp_path: Path, rules: str) -> None:
    """Circles of rules that keep state, labels that functions add, and series of Prometheus itself are fine."""
    assert samples.complaints(tmp_path, samples.rule_file(samples.group(rules))) == {}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([samples.group(samples.GOOD, "traffic")], "is no name of a group"),
        ([samples.group(samples.GOOD), samples.group(LATER)], "is the name of another group"),
        ([samples.group(samples.GOOD, interval="5m")], "is evaluated every 5m"),
        ([samples.group(samples.GOOD, interval="often")], "has the interval 'often'"),
        ([samples.group(record("model:x or model:owner"), interval="2m")], "reads its own last samples every 2m"),
        ([samples.group(samples.GOOD + "".join(MORE))], f"has {GROUP_SIZE + 1} rules"),
    ],
)  # fmt: skip
def test_groups(tmp_path: Path, groups: list[str], message: str) -> None:
    """Names, sizes and intervals of groups."""
    found = samples.complaints(tmp_path, samples.rule_file(*groups))
    assert any(message in str(finding) for finding in found["groups"]), found


def test_readers_of_slow_groups_look_back_far_enough(tmp_path: Path) -> None:
    """A range over a series that is recorded every two minutes has two samples in it at least."""
    reader = "- record: model:max\n  expr: max_over_time(model:owner[3m])\n"
    slow = samples.rule_file(samples.group(samples.GOOD, interval="2m"), samples.group(reader, "model-readers"))
    assert described(tmp_path, slow) == {"promql/rate"}
    assert described(tmp_path, slow.replace("[3m]", "[4m]")) == set()


def test_a_runbook_without_an_alert_is_told(tmp_path: Path) -> None:
    """Nobody would ever be sent there."""
    (tmp_path / "ModelGone.md").touch()
    (tmp_path / "README.md").touch()
    found = samples.complaints(tmp_path, samples.rule_file(samples.group(samples.GOOD)))
    assert [str(finding) for finding in found["runbooks"]] == [
        f"{tmp_path / 'ModelGone.md'}: is the runbook of no alert. Remove or rename it"
    ]
