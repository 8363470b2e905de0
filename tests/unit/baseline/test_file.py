import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from baselines import baseline, column
from model_exporter.baseline.build import build_baseline
from model_exporter.baseline.file import read_baseline, write_baseline
from model_exporter.baseline.model import Baseline, FeatureType
from model_exporter.batch import Role
from model_exporter.errors import BaselineError

Content = dict[str, Any]  # a baseline file as JSON


def _sample() -> Baseline:
    """One feature of each type; amount is the first, country the second."""
    return baseline(
        column([float(index % 50) for index in range(200)], "amount"),
        column(["DE", "AT", "_x", "DE"] * 49 + ["FR", "FR", "IT", None], "country"),
        column([True, False] * 100, "new"),
        column([f"session {index}" for index in range(200)], "session"),
        column([0.25, 0.75] * 100, "score", Role.OUTPUT),
    )


def _seasonal() -> Baseline:
    """Two features over eight days: amount differs by the hour, age does not."""
    rng = np.random.default_rng(1)
    times = 1_764_000_000.0 + np.sort(rng.random(50_000)) * 8 * 86_400
    wave = np.sin(2 * np.pi * times / 86_400)
    return build_baseline(
        [column((rng.normal(size=50_000) + wave).tolist(), "amount"), column(rng.normal(size=50_000).tolist(), "age")],
        model="fraud",
        created=0.0,
        source="log.csv",
        span_seconds=8 * 86_400.0,
        times=times,
    )


