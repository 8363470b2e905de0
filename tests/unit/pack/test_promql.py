import pytest

from model_exporter.pack.promql import (
    Clause,
    Matcher,
    PromQLError,
    Selector,
    bare_aggregations,
    clauses,
    has_comparison,
    outer_labels,
    replaced_labels,
    selectors,
    tokenize,
)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("a:b:c{x='1'} # why\n> 2", ["a:b:c", "{", "x", "=", "'1'", "}", ">", "2"]),
        ("x[1h30m:5m] offset 1d", ["x", "[", "1h30m", ":", "5m", "]", "offset", "1d"]),
        ('f(x, "a)b", `\\`)', ["f", "(", "x", ",", '"a)b"', ",", "`\\`", ")"]),
        ("1e-12 <= bool x @ 5", ["1e-12", "<=", "bool", "x", "@", "5"]),
        ('x{a=~"b",c!~"d",e!="f"}',
         ["x", "{", "a", "=~", '"b"', ",", "c", "!~", '"d"', ",", "e", "!=", '"f"', "}"]),
    ],
)  # fmt: skip
def test_tokens(expression: str, words: list[str]) -> None:
    """Every token stands for itself; comments and white space are left out."""
    assert [token.text for token in tokenize(expression)] == words


@pytest.mark.parametrize("expression", ["sum(x", "x)", "x[5m)", 'x{a="b}', "x ; y", "a ? b"])
def test_what_is_no_promql(expression: str) -> None:
    """Brackets and quotes that do not match, and characters that no expression has, are refused."""
    with pytest.raises(PromQLError):
        tokenize(expression)


def test_selectors_know_their_range_and_what_is_around_them() -> None:
    """Functions and aggregations are told innermost first, whether the labels stand before or after the operand."""
    text = """
    sum by (model) (rate(a_total{role="input", bin=~"0.*"}[5m])) / on (model) group_left (owner)
    max(clamp_max(b:c, 3)) by (le) > (up) or {x="y"}
    """
    assert list(selectors(tokenize(text))) == [
        Selector("a_total", (Matcher("role", "=", "input"), Matcher("bin", "=~", "0.*")), 300.0, ("rate", "sum")),
        Selector("b:c", (), None, ("clamp_max", "max")),
        Selector("up", (), None, ()),
        Selector("", (Matcher("x", "=", "y"),), None, ()),
    ]


def test_a_subquery_is_no_range_of_its_metric() -> None:
    """How often a subquery looks is its own affair."""
    (selector,) = selectors(tokenize("max_over_time(x[1h:1m])"))
    assert (selector.range_seconds, selector.within) == (None, ("max_over_time",))


def test_words_of_the_language_are_no_metrics() -> None:
    """Operators, modifiers and numbers with names are not taken for series."""
    text = "a and on (m) b unless c offset 5m or d > bool inf * NaN atan2 count by (m) (e)"
    assert [selector.metric for selector in selectors(tokenize(text))] == ["a", "b", "c", "d", "e"]


def test_clauses() -> None:
    """Every list of labels is found, empty ones too."""
    text = "sum by (a, b) (x) * on (a) group_left () y - ignoring (c) z"
    assert list(clauses(tokenize(text))) == [
        Clause("by", ("a", "b")), Clause("on", ("a",)), Clause("group_left", ()), Clause("ignoring", ("c",)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("expression", "bare"),
    [
        ("sum(x)", ["sum"]),
        ("sum by (a) (x)", []),
        ("sum(x) by (a)", []),
        ("topk without (a) (1, max(x))", ["max"]),
        ("count(sum(x)) by (a)", ["sum"]),
    ],
)
def test_bare_aggregations(expression: str, bare: list[str]) -> None:
    """An aggregation is bare when no labels are kept, wherever these would stand."""
    assert list(bare_aggregations(tokenize(expression))) == bare


@pytest.mark.parametrize(
    ("expression", "compares"),
    [("x", False), ("x > 2", True), ("x unless y", True), ("absent(x)", True), ('x{a="b > c"}', False)],
)
def test_comparisons(expression: str, compares: bool) -> None:  # noqa: FBT001  # a parameter of the table
    """A comparison outside a label's value, or a set operation that can leave nothing."""
    assert has_comparison(tokenize(expression)) is compares


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("sum by (a, b) (x)", ("a", "b")),
        ("sum by (a) (x) > 2", None),
        ("topk by (a) (1, x)", None),
        ("x", None),
        ("sum(x) by (a)", None),
    ],
)
def test_the_labels_of_one_aggregation(expression: str, labels: tuple[str, ...] | None) -> None:
    """They are known of an aggregation that is the whole expression and makes new series."""
    assert outer_labels(tokenize(expression)) == labels


def test_labels_that_functions_set() -> None:
    """The target of label_replace and label_join, also of nested ones, and of count_values."""
    text = (
        """label_replace(label_join(f(x, y), "a", "-", "b"), "c", "$1", "d", "(.*)") + count_values by (e) ("f", z)"""
    )
    assert list(replaced_labels(tokenize(text))) == ["c", "a", "f"]
