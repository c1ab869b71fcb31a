/* SPDX-License-Identifier: MIT */
/*
 * seal_encode.c - a full set of open rows becomes the bytes of a segment.
 *
 * Rows are put in the order of (registration, ordinal) by sorting their numbers; columns are then
 * gathered page by page in that order, children behind their documents, less what they are
 * predicted to be, and encoded. Everything here may run on a worker.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/memory.h"
#include "engine/store/predict.h"
#include "engine/store/segment.h"

/* Bytes that grow; once an allocation failed, nothing more is added. */
struct buffer {
    uint8_t *bytes;
    size_t capacity;
    size_t size;
    bool failed;
};

struct encoding {
    const struct store__set *set;
    uint32_t page_row_count;
    uint32_t page_count;
    uint32_t *order;                     /* rows of the set as they will stand; rows of documents */
    uint32_t *rows[STORE__TABLE_COUNT];  /* the same of each table; [STORE__DOCUMENT] is `order` */
    uint32_t *begin[STORE__TABLE_COUNT]; /* a table's first row of each page, and the end */
    const uint8_t **arrays;              /* a column's array in each block */
    uint32_t array_count_max;
    uint32_t value_count_max; /* rows of a table in a page, at most */
    int64_t *values, *others, *owners;
    struct buffer pages, directory, text;
    uint32_t column_count;
};

static const uint8_t untouched[STORE__BLOCK_ROW_COUNT * 8];

/* ---- buffers ---- */

static uint8_t *
buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->failed) {
        return NULL;
    }
    if (size > buffer->capacity - buffer->size) {
        size_t capacity =
            2 * buffer->capacity > buffer->size + size ? 2 * buffer->capacity : buffer->size + size;
        uint8_t *grown = chek_memory_grow(buffer->bytes, buffer->capacity, capacity);
        if (grown == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->size;
}

static void
buffer_add(struct buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *at = buffer_reserve(buffer, size);
    if (at != NULL && size != 0) {
        memcpy(at, bytes, size);
        buffer->size += size;
    }
}

static void
buffer_finish(struct buffer *buffer)
{
    chek_memory_free(buffer->bytes, buffer->capacity);
}

/* ---- order ---- */

/* Sort row numbers by one byte of the registration, keeping the order of equal ones. */
static void
sort_by_byte(const struct store__head *heads, uint32_t shift, const uint32_t *from, uint32_t count,
             uint32_t *to)
{
    uint32_t ends[256] = {0};
    for (uint32_t i = 0; i < count; i++) {
        ends[heads[from[i]].registration >> shift & 0xff] += 1;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t of_byte = ends[i];
        ends[i] = sum;
        sum += of_byte;
    }
    for (uint32_t i = 0; i < count; i++) {
        to[ends[heads[from[i]].registration >> shift & 0xff]++] = from[i];
    }
}

/* Rows of a registration came in the order of their ordinals, so a stable sort is enough. */
static void
order_make(struct encoding *to, uint32_t *scratch)
{
    uint32_t count = to->set->row_count;
    for (uint32_t i = 0; i < count; i++) {
        to->order[i] = i;
    }
    for (uint32_t shift = 0; shift < 32; shift += 16) {
        sort_by_byte(to->set->heads, shift, to->order, count, scratch);
        sort_by_byte(to->set->heads, shift + 8, scratch, count, to->order);
    }
}

/* Rows of a table that belong to a document's row: they end where the next document's begin. */
static uint32_t
child_end(const struct store__set *set, uint32_t row, uint32_t table)
{
    return row + 1 < set->row_count ? set->heads[row + 1].first[table] : set->child_count[table];
}

static void
children_order(struct encoding *to, uint32_t table)
{
    const struct store__set *set = to->set;
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->row_count; i++) {
        if (i % to->page_row_count == 0) {
            to->begin[table][i / to->page_row_count] = count;
        }
        uint32_t row = to->order[i];
        uint32_t end = child_end(set, row, table);
        for (uint32_t child = set->heads[row].first[table]; child < end; child++) {
            to->rows[table][count++] = child;
        }
    }
    CHEK_ASSERT(count == set->child_count[table]);
    to->begin[table][to->page_count] = count;
}

