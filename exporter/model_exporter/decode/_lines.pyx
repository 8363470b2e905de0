# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Predictions in JSON, one a line or in an array, straight to columns, for records as most senders write them.

What the scanner of OTLP says of itself holds here: it takes records of which it is sure that it reads them as `json_text`
and `records` would, hands others back as bytes (`ODD`), and of a body whose frame it cannot trust all (`BAIL`).

Bytes objects end with a NUL, which is neither part of a value nor space between two: what reads byte by byte stops there.
"""

from cpython.bytes cimport PyBytes_GET_SIZE
from libc.math cimport NAN, fabs
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy, memset

from model_exporter.decode._scanner cimport (
    BAIL,
    CHUNK,
    ERROR,
    FEATURE,
    FEATURES,
    GOOD,
    ID,
    LATENCY_MILLISECONDS,
    LATENCY_SECONDS,
    MODEL,
    ODD,
    PREDICTION,
    PROBABILITIES,
    REQUEST,
    SCORE,
    SEGMENTS,
    START,
    TIME,
    UNREAD,
    VERSION,
    Frame,
    Scanner,
)
from model_exporter.decode._wire cimport ABSENT, BOOLEAN, MAP, MAX_DEPTH, NESTED, NULL_, NUMBER, TEXT, Bytes, Cell, is_utf8

cdef extern from *:
    """
    typedef unsigned __int128 wide_integer;
    """
    ctypedef unsigned long long Wide "wide_integer"
    int leading_zeros "__builtin_clzll"(unsigned long long) nogil
    int trailing_zeros "__builtin_ctzll"(unsigned long long) nogil

cdef enum:
    LEAST_POWER = -307  # of ten: with any digits before it, the number is not subnormal
    LARGEST_POWER = 288  # and with up to 64 bits of them, it is finite
    EXACT_POWER = 22  # the largest that is a double
    MAX_DIGITS = 19  # that surely fit into 64 bits
    MAX_EXPONENT_DIGITS = 4
    MAX_NAME = 1024  # bytes of a dotted one
    EPOCH_DAYS = 719468  # from 0000-03-01 to 1970-01-01

cdef uint64_t EVERY_BYTE = 0x0101010101010101
cdef uint64_t HIGH_BITS = 0x8080808080808080
cdef uint64_t EXACT_INTEGER = <uint64_t>1 << 53
cdef double POWERS[EXACT_POWER + 1]
cdef uint64_t FIVES[LARGEST_POWER - LEAST_POWER + 1][2]
"""Powers of five from `LEAST_POWER` on, as 128 bits of which the first is set: high and low half. They are cut off, but for
the fractions whose denominators have 64 bits, which the proof wants rounded up."""


def _fill_powers():
    for power in range(LEAST_POWER, LARGEST_POWER + 1):
        if power >= 0:
            bits = 5**power << 128 >> (5**power).bit_length()
        else:
            divisor = 5**-power
            bits = (1 << divisor.bit_length() + 127) // divisor + (power >= -27)
        FIVES[power - LEAST_POWER][0] = bits >> 64
        FIVES[power - LEAST_POWER][1] = bits & 0xFFFFFFFFFFFFFFFF
    for power in range(EXACT_POWER + 1):
        POWERS[power] = 10.0**power


_fill_powers()


cdef inline uint64_t load64(Bytes at) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, at, 8)
    return word


cdef inline Bytes behind_space(Bytes at) noexcept nogil:
    while at[0] == 0x20 or at[0] == 0x0A or at[0] == 0x0D or at[0] == 0x09:
        at += 1
    return at


cdef inline bint is_digit(uint8_t byte) noexcept nogil:
    return 0x30 <= byte <= 0x39


cdef bint scaled(uint64_t digits, int power, double* number) noexcept nogil:
    """`digits` times ten to `power`, rounded as IEEE 754 has it; False when that is not known for sure.

    Where digits and power are doubles, one operation on them rounds once (Clinger, How to read floating point numbers
    accurately, 1990). Else the first bits of the product tell (Lemire, Number parsing at a gigabyte per second, 2021).
    """
    cdef uint64_t high, low, more, bits
    cdef Wide product
    cdef int zeros, upper, exponent
    if digits <= EXACT_INTEGER and -EXACT_POWER <= power <= EXACT_POWER:
        number[0] = <double>digits * POWERS[power] if power >= 0 else <double>digits / POWERS[-power]
        return True
    if digits == 0:
        number[0] = 0.0
        return True
    if power < LEAST_POWER or power > LARGEST_POWER:
        return False
    zeros = leading_zeros(digits)
    digits <<= zeros
    product = <Wide>digits * FIVES[power - LEAST_POWER][0]
    high = <uint64_t>(product >> 64)
    low = <uint64_t>product
    if high & 0x1FF == 0x1FF:  # what is below might carry into the bits that count
        more = <uint64_t>((<Wide>digits * FIVES[power - LEAST_POWER][1]) >> 64)
        low += more
        high += low < more
        if low + 1 == 0:
            return False
    upper = <int>(high >> 63)
    bits = high >> (upper + 9)  # 54 of them, the last of which decides how to round
    exponent = ((217706 * power) >> 16) + upper - zeros + 63 + 1023
    if low <= 1 and -4 <= power <= 23 and bits & 3 == 1 and bits << (upper + 9) == high:
        bits -= 1  # exactly in the middle: to the even one
    bits = (bits + (bits & 1)) >> 1
    if bits == EXACT_INTEGER:
        bits >>= 1
        exponent += 1
    bits = bits & (EXACT_INTEGER // 2 - 1) | <uint64_t>exponent << 52
    memcpy(number, &bits, 8)
    return True


cdef bint read_number(Bytes* at, Cell* cell) noexcept nogil:
    """The number at `at`, and `at` behind it; False when it is none, or not sure to be read as Python would."""
    cdef Bytes here = at[0]
    cdef Bytes start
    cdef Bytes point = NULL
    cdef uint64_t digits = 0
    cdef double other
    cdef int told, power = 0, sign = 0, exponent = 0
    cdef bint negative = here[0] == 0x2D
    here += negative
    start = here
    while is_digit(here[0]):
        digits = digits * 10 + (here[0] - 0x30)
        here += 1
    if here == start or (start[0] == 0x30 and here - start > 1) or here - start > 1 << 20:
        return False
    told = <int>(here - start)
    if here[0] == 0x2E:
        here += 1
        point = here
        while is_digit(here[0]):
            digits = digits * 10 + (here[0] - 0x30)
            here += 1
        if here == point or here - point > 1 << 20:
            return False
        told += <int>(here - point)
        power = -<int>(here - point)
    cell.whole = point == NULL and here[0] | 0x20 != 0x65
    if told > MAX_DIGITS:
        told = first_digits(start, &digits)  # how many of them are left out
        power += told
    else:
        told = 0
    if here[0] | 0x20 == 0x65:
        here += 1
        sign = -1 if here[0] == 0x2D else 1
        here += here[0] == 0x2D or here[0] == 0x2B
        start = here
        while is_digit(here[0]):
            exponent = exponent * 10 + (here[0] - 0x30) if here - start < MAX_EXPONENT_DIGITS else exponent
            here += 1
        if here == start or here - start > MAX_EXPONENT_DIGITS:
            return False
        power += sign * exponent
    if not scaled(digits, power, &cell.number):
        return False
    if told and (not scaled(digits + 1, power, &other) or other != cell.number):
        return False  # what was left out might decide
    if negative and not (cell.whole and digits == 0):
        cell.number = -cell.number
    cell.kind = NUMBER
    at[0] = here
    return True


cdef int first_digits(Bytes at, uint64_t* digits) noexcept nogil:
    """Read the first digits that tell, as many as surely fit; returns how many there are behind them."""
    cdef int told = 0, more = 0
    digits[0] = 0
    while is_digit(at[0]) or at[0] == 0x2E:
        if at[0] != 0x2E:
            if told == MAX_DIGITS:
                more += 1
            else:
                digits[0] = digits[0] * 10 + (at[0] - 0x30)
                told += digits[0] != 0
        at += 1
    return more


cdef inline Bytes behind_text(Bytes at, Bytes end) noexcept nogil:
    """The first quotation mark, backslash or control character, of which `end` is one."""
    cdef uint64_t word, found
    while end - at >= 8:
        word = load64(at)
        found = (word ^ EVERY_BYTE * 0x22) - EVERY_BYTE & ~(word ^ EVERY_BYTE * 0x22)
        found |= (word ^ EVERY_BYTE * 0x5C) - EVERY_BYTE & ~(word ^ EVERY_BYTE * 0x5C)
        found = (found | word - EVERY_BYTE * 0x20 & ~word) & HIGH_BITS
        if found:
            return at + (trailing_zeros(found) >> 3)
        at += 8
    while at[0] >= 0x20 and at[0] != 0x22 and at[0] != 0x5C:
        at += 1
    return at


cdef int64_t number_in(Bytes at, int size) noexcept nogil:
    """The number of so many digits; less than 0 when one of them is none."""
    cdef int64_t value = 0
    cdef int index
    for index in range(size):
        if not is_digit(at[index]):
            return -1
        value = value * 10 + (at[index] - 0x30)
    return value


cdef bint hexadecimal(Bytes at, uint32_t* value) noexcept nogil:
    """Four digits of that kind, which a NUL may cut off."""
    cdef int index
    cdef uint8_t byte
    value[0] = 0
    for index in range(4):
        byte = at[index]
        if is_digit(byte):
            value[0] = value[0] << 4 | byte - 0x30
        elif 0x61 <= byte | 0x20 <= 0x66:
            value[0] = value[0] << 4 | (byte | 0x20) - 0x57
        else:
            return False
    return True


cdef bint read_moment(Bytes at, uint32_t size, double* seconds) noexcept nogil:
    """Unix seconds of `2026-01-31T23:59:59.123456+01:00`, whose fraction has three or six digits or is not there.

    False for any other form, of which there are many. A `Z` stands for no offset, as does nothing.
    """
    cdef int64_t year, month, day, hour, minute, second, shift = 0, fraction = 0, era
    cdef Bytes end = at + size
    cdef int digits
    if size < 19 or at[4] != 0x2D or at[7] != 0x2D or at[13] != 0x3A or at[16] != 0x3A or (at[10] != 0x54 and at[10] != 0x20):
        return False
    year, month, day = number_in(at, 4), number_in(at + 5, 2), number_in(at + 8, 2)
    hour, minute, second = number_in(at + 11, 2), number_in(at + 14, 2), number_in(at + 17, 2)
    if year < 1970 or month < 1 or month > 12 or day < 1 or day > 28 and day > days_of(year, month):
        return False
    if not (0 <= hour <= 23 and 0 <= minute <= 59 and 0 <= second <= 59):
        return False
    at += 19
    if at < end and at[0] == 0x2E:
        digits = 6 if end - at >= 7 and is_digit(at[4]) else 3
        if end - at <= digits or number_in(at + 1, digits) < 0:
            return False
        fraction = number_in(at + 1, digits) * (1 if digits == 6 else 1000)
        at += 1 + digits
    if end - at == 1 and at[0] == 0x5A:
        at += 1
    elif end - at == 6 and (at[0] == 0x2B or at[0] == 0x2D) and at[3] == 0x3A:
        if not (0 <= number_in(at + 1, 2) <= 23 and 0 <= number_in(at + 4, 2) <= 59):
            return False
        shift = (number_in(at + 1, 2) * 60 + number_in(at + 4, 2)) * (60 if at[0] == 0x2B else -60)
        at += 6
    if at != end:
        return False
    year -= month <= 2
    era = year // 400
    day += (153 * ((month + 9) % 12) + 2) // 5 - 1 + (year - era * 400) * 365 + (year - era * 400) // 4
    day += era * 146097 - (year - era * 400) // 100 - EPOCH_DAYS
    second += day * 86400 + hour * 3600 + minute * 60 - shift
    seconds[0] = <double>(second * 1000000 + fraction) / 1e6  # both are whole: it is rounded once
    return True


cdef int64_t days_of(int64_t year, int64_t month) noexcept nogil:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


cdef class LineScanner(Scanner):
    """Scans predictions in JSON. Groups have the JSON of their model and version.

    Of `Scan.odd` the second is the number of the line, from 1 on, or 0 in an array.

    Attributes:
        nesting: objects in objects that a feature may be.
    """

    cdef public int nesting
    cdef bint has_model, in_array
    cdef Bytes start
    cdef uint8_t* unescaped  # at the place of each escaped text, what it stands for
    cdef int32_t line
    cdef double moment

    def __dealloc__(self):
        free(self.unescaped)

    def open(self, bytes body, bint has_model):
        """Turn to `body`, whose records need not name a model if all have one.

        Raises:
            ValueError: it begins as neither object nor array, or is huge.
        """
        if PyBytes_GET_SIZE(body) >= 1 << 30:
            raise ValueError("not for this decoder")
        self.begin(body)
        self.start = self.at
        self.has_model = has_model
        self.line = 1
        memset(&self.head, 0, sizeof(self.head))
        self.in_array = behind_space(self.at)[0] == 0x5B
        if self.in_array:
            self.at = behind_space(behind_space(self.at) + 1)
        elif behind_space(self.at)[0] != 0x7B:
            raise ValueError("not for this decoder")

    def finish(self):
        """Let go of the request."""
        free(self.unescaped)
        self.unescaped = NULL
        Scanner.finish(self)

    @property
    def is_array(self):
        """Whether the body is an array."""
        return self.in_array

    cdef bint scan_chunk(self) noexcept nogil:
        return self.scan_array() if self.in_array else self.scan_lines()

    cdef bint scan_lines(self) noexcept nogil:
        cdef int number
        cdef Frame* frame
        cdef Bytes at
        self.find_lines()
        if not self.frame_count:
            return True
        if not self.make_room():
            return False
        for number in range(self.frame_count):
            frame = &self.frames[number]
            at = frame.at
            if not self.settle(number, self.read_line(&at, frame.at + frame.size)):
                return False
        return True

    cdef void find_lines(self) noexcept nogil:
        """Collect the next lines that hold anything."""
        cdef Bytes stop
        self.frame_count = 0
        while self.at < self.end and self.frame_count < CHUNK:
            stop = <Bytes>memchr(self.at, 0x0A, self.end - self.at)
            if not stop:
                stop = self.end
            while self.at < stop and (self.at[0] == 0x20 or self.at[0] == 0x09 or self.at[0] == 0x0D):
                self.at += 1
            if self.at < stop:
                self.frames[self.frame_count] = Frame(self.at, <uint32_t>(stop - self.at), self.line)
                self.frame_count += 1
            self.line += 1
            self.at = stop + (stop < self.end)

    cdef int read_line(self, Bytes* at, Bytes end) noexcept nogil:
        cdef int status = self.read_object(at)
        return status if status != GOOD or behind_space(at[0]) >= end and at[0] <= end else ODD

    cdef bint scan_array(self) noexcept nogil:
        """Scan the next elements, about as many as there would be if all were as long as the first."""
        cdef int number = 0, status, room
        cdef Cell cell
        cdef Bytes start
        cdef Bytes at = self.at
        self.frame_count = 0
        if at[0] == 0:
            return at == self.end and at > self.start and self.line == 0
        if not self.read_value(&at, &cell, 0):
            return False
        room = <int>min(<Py_ssize_t>CHUNK, (self.end - self.at) // (at - self.at) * 5 // 4 + 2)
        self.frame_count = room
        if not self.make_room():
            return False
        for number in range(room):
            start = self.at
            status = self.read_object(&self.at)
            if status == ODD:
                self.at = start
                if not self.read_value(&self.at, &cell, 0):
                    return False
            self.frames[number] = Frame(start, <uint32_t>(self.at - start), 0)
            if not self.settle(number, status):
                return False
            self.at = behind_space(self.at)
            if self.at[0] == 0x5D:
                self.at = behind_space(self.at + 1)
                self.line = 0  # the array is over
                self.frame_count = number + 1
                return self.at == self.end
            if self.at[0] != 0x2C:
                return False
            self.at = behind_space(self.at + 1)
        return True

    cdef bint settle(self, int number, int status) noexcept nogil:
        """Keep the record or note that it is odd; False when the body is for another decoder."""
        if status == GOOD:
            status = self.keep(number, 0)
            if status == GOOD:
                self.times[self.rows - 1] = self.moment
        if status == ODD:
            self.odd[self.odd_count] = number
            self.odd_count += 1
        return status != BAIL

    cdef int read_object(self, Bytes* at) noexcept nogil:
        """Whether there is a prediction at `at`, whose cells and fields are set aside; `ODD` else."""
        self.record += 1
        self.staged_count = self.features = self.probabilities = self.flat = 0
        self.previous = START
        self.seen = 0
        if at[0][0] != 0x7B or not self.read_members(at, UNREAD):
            return ODD
        return self.verdict()

    cdef bint read_members(self, Bytes* at, uint8_t space) noexcept nogil:
        """Set all of an object aside; False when one is odd."""
        cdef Bytes here = behind_space(at[0] + 1)
        cdef Bytes key
        if here[0] == 0x7D:
            at[0] = here + 1
            return True
        while here[0] == 0x22:
            key = here + 1
            here = behind_text(key, self.end)
            if here[0] != 0x22 or here - key > 1 << 16:
                return False
            if not self.read_member(&here, self.slot_for(key, <uint32_t>(here - key), space)):
                return False
            here = behind_space(here)
            if here[0] == 0x7D:
                at[0] = here + 1
                return True
            if here[0] != 0x2C:
                return False
            here = behind_space(here + 1)
        return False

    cdef bint read_member(self, Bytes* at, int32_t slot) noexcept nogil:
        """Set the value aside whose key stands in `slot`; `at` is at the quotation mark behind that."""
        cdef Bytes here
        cdef uint8_t role
        cdef Cell* cell = &self.staged[self.staged_count]
        if slot < 0:
            return False
        here = behind_space(at[0] + 1)
        if here[0] != 0x3A:
            return False
        at[0] = behind_space(here + 1)
        role = self.slots[slot].role
        if FEATURES <= role <= SEGMENTS:
            if (self.seen | self.flat << (FEATURES - FEATURE)) >> role & 1:
                return False
            self.seen |= 1 << role
            if at[0][0] == 0x7B:
                return self.read_members(at, role - FEATURES + FEATURE)
            return at[0][0] == 0x5B and role != SEGMENTS and self.read_items(at, role - FEATURES + FEATURE)
        if role == FEATURE and at[0][0] == 0x7B:
            return self.spread(at, slot, 1)
        return self.read_value(at, cell, 0) and self.set_aside(cell, role, slot)

    cdef bint spread(self, Bytes* at, int32_t above, int depth) noexcept nogil:
        """Set the members of a feature that is an object aside under dotted names; False when one is odd."""
        cdef Bytes here = behind_space(at[0] + 1)
        cdef Bytes key
        cdef Cell* cell
        cdef uint8_t name[MAX_NAME]
        cdef uint32_t prefix = self.slots[above].key_size
        cdef int32_t slot
        if here[0] == 0x7D:
            cell = &self.staged[self.staged_count]
            cell.kind = NESTED  # an empty one stays one cell
            cell.number = NAN
            at[0] = here + 1
            return self.set_aside(cell, FEATURE, above)
        if depth > self.nesting or depth > MAX_DEPTH or prefix >= MAX_NAME:
            return False
        memcpy(name, self.keys + self.slots[above].key_at, prefix)
        name[prefix] = 0x2E
        while here[0] == 0x22:
            key = here + 1
            here = behind_text(key, self.end)
            if here[0] != 0x22 or here - key >= MAX_NAME - prefix:
                return False
            memcpy(name + prefix + 1, key, here - key)
            slot = self.slot_for(name, prefix + 1 + <uint32_t>(here - key), FEATURE)
            here = behind_space(here + 1)
            if slot < 0 or here[0] != 0x3A:
                return False
            here = behind_space(here + 1)
            if here[0] == 0x7B:
                if not self.spread(&here, slot, depth + 1):
                    return False
            else:
                cell = &self.staged[self.staged_count]
                if not self.read_value(&here, cell, 0) or not self.set_aside(cell, FEATURE, slot):
                    return False
            here = behind_space(here)
            if here[0] == 0x7D:
                at[0] = here + 1
                return True
            if here[0] != 0x2C:
                return False
            here = behind_space(here + 1)
        return False

    cdef bint read_items(self, Bytes* at, uint8_t space) noexcept nogil:
        """Set all of an array aside, under the numbers of their places; False when one is odd."""
        cdef Bytes here = behind_space(at[0] + 1)
        cdef char name[12]
        cdef int index = 0, size
        cdef int32_t slot
        cdef Cell* cell
        if here[0] == 0x5D:
            at[0] = here + 1
            return True
        while True:
            size = snprintf(name, sizeof(name), b"%d", index)
            slot = self.slot_for(<Bytes>name, size, space)
            cell = &self.staged[self.staged_count]
            if slot < 0 or not self.read_value(&here, cell, 0) or not self.set_aside(cell, self.slots[slot].role, slot):
                return False
            index += 1
            here = behind_space(here)
            if here[0] == 0x5D:
                at[0] = here + 1
                return True
            if here[0] != 0x2C:
                return False
            here = behind_space(here + 1)

    cdef bint read_value(self, Bytes* at, Cell* cell, int depth) noexcept nogil:
        """The value at `at`, and `at` behind it; False when it is none, or not sure to be read as Python would."""
        cdef uint8_t byte = at[0][0]
        cell.value = at[0]
        cell.number = NAN
        cell.whole = False
        if byte == 0x22:
            at[0] += 1
            if not self.read_text(at, cell):
                return False
        elif byte == 0x2D or is_digit(byte):
            if not read_number(at, cell):
                return False
        elif byte == 0x5B or byte == 0x7B:
            cell.kind = NESTED if byte == 0x5B else MAP
            if depth > MAX_DEPTH or not self.skip(at, byte + 2, depth + 1):
                return False
        elif self.end - at[0] >= 4 and memcmp(at[0], b"null", 4) == 0:
            cell.kind = NULL_
            at[0] += 4
        else:
            cell.kind = BOOLEAN
            cell.integer = self.end - at[0] >= 4 and memcmp(at[0], b"true", 4) == 0
            if not cell.integer and not (self.end - at[0] >= 5 and memcmp(at[0], b"false", 5) == 0):
                return False
            cell.number = cell.integer
            at[0] += 4 if cell.integer else 5
        cell.value_size = <uint32_t>(at[0] - cell.value)
        return True

    cdef bint skip(self, Bytes* at, uint8_t closing, int depth) noexcept nogil:
        """Step over an array or an object; False when something in it is not sure to be read."""
        cdef Cell cell
        cdef Bytes here = behind_space(at[0] + 1)
        if here[0] == closing:
            at[0] = here + 1
            return True
        while True:
            if closing == 0x7D:
                if here[0] != 0x22:
                    return False
                here += 1
                if not self.read_text(&here, &cell) or not is_utf8(cell.text, cell.size):
                    return False
                here = behind_space(here)
                if here[0] != 0x3A:
                    return False
                here = behind_space(here + 1)
            if not self.read_value(&here, &cell, depth) or cell.kind == TEXT and not is_utf8(cell.text, cell.size):
                return False
            here = behind_space(here)
            if here[0] == closing:
                at[0] = here + 1
                return True
            if here[0] != 0x2C:
                return False
            here = behind_space(here + 1)

    cdef bint read_text(self, Bytes* at, Cell* cell) noexcept nogil:
        """The text that begins at `at`, and `at` behind the quotation mark that ends it."""
        cdef Bytes stop = behind_text(at[0], self.end)
        cell.text = at[0]
        if stop[0] == 0x5C:
            return self.unescape(at, cell)
        if stop[0] != 0x22:
            return False
        cell.size = <uint32_t>(stop - at[0])
        cell.kind = TEXT if cell.size else NULL_
        at[0] = stop + 1
        return True

    cdef bint unescape(self, Bytes* at, Cell* cell) noexcept nogil:
        """As `read_text`. What escapes stand for is never longer than they are, so there is a place for it."""
        cdef Bytes here = at[0]
        cdef Bytes stop
        cdef uint8_t* into
        cdef uint32_t code, second
        if not self.unescaped:
            self.unescaped = <uint8_t*>malloc(self.end - self.start)
            if not self.unescaped:
                return False
        into = self.unescaped + (here - self.start)
        cell.text = into
        while True:
            stop = behind_text(here, self.end)
            memcpy(into, here, stop - here)
            into += stop - here
            here = stop + 1
            if stop[0] == 0x22:
                break
            if stop[0] != 0x5C:
                return False
            code = plain_escape(here[0])
            here += 1
            if code == 0x75:
                if not hexadecimal(here, &code):
                    return False
                here += 4
                if 0xD800 <= code < 0xE000:
                    if code >= 0xDC00 or here[0] != 0x5C or here[1] != 0x75 or not hexadecimal(here + 2, &second):
                        return False
                    if not 0xDC00 <= second < 0xE000:
                        return False
                    code = 0x10000 + ((code - 0xD800) << 10) + (second - 0xDC00)
                    here += 6
            elif code == 0:
                return False
            into = put_utf8(into, code)
        cell.size = <uint32_t>(into - cell.text)
        cell.kind = TEXT if cell.size else NULL_
        at[0] = here
        return True

    cdef int verdict(self) noexcept nogil:
        """What the record is, now that all of it has been read."""
        cdef Cell* identifier = &self.fields[ID]
        if self.told(ERROR) == BOOLEAN and not self.fields[ERROR].integer:
            self.fields[ERROR].kind = NULL_
        if not (self.features or self.probabilities or self.seen & (1 << PREDICTION | 1 << SCORE)) and self.told(ERROR) <= NULL_:
            return ODD
        if not (self.is_name(MODEL) and self.is_name(ERROR)) or (self.told(MODEL) <= NULL_ and not self.has_model):
            return ODD
        if self.told(ID) == NUMBER and identifier.whole and identifier.value_size < MAX_DIGITS and (identifier.number or identifier.value[0] != 0x2D):
            identifier.kind = TEXT
            identifier.text = identifier.value
            identifier.size = identifier.value_size
        if not self.is_name(ID) or (self.told(ID) <= NULL_ and self.told(REQUEST) > NULL_):
            return ODD
        if not self.is_name(VERSION) and self.told(VERSION) != NUMBER:
            return ODD
        if not (self.is_duration(LATENCY_MILLISECONDS) and self.is_duration(LATENCY_SECONDS)):
            return ODD
        if self.told(PREDICTION) == NESTED or (self.told(PREDICTION) == TEXT and self.fields[PREDICTION].text[0] == 0x5B):
            return ODD
        self.moment = NAN
        if self.told(TIME) > NULL_ and not self.read_time(&self.fields[TIME]):
            return ODD
        return GOOD

    cdef bint read_time(self, Cell* cell) noexcept nogil:
        """Read the record's time as `values.unix_seconds` does; False when it would have to."""
        cdef double size
        if cell.kind == TEXT:
            return read_moment(cell.text, cell.size, &self.moment)
        if cell.kind != NUMBER:
            return False
        size = fabs(cell.number)
        self.moment = cell.number / (1e9 if size > 1e17 else 1e6 if size > 1e14 else 1e3 if size > 1e11 else 1.0)
        return True


cdef inline uint32_t plain_escape(uint8_t byte) noexcept nogil:
    """What stands for itself behind a backslash, or for a control character; `u` for itself, too, and 0 for none."""
    if byte == 0x22 or byte == 0x5C or byte == 0x2F or byte == 0x75:
        return byte
    return 8 if byte == 0x62 else 12 if byte == 0x66 else 10 if byte == 0x6E else 13 if byte == 0x72 else 9 if byte == 0x74 else 0


cdef inline uint8_t* put_utf8(uint8_t* at, uint32_t code) noexcept nogil:
    """Write a character; returns where the next one goes."""
    if code < 0x80:
        at[0] = code
        return at + 1
    if code < 0x800:
        at[0] = 0xC0 | code >> 6
        at[1] = 0x80 | code & 0x3F
        return at + 2
    if code < 0x10000:
        at[0] = 0xE0 | code >> 12
        at[1] = 0x80 | code >> 6 & 0x3F
        at[2] = 0x80 | code & 0x3F
        return at + 3
    at[0] = 0xF0 | code >> 18
    at[1] = 0x80 | code >> 12 & 0x3F
    at[2] = 0x80 | code >> 6 & 0x3F
    at[3] = 0x80 | code & 0x3F
    return at + 4
