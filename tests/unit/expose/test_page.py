import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest

import snapshots
from model_exporter.expose.cards import view_cards
from model_exporter.expose.page import POLICY, render_page
from model_exporter.expose.status import ServiceStatus
from model_exporter.expose.text import clean
from model_exporter.expose.views import view_status
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
    cards = view_cards(snapshot) if snapshot else ()
    view = view_status(status, (telemetry or Telemetry()).read(), snapshot)
    reader = Reader()
    reader.feed(render_page(view, cards, now=snapshots.AT + 1))
    reader.close()
    assert reader.open == []
    return reader


def test_hostile_names_are_text() -> None:
    """A name with markup, quotes and surrogates adds no element and reads back as it is."""
    plain = read(snapshots.snapshot(snapshots.fraud_model()))
    hostile = snapshots.model(
        "</h3><script>alert(1)</script>",
        (snapshots.numeric('"><img src=x onerror=y>'), snapshots.categorical("c", ("<b>bold</b>",))),
        versions=(snapshots.HOSTILE,),
        named=(0, 1),
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
    """Each link is a path of the server; names are quoted whole into it."""
    page = read(snapshots.full_snapshot())
    assert {"/metrics", "/api/v1/status", "/api/v1/models", "/-/healthy", "/-/ready"} <= set(page.links)
    of_models = [link.removeprefix("/api/v1/models/") for link in page.links if link.count("/") > 3]
    names = [unquote(link) for link in of_models if "/" not in link]
    assert names == ["fraud", clean(snapshots.HOSTILE), "churn", "ranker"]
    asked = [urlsplit(link) for link in of_models if "/" in link]
    assert {unquote(parts.path.partition("/")[0]) for parts in asked} == {"fraud", clean(snapshots.HOSTILE)}
    features = {feature for parts in asked for feature in parse_qs(parts.query).get("feature", ())}
    assert {"amount", clean(snapshots.HOSTILE)} <= features
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
        (snapshots.fraud_model(), ["page", "classification, owned by payments-ml", "10,000 rows", "4 s ago", "amount"]),
        (snapshots.model("m", (snapshots.numeric("x"), snapshots.boolean("b"))), ["ok", "Features"]),
        (snapshots.learning_model(), ["learning", "2,500 of 10,000 rows, 30 min of 60 min"]),
        (snapshots.waiting_model(), ["waiting", "never", "ranking, owned by search"]),
    ],
)
def test_a_person_sees_where_a_model_stands(model: ModelSnapshot, told: list[str]) -> None:
    """Alarm or state, sample sizes, progress and the features with the strongest evidence."""
    text = "|".join(read(snapshots.snapshot(model)).text)
    assert [word for word in told if word not in text] == []


def test_alarms_come_first_and_are_counted() -> None:
    """The models with the gravest alarms stand on top."""
    quiet = replace(snapshots.model("quiet", (snapshots.boolean("b"),)), truth=None)
    ticket = snapshots.model("ticketed", (snapshots.boolean("b"), snapshots.boolean("c")), named=(0,))
    version = ticket.versions[0]
    calm = replace(version.drift[0], detected=False, feature_detected=np.zeros(2, np.bool_))
    ticket = replace(ticket, versions=(replace(version, drift=(calm, version.drift[1]), pair_drift=()),), truth=None)
    page = read(snapshots.snapshot(quiet, snapshots.waiting_model(), ticket, snapshots.fraud_model()))
    assert [name for name in page.text if name in {"quiet", "ranker", "ticketed", "fraud"}] == [
        "fraud",
        "ticketed",
        "quiet",
        "ranker",
    ]
    assert {"1 page", "1 ticket"} <= set(page.text)


def test_an_alarm_on_performance_counts_like_one_on_drift() -> None:
    """A model without drift whose outcomes have become worse is not shown as well."""
    quiet = snapshots.model("quiet", (snapshots.boolean("b"),))
    calm = read(snapshots.snapshot(replace(quiet, truth=None)))
    worse = read(snapshots.snapshot(quiet))
    assert "none" in calm.text
    assert "1 ticket" in worse.text
    assert "worse accuracy" in worse.text


