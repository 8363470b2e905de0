"""What it would do to assume a larger correlation of predictions where a baseline tells none, for FALSE_ALARMS.md."""

from concurrent.futures import Executor
from dataclasses import replace
from itertools import product
from typing import Final

from benchmarks.bench_delay import SHIPPED, SLOT_SECONDS, Delays, measure
from benchmarks.clean_traffic import LEVELS, Cell, Found, Traffic
from benchmarks.clean_traffic import measure as measure_cell
from benchmarks.shifts import SHIFTS
from model_exporter.stats.dependence import RHO

RHOS: Final = (RHO, 0.003, 0.01)
"""The default first."""
CELLS: Final = tuple(
    cell
    for cell in (Cell(Traffic.MOVING, rows, size, 100) for rows, size in product((500, 1_000, 10_000), (25, 100, 400)))
    if not cell.told
)
SHIFTED: Final = ("mean +0.25 sd", "mean +0.5 sd")
SIZES: Final = (25, 400)
"""Predictions a slot of 15 s."""


def report_assumed(pool: Executor) -> tuple[list[str], list[str]]:
    """Tables of false alarms in traffic that moves, and of delays, by the correlation assumed."""
    rows, changes = list(product(CELLS, RHOS)), list(product(SHIFTED, SIZES, LEVELS, RHOS))
    found, delays = pool.map(_false_alarms, rows), pool.map(_delay, changes)
    return (
        _rates(dict(zip(rows, found, strict=True))),
        _delays(dict(zip(changes, delays, strict=True))),
    )


def _false_alarms(task: tuple[Cell, float]) -> dict[str, Found]:
    cell, rho = task
    return measure_cell(replace(cell, rho=rho))


def _delay(task: tuple[str, int, str, float]) -> Delays:
    name, size, level, rho = task
    [shift] = (shift for shift in SHIFTS if shift.name == name)
    [shipped] = (setting for setting in SHIPPED if setting.name == level)
    setting = replace(shipped, rho=rho, slot_rows=size, slot_seconds=SLOT_SECONDS)
    return measure(shift, setting, seed=size)


def _head(first: str) -> list[str]:
    return [
        f"| {first} | {' | '.join(f'{level}, {rho}' for level, rho in product(LEVELS, RHOS))} |",
        "|---|" + "---|" * (len(LEVELS) * len(RHOS)),
    ]


def _rates(found: dict[tuple[Cell, float], dict[str, Found]]) -> list[str]:
    lines = _head("baseline rows, n")
    for cell in CELLS:
        figures = [found[cell, rho][level].shown() for level, rho in product(LEVELS, RHOS)]
        lines.append(f"| {cell.rows:,}, {cell.size} | {' | '.join(figures)} |")
    return lines


def _delays(found: dict[tuple[str, int, str, float], Delays]) -> list[str]:
    lines = _head("shift, n")
    for name, size in product(SHIFTED, SIZES):
        figures = [found[name, size, level, rho].average() for level, rho in product(LEVELS, RHOS)]
        lines.append(f"| {name}, {size} | {' | '.join(figures)} |")
    return lines
