from dataclasses import fields
from pathlib import Path

import pytest

from batches import columns_of
from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.file import write_baseline
from model_exporter.baseline.model import Baseline, FeatureType
from model_exporter.config.advice import advise
from model_exporter.config.load import load_settings
from model_exporter.config.settings import (
    FeatureSettings,
    JoinSettings,
    JoinStoreKind,
    Learn,
    Limits,
    ModelKind,
    ModelSettings,
    Objective,
    OutcomeSettings,
    Segment,
    SegmentSource,
    Settings,
)
from model_exporter.errors import ConfigError
from model_exporter.indicators import Form, Indicator, parse

_DESIGN = """\
environment: production
models:
  fraud:
    kind: classification          # classification | regression | forecasting | recommendation | ranking
    owner: payments-ml
    tier: 1
    baseline: baselines/fraud.json    # or learn: {rows: 10000, stable_for: 1h}
    versions: {approved: ["1.4.2"]}
    features:
      amount:  {type: numeric, min: 0}
      country: {type: categorical}
    outcome:  {positive: fraud, wait: 7d}
    segments: {region: feature.country}
    slo: {availability: 0.999, latency_seconds: {p99: 0.2}, schema_violations: 0.01, fairness_gap: 0.05}
    business: {approval_rate: {ratio: "prediction == approve"}}
"""


@pytest.fixture
def baseline(tmp_path: Path) -> Baseline:
    """A baseline of `fraud` in baselines/fraud.json: amount is numeric, country categorical, score an output."""
    built = build_baseline(
        columns_of(
            {"amount": [float(row % 50) for row in range(500)], "country": ["de", "fr"] * 250},
            {"score": [row / 500 for row in range(500)]},
        ),
        model="fraud",
        created=1_800_000_000.0,
        source="train.csv",
        span_seconds=None,
    )
    (tmp_path / "baselines").mkdir()
    write_baseline(built, tmp_path / "baselines" / "fraud.json")
    return built


def _load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "exporter.yml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def _fraud(tmp_path: Path, text: str) -> ModelSettings:
    return _load(tmp_path, f"models: {{fraud: {{{text}}}}}").models["fraud"]


def _mistake(tmp_path: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, text)
    assert caught.value.file == str(tmp_path / "exporter.yml")
    assert "\n" not in str(caught.value)
    return caught.value


def test_no_file_is_the_defaults() -> None:
    """The exporter works with no configuration."""
    assert load_settings(None) == Settings()


@pytest.mark.parametrize("text", ["", "# nothing\n", "models:\n", "models: {}\nlimits:\nlearn:\n"])
def test_an_empty_file_is_the_defaults(tmp_path: Path, text: str) -> None:
    """No content, and sections with nothing in them, change nothing."""
    assert _load(tmp_path, text) == Settings()


def test_the_example_of_the_design_loads_as_it_stands(tmp_path: Path, baseline: Baseline) -> None:
    """Each key ends up in its setting."""
    settings = _load(tmp_path, _DESIGN)
    assert settings.environment == "production"
    assert settings.models["fraud"] == ModelSettings(
        kind=ModelKind.CLASSIFICATION,
        owner="payments-ml",
        tier=1,
        baseline=baseline,
        baseline_file=str(tmp_path / "baselines" / "fraud.json"),
        approved_versions=("1.4.2",),
        features={
            "amount": FeatureSettings(type=FeatureType.NUMERIC, minimum=0),
            "country": FeatureSettings(type=FeatureType.CATEGORICAL),
        },
        objectives=(
            Objective("availability", 0.999),
            Objective("latency_p99_seconds", 0.2),
            Objective("schema_violations", 0.01),
            Objective("fairness_gap", 0.05),
        ),
        outcome=OutcomeSettings(expected=True, positive="fraud", wait_seconds=7 * 86_400.0),
        segments=(Segment("region", SegmentSource.FEATURE, "country"),),
        business=(Indicator("approval_rate", Form.RATIO, parse("prediction == approve")),),
    )


def test_a_learning_model_may_be_configured(tmp_path: Path) -> None:
    """The design's alternative to a baseline file."""
    model = _fraud(tmp_path, "learn: {rows: 20000, stable_for: 1h30m}, runbook_url: https://wiki/fraud")
    assert model.learn == Learn(rows=20_000, stable_for_seconds=5400)
    assert (model.baseline, model.runbook_url) == (None, "https://wiki/fraud")


