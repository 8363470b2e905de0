"""Calls a language model as services do, traced by the libraries that it is told.

Arguments: where spans go, where the model is, the tracing libraries with commas between them, then what to call.
"""

import contextlib
import sys
from importlib import import_module
from typing import Any

import openai
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

PROMPT = "a secret that nobody may keep"
MESSAGES = [{"role": "user", "content": PROMPT}]
LIBRARIES = {
    "langchain": ("openinference.instrumentation.langchain", "LangChainInstrumentor"),
    "openinference": ("openinference.instrumentation.openai", "OpenAIInstrumentor"),
    "openllmetry": ("opentelemetry.instrumentation.openai", "OpenAIInstrumentor"),
    "opentelemetry": ("opentelemetry.instrumentation.openai_v2", "OpenAIInstrumentor"),
}


def call(client: Any, url: str, kind: str) -> None:
    """Make one call of a kind."""
    chats = client.chat.completions
    if kind == "chat":
        chats.create(model="gpt-x", messages=MESSAGES, temperature=0.2)
    elif kind == "stream":
        list(chats.create(model="gpt-x", messages=MESSAGES, stream=True, stream_options={"include_usage": True}))
    elif kind == "refused":
        with contextlib.suppress(openai.RateLimitError):
            chats.create(model="gpt-x", messages=MESSAGES, user="too many")
    elif kind == "embed":
        client.embeddings.create(model="embed-x", input=PROMPT)
    else:
        call_through_langchain(url)


def call_through_langchain(url: str) -> None:
    """The framework, its chain and the client each may have a span."""
    prompts, models = import_module("langchain_core.prompts"), import_module("langchain_openai")
    chat = models.ChatOpenAI(model="gpt-x", base_url=url, api_key="none", max_retries=0)
    (prompts.ChatPromptTemplate.from_messages([("user", "{question}")]) | chat).invoke({"question": PROMPT})


def main() -> None:
    """Make each call within a request that the service serves."""
    endpoint, url, libraries, *kinds = sys.argv[1:]
    provider = TracerProvider(resource=Resource.create({"service.name": "chatbot", "service.version": "3.1"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")))
    trace.set_tracer_provider(provider)
    for library in libraries.split(","):
        module, name = LIBRARIES[library]
        getattr(import_module(module), name)().instrument(tracer_provider=provider)
    client = openai.OpenAI(base_url=url, api_key="none", max_retries=0)
    tracer = trace.get_tracer("chatbot")
    for kind in kinds:
        with tracer.start_as_current_span("POST /ask", kind=trace.SpanKind.SERVER) as span:
            span.set_attributes({"http.request.method": "POST", "url.path": "/ask"})
            call(client, url, kind)
    provider.shutdown()


main()
