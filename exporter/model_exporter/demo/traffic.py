"""The demo's service alone, for an exporter that runs elsewhere: what the stack of containers watches.

    python -m model_exporter.demo.traffic --endpoint http://exporter:4318

Traffic goes in a circle, so that whoever looks for an hour and a quarter sees each of its states.
"""

import argparse
import itertools
import signal
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from secrets import randbits
from tempfile import gettempdir
from threading import Event
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from types import FrameType

BEAT: Final = Path(gettempdir()) / "model_exporter-demo.beat"
"""A file that is touched while predictions are sent: what sends has no port that a health check could ask."""
_MODEL_SEED: Final = 7
_TICK_SECONDS: Final = 0.1
_BEAT_EVERY_SECONDS: Final = 5.0


class Sender(Protocol):
    """What `Service` does, as far as traffic needs it."""

    def answer(self, requests: int, *, shifted: bool = False, relabelled: bool = False) -> None:
        """Serve that many predictions."""


@dataclass(frozen=True, slots=True)
class Act:
    """A stretch of traffic: what it is like, for how many seconds."""

    name: str
    seconds: float
    shifted: bool = False
    relabelled: bool = False


CIRCLE: Final = (
    Act("normal traffic", 900.0),
    Act("shifted inputs: another camera, and measures that are missing", 1200.0, shifted=True),
    Act("normal traffic again", 1200.0),
    Act("another truth: the same inputs, called by other names", 1200.0, relabelled=True),
)
"""The first is long enough for a baseline to be learned, each of the others for symptoms to become an incident."""


def play(
    sender: Sender,
    acts: Iterable[Act],
    *,
    rate: float,
    clock: Callable[[], float],
    wait: Callable[[float], bool],
    say: Callable[[str], None],
    beat: Callable[[], None],
) -> None:
    """Send `rate` predictions a second, act by act, until `wait` says that it is over or the acts are.

    Args:
        sender: who sends.
        acts: what to send, for how long.
        rate: predictions a second; one that cannot keep up falls behind, it does not send in bursts.
        clock: seconds that only grow.
        wait: waits for so many seconds; True when it is over.
        say: is told which act begins.
        beat: is called every few seconds while predictions are sent.
    """
    then = clock()
    due = 0.0
    next_beat = then
    for act in acts:
        say(act.name)
        end = then + act.seconds
        while then < end:
            if wait(_TICK_SECONDS):
                return
            now = clock()
            due = min(due + rate * (now - then), max(1.0, rate * 2 * _TICK_SECONDS))
            then = now
            sender.answer(int(due), shifted=act.shifted, relabelled=act.relabelled)
            due -= int(due)
            if now >= next_beat:
                beat()
                next_beat = now + _BEAT_EVERY_SECONDS


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the model and send, until SIGTERM or Ctrl-C."""
    from model_exporter.demo.service import Classifier, Service  # noqa: PLC0415  # an extra, and slow to load

    options = _options(arguments)
    ended = Event()

    def end(_number: int, _frame: "FrameType | None") -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    classifier = Classifier(seed=_MODEL_SEED)
    service = Service(classifier, endpoint=options.endpoint, seed=options.seed)
    _say(f"{options.rate:g} predictions a second to {options.endpoint}, right on {classifier.accuracy:.0%} of them")
    try:
        play(
            service,
            itertools.cycle(CIRCLE),
            rate=options.rate,
            clock=time.monotonic,
            wait=ended.wait,
            say=_say,
            beat=BEAT.touch,
        )
    finally:
        service.close()


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", default="http://127.0.0.1:4318", help="where an exporter takes OTLP over HTTP")
    parser.add_argument("--rate", type=float, default=20.0, help="predictions a second")
    # Ids of predictions come of it: after a restart they must not be those that the exporter still remembers.
    parser.add_argument("--seed", type=int, default=randbits(32), help="of the traffic; another one with every start")
    return parser.parse_args(arguments)


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%SZ', time.gmtime())} {text}", flush=True)


if __name__ == "__main__":
    main()
