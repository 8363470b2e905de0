"""A configuration file to frozen settings."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from model_exporter.baseline.file import read_baseline
from model_exporter.baseline.model import Baseline, FeatureType
from model_exporter.batch import class_of
from model_exporter.config.business import indicators, performance_objectives
from model_exporter.config.convert import convert
from model_exporter.config.document import Node, quoted, read_document
from model_exporter.config.files import log_files
from model_exporter.config.forward import forward
from model_exporter.config.mappings import mappings
from model_exporter.config.outcome_schema import OutcomeKeys
from model_exporter.config.paths import PathError, PathPattern
from model_exporter.config.privacy import Secret, privacy
from model_exporter.config.schema import (
    DriftKeys,
    FeatureKeys,
    JoinKeys,
    LimitKeys,
    ModelDriftKeys,
    ModelKeys,
    ObjectiveKeys,
    RootKeys,
)
from model_exporter.config.segments import segments
from model_exporter.config.settings import (
    DEFAULT_FAIRNESS_GAP,
    FAIRNESS_GAP,
    Drift,
    DriftLevel,
    FeatureSettings,
    JoinSettings,
    JoinStoreKind,
    Learn,
    Limits,
    ModelSettings,
    Objective,
    OutcomeSettings,
    Settings,
    TraceSettings,
)
from model_exporter.config.thresholds import thresholds
from model_exporter.config.trace_schema import TraceKeys
from model_exporter.errors import BaselineError, ConfigError
from model_exporter.mapping import with_built_in

_SCHEMES: Final = {
    JoinStoreKind.REDIS: ("redis://", "rediss://", "unix://"),
    JoinStoreKind.POSTGRESQL: ("postgresql://", "postgres://"),
}


def load_settings(path: Path | None) -> Settings:
    """The settings in the file at `path` and in the baselines that it names; None and an empty file are the defaults.

    Raises:
        ConfigError: the first mistake in the file, or in a baseline that it names.
    """
    if path is None:
        return Settings()
    root = read_document(path, optional="--config.file")
    return _Loader(path, root).load(convert(root, RootKeys))


class _Loader:
    """Turns checked keys into settings, and checks what no single mapping shows.

    `root` is the document that the keys come from; it knows where a mistake stands.
    """

    def __init__(self, path: Path, root: Node) -> None:
        self._folder = path.parent
        self._root = root
        self._baselines: dict[Path, Baseline] = {}

    def load(self, keys: RootKeys) -> Settings:
        limits = _limits(keys.limits)
        self._secret = Secret(keys.privacy, self._root.find("privacy"), self._folder)
        learn = Learn(rows=keys.learn.rows, stable_for_seconds=keys.learn.stable_for)
        self._check_room(self._root.find("learn", "rows"), learn, limits)
        self._check_count(self._root.find("models"), len(keys.models), "models", limits.models)
        models = {name: self._model(name, model, keys, limits) for name, model in keys.models.items()}
        own = mappings(keys.mappings, self._root.find("mappings"))
        return Settings(
            environment=keys.environment,
            learn=learn,
            drift=_drift(keys.drift, ModelDriftKeys()),
            limits=limits,
            join=self._join(keys.join),
            pairing_wait_seconds=keys.pairing.wait,
            traces=_traces(keys.traces, self._root.find("traces", "paths")),
            files=tuple(log_files(keys.files, self._root.find("files"), self._folder, with_built_in(own))),
            mappings=MappingProxyType(own),
            forward=forward(keys.forward, self._root.find("forward"), self._folder, models),
            models=MappingProxyType(models),
        )

    def _join(self, keys: JoinKeys) -> JoinSettings:
        node = self._root.find("join")
        named = next((kind for kind, schemes in _SCHEMES.items() if keys.url.startswith(schemes)), None)
        store = keys.store or named or JoinStoreKind.SQLITE
        # No message repeats the address: it may hold a password.
        if store in _SCHEMES and store is not named:
            raise node.find("url").mistake(
                f"{store.value} needs the address of its server", f"Write `url: {_SCHEMES[store][0]}HOST:PORT/...`"
            )
        if keys.url and store not in _SCHEMES:
            raise node.find("url").mistake(
                "sqlite has no server, and other addresses begin with redis:// or postgresql://",
                "Remove or correct the address",
            )
        return JoinSettings(store=store, url=keys.url)

    def _model(self, name: str, keys: ModelKeys, root: RootKeys, limits: Limits) -> ModelSettings:
        learn = root.learn
        node = self._root.find("models", name)
        self._check_name(node, name, limits)
        own = Learn(rows=keys.learn.rows or learn.rows, stable_for_seconds=keys.learn.stable_for or learn.stable_for)
        self._check_room(node.find("learn", "rows"), own, limits)
        features = node.find("features")
        self._check_count(features, len(keys.features), "features_per_model", limits.features_per_model)
        for feature in keys.features:
            self._check_name(features.find(feature), feature, limits)
        baseline = self._baseline(node, keys)
        if baseline:
            _check_types(features, keys.features, baseline)
        concealed = privacy(keys.privacy, node.find("privacy"), self._secret)
        slo = node.find("slo")
        own_limits = {name: tuple(thresholds(feature.thresholds)) for name, feature in keys.features.items()}
        return ModelSettings(
            kind=keys.kind,
            owner=keys.owner,
            tier=keys.tier,
            runbook_url=keys.runbook_url,
            baseline=baseline,
            baseline_file=str(self._folder / keys.baseline) if keys.baseline else "",
            learn=own,
            drift=_drift(root.drift, keys.drift),
            approved_versions=keys.versions.approved,
            features=MappingProxyType(
                {name: _feature(feature) for name, feature in keys.features.items() if not _tells_only_when(feature)}
            ),
            objectives=(
                *_objectives(keys.slo, has_groups=bool(keys.segments)),
                *performance_objectives(keys.slo.performance, slo.find("performance"), keys.kind),
            ),
            thresholds=tuple(thresholds(keys.thresholds)),
            feature_thresholds=MappingProxyType({name: limits for name, limits in own_limits.items() if limits}),
            outcome=_outcome(keys.outcome, expected=node.find("outcome") is not node),
            segments=tuple(segments(keys.segments, node.find("segments"), concealed)),
            business=tuple(indicators(keys.business, node.find("business"), concealed)),
            catalogue=keys.catalogue,
            privacy=concealed,
        )

    def _baseline(self, model: Node, keys: ModelKeys) -> Baseline | None:
        """The baseline of a file. It may bear another model's name: a canary is compared with what it replaces."""
        if not keys.baseline:
            return None
        if model.find("learn") is not model:
            raise model.find("learn").mistake(
                "a model has a baseline or learns one, not both", "Remove `learn` or `baseline`"
            )
        path = self._folder / keys.baseline
        if path not in self._baselines:
            self._baselines[path] = self._read(path, model.find("baseline"))
        return self._baselines[path]

    def _read(self, path: Path, node: Node) -> Baseline:
        if not path.is_file():
            raise node.mistake(
                f"there is no file {path}",
                f"Build it with `model_exporter baseline build FILE... -o {path}`, or correct the path, "
                f"which starts at the folder of the configuration file",
            )
        try:
            return read_baseline(path)
        except BaselineError as error:
            problem, _, remedy = str(error).rpartition(". ")
            raise node.mistake(problem or remedy, remedy) from error

    @staticmethod
    def _check_name(node: Node, name: str, limits: Limits) -> None:
        if len(name) > limits.name_length:
            raise node.mistake(
                f"the name has {len(name)} characters, more than limits.name_length, {limits.name_length}",
                "Shorten the name or raise the limit",
            )

    @staticmethod
    def _check_count(node: Node, count: int, key: str, limit: int) -> None:
        if count > limit:
            raise node.mistake(f"{count} entries are more than limits.{key}, {limit}", "Raise the limit")

    @staticmethod
    def _check_room(node: Node, learn: Learn, limits: Limits) -> None:
        if learn.rows > limits.learning_cells:
            raise node.mistake(
                f"{learn.rows} rows are more than limits.learning_cells, {limits.learning_cells}, so that no model "
                f"could ever learn a baseline",
                "Lower the rows or raise the limit",
            )


