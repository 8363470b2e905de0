"""Every query of every dashboard on a real Prometheus: a fleet that is well, one with a bad day, and none at all."""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

from dashboard_queries import Page, QueryError, Range, Server, Variables, references, resolve
from e2e.programs import require
from timelapse.server import running

ROOT = Path(__file__).parents[2]
PAGES = {path.stem: path for path in sorted((ROOT / "dashboards").glob("*.json"))}
RENDERER = ROOT / "tests" / "pictures" / "render.mjs"
SCRAPE = 60
"""Seconds between the samples of a state."""
MODELS = ("fraud-check", "loan-approval", "delivery-time", "churn-risk", "ad-click", "search-ranking")
"""A page about one model is asked about each until all its queries have found something."""
ABSENT = {
    ("model-drift", "Baseline learned A"): "every model's baseline was given or is complete",
    ("model-drift", "Pairs that no longer go together A"): "no fault of the story changes how features go together",
    ("model-exporter", "Clocks that disagree A"): "the simulator's clocks agree",
    ("model-exporter", "Failures of storage A"): "no disk fails",
    ("model-exporter", "Failures of storage B"): "no disk fails",
    ("model-exporter", "Failures of storage C"): "no disk fails",
    ("model-exporter", "Missed or failed evaluations A"): "this Prometheus does not scrape itself",
    ("model-exporter", "Missed or failed evaluations B"): "this Prometheus does not scrape itself",
    ("model-exporter", "Series that the rules record, by group A"): "this Prometheus does not scrape itself",
    ("model-exporter", "Share of its interval that each group takes A"): "this Prometheus does not scrape itself",
    ("model-exporter", "Time of the rules, by group A"): "this Prometheus does not scrape itself",
    ("model-performance", "Outcomes that tell nothing A"): "every outcome finds its prediction",
    ("model-quality", "Invalid by reason: $feature A"): "no value has a wrong type or leaves its range",
    ("model-quality", "Violations by reason A"): "no record breaks its schema",
    ("model-performance", "Groups and their bounds: $rate E"): "no model treats groups unequally",
}
"""Queries that find nothing on the bad day, and why; those of annotations may always find nothing."""
TROUBLE = {
    "model-detail": {"Incident began A", "Since when A"},
    "model-drift": {
        "Drift began A",
        *(f"Features by evidence of drift {ref}" for ref in "ABCD"),
        "Kind of change: $feature A",
    },
    "model-exporter": {"Alerts about exporters A", "Records and values lost A", "Turned away by limits A"},
    "model-fleet": {*(f"Incidents now {ref}" for ref in "ABC"), "When models were not well A"},
    "model-incidents": {
        *(f"Incidents now {ref}" for ref in "ABC"),
        *(f"Incidents of this time {ref}" for ref in "ABCD"),
        "Incidents over time A",
        "Symptoms now A",
        "Time in incidents, by cause A",
        "Time to detect drift A",
        "Time to resolve A",
        "What speaks for which cause A",
    },
}
"""Queries that find nothing while all is well, beside those."""
NOTHING_TO_CHOOSE = {"model-performance": {"of"}}
"""Lists without values: no model here has several classes, horizons or depths."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a state that is not kept yet takes minutes
uid = pytest.mark.parametrize("uid", PAGES)


@dataclass
class Asked:
    """A page that was asked about some models: queries that found something, that did not, that failed."""

    found: set[str] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)
    options: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Served:
    """A state that a Prometheus holds."""

    state: str
    address: str
    end: float

    @property
    def server(self) -> Server:
        """Its Prometheus."""
        return Server(int(self.address.rpartition(":")[2]))

    def ask(self, page: Page, variables: Variables, within: Range, told: Asked) -> None:
        """Ask everything that a page asks, with its variables."""
        for question, filled in page.asked(variables):
            expr, _ = page.filled(question, filled, within)
            if left := references(expr):
                told.errors.add(f"{question.name}: {', '.join(sorted(left))} is left")
            try:
                answer = page.ask(question, self.server, filled, within)
            except QueryError as error:
                told.errors.add(f"{question.name}: {error}")
            else:
                (told.found if answer.has_value else told.empty).add(question.name)


@cache
def asked(served: Served, uid: str) -> Asked:
    """Everything that a page asks, about one model after the other."""
    told = Asked()
    for model in MODELS:
        page = Page.read(PAGES[uid], scrape=SCRAPE, wanted={"model": model})
        within = page.range(served.end)
        variables = resolve(page.definitions, served.server, within, page.wanted)
        for name, variable in variables.items():
            told.options[name] = max(told.options.get(name, 0), len(variable.options))
        served.ask(page, variables, within, told)
    told.empty -= told.found
    return told


@pytest.fixture(scope="module", params=["quiet", "drifting", "empty"])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """Each state."""
    require("promtool")
    require("prometheus")
    with running(request.param) as address:
        yield Served(request.param, address, time.time())


@uid
def test_no_query_fails(served: Served, uid: str) -> None:
    """In any state, about any model, with all variables filled in, Prometheus takes every query."""
    assert asked(served, uid).errors == set()


@pytest.mark.parametrize("served", ["drifting"], indirect=True)
@uid
def test_every_query_finds_something_on_a_bad_day(served: Served, uid: str) -> None:
    """Each panel that can have data has some, of one model or another; the others are listed with their reason."""
    expected = {name for page, name in ABSENT if page == uid}
    assert _empty_panels(served, uid) == expected


@pytest.mark.parametrize("served", ["quiet"], indirect=True)
@uid
def test_nothing_speaks_of_trouble_while_all_is_well(served: Served, uid: str) -> None:
    """Panels about incidents and losses are empty, and no others."""
    assert _empty_panels(served, uid) == TROUBLE.get(uid, set()) | {name for page, name in ABSENT if page == uid}


def _empty_panels(served: Served, uid: str) -> set[str]:
    return {name for name in asked(served, uid).empty if not name.endswith(" annotation")}


@pytest.mark.parametrize("served", ["drifting"], indirect=True)
@uid
def test_every_variable_has_values(served: Served, uid: str) -> None:
    """A reader finds something to choose in each list."""
    told = asked(served, uid)
    lists = [one["name"] for one in json.loads(PAGES[uid].read_text("utf-8"))["templating"]["list"]]
    assert {name for name in lists if not told.options[name]} == NOTHING_TO_CHOOSE.get(uid, set())


@pytest.mark.parametrize("served", ["empty"], indirect=True)
@uid
def test_an_empty_page_explains_itself(served: Served, uid: str) -> None:
    """Before there are models, every panel that finds nothing says why it may be so."""
    empty = asked(served, uid).empty
    panels = [
        panel for one in json.loads(PAGES[uid].read_text("utf-8"))["panels"] for panel in [one, *one.get("panels", ())]
    ]
    silent = {
        panel["title"] for panel in panels if panel.get("targets") and not panel["fieldConfig"]["defaults"]["noValue"]
    }
    assert not {name for name in empty if name.rpartition(" ")[0] in silent}


@pytest.mark.parametrize("served", ["drifting"], indirect=True)
@uid
def test_pictures_show_what_these_tests_ask(served: Served, uid: str) -> None:
    """The renderer of pictures fills in variables, intervals and repeats as is done here: two readers of one page."""
    node = require("node")
    command = [node, str(RENDERER), "--open", "--dashboard", str(PAGES[uid]), "--prometheus", served.address]
    command += ["--scrape-interval", f"{SCRAPE}s", "--var", f"model={MODELS[0]}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    report = json.loads(done.stdout)
    drawn = [query["expr"] for panel in report["panels"] for query in panel["queries"]]
    drawn += [mark["expr"] for mark in report["annotations"]]
    page = Page.read(PAGES[uid], scrape=SCRAPE, wanted={"model": MODELS[0]})
    within = page.range(served.end)
    variables = resolve(page.definitions, served.server, within, page.wanted)
    assert sorted(drawn) == sorted(page.filled(question, own, within)[0] for question, own in page.asked(variables))
