"""The parts of a baseline file as strict types, and what they must say beyond their types.

`model_exporter.baseline.file` describes the format for people.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from itertools import pairwise, repeat
from math import inf, nextafter
from typing import Annotated, Final, TypedDict

import msgspec

from model_exporter.baseline.model import (
    ABOVE,
    BELOW,
    MISSING,
    OTHER,
    UNSEEN,
    Baseline,
    FeatureBaseline,
    FeatureType,
    NumericSummary,
    SeasonKind,
    Seasons,
)
from model_exporter.baseline.pair_document import Pair, from_pairs, to_pairs
from model_exporter.batch import Role

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Deviation = Annotated[float, msgspec.Meta(ge=0)]
_Inflation = Annotated[float, msgspec.Meta(ge=1)]
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?Z")


class Bin(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """One bin; only bins of numbers that have both a lower and an upper bound say `up_to` and `mean`.

    `by_season` are rows in each season of a feature that has seasons.
    """

    bin: str
    count: _Count
    up_to: float | None = None
    mean: float | None = None
    by_season: list[_Count] = []


class _Feature(
    msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="type", kw_only=True, omit_defaults=True
):
    """What every feature says, whatever its type."""

    name: str
    role: Role
    rows: _Count
    required: bool


class _BinnedFeature(_Feature, frozen=True, kw_only=True):
    """What every feature with bins says."""

    phi: _Inflation | None = None
    rho: _Deviation | None = None
    wave: _Deviation | None = None
    seasons: SeasonKind | None = None
    bins: list[Bin]


class NumericFeature(_BinnedFeature, frozen=True, kw_only=True, tag="numeric"):
    """A feature of numbers."""

    mean: float
    sd: _Deviation
    minimum: float
    maximum: float
    fence_low: float
    fence_high: float


class CategoricalFeature(_BinnedFeature, frozen=True, kw_only=True, tag="categorical"):
    """A feature of texts; `known` are the categories that share the bin `_other`."""

    known: list[str]


class BooleanFeature(_BinnedFeature, frozen=True, kw_only=True, tag="boolean"):
    """A feature of truth values."""


class IdentifierFeature(_Feature, frozen=True, tag="identifier"):
    """A feature whose values are nearly all different."""


AnyFeature = NumericFeature | CategoricalFeature | BooleanFeature | IdentifierFeature


class SeasonHours(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The seasons of one kind: which one each hour belongs to, and their rows."""

    kind: SeasonKind
    season_of_hour: list[_Count]
    rows: list[_Count]


