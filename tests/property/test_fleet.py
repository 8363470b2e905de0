"""Counts are sums: how rows are split, ordered or dealt to replicas does not matter."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from batches import T0, baseline_of, batch_of
from model_exporter.batch.columns import ABSENT
from model_exporter.config.settings import Settings
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.snapshot import VersionSnapshot

RNG = np.random.default_rng(11)
BASELINE = baseline_of(
    {"amount": RNG.normal(size=500).tolist(), "country": ["DE"] * 300 + ["FR"] * 200, "flag": [True, False] * 250}
)

amounts = st.one_of(st.none(), st.floats(), st.integers(-5, 5), st.sampled_from(["1.5", "x", ""]), st.booleans())
countries = st.sampled_from(["DE", "FR", "XX", None, 3, 3.0, ""])
flags = st.one_of(st.booleans(), st.none(), st.sampled_from(["true", "maybe", 1, 0.0]))
rows = st.lists(st.tuples(amounts, countries, flags), min_size=1, max_size=60)
Row = tuple[object, object, object]


def fleet() -> Fleet:
    """A fleet that compares model `m` with the baseline."""
    return Fleet(Settings(), learned={"m": BASELINE}, recorder=Telemetry(), notify=lambda _: None, now=T0)


def feed(target: Fleet, part: Sequence[Row], now: float = T0) -> None:
    """One batch of `part`."""
    if part:
        amount, country, flag = zip(*part, strict=True)
        target.predict("m", batch_of({"amount": amount, "country": country, "flag": flag}), now)


def version_of(target: Fleet, now: float = T0) -> VersionSnapshot:
    """The only version of the only model."""
    target.advance(now)
    return target.snapshot(now).models[0].versions[0]


def counts(version: VersionSnapshot) -> list[list[int]]:
    """All that is a sum, in the total and in each window."""
    vectors = [version.bins, version.quality.ravel(), version.violations, np.array([version.violating])]
    for window in version.windows:
        vectors += [window.bins, window.quality.ravel(), window.violations, np.array([window.predictions])]
    return [vector.tolist() for vector in vectors]


@given(rows, st.integers(0, 60), st.randoms(use_true_random=False))
def test_split_and_order_of_batches_do_not_matter(stream: list[Row], cut: int, random: object) -> None:
    """Two batches in either order count what one batch counts."""
    whole, parted = fleet(), fleet()
    feed(whole, stream)
    shuffled = list(stream)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    feed(parted, shuffled[cut:])
    feed(parted, shuffled[:cut])
    assert counts(version_of(whole)) == counts(version_of(parted))


@given(rows, st.lists(st.booleans(), min_size=60, max_size=60))
@settings(max_examples=50)
def test_replicas_add_up(stream: list[Row], dealt: list[bool]) -> None:
    """The counts of two exporters that share a stream are those of one that has all of it."""
    one, left, right = fleet(), fleet(), fleet()
    for second, row in enumerate(stream):
        feed(one, [row], T0 + second)
        feed(left if dealt[second] else right, [row], T0 + second)
    for replica in (left, right):
        feed(replica, [(None, None, None)], T0)  # so that both have the version
    feed(one, [(None, None, None)] * 2, T0)
    sums = [
        [a + b for a, b in zip(x, y, strict=True)]
        for x, y in zip(counts(version_of(left, T0 + 60)), counts(version_of(right, T0 + 60)), strict=True)
    ]
    assert sums == counts(version_of(one, T0 + 60))


@given(st.lists(st.tuples(*([st.one_of(st.just(ABSENT), amounts, st.just([1]))] * 3)), min_size=1, max_size=40))
@settings(max_examples=50)
def test_a_row_violates_the_schema_when_it_does_so_alone(stream: list[Row]) -> None:
    """A batch holds as many violating predictions as there are rows that violate anything in a batch of their own."""
    names = ("amount", "flag", "surprise")

    def violations(part: Sequence[Row]) -> VersionSnapshot:
        target = fleet()
        columns = dict(zip(names, zip(*part, strict=True), strict=True))
        target.predict("m", batch_of({**columns, "country": ["DE"] * len(part)}), T0)
        return version_of(target)

    alone = [violations([row]).violations.any() for row in stream]
    assert violations(stream).violating == sum(alone)


@given(rows)
def test_every_row_is_in_one_bin(stream: list[Row]) -> None:
    """The bins of each feature sum to the predictions, whatever the values are."""
    target = fleet()
    feed(target, stream)
    version = version_of(target)
    assert version.layout
    assert np.add.reduceat(version.bins, version.layout.starts[:-1]).tolist() == [len(stream)] * 3
    assert version.predictions == len(stream)
