"""What holds of events of payload loggers whatever is in them: a counted reason, and nothing else lost."""

import json
import random
import struct
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoded, Decoder
from model_exporter.errors import DecodeError
from model_exporter.mapping import built_in_mappings
from model_exporter.pairing import Exchange, Exchanges, Half, Side
from model_exporter.ports import Door, Encoding, Payload, Signal

patient = settings(deadline=None)
"""How long an example takes says more about the machine's load than about the decoder."""

DECODER = Decoder(Limits(), built_in_mappings())
KINDS = {
    "org.kubeflow.serving.inference": Door.CLOUD_EVENTS,
    "io.seldon.serving.inference": Door.CLOUD_EVENTS,
    "azureml.inference": Door.AZURE_ML,
}
WHOLE_REASONS = {"malformed_event", "malformed_json", "not_utf8"}

scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=4)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
sizes = st.integers(-1, 5) | st.sampled_from([2**31, 2**63, -(2**63)]) | trees
tensors = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(max_size=3) | trees,
        "shape": st.lists(sizes, max_size=3) | trees,
        "datatype": st.sampled_from(["FP32", "INT64", "BYTES", "BOOL", "FP16", "BF16", "", "fp32"]) | trees,
        "data": st.lists(scalars, max_size=4) | trees,
        "parameters": st.fixed_dictionaries({}, optional={"binary_data_size": sizes}) | trees,
    },
)
messages = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("inputs", "outputs"), st.lists(tensors, max_size=3) | trees),
        **dict.fromkeys(("instances", "predictions"), st.lists(trees, max_size=3) | trees),
        **dict.fromkeys(("id", "model_name", "model_version", "reward"), trees),
        "data": st.fixed_dictionaries({}, optional={"names": trees, "ndarray": trees, "tensor": tensors}) | trees,
        "truth": trees,
    },
)
bodies = st.one_of(
    st.binary(max_size=40),
    messages.map(json.dumps).map(str.encode),
    trees.map(json.dumps).map(str.encode),
    st.builds(lambda head, raw: json.dumps(head).encode() + raw, messages, st.binary(max_size=24)),
    st.builds(lambda head, cut: json.dumps(head).encode()[:cut], messages, st.integers(0, 60)),
)
attributes = st.dictionaries(
    st.sampled_from(["inferenceservicename", "namespace", "modelid", "model-version", "time", "endpoint", "x"]),
    st.text(max_size=6) | st.sampled_from(["2026-11-26T10:00:00Z", "1e400", "-1", "café\udcff", "x" * 3000]),
)


def event(kind: str, body: bytes, told: Mapping[str, object]) -> Payload:
    """One event in binary mode."""
    door = next(door for prefix, door in KINDS.items() if kind.startswith(prefix))
    whole = {"id": "1", "requestid": "1", "x-request-id": "1", **told, "type": kind}
    return Payload(door, Signal.EXCHANGES, Encoding.JSON, body, 50.0, context={"event": whole})


def records(decoded: Decoded) -> int:
    """How many records are accounted for, in one way or another."""
    rejected = sum(rejection.records for rejection in decoded.rejections)
    return decoded.accepted + rejected + sum((decoded.ignored or {}).values())


@patient
@given(
    st.sampled_from(sorted(KINDS)),
    bodies | st.none(),
    bodies | st.none(),
    attributes,
    st.sampled_from(["", "no_response"]),
)
def test_a_call_is_accounted_for_whatever_its_bodies_hold(
    kind: str, request: bytes | None, response: bytes | None, told: dict[str, str], error: str
) -> None:
    """Nothing is raised, and at least one record is accepted, rejected or ignored by a reason."""
    names = ("model_inputs", "model_outputs") if kind.startswith("azure") else ("request", "response")
    halves: dict[Side, Half] = {}
    for name, body in zip(names, (request, response), strict=True):
        if body is not None:
            half = DECODER.half(event(f"{kind}.{name}", body, told))
            assert half is not None
            halves[half.side] = half
    if halves:
        assert records(DECODER.decode_exchange(Exchange(halves, error))) >= 1


