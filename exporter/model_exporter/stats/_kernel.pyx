# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What is done for every cell of a batch: the compiled form of `plain_kernel`, which says what each function does.

Counts are the same to the last one. Columns are read where they stand, one after another, without Python and, when
there are many cells, without its lock.
"""

from cpython.buffer cimport PyBUF_ND, PyBuffer_Release, PyObject_GetBuffer
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memset

cdef enum:  # of a cell, as `batch.Kind`
    ABSENT, NULL_, NUMBER, BOOLEAN, TEXT, NESTED

cdef enum:  # columns of a matrix of quality, as `window.snapshot.QUALITY`
    VALUES, MISSING, TYPE, RANGE, CATEGORY, NONFINITE, OUTLIERS, QUALITIES

cdef enum:  # what a number is besides its bin, as in `plain_kernel`
    BAD_TYPE = 1
    OUT_OF_RANGE = 2
    OUTLIER = 4

cdef enum:
    LEVELS = 5
    CELLS = LEVELS * LEVELS
    NO_LEVEL = LEVELS
    WAYS = 16  # keys of a bucket
    AHEAD = 8  # keys whose buckets are fetched meanwhile
    WORD = 64  # rows of one word of a set
    BLOCK = 256  # numbers compared before they are counted
    WORDS = 16  # of a set; a table of such sets stays in the cache
    MANY = 1 << 16  # cells that take longer than the lock takes to be had back

cdef uint64_t LOWEST_BITS = 0x0101010101010101
cdef uint64_t TO_HIGHEST_BYTE = 0x0102040810204080

cdef extern from *:
    """
    /* Wheels travel, so what not all processors have is asked for by name, and used where it is there. */
    #if defined(__x86_64__)
    #define WITH(NAMED) __attribute__((target(NAMED)))
    #define HAS(NAMED) __builtin_cpu_supports(NAMED)
    #else
    #define WITH(NAMED)
    #define HAS(NAMED) 0
    #endif
    #define INLINE __attribute__((always_inline)) static inline

    typedef double Numbers __attribute__((vector_size(32)));
    typedef int64_t Places __attribute__((vector_size(32)));
    enum { AT_ONCE = 4 };

    /* How many `cuts` are below each number: with a score of them, comparing with all is faster than searching. */
    INLINE void compare(
        const double *numbers, Py_ssize_t rows, const double *cuts, Py_ssize_t size, int32_t *below)
    {
        Py_ssize_t row = 0;
        for (; row + 2 * AT_ONCE <= rows; row += 2 * AT_ONCE) {
            Numbers some, others;
            Places of_some = {0}, of_others = {0};
            memcpy(&some, numbers + row, sizeof some);
            memcpy(&others, numbers + row + AT_ONCE, sizeof others);
            for (Py_ssize_t place = 0; place < size; place++) {
                Numbers cut = {cuts[place], cuts[place], cuts[place], cuts[place]};
                of_some -= cut < some;
                of_others -= cut < others;
            }
            for (int lane = 0; lane < AT_ONCE; lane++) {
                below[row + lane] = (int32_t)of_some[lane];
                below[row + AT_ONCE + lane] = (int32_t)of_others[lane];
            }
        }
        for (; row < rows; row++) {
            below[row] = 0;
            for (Py_ssize_t place = 0; place < size; place++)
                below[row] += cuts[place] < numbers[row];
        }
    }
    WITH("avx2") static void compare_wide(
        const double *numbers, Py_ssize_t rows, const double *cuts, Py_ssize_t size, int32_t *below)
    {
        compare(numbers, rows, cuts, size, below);
    }
    static void count_cuts_below(
        const double *numbers, Py_ssize_t rows, const double *cuts, Py_ssize_t size, int32_t *below)
    {
        if (HAS("avx2"))
            compare_wide(numbers, rows, cuts, size, below);
        else
            compare(numbers, rows, cuts, size, below);
    }

    INLINE void intersect(const uint64_t *first, const uint64_t *second, Py_ssize_t words, int64_t *table)
    {
        for (int level = 0; level < 5; level++, first += words, table += 5) {
            uint64_t found[5] = {0, 0, 0, 0, 0};
            for (Py_ssize_t word = 0; word < words; word++)
                for (int other = 0; other < 5; other++)
                    found[other] += (uint64_t)__builtin_popcountll(first[word] & second[other * words + word]);
            for (int other = 0; other < 5; other++)
                table[other] += (int64_t)found[other];
        }
    }
    WITH("popcnt") static void intersect_fast(
        const uint64_t *first, const uint64_t *second, Py_ssize_t words, int64_t *table)
    {
        intersect(first, second, words, table);
    }
    static void count_pair(const uint64_t *first, const uint64_t *second, Py_ssize_t words, int64_t *table)
    {
        if (HAS("popcnt"))
            intersect_fast(first, second, words, table);
        else
            intersect(first, second, words, table);
    }
    """
    void count_cuts_below(
        const double* numbers, Py_ssize_t rows, const double* cuts, Py_ssize_t size, int32_t* below
    ) noexcept nogil
    void count_pair(const uint64_t* first, const uint64_t* second, Py_ssize_t words, int64_t* table) noexcept nogil
    void __builtin_prefetch(const void*) noexcept nogil


cdef class _Columns:
    """Where the cells of arrays of `rows` cells of `size` bytes each stand, for as long as `arrays` are there."""

    cdef const void** at
    cdef list copies

    def __cinit__(self, list arrays, Py_ssize_t rows, Py_ssize_t size):
        cdef Py_buffer view
        cdef Py_ssize_t place
        self.copies = []
        self.at = <const void**>PyMem_Malloc((len(arrays) + 1) * sizeof(void*))
        if self.at == NULL:
            raise MemoryError
        for place in range(len(arrays)):
            array = arrays[place]
            try:
                PyObject_GetBuffer(array, &view, PyBUF_ND)
            except (BufferError, ValueError):  # its cells do not stand one after another
                array = array.copy()
                self.copies.append(array)
                PyObject_GetBuffer(array, &view, PyBUF_ND)
            self.at[place] = view.buf
            fits = view.ndim == 1 and view.shape[0] == rows and view.itemsize == size
            PyBuffer_Release(&view)
            if not fits:
                raise ValueError("a column is not of the rows and the type that it should be")

    def __dealloc__(self):
        PyMem_Free(self.at)


def count_kinds(list kinds, int64_t[:, ::1] quality, int64_t[::1] absent, uint8_t[::1] wrong):
    cdef Py_ssize_t rows = wrong.shape[0], columns = len(kinds), column, row
    cdef int64_t lacking, null, nested
    cdef list silent = []
    cdef const uint8_t* cells
    cdef _Columns held = _Columns(kinds, rows, 1)
    if quality.shape[0] != columns or absent.shape[0] != columns or quality.shape[1] != QUALITIES:
        raise ValueError("there is a row of quality for each column")
    for column in range(columns):
        cells = <const uint8_t*>held.at[column]
        lacking, null, nested = count_of(cells, rows, ABSENT), count_of(cells, rows, NULL_), count_of(cells, rows, NESTED)
        absent[column] = lacking
        quality[column, MISSING] = lacking + null
        quality[column, VALUES] = rows - lacking - null
        quality[column, TYPE] = nested
        silent.append(lacking + null + nested)
        if nested:
            for row in range(rows):
                wrong[row] |= cells[row] == NESTED
    return silent


def count_numbers(
    list numbers, list kinds, ruler, *, int64_t[::1] bins, int64_t[:, ::1] quality, uint8_t[:, ::1] levels, uint8_t[::1] wrong
):
    cdef const double[:, ::1] cuts = ruler.cuts
    cdef const int64_t[:, ::1] places = ruler.places
    cdef const uint8_t[:, ::1] flags = ruler.flags, levels_of = ruler.levels_of
    cdef const int64_t[::1] level_rows = ruler.level_rows, quality_rows = ruler.quality_rows
    cdef Py_ssize_t rows = wrong.shape[0], features = len(numbers)
    cdef _Columns of_numbers = _Columns(numbers, rows, sizeof(double)), of_kinds = _Columns(kinds, rows, 1)
    cdef const double** number_of = <const double**>of_numbers.at
    cdef const uint8_t** kind_of = <const uint8_t**>of_kinds.at
    if len(kinds) != features or cuts.shape[0] != features or places.shape[1] != cuts.shape[1] + 2:
        raise ValueError("there are cuts and kinds for each column of numbers")
    if levels.shape[0] and levels.shape[1] != rows:
        raise ValueError("there are levels for each row")
    if rows * features < MANY:
        count_all(
            number_of, kind_of, cuts, places, flags, levels_of, level_rows, quality_rows, bins, quality, levels, wrong
        )
        return
    with nogil:
        count_all(
            number_of, kind_of, cuts, places, flags, levels_of, level_rows, quality_rows, bins, quality, levels, wrong
        )


def count_codes(list codes, list places, list starts, int64_t[::1] bins, Py_ssize_t rows):
    cdef Py_ssize_t column, size, row, word, start
    cdef const int32_t* cells
    cdef int64_t* found
    cdef list destinations, counts, every = []
    cdef _Columns held = _Columns(codes, rows, sizeof(int32_t))
    if len(places) != len(codes) or len(starts) != len(codes):
        raise ValueError("there are places for each column of codes")
    for column in range(len(codes)):
        cells, destinations, start = <const int32_t*>held.at[column], places[column], starts[column]
        size = len(destinations)
        counts = [0] * size
        found = <int64_t*>PyMem_Malloc((size + 1) * sizeof(int64_t))
        if found == NULL:
            raise MemoryError
        try:
            memset(found, 0, size * sizeof(int64_t))
            for row in range(rows):
                if <uint32_t>(cells[row] + 1) >= <uint32_t>size:
                    raise IndexError("a code stands for no word")
                found[cells[row] + 1] += 1
            for word in range(size):
                if found[word]:
                    counts[word] = found[word]
                    row = start + <Py_ssize_t>destinations[word]
                    if not 0 <= row < bins.shape[0]:
                        raise IndexError("a word has a place that is not there")
                    bins[row] += found[word]
        finally:
            PyMem_Free(found)
        every.append(counts)
    return every


def count_pairs(const uint8_t[:, :] levels, const int64_t[:, ::1] pairs, int64_t[:, ::1] tables):
    cdef Py_ssize_t features = levels.shape[0], rows = levels.shape[1], count = pairs.shape[0]
    cdef Py_ssize_t words, feature, pair, first, second, begin = 0, end = 0
    cdef uint64_t* sets
    if tables.shape[0] != count or tables.shape[1] != CELLS or (features and rows and levels.strides[1] != 1):
        raise ValueError("there is a table of 25 cells for each pair")
    for pair in range(count):
        if not (0 <= pairs[pair, 0] < features and 0 <= pairs[pair, 1] < features):
            raise IndexError("a pair is of a feature that is not there")
    sets = <uint64_t*>PyMem_Malloc((features + 1) * LEVELS * WORDS * sizeof(uint64_t))
    if sets == NULL:
        raise MemoryError
    while end < rows:
        begin, end = end, min(rows, end + WORDS * WORD)
        words = (end - begin + WORD - 1) // WORD
        for feature in range(features):
            make_sets(&levels[feature, begin], end - begin, words, sets + feature * LEVELS * words)
        for pair in range(count):
            first, second = pairs[pair, 0] * LEVELS * words, pairs[pair, 1] * LEVELS * words
            count_pair(sets + first, sets + second, words, &tables[pair, 0])
    PyMem_Free(sets)


def first_seen(const int64_t[::1] keys, uint64_t[:, ::1] cells, uint8_t[::1] following, int shift, uint8_t[::1] fresh):
    cdef Py_ssize_t rows = keys.shape[0], row, bucket, cell
    cdef uint64_t key
    cdef uint64_t* held
    cdef bint known
    cdef int64_t filled = 0
    if not 0 < shift < 64 or cells.shape[0] != <Py_ssize_t>1 << (64 - shift) or cells.shape[1] != WAYS:
        raise ValueError("there are as many buckets as keys can choose from, of 16 cells each")
    if following.shape[0] != cells.shape[0]:
        raise ValueError("each bucket has a cell that it fills next")
    if fresh.shape[0] != rows:
        raise ValueError("there is an answer for each key")
    for row in range(rows):
        if row + AHEAD < rows:
            bucket = <Py_ssize_t>(<uint64_t>keys[row + AHEAD] >> shift)
            __builtin_prefetch(&cells[bucket, 0])
            __builtin_prefetch(&cells[bucket, WAYS // 2])
        key = <uint64_t>keys[row]
        bucket = <Py_ssize_t>(key >> shift)
        held = &cells[bucket, 0]
        known = False
        for cell in range(WAYS):
            known |= held[cell] == key
        fresh[row] = key == 0 or not known
        if key != 0 and not known:
            cell = following[bucket] % WAYS
            filled += held[cell] == 0
            held[cell] = key
            following[bucket] = (cell + 1) % WAYS
    return filled


cdef int64_t count_of(const uint8_t* cells, Py_ssize_t rows, uint8_t kind) noexcept nogil:
    cdef int64_t found = 0
    cdef Py_ssize_t row
    for row in range(rows):
        found += cells[row] == kind
    return found


cdef void count_all(
    const double** number_of, const uint8_t** kind_of, const double[:, ::1] cuts, const int64_t[:, ::1] places,
    const uint8_t[:, ::1] flags, const uint8_t[:, ::1] levels_of, const int64_t[::1] level_rows,
    const int64_t[::1] quality_rows, int64_t[::1] bins, int64_t[:, ::1] quality, uint8_t[:, ::1] levels,
    uint8_t[::1] wrong,
) noexcept nogil:
    cdef Py_ssize_t feature
    cdef uint8_t* level = NULL
    for feature in range(cuts.shape[0]):
        level = &levels[level_rows[feature], 0] if level_rows[feature] >= 0 else NULL
        count_feature(
            number_of[feature], kind_of[feature], wrong.shape[0], &cuts[feature, 0], cuts.shape[1], &places[feature, 0],
            &flags[feature, 0], &levels_of[feature, 0], &bins[0], &quality[quality_rows[feature], 0], level, &wrong[0],
        )


cdef void count_feature(
    const double* numbers, const uint8_t* kinds, Py_ssize_t rows, const double* cuts, Py_ssize_t size,
    const int64_t* places, const uint8_t* flags, const uint8_t* levels_of,
    int64_t* bins, int64_t* quality, uint8_t* levels, uint8_t* wrong,
) noexcept nogil:
    cdef int32_t[BLOCK] cells
    cdef Py_ssize_t row, cell, begin = 0, end = 0
    cdef uint8_t told
    while end < rows:
        begin, end = end, min(rows, end + BLOCK)
        count_cuts_below(numbers + begin, end - begin, cuts, size, cells)
        for row in range(begin, end):
            cell = cells[row - begin]
            if not isfinite(numbers[row]):
                cell = size + 1
                quality[NONFINITE] += kinds[row] == NUMBER
            bins[places[cell]] += 1
            if levels != NULL:
                levels[row] = levels_of[cell]
            told = flags[cell]
            if told:
                quality[RANGE] += (told & OUT_OF_RANGE) != 0
                quality[OUTLIERS] += (told & OUTLIER) != 0
                quality[TYPE] += told & BAD_TYPE
                wrong[row] |= told & BAD_TYPE


cdef void make_sets(const uint8_t* levels, Py_ssize_t rows, Py_ssize_t words, uint64_t* sets) noexcept nogil:
    """The rows with each level, a bit a row, uint64[LEVELS, words]: eight levels at once are put in order by their bits."""
    cdef Py_ssize_t word, row, part, last
    cdef uint64_t eight, bit_0, bit_1, bit_2
    for word in range(words):
        bit_0 = bit_1 = bit_2 = 0
        for part in range(WORD // 8):
            row = word * WORD + part * 8
            eight = NO_LEVEL * LOWEST_BITS
            if row < rows:
                last = min(<Py_ssize_t>8, rows - row)
                copy(<uint8_t*>&eight, levels + row, last)
            bit_0 |= ((eight & LOWEST_BITS) * TO_HIGHEST_BYTE >> 56) << 8 * part
            bit_1 |= ((eight >> 1 & LOWEST_BITS) * TO_HIGHEST_BYTE >> 56) << 8 * part
            bit_2 |= ((eight >> 2 & LOWEST_BITS) * TO_HIGHEST_BYTE >> 56) << 8 * part
        sets[word] = ~(bit_0 | bit_1 | bit_2)
        sets[words + word] = bit_0 & ~(bit_1 | bit_2)
        sets[2 * words + word] = bit_1 & ~(bit_0 | bit_2)
        sets[3 * words + word] = bit_0 & bit_1 & ~bit_2
        sets[4 * words + word] = bit_2 & ~(bit_0 | bit_1)


cdef inline void copy(uint8_t* target, const uint8_t* source, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t place
    for place in range(size):
        target[place] = source[place]
