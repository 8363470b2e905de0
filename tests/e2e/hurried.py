"""Rules and routing in which all time passes faster, so that an incident can be watched from its begin to its end.

The shipped rules wait two minutes, hold for fifteen and look back for days. Here every duration of theirs is divided by
one factor: ranges, offsets, steps of subqueries, `for`, `keep_firing_for`, intervals of groups, and the numbers that are
seconds; in the routing the waits of groups and repetitions. Everything else stays as `model_exporter pack` rendered it:
each expression, label, annotation, threshold, count and order. A Prometheus that scrapes and evaluates every second with
a factor of 30 therefore does, evaluation by evaluation, what one with an interval of 30 seconds does in half an hour;
only that counts and rates are those of a thirtieth of the time, so that traffic has to be dense.

The other ways are worse. Short-lived copies of the rules would test the copies, and a clock that is set forward
(`faketime`) takes TCP timeouts, the exporter's windows and Alertmanager along. Waiting would take an hour. What is not
hurried: the exporter, whose slots of evidence are 15 seconds of real time, texts of annotations, and the five minutes for
which Prometheus takes a sample for current.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from model_exporter.config.durations import format_duration, parse_duration
from model_exporter.pack import promql
from model_exporter.pack.promql import Kind, Token

_SECONDS: Final = frozenset({
    120, 180, 300, 900, 1800, 3600, 7200, 21_600, 28_800, 86_400, 90_000, 259_200, 7_776_000,
})  # fmt: skip
"""Numbers in the rules that are seconds, wherever they stand; 60 is one as a factor and a count of steps as a divisor."""
_COUNTS: Final = frozenset({20, 50, 100, 200})
_SMALLEST: Final = 15
"""Below it numbers are ratios, levels and ranks."""
_IN_RULES: Final = ("for", "keep_firing_for")
_IN_ROUTES: Final = ("group_wait", "group_interval", "repeat_interval")


def hurry_rules(folder: Path, factor: int) -> None:
    """Divide the durations of every rule file in `folder` by `factor`, in place.

    Raises:
        AssertionError: a rule has a number of which it is not known whether it is seconds.
    """
    for path in folder.glob("*.yml"):
        document = yaml.safe_load(path.read_text("utf-8"))
        for group in document["groups"]:
            _hurry(group, ("interval",), factor)
            for rule in group["rules"]:
                _hurry(rule, _IN_RULES, factor)
                rule["expr"] = hurried(str(rule["expr"]), factor)
        path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")


def hurry_routes(file: Path, factor: int) -> None:
    """Divide the waits of an `alertmanager.yml` by `factor`, in place."""
    document = yaml.safe_load(file.read_text("utf-8"))
    for route in _routes(document["route"]):
        _hurry(route, _IN_ROUTES, factor)
    file.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")


def hurried(expression: str, factor: int) -> str:
    """`expression` with every duration and every number of seconds divided by `factor`.

    >>> hurried("increase(x_total[5m] offset 1h) * 60 > 20 and sum_over_time(y[1h:1m]) / 60 < time() - 1800", 30)
    'increase(x_total[10s] offset 2m) * 2 > 20 and sum_over_time(y[2m:2s]) / 60 < time() - 60'

    Raises:
        AssertionError: it has a number of which it is not known whether it is seconds.
    """
    parts, place, before = [], 0, ""
    for token in promql.tokenize(expression):
        parts += [expression[place : token.start], _faster(token, before, factor)]
        place, before = token.start + len(token.text), token.text
    return "".join([*parts, expression[place:]])


def _faster(token: Token, before: str, factor: int) -> str:
    if token.kind is Kind.DURATION:
        return _divided(token.text, factor)
    if token.kind is not Kind.NUMBER:
        return token.text
    number = float(token.text)
    if number in _SECONDS or (number == 60 and before == "*"):  # noqa: PLR2004  # see `_SECONDS`
        return f"{number / factor:g}"
    known = number < _SMALLEST or number in _COUNTS or (number == 60 and before == "/")  # noqa: PLR2004  # the same
    assert known, f"is {token.text} a number of seconds?"
    return token.text


def _hurry(entry: dict[str, Any], keys: tuple[str, ...], factor: int) -> None:
    entry.update({key: _divided(str(entry[key]), factor) for key in keys if key in entry and entry[key] != "0s"})


def _routes(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield route
    for child in route.get("routes", ()):
        yield from _routes(child)


def _divided(duration: str, factor: int) -> str:
    return format_duration(parse_duration(duration) / factor)
