"""Rolling state of all models, from batches to snapshots."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from batches import T0, baseline_of, batch_of, calls_of
from model_exporter.baseline.model import Baseline, FeatureType
from model_exporter.batch import Event, Origin, Role
from model_exporter.batch.columns import ABSENT
from model_exporter.config.settings import (
    FeatureSettings,
    Learn,
    Limits,
    ModelSettings,
    Objective,
    Settings,
    Threshold,
)
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.layout import Distances, Layout
from model_exporter.window.notices import BaselineLearned, Expired, LearningRestarted, LimitHit, Notice
from model_exporter.window.snapshot import INVALID_REASONS, QUALITY, VIOLATIONS, ModelSnapshot, VersionSnapshot
from model_exporter.window.version import MAX_UNJUDGED

RNG = np.random.default_rng(7)
NUMBERS = RNG.normal(size=2000).tolist()
_OPTIONAL = {"note": FeatureSettings(required=False)}
COUNTRIES = (["DE"] * 1000 + ["FR"] * 700 + ["IT"] * 300)[:2000]


class World:
    """A fleet with everything it tells kept at hand."""

    def __init__(self, *, baseline: Baseline | None = None, settings: Settings | None = None) -> None:
        self.telemetry = Telemetry()
        self.notices: list[Notice] = []
        self.fleet = Fleet(
            settings or Settings(),
            learned={"m": baseline} if baseline else {},
            recorder=self.telemetry,
            notify=self.notices.append,
            now=T0,
        )

    def model(self, now: float = T0, name: str = "m") -> ModelSnapshot:
        """The model as of `now`."""
        self.fleet.advance(now)
        return next(model for model in self.fleet.snapshot(now).models if model.name == name)

    def version(self, now: float = T0) -> VersionSnapshot:
        """The model's only version."""
        (version,) = self.model(now).versions
        return version

    def counted(self, metric: str, *labels: str) -> float:
        """A counter of the exporter itself."""
        return self.telemetry.read().counters.get((metric, labels), 0)


@pytest.fixture
def world() -> World:
    """A fleet whose model `m` has a baseline of a number and a category."""
    return World(baseline=baseline_of({"amount": NUMBERS, "country": COUNTRIES}))


def quality(model: ModelSnapshot, feature: str) -> dict[str, int]:
    """The counts of one feature in the only version, by name, zeros left out."""
    index = [f.name for f in model.features].index(feature)
    row = model.versions[0].quality[index]
    return {name: int(count) for name, count in zip(QUALITY, row, strict=True) if count}


def violations(version: VersionSnapshot) -> dict[str, int]:
    """Schema violations by reason, zeros left out."""
    return {name: int(count) for name, count in zip(VIOLATIONS, version.violations, strict=True) if count}


def bins(model: ModelSnapshot, feature: str) -> dict[str, int]:
    """Bin counts of one feature in the only version, by label, zeros left out."""
    (version,) = model.versions
    assert version.layout
    for place, index in enumerate(version.layout.features):
        described = version.layout.baseline.features[index]
        if described.name == feature:
            flat = version.bins[version.layout.starts[place] : version.layout.starts[place + 1]]
            return {label: int(count) for label, count in zip(described.bins, flat, strict=True) if count}
    raise AssertionError(feature)


def test_every_row_lands_in_one_bin_of_every_feature(world: World) -> None:
    """Below, inside, above, missing, invalid and absent values are all in exactly one bin."""
    amounts = [-99.0, 0.0, 99.0, None, float("nan"), "oops", [1]]
    world.fleet.predict("m", batch_of({"amount": amounts}), T0)
    model = world.model()
    counted = bins(model, "amount")
    assert counted.pop("_below") == 1
    assert counted.pop("_above") == 1
    assert counted.pop("_missing") == 4
    assert sum(counted.values()) == 1
    assert bins(model, "country") == {"_missing": 7}


