/* SPDX-License-Identifier: MIT */
/*
 * image_load.c - a store from its image and its segments.
 *
 * The bytes come from a disk. Everything is read through the cursor; a count is compared with the
 * bytes that are left before memory is asked for; and when a set was read, a walk over its rows
 * adds up its children and looks at every number that is used as an index later, so that what was
 * loaded can be read, scanned and sealed like what was appended.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "engine/store/image.h"
#include "engine/store/segment.h"

struct loading {
    struct chek_store *store;
    struct chek_cursor in;
};

static int
cursor_result(const struct chek_cursor *in)
{
    return in->error == CHEK_OK ? CHEK_OK : CHEK_E_CORRUPT;
}

/* ---- the parts ---- */

static int
head_load(struct loading *from)
{
    struct chek_store *store = from->store;
    uint64_t magic = chek_cursor_u64(&from->in);
    uint16_t version = chek_cursor_u16(&from->in);
    uint16_t reserved = chek_cursor_u16(&from->in);
    uint32_t segment_row_count = chek_cursor_u32(&from->in);
    store->history_hash = chek_cursor_u64(&from->in);
    store->row_count = chek_cursor_u64(&from->in);
    store->line_count = chek_cursor_u64(&from->in);
    if (from->in.error != CHEK_OK || magic != STORE__IMAGE_MAGIC || reserved != 0) {
        return CHEK_E_CORRUPT;
    }
    if (version != STORE__IMAGE_VERSION) {
        return CHEK_E_VERSION;
    }
    return segment_row_count == store->config.segment_row_count ? CHEK_OK : CHEK_E_CORRUPT;
}

/* Read bits of which `*ret_count` should be set; bits behind the last must not be. */
static int
bits_load(struct loading *from, uint64_t *bits, uint32_t bit_count, uint32_t *ret_count)
{
    uint32_t said = chek_cursor_u32(&from->in);
    if (said == 0) {
        return cursor_result(&from->in);
    }
    size_t size = ((size_t)bit_count + 63) / 64 * sizeof *bits;
    const uint8_t *bytes = chek_cursor_take(&from->in, size);
    uint32_t count = 0;
    for (size_t at = 0; bytes != NULL && at < size; at += 8) {
        uint64_t word = chek_load_u64(bytes + at);
        bits[at / 8] = word;
        count += (uint32_t)__builtin_popcountll(word);
    }
    uint32_t tail = bit_count % 64;
    if (bytes == NULL || count != said || (tail != 0 && bits[size / 8 - 1] >> tail != 0)) {
        return CHEK_E_CORRUPT;
    }
    *ret_count = count;
    return CHEK_OK;
}

static int
segment_load(struct chek_bytes_view bytes, struct chek_segment **ret)
{
    uint8_t *copy = chek_memory_allocate(bytes.size + STORE__PAGE_SLACK);
    if (copy == NULL) {
        return -ENOMEM;
    }
    if (bytes.size != 0) {
        memcpy(copy, bytes.bytes, bytes.size);
    }
    int error = store__segment_open(copy, bytes.size, ret);
    if (error != CHEK_OK) {
        chek_memory_free(copy, bytes.size + STORE__PAGE_SLACK);
    }
    return error;
}

