import io

from model_exporter.demo.day.board import Board, Line
from model_exporter.demo.day.story import CAST
from model_exporter.demo.day.told import Told
from model_exporter.demo.day.watch import Incident, Sight
from model_exporter.demo.terminal import Terminal

WINE = CAST[0]
INCIDENT = Incident("upstream_failure", "warning", "cellar-ml", "1.0.0", 60.0)
TOLD = Told(
    "cellar-ml",
    "ticket",
    {"alertname": "ModelIncident", "model": "wine", "cause": "upstream_failure"},
    {"cause": "Something fails.", "upstream": "Failing or slow: cellar-db."},
)


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def _board(stream: io.StringIO) -> Board:
    return Board(Terminal(stream), exporter=1, prometheus=2, alertmanager=3)


def test_a_model_has_a_line_that_says_all() -> None:
    """State, cause, severity, since when, who was told, and the symptoms."""
    sight = Sight(judged=True, symptoms={"input_drift", "upstream"}, incident=INCIDENT)
    assert Line(WINE, sight, (TOLD, TOLD)).cells() == (
        "wine",
        "cellar-ml",
        "incident",
        "upstream failure",
        "warning",
        "00:01:00",
        "cellar-ml (ticket)",
        "input drift, upstream",
    )
    assert Line(WINE, Sight(), ()).cells()[2] == "learning"
    assert Line(WINE, Sight(judged=True), ()).cells()[2] == "healthy"


def test_a_file_gets_a_line_for_each_change() -> None:
    """And none while everything stays as it is."""
    stream = io.StringIO()
    board = _board(stream)
    for sight in (Sight(), Sight(), Sight(judged=True)):
        board.show([Line(WINE, sight, ())], seconds=1, sent=10)
    assert [line.split()[1:] for line in stream.getvalue().splitlines()] == [
        ["wine", "cellar-ml", "learning"],
        ["wine", "cellar-ml", "healthy"],
    ]


def test_a_terminal_gets_a_table_with_addresses() -> None:
    """Under it stands where to look."""
    stream = _Screen()
    _board(stream).show([Line(WINE, Sight(), ())], seconds=12, sent=3456)
    text = stream.getvalue()
    assert "12 s, 3,456 predictions sent" in text
    assert "http://127.0.0.1:2/alerts" in text
    assert "docker compose up" in text


def test_what_is_told_names_the_next_steps() -> None:
    """Who, what, since when; then the cause, dashboards by uid, the runbook and the symptoms."""
    stream = io.StringIO()
    _board(stream).tell(TOLD, WINE, started=60.0)
    text = stream.getvalue()
    assert "told cellar-ml (ticket): ModelIncident wine upstream failure, since 00:01:00" in text
    assert "Something fails. Failing or slow: cellar-db." in text
    assert "model-incidents, then model-quality (dashboards/model-quality.json), of wine" in text
    assert "ModelIncident.md, upstream failure" in text
    assert "http://127.0.0.1:2/graph?g0.expr=model%3Asymptom%7Bmodel%3D%22wine%22%7D" in text


def test_another_alert_is_told_in_a_line() -> None:
    """It has no dashboard in the story."""
    stream = io.StringIO()
    _board(stream).tell(Told("ml-platform", "ticket", {"alertname": "ModelRulesMissed"}, {}), None, started=None)
    assert stream.getvalue().strip().endswith("told ml-platform (ticket): ModelRulesMissed")
