"""What a dashboard asks of Prometheus, with its variables filled in as Grafana fills them in."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from model_exporter.demo.processes import fetch

Json = dict[str, Any]

ALL: Final = "$__all"
SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_REFERENCE: Final = re.compile(r"\$([a-zA-Z_]\w*)|\$\{([a-zA-Z_]\w*)(:\w+)?\}")
_LABEL_VALUES: Final = re.compile(r"label_values\(\s*(?:(?P<selector>.+),\s*)?(?P<label>\w+)\s*\)", re.DOTALL)
_QUERY_RESULT: Final = re.compile(r"query_result\((?P<query>.+)\)", re.DOTALL)
_SPECIAL: Final = re.compile(r"[$^*{}\[\]'+?.()|]")
_STEPS: Final = (1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_PATIENCE_SECONDS: Final = 60.0


class QueryError(Exception):
    """Prometheus refused a query or did not answer it."""


def seconds(span: str) -> int:
    """Seconds of a span of time such as `90s` or `6h`."""
    return int(span[:-1]) * SECONDS[span[-1]]


# -- asking ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: series as Prometheus tells them, seconds of the evaluation, samples that it read."""

    series: list[Json]
    seconds: float = 0.0
    samples: int = 0

    @property
    def has_value(self) -> bool:
        """Whether anything in it can be drawn."""
        pairs = (pair for one in self.series for pair in one.get("values", [one.get("value")]))
        return any(value != "NaN" for _, value in pairs)


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of time in unix seconds."""

    start: float
    end: float

    @property
    def span(self) -> float:
        """Its seconds."""
        return self.end - self.start

    def aligned(self, step: int) -> Json:
        """The parameters of a range query over it."""
        return {"start": self.start // step * step, "end": self.end // step * step, "step": step}


class Server:
    """The HTTP API of a Prometheus on loopback."""

    def __init__(self, port: int) -> None:
        self._port = port

    def now(self, query: str, at: float) -> Answer:
        """Answer to an instant query at a moment in unix seconds."""
        return self._answer("query", {"query": query, "time": at})

    def over(self, query: str, parameters: Json) -> Answer:
        """Answer to a range query, given `start`, `end` and `step`."""
        return self._answer("query_range", {"query": query, **parameters})

    def label_values(self, label: str, selector: str | None, within: Range) -> list[str]:
        """Values of a label of the series that `selector` finds."""
        chosen = {"match[]": selector} if selector else {}
        values: list[str] = self._ask(f"label/{label}/values", {**chosen, "start": within.start, "end": within.end})
        return values

    def _answer(self, path: str, parameters: Json) -> Answer:
        data = self._ask(path, {**parameters, "stats": "all"})
        stats = data["stats"]
        scalar = data["resultType"] == "scalar"
        series = [{"metric": {}, "value": data["result"]}] if scalar else data["result"]
        return Answer(series, stats["timings"]["evalTotalTime"], stats["samples"]["totalQueryableSamples"])

    def _ask(self, path: str, parameters: Json) -> Any:
        status, body = fetch(self._port, f"/api/v1/{path}?{urlencode(parameters)}", seconds=_PATIENCE_SECONDS)
        if status != 200:
            raise QueryError(body or "no answer")
        return json.loads(body)["data"]


# -- variables ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Variable:
    """A variable with what is chosen of it.

    Attributes:
        options: everything that could be.
        chosen: some of them, or `ALL` alone.
        listed: whether several can be, so that it stands in regular expressions.
        all_value: what stands for all; the options one by one without it.
    """

    options: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    listed: bool = False
    all_value: str | None = None

    def in_query(self) -> str:
        """How it is written into PromQL."""
        if not self.listed:
            return (self.chosen or ("",))[0].replace("\\", "\\\\").replace("'", "\\\\'")
        everything = ALL in self.chosen
        if everything and self.all_value:
            return self.all_value
        patterns = [_pattern(value) for value in (self.options if everything else self.chosen)]
        return patterns[0] if len(patterns) == 1 else f"({'|'.join(patterns)})"


Variables = Mapping[str, Variable]


def constant(value: object) -> Variable:
    """A variable that is nothing but its value."""
    return Variable(chosen=(str(value),))


def fill(text: str, variables: Variables) -> str:
    """`text` with the variables in it replaced; what is unknown, or has a format that no query needs, is left."""

    def value(match: re.Match[str]) -> str:
        variable = variables.get(match[1] or match[2])
        return match[0] if variable is None or match[3] else variable.in_query()

    return _REFERENCE.sub(value, text)


def references(text: str) -> set[str]:
    """Names of the variables that a text refers to; once it is filled in, of those that were left."""
    return {match[1] or match[2] for match in _REFERENCE.finditer(text)}


def resolve(
    definitions: Iterable[Json], server: Server, within: Range, wanted: Mapping[str, str]
) -> dict[str, Variable]:
    """All variables of a dashboard, each after those that it refers to; `wanted` are choices by name."""
    span = round(within.span)
    variables = {"__range": constant(f"{span}s"), "__range_s": constant(span)}
    for definition in definitions:
        options = tuple(_options(definition, variables, server, within))
        saved = [definition["current"].get("value", [])]
        saved = saved[0] if isinstance(saved[0], list) else saved
        kept = [value for value in saved if value in options or value == ALL]
        name = definition["name"]
        chosen = (wanted[name],) if name in wanted else tuple(kept) or options[:1]
        listed = bool(definition["multi"] or definition["includeAll"])
        variables[name] = Variable(options, chosen, listed, definition.get("allValue"))
    return variables


def _pattern(value: str) -> str:
    """A value in a regular expression in a string: the backslash is written twice for each of the two."""
    return _SPECIAL.sub(lambda match: "\\\\" + match[0], value.replace("\\", "\\\\\\\\"))


def _options(definition: Json, variables: Variables, server: Server, within: Range) -> Iterable[str]:
    if definition["type"] == "datasource":
        return [definition["query"]]
    if definition["type"] == "custom":
        return [value.strip() for value in definition["query"].split(",")]
    question = fill(definition["query"]["query"], variables).strip()
    found = _matching(_asked(question, server, within), definition["regex"])
    return sorted(found) if definition["sort"] == 1 else found


def _asked(question: str, server: Server, within: Range) -> list[str]:
    if match := _LABEL_VALUES.fullmatch(question):
        return server.label_values(match["label"], match["selector"], within)
    match = _QUERY_RESULT.fullmatch(question)
    if match is None:
        raise QueryError(f"neither label_values nor query_result: {question}")
    return [_spelled(series) for series in server.now(match["query"], within.end).series]


def _spelled(series: Json) -> str:
    """A series as `query_result` gives it to the regular expression of a variable."""
    labels = ",".join(f'{name}="{value}"' for name, value in series["metric"].items() if name != "__name__")
    time, value = series["value"]
    return f"{series['metric'].get('__name__', '')}{{{labels}}} {value} {1000 * time}"


def _matching(values: Iterable[str], pattern: str) -> list[str]:
    if not pattern:
        return list(dict.fromkeys(values))
    matches = [match for value in values if (match := re.search(pattern.strip("/"), value))]
    return list(dict.fromkeys(match[1] if match.re.groups else match[0] for match in matches))


# -- questions ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Question:
    """A query of a dashboard.

    Attributes:
        panel: its title, or that of the annotation.
        ref: its letter, or `annotation`.
        expr: with variables.
        instant: asks for one moment only.
        columns: width of the panel, of 24.
        collapsed: not asked until its row is opened.
        interval: the least step that the panel asks for.
        repeat: name of the variable for each of whose values there is one such panel.
    """

    panel: str
    ref: str
    expr: str
    instant: bool
    columns: int = 24
    collapsed: bool = False
    interval: str | None = None
    repeat: str | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.panel} {self.ref}"


@dataclass(frozen=True, slots=True)
class Page:
    """A dashboard as it is asked by a browser of `width` pixels and a data source of that scrape interval."""

    dashboard: Json
    scrape: int = 15
    width: int = 1334
    wanted: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, **settings: Any) -> "Page":
        """The dashboard in a file."""
        return cls(json.loads(path.read_text("utf-8")), **settings)

    @property
    def definitions(self) -> Sequence[Json]:
        """Of its variables."""
        variables: Sequence[Json] = self.dashboard["templating"]["list"]
        return variables

    def range(self, end: float) -> Range:
        """The time range that it opens with."""
        return Range(end - seconds(self.dashboard["time"]["from"].removeprefix("now-")), end)

    def questions(self) -> Iterator[Question]:
        """Everything that it asks, beside its variables."""
        for mark in self.dashboard["annotations"]["list"]:
            yield Question(mark["name"], "annotation", mark["expr"], instant=False, interval=mark["step"])
        for panel in self.dashboard["panels"]:
            yield from _questions(panel, collapsed=False)
            for inner in panel.get("panels", ()):
                yield from _questions(inner, collapsed=True)

    def asked(self, variables: Variables) -> Iterator[tuple[Question, Variables]]:
        """Each query with the variables that it is filled with: several times where its panel is repeated."""
        for question in self.questions():
            if question.repeat is None:
                yield question, variables
                continue
            repeated = variables[question.repeat]
            for value in repeated.options if ALL in repeated.chosen else repeated.chosen:
                yield question, {**variables, question.repeat: replace(repeated, chosen=(value,))}

    def filled(self, question: Question, variables: Variables, within: Range) -> tuple[str, int]:
        """The query as it is sent, and its step in seconds."""
        step, rate = self._intervals(question, within)
        own = {"__interval": constant(f"{step}s"), "__rate_interval": constant(f"{rate}s")}
        return fill(question.expr, {**variables, **own}), step

    def ask(self, question: Question, server: Server, variables: Variables, within: Range) -> Answer:
        """Send one query."""
        expr, step = self.filled(question, variables, within)
        return server.now(expr, within.end) if question.instant else server.over(expr, within.aligned(step))

    def _intervals(self, question: Question, within: Range) -> tuple[int, int]:
        """Step of a range query, and its `$__rate_interval`, in seconds."""
        least = seconds(question.interval) if question.interval else self.scrape
        if question.ref == "annotation":
            return least, 4 * least
        pixels = round(question.columns * (self.width + 8) / 24) - 8
        step = max(least, _rounded(within.span / pixels))
        return step, max(step + self.scrape, 4 * self.scrape)


def _rounded(wanted: float) -> int:
    """The round step that is nearest."""
    middles = (sum(pair) / 2 for pair in pairwise(_STEPS))
    return _STEPS[sum(wanted >= middle for middle in middles)]


def _questions(panel: Json, *, collapsed: bool) -> Iterator[Question]:
    for target in panel.get("targets", ()):
        yield Question(
            panel["title"],
            target["refId"],
            target["expr"],
            target["instant"],
            panel["gridPos"]["w"],
            collapsed,
            panel.get("interval"),
            panel.get("repeat"),
        )
