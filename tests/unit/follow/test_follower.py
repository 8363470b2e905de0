import gzip
import os
from collections import Counter
from pathlib import Path

import pytest

from following import Machine
from model_exporter.errors import DecodeError, OverloadedError
from model_exporter.ports import Door, Signal

LINES = [
    f'{{"id": {number}, "text": "a line that is longer than sixty-four bytes, as most are"}}' for number in range(9)
]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A machine whose exporter follows all files."""
    return Machine(tmp_path, "**/*")


def problems(machine: Machine, reason: str) -> float:
    """Files that could not be followed for a reason."""
    return machine.process.counted("model_exporter_file_problems_total", reason)


def test_lines_reach_the_pipeline_with_what_is_known_of_them(tmp_path: Path) -> None:
    """Door, signal, mapping and context, from the entry of the configuration."""
    machine = Machine(tmp_path, "a.log", mapping="kserve", model="fraud", version="2")
    machine.write("a.log", LINES[0])
    machine.settle()
    (payload,) = machine.process.payloads
    assert (payload.door, payload.signal, payload.mapping) == (Door.FILE, Signal.RECORDS, "kserve")
    assert payload.context == {"file": str(machine.logs / "a.log"), "model": "fraud", "version": "2"}


def test_a_schema_beside_the_data_goes_with_it(tmp_path: Path) -> None:
    """BentoML's layout: the last line of the schema of the same worker, also of a rotated one."""
    machine = Machine(tmp_path, "iris/data/*", mapping="kserve")
    (machine.logs / "iris/data").mkdir(parents=True)
    (machine.logs / "iris/schema").mkdir()
    machine.write("iris/schema/schema.1.log.2026-11-26", '{"old": 1}', '{"columns": []}')
    machine.write("iris/data/data.1.log", LINES[0])
    machine.settle()
    assert machine.process.payloads[0].context["schema"] == '{"columns": []}'


