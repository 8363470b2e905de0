import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model_exporter.baseline import csv_rows, json_rows
from model_exporter.baseline.model import FeatureType
from model_exporter.baseline.tables import Table, read_tables, total_bytes
from model_exporter.batch import Column, Kind, Role
from model_exporter.errors import BaselineError


def _cells(column: Column) -> list[object]:
    """The cells as Python values; missing and nested ones by the name of their kind."""
    cells: list[object] = []
    for row, kind in enumerate(column.kinds.tolist()):
        if kind == Kind.NUMBER:
            cells.append(float(column.numbers[row]))
        elif kind == Kind.BOOLEAN:
            cells.append(bool(column.numbers[row]))
        elif kind == Kind.TEXT:
            assert column.texts is not None
            cells.append(column.texts.words[column.texts.codes[row]])
        else:
            cells.append(kind)
    return cells


def _contents(table: Table) -> dict[str, list[object]]:
    assert all(len(column.kinds) == table.rows for column in table.columns)
    return {column.name: _cells(column) for column in table.columns}


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """Where a CSV file is to be."""
    return tmp_path / "rows.csv"


@pytest.fixture
def json_file(tmp_path: Path) -> Path:
    """Where a file of JSON lines is to be."""
    return tmp_path / "rows.jsonl"


def _write_records(path: Path, records: Sequence[object]) -> Path:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def test_csv_cells_mean_what_their_column_means(csv_file: Path) -> None:
    """Numbers, booleans, codes with leading zeros and words, with empty cells in between."""
    csv_file.write_text("amount,new,zip,note\n1.5,true,01067,a\n,FALSE,80331,\n-2e3,True,80331,3\n")
    assert _contents(read_tables([csv_file])) == {
        "amount": [1.5, Kind.NULL, -2000.0],
        "new": [True, False, True],
        "zip": ["01067", "80331", "80331"],
        "note": ["a", Kind.NULL, "3"],
    }


def test_a_few_words_among_numbers_do_not_make_them_text(csv_file: Path) -> None:
    """One per cent of mistakes stay text, to be counted as such, and the numbers are numbers."""
    csv_file.write_text("amount\n" + "1.5\n" * 99 + "oops\n")
    assert _contents(read_tables([csv_file]))["amount"] == [1.5] * 99 + ["oops"]


def test_a_word_late_in_the_file_keeps_the_texts_before_it(csv_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a column is shows at its end: 1.10 and 1.1 are different versions once 1.x has come."""
    monkeypatch.setattr(csv_rows, "_CHUNK_ROWS", 2)
    csv_file.write_text("release\n1.10\n1.1\n1.x\n")
    assert _contents(read_tables([csv_file]))["release"] == ["1.10", "1.1", "1.x"]


def test_a_configured_category_keeps_its_texts(csv_file: Path) -> None:
    """A column of digits that is declared categorical is not turned into numbers and back."""
    csv_file.write_text("release,flag\n1.10,True\n1.9,False\n")
    types = {"release": FeatureType.CATEGORICAL, "flag": FeatureType.IDENTIFIER}
    assert _contents(read_tables([csv_file], types=types)) == {"release": ["1.10", "1.9"], "flag": ["True", "False"]}


def test_texts_for_missing_values_are_missing(csv_file: Path) -> None:
    """They are per column, and do not keep the rest of the column from being numbers."""
    csv_file.write_text("amount,note\n-999,-999\n2,x\n")
    found = _contents(read_tables([csv_file], missing={"amount": frozenset({"-999"})}))
    assert found == {"amount": [Kind.NULL, 2.0], "note": ["-999", "x"]}


def test_csv_quotes_and_byte_order_mark_are_understood(csv_file: Path) -> None:
    """Quoted cells may hold commas and line breaks; a spreadsheet's first bytes are no part of a name."""
    csv_file.write_bytes('\ufeff"a", b\r\n"x, y"," z"\r\n"l\nm",2\r\n\r\n'.encode())
    assert _contents(read_tables([csv_file])) == {"a": ["x, y", "l\nm"], "b": [" z", "2"]}


def test_a_column_without_a_name_is_left_out(csv_file: Path) -> None:
    """A data frame's index has none."""
    csv_file.write_text(",amount\n0,1\n1,2\n")
    assert _contents(read_tables([csv_file])) == {"amount": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "rows.csv: is empty"),
        (b"a,b\n1,2\n3\n", "rows.csv: line 3: has 1 cells, and the first line names 2 columns"),
        (b"a,b\n1,2\n3,4,5\n", "rows.csv: line 3: has 3 cells"),
        (b'a\n"x"y\n', "rows.csv: line 2: is not CSV"),
        (b'a\n"x\n', "rows.csv: line 2: is not CSV"),
        (b"a\n\xff\n", "rows.csv: line 2: is not text in UTF-8"),
        (b"a,b,a\n1,2,3\n", "rows.csv: line 1: two columns are called 'a'"),
        (b"a;b\n1;2\n", "rows.csv: line 1: the columns are not separated by commas"),
        (b"a\n" + b"x" * 200_000 + b"\n", "rows.csv: line 2: is not CSV: field larger"),
        (b"a,b\n", "there are no rows"),
    ],
)
def test_a_broken_csv_file_is_named_with_its_line(csv_file: Path, text: bytes, message: str) -> None:
    """The error tells where to look."""
    csv_file.write_bytes(text)
    with pytest.raises(BaselineError, match=message):
        read_tables([csv_file])


