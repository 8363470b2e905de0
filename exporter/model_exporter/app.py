"""Builds the exporter from its rooms, runs it, reloads it, stops it."""

import gc
import logging
import signal
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from model_exporter import __version__
from model_exporter.allocator import TRIM_SECONDS, give_back
from model_exporter.background import Background
from model_exporter.baseline.library import BaselineLibrary
from model_exporter.baseline.model import Baseline
from model_exporter.config.advice import advise
from model_exporter.config.files import parse_log_files
from model_exporter.config.load import load_settings
from model_exporter.config.settings import Limits, LogFiles, Settings
from model_exporter.decode import HAS_COMPILED, Decoder, Schemas
from model_exporter.errors import BaselineError, ConfigError, ModelExporterError
from model_exporter.expose import ServiceStatus, WebServer
from model_exporter.follow import Follower, FollowThread, PositionsFile, Progress
from model_exporter.forward import Forwarder, refuse_own_doors
from model_exporter.join import StorageError, limits_of, open_store
from model_exporter.joining import Joiner
from model_exporter.journal import CheckpointFile, Checkpoints, SchemaFile, SchemaKeeper
from model_exporter.mapping import with_built_in
from model_exporter.pairing import Exchanges
from model_exporter.pipeline import Pipeline
from model_exporter.queueing import BoundedQueue
from model_exporter.receive import GrpcDoor, HttpDoor
from model_exporter.route import Router
from model_exporter.telemetry import Telemetry
from model_exporter.window.fleet import Fleet
from model_exporter.window.notices import (
    BaselineLearned,
    EvidenceDropped,
    Expired,
    LearningRestarted,
    LimitHit,
    ModelAppeared,
    Notice,
    PerformanceDropped,
    PerformanceLearned,
)

log = logging.getLogger(__name__)

_RELOAD_SECONDS: Final = 30.0
"""How long a reload may wait for the writer."""

_FLUSH_SECONDS: Final = 10.0
"""How long a stop waits, at most, for a target that takes what is passed on."""


class StartError(ModelExporterError):
    """The exporter cannot run: a port is taken, the storage cannot be written."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says."""

    config_file: Path | None
    grpc_address: str
    http_address: str
    web_address: str
    log_files: tuple[str, ...]
    enable_lifecycle: bool
    storage_path: Path
    grace_seconds: float
    compiled_decoder: bool


