"""Checkpoints as bytes: a mark, the format's version, a checksum, and the versions as MessagePack.

    "model_exporter checkpoint"  25 bytes
    format version               uint16, little-endian; another one is as good as a damaged file
    checksum                     16 bytes of BLAKE2b over the rest: against damage, not against malice
    versions                     MessagePack, compressed by zlib: an array with one array for each version, in the order
                                 of `_Wire`

Names are bytes, because a name from a configuration file may hold half of a surrogate pair.
"""

import zlib
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from model_exporter.window.kept import KeptVersion

FORMAT_VERSION: Final = 2
"""Raised when a field changes, or what any of the states in it means."""

_MARK: Final = b"model_exporter checkpoint"
_CHECKSUM_AT: Final = len(_MARK) + 2
_CHECKSUM: Final = 16
_COMPRESSION: Final = 1  # sums are mostly small whole numbers: a third is left, and more effort saves little
HEAD: Final = _CHECKSUM_AT + _CHECKSUM
"""Bytes before the versions. Checkpoints that begin with the same ones are the same."""


class _Wire(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """`KeptVersion`, field by field."""

    model: bytes
    version: bytes
    rests_on: str
    first_seen: float
    last_seen: float
    last_prediction: float | None
    drift: tuple[bytes, ...]
    pairs: tuple[bytes, ...]
    signals: bytes
    sums: bytes
    awaited_until: float | None
    performance_drift: tuple[bytes, ...]
    reference: bytes
    estimates: bytes


def pack(kept: Sequence[KeptVersion]) -> bytes:
    """The versions as bytes, for `unpack`."""
    payload = zlib.compress(msgspec.msgpack.encode([_to_wire(version) for version in kept]), _COMPRESSION)
    return _MARK + FORMAT_VERSION.to_bytes(2, "little") + _checksum(payload) + payload


def unpack(packed: bytes) -> tuple[KeptVersion, ...]:
    """The versions that were packed.

    Raises:
        ValueError: this is something else, of another format version, or damaged.
    """
    if not packed.startswith(_MARK):
        raise ValueError("this is no checkpoint")
    format_version = int.from_bytes(packed[len(_MARK) : _CHECKSUM_AT], "little")
    if format_version != FORMAT_VERSION:
        raise ValueError(f"its format version is {format_version}, not {FORMAT_VERSION}")
    payload = packed[HEAD:]
    if packed[_CHECKSUM_AT:HEAD] != _checksum(payload):
        raise ValueError("its checksum is wrong")
    try:
        versions = zlib.decompress(payload)
    except zlib.error as error:
        raise ValueError("its versions are not compressed") from error
    return tuple(map(_from_wire, msgspec.msgpack.decode(versions, type=list[_Wire])))


def _checksum(payload: bytes) -> bytes:
    return blake2b(payload, digest_size=_CHECKSUM).digest()


def _to_wire(kept: KeptVersion) -> _Wire:
    return _Wire(
        model=kept.model.encode("utf-8", "surrogatepass"),
        version=kept.version.encode("utf-8", "surrogatepass"),
        rests_on=kept.rests_on,
        first_seen=kept.first_seen,
        last_seen=kept.last_seen,
        last_prediction=kept.last_prediction,
        drift=kept.drift,
        pairs=kept.pairs,
        signals=kept.signals,
        sums=kept.sums,
        awaited_until=kept.awaited_until,
        performance_drift=kept.performance_drift,
        reference=kept.reference,
        estimates=kept.estimates,
    )


def _from_wire(wire: _Wire) -> KeptVersion:
    return KeptVersion(
        model=wire.model.decode("utf-8", "surrogatepass"),
        version=wire.version.decode("utf-8", "surrogatepass"),
        rests_on=wire.rests_on,
        first_seen=wire.first_seen,
        last_seen=wire.last_seen,
        last_prediction=wire.last_prediction,
        drift=wire.drift,
        pairs=wire.pairs,
        signals=wire.signals,
        sums=wire.sums,
        awaited_until=wire.awaited_until,
        performance_drift=wire.performance_drift,
        reference=wire.reference,
        estimates=wire.estimates,
    )
