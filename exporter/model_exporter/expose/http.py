"""The HTTP server of scrapers, probes and people."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from model_exporter.addresses import Address, listen
from model_exporter.errors import ModelExporterError
from model_exporter.expose import api, catalogue, page
from model_exporter.expose.cards import view_cards
from model_exporter.expose.explanation import UnknownError, explain, unknown
from model_exporter.expose.negotiate import accepts_gzip, choose_format
from model_exporter.expose.render import Renderer
from model_exporter.expose.scrape import Scrape
from model_exporter.expose.status import ServiceStatus
from model_exporter.expose.text import Format, clean
from model_exporter.expose.views import StatusView, view_model, view_status, why_not_ready
from model_exporter.ports import Clock, Show, Showing
from model_exporter.telemetry import Telemetry
from model_exporter.window.snapshot import ModelSnapshot, Snapshot

log = logging.getLogger(__name__)

MAX_AT_ONCE: Final = 40
"""Requests answered at once; more are told to come again. Probes are not among them."""
_WORKERS: Final = 2
"""Threads that write answers. The loop stays free for probes, and one slow answer does not hold up the others."""
_WIDTH_DIGITS: Final = 6
_PROBES: Final = frozenset({"/-/healthy", "/-/ready"})
_HEADERS: Final = {"Server": "model_exporter", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_T = TypeVar("_T")


class WebServer:
    """Serves metrics, pages, probes and the API, on a thread and a loop of its own.

    Args:
        address: `host:port`; port 0 lets the system choose.
        snapshot: the newest picture of all models, None before the first.
        telemetry: the exporter's own counts.
        status: what the service says of itself.
        reload: loads the configuration again; raises `ModelExporterError` when that fails.
        enable_lifecycle: whether `/-/reload` may be called.
        clock: unix seconds.
        show: told of each scrape.

    Raises:
        ValueError: `address` is none.
    """

    def __init__(
        self,
        address: str,
        *,
        snapshot: Callable[[], Snapshot | None],
        telemetry: Telemetry,
        status: Callable[[], ServiceStatus],
        reload: Callable[[], None],
        enable_lifecycle: bool,
        clock: Clock = time.time,
        show: Show | None = None,
    ) -> None:
        self._address = Address.parse(address)
        self._snapshot = snapshot
        self._telemetry = telemetry
        self._status = status
        self._reload = reload
        self._enable_lifecycle = enable_lifecycle
        self._clock = clock
        self._show = show
        self._renderer = Renderer()
        self._busy = 0
        self._reloading = asyncio.Lock()
        self._runner = web.AppRunner(self._application(), access_log=None)
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="web-worker")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)

    @property
    def address(self) -> str:
        """Where it listens; before the start, where it was asked to."""
        return str(self._address)

    def start(self) -> None:
        """Listen and serve.

        Raises:
            OSError: the address cannot be listened on.
        """
        listener, self._address = listen(self._address)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(listener), self._loop).result()

    def stop(self, grace_seconds: float) -> None:
        """Stop listening, finish the answers that `grace_seconds` suffice for, and end the thread."""
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(grace_seconds), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _open(self, listener: socket.socket) -> None:
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()

    async def _close(self, grace_seconds: float) -> None:
        for site in self._runner.sites:
            await site.stop()
        if server := self._runner.server:
            server.pre_shutdown()
            await server.shutdown(grace_seconds)
        await self._runner.cleanup()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[self._guard])
        application.add_routes(
            [
                web.get("/", self._page),
                web.get("/metrics", self._metrics),
                web.get("/-/healthy", self._healthy),
                web.get("/-/ready", self._ready),
                web.route("*", "/-/reload", self._reload_settings),
                web.get("/api/v1/status", self._api_status),
                web.get("/api/v1/models", self._api_models),
                web.get(r"/api/v1/models/{name:[\s\S]+}/explain", self._api_explain),
                web.get(r"/api/v1/models/{name:[\s\S]+}", self._api_model),
            ]
        )
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Bound the requests at once, and put the common headers on every answer."""
        if request.path in _PROBES:
            response = await self._answer(request, handler)
        elif self._busy >= MAX_AT_ONCE:
            response = _text("too many requests at once", status=503, headers={"Retry-After": "1"})
        else:
            self._busy += 1
            try:
                response = await self._answer(request, handler)
            finally:
                self._busy -= 1
        response.headers.update(_HEADERS)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer errors as their path's other answers are written."""
        headers: dict[str, str] = {}
        try:
            return await handler(request)
        except web.HTTPException as error:
            status, kind, message = error.status, "bad_request", error.reason
            if "Allow" in error.headers:
                headers["Allow"] = error.headers["Allow"]
            if isinstance(error, web.HTTPNotFound):
                kind = "not_found"
            if isinstance(error, web.HTTPNotFound | web.HTTPBadRequest):
                message = error.text or error.reason
        except Exception:  # the top of a server: one bad request must not take it down
            log.exception("a request failed", extra={"path": clean(request.path)})
            status, kind, message = 500, "internal", "internal error; the log tells more"
        if request.path.startswith("/api/"):
            return _json(api.failure(kind, message), status=status, headers=headers)
        return _text(message, status=status, headers=headers)

    async def _work(self, task: Callable[[], _T]) -> _T:
        return await self._loop.run_in_executor(self._workers, task)

    async def _metrics(self, request: web.Request) -> web.Response:
        chosen = choose_format(",".join(request.headers.getall("Accept", ())))
        gzip = accepts_gzip(",".join(request.headers.getall("Accept-Encoding", ())))
        is_read = request.method == "GET"  # HEAD gets no numbers
        body, showing = await self._work(lambda: self._scrape(chosen.form, gzip=gzip, is_read=is_read))
        headers = {"Content-Type": chosen.content_type, "Vary": "Accept, Accept-Encoding"}
        if gzip:
            headers["Content-Encoding"] = "gzip"
        return Scrape(body=body, headers=headers, showing=showing)

    def _scrape(self, form: Format, *, gzip: bool, is_read: bool) -> tuple[bytes, Showing | None]:
        """The body of a scrape, and who is told whether it was sent."""
        started = time.perf_counter()
        write = self._renderer.render_gzip if gzip else self._renderer.render
        snapshot = self._snapshot()
        body = write(snapshot, self._telemetry.read(), form)
        self._telemetry.set(catalogue.SCRAPE_DURATION.name, form.value, value=time.perf_counter() - started)
        return body, self._show(snapshot.number) if self._show and snapshot and is_read else None

    async def _page(self, _: web.Request) -> web.Response:
        headers = {"Content-Type": page.CONTENT_TYPE, "Content-Security-Policy": page.POLICY}
        return web.Response(body=await self._work(self._page_body), headers=headers)

    def _page_body(self) -> bytes:
        snapshot = self._snapshot()
        cards = view_cards(snapshot) if snapshot else ()
        return page.render_page(self._view(snapshot), cards, now=self._clock()).encode()

    def _view(self, snapshot: Snapshot | None) -> StatusView:
        return view_status(self._status(), self._telemetry.read(), snapshot)

    async def _healthy(self, _: web.Request) -> web.Response:
        return _text("model_exporter is healthy.")

    async def _ready(self, _: web.Request) -> web.Response:
        if reason := why_not_ready(self._status(), self._snapshot()):
            return _text(f"model_exporter is not ready: {reason}.", status=503)
        return _text("model_exporter is ready.")

    async def _reload_settings(self, request: web.Request) -> web.Response:
        if request.method not in {"POST", "PUT"}:
            raise web.HTTPMethodNotAllowed(request.method, ("POST", "PUT"))
        if not self._enable_lifecycle:
            return _text("Lifecycle API is not enabled. Start with --web.enable-lifecycle to allow it.", status=403)
        try:
            # One at a time: reloads that wait must not take the threads that scrapes need.
            async with self._reloading:
                await self._work(self._reload)
        except ModelExporterError as error:
            return _text(f"failed to reload the configuration: {error}", status=500)
        return _text("reloaded")

    async def _api_status(self, _: web.Request) -> web.Response:
        return _json(await self._work(lambda: api.success(self._view(self._snapshot()))))

    async def _api_models(self, _: web.Request) -> web.Response:
        return _json(await self._work(self._models_body))

    def _models_body(self) -> bytes:
        snapshot = self._snapshot()
        return api.success([view_model(model) for model in snapshot.models] if snapshot else [])

    async def _api_model(self, request: web.Request) -> web.Response:
        model, at = self._find(request.match_info["name"])
        return _json(await self._work(lambda: api.success(api.view_detail(model, at=at))))

    async def _api_explain(self, request: web.Request) -> web.Response:
        model, at = self._find(request.match_info["name"])
        asked = _Asked.read(request.query)

        def view() -> api.ExplanationView:
            told = explain(model, at=at, version=asked.version, feature=asked.feature)
            return api.view_explanation(told, width=asked.width, ascii_only=asked.ascii_only)

        try:
            told = await self._work(view)
        except UnknownError as error:
            raise web.HTTPNotFound(text=str(error)) from error
        return _text(told.text.rstrip("\n")) if asked.as_text else _json(api.success(told))

    def _find(self, name: str) -> tuple[ModelSnapshot, float]:
        """The model of that name, and the time of the snapshot."""
        snapshot = self._snapshot()
        models = {clean(model.name): model for model in snapshot.models} if snapshot else {}
        if snapshot is None or name not in models:
            raise web.HTTPNotFound(text=str(unknown("model", name, list(models), of="the exporter")))
        return models[name], snapshot.at


