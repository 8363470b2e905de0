"""What tracing libraries call what a language model was asked and used: names as data, first match wins.

OpenTelemetry's conventions for generative AI, present and earlier ones, OpenLLMetry, OpenInference, MLflow, vLLM.
"""

from typing import Final

from model_exporter.decode.aliases import Names

OPERATION: Final[Names] = ("gen_ai.operation.name",)
KIND: Final[Names] = ("openinference.span.kind", "mlflow.spanType", "llm.request.type")
REQUESTED: Final[Names] = ("gen_ai.request.model",)
ARGUMENT: Final[Names] = (*REQUESTED, "model")
"""The same, and what MLflow's own instrumentations call it, which by itself does not make a span a call."""
PARAMETERS: Final[Names] = ("llm.invocation_parameters", "embedding.invocation_parameters")
"""JSON with what was asked for, under `model` the model."""
ANSWERED: Final[Names] = (
    "gen_ai.response.model",
    "llm.model_name",
    "embedding.model_name",
    "reranker.model_name",
    "mlflow.llm.model",
)

CALL_OPERATIONS: Final = frozenset(
    {
        "chat",
        "completion",
        "embedding",
        "embeddings",
        "generate_content",
        "image_generation",
        "rerank",
        "text_completion",
    }
)
"""Operations that are one call of a model; agents, tools and workflows are made of such calls."""
CALL_KINDS: Final = frozenset({"chat", "chat_model", "completion", "embedding", "llm", "rerank", "reranker"})
"""The same for kinds of spans, in lower case."""

INPUT_TOKENS: Final[Names] = (
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
)
OUTPUT_TOKENS: Final[Names] = (
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
)
CACHED_TOKENS: Final[Names] = (
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "gen_ai.usage.cached_tokens",
    "llm.token_count.prompt_details.cache_read",
)
REASONING_TOKENS: Final[Names] = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
)
TOKEN_NAMES: Final = (INPUT_TOKENS, OUTPUT_TOKENS, CACHED_TOKENS, REASONING_TOKENS)
"""In the order of `batch.TOKENS`."""
USAGE: Final[Names] = ("mlflow.chat.tokenUsage",)
"""JSON with the tokens of each kind."""
USAGE_KEYS: Final = ("input_tokens", "output_tokens", "cache_read_input_tokens", "reasoning_tokens")

FIRST_TOKEN_SECONDS: Final[Names] = (
    "gen_ai.latency.time_to_first_token",
    "gen_ai.response.time_to_first_chunk",
    "gen_ai.response.time_to_first_token",
    "gen_ai.server.time_to_first_token",
)
FIRST_TOKEN_MILLISECONDS: Final[Names] = ("ai.response.msToFirstChunk", "ai.stream.msToFirstChunk")
FIRST_TOKEN_EVENTS: Final = frozenset(
    {
        "First Token Stream Event",
        "ai.stream.firstChunk",
        "gen_ai.content.completion.chunk",
        "llm.content.completion.chunk",
    }
)
"""Events of which the first tells when the first part of the answer came."""
WHOLE_SECONDS: Final[Names] = ("gen_ai.latency.e2e",)

FINISH_REASON: Final[Names] = (
    "gen_ai.response.finish_reasons",
    "gen_ai.response.finish_reason",
    "llm.finish_reason",
    "llm.response.finish_reason",
    "gen_ai.completion.0.finish_reason",
    "ai.response.finishReason",
)
ANSWERS: Final[Names] = ("output.value", "mlflow.spanOutputs")
"""The answer as JSON: only its id and the reason for which it ended are read of it."""
ANSWER_ID: Final[Names] = ("gen_ai.response.id",)
FINISH_KEYS: Final[Names] = ("finish_reason", "stop_reason", "done_reason", "finishReason")

SERVED: Final = frozenset({*FIRST_TOKEN_SECONDS, *WHOLE_SECONDS, *INPUT_TOKENS, *OUTPUT_TOKENS})
"""vLLM's spans name no model, but carry one of these."""

TELLING: Final = frozenset({*OPERATION, *KIND, *REQUESTED, *ANSWERED, "gen_ai.system", "gen_ai.provider.name"})
"""A span of kind INTERNAL has one of these, or is no call of a model."""

SIGNS: Final = TELLING | SERVED
"""A span of any kind has one of these, or is no call of a model."""

WANTED: Final = frozenset(
    {
        *TELLING,
        *ARGUMENT,
        *PARAMETERS,
        *(name for names in TOKEN_NAMES for name in names),
        *USAGE,
        *FIRST_TOKEN_SECONDS,
        *FIRST_TOKEN_MILLISECONDS,
        *WHOLE_SECONDS,
        *FINISH_REASON,
        *ANSWERS,
        *ANSWER_ID,
        "error.type",
        "traceloop.span.kind",
    }
)
"""Of a call's attributes only these are looked at; prompts and answers are not even decoded."""

PLAIN_SCOPES: Final = frozenset(
    f"opentelemetry.instrumentation.{library}"
    for library in (
        "aiohttp_client",
        "aiohttp_server",
        "asgi",
        "asyncpg",
        "django",
        "falcon",
        "fastapi",
        "flask",
        "grpc",
        "httpx",
        "psycopg2",
        "redis",
        "requests",
        "sqlalchemy",
        "starlette",
        "threading",
        "tornado",
        "urllib",
        "urllib3",
        "wsgi",
    )
)
"""Scopes whose INTERNAL spans nobody needs to look into: the ASGI instrumentation makes three a request."""
