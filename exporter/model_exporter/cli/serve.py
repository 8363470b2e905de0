"""`model_exporter serve`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from model_exporter.cli.options import AddressType, DurationType, flag

if TYPE_CHECKING:
    from model_exporter.logs import LogFormat

_EPILOG = """
\b
Examples:
  model_exporter serve
  model_exporter serve --config.file=exporter.yml
  model_exporter serve --otlp.http-address=:4318 --storage.path=/var/lib/model_exporter
  model_exporter serve --logs.file='/var/log/models/*.jsonl'
  MODEL_EXPORTER_LOG_FORMAT=json model_exporter serve

\b
What comes in where:
  OTLP/gRPC   traces and logs of any OpenTelemetry SDK or Collector
  OTLP/HTTP   the same on /v1/traces and /v1/logs, protobuf or JSON; and plain
              JSON or JSON lines on /v1/predictions, /v1/outcomes, /v1/events
  files       log files of the same JSON lines, or of what a mapping reads
  web         /metrics for Prometheus, / for people, /-/healthy, /-/ready

SIGTERM and SIGINT stop it in order; SIGHUP reads the configuration again.
"""


@click.command(short_help="Receive predictions, serve their metrics.", epilog=_EPILOG)
@flag(
    "--config.file",
    "config_file",
    type=click.Path(path_type=Path),
    help="Configuration file. Without one, models and their features are learned from what arrives.",
)
@flag(
    "--otlp.grpc-address",
    "grpc_address",
    type=AddressType(),
    default="127.0.0.1:4317",
    show_default=True,
    help="Where OTLP/gRPC is received.",
)
@flag(
    "--otlp.http-address",
    "http_address",
    type=AddressType(),
    default="127.0.0.1:4318",
    show_default=True,
    help="Where OTLP/HTTP and prediction logs are received.",
)
@flag(
    "--web.listen-address",
    "web_address",
    type=AddressType(),
    default=":19464",
    show_default=True,
    help="Where /metrics is served; without a host, on all interfaces.",
)
@flag(
    "--logs.file",
    "log_files",
    multiple=True,
    metavar="[MAPPING=]GLOB",
    help="Log files to follow, a prediction a line; or records that a mapping reads. May be given several times; "
    "in the environment variable, with spaces between.",
)
@flag("--web.enable-lifecycle", "enable_lifecycle", is_flag=True, help="Allow a reload by POST /-/reload.")
@flag(
    "--storage.path",
    "storage_path",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data"),
    show_default=True,
    help="Folder that keeps learned baselines, evidence and outcomes over a restart.",
)
@flag(
    "--shutdown.grace",
    "grace_seconds",
    type=DurationType(),
    default="30s",
    show_default=True,
    help="How long a stop may take to write what was accepted.",
)
@flag(
    "--decode.logs",
    "log_decoder",
    type=click.Choice(["auto", "python"]),
    default="auto",
    show_default=True,
    help="What reads OTLP logs and traces, and predictions in JSON: compiled code where installed, or Python alone.",
)
@flag(
    "--log.level",
    "log_level",
    type=click.Choice(["debug", "info", "warn", "error"]),
    default="info",
    show_default=True,
    help="Least level that is logged.",
)
@flag(
    "--log.format",
    "log_format",
    type=click.Choice(["logfmt", "json"]),
    default="logfmt",
    show_default=True,
    help="How log lines are written, on standard error.",
)
def serve(
    config_file: Path | None,
    grpc_address: str,
    http_address: str,
    web_address: str,
    log_files: tuple[str, ...],
    enable_lifecycle: bool,
    storage_path: Path,
    grace_seconds: float,
    log_decoder: str,
    log_level: str,
    log_format: "LogFormat",
) -> None:
    """Receive predictions and serve their metrics, until SIGTERM or Ctrl-C."""
    from model_exporter.allocator import limit_arenas

    limit_arenas(os.environ)  # before numpy, which starts threads
    from model_exporter.app import App, Options
    from model_exporter.logs import configure_logging

    configure_logging(level=log_level, form=log_format)
    options = Options(
        config_file=config_file,
        grpc_address=grpc_address,
        http_address=http_address,
        web_address=web_address,
        log_files=log_files,
        enable_lifecycle=enable_lifecycle,
        storage_path=storage_path,
        grace_seconds=grace_seconds,
        compiled_decoder=log_decoder == "auto",
    )
    App(options).run()
