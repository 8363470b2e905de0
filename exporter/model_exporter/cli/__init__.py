"""The command line: arguments to settings to the app, errors to one line and an exit code."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

from model_exporter import __version__
from model_exporter.errors import ConfigError, ModelExporterError

FAILED: Final = 1
"""Exit code when something went wrong on the way: a port is taken, a file cannot be read."""
MISUSED: Final = 2
"""Exit code when the command line or the configuration has a mistake."""
INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as shells have it."""

_EPILOG = """
\b
Start here:
  model_exporter serve                          send OTLP to localhost:4317 or :4318,
                                                scrape localhost:19464/metrics
  model_exporter baseline build train.csv -o fraud.json
                                                what the model was trained on
  model_exporter explain fraud                  why the exporter says that it drifted
  model_exporter check-config exporter.yml      before a reload
  model_exporter mapping try log.jsonl          what the exporter would read in a file
  model_exporter demo                           a real model that drifts

Exit codes: 0 fine, 1 failed on the way, 2 a mistake in the command line or the configuration.
"""


_COMMANDS: Final = {
    "serve": "serve",
    "explain": "explain",
    "check-config": "check",
    "baseline": "baseline",
    "mapping": "mapping",
    "pack": "pack",
    "demo": "demo",
}
"""The module of each command, where its function has the name of the command, with `_` for `-`."""


class _Commands(click.Group):
    """Loads a command when it is asked for: the process that serves keeps none of the others for its lifetime."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click passes it
        """Names of all commands, in the order of their help."""
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # the same
        """The command of this name; None when there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"model_exporter.cli.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command


@click.group(
    cls=_Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(__version__, prog_name="model_exporter")
def cli() -> None:
    """Prometheus exporter for machine-learning models in production.

    Predictions and traces come in over OTLP or as JSON; traffic, data-quality and drift metrics go out.
    """


def main() -> None:
    """Run the command line of this process and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name and return its exit code; an error is one line on standard error."""
    try:
        code = cli.main(list(arguments), prog_name="model_exporter", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return MISUSED
    except click.Abort:
        return INTERRUPTED
    except (click.ClickException, ModelExporterError, OSError) as error:
        message, code = _explain(error)
        click.echo(f"error: {' '.join(line.strip() for line in message.splitlines())}", err=True)
    return code if isinstance(code, int) else 0


def _explain(error: click.ClickException | ModelExporterError | OSError) -> tuple[str, int]:
    """What to say of `error`, and the exit code."""
    match error:
        case click.UsageError():
            where = error.ctx.command_path if error.ctx else "model_exporter"
            return f"{error.format_message()} (see `{where} --help`)", MISUSED
        case click.ClickException():
            return error.format_message(), FAILED
        case ConfigError():
            return str(error), MISUSED
        case OSError(filename=str(name), strerror=str(reason)):
            return f"{name}: {reason}", FAILED
        case _:
            return str(error), FAILED