@patient
@given(bodies, attributes)
def test_feedback_is_accounted_for_whatever_it_holds(body: bytes, told: dict[str, str]) -> None:
    """The same of what is told of a call later."""
    half = DECODER.half(
        Payload(
            Door.CLOUD_EVENTS,
            Signal.EXCHANGES,
            Encoding.JSON,
            body,
            50.0,
            context={"event": {"id": "1", **told, "type": "io.seldon.serving.feedback"}},
        )
    )
    assert half is not None
    assert records(DECODER.decode_exchange(Exchange({half.side: half}))) == 1


@patient
@given(
    st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(["type", "id", "ID", "data", "data_base64", "time", "requestid"]) | st.text(max_size=3),
        trees | st.sampled_from(["a.request", "a.response"]),
        max_size=6,
    ).map(lambda whole: json.dumps(whole).encode())
)
def test_a_structured_event_is_a_half_or_refused(body: bytes) -> None:
    """With one of the reasons for a whole request, whatever the bytes."""
    payload = Payload(Door.CLOUD_EVENTS, Signal.EXCHANGES, Encoding.JSON, body, 50.0)
    refused = ""
    try:
        half = DECODER.half(payload)
    except DecodeError as error:
        half, refused = None, error.reason
    assert refused in {"", *WHOLE_REASONS}
    assert half is None or half.size > len(half.body)


@patient
@given(st.integers(0, 2**32), st.integers(1, 8))
def test_tensors_say_the_same_in_json_and_in_bytes(seed: int, rows: int) -> None:
    """The binary extension is another spelling: both make the same columns."""
    random_ = random.Random(seed)  # noqa: S311  # seeded on purpose
    numbers = [random_.uniform(-1e6, 1e6) for _ in range(2 * rows)]
    words = [random_.choice(["a", "böse", ""]) for _ in range(rows)]
    plain = [
        {"name": "n", "shape": [rows, 2], "datatype": "FP64", "data": numbers},
        {"name": "w", "shape": [rows], "datatype": "BYTES", "data": words},
    ]
    raw = [
        struct.pack(f"<{len(numbers)}d", *numbers),
        b"".join(struct.pack("<I", len(word.encode())) + word.encode() for word in words),
    ]
    bare = [
        {
            **{key: value for key, value in tensor.items() if key != "data"},
            "parameters": {"binary_data_size": len(part)},
        }
        for tensor, part in zip(plain, raw, strict=True)
    ]
    answer = json.dumps({"predictions": list(range(rows))}).encode()
    read = []
    for body in (json.dumps({"inputs": plain}).encode(), json.dumps({"inputs": bare}).encode() + b"".join(raw)):
        halves = {}
        for name, part in (("request", body), ("response", answer)):
            half = DECODER.half(event(f"org.kubeflow.serving.inference.{name}", part, {"modelid": "m"}))
            assert half is not None
            halves[half.side] = half
        read.append(DECODER.decode_exchange(Exchange(halves)))
    assert read[0].accepted == rows
    assert [repr(batch.columns) for batch in read[0].batches] == [repr(batch.columns) for batch in read[1].batches]


@patient
@given(st.integers(0, 2**32), st.integers(1, 60), st.integers(1, 4_000))
def test_no_half_is_lost_and_the_bound_on_bytes_holds(seed: int, calls: int, size: int) -> None:
    """Every half that is no repeat ends in exactly one exchange, however little may wait."""
    random_ = random.Random(seed)  # noqa: S311  # seeded on purpose
    pairs = Exchanges(entries=1_000, size=size, wait_seconds=5.0)
    sent, ended, now = 0, 0, 0.0
    todo = [(call, side) for call in range(calls) for side in (Side.REQUEST, Side.RESPONSE)]
    random_.shuffle(todo)
    for call, side in todo:
        now += random_.random()
        one = Half(Door.CLOUD_EVENTS, str(call), "s", side, bytes(random_.randrange(600)), {}, None, now)
        taken = pairs.take(one)
        sent += not taken.repeated
        done = [*taken.evicted, *([taken.exchange] if taken.exchange else []), *pairs.expire(now)]
        ended += sum(len(exchange.halves) for exchange in done)
        assert pairs.size <= size or len(pairs) == 1
    ended += sum(len(exchange.halves) for exchange in pairs.drain())
    assert (ended, len(pairs), pairs.size) == (sent, 0, 0)
