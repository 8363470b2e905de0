# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""OTLP log records in protobuf straight to columns, for records as most senders write them.

The scanner knows what `otlp_protobuf` and `records` make of a record, and makes the same of it; a record that is out of the
ordinary in any way (`ODD`) is handed back as bytes for them to read, so that what is refused, dropped and said of it
comes from one place. Bytes in which the frame around the records cannot be trusted (`BAIL`) are theirs as a whole.
So it never decides that something is wrong: it only has to be sure when it says that all is well.

A scan works on whole chunks of records without Python and without its lock. Tables grow with input, and all have bounds.
"""

from cpython.buffer cimport PyBuffer_FillInfo
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject_GenericSetAttr, PyObject_Hash
from cpython.unicode cimport PyUnicode_DecodeUTF8
from cython cimport final
from libc.math cimport NAN, isfinite
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from model_exporter.decode._wire cimport (
    BOOLEAN, MAP, NESTED, alike, is_early, is_utf8, load64, mixed, part, read_value, seconds_of, skip
)

cdef Bytes NOTHING = <Bytes><const char*>b""
cdef uint64_t FEATURE_WORD = 0x2E65727574616566  # "feature."
cdef uint64_t SEGMENT_WORD = 0x2E746E656D676573  # "segment."


cdef int fold_parts(Part* parts, int count, uint64_t seed) noexcept nogil:
    """Move parts to the front, each kind once, and say in `told_as` where each is then; returns how many are left.

    Only the last few are looked through: kinds that come in turns, more than those, stay apart.
    """
    cdef int number, found
    cdef int left = 0
    cdef Part now
    for number in range(count):
        now = parts[number]
        now.hash = mixed(now.at, now.size, seed + now.within)
        for found in range(left - 1, max(-1, left - 1 - MAX_FOLDED), -1):
            if (parts[found].hash == now.hash and parts[found].size == now.size and parts[found].within == now.within
                    and alike(parts[found].at, now.at, now.size)):
                break
        else:
            found = left
            left += 1
            now.told_as = parts[found].told_as
            parts[found] = now
        parts[number].told_as = found
    return left


cdef uint8_t* pack(uint8_t* at, uint8_t lead, uint64_t value, int size) noexcept nogil:
    """Write a lead byte of MessagePack and a number of `size` bytes; returns where the next thing goes."""
    cdef int index
    at[0] = lead
    for index in range(size):
        at[1 + index] = (value >> (8 * (size - 1 - index))) & 0xFF
    return at + 1 + size


cdef uint8_t* pack_array(uint8_t* at, uint32_t size) noexcept nogil:
    return pack(at, 0x90 | size, 0, 0) if size < 16 else pack(at, 0xDC, size, 2) if size < 1 << 16 else pack(at, 0xDD, size, 4)


cdef uint8_t* pack_text(uint8_t* at, const char* prefix, uint32_t prefix_size, Bytes text, uint32_t text_size) noexcept nogil:
    cdef uint32_t size = prefix_size + text_size
    if size < 32:
        at = pack(at, 0xA0 | size, 0, 0)
    elif size < 1 << 8:
        at = pack(at, 0xD9, size, 1)
    else:
        at = pack(at, 0xDA, size, 2) if size < 1 << 16 else pack(at, 0xDB, size, 4)
    memcpy(at, prefix, prefix_size)
    memcpy(at + prefix_size, text, text_size)
    return at + size


cdef uint8_t* pack_integer(uint8_t* at, int64_t value) noexcept nogil:
    if -32 <= value < 128:
        return pack(at, value & 0xFF, 0, 0)
    if value >= 0:
        if value < 1 << 8:
            return pack(at, 0xCC, value, 1)
        if value < 1 << 16:
            return pack(at, 0xCD, value, 2)
        return pack(at, 0xCE, value, 4) if value < <int64_t>1 << 32 else pack(at, 0xCF, value, 8)
    if value >= -(1 << 7):
        return pack(at, 0xD0, value, 1)
    if value >= -(1 << 15):
        return pack(at, 0xD1, value, 2)
    return pack(at, 0xD2, value, 4) if value >= -(<int64_t>1 << 31) else pack(at, 0xD3, value, 8)


cdef uint8_t* pack_value(uint8_t* at, Cell* cell) noexcept nogil:
    cdef uint64_t bits
    if cell.kind == TEXT:
        return pack_text(at, b"", 0, cell.text, cell.size)
    if cell.kind == BOOLEAN:
        return pack(at, 0xC3 if cell.integer else 0xC2, 0, 0)
    if cell.kind == NUMBER:
        if cell.whole:
            return pack_integer(at, cell.integer)
        memcpy(&bits, &cell.number, 8)
        return pack(at, 0xCB, bits, 8)
    return pack(at, 0xA0 if cell.value_size and cell.value[0] == 0x0A else 0xC0, 0, 0)  # the empty text, or nothing


cdef class Block:
    """Memory that an array lies in."""

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, self.at, self.size, 0, flags)

    def __dealloc__(self):
        free(self.at)


cdef Block block(void* at, size_t size):
    cdef Block made = Block.__new__(Block)
    made.at = at
    made.size = size
    return made


cdef class Scan:
    """What a chunk of records holds: `rows` of them in columns, the odd ones, and how many are of no interest.

    Attributes:
        rows: predictions.
        stride: cells between the columns of one matrix.
        numbers, kinds, codes: matrices, column by column, of float64, uint8 and int32.
        times, latencies: float64[rows].
        groups: int32[rows], an index of `Scanner.groups`.
        records: int32[rows], which records of the chunk the rows are.
        own_ids: uint8[rows], whether the id is the prediction's and not that of its request.
        contents: of rows to be recognised by it: row, nanoseconds, trace id, span id, content as MessagePack (what
            `identity.key_of_content` is given last).
        ids: text[rows].
        columns: name, role, index of the column, index of its codes or -1.
        words: of each column of codes.
        longest_word: bytes of the longest.
        errors: index of the codes that are types of errors; -1 without any.
        odd: number of the record in the chunk, its scope, and its bytes.
        ignored: records that are not about predictions.
        records_seen: all of them.
    """


cdef class Scanner:
    """Scans one request at a time, and remembers the keys of those before.

    Args:
        keys: what keys say, as `Role`; others are `UNREAD`, but for those with a prefix.
        name_length: bytes of names and ids.
        record_attributes: cells of one record, columns of one request.
        seed: what hashes begin with, so that nobody can know them.
    """

    def __cinit__(self, dict keys, *, int name_length, int record_attributes, uint64_t seed):
        self.known = keys
        self.name_length = name_length
        self.record_attributes = min(record_attributes, MAX_STAGED)
        self.seed = seed
        self.slots = <Slot*>calloc(MAX_SLOTS, sizeof(Slot))
        self.slot_index = <int32_t*>malloc(2 * MAX_SLOTS * sizeof(int32_t))
        self.keys = <uint8_t*>malloc(MAX_KEY_BYTES)
        self.resources = <Part*>malloc(MAX_SCOPES * sizeof(Part))
        self.scopes = <Part*>malloc(MAX_SCOPES * sizeof(Part))
        self.groups_ = <Group*>malloc(MAX_GROUPS * sizeof(Group))
        self.frames = <Frame*>malloc(CHUNK * sizeof(Frame))
        self.ids = <Frame*>malloc(CHUNK * sizeof(Frame))
        self.odd = <int32_t*>malloc(CHUNK * sizeof(int32_t))
        self.contents = <Content*>malloc(CHUNK * sizeof(Content))
        self.columns = <Column*>malloc((self.record_attributes + FIXED_SLOTS) * sizeof(Column))
        self.staged = <Cell*>malloc((self.record_attributes + FIXED_SLOTS) * sizeof(Cell))
        if not (self.slots and self.slot_index and self.keys and self.resources and self.scopes and self.groups_
                and self.frames and self.ids and self.odd and self.contents and self.columns and self.staged):
            raise MemoryError
        self.column_room = 16
        self.text_room = 4
        self.forget()

    def __dealloc__(self):
        self.drop()
        for at in (<size_t>self.slots, <size_t>self.slot_index, <size_t>self.keys, <size_t>self.resources,
                   <size_t>self.scopes, <size_t>self.groups_, <size_t>self.frames, <size_t>self.ids, <size_t>self.odd,
                   <size_t>self.columns, <size_t>self.staged, <size_t>self.contents, <size_t>self.packed, <size_t>self.words, <size_t>self.word_index):
            free(<void*>at)

    cdef forget(self):
        """Know no keys but those that were told."""
        cdef bytes key
        self.names = {}
        self.slot_count = FIXED_SLOTS
        self.keys_size = 0
        memset(self.slots, 0, FIXED_SLOTS * sizeof(Slot))
        memset(self.slot_index, 0xFF, 2 * MAX_SLOTS * sizeof(int32_t))
        for slot, role, name in (
            (PREDICTION_SLOT, PREDICTION, "prediction"), (SCORE_SLOT, SCORE, "score"), (ERROR_SLOT, ERROR, "error")
        ):
            self.names[slot] = name
            self.slots[slot].role = role
        for key, role in self.known.items():
            self.slots[self.slot_of(<Bytes>PyBytes_AS_STRING(key), PyBytes_GET_SIZE(key), UNREAD)].role = role

    cdef int32_t slot_of(self, Bytes key, uint32_t size, uint8_t space) noexcept nogil:
        """Where the key stands among those met before, perhaps now; -1 when there is no room or it is no UTF-8."""
        cdef uint64_t hash = mixed(key, size, self.seed + space)
        cdef uint32_t place = hash & (2 * MAX_SLOTS - 1)
        cdef int32_t found
        cdef Slot* slot
        for _ in range(MAX_PROBES):
            found = self.slot_index[place]
            if found < 0:
                break
            slot = &self.slots[found]
            if slot.key_size == size and slot.space == space and memcmp(self.keys + slot.key_at, key, size) == 0:
                return found
            place = (place + 1) & (2 * MAX_SLOTS - 1)
        else:
            return -1
        if self.slot_count == MAX_SLOTS or size > MAX_KEY_BYTES - self.keys_size or not is_utf8(key, size):
            return -1
        found = self.slot_count
        self.slot_count += 1
        slot = &self.slots[found]
        memset(slot, 0, sizeof(Slot))
        slot.key_at = self.keys_size
        slot.key_size = size
        slot.space = space
        slot.role = space or self.role_of(key, size)
        memcpy(self.keys + self.keys_size, key, size)
        self.keys_size += size
        self.slot_index[place] = found
        return found

    cdef uint8_t role_of(self, Bytes key, uint32_t size) noexcept nogil:
        """What a key says that nobody has told about."""
        if size == 8 and (load64(key) == FEATURE_WORD or load64(key) == SEGMENT_WORD):
            return STRANGE  # it has no name
        return STRANGE if size >= 6 and memcmp(key, b"value.", 6) == 0 else UNREAD

    def begin(self, bytes body):
        """Turn to the request `body`."""
        if self.slot_count > MAX_SLOTS // 4 * 3 or self.keys_size > MAX_KEY_BYTES // 4 * 3:
            self.forget()
        self.body = body
        self.at = <Bytes>PyBytes_AS_STRING(body)
        self.end = self.at + PyBytes_GET_SIZE(body)
        self.most_cells = min(<size_t>MAX_CELLS, SPARE_CELLS + CELLS_A_BYTE * <size_t>PyBytes_GET_SIZE(body))
        self.in_resource = self.in_scope = False
        self.resource_count = self.scope_count = self.group_count = 0

    def finish(self):
        """Let go of the request."""
        self.body = None

    def parts(self):
        """What the records scanned so far belong to.

        Returns the Resource of each ResourceLogs; of each ScopeLogs the index of its resource and the
        InstrumentationScope; of each group of rows the index of its scope, and model and version as AnyValue. What is
        not given is empty. Those that are alike may be told as one.
        """
        return (
            tuple([self.resources[i].at[: self.resources[i].size] for i in range(self.resource_count)]),
            tuple([(self.scopes[i].within, self.scopes[i].at[: self.scopes[i].size]) for i in range(self.scope_count)]),
            tuple([
                (
                    self.groups_[i].scope,
                    self.groups_[i].model[: self.groups_[i].model_size],
                    self.groups_[i].version[: self.groups_[i].version_size],
                )
                for i in range(self.group_count)
            ]),
        )

    def probe(self):
        """How many predictions and how many other records a small request holds, if each is sure to be taken.

        Nothing is made of them, but `parts` tells what they belong to. None when that takes a closer look: the
        request may be well, or not.
        """
        cdef int number, status
        cdef int rows = 0
        cdef Frame* frame
        if not self.find_records() or self.at != self.end or self.frame_count == CHUNK:
            return None
        self.chunk += 1
        self.rows = self.column_count = 0
        for number in range(self.frame_count):
            frame = &self.frames[number]
            status = self.read_record(frame.at, frame.at + frame.size)
            if status == GOOD and self.is_sure_row(frame.scope):
                rows += 1
            elif status != IGNORED:
                return None
        if rows * self.column_count > SPARE_CELLS:
            return None
        return rows, self.frame_count - rows

    def scan(self):
        """The next records of the request, at most `CHUNK`; None behind the last.

        Raises:
            ValueError: the request is for another decoder.
        """
        cdef bint is_small = self.end - self.at < SMALL
        cdef bint sound
        try:
            if is_small:
                sound = self.scan_chunk()
            else:
                with nogil:
                    sound = self.scan_chunk()
            if not sound:
                raise ValueError("not for this decoder")
            return self.taken() if self.frame_count else None
        finally:
            self.drop()

    cdef bint scan_chunk(self) noexcept nogil:
        cdef int number, status
        cdef Frame* frame
        cdef bint is_first = self.resource_count == 0
        if not self.find_records():
            return False
        if not self.frame_count:
            return True
        if is_first and self.at == self.end and self.resource_count > 1:
            self.fold()
        if not self.make_room():
            return False
        for number in range(self.frame_count):
            frame = &self.frames[number]
            status = self.read_record(frame.at, frame.at + frame.size)
            if status == GOOD:
                status = self.keep(number, frame.scope)
            if status == BAIL:
                return False
            if status == ODD:
                self.odd[self.odd_count] = number
                self.odd_count += 1
            elif status == IGNORED:
                self.ignored += 1
        return True

    cdef bint find_records(self) noexcept nogil:
        """Collect the next records; False when the bytes around them are not as encoders write them."""
        cdef uint32_t size
        cdef uint8_t tag
        cdef Bytes end
        cdef Part* told
        self.frame_count = 0
        while self.frame_count < CHUNK:
            if self.in_scope and self.at == self.scope_end:
                self.in_scope = False
            elif not self.in_scope and self.in_resource and self.at == self.resource_end:
                self.in_resource = False
            elif self.at == self.end:
                return True
            else:
                end = self.scope_end if self.in_scope else self.resource_end if self.in_resource else self.end
                tag = self.at[0]
                if tag != 0x0A and not (self.in_resource and (tag == 0x12 or tag == 0x1A)):
                    if not skip(&self.at, end):
                        return False
                    continue
                self.at += 1
                if not part(&self.at, end, &size):
                    return False
                if tag == 0x1A:  # the URL of a schema
                    if not is_utf8(self.at, size):
                        return False
                    self.at += size
                elif tag == 0x0A and self.in_resource:
                    told = &self.scopes[self.scope_count - 1] if self.in_scope else &self.resources[self.resource_count - 1]
                    if told.given:
                        return False
                    told.given = True
                    told.at = self.at
                    told.size = size
                    self.at += size
                elif self.in_scope:
                    self.frames[self.frame_count] = Frame(self.at, size, self.scope_count - 1)
                    self.frame_count += 1
                    self.at += size
                elif self.in_resource:
                    if self.scope_count == MAX_SCOPES:
                        return False
                    self.scopes[self.scope_count] = Part(self.at, 0, self.resource_count - 1, False, 0, 0)
                    self.scope_count += 1
                    self.scope_end = self.at + size
                    self.in_scope = True
                else:
                    if self.resource_count == MAX_SCOPES:
                        return False
                    self.resources[self.resource_count] = Part(self.at, 0, 0, False, 0, 0)
                    self.resource_count += 1
                    self.resource_end = self.at + size
                    self.in_resource = True
        return True

    cdef void fold(self) noexcept nogil:
        """Tell resources and scopes that are alike as one: of many small requests put together most are."""
        cdef int number
        self.resource_count = fold_parts(self.resources, self.resource_count, self.seed)
        for number in range(self.scope_count):
            self.scopes[number].within = self.resources[self.scopes[number].within].told_as
        self.scope_count = fold_parts(self.scopes, self.scope_count, self.seed)
        for number in range(self.frame_count):
            self.frames[number].scope = self.scopes[self.frames[number].scope].told_as

    cdef bint make_room(self) noexcept nogil:
        """Memory for the rows of the chunk, all of which its records may be."""
        cdef size_t rows = self.frame_count
        cdef size_t most
        self.chunk += 1
        self.rows = self.ignored = self.odd_count = self.column_count = self.text_count = self.word_count = 0
        self.content_count = 0
        self.packed_size = 0
        self.stride = ((self.frame_count + 7) // 8 | 1) * 8  # an odd number of cache lines, so that columns share none
        self.numbers = <double*>malloc(self.column_room * self.stride * sizeof(double))
        self.kinds = <uint8_t*>malloc(self.column_room * self.stride)
        self.codes = <int32_t*>malloc(self.text_room * self.stride * sizeof(int32_t))
        self.times = <double*>malloc(rows * sizeof(double))
        self.latencies = <double*>malloc(rows * sizeof(double))
        self.groups = <int32_t*>malloc(rows * sizeof(int32_t))
        self.records = <int32_t*>malloc(rows * sizeof(int32_t))
        self.own_ids = <uint8_t*>malloc(rows)
        if not self.word_room:
            self.word_room = 512
            self.words = <Word*>malloc(self.word_room // 2 * sizeof(Word))
            self.word_index = <int32_t*>malloc(self.word_room * sizeof(int32_t))
        if self.word_index:
            memset(self.word_index, 0xFF, self.word_room * sizeof(int32_t))
        return (self.numbers and self.kinds and self.codes and self.times and self.latencies and self.groups
                and self.records and self.own_ids and self.words and self.word_index) != NULL

    cdef void drop(self) noexcept nogil:
        """Free what was not handed on."""
        free(self.numbers)
        free(self.kinds)
        free(self.codes)
        free(self.times)
        free(self.latencies)
        free(self.groups)
        free(self.records)
        free(self.own_ids)
        self.numbers = self.times = self.latencies = NULL
        self.kinds = self.own_ids = NULL
        self.codes = self.groups = self.records = NULL

    cdef int read_record(self, Bytes at, Bytes end) noexcept nogil:
        """Whether the LogRecord is a prediction, whose cells and fields are set aside; `ODD` and `IGNORED` else."""
        cdef uint32_t size
        cdef uint8_t tag
        cdef Cell body
        cdef bint has_body = False
        self.record += 1
        self.staged_count = self.features = self.probabilities = self.flat = 0
        self.previous = START
        self.seen = 0
        memset(&self.head, 0, sizeof(Head))
        while at < end:
            tag = at[0]
            if tag == 0x32:
                at += 1
                if not part(&at, end, &size) or not self.read_pair(at, at + size, UNREAD):
                    return ODD
                at += size
            elif tag == 0x09 or tag == 0x59:
                if end - at < 9:
                    return ODD
                memcpy(&self.head.time if tag == 0x09 else &self.head.observed, at + 1, 8)
                at += 9
            elif tag == 0x1A or tag == 0x2A or tag == 0x4A or tag == 0x52 or tag == 0x62:
                at += 1
                if not part(&at, end, &size):
                    return ODD
                if tag == 0x4A:
                    self.head.trace = at
                    self.head.trace_size = size
                elif tag == 0x52:
                    self.head.span = at
                    self.head.span_size = size
                elif tag == 0x2A:
                    if has_body or not read_value(at, at + size, &body, True):
                        return ODD
                    if body.kind == TEXT and not is_utf8(body.text, body.size):
                        return ODD
                    has_body = True
                elif not is_utf8(at, size):
                    return ODD
                elif tag == 0x62:
                    self.head.event = at
                    self.head.event_size = size
                at += size
            elif not skip(&at, end):
                return ODD
        if has_body and body.kind == MAP:
            if self.staged_count or self.seen & ~<uint32_t>(1 << EVENT_NAME):
                return ODD  # attributes and body both tell of the prediction
            self.record += 1  # a key may be in both
            if not self.read_pairs(body.text, body.text + body.size, UNREAD):
                return ODD
        return self.judged()

    cdef bint read_pairs(self, Bytes at, Bytes end, uint8_t space) noexcept nogil:
        """Set all of a KeyValueList aside; False when one is odd."""
        cdef uint32_t size
        while at < end:
            if at[0] != 0x0A:
                return False
            at += 1
            if not part(&at, end, &size) or not self.read_pair(at, at + size, space):
                return False
            at += size
        return True

    cdef int32_t slot_for(self, Bytes key, uint32_t size, uint8_t space) noexcept nogil:
        """Where the next key of the record stands; -1 when it is odd. In a `space` it is a bare name."""
        return next_slot(self, key, size, space)

    cdef bint read_pair(self, Bytes at, Bytes end, uint8_t space) noexcept nogil:
        """Set the KeyValue aside for what it says; False when that is odd. In a `space` its key is a bare name."""
        cdef uint32_t size
        cdef Cell* cell = &self.staged[self.staged_count]
        cdef Slot* slot
        cdef int32_t found
        if at == end or at[0] != 0x0A:
            return False
        at += 1
        if not part(&at, end, &size):
            return False
        found = next_slot(self, at, size, space)
        if found < 0:
            return False
        at += size
        slot = &self.slots[found]
        if at == end:
            read_value(at, at, cell, False)
        else:
            if at[0] != 0x12:
                return False
            at += 1
            if not part(&at, end, &size) or at + size != end:
                return False
            if not read_value(at, end, cell, FEATURES <= slot.role <= SEGMENTS):
                return False
        return self.set_aside(cell, slot.role, found)

    @final
    cdef bint set_aside(self, Cell* cell, uint8_t role, int32_t slot) noexcept nogil:
        if FEATURE <= role <= SEGMENT:
            if cell.kind == MAP or self.staged_count >= self.record_attributes:
                return False
            cell.slot = slot
            self.features += role == FEATURE
            self.probabilities += role == PROBABILITY
            self.staged_count += 1
            return True
        if FEATURES <= role <= SEGMENTS:
            if cell.kind != MAP or (self.seen | self.flat << (FEATURES - FEATURE)) >> role & 1:
                return False
            self.seen |= 1 << role
            return self.read_pairs(cell.text, cell.text + cell.size, role - FEATURES + FEATURE)
        if cell.kind == TEXT and not is_utf8(cell.text, cell.size):
            return False
        if role == UNREAD:
            return True
        if self.seen >> role & 1 or cell.kind == MAP:
            return False
        self.seen |= 1 << role
        self.fields[role] = cell[0]
        return True

    cdef int judged(self) noexcept nogil:
        """What the record is, now that all of it has been read."""
        cdef Head* head = &self.head
        cdef Bytes event = head.event
        cdef uint32_t size = head.event_size
        cdef bint has_cells = self.features or self.probabilities or self.seen & (1 << PREDICTION | 1 << SCORE)
        cdef bint marked = has_cells or self.seen & (1 << FEATURES | 1 << PROBABILITIES)
        if not size and self.told(EVENT_NAME) > NULL_:
            if self.told(EVENT_NAME) != TEXT:
                return ODD
            event = self.fields[EVENT_NAME].text
            size = self.fields[EVENT_NAME].size
        if not size and not marked:
            return IGNORED
        if size and (size != 16 or memcmp(event, b"model.prediction", 16) != 0):
            return ODD if size >= 6 and memcmp(event, b"model.", 6) == 0 else IGNORED
        if not has_cells and self.told(ERROR) <= NULL_:
            return ODD
        if head.time == 0 and self.told(TIME) > NULL_ or is_early(head.time) or is_early(head.observed):
            return ODD
        if not (self.is_name(MODEL) and self.is_name(ID) and self.is_name(ERROR)):
            return ODD
        if self.told(ID) <= NULL_ and not self.is_name(REQUEST):
            return ODD
        if not self.is_name(VERSION) and not (self.told(VERSION) == NUMBER and isfinite(self.fields[VERSION].number)):
            return ODD
        if not (self.is_duration(LATENCY_MILLISECONDS) and self.is_duration(LATENCY_SECONDS)):
            return ODD
        if self.told(PREDICTION) == NESTED or (self.told(PREDICTION) == TEXT and self.fields[PREDICTION].text[0] == 0x5B):
            return ODD
        return GOOD

    cdef bint is_known_by_content(self) noexcept nogil:
        """Whether only its content tells when the record that was read last comes again."""
        cdef Head* head = &self.head
        return self.told(ID) <= NULL_ and (self.told(REQUEST) > NULL_ or (
            head.trace_size and head.span_size and (head.time or head.observed)))

    cdef bint is_row(self) noexcept nogil:
        """Whether the good record that was read last can become a row."""
        cdef int index
        if self.staged_count + (self.told(PREDICTION) != ABSENT) + (self.told(SCORE) != ABSENT) > self.record_attributes:
            return False
        if self.is_known_by_content():
            if self.told(SCORE) == NESTED:
                return False
            for index in range(self.staged_count):
                if self.staged[index].kind == NESTED:
                    return False
        return True

    cdef bint is_sure_row(self, int32_t scope) noexcept nogil:
        """Whether `keep` would make a row of it, with memory for one; its columns are counted in `column_count`."""
        cdef int index
        cdef Cell* cell
        if not self.is_row() or self.group_of(scope) < 0:
            return False
        for index in range(self.staged_count):
            cell = &self.staged[index]
            if cell.kind == TEXT and not is_utf8(cell.text, cell.size):
                return False
            self.count_column(cell.slot)
        if self.told(PREDICTION) != ABSENT:
            self.count_column(PREDICTION_SLOT)
        if self.told(SCORE) != ABSENT:
            self.count_column(SCORE_SLOT)
        if self.told(ERROR) == TEXT:
            self.count_column(ERROR_SLOT)
        return self.column_count <= self.record_attributes

    cdef void count_column(self, int32_t slot) noexcept nogil:
        if self.slots[slot].chunk != self.chunk:
            self.slots[slot].chunk = self.chunk
            self.column_count += 1

    cdef int keep(self, int number, int32_t scope) noexcept nogil:
        """Make a row of the record that was read last."""
        cdef int row = self.rows
        cdef int index
        cdef Head* head = &self.head
        cdef bint own = self.told(ID) > NULL_
        cdef int identified = ID if own else REQUEST
        if not self.is_row():
            return ODD
        if self.is_known_by_content() and not self.pack_content(row):
            return BAIL
        index = self.group_of(scope)
        if index < 0:
            return BAIL
        self.groups[row] = index
        for index in range(self.staged_count):
            if self.slots[self.staged[index].slot].role != PROBABILITY and not self.put(&self.staged[index], row):
                return BAIL
        if not (self.put_field(PREDICTION, PREDICTION_SLOT, row) and self.put_field(SCORE, SCORE_SLOT, row)):
            return BAIL
        if self.probabilities:
            for index in range(self.staged_count):
                if self.slots[self.staged[index].slot].role == PROBABILITY and not self.put(&self.staged[index], row):
                    return BAIL
        if self.told(ERROR) == TEXT and not self.put_field(ERROR, ERROR_SLOT, row):
            return BAIL
        self.records[row] = number
        self.own_ids[row] = own
        if self.told(identified) > NULL_:
            self.ids[row] = Frame(self.fields[identified].text, self.fields[identified].size, 0)
        else:
            self.ids[row].size = 0
        self.times[row] = seconds_of(head.time or head.observed) if head.time or head.observed else NAN
        self.latencies[row] = NAN
        if self.told(LATENCY_MILLISECONDS) > NULL_:
            self.latencies[row] = self.fields[LATENCY_MILLISECONDS].number / 1e3
        elif self.told(LATENCY_SECONDS) > NULL_:
            self.latencies[row] = self.fields[LATENCY_SECONDS].number
        self.rows += 1
        return GOOD

    cdef bint pack_content(self, int row) noexcept nogil:
        """Set aside what makes the row the same prediction when it comes again; False without memory for it."""
        cdef size_t bound = 256
        cdef int index, side, values
        cdef int outputs = self.probabilities
        cdef Cell* cell
        cdef Slot* slot
        cdef uint8_t* at
        cdef Content* content = &self.contents[self.content_count]
        for index in range(self.staged_count):
            bound += 64 + self.slots[self.staged[index].slot].key_size
            bound += self.staged[index].size if self.staged[index].kind == TEXT else 0
        for index in range(PREDICTION, SCORE + 1):
            if self.told(index) != ABSENT:
                outputs += 1
                bound += self.fields[index].size if self.told(index) == TEXT else 0
        if self.packed_room - self.packed_size < bound:
            at = <uint8_t*>realloc(self.packed, 2 * self.packed_room + bound)
            if not at:
                return False
            self.packed = at
            self.packed_room = 2 * self.packed_room + bound
        at = pack(self.packed + self.packed_size, 0x94, 0, 0)
        for side in range(2):  # inputs and outputs, of each the names and then the values
            at = pack(at, 0x92, 0, 0)
            for values in range(2):
                at = pack_array(at, outputs if side else self.features)
                if side:
                    if self.told(PREDICTION) != ABSENT:
                        at = pack_value(at, &self.fields[PREDICTION]) if values else pack_text(at, b"", 0, <Bytes><const char*>b"prediction", 10)
                    if self.told(SCORE) != ABSENT:
                        at = pack_value(at, &self.fields[SCORE]) if values else pack_text(at, b"", 0, <Bytes><const char*>b"score", 5)
                for index in range(self.staged_count):
                    cell = &self.staged[index]
                    slot = &self.slots[cell.slot]
                    if slot.role != (PROBABILITY if side else FEATURE):
                        continue
                    if values:
                        at = pack_value(at, cell)
                    else:
                        at = pack_text(at, b"probabilities.", 14 if side else 0, self.keys + slot.key_at, slot.key_size)
        at = pack(at, 0x90, 0, 0)  # no ranking
        at = pack(at, 0xC0, 0, 0)  # no outcome
        content.row = row
        content.head = self.head
        content.start = self.packed_size
        self.packed_size = content.end = at - self.packed
        self.content_count += 1
        return True

    cdef int group_of(self, int32_t scope) noexcept nogil:
        """The group of rows with this scope, model and version, mostly that of the last row; -1 when there are too many."""
        cdef Cell* model = &self.fields[MODEL]
        cdef Cell* version = &self.fields[VERSION]
        cdef Group* group
        cdef int index
        if self.told(MODEL) == ABSENT:
            model.value = NOTHING
            model.value_size = 0
        if self.told(VERSION) == ABSENT:
            version.value = NOTHING
            version.value_size = 0
        for index in range(-1, self.group_count):
            if index < 0:
                if self.rows == 0:
                    continue
                index = self.groups[self.rows - 1]
            group = &self.groups_[index]
            if (group.scope == scope and group.model_size == model.value_size
                    and group.version_size == version.value_size
                    and alike(group.model, model.value, model.value_size)
                    and alike(group.version, version.value, version.value_size)):
                return index
        if self.group_count == MAX_GROUPS:
            return -1
        self.groups_[self.group_count] = Group(scope, model.value, model.value_size, version.value, version.value_size)
        self.group_count += 1
        return self.group_count - 1

    @final
    cdef bint put_field(self, int role, int32_t slot, int row) noexcept nogil:
        if self.told(role) == ABSENT:
            return True
        self.fields[role].slot = slot
        return self.put(&self.fields[role], row)

    @final
    cdef bint put(self, Cell* cell, int row) noexcept nogil:
        """Write a cell; False when there is no room for it, or its text is no UTF-8."""
        cdef Slot* slot = &self.slots[cell.slot]
        cdef size_t place
        if slot.chunk != self.chunk and not self.add_column(cell.slot):
            return False
        place = <size_t>slot.column * self.stride + row
        self.kinds[place] = cell.kind
        if cell.kind == TEXT:
            return self.put_text(&self.columns[slot.column], slot.column, cell, row)
        self.numbers[place] = cell.number
        return True

    cdef bint add_column(self, int32_t slot) noexcept nogil:
        cdef int room = self.column_room
        cdef size_t stride = self.stride
        cdef void* more
        cdef double* numbers
        if self.column_count >= self.record_attributes or (self.column_count + 1) * stride > self.most_cells:
            return False
        if self.column_count == room:
            room *= 2
            more = realloc(self.numbers, <size_t>room * stride * sizeof(double))
            if not more:
                return False
            self.numbers = <double*>more
            more = realloc(self.kinds, <size_t>room * stride)
            if not more:
                return False
            self.kinds = <uint8_t*>more
            self.column_room = room
        numbers = self.numbers + self.column_count * stride
        for row in range(self.frame_count):
            numbers[row] = NAN
        memset(self.kinds + self.column_count * stride, ABSENT, stride)
        self.columns[self.column_count] = Column(slot, -1, 0)
        self.slots[slot].column = self.column_count
        self.slots[slot].chunk = self.chunk
        self.column_count += 1
        return True

    cdef bint put_text(self, Column* column, int32_t number, Cell* cell, int row) noexcept nogil:
        cdef size_t stride = self.stride
        cdef uint64_t hash
        cdef uint32_t place
        cdef int32_t found
        cdef Word* word
        if column.text < 0 and not self.add_codes(column):
            return False
        hash = mixed(cell.text, cell.size, self.seed + number)
        place = hash & (self.word_room - 1)
        for _ in range(MAX_PROBES):
            found = self.word_index[place]
            if found < 0:
                break
            word = &self.words[found]
            if (word.hash == hash and word.size == cell.size and word.column == number
                    and memcmp(word.text, cell.text, cell.size) == 0):
                self.codes[column.text * stride + row] = word.code
                return True
            place = (place + 1) & (self.word_room - 1)
        else:
            return False
        if not is_utf8(cell.text, cell.size):
            return False
        if self.word_count == self.word_room // 2:
            if not self.add_words():
                return False
            return self.put_text(column, number, cell, row)
        self.words[self.word_count] = Word(hash, cell.text, cell.size, number, column.words)
        self.word_index[place] = self.word_count
        self.word_count += 1
        self.codes[column.text * stride + row] = column.words
        column.words += 1
        return True

    cdef bint add_codes(self, Column* column) noexcept nogil:
        cdef size_t stride = self.stride
        cdef void* more
        if self.text_count == self.text_room:
            more = realloc(self.codes, 2 * self.text_room * stride * sizeof(int32_t))
            if not more:
                return False
            self.codes = <int32_t*>more
            self.text_room *= 2
        memset(self.codes + self.text_count * stride, 0xFF, stride * sizeof(int32_t))
        column.text = self.text_count
        self.text_count += 1
        return True

    cdef bint add_words(self) noexcept nogil:
        cdef int room = 2 * self.word_room
        cdef int number
        cdef uint32_t place
        cdef Word* words = <Word*>realloc(self.words, room // 2 * sizeof(Word))
        cdef int32_t* index
        if not words:
            return False
        self.words = words
        index = <int32_t*>realloc(self.word_index, room * sizeof(int32_t))
        if not index:
            return False
        self.word_index = index
        self.word_room = room
        memset(index, 0xFF, room * sizeof(int32_t))
        for number in range(self.word_count):
            place = words[number].hash & (room - 1)
            while index[place] >= 0:
                place = (place + 1) & (room - 1)
            index[place] = number
        return True

    cdef Scan taken(self):
        """The chunk as Python has it."""
        cdef Scan scan = Scan.__new__(Scan)
        cdef size_t cells = <size_t>self.column_count * self.stride
        cdef size_t rows = self.rows
        cdef Column* column
        cdef Word* word
        cdef Frame* frame
        cdef Content* content
        scan.rows = self.rows
        scan.stride = self.stride
        scan.ignored = self.ignored
        scan.records_seen = self.frame_count
        scan.ids = tuple([text_of(self.ids[row].at, self.ids[row].size) for row in range(self.rows)])
        scan.columns = []
        for index in range(self.column_count):
            column = &self.columns[index]
            scan.columns.append((self.name_of(column.slot), self.slots[column.slot].role, index, column.text))
        words = [[] for _ in range(self.text_count)]
        for index in range(self.word_count):
            word = &self.words[index]
            (<list>words[self.columns[word.column].text]).append(text_of(word.text, word.size))
            scan.longest_word = max(scan.longest_word, word.size)
        scan.words = [tuple(of) for of in words]
        scan.errors = self.columns[self.slots[ERROR_SLOT].column].text if self.slots[ERROR_SLOT].chunk == self.chunk else -1
        scan.odd = []
        for index in range(self.odd_count):
            frame = &self.frames[self.odd[index]]
            scan.odd.append((self.odd[index], frame.scope, frame.at[: frame.size]))
        scan.contents = []
        for index in range(self.content_count):
            content = &self.contents[index]
            scan.contents.append((
                content.row,
                content.head.time or content.head.observed,
                content.head.trace[: content.head.trace_size],
                content.head.span[: content.head.span_size],
                self.packed[content.start : content.end],
            ))
        scan.numbers = block(self.numbers, cells * sizeof(double))
        scan.kinds = block(self.kinds, cells)
        scan.codes = block(self.codes, <size_t>self.text_count * self.stride * sizeof(int32_t))
        scan.times = block(self.times, rows * sizeof(double))
        scan.latencies = block(self.latencies, rows * sizeof(double))
        scan.groups = block(self.groups, rows * sizeof(int32_t))
        scan.records = block(self.records, rows * sizeof(int32_t))
        scan.own_ids = block(self.own_ids, rows)
        self.numbers = self.times = self.latencies = NULL
        self.kinds = self.own_ids = NULL
        self.codes = self.groups = self.records = NULL
        return scan

    cdef str name_of(self, int32_t slot):
        name = self.names.get(slot)
        if name is None:
            name = text_of(self.keys + self.slots[slot].key_at, self.slots[slot].key_size)
            if self.slots[slot].space == PROBABILITY:
                name = "probabilities." + name
            elif self.slots[slot].space == SEGMENT:
                name = "segment." + name
            self.names[slot] = name
        return name


cdef inline int32_t next_slot(Scanner self, Bytes key, uint32_t size, uint8_t space) noexcept nogil:
    """`Scanner.slot_for`, apart from the class so that the compiler can put it where it is called."""
    cdef Slot* slot
    cdef int32_t found
    cdef uint32_t prefix = 14 if space == PROBABILITY else 8 if space == SEGMENT else 0
    if space:
        if size == 0:
            return -1
    elif size > 8 and (load64(key) == FEATURE_WORD or load64(key) == SEGMENT_WORD):
        space = FEATURE if load64(key) == FEATURE_WORD else SEGMENT
        prefix = 8 if space == SEGMENT else 0
        if self.seen >> (FEATURES if space == FEATURE else SEGMENTS) & 1:
            return -1
        self.flat |= 1 << space
        key += 8
        size -= 8
    found = self.slots[self.previous].follower
    slot = &self.slots[found]
    if (slot.key_size != size or slot.space != space
            or memcmp(self.keys + slot.key_at, key, size) != 0 or found < FIXED_SLOTS):
        if size + prefix > self.name_length and (space or self.role_of(key, size) != UNREAD):
            return -1
        found = self.slot_of(key, size, space)
        if found < 0:
            return -1
        self.slots[self.previous].follower = found
        slot = &self.slots[found]
    self.previous = found
    if slot.record == self.record or slot.role == STRANGE:
        return -1
    slot.record = self.record
    return found


cdef inline str text_of(Bytes at, uint32_t size):
    return PyUnicode_DecodeUTF8(<const char*>at, size, NULL) if size else ""


def words_of(cls, list codes, list words):
    """A `cls`, which is `batch.Words`, for each column of codes; made as by `columns_of`."""
    cdef list found = []
    for index in range(len(codes)):
        text = cls.__new__(cls)
        PyObject_GenericSetAttr(text, "codes", codes[index])
        PyObject_GenericSetAttr(text, "words", words[index])
        found.append(text)
    return found


def columns_of(cls, list told, list numbers, list kinds, list texts, dict roles):
    """A `cls`, which is `batch.Column`, for each column that a scan told of.

    It sets the members of a frozen dataclass as its own constructor does, at a fifth of the cost: a request of one
    record has as many columns as one of thousands.

    Args:
        told: as in `Scan.columns`.
        numbers, kinds: arrays of columns.
        texts: of columns of codes.
        roles: what to call the roles; columns with another one are left out.

    Returns:
        The columns by what their role is called.
    """
    cdef dict found = {called: [] for called in roles.values()}
    cdef int code, index, text
    for name, code, index, text in told:
        role = roles.get(code)
        if role is not None:
            column = cls.__new__(cls)
            PyObject_GenericSetAttr(column, "name", name)
            PyObject_GenericSetAttr(column, "role", role)
            PyObject_GenericSetAttr(column, "kinds", kinds[index])
            PyObject_GenericSetAttr(column, "numbers", numbers[index])
            PyObject_GenericSetAttr(column, "texts", texts[text] if text >= 0 else None)
            (<list>found[role]).append(column)
    return found


def keys_of(list names, Scan scan):
    """`identity.key_of_id` of each row, int64[rows]; 0 where it has no id of its own. `names` are those of its groups."""
    cdef int64_t* keys = <int64_t*>malloc(scan.rows * sizeof(int64_t) or 1)
    cdef int32_t* groups = <int32_t*>(<Block>scan.groups).at
    cdef uint8_t* own = <uint8_t*>(<Block>scan.own_ids).at
    if not keys:
        raise MemoryError
    made = block(keys, scan.rows * sizeof(int64_t))
    for row in range(scan.rows):
        keys[row] = (PyObject_Hash((names[groups[row]], scan.ids[row])) or 1) if own[row] else 0
    return made
