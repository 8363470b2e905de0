"""What the exporter's metrics must show at the end of the demo."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from model_exporter.demo.scrape import Scrape
from model_exporter.demo.screen import FeatureView

WINDOW: Final = "5m"
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