static void
documents_order(struct encoding *to)
{
    to->rows[STORE__DOCUMENT] = to->order;
    for (uint32_t page = 0; page < to->page_count; page++) {
        to->begin[STORE__DOCUMENT][page] = page * to->page_row_count;
    }
    to->begin[STORE__DOCUMENT][to->page_count] = to->set->row_count;
}

/* ---- gathering ---- */

/* Rows of a table in a page. */
struct slice {
    const uint32_t *rows;
    uint32_t count;
};

static struct slice
slice_of(const struct encoding *to, uint32_t table, uint32_t page)
{
    uint32_t begin = to->begin[table][page];
    return (struct slice){.rows = to->rows[table] + begin,
                          .count = to->begin[table][page + 1] - begin};
}

static bool
column_is_touched(const struct encoding *to, const struct store__column_info *info)
{
    for (uint32_t i = 0; i < to->set->block_count[info->table]; i++) {
        if ((chek_load_u64(to->set->blocks[info->table][i]) >> info->bit & 1) != 0) {
            return true;
        }
    }
    return false;
}

static void
arrays_of(const struct encoding *to, const struct store__column_info *info)
{
    for (uint32_t i = 0; i < to->set->block_count[info->table]; i++) {
        const uint8_t *block = to->set->blocks[info->table][i];
        bool touched = (chek_load_u64(block) >> info->bit & 1) != 0;
        to->arrays[i] = touched ? block + info->offset : untouched;
    }
}

#define ARRAY_OF(row) to->arrays[(row) >> STORE__BLOCK_SHIFT]
#define SLOT_OF(row) ((size_t)((row) & (STORE__BLOCK_ROW_COUNT - 1)))

static void
gather(const struct encoding *to, enum store__column column, struct slice slice, int64_t *ret)
{
    const struct store__column_info *info = &store__columns[column];
    arrays_of(to, info);
    switch (info->width) {
    case 1:
        for (uint32_t i = 0; i < slice.count; i++) {
            ret[i] = ARRAY_OF(slice.rows[i])[SLOT_OF(slice.rows[i])];
        }
        break;
    case 2:
        for (uint32_t i = 0; i < slice.count; i++) {
            ret[i] = chek_load_u16(ARRAY_OF(slice.rows[i]) + SLOT_OF(slice.rows[i]) * 2);
        }
        break;
    case 4:
        for (uint32_t i = 0; i < slice.count; i++) {
            ret[i] = chek_load_u32(ARRAY_OF(slice.rows[i]) + SLOT_OF(slice.rows[i]) * 4);
        }
        break;
    default:
        for (uint32_t i = 0; i < slice.count; i++) {
            ret[i] = (int64_t)chek_load_u64(ARRAY_OF(slice.rows[i]) + SLOT_OF(slice.rows[i]) * 8);
        }
        break;
    }
}

/* ---- predictions (predict.h) ---- */

static inline void
subtract(int64_t *value, uint64_t prediction)
{
    *value = (int64_t)((uint64_t)*value - prediction);
}

/* The first payment is the total, a second one what is left of it. */
static void
predict_payments(struct encoding *to, uint32_t page)
{
    struct slice documents = slice_of(to, STORE__DOCUMENT, page);
    gather(to, STORE__DOCUMENT_TOTAL, documents, to->others);
    gather(to, STORE__DOCUMENT_PAYMENT_COUNT, documents, to->owners);
    int64_t *value = to->values;
    for (uint32_t i = 0; i < documents.count; i++) {
        uint64_t rest = (uint64_t)to->others[i];
        for (int64_t k = 0; k < to->owners[i]; k++, value++) {
            uint64_t sum = (uint64_t)*value;
            subtract(value, rest);
            rest -= sum;
        }
    }
}

static void
predict_lines(struct encoding *to, struct slice slice)
{
    gather(to, STORE__LINE_PRICE, slice, to->others);
    gather(to, STORE__LINE_QUANTITY, slice, to->owners);
    for (uint32_t i = 0; i < slice.count; i++) {
        subtract(&to->values[i],
                 store__predict_line_sum((uint64_t)to->others[i], (uint64_t)to->owners[i]));
    }
}

