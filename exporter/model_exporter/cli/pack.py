"""`model_exporter pack`: what Prometheus, Alertmanager and Grafana load."""

from pathlib import Path

import click

_EPILOG = """
\b
Examples:
  model_exporter pack alertmanager --owners owners.yml -o alertmanager.yml
  model_exporter pack alertmanager --reference
"""


@click.group(epilog=_EPILOG)
def pack() -> None:
    """Render the configuration of what stands around the exporter."""


@pack.command("alertmanager", short_help="Render Alertmanager's routing from an ownership file.")
@click.option("--owners", type=click.Path(path_type=Path), help="The ownership file.")
def alertmanager(owners: Path | None) -> None:
    """Render a whole alertmanager.yml from the ownership file and a base."""
    raise click.UsageError(f"not yet: {owners}")
