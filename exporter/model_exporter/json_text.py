"""JSON as senders write it, which is not always JSON."""

import json
from typing import Final

import msgspec

from model_exporter.errors import DecodeError


def parse_json(text: bytes, *, lenient: bool = True) -> object:
    """The value in `text`; of equal keys the last one wins.

    When lenient, takes what JSON does not allow but encoders write: NaN and Infinity (Python's), lone surrogates
    (JavaScript's).

    Raises:
        DecodeError: it is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        return msgspec.json.decode(text)
    except UnicodeDecodeError as error:
        raise DecodeError("not_utf8", f"the text is not UTF-8: {error.reason}") from error
    except RecursionError as error:
        raise DecodeError("malformed_json", "nested too deeply") from error
    except msgspec.DecodeError as error:
        if not lenient:
            raise DecodeError("malformed_json", str(error)) from error
        try:
            return _LENIENT.decode(text.decode())
        except UnicodeDecodeError as encoding_error:
            raise DecodeError("not_utf8", f"the text is not UTF-8: {encoding_error.reason}") from error
        except (ValueError, RecursionError):
            raise DecodeError("malformed_json", str(error)) from error


def _without_surrogates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {_valid(key): _valid(value) if isinstance(value, str) else value for key, value in pairs}


def _valid(text: str) -> str:
    """`text` with lone surrogates as escapes, as columns write them: nothing downstream could encode them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


_LENIENT: Final = json.JSONDecoder(object_pairs_hook=_without_surrogates)
