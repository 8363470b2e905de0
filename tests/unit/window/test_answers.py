"""What a classifier said, as arrays: the same as what is kept of its predictions."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from batches import T0, batch_of
from model_exporter.batch import Facts
from model_exporter.config.settings import ModelKind, ModelSettings, OutcomeSettings
from model_exporter.window.answers import AnswerReader
from model_exporter.window.facts import FactsReader
from model_exporter.window.scoring import called, score_of

Outputs = Mapping[str, Sequence[object]]
CLASSES = ("0", "1", "cat", "dog", "-2")

RECORDS: dict[str, Outputs] = {
    "text": {"prediction": ["cat", "dog", "True", "", "horse", None, "false"]},
    "truth values": {"prediction": [True, False, None]},
    "numbers": {"prediction": [1, 0, -2, 7, 2.0, float("nan"), float("inf"), 1e30]},
    "broken numbers": {"prediction": [0.25, 1.0, 0.75], "score": [None, 0.5, 0.9]},
    "scores": {"score": [0.2, 0.5, 1.7, None, float("nan"), "high", 0.9]},
    "both": {"prediction": ["1", None, "0", "cat"], "score": [0.9, 0.8, 0.1, 0.4]},
    "two shares": {"probabilities.cat": [0.3, 0.6, None], "probabilities.dog": [0.7, 0.4, 0.2]},
    "shares by place": {"probabilities.0": [0.3, 0.6], "probabilities.1": [0.7, 0.4]},
    "three shares": {
        "probabilities.cat": [0.3, 0.6, float("nan")],
        "probabilities.dog": [0.5, 0.3, 0.2],
        "probabilities.horse": [0.2, 0.1, 0.8],
    },
    "shares, a class and a score": {
        "prediction": ["dog", None, "horse"],
        "score": [0.4, None, 0.1],
        "probabilities.cat": [0.3, 0.6, 0.1],
        "probabilities.dog": [0.5, 0.3, 0.2],
        "probabilities.horse": [0.2, 0.1, 0.7],
    },
    "nothing": {"margin": [1.0, 2.0]},
}


@pytest.mark.parametrize("positive", [None, "cat", "1"])
@pytest.mark.parametrize("kind", [None, ModelKind.CLASSIFICATION])
@pytest.mark.parametrize("outputs", RECORDS.values(), ids=RECORDS.keys())
def test_arrays_say_what_facts_say(outputs: Outputs, kind: ModelKind | None, positive: str | None) -> None:
    """Class and score of each row, for a score of the positive class and for one of the predicted class."""
    settings = ModelSettings(kind=kind, outcome=OutcomeSettings(positive=positive))
    rows = len(next(iter(outputs.values())))
    batch = batch_of({}, outputs, rows=rows, ids=[f"p{row}" for row in range(rows)])
    facts = [Facts.decode(one.facts) for one in FactsReader(settings).read(batch, np.arange(rows), T0)]
    for of_positive in (True, False):
        codes, scores = AnswerReader(settings, CLASSES, positive=of_positive).read(batch, np.arange(rows))
        for row, fact in enumerate(facts):
            assert fact
            name = called(fact)
            expected = -1 if name is None else CLASSES.index(name) if name in CLASSES else len(CLASSES)
            assert codes[row] == expected, (row, fact)
            score = score_of(fact)
            if not of_positive and fact.probabilities and name in CLASSES:
                score = fact.probabilities.get(name, score)
            assert scores[row] == pytest.approx(np.nan if score is None else score, nan_ok=True), (row, fact)


def test_only_the_rows_asked_for_are_read() -> None:
    """In their order."""
    batch = batch_of({}, {"prediction": ["cat", "dog", "cat"], "score": [0.1, 0.2, 0.3]})
    codes, scores = AnswerReader(ModelSettings(), CLASSES, positive=True).read(batch, np.array([2, 1]))
    assert codes.tolist() == [2, 3]
    assert scores.tolist() == [0.3, 0.2]