@dataclass(frozen=True, slots=True)
class _Asked:
    """What an explanation is asked for."""

    feature: str | None = None
    version: str | None = None
    as_text: bool = False
    width: int = 100
    ascii_only: bool = False

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "_Asked":
        """The parameters of a query; a mistyped one must not change the question in silence."""
        strange = sorted(set(query) - {"feature", "version", "format", "width", "ascii"})
        if strange:
            raise web.HTTPBadRequest(text=f"there is no parameter {strange[0]!r}")
        form, ascii_only = query.get("format", "json"), query.get("ascii", "false")
        width = query.get("width", "100")
        if form not in {"json", "text"}:
            raise web.HTTPBadRequest(text=f"format is json or text, not {form!r}")
        if ascii_only not in {"true", "false"}:
            raise web.HTTPBadRequest(text=f"ascii is true or false, not {ascii_only!r}")
        if not (width.isascii() and width.isdigit() and len(width) <= _WIDTH_DIGITS):
            raise web.HTTPBadRequest(text=f"width is a number of columns, not {width!r}")
        return cls(
            feature=query.get("feature"),
            version=query.get("version"),
            as_text=form == "text",
            width=int(width),
            ascii_only=ascii_only == "true",
        )


def _text(text: str, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=f"{clean(text)}\n".encode(), status=status, headers=_typed("text/plain", headers))


def _json(body: bytes, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=body, status=status, headers=_typed("application/json", headers))


def _typed(media: str, headers: dict[str, str] | None) -> dict[str, str]:
    return {"Content-Type": f"{media}; charset=utf-8", **(headers or {})}
