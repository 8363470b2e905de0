"""What a configuration file may say of outcomes, segments, business indicators and sensitive values.

A part of `config.schema`, whose conventions hold here.
"""

from itertools import pairwise
from typing import Annotated, Final

from msgspec import Meta

from model_exporter.config.durations import Duration
from model_exporter.config.keys import ContradictionError, Keys, Name
from model_exporter.config.settings import DAY, OutcomeSettings

_OUTCOME: Final = OutcomeSettings()

Group = Annotated[
    str,
    Meta(
        pattern=r"^(feature|segment)\..+$",
        title="a feature, as `feature.NAME`, or an attribute, as `segment.NAME`",
        examples=["feature.country"],
    ),
]
Formula = Annotated[str, Meta(min_length=1, title="an expression", examples=["prediction == approve"])]
Edges = Annotated[tuple[float, ...], Meta(min_length=1, title="ascending numbers")]
ReferenceSize = Annotated[int, Meta(ge=100, le=100_000, title="a whole number from 100 to 100,000")]
Positive = Annotated[str | int | bool, Meta(title="text, a whole number, true or false")]


class OutcomeKeys(Keys, frozen=True):
    """`models.NAME.outcome`."""

    positive: Annotated[
        Positive | None,
        Meta(
            description="The class that counts as positive. Without this key it is 1, which true and 1 are.",
            examples=["fraud"],
        ),
    ] = None
    wait: Annotated[
        Duration | None,
        Meta(
            description="How long a prediction waits for its outcome, and an outcome for its prediction; "
            f"{_OUTCOME.wait_seconds / DAY:g} days without this key.",
            examples=["7d"],
        ),
    ] = None
    reference: Annotated[
        ReferenceSize | None,
        Meta(
            description="How many of the first outcomes are what later ones are compared with, where there is no "
            f"objective to hold them against; {_OUTCOME.reference:,} without this key.",
            examples=[5000],
        ),
    ] = None


class SegmentKeys(Keys, frozen=True):
    """`models.NAME.segments.NAME`, where it is not just a name."""

    feature: Annotated[
        Name | None,
        Meta(description="Feature whose values are the groups; the segment's own name by default.", examples=["age"]),
    ] = None
    attribute: Annotated[
        Name | None,
        Meta(description="Name of the `segment.NAME` of the records that tells the group.", examples=["region"]),
    ] = None
    bins: Annotated[
        Edges | None,
        Meta(
            description="Ascending numbers; the groups are the ranges between them, and those below and above.",
            examples=[[18, 30, 50]],
        ),
    ] = None

    def __post_init__(self) -> None:
        """Refuse keys that contradict each other."""
        if self.feature is not None and self.attribute is not None:
            raise ContradictionError(
                "attribute", problem="a segment has a feature or an attribute, not both", remedy="Remove one of the two"
            )
        edges = self.bins or ()
        if any(low >= high for low, high in pairwise(edges)):
            raise ContradictionError("bins", problem="the numbers do not ascend", remedy="Write them in order")


class RatioKeys(Keys, frozen=True):
    """`models.NAME.business.NAME.ratio`, of two sums."""

    of: Annotated[
        Formula | None,
        Meta(description="What is summed; the number of predictions without this key.", examples=["value.loss"]),
    ] = None
    to: Annotated[
        Formula | None,
        Meta(description="What that is divided by; the number of predictions without it.", examples=["feature.amount"]),
    ] = None


class BusinessKeys(Keys, frozen=True):
    """`models.NAME.business.NAME`."""

    ratio: Annotated[
        Formula | RatioKeys | None,
        Meta(description="Share of the predictions for which an expression holds, or one sum divided by another."),
    ] = None
    sum: Annotated[Formula | None, Meta(description="Sum of a number.", examples=["value.loss"])] = None
    mean: Annotated[Formula | None, Meta(description="Mean of a number.", examples=["feature.amount"])] = None

    def __post_init__(self) -> None:
        """Refuse none of the keys, and more than one."""
        told = [key for key in ("ratio", "sum", "mean") if getattr(self, key) is not None]
        if not told:
            raise ContradictionError(
                "", problem="it says nothing", remedy="Add `ratio: prediction == approve`, `sum: ...` or `mean: ...`"
            )
        if len(told) > 1:
            raise ContradictionError(
                told[1], problem=f"an indicator has {told[0]} or {told[1]}, not both", remedy="Remove one of the two"
            )


class ModelPrivacyKeys(Keys, frozen=True):
    """`models.NAME.privacy`."""

    drop: Annotated[
        tuple[Group, ...],
        Meta(description="Values that are removed before anything keeps them.", examples=[["feature.ssn"]]),
    ] = ()
    hash: Annotated[
        tuple[Group, ...],
        Meta(
            description="Values that are replaced by a keyed hash before anything keeps them. Equal values stay equal.",
            examples=[["feature.email"]],
        ),
    ] = ()


class PrivacyKeys(Keys, frozen=True):
    """`privacy`."""

    secret_file: Annotated[
        str,
        Meta(
            min_length=1,
            title="a path",
            description="File with the secret that hashes are keyed by, relative to the configuration file.",
            examples=["secrets/hash.key"],
        ),
    ] = ""
    secret_variable: Annotated[
        Name, Meta(description="Environment variable with the secret, unless there is a file.")
    ] = "MODEL_EXPORTER_HASH_SECRET"  # noqa: S105  # where the secret is, not the secret
