"""Log files in a configuration file, and on the command line."""

from pathlib import Path

import pytest

from model_exporter.config.files import parse_log_files
from model_exporter.config.load import load_settings
from model_exporter.config.settings import LogFiles
from model_exporter.errors import ConfigError

FILES = """
mappings:
  acme: {fields: {model: m, features: x, prediction: y}}
files:
  - path: logs/*.jsonl
  - {path: /var/log/acme.log, mapping: acme, model: fraud, version: "2", start: end}
"""


def _load(tmp_path: Path, text: str) -> tuple[LogFiles, ...]:
    file = tmp_path / "exporter.yml"
    file.write_text(text, "utf-8")
    return load_settings(file).files


def test_files_are_relative_to_the_configuration(tmp_path: Path) -> None:
    """The label is what the author wrote."""
    assert _load(tmp_path, FILES) == (
        LogFiles(pattern="logs/*.jsonl", glob=str(tmp_path / "logs/*.jsonl")),
        LogFiles("/var/log/acme.log", "/var/log/acme.log", mapping="acme", model="fraud", version="2", from_end=True),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("files: [{path: a, mapping: kservee}]", "Did you mean kserve?"),
        ("files: [{path: a}, {path: a, model: m}]", "listed twice"),
        ("files: [{mapping: kserve}]", "the key path is missing"),
        ("files: [{path: a, start: middle}]", "not one of beginning, end"),
        ("files: a", "is not a list"),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, text: str, told: str) -> None:
    """With the way to mend it."""
    with pytest.raises(ConfigError, match=r"files") as mistake:
        _load(tmp_path, text)
    assert told in str(mistake.value)


def test_a_flag_may_name_a_mapping() -> None:
    """Whatever stands before the first `=`, unless it looks like a path."""
    named, plain, odd = parse_log_files(["kserve=/a/*.log", "/b/c=d", "x.log"], ["kserve"])
    assert (named.mapping, named.pattern, named.glob) == ("kserve", "/a/*.log", "/a/*.log")
    assert (plain.mapping, plain.pattern) == ("", "/b/c=d")
    assert (odd.mapping, odd.glob) == ("", str(Path.cwd() / "x.log"))


def test_a_flag_with_an_unknown_mapping_is_a_mistake() -> None:
    """It is told like one of the file."""
    with pytest.raises(ConfigError, match=r'--logs.file: there is no mapping "kservee"'):
        parse_log_files(["kservee=/a/*.log"], ["kserve"])
