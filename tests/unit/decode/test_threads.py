"""One decoder serves all receiving threads."""

from concurrent.futures import ThreadPoolExecutor

from model_exporter.config.settings import Limits
from model_exporter.decode import Decoder
from model_exporter.ports import Encoding, Signal
from otlp_messages import logs_request, payload, prediction, rows


def test_threads_do_not_disturb_each_other() -> None:
    """Requests decoded at the same time give what they give one after the other."""
    decoder = Decoder(Limits())
    requests = [
        logs_request(*(prediction(f"m{n}", **{f"feature.f{n}": row, "prediction.id": str(row)}) for row in range(50)))
        for n in range(40)
    ]
    payloads = [payload(Signal.LOGS, Encoding.PROTOBUF, request.SerializeToString()) for request in requests]
    expected = [rows(Decoder(Limits()).decode(one)) for one in payloads]
    with ThreadPoolExecutor(4) as pool:
        assert [rows(decoded) for decoded in pool.map(decoder.decode, payloads)] == expected