def test_json_lines_are_rows(json_file: Path) -> None:
    """Each kind of value, absent keys, NaN as Python writes it, and an array of records on one line."""
    json_file.write_text('{"a": 1, "b": "x"}\n\n[{"a": NaN, "c": null}, {"a": true, "b": [1]}]\n{"a": 1e999}\n')
    found = _contents(read_tables([json_file]))
    assert found["b"] == ["x", Kind.ABSENT, Kind.NESTED, Kind.ABSENT]
    assert found["c"] == [Kind.ABSENT, Kind.NULL, Kind.ABSENT, Kind.ABSENT]
    assert str(found["a"]) == "[1.0, nan, True, inf]"


def test_prediction_records_are_understood(json_file: Path) -> None:
    """The native record: features as a map, outputs beside it, and everything else is bookkeeping."""
    record = {
        "model": "fraud",
        "prediction_id": "p1",
        "features": {"amount": 9.5, "card": {"age": 3}},
        "prediction": "ok",
        "probabilities": {"ok": 0.75, "fraud": 0.25},
        "timestamp": "2025-11-23T00:00:00Z",
        "host": "a",
    }
    table = read_tables([_write_records(json_file, [record, record | {"timestamp": "2025-11-24T00:00:00Z"}])])
    assert {(c.name, c.role.value): _cells(c)[0] for c in table.columns} == {
        ("amount", "input"): 9.5,
        ("card.age", "input"): 3.0,
        ("prediction", "output"): "ok",
        ("probabilities.ok", "output"): 0.75,
        ("probabilities.fraud", "output"): 0.25,
    }
    assert (table.span_seconds, table.time, table.ignored) == (
        86_400.0,
        "timestamp",
        ("model", "prediction_id", "host"),
    )


def test_features_and_probabilities_may_be_arrays(json_file: Path) -> None:
    """They are named by position, and one probability alone is the score."""
    found = _contents(read_tables([_write_records(json_file, [{"features": [1, 2], "probabilities": [0.1, 0.9]}])]))
    assert found == {"0": [1.0], "1": [2.0], "probabilities.0": [0.1], "probabilities.1": [0.9]}
    assert _contents(read_tables([_write_records(json_file, [{"a": 1, "probabilities": 0.9}])]))["score"] == [0.9]


