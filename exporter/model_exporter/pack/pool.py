"""All rules of a pack together: what they record, and which labels their series can have."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from model_exporter.expose.catalogue import CATALOGUE
from model_exporter.expose.metric import Metric, MetricType
from model_exporter.pack import promql
from model_exporter.pack.rulefiles import Group, Rule, RuleFile

TARGET: Final = frozenset({"job", "instance"})
"""Labels that every scraped series has."""
_FOREIGN: Final = re.compile(r"up|ALERTS|ALERTS_FOR_STATE|(scrape|prometheus|alertmanager)_\w+")


def _exposed() -> dict[str, Metric]:
    """Every series name that the exporter exposes, with its family."""
    names: dict[str, Metric] = {}
    for metric in CATALOGUE:
        parts = ("_bucket", "_sum", "_count") if metric.type is MetricType.HISTOGRAM else ("",)
        names |= {metric.name + part: metric for part in parts}
    return names


EXPOSED: Final[Mapping[str, Metric]] = _exposed()


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule with where it stands, and its tokens; none if its expression is no PromQL."""

    file: RuleFile
    group: Group
    rule: Rule
    tokens: tuple[promql.Token, ...]
    selectors: tuple[promql.Selector, ...]

    @property
    def concerns_models(self) -> bool:
        """Whether its series are about a model, not about the exporter or no one in particular."""
        if self.rule.alert:
            return self.rule.labels.get("component") == "model"
        return not self.rule.record.startswith(("model_exporter:", "model_builtin:"))


@dataclass(frozen=True)
class Pool:
    """The rules of all files.

    Attributes:
        runbooks: the folder of the runbooks.
        recorded: the rules of each recorded series by its name.
        by: labels besides `model` that tell models apart.
    """

    files: tuple[RuleFile, ...]
    runbooks: Path
    rules: tuple[Placed, ...]
    recorded: Mapping[str, tuple[Placed, ...]]
    by: tuple[str, ...] = ()
    _known: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def knows(self, metric: str) -> bool:
        """Whether a series of that name can exist."""
        return metric in EXPOSED or metric in self.recorded or self.foreign(metric)

    @staticmethod
    def foreign(metric: str) -> bool:
        """Whether Prometheus or Alertmanager makes series of that name."""
        return _FOREIGN.fullmatch(metric) is not None

    def labels(self, metric: str) -> frozenset[str] | None:
        """The labels that series of that name can have; None where anything is possible."""
        if metric in EXPOSED:
            own = frozenset({*EXPOSED[metric].labels, *self.by}) | TARGET
            return own | {"le"} if metric.endswith("_bucket") else own
        return self._known.get(metric)

    def result(self, placed: Placed) -> frozenset[str] | None:
        """The labels that what the expression returns can have, those of the rule left out; None for any."""
        outer = promql.outer_labels(placed.tokens)
        if outer is not None:
            return frozenset(outer)
        sets = [self.labels(selector.metric) for selector in placed.selectors]
        known = [each for each in sets if each is not None]
        if len(known) < len(sets):
            return None
        matched = (matcher.label for selector in placed.selectors for matcher in selector.matchers)
        return frozenset().union(*known, promql.replaced_labels(placed.tokens), matched)

    def settle(self) -> None:
        """Learn the labels of recorded series; rules may read each other in circles, so until nothing is added."""
        self._known.update(dict.fromkeys(self.recorded, frozenset()))
        settled = False
        while not settled:
            settled = True
            for name, rules in self.recorded.items():
                labels = self._together(rules)
                settled = settled and labels == self._known[name]
                self._known[name] = labels

    def _together(self, rules: Iterable[Placed]) -> frozenset[str] | None:
        results: list[frozenset[str]] = []
        for placed in rules:
            labels = self.result(placed)
            if labels is None:
                return None
            results.append(labels | placed.rule.labels.keys())
        return frozenset().union(*results)


def pool(files: Iterable[RuleFile], runbooks: Path, by: tuple[str, ...] = ()) -> Pool:
    """The rules of `files` together, which were rendered with the labels `by`."""
    files = tuple(files)
    rules = tuple(_placed(file, group, rule) for file in files for group, rule in file.rules)
    names = dict.fromkeys(placed.rule.record for placed in rules if placed.rule.record)
    recorded = {name: tuple(placed for placed in rules if placed.rule.record == name) for name in names}
    pooled = Pool(files, runbooks, rules, recorded, by)
    pooled.settle()
    return pooled


def _placed(file: RuleFile, group: Group, rule: Rule) -> Placed:
    try:
        tokens = promql.tokenize(rule.expr.value)
    except promql.PromQLError:
        tokens = ()
    return Placed(file, group, rule, tokens, tuple(promql.selectors(tokens)))
