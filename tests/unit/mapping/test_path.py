"""Where in a record something stands."""

import pytest

from model_exporter.errors import MappingError
from model_exporter.mapping import PathError, parse_path

RECORD: dict[str, object] = {
    "a": {"b": [1, 2, 3], "c.d": "dotted", "text": '{"x": [{"y": 5}, {"y": 6}]}'},
    "rows": [{"v": 1}, {"v": 2}, {}],
    "csv": "1,2\n3,x\n",
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", [1, 2, 3]),
        ("a.b[0]", 1),
        ("a.b[-1]", 3),
        ("a.b[9]", None),
        ('a."c.d"', "dotted"),
        ("a.text.x[1].y", 6),
        ("a.text|json.x[0].y", 5),
        ("rows[*].v", [1, 2, None]),
        ("csv|csv[*]", [[1.0, 2.0], [3.0, "x"]]),
        ("nothing.at.all", None),
        ("a.b.c", None),
        ("a.*", RECORD["a"]),
        ("a . b [ 1 ]", 2),
    ],
)
def test_a_path_finds_what_stands_there(path: str, value: object) -> None:
    """Names, places, elements, filters and text that holds JSON lead to a value; nothing leads to None."""
    assert parse_path(path).value(RECORD) == value


@pytest.mark.parametrize(
    ("path", "complaint"),
    [
        ("", "a name is missing"),
        ("a.", "a name is missing"),
        (".a", "before the dot"),
        ("a..b", "after the dot"),
        ("a[x]", "cannot read"),
        ("a[*].b[*]", "may stand once"),
        ("a|jason", "did you mean json"),
        ("a[0]b", "a dot is missing"),
        ('a."b', "cannot read"),
        ("a" * 501, "at most 500"),
    ],
)
def test_what_is_no_path_is_told_with_its_column(path: str, complaint: str) -> None:
    """Each mistake names the column."""
    with pytest.raises(PathError, match=complaint) as caught:
        parse_path(path)
    assert "column" in str(caught.value)


@pytest.mark.parametrize(
    ("path", "reason"),
    [("a[*]", "bad_path_value"), ("csv|json", "bad_json"), ("a.b|base64", "bad_base64"), ("broken.x", "bad_json")],
)
def test_what_cannot_be_read_on_the_way_has_a_reason(path: str, reason: str) -> None:
    """A record that holds something else than the path says is refused by a bounded reason."""
    with pytest.raises(MappingError) as caught:
        parse_path(path).value({**RECORD, "broken": "{"})
    assert caught.value.reason == reason
