import pytest

from model_exporter.expose.negotiate import accepts_gzip, choose_format
from model_exporter.expose.text import Format

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
PROMETHEUS_2 = (  # prometheus/prometheus v2.42, scrape/scrape.go
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (  # prometheus/prometheus v3, scrape/scrape_test.go
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_PROTOBUF = (  # the same with native histograms on
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,"
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
    "text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        pytest.param(PROMETHEUS_2, OPENMETRICS, id="Prometheus 2"),
        pytest.param(PROMETHEUS_3, f"{OPENMETRICS}; escaping=underscores", id="Prometheus 3"),
        pytest.param(PROMETHEUS_PROTOBUF, f"{OPENMETRICS}; escaping=underscores", id="protobuf first"),
        pytest.param("", TEXT, id="no header"),
        pytest.param("*/*", TEXT, id="curl"),
        pytest.param(BROWSER, TEXT, id="a browser"),
        pytest.param("text/plain", TEXT, id="plain text"),
        pytest.param("text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5", TEXT, id="text weighs more"),
        pytest.param('application/openmetrics-text; version="1.0.0"; q=0.5', OPENMETRICS, id="quoted version"),
        pytest.param("APPLICATION/OpenMetrics-Text;Version=1.0.0", OPENMETRICS, id="any case"),
        pytest.param("application/openmetrics-text;version=0.0.1,text/plain;q=0.1", TEXT, id="too old an OpenMetrics"),
        pytest.param("application/openmetrics-text;version=2.0.0", TEXT, id="too new an OpenMetrics"),
        pytest.param("application/openmetrics-text;q=0,*/*;q=0.1", TEXT, id="OpenMetrics refused"),
        pytest.param("application/json", TEXT, id="nothing on offer"),
        pytest.param("application/openmetrics-text;q=nan", TEXT, id="weight is no number"),
        pytest.param("application/openmetrics-text;q=x,;;,==;q", TEXT, id="no sense at all"),
        pytest.param("application/openmetrics-text;q=7,text/plain;q=0.1", TEXT, id="weight out of range"),
    ],
)
def test_the_format_that_weighs_most_is_chosen(accept: str, content_type: str) -> None:
    """The answer's content type is, to the letter, the one that the header prefers of those on offer."""
    chosen = choose_format(accept)
    assert chosen.content_type == content_type
    assert (chosen.form is Format.OPENMETRICS) == content_type.startswith("application/openmetrics-text")


@pytest.mark.parametrize(
    ("accept_encoding", "wanted"),
    [
        ("gzip", True),
        ("gzip, deflate, br, zstd", True),
        ("GZIP;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("identity;q=0.5, gzip;q=1.0, *;q=0", True),
        ("", False),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("gzip;q=0.1, identity;q=0.9", False),
        ("br", False),
        ("*;q=0", False),
        ("gzip;q=no", False),
    ],
)
def test_gzip_is_a_wish_that_can_be_weighed(accept_encoding: str, wanted: bool) -> None:  # noqa: FBT001  # a table
    """Compression happens when the header asks for it and does not prefer plain bytes."""
    assert accepts_gzip(accept_encoding) is wanted


def test_a_long_header_is_read_only_so_far() -> None:
    """A header of a megabyte costs no more than one of a few kilobytes."""
    assert choose_format("text/html," * 100_000 + "application/openmetrics-text").content_type == TEXT
