"""Calls of a language model, traced by the libraries that people use, counted once each.

The client is OpenAI's and calls a server on loopback, so that tokens and errors are known.
"""

import subprocess
from collections.abc import Iterator

import pytest

from e2e.clients import REQUIREMENTS, client_python
from e2e.exporters import Exporter, Page, run_exporter
from e2e.language_model import (
    ANSWER_TOKENS,
    CACHED_TOKENS,
    EMBEDDED_TOKENS,
    PAUSE_SECONDS,
    PROMPT_TOKENS,
    REASONING_TOKENS,
    language_model,
)

pytestmark = pytest.mark.e2e
CHATS, STREAMS, REFUSED, EMBEDDED = 5, 3, 2, 4
CALLS = ["chat"] * CHATS + ["stream"] * STREAMS + ["refused"] * REFUSED + ["embed"] * EMBEDDED
ANSWERED = CHATS + STREAMS


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """Where the language model is."""
    with language_model() as url:
        yield url


@pytest.fixture(scope="module", params=["openinference", "openllmetry", "opentelemetry"])
def traced(request: pytest.FixtureRequest, model: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    """A tracing library, and the page after `CALLS` that it traced."""
    with run_exporter(tmp_path_factory.mktemp(request.param)) as exporter:
        return request.param, send(exporter, model, request.param, CALLS)


def send(exporter: Exporter, model: str, libraries: str, kinds: list[str]) -> Page:
    """Make calls that the libraries trace; the page once the service's requests are counted, which wait for logs."""
    script = REQUIREMENTS / "gen_ai" / "send.py"
    subprocess.run(
        [client_python("gen_ai"), script, exporter.endpoint, model, libraries, *kinds], check=True, timeout=120
    )
    exporter.wait_for(lambda page: page.has("model_predictions_total", model="chatbot"), what="the service's requests")
    return exporter.settled()


def tokens(page: Page, model: str, kind: str) -> float:
    """Tokens of one kind that calls of a model took."""
    return page.total("model_tokens_total", model=model, token_type=kind)


def test_every_call_is_a_prediction_of_its_model(traced: tuple[str, Page]) -> None:
    """Each call counts, with its tokens, under the model asked for and, as version, the one that answered.

    Failed calls name no version and belong to the one that answers.
    """
    _, page = traced
    assert page.total("model_predictions_total", model="gpt-x") == ANSWERED + REFUSED
    assert page.total("model_predictions_total", model="gpt-x", version="gpt-x-2026") == ANSWERED + REFUSED
    assert page.total("model_prediction_errors_total", model="gpt-x") == REFUSED
    assert page.total("model_prediction_duration_seconds_count", model="gpt-x") == ANSWERED + REFUSED
    assert tokens(page, "gpt-x", "input") == PROMPT_TOKENS * ANSWERED
    assert tokens(page, "gpt-x", "output") == ANSWER_TOKENS * ANSWERED
    assert page.total("model_metered_predictions_total", model="gpt-x") == ANSWERED
    assert page.total("model_finish_reasons_total", model="gpt-x", finish_reason="stop") == CHATS
    assert page.total("model_predictions_total", model="embed-x") == EMBEDDED
    assert tokens(page, "embed-x", "input") == EMBEDDED_TOKENS * EMBEDDED
    assert len(page.samples("model_tokens_total", model="embed-x")) == 1


def test_what_only_some_libraries_tell(traced: tuple[str, Page]) -> None:
    """Times to the first token, tokens from a cache, and why streamed answers ended; what is not told is no zero."""
    library, page = traced
    if library == "opentelemetry":
        assert not page.has("model_time_to_first_token_seconds_count")
        assert not page.has("model_token_details_total")
        return
    assert page.total("model_time_to_first_token_seconds_count", model="gpt-x") == STREAMS
    assert page.total("model_time_to_first_token_seconds_sum", model="gpt-x") >= PAUSE_SECONDS * STREAMS
    assert page.total("model_finish_reasons_total", model="gpt-x", finish_reason="length") == STREAMS
    assert page.total("model_token_details_total", model="gpt-x", detail="cached") == CACHED_TOKENS * ANSWERED
    reasoning = page.total("model_token_details_total", model="gpt-x", detail="reasoning")
    assert reasoning == REASONING_TOKENS * (ANSWERED if library == "openinference" else CHATS)


def test_the_service_keeps_its_own_traffic(traced: tuple[str, Page]) -> None:
    """Its requests are its own model's; the calls are, where they are spans of a client, also calls to an upstream."""
    library, page = traced
    assert page.total("model_predictions_total", model="chatbot") == len(CALLS)
    assert page.total("model_predictions_total") == 2 * len(CALLS)
    assert page.total("model_duplicate_predictions_total") == 0
    if library != "openinference":
        assert page.total("model_upstream_duration_seconds_count", model="chatbot") == len(CALLS)


@pytest.mark.parametrize(
    "libraries",
    ["openinference,openllmetry", "openllmetry,opentelemetry", "opentelemetry,openinference"],
)
def test_two_libraries_at_once_count_a_call_once(exporter: Exporter, model: str, libraries: str) -> None:
    """The outer of the two spans is a duplicate."""
    page = send(exporter, model, libraries, CALLS)
    assert page.total("model_predictions_total", model="gpt-x") == ANSWERED + REFUSED
    assert page.total("model_prediction_errors_total", model="gpt-x") == REFUSED
    assert tokens(page, "gpt-x", "input") == PROMPT_TOKENS * ANSWERED
    assert page.total("model_predictions_total", model="embed-x") == EMBEDDED
    assert page.total("model_duplicate_predictions_total") == len(CALLS)


@pytest.mark.parametrize("libraries", ["langchain", "langchain,openinference", "langchain,openllmetry"])
def test_a_framework_around_the_client_counts_nothing_twice(exporter: Exporter, model: str, libraries: str) -> None:
    """LangChain's span is beside the client's, not around it: the answer tells that they are the same call."""
    page = send(exporter, model, libraries, ["langchain"] * 4)
    assert page.total("model_predictions_total", model="gpt-x") == 4
    assert tokens(page, "gpt-x", "output") == ANSWER_TOKENS * 4
    assert page.total("model_duplicate_predictions_total") == (4 if "," in libraries else 0)


def test_no_prompt_and_no_answer_is_kept(exporter: Exporter, model: str) -> None:
    """Neither as a label nor as a category of a feature."""
    page = send(exporter, model, "langchain,openinference", ["chat", "stream", "refused", "embed", "langchain"])
    assert "secret" not in page.text
    assert "Hello" not in page.text
    assert not page.has("model_feature_values_total")
