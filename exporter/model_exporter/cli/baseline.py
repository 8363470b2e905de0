"""`model_exporter baseline build` and `baseline show`."""

import json
import re
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from model_exporter.baseline.model import Baseline, FeatureType
    from model_exporter.baseline.tables import Table

_SHOWS_PROGRESS: Final = 8 * 1024 * 1024
"""Bytes to read from which on a progress bar is worth it."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./-]+")

_BUILD_EPILOG = """
\b
Examples:
  model_exporter baseline build train.csv -o fraud.json
  model_exporter baseline build part-*.parquet -o fraud.json --type zip=categorical
  model_exporter baseline build log.jsonl.gz -o fraud.json --output risk --missing N/A

Several columns take the same option several times. A CSV has a header; a JSON file has one record a line, such as the
prediction logs that the exporter itself receives.
"""


@click.group(short_help="Build and show baselines.")
def baseline() -> None:
    """Build and show baselines: what a model's inputs and outputs looked like in training."""


@baseline.command(epilog=_BUILD_EPILOG)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("-o", "target", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
@click.option("--model", help="Name of the model.  [default: the name of the file to write]")
@click.option(
    "--type",
    "types",
    multiple=True,
    metavar="NAME=TYPE",
    help="How a column is compared: numeric, categorical, boolean or identifier, instead of what its values look like.",
)
@click.option(
    "--output", "outputs", multiple=True, metavar="NAME", help="A column that came out of the model, besides the usual."
)
@click.option("--ignore", multiple=True, metavar="NAME", help="A column to leave out.")
@click.option("--time", "time_column", default="", metavar="NAME", help="The column with the time of each row.")
@click.option("--missing", multiple=True, metavar="TEXT", help="A text that stands for a missing value.")
@click.option("--force", is_flag=True, help="Replace the file to write if it is there.")
def build(
    files: tuple[Path, ...],
    target: Path,
    model: str | None,
    types: tuple[str, ...],
    outputs: tuple[str, ...],
    ignore: tuple[str, ...],
    time_column: str,
    missing: tuple[str, ...],
    force: bool,
) -> None:
    """Build a baseline from the rows of FILE...: CSV, JSON lines or Parquet.

    Rows are read once and not changed. The baseline keeps counts, never the rows themselves.
    """
    from model_exporter.baseline.build import build_baseline
    from model_exporter.baseline.file import write_baseline
    from model_exporter.baseline.naming import OUTPUTS
    from model_exporter.baseline.tables import read_tables, total_bytes

    _check_target(target, force=force)
    wanted = _types(types)
    texts = _Missing(missing)
    with _progress(total_bytes(files)) as advance:
        table = read_tables(
            files,
            outputs=(*OUTPUTS, *outputs),
            ignore=ignore,
            time=time_column,
            types=wanted,
            missing=texts,
            progress=advance,
        )
    _check_names(table, types=wanted, outputs=outputs, ignore=ignore)
    built = build_baseline(
        table.columns,
        model=model or target.stem,
        created=time.time(),
        source=", ".join(path.name for path in files),
        span_seconds=table.span_seconds,
        times=table.times,
        types=wanted,
        missing=texts,
    )
    write_baseline(built, target)
    click.echo("\n".join(_told(target, built, table)))


@baseline.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--width", type=click.IntRange(min=1), help="Columns to use.  [default: those of the terminal]")
def show(file: Path, width: int | None) -> None:
    """Print the baseline in FILE as a table with a small histogram of each feature."""
    from model_exporter.baseline.file import read_baseline
    from model_exporter.baseline.show import render

    columns = width or shutil.get_terminal_size().columns
    speaks_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    click.echo(render(read_baseline(file), width=columns, ascii_only=not speaks_unicode), nl=False)


class _Missing(Mapping[str, frozenset[str]]):
    """Texts that stand for a missing value: the same for every column."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = frozenset(texts)

    def __getitem__(self, name: str) -> frozenset[str]:
        return self._texts

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _check_target(target: Path, *, force: bool) -> None:
    if target.exists() and not force:
        raise click.UsageError(f"{target} is there already; give --force to replace it")
    if not target.parent.is_dir():
        raise click.UsageError(f"there is no folder {target.parent} to write {target.name} to")


def _types(pairs: Sequence[str]) -> dict[str, "FeatureType"]:
    from model_exporter.baseline.model import FeatureType

    types = {}
    for pair in pairs:
        name, _, word = pair.rpartition("=")
        known = [member.value for member in FeatureType]
        if not name or word not in known:
            raise click.BadParameter(
                f"{pair!r} is not NAME=TYPE with one of the types {', '.join(known)}", param_hint="--type"
            )
        types[name] = FeatureType(word)
    return types


def _check_names(
    table: "Table", *, types: Mapping[str, "FeatureType"], outputs: Collection[str], ignore: Collection[str]
) -> None:
    """Refuse an option that names no column: a slip of the pen would change the baseline in silence."""
    from model_exporter.baseline.naming import bare_name, matches
    from model_exporter.batch import Role
    from model_exporter.config.convert import did_you_mean

    left_out = {name for column in (*table.ignored, table.time) for name in (column, bare_name(column))}
    features = {column.name for column in table.columns}
    came_out = {column.name for column in table.columns if column.role is Role.OUTPUT}
    for option, patterns, names in (
        ("--type", types, features),
        ("--output", outputs, came_out),
        ("--ignore", ignore, left_out),
    ):
        for pattern in patterns:
            if not any(matches(name, [pattern]) for name in names):
                known = sorted(filter(None, features | left_out))
                question = did_you_mean(pattern, known)
                raise click.UsageError(
                    f"{option} {pattern}: there is no such column. {question}The columns are {', '.join(known)}"
                )


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None] | None]:
    """Shows how much of `total` bytes is read, on a terminal, when that takes a while."""
    if total < _SHOWS_PROGRESS or not sys.stderr.isatty():
        yield None
        return
    with click.progressbar(length=total, label="Reading", file=sys.stderr) as bar:
        yield lambda done: bar.update(done - bar.pos)


def _told(target: Path, baseline: "Baseline", table: "Table") -> Iterator[str]:
    """What was built, and how to use it."""
    from model_exporter.baseline.show import warnings

    kinds = Counter(feature.type.value for feature in baseline.features)
    yield f"{target}: baseline of {baseline.model}"
    yield f"  rows      {baseline.rows}"
    yield f"  features  {len(baseline.features)}: {', '.join(f'{count} {kind}' for kind, count in kinds.most_common())}"
    if table.time:
        yield f"  time      {table.time}"
    if table.ignored:
        yield f"  left out  {', '.join(table.ignored)}"
    yield from (f"  warning   {warning}" for warning in warnings(baseline))
    yield ""
    yield "Put this into the configuration:"
    yield ""
    yield "models:"
    yield f"  {_yaml(baseline.model)}:"
    yield f"    baseline: {_yaml(str(target))}  # a relative path starts at the configuration file"
    yield ""
    yield f"`model_exporter baseline show {target}` prints the bins."


def _yaml(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