def test_a_plain_name_wins_over_a_nested_one(json_file: Path) -> None:
    """`feature.amount` beside `features` is the amount, as for records that come in live."""
    found = _contents(read_tables([_write_records(json_file, [{"features": {"amount": 1}, "feature.amount": 2}])]))
    assert found == {"amount": [2.0]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"a": 1}\n{"a": \n', "rows.jsonl: line 2: is not a JSON record"),
        (b"[1]\n", "rows.jsonl: line 1: is not a JSON record: a record is an object"),
        (b'{"a": "\xff"}\n', "rows.jsonl: line 1: is not a JSON record"),
        (b"{\n", "rows.jsonl: line 1: is not a JSON record"),
        (b'{"a":' * 100_000 + b"\n", "rows.jsonl: line 1: is not a JSON record"),
        (b"\n", "there are no rows"),
    ],
)
def test_a_broken_json_line_is_named(json_file: Path, text: bytes, message: str) -> None:
    """The error tells where to look."""
    json_file.write_bytes(text)
    with pytest.raises(BaselineError, match=message):
        read_tables([json_file])


def test_a_chunk_without_a_key_leaves_it_absent(json_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns that come late or end early are as long as the others."""
    monkeypatch.setattr(json_rows, "_CHUNK_ROWS", 2)
    records = [{"a": "x"}, {"a": "y"}, {"b": 1}, {"b": 2}, {"a": "x", "b": 3}]
    found = _contents(read_tables([_write_records(json_file, records)]))
    assert found == {
        "a": ["x", "y", Kind.ABSENT, Kind.ABSENT, "x"],
        "b": [Kind.ABSENT, Kind.ABSENT, 1.0, 2.0, 3.0],
    }


def test_parquet_columns_are_read_by_their_types(tmp_path: Path) -> None:
    """Numbers of any kind, booleans, texts, categories and times, with nulls."""
    path = tmp_path / "rows.parquet"
    table = {
        "int": pa.array([1, None, 3], pa.int64()),
        "float": pa.array([0.5, None, 2.5], pa.float32()),
        "decimal": pa.array([None, None, 1], pa.decimal128(5, 2)),
        "bool": pa.array([True, None, False]),
        "text": pa.array(["a", "", None]),
        "category": pa.array(["x", None, "y"]).dictionary_encode(),
        "day": pa.array([None, 0, 1], pa.date32()),
        "clock": pa.array([0, 1_000, None], pa.time32("ms")),
        "blob": pa.array([b"1", None, b"2"]),
        "list": pa.array([[1], None, []], pa.list_(pa.int64())),
        "null": pa.nulls(3),
    }
    pq.write_table(pa.table(table), path)
    null, nested = Kind.NULL, Kind.NESTED
    assert _contents(read_tables([path])) == {
        "int": [1.0, null, 3.0],
        "float": [0.5, null, 2.5],
        "decimal": [null, null, 1.0],
        "bool": [True, null, False],
        "text": ["a", null, null],
        "category": ["x", null, "y"],
        "day": [null, 0.0, 86_400.0],
        "clock": ["00:00:00.000", "00:00:01.000", null],
        "blob": [nested, null, nested],
        "list": [nested, null, nested],
        "null": [null, null, null],
    }


def test_nested_parquet_is_read_like_nested_json(tmp_path: Path) -> None:
    """A struct of features, a map of probabilities, and a timestamp that gives the span."""
    path = tmp_path / "rows.parquet"
    table = {
        "features": pa.array([{"amount": 1.5, "country": "DE"}, {"amount": 2.5, "country": None}]),
        "probabilities": pa.array([[("yes", 0.25)], [("no", 0.75)]], pa.map_(pa.string(), pa.float64())),
        "timestamp": pa.array([1_763_873_980_000, 1_763_873_990_000], pa.timestamp("ms", "UTC")),
    }
    pq.write_table(pa.table(table), path)
    read = read_tables([path])
    assert _contents(read) == {
        "amount": [1.5, 2.5],
        "country": ["DE", Kind.NULL],
        "probabilities.yes": [0.25, Kind.NULL],
        "probabilities.no": [Kind.NULL, 0.75],
    }
    assert read.span_seconds == 10.0


def test_damaged_parquet_is_one_error(tmp_path: Path) -> None:
    """The file is named."""
    path = tmp_path / "rows.parquet"
    path.write_bytes(b"PAR1 not at all")
    with pytest.raises(BaselineError, match=r"rows\.parquet: cannot be read as Parquet"):
        read_tables([path])


def test_without_pyarrow_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet is an extra; the error says how to get it."""
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, "model_exporter.baseline.parquet_rows", raising=False)
    with pytest.raises(BaselineError, match=r"pip install 'model_exporter\[parquet\]'"):
        read_tables([path])