def _write(path: Path, content: Content) -> None:
    """Write `content` with the checksum that the format asks for, which is computed here anew from its description."""
    content.pop("checksum", None)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    path.write_text(json.dumps({**content, "checksum": f"sha256:{sha256(canonical.encode()).hexdigest()}"}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A baseline file."""
    path = tmp_path / "fraud.json"
    write_baseline(_sample(), path)
    return path


@pytest.fixture
def content(path: Path) -> Content:
    """What the file holds."""
    parsed: Content = json.loads(path.read_text())
    return parsed


def test_a_baseline_comes_back_as_it_was(path: Path) -> None:
    """Everything survives the file, the digest too."""
    assert read_baseline(path) == _sample()
    assert read_baseline(path).digest == _sample().digest


def test_seasons_and_dependence_come_back_as_they_were(tmp_path: Path) -> None:
    """With them too the baseline and its digest are the same, and a bin is still a line."""
    path = tmp_path / "x.json"
    write_baseline(_seasonal(), path)
    read = read_baseline(path)
    assert read == _seasonal()
    assert read.digest == _seasonal().digest
    assert [feature.seasons is not None for feature in read.features] == [True, False]
    assert re.search(r'\{"bin": "00", .*"by_season": \[\d.*\d\]\}', path.read_text())
    assert re.search(r'\{"kind": "hour_of_day", "season_of_hour": \[0, 1, .*\], "rows": \[.*\]\}', path.read_text())


def test_a_file_from_before_seasons_is_read(path: Path, content: Content) -> None:
    """What was not measured is not in the file: neither seasons nor dependence, and no null instead of them."""
    assert "seasons" not in content
    assert not any({"phi", "rho", "wave", "seasons"} & set(feature) for feature in content["features"])
    assert not any("by_season" in bin_ for bin_ in content["features"][0]["bins"])
    read = read_baseline(path)
    assert read.seasons == ()
    assert {(f.phi, f.rho, f.wave, f.seasons) for f in read.features} == {(None, None, None, None)}


def test_a_file_from_before_waves_is_read(tmp_path: Path) -> None:
    """It has phi and no wave, and the baseline that it had: a wave alone is what the digest tells them apart by."""
    path = tmp_path / "x.json"
    whole = _seasonal()
    old = replace(whole, features=tuple(replace(feature, wave=None) for feature in whole.features))
    write_baseline(old, path)
    assert "wave" not in path.read_text()
    assert read_baseline(path) == old
    assert old.digest != whole.digest


@pytest.mark.parametrize("value", [1.7976931348623157e308, -1.7976931348623157e308, 5e-324, 0.1, -0.0])
def test_floats_come_back_to_the_last_bit(tmp_path: Path, value: float) -> None:
    """Extreme values survive, the smallest float too, under which the first edge is minus infinity."""
    written = baseline(column([value] * 6 + [1.0] * 6))
    write_baseline(written, tmp_path / "x.json")
    assert read_baseline(tmp_path / "x.json") == written


def test_names_of_any_kind_come_back(tmp_path: Path) -> None:
    """Quotes, line breaks, other scripts and halves of surrogate pairs are escaped where they must be."""
    names = ['a "b"\n', "日本語", "\ud800", "\u202e", "x\x00y"]
    written = baseline(*(column(["ü\n", "b"] * 5, name) for name in names))
    write_baseline(written, tmp_path / "x.json")
    assert read_baseline(tmp_path / "x.json") == written
    assert "日本語" in (tmp_path / "x.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("created", [0.0, 1e-5, 1_763_873_980.0, 1_763_873_980.1234567, 253_402_300_000.5])
def test_the_time_of_creation_comes_back_to_the_last_bit(tmp_path: Path, created: float) -> None:
    """The ISO text has as many decimals as the float needs."""
    write_baseline(replace(_sample(), created=created), tmp_path / "x.json")
    assert read_baseline(tmp_path / "x.json").created == created


def test_a_bin_stands_on_one_line(path: Path) -> None:
    """The file can be read and compared by people."""
    lines = path.read_text().splitlines()
    assert '        {"bin": "DE", "count": 98},' in lines
    assert len([line for line in lines if '"bin":' in line]) == sum(len(f.bins) for f in _sample().features)
    assert max(map(len, lines)) < 120


def test_the_format_is_the_documented_one(content: Content) -> None:
    """Keys and their order are those of the module's docstring."""
    assert list(content) == [
        "format",
        "format_version",
        "model",
        "created",
        "source",
        "rows",
        "span_seconds",
        "stable",
        "features",
        "checksum",
    ]
    assert content["created"] == "2025-11-23T04:59:40.1234567Z"
    amount, country, *_ = content["features"]
    assert list(amount)[:5] == ["name", "type", "role", "rows", "required"]
    assert [list(bin_) for bin_ in amount["bins"][:2]] == [["bin", "count"], ["bin", "count", "up_to", "mean"]]
    assert country["known"] == ["FR", "IT"]


def test_layout_and_spelling_may_change(path: Path, content: Content) -> None:
    """A formatter that sorts keys, drops spaces and writes 3 for 3.0 does no harm: the checksum is over the values."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    path.write_text(re.sub(r"(\d)\.0(?=[,}])", r"\1", text))
    assert read_baseline(path) == _sample()


def test_the_checksum_is_the_documented_one(path: Path, content: Content) -> None:
    """It can be computed from the docstring alone, as `_write` does."""
    _write(path, content)
    assert read_baseline(path) == _sample()


def _set(*place: str | int, value: object) -> Callable[[Content], None]:
    """A change of the value at `place`."""

    def change(content: Content) -> None:
        part: Any = content  # walks down through lists and objects
        for key in place[:-1]:
            part = part[key]
        part[place[-1]] = value

    return change


def _drop(*place: str | int) -> Callable[[Content], None]:
    """The value at `place` taken out."""

    def change(content: Content) -> None:
        part: Any = content  # walks down through lists and objects
        for key in place[:-1]:
            part = part[key]
        del part[place[-1]]

    return change


AMOUNT, COUNTRY = ("features", 0), ("features", 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("format", value="x"), "is not a baseline"),
        (_set("format_version", value=2), "has format_version 2"),
        (_drop("format_version"), "has format_version None"),
        (_set("rows", value="200"), r"Expected `int`, got `str` - at `\$.rows`"),
        (_set("rows", value=0), "`int` >= 1"),
        (_set("rows", value=201), "it has 200 rows, but the file says 201"),
        (_set("note", value=1), "unknown field `note`"),
        (_drop("model"), "missing required field `model`"),
        (_set("created", value="yesterday"), "'yesterday' is not a time"),
        (_set("created", value="2025-02-30T00:00:00Z"), "day"),
        (_set("span_seconds", value=-1.0), ">= 0.0"),
        (_set("features", value={}), "Expected `array`"),
        (_set(*AMOUNT, "type", value="number"), "Invalid value 'number'"),
        (_set(*AMOUNT, "role", value="in"), "Invalid enum value 'in'"),
        (_set(*AMOUNT, "sd", value=-1.0), ">= 0.0"),
        (_set(*AMOUNT, "mean", value=50.0), "its mean 50.0 is not between"),
        (_set(*AMOUNT, "minimum", value=3.0), "of bin 00 is not between 3.0"),
        (_set(*AMOUNT, "maximum", value=99.0), "its last up_to is 49.0, not the maximum 99.0"),
        (_set(*AMOUNT, "fence_low", value=1e6), "is over fence_high"),
        (_set(*AMOUNT, "bins", value=[]), "its bins are named"),
        (_set(*AMOUNT, "bins", 1, "count", value=-4), ">= 0"),
        (_set(*AMOUNT, "bins", 1, "count", value=1), "sum to"),
        (_set(*AMOUNT, "bins", 1, "bin", value="02"), "two of its bins have the same name"),
        (_set(*AMOUNT, "bins", 1, "up_to", value=1e6), "is not between 1000000.0"),
        (_drop(*AMOUNT, "bins", 1, "up_to"), "bin 00 lacks up_to or mean"),
        (_set(*AMOUNT, "bins", 0, "up_to", value=0.0), "_below, _above and _missing cannot have"),
        (_set(*COUNTRY, "bins", 0, "up_to", value=0.0), "which are for numbers"),
        (_set(*COUNTRY, "bins", 0, "bin", value="_DE"), "begins with a single underscore"),
        (_set(*COUNTRY, "bins", -1, "bin", value="_gone"), "its bins are named _other, _unseen, _gone"),
        (_set(*COUNTRY, "known", value=["DE"]), "stands twice"),
        (_set("features", 2, "bins", 0, "bin", value="no"), "its bins are named no, true, _missing"),
        (_set("features", 2, "name", value="session"), "two of them have the same name and role"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(
    path: Path, content: Content, change: Callable[[Content], None], message: str
) -> None:
    """One error names the file, what is wrong and a remedy, even when the checksum was made to fit."""
    change(content)
    _write(path, content)
    with pytest.raises(BaselineError, match=message) as caught:
        read_baseline(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert re.search("Build it again|Update|Point to", str(caught.value))


HOURS = ("seasons", 0)


def _wave_alone(content: Content) -> None:
    for name in ("phi", "rho"):
        _drop(*AMOUNT, name)(content)


def _second_kind(content: Content) -> None:
    content["seasons"].append({"kind": "hour_of_week", "season_of_hour": [0, 1] * 84, "rows": [25_000, 25_000]})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set(*AMOUNT, "phi", value=0.5), ">= 1.0"),
        (_set(*AMOUNT, "rho", value=-0.1), ">= 0.0"),
        (_set(*AMOUNT, "wave", value=-0.1), ">= 0.0"),
        (_set(*AMOUNT, "wave", value="high"), "Expected `float | null`, got `str`"),
        (_wave_alone, "a wave without phi"),
        (_drop(*AMOUNT, "rho"), "one of phi and rho without the other"),
        (_set(*AMOUNT, "seasons", value="hour"), "Invalid enum value 'hour'"),
        (_set(*AMOUNT, "seasons", value="hour_of_week"), "hour_of_week, which the file does not have"),
        (_drop(*AMOUNT, "seasons"), "for each of its 0 seasons"),
        (_set("features", 1, "seasons", value="hour_of_day"), "for each of its 24 seasons"),
        (_drop(*AMOUNT, "bins", 4, "by_season"), "for each of its 24 seasons"),
        (_set(*AMOUNT, "bins", 4, "by_season", 0, value=0), "do not sum to the rows of the seasons"),
        (_set(*AMOUNT, "bins", 4, "by_season", 0, value=-1), ">= 0"),
        (_set(*HOURS, "kind", value="hour"), "Invalid enum value 'hour'"),
        (_set(*HOURS, "season_of_hour", value=[0, 1]), "has 2 hours instead of 24"),
        (_set(*HOURS, "season_of_hour", 3, value=99), "are not in seasons 0 to 23"),
        (_set(*HOURS, "rows", 3, value=0), "are none, or more than 50000"),
        (_set(*HOURS, "rows", 3, value=50_000), "are none, or more than 50000"),
        (_drop("seasons"), "hour_of_day, which the file does not have"),
        (_second_kind, "there are some that no feature has"),
        (lambda content: content["seasons"].append(content["seasons"][0]), "hour_of_day is there twice"),
    ],
)
def test_seasons_that_contradict_themselves_are_refused(
    tmp_path: Path, change: Callable[[Content], None], message: str
) -> None:
    """Counts by season must be what the seasons say, for the features that have them and for no others."""
    path = tmp_path / "x.json"
    write_baseline(_seasonal(), path)
    content = json.loads(path.read_text())
    change(content)
    _write(path, content)
    with pytest.raises(BaselineError, match=message):
        read_baseline(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "is not JSON"),
        (b'{"format": ', "is not JSON"),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"[]", "is not a baseline"),
        (b"null", "is not a baseline"),
        (b'{"rows": NaN}', "NaN is not a finite number"),
        (b'{"rows": 1e999}', "1e999 is not a finite number"),
        (b"[" * 100_000, "is not JSON"),
        (b"9" * 5_000, "is not JSON"),
    ],
)
def test_what_is_no_baseline_file_is_refused(path: Path, text: bytes, message: str) -> None:
    """Garbage of any kind is one clear error."""
    path.write_bytes(text)
    with pytest.raises(BaselineError, match=message):
        read_baseline(path)


def test_damage_is_noticed(path: Path) -> None:
    """A changed count that leaves the file well-formed does not fit the checksum."""
    path.write_text(path.read_text().replace('"count": 98', '"count": 89'))
    with pytest.raises(BaselineError, match="checksum does not fit"):
        read_baseline(path)


def test_every_cut_is_noticed(path: Path) -> None:
    """A file that ends early, wherever it does, is an error and nothing else."""
    whole = path.read_bytes()
    for length in range(0, len(whole) - 2, 97):
        path.write_bytes(whole[:length])
        with pytest.raises(BaselineError):
            read_baseline(path)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    """The remedy is to build it."""
    with pytest.raises(BaselineError, match=r"there is no such file.*baseline build"):
        read_baseline(tmp_path / "none.json")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """The system's reason is passed on."""
    with pytest.raises(BaselineError, match="cannot be read: Is a directory"):
        read_baseline(tmp_path)


def test_writing_replaces_the_whole_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails half-way leaves the old content and no leavings."""

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(BaselineError, match="cannot be written: No space left"):
        write_baseline(baseline(column([1.0])), path)
    assert read_baseline(path) == _sample()
    assert list(path.parent.iterdir()) == [path]


def test_writing_through_a_link_keeps_the_link(path: Path) -> None:
    """The file behind it is replaced."""
    link = path.with_name("link.json")
    link.symlink_to(path)
    write_baseline(baseline(column([1.0])), link)
    assert link.is_symlink()
    assert read_baseline(path).rows == 1


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Writing does not make folders."""
    with pytest.raises(BaselineError, match=re.escape(f"{tmp_path / 'no' / 'x.json'}: cannot be written")):
        write_baseline(_sample(), tmp_path / "no" / "x.json")


@pytest.mark.parametrize(
    "change",
    [
        {"created": math.nan},
        {"created": -1.0},
        {"span_seconds": math.inf},
        {"rows": 7},
        {"features": (replace(_sample().features[0], counts=(1,) * 19),)},
        {"features": (replace(_sample().features[0], edges=_sample().features[0].edges[:-1]),)},
        {"features": (replace(_sample().features[1], type=FeatureType.NUMERIC),)},
        {"features": (replace(_sample().features[1], bins=("A",), counts=(200,)),)},
        {"features": (replace(_sample().features[3], known=frozenset({"a"})),)},
    ],
)
def test_a_baseline_that_contradicts_itself_is_not_written(tmp_path: Path, change: Content) -> None:
    """What could not be read back never becomes a file."""
    with pytest.raises(BaselineError, match=r"x\.json"):
        write_baseline(replace(_sample(), **change), tmp_path / "x.json")
    assert list(tmp_path.iterdir()) == []
