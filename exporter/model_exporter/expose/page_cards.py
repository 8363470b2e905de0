"""A model on the page: where it stands, what its evidence says, and its features with pictures."""

from html import escape
from math import isnan
from typing import Final
from urllib.parse import quote, urlencode

from model_exporter.expose.cards import ModelCard
from model_exporter.expose.explanation import FeatureExplanation
from model_exporter.expose.feature_views import FeatureView
from model_exporter.expose.markup import ago, bar, facts_list, pill
from model_exporter.expose.page_performance import render_performance
from model_exporter.expose.pictures import gauge, histogram
from model_exporter.expose.prose import SHAPE_WORDS, short_effect, signal_words
from model_exporter.expose.verdict_views import Alarm, FeatureVerdict, LevelView, PairsView
from model_exporter.expose.views import LearningView, ModelView, State
from model_exporter.expose.words import short_span, signed
from model_exporter.window.snapshot import WINDOWS

_NAMED: Final = 5
_SHAPES: Final = 2
_SHAPE_LEAST: Final = 0.15
_PART_LEAST: Final = 0.2
"""Part of an anomaly from which on a signal is named."""
_ALARM_WORDS: Final = {Alarm.OK: "ok", Alarm.TICKET: "ticket", Alarm.PAGE: "page"}


def render_card(card: ModelCard, now: float) -> str:
    """One model as of `now`, unix seconds."""
    model = card.model
    about = ", ".join(filter(None, (model.kind, f"owned by {model.owner}" if model.owner else "")))
    look = f" {card.alarm.value}" if card.alarm in {Alarm.PAGE, Alarm.TICKET} else ""
    why = f'<a class="end small" href="{_explain(model)}">Why?</a>' if model.baseline else ""
    return (
        f'<div class="card{look}"><div class="top"><h3><a href="{_path(model)}">{escape(model.name)}</a></h3>'
        f'{_state(card)}<span class="soft">{escape(about)}</span>{why}</div>'
        f"{_verdicts(model, now)}{_facts(model, now)}"
        f"{render_performance(card.outcomes, card.performance)}{_features(card, now)}</div>"
    )


def _path(model: ModelView) -> str:
    return f"/api/v1/models/{quote(model.name, safe='')}"


def _explain(model: ModelView, feature: str | None = None, version: str | None = None) -> str:
    asked = {"format": "text", "version": version, "feature": feature}
    return escape(
        f"{_path(model)}/explain?{urlencode({name: text for name, text in asked.items() if text is not None})}"
    )


def _state(card: ModelCard) -> str:
    """The alarm, and what keeps it from being up to date."""
    model = card.model
    pills = [pill(card.alarm.value, _ALARM_WORDS[card.alarm])] if card.alarm else []
    if model.state is not State.READY:
        pills.append(pill(model.state.value, model.state.value))
    return "".join(pills) or pill("new", "no verdict yet")


def _verdicts(model: ModelView, now: float) -> str:
    others = "".join(
        f'<li><span class="level">also</span>version <a href="{_explain(model, version=version)}">{escape(version)}</a>'
        f'<span class="on {alarm.value}">{alarm.value}</span></li>'
        for version, alarm in model.other_alarms.items()
    )
    rows = "".join(_level(level, now) for level in model.verdicts if not isnan(level.evidence))
    rows += "".join(map(_pairs, model.pairs)) + _anomaly(model)
    return f'<ul class="verdicts">{rows}{others}</ul>' if rows or others else ""


def _pairs(pairs: PairsView) -> str:
    """The alarm on the dependence between features, when it is on."""
    if not pairs.detected:
        return ""
    names = ", ".join(f"{escape(pair.feature)} with {escape(pair.other)}" for pair in pairs.pairs[:_NAMED])
    more = f" and {len(pairs.pairs) - _NAMED} more" if len(pairs.pairs) > _NAMED else ""
    told = f"changed dependence of {names}{more}" if names else "changed dependence of many pairs together"
    return _verdict(pairs.level, pairs.level, pairs.evidence, told)


def _anomaly(model: ModelView) -> str:
    """What is unusual about the operational signals, when they are."""
    anomaly = model.anomaly
    if anomaly is None or anomaly.evidence < 0:
        return ""
    parts = [(signal_words(signal), part) for signal, part in anomaly.contributions.items() if abs(part) >= _PART_LEAST]
    told = ", ".join(f"{words} {'up' if part > 0 else 'down'}" for words, part in parts)
    return _verdict("signals", "ticket", anomaly.evidence, f"unusual: {escape(told)}")


