"""What the rules about models cost the Prometheus that evaluates them."""

from typing import Final

from model_exporter.pack.dashboards.panels import Panel, Query, bars, lines
from model_exporter.pack.dashboards.style import COUNT, PERCENT, SECONDS, VERMILION

_GROUPS: Final = 'rule_group=~".+;model-.+"'
_SHARE_OF_INTERVAL: Final = (
    f"prometheus_rule_group_last_duration_seconds{{{_GROUPS}}} / prometheus_rule_group_interval_seconds{{{_GROUPS}}}"
)


def _by_group(expression: str) -> str:
    """The largest value of each group of rules, under the group's name without its file."""
    return f'max by (group) (label_replace({expression}, "group", "$1", "rule_group", ".+;(.+)"))'


def rule_cost() -> tuple[Panel, ...]:
    """What evaluating the rules takes, and whether it keeps up."""
    absence = "Prometheus does not scrape itself: add it as a target"
    return (
        lines(
            "Time of the rules, by group",
            "How long the last evaluation of each group took. A group that takes longer than its interval misses "
            "evaluations.",
            Query(_by_group(f"prometheus_rule_group_last_duration_seconds{{{_GROUPS}}}"), "{{group}}"),
            unit=SECONDS,
            absence=absence,
            minimum=0,
            width=12,
        ),
        bars(
            "Share of its interval that each group takes",
            "At 100 % a group cannot keep up and misses evaluations.",
            Query(f"sort_desc({_by_group(_SHARE_OF_INTERVAL)})", "{{group}}"),
            unit=PERCENT,
            absence=absence,
            width=12,
            maximum=1,
            decimals=1,
        ),
        lines(
            "Missed or failed evaluations",
            "Evaluations of the rules about models that were missed, and rules that failed, within a step of the "
            "graph. Both should never happen.",
            Query(
                'sum(increase(prometheus_rule_group_iterations_missed_total{rule_group=~".+;model-.+"}[$__rate_interval]))',
                "missed",
            ),
            Query(
                'sum(increase(prometheus_rule_evaluation_failures_total{rule_group=~".+;model-.+"}[$__rate_interval]))',
                "failed",
            ),
            unit=COUNT,
            absence=absence,
            shades=VERMILION,
            minimum=0,
            width=12,
        ),
        bars(
            "Series that the rules record, by group",
            "How many series each group writes at every evaluation.",
            Query(
                f"sort_desc({_by_group(f'prometheus_rule_group_last_evaluation_samples{{{_GROUPS}}}')})", "{{group}}"
            ),
            unit=COUNT,
            absence=absence,
            width=12,
        ),
    )
