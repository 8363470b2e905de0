from collections.abc import Mapping

from typing_extensions import Buffer

UNREAD: int
STRANGE: int
FEATURE: int
SEGMENT: int
EVENT_NAME: int
MODEL: int
VERSION: int
ID: int
REQUEST: int
PREDICTION: int
SCORE: int
LATENCY_MILLISECONDS: int
LATENCY_SECONDS: int
ERROR: int
TIME: int

class Block(Buffer): ...

class Scan:
    rows: int
    stride: int
    ignored: int
    records_seen: int
    numbers: Block
    kinds: Block
    codes: Block
    times: Block
    latencies: Block
    groups: Block
    records: Block
    own_ids: Block
    ids: tuple[str, ...]
    columns: list[tuple[str, int, int, int]]
    words: list[list[str]]
    odd: list[tuple[int, int, bytes]]

class Scanner:
    def __init__(self, keys: Mapping[bytes, int], *, name_length: int, record_attributes: int, seed: int) -> None: ...
    def begin(self, body: bytes) -> None: ...
    def scan(self) -> Scan | None: ...
    def parts(self) -> tuple[list[bytes], list[tuple[int, bytes]], list[tuple[int, bytes, bytes]]]: ...
    def finish(self) -> None: ...

def keys_of_ids(name: str, ids: tuple[str, ...]) -> Block: ...