def _verdict(name: str, look: str, evidence: float, told: str) -> str:
    """One line of evidence; `told` is HTML."""
    beside = f'<span class="told">{told}</span>' if told else ""
    return (
        f'<li><span class="level">{name}</span>{gauge(evidence, look)}'
        f'<span class="figure{f" on {look}" if look else ""}">{signed(evidence)}</span>'
        f"{beside}</li>"
    )


def _level(level: LevelView, now: float) -> str:
    if not level.detected:
        return _verdict(level.level, "", level.evidence, "")
    names = ", ".join(escape(feature.feature) for feature in level.named[:_NAMED])
    more = f" and {len(level.named) - _NAMED} more" if len(level.named) > _NAMED else ""
    what = f"drift of {names}{more}" if names else "drift of many features together"
    since = f"began {ago(level.onset_unix, now)}" if level.onset else ""
    return _verdict(level.level, level.level, level.evidence, ", ".join(filter(None, (what, since))))


def _facts(model: ModelView, now: float) -> str:
    facts = [("Predictions", f"{model.predictions:,}"), ("Last prediction", ago(model.last_prediction, now))]
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
    return facts_list(facts)


def _learning(learning: LearningView) -> str:
    return (
        f"{bar(learning.share)}{learning.rows:,} of {learning.rows_needed:,} rows, "
        f"{short_span(learning.seconds)} of {short_span(learning.seconds_needed)}"
    )


def _features(card: ModelCard, now: float) -> str:
    if not card.features:
        if card.model.state in (State.WAITING, State.LEARNING) or not card.model.baseline:
            return ""
        return (
            '<p class="soft small">No verdict yet: evidence is judged every 15 seconds, while predictions come in.</p>'
        )
    rows = "".join(_feature(card.model, explained, now) for explained in card.features)
    table = (
        '<div class="scroll"><table><caption>Strongest evidence first; a bar that reaches its line is an alarm. '
        "Grey is the baseline, the outline is the window.</caption>"
        '<tr><th>Feature</th><th>Evidence</th><th>Change</th><th>Window</th><th class="n">Rows</th>'
        f'<th class="n">PSI</th><th>Baseline and window</th></tr>{rows}</table></div>'
    )
    if card.model.drift is Alarm.OK:
        return f"<details><summary>Features</summary>{table}</details>"
    return table


def _feature(model: ModelView, explained: FeatureExplanation, now: float) -> str:
    feature, window = explained.feature, explained.feature.window
    held = "".join(map(_held, feature.verdicts))
    size = f"{window.observations:,}" if window else ""
    return (
        f'<tr><td><a href="{_explain(model, feature.feature, model.active_version)}">{escape(feature.feature)}</a>'
        f'<div class="soft small">{feature.role}</div></td><td>{held}</td>'
        f'<td class="told">{_change(explained, now)}</td><td>{window.window if window else ""}</td>'
        f'<td class="n">{size}</td><td class="n">{_psi(feature)}</td><td>{histogram(feature)}</td></tr>'
    )


def _held(verdict: FeatureVerdict) -> str:
    """The evidence of a feature at one level; nothing where there is none."""
    if isnan(verdict.evidence):
        return ""
    look = f" on {verdict.level}" if verdict.detected else ""
    return (
        f'<div class="held"><span class="level">{verdict.level}</span>'
        f"{gauge(verdict.evidence, verdict.level if verdict.detected else '')}"
        f'<span class="figure{look}">{signed(verdict.evidence)}</span></div>'
    )


def _change(explained: FeatureExplanation, now: float) -> str:
    """What changed, by how much and since when."""
    lines = [escape(short_effect(explained))]
    verdict = next((verdict for verdict in explained.feature.verdicts if verdict.detected), None)
    if verdict:
        shapes = [SHAPE_WORDS[shape] for shape, part in verdict.shapes.items() if part >= _SHAPE_LEAST][:_SHAPES]
        since = f"began {ago(verdict.onset_unix, now)}" if verdict.onset else ""
        lines.append(f'<div class="soft small">{", ".join(filter(None, (escape(", ".join(shapes)), since)))}</div>')
    return "".join(filter(None, lines)) or '<span class="soft">none that stands out</span>'


def _psi(feature: FeatureView) -> str:
    """PSI with what is behind it; coloured only when the rows suffice and more than chance and tolerance is in it."""
    window = feature.window
    if window is None or isnan(window.psi):
        return '<span class="soft">n/a</span>'
    told = f"by chance {window.psi_null:.3f} in the mean, seldom over {window.psi_threshold:.3f}"
    look = "hot" if window.confident and window.psi > window.psi_threshold else ""
    return f'<span class="{look}" title="{told}">{window.psi:.3f}</span>'