static int
segments_load(struct loading *from, const struct chek_bytes_view *segments, uint32_t count)
{
    struct chek_store *store = from->store;
    if (chek_cursor_u32(&from->in) != count || from->in.error != CHEK_OK) {
        return CHEK_E_CORRUPT;
    }
    if (count == 0) {
        return CHEK_OK;
    }
    store->segments = chek_memory_allocate(count * sizeof *store->segments);
    if (store->segments == NULL) {
        return -ENOMEM;
    }
    store->segment_count_max = count;
    for (uint32_t i = 0; i < count; i++) {
        struct chek_segment *segment;
        uint64_t sum = chek_cursor_u64(&from->in);
        int error = segment_load(segments[i], &segment);
        if (error != CHEK_OK) {
            return error;
        }
        store->segments[i] = segment;
        store->segment_count += 1;
        if (segment->sum != sum || segment->first_row != store->sealed_row_count) {
            return CHEK_E_CORRUPT;
        }
        store->sealed_row_count += segment->row_count;
        store->segment_size += store__segment_memory_size(segment);
        error = bits_load(from, segment->replaced, segment->row_count, &segment->replaced_count);
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

static int
dictionary_load(struct loading *from, struct store__dictionary *dictionary)
{
    struct store__pool *pool = &from->store->pool;
    uint32_t count = chek_cursor_u32(&from->in);
    size_t left = chek_cursor_left(&from->in);
    if (count > left / 3) { /* two bytes of size, and at least one of text */
        return CHEK_E_CORRUPT;
    }
    for (uint32_t code = 1; code <= count; code++) {
        uint16_t size = chek_cursor_u16(&from->in);
        struct chek_bytes_view text = chek_cursor_view(&from->in, size);
        if (text.size == 0) {
            return CHEK_E_CORRUPT;
        }
        uint32_t pieces = store__dictionary_pieces_needed(dictionary, 1) +
                          store__dictionary_text_pieces_needed(1, text.size);
        if (store__pool_ensure_pieces(pool, pieces) != CHEK_OK) {
            return -ENOMEM;
        }
        if (store__dictionary_intern(dictionary, pool, text) != code) {
            return CHEK_E_CORRUPT; /* it was there already, or there is no room for it */
        }
    }
    return CHEK_OK;
}

static int
dictionaries_load(struct loading *from)
{
    if (chek_cursor_u32(&from->in) != STORE__DICTIONARY_COUNT) {
        return CHEK_E_CORRUPT;
    }
    int error = CHEK_OK;
    for (uint32_t i = 0; i < STORE__DICTIONARY_COUNT && error == CHEK_OK; i++) {
        error = dictionary_load(from, &from->store->dictionaries[i]);
    }
    return error;
}

/* ---- open sets ---- */

/* Get blocks for all rows of a table; the bytes of its first column were seen to be there. */
static int
blocks_load(struct loading *from, struct store__set *set, uint32_t table, uint32_t count)
{
    uint32_t block_count = (count + STORE__BLOCK_ROW_COUNT - 1) / STORE__BLOCK_ROW_COUNT;
    struct store__pool *pool = &from->store->pool;
    if (store__set_ensure_blocks(set, table, block_count) != CHEK_OK ||
        store__pool_ensure_blocks(pool, table, block_count) != CHEK_OK) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < block_count; i++) {
        store__set_block_add(set, pool, table, i << STORE__BLOCK_SHIFT);
    }
    set->child_count[table] = count;
    return CHEK_OK;
}

static uint8_t *
value_at(struct store__set *set, const struct store__column_info *info, uint32_t index)
{
    uint8_t *block = set->blocks[info->table][index >> STORE__BLOCK_SHIFT];
    return block + info->offset + (size_t)(index & (STORE__BLOCK_ROW_COUNT - 1)) * info->width;
}

static bool
is_zero(const uint8_t *bytes, size_t size)
{
    return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

/* A block's column is touched as it was by appending: when a value is not zero. */
static int
values_load(struct loading *from, struct store__set *set, const struct store__column_info *info)
{
    uint32_t left = set->child_count[info->table];
    for (uint32_t i = 0; left != 0; i++) {
        uint32_t count = left < STORE__BLOCK_ROW_COUNT ? left : STORE__BLOCK_ROW_COUNT;
        size_t size = (size_t)count * info->width;
        const uint8_t *bytes = chek_cursor_take(&from->in, size);
        if (bytes == NULL) {
            return CHEK_E_CORRUPT;
        }
        if (!is_zero(bytes, size)) {
            store__column_touch(set->blocks[info->table][i], info);
            memcpy(value_at(set, info, i << STORE__BLOCK_SHIFT), bytes, size);
        }
        left -= count;
    }
    return CHEK_OK;
}

static int
strings_load(struct loading *from, struct store__set *set, const struct store__column_info *info)
{
    struct store__pool *pool = &from->store->pool;
    for (uint32_t i = 0; i < set->child_count[info->table]; i++) {
        uint8_t *block = set->blocks[info->table][i >> STORE__BLOCK_SHIFT];
        uint32_t size = chek_cursor_u32(&from->in);
        struct chek_bytes_view text = chek_cursor_view(&from->in, size);
        if (from->in.error != CHEK_OK || size > STORE__TEXT_SIZE_MAX) {
            return CHEK_E_CORRUPT;
        }
        if (size == 0) {
            continue;
        }
        uint32_t count = set->block_count[STORE__TEXT_BLOCK] + 1;
        if (store__set_ensure_blocks(set, STORE__TEXT_BLOCK, count) != CHEK_OK ||
            store__pool_ensure_blocks(pool, STORE__TEXT_BLOCK, 1) != CHEK_OK) {
            return -ENOMEM;
        }
        if ((chek_load_u64(block) >> info->bit & 1) == 0) {
            store__column_touch(block, info);
        }
        chek_store_u64(value_at(set, info, i), store__set_text_add(set, pool, text));
    }
    return CHEK_OK;
}

/* Step over the values of a column that is not known. */
static int
values_skip(struct loading *from, uint32_t count, uint8_t width, uint8_t need)
{
    if (need != STORE__OPTIONAL) {
        return CHEK_E_VERSION;
    }
    chek_cursor_take(&from->in, (size_t)count * width);
    return cursor_result(&from->in);
}

static int
column_load(struct loading *from, struct store__set *set, uint32_t table, uint16_t id)
{
    uint8_t width = chek_cursor_u8(&from->in);
    uint8_t need = chek_cursor_u8(&from->in);
    uint32_t column = store__table_begin[table];
    while (column < store__table_begin[table + 1] && store__columns[column].id != id) {
        column += 1;
    }
    if (column == store__table_begin[table + 1]) {
        return values_skip(from, set->child_count[table], width, need);
    }
    const struct store__column_info *info = &store__columns[column];
    if (width != info->width || need != info->need) {
        return CHEK_E_CORRUPT;
    }
    return info->kind == STORE__BYTES ? strings_load(from, set, info)
                                      : values_load(from, set, info);
}

static int
table_load(struct loading *from, struct store__set *set, uint32_t table)
{
    const struct store__column_info *first = &store__columns[store__table_begin[table]];
    uint32_t count = chek_cursor_u32(&from->in);
    uint16_t id = chek_cursor_u16(&from->in);
    uint16_t id_before = 0;
    uint32_t bytes_a_row = first->kind == STORE__BYTES ? 4 : first->width;
    bool backed = count == 0
                      ? id == STORE__IMAGE_COLUMNS_END
                      : id == first->id && count <= chek_cursor_left(&from->in) / bytes_a_row;
    if (from->in.error != CHEK_OK || !backed) {
        return CHEK_E_CORRUPT;
    }
    int error = blocks_load(from, set, table, count);
    while (error == CHEK_OK && id != STORE__IMAGE_COLUMNS_END) {
        error = id > id_before ? column_load(from, set, table, id) : CHEK_E_CORRUPT;
        id_before = id;
        id = chek_cursor_u16(&from->in);
    }
    return error == CHEK_OK ? cursor_result(&from->in) : error;
}

/* ---- what the values say ---- */

/* Walks over the rows of a set: which child is next in each table. */
struct children {
    const struct store__set *set;
    uint32_t next[STORE__TABLE_COUNT];
};

/* Step over `count` rows of a table; false when there are not as many, or more than allowed. */
static bool
children_step(struct children *at, uint32_t table, uint64_t count, uint32_t count_max)
{
    if (count > count_max || count > at->set->child_count[table] - at->next[table]) {
        return false;
    }
    at->next[table] += (uint32_t)count;
    return true;
}

#define VALUE(column, index) store__set_value(at->set, STORE__##column, index)

static bool
modifiers_step(struct children *at, uint64_t flags)
{
    uint32_t both = STORE__FLAG_DISCOUNT | STORE__FLAG_MARKUP;
    uint32_t count = (uint32_t)__builtin_popcountll(flags & both);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = at->next[STORE__MODIFIER];
        if (!children_step(at, STORE__MODIFIER, 1, 1) ||
            !children_step(at, STORE__TAX, VALUE(MODIFIER_TAX_COUNT, index), CHEK_TAX_COUNT_MAX)) {
            return false;
        }
    }
    return true;
}

static bool
lines_step(struct children *at, uint64_t count)
{
    for (uint64_t i = 0; i < count && i <= CHEK_LINE_COUNT_MAX; i++) {
        uint32_t index = at->next[STORE__LINE];
        if (!children_step(at, STORE__LINE, 1, 1) ||
            !children_step(at, STORE__TAX, VALUE(LINE_TAX_COUNT, index), CHEK_TAX_COUNT_MAX) ||
            !children_step(at, STORE__MARKING, VALUE(LINE_MARKING_COUNT, index),
                           STORE__MARKING_COUNT_MAX)) {
            return false;
        }
    }
    return count <= CHEK_LINE_COUNT_MAX;
}

static bool
payments_step(struct children *at, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        uint32_t index = at->next[STORE__PAYMENT];
        if (!children_step(at, STORE__PAYMENT, 1, 1) ||
            VALUE(PAYMENT_KIND, index) >= CHEK_PAYMENT_KIND_COUNT) {
            return false;
        }
    }
    return count <= CHEK_PAYMENT_COUNT_MAX;
}