def test_an_alarm_tells_what_drifted_and_since_when() -> None:
    """The names, the evidence and the estimate of the beginning stand beside the level."""
    text = "".join(read(snapshots.snapshot(snapshots.fraud_model())).text)
    assert re.search(r"page\+\d+\.\ddrift of (amount, country|country, amount), began 21 min ago", text)


def test_changed_dependence_and_unusual_signals_are_told() -> None:
    """They have lines of their own beside the levels, while there is something to tell."""
    text = "".join(read(snapshots.snapshot(snapshots.fraud_model())).text)
    assert "+2.5changed dependence of amount with prediction" in text
    assert re.search(r"signals\+0\.7unusual: .*(up|down)", text)
    quiet = "".join(read(snapshots.snapshot(snapshots.model("m", (snapshots.boolean("b"),)))).text)
    assert "dependence" not in quiet
    assert "signals" not in quiet


def test_another_versions_alarm_is_told() -> None:
    """A version that no longer leads is not forgotten while its alarm is on."""
    model = snapshots.fraud_model()
    ahead = replace(model.versions[1], active=True, first_seen=model.versions[0].first_seen + 1)
    text = "|".join(read(snapshots.snapshot(replace(model, versions=(model.versions[0], ahead)))).text)
    assert "also|version |1.4.2|page" in text


def test_features_come_with_evidence_rows_and_a_picture() -> None:
    """A feature has its evidence at both levels, the rows behind it, and baseline and window drawn."""
    model = snapshots.model("m", (snapshots.categorical("country", ("DE",)), snapshots.boolean("b")), named=(0,))
    version = model.versions[0]
    windows = tuple(replace(w, psi=np.full(2, 0.4321), observations=np.array([4567, 9])) for w in version.windows)
    page = read(snapshots.snapshot(replace(model, versions=(replace(version, windows=windows),))))
    place = page.text.index("0.432")
    assert page.text[place - 2 : place] == ["5m", "4,567"]
    assert {"svg", "path"} <= page.elements


def test_a_distance_that_does_not_exist_is_no_number() -> None:
    """Too few rows have a picture and no index."""
    model = snapshots.model("m", (snapshots.numeric("x"), snapshots.boolean("b")), named=(0,), distances=False)
    assert "n/a" in read(snapshots.snapshot(model)).text


@pytest.mark.parametrize(("psi", "observations", "hot"), [(0.2, 5000, True), (0.02, 5000, False), (0.2, 120, False)])
def test_an_index_is_coloured_only_when_it_means_something(psi: float, observations: int, *, hot: bool) -> None:
    """It takes enough rows, and more than chance and the tolerance explain."""
    model = snapshots.model("m", (snapshots.numeric("x"), snapshots.boolean("b")), named=(0,))
    version = model.versions[0]
    counts = np.zeros_like(version.windows[0].bins)
    counts[1:17] = observations // 16
    windows = tuple(
        replace(w, bins=counts, psi=np.full(2, psi), psi_threshold=np.full(2, 0.05)) for w in version.windows
    )
    snapshot = snapshots.snapshot(replace(model, versions=(replace(version, windows=windows),)))
    html = render_page(view_status(STATUS, Telemetry().read(), snapshot), view_cards(snapshot), now=snapshots.AT)
    assert ('class="hot"' in html) is hot


def test_before_any_model_the_page_says_where_to_send() -> None:
    """An empty page is an instruction with the addresses in it."""
    text = "".join(read(snapshots.snapshot()).text)
    assert "Send prediction logs or traces to OTLP/gRPC at 127.0.0.1:4317 or OTLP/HTTP at 127.0.0.1:4318." in text


def test_before_the_first_snapshot_there_are_no_numbers() -> None:
    """Models and series are not zero but unknown."""
    text = read(None).text
    assert "Series" not in text
    assert "not ready: no snapshot has been taken yet" in text
