"""What is kept from one scrape to the next never shows: it is what a fresh start would write."""

import gzip
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import snapshots
from model_exporter.config.settings import ModelSettings, Threshold
from model_exporter.expose.packing import Packer
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.telemetry import TelemetrySnapshot
from model_exporter.window.snapshot import ModelSnapshot, Snapshot

SETTINGS = (ModelSettings(), ModelSettings(owner="risk", thresholds=(Threshold("psi", "page", 0.5),)))
FEATURES = (
    (snapshots.numeric("amount"),),
    (snapshots.numeric("amount"), snapshots.categorical("country", ("DE", 'quo"te'))),
)


class Told(NamedTuple):
    """What a model is made of; drawn from so few that each comes back as it was."""

    name: str
    features: int
    versions: tuple[str, ...]
    settings: int
    counts: int


@cache
def model(told: Told) -> ModelSnapshot:
    """The model, with counts of its first version and calls to an upstream that comes and goes."""
    base = snapshots.model(told.name, FEATURES[told.features], versions=told.versions, settings=SETTINGS[told.settings])
    rng, first = np.random.default_rng(told.counts), base.versions[0]
    moved = snapshots.version(
        first.version,
        rng,
        features=len(base.features),
        bins=first.layout,
        distances=told.counts % 3 > 0,
        named=range(told.counts % 2),
    )
    upstream = replace(base.upstreams[0], duration=snapshots.histogram(rng), errors=told.counts)
    return replace(
        base,
        versions=(moved, *base.versions[1:]),
        upstreams=(upstream,) if told.counts != 1 else (),
        outcomes=told.counts,
    )


def picture(models: list[tuple[Told, bool]], configured_at: float) -> Snapshot:
    """A snapshot; with True a model is the same object whenever it comes, otherwise an equal one."""
    made = [model(told) if is_same else model.__wrapped__(told) for told, is_same in models]
    return replace(snapshots.snapshot(*made), configured_at=configured_at)


MODEL = st.builds(
    Told,
    name=st.sampled_from(["fraud", "churn"]),
    features=st.integers(0, 1),
    versions=st.sampled_from([("1",), ("1", "2"), ("2",)]),
    settings=st.integers(0, 1),
    counts=st.integers(0, 3),
)
MODELS = st.lists(st.tuples(MODEL, st.booleans()), max_size=3, unique_by=lambda drawn: drawn[0].name)
SCRAPES = st.lists(
    st.tuples(MODELS, st.sampled_from([1.0, 2.0]), st.sampled_from(Format), st.booleans()), min_size=2, max_size=6
)
NOTHING = TelemetrySnapshot({}, {})


def render(renderer: Renderer, snapshot: Snapshot, form: Format, *, packed: bool) -> bytes:
    """Body of a scrape, decompressed."""
    if packed:
        return gzip.decompress(renderer.render_gzip(snapshot, NOTHING, form))
    return renderer.render(snapshot, NOTHING, form)


@settings(deadline=None, max_examples=60)
@given(scrapes=SCRAPES)
def test_scrapes_do_not_depend_on_those_before(
    scrapes: list[tuple[list[tuple[Told, bool]], float, Format, bool]],
) -> None:
    """After any scrapes, in any formats, the next one is byte for byte what a renderer that knows nothing writes."""
    renderer = Renderer("1", process=lambda: None)
    for models, configured_at, form, packed in scrapes:
        snapshot = picture(models, configured_at)
        fresh = Renderer("1", process=lambda: None)
        assert render(renderer, snapshot, form, packed=packed) == fresh.render(snapshot, NOTHING, form)


FAMILIES = (
    (b"head a\n", b"a 1\n"),
    (b"head a\n", b"a 2\n"),
    (b"head b\n", b"b" * 300_000),
    (b"head c\n",),
)


@given(expositions=st.lists(st.tuples(st.lists(st.integers(0, 3), max_size=4), st.binary(max_size=9)), max_size=5))
def test_pieces_make_one_whole(expositions: list[tuple[list[int], bytes]]) -> None:
    """Families large and small, new and kept, in any order, are read back with their checksum and length."""
    packer = Packer()
    for drawn, rest in expositions:
        families = [list(FAMILIES[one]) for one in drawn]
        whole = b"".join(line for family in families for line in family) + rest
        assert gzip.decompress(packer.pack(families).followed_by(rest)) == whole
