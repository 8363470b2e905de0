from pathlib import Path

import pytest

from model_exporter.config.load import load_settings
from model_exporter.config.reference import all_keys, reference
from model_exporter.config.settings import ModelKind, Settings
from model_exporter.config.shape import Key
from model_exporter.config.templates import TEMPLATES

_KEYS = dict(all_keys())
_LEAVES = {
    path: key
    for path, key in _KEYS.items()
    if key.shape.keys is None and key.shape.entries is None and not (key.shape.items and key.shape.items.keys)
}
_DEFAULTS = {path: key for path, key in _LEAVES.items() if key.default and "[]" not in path}
# These examples are files that the reader has yet to make.
_FILES = {"models.NAME.baseline", "privacy.secret_file", "forward.ca_file", "forward.headers.NAME.file"}
_EXAMPLES = {path: key for path, key in _LEAVES.items() if path not in _FILES}


def _document(path: str, value: str) -> str:
    """A file in which `path` has `value` and nothing else is said that need not be, with `x` for every name."""
    listed, _, name = path.partition("[].")
    if name:
        return f"{listed}:\n  - {name}: {value}\n" + ("    path: x\n" if name != "path" else "")
    names = path.replace("NAME", "x").split(".")
    lines = [f"{'  ' * level}{name}:" for level, name in enumerate(names)]
    return "\n".join(lines) + f" {value}\n"


@pytest.mark.parametrize("key", _KEYS.values(), ids=list(_KEYS))
def test_every_key_is_documented(key: Key) -> None:
    """A description is one or more sentences."""
    assert key.description.endswith(".")
    assert key.description[0].isupper()


@pytest.mark.parametrize("path", _KEYS)
def test_the_reference_has_every_key(path: str) -> None:
    """Each key begins a line with its whole path."""
    assert f"\n{path}: " in f"\n{reference()}"


@pytest.mark.parametrize("kind", ModelKind)
def test_the_reference_tells_what_each_kind_brings(kind: ModelKind) -> None:
    """A kind is a template: its metrics are named after it."""
    (section,) = [part for part in reference().split("\nkind ")[1:] if part.startswith(f"{kind.value}\n")]
    words = section.replace("\n", " ").replace(",", " ").replace(".", " ").split()
    assert {metric.name for metric in TEMPLATES[kind].metrics} <= set(words)


def test_the_reference_fits_a_terminal() -> None:
    """No line is longer than 100 columns."""
    assert max(map(len, reference().splitlines())) <= 100


@pytest.mark.parametrize(("path", "key"), _EXAMPLES.items(), ids=list(_EXAMPLES))
def test_every_example_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, key: Key) -> None:
    """The example that error messages give for a key is valid where that key stands."""
    assert key.shape.example
    monkeypatch.setenv("MODEL_EXPORTER_HASH_SECRET", "0123456789abcdef")
    file = tmp_path / "c.yml"
    file.write_text(_document(path, key.shape.example))
    load_settings(file)


@pytest.mark.parametrize(("path", "key"), _DEFAULTS.items(), ids=list(_DEFAULTS))
def test_every_default_that_is_told_is_the_default(tmp_path: Path, path: str, key: Key) -> None:
    """Writing the documented default into the file changes nothing."""
    file = tmp_path / "c.yml"
    file.write_text(_document(path, key.default))
    assert load_settings(file) == Settings()
