"""Panels: what is asked, how it is drawn, and what stands there when there is no answer."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from model_exporter.pack.dashboards.style import BLUE, COUNT, GREY, SKY, Json, absent, by_steps, fixed

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
_REFS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PALETTE: Final = {"mode": "palette-classic"}


@dataclass(frozen=True, slots=True)
class Query:
    """A PromQL query of a panel.

    Args:
        expr: the query.
        legend: what its series are called; `{{label}}` stands for a label.
        instant: only the value at the end of the time range, as a table of labels and values.
        latest: the same as series, in the order of the answer.
        samples: all values of the time range, as a table of times, labels and values.
        heatmap: buckets of a histogram by `le`.
        exemplar: ask for exemplars, which lead to traces.
    """

    expr: str
    legend: str = ""
    instant: bool = False
    latest: bool = False
    samples: bool = False
    heatmap: bool = False
    exemplar: bool = False

    def target(self, ref: str) -> Json:
        """The query as Grafana keeps it, under the letter `ref`."""
        shape = "heatmap" if self.heatmap else "table" if self.instant or self.samples else "time_series"
        return {
            "datasource": DATASOURCE,
            "refId": ref,
            "expr": " ".join(self.expr.split()),
            "legendFormat": self.legend or "__auto",
            "instant": self.instant or self.latest,
            "range": not (self.instant or self.latest),
            "format": shape,
            "exemplar": self.exemplar,
            "editorMode": "code",
        }


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel before it has a place.

    Args:
        kind: Grafana's name of the visualisation.
        title: a few words, no sentence.
        description: what it shows, what is normal, what to do; for the reader who sees it for the first time.
        queries: what is asked.
        width: in columns, of which a dashboard has 24.
        height: in rows of 30 pixels.
        defaults: of all fields: unit, mappings, thresholds, custom options.
        options: of the visualisation.
        overrides: of single fields.
        transformations: between query and drawing.
    """

    kind: str
    title: str
    description: str
    queries: tuple[Query, ...]
    width: int
    height: int
    defaults: Json = field(default_factory=dict)
    options: Json = field(default_factory=dict)
    overrides: tuple[Json, ...] = ()
    transformations: tuple[Json, ...] = ()
    interval: str | None = None
    repeat: str | None = None

    def render(self, number: int, x: int, y: int) -> Json:
        """The panel as Grafana keeps it, at a place."""
        panel: Json = {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.description,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "datasource": DATASOURCE,
            "targets": [query.target(ref) for ref, query in zip(_REFS, self.queries, strict=False)],
            "fieldConfig": {"defaults": self.defaults, "overrides": list(self.overrides)},
            "options": self.options,
        }
        if self.transformations:
            panel["transformations"] = list(self.transformations)
        if self.interval:
            panel["interval"] = self.interval
        if self.repeat:
            panel |= {"repeat": self.repeat, "repeatDirection": "h", "maxPerRow": 4}
        return panel


def override(name: str, **properties: Any) -> Json:  # noqa: ANN401  # Grafana's properties are of any type
    """Properties of the field called `name`; of all that match it where it is a /regular expression/.

    Dots of a property's name are written as two underscores: `custom__width=90`.
    """
    matcher = "byRegexp" if name.startswith("/") else "byName"
    told = [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()]
    return {"matcher": {"id": matcher, "options": name}, "properties": told}


THRESHOLD_LINE: Final = override(
    r"/\b(threshold|objective|limit|without drift|expected|reference)\b/",
    custom__lineStyle={"fill": "dash", "dash": [6, 6]},
    custom__lineWidth=2,
    custom__fillOpacity=0,
    color=fixed(GREY),
)
"""How a line that others are compared with is drawn: its legend has one of these words."""


def in_color(name: str, color: str, **properties: Any) -> Json:  # noqa: ANN401  # the same
    """Colour of the series called `name`, and other properties of it: the palette is not safe for the colour-blind."""
    return override(name, color=fixed(color), **properties)


