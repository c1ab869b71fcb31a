/* SPDX-License-Identifier: MIT */
/* shift_cell.c - find the rows of a document and add to them. */
#include "engine/fiscal/shift_cell.h"

#include "engine/fiscal/heap_text.h"

/* Where the bucket heads of each kind of row stand in a cell. */
static const struct {
    uint16_t first, count;
} row_buckets[FISCAL__ROW_SET_COUNT] = {
    [FISCAL__SECTIONS] = {0, FISCAL__SECTION_BUCKETS},
    [FISCAL__OPERATORS] = {FISCAL__SECTION_BUCKETS, FISCAL__OPERATOR_BUCKETS},
    [FISCAL__TAXES] = {FISCAL__SECTION_BUCKETS + FISCAL__OPERATOR_BUCKETS, FISCAL__TAX_BUCKETS},
};

_Static_assert((FISCAL__SECTION_BUCKETS & (FISCAL__SECTION_BUCKETS - 1)) == 0, "a mask");
_Static_assert((FISCAL__OPERATOR_BUCKETS & (FISCAL__OPERATOR_BUCKETS - 1)) == 0, "a mask");
_Static_assert((FISCAL__TAX_BUCKETS & (FISCAL__TAX_BUCKETS - 1)) == 0, "a mask");
_Static_assert(FISCAL__TAX_KEY_SIZE <= FISCAL__ROW_KEY_INLINE_MAX, "tax keys are inline");

/* The cell that rows are added to. */
struct cell_sink {
    struct chek_page_heap *heap;
    struct fiscal__cell *cell;
    size_t added_size; /* of the rows that were made, when frozen */
};

uint32_t
fiscal__row_count_max(enum fiscal__row_set set)
{
    static const uint32_t max[FISCAL__ROW_SET_COUNT] = {
        [FISCAL__SECTIONS] = CHEK_CELL_SECTION_COUNT_MAX,
        [FISCAL__OPERATORS] = CHEK_CELL_OPERATOR_COUNT_MAX,
        [FISCAL__TAXES] = CHEK_CELL_TAX_COUNT_MAX,
    };
    return max[set];
}

const chek_page_ref *
fiscal__cell_buckets(const struct fiscal__cell *cell, enum fiscal__row_set set, uint32_t *ret_count)
{
    *ret_count = row_buckets[set].count;
    return &cell->rows[row_buckets[set].first];
}

struct chek_bytes_view
fiscal__row_key(const struct chek_page_heap *heap, const struct fiscal__row *row)
{
    return row->text != 0 ? fiscal__text_view(heap, row->text)
                          : chek_bytes_view_of(row->key, row->key_size);
}

