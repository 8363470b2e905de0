"""`model_exporter mapping`."""

import gzip
import io
import json
from pathlib import Path

import pytest

from model_exporter.cli import run
from model_exporter.mapping import FIELDS, built_in_mappings
from model_exporter.mapping.filters import FILTERS

Capture = pytest.CaptureFixture[str]

CONFIG = """
mappings:
  acme:
    when: [{kind: scored}]
    fields: {model: m, features: "x[*]", prediction: "y[*]"}
"""
GOOD = {"kind": "scored", "m": "fraud", "x": [{"a": 1}, {"a": 2}], "y": [0, 1]}
BAD = {**GOOD, "y": [1]}


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration with a mapping, as the flag that names it."""
    file = tmp_path / "exporter.yml"
    file.write_text(CONFIG, "utf-8")
    return f"--config.file={file}"


def lines(*records: object) -> str:
    """JSON lines."""
    return "".join(f"{json.dumps(record)}\n" for record in records)


def test_try_shows_what_becomes_of_each_record(capsys: Capture, tmp_path: Path, config: str) -> None:
    """Rows of those that are taken, reasons of the others, and a sum; exit code 1 says that some are refused."""
    file = tmp_path / "log.jsonl"
    file.write_text(lines(GOOD, BAD, {"model": "own", "prediction": 1}), "utf-8")
    assert run(["mapping", "try", str(file), config]) == 1
    told = capsys.readouterr().out
    assert 'line 1: mapped by acme, 2 rows\n    {"model":"fraud","features":{"a":1},"prediction":0}' in told
    assert "line 2: refused by acme\n    row_mismatch: " in told
    assert "line 3: native\n    acme takes records where `kind` is 'scored'" in told
    assert told.endswith("3 records: 1 mapped, 1 native, 1 refused; 2 rows\n")


def test_try_shows_only_some_of_many(capsys: Capture, tmp_path: Path, config: str) -> None:
    """All are counted; nothing refused is exit code 0."""
    file = tmp_path / "log.jsonl.gz"
    file.write_bytes(gzip.compress(lines(*[GOOD] * 30).encode()))
    assert run(["mapping", "try", str(file), "--show", "3", config]) == 0
    told = capsys.readouterr().out
    assert told.count("mapped by acme") == 3
    assert "30 records: 30 mapped; 60 rows" in told


def test_try_reads_standard_input_and_writes_json(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, config: str
) -> None:
    """A JSON object a record, for programs."""
    document = json.dumps([GOOD, BAD], indent=2).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\n" + document)))
    assert run(["mapping", "try", "-", "--format", "json", "--mapping", "acme", config]) == 1
    good, bad = map(json.loads, capsys.readouterr().out.splitlines())
    assert (good["where"], good["fate"], len(good["rows"])) == ("record 1", "mapped", 2)
    assert bad["refusals"][0]["reason"] == "row_mismatch"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["try", "{folder}/nothing.jsonl"], "No such file"),
        (["try", "{folder}/empty.jsonl"], "there is no record in it"),
        (["try", "{folder}/empty.jsonl", "--mapping", "kserv"], "Did you mean kserve?"),
        (["show", "kserv"], "Did you mean kserve?"),
        (["try"], "Missing argument"),
    ],
)
def test_misuse_is_told_in_one_line(capsys: Capture, tmp_path: Path, arguments: list[str], complaint: str) -> None:
    """What cannot be tried is no record refused: a missing file is a failure, the rest exit code 2."""
    (tmp_path / "empty.jsonl").write_text("\n\n", "utf-8")
    code = run(["mapping", *(argument.format(folder=tmp_path) for argument in arguments)])
    assert code == (1 if "No such" in complaint else 2)
    (line,) = capsys.readouterr().err.splitlines()
    assert complaint in line


def test_list_names_all_in_their_order(capsys: Capture, config: str) -> None:
    """Those of the file first."""
    assert run(["mapping", "list", config]) == 0
    _, first, *rest = capsys.readouterr().out.splitlines()
    assert first.split() == ["acme", "records", "prediction", "file", "`kind`", "is", "'scored'"]
    assert {line.split()[0] for line in rest} == set(built_in_mappings())


@pytest.mark.parametrize("name", [*built_in_mappings(), "acme"])
def test_show_prints_what_may_be_written_in_a_file(capsys: Capture, tmp_path: Path, config: str, name: str) -> None:
    """What is shown, put under `mappings:`, is a valid configuration."""
    assert run(["mapping", "show", name, config]) == 0
    text = capsys.readouterr().out
    own = tmp_path / "own.yml"
    own.write_text("mappings:\n" + "".join(f"  {line}\n" for line in text.splitlines()), "utf-8")
    assert run(["check-config", str(own)]) == 0


def test_the_help_teaches_the_whole_language(capsys: Capture) -> None:
    """Every field and filter there is."""
    assert run(["mapping", "--help"]) == 0
    words = set(capsys.readouterr().out.translate(str.maketrans(":,.", "   ")).split())
    assert set(FIELDS) | set(FILTERS) <= words


def test_progress_is_for_large_files_on_a_terminal(
    capsys: Capture, tmp_path: Path, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes to standard error, so that what is told can go to a file."""
    file = tmp_path / "log.jsonl"
    file.write_text(lines(*[GOOD] * 50), "utf-8")
    monkeypatch.setattr("model_exporter.cli.mapping._SHOWS_PROGRESS", 1)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert run(["mapping", "try", str(file), config]) == 0
    assert "Reading" in capsys.readouterr().err
