"""Pieces of HTML that the page is made of."""

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from model_exporter.expose.words import short_span


def pill(look: str, text: str) -> str:
    """A word with a border; `look` is a class."""
    return f'<span class="pill {look}">{escape(text)}</span>'


def facts_list(facts: Iterable[tuple[str, str]]) -> str:
    """Names, which are text, with values, which are HTML."""
    return "<dl>" + "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in facts) + "</dl>"


def bar(share: float) -> str:
    """A bar that is full at 1."""
    width = round(100 * max(0.0, min(1.0, share)))
    return (
        '<svg width="100" height="8" aria-hidden="true"><rect class="track" width="100" height="8" rx="4"/>'
        f'<rect class="fill" width="{width}" height="8" rx="4"/></svg>'
    )


def ago(at: float | None, now: float) -> str:
    """How long before `now` something was, with the exact time behind it; None is never."""
    if at is None:
        return '<span class="soft">never</span>'
    exact = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    return f'<time datetime="{exact}" title="{exact}">{short_span(max(0.0, now - at))} ago</time>'
