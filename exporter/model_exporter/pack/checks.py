"""What the rules of the pack keep to, beyond what Prometheus insists on. One function checks one thing.

Many of these are checks of pint that need no running server, narrowed to the conventions of this pack; the name of the
check is pint's where it has one.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from model_exporter.config.durations import parse_duration
from model_exporter.expose.metric import MetricType
from model_exporter.pack import promql, templates
from model_exporter.pack.pool import EXPOSED, Placed, Pool
from model_exporter.pack.rules import IDENTITY


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule file has wrong.

    Attributes:
        file: the file, or the folder for what concerns several files.
        group: the group; empty for the file as a whole.
        rule: the series or the alert; empty for the group as a whole.
    """

    file: str
    group: str
    rule: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        """One line."""
        place = ": ".join(filter(None, (self.file, self.group, self.rule)))
        return f"{place}: {self.problem}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Check:
    """A check of all rules together.

    Attributes:
        name: as it is printed.
        claim: what holds when it finds nothing.
    """

    name: str
    claim: str
    find: Callable[[Pool], Iterator[Finding]]


GROUP_SIZE: Final = 20
"""Rules in a group: what small tenants of Mimir are allowed."""
NAME_LENGTH: Final = 40
SCRAPE_SECONDS: Final = 60.0
"""The longest interval of scrapes for which the rules are made."""
DRIFT_SECONDS: Final = 120.0
"""The longest interval of a group."""
LATCH_SECONDS: Final = 60.0
"""The longest interval of a group that reads its own last samples, which are found for five minutes."""
LEVELS: Final = (
    "model", "model_version", "model_feature", "model_feature_bin", "model_upstream", "model_source", "model_segment",
    "model_business", "model_builtin", "model_exporter",
)  # fmt: skip
OWN: Final = frozenset({"bin", "cut"})
"""Labels of our own: a target may bring any other, so that nobody knows what is kept when they are taken away."""
DASHBOARDS: Final = frozenset({
    "model-fleet", "model-detail", "model-drift", "model-quality", "model-performance", "model-incidents",
    "model-exporter",
})  # fmt: skip
SEVERITIES: Final = frozenset({"critical", "warning", "info", "none"})
ANNOTATIONS: Final = ("summary", "description", "runbook_url", "dashboard_url")
CARRIED: Final = ("model", "owner", "environment", "tier")
"""Labels that an alert about a model has, for routes."""

_RECORD: Final = re.compile(rf"({'|'.join(LEVELS)}):[a-z][a-z0-9_]*(:[a-z0-9_]+)?")
_ALERT: Final = re.compile(r"Model([A-Z]+[a-z0-9]+)+")
_GROUP: Final = re.compile(r"model-[a-z0-9-]+")
_REGEXP: Final = re.compile(r"[\\.+*?()\[\]{}|^$]")
_RATES: Final = frozenset({"rate", "irate", "increase", "resets"})


def run_checks(pool: Pool) -> Iterator[tuple[Check, list[Finding]]]:
    """Every check with what it found."""
    return ((check, list(check.find(pool))) for check in CHECKS)


def check_syntax(pool: Pool) -> Iterator[Finding]:
    """Expressions have matching brackets, and keys are those that Prometheus 2.42 knows."""
    for placed in pool.rules:
        if placed.rule.unknown:
            yield _finding(placed, f"has the keys {', '.join(placed.rule.unknown)}", "Remove them")
        try:
            promql.tokenize(placed.rule.expr.value)
        except promql.PromQLError as error:
            yield _finding(placed, f"has an expression that cannot be read: {error}", "Mend the expression")


def check_groups(pool: Pool) -> Iterator[Finding]:
    """Groups have unique names, few rules, and an interval that their readers bear."""
    names = Counter(group.name for file in pool.files for group in file.groups)
    for file in pool.files:
        for group in file.groups:
            for problem, remedy in _group(pool, group.name, len(group.rules), group.interval, names[group.name]):
                yield Finding(str(file.path), group.name, "", problem, remedy)
            if group.unknown:
                yield Finding(str(file.path), group.name, "", f"has the keys {', '.join(group.unknown)}", "Remove them")


