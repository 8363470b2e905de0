"""`model_exporter demo`."""

import click

_EPILOG = """
Needs the extra: pip install 'model_exporter[demo]'. Prometheus and Alertmanager take part when both are installed (on
Debian: apt-get install prometheus prometheus-alertmanager); without them, the demo is about one model.
"""


@click.command(short_help="Watch real models have a bad day.", epilog=_EPILOG)
@click.option("--once", is_flag=True, help="End by itself; exit with 1 if something was not seen that should be.")
@click.option(
    "--rate", type=click.FloatRange(min=1, max=10_000), default=300, show_default=True, help="Predictions a second."
)
@click.option("--shift/--no-shift", default=True, help="Whether anything changes after a while.  [default: shift]")
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Seed of data and traffic.")
def demo(once: bool, rate: float, shift: bool, seed: int) -> int:
    """Watch five models have a bad day: an upstream fault, a bad deployment, another population, another concept.

    Exporter, models, OpenTelemetry SDK, Prometheus with the rules and Alertmanager with its routes run on this machine,
    and each message is shown: who is told what, since when, and where to look.
    """
    from model_exporter.demo.run import run_demo

    return run_demo(once=once, rate=rate, seed=seed, shift=shift)
