from collections.abc import Callable, Mapping
from typing import Any

from model_exporter.decode import _scanner

READ: int
NAMING: int
SPARE: int
SIGN: int
TELLING: int
PLAIN: int
LOOKED_INTO: int
UNUSUAL: int

class SpanScanner(_scanner.Scanner):
    def tell(self, keys: Mapping[bytes, tuple[int, int]]) -> None: ...
    def spans(
        self, place_of: Callable[[int], tuple[int, Mapping[bytes, object]]]
    ) -> tuple[list[tuple[Any, ...]], int, int] | None: ...
