"""The models of the day: real ones, small, on data that ships with scikit-learn."""

from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_exporter.demo.day.story import CAST, Fault, Role

Rows = NDArray[np.float64]
Indices = NDArray[np.int64]
Answers = NDArray[np.float64] | NDArray[np.str_]
"""Classes by name, or numbers."""

_IMAGE_SIDE: Final = 8
_OLD: Final = 50.0
_TEXTURE: Final = 1


class Predictor(Protocol):
    """What is trained."""

    def predict(self, rows: Rows) -> Answers:
        """An answer for each row."""


@dataclass(frozen=True, slots=True)
class Data:
    """Rows that a model is asked about, and what becomes of them.

    Attributes:
        features: names of the columns.
        rows: float64[rows, features].
        truth: of each row.
        new_truth: the same after a change of concept.
        elsewhere: places of the rows that another population consists of.
    """

    features: tuple[str, ...]
    rows: Rows
    truth: Answers
    new_truth: Answers
    elsewhere: Indices


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model with the data that it is asked about; the next version reads the columns in reverse."""

    role: Role
    data: Data
    predictor: Predictor
    means: Rows = field(repr=False)

    def predict(self, rows: Rows, *, reversed_columns: bool) -> Answers:
        """An answer for each row; the mean stands in for a missing value."""
        known = np.where(np.isnan(rows), self.means, rows)
        return self.predictor.predict(known[:, ::-1] if reversed_columns else known)


def train(*, seed: int) -> tuple[Model, ...]:
    """All models of the day, each trained on half of its rows and asked about the other half."""
    return tuple(_trained(role, seed) for role in CAST)


def _trained(role: Role, seed: int) -> Model:
    features, x, y = _load(role.name)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.5, random_state=seed)
    if role.kind == "regression":
        predictor = make_pipeline(StandardScaler(), LinearRegression())
    else:
        predictor = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    predictor.fit(x_train, y_train)
    elsewhere = np.arange(len(x_test))
    if role.fault is Fault.POPULATION:
        elsewhere = np.flatnonzero(x_test[:, features.index("age")] > _OLD)
    new_truth = y_test
    if role.fault is Fault.CONCEPT:
        new_truth = np.where(x_test[:, _TEXTURE] > np.median(x_test[:, _TEXTURE]), "malignant", y_test)
    data = Data(features, x_test, y_test, new_truth, elsewhere)
    return Model(role, data, predictor, x_train.mean(axis=0))


def _load(name: str) -> tuple[tuple[str, ...], Rows, Answers]:
    """Names of the features, rows and truth of a data set."""
    if name == "digits":  # eight rows of pixels say enough of a digit
        data = load_digits()
        inked = data.images.sum(axis=2)
        return tuple(f"row_{number}" for number in range(_IMAGE_SIDE)), inked, data.target.astype(str)
    if name == "diabetes":
        data = load_diabetes(scaled=False)
        return tuple(data.feature_names), data.data, data.target
    data = {"tumour": load_breast_cancer, "wine": load_wine, "iris": load_iris}[name]()
    kept = 10 if name == "tumour" else data.data.shape[1]  # the means, without errors and worst values
    features = tuple(_plain(feature) for feature in list(data.feature_names)[:kept])
    return features, data.data[:, :kept], data.target_names[data.target]


def _plain(feature: str) -> str:
    return feature.removeprefix("mean ").removesuffix(" (cm)").replace("/", "_").replace(" ", "_")