class Document(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """A whole file but for its checksum."""

    format: str
    format_version: int
    model: str
    created: str
    source: str
    rows: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    span_seconds: _Deviation | None
    stable: bool
    features: list[AnyFeature]
    seasons: list[SeasonHours] = []
    pairs: list[Pair] = []


class _Head(TypedDict):
    """Arguments that every feature takes."""

    name: str
    role: Role
    rows: int
    required: bool


class _Binned(TypedDict):
    """Arguments that every feature with bins takes."""

    phi: float | None
    rho: float | None
    wave: float | None
    seasons: SeasonKind | None
    bins: list[Bin]


def to_document(baseline: Baseline, *, name: str, version: int) -> Document:
    """`baseline` as a document of format `name`.

    Raises:
        ValueError: its time of creation is no time.
    """
    return Document(
        format=name,
        format_version=version,
        model=baseline.model,
        created=format_time(baseline.created),
        source=baseline.source,
        rows=baseline.rows,
        span_seconds=baseline.span_seconds,
        stable=baseline.stable,
        features=[_to_feature(feature) for feature in baseline.features],
        seasons=[SeasonHours(s.kind, list(s.season_of_hour), list(s.rows)) for s in baseline.seasons],
        pairs=to_pairs(baseline),
    )


def from_document(document: Document) -> Baseline:
    """The baseline that `document` describes.

    Raises:
        ValueError: parts of it contradict each other; the message says which and how.
    """
    features = []
    seasons = _seasons(document)
    for place, feature in enumerate(document.features):
        problem = next(_problems(feature, document.rows, seasons), None)
        if problem:
            raise ValueError(f"features[{place}], {feature.role.value} {feature.name}: {problem}")
        features.append(_from_feature(feature))
    if len({(feature.role, feature.name) for feature in features}) < len(features):
        raise ValueError("features: two of them have the same name and role")
    if {feature.seasons for feature in features if feature.seasons} != seasons.keys():
        raise ValueError("seasons: there are some that no feature has")
    return Baseline(
        document.model,
        parse_time(document.created),
        document.source,
        document.rows,
        document.span_seconds,
        document.stable,
        tuple(features),
        tuple(seasons.values()),
        from_pairs(document.pairs, features, document.rows),
    )


def format_time(seconds: float) -> str:
    """Unix seconds in ISO 8601, with as many decimals as the float needs to come back the same.

    Raises:
        ValueError: before 1970, after 9999, or not finite.

    >>> format_time(1763873980.25)
    '2025-11-23T04:59:40.25Z'
    """
    if not 0 <= seconds < datetime.max.replace(tzinfo=UTC).timestamp():
        raise ValueError(f"{seconds} is not a time between 1970 and 9999")
    whole, _, decimals = format(Decimal(repr(float(seconds))), "f").partition(".")
    text = datetime.fromtimestamp(int(whole), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    decimals = decimals.rstrip("0")
    return f"{text}.{decimals}Z" if decimals else f"{text}Z"


def parse_time(text: str) -> float:
    """Unix seconds of what `format_time` wrote.

    Raises:
        ValueError: `text` is not of that form.

    >>> parse_time("2025-11-23T04:59:40.25Z")
    1763873980.25
    """
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"created: {text!r} is not a time of the form 2025-11-23T04:59:40Z")
    whole = int(datetime.fromisoformat(f"{match[1]}+00:00").timestamp())
    return float(f"{whole}.{match[2] or 0}")


def _to_feature(feature: FeatureBaseline) -> AnyFeature:
    head: _Head = {"name": feature.name, "role": feature.role, "rows": feature.rows, "required": feature.required}
    by_season = zip(*feature.season_counts, strict=True) if feature.season_counts else repeat(())
    triples = zip(feature.bins, feature.counts, by_season, strict=False)
    bins = [Bin(label, count, by_season=list(rows)) for label, count, rows in triples]
    law = _Binned(phi=feature.phi, rho=feature.rho, wave=feature.wave, seasons=feature.seasons, bins=bins)
    match feature.type, feature.numeric:
        case FeatureType.NUMERIC, NumericSummary() as summary:
            inner = zip(bins[1:-2], feature.edges[1:], summary.positions[1:-1], strict=True)
            bins[1:-2] = [Bin(bin_.bin, bin_.count, up_to, mean, bin_.by_season) for bin_, up_to, mean in inner]
            return NumericFeature(
                **head,
                **law,
                mean=summary.mean,
                sd=summary.sd,
                minimum=summary.minimum,
                maximum=summary.maximum,
                fence_low=summary.fence_low,
                fence_high=summary.fence_high,
            )
        case FeatureType.CATEGORICAL, None:
            return CategoricalFeature(**head, **law, known=sorted(feature.known))
        case FeatureType.BOOLEAN, None:
            return BooleanFeature(**head, **law)
        case FeatureType.IDENTIFIER, None:
            return IdentifierFeature(**head)
    raise ValueError(f"feature {feature.name}: its type and its summary do not belong together")


def _from_feature(feature: AnyFeature) -> FeatureBaseline:
    head = feature.name, feature.role
    if isinstance(feature, IdentifierFeature):
        return FeatureBaseline(*head, FeatureType.IDENTIFIER, feature.rows, feature.required)
    bins = tuple(bin_.bin for bin_ in feature.bins)
    counts = tuple(bin_.count for bin_ in feature.bins)
    binned = partial(
        FeatureBaseline,
        rows=feature.rows,
        required=feature.required,
        bins=bins,
        counts=counts,
        phi=feature.phi,
        rho=feature.rho,
        wave=feature.wave,
        seasons=feature.seasons,
        season_counts=tuple(zip(*(bin_.by_season for bin_ in feature.bins), strict=True)),
    )
    match feature:
        case BooleanFeature():
            return binned(*head, FeatureType.BOOLEAN)
        case CategoricalFeature():
            return binned(*head, FeatureType.CATEGORICAL, known=frozenset(feature.known))
        case NumericFeature():
            low, high = feature.minimum, feature.maximum
            uppers = [bin_.up_to for bin_ in feature.bins if bin_.up_to is not None]
            means = [bin_.mean for bin_ in feature.bins if bin_.mean is not None]
            return binned(
                *head,
                FeatureType.NUMERIC,
                edges=(nextafter(low, -inf), *uppers),
                numeric=NumericSummary(
                    feature.mean, feature.sd, low, high, feature.fence_low, feature.fence_high, (low, *means, high)
                ),
            )


def _seasons(document: Document) -> dict[SeasonKind, Seasons]:
    """The seasons by their kind.

    Raises:
        ValueError: they contradict each other; the message says how.
    """
    found: dict[SeasonKind, Seasons] = {}
    for seasons in document.seasons:
        kind, size = seasons.kind, len(seasons.rows)
        if kind in found:
            raise ValueError(f"seasons: {kind.value} is there twice")
        if len(seasons.season_of_hour) != kind.hours:
            raise ValueError(f"seasons: {kind.value} has {len(seasons.season_of_hour)} hours instead of {kind.hours}")
        if set(seasons.season_of_hour) != set(range(size)):
            raise ValueError(f"seasons: the hours of {kind.value} are not in seasons 0 to {size - 1}")
        if not all(seasons.rows) or sum(seasons.rows) > document.rows:
            raise ValueError(f"seasons: the rows of {kind.value} are none, or more than {document.rows} together")
        found[kind] = Seasons(kind, tuple(seasons.season_of_hour), tuple(seasons.rows))
    return found


def _problems(feature: AnyFeature, rows: int, seasons: Mapping[SeasonKind, Seasons]) -> Iterator[str]:
    """What is wrong with `feature`, in words."""
    if feature.rows != rows:
        yield f"it has {feature.rows} rows, but the file says {rows}"
    if isinstance(feature, IdentifierFeature):
        return
    labels = [bin_.bin for bin_ in feature.bins]
    if len(set(labels)) < len(labels):
        yield "two of its bins have the same name"
    match feature:
        case NumericFeature():
            yield from _numeric_problems(feature, labels)
        case CategoricalFeature():
            yield from _categorical_problems(feature, labels)
        case BooleanFeature():
            yield from _misnamed(labels, ["false", "true", MISSING])
    if not isinstance(feature, NumericFeature) and any(map(_is_bounded, feature.bins)):
        yield "its bins cannot have up_to or mean, which are for numbers"
    total = sum(bin_.count for bin_ in feature.bins)
    if total != rows:
        yield f"the counts of its bins sum to {total}, not to the {rows} rows"
    yield from _problems_in_time(feature, seasons)


def _problems_in_time(feature: _BinnedFeature, seasons: Mapping[SeasonKind, Seasons]) -> Iterator[str]:
    if (feature.phi is None) != (feature.rho is None):
        yield "it has one of phi and rho without the other"
    if feature.phi is None and feature.wave is not None:
        yield "it has a wave without phi, which is measured with it"
    if feature.seasons is not None and feature.seasons not in seasons:
        yield f"its seasons are {feature.seasons.value}, which the file does not have"
        return
    rows = seasons[feature.seasons].rows if feature.seasons else ()
    if {len(bin_.by_season) for bin_ in feature.bins} != {len(rows)}:
        yield f"a bin does not have by_season for each of its {len(rows)} seasons"
        return
    if tuple(map(sum, zip(*(bin_.by_season for bin_ in feature.bins), strict=True))) != rows:
        yield "the counts of its bins by season do not sum to the rows of the seasons"
    if any(sum(bin_.by_season) > bin_.count for bin_ in feature.bins):
        yield "a bin has more rows by season than in all"


def _numeric_problems(feature: NumericFeature, labels: list[str]) -> Iterator[str]:
    inner = feature.bins[1:-2]
    yield from _misnamed(labels, [BELOW, *(f"{index:02}" for index in range(max(len(inner), 1))), ABOVE, MISSING])
    if any(map(_is_bounded, (feature.bins[0], *feature.bins[-2:]))):
        yield f"{BELOW}, {ABOVE} and {MISSING} cannot have up_to or mean"
    previous = feature.minimum
    for bin_ in inner:
        if bin_.up_to is None or bin_.mean is None:
            yield f"bin {bin_.bin} lacks up_to or mean"
        elif not previous <= bin_.mean <= bin_.up_to:
            yield f"the mean {bin_.mean} of bin {bin_.bin} is not between {previous} and {bin_.up_to}"
        else:
            previous = bin_.up_to
    if any(lower.up_to == upper.up_to for lower, upper in pairwise(inner)):
        yield "the up_to of its bins do not ascend"
    if inner[-1].up_to != feature.maximum:
        yield f"its last up_to is {inner[-1].up_to}, not the maximum {feature.maximum}"
    if not feature.minimum <= feature.mean <= feature.maximum:
        yield f"its mean {feature.mean} is not between the minimum and the maximum"
    if feature.fence_low > feature.fence_high:
        yield f"fence_low {feature.fence_low} is over fence_high {feature.fence_high}"


def _categorical_problems(feature: CategoricalFeature, labels: list[str]) -> Iterator[str]:
    own, special = labels[:-3], labels[-3:]
    yield from _misnamed(special, [OTHER, UNSEEN, MISSING])
    if not all(own) or any(re.match("_(?!_)", label) for label in own):
        yield "the name of a category's bin is empty or begins with a single underscore"
    known = set(feature.known)
    if len(known) < len(feature.known) or known & {label.removeprefix("_") for label in own}:
        yield "a category stands twice in its bins and known"


def _is_bounded(bin_: Bin) -> bool:
    return bin_.up_to is not None or bin_.mean is not None


def _misnamed(labels: Sequence[str], expected: list[str]) -> Iterator[str]:
    if list(labels) != expected:
        yield f"its bins are named {', '.join(labels)} instead of {', '.join(expected)}"
