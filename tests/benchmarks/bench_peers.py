"""The evidence beside other detectors, on the same streams: `make bench-peers` writes PEERS.md beside this file.

Streams are made once (`peers/streams.py`). Each peer reads them from files and answers from its own environment, in
which only it is installed (`peers/ask_*.py`, `.ci/setup-peers`). Seeds are fixed.
"""

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.peers.ours import Answer, Streams, evidence
from benchmarks.peers.rolling import customary, ks, psi_over
from benchmarks.peers.streams import AFTER, BASELINE, CHANGES, CLEAN, KINDS, LONG, RUNS, write_streams
from model_exporter.config.settings import Drift
from model_exporter.stats.dictionary import Allowance

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PEERS = {"river": "river", "evidently": "Evidently", "nannyml": "NannyML"}
QUIET: Final = {
    "NML_DISABLE_USAGE_LOGGING": "1",
    "DO_NOT_TRACK": "1",
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "ignore",
}
YEAR = 31_536_000.0
FEATURES = 100
SLOT = 15.0
SLOT_ROWS = 25
DRIFT = Drift()
EXACT = Allowance(tolerance=0.0)


@dataclass(frozen=True)
class Row:
    """A rule and what it does."""

    name: str
    answer: Answer


def python_of(peer: str) -> Path:
    """The interpreter of a peer's environment."""
    return ROOT / ".venv-peers" / peer / "bin" / "python"


def ask(peer: str, streams: Path) -> list[Row]:
    """What a peer answers.

    Raises:
        CalledProcessError: it fails; its own message is on standard error.
    """
    command = [python_of(peer), HERE / "peers" / f"ask_{peer}.py", streams]
    told = subprocess.run(command, env=os.environ | QUIET, stdout=subprocess.PIPE, check=True).stdout
    progress(f"{PEERS[peer]} has answered")
    last = told.decode().strip().splitlines()[-1]  # what the package itself prints stands before
    rows = []
    for name, answer in json.loads(last).items():
        clean = {kind: (int(seen), int(alarms)) for kind, (seen, alarms) in answer["clean"].items()}
        rows.append(Row(name, Answer(clean, answer["delays"])))
    return rows


def version_of(peer: str) -> str:
    """The name and the version of a peer."""
    code = f"from importlib.metadata import version; print(version({peer!r}))"
    told = subprocess.run([python_of(peer), "-c", code], stdout=subprocess.PIPE, check=True).stdout
    return f"{PEERS.get(peer, peer)} {told.decode().strip()}"


def ask_customary(streams: Path) -> list[Row]:
    """The customary rules, on windows of 1,000 and 10,000 rows."""
    rows = []
    for size, clean_rows in ((1000, 40_000), (10_000, CLEAN)):
        answer = customary(streams, ks, size, kinds=["number"], clean_rows=clean_rows)
        rows.append(Row(f"rolling KS p < .05, {size:,} rows", answer))
        for threshold in (0.1, 0.2):
            answer = customary(streams, psi_over(threshold), size, kinds=list(KINDS), clean_rows=clean_rows)
            rows.append(Row(f"rolling PSI > {threshold}, {size:,} rows", answer))
    progress("the customary rules have answered")
    return rows


def predictions(seconds: float) -> float:
    """How many predictions of one feature a model's patience amounts to, shared by its features."""
    return seconds * FEATURES / SLOT * SLOT_ROWS


def ask_ours(streams: Streams) -> list[Row]:
    """The evidence at the levels that are there without configuration, and without a tolerance."""
    page, ticket = DRIFT.page, DRIFT.ticket
    cases = [
        ("ours, page", page.tolerance, page.patience_seconds),
        ("ours, ticket", ticket.tolerance, ticket.patience_seconds),
        ("ours, no tolerance", 0.0, YEAR),
    ]
    rows = []
    for name, tolerance, patience in cases:
        every = dict.fromkeys(streams.kinds, predictions(patience))
        rows.append(Row(name, evidence(streams, Allowance(tolerance=tolerance), every, clean_kinds=streams.kinds)))
    return rows


def patience_of(answer: Answer) -> dict[str, float]:
    """A peer's own time to false alarm by kind; where none was seen, that of a page."""
    page = predictions(DRIFT.page.patience_seconds)
    known = {kind: seen / alarms for kind, (seen, alarms) in answer.clean.items() if alarms}
    return {kind: known.get(kind, page) for kind in KINDS}


def time_to_false_alarm(answer: Answer, kind: str) -> str:
    """In predictions, with the limit that 95 % confidence allows where no alarm was seen."""
    if kind not in answer.clean:
        return "-"
    seen, alarms = answer.clean[kind]
    return number(seen / alarms) if alarms else f"> {number(seen / 3)}"


def number(value: float) -> str:
    """Two significant digits, with thousands marked."""
    return f"{float(f'{value:.2g}'):,.0f}" if value < 1e6 else f"{value:.1e}".replace("e+0", "e")


