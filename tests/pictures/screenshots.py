"""Pictures of all dashboards in three states of a fleet: `make screenshots`.

Each state is hours of history in a Prometheus (see `timelapse`). The pictures go to `dashboards/pictures`, and the
part of `dashboards/README.md` that shows them is written anew.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from timelapse.server import running

ROOT: Final = Path(__file__).parents[2]
DASHBOARDS: Final = ROOT / "dashboards"
RENDERER: Final = Path(__file__).with_name("render.mjs")
STATES: Final = {"healthy": "quiet", "drifting": "drifting", "empty": "empty"}
"""What a reader calls a state, and what it is called where it is made."""
ORDER: Final = ("fleet", "detail", "drift", "quality", "performance", "incidents", "exporter")
CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "model-detail": {"model": "fraud-check"},
    "model-drift": {"model": "fraud-check"},
    "model-performance": {"model": "ad-click"},
    "model-quality": {"model": "churn-risk"},
}
"""What is chosen on pages about one model: one that the drifting state has a story about."""
SCRAPE: Final = "60s"
"""Between the samples of a state."""
MOST_BYTES: Final = 250_000
SECTION: Final = re.compile(r"(?<=<!-- pictures -->\n).*(?=<!-- /pictures -->)", re.DOTALL)
HEAD: Final = "# Dashboards\n\n<!-- pictures -->\n<!-- /pictures -->\n"


class PictureError(Exception):
    """A picture could not be made, or is not one to show."""


def take(page: Path, address: str, out: Path, choices: Mapping[str, str]) -> dict[str, Any]:
    """Draw one dashboard with data from `address`; gives the renderer's report.

    Raises:
        PictureError: the renderer failed, a panel is in error, or the file is too large for a repository.
    """
    command = ["node", str(RENDERER), "--dashboard", str(page), "--prometheus", address, "--out", str(out)]
    command += ["--scrape-interval", SCRAPE]
    command += [word for name, value in choices.items() for word in ("--var", f"{name}={value}")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        raise PictureError(f"{page.name}: {done.stderr}")
    report: dict[str, Any] = json.loads(done.stdout)
    failed = [f"{panel['title']}: {panel['message']}" for panel in report["panels"] if panel["status"] == "error"]
    if failed or report["problems"]:
        raise PictureError(f"{page.name}: {'; '.join([*failed, *report['problems']])}")
    if out.stat().st_size > MOST_BYTES:
        raise PictureError(f"{out.name} has {out.stat().st_size} bytes")
    return report


def section(pages: Mapping[str, Path]) -> str:
    """The part of the page that shows the pictures."""
    parts = []
    for uid, path in pages.items():
        page = json.loads(path.read_text("utf-8"))
        cells = [
            f"[![{page['title']}, {state}](pictures/{uid}-{state}.png)](pictures/{uid}-{state}.png)" for state in STATES
        ]
        parts.append(
            f"### {page['title'].removeprefix('Models / ')}\n\n{page['description']}\n\n"
            f"| {' | '.join(STATES)} |\n|{'---|' * len(STATES)}\n| {' | '.join(cells)} |\n"
        )
    return "\n" + "\n".join(parts) + "\n"


def write_readme(pages: Mapping[str, Path]) -> None:
    """Put the pictures where the page keeps them."""
    readme = DASHBOARDS / "README.md"
    text = readme.read_text("utf-8") if readme.exists() else HEAD
    if not SECTION.search(text):
        raise PictureError(f"{readme.name} has no place for pictures: <!-- pictures --> and <!-- /pictures -->")
    readme.write_text(SECTION.sub(lambda _: section(pages), text), "utf-8")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", choices=STATES, action="append", help="only this state; can be repeated")
    parser.add_argument("--page", action="append", help="only this dashboard, by uid; can be repeated")
    options = parser.parse_args()
    pages = {f"model-{name}": DASHBOARDS / f"model-{name}.json" for name in ORDER}
    for state in options.state or STATES:
        with running(STATES[state]) as address:
            for uid in options.page or pages:
                choices = CHOICES.get(uid, {}) if state != "empty" else {}
                report = take(pages[uid], address, DASHBOARDS / "pictures" / f"{uid}-{state}.png", choices)
                totals = report["totals"]
                sys.stdout.write(f"{uid} {state}: {totals['ok']} panels with data, {totals['no_data']} without\n")
                sys.stdout.flush()
    write_readme(pages)


if __name__ == "__main__":
    try:
        main()
    except PictureError as error:
        sys.exit(f"error: {error}")