/* Write the sum of the owner of each tax of a page: ticket, modifier or line. */
static void
tax_owners(struct encoding *to, uint32_t page)
{
    const struct store__set *set = to->set;
    struct slice documents = slice_of(to, STORE__DOCUMENT, page);
    int64_t *owner = to->owners;
    for (uint32_t i = 0; i < documents.count; i++) {
        uint32_t row = documents.rows[i];
        int64_t total = (int64_t)store__set_value(set, STORE__DOCUMENT_TOTAL, row);
        for (uint64_t k = store__set_value(set, STORE__DOCUMENT_TAX_COUNT, row); k > 0; k--) {
            *owner++ = total;
        }
        uint32_t end = child_end(set, row, STORE__MODIFIER);
        for (uint32_t at = set->heads[row].first[STORE__MODIFIER]; at < end; at++) {
            int64_t sum = (int64_t)store__set_value(set, STORE__MODIFIER_SUM, at);
            for (uint64_t k = store__set_value(set, STORE__MODIFIER_TAX_COUNT, at); k > 0; k--) {
                *owner++ = sum;
            }
        }
        end = child_end(set, row, STORE__LINE);
        for (uint32_t at = set->heads[row].first[STORE__LINE]; at < end; at++) {
            int64_t sum = (int64_t)store__set_value(set, STORE__LINE_SUM, at);
            for (uint64_t k = store__set_value(set, STORE__LINE_TAX_COUNT, at); k > 0; k--) {
                *owner++ = sum;
            }
        }
    }
    CHEK_ASSERT((size_t)(owner - to->owners) == slice_of(to, STORE__TAX, page).count);
}

static void
predict_taxes(struct encoding *to, uint32_t page)
{
    struct slice slice = slice_of(to, STORE__TAX, page);
    tax_owners(to, page);
    gather(to, STORE__TAX_RATE, slice, to->others);
    for (uint32_t i = 0; i < slice.count; i++) {
        uint32_t row = slice.rows[i];
        bool on_top = store__set_value(to->set, STORE__TAX_ON_TOP, row) != 0;
        uint64_t turnover = store__set_value(to->set, STORE__TAX_TURNOVER, row);
        subtract(&to->values[i], store__predict_tax((uint64_t)to->others[i], on_top, turnover,
                                                    (uint64_t)to->owners[i]));
    }
}

static void
predict(struct encoding *to, enum store__column column, uint32_t page)
{
    struct slice slice = slice_of(to, store__columns[column].table, page);
    switch (column) {
    case STORE__DOCUMENT_NUMBER:
        for (uint32_t i = 0; i < slice.count; i++) {
            subtract(&to->values[i], to->set->heads[slice.rows[i]].ordinal);
        }
        break;
    case STORE__DOCUMENT_GROSS:
    case STORE__DOCUMENT_POSITIONS:
        gather(to,
               column == STORE__DOCUMENT_GROSS ? STORE__DOCUMENT_TOTAL : STORE__DOCUMENT_LINE_COUNT,
               slice, to->others);
        for (uint32_t i = 0; i < slice.count; i++) {
            subtract(&to->values[i], (uint64_t)to->others[i]);
        }
        break;
    case STORE__PAYMENT_SUM:
        predict_payments(to, page);
        break;
    case STORE__LINE_SUM:
        predict_lines(to, slice);
        break;
    case STORE__TAX_SUM:
        predict_taxes(to, page);
        break;
    default:
        break;
    }
}

/* ---- pages ---- */

static void
page_head_add(struct encoding *to, uint16_t id, uint32_t index, const struct store__page *page)
{
    uint8_t bytes[STORE__PAGE_HEAD_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_writer_u8(&out, page->codec);
    chek_writer_u8(&out, page->width);
    chek_writer_u16(&out, 0);
    chek_writer_u32(&out, page->value_count);
    chek_writer_u64(&out, page->size);
    chek_writer_u64(&out, (uint64_t)page->min);
    chek_writer_u64(&out, (uint64_t)page->max);
    chek_writer_u64(&out, store__page_sum(page->bytes, page->size, id, index));
    CHEK_ASSERT(!out.full && out.size == sizeof bytes);
    buffer_add(&to->directory, bytes, sizeof bytes);
}

/* Replace places by sizes and put the strings behind each other. */
static void
strings_gather(struct encoding *to, uint32_t count)
{
    to->text.size = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct chek_bytes_view text = store__set_text(to->set, (uint64_t)to->values[i]);
        to->values[i] = (int64_t)text.size;
        buffer_add(&to->text, text.bytes, text.size);
    }
}

