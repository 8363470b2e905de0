import pytest

from model_exporter.indicators import ExpressionError, FieldName, Source, parse
from model_exporter.indicators.lexer import MAX_LENGTH
from model_exporter.indicators.parser import MAX_DEPTH
from model_exporter.indicators.syntax import Binary, Expression, Field, Literal, Minus, Node, Not

AMOUNT = FieldName(Source.FEATURE, "amount")


def shown(node: Node) -> str:
    """A tree with all of its brackets."""
    match node:
        case Literal(value):
            return repr(value)
        case Field(name):
            return str(name)
        case Not(operand):
            return f"(not {shown(operand)})"
        case Minus(operand):
            return f"(-{shown(operand)})"
        case Binary(operator, left, right):
            return f"({shown(left)} {operator.value} {shown(right)})"


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("prediction == approve", "(prediction == 'approve')"),
        ("'approve' != prediction", "('approve' != prediction)"),
        ("score>=.5", "(score >= 0.5)"),
        ("1 + 2 * score - 3 / 4", "((1.0 + (2.0 * score)) - (3.0 / 4.0))"),
        ("-feature.amount * -2", "((-feature.amount) * (-2.0))"),
        ("(1 - score) * value.loss", "((1.0 - score) * value.loss)"),
        (
            "not score > 1 and outcome == 1 or score < 0",
            "(((not (score > 1.0)) and (outcome == 1.0)) or (score < 0.0))",
        ),
        ("not not (outcome == true)", "(not (not (outcome == True)))"),
        ('feature."my ""', ""),
        ('feature."a-b" == "it\'s \\"x\\""', "(feature.a-b == 'it\\'s \"x\"')"),
        ("feature.address.zip == 8", "(feature.address.zip == 8.0)"),
        ("feature.0 > 1e3", "(feature.0 > 1000.0)"),
        ("(score > 0.5) * feature.amount", "((score > 0.5) * feature.amount)"),
        ("1 - 2 - score", "((1.0 - 2.0) - score)"),
    ],
)
def test_expressions_have_the_usual_precedence(text: str, tree: str) -> None:
    """`or` binds least, then `and`, `not`, comparisons, + and -, * and /, the sign."""
    if tree:
        assert shown(parse(text).root) == tree
    else:
        with pytest.raises(ExpressionError):
            parse(text)


def test_it_knows_what_it_reads() -> None:
    """Each field once, in the order of the text, and whether an outcome is among them."""
    expression = parse("feature.amount * (prediction == fraud) + feature.amount - score")
    assert expression.fields == (AMOUNT, FieldName(Source.PREDICTION), FieldName(Source.SCORE))
    assert not expression.needs_outcome
    assert parse("outcome == 1").needs_outcome
    assert parse("1 - value.loss").needs_outcome


@pytest.mark.parametrize(
    ("text", "is_truth"), [("score > 1", True), ("not segment.vip", True), ("1 + score", False), ("segment.vip", None)]
)
def test_it_knows_truths_from_numbers(text: str, is_truth: object) -> None:
    """A lone field may be either."""
    assert parse(text).is_truth is is_truth


@pytest.mark.parametrize(
    ("text", "column", "problem", "remedy"),
    [
        ("", 1, "ends too early", "Add what is missing"),
        ("prediction ==", 14, "ends too early", "Add what is missing"),
        ("prediction = approve", 12, "'=' has no meaning", "Write == to compare"),
        ("score > 1 & score < 2", 11, "'&' has no meaning", "Write `and`"),
        ("score > 1 score", 11, "'score' is not expected", "Write an operator"),
        ("(score > 1", 11, "ends too early", "Close the bracket of column 1"),
        ("score > 1)", 10, "')' is not expected", "remove it"),
        ("1 < score < 2", 11, "cannot be chained", "with `and` between"),
        ("amount > 5", 1, "'amount' is a text", "Did you mean feature.amount?"),
        ("score > high", 9, "'high' is a text", "Did you mean feature.high?"),
        ("1 + approve", 5, "'approve' is a text", "Did you mean"),
        ("approve", 1, "counts nothing", "Compare it with a field"),
        ("approve == 'approve'", 9, "no field is compared", "such as `prediction`"),
        ("score > 1 and 5", 15, "neither true nor false", "Compare it"),
        ("not 5", 5, "neither true nor false", "Compare it"),
        ("feature > 5", 1, "feature needs a name", "feature.NAME"),
        ("score.x > 5", 1, "score has no parts", "Write score alone"),
        ("features.x > 5", 1, "there is no field features.x", "Did you mean feature.x?"),
        ("a.b == 5", 1, "there is no field a.b", "Write one of feature.NAME"),
        ('feature."" > 5', 1, "the name is empty", "feature.NAME"),
        ("prediction == 'approve", 15, "has no meaning", "Close the quotes"),
        ("score > 1e999", 9, "too large", "smaller"),
        ("score > 12abc", 9, "has no meaning", "Put text in quotes"),
        ("and", 1, "'and' is not expected", ""),
        ("__import__('os')", 11, "'(' is not expected", ""),
    ],
)
def test_a_mistake_is_told_with_its_column_and_a_remedy(text: str, column: int, problem: str, remedy: str) -> None:
    """Columns count from 1."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.column == column
    assert problem in caught.value.problem
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("opening", ["(", "-", "not "])
def test_depth_is_bounded(opening: str) -> None:
    """At the bound it is an expression, beyond it a mistake and no crash."""
    operand = "score" if opening != "not " else "segment.a"
    closing = ")" if opening == "(" else ""
    assert isinstance(parse(opening * MAX_DEPTH + operand + closing * MAX_DEPTH), Expression)
    with pytest.raises(ExpressionError, match="deeper than"):
        parse(opening * (MAX_DEPTH + 1) + operand + closing * (MAX_DEPTH + 1))


def test_long_chains_are_as_deep_as_they_are_long() -> None:
    """Their trees grow to the left."""
    with pytest.raises(ExpressionError, match="deeper than"):
        parse("+".join(["score"] * (MAX_DEPTH + 2)))


def test_length_is_bounded() -> None:
    """Before anything is read."""
    with pytest.raises(ExpressionError, match="more than 500") as caught:
        parse("score" + " " * MAX_LENGTH)
    assert caught.value.column == MAX_LENGTH + 1
