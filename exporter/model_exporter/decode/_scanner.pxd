"""What scanners of other formats share with the one of OTLP: keys met before, cells, and the columns that they go to."""

from cython cimport final
from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

from model_exporter.decode._wire cimport ABSENT, NULL_, NUMBER, TEXT, Bytes, Cell

cdef enum:
    CHUNK = 8192  # records of one scan; `rows.MAX_BATCH_ROWS`
    MAX_SCOPES = 4096
    MAX_GROUPS = 256
    MAX_FOLDED = 256  # resources, or scopes, that another one is compared with
    MAX_SLOTS = 16384
    MAX_KEY_BYTES = 1 << 22
    MAX_CELLS = 1 << 24
    SPARE_CELLS = 2000000  # `rows.SPARE_CELLS`
    CELLS_A_BYTE = 2  # more than `rows.SPARSITY` allows, at the least bytes of a value
    MAX_STAGED = 4096
    MAX_PROBES = 64
    SMALL = 1 << 15  # bytes that are scanned faster than the lock could be had back

cdef enum:  # of a record
    GOOD, ODD, IGNORED, BAIL

cpdef enum:
    # What a key says. `UNREAD` keys have no bearing on a prediction; records with `STRANGE` ones are odd.
    # `FEATURES`, `PROBABILITIES` and `SEGMENTS` are maps of `FEATURE`, `PROBABILITY` and `SEGMENT`.
    UNREAD, STRANGE, FEATURE, PROBABILITY, SEGMENT, FEATURES, PROBABILITIES, SEGMENTS, EVENT_NAME, MODEL, VERSION, ID, REQUEST, PREDICTION, SCORE,
    LATENCY_MILLISECONDS, LATENCY_SECONDS, ERROR, TIME, ROLES

cdef enum:  # slots that are always there
    START, PREDICTION_SLOT, SCORE_SLOT, ERROR_SLOT, FIXED_SLOTS

cdef struct Slot:  # a key met before
    uint32_t key_at
    uint32_t key_size
    uint8_t space  # `FEATURE`, `PROBABILITY` or `SEGMENT` when the key is the bare name of one
    uint8_t role
    int32_t follower  # the key that came next, last time
    uint64_t record  # that had it last
    uint64_t chunk  # that `column` is in
    int32_t column

cdef struct Column:
    int32_t slot
    int32_t text  # which column of codes; -1 without any
    int32_t words

cdef struct Word:
    uint64_t hash
    Bytes text
    uint32_t size
    int32_t column
    int32_t code

cdef struct Frame:
    Bytes at
    uint32_t size
    int32_t scope

cdef struct Part:  # the scope or resource of some records
    Bytes at
    uint32_t size
    int32_t within
    bint given
    uint64_t hash
    int32_t told_as  # see `fold`

cdef struct Group:
    int32_t scope
    Bytes model
    uint32_t model_size
    Bytes version
    uint32_t version_size

cdef struct Head:  # a record apart from its attributes
    uint64_t time
    uint64_t observed
    Bytes event
    uint32_t event_size
    Bytes trace
    uint32_t trace_size
    Bytes span
    uint32_t span_size

cdef struct Content:  # of a row that only its content can be recognised by
    int32_t row
    size_t start
    size_t end
    Head head


cdef class Block:
    cdef void* at
    cdef Py_ssize_t size


cdef class Scan:
    cdef readonly int rows, stride, ignored, records_seen, longest_word, errors
    cdef readonly object numbers, kinds, codes, times, latencies, groups, records, own_ids
    cdef readonly tuple ids
    cdef readonly list columns, words, odd, contents


