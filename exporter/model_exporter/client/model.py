"""A model, as the service that hosts it sees it: what it predicts, what turns out, what happens to it."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from model_exporter.client.connection import Client, shared_client
from model_exporter.client.prediction import Prediction
from model_exporter.client.records import (
    CHANGES,
    EVENT,
    OUTCOME,
    PREDICTION,
    Body,
    id_of,
    id_or_new,
    new_id,
    put,
    put_error,
    put_latency,
    put_probabilities,
    put_segments,
)
from model_exporter.client.rows import Named, row_of, rows_of
from model_exporter.client.values import Converter, UnsendableError, fields_of, sequence, unix_nanoseconds

_NO_SEGMENTS: Final[Mapping[str, object]] = MappingProxyType({})


class Model:
    """A model whose predictions, outcomes and events are told to the exporter.

    No method waits for the network, and none raises for what it is given, unless the client is strict: what cannot be
    recorded is counted in `stats`. Safe to use from all threads, and before or after a fork.

    Args:
        name: as the exporter shows it.
        version: of the model; text or a number.
        features: names of the features, for those that come as arrays.
        classes: names of the classes, in the order of `probabilities` that come as arrays.
        client: the way to the exporter; all models that are given none share one.

    Attributes:
        name: as given.
        client: as given, or the shared one.
    """

    def __init__(
        self,
        name: str,
        *,
        version: object = None,
        features: Iterable[object] = (),
        classes: Iterable[object] = (),
        client: Client | None = None,
    ) -> None:
        self.name = name
        self.client = client or shared_client()
        self._features = tuple(map(str, features))
        self._classes = tuple(map(str, classes))
        self._head: dict[str, object] = {"model.name": str(name)}
        if version is not None:
            self._head["model.version"] = str(version)

    def log(
        self,
        features: object = None,
        *,
        prediction: object = None,
        score: object = None,
        probabilities: object = None,
        id: object = None,  # noqa: A002  # its name everywhere
        latency: object = None,
        error: object = None,
        segments: Mapping[str, object] = _NO_SEGMENTS,
        lower: object = None,
        upper: object = None,
        horizon: object = None,
        naive: object = None,
        outcome: object = None,
        time: object = None,
    ) -> str:
        """Record one prediction.

        Args:
            features: a map, an object with fields (dataclass, pydantic, named tuple), a pandas row, a table of one
                row, or an array. What is None or NaN counts as missing.
            prediction: a class, a number, or a list of items, best first.
            score: the probability of the positive class, or any other number.
            probabilities: by class: a map, or an array in the order of the model's `classes`.
            id: what the outcome will come with: text, a number or a UUID. Without one, one is made.
            latency: in seconds, or a timedelta.
            error: the exception, or the type of error, of a prediction that failed.
            segments: groups to watch apart, such as `{"region": "eu"}`.
            lower: lower end of a forecast's interval.
            upper: its upper end.
            horizon: how far ahead a forecast looks.
            naive: what a naive forecast would have said.
            outcome: the truth, where it is known at once.
            time: when it was made, as datetime or unix seconds; now, without it.

        Returns:
            The id, to be kept for `outcome`.
        """
        told = new_id() if id is None else ""

        def fill(body: Body, converter: Converter) -> int | None:
            nonlocal told
            if id is not None:
                told = converter.attempt(lambda: id_of(id), told) or new_id()
            body["prediction.id"] = told
            named: Named = converter.attempt(lambda: row_of(features, self._features), {})
            body["features"] = converter.features(named)
            put(body, converter, prediction=prediction, score=score, lower=lower, upper=upper)
            put(body, converter, horizon=horizon, naive=naive, outcome=outcome)
            put_probabilities(body, converter, probabilities, self._classes)
            put_segments(body, converter, segments)
            put_latency(body, converter, latency)
            put_error(body, error)
            return _moment(converter, time)

        self._record(PREDICTION, fill)
        return told or new_id()

    def log_batch(
        self,
        rows: object,
        *,
        prediction: object = None,
        score: object = None,
        probabilities: object = None,
        id: object = None,  # noqa: A002  # as above
        latency: object = None,
        error: object = None,
        segments: Mapping[str, object] = _NO_SEGMENTS,
        time: object = None,
    ) -> list[str]:
        """Record the predictions of a batch, one for each row.

        Args:
            rows: a table of pandas, polars or pyarrow, a map of columns, a matrix, or a list of what `log` takes.
            prediction: an array or column with one for each row.
            score: the same.
            probabilities: the same, of maps or arrays; a matrix has a row for each row and a column for each class.
            id: the same; or the id of the request, to which the number of each row is added: `<id>#<row>`.
            latency: of the whole batch, which each of its predictions took; or one for each row.
            error: of all of them.
            segments: groups by name, each for all rows or one for each row.
            time: when all of them were made.

        Returns:
            The ids, in the order of the rows; none when `rows` cannot be read.
        """
        try:
            cells = rows_of(rows, self._features)
            ids = _ids(id, len(cells))
            columns = {"prediction": prediction, "score": score, "probabilities": probabilities, "latency": latency}
            spread = {name: _spread(value, len(cells)) for name, value in columns.items()}
            groups = {name: _spread(value, len(cells)) for name, value in segments.items()}
        except Exception as failure:  # noqa: BLE001  # the request goes on, whatever it holds
            self._refuse(failure)
            return []
        return [
            self.log(
                row,
                id=ids[index],
                error=error,
                time=time,
                segments={name: values[index] for name, values in groups.items()},
                **{name: values[index] for name, values in spread.items()},
            )
            for index, row in enumerate(cells)
        ]

    def prediction(
        self,
        features: object = None,
        *,
        id: object = None,  # noqa: A002  # as above
        segments: Mapping[str, object] = _NO_SEGMENTS,
    ) -> Prediction:
        """Measure a prediction: a `with` block that records how long it took, what came of it, or its error.

        >>> fraud = Model("fraud")
        >>> with fraud.prediction({"amount": 12.5}) as p:
        ...     p.prediction = "genuine"
        """
        return Prediction(self, features, id=id_or_new(id, strict=self.client.strict), segments=segments)

    def outcome(
        self, prediction_id: object, outcome: object = None, /, *, time: object = None, **values: object
    ) -> None:
        """Record what turned out: the truth about a prediction, or what it was worth.

        Args:
            prediction_id: what `log` returned, or was given.
            outcome: a class, a number or a boolean; for a recommendation, the relevant items.
            time: when it became known; now, without it.
            values: numbers for business indicators, such as `loss=120.0`.
        """

        def fill(body: Body, converter: Converter) -> int | None:
            if prediction_id is None:
                raise UnsendableError("bad_id", "an outcome needs the id of its prediction")
            body["prediction.id"] = id_of(prediction_id)
            put(body, converter, outcome=outcome)
            if values:
                body["values"] = converter.features(values)
            return _moment(converter, time)

        self._record(OUTCOME, fill)

    def event(self, change: str, *, source: str = "", version: object = None, time: object = None) -> None:
        """Record that something changed: a `deployment`, a run of a `pipeline`, a `schema`.

        Args:
            change: one of these three.
            source: who changed it, such as the name of a pipeline.
            version: of the model, when not the one of this object.
            time: when it happened; now, without it.
        """

        def fill(body: Body, converter: Converter) -> int | None:
            if change not in CHANGES:
                raise UnsendableError("bad_event", f"the change must be one of {', '.join(CHANGES)}, not {change!r}")
            body["change"] = change
            put(body, converter, source=source or None)
            if version is not None:
                body["model.version"] = str(version)
            return _moment(converter, time)

        self._record(EVENT, fill)

    def _record(self, event: str, fill: Callable[[Body, Converter], int | None]) -> None:
        """Make a record and hand it in. Nothing leaves this but what a strict client wants to hear."""
        try:
            converter = Converter(strict=self.client.strict)
            body = Body(self._head)
            time_ns = fill(body, converter)
            body.values_held = converter.values
            if converter.dropped:
                self.client.count_dropped_values(converter.dropped)
            self.client.record(event, body, time_ns=time_ns)
        except Exception as failure:  # noqa: BLE001  # a request must not fail because it cannot be recorded
            self._refuse(failure)

    def _refuse(self, failure: Exception) -> None:
        if self.client.strict:
            raise failure
        self.client.count_lost("unreadable")


def _moment(converter: Converter, time: object) -> int | None:
    """Unix nanoseconds, None for now."""
    return None if time is None else converter.attempt(lambda: unix_nanoseconds(time), None)


def _ids(given: object, rows: int) -> list[object]:
    """The id of each row: given one by one, or made of the request's."""
    if given is None:
        return [new_id() for _ in range(rows)]
    if fields_of(given) is None and hasattr(given, "__len__") and not isinstance(given, str | bytes):
        return _spread(given, rows)
    request = id_of(given)
    return [f"{request}#{row}" for row in range(rows)]


def _spread(value: object, rows: int) -> list[object]:
    """One value for each row, of an array or column, or the same for all.

    Raises:
        UnsendableError: there are more or fewer than rows.
    """
    if isinstance(value, str | bytes) or not (hasattr(value, "__len__") or hasattr(value, "tolist")):
        return [value] * rows
    if getattr(value, "shape", None) == ():
        return [value] * rows
    listed = sequence(value)
    if len(listed) != rows:
        raise UnsendableError("row_mismatch", f"{len(listed)} values for {rows} rows")
    return listed
