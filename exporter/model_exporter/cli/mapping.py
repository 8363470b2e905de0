"""`model_exporter mapping try`, `mapping list` and `mapping show`."""

import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

import click

from model_exporter.cli.options import flag

if TYPE_CHECKING:
    from model_exporter.decode.rehearsal import Rehearsal, Trial
    from model_exporter.mapping import Mapping as RecordMapping

_SHOWS_PROGRESS: Final = 8 * 1024 * 1024
"""Bytes to read from which on a progress bar is worth it."""
_GZIP: Final = b"\x1f\x8b"
_REFUSED: Final = 1
"""Exit code when a record is refused."""

_LANGUAGE = """
\b
A mapping is YAML, under `mappings:` in the configuration file:
  mappings:
    acme:
      when:                            all must hold for a record to be of this kind
        - kind: [scored, rescored]       {path: value}, or a list of values
        - body.model                     a path that holds something
      from: records                    or logs, spans (OTLP), exchanges; one or a list
      event: prediction                or outcome, event
      ignore: body.dry_run             a record in which this is true does not count
      fields:                          native field: where it is
        model: body.model
        version: [body.version, body.tag]        the first that holds anything
        features: body.rows|json[*]              one row for each element
        prediction: body.scores[*]
        segments: {region: body.geo.country}     a value for each of several names
        error: {path: body.status, map: {ok: ""}}
        source: {path: door.file, match: "/([^/]+)/[^/]+$", const: unknown}
      columns: [age, income]           names for features that come as arrays

\b
Paths:
  a.b        a name in a name            a."b.c"   a name with a dot in it
  a[0] a[-1] an element of a list        a[*]      each element, one row for each
  a.*        the whole map               a|filter  filtered; filters may follow each other

\b
Examples:
  model_exporter mapping try predictions.jsonl --config.file exporter.yml
  model_exporter mapping show kserve
"""

_TRY_EPILOG = """
\b
Examples:
  model_exporter mapping try predictions.jsonl --config.file exporter.yml
  head -1 capture.jsonl | model_exporter mapping try - --mapping sagemaker
  model_exporter mapping try export.json --format json | jq 'select(.fate == "refused")'

FILE holds a JSON record a line, one JSON record, a list of them, or an OTLP/JSON request of logs or spans; it may be
compressed with gzip. Exits with 0 when no record is refused, with 1 when some are, and with 2 when there is none.
"""

_config_file = flag(
    "--config.file", "config_file", type=click.Path(path_type=Path), help="Configuration file with mappings of its own."
)


class _Teaching(click.Group):
    """A group whose help tells the words of the language, which are loaded only then."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the language, and after it its fields and filters."""
        from model_exporter.mapping import FIELDS
        from model_exporter.mapping.filters import FILTERS

        words = (f"Fields: {', '.join(FIELDS)}.", f"Filters: {', '.join(sorted(FILTERS))}.")
        self.epilog = "\n\n".join((_LANGUAGE.strip(), *words))
        super().format_epilog(ctx, formatter)


@click.group(short_help="Try, list and show mappings of records.", cls=_Teaching)
def mapping() -> None:
    """Read records of any shape: a mapping says where each kind of record keeps what a prediction log tells."""


@mapping.command("try", short_help="Show what mappings make of the records in a file.", epilog=_TRY_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--mapping", "name", metavar="NAME", default="", help="The only mapping to try.  [default: as by `when`]")
@_config_file
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, or a JSON object a record.",
)
@click.option(
    "--show",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="How many records of each fate are shown as text; all are counted.",
)
def try_(file: Path, name: str, config_file: Path | None, form: str, show: int) -> int:
    """Show what mappings make of each record of FILE (- is standard input), or why it would be refused or ignored."""
    from model_exporter.config.load import load_settings
    from model_exporter.decode.rehearsal import Rehearsal
    from model_exporter.mapping import with_built_in

    settings = load_settings(config_file)
    mappings = with_built_in(settings.mappings)
    if name:
        _check_name(name, mappings)
    context = {} if str(file) == "-" else {"file": str(file)}
    told = Counter[str]()
    shown = _as_json if form == "json" else _Text(tuple(settings.mappings), show)
    for trial in _trials(file, Rehearsal(mappings, settings.limits, name, context)):
        for line in shown(trial):
            click.echo(line)
        told[trial.fate.value] += 1
        told["rows"] += len(trial.rows)
    if not told:
        raise click.UsageError(f"{file}: there is no record in it")
    if form == "text":
        click.echo(_sum(told))
    return _REFUSED if told["refused"] else 0


@mapping.command("list")
@_config_file
def list_(config_file: Path | None) -> None:
    """List the mappings in the order in which records are tried on them."""
    from model_exporter.config.load import load_settings
    from model_exporter.mapping import with_built_in

    own = load_settings(config_file).mappings
    rows = [("NAME", "FROM", "TELLS", "WHERE", "TAKES RECORDS WHERE")]
    for name, each in with_built_in(own).items():
        takes = " and ".join(map(str, each.when)) or "their sender names it"
        scopes = ",".join(sorted(each.scopes))
        rows.append((name, scopes, each.event, "file" if name in own else "built in", takes))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        click.echo("  ".join([*cells, row[-1]]))


