"""Which model, version and prediction a record is about, and what tells it from any other."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

import msgspec
import numpy as np

from model_exporter.batch import Batch
from model_exporter.decode.aliases import MODEL, VERSION, first
from model_exporter.decode.tally import RecordError
from model_exporter.decode.values import Elements, is_empty, text_of

UNKNOWN_SERVICE: Final = "unknown_service"
"""What the OpenTelemetry specification calls a service without a name."""


class Source(NamedTuple):
    """What a resource says of all its records, and the scope of these; empty where it says nothing."""

    service: str = ""
    model: object = None
    version: object = None
    instance: str = ""
    scope: str = ""


class Stamp(NamedTuple):
    """When and in which span a record was made; 0 and empty where it does not say."""

    time_ns: int = 0
    observed_ns: int = 0
    trace_id: bytes = b""
    span_id: bytes = b""


def source_of(attributes: Mapping[str, object]) -> Source:
    """What the attributes of a resource say of its records."""
    return Source(
        text_of(attributes.get("service.name")) or "",
        first(attributes, MODEL),
        first(attributes, VERSION),
        text_of(attributes.get("service.instance.id")) or "",
    )


def model_of(value: object, source: Source, limit: int) -> tuple[str, str]:
    """The model's name and the service's; without a model the name is empty and the service is not.

    Raises:
        RecordError: the name is not text, or longer than `limit`.
    """
    if is_empty(value):
        value = source.model
    if isinstance(value, str) and value:
        return _within(value, limit, "model_name"), source.service[:limit]
    if not is_empty(value):
        raise RecordError("model_name", f"the model's name is not text but {type(value).__name__}")
    return "", _within(source.service or UNKNOWN_SERVICE, limit, "model_name")


def version_of(value: object, source: Source, limit: int) -> str:
    """The model's version, empty when absent. Numbers are taken: Triton counts its versions.

    Raises:
        RecordError: it is no scalar, or longer than `limit`.
    """
    if is_empty(value):
        value = source.version
    return _identifier(value, limit, "model_version")


def prediction_id_of(value: object, limit: int) -> str:
    """The prediction's id, empty when absent.

    Raises:
        RecordError: it is no scalar, or longer than `limit`.
    """
    return _identifier(value, limit, "prediction_id")


def key_of_id(model: str, service: str, prediction_id: str) -> int:
    """What a prediction with an id is recognised by, through whichever door it comes. Never 0."""
    return hash((model or service, prediction_id)) or 1


def keys_of_ids(model: str, service: str, prediction_ids: Iterable[str]) -> list[int]:
    """`key_of_id` of each, and 0 for one that is empty."""
    name = model or service
    return [hash((name, prediction_id)) or 1 if prediction_id else 0 for prediction_id in prediction_ids]


def under_model(batch: Batch, model: str) -> Batch:
    """Predictions that named their service alone, under the keys that other doors give them, which name `model`."""
    if batch.model or model == batch.service or not any(batch.ids):
        return batch
    keys = [
        key_of_id(model, "", prediction_id)
        if prediction_id and key == key_of_id("", batch.service, prediction_id)
        else key
        for key, prediction_id in zip(batch.keys.tolist(), batch.ids, strict=True)
    ]
    return replace(batch, keys=np.array(keys, np.int64))


def key_of_content(stamp: Stamp, *rest: object) -> int:
    """What a prediction without an id is recognised by when its sender repeats it. Never 0."""
    try:
        content: object = _ENCODER.encode(rest)
    except (OverflowError, UnicodeEncodeError, RecursionError):  # rare values that MessagePack cannot carry
        content = repr(rest)
    return hash((stamp.trace_id, stamp.span_id, stamp.time_ns or stamp.observed_ns, content)) or 1


def key_of_packed(stamp: Stamp, model: str, version: str, prediction_id: str, content: bytes) -> int:
    """`key_of_content` of model, version, id and what `content` is the MessagePack of."""
    packed = _ENCODER.encode((model, version, prediction_id, None))[:-1] + content  # in place of the None, one byte
    return hash((stamp.trace_id, stamp.span_id, stamp.time_ns or stamp.observed_ns, packed)) or 1


def key_of_span(trace_id: bytes, span_id: bytes) -> int:
    """What a span is recognised by; 0 without its ids."""
    return (hash((trace_id, span_id)) or 1) if trace_id and span_id else 0


def _identifier(value: object, limit: int, reason: str) -> str:
    if is_empty(value):
        return ""
    text = text_of(value)
    if text is None:
        raise RecordError(reason, f"expected text, got {type(value).__name__}")
    return _within(text, limit, reason)


def _within(text: str, limit: int, reason: str) -> str:
    if len(text) > limit:
        raise RecordError(reason, f"{len(text)} characters, the limit is {limit}")
    return text


def _plain(value: object) -> object:
    if isinstance(value, Elements):
        return list(value)
    raise NotImplementedError(type(value))


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_plain)
