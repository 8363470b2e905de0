from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import unquote

import numpy as np
import pytest

import snapshots
from model_exporter.expose.page import POLICY, render_page
from model_exporter.expose.status import ServiceStatus
from model_exporter.expose.text import clean
from model_exporter.expose.views import view_model, view_status
from model_exporter.telemetry import Telemetry
from model_exporter.window.snapshot import ModelSnapshot, Snapshot

STATUS = ServiceStatus(
    version="0.1.0",
    started_at=snapshots.AT - 7200,
    config_file="/etc/<config>.yml",
    doors=(("OTLP/gRPC", "127.0.0.1:4317"), ("OTLP/HTTP", "127.0.0.1:4318")),
    ready=True,
)
VOID = {"meta"}


class Reader(HTMLParser):
    """Collects the text, the elements and the links of a page, and checks that elements are closed in order."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.elements: set[str] = set()
        self.links: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close the innermost element."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text.append(data)


def read(snapshot: Snapshot | None, *, status: ServiceStatus = STATUS, telemetry: Telemetry | None = None) -> Reader:
    """The page of `snapshot`, read back."""
    models = [view_model(model) for model in snapshot.models] if snapshot else []
    view = view_status(status, (telemetry or Telemetry()).read(), snapshot)
    reader = Reader()
    reader.feed(render_page(view, models, now=snapshots.AT + 1))
    reader.close()
    assert reader.open == []
    return reader


def test_hostile_names_are_text() -> None:
    """A name with markup, quotes and surrogates adds no element and reads back as it is."""
    plain = read(snapshots.snapshot(snapshots.fraud_model()))
    hostile = snapshots.model(
        "</h3><script>alert(1)</script>", (snapshots.numeric('"><img src=x onerror=y>'),), versions=(snapshots.HOSTILE,)
    )
    page = read(snapshots.snapshot(hostile))
    assert page.elements <= plain.elements
    assert "</h3><script>alert(1)</script>" in page.text
    assert '"><img src=x onerror=y>' in page.text
    assert clean(snapshots.HOSTILE) in page.text


def test_hostile_configuration_is_text() -> None:
    """Paths and reasons are escaped like names."""
    page = read(None, status=replace(STATUS, ready=False, reason="<b>starting</b>"))
    assert "/etc/<config>.yml" in page.text
    assert "not ready: <b>starting</b>" in page.text
    assert "b" not in page.elements


def test_links_stay_on_this_server_and_find_their_model() -> None:
    """Each link is a path of the server; a model's name is quoted whole into its own."""
    page = read(snapshots.full_snapshot())
    assert {"/metrics", "/api/v1/status", "/api/v1/models", "/-/healthy", "/-/ready"} <= set(page.links)
    names = [unquote(link.removeprefix("/api/v1/models/")) for link in page.links if link.count("/") > 3]
    assert names == ["fraud", "churn", "ranker", clean(snapshots.HOSTILE)]
    assert all(link.startswith("/") and not link.startswith("//") for link in page.links)


def test_nothing_runs_and_nothing_is_loaded() -> None:
    """There is no script, image or style sheet, and the one style on the page is the one the policy allows."""
    snapshot = snapshots.full_snapshot()
    page = read(snapshot)
    assert not page.elements & {"script", "img", "link", "iframe", "object", "form"}
    html = render_page(view_status(STATUS, Telemetry().read(), snapshot), [], now=snapshots.AT)
    style = html.partition("<style>")[2].partition("</style>")[0]
    assert f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in POLICY
    assert " style=" not in html


def test_a_person_sees_the_service() -> None:
    """Version, doors, series and their limit, models and what to look at are on the page."""
    telemetry = Telemetry()
    telemetry.count("model_exporter_limit_hits_total", "series", amount=7)
    text = "|".join(read(snapshots.full_snapshot(), telemetry=telemetry).text)
    for told in ("0.1.0", "127.0.0.1:4318", "1,234", "of 200,000", "2 h ago", "The limit series turned away 7 rows"):
        assert told in text


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (snapshots.fraud_model(), ["ready", "classification, owned by payments-ml", "10,000 rows", "4 s ago", "age"]),
        (snapshots.learning_model(), ["learning", "2,500 of 10,000 rows, 30 min of 60 min"]),
        (snapshots.waiting_model(), ["waiting", "never", "ranking, owned by search"]),
    ],
)
def test_a_person_sees_where_a_model_stands(model: ModelSnapshot, told: list[str]) -> None:
    """State, sample sizes, progress and the features furthest from the baseline."""
    text = "|".join(read(snapshots.snapshot(model)).text)
    assert [word for word in told if word not in text] == []


def test_features_come_with_their_distances_and_their_rows() -> None:
    """The worst feature has its PSI and the rows behind it; a distance that does not exist is no number."""
    model = snapshots.model("m", (snapshots.categorical("country", ("DE",)),))
    version = model.versions[0]
    hour = replace(version.windows[1], psi=np.array([0.4321]), ks_distance=np.array([np.nan]))
    hour = replace(hour, observations=np.array([4567]))
    windows = (version.windows[0], hour, version.windows[2])
    page = read(snapshots.snapshot(replace(model, versions=(replace(version, windows=windows),))))
    place = page.text.index("0.432")
    assert page.text[place - 2 : place] == ["1h", "4,567"]
    assert "n/a" in page.text


def test_before_any_model_the_page_says_where_to_send() -> None:
    """An empty page is an instruction with the addresses in it."""
    text = "".join(read(snapshots.snapshot()).text)
    assert "Send prediction logs or traces to OTLP/gRPC at 127.0.0.1:4317 or OTLP/HTTP at 127.0.0.1:4318." in text


def test_before_the_first_snapshot_there_are_no_numbers() -> None:
    """Models and series are not zero but unknown."""
    text = read(None).text
    assert "Series" not in text
    assert "not ready: no snapshot has been taken yet" in text
