"""Calls of language models, as tracing libraries tell of them: predictions of the model that is called."""

import re
from collections.abc import Iterable, Iterator, Mapping
from math import isnan, nan
from typing import Final

from model_exporter.batch import Call, Origin
from model_exporter.config.settings import Limits
from model_exporter.decode import call_names as names
from model_exporter.decode.aliases import CALLER_MODEL, VERSION, Names, first
from model_exporter.decode.identity import Source, model_of, version_of
from model_exporter.decode.layouts import NO_CELLS
from model_exporter.decode.rows import Group, Ledger
from model_exporter.decode.spans import SERVER, Span, error_of, seconds_of
from model_exporter.decode.values import NANOSECONDS, Elements, is_empty, number_of, text_of
from model_exporter.errors import DecodeError
from model_exporter.json_text import parse_json

MAX_JSON: Final = 256 * 1024
"""Characters of an attribute that is parsed as JSON; what a longer one says is left out."""
MAX_TOKENS: Final = 1_000_000_000
"""Of one call; more is a mistake."""
MAX_WAIT_SECONDS: Final = 86_400.0
"""Until the first token."""
OTHER: Final = "_other"
"""Stands for a reason to finish that is no word."""

_WORD: Final = re.compile(r"[a-z0-9_.-]{1,32}", re.ASCII)
_MILLISECONDS: Final = 1e3
_SIZES: Final = 2  # of the prompt and of the answer, which all libraries tell if the server does
_NOWHERE: Final = Source()
_NO_TOKENS: Final = (nan, nan, nan, nan)


class ModelCallReader:
    """Reads spans that are one call of a language model, or of one for embeddings, into a ledger.

    The call is a prediction of the model that was asked for; the model that answered, where it goes by another name, is
    the version. It does not belong to the service that made it, whose own model may be another. Prompts and answers are
    not kept. A usage that cannot be right is left out and counted as `bad_usage`, JSON that cannot be read as
    `bad_json`, JSON that is too long as `json_too_long`.
    """

    def __init__(self, *, limits: Limits, ledger: Ledger) -> None:
        self._limits = limits
        self._ledger = ledger
        self._tally = ledger.tally

    def read(self, source: Source, span: Span) -> bool:
        """Add the call that `span` is; False, and nothing done, when it is none, or names no model.

        Raises:
            RecordError: a name is too long, or no text.
        """
        if names.SIGNS.isdisjoint(span.attributes) or not is_call(span.attributes):
            return False
        limit = self._limits.name_length
        requested, answered = self._models(span.attributes)
        if not requested and not answered:
            return self._serve(source, span)
        model, _ = model_of(requested or answered, _NOWHERE, limit)
        told = plain(first(span.attributes, VERSION))
        version = version_of(answered if is_empty(told) and answered != model else told, _NOWHERE, limit)
        self._add(Group(model, version, "", Origin.SPAN), span)
        return True

    def _serve(self, source: Source, span: Span) -> bool:
        """Add a request that tells of tokens but not of the model called, as vLLM's do: it is the service's own."""
        if span.kind != SERVER or names.SERVED.isdisjoint(span.attributes):
            return False
        limit = self._limits.name_length
        model, service = model_of(first(span.attributes, CALLER_MODEL), source, limit)
        version = version_of(first(span.attributes, VERSION), source, limit)
        self._add(Group(model, version, service, Origin.SPAN), span)
        return True

    def _add(self, group: Group, span: Span) -> None:
        seconds = seconds_of(span)
        if isnan(seconds):
            seconds = self._number(span.attributes, names.WHOLE_SECONDS, most=MAX_WAIT_SECONDS)
        self._ledger.add_prediction(
            group,
            time=span.end_ns / NANOSECONDS if span.end_ns else nan,
            key=_key(span.trace_id, span.span_id),
            prediction_id="",
            latency_seconds=seconds,
            error=error_of(span)[: self._limits.name_length],
            inputs=NO_CELLS,
            outputs=NO_CELLS,
            call=self._call(span),
        )

    def _call(self, span: Span) -> Call:
        tokens = self._tokens(span.attributes)
        answer = self._json(first(span.attributes, names.ANSWERS), may_be_text=True)
        return Call(
            tokens,
            self._first_token(span),
            self._finish_reason(span.attributes, answer),
            within=_key(span.trace_id, span.parent_span_id),
            answer=_answer_key(span, answer, tokens),
        )

    def _models(self, attributes: Mapping[str, object]) -> tuple[str, str]:
        """The model that was asked for and the one that answered; empty where the span does not say."""
        requested = plain(first(attributes, names.ARGUMENT))
        if is_empty(requested):
            parameters = self._json(first(attributes, names.PARAMETERS))
            requested = parameters.get("model") if isinstance(parameters, dict) else None
        return text_of(requested) or "", text_of(plain(first(attributes, names.ANSWERED))) or ""

    def _tokens(self, attributes: Mapping[str, object]) -> tuple[float, float, float, float]:
        usage = self._json(first(attributes, names.USAGE))
        told: Iterable[object]
        if isinstance(usage, dict):
            told = (usage.get(key) for key in names.USAGE_KEYS)
        else:
            told = (first(attributes, aliases) for aliases in names.TOKEN_NAMES)
        counts = [self._count(value) for value in told]
        return (counts[0], counts[1], counts[2], counts[3])

    def _count(self, value: object) -> float:
        """A number of tokens; NaN when there is none, and for what cannot be one."""
        if is_empty(value):
            return nan
        number = number_of(value)
        if number is None or not 0 <= number <= MAX_TOKENS or number != int(number):
            self._tally.drop("bad_usage")
            return nan
        return number

    def _first_token(self, span: Span) -> float:
        for aliases, unit in ((names.FIRST_TOKEN_SECONDS, 1.0), (names.FIRST_TOKEN_MILLISECONDS, _MILLISECONDS)):
            if first(span.attributes, aliases) is not None:
                return self._number(span.attributes, aliases, most=MAX_WAIT_SECONDS * unit) / unit
        moments = [at for name, at in span.event_times if name in names.FIRST_TOKEN_EVENTS and at]
        if not moments or not span.start_ns:
            return nan
        if min(moments) < span.start_ns:
            self._tally.drop("bad_usage")
            return nan
        return (min(moments) - span.start_ns) / NANOSECONDS

    def _number(self, attributes: Mapping[str, object], aliases: Names, *, most: float) -> float:
        value = first(attributes, aliases)
        if value is None:
            return nan
        number = number_of(value)
        if number is None or not 0 <= number <= most:
            self._tally.drop("bad_usage")
            return nan
        return number

    def _finish_reason(self, attributes: Mapping[str, object], answer: object) -> str:
        """Why the model stopped: the first choice's reason as a word in lower case; empty where unknown."""
        told = first(attributes, names.FINISH_REASON)
        if told is None:
            told = _reason_in(answer)
        elif isinstance(told, str) and told.startswith(("[", '"')):
            told = self._json(told)
        if isinstance(told, list | Elements):
            told = next(iter(told), None)
        if is_empty(told):
            return ""
        word = (told.lower() if isinstance(told, str) else "").removeprefix("finishreason.")
        if not _WORD.fullmatch(word):
            self._tally.drop("bad_usage")
            return OTHER
        return word

    def _json(self, text: object, *, may_be_text: bool = False) -> object:
        """The value in `text`; None without one. When it `may_be_text`, what does not look like JSON is none."""
        if not isinstance(text, str) or not text:
            return None
        if may_be_text and not text.startswith(("{", "[")):
            return None
        if len(text) > MAX_JSON:
            self._tally.drop("json_too_long")
            return None
        try:
            return parse_json(text.encode("utf-8", "backslashreplace"))
        except DecodeError:
            self._tally.drop("bad_json")
            return None


