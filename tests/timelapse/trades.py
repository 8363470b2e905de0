"""What models do: the simulator's people in the words of several trades, with what each model answers and learns of."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Final

import numpy as np

from model_exporter.batch import Column, Kind, Role, Words
from scenarios.traffic import Floats, Stretch, columns

Truth = str | float

MINUTES: Final = {"amount": 9.0, "device": 5.0, "age": -1.5, "prior": 2.0}
USUAL_MINUTES: Final = 32.0
NOISE_MINUTES: Final = 4.0


@dataclass(frozen=True, slots=True)
class Trade:
    """A classifier; the simulator's fraud model under other names.

    Attributes:
        names: of the features, by the simulator's.
        answers: the class that is usual, and the one that counts as positive.
        business: indicators as the configuration has them.
    """

    names: Mapping[str, str]
    answers: tuple[str, str]
    business: Mapping[str, object] = field(default_factory=dict)

    kind: ClassVar[str] = "classification"

    def columns(self, stretch: Stretch) -> tuple[Column, ...]:
        """Features and outputs of `stretch`."""
        return tuple(self._renamed(column) for column in columns(stretch))

    def truths(self, stretch: Stretch) -> list[Truth]:
        """What is true of each row, before anybody has seen or answered it."""
        return [self.answers[fraud] for fraud in stretch.truth.astype(int).tolist()]

    def outcome(self) -> dict[str, object]:
        """How the truth arrives, as the configuration has it."""
        return {"positive": self.answers[1], "wait": "30m"}

    def _renamed(self, column: Column) -> Column:
        if column.name == "prediction" and column.texts:
            return replace(column, texts=Words(column.texts.codes, self.answers))
        return replace(column, name=self.names.get(column.name, column.name))


@dataclass(frozen=True, slots=True)
class Minutes(Trade):
    """A regression: how many minutes something takes."""

    kind: ClassVar[str] = "regression"

    def columns(self, stretch: Stretch) -> tuple[Column, ...]:
        """Features and the minutes that the model tells, by what it sees."""
        inputs = [self._renamed(column) for column in columns(stretch) if column.role is Role.INPUT]
        told = _minutes(stretch)
        kinds = np.full(stretch.rows, Kind.NUMBER, np.uint8)
        return (*inputs, Column("prediction", Role.OUTPUT, kinds, told))

    def truths(self, stretch: Stretch) -> list[Truth]:
        """How long it took in the end."""
        noise = NOISE_MINUTES * stretch.random.normal(size=stretch.rows)
        return list((_minutes(stretch) + noise).tolist())

    def outcome(self) -> dict[str, object]:
        """How the truth arrives, as the configuration has it."""
        return {"wait": "30m"}


FRAUD: Final = Trade({}, ("legit", "fraud"), {"approval_rate": {"ratio": "prediction == legit"}})
LOANS: Final = Trade(
    {
        "amount": "loan_amount",
        "device_oddity": "debt_ratio",
        "account_age": "years_employed",
        "complaints": "late_payments",
        "channel": "branch",
    },
    ("approve", "decline"),
    {"approval_rate": {"ratio": "prediction == approve"}, "granted_amount": {"mean": "feature.loan_amount"}},
)
CHURN: Final = Trade(
    {
        "amount": "monthly_bill",
        "device_oddity": "usage_change",
        "account_age": "months_as_customer",
        "complaints": "support_tickets",
        "channel": "contract",
    },
    ("stay", "leave"),
)
CLICKS: Final = Trade(
    {
        "amount": "bid",
        "device_oddity": "interest",
        "account_age": "page_depth",
        "complaints": "ads_seen",
        "channel": "placement",
    },
    ("no_click", "click"),
    {"click_rate": {"ratio": "outcome == click"}},
)
SEARCH: Final = Trade(
    {
        "amount": "query_length",
        "device_oddity": "text_match",
        "account_age": "freshness",
        "complaints": "filters",
        "country": "language",
    },
    ("hide", "show"),
)
DELIVERY: Final = Minutes(
    {
        "amount": "distance_km",
        "device_oddity": "traffic_index",
        "account_age": "courier_experience",
        "complaints": "parcels",
        "country": "city",
        "channel": "vehicle",
    },
    ("", ""),
)


def _minutes(stretch: Stretch) -> Floats:
    known = {name: np.nan_to_num(getattr(stretch, name)) for name in MINUTES}
    return np.asarray(USUAL_MINUTES + sum(MINUTES[name] * known[name] for name in MINUTES), np.float64)
