from itertools import pairwise

import pytest

from model_exporter.demo.laboratory import DELAY_SECONDS, REPORTED, Laboratory

START = 1_760_000_000.0
COUNT = 4000


def _worked() -> Laboratory:
    """Ten predictions a second, of which every fourth is wrong."""
    laboratory = Laboratory(seed=3)
    for i in range(COUNT):
        predicted = "malignant" if i % 4 else "benign"
        laboratory.take(str(i), predicted=predicted, truth="malignant", at=START + i / 10)
    return laboratory


def test_most_of_the_truth_comes_late_and_out_of_order() -> None:
    """Each report comes once, within the delays, and a tenth of the predictions never gets one."""
    reports = list(_worked().due(START + COUNT))
    made = [int(report.prediction) for report in reports]
    assert len(set(made)) == len(made) == pytest.approx(REPORTED * COUNT, rel=0.02)
    assert any(later < earlier for earlier, later in pairwise(made))
    delays = [report.due - (START + place / 10) for report, place in zip(reports, made, strict=True)]
    assert DELAY_SECONDS[0] <= min(delays) <= max(delays) <= DELAY_SECONDS[1]


def test_nothing_is_told_before_it_is_due() -> None:
    """What is not told yet is still to come."""
    laboratory = _worked()
    early = list(laboratory.due(START + 200))
    assert early
    assert all(report.due <= START + 200 for report in early)
    waiting = laboratory.waiting
    assert len(list(laboratory.due(START + COUNT))) == waiting > 0
    assert laboratory.waiting == 0


def test_it_knows_which_of_its_reports_agree_with_the_prediction() -> None:
    """The count is that of the reports, one by one."""
    laboratory = _worked()
    right = sum(int(report.prediction) % 4 != 0 for report in laboratory.due(START + COUNT))
    assert laboratory.told_right == right < laboratory.told


def test_the_accuracy_is_that_of_all_predictions_of_whole_slots() -> None:
    """Reported or not; of slots of 15 seconds that ended by then."""
    laboratory = Laboratory(seed=3)
    begin = START // 15 * 15
    for second in range(45):
        truth = "malignant" if second < 15 else "benign"
        laboratory.take(str(second), predicted="malignant", truth=truth, at=begin + second)
    assert laboratory.accuracy(before=begin) is None
    assert laboratory.accuracy(before=begin + 29) == 1.0
    assert laboratory.accuracy(before=begin + 30) == 0.5
