/* SPDX-License-Identifier: MIT */
/*
 * image_set_load.c - an open set from its columns.
 *
 * When all columns were read, a walk over the rows adds up their children and looks at every
 * number that is used as an index later, so that what was loaded can be read, scanned and sealed
 * like what was appended.
 */
#include <errno.h>

#include "engine/store/image.h"

int
store__image_bits_load(struct store__loading *from, uint64_t *bits, uint32_t bit_count,
                       uint32_t *ret_count)
{
    uint32_t said = chek_cursor_u32(&from->in);
    if (said == 0) {
        return store__image_result(&from->in);
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

/* ---- columns ---- */

/* Get blocks for all rows of a table; the bytes of its first column were seen to be there. */
static int
blocks_load(struct store__loading *from, struct store__set *set, uint32_t table, uint32_t count)
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
values_load(struct store__loading *from, struct store__set *set,
            const struct store__column_info *info)
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
strings_load(struct store__loading *from, struct store__set *set,
             const struct store__column_info *info)
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
values_skip(struct store__loading *from, uint32_t count, uint8_t width, uint8_t need)
{
    if (need != STORE__OPTIONAL) {
        return CHEK_E_VERSION;
    }
    chek_cursor_take(&from->in, (size_t)count * width);
    return store__image_result(&from->in);
}

static int
column_load(struct store__loading *from, struct store__set *set, uint32_t table, uint16_t id)
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
table_load(struct store__loading *from, struct store__set *set, uint32_t table)
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
    return error == CHEK_OK ? store__image_result(&from->in) : error;
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
        store__set_link(set, row);
    }
    for (uint32_t table = STORE__DOCUMENT + 1; table < STORE__TABLE_COUNT; table++) {
        if (at.next[table] != set->child_count[table]) {
            return CHEK_E_CORRUPT;
        }
    }
    return CHEK_OK;
}

static bool
has_column(const struct store__set *set, const struct store__column_info *info)
{
    for (uint32_t i = 0; i < set->block_count[info->table]; i++) {
        if ((chek_load_u64(set->blocks[info->table][i]) >> info->bit & 1) != 0) {
            return true;
        }
    }
    return false;
}

static int
codes_check(const struct chek_store *store, const struct store__set *set)
{
    for (uint32_t column = 0; column < STORE__COLUMN_COUNT; column++) {
        const struct store__column_info *info = &store__columns[column];
        if (info->kind != STORE__CODE || !has_column(set, info)) {
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
rows_load(struct store__loading *from, struct store__set *set)
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
    return store__image_bits_load(from, set->replaced, count, &set->replaced_count);
}

int
store__image_set_load(struct store__loading *from, struct store__set *set, bool last)
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