def test_a_model_inherits_what_it_does_not_say_of_learning(tmp_path: Path) -> None:
    """`models.NAME.learn` overrides `learn` key by key; so do unconfigured models follow `learn`."""
    settings = _load(tmp_path, "learn: {rows: 500, stable_for: 2h}\nmodels: {a: {learn: {rows: 900}}, b: }")
    assert settings.models["a"].learn == Learn(rows=900, stable_for_seconds=7200)
    assert settings.models["b"].learn == Learn(rows=500, stable_for_seconds=7200)
    assert settings.model("unknown").learn == Learn(rows=500, stable_for_seconds=7200)


def test_features_keep_every_key(tmp_path: Path) -> None:
    """Range, categories, required and missing texts arrive."""
    features = _fraud(
        tmp_path,
        "features: {amount: {min: -1, max: 1.5, required: true, missing: [N/A, '-']},"
        " country: {categories: [de, 'no'], required: false}, id: {type: identifier}}",
    ).features
    assert features["amount"] == FeatureSettings(
        minimum=-1, maximum=1.5, required=True, missing=frozenset({"N/A", "-"})
    )
    assert features["country"] == FeatureSettings(categories=frozenset({"de", "no"}), required=False)
    assert features["id"] == FeatureSettings(type=FeatureType.IDENTIFIER)


def test_every_limit_can_be_set(tmp_path: Path) -> None:
    """Each field of Limits has a key in the file, and none keeps its default when given."""
    wanted = {field.name: 50 + place for place, field in enumerate(fields(Limits))}
    written = {name: value for name, value in wanted.items() if name != "expire_after_seconds"}
    lines = [f"  {name}: {value}\n" for name, value in written.items()]
    text = "limits:\n" + "".join(lines) + f"  expire_after: {wanted['expire_after_seconds']}s\n"
    settings = _load(tmp_path, f"learn: {{rows: 100}}\n{text}".replace("learning_cells: ", "learning_cells: 1000"))
    wanted["learning_cells"] = int(f"1000{wanted['learning_cells']}")
    assert settings.limits == Limits(**wanted)


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    """What is loaded is frozen, mappings included."""
    settings = _load(tmp_path, "models: {fraud: {features: {a: }}}")
    for mapping in (settings.models, settings.models["fraud"].features):
        with pytest.raises(TypeError):
            mapping["x"] = None  # type: ignore[index]  # the point of the test


@pytest.mark.usefixtures("baseline")
def test_the_same_file_loads_as_equal_settings(tmp_path: Path) -> None:
    """A reload without a change compares equal, so that nothing is rebuilt."""
    assert _load(tmp_path, _DESIGN) == _load(tmp_path, _DESIGN)


def test_a_baseline_of_another_model_may_be_shared(tmp_path: Path, baseline: Baseline) -> None:
    """A canary is compared with the baseline of the model that it may replace."""
    settings = _load(
        tmp_path, "models: {fraud: {baseline: baselines/fraud.json}, canary: {baseline: baselines/fraud.json}}"
    )
    assert settings.models["canary"].baseline == baseline
    assert settings.models["canary"].baseline is settings.models["fraud"].baseline


def test_an_absolute_baseline_path_is_taken_as_it_is(tmp_path: Path, baseline: Baseline) -> None:
    """Only relative paths start at the configuration's folder."""
    model = _fraud(tmp_path, f"baseline: {tmp_path}/baselines/fraud.json")
    assert model.baseline == baseline


@pytest.mark.usefixtures("baseline")
def test_a_feature_that_the_baseline_lacks_is_a_warning(tmp_path: Path) -> None:
    """A typo in a feature's name would check nothing; the warning names what was probably meant."""
    settings = _load(tmp_path, "models: {fraud: {baseline: baselines/fraud.json, features: {amuont: {min: 0}}}}")
    assert "models.fraud.features.amuont: the baseline has no such feature. Did you mean amount?" in advise(settings)


@pytest.mark.usefixtures("baseline")
@pytest.mark.parametrize(
    ("key", "told"),
    [("drop", "expects country, which will be missing"), ("hash", "holds country as it was sent")],
)
def test_concealing_what_the_baseline_holds_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, told: str
) -> None:
    """Such a feature would be missing, or new, in every record."""
    monkeypatch.setenv("MODEL_EXPORTER_HASH_SECRET", "0123456789abcdef")
    text = (
        f"models: {{fraud: {{baseline: baselines/fraud.json, privacy: {{{key}: [feature.country, feature.score]}}}}}}"
    )
    (warning,) = advise(_load(tmp_path, text))
    assert warning.startswith(f"models.fraud.privacy.{key}: the baseline {told}")


