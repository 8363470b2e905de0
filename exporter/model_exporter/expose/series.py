"""The models' series: numbers of a snapshot under the names of the catalogue."""

from math import inf
from operator import eq

import numpy as np

from model_exporter.baseline.model import Baseline
from model_exporter.expose import catalogue, truth_catalogue
from model_exporter.expose.blocks import Block, HistogramBlock
from model_exporter.expose.metric import Labels
from model_exporter.expose.text import Kept, Lines
from model_exporter.expose.truth_series import PerformanceText, write_truth
from model_exporter.expose.verdict_series import write_rules
from model_exporter.expose.version_series import VersionText
from model_exporter.window.snapshot import (
    LearningSnapshot,
    ModelSnapshot,
    Snapshot,
    UpstreamSnapshot,
    VersionSnapshot,
)


class SeriesWriter:
    """Writes the series of all models. For one thread at a time.

    What stays the same in the lines of a model is kept from one snapshot to the next, and dropped with the model,
    version, baseline or upstream that it belongs to.
    """

    def __init__(self) -> None:
        self._models: dict[str, _ModelText] = {}

    def write(self, snapshot: Snapshot) -> Lines:
        """Lines of all models in `snapshot`."""
        lines = Lines()
        self._models = {model.name: self._models.get(model.name) or _ModelText() for model in snapshot.models}
        for model in snapshot.models:
            self._models[model.name].write(lines, model, snapshot)
        return lines


def learned_share(learning: LearningSnapshot) -> float:
    """Share of the learning of a baseline that is done, 0 to 1: of its rows or of its time, whichever is behind."""
    rows = learning.rows / learning.rows_needed if learning.rows_needed > 0 else 1.0
    time = learning.seconds / learning.seconds_needed if learning.seconds_needed > 0 else 1.0
    return max(0.0, min(rows, time, 1.0))


def _write_own(lines: Lines, model: ModelSnapshot, snapshot: Snapshot) -> None:
    """Write what belongs to the model and not to a version of it."""
    settings = model.settings
    tier = "" if settings.tier is None else str(settings.tier)
    ownership = (model.name, settings.owner, tier, snapshot.environment, settings.runbook_url)
    lines.sample(catalogue.OWNERSHIP, ownership, snapshot.configured_at)
    for change, at in model.changes:
        lines.sample(catalogue.CHANGE, (model.name, change), at)
    for objective in settings.objectives:
        lines.sample(catalogue.THRESHOLD, (model.name, objective.signal, "objective"), objective.value)
    write_rules(lines, model.name, settings.drift)
    for source, at in model.sources:
        lines.sample(catalogue.SOURCE, (model.name, source), at)
    lines.sample(truth_catalogue.OUTCOMES, (model.name,), model.outcomes)
    if model.learning:
        lines.sample(catalogue.LEARNING, (model.name,), learned_share(model.learning))
    if model.baseline:
        labels = (model.name, model.baseline.digest)
        lines.sample(catalogue.BASELINE_ROWS, labels, model.baseline.rows)
        lines.sample(catalogue.BASELINE_CREATED, labels, model.baseline.created)
        lines.sample(catalogue.BASELINE_STABLE, labels, model.baseline.stable)