def test_quality_is_counted_by_reason(world: World) -> None:
    """Missing and each kind of invalid value have counts of their own."""
    amounts = [0.1, None, float("inf"), "oops", "0.2", True, 99.0]
    world.fleet.predict("m", batch_of({"amount": amounts, "country": ["DE"] * 7}), T0)
    assert quality(world.model(), "amount") == {
        "values": 6, "missing": 1, "nonfinite": 1, "type": 1, "outliers": 1,
    }  # fmt: skip
    assert set(INVALID_REASONS) < set(QUALITY)


def test_categories_are_other_or_unseen(world: World) -> None:
    """A category the baseline does not know is `_unseen`."""
    world.fleet.predict("m", batch_of({"country": ["DE", "DE", "XX", "", "IT"]}), T0)
    assert bins(world.model(), "country") == {"DE": 2, "IT": 1, "_unseen": 1, "_missing": 1}


def test_configured_ranges_and_categories_are_checked() -> None:
    """Values outside what the configuration allows are invalid by reason `range` and `category`."""
    settings = ModelSettings(
        features={
            "amount": FeatureSettings(minimum=0.0, maximum=1.0),
            "country": FeatureSettings(categories=frozenset({"DE"})),
        }
    )
    world = World(
        baseline=baseline_of({"amount": NUMBERS, "country": COUNTRIES}), settings=Settings(models={"m": settings})
    )
    world.fleet.predict("m", batch_of({"amount": [-0.1, 0.5, 1.5], "country": ["DE", "FR", "XX"]}), T0)
    assert quality(world.model(), "amount")["range"] == 2
    assert quality(world.model(), "country")["category"] == 2


def test_schema_violations_by_reason(world: World) -> None:
    """A lacking feature, a feature nobody knows and a wrong type violate the schema."""
    world.fleet.predict("m", batch_of({"amount": [1.0, "x"], "surprise": [1, 2]}), T0)
    version = world.version()
    assert violations(version) == {"missing_feature": 2, "unexpected_feature": 2, "type": 1}
    assert dict(world.model().changes)["schema"] == T0


def test_a_prediction_violates_the_schema_once(world: World) -> None:
    """However many features deviate in it, and in each of the ways in which one can."""
    rows = {"amount": [1.0, "x", 1.0, ABSENT, 1.0, "x"], "surprise": [ABSENT, ABSENT, 2, ABSENT, ABSENT, 3]}
    world.fleet.predict("m", batch_of({**rows, "country": ["DE"] * 6}), T0)
    version = world.version()
    assert violations(version) == {"missing_feature": 1, "unexpected_feature": 2, "type": 2}
    assert version.violating == 4
    world.fleet.predict("m", batch_of({"amount": [1.0, "x", 2.0]}), T0)  # no country in any of them
    assert world.version().violating == 7


def test_an_optional_feature_may_be_absent() -> None:
    """Whether from some of the records or from all; where it is required, its absence violates the schema."""
    baseline = baseline_of({"amount": NUMBERS, "note": ["a", "b"] * 1000})
    world = World(baseline=baseline, settings=Settings(models={"m": ModelSettings(features=_OPTIONAL)}))
    world.fleet.predict("m", batch_of({"amount": [1.0, 2.0], "note": ["a", ABSENT]}), T0)
    world.fleet.predict("m", batch_of({"amount": [1.0, 2.0]}), T0)
    assert world.version().violating == 0
    world.fleet.predict("m", batch_of({"note": ["a", "b"]}), T0)
    assert world.version().violating == 2


def test_predictions_without_violations_have_a_count_of_none(world: World) -> None:
    """Sound records, and spans, which have no features at all, leave it at 0."""
    world.fleet.predict("m", batch_of({"amount": [1.0, None], "country": ["DE", "XX"]}), T0)
    world.fleet.predict("m", batch_of(rows=5, origin=Origin.SPAN, version="", latency=[0.1] * 5), T0)
    assert world.version().violating == 0


