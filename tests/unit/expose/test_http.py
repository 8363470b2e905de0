import gzip
import http.client
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from urllib.parse import quote

import pytest

import snapshots
from model_exporter.errors import ConfigError, ModelExporterError
from model_exporter.expose import ServiceStatus, WebServer
from model_exporter.expose import http as web_http
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format, clean
from model_exporter.telemetry import Telemetry, TelemetrySnapshot
from model_exporter.window.snapshot import Snapshot

TIMEOUT = 20.0
STATUS = ServiceStatus(
    version="0.1.0",
    started_at=snapshots.AT - 600,
    config_file="",
    doors=(("OTLP/gRPC", "127.0.0.1:4317"),),
    ready=True,
)


@dataclass
class Service:
    """What a web server asks for, with a failure or a pause on demand."""

    snapshot: Snapshot | None = field(default_factory=snapshots.full_snapshot)
    status: ServiceStatus = STATUS
    telemetry: Telemetry = field(default_factory=Telemetry)
    lifecycle: bool = True
    reload_error: Exception | None = None
    reloads: int = 0
    held: threading.Event | None = None
    tells: bool = True
    shown: list[object] = field(default_factory=list)
    waiting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def read(self) -> Snapshot | None:
        """The snapshot, once nobody holds it back."""
        if self.held and threading.current_thread().name.startswith("web-worker"):
            self.waiting.release()
            assert self.held.wait(TIMEOUT)
        return self.snapshot

    def show(self, picture: int) -> "Shown":
        """Remember what becomes of the scrape."""
        self.shown.append(picture)
        return Shown(self.shown)

    def reload(self) -> None:
        """Count, and fail when told to."""
        self.reloads += 1
        if self.reload_error:
            raise self.reload_error


@dataclass(frozen=True)
class Shown:
    """What becomes of one scrape."""

    told: list[object]

    def sending(self) -> None:
        """Its last byte goes out."""
        self.told.append("sending")

    def sent(self) -> None:
        """It went out."""
        self.told.append("sent")

    def failed(self) -> None:
        """It did not."""
        self.told.append("failed")


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@contextmanager
def serving(service: Service) -> Iterator[WebServer]:
    """A server on a free port of the loopback."""
    server = WebServer(
        "127.0.0.1:0",
        snapshot=service.read,
        telemetry=service.telemetry,
        status=lambda: service.status,
        reload=service.reload,
        enable_lifecycle=service.lifecycle,
        clock=lambda: snapshots.AT,
        show=service.show if service.tells else None,
    )
    server.start()
    try:
        yield server
    finally:
        if service.held:
            service.held.set()
        server.stop(5.0)


def ask(server: WebServer, path: str, method: str = "GET", **headers: str) -> Reply:
    """Send one request; underscores in names of headers stand for hyphens."""
    host, _, port = server.address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read())
    finally:
        connection.close()


def test_metrics_are_text_unless_asked_otherwise() -> None:
    """Without an Accept header the answer is the text format with its exact content type, not compressed."""
    with serving(Service()) as server:
        reply = ask(server, "/metrics")
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "Content-Encoding" not in reply.headers
    assert b'model_outcomes_total{model="fraud"} 41\n' in reply.body
    assert b"\nmodel_exporter_build_info{" in reply.body


def test_metrics_are_openmetrics_and_compressed_when_asked() -> None:
    """What Prometheus sends by default gets OpenMetrics in gzip, and caches are told what the answer depends on."""
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    with serving(Service()) as server:
        reply = ask(server, "/metrics", Accept=accept, Accept_Encoding="gzip")
    assert reply.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert reply.headers["Content-Encoding"] == "gzip"
    assert reply.headers["Vary"] == "Accept, Accept-Encoding"
    assert gzip.decompress(reply.body).endswith(b"\n# EOF\n")


@pytest.mark.parametrize("tells", [True, False])
def test_a_large_scrape_arrives_whole(tells: bool) -> None:  # noqa: FBT001  # a case
    """More than the system takes at once comes in full, twice on one connection, whether or not its end is told."""
    picture = snapshots.large_snapshot(3)
    nothing = TelemetrySnapshot({}, {})
    written = Renderer(process=lambda: None).render(picture, nothing, Format.TEXT)
    models = written[: written.index(b"# HELP model_exporter_")]
    assert len(models) > 1_000_000
    with serving(Service(snapshot=picture, tells=tells)) as server:
        host, _, port = server.address.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT)
        for _ in range(2):
            connection.request("GET", "/metrics")
            body = connection.getresponse().read()
            assert body.startswith(models)
            assert body.endswith(b"\n")
            assert b"\nprocess_start_time_seconds " in body[len(models) :]
        connection.close()


