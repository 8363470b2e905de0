"""Outcomes kept for the join."""

import sqlite3
from pathlib import Path

import pytest

from model_exporter.batch import Outcome
from model_exporter.join.store import OutcomeStore, StorageError


def outcome(prediction_id: str, *, value: str | float | bool | None = "fraud") -> Outcome:
    """One outcome."""
    return Outcome("m", prediction_id, 5.0, value, (("loss", 1.5),))


def test_outcomes_survive_a_restart(tmp_path: Path) -> None:
    """What was kept is there when the store is opened again."""
    with OutcomeStore(tmp_path / "o.db", limit=10) as store:
        store.keep([("m", outcome("a")), ("m", outcome("b", value=False))], now=1.0)
    with OutcomeStore(tmp_path / "o.db", limit=10) as store:
        assert store.kept == 2
    rows = sqlite3.connect(tmp_path / "o.db").execute("select prediction_id, value, business_values from outcomes")
    assert sorted(rows) == [("a", '"fraud"', '{"loss": 1.5}'), ("b", "false", '{"loss": 1.5}')]


def test_the_last_outcome_of_a_prediction_wins(tmp_path: Path) -> None:
    """A correction replaces what was kept, and counts once."""
    with OutcomeStore(tmp_path / "o.db", limit=10) as store:
        store.keep([("m", outcome("a", value="fraud"))], now=1.0)
        store.keep([("m", outcome("a", value="legit"))], now=2.0)
    assert sqlite3.connect(tmp_path / "o.db").execute("select value from outcomes").fetchall() == [('"legit"',)]


def test_the_oldest_go_when_the_limit_is_hit(tmp_path: Path) -> None:
    """Never more than the limit is held, and what had to go is told."""
    with OutcomeStore(tmp_path / "o.db", limit=3) as store:
        assert store.keep([("m", outcome(name)) for name in "ab"], now=1.0) == 0
        assert store.keep([("m", outcome(name)) for name in "cde"], now=2.0) == 2
        assert store.kept == 3
    kept = sqlite3.connect(tmp_path / "o.db").execute("select prediction_id from outcomes").fetchall()
    assert sorted(kept) == [("c",), ("d",), ("e",)]


def test_a_broken_database_is_set_aside(tmp_path: Path) -> None:
    """Corrupt state never stops a start: it is renamed, and a new store begins."""
    (tmp_path / "o.db").write_text("not a database, but long enough to look like a page of one" * 100)
    with OutcomeStore(tmp_path / "o.db", limit=3) as store:
        store.keep([("m", outcome("a"))], now=1.0)
        assert store.set_aside == tmp_path / "o.corrupt"
        assert store.kept == 1


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(StorageError, match=r"o\.db: cannot open"):
        OutcomeStore(tmp_path / "absent" / "o.db", limit=3)