def test_a_duplicate_violates_nothing_again(world: World) -> None:
    """What comes twice is not in the share that violates the schema, as it is not among the predictions."""
    for second in (0, 1):
        world.fleet.predict("m", batch_of({"amount": ["x"], "country": ["DE"]}, ids=["a"]), T0 + second)
    assert (world.version(T0 + 1).predictions, world.version(T0 + 1).violating) == (1, 1)


def test_a_feature_that_changes_between_int_float_and_text_stays_numeric(world: World) -> None:
    """JS encodes 3.0 as an int and Python turns numpy scalars into text: all of them are numbers."""
    world.fleet.predict("m", batch_of({"amount": [1, 1.0, "1", "1.0"]}), T0)
    assert sum(bins(world.model(), "amount").values()) == 4
    assert "type" not in quality(world.model(), "amount")


def test_a_duplicate_counts_once(world: World) -> None:
    """A prediction that comes again is counted as a duplicate and as nothing else."""
    batch = batch_of({"amount": [1.0, 2.0]}, ids=["a", "b"])
    world.fleet.predict("m", batch, T0)
    world.fleet.predict("m", batch, T0 + 1)
    version = world.version(T0 + 1)
    assert (version.predictions, version.duplicates) == (2, 2)
    assert sum(bins(world.model(T0 + 1), "amount").values()) == 2


def test_windows_forget_and_totals_do_not(world: World) -> None:
    """After six minutes the shortest window is empty, the others are not."""
    world.fleet.predict("m", batch_of({"amount": [1.0] * 10}), T0)
    version = world.version(T0 + 360)
    assert [window.predictions for window in version.windows] == [0, 10, 10]
    assert version.predictions == 10


def test_no_distance_below_a_hundred_rows(world: World) -> None:
    """A distance needs a hundred rows; before that there is none, not zero."""
    world.fleet.predict("m", batch_of({"amount": NUMBERS[:99], "country": COUNTRIES[:99]}), T0)
    window = world.version().windows[0]
    assert np.isnan([window.psi, window.js_distance, window.ks_distance, window.wasserstein_ratio]).all()
    world.fleet.predict("m", batch_of({"amount": NUMBERS[:1], "country": COUNTRIES[:1]}), T0)
    window = world.version().windows[0]
    assert np.isfinite(window.psi).all()
    assert window.observations.tolist() == [100, 100]


def test_ordered_distances_need_ordered_values(world: World) -> None:
    """Kolmogorov-Smirnov and Wasserstein do not exist for categories, nor when nearly all values are missing."""
    amounts = [*NUMBERS[:50], *[None] * 150]
    world.fleet.predict("m", batch_of({"amount": amounts, "country": COUNTRIES[:200]}), T0)
    window = world.version().windows[0]
    assert np.isfinite(window.psi).all()
    assert np.isnan(window.ks_distance).all()


def test_spans_and_logs_of_the_same_predictions_count_once(world: World) -> None:
    """Once logs tell of predictions, spans add what logs lack: latencies and failed requests."""
    world.fleet.predict("m", batch_of({"amount": [1.0] * 10}), T0)
    spans = batch_of(rows=11, origin=Origin.SPAN, version="", latency=[0.01] * 11, errors=[*[None] * 10, "500"])
    world.fleet.predict("m", spans, T0)
    version = world.version()
    assert version.version == "1"
    assert version.predictions == 11
    assert version.errors == (("500", 1),)
    assert version.duration
    assert version.duration.buckets.sum() == 11


def test_spans_alone_count_predictions() -> None:
    """A model that only traces still has traffic, latency and errors."""
    world = World()
    world.fleet.predict("m", batch_of(rows=3, origin=Origin.SPAN, version="", latency=[0.01, 0.2, 99]), T0)
    version = world.version()
    assert (version.version, version.predictions) == ("unknown", 3)
    assert version.duration
    assert version.duration.buckets[-1] == 1


