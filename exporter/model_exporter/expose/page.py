"""The page at `/`: the exporter and its models at a glance. No script, nothing loaded from elsewhere."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from math import isnan
from typing import Final
from urllib.parse import quote

from model_exporter.expose.views import DriftView, LearningView, ModelView, State, StatusView
from model_exporter.window.snapshot import WINDOWS

REFRESH_SECONDS: Final = 15
_PSI_FULL: Final = 0.5
"""PSI at which the bar is full: a shift of a number's mean by about 0.7 standard deviations."""

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --soft: #5d6b7d; --line: #dde3ea; --page: #f5f7f9; --card: #fff;
  --accent: #2563a8; --good: #1a7f4b; --busy: #8a5a00; --quiet: #667085; --bad: #b42318; --warn: #fff6e0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ef; --soft: #98a5b5; --line: #2c3643; --page: #11161c;
  --card: #19212a; --accent: #6fb0f5; --good: #4cc38a; --busy: #e6b450; --quiet: #98a5b5; --bad: #ff8a7d;
  --warn: #2e2614; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem 1.25rem 3rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .75rem; }
h3 { font-size: 1.1rem; margin: 0; }
h1, h3, td, dd, li { overflow-wrap: anywhere; }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
header, .top { display: flex; flex-wrap: wrap; align-items: center; gap: .4rem .75rem; }
nav { margin: .35rem 0 0; display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; }
.soft { color: var(--soft); } .small { font-size: .87rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 1rem 1.2rem;
  margin: 0 0 1rem; }
.warn { background: var(--warn); } .warn ul { margin: 0; padding-left: 1.1rem; }
.pill { border: 1px solid currentColor; border-radius: 99px; padding: 0 .65rem; font-size: .82rem; font-weight: 600; }
.ready { color: var(--good); } .learning { color: var(--busy); } .not { color: var(--bad); }
.silent, .waiting { color: var(--quiet); }
dl { display: flex; flex-wrap: wrap; gap: .7rem 2.2rem; margin: .8rem 0 0; } dl:first-child { margin-top: 0; }
dt { color: var(--soft); font-size: .82rem; } dd { margin: 0; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; margin-top: 1rem; font-size: .92rem; }
caption { text-align: left; color: var(--soft); font-size: .82rem; padding-bottom: .2rem; }
th { text-align: left; color: var(--soft); font-size: .82rem; font-weight: 500; white-space: nowrap; }
th, td { padding: .3rem .9rem .3rem 0; border-top: 1px solid var(--line); }
td:first-child { min-width: 8rem; } .role { white-space: nowrap; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.scroll { overflow-x: auto; }
svg { margin-right: .7rem; } .track { fill: var(--line); } .fill { fill: var(--accent); }
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


def render_page(status: StatusView, models: Sequence[ModelView], *, now: float) -> str:
    """The page as of `now`, unix seconds."""
    links = "".join(f'<a href="{target}">{escape(text)}</a>' for target, text in _LINKS)
    body = "".join((_service(status, models, now), _warnings(status), "<h2>Models</h2>", _models(status, models, now)))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>model_exporter</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="refresh" content="{REFRESH_SECONDS}"><style>{_STYLE}</style></head><body><main>'
        f'<header><h1>model_exporter</h1><span class="soft">{escape(status.version)}</span>'
        f"{_readiness(status)}</header><nav>{links}</nav>{body}</main></body></html>\n"
    )


def _readiness(status: StatusView) -> str:
    if status.ready:
        return _pill("ready", "ready")
    return _pill("not", f"not ready: {status.not_ready_because}")


def _service(status: StatusView, models: Sequence[ModelView], now: float) -> str:
    facts = [
        *((name, f"<code>{escape(address)}</code>") for name, address in status.doors.items()),
        ("Started", _ago(status.started_at, now)),
        ("Configuration", f"<code>{escape(status.config_file)}</code>" if status.config_file else "none, all defaults"),
        ("Snapshot", _ago(status.snapshot_at, now)),
    ]
    if status.series is not None:
        facts += [
            ("Models", f"{len(models):,}"),
            ("Predictions", f"{sum(model.predictions for model in models):,}"),
            ("Series", f'{status.series:,} <span class="soft">of {status.series_limit:,}</span>'),
        ]
    return f"<h2>Service</h2><div class=card>{_facts(facts)}</div>"


def _warnings(status: StatusView) -> str:
    if not status.warnings:
        return ""
    items = "".join(f"<li>{escape(warning)}</li>" for warning in status.warnings)
    return f'<h2>Warnings since the start</h2><div class="card warn"><ul>{items}</ul></div>'