def _traces(keys: TraceKeys, node: Node) -> TraceSettings:
    patterns = []
    for text in keys.paths:
        try:
            patterns.append(PathPattern(text))
        except PathError as error:
            raise node.mistake(f"{quoted(text)} {error}", "Write it as /score/{model}/{version}") from error
    return TraceSettings(paths=tuple(patterns), other_paths=keys.other_paths)


def _limits(keys: LimitKeys) -> Limits:
    return Limits(
        request_bytes=keys.request_bytes,
        queue_rows=keys.queue_rows,
        queue_bytes=keys.queue_bytes,
        record_attributes=keys.record_attributes,
        nesting=keys.nesting,
        name_length=keys.name_length,
        models=keys.models,
        versions_per_model=keys.versions_per_model,
        features_per_model=keys.features_per_model,
        upstreams_per_model=keys.upstreams_per_model,
        error_types_per_model=keys.error_types_per_model,
        groups_per_segment=keys.groups_per_segment,
        series=keys.series,
        series_per_model=keys.series_per_model,
        monitor_schemas=keys.monitor_schemas,
        learning_cells=keys.learning_cells,
        recent_ids=keys.recent_ids,
        outcomes=keys.outcomes,
        remembered_predictions=keys.remembered_predictions,
        exchanges=keys.exchanges,
        exchange_bytes=keys.exchange_bytes,
        remembered_bytes=keys.remembered_bytes,
        followed_files=keys.followed_files,
        expire_after_seconds=keys.expire_after,
    )