def test_files_of_all_kinds_are_read_one_after_another(tmp_path: Path) -> None:
    """Compressed or not; a column that a file lacks is absent from its rows."""
    rows, more, parquet = tmp_path / "a.csv.gz", tmp_path / "b.json.gz", tmp_path / "c.parquet"
    rows.write_bytes(gzip.compress(b"a,b\n1,x\n"))
    more.write_bytes(gzip.compress(b'{"a": 2}\n'))
    pq.write_table(pa.table({"b": ["y"]}), parquet)
    found = _contents(read_tables([rows, more, parquet]))
    assert found == {"a": [1.0, 2.0, Kind.ABSENT], "b": ["x", Kind.ABSENT, "y"]}


@pytest.mark.parametrize("cut", [5, 30, -4])
def test_a_cut_gzip_file_is_one_error(tmp_path: Path, cut: int) -> None:
    """Wherever the transfer broke off."""
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"a,b\n" + b"1,x\n" * 1_000)[:cut])
    with pytest.raises(BaselineError, match=r"a\.csv\.gz: is not whole as gzip"):
        read_tables([path])


@pytest.mark.parametrize(
    ("name", "message"), [("rows.xlsx", "of no known kind"), ("none.csv", "No such file"), ("folder.csv", "directory")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, message: str) -> None:
    """An unknown kind, a missing file, a folder."""
    (tmp_path / "rows.xlsx").write_bytes(b"PK")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(BaselineError, match=f"{name}: .*{message}"):
        read_tables([tmp_path / name])


def test_progress_ends_at_the_size_of_all_files(tmp_path: Path, csv_file: Path, json_file: Path) -> None:
    """It never falls, counts compressed bytes, and ends at the total."""
    csv_file.write_text("a\n" + "1\n" * 300_000)
    zipped, parquet = tmp_path / "z.jsonl.gz", tmp_path / "p.parquet"
    zipped.write_bytes(gzip.compress(b'{"a": 1}\n' * 10))
    pq.write_table(pa.table({"a": np.arange(200_000)}), parquet)
    paths = [csv_file, zipped, parquet, _write_records(json_file, [{"a": 1}])]
    seen: list[int] = []
    read_tables(paths, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == total_bytes(paths)
    assert len(set(seen)) > len(paths)


def test_roles_and_times_can_be_told(csv_file: Path) -> None:
    """Outputs, columns to ignore and the column of times by the user's names."""
    csv_file.write_text("seconds,a,b,yhat\n0,1,2,3\n60,1,2,3\n")
    table = read_tables([csv_file], outputs=["yhat"], ignore=["b"], time="seconds")
    assert [(c.name, c.role) for c in table.columns] == [("a", Role.INPUT), ("yhat", Role.OUTPUT)]
    assert (table.span_seconds, table.time, table.ignored) == (60.0, "seconds", ("b",))
    assert table.times is not None
    assert table.times.tolist()[-1] - table.times.tolist()[0] == 60.0


def test_a_time_that_is_no_time_stays_a_feature(csv_file: Path) -> None:
    """A column called time with small numbers is a duration; without a time there is no span."""
    csv_file.write_text("time,a\n0.5,1\n0.7,2\n")
    table = read_tables([csv_file])
    assert ([c.name for c in table.columns], table.span_seconds, table.times) == (["time", "a"], None, None)


@pytest.mark.parametrize(("time", "message"), [("when", "no column 'when'.*a, b"), ("b", "does not hold times")])
def test_a_told_time_must_be_one(csv_file: Path, time: str, message: str) -> None:
    """A mistyped name or a column of words is an error, not a missing span."""
    csv_file.write_text("a,b\n1,x\n")
    with pytest.raises(BaselineError, match=message):
        read_tables([csv_file], time=time)


def test_two_columns_for_one_feature_are_refused(csv_file: Path) -> None:
    """`feature.a` and `features.a` cannot both be the feature a."""
    csv_file.write_text("feature.a,features.a\n1,2\n")
    with pytest.raises(BaselineError, match="two columns stand for input 'a'"):
        read_tables([csv_file])
