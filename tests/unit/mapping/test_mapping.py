"""Records through mappings."""

import pytest

from model_exporter.errors import MappingError
from model_exporter.mapping import DocumentError, built_in_mappings, read_mapping

PLAIN: dict[str, object] = {
    "when": [{"kind": "scored"}, "model"],
    "ignore": "dry_run",
    "fields": {
        "model": "model",
        "version": "build",
        "id": "id",
        "features": "x[*]",
        "prediction": "y[*]",
        "segments": {"region": "where.region"},
    },
}


def test_starred_fields_run_in_parallel_and_rows_get_ids() -> None:
    """A record of two rows makes two, which share what is told once."""
    mapping = read_mapping("acme", PLAIN)
    record = {
        "kind": "scored",
        "model": "m",
        "id": "r",
        "x": [{"a": 1}, {"a": 2}],
        "y": [0, 1],
        "where": {"region": "eu"},
    }
    assert mapping.takes(record)
    assert mapping.rows(record) == [
        {"model": "m", "id": "r#0", "features": {"a": 1}, "segments": {"region": "eu"}, "prediction": 0},
        {"model": "m", "id": "r#1", "features": {"a": 2}, "segments": {"region": "eu"}, "prediction": 1},
    ]


def test_a_single_row_keeps_its_id() -> None:
    """The id of a request of one row is the prediction's."""
    mapping = read_mapping("acme", PLAIN)
    (row,) = mapping.rows({"kind": "scored", "model": "m", "id": "r", "x": [{"a": 1}], "y": [0]})
    assert row["id"] == "r"


def test_rows_that_do_not_agree_are_refused() -> None:
    """Two inputs and one prediction are no pairs."""
    with pytest.raises(MappingError) as caught:
        read_mapping("acme", PLAIN).rows({"model": "m", "x": [{}, {}], "y": [1]})
    assert caught.value.reason == "row_mismatch"


@pytest.mark.parametrize(
    ("record", "takes"),
    [({"kind": "scored", "model": "m"}, True), ({"kind": "other", "model": "m"}, False), ({"kind": "scored"}, False)],
)
def test_conditions_decide_which_records_are_taken(record: object, takes: object) -> None:
    """All conditions must hold."""
    assert read_mapping("acme", PLAIN).takes(record) is takes


@pytest.mark.parametrize(
    ("record", "ignores"), [({"dry_run": True}, True), ({"dry_run": False}, False), ({}, False), ({"dry_run": 1}, True)]
)
def test_a_record_may_say_that_it_should_not_count(record: object, ignores: object) -> None:
    """A path under `ignore` that holds something true does."""
    assert read_mapping("acme", PLAIN).ignores(record) is ignores


@pytest.mark.parametrize(
    ("prediction", "told"),
    [
        ("yes", {"prediction": "yes"}),
        ([1], {"prediction": 1}),
        ([0.2, 0.8], {"probabilities": [0.2, 0.8]}),
        ({"label": "a", "score": 0.7}, {"prediction": "a", "score": 0.7}),
        ({"predictions": [0.1, 0.9]}, {"probabilities": [0.1, 0.9]}),
        ({"x": 1, "y": 2}, {"prediction": {"x": 1, "y": 2}}),
        (["a", "b"], {"prediction": ["a", "b"]}),
    ],
)
def test_predictions_come_in_many_forms(prediction: object, told: object) -> None:
    """A value, probabilities, or a map under names that models use."""
    assert read_mapping("m", {"fields": {"prediction": "p"}}).rows({"p": prediction}) == [told]


@pytest.mark.parametrize(
    ("features", "columns", "named"),
    [
        ([1, 2], [], {"0": 1, "1": 2}),
        ([1, 2], ["a", "b"], {"a": 1, "b": 2}),
        (5, [], {"0": 5}),
        ({"z": 1}, ["a"], {"z": 1}),
    ],
)
def test_features_that_come_as_arrays_get_names(features: object, columns: list[str], named: object) -> None:
    """By position, or by the columns of the mapping."""
    mapping = read_mapping("m", {"fields": {"features": "f"}, "columns": columns})
    assert mapping.rows({"f": features}) == [{"features": named}]


def test_a_source_may_search_and_translate() -> None:
    """A name out of a file's path, a word for another word, a constant where nothing is."""
    mapping = read_mapping(
        "m",
        {
            "fields": {
                "model": {"path": "door.file", "match": "/([^/]+)/[^/]+$"},
                "error": {"path": "status", "map": {"200": "", "500": "internal"}},
                "version": {"path": "nowhere", "const": "v1"},
            }
        },
    )
    assert mapping.rows({"door": {"file": "/logs/fraud/1.jsonl"}, "status": 500}) == [
        {"model": "fraud", "error": "internal", "version": "v1"}
    ]


