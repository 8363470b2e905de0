"""Rules evaluated by `promtool test rules` over given samples, minute by minute, as Prometheus itself would.

promtool only says where it was told something wrong. So each question is asked with an answer that nobody expects, and
what was there instead is read from the complaint.
"""

import json
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

_COMPLAINT: Final = re.compile(
    r'^\s*expr: ("(?:[^"\\]|\\.)*"), time: (\S+?),\s*\n\s*exp: ?.*\n\s*got: ?(.*)$', re.MULTILINE
)
_SAMPLE: Final = re.compile(
    r'(?P<name>[a-zA-Z_:][\w:]*)?\{(?P<labels>(?:[^"}]|"(?:[^"\\]|\\.)*")*)\}\s+(?P<value>[^\s,]+)'
)
_LABEL: Final = re.compile(r'"?([^\s",={}]+)"?="((?:[^"\\]|\\.)*)"')
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_NEVER: Final = [{"labels": '{__name__="nobody_expects_this"}', "value": 1}]


@dataclass(frozen=True, slots=True)
class Sample:
    """What a question found at a moment.

    Attributes:
        at: seconds from the first sample given.
        labels: without the metric's name.
        value: number.
    """

    at: float
    labels: Mapping[str, str]
    value: float


def evaluate(
    rule_files: Sequence[Path],
    series: Iterable[tuple[str, str]],
    questions: Mapping[str, Sequence[float]],
    *,
    folder: Path,
    interval: int = 60,
    timeout: float = 1800,
) -> dict[str, list[Sample]]:
    """What each of `questions`, PromQL with the moments to ask it at, finds once the rules have run over `series`.

    Args:
        rule_files: their groups are evaluated in this order, so that none reads what is an interval old.
        series: names with labels, and values in promtool's notation.
        questions: moments are seconds from the first value, multiples of `interval`.
        folder: for the test that promtool reads.
        interval: seconds between the values of a series, and between evaluations.
        timeout: seconds that promtool may take.

    Raises:
        AssertionError: promtool failed, or a rule did.
    """
    path = folder / "scenario.yml"
    with path.open("w") as file:
        file.writelines(_document(rule_files, series, questions, interval))
    done = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, timeout=timeout, check=False
    )
    answers = read_complaints(done.stdout + "\n" + done.stderr)
    asked = sum(map(len, questions.values()))
    told = sum(map(len, answers.values()))
    assert told == asked, f"{told} answers to {asked} questions: {(done.stdout + done.stderr)[-4000:]}"
    return {
        question: [sample for at in sorted(answers[question]) for sample in answers[question][at]]
        for question in questions
    }


def read_complaints(text: str) -> dict[str, dict[float, list[Sample]]]:
    """What was there, by question and moment."""
    found: defaultdict[str, dict[float, list[Sample]]] = defaultdict(dict)
    for expression, time, got in _COMPLAINT.findall(text):
        at = _seconds(time)
        found[json.loads(expression)][at] = [Sample(at, labels, value) for labels, value in _samples(got)]
    return found


def _samples(text: str) -> Iterator[tuple[dict[str, str], float]]:
    for match in _SAMPLE.finditer(text):
        labels = {name: json.loads(f'"{value}"') for name, value in _LABEL.findall(match["labels"])}
        labels.pop("__name__", None)
        yield labels, float(match["value"])


def _seconds(time: str) -> float:
    return sum(int(count) * _SECONDS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdwy])", time))


def _groups(rule_files: Sequence[Path]) -> list[str]:
    return [group["name"] for path in rule_files for group in yaml.safe_load(path.read_text())["groups"]]


def _document(
    rule_files: Sequence[Path],
    series: Iterable[tuple[str, str]],
    questions: Mapping[str, Sequence[float]],
    interval: int,
) -> Iterator[str]:
    """The lines of a test; JSON is YAML, and quicker to write."""
    yield f"rule_files: {json.dumps([str(path.resolve()) for path in rule_files])}\n"
    yield f"group_eval_order: {json.dumps(_groups(rule_files))}\n"
    yield f"evaluation_interval: {interval}s\n"
    yield f"tests:\n- interval: {interval}s\n  input_series:\n"
    for name, values in series:
        yield f"  - {{series: {json.dumps(name)}, values: {json.dumps(values)}}}\n"
    yield "  promql_expr_test:\n"
    for question, moments in questions.items():
        for at in moments:
            asked = {"expr": question, "eval_time": f"{int(at)}s", "exp_samples": _NEVER}
            yield f"  - {json.dumps(asked)}\n"
