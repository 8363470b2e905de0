"""Draws line and bar charts as SVG: `python draw_cost.py CHARTS.json FOLDER`, in an environment with matplotlib.

CHARTS.json is a list of `{"file", "title", "x", "y", "log", "lines"}` or `{"file", "title", "x", "bars"}`: labels,
which axes ("xy", "x", "y" or "") have scales of powers, lines of `{"name", "x", "y", "dashed"}`, or bars of
`{"name", "value", "ours"}`. The same charts give the same bytes.
"""

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

SIZE = (6.4, 3.6)
STYLE = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 9,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "svg.fonttype": "none",  # texts stay texts: small, and to be searched
    "svg.hashsalt": "cost",
}


def plain(value: float) -> str:
    """A number with thousands marked, no more digits than it has."""
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def draw_lines(axes: Axes, chart: dict[str, Any]) -> None:
    """Lines with a mark at each point; a dashed one is a limit or a reference."""
    for line in chart["lines"]:
        look = {"linestyle": "--", "color": "gray"} if line.get("dashed") else {"marker": "o", "markersize": 3}
        axes.plot(line["x"], line["y"], label=line["name"], **look)
    axes.set_xlabel(chart["x"])
    if "x" in chart["log"]:
        axes.set_xscale("log")
    if "y" in chart["log"]:
        axes.set_yscale("log")
    for axis, log in ((axes.xaxis, "x" in chart["log"]), (axes.yaxis, "y" in chart["log"])):
        if log:
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_minor_locator(NullLocator())
        else:
            axis.set_major_locator(MaxNLocator(integer=True, nbins=8))
        axis.set_major_formatter(lambda value, _: plain(value))
    if "x" in chart["log"]:
        axes.set_xticks(chart["lines"][0]["x"])
    if "y" not in chart["log"]:
        axes.set_ylim(bottom=0)
    axes.legend()


def draw_bars(axes: Axes, chart: dict[str, Any]) -> None:
    """Horizontal bars on a scale of powers of ten, each with its value; those with a mark stand out."""
    bars = chart["bars"][::-1]
    colors = ["tab:green" if bar.get("ours") else "tab:blue" for bar in bars]
    drawn = axes.barh([bar["name"] for bar in bars], [bar["value"] for bar in bars], color=colors)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: plain(value))
    axes.bar_label(drawn, [plain(round(bar["value"], 1)) for bar in bars], padding=3)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(chart["x"])
    axes.margins(x=0.15)


def main() -> None:
    """Draw every chart."""
    charts, folder = json.loads(Path(sys.argv[1]).read_text("utf-8")), Path(sys.argv[2])
    with plt.rc_context(STYLE):
        for chart in charts:
            figure, axes = plt.subplots(figsize=SIZE, layout="constrained")
            axes.set_title(chart["title"], loc="left")
            if "bars" in chart:
                draw_bars(axes, chart)
            else:
                draw_lines(axes, chart)
                axes.set_ylabel(chart["y"])
            figure.savefig(folder / chart["file"], metadata={"Date": None, "Creator": None})
            plt.close(figure)


if __name__ == "__main__":
    main()