def _group(pool: Pool, name: str, size: int, interval: str, count: int) -> Iterator[tuple[str, str]]:
    if not _GROUP.fullmatch(name) or len(name) > NAME_LENGTH:
        yield "is no name of a group", f"Call it model-something, in at most {NAME_LENGTH} characters"
    if count > 1:
        yield "is the name of another group, too", "Choose another name"
    if size > GROUP_SIZE:
        yield f"has {size} rules", f"Split it: small tenants of Mimir are allowed {GROUP_SIZE} a group"
    seconds = _seconds(interval)
    if interval and not seconds:
        yield f"has the interval {interval!r}", "Write a duration such as 1m"
    elif seconds > DRIFT_SECONDS:
        yield f"is evaluated every {interval}", "Readers look back for five minutes: take 2m at most"
    elif seconds > LATCH_SECONDS and any(_reads_itself(placed) for placed in pool.rules if placed.group.name == name):
        yield f"reads its own last samples every {interval}", "Take 1m at most, or one missed evaluation forgets them"


def check_names(pool: Pool) -> Iterator[Finding]:
    """Series are called `level:metric:operation`, alerts in CamelCase."""
    for placed in pool.rules:
        rule = placed.rule
        if rule.record and not _RECORD.fullmatch(rule.record):
            yield _finding(
                placed, "is no name of a recorded series", f"Begin with one of {', '.join(LEVELS)} and a colon"
            )
        if rule.alert and (not _ALERT.fullmatch(rule.alert) or len(rule.alert) > NAME_LENGTH):
            yield _finding(placed, "is no name of an alert", f"Write ModelSomething, at most {NAME_LENGTH} characters")


def check_duplicates(pool: Pool) -> Iterator[Finding]:
    """No rule is there twice (rule/duplicate)."""
    seen = Counter(_identity(placed) for placed in pool.rules)
    for placed in pool.rules:
        if seen[_identity(placed)] > 1:
            yield _finding(placed, "is there twice with the same expression and labels", "Remove one of them")


def check_metrics(pool: Pool) -> Iterator[Finding]:
    """Every series that is read exists (promql/series, rule/dependency)."""
    for placed in pool.rules:
        for selector in placed.selectors:
            yield from (_finding(placed, *each) for each in _unknown(pool, selector))
        for name, text in placed.rule.annotations.items():
            for query in templates.queries(text.value):
                yield from (_finding(placed, f"{name}: {problem}", remedy) for problem, remedy in _query(pool, query))


def _query(pool: Pool, query: str) -> Iterator[tuple[str, str]]:
    try:
        tokens = promql.tokenize(query)
    except promql.PromQLError as error:
        yield f"a query cannot be read: {error}", "Mend it"
        return
    for selector in promql.selectors(tokens):
        yield from _unknown(pool, selector)


def _unknown(pool: Pool, selector: promql.Selector) -> Iterator[tuple[str, str]]:
    """What is unknown about a selector."""
    if not selector.metric:
        yield "selects series by labels only", "Name the metric"
        return
    if not pool.knows(selector.metric):
        yield f"reads {selector.metric}, which nothing exposes or records", "Spell it as the catalogue or its rule does"
        return
    labels = pool.labels(selector.metric)
    for matcher in selector.matchers:
        if labels is not None and matcher.label not in labels:
            remedy = f"It has {', '.join(sorted(labels)) or 'none'}"
            yield f"selects {selector.metric} by {matcher.label}, a label that it never has", remedy


def check_order(pool: Pool) -> Iterator[Finding]:
    """Within a group a series is recorded before it is read, unless a circle of rules keeps state (rule/dependency)."""
    for file in pool.files:
        for group in file.groups:
            rules = [placed for placed in pool.rules if placed.group is group]
            first = {placed.rule.record: at for at, placed in reversed([*enumerate(rules)])}
            reads = {placed.rule.name: _read(rules, placed.rule.name) for placed in rules}
            for at, placed in enumerate(rules):
                for metric in sorted(_metrics(placed)):
                    if first.get(metric, at) > at and placed.rule.name not in _reached(reads, metric):
                        yield _finding(
                            placed, f"reads {metric}, which a later rule of the group records", "Move it down"
                        )


