"""An exporter's following of files without its processes: crashes, scrapes and rotations as calls."""

import gzip
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from model_exporter.config.settings import LogFiles
from model_exporter.errors import OverloadedError
from model_exporter.follow import Follower, PositionsFile, Progress
from model_exporter.ports import Payload, Receipt
from model_exporter.telemetry import Telemetry


class Machine:
    """A folder, its clock, and what Prometheus has scraped of one process after the other.

    Args:
        folder: an empty one.
        glob: of the files, below `folder / "logs"`.
        attributes: further ones of the source.
    """

    def __init__(self, folder: Path, glob: str = "app.log", **attributes: object) -> None:
        self.logs = folder / "logs"
        self.logs.mkdir()
        self.storage = folder / "storage"
        self.storage.mkdir()
        self.source = LogFiles(pattern=glob, glob=str(self.logs / glob), **attributes)  # type: ignore[arg-type]  # a test's
        self.ahead = 0.0
        self.scraped: Counter[str] = Counter()
        self.process = Process(self)

    def now(self) -> float:
        """The clock, which tests put forward."""
        return time.time() + self.ahead

    def crash(self) -> None:
        """Kill the process and start another."""
        self.scraped += self.process.shown
        self.process.follower.close()
        self.process = Process(self)

    def settle(self) -> Counter[str]:
        """Let everything come to rest; what Prometheus has counted then, over all processes."""
        for _ in range(6):
            self.ahead += 10
            self.process.step()
            self.process.write()
        self.process.publish()
        self.process.scrape()
        return self.scraped + self.process.shown

    def write(self, name: str, *lines: str) -> None:
        """Append lines to a file."""
        with (self.logs / name).open("a", newline="") as file:
            file.writelines(f"{line}\n" for line in lines)

    def shift(self, name: str) -> None:
        """Make room for `name.1`, as logrotate does."""
        last = max((int(path.name.split(".")[2]) for path in self.logs.glob(f"{name}.*")), default=0)
        for number in range(last, 0, -1):
            for end in ("", ".gz"):
                path = self.logs / f"{name}.{number}{end}"
                if path.exists():
                    path.rename(self.logs / f"{name}.{number + 1}{end}")

    def rename(self, name: str) -> None:
        """Rotate by renaming, and create an empty file."""
        self.shift(name)
        (self.logs / name).rename(self.logs / f"{name}.1")
        (self.logs / name).touch()

    def copytruncate(self, name: str) -> None:
        """Rotate by copying and truncating."""
        self.shift(name)
        shutil.copyfile(self.logs / name, self.logs / f"{name}.1")
        with (self.logs / name).open("r+b") as file:
            file.truncate(0)

    def compress(self, name: str) -> None:
        """Compress a file as `gzip` does."""
        path, packed = self.logs / name, self.logs / f"{name}.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        shutil.copystat(path, packed)
        path.unlink()


class DeathError(BaseException):
    """The process was killed."""


class Process:
    """What one process has in memory."""

    def __init__(self, machine: Machine) -> None:
        self.telemetry = Telemetry()
        file = PositionsFile(machine.storage)
        kept = file.read()
        self.progress = Progress(file, self.telemetry, machine.now)
        self.follower = Follower(
            kept=kept,
            progress=self.progress,
            ingest=self.ingest,
            run_in_writer=self.run_in_writer,
            picture=lambda: self.pictures + 1,
            line_bytes=4 * 1024 * 1024,
            telemetry=self.telemetry,
            clock=machine.now,
        )
        self.follower.configure([machine.source], 1000)
        self.queue: list[Callable[[], None]] = []
        self.counts: Counter[str] = Counter()
        self.snapshot: Counter[str] = Counter()
        self.shown: Counter[str] = Counter()
        self.pictures = 0
        self.payloads: list[Payload] = []
        self.room = 10**9
        self.steps_to_live: int | None = None
        self.refusing: Exception | None = None

    def ingest(self, payload: Payload, *, then: Callable[[], None]) -> Receipt:
        """As the pipeline's."""
        if self.refusing:
            raise self.refusing
        if self.room <= 0:
            raise OverloadedError("full")
        self.room -= 1
        self.payloads.append(payload)
        lines = [line for line in payload.body.decode("utf-8", "replace").split("\n") if line.strip()]

        def apply() -> None:
            self.counts.update(lines)
            then()

        self.queue.append(apply)
        self._hurry()
        return Receipt(len(lines), 0, "", None)

    def run_in_writer(self, task: Callable[[], None]) -> None:
        """As the pipeline's."""
        self.queue.append(task)
        self._hurry()

    def _hurry(self) -> None:
        """Have everything go on at once where a test wants that; die after so many steps of it."""
        if self.steps_to_live is None:
            return
        self.write()
        self.publish()
        self.scrape()
        self.steps_to_live -= 1
        if self.steps_to_live <= 0:
            raise DeathError

    def step(self) -> float:
        """Look at the files."""
        return self.follower.step()

    def write(self) -> None:
        """Let the writer do what waits."""
        queue, self.queue = self.queue, []
        for task in queue:
            task()

    def publish(self) -> None:
        """Take a picture."""
        self.pictures += 1
        self.snapshot = Counter(self.counts)

    def scrape(self) -> None:
        """Have Prometheus scrape the newest picture."""
        if not self.pictures:
            return
        showing = self.progress.show(self.pictures)
        showing.sending()
        self.shown = Counter(self.snapshot)
        showing.sent()

    def round(self) -> None:
        """All of it."""
        self.step()
        self.write()
        self.publish()
        self.scrape()

    def counted(self, metric: str, *labels: str) -> float:
        """A counter or gauge of the exporter."""
        read = self.telemetry.read()
        return (read.counters | read.gauges).get((metric, labels), 0.0)
