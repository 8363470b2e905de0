"""`model_exporter pack dashboards`."""

from pathlib import Path

import click

_EPILOG = """
\b
Examples:
  model_exporter pack dashboards -o /var/lib/grafana/dashboards
  model_exporter pack dashboards --by cluster --runbook-url https://wiki.example.com/ml -o dashboards
  model_exporter pack dashboards model-fleet > fleet.json

With -o every page becomes a file named after its uid, which Grafana provisions or imports.
"""


@click.command("dashboards", short_help="Write the dashboards for Grafana.", epilog=_EPILOG)
@click.argument("uids", nargs=-1, metavar="[UID]...")
@click.option("--by", multiple=True, metavar="LABEL", help="A label besides model that tells models apart.")
@click.option("--runbook-url", metavar="BASE", help="Address of the folder where the runbooks are published.")
@click.option(
    "-o",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; made if it is not there.  [default: one page to standard output]",
)
def dashboards(uids: tuple[str, ...], by: tuple[str, ...], runbook_url: str | None, target: Path | None) -> None:
    """Write the pages as Grafana keeps them: all of them, or those named by UID.

    Labels given with --by stand in every query, table and link, and can be chosen at the top of every page; they are
    those that `pack rules --by` keeps.
    """
    from model_exporter.files import replace_file
    from model_exporter.pack.dashboards.dashboard import text_of
    from model_exporter.pack.dashboards.pages import PAGES, render
    from model_exporter.pack.rules import RUNBOOKS, Site

    for uid in uids:
        if uid not in PAGES:
            raise click.UsageError(f"there is no page {uid}: one of {', '.join(PAGES)}")
    chosen = uids or tuple(PAGES)
    if target is None and len(chosen) != 1:
        raise click.UsageError("name a folder with -o, or one page")
    site = Site(by=by, runbooks=runbook_url or RUNBOOKS)
    texts = {uid: text_of(render(PAGES[uid], site)) for uid in chosen}
    if target is None:
        click.echo(texts[chosen[0]], nl=False)
        return
    target.mkdir(parents=True, exist_ok=True)
    for uid, text in texts.items():
        replace_file(target / f"{uid}.json", text.encode())
        click.echo(f"wrote {target / uid}.json", err=True)