static void
page_add(struct encoding *to, enum store__column column, uint32_t index)
{
    const struct store__column_info *info = &store__columns[column];
    struct slice slice = slice_of(to, info->table, index);
    struct store__page page = {.codec = STORE__CONSTANT};
    uint8_t *out = NULL;
    gather(to, column, slice, to->values);
    if (info->kind == STORE__BYTES) {
        strings_gather(to, slice.count);
        if (to->text.failed) {
            return;
        }
    } else {
        predict(to, column, index);
    }
    if (slice.count != 0 && info->kind == STORE__BYTES) {
        out = buffer_reserve(&to->pages, store__strings_size_max(slice.count, to->text.size));
        if (out != NULL) {
            store__strings_encode(to->values, slice.count,
                                  chek_bytes_view_of(to->text.bytes, to->text.size), out, &page);
        }
    } else if (slice.count != 0) {
        out = buffer_reserve(&to->pages, store__page_size_max(slice.count));
        if (out != NULL) {
            store__page_encode(to->values, slice.count, out, &page);
        }
    }
    if (out != NULL || slice.count == 0) {
        page_head_add(to, info->id, index, &page);
        to->pages.size += page.size;
    }
}

static void
column_add(struct encoding *to, enum store__column column)
{
    const struct store__column_info *info = &store__columns[column];
    if (!column_is_touched(to, info)) {
        return;
    }
    uint8_t head[STORE__COLUMN_HEAD_SIZE] = {(uint8_t)info->id, (uint8_t)(info->id >> 8),
                                             info->need, info->kind};
    buffer_add(&to->directory, head, sizeof head);
    for (uint32_t page = 0; page < to->page_count; page++) {
        page_add(to, column, page);
    }
    to->column_count += 1;
}

/* ---- the whole ---- */

static void
runs_add(const struct encoding *to, struct buffer *out, uint32_t *run_count)
{
    const struct store__head *before = NULL;
    for (uint32_t i = 0; i < to->set->row_count; i++) {
        const struct store__head *head = &to->set->heads[to->order[i]];
        if (before != NULL && head->registration == before->registration) {
            CHEK_ASSERT(head->ordinal == before->ordinal + 1);
        } else {
            uint32_t run[3] = {head->registration, head->ordinal, i};
            _Static_assert(sizeof run == STORE__RUN_SIZE, "three numbers");
            buffer_add(out, run, sizeof run);
            *run_count += 1;
        }
        before = head;
    }
}

/* The segment is as large as the writer's room. */
static void
head_add(const struct encoding *to, uint64_t first_row, uint32_t run_count, struct chek_writer *out)
{
    chek_writer_u64(out, STORE__SEGMENT_MAGIC);
    chek_writer_u16(out, STORE__SEGMENT_VERSION);
    chek_writer_u16(out, (uint16_t)to->column_count);
    chek_writer_u32(out, to->set->row_count);
    chek_writer_u32(out, to->set->child_count[STORE__LINE]);
    chek_writer_u32(out, to->page_row_count);
    chek_writer_u32(out, run_count);
    chek_writer_u32(out, 0);
    chek_writer_u64(out, first_row);
    chek_writer_u64(out, out->capacity);
    CHEK_ASSERT(!out->full && out->size == STORE__SEGMENT_HEAD_SIZE);
}

/* Put head, runs, directory, their sum and the pages into bytes of exactly that size. */
static int
segment_assemble(struct encoding *to, uint64_t first_row, uint8_t **ret, size_t *ret_size)
{
    struct buffer runs = {0};
    uint32_t run_count = 0;
    runs_add(to, &runs, &run_count);
    size_t sum_at = STORE__SEGMENT_HEAD_SIZE + runs.size + to->directory.size;
    size_t size = sum_at + 8 + to->pages.size;
    uint8_t *bytes = NULL;
    if (!runs.failed && !to->directory.failed && !to->pages.failed && !to->text.failed) {
        bytes = chek_memory_allocate(size + STORE__PAGE_SLACK);
    }
    if (bytes != NULL) {
        struct chek_writer out = chek_writer_over(bytes, size);
        head_add(to, first_row, run_count, &out);
        chek_writer_bytes(&out, runs.bytes, runs.size);
        chek_writer_bytes(&out, to->directory.bytes, to->directory.size);
        chek_writer_u64(&out, chek_checksum_seeded(bytes, sum_at, STORE__SEGMENT_MAGIC));
        chek_writer_bytes(&out, to->pages.bytes, to->pages.size);
        CHEK_ASSERT(!out.full && out.size == size);
        *ret = bytes;
        *ret_size = size;
    }
    buffer_finish(&runs);
    return bytes != NULL ? CHEK_OK : -ENOMEM;
}

