import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from prometheus_client.openmetrics import parser as openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families

from model_exporter.expose import blocks, catalogue
from model_exporter.expose.blocks import Block, HistogramBlock
from model_exporter.expose.text import Format, Lines
from model_exporter.window.snapshot import LATENCY_BUCKETS, Histogram

PARSERS = {
    Format.TEXT: text_string_to_metric_families,
    Format.OPENMETRICS: openmetrics_parser.text_string_to_metric_families,
}
NAMES = ("fraud", "1.0")


def exposed(lines: Lines, form: Format = Format.TEXT) -> str:
    """The lines as a whole exposition."""
    return lines.exposition(form, last=True).decode()


def samples(block: Block, values: NDArray[np.float64] | NDArray[np.int64]) -> list[str]:
    """Sample lines of what `block` writes."""
    lines = Lines()
    block.write(lines, values)
    return [line for line in exposed(lines).splitlines() if not line.startswith("#")]


@pytest.mark.parametrize("form", Format)
@given(values=st.lists(st.floats(), min_size=1, max_size=5))
def test_sparse_values_read_back_as_themselves(form: Format, values: list[float]) -> None:
    """Fast or slow, the spelling of many floats at once keeps every digit, and NaN has no line."""
    lines = Lines()
    block = Block((catalogue.PSI, [("m", "v", str(i), "input", "1h") for i in range(len(values))]))
    block.write(lines, np.array(values))
    families = PARSERS[form](exposed(lines, form))  # type: ignore[no-untyped-call]  # prometheus_client's have no types
    read = {int(s.labels["feature"]): s.value for family in families for s in family.samples}
    assert read == {i: value for i, value in enumerate(values) if not math.isnan(value)}


def test_columns_follow_each_other_in_the_numbers() -> None:
    """Each metric gets the numbers of its labels; one without labels gets none."""
    block = Block(
        (catalogue.VIOLATIONS, [(*NAMES, "type"), (*NAMES, "missing_feature")]),
        (catalogue.VALUES, []),
        (catalogue.PREDICTIONS, [NAMES]),
    )
    assert samples(block, np.array([1, 2, 3])) == [
        'model_predictions_total{model="fraud",version="1.0"} 3',
        'model_schema_violations_total{model="fraud",version="1.0",reason="type"} 1',
        'model_schema_violations_total{model="fraud",version="1.0",reason="missing_feature"} 2',
    ]


@given(st.lists(st.lists(st.sampled_from([math.nan, 0.0, -0.0, 0.25, math.inf]), min_size=3, max_size=3), max_size=6))
def test_numbers_come_and_go(rounds: list[list[float]]) -> None:
    """Whatever a block wrote before, it writes what a new one does: first, last or no number of a column is there."""
    columns = ((catalogue.PSI, [("m", "v", "a", "input", "1h"), ("m", "v", "b", "input", "1h")]),)
    more = ((catalogue.ANOMALY_EVIDENCE, [NAMES]),)
    block = Block(*columns, *more)
    for values in rounds:
        assert samples(block, np.array(values)) == samples(Block(*columns, *more), np.array(values))


def test_equal_numbers_are_not_spelt_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when they were measured anew."""
    block, values = Block((catalogue.VIOLATIONS, [(*NAMES, "type")])), np.array([7])
    first = samples(block, values)
    monkeypatch.setattr(blocks, "_spell", None)
    assert samples(block, values.copy()) == first
    with pytest.raises(TypeError):
        samples(block, np.array([8]))


def test_flags_stand_where_there_is_one() -> None:
    """Under the mask each is 0 or 1, beside it there is no series."""
    labels = [(*NAMES, name, "input", "page") for name in "abc"]
    block = Block((catalogue.FEATURE_DRIFT_DETECTED, labels))
    for where, told in (([True, False, True], ["1", "0"]), ([True, True, True], ["1", "1", "0"]), ([False] * 3, [])):
        lines = Lines()
        block.write_flags(lines, np.array([True, True, False]), where=np.array(where))
        written = [line.rpartition(" ")[2] for line in exposed(lines).splitlines() if not line.startswith("#")]
        assert written == told


@pytest.mark.parametrize("form", Format)
def test_histograms_are_cumulated(form: Format) -> None:
    """Buckets add up, the last is `+Inf` and equals the count, and bounds are floats in both formats."""
    lines = Lines()
    counts = np.arange(1, len(LATENCY_BUCKETS) + 2)
    HistogramBlock(catalogue.DURATION, NAMES).write(lines, Histogram(counts, 12.5))
    samples = [line.rpartition(" ") for line in exposed(lines, form).splitlines() if not line.startswith("#")]
    values = [float(value) for _, _, value in samples]
    assert values[: len(counts)] == np.cumsum(counts).tolist()
    assert values[-2:] == [12.5, counts.sum()]
    bounds = [name.rpartition('le="')[2].rstrip('"}') for name, _, _ in samples[: len(counts)]]
    assert bounds[0] == "0.001"
    assert bounds[9] == "1.0"
    assert bounds[-1] == "+Inf"


def test_a_histogram_is_that_of_the_moment() -> None:
    """The same block writes other counts, and another sum of the same counts."""
    block = HistogramBlock(catalogue.DURATION, NAMES)
    counts = np.arange(len(LATENCY_BUCKETS) + 1)
    for histogram in (Histogram(counts, 1.5), Histogram(counts, 2.5), Histogram(counts + 1, 2.5)):
        told, fresh = Lines(), Lines()
        block.write(told, histogram)
        HistogramBlock(catalogue.DURATION, NAMES).write(fresh, histogram)
        assert exposed(told) == exposed(fresh)


def test_no_values_no_lines() -> None:
    """A family without a sample has no head either."""
    lines = Lines()
    Block().write(lines, np.zeros(0))
    Block((catalogue.VALUES, [])).write(lines, np.zeros(0, np.int64))
    Block((catalogue.PSI, [("m", "v", "f", "input", "1h")])).write(lines, np.array([np.nan]))
    assert exposed(lines) == ""
