"""CPU cost of reading records through mappings, in microseconds a prediction, beside native ones.

The records are those of `bench_decode.py`. Run it as `python tests/benchmarks/bench_mapping.py`; PYTHONPATH must
contain `tests`. All lines of a table are the best of many short runs in turns, so that a busy machine disturbs them
alike.
"""

import json
import random
from collections.abc import Mapping as Map
from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.bench_decode import attributes, best, json_lines, request
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.mapping import Mapping, built_in_mappings, read_mapping
from model_exporter.ports import Door, Encoding, Payload, Signal
from otlp_messages import payload

ROWS: Final = 512
_FIELDS: Final = {"model": "about.model", "version": "about.version", "id": "about.id", "score": "result.score"}


def mapped(name: str, features: str, prediction: str, **more: object) -> Mapping:
    """A mapping of the records below."""
    fields = {**_FIELDS, "features": features, "prediction": prediction}
    return read_mapping(name, {"when": [{"kind": "scored"}, "about.model"], "fields": fields, **more})


def records(*, in_text: bool, rows_each: int = 1) -> bytes:
    """The records of `bench_decode.json_lines` in another shape, `rows_each` of them to a line."""
    rng = random.Random(ROWS)  # noqa: S311  # no secret
    lines = []
    for _ in range(ROWS // rows_each):
        native = [attributes(rng, flat=False) for _ in range(rows_each)]
        features: object = [record["features"] for record in native] if rows_each > 1 else native[0]["features"]
        told = [record["prediction"] for record in native] if rows_each > 1 else native[0]["prediction"]
        line = {
            "kind": "scored",
            "about": {"model": "fraud", "version": "1.4.2", "id": native[0]["prediction.id"]},
            "features": json.dumps(features) if in_text else features,
            "result": {"prediction": told, "score": native[0]["score"]},
        }
        lines.append(json.dumps(line).encode())
    return b"\n".join(lines)


def lines_of(body: bytes, signal: Signal, name: str = "") -> Payload:
    """A body of JSON lines."""
    return Payload(Door.HTTP, signal, Encoding.JSON_LINES, body, 0.0, mapping=name)


def table(title: str, cases: Sequence[tuple[str, Map[str, Mapping], Payload]]) -> None:
    """Print what each case costs, and how many times as much as the first."""
    jobs = []
    for _, mappings, body in cases:
        decoder = Decoder(Limits(), mappings)
        decoded = decoder.decode(body)
        assert (decoded.accepted, decoded.rejected) == (ROWS, 0), decoded.message
        jobs.append(partial(decoder.decode, body))
    costs = [seconds / ROWS * 1e6 for seconds in best(*jobs)]
    print(f"\n| {title} | us a prediction | times the first |\n|---|---|---|")
    for (name, _, _), cost in zip(cases, costs, strict=True):
        print(f"| {name} | {cost:.2f} | {cost / costs[0]:.2f} |")


def main() -> None:
    """Print both tables."""
    plain = mapped("plain", "features", "result.prediction")
    text = mapped("text", "features|json", "result.prediction")
    many = mapped("many", "features[*]", "result.prediction[*]")
    native = json_lines(ROWS)
    table(
        "JSON lines",
        [
            ("native, `/v1/predictions`", {}, lines_of(native, Signal.PREDICTIONS)),
            ("native, `/v1/records`, no mapping takes it", built_in_mappings(), lines_of(native, Signal.RECORDS)),
            ("mapped by name", {"plain": plain}, lines_of(records(in_text=False), Signal.RECORDS, "plain")),
            (
                "mapped by its conditions, after those built in",
                {**built_in_mappings(), "plain": plain},
                lines_of(records(in_text=False), Signal.RECORDS),
            ),
            ("mapped, features as JSON in text", {"text": text}, lines_of(records(in_text=True), Signal.RECORDS)),
            (
                "mapped, 64 rows a record",
                {"many": many},
                lines_of(records(in_text=False, rows_each=64), Signal.RECORDS),
            ),
        ],
    )
    message = payload(Signal.LOGS, Encoding.PROTOBUF, request(ROWS, flat=False).SerializeToString())
    fields = {
        "model": 'attributes."model.name"',
        "features": "attributes.features",
        "prediction": "attributes.prediction",
    }
    other = read_mapping("other", {"when": [{"scope.name": "acme"}, "body.x"], "fields": fields})
    asked = read_mapping("asked", {"when": [{"event_name": "acme.scored"}], "fields": fields})
    takes = read_mapping("takes", {"when": [{"event_name": "model.prediction"}], "fields": fields})
    table(
        "OTLP logs, protobuf",
        [
            ("without mappings", {}, message),
            ("native, a mapping for another scope", {"other": other}, message),
            ("native, a mapping that asks each record for its event", {"asked": asked}, message),
            ("mapped", {"takes": takes}, message),
        ],
    )


if __name__ == "__main__":
    main()
