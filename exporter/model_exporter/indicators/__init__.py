"""Business indicators: a small language over the fields of predictions and outcomes, and the sums that carry them."""

from model_exporter.indicators.columns import outcome_columns, prediction_columns
from model_exporter.indicators.evaluate import Columns, evaluate
from model_exporter.indicators.indicator import SUMS, Form, Indicator, Terms, kept_fields, sums_by, sums_of
from model_exporter.indicators.lexer import ExpressionError
from model_exporter.indicators.parser import parse
from model_exporter.indicators.syntax import Expression, FieldName, Source

__all__ = [
    "SUMS",
    "Columns",
    "Expression",
    "ExpressionError",
    "FieldName",
    "Form",
    "Indicator",
    "Source",
    "Terms",
    "evaluate",
    "kept_fields",
    "outcome_columns",
    "parse",
    "prediction_columns",
    "sums_by",
    "sums_of",
]
