# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""OTLP spans in protobuf: those that tell nothing are stepped over, of others is found what they are judged by.

What `spans` makes of a SERVER or CLIENT span depends on few of its attributes, which are the same for most spans of a
scope: they are its signature. What was made of a signature before is looked up, and time, duration and ids are read.
Whatever is out of the ordinary (`ODD`), or has a signature that is new, is handed back as bytes for the readers in Python;
so are all bytes in which the frame around the spans cannot be trusted. As with records of logs, nothing is refused here.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.object cimport PyObject_Hash
from libc.math cimport NAN
from libc.stdint cimport int32_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from model_exporter.decode._scanner cimport GOOD, IGNORED, ODD, Frame, Scanner
from model_exporter.decode._wire cimport (
    TEXT, Bytes, Cell, is_sound, is_sound_pair, is_utf8, mixed, part, read_value, seconds_of, skip, varint
)

cpdef enum:
    # What the value of a key does, in the two kinds of spans that are looked at. With a text in all keys that are
    # `NAMING`, those that are `SPARE` have no bearing. A span with a key that is a `SIGN` is odd; `TELLING` ones make
    # odd what is of another kind, too.
    READ = 1
    NAMING = 2
    SPARE = 4
    SIGN = 8
    TELLING = 16

cpdef enum:
    # What can be in a scope: kinds but SERVER and CLIENT tell nothing; they do with `TELLING` keys; all spans are odd.
    PLAIN, LOOKED_INTO, UNUSUAL

cdef enum:
    SERVER = 2
    CLIENT = 3
    KINDS = 6
    MAX_KEYS = 256
    PLACES = 1024  # of keys, a power of two, four times as many
    MAX_SIGNATURE = 2048  # bytes
    LEAD = 2  # bytes of a signature before its attributes
    MAX_SPARE = 16
    FAILED = 2  # the code of a status

cdef uint64_t EXACT_BELOW = <uint64_t>1 << 53  # doubles hold all integers


cdef struct Key:
    Bytes at
    uint32_t size
    uint8_t server
    uint8_t client

cdef struct Span:
    uint64_t kind
    uint64_t start
    uint64_t end
    Bytes trace
    uint32_t trace_size
    Bytes span
    uint32_t span_size
    uint32_t parent_size
    uint64_t status
    bint has_status
    bint has_exception


cdef inline double quotient(uint64_t nanoseconds) noexcept nogil:
    """Seconds, rounded once, as Python divides integers."""
    return <double>nanoseconds / 1e9 if nanoseconds < EXACT_BELOW else seconds_of(nanoseconds)


cdef bint read_status(Bytes at, Bytes end, Span* span) noexcept nogil:
    cdef uint32_t size
    if span.has_status:
        return False
    span.has_status = True
    while at < end:
        if at[0] == 0x18:
            at += 1
            if not varint(&at, end, &span.status):
                return False
        elif at[0] == 0x12:
            at += 1
            if not part(&at, end, &size) or not is_utf8(at, size):
                return False
            at += size
        elif not skip(&at, end):
            return False
    return span.status <= 2


cdef bint is_sound_event(Bytes at, Bytes end, Span* span) noexcept nogil:
    """Whether an event of a span can be read for sure."""
    cdef uint32_t size
    while at < end:
        if at[0] == 0x12 or at[0] == 0x1A:
            if at[0] == 0x12:
                at += 1
                if not part(&at, end, &size) or not is_utf8(at, size):
                    return False
                span.has_exception |= size == 9 and memcmp(at, b"exception", 9) == 0
            else:
                at += 1
                if not part(&at, end, &size) or not is_sound_pair(at, at + size, 0):
                    return False
            at += size
        elif not skip(&at, end):
            return False
    return True


cdef bint is_sound_link(Bytes at, Bytes end) noexcept nogil:
    """Whether a link of a span can be read for sure."""
    cdef uint32_t size
    cdef uint8_t tag
    while at < end:
        tag = at[0]
        if tag == 0x1A or tag == 0x22:
            at += 1
            if not part(&at, end, &size):
                return False
            if not (is_utf8(at, size) if tag == 0x1A else is_sound_pair(at, at + size, 0)):
                return False
            at += size
        elif not skip(&at, end):
            return False
    return True