def _models(status: StatusView, models: Sequence[ModelView], now: float) -> str:
    if models:
        return "".join(_model(model, now) for model in models)
    doors = " or ".join(f"{escape(name)} at <code>{escape(address)}</code>" for name, address in status.doors.items())
    return (
        '<div class="card soft">Nothing was heard of any model yet. '
        f"Send prediction logs or traces to {doors or 'a door, once one is open'}.</div>"
    )


def _model(model: ModelView, now: float) -> str:
    kind = ", ".join(filter(None, (model.kind, f"owned by {model.owner}" if model.owner else "")))
    facts = [("Predictions", f"{model.predictions:,}"), ("Last prediction", _ago(model.last_prediction, now))]
    if model.active_version is not None:
        others = len(model.versions) - 1
        more = f' <span class="soft">and {others} more</span>' if others else ""
        facts.insert(0, ("Active version", escape(model.active_version) + more))
    facts += [(f"Last {name}", f"{model.windows[name]:,}") for name in WINDOWS if name in model.windows]
    if model.baseline:
        doubt = "" if model.baseline.stable else ", unstable"
        told = f'{model.baseline.rows:,} rows <span class="soft">from {escape(model.baseline.source)}{doubt}</span>'
        facts.append(("Baseline", told))
    if model.learning:
        facts.append(("Learning the baseline", _learning(model.learning)))
    return (
        f'<div class="card"><div class="top"><h3><a href="/api/v1/models/{quote(model.name, safe="")}">'
        f"{escape(model.name)}</a></h3>{_pill(model.state.value, model.state.value)}"
        f'<span class="soft">{escape(kind)}</span></div>{_facts(facts)}{_features(model)}</div>'
    )


def _learning(learning: LearningView) -> str:
    return (
        f"{_bar(learning.share)}{learning.rows:,} of {learning.rows_needed:,} rows, "
        f"{_span(learning.seconds)} of {_span(learning.seconds_needed)}"
    )


def _features(model: ModelView) -> str:
    if not model.worst_features:
        if model.state in (State.WAITING, State.LEARNING) or not model.baseline:
            return ""
        return '<p class="soft small">No window has enough rows for a distance from the baseline yet.</p>'
    rows = "".join(map(_feature, model.worst_features))
    return (
        '<div class="scroll"><table>'
        f"<caption>Furthest from the baseline, by population stability index; a full bar is {_PSI_FULL}</caption>"
        '<tr><th>Feature</th><th></th><th>Window</th><th class="n">Rows</th><th class="n">PSI</th><th></th>'
        '<th class="n">Jensen-Shannon</th><th class="n">Kolmogorov-Smirnov</th><th class="n">Wasserstein, sd</th></tr>'
        f"{rows}</table></div>"
    )


def _feature(drift: DriftView) -> str:
    return (
        f'<tr><td>{escape(drift.feature)}</td><td class="soft role">{drift.role}</td><td>{drift.window}</td>'
        f'<td class="n">{drift.observations:,}</td><td class="n">{_distance(drift.psi)}</td>'
        f"<td>{_bar(drift.psi / _PSI_FULL)}</td>"
        f'<td class="n">{_distance(drift.js_distance)}</td><td class="n">{_distance(drift.ks_distance)}</td>'
        f'<td class="n">{_distance(drift.wasserstein_ratio)}</td></tr>'
    )


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    """Names are text, values are HTML."""
    return "<dl>" + "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in facts) + "</dl>"


def _pill(look: str, text: str) -> str:
    return f'<span class="pill {look}">{escape(text)}</span>'


def _bar(share: float) -> str:
    width = round(100 * max(0.0, min(1.0, share)))
    return (
        '<svg width="100" height="8" aria-hidden="true"><rect class="track" width="100" height="8" rx="4"/>'
        f'<rect class="fill" width="{width}" height="8" rx="4"/></svg>'
    )


def _distance(value: float) -> str:
    return '<span class="soft">n/a</span>' if isnan(value) else f"{value:.3f}"


def _ago(at: float | None, now: float) -> str:
    """How long before `now` something was, with the exact time behind it."""
    if at is None:
        return '<span class="soft">never</span>'
    exact = datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
    return f'<time datetime="{exact}" title="{exact}">{_span(max(0.0, now - at))} ago</time>'


def _span(seconds: float) -> str:
    """A length of time in its largest unit that counts at least two of it."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:,.0f} {unit}"
    return f"{seconds:.0f} s"
