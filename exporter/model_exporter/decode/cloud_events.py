"""The events of payload loggers: KServe's and Seldon's CloudEvents, and what Azure ML's data collector sends.

https://github.com/cloudevents/spec, HTTP protocol binding: in binary mode attributes are headers with the prefix `ce-`,
in structured mode the body is a JSON object that holds all.
"""

import binascii
from collections.abc import Mapping
from typing import Final

import msgspec

from model_exporter.decode.tensors import parse_body
from model_exporter.decode.values import text_of, unix_seconds
from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json
from model_exporter.pairing import Exchange, Half, Side
from model_exporter.ports import Door, Payload

STRUCTURED: Final = "application/cloudevents+json"
_SIDES: Final = {"request": Side.REQUEST, "response": Side.RESPONSE, "feedback": Side.FEEDBACK}
"""By the last part of an event's type, as in `org.kubeflow.serving.inference.request`."""
_AZURE_SIDES: Final = {"model_inputs": Side.REQUEST, "model_outputs": Side.RESPONSE}
"""Azure's collections; its server has others for the same call that are called `request` and `response`."""
_KEYS: Final = ("requestid", "x-request-id", "id")
"""Attributes that both halves of a call share, first match wins: Seldon's, Azure's, everyone's."""
_STREAM: Final = ("namespace", "inferenceservicename", "component", "modelid", "endpoint", "source")
_LONGEST: Final = 1_000


def half_of(payload: Payload) -> Half | None:
    """The half of a call that an event tells of; None for an event of another kind.

    Raises:
        DecodeError: it has no type or no id, or is no event; `reason` is `malformed_event`, or one of the JSON's.
    """
    attributes, body = _event(payload)
    kind = text_of(attributes.get("type")) or ""
    if not kind:
        raise DecodeError("malformed_event", "the event has no type (ce-type)")
    sides = _AZURE_SIDES if payload.door is Door.AZURE_ML else _SIDES
    side = sides.get(kind.rpartition(".")[2].lower())
    if side is None:
        return None
    key = next((text for name in _KEYS if (text := text_of(attributes.get(name)))), "")
    if not key or len(key) > _LONGEST:
        raise DecodeError("malformed_event", "the event has no id that its other half would have, too (ce-id)")
    stream = "/".join(text_of(attributes.get(name)) or "" for name in _STREAM)[:_LONGEST]
    return Half(
        door=payload.door,
        key=key,
        stream=stream,
        side=side,
        body=body,
        attributes=attributes,
        time=unix_seconds(attributes.get("time")),
        arrived=payload.received_at,
    )


def scope_of(exchange: Exchange) -> dict[str, object]:
    """What mappings read: `request`, `response`, `feedback`, `event`, `started`, `ended`, `error`.

    Raises:
        DecodeError: a body is neither JSON nor tensors.
    """
    halves = exchange.halves
    request, response = halves.get(Side.REQUEST), halves.get(Side.RESPONSE)
    event: dict[str, object] = {}
    for half in halves.values():
        event.update(half.attributes)
        event["key"] = half.key
    return {
        **{side.value: parse_body(half.body) for side, half in halves.items()},
        "event": event,
        "started": request.time if request else None,
        "ended": response.time if response else None,
        "error": exchange.error,
    }


def _event(payload: Payload) -> tuple[Mapping[str, object], bytes]:
    """Attributes by their lower-case names, and the data."""
    told = payload.context.get("event")
    if isinstance(told, Mapping) and told.get("type"):
        return told, payload.body
    whole = parse_json(payload.body)
    if not isinstance(whole, dict):
        raise DecodeError("malformed_event", "a structured event is a JSON object")
    attributes = {name.lower(): value for name, value in whole.items() if name not in {"data", "data_base64"}}
    if isinstance(whole.get("data_base64"), str):
        try:
            return attributes, binascii.a2b_base64(whole["data_base64"], strict_mode=True)
        except (binascii.Error, ValueError) as error:
            raise DecodeError("malformed_event", "data_base64 is not base64") from error
    data = whole.get("data")
    return attributes, data.encode() if isinstance(data, str) else msgspec.json.encode(data)
