"""Layouts and their cache."""

import pytest

from model_exporter.decode import layouts
from model_exporter.decode.aliases import LOG_FIELDS, Field
from model_exporter.decode.layouts import Vocabulary


def test_a_layout_takes_a_map_apart() -> None:
    """Fields by their first alias that says something, features by their bare names, the rest not at all."""
    scope: dict[str, object] = {"model_name": "b", "feature.x": 1, "other": 2, "model.name": "", "score": None}
    layout = Vocabulary(LOG_FIELDS).layout(scope)
    assert layout.found(scope) == {Field.MODEL: "b", Field.SCORE: None}
    assert layout.features(scope) == (("x",), (1,))


def test_maps_with_the_same_keys_share_a_layout() -> None:
    """Otherwise each record would pay for it."""
    vocabulary = Vocabulary(LOG_FIELDS)
    assert vocabulary.layout({"a": 1, "b": 2}) is vocabulary.layout({"a": 3, "b": 4})
    assert vocabulary.layout({"a": 1, "b": 2}) is not vocabulary.layout({"b": 2, "a": 1})


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Senders choose the keys; what they can make the decoder remember is limited, and forgotten in time."""
    monkeypatch.setattr(layouts, "_CACHE_BYTES", 10_000)
    vocabulary = Vocabulary(LOG_FIELDS)
    for index in range(1000):
        vocabulary.layout({f"key{index}": 1})
        assert len(vocabulary._layouts) <= 60
    huge = {"k" * 5000: 1}
    assert vocabulary.layout(huge) is not vocabulary.layout(huge)