def stat(
    title: str,
    description: str,
    query: Query,
    *,
    unit: str,
    absence: str,
    width: int = 4,
    height: int = 4,
    mappings: Sequence[Json] = (),
    steps: Sequence[tuple[float | None, str]] = ((None, BLUE),),
    text: bool = False,
    named: bool = False,
    decimals: int | None = None,
    links: Sequence[Json] = (),
) -> Panel:
    """One number, with `text` the name of its series in its place, with `named` both, in large letters."""
    defaults: Json = {
        "unit": unit,
        "noValue": absence,
        "mappings": [*mappings, absent(absence)],
        "thresholds": by_steps(*steps),
        "color": {"mode": "thresholds"},
        "links": list(links),
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    options: Json = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "name" if text else "value_and_name" if named else "auto",
        "justifyMode": "auto",
        "orientation": "auto",
        "wideLayout": not named,
    }
    if named:
        options["text"] = {"titleSize": 16, "valueSize": 24}
    # What is over must not be shown as if it were now, which the last value within a time range would do.
    return Panel("stat", title, description, (replace(query, latest=True),), width, height, defaults, options)


def lines(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    absence: str,
    width: int = 8,
    height: int = 8,
    overrides: Sequence[Json] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    stack: bool = False,
    fill: int = 0,
    legend: str = "list",
    points: bool = False,
    mappings: Sequence[Json] = (),
    log: bool = False,
    decimals: int | None = None,
    shades: str | None = None,
    reaching: float | None = None,
) -> Panel:
    """Values over time. What others are compared with is dashed and grey, by its legend: see `THRESHOLD_LINE`.

    `shades` is the colour of which all lines are shades, for what should not be: the palette begins with a green.
    `reaching` is a value that the axis shows even when all others are smaller, so that nothing but zeros looks small.
    """
    custom: Json = {
        "drawStyle": "points" if points else "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 60 if stack else fill,
        "showPoints": "auto",
        "pointSize": 4,
        "spanNulls": 300_000,
        "stacking": {"mode": "normal" if stack else "none", "group": "A"},
        "axisSoftMin": 0 if minimum is None else minimum,
        "scaleDistribution": {"type": "log", "log": 10} if log else {"type": "linear"},
        "thresholdsStyle": {"mode": "off"},
    }
    if minimum is None:
        del custom["axisSoftMin"]
    if reaching is not None:
        custom["axisSoftMax"] = reaching
    color = {"mode": "shades", "fixedColor": shades} if shades else _PALETTE
    defaults: Json = {"unit": unit, "noValue": absence, "color": color, "custom": custom, "mappings": list(mappings)}
    if maximum is not None:
        defaults["max"] = maximum
    if minimum is not None:
        defaults["min"] = minimum
    if decimals is not None:
        defaults["decimals"] = decimals
    options: Json = {
        "legend": {"showLegend": True, "displayMode": legend, "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return Panel(
        "timeseries", title, description, queries, width, height, defaults, options, (THRESHOLD_LINE, *overrides)
    )


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Args:
        name: of the field that comes out of the queries: a label, or `Value #A` of the first query.
        title: what stands above it.
        unit: of its numbers.
        width: in pixels; shared out by Grafana without it.
        mappings: words for values.
        links: where a click leads.
        colored: whether words and numbers have the colour of their mapping or step.
        steps: colours of numbers.
        gauge: draw the number as a bar between these two values.
        decimals: digits after the point.
        absence: what stands in a cell without a value.
    """

    name: str
    title: str
    unit: str = COUNT
    width: int | None = None
    mappings: tuple[Json, ...] = ()
    links: tuple[Json, ...] = ()
    colored: bool = False
    steps: tuple[tuple[float | None, str], ...] = ()
    gauge: tuple[float, float] | None = None
    decimals: int | None = None
    absence: str = "-"

    def override(self) -> Json:
        """The properties of the column."""
        properties: Json = {"unit": self.unit, "noValue": self.absence}
        if self.width is not None:
            properties["custom.width"] = self.width
        if self.mappings:
            properties |= {"mappings": list(self.mappings), "custom.align": "left"}  # words, even of numbers
        if self.links:
            properties["links"] = list(self.links)
        if self.decimals is not None:
            properties["decimals"] = self.decimals
        if self.steps:
            properties["thresholds"] = by_steps(*self.steps)
            properties["color"] = {"mode": "thresholds"}
        if self.gauge:
            properties |= {"min": self.gauge[0], "max": self.gauge[1]}
            properties["custom.cellOptions"] = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
        elif self.colored:
            properties["custom.cellOptions"] = {"type": "color-text"}
        told = [{"id": key, "value": value} for key, value in properties.items()]
        return {"matcher": {"id": "byName", "options": self.title}, "properties": told}


def table(
    title: str,
    description: str,
    *queries: Query,
    columns: Sequence[Column],
    absence: str,
    width: int = 24,
    height: int = 8,
    sort: str | None = None,
    descending: bool = True,
    filterable: bool = True,
    transformations: Sequence[Json] = (),
) -> Panel:
    """Rows of labels and values: the instant queries are merged by the labels that they share.

    Only `columns` are shown, in their order. `sort` is the title of one. `transformations` come between merging and
    choosing: a column they make is called as they call it.
    """
    order = {column.name: place for place, column in enumerate(columns)}
    arrange: Json = {
        "id": "organize",
        "options": {
            "excludeByName": {},
            "includeByName": {column.name: True for column in columns},
            "indexByName": order,
            "renameByName": {column.name: column.title for column in columns},
        },
    }
    keep: Json = {"id": "filterFieldsByName", "options": {"include": {"names": list(order)}}}
    merge: list[Json] = [{"id": "merge", "options": {}}] if len(queries) > 1 else []
    options: Json = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "countRows": False, "fields": ""},
        "sortBy": [{"displayName": sort, "desc": descending}] if sort else [],
    }
    defaults: Json = {
        "noValue": absence,
        "custom": {"align": "auto", "filterable": filterable, "inspect": False, "cellOptions": {"type": "auto"}},
    }
    return Panel(
        "table",
        title,
        description,
        queries,
        width,
        height,
        defaults,
        options,
        tuple(column.override() for column in columns),
        (*merge, *transformations, keep, arrange),
    )


def bars(
    title: str,
    description: str,
    *queries: Query,
    unit: str,
    absence: str,
    width: int = 8,
    height: int = 8,
    overrides: Sequence[Json] = (),
    mappings: Sequence[Json] = (),
    steps: Sequence[tuple[float | None, str]] = ((None, SKY),),
    maximum: float | None = None,
    decimals: int | None = None,
) -> Panel:
    """The value of each series now as a bar, one below the other in the order of the answer."""
    defaults: Json = {
        "unit": unit,
        "noValue": absence,
        "min": 0,
        "thresholds": by_steps(*steps),
        "color": {"mode": "thresholds"},
        "mappings": list(mappings),
    }
    if maximum is not None:
        defaults["max"] = maximum
    options: Json = {
        "displayMode": "basic",
        "orientation": "horizontal",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showUnfilled": True,
        "valueMode": "color",
        "sizing": "auto",
        "namePlacement": "auto",
    }
    if decimals is not None:
        defaults["decimals"] = decimals
    now = tuple(replace(query, latest=True) for query in queries)
    return Panel("bargauge", title, description, now, width, height, defaults, options, tuple(overrides))


def states(
    title: str,
    description: str,
    *queries: Query,
    mappings: Sequence[Json],
    absence: str,
    width: int = 24,
    height: int = 6,
) -> Panel:
    """What something was in over time, one lane for each series."""
    defaults: Json = {
        "unit": "none",
        "noValue": absence,
        "mappings": list(mappings),
        "color": {"mode": "thresholds"},
        "thresholds": by_steps((None, GREY)),
        "custom": {"fillOpacity": 80, "lineWidth": 0, "spanNulls": False},
    }
    options: Json = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.8,
        "legend": {"showLegend": False, "displayMode": "list", "placement": "bottom"},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel("state-timeline", title, description, queries, width, height, defaults, options)


def columns_chart(
    title: str,
    description: str,
    *queries: Query,
    category: str,
    unit: str,
    absence: str,
    width: int = 12,
    height: int = 9,
    overrides: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
) -> Panel:
    """Bars side by side for each value of the label `category`, one colour a query: a histogram beside another."""
    merge: list[Json] = [{"id": "merge", "options": {}}] if len(queries) > 1 else []
    defaults: Json = {
        "unit": unit,
        "noValue": absence,
        "color": _PALETTE,
        "custom": {"fillOpacity": 70, "lineWidth": 0, "axisSoftMin": 0},
    }
    options: Json = {
        "xField": category,
        "orientation": "vertical",
        "stacking": "none",
        "groupWidth": 0.8,
        "barWidth": 0.95,
        "showValue": "never",
        "xTickLabelRotation": -45,
        "legend": {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []},
        "tooltip": {"mode": "multi", "sort": "none"},
    }
    return Panel(
        "barchart",
        title,
        description,
        queries,
        width,
        height,
        defaults,
        options,
        tuple(overrides),
        (*merge, *transformations),
    )


def prose(title: str, text: str, *, width: int = 24, height: int = 3) -> Panel:
    """A few sentences in Markdown."""
    options: Json = {"mode": "markdown", "content": text, "code": {"language": "plaintext", "showLineNumbers": False}}
    return Panel("text", title, text.split("\n", 1)[0], (), width, height, {}, options)
