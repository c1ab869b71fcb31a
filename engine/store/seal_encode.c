/* SPDX-License-Identifier: MIT */
/*
 * seal_encode.c - a full set of open rows becomes the bytes of a segment.
 *
 * Pages are made one after the other, each with all of its columns (sealer.h); a segment has them
 * column by column, so they are put together at the end, behind a head and directories. All of it
 * runs on a worker.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/memory.h"
#include "engine/store/sealer.h"
#include "engine/store/segment.h"

struct encoding {
    struct store__sealer *sealer;
    struct chek_store *store;
    const struct store__set *set;
    uint64_t first_row;
    uint32_t page_row_count, page_count;
    uint32_t column_count, run_count;
};

/* ---- pages ---- */

static struct store__encoded *
encoded_of(const struct encoding *to, uint32_t column, uint32_t page)
{
    struct store__encoded *encoded = (void *)to->sealer->encoded.bytes;
    return &encoded[page * STORE__COLUMN_COUNT + column];
}

static void
column_encode(struct encoding *to, uint32_t column, uint32_t page)
{
    struct store__sealer *sealer = to->sealer;
    const struct store__column_info *info = &store__columns[column];
    uint32_t count = sealer->counts[info->table];
    struct store__encoded *encoded = encoded_of(to, column, page);
    *encoded = (struct store__encoded){.page = {.codec = STORE__CONSTANT, .value_count = count},
                                       .at = sealer->pages.size};
    if (count == 0 || !store__sealer_has(sealer->touched, column)) {
        return; /* zeroes, if the column is in the segment at all */
    }
    const int64_t *values = sealer->values[column];
    struct chek_bytes_view text = {sealer->strings[column].bytes, sealer->strings[column].size};
    bool of_bytes = info->kind == STORE__BYTES;
    uint8_t *out = store__sealer_reserve(sealer, &sealer->pages,
                                         of_bytes ? store__strings_size_max(count, text.size)
                                                  : store__page_size_max(count));
    if (out == NULL) {
        return;
    }
    if (of_bytes) {
        store__strings_encode(values, count, text, out, &encoded->page);
    } else {
        store__page_encode(values, count, out, &encoded->page);
    }
    sealer->pages.size += encoded->page.size;
}

/* A page of strings without any is no page of integers. */
static void
strings_complete(struct encoding *to, uint32_t column)
{
    struct store__sealer *sealer = to->sealer;
    for (uint32_t page = 0; page < to->page_count; page++) {
        struct store__encoded *encoded = encoded_of(to, column, page);
        uint32_t count = encoded->page.value_count;
        if (count == 0 || encoded->page.codec != STORE__CONSTANT) {
            continue;
        }
        uint8_t *out =
            store__sealer_reserve(sealer, &sealer->pages, store__strings_size_max(count, 0));
        if (out == NULL) {
            return;
        }
        /* All sizes are those that were not put. */
        store__strings_encode(sealer->values[column], count, (struct chek_bytes_view){0}, out,
                              &encoded->page);
        encoded->at = sealer->pages.size;
        sealer->pages.size += encoded->page.size;
    }
}

static void
pages_encode(struct encoding *to)
{
    struct store__sealer *sealer = to->sealer;
    size_t size = (size_t)to->page_count * STORE__COLUMN_COUNT * sizeof(struct store__encoded);
    sealer->pages.size = 0;
    memset(sealer->present, 0, sizeof sealer->present);
    if (store__sealer_reserve(sealer, &sealer->encoded, size) == NULL) {
        return;
    }
    for (uint32_t page = 0; page < to->page_count && sealer->error == CHEK_OK; page++) {
        uint32_t from = page * to->page_row_count;
        uint32_t left = to->set->row_count - from;
        store__sealer_page(sealer, to->store, to->set, from,
                           left < to->page_row_count ? left : to->page_row_count);
        for (uint32_t i = 0; i < STORE__COLUMN_COUNT && sealer->error == CHEK_OK; i++) {
            column_encode(to, i, page);
        }
        for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
            sealer->present[table] |= sealer->touched[table];
        }
        store__sealer_page_clear(sealer);
    }
    for (uint32_t i = 0; i < STORE__COLUMN_COUNT && sealer->error == CHEK_OK; i++) {
        if (store__sealer_has(sealer->present, i)) {
            to->column_count += 1;
            if (store__columns[i].kind == STORE__BYTES) {
                strings_complete(to, i);
            }
        }
    }
}

/* ---- the whole ---- */

static const struct store__row *
row_of(const struct encoding *to, uint32_t index)
{
    return store__set_row(to->set, to->sealer->order[index]);
}

static void
runs_count(struct encoding *to)
{
    for (uint32_t i = 0; i < to->set->row_count; i++) {
        to->run_count += i == 0 || row_of(to, i)->registration != row_of(to, i - 1)->registration;
    }
}

static void
runs_write(const struct encoding *to, struct chek_writer *out)
{
    const struct store__row *before = NULL;
    for (uint32_t i = 0; i < to->set->row_count; i++) {
        const struct store__row *row = row_of(to, i);
        if (before != NULL && row->registration == before->registration) {
            CHEK_ASSERT(row->ordinal == before->ordinal + 1);
        } else {
            chek_writer_u32(out, row->registration);
            chek_writer_u32(out, row->ordinal);
            chek_writer_u32(out, i);
        }
        before = row;
    }
}

