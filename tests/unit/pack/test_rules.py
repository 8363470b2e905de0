from pathlib import Path

import pytest
import yaml

import rule_files as samples
from model_exporter.errors import ConfigError
from model_exporter.pack.promql import replaced_labels, tokenize
from model_exporter.pack.rulefiles import read_rule_file
from model_exporter.pack.rules import OWN, Profile, Resource, Site, joined, operator, prometheus, render, rule_files

CLUSTER = Site(by=("cluster",))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A rule file with comments."""
    path = tmp_path / "model_traffic.yml"
    path.write_text(
        "# What it is.\n---\n" + samples.rule_file(samples.group("# by (model) is kept\n" + samples.GOOD)), "utf-8"
    )
    return path


def one(tmp_path: Path, expr: str, site: Site = CLUSTER, **annotations: str) -> dict[str, str]:
    """The expression, and the annotations, of a rule after rendering; `expr` and annotations are YAML scalars."""
    told = "".join(f"\n    {name}: {text}" for name, text in annotations.items())
    rule = f"- alert: A\n  expr: {expr}\n  annotations:{told or ' {}'}"
    path = tmp_path / "one.yml"
    path.write_text(samples.rule_file(samples.group(rule)), "utf-8")
    ((_, rendered),) = render(path, site).rules
    return {"expr": rendered.expr.value} | {name: text.value for name, text in rendered.annotations.items()}


def test_nothing_changes_unless_it_is_asked_for(file: Path) -> None:
    """The text is kept to the last comment."""
    assert prometheus(render(file, Site())) == file.read_text("utf-8")


def test_only_what_has_to_change_does(file: Path) -> None:
    """Clauses and addresses are edited; the comment that mentions a clause is not."""
    before, after = file.read_text("utf-8"), prometheus(render(file, CLUSTER))
    changed = [line.strip() for line in after.splitlines() if line not in before.splitlines()]
    variables = "var-cluster={{ $labels.cluster | urlquery }}&var-model={{ $labels.model | urlquery }}"
    assert changed == [
        "expr: sum by (cluster, model) (rate(model_predictions_total[5m]))",
        "expr: max by (cluster, model, owner, tier, environment) (model_ownership_timestamp_seconds)",
        "expr: model:owner unless on (cluster, model) model:predictions:rate5m > 0",
        f"dashboard_url: https://grafana.example.org/d/model-detail/model?{variables}",
    ]


@pytest.mark.parametrize(
    ("expr", "rendered"),
    [
        ("a * on (model) group_left (owner) b", "a * on (cluster, model) group_left (owner) b"),
        ("sum by(model, version) (a)", "sum by(cluster, model, version) (a)"),
        ("a and on (job, instance) up", "a and on (cluster, job, instance) up"),
        ("sum without (bin) (a) / on (signal) b", "sum without (bin) (a) / on (signal) b"),
        ("a * on () group_left () b", "a * on () group_left () b"),
        ("model_by(model)", "model_by(model)"),
        ('"sum by (model) (a{b=\\"c\\"})"', 'sum by (cluster, model) (a{b="c"})'),
        ("'sum by (model) (a)'", "sum by (cluster, model) (a)"),
        ("|\n    sum by (\n      model\n    ) (a)", "sum by (\n  cluster, model\n) (a)\n"),
        ("sum by (models) (a)", "sum by (models) (a)"),
    ],
)
def test_labels_are_put_before_the_identity(tmp_path: Path, expr: str, rendered: str) -> None:
    """Every clause that keeps a model or a target keeps the label, however the expression is quoted."""
    assert one(tmp_path, expr)["expr"] == rendered


def test_several_labels(tmp_path: Path) -> None:
    """They stand in the order given."""
    site = Site(by=("region", "cluster"))
    rendered = one(tmp_path, "sum by (model) (a)", site, text="'{{ query (printf `b{model=%q}` $labels.model) }}'")
    assert rendered["expr"] == "sum by (region, cluster, model) (a)"
    assert rendered["text"] == (
        "{{ query (printf `b{region=%q,cluster=%q,model=%q}` $labels.region $labels.cluster $labels.model) }}"
    )


@pytest.mark.parametrize(
    ("action", "rendered"),
    [
        ('with query (printf "a{model=%q}" $labels.model)',
         'with query (printf "a{cluster=%q,model=%q}" $labels.cluster $labels.model)'),
        ('with printf "a{b=%q,model=%q}" "x y" .Labels.model | query',
         'with printf "a{b=%q,cluster=%q,model=%q}" "x y" $labels.cluster .Labels.model | query'),
        ('$labels.model | printf "a{model=%q}" | query',
         '$labels.model | printf "a{cluster=%q,model=%q}" $labels.cluster | query'),
        ('query (printf "a{model=%q,b=~\\"c|d\\"} / b{model=%q}" $labels.model (print "x" "y)"))',
         ('query (printf "a{cluster=%q,model=%q,b=~\\"c|d\\"} / b{cluster=%q,model=%q}" $labels.cluster $labels.model'
          ' $labels.cluster (print "x" "y)"))')),
        ('query (printf `a{model="%s"}` $labels.model)',
         'query (printf `a{cluster=%q,model="%s"}` $labels.cluster $labels.model)'),
        ('printf "%.0f of 100%% at %s" $value $labels.model', 'printf "%.0f of 100%% at %s" $value $labels.model'),
        ('query (printf "a{submodel=%q}" $labels.model)', 'query (printf "a{submodel=%q}" $labels.model)'),
        ('(printf "a{model=%q}" $m) (printf "on (model) b{model=%q}" $n)',
         ('(printf "a{cluster=%q,model=%q}" $labels.cluster $m)'
          ' (printf "on (cluster, model) b{cluster=%q,model=%q}" $labels.cluster $n)')),
        ("$labels.model", "$labels.model"),
    ],
)  # fmt: skip
def test_queries_of_annotations_select_the_label(tmp_path: Path, action: str, rendered: str) -> None:
    """A query about the alert's model is about the model of the alert's cluster."""
    quoted = "'on (model) {{ " + action + " }}'"
    assert one(tmp_path, "a", text=quoted)["text"] == "on (model) {{ " + rendered + " }}"


def test_double_quotes_keep_their_meaning(tmp_path: Path) -> None:
    """Annotations in double quotes are edited as what they mean."""
    text = '"é {{ query (printf \\"a{model=%q}\\" $labels.model) }}"'
    assert one(tmp_path, "a", text=text)["text"] == (
        'é {{ query (printf "a{cluster=%q,model=%q}" $labels.cluster $labels.model) }}'
    )


def test_shared_annotations_are_edited_once(tmp_path: Path) -> None:
    """An anchor and its aliases are one text."""
    rules = """
    - {alert: A, expr: a, annotations: &told {url: "https://grafana.example.org/d/x?var-model=y"}}
    - {alert: B, expr: b, annotations: *told}
    """
    path = tmp_path / "x.yml"
    path.write_text(samples.rule_file(samples.group(rules)), "utf-8")
    urls = [rule.annotations["url"].value for _, rule in render(path, CLUSTER).rules]
    assert urls == ["https://grafana.example.org/d/x?var-cluster={{ $labels.cluster | urlquery }}&var-model=y"] * 2


def test_addresses_are_replaced(tmp_path: Path) -> None:
    """Both bases, with or without a slash at the end."""
    site = Site(runbooks="https://wiki.example.com/ml/", dashboards="http://g:3000")
    rendered = one(
        tmp_path,
        "a",
        site,
        runbook_url="https://runbooks.example.org/model_exporter/A.md",
        dashboard_url="https://grafana.example.org/d/x",
    )
    assert rendered["runbook_url"] == "https://wiki.example.com/ml/A.md"
    assert rendered["dashboard_url"] == "http://g:3000/d/x"


def test_a_resource_holds_the_same_rules(file: Path) -> None:
    """A PrometheusRule has the file's groups as its spec, its comments, and what the operator selects by."""
    text = operator(render(file, CLUSTER), Resource("monitoring", {"release": "on", "team": "ml"}))
    told = yaml.safe_load(text)
    assert (told["apiVersion"], told["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")
    assert told["metadata"] == {
        "name": "model-exporter-model-traffic",
        "namespace": "monitoring",
        "labels": {"app.kubernetes.io/name": "model-exporter", "release": "on", "team": "ml"},
    }
    assert told["spec"] == list(yaml.safe_load_all(prometheus(render(file, CLUSTER))))[-1]
    assert "  # What it is." in text


def test_files_are_joined_whatever_their_indentation(file: Path, tmp_path: Path) -> None:
    """One list of groups for a pipe."""
    flat = tmp_path / "flat.yml"
    flat.write_text(
        "groups: # all\n- name: model-b\n  rules:\n  - record: model:b\n    expr: |\n      a\n      + b\n", "utf-8"
    )
    files = [render(path, Site()) for path in (file, flat)]
    groups = [group for each in files for group in list(yaml.safe_load_all(each.text))[-1]["groups"]]
    assert yaml.safe_load(joined(files)) == {"groups": groups}


def test_a_profile_replaces_files_of_the_same_name(tmp_path: Path) -> None:
    """`full` has every file once."""
    (tmp_path / "full").mkdir()
    for name in ("b.yml", "a.yml", "full/b.yml", "note.md"):
        (tmp_path / name).touch()
    assert rule_files(tmp_path) == [tmp_path / "a.yml", tmp_path / "b.yml"]
    assert rule_files(tmp_path, Profile.FULL) == [tmp_path / "a.yml", tmp_path / "full" / "b.yml"]


def test_a_folder_without_rules_is_a_mistake(tmp_path: Path) -> None:
    """Silence would be taken for success."""
    with pytest.raises(ConfigError, match="has no rule files"):
        rule_files(tmp_path)


def test_every_label_of_the_shipped_rules_is_known() -> None:
    """A label that the rules set cannot be given with --by, so none is forgotten."""
    folder = Path(__file__).parents[3] / "rules"
    for profile in Profile:
        rules = [rule for path in rule_files(folder, profile) for _, rule in read_rule_file(path).rules]
        added = {label for rule in rules for label in rule.labels}
        replaced = {label for rule in rules for label in replaced_labels(tokenize(rule.expr.value))}
        assert added | replaced <= OWN


@pytest.mark.parametrize(
    ("site", "message"),
    [
        ({"by": ("a-b",)}, "--by: 'a-b' is no label name"),
        ({"by": ("model",)}, "--by: model is kept already"),
        ({"by": ("a", "a")}, "--by: a is kept already"),
        ({"by": ("environment",)}, "--by: environment has a meaning of its own here"),
        ({"by": ("severity",)}, "--by: severity has a meaning of its own here"),
        ({"by": ("__name__",)}, "--by: __name__ has a meaning of its own here"),
        ({"runbooks": "wiki"}, "--runbook-url: 'wiki' is no address"),
        ({"dashboards": 'https://g/"'}, "--dashboard-url: .* is no address"),
    ],
)
def test_mistakes_of_a_site(site: dict[str, object], message: str) -> None:
    """What would make rules that no Prometheus takes is refused."""
    with pytest.raises(ConfigError, match=message):
        Site(**site)  # type: ignore[arg-type]  # the table's values fit


@pytest.mark.parametrize(
    ("namespace", "labels", "message"),
    [("A b", {}, "--namespace"), ("", {"a b": "c"}, "--label"), ("", {"a": "c d"}, "--label: a=c d is no label")],
)
def test_mistakes_of_a_resource(namespace: str, labels: dict[str, str], message: str) -> None:
    """What Kubernetes would refuse is refused."""
    with pytest.raises(ConfigError, match=message):
        Resource(namespace, labels)
