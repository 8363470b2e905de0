"""zlib's functions by ISA-L, which takes a seventh of zlib's time to compress text and half to decompress it.

Compress at `LEVEL`: ISA-L has no others than 0 to 3. It takes header flags of gzip that RFC 1952 reserves, which zlib
refuses, and may notice damage some bytes later.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import zlib as _library  # its types are exact, and ISA-L's functions have the same
else:
    try:
        from isal import isal_zlib as _library
    except ImportError:  # there is no wheel for this platform
        import zlib as _library

LEVEL: Final = 1
"""Makes text as small as zlib does at 6. ISA-L's level 0 saves no time, its 3 takes five times as long for nothing."""
GZIP: Final = 31
"""`wbits` of a gzip member."""
RAW: Final = -15
"""`wbits` of a bare deflate stream."""

Z_FULL_FLUSH: Final = _library.Z_FULL_FLUSH
DEFLATED: Final = _library.DEFLATED

error = _library.error
compress = _library.compress
compressobj = _library.compressobj
decompressobj = _library.decompressobj
crc32 = _library.crc32
crc32_combine: Final[Callable[[int, int, int], int] | None] = getattr(_library, "crc32_combine", None)
"""Checksum of two texts together from those of each and the length of the second; zlib's is not to be had before
Python 3.15."""
