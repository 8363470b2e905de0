"""Segments of a model, from checked keys."""

from collections.abc import Iterator, Mapping

from model_exporter.config.document import Node
from model_exporter.config.outcome_schema import SegmentKeys
from model_exporter.config.settings import Privacy, Segment, SegmentSource, is_named


def segments(keys: Mapping[str, str | SegmentKeys], node: Node, privacy: Privacy) -> Iterator[Segment]:
    """The segments of a model; `node` is where they stand.

    Raises:
        ConfigError: what tells a group is dropped, or hashed where ranges of numbers are asked for.
    """
    for name, told in keys.items():
        segment = _segment(name, told)
        field = (segment.source, segment.field)
        if is_named(field, privacy.drop):
            raise node.find(name).mistake(
                f"{segment.source.value}.{segment.field} is dropped by privacy.drop, so that no group is ever known",
                "Hash it instead, or remove the segment",
            )
        if segment.edges and is_named(field, privacy.hash):
            raise node.find(name, "bins").mistake(
                f"{segment.source.value}.{segment.field} is hashed by privacy.hash, and hashes have no order",
                "Remove bins, or do not hash it",
            )
        yield segment


def _segment(name: str, told: str | SegmentKeys) -> Segment:
    if isinstance(told, str):
        source, _, field = told.partition(".")
        return Segment(name, SegmentSource(source), field)
    edges = told.bins or ()
    if told.attribute is not None:
        return Segment(name, SegmentSource.ATTRIBUTE, told.attribute, edges)
    return Segment(name, SegmentSource.FEATURE, told.feature or name, edges)
