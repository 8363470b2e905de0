"""The demo: an exporter, a model that sends to it, a Prometheus when there is one, and a screen to watch."""

import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Final

from model_exporter.demo.day import session as day
from model_exporter.demo.day.servers import Programs, find_programs
from model_exporter.demo.day.start import start_day
from model_exporter.demo.processes import (
    HOST,
    ExporterPorts,
    free_port,
    is_ready,
    prometheus_command,
    running,
    running_exporter,
    wait_until,
)
from model_exporter.demo.screen import Screen
from model_exporter.demo.session import BRIEF, LASTING, Session
from model_exporter.errors import ModelExporterError

if TYPE_CHECKING:
    from model_exporter.demo.service import Service

_CONFIG: Final = """\
environment: demo
models:
  tumour:
    kind: classification
    owner: screening-ml
    learn: {rows: 2000, stable_for: 5s}
    outcome: {positive: malignant, wait: 1h}
"""
_GRAPH: Final = "graph?g0.expr=model_drift_psi%7Bwindow%3D%225m%22%7D&g0.tab=0&g0.range_input=5m"
_QUERIES: Final = """\
               topk(3, model_drift_psi{role="input",window="5m"})
               model_performance{metric="accuracy",window="1h"}
               rate(model_feature_missing_total[1m]) > 0
               histogram_quantile(0.95, sum by (le) (rate(model_prediction_duration_seconds_bucket[1m])))"""
_START_SECONDS: Final = 30.0


def run_demo(*, once: bool, rate: float, seed: int, shift: bool = True) -> int:
    """Run the demo and return the exit code of the command: the bad day, or without its programs the old story.

    Args:
        once: end by itself, within some three and a half minutes, with a verdict.
        rate: predictions a second.
        seed: of the training split and the traffic.
        shift: False keeps traffic and truth normal to the end, which makes `once` fail.

    Returns:
        0 when the user ended the demo, or `once` saw all that had to be seen; 1 otherwise.
    """
    with _ended_by_signal() as ended, TemporaryDirectory(prefix="model_exporter-demo-") as name, ExitStack() as stack:
        try:
            programs, folder = find_programs(), Path(name)
            if isinstance(programs, Programs):
                story = start_day(programs, folder, stack, rate=rate, seed=seed, ended=ended)
                return story.run(day.BRIEF if once else day.LASTING, shift=shift)
            _say_what_is_missing(programs)
            session = _start(folder, stack, rate=rate, seed=seed, ended=ended)
            return session.run(BRIEF if once else LASTING, shift=shift)
        except ModelExporterError as error:
            if ended.is_set():
                return 0
            print(f"error: {error}", file=sys.stderr)
            return 1


@contextmanager
def _ended_by_signal() -> Iterator[Event]:
    """An event that SIGINT or SIGTERM sets; a second signal has its usual effect."""
    ended = Event()
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def end(number: int, _frame: FrameType | None) -> None:
        ended.set()
        signal.signal(number, usual[signal.Signals(number)])

    for number in usual:
        signal.signal(number, end)
    try:
        yield ended
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


def _say_what_is_missing(programs: Sequence[str]) -> None:
    print(
        f"Without {' and '.join(programs)} this is about one model. With both, five models have a bad day, and rules "
        "and\nroutes say what fires and who is told. On Debian: apt-get install prometheus prometheus-alertmanager",
        flush=True,
    )


def _start(folder: Path, stack: ExitStack, *, rate: float, seed: int, ended: Event) -> Session:
    ports = ExporterPorts.free()
    print("Starting the exporter and training the model ...", flush=True)
    exporter = stack.enter_context(running_exporter(ports, folder, _CONFIG))
    prometheus = _start_prometheus(folder, stack, target=ports.web)
    service, accuracy = _train(endpoint=f"http://{HOST}:{ports.http}", seed=seed)
    stack.callback(service.close)
    wait_until(
        lambda: ended.is_set() or is_ready(ports.web),
        what="the exporter to be ready",
        seconds=_START_SECONDS,
        child=exporter,
    )
    title = (
        f"A classifier of tumours, right on {accuracy:.0%} of held-out rows, serves {rate:g} predictions a second "
        "and logs each through OpenTelemetry."
    )
    screen = Screen(sys.stdout, title=title, to_open=_to_open(ports.web, prometheus))
    return Session(exporter, ports.web, service, screen, rate=rate, ended=ended)


def _start_prometheus(folder: Path, stack: ExitStack, *, target: int) -> int | None:
    """Port of a Prometheus that scrapes the exporter, None when there is no such program."""
    program = shutil.which("prometheus")
    if program is None:
        return None
    port = free_port()
    stack.enter_context(
        running("prometheus", prometheus_command(program, port, folder, targets=[target], interval="2s"), folder)
    )
    return port


def _train(*, endpoint: str, seed: int) -> "tuple[Service, float]":
    try:
        from model_exporter.demo.service import Classifier, Service  # noqa: PLC0415  # an extra, and slow to load
    except ImportError as error:
        raise ModelExporterError(f"{error}. The demo needs its extra: pip install 'model_exporter[demo]'") from error
    classifier = Classifier(seed=seed)
    return Service(classifier, endpoint=endpoint, seed=seed), classifier.accuracy


def _to_open(web: int, prometheus: int | None) -> str:
    """Addresses for a browser."""
    text = f"  exporter     http://{HOST}:{web}/\n               http://{HOST}:{web}/metrics"
    if prometheus is None:
        return f"{text}\n  (no `prometheus` program was found, so none scrapes it)"
    return f"{text}\n  Prometheus   http://{HOST}:{prometheus}/{_GRAPH}\n{_QUERIES}"