/* The segment is as large as the writer's room. */
static void
head_write(const struct encoding *to, struct chek_writer *out)
{
    chek_writer_u64(out, STORE__SEGMENT_MAGIC);
    chek_writer_u16(out, STORE__SEGMENT_VERSION);
    chek_writer_u16(out, (uint16_t)to->column_count);
    chek_writer_u32(out, to->set->row_count);
    chek_writer_u32(out, to->set->line_count);
    chek_writer_u32(out, to->page_row_count);
    chek_writer_u32(out, to->run_count);
    chek_writer_u32(out, 0);
    chek_writer_u64(out, to->first_row);
    chek_writer_u64(out, out->capacity);
    CHEK_ASSERT(!out->full && out->size == STORE__SEGMENT_HEAD_SIZE);
}

static void
page_head_write(const struct encoding *to, uint16_t id, uint32_t index,
                const struct store__encoded *encoded, struct chek_writer *out)
{
    const struct store__page *page = &encoded->page;
    const uint8_t *bytes = to->sealer->pages.bytes + encoded->at;
    chek_writer_u8(out, page->codec);
    chek_writer_u8(out, page->width);
    chek_writer_u16(out, 0);
    chek_writer_u32(out, page->value_count);
    chek_writer_u64(out, page->size);
    chek_writer_u64(out, (uint64_t)page->min);
    chek_writer_u64(out, (uint64_t)page->max);
    chek_writer_u64(out, store__page_sum(bytes, page->size, id, index));
}

static void
directory_write(const struct encoding *to, struct chek_writer *out)
{
    for (uint32_t i = 0; i < STORE__COLUMN_COUNT; i++) {
        const struct store__column_info *info = &store__columns[i];
        if (!store__sealer_has(to->sealer->present, i)) {
            continue;
        }
        chek_writer_u16(out, info->id);
        chek_writer_u8(out, info->need);
        chek_writer_u8(out, info->kind);
        for (uint32_t page = 0; page < to->page_count; page++) {
            page_head_write(to, info->id, page, encoded_of(to, i, page), out);
        }
    }
}

static void
pages_write(const struct encoding *to, struct chek_writer *out)
{
    for (uint32_t i = 0; i < STORE__COLUMN_COUNT; i++) {
        for (uint32_t page = 0; page < to->page_count && store__sealer_has(to->sealer->present, i);
             page++) {
            const struct store__encoded *encoded = encoded_of(to, i, page);
            chek_writer_bytes(out, to->sealer->pages.bytes + encoded->at, encoded->page.size);
        }
    }
}

/* Bytes of the pages that are in columns of the segment. */
static size_t
pages_size(const struct encoding *to)
{
    size_t size = 0;
    for (uint32_t i = 0; i < STORE__COLUMN_COUNT; i++) {
        for (uint32_t page = 0; page < to->page_count && store__sealer_has(to->sealer->present, i);
             page++) {
            size += encoded_of(to, i, page)->page.size;
        }
    }
    return size;
}

/* Put head, runs, directory, their sum and the pages into bytes of exactly that size. */
static int
segment_assemble(struct encoding *to, uint8_t **ret, size_t *ret_size)
{
    runs_count(to);
    size_t column_size = STORE__COLUMN_HEAD_SIZE + (size_t)to->page_count * STORE__PAGE_HEAD_SIZE;
    size_t sum_at = STORE__SEGMENT_HEAD_SIZE + (size_t)to->run_count * STORE__RUN_SIZE +
                    to->column_count * column_size;
    size_t size = sum_at + 8 + pages_size(to);
    uint8_t *bytes = chek_memory_allocate(size + STORE__PAGE_SLACK);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    struct chek_writer out = chek_writer_over(bytes, size);
    head_write(to, &out);
    runs_write(to, &out);
    directory_write(to, &out);
    CHEK_ASSERT(out.size == sum_at);
    chek_writer_u64(&out, chek_checksum_seeded(bytes, sum_at, STORE__SEGMENT_MAGIC));
    pages_write(to, &out);
    CHEK_ASSERT(!out.full && out.size == size);
    *ret = bytes;
    *ret_size = size;
    return CHEK_OK;
}

int
store__segment_encode(struct store__sealer *sealer, struct chek_store *store,
                      const struct store__set *set, uint64_t first_row, uint8_t **ret,
                      size_t *ret_size)
{
    struct encoding to = {.sealer = sealer,
                          .store = store,
                          .set = set,
                          .first_row = first_row,
                          .page_row_count = store__page_row_count(set->row_count)};
    to.page_count = (set->row_count - 1) / to.page_row_count + 1;
    sealer->error = CHEK_OK;
    store__sealer_order(sealer, set);
    if (sealer->error == CHEK_OK) {
        pages_encode(&to);
    }
    return sealer->error == CHEK_OK ? segment_assemble(&to, ret, ret_size) : sealer->error;
}