def is_call(attributes: Mapping[str, object]) -> bool:
    """Whether a span with these attributes is one call of a model, and not an agent, a tool or a chain of calls."""
    operation = plain(first(attributes, names.OPERATION))
    kind = plain(first(attributes, names.KIND))
    if kind is not None:
        return isinstance(kind, str) and kind.lower() in names.CALL_KINDS
    if operation is not None:
        return isinstance(operation, str) and operation.lower() in names.CALL_OPERATIONS
    if "traceloop.span.kind" in attributes:
        return False
    known = (*names.REQUESTED, *names.ANSWERED)
    return first(attributes, known) is not None or not names.SERVED.isdisjoint(attributes)


def plain(value: object) -> object:
    """`value`, but the text in it when it is text in JSON, as MLflow writes every attribute."""
    if isinstance(value, str) and value.startswith('"') and value.endswith('"') and len(value) <= MAX_JSON:
        try:
            return parse_json(value.encode("utf-8", "backslashreplace"))
        except DecodeError:
            return value
    return value


def _key(trace_id: bytes, span_id: bytes) -> int:
    """What a call is recognised by; 0 without its ids. Other spans have other keys, since a request is no call."""
    return (hash(("call", trace_id, span_id)) or 1) if trace_id and span_id else 0


def _answer_key(span: Span, answer: object, tokens: tuple[float, ...]) -> int:
    """What an answer is recognised by in another span of the same trace; 0 without an id.

    Ids alone do not tell answers apart: some servers draw them from a thousand.
    """
    told = text_of(first(span.attributes, names.ANSWER_ID)) or _id_in(answer)
    if not told or not span.trace_id:
        return 0
    sizes = [None if isnan(count) else count for count in tokens[:_SIZES]]
    return hash(("answer", span.trace_id, told, *sizes)) or 1


def _id_in(answer: object) -> str:
    """The id of an answer in JSON: its own, or the one that LangChain has wrapped up; empty without one."""
    if not isinstance(answer, dict):
        return ""
    own = (part.get("id") for part in (answer, _metadata(answer)) if isinstance(part, dict))
    return next((told for told in own if isinstance(told, str)), "")


def _metadata(answer: object) -> object:
    """What LangChain keeps of the answer to a call, several maps deep; None without it."""
    *_, part = _parts(answer)
    for key in ("message", "kwargs", "response_metadata"):
        part = part.get(key) if isinstance(part, dict) else None
    return part


def _reason_in(answer: object) -> object:
    """The reason to finish that an answer in JSON tells: its own, or that of its first choice."""
    return next((reason for reason in map(_own_reason, _parts(answer)) if reason is not None), None)


def _parts(answer: object) -> Iterator[object]:
    yield answer
    if isinstance(answer, dict):
        for key in ("choices", "candidates", "generations"):
            choices = answer.get(key)
            while isinstance(choices, list) and choices:
                choices = choices[0]
            yield choices


def _own_reason(part: object) -> object:
    if not isinstance(part, dict):
        return None
    told = first(part, names.FINISH_KEYS)
    return told if isinstance(told, str) else None