def _feature(keys: FeatureKeys) -> FeatureSettings:
    return FeatureSettings(
        type=keys.type,
        minimum=keys.min,
        maximum=keys.max,
        categories=None if keys.categories is None else frozenset(keys.categories),
        required=keys.required,
        missing=frozenset(keys.missing),
        weight=FeatureSettings().weight if keys.weight is None else keys.weight,
    )


def _tells_only_when(keys: FeatureKeys) -> bool:
    """Whether all that is said of a feature is when its signals alarm, which makes it no part of the schema."""
    return keys != FeatureKeys() and FeatureKeys(thresholds=keys.thresholds) == keys


def _drift(keys: DriftKeys, own: ModelDriftKeys) -> Drift:
    """The levels of a model: its own keys where it has them, else those of all models."""
    return Drift(
        page=DriftLevel(
            patience_seconds=own.false_pages or keys.false_pages,
            tolerance=keys.page_tolerance if own.page_tolerance is None else own.page_tolerance,
        ),
        ticket=DriftLevel(
            patience_seconds=own.false_tickets or keys.false_tickets,
            tolerance=keys.ticket_tolerance if own.ticket_tolerance is None else own.ticket_tolerance,
        ),
        pairs=keys.pairs if own.pairs is None else own.pairs,
    )


def _outcome(keys: OutcomeKeys, *, expected: bool) -> OutcomeSettings:
    positive = keys.positive
    if positive is not None:
        positive = str(positive) if type(positive) is int else class_of(positive)
    return OutcomeSettings(
        expected=expected,
        positive=positive,
        wait_seconds=keys.wait or OutcomeSettings().wait_seconds,
        reference=keys.reference or OutcomeSettings().reference,
    )


def _objectives(keys: ObjectiveKeys, *, has_groups: bool) -> Iterator[Objective]:
    latency = keys.latency_seconds
    gap = DEFAULT_FAIRNESS_GAP if keys.fairness_gap is None and has_groups else keys.fairness_gap
    for signal, value in (
        ("availability", keys.availability),
        ("latency_p50_seconds", latency.p50),
        ("latency_p90_seconds", latency.p90),
        ("latency_p95_seconds", latency.p95),
        ("latency_p99_seconds", latency.p99),
        ("schema_violations", keys.schema_violations),
        (FAIRNESS_GAP, gap),
    ):
        if value is not None:
            yield Objective(signal, value)


def _check_types(node: Node, features: Mapping[str, FeatureKeys], baseline: Baseline) -> None:
    """Refuse what the file says of a feature where the baseline holds it as another type."""
    for feature in baseline.features:
        keys = features.get(feature.name)
        if keys is None:
            continue
        for key, wanted in (
            ("type", keys.type),
            ("min", None if keys.min is None else FeatureType.NUMERIC),
            ("max", None if keys.max is None else FeatureType.NUMERIC),
            ("categories", None if keys.categories is None else FeatureType.CATEGORICAL),
        ):
            if wanted not in {feature.type, None}:
                raise _other_type(node.find(feature.name, key), feature.name, wanted.value, feature.type.value)


def _other_type(node: Node, feature: str, wanted: str, built: str) -> ConfigError:
    return node.mistake(
        f"this is for a {wanted} feature, and the baseline holds {feature} as {built}",
        f"Build the baseline with `--type {feature}={wanted}`, or follow the baseline",
    )
