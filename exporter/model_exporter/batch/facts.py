"""What is kept of a prediction until its outcome is known: no more than its metrics need."""

from math import isfinite
from typing import Self

from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder, Encoder

Scalar = str | float | bool | None


class Facts(Struct, frozen=True, array_like=True, omit_defaults=True):
    """One prediction, as far as metrics need it.

    Attributes:
        predicted: the prediction; None when the record held none that an outcome could be compared with.
        score: of the positive class of two, 0 to 1, or whatever number the record calls its score; None without one.
        probabilities: by class, as sent.
        lower: lower end of the prediction's interval.
        upper: upper end.
        horizon: how far ahead a forecast looks, as sent.
        naive: what the naive forecast would have said.
        items: a ranking, best first.
        groups: the group of each configured segment, in the order of the settings; empty where it is not known.
        fields: what business indicators read of the prediction, in the order of the settings.
        layout: names that order of groups and fields, so that changed settings do not mistake one for another; empty
            without either.
    """

    predicted: Scalar = None
    score: float | None = None
    probabilities: dict[str, float] | None = None
    lower: float | None = None
    upper: float | None = None
    horizon: str | None = None
    naive: float | None = None
    items: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    fields: tuple[Scalar, ...] = ()
    layout: str = ""

    def encode(self) -> bytes:
        """As `decode` takes it."""
        return _ENCODER.encode(self)

    @classmethod
    def decode(cls, encoded: bytes) -> Self | None:
        """The facts that made `encoded`; None when nothing did, as after a change of this format."""
        try:
            return _DECODER.decode(encoded)  # type: ignore[return-value]  # the decoder is of this class
        except DecodeError:
            return None


def class_of(value: Scalar) -> str | None:
    """The class that a prediction or an outcome tells, as text: equal ones mean the same class.

    True, 1 and "true" are `1`, False, 0 and "false" are `0`, whole numbers have no point. None where there is none.
    """
    if isinstance(value, str):
        return _TRUTHS.get(value.lower(), value) or None
    if isinstance(value, bool):
        return "1" if value else "0"
    if value is None or not isfinite(value):
        return None
    return str(int(value)) if value == int(value) else repr(value)


_TRUTHS = {"true": "1", "false": "0"}
_ENCODER = Encoder()
_DECODER = Decoder(Facts)