class App:
    """One exporter.

    Raises:
        ConfigError: the configuration has a mistake.
        StartError: the storage cannot be used.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._started_at = time.time()
        self._settings = self._load()
        log_files = _log_files(options, self._settings)
        self._signals: SimpleQueue[int] = SimpleQueue()
        self._failure: BaseException | None = None
        self._reloading = threading.Lock()
        self._serving = False
        self._telemetry = Telemetry()
        limits = self._settings.limits
        try:
            self._library = BaselineLibrary(options.storage_path / "baselines")
            self._store = open_store(self._settings.join, options.storage_path, limits)
            learned = self._library.load()
            positions = PositionsFile(options.storage_path)
        except OSError as error:
            raise StartError(
                f"{options.storage_path}: cannot keep state there: {error}. Choose a writable --storage.path"
            ) from error
        except StorageError as error:
            raise StartError(str(error)) from error
        checkpoint = CheckpointFile(options.storage_path / "evidence.checkpoint")
        kept = checkpoint.read()
        self._checkpoints = Checkpoints(checkpoint, self._telemetry)
        schema_file = SchemaFile(options.storage_path / "schemas.json")
        self._schemas = Schemas(
            limit=limits.monitor_schemas,
            kept=schema_file.read(),
            changed=lambda: self._schema_keeper.changed(),  # noqa: PLW0108  # which is yet to be made
            turned_away=lambda: self._telemetry.count("model_exporter_limit_hits_total", "monitor_schemas"),
        )
        self._schema_keeper = SchemaKeeper(schema_file, self._schemas.kept, self._telemetry)
        self._count_set_aside(checkpoint, schema_file)
        self._router = Router(limit=limits.models, configured=self._settings.models)
        self._queue = BoundedQueue(rows=limits.queue_rows, size=limits.queue_bytes)
        self._exchanges = Exchanges(
            entries=limits.exchanges,
            size=limits.exchange_bytes,
            wait_seconds=self._settings.pairing_wait_seconds,
        )
        self._fleet = Fleet(
            self._settings,
            learned=learned,
            recorder=self._telemetry,
            notify=self._hear,
            now=self._started_at,
        )
        self._fleet.restore(
            kept, admit=lambda model: self._router.route(model=model, service="") is not None, now=self._started_at
        )
        self._pipeline = Pipeline(
            decoder=self._decoder(self._settings),
            settings=self._settings,
            queue=self._queue,
            router=self._router,
            fleet=self._fleet,
            joiner=Joiner(self._store, self._fleet, self._telemetry),
            exchanges=self._exchanges,
            keep=self._checkpoints.keep,
            telemetry=self._telemetry,
            clock=time.time,
            on_failure=self._fail,
        )
        self._background = Background(self._pipeline.run_in_writer, self._fail)
        self._fleet.defer_to(self._background.defer)
        self._forwarder = Forwarder(self._pipeline.ingest, self._telemetry, self._settings.forward)
        grpc_door = GrpcDoor(
            options.grpc_address,
            ingest=self._forwarder,
            telemetry=self._telemetry,
            request_bytes=limits.request_bytes,
            clock=time.time,
        )
        http_door = HttpDoor(
            options.http_address,
            ingest=self._forwarder,
            telemetry=self._telemetry,
            request_bytes=limits.request_bytes,
            clock=time.time,
        )
        self._doors: dict[str, GrpcDoor | HttpDoor] = {
            "OTLP/gRPC": grpc_door,
            "OTLP/HTTP and prediction logs": http_door,
        }
        self._progress = Progress(positions, self._telemetry, time.time)
        self._web = WebServer(
            options.web_address,
            snapshot=lambda: self._pipeline.snapshot,
            telemetry=self._telemetry,
            status=self.status,
            reload=self.reload,
            enable_lifecycle=options.enable_lifecycle,
            show=self._progress.show,
        )
        self._follower, self._following = self._follow(positions)
        self._follower.configure(log_files, limits.followed_files)

    def _follow(self, positions: PositionsFile) -> tuple[Follower, FollowThread]:
        stopping = threading.Event()
        kept = positions.read()
        self._telemetry.count(
            "model_exporter_corrupt_state_total", "positions", amount=int(positions.set_aside is not None)
        )
        follower = Follower(
            kept=kept,
            progress=self._progress,
            ingest=self._pipeline.ingest,
            run_in_writer=self._pipeline.run_in_writer,
            picture=lambda: self._pipeline.next_picture,
            line_bytes=self._settings.limits.request_bytes,
            telemetry=self._telemetry,
            clock=time.time,
            is_stopping=stopping.is_set,
        )
        return follower, FollowThread(follower, stopping, self._fail)

    def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then stop in order.

        Raises:
            StartError: a listener cannot be opened.
            ModelExporterError: the exporter failed while it ran.
        """
        self._report_reload(successful=True)
        self._report_limits(self._settings.limits)
        self._warn_of_settings()
        if self._options.compiled_decoder and not HAS_COMPILED:
            log.warning("OTLP logs are read by Python, at many times the cost: the compiled decoder is not installed")
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda received, _: self._signals.put(received))
        try:
            self._start()
            # What is there now stays: a full collection need not look through it, with all threads waiting.
            gc.collect()
            gc.freeze()
            while (received := self._next_signal()) in {signal.SIGHUP, None}:
                if received is None:
                    give_back()
                else:
                    self._reload_by_signal()
        finally:
            self._stop()
        if self._failure:
            raise ModelExporterError(f"the writer failed: {self._failure}") from self._failure

    def _next_signal(self) -> int | None:
        """The next signal, None when none comes for as long as the allocator may hold what is free."""
        try:
            return self._signals.get(timeout=TRIM_SECONDS)
        except Empty:
            return None

    def status(self) -> ServiceStatus:
        """What people and probes want to know of the process."""
        file = self._options.config_file
        return ServiceStatus(
            ready=self._serving,
            reason="" if self._serving else "starting or stopping",
            doors=tuple((name, door.address) for name, door in self._doors.items()) if self._serving else (),
            config_file=str(file) if file else "",
            started_at=self._started_at,
            version=__version__,
        )

    def reload(self) -> None:
        """Read the configuration again and take it over as a whole, or not at all.

        Raises:
            ConfigError: it has a mistake; what ran goes on running.
        """
        with self._reloading:
            try:
                settings = self._load()
                log_files = _log_files(self._options, settings)
            except ConfigError:
                self._report_reload(successful=False)
                raise
            if settings.limits.request_bytes != self._settings.limits.request_bytes:
                log.warning("limits.request_bytes takes effect at the next start")
            if settings.join != self._settings.join:
                log.warning("join takes effect at the next start")
            applied = threading.Event()
            self._pipeline.run_in_writer(lambda: self._take_over(settings, applied))
            if not applied.wait(_RELOAD_SECONDS):
                raise ModelExporterError("the writer was too busy to take over the configuration in time")
            self._forwarder.reconfigure(settings.forward)
            self._follower.configure(log_files, settings.limits.followed_files)
            self._report_reload(successful=True)
            self._warn_of_settings()

    def _decoder(self, settings: Settings) -> Decoder:
        mappings = with_built_in(settings.mappings)
        compiled = self._options.compiled_decoder
        return Decoder(settings.limits, mappings, self._schemas, settings.traces, compiled=compiled)

    def _load(self) -> Settings:
        options = self._options
        settings = load_settings(options.config_file)
        refuse_own_doors(settings.forward, (options.grpc_address, options.http_address), str(options.config_file))
        return settings

    def _take_over(self, settings: Settings, applied: threading.Event) -> None:
        limits = settings.limits
        self._settings = settings
        self._router.configure(limit=limits.models, configured=settings.models)
        self._queue.resize(rows=limits.queue_rows, size=limits.queue_bytes)
        self._store.resize(limits_of(limits))
        self._exchanges.resize(
            entries=limits.exchanges, size=limits.exchange_bytes, wait_seconds=settings.pairing_wait_seconds
        )
        self._schemas.resize(limits.monitor_schemas)
        self._pipeline.reconfigure(self._decoder(settings), settings)
        self._fleet.reconfigure(settings, time.time())
        self._report_limits(limits)
        applied.set()

    def _start(self) -> None:
        self._checkpoints.start()
        self._schema_keeper.start()
        self._background.start()
        self._pipeline.start()
        self._forwarder.start()
        try:
            for server in (self._web, *self._doors.values()):
                server.start()
        except OSError as error:
            raise StartError(str(error)) from error
        self._following.start()
        self._serving = True
        log.info(
            "serving",
            extra={
                "version": __version__,
                "doors": ", ".join(f"{name} {door.address}" for name, door in self._doors.items()),
                "web": self._web.address,
                "decoder": "compiled" if self._options.compiled_decoder and HAS_COMPILED else "python",
                "config": str(self._options.config_file or "none"),
            },
        )

    def _stop(self) -> None:
        """First the doors, so that nothing is acknowledged any more; then what was acknowledged is written."""
        self._serving = False
        deadline = time.monotonic() + self._options.grace_seconds
        log.info("stopping", extra={"queued": self._queue.rows})
        if not self._following.stop(max(0.0, deadline - time.monotonic())):
            log.error("a log file was too slow to be left in time; nothing of it is lost")
        for door in self._doors.values():
            door.stop(max(0.0, deadline - time.monotonic()))
        if not self._pipeline.stop(max(0.0, deadline - time.monotonic())):
            log.error("the grace time is over", extra={"lost_records": self._queue.rows})
        if not self._background.stop(max(0.0, deadline - time.monotonic())):
            log.info("a baseline that was being made is made again after a restart")
        if not self._checkpoints.stop(max(0.0, deadline - time.monotonic())):
            log.error("the disk was too slow for the last checkpoint; a restart goes on from an earlier one")
        if unsent := self._forwarder.stop(min(_FLUSH_SECONDS, max(0.0, deadline - time.monotonic()))):
            log.error("the target did not take all that was to be passed on", extra={"lost_requests": unsent})
        if not self._schema_keeper.stop(max(0.0, deadline - time.monotonic())):
            log.error("the disk was too slow for the schemas of monitors; a restart waits for them to come again")
        self._web.stop(max(0.0, deadline - time.monotonic()))
        self._progress.sync()
        self._store.close()
        log.info("stopped")

    def _reload_by_signal(self) -> None:
        try:
            self.reload()
        except ModelExporterError as error:
            log.error("reload failed; the old configuration goes on", extra={"error": str(error)})  # noqa: TRY400  # the message says it all
        else:
            log.info("reloaded", extra={"config": str(self._options.config_file or "none")})

    def _report_reload(self, *, successful: bool) -> None:
        self._telemetry.set("model_exporter_config_last_reload_successful", value=float(successful))
        if successful:
            self._telemetry.set("model_exporter_config_last_reload_success_timestamp_seconds", value=time.time())

    def _count_set_aside(self, checkpoint: CheckpointFile, schemas: SchemaFile) -> None:
        count = self._telemetry.count
        count("model_exporter_corrupt_state_total", "baseline", amount=len(self._library.set_aside))
        count("model_exporter_corrupt_state_total", "checkpoint", amount=int(checkpoint.set_aside is not None))
        count("model_exporter_corrupt_state_total", "schemas", amount=int(schemas.set_aside is not None))

    def _report_limits(self, limits: Limits) -> None:
        for limit, value in asdict(limits).items():
            self._telemetry.set("model_exporter_limit", limit, value=value)

    def _warn_of_settings(self) -> None:
        for advice in advise(self._settings):
            log.warning("the configuration is valid, but", extra={"advice": advice})

    def _fail(self, error: BaseException) -> None:
        self._failure = error
        self._signals.put(signal.SIGTERM)

    def _hear(self, notice: Notice) -> None:
        """Say what the rolling state has to tell, and keep what it learned."""
        match notice:
            case ModelAppeared(model, configured):
                log.info("a model appeared", extra={"model": model, "configured": configured})
            case BaselineLearned(baseline, doubt):
                self._background.do(lambda: self._keep(baseline))
                level = logging.WARNING if doubt else logging.INFO
                log.log(
                    level,
                    "baseline learned from live traffic and frozen",
                    extra={
                        "model": baseline.model,
                        "rows": baseline.rows,
                        "features": len(baseline.features),
                        "digest": baseline.digest,
                        **({"doubt": doubt} if doubt else {}),
                    },
                )
            case LearningRestarted(model, reason):
                log.warning(
                    "traffic changed while its baseline was learned; watching on",
                    extra={"model": model, "reason": reason},
                )
            case LimitHit(limit, model, what):
                log.warning(
                    "a limit was hit; model_exporter_limit_hits_total counts on",
                    extra={"limit": f"limits.{limit}", "model": model, "refused": what},
                )
            case PerformanceLearned(model, outcomes, metric, value):
                log.info(
                    "performance is compared with that of the first outcomes from now on",
                    extra={"model": model, "outcomes": outcomes, metric: value},
                )
            case EvidenceDropped(model):
                log.info(
                    "the evidence of the last run does not fit the baseline or the settings of now; it begins anew",
                    extra={"model": model},
                )
            case PerformanceDropped(model, version):
                log.info(
                    "what outcomes told of a version in the last run does not fit the settings of now; it begins anew",
                    extra={"model": model, "model_version": version},
                )
            case Expired(model, version):
                log.info("series of a silent version dropped", extra={"model": model, "model_version": version})

    def _keep(self, baseline: Baseline) -> None:
        try:
            self._library.save(baseline)
        except BaselineError as error:
            log.warning("the learned baseline is not on disk; a restart will learn anew", extra={"error": str(error)})


def _log_files(options: Options, settings: Settings) -> tuple[LogFiles, ...]:
    """The log files of the command line and of the configuration; of equal globs the first counts.

    Raises:
        ConfigError: the command line names a mapping that does not exist.
    """
    files = (*parse_log_files(options.log_files, with_built_in(settings.mappings)), *settings.files)
    return tuple({one.pattern: one for one in reversed(files)}.values())[::-1]
