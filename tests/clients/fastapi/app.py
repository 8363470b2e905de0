"""A model behind FastAPI, with nothing in it about telemetry."""

from fastapi import FastAPI, HTTPException
from pydantic import BaseModel

app = FastAPI()


class Loan(BaseModel):
    """What is asked about."""

    amount: float


@app.post("/predict")
def predict(loan: Loan) -> dict[str, float]:
    """The risk of a loan; a negative one is a bug, and none at all is not known."""
    if loan.amount < 0:
        raise RuntimeError("a negative amount")
    if loan.amount == 0:
        raise HTTPException(404, "no such loan")
    return {"risk": loan.amount / 1000}


@app.post("/score/{model}/{version}")
def score(model: str, version: str, loan: Loan) -> dict[str, float | str]:
    """The same, of one of several models."""
    return {"model": model, "version": version, "risk": loan.amount / 1000}


@app.post("/login")
def login() -> dict[str, bool]:
    """Something else that is posted."""
    return {"ok": True}


@app.get("/healthz")
def healthz() -> dict[str, bool]:
    """What probes ask."""
    return {"ok": True}
