"""`model_exporter pack rules` and `pack check`."""

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from model_exporter.pack.rulefiles import RuleFile
    from model_exporter.pack.rules import Resource

_RULES_EPILOG = """
\b
Examples:
  model_exporter pack rules -o /etc/prometheus/rules
  model_exporter pack rules --by cluster --runbook-url https://wiki.example.com/ml -o rules
  model_exporter pack rules --format operator --label release=monitoring | kubectl apply -f -
"""

_CHECK_EPILOG = """
\b
Examples:
  model_exporter pack check
  model_exporter pack check --rules /etc/prometheus/rules --by cluster --owners owners.yml

Exit codes: 0 all is well, 1 a file cannot be read, 2 something is wrong.
"""

_WRONG = 2


@click.command("rules", short_help="Write the recording and alerting rules.", epilog=_RULES_EPILOG)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["prometheus", "operator"]),
    default="prometheus",
    show_default=True,
    help="Files of rules, for Prometheus, Thanos Ruler and Mimir, or PrometheusRule resources for the operator.",
)
@click.option(
    "--profile",
    type=click.Choice(["small", "full"]),
    default="small",
    show_default=True,
    help="How many distances of drift are recorded.",
)
@click.option("--by", multiple=True, metavar="LABEL", help="A label besides model that tells models apart.")
@click.option("--runbook-url", metavar="BASE", help="Address of the folder where the runbooks are published.")
@click.option("--dashboard-url", metavar="BASE", help="Address of Grafana.")
@click.option("--namespace", default="", metavar="NS", help="Namespace of the resources, with --format operator.")
@click.option(
    "--label", "labels", multiple=True, metavar="K=V", help="A label of the resources, with --format operator."
)
@click.option(
    "-o",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write to; made if it is not there.  [default: everything to standard output]",
)
def rules(
    format_: str,
    profile: str,
    by: tuple[str, ...],
    runbook_url: str | None,
    dashboard_url: str | None,
    namespace: str,
    labels: tuple[str, ...],
    target: Path | None,
) -> None:
    """Write the recording and alerting rules that come with the exporter.

    The text stays as it is, comments included; only addresses and labels are put in. LABEL is one that your series
    have from elsewhere, such as cluster: models of one name in two clusters are then two models.
    """
    from model_exporter.files import replace_file
    from model_exporter.pack import rules as pack
    from model_exporter.pack.shipped import shipped

    if format_ != "operator" and (namespace or labels):
        raise click.UsageError("--namespace and --label need --format operator")
    site = pack.Site(by, runbook_url or pack.RUNBOOKS, dashboard_url or pack.DASHBOARDS)
    resource = pack.Resource(namespace, _pairs(labels)) if format_ == "operator" else None
    files = [pack.render(path, site) for path in pack.rule_files(shipped("rules"), pack.Profile(profile))]
    if target is None:
        click.echo(_together(files, resource), nl=False)
        return
    target.mkdir(parents=True, exist_ok=True)
    for file in files:
        text = pack.operator(file, resource) if resource else pack.prometheus(file)
        replace_file(target / file.path.name, text.encode())
    click.echo(f"{target}: {len(files)} files, {sum(1 for file in files for _ in file.rules)} rules")
    for path in pack.twins(target, files):
        click.echo(f"warning: {path} has groups of these rules, too: remove it, or they are evaluated twice", err=True)


def _together(files: "list[RuleFile]", resource: "Resource | None") -> str:
    from model_exporter.pack import rules as pack

    if resource is None:
        return pack.joined(files)
    return "---\n".join(pack.operator(file, resource) for file in files)


def _pairs(labels: tuple[str, ...]) -> dict[str, str]:
    """Labels by name from `k=v`."""
    for label in labels:
        if "=" not in label:
            raise click.UsageError(f"--label {label!r} is not of the form name=value")
    return dict(label.split("=", maxsplit=1) for label in labels)


@click.command("check", short_help="Check rules and routing, without a server.", epilog=_CHECK_EPILOG)
@click.option(
    "--rules", "folder", type=click.Path(path_type=Path), help="Folder of rule files.  [default: the shipped]"
)
@click.option("--by", multiple=True, metavar="LABEL", help="A label that the rules were written with.")
@click.option("--owners", type=click.Path(path_type=Path), help="Ownership file.  [default: the example]")
@click.option("--base", type=click.Path(path_type=Path), help="Base of alertmanager.yml.  [default: the shipped]")
def check(folder: Path | None, by: tuple[str, ...], owners: Path | None, base: Path | None) -> int:
    """Check rules and routing as far as that is possible without a server.

    Prints a line for each thing that was checked. Rules are checked against each other, the metrics of the exporter
    and the conventions of the pack; promtool and amtool are asked as well where they are on PATH.
    """
    from model_exporter.pack.shipped import shipped
    from model_exporter.pack.verify import Outcome, check_routing, check_rules

    chosen = folder or shipped("rules")
    runbooks = chosen / "runbooks"
    results = chain(
        check_rules(chosen, runbooks if runbooks.is_dir() else shipped("rules") / "runbooks", by),
        check_routing(owners or shipped("alertmanager") / "owners.example.yml", base),
    )
    wrong = 0
    for result in results:
        wrong += result.outcome is Outcome.WRONG
        click.echo(str(result))
    return _WRONG if wrong else 0
