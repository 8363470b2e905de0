"""A model behind Flask, with nothing in it about telemetry."""

from flask import Flask, abort, request

app = Flask(__name__)


@app.post("/invocations")
def invocations() -> dict[str, float]:
    """The risk of a loan, at the path that SageMaker and MLflow ask; a negative one is a bug."""
    amount = float((request.get_json(silent=True) or {}).get("amount", "nan"))
    if amount != amount:  # noqa: PLR0124  # the shortest question for NaN
        abort(422)
    if amount < 0:
        raise RuntimeError("a negative amount")
    return {"risk": amount / 1000}


@app.post("/predictions/<model>/<version>")
def predictions(model: str, version: str) -> dict[str, str]:
    """The same at TorchServe's path, which names the model."""
    return {"model": model, "version": version}


@app.get("/ping")
def ping() -> str:
    """What SageMaker's probe asks."""
    return "ok"