/* ---- memory ---- */

static int
encoding_allocate(struct encoding *to)
{
    const struct store__set *set = to->set;
    bool ok = true;
    to->order = chek_memory_allocate(set->row_count * sizeof(uint32_t));
    ok = ok && to->order != NULL;
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        to->begin[table] = chek_memory_allocate((to->page_count + 1u) * sizeof(uint32_t));
        ok = ok && to->begin[table] != NULL;
        if (table != STORE__DOCUMENT) {
            to->rows[table] =
                chek_memory_allocate((size_t)set->child_count[table] * sizeof(uint32_t));
            ok = ok && to->rows[table] != NULL;
        }
        if (set->block_count[table] > to->array_count_max) {
            to->array_count_max = set->block_count[table];
        }
    }
    to->arrays = chek_memory_allocate(to->array_count_max * sizeof *to->arrays);
    return ok && to->arrays != NULL ? CHEK_OK : -ENOMEM;
}

static int
encoding_allocate_values(struct encoding *to)
{
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        for (uint32_t page = 0; page < to->page_count; page++) {
            uint32_t count = slice_of(to, table, page).count;
            to->value_count_max = count > to->value_count_max ? count : to->value_count_max;
        }
    }
    size_t size = to->value_count_max * sizeof(int64_t);
    to->values = chek_memory_allocate(size);
    to->others = chek_memory_allocate(size);
    to->owners = chek_memory_allocate(size);
    bool ok = to->values != NULL && to->others != NULL && to->owners != NULL;
    return ok ? CHEK_OK : -ENOMEM;
}

static void
encoding_finish(struct encoding *to)
{
    chek_memory_free(to->order, to->set->row_count * sizeof(uint32_t));
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        chek_memory_free(to->begin[table], (to->page_count + 1u) * sizeof(uint32_t));
        if (table != STORE__DOCUMENT) {
            chek_memory_free(to->rows[table],
                             (size_t)to->set->child_count[table] * sizeof(uint32_t));
        }
    }
    chek_memory_free(to->arrays, to->array_count_max * sizeof *to->arrays);
    chek_memory_free(to->values, to->value_count_max * sizeof(int64_t));
    chek_memory_free(to->others, to->value_count_max * sizeof(int64_t));
    chek_memory_free(to->owners, to->value_count_max * sizeof(int64_t));
    buffer_finish(&to->pages);
    buffer_finish(&to->directory);
    buffer_finish(&to->text);
}

static int
encoding_order(struct encoding *to)
{
    size_t size = to->set->row_count * sizeof(uint32_t);
    uint32_t *scratch = chek_memory_allocate(size);
    if (scratch == NULL) {
        return -ENOMEM;
    }
    order_make(to, scratch);
    chek_memory_free(scratch, size);
    documents_order(to);
    for (uint32_t table = STORE__DOCUMENT + 1; table < STORE__TABLE_COUNT; table++) {
        children_order(to, table);
    }
    return CHEK_OK;
}

int
store__segment_encode(const struct store__set *set, uint64_t first_row, uint8_t **ret,
                      size_t *ret_size)
{
    struct encoding to = {
        .set = set,
        .page_row_count = store__page_row_count(set->row_count),
    };
    to.page_count = (set->row_count - 1) / to.page_row_count + 1;
    int error = encoding_allocate(&to);
    if (error == CHEK_OK) {
        error = encoding_order(&to);
    }
    if (error == CHEK_OK) {
        error = encoding_allocate_values(&to);
    }
    if (error == CHEK_OK) {
        for (uint32_t column = 0; column < STORE__COLUMN_COUNT; column++) {
            column_add(&to, column);
        }
        error = segment_assemble(&to, first_row, ret, ret_size);
    }
    encoding_finish(&to);
    return error;
}