cdef class SpanScanner(Scanner):
    """Scans the spans of one request at a time; made like a `Scanner`, with keys that no span has.

    Call `tell` before anything else.
    """

    cdef dict told
    cdef Key all_keys[MAX_KEYS]
    cdef uint8_t index[PLACES]
    cdef uint64_t lengths  # a bit for each length of a key
    cdef Span span_
    cdef uint8_t signature[MAX_SIGNATURE]
    cdef uint32_t signature_size
    cdef Frame spare[MAX_SPARE]
    cdef int spare_count
    cdef bint is_named, is_misnamed

    def tell(self, dict keys):
        """What keys do: two sums, for SERVER and CLIENT spans.

        Raises:
            ValueError: there are too many.
        """
        cdef bytes key
        cdef uint32_t place
        if len(keys) >= MAX_KEYS - 1:
            raise ValueError("too many keys")
        self.told = keys
        memset(self.index, 0, PLACES)
        for number, (key, (server, client)) in enumerate(keys.items(), 1):
            self.all_keys[number] = Key(<Bytes>PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), server, client)
            self.lengths |= <uint64_t>1 << (PyBytes_GET_SIZE(key) & 63)
            place = mixed(<Bytes>PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), self.seed) & (PLACES - 1)
            while self.index[place]:
                place = (place + 1) & (PLACES - 1)
            self.index[place] = number

    cdef inline Key* key_of(self, Bytes at, uint32_t size) noexcept nogil:
        """What is known of the key; NULL when nothing is."""
        cdef uint32_t place
        cdef Key* key
        if not self.lengths >> (size & 63) & 1:
            return NULL
        place = mixed(at, size, self.seed) & (PLACES - 1)
        while self.index[place]:
            key = &self.all_keys[self.index[place]]
            if key.size == size and memcmp(key.at, at, size) == 0:
                return key
            place = (place + 1) & (PLACES - 1)
        return NULL

    def spans(self, place_of):
        """The next spans of the request, at most `CHUNK`: those that tell something.

        `place_of` is called with what a span belongs to, an index of what `parts` tells second, and returns one of
        `PLAIN`, `LOOKED_INTO` and `UNUSUAL`, and what was made of signatures there.

        Returns tuples of what was made of the signature, seconds when the span ended, how long it took (NaN where it
        does not tell), and `identity.key_of_span`; for spans that are to be read of None, scope, signature or None, and
        the Span. Besides these, how many spans are of a kind that tells nothing, and of how many signatures nothing was
        made: False. None behind the last.

        Raises:
            ValueError: the request is for another decoder.
        """
        cdef list found = []
        cdef Frame* frame
        cdef Span* span = &self.span_
        cdef int32_t scope = -1
        cdef int number, status, ignored = 0, others = 0
        cdef int place = UNUSUAL
        cdef dict known = None
        if not self.find_records():
            raise ValueError("not for this decoder")
        if not self.frame_count:
            return None
        for number in range(self.frame_count):
            frame = &self.frames[number]
            if frame.scope != scope:
                scope = frame.scope
                place, known = place_of(scope)
            status = ODD if place == UNUSUAL else self.read_span(frame.at, frame.at + frame.size, place)
            if status == IGNORED:
                ignored += 1
                continue
            if status == ODD:
                found.append((None, scope, None, frame.at[: frame.size]))
                continue
            signature = self.signature[: self.signature_size]
            made = known.get(signature)
            if made is False:
                others += 1
                continue
            if made is None:
                found.append((None, scope, signature, frame.at[: frame.size]))
                continue
            found.append((
                made,
                quotient(span.end) if span.end else NAN,
                quotient(span.end - span.start) if span.start and span.end and span.end >= span.start else NAN,
                (PyObject_Hash((span.trace[: span.trace_size], span.span[: span.span_size])) or 1)
                if span.trace_size and span.span_size
                else 0,
            ))
        return found, ignored, others

    cdef int read_span(self, Bytes at, Bytes end, int place) noexcept nogil:
        """Whether the span tells something, by the signature that is set aside; `IGNORED` and `ODD` else."""
        cdef uint32_t size
        cdef uint8_t tag
        cdef Span* span = &self.span_
        cdef bint has_pairs = False
        memset(span, 0, sizeof(Span))
        self.signature_size = LEAD
        self.spare_count = 0
        self.is_named = self.is_misnamed = False
        while at < end:
            tag = at[0]
            if tag == 0x39 or tag == 0x41:
                if end - at < 9:
                    return ODD
                memcpy(&span.start if tag == 0x39 else &span.end, at + 1, 8)
                at += 9
            elif tag == 0x30:
                at += 1
                if has_pairs or not varint(&at, end, &span.kind) or span.kind >= KINDS:
                    return ODD  # what attributes mean depends on the kind
            elif tag & 7 == 2 and tag < 0x80:
                at += 1
                if not part(&at, end, &size) or not self.read_part(tag, at, size, place):
                    return ODD
                has_pairs |= tag == 0x4A
                at += size
            elif not skip(&at, end):
                return ODD
        if span.kind != SERVER and span.kind != CLIENT:
            return IGNORED
        if span.kind == SERVER and span.has_exception:
            return ODD
        return GOOD if self.sign() else ODD

    cdef bint read_part(self, uint8_t tag, Bytes at, uint32_t size, int place) noexcept nogil:
        """Note what a field says that has a size; False when it is odd."""
        cdef Span* span = &self.span_
        if tag == 0x4A:
            return self.read_attribute(at, at + size, place)
        if tag == 0x0A:
            span.trace = at
            span.trace_size = size
        elif tag == 0x12:
            span.span = at
            span.span_size = size
        elif tag == 0x22:
            span.parent_size = size
        elif tag == 0x1A or tag == 0x2A:  # state and name
            return is_utf8(at, size)
        elif tag == 0x5A:
            return is_sound_event(at, at + size, span)
        elif tag == 0x6A:
            return is_sound_link(at, at + size)
        elif tag == 0x7A:
            return read_status(at, at + size, span)
        return True

    cdef bint read_attribute(self, Bytes at, Bytes end, int place) noexcept nogil:
        """Take the KeyValue into the signature, if it has a bearing; False when it is odd."""
        cdef uint32_t size
        cdef Bytes pair = at
        cdef Cell cell
        cdef Key* key
        cdef uint8_t does = 0
        if at == end or at[0] != 0x0A:
            return False
        at += 1
        if not part(&at, end, &size):
            return False
        key = self.key_of(at, size)
        if key == NULL and not is_utf8(at, size):
            return False
        at += size
        if key != NULL and self.span_.kind == SERVER:
            does = key.server
        elif key != NULL and self.span_.kind == CLIENT:
            does = key.client
        elif key != NULL and place == LOOKED_INTO and key.server & TELLING:
            return False
        if does & SIGN:
            return False
        if at < end:
            if at[0] != 0x12:
                return False
            at += 1
            if not part(&at, end, &size) or at + size != end or not is_sound(at, end, 0):
                return False
        if does & NAMING:
            if not read_value(at, end, &cell, False):
                return False
            self.is_named = True
            self.is_misnamed |= cell.kind != TEXT
        if does & SPARE:
            if self.spare_count == MAX_SPARE:
                return False
            self.spare[self.spare_count] = Frame(pair, <uint32_t>(end - pair), 0)
            self.spare_count += 1
            return True
        return not does & READ or self.put_pair(pair, <uint32_t>(end - pair))

    cdef bint put_pair(self, Bytes at, uint32_t size) noexcept nogil:
        if self.signature_size + size + 4 > MAX_SIGNATURE:
            return False
        memcpy(self.signature + self.signature_size, &size, 4)
        memcpy(self.signature + self.signature_size + 4, at, size)
        self.signature_size += size + 4
        return True

    cdef bint sign(self) noexcept nogil:
        """Finish the signature; False when there is no room for it."""
        cdef int index
        self.signature[0] = self.span_.kind
        self.signature[1] = (self.span_.status == FAILED) | (self.span_.parent_size > 0) << 1
        if self.is_named and not self.is_misnamed:
            return True
        for index in range(self.spare_count):
            if not self.put_pair(self.spare[index].at, self.spare[index].size):
                return False
        return True
