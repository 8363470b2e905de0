"""The schemas of monitors are bounded, and told apart by where they came from."""

from model_exporter.decode import Schemas
from model_exporter.ports import MonitorSchema


def _schema(monitor: str, *columns: str, instance: str = "1", text: str = "numerical") -> MonitorSchema:
    return MonitorSchema("svc", instance, monitor, "", tuple((column, "feature", text) for column in columns))


def test_beyond_the_limit_the_first_is_forgotten() -> None:
    """And that is counted."""
    hits: list[None] = []
    schemas = Schemas(limit=2, turned_away=lambda: hits.append(None))
    for name in "abc":
        schemas.learn(_schema(name, name))
    assert [schema.monitor for schema in schemas.kept()] == ["b", "c"]
    assert len(hits) == 1
    assert schemas.find("svc", "1", {"a"}) is None


def test_a_schema_of_megabytes_is_not_kept() -> None:
    """The bound is on bytes too, whatever the number."""
    hits: list[None] = []
    schemas = Schemas(limit=2, turned_away=lambda: hits.append(None))
    schemas.learn(_schema("huge", *(f"{column}" for column in range(20_000))))
    assert (len(schemas), len(hits)) == (0, 1)


def test_bytes_are_given_back() -> None:
    """Replacing a schema again and again takes no more room than one."""
    schemas = Schemas(limit=10)
    columns = [str(column) for column in range(8_000)]
    for number in range(30):
        schemas.learn(_schema("m", *columns, text=f"type {number}"))
    assert len(schemas) == 1


def test_what_is_known_is_no_change() -> None:
    """Most records repeat their schema: the file is not written for it."""
    changes: list[None] = []
    schemas = Schemas(limit=2, changed=lambda: changes.append(None))
    for _ in range(3):
        schemas.learn(_schema("m", "x"))
    assert len(changes) == 1


def test_an_ambiguous_record_is_not_guessed() -> None:
    """Two schemas have all of its columns, and more."""
    schemas = Schemas(limit=5, kept=[_schema("a", "x", "y"), _schema("b", "x", "z")])
    assert schemas.find("svc", "1", {"x"}) is None
    found = schemas.find("svc", "1", {"y"})
    assert found is not None
    assert found.monitor == "a"


def test_a_lower_limit_forgets_at_once() -> None:
    """As a reload may want."""
    schemas = Schemas(limit=5, kept=[_schema(name, name) for name in "abc"])
    schemas.resize(1)
    assert [schema.monitor for schema in schemas.kept()] == ["c"]
