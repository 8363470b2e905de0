"""CPU cost of predictions in JSON, in microseconds a record and as a multiple of what msgspec takes to parse.

The records are those of `bench_decode`, as lines and as an array; of some bodies, one line in twenty is spoilt. They
are decoded by the compiled scanner, if it is built; by columns in Python; and one by one, the path of records that are
not plain. OTLP/JSON has no compiled scanner. Run it as `python tests/benchmarks/bench_json.py`; PYTHONPATH must
contain `tests`.
"""

import json
import statistics
import time
from collections.abc import Callable
from unittest.mock import patch

import msgspec

from benchmarks.bench_decode import json_lines, request
from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.decode.plain_layouts import PlainLayouts
from model_exporter.ports import Encoding, Payload, Signal
from otlp_messages import otlp_json, payload

BATCHES = (1, 8, 64, 512)
TURNS = 60


def medians(*jobs: Callable[[], object]) -> list[float]:
    """Median CPU seconds of each job, run in turns."""
    taken: list[list[float]] = [[] for _ in jobs]
    for _ in range(TURNS):
        for times, job in zip(taken, jobs, strict=True):
            started = time.process_time()
            job()
            times.append(time.process_time() - started)
    return [statistics.median(times) for times in taken]


def spoilt(body: bytes, value: object) -> bytes:
    """The lines with `value` for a feature in one of twenty."""
    lines = body.split(b"\n")
    for index in range(0, len(lines), 20):
        record = json.loads(lines[index])
        record["features"]["numeric_feature_3"] = value
        lines[index] = json.dumps(record).encode()
    return b"\n".join(lines)


def with_gaps(body: bytes) -> bytes:
    """The lines, of which two of three lack a feature, as loggers write them that leave out what is empty."""
    lines = body.split(b"\n")
    for index, line in enumerate(lines):
        if index % 3:
            record = json.loads(line)
            del record["features"][f"numeric_feature_{index % 12}"]
            lines[index] = json.dumps(record).encode()
    return b"\n".join(lines)


def one_by_one(decoder: Decoder, sent: Payload) -> None:
    """Decode without layouts."""
    with patch.object(PlainLayouts, "find", lambda *_: None):
        decoder.decode(sent)


def report(name: str, rows: int, parse: Callable[[], object], sent: Payload) -> None:
    """Print one line."""
    compiled, columns, other = (Decoder(Limits(), compiled=compiled) for compiled in (True, False, False))
    parsing, single, plain, decoding = medians(
        parse, lambda: one_by_one(other, sent), lambda: columns.decode(sent), lambda: compiled.decode(sent)
    )
    print(
        f"{name:24} {rows:5}  parse {parsing / rows * 1e6:6.2f}  one by one {single / rows * 1e6:6.2f}"
        f"  by columns {plain / rows * 1e6:6.2f}  compiled {decoding / rows * 1e6:6.2f}"
        f"  {decoding / parsing:5.2f} x parse  {decoding / plain:5.2f} x columns"
    )


def main() -> None:
    """Report on every form and batch size."""
    parser = msgspec.json.Decoder()
    for rows in BATCHES:
        lines = json_lines(rows)
        array = b"[%b]" % b",".join(lines.split(b"\n"))
        for name, body in (
            ("lines", lines),
            ("lines, gaps", with_gaps(lines)),
            ("lines, 5 % null", spoilt(lines, None)),
            ("lines, 5 % nested", spoilt(lines, {"a": 1})),
            ("lines, 5 % NaN", spoilt(lines, float("nan"))),
        ):
            report(
                name,
                rows,
                lambda: parser.decode_lines(lines),  # noqa: B023  # called within the turn
                payload(Signal.PREDICTIONS, Encoding.JSON_LINES, body),
            )
        report("array", rows, lambda: parser.decode(array), payload(Signal.PREDICTIONS, Encoding.JSON, array))  # noqa: B023
        for name, flat in (("OTLP/JSON", False), ("OTLP/JSON, flat", True)):
            body = otlp_json(request(rows, flat=flat))
            report(name, rows, lambda: parser.decode(body), payload(Signal.LOGS, Encoding.JSON, body))  # noqa: B023


if __name__ == "__main__":
    main()
