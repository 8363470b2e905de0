import pytest

from model_exporter.baseline.naming import assign_roles
from model_exporter.batch import Role


def test_a_flat_file_has_inputs_outputs_and_bookkeeping() -> None:
    """Predictions and scores are outputs, ids and versions are neither, and the rest are inputs."""
    roles = assign_roles(
        ["prediction_id", "model_version", "segment.region", "amount", "prediction", "probabilities.no"]
    )
    assert roles == {
        "amount": (Role.INPUT, "amount"),
        "prediction": (Role.OUTPUT, "prediction"),
        "probabilities.no": (Role.OUTPUT, "probabilities.no"),
    }


@pytest.mark.parametrize("prefix", ["feature.", "features."])
def test_prediction_records_mark_their_inputs(prefix: str) -> None:
    """With a marked column in the file, an unmarked one is an output or nothing, whatever its name."""
    roles = assign_roles([f"{prefix}label", "amount", "score"])
    assert roles == {f"{prefix}label": (Role.INPUT, "label"), "score": (Role.OUTPUT, "score")}


def test_outputs_can_be_told() -> None:
    """The given ones take the place of the usual ones."""
    roles = assign_roles(["score", "yhat"], outputs=["yhat"])
    assert roles == {"score": (Role.INPUT, "score"), "yhat": (Role.OUTPUT, "yhat")}


def test_columns_can_be_left_out() -> None:
    """By their name in the file, by that of the feature, or by how they begin."""
    assert assign_roles(["a", "feature.b", "feature.c", "raw.d"], ignore=["a", "b", "feature.c", "raw.*"]) == {}


def test_bookkeeping_can_be_kept() -> None:
    """A column that the configuration calls a feature is one."""
    assert assign_roles(["label", "id"], keep=["label"]) == {"label": (Role.INPUT, "label")}


def test_a_bare_prefix_is_a_name() -> None:
    """`feature.` alone names nothing that could be left of it."""
    assert assign_roles(["feature."]) == {}