static bool
row_step(struct children *at, uint32_t row)
{
    uint64_t flags = VALUE(DOCUMENT_FLAGS, row);
    return (flags & STORE__FLAG_KIND) <= CHEK_ROW_CLOSE &&
           payments_step(at, VALUE(DOCUMENT_PAYMENT_COUNT, row)) &&
           children_step(at, STORE__PARENT, (flags & STORE__FLAG_PARENT) != 0, 1) &&
           children_step(at, STORE__TAX, VALUE(DOCUMENT_TAX_COUNT, row), CHEK_TAX_COUNT_MAX) &&
           modifiers_step(at, flags) && lines_step(at, VALUE(DOCUMENT_LINE_COUNT, row));
}

#undef VALUE

/* Rows of a registration follow each other. */
static bool
row_follows(const struct store__set *set, const struct store__head *head)
{
    uint32_t newest = store__set_newest(set, head->registration);
    return newest == 0 || (set->heads[newest - 1].ordinal != UINT32_MAX &&
                           set->heads[newest - 1].ordinal + 1 == head->ordinal);
}

/* Give every row its children and put it into the map. */
static int
rows_link(struct store__set *set)
{
    struct children at = {.set = set};
    for (uint32_t row = 0; row < set->row_count; row++) {
        struct store__head *head = &set->heads[row];
        memcpy(head->first, at.next, sizeof head->first);
        if (!row_step(&at, row) || !row_follows(set, head)) {
            return CHEK_E_CORRUPT;
        }
        store__set_map_add(set, row);
    }
    for (uint32_t table = STORE__DOCUMENT + 1; table < STORE__TABLE_COUNT; table++) {
        if (at.next[table] != set->child_count[table]) {
            return CHEK_E_CORRUPT;
        }
    }
    return CHEK_OK;
}