def test_nothing_to_say_is_no_warning(tmp_path: Path) -> None:
    """A plain configuration has no advice."""
    assert advise(_load(tmp_path, "models: {fraud: {tier: 1}}")) == ()


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("[a]", "", "a list is not a mapping"),
        ("text", "", '"text" is not a mapping'),
        ("modles: {}", "modles", "there is no such key. Did you mean models?"),
        ("x: 1", "x", "The keys here are environment, learn, drift, join, "),
        ("models: [fraud]", "models", "a list is not a mapping"),
        ("models: {fraud: {kind: clasification}}", "models.fraud.kind", "Did you mean classification?"),
        ("models: {fraud: {kind: 7}}", "models.fraud.kind", "7 is not one of classification, regression, forecasting"),
        ("models: {fraud: {tier: 6}}", "models.fraud.tier", "6 is not a whole number from 1 to 5"),
        ("models: {fraud: {tier: 1.5}}", "models.fraud.tier", "1.5 is not a whole number"),
        ("models: {fraud: {tier: yes}}", "models.fraud.tier", "yes is not a whole number"),
        ("models: {fraud: {tier: '2'}}", "models.fraud.tier", "write the plain number 2"),
        ("models: {fraud: {owner: 5}}", "models.fraud.owner", 'write it in quotes: "5"'),
        ("models: {fraud: {owner: }}", "models.fraud.owner", "there is no value"),
        ("models: {fraud: {owner: ''}}", "models.fraud.owner", '"" is not a line of 1 to 200'),
        ('models: {fraud: {owner: "a\\nb"}}', "models.fraud.owner", "is not a line of 1 to 200 characters"),
        ("models: {fraud: {runbook_url: wiki}}", "models.fraud.runbook_url", '"wiki" is not a web address'),
        ("models: {'': {}}", 'models[""]', "cannot be a name"),
        ('models: {"a\\tb": {}}', 'models["a\\tb"]', "cannot be a name"),
        (f"models: {{{'x' * 201}: {{}}}}", f"models.{'x' * 201}", "201 characters, more than limits.name_length, 200"),
        (
            f"models: {{a: {{segments: {{? {'x' * 1001} : feature.a}}}}}}",
            f"models.a.segments.{'x' * 1001}",
            "cannot be",
        ),
        ("models: {fraud: {versions: {approved: [1.10]}}}", "models.fraud.versions.approved[0]", 'in quotes: "1.10"'),
        ("models: {fraud: {versions: {approved: '1'}}}", "models.fraud.versions.approved", '"1" is not a list'),
        ("models: {fraud: {versions: {approved: [a, a]}}}", "models.fraud.versions.approved[1]", "is listed twice"),
        ("learn: {rows: 99}", "learn.rows", "99 is not a whole number from 100"),
        ("learn: {rows: 1e6}", "learn.rows", "write the plain number 1000000"),
        ("learn: {stable_for: 3600}", "learn.stable_for", "Add a unit, such as 3600s"),
        ("learn: {stable_for: 1 hour}", "learn.stable_for", "not a duration, such as 15s, 5m, 1h30m or 7d"),
        ("learn: {rows: 5000000}", "learn.rows", "more than limits.learning_cells"),
        ("limits: {series: 0}", "limits.series", "0 is not a whole number from 1"),
        ("limits: {models: 1}\nmodels: {a: , b: }", "models", "2 entries are more than limits.models, 1"),
        (
            "limits: {name_length: 3}\nmodels: {fraud: }",
            "models.fraud",
            "5 characters, more than limits.name_length, 3",
        ),
    ],
)
def test_a_mistake_is_told_with_path_value_and_remedy(tmp_path: Path, text: str, path: str, told: str) -> None:
    """Wrong keys, types, ranges and names: where, what, and what to write instead."""
    mistake = _mistake(tmp_path, text)
    assert mistake.path == path
    assert told in str(mistake)
    assert mistake.remedy


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("type: numerical", "type", "Did you mean numeric"),
        ("min: 2, max: 1", "max", "1 is not above min, 2"),
        ("min: 1, max: 1", "max", "1 is not above min, 1"),
        ("min: .nan", "min", ".nan is not a number"),
        ("max: .inf", "max", ".inf is not a number"),
        ("min: a", "min", '"a" is not a number'),
        ("type: categorical, min: 1", "min", "a feature of type categorical has no min"),
        ("type: boolean, max: 1", "max", "a feature of type boolean has no max"),
        ("type: numeric, categories: [a]", "categories", "a feature of type numeric has no categories"),
        ("type: identifier, categories: [a]", "categories", "a feature of type identifier has no categories"),
        ("min: 1, categories: [a]", "min", "not both"),
        ("categories: []", "categories", "the list is empty"),
        ("categories: [NO, SE]", "categories[0]", 'write it in quotes: "NO"'),
        ("categories: ['']", "categories[0]", '"" is not text of 1 to 128'),
        (f"categories: [{'x' * 129}]", "categories[0]", "is not text of 1 to 128"),
        ("missing: [null]", "missing[0]", 'Write it in quotes: "null"'),
        ("missing: [{a: 1}]", "missing[0]", "a mapping is not text"),
        ("required: 1", "required", "1 is not true or false"),
        ("kind: x", "kind", "The keys here are type, min, max, categories, required, missing"),
    ],
)
def test_a_mistake_in_a_feature_is_told_with_its_whole_path(tmp_path: Path, text: str, path: str, told: str) -> None:
    """The names of model and feature are in the path; msgspec alone would say `$.models[...].features[...]`."""
    mistake = _mistake(tmp_path, f'models: {{fraud: {{features: {{"a.b": {{{text}}}}}}}}}')
    assert mistake.path == f'models.fraud.features["a.b"].{path}'
    assert told in str(mistake)


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("slo: {availability: 99.9}", "slo.availability", "99.9 is not a number above 0 and below 1"),
        ("slo: {availability: 1}", "slo.availability", "1 is not a number above 0 and below 1"),
        ("slo: {latency_seconds: 0.2}", "slo.latency_seconds", "0.2 is not a mapping"),
        ("slo: {latency_seconds: {p98: 1}}", "slo.latency_seconds.p98", "The keys here are p50, p90, p95, p99"),
        ("slo: {latency_seconds: {p99: 0}}", "slo.latency_seconds.p99", "0 is not a number above 0"),
        ("slo: {schema_violations: -0.1}", "slo.schema_violations", "-0.1 is not a number of at least 0 and below 1"),
        ("outcome: {wait: soon}", "outcome.wait", '"soon" is not a duration'),
        ("outcome: {positiv: 1}", "outcome.positiv", "Did you mean positive?"),
        ("segments: {region: country}", "segments.region", "is not a feature, as `feature.NAME`"),
        ("business: {rate: }", "business.rate", "Add `ratio: prediction == approve`"),
        ("business: {rate: {ratio: approve}}", "business.rate.ratio", "at column 1: this is a text"),
    ],
)
def test_objectives_segments_and_indicators_are_checked(tmp_path: Path, text: str, path: str, told: str) -> None:
    """Each mistake is told where it stands."""
    mistake = _mistake(tmp_path, f"models: {{fraud: {{{text}}}}}")
    assert mistake.path == f"models.fraud.{path}"
    assert told in str(mistake)


