"""`model_exporter demo`."""

import click

_EPILOG = """
Needs the extra: pip install 'model_exporter[demo]'. Prometheus takes part when a `prometheus` program is installed.
"""


@click.command(short_help="Watch a real model drift, and fail.", epilog=_EPILOG)
@click.option("--once", is_flag=True, help="End by itself; exit with 1 if a change did not show in the metrics.")
@click.option(
    "--rate", type=click.FloatRange(min=1, max=10_000), default=300, show_default=True, help="Predictions a second."
)
@click.option(
    "--shift/--no-shift", default=True, help="Whether traffic and truth change after a while.  [default: shift]"
)
@click.option("--seed", type=click.IntRange(min=0), default=7, show_default=True, help="Seed of data and traffic.")
def demo(once: bool, rate: float, shift: bool, seed: int) -> int:
    """Watch a real model drift, and then fail without drift: exporter, model and OpenTelemetry SDK on this machine."""
    from model_exporter.demo.run import run_demo

    return run_demo(once=once, rate=rate, seed=seed, shift=shift)