def test_a_scrape_before_the_first_snapshot_tells_of_the_exporter_alone() -> None:
    """There is something to scrape from the first moment on, and nothing is invented about models."""
    with serving(Service(snapshot=None)) as server:
        body = ask(server, "/metrics").body.decode()
    assert "model_exporter_build_info" in body
    assert "model_predictions_total" not in body


def test_a_scrape_tells_what_the_one_before_cost() -> None:
    """The time that writing took is exposed by format."""
    with serving(Service()) as server:
        first, second = (ask(server, "/metrics").body.decode() for _ in range(2))
    assert "model_exporter_scrape_duration_seconds{" not in first
    assert 'model_exporter_scrape_duration_seconds{format="text"} 0.' in second


def test_probes_answer_while_a_scrape_is_being_written() -> None:
    """Health and readiness do not wait for a slow scrape."""
    service = Service(held=threading.Event())
    with serving(service) as server:
        slow = threading.Thread(target=ask, args=(server, "/metrics"))
        slow.start()
        assert service.waiting.acquire(timeout=TIMEOUT)
        assert ask(server, "/-/healthy").status == 200
        assert ask(server, "/-/ready").status == 200
        assert service.held
        service.held.set()
        slow.join(TIMEOUT)


def test_too_many_at_once_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound a request gets 503 with a hint at once, and a probe still gets its answer."""
    monkeypatch.setattr(web_http, "MAX_AT_ONCE", 1)
    service = Service(held=threading.Event())
    with serving(service) as server:
        slow = threading.Thread(target=ask, args=(server, "/metrics"))
        slow.start()
        assert service.waiting.acquire(timeout=TIMEOUT)
        refused = ask(server, "/metrics")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert ask(server, "/-/healthy").status == 200
        assert service.held
        service.held.set()
        slow.join(TIMEOUT)
        assert ask(server, "/metrics").status == 200


@pytest.mark.parametrize(
    ("service", "status", "told"),
    [
        (Service(), 200, "model_exporter is ready.\n"),
        (Service(snapshot=None), 503, "model_exporter is not ready: no snapshot has been taken yet.\n"),
        (
            Service(status=replace(STATUS, ready=False, reason="starting")),
            503,
            "model_exporter is not ready: starting.\n",
        ),
    ],
)
def test_readiness_needs_doors_and_a_snapshot(service: Service, status: int, told: str) -> None:
    """Until both are there a probe gets 503 and the reason; health is 200 all the while."""
    with serving(service) as server:
        reply = ask(server, "/-/ready")
        assert (reply.status, reply.body.decode()) == (status, told)
        assert ask(server, "/-/healthy").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_reload_is_done_when_allowed(method: str) -> None:
    """POST and PUT load the configuration again."""
    service = Service()
    with serving(service) as server:
        assert ask(server, "/-/reload", method).status == 200
    assert service.reloads == 1


def test_reload_is_forbidden_unless_enabled() -> None:
    """Without the flag nothing is reloaded and the answer names the flag."""
    service = Service(lifecycle=False)
    with serving(service) as server:
        reply = ask(server, "/-/reload", "POST")
    assert reply.status == 403
    assert b"--web.enable-lifecycle" in reply.body
    assert service.reloads == 0


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_reload_by_another_method_is_refused(method: str) -> None:
    """A link or a crawler reloads nothing."""
    service = Service()
    with serving(service) as server:
        reply = ask(server, "/-/reload", method)
    assert (reply.status, reply.headers["Allow"], service.reloads) == (405, "POST,PUT", 0)


@pytest.mark.parametrize(
    "error",
    [
        ConfigError(file="m.yml", path="models.fraud.tier", problem="'one' is no number", remedy="Write 1"),
        ModelExporterError("the writer was too busy"),
    ],
)
def test_a_failed_reload_says_why(error: ModelExporterError) -> None:
    """The answer is 500 with the mistake in full."""
    with serving(Service(reload_error=error)) as server:
        reply = ask(server, "/-/reload", "POST")
    assert reply.status == 500
    assert reply.body.decode() == f"failed to reload the configuration: {error}\n"


def test_a_bug_is_answered_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An unexpected error is 500 without its details, stands in the log with its stack, and the server goes on."""
    with serving(Service(reload_error=RuntimeError("secret"))) as server:
        reply = ask(server, "/-/reload", "POST")
        assert ask(server, "/metrics").status == 200
    assert reply.status == 500
    assert b"secret" not in reply.body
    assert "secret" in caplog.text