def test_latency_in_logs_keeps_spans_out(world: World) -> None:
    """Where logs carry a latency, spans would count it twice."""
    world.fleet.predict("m", batch_of({"amount": [1.0]}, latency=[0.5]), T0)
    world.fleet.predict("m", batch_of(rows=1, origin=Origin.SPAN, version="", latency=[0.5]), T0)
    duration = world.version().duration
    assert duration
    assert (duration.buckets.sum(), duration.total_seconds) == (1, 0.5)


def _held_to(**seconds: float) -> Settings:
    objectives = tuple(Objective(f"latency_{quantile}_seconds", value) for quantile, value in seconds.items())
    return Settings(models={"m": ModelSettings(objectives=(Objective("availability", 0.99), *objectives))})


def test_predictions_slower_than_an_objective_are_counted() -> None:
    """Each objective counts what exceeds it, what just keeps it left out, from 0 on before any latency is known."""
    world = World(settings=_held_to(p50=0.1, p99=0.5))
    world.fleet.predict("m", batch_of({"amount": [1.0]}), T0)
    assert (world.version().slow, world.version().duration) == ((("p50", 0), ("p99", 0)), None)
    world.fleet.predict("m", batch_of({"amount": [1.0] * 5}, latency=[0.1, 0.11, 0.5, 9.0, float("nan")]), T0)
    version = world.version()
    assert version.slow == (("p50", 3), ("p99", 1))
    assert version.duration
    assert version.duration.buckets.sum() == 4


def test_without_an_objective_nothing_is_slow(world: World) -> None:
    """There is no count, rather than one of 0."""
    world.fleet.predict("m", batch_of({"amount": [1.0]}, latency=[9.0]), T0)
    assert world.version().slow == ()


def test_slow_predictions_are_counted_where_durations_are() -> None:
    """Latencies of spans count until logs carry their own, and those of duplicates do not."""
    world = World(settings=_held_to(p95=0.1))
    span = batch_of(rows=2, origin=Origin.SPAN, version="1", latency=[0.2, 0.05])
    world.fleet.predict("m", span, T0)
    assert world.version().slow == (("p95", 1),)
    log = batch_of({"amount": [1.0]}, latency=[0.3], ids=["a"])
    for _ in range(2):
        world.fleet.predict("m", log, T0)
    world.fleet.predict("m", span, T0)
    version = world.version()
    assert version.slow == (("p95", 2),)
    assert version.duration
    assert version.duration.buckets.sum() == 3


def test_a_reload_moves_a_latency_objective_and_its_count_goes_on() -> None:
    """What was counted stays; what comes is compared with the new bound. A counter must not fall."""
    world = World(settings=_held_to(p99=0.5))
    slow = batch_of({"amount": [1.0]}, latency=[0.3])
    world.fleet.predict("m", batch_of({"amount": [1.0]}, latency=[0.6]), T0)
    world.fleet.predict("m", slow, T0)
    assert world.version().slow == (("p99", 1),)
    world.fleet.reconfigure(_held_to(p99=0.2, p50=0.1), T0)
    assert world.version().slow == (("p50", 0), ("p99", 1))
    world.fleet.predict("m", slow, T0)
    assert world.version().slow == (("p50", 1), ("p99", 2))
    world.fleet.reconfigure(_held_to(), T0)
    assert world.version().slow == ()


@pytest.mark.parametrize(
    ("origins", "predictions", "errors"),
    [
        ((Origin.LOG,), 3, 1),
        ((Origin.SPAN,), 3, 1),
        ((Origin.LOG, Origin.SPAN), 3, 1),
        ((Origin.SPAN, Origin.LOG), 6, 2),  # spans that came before it was known that there are logs
    ],
)
def test_failed_predictions_are_among_the_predictions(
    world: World, origins: tuple[Origin, ...], predictions: int, errors: int
) -> None:
    """So that errors over predictions is the share that failed, whatever told of them."""
    for origin in origins:
        told = batch_of(rows=3, origin=origin, errors=["timeout", None, None])
        world.fleet.predict("m", told, T0)
    version = world.version()
    assert (version.predictions, dict(version.errors)) == (predictions, {"timeout": errors})


