import numpy as np
import pytest

from batches import batch_of
from model_exporter.batch import Batch, Words
from model_exporter.config.settings import Segment, SegmentSource
from model_exporter.window.segments import OTHER, SegmentReader

REGION = Segment("region", SegmentSource.FEATURE, "country")
TIER = Segment("tier", SegmentSource.ATTRIBUTE, "tier")
AGE = Segment("age", SegmentSource.FEATURE, "age", (18.0, 30.0, 50.5))


def texts(words: Words) -> list[str]:
    """The group of each row."""
    return [words.words[code] if code >= 0 else "" for code in words.codes.tolist()]


def test_groups_come_from_features_and_attributes() -> None:
    """Texts as they are, numbers and truth values as text; what is missing has no group."""
    batch = batch_of(
        {"country": ["de", None, 49.0, 0.5, float("nan")]}, context={"segment.tier": [1, True, [], "", "x"]}
    )
    region, tier = SegmentReader([REGION, TIER], limit=20).groups(batch).groups
    assert texts(region) == ["de", "", "49", "0.5", ""]
    assert texts(tier) == ["1", "true", "", "", "x"]


def test_bins_are_ranges_closed_below() -> None:
    """Everything that is no number has no group, an infinite one has."""
    batch = batch_of({"age": [17.9, 18.0, 30.0, 50.5, None, "30", True, float("nan"), -np.inf]})
    (age,) = SegmentReader([AGE], limit=1).groups(batch).groups
    assert texts(age) == ["<18", "[18,30)", "[30,50.5)", ">=50.5", "", "", "", "", "<18"]
    assert age.words == ("<18", "[18,30)", "[30,50.5)", ">=50.5")


def test_a_field_that_the_batch_lacks_has_no_groups() -> None:
    """An output or an attribute of the same name is another field."""
    batch = batch_of({"x": [1.0]}, {"country": ["de"]}, context={"segment.country": ["de"]})
    (region,) = SegmentReader([REGION], limit=20).groups(batch).groups
    assert texts(region) == [""]


def test_groups_beyond_the_limit_are_counted_together() -> None:
    """Those seen first keep their names and codes for good; the rows refused are told."""
    reader = SegmentReader([REGION], limit=2)
    first = reader.groups(batch_of({"country": ["de", "fr", "it", "es", "de"]}))
    again = reader.groups(batch_of({"country": ["it", "fr", "de"]}))
    assert sorted(first.groups[0].words) == sorted(["de", "fr", OTHER])
    assert first.groups[0].words == again.groups[0].words
    assert texts(first.groups[0]) == ["de", "fr", OTHER, OTHER, "de"]
    assert texts(again.groups[0]) == [OTHER, "fr", "de"]
    assert (first.refused, again.refused) == (2, 1)


def test_groups_told_earlier_have_the_codes_of_today() -> None:
    """Facts that waited hold texts; unknown ranges and missing texts are not known."""
    reader = SegmentReader([REGION, AGE], limit=2)
    (region, _) = reader.groups(batch_of({"country": ["de", "fr"]})).groups
    again = reader.recode([("fr", "<18"), ("it", "[0,1)"), ("", ""), ()])
    assert texts(again.groups[0]) == ["fr", OTHER, "", ""]
    assert texts(again.groups[1]) == ["<18", "", "", ""]
    assert again.refused == 1
    assert again.groups[0].words[:2] == region.words


@pytest.mark.parametrize("batch", [batch_of({"x": [1.0, 2.0]})])
def test_without_segments_there_is_nothing_to_tell(batch: Batch) -> None:
    """And nothing to pay for."""
    assert SegmentReader([], limit=20).groups(batch).groups == ()
