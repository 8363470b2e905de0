"""Bytes to columns, and replies to bytes: the only room that knows wire formats.

`Decoder` reads requests; the `encode_*` functions write what they are answered with.
"""

from model_exporter.decode.codes import Code
from model_exporter.decode.decoded import Decoded, Rejection
from model_exporter.decode.decoder import HAS_COMPILED, Decoder
from model_exporter.decode.identity import under_model
from model_exporter.decode.replies import encode_receipt, encode_retry_info, encode_status, encode_success
from model_exporter.decode.schemas import Schemas

__all__ = [
    "HAS_COMPILED",
    "Code",
    "Decoded",
    "Decoder",
    "Rejection",
    "Schemas",
    "encode_receipt",
    "encode_retry_info",
    "encode_status",
    "encode_success",
    "under_model",
]