def test_upstream_calls_are_bounded() -> None:
    """Calls beyond the limit share one name."""
    world = World(settings=Settings(limits=Limits(upstreams_per_model=2)))
    world.fleet.call_upstreams("m", calls_of(["a", "b", "c", "d", "a"], [0.1] * 5, [False, True, True, True, True]), T0)
    calls = {u.upstream: (int(u.duration.buckets.sum()), u.errors) for u in world.model().upstreams}
    assert calls == {"a": (2, 1), "b": (1, 1), "_other": (2, 2)}
    assert world.counted("model_exporter_limit_hits_total", "upstreams_per_model") == 2


def test_error_types_are_bounded(world: World) -> None:
    """An endless supply of error types ends in `_other`."""
    errors = [f"E{i}" for i in range(50)]
    world.fleet.predict("m", batch_of({"amount": [1.0] * 50}, errors=errors), T0)
    counted = dict(world.version().errors)
    assert len(counted) == 21
    assert counted["_other"] == 30


def test_the_newest_prediction_is_never_in_the_future(world: World) -> None:
    """A clock an hour ahead cannot make a model look alive for an hour after its death."""
    world.fleet.predict("m", batch_of({"amount": [1.0, 1.0]}, times=[T0 + 3600, T0 - 3600]), T0)
    assert world.version().last_prediction == T0
    assert world.counted("model_exporter_clock_skew_records_total", "future") == 1
    assert world.counted("model_exporter_clock_skew_records_total", "past") == 1


def test_a_new_version_is_a_change_and_a_canary_is_not_two(world: World) -> None:
    """The change is the moment a version takes up traffic, not each batch of two versions side by side."""
    world.fleet.predict("m", batch_of({"amount": [1.0]}, version="1"), T0)
    assert "version" not in dict(world.model().changes)
    for second in range(10):
        for version in ("2", "1"):
            world.fleet.predict("m", batch_of({"amount": [1.0]}, version=version), T0 + 60 + second)
    model = world.model(T0 + 70)
    assert dict(model.changes)["version"] == T0 + 60
    assert [(v.version, v.active) for v in model.versions] == [("1", True), ("2", True)]


def test_a_rollback_is_a_change(world: World) -> None:
    """A version that was idle and comes back changes the model again."""
    for version, at in (("1", 0), ("2", 60), ("2", 400), ("1", 500)):
        world.fleet.predict("m", batch_of({"amount": [1.0]}, version=version), T0 + at)
    assert dict(world.model(T0 + 500).changes)["version"] == T0 + 500


def test_no_prediction_waits_for_the_judgement_of_a_slot(world: World) -> None:
    """Slots that are over are judged when time passes, in their order; a few at most wait for that."""
    batch = batch_of({"amount": NUMBERS[:50], "country": COUNTRIES[:50]})
    for slot in range(4):
        world.fleet.predict("m", batch, T0 + 15 * slot)
    assert world.fleet.snapshot(T0 + 45).models[0].versions[0].drift == ()
    judged = world.version(T0 + 60).drift
    for slot in range(4, 4 + MAX_UNJUDGED + 2):
        world.fleet.predict("m", batch, T0 + 15 * slot)
    behind = world.fleet.snapshot(T0 + 200).models[0].versions[0].drift
    assert not np.array_equal(behind[0].feature_log_evidence, judged[0].feature_log_evidence)


def test_a_silent_version_expires(world: World) -> None:
    """After a day of silence a version's series go; a configured model stays."""
    world.fleet.predict("m", batch_of({"amount": [1.0]}), T0)
    assert world.fleet.advance(T0 + 86_300) == []
    assert world.fleet.advance(T0 + 86_500) == ["m"]
    assert Expired("m", "1") in world.notices
    assert world.fleet.snapshot(T0 + 86_500).series == 0


