"""`model_exporter pack dashboards`: files, one page on standard output, and mistakes."""

import json
from pathlib import Path

import pytest

from model_exporter.cli import run
from model_exporter.pack.dashboards.pages import PAGES


def test_a_folder_gets_a_file_for_each_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder is made, the files are named after the pages' addresses, and standard output stays empty."""
    folder = tmp_path / "grafana" / "dashboards"
    assert run(["pack", "dashboards", "-o", str(folder)]) == 0
    assert {path.stem for path in folder.iterdir()} == set(PAGES)
    assert json.loads((folder / "model-fleet.json").read_text("utf-8"))["uid"] == "model-fleet"
    told = capsys.readouterr()
    assert told.out == ""
    assert f"wrote {folder / 'model-fleet'}.json" in told.err


def test_one_page_goes_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    """As JSON and nothing else, with the site's labels and runbooks in it."""
    command = ["pack", "dashboards", "model-fleet", "--by", "cluster", "--runbook-url", "https://wiki.example.com/ml"]
    assert run(command) == 0
    text = capsys.readouterr().out
    assert json.loads(text)["templating"]["list"][1]["name"] == "cluster"
    assert "https://wiki.example.com/ml/ModelIncident.md" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["model-flee"], "there is no page model-flee: one of model-fleet,"),
        ([], "name a folder with -o, or one page"),
        (["model-fleet", "--by", "a-b"], "'a-b' is no label name"),
        (["model-fleet", "--by", "model"], "model is kept already"),
        (["model-fleet", "--runbook-url", "wiki"], "'wiki' is no address"),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what is wrong, and nothing is written."""
    assert run(["pack", "dashboards", *arguments]) == 2
    written = capsys.readouterr()
    assert told in written.err
    assert written.out == ""
