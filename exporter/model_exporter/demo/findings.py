"""What the exporter's metrics must show at the end of the demo."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from model_exporter.demo.scrape import Scrape
from model_exporter.demo.screen import FeatureView, VerdictView

WINDOW: Final = "5m"
LEVEL: Final = "page"
_VISIBLE_PSI: Final = 0.25
"""What industry practice calls a large shift."""
_FACTOR: Final = 5.0
"""How far the shifted features must stand out from the others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One claim about the metrics, and whether it holds."""

    holds: bool
    text: str


def features(page: Scrape, model: str, version: str) -> tuple[FeatureView, ...]:
    """The input features of a model's version in the 5-minute window, highest PSI first."""
    inputs = {"model": model, "version": version, "role": "input"}
    views = [
        FeatureView(
            name=sample.labels["feature"],
            psi=page.total("model_drift_psi", **inputs, feature=sample.labels["feature"], window=WINDOW),
            observations=sample.value,
            missing=page.total("model_feature_missing_total", **inputs, feature=sample.labels["feature"]),
        )
        for sample in page.samples("model_window_observations", **inputs, window=WINDOW)
    ]
    return tuple(sorted(views, key=lambda view: (-(view.psi or 0.0), view.name)))


def drift(page: Scrape, *, model: str, version: str, shifted: Collection[str], lost: str) -> Finding:
    """Whether each of `shifted` stands far above the features that nobody touched; `lost` is in neither group."""
    psi = {view.name: view.psi for view in features(page, model, version) if view.psi is not None}
    moved = {name: psi.get(name, 0.0) for name in shifted}
    still = max((value for name, value in psi.items() if name not in shifted and name != lost), default=0.0)
    listed = ", ".join(f"{name} {value:.3f}" for name, value in moved.items())
    bound = max(_VISIBLE_PSI, _FACTOR * still)
    return Finding(
        bool(psi) and min(moved.values()) >= bound,
        f"PSI of the shifted features: {listed}; highest of the others: {still:.3f}; required: {bound:.3f}",
    )


def verdict(page: Scrape, model: str, version: str) -> VerdictView:
    """The alarm of the level that pages, on a model's version."""
    where = {"model": model, "version": version, "level": LEVEL}
    detected = page.total("model_drift_detected", **where)
    if detected is None:
        return VerdictView()
    named = [
        sample.labels["feature"]
        for sample in page.samples("model_feature_drift_detected", **where, role="input")
        if sample.value
    ]
    shapes = [
        max(page.samples("model_feature_drift_shape_ratio", **where, role="input", feature=name), key=lambda s: s.value)
        for name in named
    ]
    return VerdictView(bool(detected), tuple((s.labels["feature"], s.labels["shape"]) for s in shapes))


def quiet(page: Scrape, *, model: str, version: str) -> Finding:
    """Whether there is a verdict, and no alarm."""
    alarm = verdict(page, model, version)
    said = {None: "none yet", True: "drift", False: "no drift"}[alarm.detected]
    return Finding(alarm.detected is False, f"verdict on the normal traffic: {said}")


def named(page: Scrape, *, model: str, version: str, shifted: Collection[str]) -> Finding:
    """Whether the alarm is on and names just the features that were `shifted`."""
    alarm = verdict(page, model, version)
    told = ", ".join(f"{name} ({shape})" for name, shape in alarm.named)
    return Finding(
        bool(alarm.detected) and {name for name, _ in alarm.named} == set(shifted),
        f"features that the alarm names: {told or 'none'}; shifted: {', '.join(sorted(shifted))}",
    )


def counted(page: Scrape, *, model: str, sent: int) -> Finding:
    """Whether every prediction is counted, once."""
    found = page.total("model_predictions_total", model=model)
    return Finding(found == sent, f"predictions sent: {sent:,}; counted: {_count(found)}")


def missed(page: Scrape, *, model: str, feature: str, lost: int) -> Finding:
    """Whether the lost values, some at least, are counted as missing, each once."""
    found = page.total("model_feature_missing_total", model=model, feature=feature)
    return Finding(lost > 0 and found == lost, f"{feature} left out: {lost:,} times; counted missing: {_count(found)}")


def _count(number: float | None) -> str:
    return "none" if number is None else f"{number:,.0f}"
