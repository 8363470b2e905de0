"""The page at `/`: the exporter and its models at a glance. No script, nothing loaded from elsewhere."""

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from typing import Final

from model_exporter.expose.cards import ModelCard
from model_exporter.expose.markup import ago, facts_list, pill
from model_exporter.expose.page_cards import render_card
from model_exporter.expose.verdict_views import Alarm
from model_exporter.expose.views import StatusView

REFRESH_SECONDS: Final = 15
_GRAVE: Final = (Alarm.PAGE, Alarm.TICKET)

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6b7d; --line: #dde3ea; --page: #f5f7f9; --card: #fff;
  --accent: #2563a8; --good: #1a7f4b; --busy: #8a5a00; --quiet: #667085; --bad: #b42318; --warn: #fff6e0;
  --was: #c5cedb; --tint: #2563a822; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --soft: #98a5b5; --line: #2c3643; --page: #11161c;
  --card: #19212a; --accent: #6fb0f5; --good: #4cc38a; --busy: #e6b450; --quiet: #98a5b5; --bad: #ff8a7d;
  --warn: #2e2614; --was: #46536a; --tint: #6fb0f52e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .75rem; }
h3 { font-size: 1.1rem; margin: 0; }
h1, h3, td, dd, li, .told { overflow-wrap: anywhere; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
header, .top { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .75rem; }
nav { margin: .35rem 0 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.soft { color: var(--soft); } .small { font-size: .87rem; } .end { margin-left: auto; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.2rem;
  margin: 0 0 1rem; }
.card.page { border-left: 4px solid var(--bad); } .card.ticket { border-left: 4px solid var(--busy); }
.warn { background: var(--warn); } .warn ul { margin: 0; padding-left: 1.1rem; }
.pill { border: 1px solid currentColor; border-radius: 99px; padding: 0 .65rem; font-size: .82rem; font-weight: 600; }
.pill.ok { color: var(--good); } .pill.learning, .pill.ticket { color: var(--busy); } .pill.page { color: var(--bad); }
.pill.silent, .pill.waiting, .pill.new { color: var(--quiet); }
dl { display: flex; flex-wrap: wrap; gap: .7rem 2.2rem; margin: .8rem 0 0; } dl:first-child { margin-top: 0; }
dt { color: var(--soft); font-size: .82rem; } dd { margin: 0; font-variant-numeric: tabular-nums; }
.verdicts { margin: .8rem 0 0; padding: 0; list-style: none; }
.verdicts li, .held { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .6rem; }
.held { flex-wrap: nowrap; } .level { display: inline-block; min-width: 3rem; color: var(--soft); font-size: .82rem; }
.figure { min-width: 2.8rem; text-align: right; font-variant-numeric: tabular-nums; }
.on { font-weight: 600; } .on.page, .hot { color: var(--bad); } .on.ticket { color: var(--busy); }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; font-size: .92rem; }
caption { text-align: left; color: var(--soft); font-size: .82rem; padding-bottom: .2rem; }
th { text-align: left; color: var(--soft); font-size: .82rem; font-weight: 500; white-space: nowrap; }
th, td { padding: .35rem 1.1rem .35rem 0; border-top: 1px solid var(--line); vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; width: 12rem; }
td:first-child { min-width: 8rem; } .told { min-width: 12rem; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.scroll { overflow-x: auto; } details { margin-top: .7rem; }
summary { color: var(--accent); font-size: .87rem; cursor: pointer; width: fit-content; }
svg { display: block; } dd svg { display: inline-block; margin-right: .7rem; }
.track { fill: var(--line); } .fill { fill: var(--accent); } .fill.page { fill: var(--bad); }
.fill.ticket { fill: var(--busy); } .line { stroke: var(--ink); } .was { fill: var(--was); }
.now { fill: var(--tint); stroke: var(--accent); stroke-width: 1.2; stroke-linejoin: round; }
.axis { stroke: var(--line); } .key { display: inline-block; vertical-align: -.1em; }
section { margin-top: .9rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h4 { font-size: .95rem; margin: 0; }
.sides { display: flex; flex-wrap: wrap; gap: .8rem 3rem; margin: .9rem 0 .6rem; } figure { margin: 0; max-width: 100%;
  overflow-x: auto; } .sides > div { flex: 1 1 18rem; } .gaps { margin: .2rem 0 0; padding-left: 1.1rem; }
.matrix { margin-top: .3rem; max-width: 100%; height: auto; } .matrix text { fill: var(--soft); font-size: 12px; }
.matrix .count { fill: var(--ink); }
.cell { fill: var(--accent); }
code { font-family: ui-monospace, monospace; font-size: .92em; }
"""

CONTENT_TYPE: Final = "text/html; charset=utf-8"
POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    f"style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
)
"""Content-Security-Policy of the page: its own style and nothing else."""

_LINKS: Final = (
    ("/metrics", "Metrics"),
    ("/api/v1/status", "Status (JSON)"),
    ("/api/v1/models", "Models (JSON)"),
    ("/-/healthy", "Health"),
    ("/-/ready", "Readiness"),
)


def render_page(status: StatusView, cards: Sequence[ModelCard], *, now: float) -> str:
    """The page as of `now`, unix seconds."""
    links = "".join(f'<a href="{target}">{escape(text)}</a>' for target, text in _LINKS)
    body = "".join((_service(status, cards, now), _warnings(status), "<h2>Models</h2>", _models(status, cards, now)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>model_exporter</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}"><style>{_STYLE}</style></head><body><main>'
        f'<header><h1>model_exporter</h1><span class="soft">{escape(status.version)}</span>'
        f"{_readiness(status)}</header><nav>{links}</nav>{body}</main></body></html>\n"
    )


def _readiness(status: StatusView) -> str:
    if status.ready:
        return pill("ok", "ready")
    return pill("page", f"not ready: {status.not_ready_because}")


def _service(status: StatusView, cards: Sequence[ModelCard], now: float) -> str:
    facts = [
        *((name, f"<code>{escape(address)}</code>") for name, address in status.doors.items()),
        ("Started", ago(status.started_at, now)),
        ("Configuration", f"<code>{escape(status.config_file)}</code>" if status.config_file else "none, all defaults"),
        ("Snapshot", ago(status.snapshot_at, now)),
    ]
    if status.series is not None:
        facts += [
            ("Models", f"{len(cards):,}"),
            ("Alarms", _alarms(cards)),
            ("Predictions", f"{sum(card.model.predictions for card in cards):,}"),
            ("Series", f'{status.series:,} <span class="soft">of {status.series_limit:,}</span>'),
        ]
    return f'<h2>Service</h2><div class="card">{facts_list(facts)}</div>'


def _alarms(cards: Sequence[ModelCard]) -> str:
    """How many models have which alarm."""
    on = Counter(card.alarm for card in cards)
    told = [f'<span class="on {alarm.value}">{on[alarm]} {alarm.value}</span>' for alarm in _GRAVE if on[alarm]]
    return ", ".join(told) or "none"


def _warnings(status: StatusView) -> str:
    if not status.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in status.warnings)
    return f'<h2>Warnings since the start</h2><div class="card warn"><ul>{items}</ul></div>'


def _models(status: StatusView, cards: Sequence[ModelCard], now: float) -> str:
    if cards:
        return "".join(render_card(card, now) for card in cards)
    doors = " or ".join(f"{escape(name)} at <code>{escape(address)}</code>" for name, address in status.doors.items())
    return (
        '<div class="card soft">Nothing was heard of any model yet. '
        f"Send prediction logs or traces to {doors or 'a door, once one is open'}.</div>"
    )
