import math
import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from model_exporter.expose import catalogue, truth_catalogue
from model_exporter.expose.blocks import Block
from model_exporter.expose.text import Format, Kept, Lines, clean, number

PARSERS = {
    Format.TEXT: text_string_to_metric_families,
    Format.OPENMETRICS: openmetrics_parser.text_string_to_metric_families,
}
NAMES = ("fraud", "1.0")


def exposed(lines: Lines, form: Format = Format.TEXT) -> str:
    """The lines as a whole exposition."""
    return lines.exposition(form, last=True).decode()


@pytest.mark.parametrize(
    ("value", "spelt"),
    [
        (0, "0"),
        (1.0, "1"),
        (-3.0, "-3"),
        (True, "1"),
        (2**53, "9007199254740992"),
        (1e16, "10000000000000000"),
        (2**62, "4611686018427387904"),
        (1e300, "1e+300"),
        (0.25, "0.25"),
        (1_760_000_000.25, "1760000000.25"),
        (5e-324, "5e-324"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (np.float64(0.1), "0.1"),
    ],
)
def test_numbers_are_spelt_as_prometheus_spells_them(value: float, spelt: str) -> None:
    """Whole numbers have no exponent while their digits are exact; NaN and infinities have Go's names."""
    assert number(value) == spelt


@given(st.floats())
def test_a_number_reads_back_as_itself(value: float) -> None:
    """No digit that matters is lost."""
    assert float(number(value)) == value or math.isnan(value)


@pytest.mark.parametrize("form", Format)
@given(text=st.text(st.characters(), max_size=40))
def test_any_text_is_a_label_value(form: Format, text: str) -> None:
    """Quotes, backslashes, line breaks, percent signs and lone surrogates come through blocks and parsers."""
    lines = Lines()
    Block((catalogue.PREDICTIONS, [(text, "v")])).write(lines, np.array([7]))
    lines.sample(truth_catalogue.OUTCOMES, (text,), 9)
    families = PARSERS[form](exposed(lines, form))  # type: ignore[no-untyped-call]  # prometheus_client's have no types
    read = {(s.name, s.labels["model"], s.value) for family in families for s in family.samples}
    assert read == {("model_predictions_total", clean(text), 7.0), ("model_outcomes_total", clean(text), 9.0)}


def test_lone_surrogates_stay_apart() -> None:
    """Two names that UTF-8 cannot carry do not become one: their series would be duplicates."""
    assert clean("a\ud800") == r"a\ud800"
    assert clean("a\ud801") == r"a\ud801"


def test_label_values_are_escaped_to_the_letter() -> None:
    """A backslash, a quote and a line break are what the format escapes, and nothing else is."""
    lines = Lines()
    lines.sample(truth_catalogue.OUTCOMES, ('a\\b"c\nd\r\te{}',), 1)
    assert 'model_outcomes_total{model="a\\\\b\\"c\\nd\r\te{}"} 1\n' in exposed(lines)


def test_heads_differ_between_formats() -> None:
    """OpenMetrics names a counter's and an info's family without their suffix; 0.0.4 knows no infos."""
    lines = Lines()
    lines.sample(catalogue.PREDICTIONS, NAMES, 1)
    lines.sample(catalogue.MODEL_INFO, (*NAMES, "unknown"), 1)
    text, openmetrics = (exposed(lines, form).splitlines() for form in Format)
    assert [line for line in text if line.startswith("# TYPE")] == [
        "# TYPE model_info gauge",
        "# TYPE model_predictions_total counter",
    ]
    assert [line for line in openmetrics if line.startswith("# TYPE")] == [
        "# TYPE model info",
        "# TYPE model_predictions counter",
    ]


def test_openmetrics_ends_with_its_end() -> None:
    """The last line of OpenMetrics is `# EOF`; the text format has no such line."""
    lines = Lines()
    lines.sample(truth_catalogue.OUTCOMES, ("m",), 1)
    assert exposed(lines, Format.OPENMETRICS).endswith("} 1\n# EOF\n")
    assert exposed(lines, Format.TEXT).endswith("} 1\n")


def test_a_family_stands_together() -> None:
    """Lines of a metric added at different times come out under one head."""
    lines = Lines()
    for model in ("a", "b"):
        lines.sample(truth_catalogue.OUTCOMES, (model,), 1)
        lines.sample(catalogue.PREDICTIONS, (model, "v"), 1)
    assert exposed(lines).count("# HELP") == 2
    assert exposed(lines).index('model_predictions_total{model="b"') < exposed(lines).index(
        "# HELP model_outcomes_total"
    )


def test_what_is_kept_is_written_again_when_it_tells_of_another() -> None:
    """Lines stay while what they tell of stays, and series that left are not written again."""
    kept: Kept[tuple[int, ...]] = Kept(operator.eq)
    written: list[tuple[int, ...]] = []

    def write(of: tuple[int, ...]) -> str:
        def add(lines: Lines) -> None:
            written.append(of)
            for model in of:
                lines.sample(truth_catalogue.OUTCOMES, (str(model),), model)

        lines = Lines()
        kept.write(lines, of, add)
        return exposed(lines)

    assert [write(of).count("\nmodel_outcomes_total{") for of in ((), (1, 2), (1, 2), (2,), (2, 3))] == [0, 2, 2, 1, 2]
    assert written == [(), (1, 2), (2,), (2, 3)]
    assert write((2, 3)).endswith('model_outcomes_total{model="2"} 2\nmodel_outcomes_total{model="3"} 3\n')
