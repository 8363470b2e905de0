"""What one record says, whatever codec it came through: a prediction, an outcome or an event."""

from collections import Counter
from collections.abc import Mapping
from math import nan
from typing import Final
from uuid import uuid4

from model_exporter.batch import Event, Origin, Outcome
from model_exporter.config.settings import Limits
from model_exporter.decode.aliases import PREFIXED, Field
from model_exporter.decode.bento import SCOPE as MONITORS
from model_exporter.decode.bento import MonitorReader, bento_of
from model_exporter.decode.cells import CellReader, Cells
from model_exporter.decode.context import ContextReader, as_map
from model_exporter.decode.identity import (
    Source,
    Stamp,
    key_of_content,
    key_of_id,
    model_of,
    prediction_id_of,
    version_of,
)
from model_exporter.decode.layouts import Found, Row, Vocabulary, cells_of, row_of
from model_exporter.decode.rows import Group, Ledger
from model_exporter.decode.schemas import Schemas
from model_exporter.decode.tally import RecordError
from model_exporter.decode.values import NANOSECONDS, bounded_text, error_of, is_empty, number_of, text_of, unix_seconds

PREDICTION: Final = "model.prediction"
OUTCOME: Final = "model.outcome"
EVENT: Final = "model.event"
CHANGES: Final = ("deployment", "pipeline", "schema")

_MARKS: Final = frozenset({Field.FEATURES, Field.PREDICTION, Field.SCORE, Field.PROBABILITIES})
"""Fields that make a record without an event name a prediction; any feature does, too."""
LATENCIES: Final = ((Field.LATENCY_MILLISECONDS, 1e3), (Field.LATENCY_SECONDS, 1.0))
_NOWHERE: Final = Source()
_NEVER: Final = Stamp()