def delay(answer: Answer, change: str) -> str:
    """Mean delay, and how many runs had none within the stream."""
    if change not in answer.delays:
        return "-"
    found = [at for at in answer.delays[change] if at is not None]
    missed = 1 - len(found) / len(answer.delays[change])
    if not found:
        return "missed"
    return f"{np.mean(found):,.0f}" + (f", {missed:.0%} missed" if missed else "")


def table_of_rules(rows: list[Row]) -> list[str]:
    """Every rule as it comes."""
    head = f"| rule | {' | '.join(f'clean: {kind}' for kind in KINDS)} | {' | '.join(CHANGES)} |"
    lines = [head, f"|---{'|---' * (len(KINDS) + len(CHANGES))}|"]
    for row in rows:
        clean = " | ".join(time_to_false_alarm(row.answer, kind) for kind in KINDS)
        lines.append(f"| {row.name} | {clean} | {' | '.join(delay(row.answer, change) for change in CHANGES)} |")
    return lines


def table_at_equal_rates(streams: Streams, rows: list[Row]) -> list[str]:
    """Each peer's delay, and ours at the peer's time to false alarm."""
    lines = [f"| rule | ours, clean number | {' | '.join(CHANGES)} |", f"|---|---{'|---' * len(CHANGES)}|"]
    for row in rows:
        mine = evidence(streams, EXACT, patience_of(row.answer), clean_kinds=["number"])
        told = (
            f"{delay(row.answer, change)} / {delay(mine, change)}" if change in row.answer.delays else "-"
            for change in CHANGES
        )
        lines.append(f"| {row.name} | {time_to_false_alarm(mine, 'number')} | {' | '.join(told)} |")
        progress(lines[-1])
    return lines


def progress(line: str) -> None:
    """Tell what is done; the run takes some minutes."""
    print(line, file=sys.stderr, flush=True)


REPORT = """# The evidence beside other detectors

Written by `make bench-peers` with {versions}; see `bench_peers.py` and `peers/` for
the set-up.

One feature, {runs} runs, the same streams for all, every run with a baseline of {baseline:,} rows of its own. *Clean*
is the time to a false alarm in predictions: all that was seen up to the first false alarms, over their number, on
numbers, categories and numbers of which one in a hundred is missing. After `>` stands what 95 % confidence allows where
no alarm was seen at all. Of clean numbers river's detectors and ours see up to {long:,} in each run, so that the
time to a false alarm of ADWIN is measured and not bounded; the others see less. The other columns are mean delays in
predictions from the change to the alarm; *missed* had none within {after:,}. A dash: the rule cannot express the
change.

- river's detectors see no baseline but 10,000 predictions before the change (KSWIN, which takes a millisecond for each,
  500, and 8 runs). Categories and missing values are given to them as 0 and 1, the category that grows being known.
- Evidently and NannyML judge chunks, as reports that are made once in so many predictions. A change falls anywhere in a
  chunk. Evidently's test is the one that `DataDriftPreset` chooses; it leaves missing values out. NannyML's are
  `UnivariateDriftCalculator` and `MissingValuesCalculator`; with chunks of 10,000 its baseline is a single chunk, which
  has no spread to set a threshold by.
- Rolling windows are looked at forty times in their length. A rule that fires already when the change comes has a delay
  of one look, and one that fires by chance every thousand predictions also does so soon after a change: delays flatter
  rules that often fire.
- Ours are the levels that are there without configuration, for a model of {features} features: a page once a
  model-year (tolerance {page}), a ticket once in 30 days (tolerance {ticket}), and a page without any tolerance. Their
  time to a false alarm is at least {pages} and {tickets} predictions of a feature by the bound, which no run can show.
  Slots are of {slot} predictions.

## As they come

{rules}

## At the same time to false alarm

A peer's delay / that of our evidence without tolerance, given the peer's own time to false alarm from the table above
(where none was seen, that of our page: {pages}). In the first column what our evidence then showed on clean numbers.

{equal}
"""


def main() -> None:
    """Ask everybody and write the report."""
    missing = [peer for peer in PEERS if not python_of(peer).exists()]
    if missing:
        raise SystemExit(f"error: no environment for {', '.join(missing)}; `make bench-peers` makes them")
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(2) as pool:
        directory = Path(name)
        write_streams(directory)
        answers = [pool.submit(ask, peer, directory) for peer in PEERS]
        rules = ask_customary(directory)
        streams = Streams(directory)
        ours = ask_ours(streams)
        peers = [row for answer in answers for row in answer.result()] + rules
        equal = table_at_equal_rates(streams, peers)
    text = REPORT.format(
        versions=", ".join(version_of(peer) for peer in PEERS),
        runs=RUNS,
        baseline=BASELINE,
        long=LONG,
        after=AFTER,
        features=FEATURES,
        page=DRIFT.page.tolerance,
        ticket=DRIFT.ticket.tolerance,
        pages=number(predictions(DRIFT.page.patience_seconds)),
        tickets=number(predictions(DRIFT.ticket.patience_seconds)),
        slot=SLOT_ROWS,
        rules="\n".join(table_of_rules([*peers, *ours])),
        equal="\n".join(equal),
    )
    (HERE / "PEERS.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
