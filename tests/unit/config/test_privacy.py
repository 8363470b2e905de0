from pathlib import Path

import pytest

from model_exporter.config.load import load_settings
from model_exporter.config.settings import Privacy, SegmentSource
from model_exporter.errors import ConfigError

VARIABLE = "MODEL_EXPORTER_HASH_SECRET"
SECRET = "correct horse battery"  # noqa: S105  # nobody's
HASHED = "models: {m: {privacy: {hash: [feature.email]}}}"


def load(tmp_path: Path, text: str) -> Privacy:
    """What model `m` conceals."""
    file = tmp_path / "exporter.yml"
    file.write_text(text)
    return load_settings(file).models["m"].privacy


def mistake(tmp_path: Path, text: str) -> ConfigError:
    """What is wrong with the file."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    return caught.value


@pytest.fixture(autouse=True)
def _no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def test_dropping_needs_no_secret(tmp_path: Path) -> None:
    """Features and attributes are named as everywhere."""
    told = load(tmp_path, "models: {m: {privacy: {drop: [feature.ssn, segment.religion]}}}")
    assert told.drop == {(SegmentSource.FEATURE, "ssn"), (SegmentSource.ATTRIBUTE, "religion")}
    assert told.secret == b""


def test_the_secret_comes_from_a_variable_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same secret makes the same key; the end of the file's line is none of it. A file wins."""
    (tmp_path / "hash.key").write_text(f"{SECRET}\n")
    by_file = load(tmp_path, f"privacy: {{secret_file: hash.key}}\n{HASHED}")
    monkeypatch.setenv("OTHER", SECRET)
    by_variable = load(tmp_path, f"privacy: {{secret_variable: OTHER}}\n{HASHED}")
    assert by_file == by_variable
    assert by_file.secret
    assert SECRET.encode() not in by_file.secret
    monkeypatch.setenv(VARIABLE, "another one of sixteen")
    assert load(tmp_path, HASHED).secret != by_file.secret
    assert load(tmp_path, f"privacy: {{secret_file: hash.key}}\n{HASHED}") == by_file


@pytest.mark.parametrize(
    ("text", "path", "told"),
    [
        (HASHED, "models.m.privacy.hash", f"the environment variable {VARIABLE} holds none"),
        (f"privacy: {{secret_file: nowhere}}\n{HASHED}", "privacy.secret_file", "cannot be read (No such file"),
        (f"privacy: {{secret_file: short.key}}\n{HASHED}", "privacy.secret_file", "a secret of 6 bytes"),
        ("models: {m: {privacy: {drop: [ssn]}}}", "models.m.privacy.drop[0]", '"ssn" is not a feature'),
        ("models: {m: {privacy: {drop: [feature.a], hash: [feature.a]}}}", "models.m.privacy.hash", "dropped as well"),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, text: str, path: str, told: str) -> None:
    """And never tells the secret."""
    (tmp_path / "short.key").write_text("sesame")
    found = mistake(tmp_path, text)
    assert found.path == path
    assert told in str(found)
    assert "sesame" not in str(found)


def test_a_short_variable_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short secret can be guessed, and with it every hash."""
    monkeypatch.setenv(VARIABLE, "sesame")
    found = mistake(tmp_path, HASHED)
    assert "which can be guessed" in str(found)
    assert "sesame" not in str(found)
