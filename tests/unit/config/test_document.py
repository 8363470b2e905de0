from collections.abc import Mapping
from pathlib import Path

import pytest

from model_exporter.config.document import MAX_VALUES, Node, join, read_document
from model_exporter.errors import ConfigError


def _plain(node: Node) -> object:
    """The document without its marks."""
    if isinstance(node.value, Mapping):
        return {key: _plain(child) for key, child in node.value.items()}
    return [_plain(item) for item in node.value] if isinstance(node.value, tuple) else node.value


def _read(tmp_path: Path, text: str | bytes) -> Node:
    file = tmp_path / "config.yml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(file)


def _mistake(tmp_path: Path, text: str | bytes) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        _read(tmp_path, text)
    assert caught.value.file == str(tmp_path / "config.yml")
    return caught.value


@pytest.mark.parametrize("text", ["", "# only a comment\n", "\ufeff", "---\n"])
def test_an_empty_file_holds_nothing(tmp_path: Path, text: str) -> None:
    """No content, comments alone and a byte order mark are an empty document."""
    assert not _read(tmp_path, text).value


def test_scalars_are_read_as_yaml_1_1_reads_them(tmp_path: Path) -> None:
    """Numbers, booleans, null and text have their YAML types."""
    assert _plain(_read(tmp_path, "[1, 1.5, true, no, null, ~, text, '1']")) == [
        1,
        1.5,
        True,
        False,
        None,
        None,
        "text",
        "1",
    ]


@pytest.mark.parametrize("text", ["2024-01-15", "2024-13-45", "0b_", "=", "2024-01-15T10:00:00Z"])
def test_dates_and_near_numbers_are_text_as_written(tmp_path: Path, text: str) -> None:
    """A version called 2024-01-15 stays what its author wrote; YAML 1.2 has no dates either."""
    assert _read(tmp_path, text).value == text


@pytest.mark.parametrize("key", ["1", "no", "null", "2024-01-15", "1.10", "0x10"])
def test_keys_are_names_as_written(tmp_path: Path, key: str) -> None:
    """A feature called `no` or `1` needs no quotes: a key is always text."""
    assert _plain(_read(tmp_path, f"{key}: 5")) == {key: 5}


def test_each_value_knows_where_it_stands(tmp_path: Path) -> None:
    """A node has its path, its line from 1, and how it was written."""
    root = _read(tmp_path, "models:\n  fraud:\n    tier: 0x2\n    list: [a, b]\n")
    tier = root.find("models", "fraud", "tier")
    assert (tier.path, tier.line, tier.value, tier.written) == ("models.fraud.tier", 3, 2, "0x2")
    items = root.find("models", "fraud", "list").value
    assert isinstance(items, tuple)
    assert isinstance(items[1], Node)
    assert items[1].path == "models.fraud.list[1]"


def test_a_path_that_is_not_there_leads_to_the_nearest_value(tmp_path: Path) -> None:
    """A mistake about a missing key is told at the mapping that should have it."""
    root = _read(tmp_path, "models: {fraud: {}}")
    assert root.find("models", "fraud", "learn", "rows").path == "models.fraud"


@pytest.mark.parametrize(
    ("key", "path"),
    [("a-b_1", "x.a-b_1"), ("a.b", 'x["a.b"]'), ('"', 'x["\\""]'), ("", 'x[""]'), ("a\nb", 'x["a\\nb"]')],
)
def test_unusual_keys_are_quoted_in_paths(key: str, path: str) -> None:
    """A dot in a feature's name cannot be taken for a level, and no path breaks a line."""
    assert join("x", key) == path


def test_a_key_given_twice_is_told_with_both_lines(tmp_path: Path) -> None:
    """PyYAML silently keeps the last of two equal keys (yaml/pyyaml#165); here a model listed twice is an error."""
    mistake = _mistake(tmp_path, "models:\n  fraud: {}\n  other: {}\n  'fraud': {}\n")
    assert (mistake.path, mistake.line) == ("models.fraud", 4)
    assert "twice, on lines 2 and 4" in str(mistake)


def test_keys_that_differ_only_by_type_are_the_same_name(tmp_path: Path) -> None:
    """`1` and `"1"` would be two keys to YAML and are one name to us."""
    assert "twice" in str(_mistake(tmp_path, "1: a\n'1': b\n"))


def test_merged_keys_may_be_overridden(tmp_path: Path) -> None:
    """`<<` brings defaults that the mapping's own keys replace; an alias to the result works as well."""
    text = "base: &base {a: 1, b: 1}\none: &one\n  <<: *base\n  b: 2\ntwo: *one\n"
    assert _plain(_read(tmp_path, text)) == {"base": {"a": 1, "b": 1}, "one": {"a": 1, "b": 2}, "two": {"a": 1, "b": 2}}


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: [1\nb: 2\n", 2, 2),
        ("a:\n\t- b\n", 2, 1),
        ("a: 1\n---\nb: 2\n", 2, 1),
        ("a: *x\n", 1, 4),
        ("a: b: c\n", 1, 5),
    ],
)
def test_broken_yaml_is_told_with_line_and_column(tmp_path: Path, text: str, line: int, column: int) -> None:
    """An open bracket, a tab, a second document, an unknown alias: the place is named, both from 1."""
    mistake = _mistake(tmp_path, text)
    assert mistake.line == line
    assert f"at line {line}, column {column}" in mistake.problem


def test_a_control_character_is_told_with_its_place(tmp_path: Path) -> None:
    """YAML forbids NUL; the message says which character stands where."""
    assert "at line 2, column 4: the character U+0000" in str(_mistake(tmp_path, "a: 1\nb: \0x\n"))


def test_other_encodings_are_refused(tmp_path: Path) -> None:
    """Latin-1 is not guessed at."""
    assert "byte 3 is not UTF-8" in str(_mistake(tmp_path, b"a: \xe9\n"))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(ConfigError, match=r"absent\.yml: the file does not exist"):
        read_document(tmp_path / "absent.yml")


def test_a_file_that_is_no_file_is_told(tmp_path: Path) -> None:
    """A folder cannot be read, and the system's reason is given."""
    with pytest.raises(ConfigError, match="cannot be read"):
        read_document(tmp_path)


@pytest.mark.parametrize(
    "text", ["a: !!python/object/apply:os.system [ls]", "a: !secret x", "a: !!set {b}", "!!binary aGk="]
)
def test_tags_are_refused(tmp_path: Path, text: str) -> None:
    """No tag makes an object."""
    assert "is not supported" in str(_mistake(tmp_path, text))


@pytest.mark.parametrize("text", ["[" * 100 + "]" * 100, "[" * 100_000, "&a [*a]"])
def test_endless_nesting_is_refused(tmp_path: Path, text: str) -> None:
    """Deep brackets and an alias to itself end in one error, not in a crash."""
    assert "nested too deeply" in str(_mistake(tmp_path, text))


def test_aliases_cannot_expand_without_end(tmp_path: Path) -> None:
    """Nine lists of nine aliases each would be nine to the power of nine values (the "billion laughs")."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert MAX_VALUES < 9**9
    assert "too many values" in str(_mistake(tmp_path, "\n".join(lines)))


def test_a_key_must_be_a_scalar(tmp_path: Path) -> None:
    """`? [a]` is YAML and no name."""
    assert "a key is not a scalar" in str(_mistake(tmp_path, "? [a]\n: 1\n"))


def test_only_mappings_can_be_merged(tmp_path: Path) -> None:
    """`<<: 3` is told with its place."""
    assert "expected a mapping" in str(_mistake(tmp_path, "<<: 3"))