chek_page_ref
fiscal__cell_obtain(struct chek_page_heap *heap, chek_page_ref *first, uint16_t binding)
{
    chek_page_ref previous = 0;
    chek_page_ref ref = *first;
    while (ref != 0) {
        const struct fiscal__cell *cell = chek_page_heap_read(heap, ref);
        if (cell->binding <= binding) {
            if (cell->binding == binding) {
                return ref;
            }
            break;
        }
        previous = ref;
        ref = cell->next;
    }
    chek_page_ref made = fiscal__allocate(heap, sizeof(struct fiscal__cell));
    struct fiscal__cell *cell = chek_page_heap_change(heap, made);
    cell->binding = binding;
    cell->next = ref;
    if (previous == 0) {
        *first = made;
    } else {
        struct fiscal__cell *before = chek_page_heap_change(heap, previous);
        before->next = made;
    }
    return made;
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* A key as it is compared: what is inline of it as words, zero behind its end. */
struct short_key {
    uint64_t words[FISCAL__ROW_KEY_INLINE_MAX / 8];
    struct chek_bytes_view view;
};

/* Up to eight bytes as a number, the first byte lowest; only the bytes themselves are read. */
static inline uint64_t
word_load(const uint8_t *bytes, size_t size)
{
    if (size >= 8) {
        return chek_load_u64(bytes);
    }
    if (size >= 4) {
        uint64_t last = chek_load_u32(bytes + size - 4);
        return chek_load_u32(bytes) | last << (8 * (size - 4));
    }
    if (size == 0) {
        return 0;
    }
    uint64_t middle = bytes[size / 2];
    uint64_t last = bytes[size - 1];
    return bytes[0] | middle << (8 * (size / 2)) | last << (8 * (size - 1));
}

static inline struct short_key
short_key_of(struct chek_bytes_view view)
{
    struct short_key key = {.view = view};
    key.words[0] = word_load(view.bytes, view.size);
    if (view.size > 8) {
        key.words[1] = word_load(view.bytes + 8, view.size - 8);
    }
    if (view.size > 16) {
        key.words[2] = word_load(view.bytes + 16, view.size - 16);
    }
    return key;
}

/* Spread keys over buckets. (format) */
static inline uint32_t
key_hash(const struct short_key *key)
{
    uint64_t mixed = key->words[0] + UINT64_C(0x9e3779b97f4a7c15) * key->view.size;
    mixed ^= key->words[1] * UINT64_C(0xff51afd7ed558ccd);
    mixed ^= key->words[2] * UINT64_C(0xc4ceb9fe1a85ec53);
    return (uint32_t)((mixed * UINT64_C(0xd6e8feb86659fd93)) >> 56);
}

static inline bool
row_has_key(const struct chek_page_heap *heap, const struct fiscal__row *row, uint8_t operation,
            const struct short_key *key)
{
    uint64_t words[CHEK_COUNT(key->words)];
    memcpy(words, row->key, sizeof words);
    bool is_same = row->operation == operation && row->key_size == key->view.size &&
                   row->other == 0 && words[0] == key->words[0] && words[1] == key->words[1] &&
                   words[2] == key->words[2];
    return is_same &&
           (row->text == 0 || chek_bytes_view_equal(fiscal__text_view(heap, row->text), key->view));
}

static struct fiscal__row *
row_find(const struct cell_sink *to, chek_page_ref ref, uint8_t operation,
         const struct short_key *key)
{
    while (ref != 0) {
        const struct fiscal__row *row = chek_page_heap_read(to->heap, ref);
        if (row_has_key(to->heap, row, operation, key)) {
            return chek_page_heap_change(to->heap, ref);
        }
        ref = row->next;
    }
    return NULL;
}

/* OTHER rows stand in the first bucket of their kind. */
static struct fiscal__row *
row_find_other(const struct cell_sink *to, chek_page_ref ref, uint8_t operation)
{
    while (ref != 0) {
        const struct fiscal__row *row = chek_page_heap_read(to->heap, ref);
        if (row->other != 0 && row->operation == operation) {
            return chek_page_heap_change(to->heap, ref);
        }
        ref = row->next;
    }
    return NULL;
}

/* Behind the others of its bucket: what came first comes most often, and is found first. */
static struct fiscal__row *
row_make(struct cell_sink *to, chek_page_ref *bucket, uint8_t operation)
{
    chek_page_ref *last = bucket;
    while (*last != 0) {
        struct fiscal__row *before = chek_page_heap_change(to->heap, *last);
        last = &before->next;
    }
    chek_page_ref ref = fiscal__allocate(to->heap, sizeof(struct fiscal__row));
    *last = ref;
    struct fiscal__row *row = chek_page_heap_change(to->heap, ref);
    row->operation = operation;
    to->added_size += FISCAL__FROZEN_ROW_SIZE;
    return row;
}

static void
row_set_key(struct cell_sink *to, struct fiscal__row *row, const struct short_key *key)
{
    CHEK_ASSERT(key->view.size <= UINT8_MAX);
    row->key_size = (uint8_t)key->view.size;
    to->added_size += key->view.size;
    memcpy(row->key, key->words, sizeof row->key);
    if (key->view.size > FISCAL__ROW_KEY_INLINE_MAX) {
        row->text = fiscal__text_make(to->heap, key->view);
    }
}

static void
cell_on_row(void *context, enum fiscal__row_set set, uint8_t operation, struct chek_bytes_view view,
            const struct fiscal__addend *addend)
{
    struct cell_sink *to = context;
    struct short_key key = short_key_of(view);
    chek_page_ref *buckets = &to->cell->rows[row_buckets[set].first];
    chek_page_ref *bucket = &buckets[key_hash(&key) & (row_buckets[set].count - 1U)];

    struct fiscal__row *row = row_find(to, *bucket, operation, &key);
    if (row == NULL && to->cell->row_counts[set] < fiscal__row_count_max(set)) {
        row = row_make(to, bucket, operation);
        row_set_key(to, row, &key);
        to->cell->row_counts[set] += 1;
    }
    if (row == NULL) {
        row = row_find_other(to, buckets[0], operation);
    }
    if (row == NULL) {
        row = row_make(to, &buckets[0], operation);
        row->other = 1;
    }
    fiscal__row_add(row, addend);
}

/* ---- documents -------------------------------------------------------------------------------- */

size_t
fiscal__cell_add(struct chek_page_heap *heap, chek_page_ref ref,
                 const struct chek_document *document, int sign)
{
    struct fiscal__cell *cell = chek_page_heap_change(heap, ref);
    if (document->movement != NULL) {
        fiscal__movement_add(&cell->movements[document->movement->direction], document->movement,
                             sign);
    }
    const struct chek_receipt *receipt = document->receipt;
    if (receipt == NULL) {
        return 0;
    }
    chek_page_ref *operation = &cell->operations[receipt->operation];
    if (*operation == 0) {
        *operation = fiscal__allocate(heap, sizeof(struct fiscal__operation));
    }
    fiscal__operation_add(chek_page_heap_change(heap, *operation), receipt, sign);

    struct cell_sink to = {heap, cell, 0};
    fiscal__receipt_rows(receipt, sign, &(struct fiscal__row_sink){&to, cell_on_row});
    return to.added_size;
}

void
fiscal__cell_withdraw(struct chek_page_heap *heap, chek_page_ref ref, int64_t sum)
{
    struct fiscal__cell *cell = chek_page_heap_change(heap, ref);
    cell->movements[CHEK_DIRECTION_WITHDRAWAL].count += 1;
    cell->movements[CHEK_DIRECTION_WITHDRAWAL].sum += sum;
}

static size_t
rows_free(struct chek_page_heap *heap, chek_page_ref ref)
{
    size_t size = 0;
    while (ref != 0) {
        const struct fiscal__row *row = chek_page_heap_read(heap, ref);
        chek_page_ref next = row->next;
        size += FISCAL__FROZEN_ROW_SIZE + fiscal__row_key(heap, row).size;
        fiscal__text_free(heap, row->text);
        chek_page_heap_free(heap, ref, sizeof(struct fiscal__row));
        ref = next;
    }
    return size;
}

size_t
fiscal__cells_free(struct chek_page_heap *heap, chek_page_ref ref)
{
    size_t size = 0;
    while (ref != 0) {
        const struct fiscal__cell *cell = chek_page_heap_read(heap, ref);
        chek_page_ref next = cell->next;
        for (unsigned i = 0; i < CHEK_OPERATION_COUNT; i++) {
            if (cell->operations[i] != 0) {
                chek_page_heap_free(heap, cell->operations[i], sizeof(struct fiscal__operation));
            }
        }
        for (unsigned i = 0; i < CHEK_COUNT(cell->rows); i++) {
            size += rows_free(heap, cell->rows[i]);
        }
        chek_page_heap_free(heap, ref, sizeof(struct fiscal__cell));
        ref = next;
    }
    return size;
}
