"""Whatever a window holds, its explanation is defined."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import snapshots
from model_exporter.baseline.terminal import columns
from model_exporter.expose.api import success, view_detail, view_explanation
from model_exporter.expose.cards import view_cards
from model_exporter.expose.explanation import explain
from model_exporter.expose.page_cards import render_card
from model_exporter.window.snapshot import ModelSnapshot, VersionSnapshot

FEATURES = (
    snapshots.numeric("x"),
    snapshots.categorical("c", ("DE", "FR")),
    snapshots.boolean("b"),
    snapshots.numeric("y", ordinals=1, scale=1e300),
)
MODEL = snapshots.model("m", FEATURES, named=(0, 1))
WIDTH = sum(len(feature.bins) for feature in FEATURES)
COUNTS = st.lists(st.one_of(st.just(0), st.integers(0, 3), st.integers(0, 2**40)), min_size=WIDTH, max_size=WIDTH)
EVIDENCE = st.one_of(st.just(np.nan), st.floats(-600, 14))


def model(counts: list[int], evidence: list[float], named: list[bool]) -> ModelSnapshot:
    """The model with that window, that evidence and those names at both levels."""
    version = MODEL.versions[0]
    assert version.layout
    starts = version.layout.starts
    rows = np.add.reduceat(np.array(counts), starts[:-1])
    windows = tuple(replace(w, bins=np.array(counts), observations=rows) for w in version.windows)
    flags = np.array(named) & np.isfinite(evidence)
    drift = tuple(
        replace(
            d,
            detected=bool(flags.any()),
            log_evidence=float(np.nanmax([-30.0, *evidence])),
            feature_detected=flags,
            feature_log_evidence=np.array(evidence),
            feature_onset=np.where(flags, snapshots.AT - 600, np.nan),
        )
        for d in version.drift
    )
    changed: VersionSnapshot = replace(version, windows=windows, drift=drift)
    return replace(MODEL, versions=(changed,))


@settings(deadline=None)
@given(COUNTS, st.lists(EVIDENCE, min_size=4, max_size=4), st.lists(st.booleans(), min_size=4, max_size=4))
def test_any_counts_and_any_evidence_can_be_told(counts: list[int], evidence: list[float], named: list[bool]) -> None:
    """As text that fits, as JSON without NaN, and on the page: no window and no verdict is an exception."""
    target = model(counts, evidence, named)
    for feature in (None, "x", "c", "b", "y"):
        view = view_explanation(explain(target, at=snapshots.AT, feature=feature), width=80, ascii_only=False)
        assert max(map(columns, view.text.splitlines())) <= 80
        assert b"NaN" not in success(view)
    assert b"NaN" not in success(view_detail(target, at=snapshots.AT))
    for card in view_cards(snapshots.snapshot(target)):
        assert "nan" not in render_card(card, snapshots.AT).replace("Finance", "")
