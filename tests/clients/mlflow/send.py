"""Traces predictions with MLflow as its documentation says. Where spans go stands in the environment.

Arguments: the address of a language model, and how many predictions to make.
"""

import contextlib
import sys

import mlflow
import openai

PROMPT = "a secret that nobody may keep"


@mlflow.trace(attributes={"model.name": "iris", "model.version": "3"})  # type: ignore[untyped-decorator]  # no types here
def predict(sepal_length: float, petal_length: float, site: str) -> dict[str, object]:
    """One row of a model that is named."""
    if sepal_length < 0:
        raise ValueError("no such flower")
    with mlflow.start_span("preprocess") as span:
        span.set_inputs({"sepal_length": sepal_length, "site": site})
        span.set_outputs([sepal_length, petal_length])
    return {"label": "setosa" if petal_length < 2 else "virginica", "score": 0.75}


@mlflow.trace(attributes={"model.name": "prices"})  # type: ignore[untyped-decorator]  # no types here
def predict_rows(rows: list[dict[str, float]]) -> list[float]:
    """Many rows at once."""
    return [row["area"] * 2.5 for row in rows]


@mlflow.trace  # type: ignore[untyped-decorator]  # no types here
def answer(question: str) -> object:
    """A service whose input is text."""
    client = openai.OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
    messages = [{"role": "user", "content": question}]
    return client.chat.completions.create(model="gpt-x", messages=messages).choices[0].message.content


@mlflow.trace(span_type="TOOL")  # type: ignore[untyped-decorator]  # no types here
def look_up(word: str) -> str:
    """No prediction."""
    return word


def main() -> None:
    """Make predictions of every kind."""
    mlflow.openai.autolog()
    for number in range(int(sys.argv[2])):
        predict(5.0 + number / 10, petal_length=1.4 + number % 2, site="DE")
    with contextlib.suppress(ValueError):
        predict(-1.0, petal_length=1.0, site="DE")
    predict_rows([{"area": 50.0, "rooms": 2.0}, {"area": 80.0, "rooms": 3.0}, {"area": 95.0, "rooms": 3.0}])
    answer(PROMPT)
    look_up(PROMPT)
    mlflow.flush_trace_async_logging()


main()