def test_the_first_mistake_in_the_file_is_the_one_told(tmp_path: Path) -> None:
    """One error at a time, in the order of the file."""
    mistake = _mistake(tmp_path, "models:\n  a: {tier: 1}\n  b: {tier: 9}\n  c: {tier: 8}\nlearn: {rows: 1}\n")
    assert (mistake.path, mistake.line) == ("models.b.tier", 3)


def test_a_model_listed_twice_is_an_error(tmp_path: Path) -> None:
    """Both lines are named."""
    mistake = _mistake(tmp_path, "models:\n  fraud: {tier: 1}\n  fraud: {tier: 2}\n")
    assert str(mistake).startswith(
        f"{tmp_path / 'exporter.yml'}:3: models.fraud: the key is given twice, on lines 2 and 3"
    )


@pytest.mark.usefixtures("baseline")
def test_baseline_and_learn_exclude_each_other(tmp_path: Path) -> None:
    """A model has a baseline or learns one."""
    mistake = _mistake(tmp_path, "models: {fraud: {baseline: baselines/fraud.json, learn: {rows: 1000}}}")
    assert (mistake.path, mistake.remedy) == ("models.fraud.learn", "Remove `learn` or `baseline`")


def test_a_missing_baseline_is_told_with_the_command_that_builds_it(tmp_path: Path) -> None:
    """The message has the path that was tried."""
    mistake = _mistake(tmp_path, "models: {fraud: {baseline: absent.json}}")
    assert mistake.path == "models.fraud.baseline"
    assert f"there is no file {tmp_path / 'absent.json'}" in mistake.problem
    assert f"model_exporter baseline build FILE... -o {tmp_path / 'absent.json'}" in mistake.remedy


