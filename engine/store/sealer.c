/* SPDX-License-Identifier: MIT */
/* sealer.c - the memory of sealing, the arrays of a page, and the order of rows. */
#include "engine/store/sealer.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/workspace.h"

/* A document's structures: those of the largest body are less. */
#define ARENA_SIZE ((size_t)16 << 20)

static void
sealer_destroy(struct store__sealer *sealer)
{
    for (uint32_t i = 0; i < STORE__COLUMN_COUNT; i++) {
        chek_workspace_give(sealer->values[i], sealer->value_capacity[i] * sizeof(int64_t));
        store__buffer_finish(&sealer->strings[i]);
    }
    store__buffer_finish(&sealer->orders[0]);
    store__buffer_finish(&sealer->orders[1]);
    store__buffer_finish(&sealer->encoded);
    store__buffer_finish(&sealer->pages);
    store__segment_writer_finish(&sealer->writer);
    store__hours_finish(&sealer->hours);
    store__markings_finish(&sealer->markings);
    chek_workspace_give(sealer->arena.bytes, ARENA_SIZE);
    chek_workspace_give(sealer, sizeof *sealer);
}

/* The arena is address space: most documents touch its first page only. */
static int
sealer_create(struct store__sealer **ret)
{
    struct store__sealer *sealer = chek_workspace_take(sizeof *sealer);
    uint8_t *bytes = chek_workspace_take(ARENA_SIZE);
    if (sealer == NULL || bytes == NULL) {
        chek_workspace_give(bytes, ARENA_SIZE);
        chek_workspace_give(sealer, sizeof *sealer);
        return -ENOMEM;
    }
    chek_arena_init_over(&sealer->arena, bytes, ARENA_SIZE);
    *ret = sealer;
    return CHEK_OK;
}

int
store__sealer_take(struct chek_store_pool *pool, struct store__sealer **ret)
{
    if (pool->sealers == NULL) {
        return sealer_create(ret);
    }
    *ret = pool->sealers;
    pool->sealers = pool->sealers->next;
    return CHEK_OK;
}

void
store__sealer_give(struct chek_store_pool *pool, struct store__sealer *sealer)
{
    sealer->next = pool->sealers;
    pool->sealers = sealer;
}

void
store__sealers_finish(struct chek_store_pool *pool)
{
    while (pool->sealers != NULL) {
        struct store__sealer *sealer = pool->sealers;
        pool->sealers = sealer->next;
        sealer_destroy(sealer);
    }
}

uint8_t *
store__sealer_reserve(struct store__sealer *sealer, struct store__buffer *buffer, size_t size)
{
    uint8_t *at = store__buffer_reserve(buffer, size);
    if (buffer->failed) {
        buffer->failed = false; /* the next sealing may have more luck */
        store__sealer_fail(sealer, -ENOMEM);
    }
    return at;
}

/* ---- the arrays of a page ---- */

/* Have room for `count` values in each column of a table; what is new is zero. */
static void
values_ensure(struct store__sealer *to, uint32_t table, uint64_t count)
{
    for (uint32_t i = store__table_begin[table]; i < store__table_begin[table + 1]; i++) {
        uint64_t old = to->value_capacity[i];
        if (count <= old) {
            continue;
        }
        uint64_t more = count > 2 * old ? count : 2 * old;
        int64_t *grown =
            chek_workspace_grow(to->values[i], old * sizeof *grown, more * sizeof *grown);
        if (grown == NULL) {
            store__sealer_fail(to, -ENOMEM);
            return;
        }
        to->values[i] = grown;
        to->value_capacity[i] = (uint32_t)more;
    }
}

/* The last column of a table grows last. */
static inline void
table_ensure(struct store__sealer *to, uint32_t table, uint32_t more)
{
    uint64_t count = (uint64_t)to->counts[table] + more;
    if (CHEK_UNLIKELY(count > to->value_capacity[store__table_begin[table + 1] - 1])) {
        values_ensure(to, table, count);
    }
}

void
store__sealer_ensure(struct store__sealer *to, const struct store__row *const *rows, uint32_t count)
{
    uint32_t counts[STORE__TABLE_COUNT] = {[STORE__DOCUMENT] = count};
    for (uint32_t i = 0; i < count; i++) {
        const struct store__row *row = rows[i];
        counts[STORE__LINE] += row->line_count;
        counts[STORE__PAYMENT] += row->payment_count;
        counts[STORE__TAX] += row->tax_count;
        counts[STORE__MARKING] += row->marking_count;
        counts[STORE__MODIFIER] += (row->flags & STORE__FLAG_DISCOUNT) != 0;
        counts[STORE__MODIFIER] += (row->flags & STORE__FLAG_MARKUP) != 0;
        counts[STORE__PARENT] += (row->flags & STORE__FLAG_PARENT) != 0;
    }
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        table_ensure(to, table, counts[table]);
    }
}

void
store__sealer_page_clear(struct store__sealer *to)
{
    for (uint32_t i = 0; i < STORE__COLUMN_COUNT; i++) {
        if (store__sealer_has(to->touched, i)) {
            /* A row that failed half-way may have put children that were not counted. */
            uint32_t count =
                to->error == CHEK_OK ? to->counts[store__columns[i].table] : to->value_capacity[i];
            memset(to->values[i], 0, count * sizeof(int64_t));
        }
        to->strings[i].size = 0;
    }
    memset(to->touched, 0, sizeof to->touched);
    memset(to->counts, 0, sizeof to->counts);
}

/* ---- order ---- */

/*
 * A row is its registration and, below, its place in the set: sorting looks at 8 bytes of it, not at
 * the lines where it stands.
 */
static inline uint64_t
key_make(uint32_t registration, uint32_t row)
{
    return (uint64_t)registration << 32 | row;
}

/* Sort keys by one byte, keeping the order of equal ones. */
static void
sort_by_byte(const uint64_t *from, uint32_t count, uint32_t shift, uint64_t *to)
{
    uint32_t ends[256] = {0};
    for (uint32_t i = 0; i < count; i++) {
        ends[from[i] >> shift & 0xff] += 1;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t of_byte = ends[i];
        ends[i] = sum;
        sum += of_byte;
    }
    for (uint32_t i = 0; i < count; i++) {
        to[ends[from[i] >> shift & 0xff]++] = from[i];
    }
}

/* Rows of a registration came in the order of their ordinals, so a stable sort is enough. */
void
store__sealer_order(struct store__sealer *sealer, const struct store__set *set)
{
    uint32_t count = set->row_count;
    size_t size = count * sizeof(uint64_t);
    uint64_t *keys = (void *)store__sealer_reserve(sealer, &sealer->orders[0], size);
    uint64_t *other = (void *)store__sealer_reserve(sealer, &sealer->orders[1], size);
    uint64_t differing = 0;
    if (keys == NULL || other == NULL) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = key_make(store__set_row(set, i)->registration, i);
        differing |= keys[i] ^ keys[0];
    }
    for (uint32_t shift = 32; shift < 64; shift += 8) {
        if ((differing >> shift & 0xff) != 0) { /* else all have the same byte */
            sort_by_byte(keys, count, shift, other);
            uint64_t *sorted = other;
            other = keys;
            keys = sorted;
        }
    }
    sealer->order = keys;
}