def learn(world: World, draw: Callable[[int], list[float]], batches: int, start: int = 0) -> float:
    """Feed a batch of 100 rows a second; returns the time after the last."""
    for second in range(start, start + batches):
        world.fleet.predict("m", batch_of({"amount": draw(100)}), T0 + second)
        world.fleet.advance(T0 + second)
    return T0 + start + batches


LEARNING = Settings(learn=Learn(rows=1000, stable_for_seconds=5.0))


def test_a_baseline_is_learned_from_stable_traffic() -> None:
    """With enough rows over enough time the bins freeze, and later rows fall into them."""
    world = World(settings=LEARNING)
    now = learn(world, lambda n: RNG.normal(size=n).tolist(), 15)
    model = world.model(now)
    assert model.baseline
    assert model.learning is None
    assert any(isinstance(notice, BaselineLearned) and not notice.doubt for notice in world.notices)
    assert model.baseline.features[0].type is FeatureType.NUMERIC
    assert model.baseline.features[0].role is Role.INPUT
    assert dict(model.changes)["baseline"]


def test_learning_waits_for_rows_and_time() -> None:
    """Progress is told while either is short."""
    world = World(settings=LEARNING)
    learn(world, lambda n: RNG.normal(size=n).tolist(), 3)
    learning = world.model(T0 + 3).learning
    assert learning
    assert (learning.rows, learning.rows_needed, learning.seconds, learning.seconds_needed) == (300, 1000, 3.0, 5.0)


def test_a_stretch_that_changes_half_way_is_not_a_baseline() -> None:
    """When the two halves differ the older one is let go and learning goes on."""
    world = World(settings=LEARNING)
    learn(world, lambda n: RNG.normal(size=n).tolist(), 6)
    learn(world, lambda n: RNG.normal(loc=3, size=n).tolist(), 20, start=6)
    assert any(isinstance(notice, LearningRestarted) for notice in world.notices)
    model = world.model(T0 + 26)
    assert model.baseline
    assert model.baseline.features[0].numeric
    assert model.baseline.features[0].numeric.mean == pytest.approx(3, abs=0.3)


def test_learning_holds_a_bounded_fair_sample() -> None:
    """With far more rows than needed the memory is bounded and old and new rows are both in the sample."""
    world = World(settings=Settings(learn=Learn(rows=1000, stable_for_seconds=100.0)))
    learn(world, lambda n: RNG.uniform(size=n).tolist(), 99)
    assert world.fleet.usage()["learning_cells"] <= 2000
    learn(world, lambda n: RNG.uniform(size=n).tolist(), 5, start=99)
    model = world.model(T0 + 104)
    assert model.baseline
    assert 500 <= model.baseline.rows <= 2000


def test_ten_thousand_features_are_bounded() -> None:
    """Features beyond the limit are left out and counted; those before it are not disturbed."""
    world = World(settings=Settings(limits=Limits(features_per_model=50)))
    world.fleet.predict("m", batch_of({"good": [1.0], **{f"f{i}": [1.0] for i in range(10_000)}}), T0)
    model = world.model()
    assert len(model.features) == 50
    assert quality(model, "good") == {"values": 1}
    assert world.counted("model_exporter_limit_hits_total", "features_per_model") == 9951
    assert [n.limit for n in world.notices if isinstance(n, LimitHit)] == ["features_per_model"]


def test_versions_are_bounded() -> None:
    """Beyond the limit the version that was silent longest makes room."""
    world = World(settings=Settings(limits=Limits(versions_per_model=3)))
    for index in range(10):
        world.fleet.predict("m", batch_of({"amount": [1.0]}, version=str(index)), T0 + index)
    assert [version.version for version in world.model(T0 + 10).versions] == ["7", "8", "9"]