@pytest.mark.parametrize("content", ["", "{}", "not json"])
def test_a_file_that_is_no_baseline_is_told(tmp_path: Path, content: str) -> None:
    """What reading the baseline says is the mistake, with a remedy of its own."""
    (tmp_path / "b.json").write_text(content)
    mistake = _mistake(tmp_path, "models: {fraud: {baseline: b.json}}")
    assert mistake.path == "models.fraud.baseline"
    assert str(tmp_path / "b.json") in mistake.problem
    assert mistake.remedy


@pytest.mark.usefixtures("baseline")
@pytest.mark.parametrize(
    ("feature", "path", "told"),
    [
        ("amount: {type: categorical}", "amount.type", "Build the baseline with `--type amount=categorical`"),
        ("country: {min: 0}", "country.min", "the baseline holds country as categorical"),
        ("country: {max: 0}", "country.max", "this is for a numeric feature"),
        ("score: {categories: [a]}", "score.categories", "the baseline holds score as numeric"),
    ],
)
def test_a_feature_of_another_type_than_its_baseline_is_an_error(
    tmp_path: Path, feature: str, path: str, told: str
) -> None:
    """The bins come from the baseline, so a range for its categories would check nothing."""
    mistake = _mistake(tmp_path, f"models: {{fraud: {{baseline: baselines/fraud.json, features: {{{feature}}}}}}}")
    assert mistake.path == f"models.fraud.features.{path}"
    assert told in str(mistake)


def test_a_model_overrides_what_it_takes_to_tell_drift(tmp_path: Path) -> None:
    """A model's own keys win, the others are those of all models, and the rest are the defaults."""
    file = tmp_path / "c.yml"
    file.write_text(
        "drift: {false_pages: 180d, page_tolerance: 0.02}\nmodels: {m: {drift: {false_tickets: 7d}}, n: }\n"
    )
    settings = load_settings(file)
    own, other = settings.models["m"].drift, settings.models["n"].drift
    assert (own.page.patience_seconds, own.page.tolerance) == (180 * 86_400, 0.02)
    assert own.ticket.patience_seconds == 7 * 86_400
    assert other.ticket == Settings().drift.ticket
    assert settings.model("unknown").drift == settings.drift


def test_pairs_are_watched_unless_switched_off(tmp_path: Path) -> None:
    """The key of all models holds where a model has none of its own."""
    file = tmp_path / "c.yml"
    file.write_text("drift: {pairs: false}\nmodels: {m: {drift: {pairs: true}}, n: }\n")
    settings = load_settings(file)
    assert Settings().drift.pairs
    assert settings.models["m"].drift.pairs
    assert not settings.models["n"].drift.pairs


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("join: {store: sqlite}", JoinSettings()),
        ("join: {store: redis, url: 'redis://:pw@r/1'}", JoinSettings(JoinStoreKind.REDIS, "redis://:pw@r/1")),
        ("join: {url: 'postgres://u:pw@p/d'}", JoinSettings(JoinStoreKind.POSTGRESQL, "postgres://u:pw@p/d")),
    ],
)
def test_the_store_of_the_join_is_named_or_follows_from_its_address(
    tmp_path: Path, text: str, settings: JoinSettings
) -> None:
    """And the settings do not show the address, which may hold a password."""
    file = tmp_path / "c.yml"
    file.write_text(text)
    loaded = load_settings(file).join
    assert loaded == settings
    assert "pw" not in repr(loaded)


@pytest.mark.parametrize(
    "text",
    [
        "join: {store: redis}",
        "join: {store: redis, url: 'postgresql://u:hunter2@h/d'}",
        "join: {store: sqlite, url: 'redis://:hunter2@h'}",
        "join: {url: 'mysql://u:hunter2@h/d'}",
    ],
)
def test_a_wrong_address_of_the_join_is_told_without_it(tmp_path: Path, text: str) -> None:
    """One mistake at `join.url`."""
    file = tmp_path / "c.yml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert caught.value.path in {"join.url", "join"}
    assert "hunter2" not in str(caught.value)
