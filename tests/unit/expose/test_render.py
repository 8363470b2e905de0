import gzip
import threading
from dataclasses import replace

import pytest

import snapshots
from model_exporter.expose.render import Renderer
from model_exporter.expose.text import Format, Lines
from model_exporter.telemetry import Telemetry, TelemetrySnapshot
from model_exporter.window.snapshot import Snapshot

NOTHING = TelemetrySnapshot({}, {})


def test_the_exporters_own_numbers_are_new_in_every_scrape() -> None:
    """A second scrape of the same snapshot has the telemetry of its own moment."""
    renderer, telemetry, snapshot = Renderer(), Telemetry(), snapshots.full_snapshot()
    for rows in (3, 4):
        telemetry.set("model_exporter_queue_rows", value=rows)
        plain = renderer.render(snapshot, telemetry.read(), Format.TEXT)
        packed = gzip.decompress(renderer.render_gzip(snapshot, telemetry.read(), Format.TEXT))
        for body in (plain, packed):
            assert f"\nmodel_exporter_queue_rows {rows}\n".encode() in body


def test_a_new_snapshot_replaces_the_old_one() -> None:
    """Nothing of an earlier snapshot is served again, in either format, plain or compressed."""
    renderer = Renderer(process=lambda: None)
    old, new = snapshots.full_snapshot(), snapshots.snapshot(snapshots.learning_model())
    for form in Format:
        renderer.render(old, NOTHING, form)
        renderer.render_gzip(old, NOTHING, form)
    for form in Format:
        fresh = Renderer(process=lambda: None).render(new, NOTHING, form)
        assert renderer.render(new, NOTHING, form) == fresh
        assert gzip.decompress(renderer.render_gzip(new, NOTHING, form)) == fresh


def test_the_same_snapshot_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many scrapes there are of it, the models' series are written once, for both formats."""
    renderer, snapshot = Renderer(), snapshots.full_snapshot()
    writes: list[Snapshot] = []
    write = renderer._writer.write

    def spy(of: Snapshot) -> Lines:
        writes.append(of)
        return write(of)

    monkeypatch.setattr(renderer._writer, "write", spy)
    for _ in range(3):
        renderer.render(snapshot, NOTHING, Format.TEXT)
        renderer.render_gzip(snapshot, NOTHING, Format.TEXT)
        renderer.render_gzip(snapshot, NOTHING, Format.OPENMETRICS)
    assert len(writes) == 1


@pytest.mark.parametrize("form", Format)
def test_without_a_snapshot_the_exporter_tells_of_itself(form: Format) -> None:
    """Plain and compressed bodies agree on that, too."""
    renderer = Renderer(process=lambda: None)
    plain = renderer.render(None, NOTHING, form)
    assert b"model_exporter_build_info" in plain
    assert gzip.decompress(renderer.render_gzip(None, NOTHING, form)) == plain


def test_scrapes_of_several_threads_do_not_mix() -> None:
    """Each gets the whole of the snapshot it asked for."""
    renderer = Renderer(process=lambda: None)
    models = [replace(snapshots.fraud_model(), name=f"m{i}") for i in range(4)]
    pictures = [snapshots.snapshot(model) for model in models]
    expected = [Renderer(process=lambda: None).render(picture, NOTHING, Format.TEXT) for picture in pictures]
    same: list[bool] = []

    def scrape(index: int) -> None:
        bodies = [renderer.render(pictures[index], NOTHING, Format.TEXT) for _ in range(20)]
        same.append(all(body == expected[index] for body in bodies))

    threads = [threading.Thread(target=scrape, args=(index,)) for index in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert same == [True] * len(pictures)