def test_finished_files_are_read_in_the_order_of_their_age(machine: Machine) -> None:
    """At any depth, plain or compressed; of equal age, in the order of their names."""
    for number, name in enumerate(["c.jsonl", "a.jsonl", "b.jsonl.gz"]):
        folder = machine.logs / f"hour={number}"
        folder.mkdir()
        data = f"{LINES[number]}\n".encode()
        (folder / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
        os.utime(folder / name, (1_000 + number, 1_000 + number))
    assert machine.settle() == Counter(LINES[:3])
    assert [payload.body.decode().strip() for payload in machine.process.payloads] == LINES[:3]


def test_a_compressed_file_waits_until_it_is_whole(machine: Machine) -> None:
    """One that is being written is not read; one that stays cut is counted, and what can be read of it is."""
    packed = gzip.compress("".join(f"{line}\n" for line in LINES).encode())
    path = machine.logs / "a.gz"
    path.write_bytes(packed[:-12])
    machine.process.round()
    assert not machine.process.payloads
    path.write_bytes(packed)
    assert machine.settle() == Counter(LINES)
    (machine.logs / "b.gz").write_bytes(packed[:30])
    machine.settle()
    assert problems(machine, "bad_gzip") == 1


def test_a_line_without_its_end_waits(machine: Machine) -> None:
    """For its newline; or, if it is a whole object, until its writer rests."""
    path = machine.logs / "a.log"
    path.write_text(LINES[0] + "\n" + LINES[1][:20])
    assert machine.settle() == Counter(LINES[:1])
    path.write_text(LINES[0] + "\n" + LINES[1])
    assert machine.settle() == Counter(LINES[:2])
    with path.open("a") as file:
        file.write("\n" + LINES[2] + "\n")
    assert machine.settle() == Counter(LINES[:3])


def test_a_part_of_a_line_is_taken_from_a_file_that_is_gone(machine: Machine) -> None:
    """It will not become longer, and is the pipeline's to refuse."""
    path = machine.logs / "a.log"
    path.write_text(LINES[0] + "\n" + LINES[1][:20])
    machine.process.round()
    path.unlink()
    assert machine.settle() == Counter([LINES[0], LINES[1][:20]])


def test_a_line_that_is_too_long_is_skipped(machine: Machine) -> None:
    """Whatever it holds; those before and after it count, and a restart in its midst changes nothing."""
    path = machine.logs / "a.log"
    path.write_text(LINES[0] + "\n" + "x" * 9_000_000)
    machine.process.round()
    machine.crash()
    machine.process.round()
    with path.open("a") as file:
        file.write("x\n" + LINES[1] + "\n")
    assert machine.settle() == Counter(LINES[:2])
    assert machine.process.counted("model_exporter_file_skipped_total", "too_long") == 1


def test_a_hole_is_skipped(machine: Machine) -> None:
    """A writer without O_APPEND goes on at its old offset after a truncation: zero bytes stand before its next line."""
    machine.write("a.log", *LINES[:3])
    machine.process.round()
    path = machine.logs / "a.log"
    path.write_bytes(b"\0" * path.stat().st_size + f"{LINES[3]}\n".encode())
    assert machine.settle() == Counter(LINES[:4])
    assert machine.process.counted("model_exporter_file_skipped_total", "zero_bytes") == 1
    assert machine.process.counted("model_exporter_file_rotations_total", "truncated") == 1


def test_equal_beginnings_do_not_make_two_files_one(machine: Machine) -> None:
    """Two workers may begin with the same lines; a copy under the name of its original is one file too many."""
    machine.write("worker-1.log", *LINES[:2])
    machine.settle()
    machine.write("worker-2.log", *LINES[:2])
    assert machine.settle() == Counter(LINES[:2] * 2)
    (machine.logs / "worker-1.log.bak").write_bytes((machine.logs / "worker-1.log").read_bytes())
    machine.write("worker-1.log", LINES[2])
    assert machine.settle() == Counter([*LINES[:2] * 2, LINES[2]])


def test_a_file_that_is_replaced_by_a_longer_one_goes_on(machine: Machine) -> None:
    """As rsync and `aws s3 sync` do it: another file under the same name, which begins with the same lines."""
    machine.write("a.log", *LINES[:3])
    machine.process.round()
    machine.write(".new", *LINES[:5])
    (machine.logs / ".new").rename(machine.logs / "a.log")
    assert machine.settle() == Counter(LINES[:5])


def test_files_can_begin_at_their_end(tmp_path: Path) -> None:
    """Those of the very first start; neither later files nor a restart."""
    machine = Machine(tmp_path, "*.log", from_end=True)
    machine.write("a.log", *LINES[:3])
    machine.process.round()
    machine.write("a.log", LINES[3])
    machine.crash()
    machine.write("b.log", LINES[4])
    assert machine.settle() == Counter(LINES[3:5])


def test_a_restart_goes_on_behind_what_a_scrape_has_carried(machine: Machine) -> None:
    """What was counted after it is read again, and only that."""
    machine.write("a.log", *LINES[:2])
    machine.process.round()
    machine.write("a.log", *LINES[2:4])
    machine.process.step()
    machine.process.write()
    machine.process.publish()
    machine.crash()
    assert machine.settle() == Counter(LINES[:4])
    assert machine.process.counts == Counter(LINES[2:4])


def test_a_full_pipeline_is_asked_again(machine: Machine) -> None:
    """Nothing is dropped, and the pause is as long as the pipeline wants."""
    machine.write("a.log", *LINES)
    machine.process.refusing = OverloadedError("full", retry_after_seconds=1)
    assert machine.process.step() == 1.0
    machine.process.refusing = None
    assert machine.settle() == Counter(LINES)


def test_lines_that_are_nothing_are_counted_as_rejected(machine: Machine) -> None:
    """The pipeline refuses the whole body; its position goes on."""
    machine.write("a.log", "no json", "nor this")
    machine.process.refusing = DecodeError("malformed_json", "no")
    machine.settle()
    counted = machine.process.counted
    assert counted("model_exporter_rejected_records_total", "malformed_json") == 2
    assert counted("model_exporter_records_total", "file", "predictions", "rejected") == 2
    machine.crash()
    machine.settle()
    assert not machine.process.payloads


def test_a_line_with_an_array_does_not_spoil_the_others(machine: Machine) -> None:
    """An array at the beginning makes a body look like one; it is then read apart from the rest."""
    machine.write("a.log", "[1,", LINES[0])
    ingest = machine.process.ingest

    def strict(payload: object, *, then: object) -> object:
        assert hasattr(payload, "body")
        if payload.body.startswith(b"["):
            raise DecodeError("malformed_json", "no array")
        return ingest(payload, then=then)  # type: ignore[arg-type]  # as the follower gives them

    machine.process.follower._reading._delivery._ingest = strict  # type: ignore[assignment]  # the same
    assert machine.settle() == Counter(LINES[:1])


def test_odd_files_are_counted_once(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders and FIFOs that a glob matches, dangling links, files that may not be read; the others are read."""
    (machine.logs / "folder").mkdir()
    os.mkfifo(machine.logs / "fifo")
    (machine.logs / "link").symlink_to(machine.logs / "nowhere")
    machine.write("secret.log", LINES[0])
    machine.write("a.log", LINES[1])
    opened = os.open

    def guarded(path: str, *arguments: int) -> int:
        if str(path).endswith("secret.log"):
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments)

    monkeypatch.setattr(os, "open", guarded)
    assert machine.settle() == Counter(LINES[1:2])
    told = {reason: problems(machine, reason) for reason in ("not_a_file", "vanished", "permission")}
    assert told == {"not_a_file": 2, "vanished": 1, "permission": 1}
    monkeypatch.undo()
    assert machine.settle() == Counter(LINES[:2])


def test_a_link_is_followed_to_whatever_it_names(tmp_path: Path) -> None:
    """As Kubernetes has it: links in one folder, files that rotate in another."""
    machine = Machine(tmp_path, "containers/*.log")
    (machine.logs / "containers").mkdir()
    (machine.logs / "pods").mkdir()
    machine.write("pods/0.log", LINES[0])
    (machine.logs / "containers/a.log").symlink_to(machine.logs / "pods/0.log")
    machine.process.round()
    machine.write("pods/0.log", LINES[1])
    (machine.logs / "pods/0.log").rename(machine.logs / "pods/0.log.20261126-101112")
    machine.write("pods/0.log", LINES[2])
    assert machine.settle() == Counter(LINES[:3])


def test_the_number_of_files_is_bounded(machine: Machine) -> None:
    """Those beyond the limit are counted once each, and read when there is room."""
    for number in range(3):
        machine.write(f"{number}.log", LINES[number])
    machine.process.follower.configure([machine.source], 2)
    assert machine.settle().total() == 2
    assert machine.process.counted("model_exporter_limit_hits_total", "followed_files") == 1
    machine.process.follower.configure([machine.source], 3)
    assert machine.settle() == Counter(LINES[:3])


def test_sources_can_change_while_files_are_followed(machine: Machine) -> None:
    """Files of a source that is gone are left, and taken up where they were left when it is back."""
    machine.write("a.log", LINES[0])
    machine.process.round()
    machine.process.follower.configure([], 10)
    machine.write("a.log", LINES[1])
    machine.process.round()
    assert machine.process.counts == Counter(LINES[:1])
    machine.process.follower.configure([machine.source], 10)
    assert machine.settle() == Counter(LINES[:2])


def test_how_far_behind_reading_is_can_be_seen(machine: Machine) -> None:
    """Bytes of the files less bytes that were read, and how many files there are."""
    machine.write("a.log", LINES[0])
    machine.process.refusing = OverloadedError("full")
    machine.process.step()
    counted = machine.process.counted
    assert counted("model_exporter_file_lag_bytes", "**/*") == len(LINES[0]) + 1
    machine.process.refusing = None
    machine.settle()
    assert counted("model_exporter_file_lag_bytes", "**/*") == 0
    assert counted("model_exporter_followed_files", "**/*") == 1
    assert counted("model_exporter_file_lines_total", "**/*") == 1
    assert counted("model_exporter_file_read_bytes_total", "**/*") == len(LINES[0]) + 1
