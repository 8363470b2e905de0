from pathlib import Path

import pytest

from model_exporter.config.load import load_settings
from model_exporter.config.settings import ModelSettings, Objective, Segment, SegmentSource
from model_exporter.errors import ConfigError

FEATURE, ATTRIBUTE = SegmentSource.FEATURE, SegmentSource.ATTRIBUTE


def load(tmp_path: Path, text: str) -> ModelSettings:
    """Settings of a model that the file says `text` of."""
    file = tmp_path / "exporter.yml"
    file.write_text(f"models: {{fraud: {{{text}}}}}")
    return load_settings(file).models["fraud"]


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("feature.country", Segment("s", FEATURE, "country")),
        ("feature.address.zip", Segment("s", FEATURE, "address.zip")),
        ("segment.tier", Segment("s", ATTRIBUTE, "tier")),
        ("{feature: age, bins: [18, 30, 50]}", Segment("s", FEATURE, "age", (18.0, 30.0, 50.0))),
        ("{bins: [0.5]}", Segment("s", FEATURE, "s", (0.5,))),
        ("{attribute: income, bins: [1000]}", Segment("s", ATTRIBUTE, "income", (1000.0,))),
        ("{attribute: tier}", Segment("s", ATTRIBUTE, "tier")),
    ],
)
def test_a_segment_is_a_name_or_a_mapping(tmp_path: Path, text: str, segment: Segment) -> None:
    """Of a feature or of an attribute, with bins or without."""
    assert load(tmp_path, f"segments: {{s: {text}}}").segments == (segment,)


@pytest.mark.parametrize(
    ("text", "objectives"),
    [
        ("segments: {s: feature.x}", (Objective("fairness_gap", 0.05),)),
        ("segments: {s: feature.x}, slo: {fairness_gap: 0.2}", (Objective("fairness_gap", 0.2),)),
        ("kind: ranking", ()),
    ],
)
def test_a_model_with_segments_has_an_objective_for_them(
    tmp_path: Path, text: str, objectives: tuple[Objective, ...]
) -> None:
    """The configured one or the default, which is exported as any other; one without segments has none."""
    settings = load(tmp_path, text)
    assert settings.objectives == objectives
    assert settings.fairness_gap == (objectives[0].value if objectives else 0.05)


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        ("segments: {s: 5}", "segments.s", "5 is not a feature, as `feature.NAME`, or an attribute"),
        ("segments: {s: }", "segments.s", "there is no value"),
        ("segments: {s: {bins: []}}", "segments.s.bins", "the list is empty"),
        ("segments: {s: {bins: [30, 18]}}", "segments.s.bins", "do not ascend"),
        ("segments: {s: {bins: [18, a]}}", "segments.s.bins[1]", '"a" is not a number'),
        ("segments: {s: {feature: a, attribute: b}}", "segments.s.attribute", "not both"),
        ("segments: {s: {feture: a}}", "segments.s.feture", "Did you mean feature?"),
        ("segments: {s: feature.a}, privacy: {drop: [feature.a]}", "segments.s", "is dropped by privacy.drop"),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, text: str, path: str, told: str) -> None:
    """With its path and a remedy."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert caught.value.path == f"models.fraud.{path}"
    assert told in str(caught.value)


def test_hashes_have_no_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hashed feature can be a segment of its values, but not of bins."""
    monkeypatch.setenv("MODEL_EXPORTER_HASH_SECRET", "0123456789abcdef")
    assert load(tmp_path, "segments: {s: feature.a}, privacy: {hash: [feature.a]}").segments
    with pytest.raises(ConfigError, match="hashes have no order"):
        load(tmp_path, "segments: {s: {feature: a, bins: [1]}}, privacy: {hash: [feature.a]}")