@mapping.command()
@click.argument("name")
@_config_file
def show(name: str, config_file: Path | None) -> None:
    """Print the mapping NAME as YAML, to copy it under `mappings:` and change it there."""
    import yaml

    from model_exporter.config.document import read_document
    from model_exporter.config.load import load_settings
    from model_exporter.mapping import built_in_text, with_built_in

    own = load_settings(config_file).mappings
    _check_name(name, with_built_in(own))
    if name in own and config_file:
        document = read_document(config_file).find("mappings", name).plain()
        click.echo(yaml.safe_dump({name: document}, sort_keys=False, allow_unicode=True), nl=False)
    else:
        click.echo(built_in_text(name), nl=False)


def _check_name(name: str, mappings: Mapping[str, "RecordMapping"]) -> None:
    from model_exporter.config.convert import did_you_mean

    if name not in mappings:
        raise click.UsageError(
            f"there is no mapping {name}. {did_you_mean(name, mappings)}The mappings are {', '.join(mappings)}"
        )


def _trials(file: Path, rehearsal: "Rehearsal") -> Iterator["Trial"]:
    """A trial for each record; JSON lines are read a line at a time."""
    with _opened(file) as stream, _progress(file, stream) as advance:
        first = stream.readline()
        while first and not first.strip():
            first = stream.readline()
        if not _is_json(first):
            rest = stream.read()
            yield from rehearsal.try_text(first + rest, "record 1") if first else ()
            return
        for number, line in enumerate(_lines(first, stream), 1):
            if line.strip():
                yield from rehearsal.try_text(line, f"line {number}")
            advance()


def _is_json(text: bytes) -> bool:
    from model_exporter.errors import DecodeError
    from model_exporter.json_text import parse_json

    try:
        parse_json(text.removeprefix(b"\xef\xbb\xbf"))
    except DecodeError:
        return False
    return True


def _lines(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first.removeprefix(b"\xef\xbb\xbf")
    yield from rest


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    with file.open("rb") as stream:
        if stream.read(len(_GZIP)) != _GZIP:
            stream.seek(0)
            yield stream
            return
    import gzip

    with gzip.open(file) as plain:
        yield plain  # type: ignore[misc]  # a GzipFile reads as a BinaryIO does


@contextmanager
def _progress(file: Path, stream: BinaryIO) -> Iterator[Callable[[], None]]:
    """Shows how much of a large file is read, on a terminal, while the records themselves go elsewhere."""
    size = file.stat().st_size if str(file) != "-" else 0
    if size < _SHOWS_PROGRESS or not sys.stderr.isatty():
        yield lambda: None
        return
    source = getattr(stream, "fileobj", None) or stream
    with click.progressbar(length=size, label="Reading", file=sys.stderr) as bar:
        yield lambda: bar.update(max(0, source.tell() - bar.pos))


class _Text:
    """Trials as text, the first `most` of each fate. `own` mappings are those that a record might have been for."""

    def __init__(self, own: Sequence[str], most: int) -> None:
        self._own = own
        self._most = most
        self._width = max(60, shutil.get_terminal_size().columns) * 3
        self._seen: Counter[str] = Counter()

    def __call__(self, trial: "Trial") -> Iterator[str]:
        self._seen[trial.fate.value] += 1
        if self._seen[trial.fate.value] > self._most:
            return
        rows = f", {len(trial.rows)} row{'s' * (len(trial.rows) != 1)}" if trial.rows else ""
        yield f"{trial.where}: {trial.fate.value}{f' by {trial.mapping}' if trial.mapping else ''}{rows}"
        yield from (f"    {line}" for line in self._about(trial))

    def _about(self, trial: "Trial") -> Iterator[str]:
        for refusal in trial.refusals:
            yield f"{refusal.reason}: {refusal.message}"
        for row in trial.rows[: self._most]:
            text = _encoded(row)
            yield text if len(text) <= self._width else f"{text[: self._width]}..."
        if trial.empty:
            yield f"nothing found for {', '.join(trial.empty)}"
        if trial.left_out:
            yield f"values left out: {', '.join(f'{count} x {reason}' for reason, count in trial.left_out.items())}"
        for name in self._own:
            if name in trial.missed:
                yield f"{name} takes records where {trial.missed[name]}"


def _as_json(trial: "Trial") -> Iterator[str]:
    told = {
        "where": trial.where,
        "fate": trial.fate.value,
        "mapping": trial.mapping or None,
        "rows": list(trial.rows),
        "refusals": [{"reason": refusal.reason, "message": refusal.message} for refusal in trial.refusals],
        "left_out": dict(trial.left_out),
        "empty": list(trial.empty),
    }
    yield _encoded(told)


def _encoded(value: object) -> str:
    import msgspec

    return msgspec.json.encode(value, enc_hook=list).decode()


def _sum(told: Mapping[str, int]) -> str:
    fates = ", ".join(
        f"{told[fate]} {fate}" for fate in ("mapped", "native", "unmapped", "ignored", "refused") if told.get(fate)
    )
    return f"{sum(told.values()) - told['rows']} records: {fates}; {told['rows']} rows"
