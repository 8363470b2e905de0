"""A model behind grpcio, with nothing in it about telemetry: `server.py ADDRESS`."""

import json
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc


def predict(request: dict, context: grpc.ServicerContext) -> dict:
    """The risk of a loan; none at all is not known, and a negative one is a bug."""
    if request["amount"] == 0:
        context.abort(grpc.StatusCode.NOT_FOUND, "no such loan")
    if request["amount"] < 0:
        raise RuntimeError("a negative amount")
    return {"risk": request["amount"] / 1000}


def check(_request: dict, _context: grpc.ServicerContext) -> dict:
    """What probes ask."""
    return {"status": "SERVING"}


def _service(name: str, **methods: object) -> grpc.GenericRpcHandler:
    handlers = {
        method: grpc.unary_unary_rpc_method_handler(
            function, request_deserializer=json.loads, response_serializer=lambda answer: json.dumps(answer).encode()
        )
        for method, function in methods.items()
    }
    return grpc.method_handlers_generic_handler(name, handlers)


server = grpc.server(ThreadPoolExecutor(4))
server.add_generic_rpc_handlers(
    (_service("loans.Predictor", Predict=predict), _service("grpc.health.v1.Health", Check=check))
)
server.add_insecure_port(sys.argv[1])
stopped = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopped.set())
server.start()
stopped.wait()
server.stop(1).wait()
