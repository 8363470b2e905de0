"""Where notifications end up in tests: Slack, PagerDuty, webhooks and a mail server on free loopback ports."""

import json
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from model_exporter.demo.processes import HOST


@dataclass(frozen=True, slots=True)
class SlackMessage:
    """A message of an incoming webhook; `name` is what stood after `/slack/`."""

    name: str
    channel: str
    title: str
    title_link: str
    text: str
    color: str
    footer: str


@dataclass(frozen=True, slots=True)
class PagerDutyEvent:
    """An event of the Events API v2."""

    routing_key: str
    action: str
    dedup_key: str
    summary: str
    severity: str
    component: str
    class_: str
    group: str
    details: Mapping[str, str]
    links: Mapping[str, str]
    client_url: str


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """Alertmanager's JSON; `name` is what stood after `/webhook/`."""

    name: str
    authorization: str
    body: Mapping[str, Any]  # Any: it is JSON

    @property
    def status(self) -> str:
        """`firing` or `resolved`."""
        return str(self.body["status"])

    @property
    def alerts(self) -> list[Mapping[str, Any]]:  # Any: the same
        """The alerts of the group."""
        return list(self.body["alerts"])


@dataclass(frozen=True, slots=True)
class JiraIssue:
    """An issue that was created; none is ever found again."""

    project: str
    issue_type: str
    summary: str
    description: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail; `html` and `text` are its two forms."""

    to: tuple[str, ...]
    subject: str
    html: str
    text: str


@dataclass
class AlertSink:
    """What has arrived so far, in order. Threads only append."""

    http_port: int
    smtp_port: int
    slack: list[SlackMessage] = field(default_factory=list)
    pagerduty: list[PagerDutyEvent] = field(default_factory=list)
    webhooks: list[WebhookCall] = field(default_factory=list)
    jira: list[JiraIssue] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)

    @property
    def pagerduty_url(self) -> str:
        """For `pagerduty_url` in Alertmanager's `global`."""
        return f"http://{HOST}:{self.http_port}/pagerduty"

    @property
    def jira_url(self) -> str:
        """For `api_url` of Jira."""
        return f"http://{HOST}:{self.http_port}/rest/api/2"

    @property
    def smarthost(self) -> str:
        """For `smtp_smarthost`, with `smtp_require_tls: false`."""
        return f"{HOST}:{self.smtp_port}"

    @property
    def count(self) -> int:
        """Notifications of all kinds."""
        return len(self.slack) + len(self.pagerduty) + len(self.webhooks) + len(self.jira) + len(self.mails)

    def slack_url(self, name: str) -> str:
        """The address of an incoming webhook."""
        return f"http://{HOST}:{self.http_port}/slack/{name}"

    def webhook_url(self, name: str) -> str:
        """The address of a webhook."""
        return f"http://{HOST}:{self.http_port}/webhook/{name}"

    def secret(self, folder: Path, name: str, content: str) -> Path:
        """A file below `folder` that holds `content`, as Alertmanager reads secrets."""
        path = folder / name
        path.write_text(content + "\n", "utf-8")
        return path


@contextmanager
def alert_sink() -> Iterator[AlertSink]:
    """A sink that listens until the block is left."""
    with _Http((HOST, 0), _HttpHandler) as http, _Smtp((HOST, 0), _SmtpHandler) as smtp:
        sink = AlertSink(http_port=http.server_address[1], smtp_port=smtp.server_address[1])
        http.sink = smtp.sink = sink
        threads = [threading.Thread(target=server.serve_forever, args=(0.05,)) for server in (http, smtp)]
        for thread in threads:
            thread.start()
        try:
            yield sink
        finally:
            for server in (http, smtp):
                server.shutdown()
            for thread in threads:
                thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    sink: AlertSink


class _Smtp(socketserver.ThreadingTCPServer):
    daemon_threads = True
    sink: AlertSink


class _HttpHandler(BaseHTTPRequestHandler):
    """Takes whatever is posted."""

    server: _Http

    def do_POST(self) -> None:
        """Record the body by where it was posted."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, _, name = self.path.strip("/").partition("/")
        sink, status, reply = self.server.sink, 200, b"ok"
        if kind == "slack":
            sink.slack.append(_slack(name, body))
        elif kind == "pagerduty":
            sink.pagerduty.append(_pagerduty(body))
            status = 202
        elif name == "api/2/search":
            reply = b'{"issues": []}'
        elif kind == "rest":
            sink.jira.append(_jira(body["fields"]))
            status, reply = 201, b'{"key": "X-1"}'
        else:
            sink.webhooks.append(WebhookCall(name, self.headers.get("Authorization", ""), body))
        self.send_response(status)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Say nothing."""


class _SmtpHandler(socketserver.StreamRequestHandler):
    """As much of a mail server as a client needs that does not insist on TLS."""

    server: _Smtp

    def handle(self) -> None:
        """One conversation."""
        to: list[str] = []
        self._say("220 sink")
        while line := self.rfile.readline().decode("utf-8", "replace").strip():
            command = line.upper()
            if command.startswith("RCPT TO:"):
                to.append(line.partition("<")[2].partition(">")[0])
            if command == "DATA":
                self._say("354 go on")
                self.server.sink.mails.append(_mail(tuple(to), self._data()))
            self._say("221 bye" if command == "QUIT" else "250 ok")
            if command == "QUIT":
                break

    def _data(self) -> bytes:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


def _slack(name: str, body: Mapping[str, Any]) -> SlackMessage:  # Any: it is JSON
    (attachment,) = body["attachments"]
    told = {key: str(attachment.get(key, "")) for key in ("title", "title_link", "text", "color", "footer")}
    return SlackMessage(name=name, channel=str(body.get("channel", "")), **told)


def _pagerduty(body: Mapping[str, Any]) -> PagerDutyEvent:  # Any: it is JSON
    payload = body["payload"]
    return PagerDutyEvent(
        routing_key=body["routing_key"],
        action=body["event_action"],
        dedup_key=body["dedup_key"],
        summary=payload["summary"],
        severity=payload["severity"],
        component=payload.get("component", ""),
        class_=payload.get("class", ""),
        group=payload.get("group", ""),
        details=payload.get("custom_details", {}),
        links={link["text"]: link["href"] for link in body.get("links") or []},
        client_url=body.get("client_url", ""),
    )


def _jira(fields: Mapping[str, Any]) -> JiraIssue:  # Any: it is JSON
    return JiraIssue(
        project=fields["project"]["key"],
        issue_type=fields["issuetype"]["name"],
        summary=fields["summary"],
        description=fields["description"],
        labels=tuple(fields["labels"]),
    )


def _mail(to: tuple[str, ...], data: bytes) -> Mail:
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    forms = {kind: message.get_body((kind,)) for kind in ("html", "plain")}
    html, text = (str(form.get_content()) if form else "" for form in forms.values())
    return Mail(to=to, subject=str(message["Subject"]), html=html, text=text)