@pytest.mark.parametrize(
    ("when", "told", "scopes"),
    [
        (["kind"], None, {"records"}),
        ([{"event_name": "x"}], None, {"records", "logs"}),
        (['resource."service.name"', "x"], None, {"records", "logs"}),
        (["name"], "spans", {"spans"}),
        (["body"], ["logs"], {"logs"}),
    ],
)
def test_where_records_come_from_is_told_or_seen_by_the_conditions(when: object, told: object, scopes: object) -> None:
    """Conditions on what only OTLP log records have make a mapping one for logs, too."""
    document = {"when": when, "fields": {"prediction": "p"}} | ({"from": told} if told else {})
    assert read_mapping("m", document).scopes == scopes


def test_what_all_records_of_a_scope_have_may_rule_a_mapping_out() -> None:
    """Other conditions are left to the record."""
    mapping = read_mapping(
        "m", {"from": "spans", "when": [{"scope.name": "a"}, "attributes.x"], "fields": {"prediction": "p"}}
    )
    assert mapping.may_take_any_with({"scope": {"name": "a"}})
    assert not mapping.may_take_any_with({"scope": {"name": "b"}})


def test_the_condition_that_fails_is_told_as_its_author_wrote_it() -> None:
    """So that a record that no mapping takes can be explained."""
    mapping = read_mapping("acme", PLAIN)
    assert str(mapping.missed({"kind": "other"})) == "`kind` is 'scored'"
    assert str(mapping.missed({"kind": "scored"})) == "`model` holds something"
    assert mapping.missed({"kind": "scored", "model": "m"}) is None


@pytest.mark.parametrize(
    ("document", "complaint"),
    [
        ([], "expected a mapping"),
        ({}, "fields is missing"),
        ({"fields": {"modle": "x", "prediction": "p"}}, "Did you mean model"),
        ({"fields": {"model": "x"}}, "nothing here tells of the prediction"),
        ({"fields": {"prediction": "a..b"}}, "is no path"),
        ({"fields": {"prediction": 5}}, "is no path"),
        ({"fields": {"prediction": {"path": "a", "match": "x"}}}, "has 0 groups"),
        ({"fields": {"prediction": {"path": "a", "match": "("}}}, "no regular expression"),
        ({"fields": {"prediction": {"match": "(x)"}}}, "neither a path nor a constant"),
        ({"fields": {"prediction": "p"}, "event": "vote"}, "no kind of record"),
        ({"fields": {"prediction": "p"}, "columns": ["a", "a"]}, "one name"),
        ({"fields": {"prediction": "p"}, "wen": []}, "Did you mean when"),
        ({"fields": {"prediction": "p"}, "from": "metrics"}, "one or more of records, logs, spans"),
        ({"fields": {"prediction": "p"}, "from": "logs"}, "without conditions it would take every"),
        ({"fields": {"prediction": "p"}, "from": [], "when": "p"}, "the list is empty"),
    ],
)
def test_mistakes_of_a_document_are_told(document: object, complaint: str) -> None:
    """What is wrong, and what to write."""
    with pytest.raises(DocumentError, match=complaint):
        read_mapping("m", document)


def test_what_is_built_in_compiles() -> None:
    """The files of the package are mappings."""
    assert "kserve" in built_in_mappings()


@pytest.mark.parametrize(
    ("value", "word"),
    [(True, "yes"), (False, "no"), (200, "fine"), (200.0, "fine"), ("200", "fine"), (404, 404), (None, None)],
)
def test_translations_know_values_as_yaml_writes_them(value: object, word: object) -> None:
    """Whether the keys were read as text, or as what they look like."""
    for words in ({"true": "yes", "false": "no", "200": "fine"}, {True: "yes", False: "no", 200: "fine"}):
        mapping = read_mapping("m", {"fields": {"prediction": {"path": "p", "map": words}}})
        assert mapping.rows({"p": value})[0].get("prediction") == word


@pytest.mark.parametrize("shared", ["x" * 1_001, {"a": 1}, [1]])
def test_an_id_that_every_row_would_copy_is_short_text(shared: object) -> None:
    """A record cannot have an exporter write its megabytes once for each row."""
    mapping = read_mapping("m", {"fields": {"id": "id", "prediction": "y[*]"}})
    with pytest.raises(MappingError, match="an id is text"):
        mapping.rows({"id": shared, "y": [1, 2]})


def test_a_whole_number_is_an_id_without_a_point() -> None:
    """As JavaScript would write it."""
    rows = read_mapping("m", {"fields": {"id": "id", "prediction": "y[*]"}}).rows({"id": 7.0, "y": [1, 2]})
    assert [row["id"] for row in rows] == ["7#0", "7#1"]
