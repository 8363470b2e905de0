from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Buffer

from model_exporter.batch import Column, Role, Words

UNREAD: int
STRANGE: int
FEATURE: int
PROBABILITY: int
SEGMENT: int
FEATURES: int
PROBABILITIES: int
SEGMENTS: int
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
    words: list[tuple[str, ...]]
    longest_word: int
    errors: int
    odd: list[tuple[int, int, bytes]]
    contents: list[tuple[int, int, bytes, bytes, bytes]]

class Scanner:
    def __init__(self, keys: Mapping[bytes, int], *, name_length: int, record_attributes: int, seed: int) -> None: ...
    def begin(self, body: bytes) -> None: ...
    def scan(self) -> Scan | None: ...
    def parts(
        self,
    ) -> tuple[tuple[bytes, ...], tuple[tuple[int, bytes], ...], tuple[tuple[int, bytes, bytes], ...]]: ...
    def probe(self) -> tuple[int, int] | None: ...
    def finish(self) -> None: ...

def words_of(cls: type[Words], codes: list[NDArray[np.int32]], words: list[tuple[str, ...]]) -> list[Words]: ...
def columns_of(
    cls: type[Column],
    told: list[tuple[str, int, int, int]],
    numbers: list[NDArray[np.float64]],
    kinds: list[NDArray[np.uint8]],
    texts: list[Words],
    roles: Mapping[int, Role],
) -> dict[Role, list[Column]]: ...
def keys_of(names: list[str], scan: Scan) -> Block: ...
