"""What a request costs a server in Python that reads nothing of it: the machine's and the event loop's share.

Run as a program it is that server; it prints the port.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, cast

from benchmarks.cost.clients import OTLP, HttpClient, Source
from benchmarks.cost.doors import ALONE, DOORS, TOGETHER, requests_of
from benchmarks.cost.measure import drive, median
from benchmarks.cost.plan import Plan, tell
from model_exporter.demo.processes import HOST

_WIDTHS: Final = {ALONE: 1, TOGETHER: 16}
_REPLY: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nServer: floor\r\nContent-Length: 0\r\n"
    b"Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n"
)
_BUFFER: Final = memoryview(bytearray(64 * 1024))


class _Answering(asyncio.BufferedProtocol):
    """Answers whatever comes in one read, which over loopback is a small request as it was written."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # asyncio's signature
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:  # noqa: ARG002  # the same
        self._transport.write(_REPLY)


def measure_floor(plan: Plan) -> dict[str, float]:
    """Median microseconds of processor a request, by the name of the door that is driven in the same way."""
    (door,) = (door for door in DOORS if door.name == ALONE)
    with _server() as (pid, port):
        clients = {name: HttpClient(port, OTLP, width=width) for name, width in _WIDTHS.items()}
        source = Source(requests_of(door))
        costs: dict[str, list[float]] = {name: [] for name in clients}
        for _ in range(plan.rounds):
            for name, client in clients.items():
                costs[name].append(drive(pid, client, source, seconds=plan.seconds).cost)
        for client in clients.values():
            client.close()
    found = {name: median(of) for name, of in costs.items()}
    tell(f"floor: {', '.join(f'{name} {cost:.1f} us' for name, cost in found.items())}")
    return found


@contextmanager
def _server() -> Iterator[tuple[int, int]]:
    """Process and port of a server that runs."""
    process = subprocess.Popen([sys.executable, "-m", __spec__.name], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        yield process.pid, int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate()


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Answering, HOST, 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