def _metrics(placed: Placed) -> set[str]:
    return {selector.metric for selector in placed.selectors}


def _read(rules: Sequence[Placed], name: str) -> set[str]:
    """What the rules of that name read."""
    return set().union(*(_metrics(placed) for placed in rules if placed.rule.name == name))


def _reached(reads: Mapping[str, set[str]], start: str) -> set[str]:
    """Every series that `start` depends on within its group."""
    reached: set[str] = set()
    waiting = {start}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= reads.get(name, set()) - reached
    return reached


def check_clauses(pool: Pool) -> Iterator[Finding]:
    """Every list of labels that keeps a model begins with `model`, so that others can be put before it.

    Where that was done, every such list begins with those.
    """
    for placed in pool.rules:
        for clause in promql.clauses(placed.tokens):
            yield from (_finding(placed, *each) for each in _clause(placed, clause, pool.by))
        if placed.concerns_models:
            for aggregation in promql.bare_aggregations(placed.tokens):
                remedy = f"Write {aggregation} by (model, ...)"
                yield _finding(
                    placed, f"has {aggregation} without labels, which mixes models (promql/aggregate)", remedy
                )


def _clause(placed: Placed, clause: promql.Clause, by: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    text = f"{clause.keyword} ({', '.join(clause.labels)})"
    match clause.keyword:
        case "by" | "on":
            kept = [label for label in IDENTITY if label in clause.labels]
            if kept and clause.labels[: len(by) + 1] != (*by, kept[0]):
                remedy = "so that labels such as cluster can be added before it" if not by else "as everywhere"
                yield f"has {text}", f"Put {', '.join((*by, kept[0]))} first, {remedy}"
            elif clause.keyword == "by" and not kept and placed.concerns_models:
                yield f"has {text}, which mixes models (promql/aggregate)", "Put model first"
        case "without" | "ignoring":
            if not clause.labels or not OWN.issuperset(clause.labels):
                remedy = f"Name the labels to keep, with by or on; only {', '.join(sorted(OWN))} can be named as lost"
                yield f"has {text}", remedy
        case "group_left" | "group_right":
            pass
        case _:
            yield f"has {text}", "Write keywords in small letters"


def check_rates(pool: Pool) -> Iterator[Finding]:
    """Rates are of counters, over at least two intervals of what they read (promql/rate, promql/counter)."""
    for placed in pool.rules:
        for selector in placed.selectors:
            yield from (_finding(placed, *each) for each in _rate(pool, selector))


def _rate(pool: Pool, selector: promql.Selector) -> Iterator[tuple[str, str]]:
    function = selector.within[0] if selector.within else ""
    if selector.range_seconds is None or pool.foreign(selector.metric):
        return
    metric = EXPOSED.get(selector.metric)
    if function in _RATES and metric and metric.type not in {MetricType.COUNTER, MetricType.HISTOGRAM}:
        yield f"takes {function} of {selector.metric}, which is no counter", "Use delta, deriv or an aggregation"
    if function in _RATES and selector.metric in pool.recorded:
        yield f"takes {function} of {selector.metric}, which is recorded", "Record the rate, not the counter"
    intervals = [_seconds(placed.group.interval) for placed in pool.recorded.get(selector.metric, ())]
    needed = 2 * max(intervals, default=0.0) if metric is None else 2 * SCRAPE_SECONDS
    if selector.range_seconds < needed:
        yield (
            f"reads {selector.range_seconds:g} seconds of {selector.metric}",
            f"Take {needed:g} or more: two samples are needed, and they may be {needed / 2:g} seconds apart",
        )


def check_regexps(pool: Pool) -> Iterator[Finding]:
    """No regular expression where an equality does, and no anchors (promql/regexp)."""
    for placed in pool.rules:
        for matcher in (matcher for selector in placed.selectors for matcher in selector.matchers):
            if matcher.operator not in {"=~", "!~"}:
                continue
            text = f"{matcher.label}{matcher.operator}{matcher.value!r}"
            if not _REGEXP.search(matcher.value):
                yield _finding(placed, f"matches {text}", f"Write {'=' if matcher.operator == '=~' else '!='}")
            elif matcher.value.startswith("^") or re.search(r"(?<!\\)\$$", matcher.value):
                yield _finding(placed, f"matches {text}", "Leave out ^ and $: Prometheus anchors every pattern")


def check_for(pool: Pool) -> Iterator[Finding]:
    """Durations of alerts are durations, and not the default (alerts/for)."""
    for placed in _alerts(pool):
        rule = placed.rule
        for key, value in (("for", rule.for_), ("keep_firing_for", rule.keep_firing_for)):
            if value and not _seconds(value):
                yield _finding(placed, f"has {key}: {value}", "Leave it out, or write a duration such as 5m")
        if rule.alert == "ModelIncident" and rule.keep_firing_for:
            problem = "has keep_firing_for, so that an incident whose cause changes would fire under both"
            yield _finding(placed, problem, "Leave it out: recording rules hold the incident")


def check_comparison(pool: Pool) -> Iterator[Finding]:
    """Alerts compare something, so that they can be silent (alerts/comparison)."""
    for placed in _alerts(pool):
        if placed.selectors and not promql.has_comparison(placed.tokens):
            yield _finding(placed, "fires for every series that it reads", "Compare with a number, such as > 0")


def check_labels(pool: Pool) -> Iterator[Finding]:
    """Alerts have the labels that routes need, and none that changes with the value (rule/label, alerts/template)."""
    for placed in _alerts(pool):
        yield from (_finding(placed, *each) for each in _labels(pool, placed))


def _labels(pool: Pool, placed: Placed) -> Iterator[tuple[str, str]]:
    labels = placed.rule.labels
    if "severity" not in labels and not _can_have(pool, placed, "severity"):
        yield "has no severity", f"Add one of {', '.join(sorted(SEVERITIES))}"
    severity = templates.without_actions(labels.get("severity", "x"))
    if severity not in SEVERITIES | {"x"}:
        yield f"has the severity {severity}", f"Use one of {', '.join(sorted(SEVERITIES))}"
    if labels.get("component") not in {"model", "model_exporter"}:
        yield "has no component", "Add component: model, or model_exporter for what the platform's team gets"
    if placed.concerns_models:
        for label in CARRIED:
            if label not in labels and not _can_have(pool, placed, label):
                yield f"cannot have the label {label}", "Join model:owner"
    for name, text in labels.items():
        if templates.writes_value(text):
            yield f"writes its value into the label {name}", "Each value would be a new alert: use an annotation"


def check_templates(pool: Pool) -> Iterator[Finding]:
    """Templates name labels that the alert has (alerts/template)."""
    for placed in _alerts(pool):
        texts = {**placed.rule.labels, **{name: text.value for name, text in placed.rule.annotations.items()}}
        for name, text in texts.items():
            for label in sorted(templates.labels(text)):
                if not _can_have(pool, placed, label):
                    yield _finding(
                        placed, f"{name} writes the label {label}, which the result never has", "Spell it right"
                    )


def check_annotations(pool: Pool) -> Iterator[Finding]:
    """Alerts are told in a sentence that never changes and a description that does (alerts/annotation)."""
    for placed in _alerts(pool):
        texts = {name: text.value.strip() for name, text in placed.rule.annotations.items()}
        for name in ANNOTATIONS:
            if not texts.get(name):
                yield _finding(placed, f"has no {name}", "Add it")
        summary = texts.get("summary", "X.")
        if "{{" in summary or not summary.endswith(".") or not summary[0].isupper():
            yield _finding(placed, f"has the summary {summary!r}", "Write a sentence without templates")
        if "{{" not in texts.get("description", "{{") and placed.selectors:
            yield _finding(placed, "has a description that says nothing of this case", "Write the labels or the value")


def check_links(pool: Pool) -> Iterator[Finding]:
    """Links are addresses of the alert's runbook and of a dashboard that is shipped (rule/link)."""
    for placed in _alerts(pool):
        texts = {name: templates.without_actions(text.value).strip() for name, text in placed.rule.annotations.items()}
        for name in ("runbook_url", "dashboard_url"):
            parts = urlsplit(texts.get(name, "https://x"))
            if parts.scheme not in {"http", "https"} or not parts.netloc or re.search(r"\s", texts.get(name, "")):
                yield _finding(placed, f"has a {name} that is no address", "Write https:// and a host")
        runbook = texts.get("runbook_url", "")
        if runbook and not urlsplit(runbook).path.endswith(f"/{placed.rule.alert}.md"):
            yield _finding(placed, f"has the runbook {runbook}", f"End it with /{placed.rule.alert}.md")
        uid = re.search(r"/d/([^/?]+)", texts.get("dashboard_url", ""))
        if "dashboard_url" in texts and (uid is None or uid[1] not in DASHBOARDS):
            yield _finding(
                placed, "links to an unknown dashboard", f"Link to /d/ and one of {', '.join(sorted(DASHBOARDS))}"
            )


def check_runbooks(pool: Pool) -> Iterator[Finding]:
    """Each alert has a runbook, and each runbook an alert."""
    alerts = {placed.rule.alert: placed for placed in _alerts(pool)}
    written = {path.stem for path in pool.runbooks.glob("*.md")} - {"README"}
    for name in sorted(alerts.keys() - written):
        yield _finding(alerts[name], "has no runbook", f"Write {pool.runbooks.name}/{name}.md")
    for name in sorted(written - alerts.keys()):
        yield Finding(str(pool.runbooks / f"{name}.md"), "", "", "is the runbook of no alert", "Remove or rename it")


CHECKS: Final = (
    Check("syntax", "expressions can be read, keys are known", check_syntax),
    Check("groups", f"named model-..., unique, at most {GROUP_SIZE} rules", check_groups),
    Check("names", "level:metric:operation, and CamelCase for alerts", check_names),
    Check("rule/duplicate", "no rule is there twice", check_duplicates),
    Check("promql/series", "every metric and label that is read exists", check_metrics),
    Check("rule/dependency", "recorded before it is read", check_order),
    Check("promql/aggregate", "models are kept apart, model comes first", check_clauses),
    Check("promql/rate", "of counters, over two intervals or more", check_rates),
    Check("promql/regexp", "no needless patterns", check_regexps),
    Check("alerts/for", "durations are right and needed", check_for),
    Check("alerts/comparison", "every alert can be silent", check_comparison),
    Check("rule/label", "severity, component, and what routes need", check_labels),
    Check("alerts/template", "templates name labels that exist", check_templates),
    Check("alerts/annotation", "summary, description, runbook_url, dashboard_url", check_annotations),
    Check("rule/link", "links lead to the alert's runbook and a dashboard", check_links),
    Check("runbooks", "one for each alert", check_runbooks),
)


def _alerts(pool: Pool) -> Iterator[Placed]:
    return (placed for placed in pool.rules if placed.rule.alert)


def _finding(placed: Placed, problem: str, remedy: str) -> Finding:
    return Finding(f"{placed.file.path}:{placed.rule.line}", placed.group.name, placed.rule.name, problem, remedy)


def _can_have(pool: Pool, placed: Placed, label: str) -> bool:
    labels = pool.result(placed)
    return labels is None or label in labels


def _reads_itself(placed: Placed) -> bool:
    return any(selector.metric == placed.rule.record for selector in placed.selectors)


def _identity(placed: Placed) -> tuple[object, ...]:
    rule = placed.rule
    words = tuple(token.text for token in placed.tokens) or (rule.expr.value,)
    return rule.record, rule.alert, words, rule.for_, tuple(sorted(rule.labels.items()))


def _seconds(text: str) -> float:
    """Seconds of a duration; 0 for none."""
    try:
        return parse_duration(text)
    except ValueError:
        return 0.0
