"""Snapshots with something of everything, for tests of what is made of them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from model_exporter.baseline.model import Baseline, FeatureBaseline, FeatureType, NumericSummary
from model_exporter.batch import Role
from model_exporter.config.settings import ModelKind, ModelSettings, Objective, Threshold
from model_exporter.window.snapshot import (
    LATENCY_BUCKETS,
    LEVELS,
    QUALITY,
    SHAPES,
    SIGNALS,
    VIOLATIONS,
    WINDOWS,
    AnomalySnapshot,
    BinLayout,
    CallsSnapshot,
    DriftSnapshot,
    FeatureName,
    Histogram,
    LearningSnapshot,
    ModelSnapshot,
    PairDriftSnapshot,
    PairSnapshot,
    Snapshot,
    UpstreamSnapshot,
    VersionSnapshot,
    WindowSnapshot,
)
from truth_snapshots import truth

AT: Final = 1_760_000_000.25
HOSTILE: Final = (
    'back\\slash "quoted"\nnew line {curly} %s %d 100% <b>&amp;</b>'
    " \u00fcn\u00ef\u2603\U0001f600 \ud800 \x00 \r\t\x7f\u2028"
)
"""A name with all that has ever broken an exposition, a template or a page."""


def numeric(name: str, *, role: Role = Role.INPUT, ordinals: int = 16, scale: float = 1.0) -> FeatureBaseline:
    """Baseline of a number with `ordinals` bins between its minimum and its maximum."""
    edges = tuple(scale * edge for edge in np.linspace(-2.0, 3.0, ordinals + 1).tolist())
    labels = ("_below", *(f"{i:02d}" for i in range(ordinals)), "_above", "_missing")
    counts = (0, *(100 + 7 * i for i in range(ordinals)), 0, 12)
    summary = NumericSummary(
        mean=0.5 * scale,
        sd=1.1 * scale,
        minimum=edges[0],
        maximum=edges[-1],
        fence_low=-1.5 * scale,
        fence_high=2.5 * scale,
        positions=(edges[0], *((low + high) / 2 for low, high in pairwise(edges)), edges[-1]),
    )
    return FeatureBaseline(name, role, FeatureType.NUMERIC, sum(counts), True, labels, counts, edges, numeric=summary)  # noqa: FBT003  # `required`


def categorical(name: str, categories: Sequence[str], *, role: Role = Role.INPUT) -> FeatureBaseline:
    """Baseline of a category."""
    labels = (*categories, "_other", "_unseen", "_missing")
    counts = tuple(range(50 * len(labels), 0, -50))
    known = frozenset({"rare"})
    return FeatureBaseline(name, role, FeatureType.CATEGORICAL, sum(counts), False, labels, counts, known=known)  # noqa: FBT003  # `required`


def boolean(name: str, *, role: Role = Role.INPUT) -> FeatureBaseline:
    """Baseline of a truth value."""
    return FeatureBaseline(name, role, FeatureType.BOOLEAN, 1000, True, ("false", "true", "_missing"), (600, 390, 10))  # noqa: FBT003  # `required`


def identifier(name: str) -> FeatureBaseline:
    """Baseline of an id, which has no bins."""
    return FeatureBaseline(name, Role.INPUT, FeatureType.IDENTIFIER, 1000, True)  # noqa: FBT003  # `required`


def baseline(model: str, features: Sequence[FeatureBaseline], *, stable: bool = True) -> Baseline:
    """Baseline of a model."""
    return Baseline(model, AT - 86_400.5, "train.csv", 10_000, 86_400.0, stable, tuple(features))


def layout(of: Baseline, *, features: tuple[int, ...] | None = None) -> BinLayout:
    """Bins of `features`, or of all features that have some."""
    binned = tuple(i for i, f in enumerate(of.features) if f.bins) if features is None else features
    starts = np.array([0, *accumulate(len(of.features[i].bins) for i in binned)], np.int64)
    counts = np.array([count for i in binned for count in of.features[i].counts], np.int64)
    return BinLayout(of, binned, starts, counts)


def histogram(rng: np.random.Generator) -> Histogram:
    """Latencies."""
    return Histogram(rng.integers(0, 1000, len(LATENCY_BUCKETS) + 1), float(rng.uniform(1, 1000)))


def window(
    name: str, rng: np.random.Generator, *, features: int, bins: BinLayout | None, distances: bool = True
) -> WindowSnapshot:
    """A window; without `distances` it holds too few rows for any."""
    binned = len(bins.features) if bins else 0

    def distance(scale: float) -> NDArray[np.float64]:
        return rng.uniform(0, scale, binned) if distances else np.full(binned, np.nan)

    return WindowSnapshot(
        name=name,
        predictions=int(rng.integers(1000, 5000)),
        duplicates=3,
        violations=rng.integers(0, 9, len(VIOLATIONS)),
        quality=rng.integers(0, 99, (features, len(QUALITY))),
        bins=rng.integers(0, 500, int(bins.starts[-1]) if bins else 0),
        observations=rng.integers(100, 5000, binned),
        psi=distance(0.6),
        psi_null=distance(0.02),
        psi_debiased=distance(0.6),
        psi_threshold=distance(0.05),
        shift_score=distance(3.0),
        js_distance=distance(0.3),
        ks_distance=distance(0.4),
        wasserstein_ratio=distance(1.5),
    )


def verdict(
    level: str,
    rng: np.random.Generator,
    *,
    features: int,
    named: Sequence[int] = (),
) -> DriftSnapshot:
    """A verdict on so many features, of which the places `named` are; the last feature has no evidence yet."""
    detected = np.isin(np.arange(features), named)
    evidence = np.where(detected, rng.uniform(0.0, 13.0, features), rng.uniform(-12.0, -5.0, features))
    evidence[-1:] = np.nan
    shares = rng.dirichlet(np.ones(len(SHAPES)), features)
    shares[-1:] = np.nan
    total = float(np.nansum(np.exp(evidence)))
    return DriftSnapshot(
        level=level,
        detected=bool(detected.any()),
        log_evidence=float(np.log(total)) if total > 0 else np.nan,
        onset=AT - 1234.5 if detected.any() else np.nan,
        feature_detected=detected,
        feature_log_evidence=evidence,
        feature_onset=np.where(detected, AT - 1200.25, np.nan),
        shares=shares,
    )


def pair_verdict(level: str, bins: BinLayout, *, named: Sequence[int]) -> PairDriftSnapshot:
    """A verdict on pairs: an alarm that names the first feature with the last when features are named, or nothing."""
    if not named:
        return PairDriftSnapshot(level, detected=False, log_evidence=np.nan, pairs=())
    first, last = (bins.baseline.features[bins.features[place]] for place in (0, -1))
    pair = PairSnapshot(FeatureName(first.name, first.role), FeatureName(last.name, last.role), 2.25)
    return PairDriftSnapshot(level, detected=True, log_evidence=2.5, pairs=(pair,))


def anomaly(rng: np.random.Generator, *, evidence: float) -> AnomalySnapshot:
    """An anomaly of signals up and down; the first signal does not take part."""
    parts = rng.dirichlet(np.ones(len(SIGNALS) - 1)) * np.resize([1.0, -1.0], len(SIGNALS) - 1)
    return AnomalySnapshot(evidence, np.array([np.nan, *parts]))


def calls(rng: np.random.Generator) -> CallsSnapshot:
    """Calls of a language model that tell all they can."""
    return CallsSnapshot(
        tokens=(("input", 2**40), ("output", 1234), ("cached", 0), ("reasoning", 77)),
        metered=99,
        first_token=histogram(rng),
        finish_reasons=(("stop", 90), ("length", 9)),
    )


def version(
    name: str,
    rng: np.random.Generator,
    *,
    features: int,
    bins: BinLayout | None,
    active: bool = True,
    distances: bool = True,
    named: Sequence[int] = (),
) -> VersionSnapshot:
    """A version with traffic, and with verdicts once it has bins; the alarms name the features at places `named`."""
    return VersionSnapshot(
        version=name,
        first_seen=AT - 7200.125,
        last_prediction=AT - 3.5,
        active=active,
        predictions=int(rng.integers(10_000, 2**53)),
        duplicates=int(rng.integers(1, 100)),
        errors=(("timeout", 4), ("ValueError", 2)),
        duration=histogram(rng),
        slow=(("p50", 31), ("p99", 0)),
        violating=17,
        violations=rng.integers(0, 99, len(VIOLATIONS)),
        quality=rng.integers(0, 9999, (features, len(QUALITY))),
        layout=bins,
        bins=rng.integers(0, 9999, int(bins.starts[-1]) if bins else 0),
        windows=tuple(window(w, rng, features=features, bins=bins, distances=distances) for w in WINDOWS),
        drift=tuple(verdict(level, rng, features=len(bins.features), named=named) for level in LEVELS) if bins else (),
        pair_drift=tuple(pair_verdict(level, bins, named=named) for level in LEVELS) if bins else (),
        anomaly=anomaly(rng, evidence=0.7 if named else -2.5) if bins else None,
        calls=calls(rng) if bins else None,
    )


def model(
    name: str,
    features: Sequence[FeatureBaseline],
    *,
    seed: int = 1,
    versions: Sequence[str] = ("1.4.2",),
    settings: ModelSettings | None = None,
    distances: bool = True,
    named: Sequence[int] = (),
) -> ModelSnapshot:
    """A model with a baseline; the first of its `versions` is active, and the alarms of that one are `named`."""
    rng = np.random.default_rng(seed)
    of = baseline(name, features)
    bins = layout(of)
    return ModelSnapshot(
        name=name,
        settings=settings or ModelSettings(),
        features=tuple(FeatureName(feature.name, feature.role) for feature in features),
        baseline=of,
        learning=None,
        changes=(("version", AT - 7200.0), ("schema", AT - 86_400.0), ("config", AT - 60.5)),
        sources=(("orders", AT - 1800.0),),
        versions=tuple(
            version(
                v,
                rng,
                features=len(features),
                bins=bins,
                active=v == versions[0],
                distances=distances,
                named=named if v == versions[0] else (),
            )
            for v in versions
        ),
        upstreams=(UpstreamSnapshot("feature-store", histogram(rng), 7),),
        outcomes=41,
        truth=truth(versions, HOSTILE),
    )


def learning_model(name: str = "churn", *, seed: int = 2) -> ModelSnapshot:
    """A model that learns its baseline: counts, but no bins and no distances."""
    rng = np.random.default_rng(seed)
    features = (FeatureName("tenure", Role.INPUT), FeatureName("score", Role.OUTPUT))
    return ModelSnapshot(
        name=name,
        settings=ModelSettings(),
        features=features,
        baseline=None,
        learning=LearningSnapshot(rows=2500, rows_needed=10_000, seconds=1800.0, seconds_needed=3600.0),
        changes=(("version", AT - 900.0),),
        sources=(),
        versions=(version("unknown", rng, features=len(features), bins=None),),
        upstreams=(),
        outcomes=0,
    )


def waiting_model(name: str = "ranker") -> ModelSnapshot:
    """A configured model that nothing was heard of."""
    return ModelSnapshot(
        name=name,
        settings=ModelSettings(kind=ModelKind.RANKING, owner="search", runbook_url="https://example.org/ranker"),
        features=(),
        baseline=None,
        learning=LearningSnapshot(rows=0, rows_needed=10_000, seconds=0.0, seconds_needed=3600.0),
        changes=(),
        sources=(),
        versions=(),
        upstreams=(),
        outcomes=0,
    )


def fraud_model(name: str = "fraud") -> ModelSnapshot:
    """A model with features of every type, two versions, an owner, objectives, and alarms that name two features."""
    features = (
        replace(numeric("amount", scale=100.0), wave=0.02),
        numeric("age"),
        categorical("country", ("DE", "FR", 'quo"te', "back\\slash", "new\nline")),
        boolean("returning"),
        identifier("customer_id"),
        numeric("score", role=Role.OUTPUT, ordinals=10),
        categorical("prediction", ("approve", "decline"), role=Role.OUTPUT),
    )
    settings = ModelSettings(
        kind=ModelKind.CLASSIFICATION,
        owner="payments-ml",
        tier=1,
        runbook_url="https://example.org/runbook",
        approved_versions=("1.4.2",),
        objectives=(Objective("availability", 0.999), Objective("latency_p99_seconds", 0.2)),
        thresholds=(Threshold("psi", "page", 0.25), Threshold("silence_seconds", "ticket", 600.0)),
        feature_thresholds={
            "amount": (Threshold("psi", "page", 0.5), Threshold("missing_ratio", "ticket", 0.0)),
            "score": (Threshold("psi", "ticket", 0.2),),
            "not_seen_yet": (Threshold("psi", "ticket", 0.3),),
        },
    )
    return model(name, features, versions=("1.4.2", "1.4.1"), settings=settings, named=(0, 2))


def snapshot(*models: ModelSnapshot) -> Snapshot:
    """A snapshot of `models`."""
    return Snapshot(
        at=AT,
        environment="production",
        configured_at=AT - 3600.0,
        models=models,
        series=1234,
        series_limit=200_000,
    )


def full_snapshot() -> Snapshot:
    """A snapshot with every metric of the models in it, and names of every kind."""
    hostile = model(HOSTILE, (numeric(HOSTILE), categorical("category", (HOSTILE,))), versions=(HOSTILE,), named=(0,))
    return snapshot(fraud_model(), learning_model(), waiting_model(), hostile)


def large_snapshot(models: int, *, features: int = 50) -> Snapshot:
    """A snapshot of so many models of `features` features each, a fifth of them categories."""
    described = [
        categorical(f"category_{i}", [f"value_{j}" for j in range(16)]) if i % 5 == 0 else numeric(f"number_{i}")
        for i in range(features)
    ]
    return snapshot(*(model(f"model_{i}", described, seed=i) for i in range(models)))


def moved(picture: Snapshot, *, seed: int, share: float = 1.0) -> Snapshot:
    """A later picture: that `share` of the models has other numbers everywhere, the others are the same objects."""
    models = list(picture.models)
    for place in range(round(share * len(models))):
        of, rng = models[place], np.random.default_rng((seed, place))
        versions = (version(v.version, rng, features=len(of.features), bins=v.layout) for v in of.versions)
        models[place] = replace(of, versions=tuple(versions))
    return replace(picture, at=picture.at + 1, models=tuple(models))
