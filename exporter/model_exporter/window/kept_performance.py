"""The performance of a model version as bytes, for a restart."""

from typing import Final, Self

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from model_exporter.batch import Facts, Outcome, Scalar
from model_exporter.config.settings import ModelKind
from model_exporter.window.kept_sums import KeptCohorts, KeptDelays, KeptGroups, to_bytes, to_texts
from model_exporter.window.kinds import Plan
from model_exporter.window.scoring import Pair


class KeptPlan(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A `Plan`, field by field; names as bytes."""

    kind: str
    classes: tuple[bytes, ...]
    positive: bytes | None
    horizons: tuple[bytes, ...]
    origin: float
    scale: float
    edges: tuple[float, ...] | None

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """What is kept of `plan`."""
        positive = None if plan.positive is None else to_bytes((plan.positive,))[0]
        classes, horizons = to_bytes(plan.classes), to_bytes(plan.horizons)
        return cls(plan.kind.value, classes, positive, horizons, plan.origin, plan.scale, plan.edges)

    def plan(self) -> Plan:
        """The plan again.

        Raises:
            ValueError: there is no such kind, or a name is none.
        """
        return Plan(
            ModelKind(self.kind),
            to_texts(self.classes),
            None if self.positive is None else to_texts((self.positive,))[0],
            to_texts(self.horizons),
            self.origin,
            self.scale,
            self.edges,
        )


class KeptPair(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A pair that may have to be scored again, as it was booked: its own id and business values are not needed."""

    facts: bytes
    value: Scalar
    items: tuple[tuple[str, float], ...]
    weight: float
    made_at: float
    sign: int
    labels: int

    @classmethod
    def of(cls, pair: Pair, *, made_at: float, sign: int, labels: int) -> Self:
        """What is kept of `pair`."""
        value, items = pair.outcome.value, pair.outcome.items
        return cls(pair.facts.encode(), value, items, pair.weight, made_at, sign, labels)

    def pair(self) -> Pair:
        """The pair again.

        Raises:
            ValueError: its facts are none.
        """
        facts = Facts.decode(self.facts)
        if facts is None:
            raise ValueError("the facts of a pair are not those of this release")
        return Pair(facts, Outcome("", "", None, self.value, items=self.items), self.weight)


class KeptPerformance(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """The sums of one version of a model, and what they are sums of.

    Attributes:
        rests_on: digest of the settings that say what outcomes and groups mean.
        since: unix seconds: of predictions made later every outcome is in the sums.
        newest: when the newest prediction was made, None before the first.
        plan: how pairs are scored; None before the first.
        early: pairs that are scored again when there are new names; None once the names are frozen.
        cohorts: sums by the time of prediction.
        delays: of the outcomes.
        groups: sums by group; None without segments.
    """

    rests_on: str
    since: float
    newest: float | None
    plan: KeptPlan | None
    early: tuple[KeptPair, ...] | None
    cohorts: KeptCohorts
    delays: KeptDelays
    groups: KeptGroups | None

    def encode(self) -> bytes:
        """As `decode` takes it."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, encoded: bytes) -> "KeptPerformance":
        """What made `encoded`.

        Raises:
            ValueError: nothing did, as after a change of this format.
        """
        return _DECODER.decode(encoded)


_ENCODER: Final = Encoder()
_DECODER: Final = Decoder(KeptPerformance)
