"""Rules evaluated over a recording: every series that they record, and their alerts, at each moment."""

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import yaml

from scenarios.capture import names_read
from scenarios.promtool import _COMPLAINT, _SAMPLE, _document, _seconds
from timelapse.recording import Recorder, Recording

_OF_ALERTS: Final = ("ALERTS", "ALERTS_FOR_STATE")
_NAME: Final = re.compile(r'__name__="([^"]*)"(?:, )?')
_SEPARATOR: Final = re.compile(r'(?<="), (?=[a-zA-Z_])')


def evaluate_rules(rule_files: Sequence[Path], scraped: Recording, folder: Path) -> Recording:
    """What the rules made of `scraped`, at its moments.

    Raises:
        AssertionError: promtool failed, or a rule did.
    """
    moments = scraped.values.shape[1]
    # One question a name: promtool takes a time that grows with the square of what it complains of at once.
    times = [scraped.step * moment for moment in range(moments)]
    asked = dict.fromkeys(recorded_names(rule_files), times)
    path = folder / "rules_test.yml"
    with path.open("w") as file:
        series = scraped.promtool_series(names_read(list(rule_files)))
        file.writelines(_document(rule_files, series, asked, round(scraped.step)))
    recorder = Recorder(scraped.step, moments)
    answers = 0
    with (folder / "complaints").open("w+") as output:
        subprocess.run(["promtool", "test", "rules", str(path)], stdout=output, stderr=output, check=False)
        output.seek(0)
        for at, got in read_got(output.read()):
            recorder.add(round(at / scraped.step), got)
            answers += 1
        output.seek(0)
        questions = moments * len(asked)
        assert answers == questions, f"{answers} answers to {questions} questions: {output.read(4000)}"
    return recorder.finish()


def recorded_names(rule_files: Sequence[Path]) -> tuple[str, ...]:
    """Names of all series that rules make, those of alerts included."""
    documents = [yaml.safe_load(path.read_text()) for path in rule_files]
    rules = [rule for document in documents for group in document["groups"] for rule in group["rules"]]
    return (*dict.fromkeys(rule["record"] for rule in rules if "record" in rule), *_OF_ALERTS)


def read_got(text: str) -> Iterator[tuple[float, list[tuple[str, float]]]]:
    """What was there at each moment that promtool complains of: seconds, and samples by key."""
    for _, time, got in _COMPLAINT.findall(text):
        yield _seconds(time), [(_key(name, labels), float(value)) for name, labels, value in _SAMPLE.findall(got)]


def _key(name: str, labels: str) -> str:
    """A series as the exposition writes it."""
    if not name:
        found = _NAME.search(labels)
        name = found[1] if found else ""
        labels = _NAME.sub("", labels, count=1)
    return f"{name}{{{_SEPARATOR.sub(',', labels)}}}"