def test_status_as_json() -> None:
    """The envelope is that of Prometheus's API; doors, readiness and warnings are in it."""
    service = Service()
    service.telemetry.count("model_exporter_limit_hits_total", "series", amount=7)
    with serving(service) as server:
        reply = ask(server, "/api/v1/status")
    assert reply.headers["Content-Type"] == "application/json; charset=utf-8"
    answer = json.loads(reply.body)
    assert answer["status"] == "success"
    assert answer["data"]["ready"] is True
    assert answer["data"]["doors"] == {"OTLP/gRPC": "127.0.0.1:4317"}
    assert answer["data"]["warnings"] == ["The limit series turned away 7 rows or values."]


def test_models_as_json() -> None:
    """The list has every model by name."""
    with serving(Service()) as server:
        answer = json.loads(ask(server, "/api/v1/models").body)
    assert [model["name"] for model in answer["data"]] == ["fraud", "churn", "ranker", clean(snapshots.HOSTILE)]


@pytest.mark.parametrize("name", ["fraud", "a/b", "a%2Fb", "..", "a b?c#d", "ünï☃", clean(snapshots.HOSTILE)])
def test_any_model_can_be_asked_for_by_its_name(name: str) -> None:
    """A name finds its model whatever characters it has, quoted as the page quotes it."""
    snapshot = snapshots.snapshot(snapshots.fraud_model(name))
    with serving(Service(snapshot=snapshot)) as server:
        reply = ask(server, f"/api/v1/models/{quote(name, safe='')}")
    assert reply.status == 200, reply.body
    assert json.loads(reply.body)["data"]["summary"]["name"] == name


def test_an_unknown_model_is_not_found() -> None:
    """The error has the envelope of Prometheus's API."""
    with serving(Service()) as server:
        reply = ask(server, "/api/v1/models/nobody")
    assert reply.status == 404
    error = f"the exporter has no model 'nobody'. The models are fraud, churn, ranker, {clean(snapshots.HOSTILE)}"
    assert json.loads(reply.body) == {"status": "error", "errorType": "not_found", "error": error}


def test_before_the_first_snapshot_no_model_is_known() -> None:
    """The answer is that there is none, not an error of the server."""
    with serving(Service(snapshot=None)) as server:
        reply = ask(server, "/api/v1/models/fraud")
    assert (reply.status, b"The models are none" in reply.body) == (404, True)


@pytest.mark.parametrize("name", ["fraud", "a/b", "a/explain", "explain", "..", clean(snapshots.HOSTILE)])
def test_any_model_can_be_explained_by_its_name(name: str) -> None:
    """A name finds its model, even one that ends as the path does, and an explanation is text and its parts."""
    snapshot = snapshots.snapshot(snapshots.fraud_model(name))
    path = f"/api/v1/models/{quote(name, safe='')}"
    with serving(Service(snapshot=snapshot)) as server:
        detail, reply = ask(server, path), ask(server, f"{path}/explain?feature=age&version=1.4.1&width=80&ascii=true")
    assert json.loads(detail.body)["data"]["summary"]["name"] == name
    told = json.loads(reply.body)["data"]
    assert told["explanation"]["model"] == name
    assert (told["explanation"]["version"], told["explanation"]["features"][0]["feature"]["feature"]) == (
        "1.4.1",
        "age",
    )
    assert max(map(len, told["text"].splitlines())) <= 80


