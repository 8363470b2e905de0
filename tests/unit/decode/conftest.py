"""Both decoders of OTLP logs have to pass all tests of this folder."""

import pytest

from model_exporter.decode import decoder


@pytest.fixture(autouse=True, params=["compiled", "python"])
def _each_decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoder that logs go through; the one in Python as if there were no other."""
    if request.param == "python":
        monkeypatch.setattr(decoder, "HAS_COMPILED", False)
    elif not decoder.HAS_COMPILED:
        pytest.skip("the compiled decoder is not built")