cdef class Scanner:
    cdef dict known
    cdef dict names
    cdef uint32_t name_length
    cdef int record_attributes
    cdef uint64_t seed
    cdef bytes body
    cdef size_t most_cells
    cdef Bytes at, end, resource_end, scope_end
    cdef bint in_resource, in_scope
    # keys
    cdef Slot* slots
    cdef int32_t slot_count
    cdef int32_t* slot_index
    cdef uint8_t* keys
    cdef uint32_t keys_size
    # the request
    cdef Part* resources
    cdef Part* scopes
    cdef int resource_count, scope_count
    cdef Group* groups_
    cdef int group_count
    # the chunk
    cdef uint64_t chunk
    cdef Frame* frames
    cdef int frame_count
    cdef Column* columns
    cdef int column_count, column_room, text_count, text_room, stride, rows, ignored
    cdef double* numbers
    cdef uint8_t* kinds
    cdef int32_t* codes
    cdef double* times
    cdef double* latencies
    cdef int32_t* groups
    cdef int32_t* records
    cdef uint8_t* own_ids
    cdef Frame* ids
    cdef int32_t* odd
    cdef int odd_count
    cdef Content* contents
    cdef int content_count
    cdef uint8_t* packed
    cdef size_t packed_size, packed_room
    cdef Word* words
    cdef int32_t* word_index
    cdef int word_count, word_room
    # the record
    cdef uint64_t record
    cdef Cell* staged
    cdef int staged_count
    cdef int features, probabilities
    cdef uint32_t flat
    cdef Head head
    cdef int32_t previous
    cdef uint32_t seen
    cdef Cell fields[ROLES]

    cdef forget(self)
    cdef int32_t slot_of(self, Bytes key, uint32_t size, uint8_t space) noexcept nogil
    cdef uint8_t role_of(self, Bytes key, uint32_t size) noexcept nogil
    cdef bint scan_chunk(self) noexcept nogil
    cdef bint find_records(self) noexcept nogil
    cdef void fold(self) noexcept nogil
    cdef bint make_room(self) noexcept nogil
    cdef void drop(self) noexcept nogil
    cdef int read_record(self, Bytes at, Bytes end) noexcept nogil
    cdef bint read_pairs(self, Bytes at, Bytes end, uint8_t space) noexcept nogil
    cdef int32_t slot_for(self, Bytes key, uint32_t size, uint8_t space) noexcept nogil
    cdef bint read_pair(self, Bytes at, Bytes end, uint8_t space) noexcept nogil
    @final
    cdef bint set_aside(self, Cell* cell, uint8_t role, int32_t slot) noexcept nogil
    cdef int judged(self) noexcept nogil
    cdef bint is_known_by_content(self) noexcept nogil
    cdef bint is_row(self) noexcept nogil
    cdef bint is_sure_row(self, int32_t scope) noexcept nogil
    cdef void count_column(self, int32_t slot) noexcept nogil
    cdef int keep(self, int number, int32_t scope) noexcept nogil
    cdef bint pack_content(self, int row) noexcept nogil
    cdef int group_of(self, int32_t scope) noexcept nogil
    @final
    cdef bint put_field(self, int role, int32_t slot, int row) noexcept nogil
    @final
    cdef bint put(self, Cell* cell, int row) noexcept nogil
    cdef bint add_column(self, int32_t slot) noexcept nogil
    cdef bint put_text(self, Column* column, int32_t number, Cell* cell, int row) noexcept nogil
    cdef bint add_codes(self, Column* column) noexcept nogil
    cdef bint add_words(self) noexcept nogil
    cdef Scan taken(self)
    cdef str name_of(self, int32_t slot)

    cdef inline uint8_t told(self, int role) noexcept nogil:
        """The kind of the field's value; `ABSENT` without one."""
        return self.fields[role].kind if self.seen >> role & 1 else ABSENT

    cdef inline bint is_name(self, int role) noexcept nogil:
        """Whether the field is text within its limit, or nothing."""
        return self.told(role) <= NULL_ or (self.told(role) == TEXT and self.fields[role].size <= self.name_length)

    cdef inline bint is_duration(self, int role) noexcept nogil:
        if self.told(role) <= NULL_:
            return True
        return self.told(role) == NUMBER and isfinite(self.fields[role].number) and self.fields[role].number >= 0
