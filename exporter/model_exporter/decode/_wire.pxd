# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Protobuf's wire format, and what OTLP's AnyValue is in it, for whatever is compiled: all of it is inline.

What is not written as encoders write it is said to be wrong, whatever else a parser might make of it.
"""

from libc.math cimport NAN
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

cdef extern from *:
    """
    #define NANOSECONDS 1000000000ULL
    #define EXACT_FROM ((1ULL << 22) * NANOSECONDS)
    """
    const uint64_t NANOSECONDS  # of a second
    const uint64_t EXACT_FROM  # see `seconds_of`

ctypedef const uint8_t* Bytes

cdef enum:
    MAX_DEPTH = 24  # of lists and maps, each up to three messages deep; protobuf allows 100

cdef enum:  # of a cell, as `batch.Kind`; a map is none of them
    ABSENT, NULL_, NUMBER, BOOLEAN, TEXT, NESTED, MAP

cdef struct Cell:
    int32_t slot
    uint8_t kind
    bint whole  # an integer
    int64_t integer
    double number
    Bytes text
    uint32_t size
    Bytes value  # the AnyValue
    uint32_t value_size


cdef inline uint64_t load64(Bytes at) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, at, 8)
    return word


cdef inline bint varint(Bytes* at, Bytes end, uint64_t* value) noexcept nogil:
    """The number at `at`, and `at` behind it; False when it is cut off or has more than 64 bits."""
    cdef Bytes here = at[0]
    cdef int shift = 0
    value[0] = 0
    while here < end and shift < 64:
        value[0] |= <uint64_t>(here[0] & 0x7F) << shift
        if here[0] < 0x80:
            at[0] = here + 1
            return shift < 63 or here[0] < 2
        here += 1
        shift += 7
    return False


cdef inline bint part(Bytes* at, Bytes end, uint32_t* size) noexcept nogil:
    """The size of a delimited field whose content begins at `at` afterwards, and ends before `end`."""
    cdef uint64_t value
    cdef Bytes here = at[0]
    if here < end and here[0] < 0x80:
        size[0] = here[0]
        at[0] = here + 1
        return size[0] <= <size_t>(end - at[0])
    if not varint(at, end, &value) or at[0] - here > 4 or value > <size_t>(end - at[0]):
        return False
    size[0] = <uint32_t>value
    return True


cdef inline bint alike(Bytes one, Bytes other, size_t size) noexcept nogil:
    """Whether so many bytes are the same; pointers to none of them may be null, which `memcmp` may not be given."""
    return size == 0 or memcmp(one, other, size) == 0


cdef inline bint skip(Bytes* at, Bytes end) noexcept nogil:
    """Step over a field that nobody knows; False when it is cut off, or written as no encoder writes it."""
    cdef Bytes here = at[0]
    cdef uint64_t tag
    cdef uint32_t size
    if not varint(at, end, &tag) or at[0] - here > 4 or (at[0] - 1)[0] == 0 or tag < 8:
        return False
    if tag & 7 == 0:
        return varint(at, end, &tag)
    if tag & 7 == 2:
        if not part(at, end, &size):
            return False
    elif tag & 7 == 1:
        size = 8
    elif tag & 7 == 5:
        size = 4
    else:
        return False
    at[0] += size
    return at[0] <= end


cdef inline bint is_utf8(Bytes at, size_t size) noexcept nogil:
    cdef Bytes end = at + size
    cdef uint8_t lead
    cdef int more
    while at < end:
        if end - at >= 8 and not load64(at) & <uint64_t>0x8080808080808080:
            at += 8
            continue
        lead = at[0]
        at += 1
        if lead < 0x80:
            continue
        if lead < 0xC2 or lead > 0xF4:
            return False
        more = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if end - at < more:
            return False
        if lead == 0xE0 and at[0] < 0xA0 or lead == 0xED and at[0] > 0x9F:
            return False
        if lead == 0xF0 and at[0] < 0x90 or lead == 0xF4 and at[0] > 0x8F:
            return False
        for _ in range(more):
            if at[0] & 0xC0 != 0x80:
                return False
            at += 1
    return True


cdef inline bint is_sound(Bytes at, Bytes end, int depth) noexcept nogil:
    """Whether an AnyValue can be read for sure. An array is a message of values, a map one of messages of pairs."""
    cdef uint32_t size
    cdef uint8_t tag
    while at < end:
        tag = at[0]
        if tag == 0x0A or tag == 0x2A or tag == 0x32:
            at += 1
            if not part(&at, end, &size):
                return False
            if tag == 0x0A and not is_utf8(at, size):
                return False
            if tag != 0x0A and (depth > MAX_DEPTH or not are_sound(at, at + size, tag == 0x32, depth + 1)):
                return False
            at += size
        elif not skip(&at, end):
            return False
    return True


cdef inline bint are_sound(Bytes at, Bytes end, bint pairs, int depth) noexcept nogil:
    cdef uint32_t size
    while at < end:
        if at[0] == 0x0A:
            at += 1
            if not part(&at, end, &size):
                return False
            if not (is_sound_pair(at, at + size, depth) if pairs else is_sound(at, at + size, depth)):
                return False
            at += size
        elif not skip(&at, end):
            return False
    return True


cdef inline bint is_sound_pair(Bytes at, Bytes end, int depth) noexcept nogil:
    cdef uint32_t size
    cdef uint8_t tag
    while at < end:
        tag = at[0]
        if tag == 0x0A or tag == 0x12:
            at += 1
            if not part(&at, end, &size):
                return False
            if not (is_utf8(at, size) if tag == 0x0A else is_sound(at, at + size, depth)):
                return False
            at += size
        elif not skip(&at, end):
            return False
    return True


cdef inline bint read_value(Bytes at, Bytes end, Cell* cell, bint is_looked_into) noexcept nogil:
    """The AnyValue between `at` and `end`; False when it is not one of one member, written once.

    What is in a map is up to the caller if that `is_looked_into`.
    """
    cdef uint64_t bits
    cdef uint8_t tag
    cell.value = at
    cell.value_size = <uint32_t>(end - at)
    cell.number = NAN
    cell.kind = NULL_
    if at == end:
        return True
    tag = at[0]
    at += 1
    if tag == 0x21:
        if end - at != 8:
            return False
        memcpy(&cell.number, at, 8)
        cell.kind = NUMBER
        cell.whole = False
        return True
    if tag == 0x18 or tag == 0x10:
        if not varint(&at, end, &bits) or at != end:
            return False
        cell.kind = NUMBER if tag == 0x18 else BOOLEAN
        cell.whole = True
        cell.integer = <int64_t>bits if tag == 0x18 else bits != 0
        cell.number = <double>cell.integer
        return True
    if not part(&at, end, &cell.size) or at + cell.size != end:
        return False
    cell.text = at
    if tag == 0x0A:
        cell.kind = TEXT if cell.size else NULL_
        return True
    if tag == 0x2A or tag == 0x32:
        cell.kind = NESTED if tag == 0x2A else MAP
        return (is_looked_into and tag == 0x32) or are_sound(at, end, tag == 0x32, 0)
    cell.kind = NESTED
    return tag == 0x3A


cdef inline uint64_t mixed(Bytes at, size_t size, uint64_t seed) noexcept nogil:
    cdef uint64_t mixer = 0x9E3779B97F4A7C15
    cdef uint64_t found = (seed ^ size) * mixer
    cdef uint64_t word = 0
    cdef size_t left = size
    while left >= 8:
        found = (found ^ load64(at)) * mixer
        found ^= found >> 29
        at += 8
        left -= 8
    if size >= 8 and left:
        word = load64(at + left - 8)
    else:
        while left:
            left -= 1
            word = word << 8 | at[left]
    found = (found ^ word) * mixer
    # A product carries nothing down: without the second one, the last letters would not reach the low bits.
    found = (found ^ found >> 32) * mixer
    return found ^ found >> 32


cdef inline double seconds_of(uint64_t nanoseconds) noexcept nogil:
    """Nanoseconds over a billion, rounded once, as Python divides integers.

    From 2^22 s on the sum is never close enough to the middle between two doubles for the rounding of the fraction to
    matter: the fraction would have to be within 2^-54 of an odd multiple of 2^-31 (or more), and differs from each by
    at least 1 / (2^31 * 5^9).
    """
    return <double>(nanoseconds // NANOSECONDS) + <double>(nanoseconds % NANOSECONDS) / 1e9


cdef inline bint is_early(uint64_t nanoseconds) noexcept nogil:
    return 0 < nanoseconds < EXACT_FROM