def test_series_are_bounded_over_all_models() -> None:
    """A version without room is refused whole and counted."""
    world = World(settings=Settings(limits=Limits(series=140)))
    for name in ("a", "b", "c"):
        world.fleet.predict(name, batch_of({"amount": [1.0] * 5}), T0)
    assert world.counted("model_exporter_dropped_records_total", "series_limit") == 5
    assert world.fleet.snapshot(T0).series <= 140


def test_a_wide_model_leaves_series_to_others() -> None:
    """A model stops at its own limit, which is the one that is counted; another goes on."""
    world = World(settings=Settings(limits=Limits(series=2000, series_per_model=200)))
    wide = {f"x{i}": [1.0] for i in range(100)}
    world.fleet.predict("wide", batch_of(wide), T0)
    world.fleet.predict("other", batch_of({"y": [1.0]}), T0)
    assert world.counted("model_exporter_limit_hits_total", "series_per_model") > 0
    assert world.counted("model_exporter_limit_hits_total", "series") == 0
    assert 100 < world.model(name="wide").series <= 200
    assert len(world.model(name="other").features) == 1


def test_bins_that_do_not_fit_are_left_out() -> None:
    """A baseline larger than the series that are left keeps the bins of its first features."""
    features = {f"f{i}": NUMBERS for i in range(50)}
    world = World(baseline=baseline_of(features), settings=Settings(limits=Limits(series=1000)))
    model = world.model() if world.fleet.snapshot(T0).models else None
    world.fleet.predict("m", batch_of({name: values[:1] for name, values in features.items()}), T0)
    model = world.model()
    assert model.baseline
    assert world.fleet.snapshot(T0).series <= 1000
    assert any(isinstance(notice, LimitHit) and notice.limit == "series" for notice in world.notices)


def test_a_reload_changes_what_it_names_and_keeps_the_counts(world: World) -> None:
    """New settings are taken over, counts go on, and the change has a time."""
    world.fleet.predict("m", batch_of({"amount": [1.0]}), T0)
    settings = Settings(models={"m": ModelSettings(owner="team", features={"amount": FeatureSettings(maximum=0.5)})})
    world.fleet.reconfigure(settings, T0 + 5)
    world.fleet.predict("m", batch_of({"amount": [1.0]}), T0 + 6)
    model = world.model(T0 + 6)
    assert (model.settings.owner, model.versions[0].predictions) == ("team", 2)
    assert quality(model, "amount")["range"] == 1
    assert dict(model.changes)["config"] == T0 + 5


def test_a_reload_of_thresholds_begins_nothing_anew(world: World) -> None:
    """A threshold says how evidence is read, so bins, verdicts and their times stay."""
    world.fleet.predict("m", batch_of({"amount": [1.0], "country": ["DE"]}), T0)
    before = world.model(T0 + 5)
    told = (Threshold("psi", "page", 0.5),)
    settings = ModelSettings(thresholds=told, feature_thresholds={"amount": told})
    world.fleet.reconfigure(Settings(models={"m": settings}), T0 + 5)
    model = world.model(T0 + 5)
    assert model.settings.feature_thresholds == {"amount": told}
    assert bins(model, "country") == {"DE": 1}
    assert model.versions[0].layout is before.versions[0].layout
    assert "baseline" in dict(before.changes)
    assert dict(model.changes) == {**dict(before.changes), "config": T0 + 5}


def test_a_configured_baseline_replaces_a_learned_one(world: World) -> None:
    """Bins begin again at 0 under the new digest."""
    world.fleet.predict("m", batch_of({"amount": [1.0]}), T0)
    other = baseline_of({"amount": [x * 2 for x in NUMBERS]})
    world.fleet.reconfigure(Settings(models={"m": ModelSettings(baseline=other)}), T0 + 5)
    model = world.model(T0 + 5)
    assert model.baseline == other
    assert bins(model, "amount") == {}
    assert dict(model.changes)["baseline"] == T0 + 5