def test_an_explanation_can_be_had_as_plain_text() -> None:
    """What the page links to reads well in a browser and on a terminal."""
    with serving(Service()) as server:
        reply = ask(server, "/api/v1/models/fraud/explain?format=text")
        told = json.loads(ask(server, "/api/v1/models/fraud/explain").body)["data"]["text"]
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert reply.body.decode() == told


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ("feature=nope", 404, "model fraud has no feature 'nope'"),
        ("version=9", 404, "model fraud has no version '9'"),
        ("featur=age", 400, "there is no parameter 'featur'"),
        ("width=wide", 400, "width is a number of columns, not 'wide'"),
        ("width=-1", 400, "width is a number of columns"),
        ("width=99999999999999999999", 400, "width is a number of columns"),
        ("ascii=1", 400, "ascii is true or false, not '1'"),
        ("format=xml", 400, "format is json or text, not 'xml'"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(query: str, status: int, told: str) -> None:
    """A mistyped question is not answered as if it were another one."""
    with serving(Service()) as server:
        reply = ask(server, f"/api/v1/models/fraud/explain?{query}")
    assert reply.status == status
    assert told in json.loads(reply.body)["error"]


@pytest.mark.parametrize(("path", "media"), [("/nothing", "text/plain"), ("/api/v1/nothing", "application/json")])
def test_an_unknown_path_is_not_found(path: str, media: str) -> None:
    """The API answers errors in JSON, all else in text."""
    with serving(Service()) as server:
        reply = ask(server, path)
    assert reply.status == 404
    assert reply.headers["Content-Type"] == f"{media}; charset=utf-8"


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    """Its policy allows its own style alone, and no answer lets a browser guess its type."""
    with serving(Service()) as server:
        reply = ask(server, "/")
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert b"<h1>model_exporter</h1>" in reply.body


def test_head_has_the_headers_without_the_body() -> None:
    """A probe that asks with HEAD is answered."""
    with serving(Service()) as server:
        reply = ask(server, "/metrics", "HEAD")
    assert (reply.status, reply.body) == (200, b"")


def test_a_taken_address_is_an_error_that_names_it() -> None:
    """Two servers cannot share a port, and the second one can still be stopped."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        service = Service()
        server = WebServer(
            address,
            snapshot=service.read,
            telemetry=service.telemetry,
            status=lambda: STATUS,
            reload=service.reload,
            enable_lifecycle=False,
        )
        with pytest.raises(OSError, match=address):
            server.start()
        server.stop(1.0)


def test_stop_ends_the_thread_and_frees_the_port() -> None:
    """After the stop nothing listens, and stopping again does no harm."""
    with serving(Service()) as server:
        host, _, port = server.address.rpartition(":")
        assert ask(server, "/-/healthy").status == 200
    server.stop(0.0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)), timeout=TIMEOUT)
    assert not server._thread.is_alive()


def test_stop_waits_for_an_answer_that_has_begun() -> None:
    """A scrape that is being written when the exporter stops is still answered."""
    service = Service(held=threading.Event())
    replies: list[Reply] = []
    with serving(service) as server:
        slow = threading.Thread(target=lambda: replies.append(ask(server, "/metrics")))
        slow.start()
        assert service.waiting.acquire(timeout=TIMEOUT)
        assert service.held
        threading.Timer(0.1, service.held.set).start()
        server.stop(TIMEOUT)
        slow.join(TIMEOUT)
    assert [reply.status for reply in replies] == [200]


@pytest.mark.parametrize("headers", [{}, {"Accept_Encoding": "gzip"}])
def test_who_wants_to_know_is_told_of_each_scrape(headers: dict[str, str]) -> None:
    """Which picture it carries, and when its last byte goes out; what else is read carries no counts."""
    service = Service(snapshot=replace(snapshots.full_snapshot(), number=7))
    with serving(service) as server:
        assert len(ask(server, "/metrics", **headers).body) > 1000
        ask(server, "/metrics", "HEAD")
        ask(server, "/")
        ask(server, "/api/v1/models")
    assert service.shown == [7, "sending", "sent"]


def test_a_scraper_that_hangs_up_has_seen_nothing() -> None:
    """The last byte waits until the others are gone, so that half a scrape does not count."""
    service = Service(snapshot=replace(snapshots.full_snapshot(), number=7))
    with serving(service) as server:
        host, _, port = server.address.rpartition(":")
        scraper = socket.socket()
        scraper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        scraper.connect((host, int(port)))
        # Many at once, of which none is read: the system's buffers are full before the last one is sent.
        scraper.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 400)
        scraper.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        while not service.shown:
            assert ask(server, "/-/healthy").status == 200
        scraper.close()
    assert service.shown.count("failed") >= 1
    assert service.shown.count("sent") < service.shown.count(7)
