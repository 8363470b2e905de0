"""Which reader a span is for: calls of language models, MLflow's predictions, requests, calls between services."""

from collections.abc import Iterable

from model_exporter.decode.call_names import PLAIN_SCOPES, TELLING
from model_exporter.decode.identity import Source
from model_exporter.decode.mlflow import SCOPE, MlflowReader
from model_exporter.decode.model_calls import ModelCallReader
from model_exporter.decode.rows import Ledger
from model_exporter.decode.spans import CLIENT, SERVER, Span, SpanReader
from model_exporter.decode.tally import RecordError


class TraceReader:
    """Reads the spans of one request into a ledger, each by what it is about."""

    def __init__(self, *, spans: SpanReader, calls: ModelCallReader, mlflow: MlflowReader, ledger: Ledger) -> None:
        self._spans = spans
        self._calls = calls
        self._mlflow = mlflow
        self._ledger = ledger

    @property
    def spans(self) -> SpanReader:
        """What reads requests and calls between services."""
        return self._spans

    def ignore_kind(self) -> None:
        """Count a span of a kind that cannot tell anything."""
        self._spans.ignore_kind()

    def read(self, source: Source, span: Span) -> None:
        """Read one span. One that is refused is counted, as one that is not about predictions.

        A call of a language model that a service made on behalf of a request is also one of its calls to others.
        """
        try:
            if self._calls.read(source, span):
                if span.kind == CLIENT and span.parent_span_id:
                    self._ledger.told_twice += self._spans.read_call(source, span)
            elif span.scope.startswith(SCOPE):
                self._mlflow.read(source, span)
            elif span.kind in (SERVER, CLIENT):
                self._spans.read(source, span)
            else:
                self._ledger.tally.ignore("not_a_prediction")
        except RecordError as error:
            self._ledger.tally.reject(error.reason, str(error))


def looks_within(scope: str) -> bool:
    """Whether spans of the kind INTERNAL may tell something in this scope: they are many, and hardly any does."""
    return scope not in PLAIN_SCOPES


def may_tell(scope: str, keys: Iterable[str]) -> bool:
    """Whether an INTERNAL span with attributes of these names, in a scope that is looked into, may tell something."""
    return scope.startswith(SCOPE) or not TELLING.isdisjoint(keys)
