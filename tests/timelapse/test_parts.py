"""The parts of timelapse that need neither promtool nor Prometheus."""

from math import inf, nan
from pathlib import Path

import numpy as np
import pytest

from scenarios.faults import ConceptChange
from timelapse.evaluation import read_got, recorded_names
from timelapse.openmetrics import write_openmetrics
from timelapse.recording import Recorder, Recording, parse_scrape
from timelapse.service import Model, Service
from timelapse.states import STATES, State
from timelapse.trades import DELIVERY, LOANS

COMPLAINTS = (
    '    expr: "ALERTS", time: 1h5m,\n        exp: {__name__="x"} 1E+00\n'
    '        got: {__name__="ALERTS", alertname="A", text="a, \\"b\\" {c}\\\\d"} 1E+00, '
    '{__name__="ALERTS", alertname="B"} +Inf\n'
    '    expr: "model:seen", time: 30s,\n        exp: {__name__="x"} 1E+00\n        got: nil\n'
    '    expr: "model:seen", time: 2m,\n        exp: {__name__="x"} 1E+00\n        got: model:seen{model="m"} 2.5E-03\n'
)


def test_got_is_read_as_the_exposition_writes_series() -> None:
    """Names are taken out of the labels, whatever stands in those; nothing is no sample; both notations are read."""
    assert list(read_got(COMPLAINTS)) == [
        (3900.0, [('ALERTS{alertname="A",text="a, \\"b\\" {c}\\\\d"}', 1.0), ('ALERTS{alertname="B"}', inf)]),
        (30.0, []),
        (120.0, [('model:seen{model="m"}', 0.0025)]),
    ]


def test_openmetrics_have_the_moments_of_now(tmp_path: Path) -> None:
    """Gaps are no samples, moments among the values move as samples do, and what does not change is told less often."""
    keys = ('a{model="m"}', 'model:change:timestamp_seconds{model="m"}', "process_start_time_seconds")
    values = np.array([[nan, 1.0, inf], [-5.0, nan, 60.0], [0.0, 0.0, 0.0]])
    write_openmetrics(Recording(60.0, keys, values), 1000.0, tmp_path / "om")
    assert (tmp_path / "om").read_text().splitlines() == [
        'a{model="m"} 1.0 1060.000',
        'a{model="m"} inf 1120.000',
        'model:change:timestamp_seconds{model="m"} 995.0 1000.000',
        'model:change:timestamp_seconds{model="m"} 1060.0 1120.000',
        "process_start_time_seconds 1000.0 1000.000",
        "process_start_time_seconds 1000.0 1120.000",
        "# EOF",
    ]


def test_a_scrape_is_recorded_with_its_target_and_in_time_since_the_begin(tmp_path: Path) -> None:
    """What a file keeps is what was recorded; a series that comes late or goes has gaps."""
    recorder = Recorder(60.0, 3, epoch=500.0)
    recorder.add(0, parse_scrape('# HELP a of a\na{model="m, }"} 1\nb_timestamp_seconds 530', {"job": "j"}))
    recorder.add(2, parse_scrape("c 2e-3", {"job": "j"}))
    recorder.finish().write(tmp_path / "kept")
    kept = Recording.read(tmp_path / "kept")
    assert kept.keys == ('a{model="m, }",job="j"}', 'b_timestamp_seconds{job="j"}', 'c{job="j"}')
    np.testing.assert_array_equal(kept.values, [[1, nan, nan], [30, nan, nan], [nan, nan, 0.002]])
    assert dict(kept.promtool_series(frozenset({"c"}))) == {'c{job="j"}': "_x2 0.002"}


def test_what_has_fewer_moments_is_joined_to_those_it_has() -> None:
    """Rules may run at every other scrape."""
    scraped = Recording(60.0, ("a",), np.array([[1.0, 2.0, 3.0]]))
    made = Recording(120.0, ("b",), 2 * scraped.thinned(2).values)
    np.testing.assert_array_equal(scraped.joined(made).values, [[1, 2, 3], [2, nan, 6]])


def test_every_name_that_rules_make_is_asked_for(tmp_path: Path) -> None:
    """Recorded series once each, and the two that alerts have."""
    rules = tmp_path / "rules.yml"
    rules.write_text(
        "groups: [{name: g, rules: [{record: 'a:b', expr: x}, {record: 'a:b', expr: y}, {alert: A, expr: x}]}]"
    )
    assert recorded_names([rules]) == ("a:b", "ALERTS", "ALERTS_FOR_STATE")


@pytest.mark.parametrize(
    "model", [Model("m", LOANS), Model("m", DELIVERY), Model("m", LOANS, faults=[ConceptChange(0, 9e9)])]
)
def test_a_service_tells_the_same_in_every_run(model: Model) -> None:
    """Seeds are fixed, so that what was built once need not be built again."""
    first, second = (Service(model, 0) for _ in range(2))
    start = 1_800_057_600.0
    for step in range(0, 60, 15):
        one, other = first.step(start + step, 15), second.step(start + step, 15)
        assert one.batches[0].ids == other.batches[0].ids
        assert one.outcomes == other.outcomes
        np.testing.assert_array_equal(one.batches[0].keys, other.batches[0].keys)


@pytest.mark.parametrize("state", STATES.values(), ids=lambda state: state.name)
def test_faults_begin_and_end_with_stretches(state: State) -> None:
    """A stretch of a quarter of an hour is drawn as a whole, with the faults of its begin."""
    for model in state.models:
        assert all(fault.starts % 900 == 0 and fault.lasts % 900 == 0 for fault in model.faults)