class RecordReader:
    """Reads the records of one request into a ledger.

    Fields are looked up in the attributes, then in the body when that is a map, then (model and version only) in the
    resource. Of keys given twice the last one wins. `defaults` are what records of a native door have that lack it.
    """

    def __init__(
        self,
        *,
        vocabulary: Vocabulary,
        limits: Limits,
        ledger: Ledger,
        schemas: Schemas,
        defaults: Mapping[int, str] | None = None,
    ) -> None:
        self._vocabulary = vocabulary
        self._limits = limits
        self._ledger = ledger
        self._defaults = defaults or {}
        self._tally = ledger.tally
        self._cells = CellReader(limits=limits, tally=ledger.tally)
        self._context = ContextReader(ledger.tally)
        self._monitor = MonitorReader(schemas, ledger.tally)
        self._monitor_rows: Counter[tuple[str, str]] = Counter()
        self._head: tuple[object, ...] = ()
        self._group = Group("", "", "", Origin.LOG)

    def read_log(
        self, source: Source, stamp: Stamp, event_name: str, attributes: Mapping[str, object], body: object
    ) -> None:
        """Read one OTLP LogRecord. A record that is refused is counted, as one that is not about predictions."""
        layout = self._vocabulary.layout(attributes)
        found, features = layout.found(attributes), layout.features(attributes)
        columns = attributes
        if isinstance(body, dict):
            columns = body
            features = self._merge(body, features, found)
        event = event_name or found.get(Field.EVENT_NAME)
        try:
            if (source.scope == MONITORS or Field.BENTO in found) and not event:
                self._predict_monitored(source, stamp, columns)
            elif event == PREDICTION or (not event and (features[0] or not _MARKS.isdisjoint(found))):
                self._predict(source, stamp, found, features)
            elif event == OUTCOME:
                self._outcome(source, stamp, found, self._id_of(found))
            elif event == EVENT:
                self._event(source, stamp, found)
            else:
                self._tally.ignore("not_a_prediction")
        except RecordError as error:
            self._tally.reject(error.reason, str(error))

    def read_native(self, event: str, record: Mapping[str, object], *, where: str) -> None:
        """Read one record of a native JSON door; `where` names it to its sender."""
        self.read_row(_NOWHERE, _NEVER, event, record, where=where)

    def read_row(
        self, source: Source, stamp: Stamp, event: str, record: Mapping[str, object], *, where: str = ""
    ) -> None:
        """Read one record of which besides `source` and `stamp` tell."""
        layout = self._vocabulary.layout(record)
        found = layout.found(record)
        for field, value in self._defaults.items():
            if is_empty(found.get(field)):
                found[field] = value
        if is_empty(found.get(Field.MODEL)) and source == _NOWHERE:
            self._tally.reject("model_name", 'the record has no "model"', where=where)
            return
        try:
            if event == PREDICTION:
                self._predict(source, stamp, found, layout.features(record))
            elif event == OUTCOME:
                self._outcome(source, stamp, found, self._id_of(found))
            else:
                self._event(source, stamp, found)
        except RecordError as error:
            self._tally.reject(error.reason, str(error), where=where)

    def _merge(self, scope: Mapping[str, object], features: Row, found: Found) -> Row:
        """The features of `scope` under those given; fields of `scope` go where `found` holds nothing."""
        layout = self._vocabulary.layout(scope)
        for field, value in layout.found(scope).items():
            if field in PREFIXED:
                found[field] = {**as_map(value), **as_map(found.get(field))}
            elif is_empty(found.get(field)):
                found[field] = value
        return row_of(cells_of(layout.features(scope)) | cells_of(features))

    def _predict(self, source: Source, stamp: Stamp, found: Found, features: Row, *, key: int = 0) -> None:
        """Add a row, and the outcome told with it. Without a `key`, its id or else its content makes one."""
        ranking, context = self._context.ranking(found), self._context.context(found)
        inputs, outputs = self._cells.inputs(found, features), self._cells.outputs(found)
        error = error_of(found[Field.ERROR], self._limits.name_length) if Field.ERROR in found else ""
        if not inputs[0] and not outputs[0] and not error and not ranking:
            raise RecordError("empty_record", "a prediction without any feature, output or error")
        room = self._limits.record_attributes
        outputs = self._cells.cut(outputs, room)
        inputs = self._cells.cut(inputs, room - len(outputs[0]))
        if context[0]:
            context = self._cells.cut(context, room - len(outputs[0]) - len(inputs[0]))
        group = self._group_of(found, source)
        prediction_id = self._id_of(found)
        if not key:
            if prediction_id and not is_empty(found.get(Field.ID)):
                key = key_of_id(group.model, group.service, prediction_id)
            elif prediction_id or (stamp.trace_id and stamp.span_id and (stamp.time_ns or stamp.observed_ns)):
                content = (inputs, outputs, ranking, found.get(Field.OUTCOME))
                key = key_of_content(stamp, group.model, group.version, prediction_id, content)
        if Field.OUTCOME in found or Field.FLAT_VALUES in found:
            prediction_id = self._told_with_its_outcome(source, stamp, found, key)
            key = key or (key_of_id(group.model, group.service, prediction_id) if prediction_id else 0)
        time = self._time(stamp, found)
        self._ledger.add_prediction(
            group,
            time=nan if time is None else time,
            key=key,
            prediction_id=prediction_id,
            latency_seconds=self._latency(found),
            error=error,
            inputs=inputs,
            outputs=outputs,
            context=context,
            ranking=ranking,
        )

    def _told_with_its_outcome(self, source: Source, stamp: Stamp, found: Found, key: int) -> str:
        """The id of a prediction whose record may hold its outcome, too, which is then kept under the same id.

        The id of a request is not enough, since the rows that share it have outcomes of their own. An id that is made
        here comes of the key that tells a repeated record, as far as there is one.
        """
        prediction_id = prediction_id_of(found.get(Field.ID), self._limits.name_length)
        made = prediction_id or f"~{key % (1 << 64) if key else uuid4().int >> 64:016x}"[: self._limits.name_length]
        try:
            self._outcome(source, stamp, found, made)
        except RecordError:
            if not is_empty(found.get(Field.OUTCOME)):  # an empty label says that there is none yet
                self._tally.drop("bad_outcome")
            return self._id_of(found)
        self._ledger.told_with_predictions += 1
        return made

    def _id_of(self, found: Found) -> str:
        """The prediction's id, or the id of its request, which several rows may share; empty without either."""
        limit = self._limits.name_length
        return prediction_id_of(found.get(Field.ID), limit) or prediction_id_of(found.get(Field.REQUEST), limit)

    def _group_of(self, found: Found, source: Source) -> Group:
        """The batch a record belongs to; mostly that of the record before it."""
        version = found.get(Field.VERSION)
        head = (found.get(Field.MODEL), version, type(version), source)  # the type, since 1 equals True
        if head != self._head:
            self._group = group_of(head[0], version, source, self._limits.name_length)
            self._head = head
        return self._group

    def _predict_monitored(self, source: Source, stamp: Stamp, columns: Mapping[str, object]) -> None:
        """Add a row of BentoML's monitor, whose rows share the id of their request.

        The id gets the row's number within the request, as far as this export tells; the key also holds the row's
        time and content, since an SDK may split the rows of one request over two exports.
        """
        read = self._monitor.read(source, columns)
        if read is None:
            raise RecordError("no_schema", "no record of this service has told yet what these columns are")
        found, features = read
        request, key = found.get(Field.REQUEST), 0
        if isinstance(request, str):
            place = str(found[Field.MODEL]), request
            found[Field.ID] = f"{request}#{self._monitor_rows[place]}"
            self._monitor_rows[place] += 1
            key = key_of_content(stamp, found[Field.ID], features)
        self._predict(source._replace(service=bento_of(source.service)), stamp, found, features, key=key)

    def _outcome(self, source: Source, stamp: Stamp, found: Found, prediction_id: str) -> None:
        model, service = model_of(found.get(Field.MODEL), source, self._limits.name_length)
        if not prediction_id:
            raise RecordError("outcome_without_id", "an outcome needs the id of its prediction")
        told = found.get(Field.OUTCOME)
        items = self._context.relevant(told)
        value = _truth(told) if items is None else None if items else False  # nothing at all proved relevant
        values = self._indicators(found)
        if value is None and not values and not items:
            raise RecordError(
                "outcome_without_value", "an outcome needs text, a finite number, a boolean or an indicator"
            )
        time = self._time(stamp, found)
        self._ledger.outcomes.append(Outcome(model or service, prediction_id, time, value, values, items or ()))

    def _event(self, source: Source, stamp: Stamp, found: Found) -> None:
        limit = self._limits.name_length
        model, service = model_of(found.get(Field.MODEL), source, limit)
        version = version_of(found.get(Field.VERSION), source, limit)
        change = text_of(found.get(Field.CHANGE)) or ""
        if change.lower() not in CHANGES:
            raise RecordError("bad_event", f"the change must be one of {', '.join(CHANGES)}")
        origin = text_of(found.get(Field.SOURCE)) or ""
        if len(origin) > limit:
            raise RecordError("bad_event", f"the source has {len(origin)} characters, the limit is {limit}")
        event = Event(model or service, change.lower(), version, origin, self._time(stamp, found))
        self._ledger.events.append(event)

    def _indicators(self, found: Found) -> tuple[tuple[str, float], ...]:
        """Business values: those of the field `values`, and flat ones, which win."""
        given: Cells = {**as_map(found.get(Field.VALUES)), **as_map(found.get(Field.FLAT_VALUES))}
        values: list[tuple[str, float]] = []
        for name, value in given.items():
            number = float(value) if isinstance(value, bool) else number_of(value)
            if number is None:
                self._tally.drop("bad_value")
            elif not name or len(name) > self._limits.name_length:
                self._tally.drop("name_too_long" if name else "empty_name")
            elif len(values) >= self._limits.record_attributes:
                self._tally.drop("attribute_limit")
            else:
                values.append((name, number))
        return tuple(values)

    def _time(self, stamp: Stamp, found: Found) -> float | None:
        """Unix seconds: the record's own time, or what it says, or when it was observed."""
        if stamp.time_ns:
            return stamp.time_ns / NANOSECONDS
        told = found.get(Field.TIME)
        if not is_empty(told):
            seconds = unix_seconds(told)
            if seconds is not None:
                return seconds
            self._tally.drop("bad_time")
            del found[Field.TIME]
        return stamp.observed_ns / NANOSECONDS if stamp.observed_ns else None

    def _latency(self, found: Found) -> float:
        """Seconds, NaN when absent or impossible."""
        for field, unit in LATENCIES:
            if field in found and not is_empty(found[field]):
                number = number_of(found[field])
                if number is not None and number >= 0:
                    return number / unit
                self._tally.drop("bad_latency")
        return nan


def group_of(model: object, version: object, source: Source, limit: int) -> Group:
    """The batch of predictions that tell this model and version.

    Raises:
        RecordError: they are not text, or longer than `limit`.
    """
    name, service = model_of(model, source, limit)
    return Group(name, version_of(version, source, limit), service, Origin.LOG)


def _truth(value: object) -> str | float | bool | None:
    """An outcome's value, None when it holds nothing that a prediction could be compared with."""
    if isinstance(value, str):
        return bounded_text(value) or None
    return value if isinstance(value, bool) else number_of(value)
