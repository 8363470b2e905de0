"""A model of MLServer's, with nothing in it about telemetry."""

from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Loans(MLModel):
    """The risk of loans."""

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """One risk a row; a negative amount is a bug."""
        amounts = NumpyCodec.decode_input(payload.inputs[0])
        if (amounts < 0).any():
            raise RuntimeError("a negative amount")
        output = NumpyCodec.encode_output("risk", amounts / 1000)
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=[output])
