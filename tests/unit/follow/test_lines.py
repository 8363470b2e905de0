import pytest

from model_exporter.follow.lines import cut, cut_all, is_whole


def test_a_block_is_cut_behind_its_last_whole_line() -> None:
    """What follows the last newline waits."""
    part = cut(b'{"a": 1}\r\n\n{"a": 2}\n{"a"')
    assert part is not None
    assert (part.body, part.size, part.lines) == (b'{"a": 1}\r\n\n{"a": 2}\n', 20, 2)


def test_without_a_newline_there_is_nothing_to_cut() -> None:
    """Not even a line has ended."""
    assert cut(b'{"a"') is None
    assert cut(b"") is None


def test_lines_without_anything_make_no_body() -> None:
    """They are dealt with all the same."""
    part = cut(b"\n \r\n\n")
    assert part is not None
    assert (part.body, part.size, part.lines) == (b"", 5, 0)


def test_zero_bytes_at_the_beginning_of_lines_are_cut_off() -> None:
    """A writer that did not notice a truncation leaves a hole before its next line."""
    part = cut_all(b"\0\0\0{}\n{}\n\0\0\n")
    assert (part.body, part.size, part.lines, part.zeroed) == (b"{}\n{}\n\n", 12, 2, 2)


@pytest.mark.parametrize(
    ("line", "expected"),
    [(b'{"a": {}}', True), (b'{"a": {}', False), (b'{"a": {"b": 1}', False), (b"12", False), (b"{]}", False)],
)
def test_only_a_whole_object_needs_no_newline(line: bytes, expected: bool) -> None:  # noqa: FBT001
    """A bracket within an object does not end it."""
    assert is_whole(line) is expected