class _ModelText:
    """What stays of one model's lines."""

    def __init__(self) -> None:
        self._own = Kept(eq)
        self._versions: dict[str, VersionText] = {}
        self._baselines: dict[str, _BaselineText] = {}
        self._upstreams: dict[str, _UpstreamText] = {}
        self._truth = Kept(eq)
        self._performance: dict[str, PerformanceText] = {}
        self._thresholds = Kept(eq)

    def write(self, lines: Lines, model: ModelSnapshot, snapshot: Snapshot) -> None:
        self._write_own(lines, model, snapshot)
        self._versions = {version.version: self._version(model, version) for version in model.versions}
        for version in model.versions:
            self._versions[version.version].write(lines, model, version)
        self._write_baselines(lines, model)
        self._write_upstreams(lines, model)
        self._write_truth(lines, model)
        rest_on = model.settings, model.features
        self._thresholds.write(lines, rest_on, lambda fresh: _write_thresholds(fresh, model))

    def _write_own(self, lines: Lines, model: ModelSnapshot, snapshot: Snapshot) -> None:
        rest_on = (
            snapshot.environment,
            snapshot.configured_at,
            model.settings,
            model.changes,
            model.sources,
            model.outcomes,
            model.learning,
            model.baseline,
        )
        self._own.write(lines, rest_on, lambda fresh: _write_own(fresh, model, snapshot))

    def _write_truth(self, lines: Lines, model: ModelSnapshot) -> None:
        texts: dict[str, PerformanceText] = {}
        if truth := model.truth:
            rest_on = (
                truth.early,
                truth.duplicates,
                truth.pending,
                truth.outcomes_waiting,
                truth.rate,
                truth.unmatched,
                truth.lost,
                truth.reference,
            )
            self._truth.write(lines, rest_on, lambda fresh: write_truth(fresh, model.name, truth))
            for told in truth.performance:
                texts[told.version] = self._performance.get(told.version) or PerformanceText(model.name, told.version)
                texts[told.version].write(lines, told)
        self._performance = texts

    def _version(self, model: ModelSnapshot, version: VersionSnapshot) -> VersionText:
        kept = self._versions.get(version.version)
        return kept if kept and kept.fits(model, version) else VersionText(model, version)

    def _write_baselines(self, lines: Lines, model: ModelSnapshot) -> None:
        """Write the bins that any version counts in, once: not every version has room for all features."""
        binned: dict[str, tuple[Baseline, set[int]]] = {}
        for version in model.versions:
            if version.layout:
                baseline = version.layout.baseline
                binned.setdefault(baseline.digest, (baseline, set()))[1].update(version.layout.features)
        texts: dict[str, _BaselineText] = {}
        for digest, (baseline, features) in binned.items():
            kept = self._baselines.get(digest)
            fits = kept is not None and kept.features == features
            texts[digest] = kept if kept and fits else _BaselineText(model.name, baseline, features)
            lines.extend(texts[digest].lines)
        self._baselines = texts

    def _write_upstreams(self, lines: Lines, model: ModelSnapshot) -> None:
        texts: dict[str, _UpstreamText] = {}
        for call in model.upstreams:
            texts[call.upstream] = self._upstreams.get(call.upstream) or _UpstreamText((model.name, call.upstream))
            texts[call.upstream].write(lines, call)
        self._upstreams = texts


def _write_thresholds(lines: Lines, model: ModelSnapshot) -> None:
    """Write the thresholds that a model and its features are configured with."""
    for told in model.settings.thresholds:
        lines.sample(catalogue.THRESHOLD, (model.name, told.signal, told.severity), told.value)
    for name, role in model.features:
        for told in model.settings.feature_thresholds.get(name, ()):
            labels = (model.name, name, role.value, told.signal, told.severity)
            lines.sample(catalogue.FEATURE_THRESHOLD, labels, told.value)


class _UpstreamText:
    """Lines of the calls to one upstream; `names` are those of model and upstream."""

    def __init__(self, names: Labels) -> None:
        self._duration = HistogramBlock(catalogue.UPSTREAM_DURATION, names)
        self._errors = Block((catalogue.UPSTREAM_ERRORS, [names]))

    def write(self, lines: Lines, call: UpstreamSnapshot) -> None:
        self._duration.write(lines, call.duration)
        self._errors.write(lines, np.array([call.errors]))


class _BaselineText:
    """Lines of a baseline's bins, which never change."""

    def __init__(self, model: str, baseline: Baseline, features: set[int]) -> None:
        self.features = features
        self.lines = Lines()
        bins, bounded = [], []
        counts: list[float] = []
        bounds: list[float] = []
        for feature in (baseline.features[index] for index in sorted(features)):
            labels = [(model, feature.name, feature.role.value, baseline.digest, bin_) for bin_ in feature.bins]
            bins += labels
            counts += feature.counts
            if feature.wave is not None:
                self.lines.sample(catalogue.BASELINE_WAVE, labels[0][:-1], feature.wave)
            if feature.numeric:  # all bins of numbers are bounded but the last, `_missing`
                bounded += labels[:-1]
                bounds += (*feature.edges, inf)
        Block((catalogue.BASELINE_BIN, bins), (catalogue.BASELINE_UPPER, bounded)).write_numbers(
            self.lines, (*counts, *bounds)
        )