def test_events_are_remembered_by_kind_and_source(world: World) -> None:
    """A deployment is a change; a pipeline run also dates its source; an old event does not undo a newer one."""
    for at in (T0 - 50, T0 - 100, T0 + 9999):
        world.fleet.note("m", Event("m", "pipeline", "", "orders", at), T0)
    world.fleet.note("m", Event("m", "deployment", "2", "", T0 - 7), T0)
    model = world.model()
    assert dict(model.sources) == {"orders": T0}
    assert Counter(dict(model.changes))["deployment"] == T0 - 7


def test_an_unchanged_version_is_not_frozen_again(world: World) -> None:
    """An idle model costs nothing: the snapshot hands out the same object."""
    world.fleet.predict("m", batch_of({"amount": [1.0]}), T0)
    assert world.version(T0 + 1) is world.version(T0 + 2)
    first = world.version(T0 + 3)
    world.fleet.predict("m", batch_of({"amount": [1.0]}), T0 + 4)
    assert world.version(T0 + 4) is not first


def test_a_version_at_rest_has_the_features_that_appear_in_another(world: World) -> None:
    """The rows of its quality are the model's features, also of those that it never saw."""
    world.fleet.predict("m", batch_of({"amount": [1.0]}, version="1"), T0)
    world.model(T0 + 60)
    world.fleet.predict("m", batch_of({"amount": [1.0], "late": [1.0]}, version="2"), T0 + 60)
    model = world.model(T0 + 60)
    assert [len(version.quality) for version in model.versions] == [len(model.features)] * 2 == [3, 3]


def test_a_snapshot_does_not_change(world: World) -> None:
    """What exposition holds stays as it was while the writer goes on."""
    world.fleet.predict("m", batch_of({"amount": [1.0]}), T0)
    frozen = world.version()
    before = (frozen.bins.copy(), frozen.quality.copy(), frozen.windows[0].bins.copy())
    world.fleet.predict("m", batch_of({"amount": [1.0, -99.0]}), T0)
    assert all(
        (old == new).all()
        for old, new in zip(before, (frozen.bins, frozen.quality, frozen.windows[0].bins), strict=True)
    )


def test_a_shift_scores_over_one_and_chance_does_not(world: World) -> None:
    """Half a standard deviation in 500 rows is beyond chance, the same share of countries is not."""
    random = np.random.default_rng(4)
    amounts, countries = random.normal(0.5, 1, 500).tolist(), random.choice(COUNTRIES, 500).tolist()
    world.fleet.predict("m", batch_of({"amount": amounts, "country": countries}), T0)
    scores = world.version().windows[0].shift_score
    assert scores[0] > 1
    assert 0 <= scores[1] <= 1


def test_a_few_rows_have_no_score(world: World) -> None:
    """Below 100 rows there is none, as there is no distance."""
    world.fleet.predict("m", batch_of({"amount": [9.0] * 99, "country": ["XX"] * 99}), T0)
    assert np.isnan(world.version().windows[0].shift_score).all()


def test_distances_are_measured_when_the_counts_of_their_window_change(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that no bin counts costs no distance; a row costs each window one."""
    measured = []
    measure = Layout.measure

    def counting(self: Layout, bins: NDArray[np.int64]) -> Distances:
        measured.append(int(bins.sum()))
        return measure(self, bins)

    monkeypatch.setattr(Layout, "measure", counting)
    world.fleet.predict("m", batch_of({"amount": NUMBERS[:200]}), T0)
    first = world.version()
    assert measured == [400] * 3
    world.fleet.predict("m", batch_of(rows=5, origin=Origin.SPAN, version="", errors=["timeout"] * 5), T0)
    second = world.version()
    assert second.errors
    assert measured == [400] * 3
    assert second.windows[0].psi is first.windows[0].psi
    world.fleet.predict("m", batch_of({"amount": [0.0]}), T0)
    world.version()
    assert measured == [400] * 3 + [402] * 3
