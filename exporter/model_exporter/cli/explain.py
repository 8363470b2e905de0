"""`model_exporter explain`."""

import json
import shutil
import sys
from collections.abc import Mapping
from http.client import HTTPException
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

import click

from model_exporter.cli.options import flag
from model_exporter.errors import ModelExporterError

_TIMEOUT_SECONDS: Final = 30.0
_NOT_FOUND: Final = 404

_EPILOG = """
\b
Examples:
  model_exporter explain fraud
  model_exporter explain fraud --feature amount
  model_exporter explain fraud --json | jq .data.explanation.drift

Exits with 1 when no exporter answers, and with 2 when it does not know the model, the version or the feature.
"""


class NoAnswerError(ModelExporterError):
    """Nothing answers at the address, or not as an exporter does."""


class ExporterUrlType(click.ParamType[str]):
    """`http://host:port`, where `http://` goes without saying; the value is a URL without a slash at its end."""

    name = "URL"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """`value` if it is such a URL."""
        url = value if "://" in value else f"http://{value}"
        try:
            parts = urlsplit(url)
            usable = parts.scheme in {"http", "https"} and parts.hostname and not (parts.query or parts.fragment)
            _ = parts.port  # raises for one that is no number
        except ValueError:
            usable = False
        if not usable:
            self.fail(f"{value!r} is not an address such as http://127.0.0.1:19464", param, ctx)
        return url.rstrip("/")


@click.command(short_help="Say why a verdict of drift stands.", epilog=_EPILOG)
@click.argument("model")
@click.option("--feature", metavar="NAME", help="An input or output.  [default: those that the alarms name]")
@click.option("--version", metavar="NAME", help="A version of the model.  [default: the active one]")
@flag(
    "--address",
    "address",
    type=ExporterUrlType(),
    default="http://127.0.0.1:19464",
    show_default=True,
    help="Where the exporter serves its metrics.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the exporter's whole answer instead of the text in it.")
@click.option("--width", type=click.IntRange(min=1), help="Columns to use.  [default: those of the terminal]")
def explain(
    model: str, feature: str | None, version: str | None, address: str, as_json: bool, width: int | None
) -> None:
    """Ask a running exporter why MODEL has drifted, or why no alarm is on.

    The answer tells how large the difference from the baseline is, how strong the evidence, over how many predictions
    and since when, and shows baseline and window side by side. Where outcomes are known it tells how good the
    predictions were, else why that is not known.
    """
    columns = width or shutil.get_terminal_size().columns
    encoding = sys.stdout.encoding or "ascii"
    speaks_unicode = encoding.lower().replace("-", "").startswith("utf")
    query = {"feature": feature, "version": version, "width": columns, "ascii": str(not speaks_unicode).lower()}
    asked = urlencode({name: value for name, value in query.items() if value is not None}, errors="surrogateescape")
    name = quote(model, safe="", errors="surrogateescape")
    answer = _ask(address, f"/api/v1/models/{name}/explain?{asked}")
    match answer:
        case {"status": "success", "data": {"text": str(text)}}:
            told = json.dumps(answer, indent=2) if as_json else text.rstrip("\n")
            click.echo(told.encode(encoding, "backslashreplace").decode(encoding))
        case _:
            raise _not_an_exporter(address)


def _ask(address: str, path: str) -> Mapping[str, object]:
    """The JSON object that the exporter at `address` answers.

    Raises:
        NoAnswerError: it does not.
        click.UsageError: it does not know what was asked for.
    """
    from model_exporter.baseline.terminal import printable

    # Without proxies: the exporter is on this machine or near it.
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(address + path, timeout=_TIMEOUT_SECONDS) as response:
            return _read(response.read(), address)
    except HTTPError as error:
        with error:
            told = _read(error.read(), address).get("error")
        if error.code == _NOT_FOUND and isinstance(told, str):
            raise click.UsageError(printable(told)) from error
        raise NoAnswerError(f"{address} answered {error.code}: {told}") from error
    except (URLError, HTTPException, OSError) as error:
        reason = error.reason if isinstance(error, URLError) else error
        raise NoAnswerError(
            f"nothing answers at {address} ({reason}); start the exporter with `model_exporter serve`, "
            "or say with --address where it serves its metrics"
        ) from error


def _read(body: bytes, address: str) -> Mapping[str, object]:
    try:
        answer = json.loads(body)
    except ValueError as error:
        raise _not_an_exporter(address) from error
    if not isinstance(answer, dict):
        raise _not_an_exporter(address)
    return answer


def _not_an_exporter(address: str) -> NoAnswerError:
    return NoAnswerError(f"{address} answers, but not as model_exporter does; give the address of its metrics")
