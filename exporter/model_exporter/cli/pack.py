"""`model_exporter pack`: what Prometheus, Alertmanager and Grafana load."""

from pathlib import Path

import click

from model_exporter.cli import pack_dashboards, pack_rules

_EPILOG = """
\b
Examples:
  model_exporter pack rules -o /etc/prometheus/rules
  model_exporter pack alertmanager --owners owners.yml -o alertmanager.yml
  model_exporter pack dashboards -o /var/lib/grafana/dashboards
  model_exporter pack check --owners owners.yml
"""
_ALERTMANAGER_EPILOG = """
\b
Examples:
  model_exporter pack alertmanager --owners owners.yml -o /etc/alertmanager/alertmanager.yml
  model_exporter pack alertmanager --owners owners.yml | diff alertmanager.yml -
  model_exporter pack alertmanager --reference

Check what comes out with `amtool check-config`, and where an alert would go with `amtool config routes test`.
"""


@click.group(epilog=_EPILOG)
def pack() -> None:
    """Render the configuration of what stands around the exporter."""


@pack.command(short_help="Render Alertmanager's routing from an ownership file.", epilog=_ALERTMANAGER_EPILOG)
@click.option("--owners", "owners_file", type=click.Path(path_type=Path), metavar="FILE", help="The ownership file.")
@click.option(
    "--base",
    "base_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What is not about owners: mail server, other routes.  [default: the one that is shipped]",
)
@click.option(
    "--profile",
    "profile_",
    type=click.Choice(["0.25", "current"]),
    default="0.25",
    show_default=True,
    help="The Alertmanager: 0.25 and newer, or 0.32 and newer with Jira and more of webhooks.",
)
@click.option(
    "-o", "target", type=click.Path(path_type=Path, dir_okay=False), help="File to write, with templates/ beside it."
)
@click.option("--no-templates", is_flag=True, help="Leave templates/ beside the file to write alone.")
@click.option("--reference", "reference_", is_flag=True, help="Print every key with its type, default and meaning.")
def alertmanager(
    owners_file: Path | None,
    base_file: Path | None,
    profile_: str,
    target: Path | None,
    no_templates: bool,
    reference_: bool,
) -> None:
    """Render a whole alertmanager.yml from an ownership file and a base.

    Without -o it goes to standard output. Exits with 2 at the first mistake in a file, and has written nothing then.
    """
    if reference_:
        from model_exporter.config.reference import keys_text
        from model_exporter.pack.owners_schema import OwnersKeys

        click.echo(keys_text(OwnersKeys))
        return
    if owners_file is None:
        raise click.UsageError("give the ownership file with --owners, or --reference")
    from model_exporter.files import replace_file
    from model_exporter.pack.alertmanager import render, write_templates
    from model_exporter.pack.profiles import Profile

    text = render(owners_file, base_file, Profile(profile_))
    if target is None:
        click.echo(text, nl=False)
        return
    replace_file(target, text.encode())
    written = [target, *([] if no_templates else write_templates(target.parent))]
    click.echo("\n".join(f"wrote {path}" for path in written), err=True)


for _command in (pack_rules.rules, pack_rules.check, pack_dashboards.dashboards):
    pack.add_command(_command)