static int
codes_check(const struct chek_store *store, const struct store__set *set)
{
    for (uint32_t column = 0; column < STORE__COLUMN_COUNT; column++) {
        const struct store__column_info *info = &store__columns[column];
        if (info->kind != STORE__CODE || !store__image_has_column(set, column)) {
            continue;
        }
        uint32_t count = store->dictionaries[store__dictionary_of(column)].count;
        for (uint32_t i = 0; i < set->child_count[info->table]; i++) {
            uint64_t code = store__set_value(set, column, i);
            if (code > count && code != STORE__CODE_PLAIN) {
                return CHEK_E_CORRUPT;
            }
        }
    }
    return CHEK_OK;
}

static int
rows_load(struct loading *from, struct store__set *set)
{
    uint32_t count = chek_cursor_u32(&from->in);
    if (count > set->row_count_max || count > chek_cursor_left(&from->in) / 8) {
        return CHEK_E_CORRUPT;
    }
    for (uint32_t i = 0; i < count; i++) {
        set->heads[i].registration = chek_cursor_u32(&from->in);
        set->heads[i].ordinal = chek_cursor_u32(&from->in);
    }
    set->row_count = count;
    return bits_load(from, set->replaced, count, &set->replaced_count);
}

static int
set_load(struct loading *from, struct store__set *set, bool last)
{
    int error = rows_load(from, set);
    for (uint32_t table = 0; table < STORE__TABLE_COUNT && error == CHEK_OK; table++) {
        error = table_load(from, set, table);
    }
    if (error != CHEK_OK) {
        return error;
    }
    bool whole = last || set->row_count == set->row_count_max;
    if (set->child_count[STORE__DOCUMENT] != set->row_count || !whole) {
        return CHEK_E_CORRUPT;
    }
    error = rows_link(set);
    return error == CHEK_OK ? codes_check(from->store, set) : error;
}

