"""Mappings in a configuration file."""

from pathlib import Path

import pytest

from model_exporter.config.load import load_settings
from model_exporter.config.settings import Settings
from model_exporter.errors import ConfigError
from model_exporter.mapping import built_in_mappings, with_built_in

PLAIN = """
mappings:
  acme:
    when: [{kind: scored}]
    fields:
      model: body.model
      features: body.x[*]
      prediction: {path: "body.y[*]"}
"""


def _load(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "exporter.yml"
    file.write_text(text, "utf-8")
    return load_settings(file)


def test_a_mapping_of_the_file_reads_records(tmp_path: Path) -> None:
    """What the file says is compiled, and tried before what is built in."""
    own = _load(tmp_path, PLAIN).mappings
    assert own["acme"].rows({"body": {"model": "m", "x": [{"a": 1}], "y": [2]}}) == [
        {"model": "m", "features": {"a": 1}, "prediction": 2}
    ]
    assert list(with_built_in(own)) == ["acme", *built_in_mappings()]


def test_a_mapping_of_the_same_name_replaces_the_built_in_one(tmp_path: Path) -> None:
    """Nobody has to wait for a release to mend one."""
    own = _load(tmp_path, PLAIN.replace("acme", "kserve")).mappings
    assert with_built_in(own)["kserve"] is own["kserve"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("body.model", "body..model", r"exporter.yml:6: mappings.acme.fields.model: .* at column 6"),
        ("model:", "modle:", r"mappings.acme.fields.modle: there is no native field 'modle'. Did you mean model"),
        ("body.x[*]", "body.x|jsn[*]", r"mappings.acme.fields.features: .*did you mean json"),
        ("acme", '"a b"', r"cannot be the name of a mapping"),
        ("when: [{kind: scored}]", "event: vote", r"mappings.acme.event: 'vote' is no kind of record"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    """File, line, path, value and remedy."""
    with pytest.raises(ConfigError, match=complaint):
        _load(tmp_path, PLAIN.replace(old, new, 1))
