"""What Prometheus reads is what the snapshot says, in both formats, by parsers that nobody here wrote."""

import gzip
import os
import shutil
import subprocess
from collections import Counter
from dataclasses import replace

import pytest
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

import snapshots
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format
from model_exporter.telemetry import Telemetry, TelemetrySnapshot
from snapshot_samples import Sample, expected

NOTHING = TelemetrySnapshot({}, {})


def models_in(body: bytes, form: Format) -> Counter[Sample]:
    """Samples about models as prometheus_client's parser for `form` reads them."""
    read = {
        Format.TEXT: text_string_to_metric_families,
        Format.OPENMETRICS: openmetrics_parser.text_string_to_metric_families,
    }[form]
    families = read(body.decode())  # type: ignore[no-untyped-call]  # prometheus_client's parsers have no types
    return Counter(
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in families
        for sample in family.samples
        if not sample.name.startswith(("model_exporter_", "process_"))
    )


@pytest.mark.parametrize("form", Format)
def test_every_number_of_a_snapshot_is_read_back(form: Format) -> None:
    """Each sample that a parser reads is one number of the snapshot, and each number is there exactly once."""
    snapshot = snapshots.full_snapshot()
    body = Renderer().render(snapshot, NOTHING, form)
    assert models_in(body, form) == Counter(expected(snapshot))


@pytest.mark.parametrize("form", Format)
def test_a_later_snapshot_is_read_back_as_exactly(form: Format) -> None:
    """Lines kept from earlier snapshots carry the new numbers, also after bins, features and versions changed."""
    renderer = Renderer()
    earlier = snapshots.full_snapshot()
    renderer.render(earlier, NOTHING, form)
    amount, country = snapshots.numeric("amount"), snapshots.categorical("country", ("DE",))
    for changed in (
        snapshots.model("fraud", (amount,), seed=5, versions=("1.4.2",)),
        snapshots.model("fraud", (amount, country), seed=6, versions=("1.4.2", "1.5.0")),
        snapshots.model("fraud", (amount, country), seed=7, versions=("1.5.0",), distances=False),
    ):
        later = replace(earlier, models=(changed, *earlier.models[1:]))
        body = renderer.render(later, NOTHING, form)
        assert models_in(body, form) == Counter(expected(later))


def test_both_formats_say_the_same() -> None:
    """The sample lines of the two formats are the same bytes."""
    snapshot = snapshots.full_snapshot()
    renderer = Renderer(process=lambda: None)
    text, openmetrics = (renderer.render(snapshot, NOTHING, form).splitlines() for form in Format)
    assert [line for line in text if line[:1] != b"#"] == [line for line in openmetrics if line[:1] != b"#"]


@pytest.mark.parametrize("form", Format)
def test_compressed_is_the_same_in_one_member(form: Format) -> None:
    """The compressed body is what the plain one is, in one gzip member, for readers that stop after the first."""
    snapshot = snapshots.full_snapshot()
    renderer = Renderer(process=lambda: None)
    packed = renderer.render_gzip(snapshot, NOTHING, form)
    assert gzip.decompress(packed) == renderer.render(snapshot, NOTHING, form)
    assert subprocess.run(["gzip", "-dc"], input=packed, capture_output=True, check=True).stdout == gzip.decompress(
        packed
    )
    assert packed.count(b"\x1f\x8b\x08\x00\x00\x00\x00\x00") == 1


@pytest.mark.skipif(
    shutil.which("promtool") is None and not os.environ.get("CI"), reason="promtool comes with Prometheus"
)
def test_promtool_finds_no_fault() -> None:
    """`promtool check metrics` reads a snapshot with everything in it and has nothing to say."""
    telemetry = Telemetry()
    telemetry.count("model_exporter_requests_total", "otlp_http", "logs", "accepted")
    telemetry.set("model_exporter_limit", "series", value=200_000)
    body = Renderer().render(snapshots.full_snapshot(), telemetry.read(), Format.TEXT)
    told = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False, timeout=60)
    assert (told.returncode, told.stdout, told.stderr) == (0, b"", b"")