/* The store was made with one empty set, which becomes the first. */
static int
sets_load(struct loading *from)
{
    struct chek_store *store = from->store;
    uint32_t count = chek_cursor_u32(&from->in);
    int error = count != 0 ? CHEK_OK : CHEK_E_CORRUPT;
    for (uint32_t i = 0; i < count && error == CHEK_OK; i++) {
        if (i != 0) {
            struct store__set *set;
            error = store__set_create(store->config.segment_row_count, &store->pool, &set);
            if (error != CHEK_OK) {
                return error;
            }
            store->newest->next = set;
            store->newest = set;
        }
        error = set_load(from, store->newest, i + 1 == count);
    }
    return error;
}

static int
counters_check(const struct chek_store *store)
{
    uint64_t rows = store->sealed_row_count;
    uint64_t lines = 0;
    for (uint32_t i = 0; i < store->segment_count; i++) {
        lines += store->segments[i]->line_count;
    }
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        rows += set->row_count;
        lines += set->child_count[STORE__LINE];
    }
    return rows == store->row_count && lines == store->line_count ? CHEK_OK : CHEK_E_CORRUPT;
}

static int
store_load(struct loading *from, const struct chek_bytes_view *segments, uint32_t segment_count)
{
    int error = head_load(from);
    if (error == CHEK_OK) {
        error = segments_load(from, segments, segment_count);
    }
    if (error == CHEK_OK) {
        error = dictionaries_load(from);
    }
    if (error == CHEK_OK) {
        error = sets_load(from);
    }
    if (error == CHEK_OK && chek_cursor_left(&from->in) != 0) {
        error = CHEK_E_CORRUPT;
    }
    return error == CHEK_OK ? counters_check(from->store) : error;
}

int
chek_store_load(const struct chek_store_config *config, struct chek_bytes_view image,
                const struct chek_bytes_view *segments, uint32_t segment_count,
                struct chek_store **ret)
{
    if (image.size < 8 ||
        chek_load_u64(image.bytes + image.size - 8) !=
            chek_checksum_seeded(image.bytes, image.size - 8, STORE__IMAGE_MAGIC)) {
        return CHEK_E_CORRUPT;
    }
    struct loading from = {.in = chek_cursor_over(image.bytes, image.size - 8)};
    int error = chek_store_create(config, &from.store);
    if (error != CHEK_OK) {
        return error;
    }
    chek_memory_unsealed_begin();
    error = store_load(&from, segments, segment_count);
    chek_memory_unsealed_end();
    if (error != CHEK_OK) {
        chek_store_destroy(from.store);
        return error;
    }
    *ret = from.store;
    return CHEK_OK;
}
