/* SPDX-License-Identifier: MIT */
/* gathering.c - sorting, gathering and predicting; any thread, while the set does not change. */
#include "engine/store/gathering.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/store/predict.h"

static const uint8_t untouched[STORE__BLOCK_ROW_COUNT * 8];

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
order_make(struct store__gathering *to, uint32_t *scratch)
{
    uint32_t count = to->set->row_count;
    for (uint32_t i = 0; i < count; i++) {
        to->rows[STORE__DOCUMENT][i] = i;
    }
    for (uint32_t shift = 0; shift < 32; shift += 16) {
        sort_by_byte(to->set->heads, shift, to->rows[STORE__DOCUMENT], count, scratch);
        sort_by_byte(to->set->heads, shift + 8, scratch, count, to->rows[STORE__DOCUMENT]);
    }
}

/* Rows of a table that belong to a document's row: they end where the next document's begin. */
static uint32_t
child_end(const struct store__set *set, uint32_t row, uint32_t table)
{
    return row + 1 < set->row_count ? set->heads[row + 1].first[table] : set->child_count[table];
}

static void
children_order(struct store__gathering *to, uint32_t table)
{
    const struct store__set *set = to->set;
    uint32_t count = 0;
    for (uint32_t i = 0; i < set->row_count; i++) {
        if (i % to->page_row_count == 0) {
            to->begin[table][i / to->page_row_count] = count;
        }
        uint32_t row = to->rows[STORE__DOCUMENT][i];
        uint32_t end = child_end(set, row, table);
        for (uint32_t child = set->heads[row].first[table]; child < end; child++) {
            to->rows[table][count++] = child;
        }
    }
    CHEK_ASSERT(count == set->child_count[table]);
    to->begin[table][to->page_count] = count;
}

static void
documents_order(struct store__gathering *to)
{
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
slice_of(const struct store__gathering *to, uint32_t table, uint32_t page)
{
    uint32_t begin = to->begin[table][page];
    return (struct slice){.rows = to->rows[table] + begin,
                          .count = to->begin[table][page + 1] - begin};
}

bool
store__gathering_has_column(const struct store__gathering *gathering, enum store__column column)
{
    const struct store__column_info *info = &store__columns[column];
    const struct store__set *set = gathering->set;
    for (uint32_t i = 0; i < set->block_count[info->table]; i++) {
        if ((chek_load_u64(set->blocks[info->table][i]) >> info->bit & 1) != 0) {
            return true;
        }
    }
    return false;
}

static void
arrays_of(const struct store__gathering *to, const struct store__column_info *info)
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
gather(const struct store__gathering *to, enum store__column column, struct slice slice,
       int64_t *ret)
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
predict_payments(struct store__gathering *to, uint32_t page)
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
predict_lines(struct store__gathering *to, struct slice slice)
{
    gather(to, STORE__LINE_PRICE, slice, to->others);
    gather(to, STORE__LINE_QUANTITY, slice, to->owners);
    for (uint32_t i = 0; i < slice.count; i++) {
        subtract(&to->values[i],
                 store__predict_line_sum((uint64_t)to->others[i], (uint64_t)to->owners[i]));
    }
}

/* Write `count` times who owns the next taxes. */
static inline int64_t *
tax_owner(int64_t *owner, int64_t sum, uint64_t count)
{
    for (; count > 0; count--) {
        *owner++ = sum;
    }
    return owner;
}

/* Taxes of a ticket and of its modifiers stand before those of its lines. */
static int64_t *
ticket_tax_owners(const struct store__set *set, uint32_t row, int64_t *owner)
{
    owner = tax_owner(owner, (int64_t)store__set_value(set, STORE__DOCUMENT_TOTAL, row),
                      store__set_value(set, STORE__DOCUMENT_TAX_COUNT, row));
    uint32_t end = child_end(set, row, STORE__MODIFIER);
    for (uint32_t at = set->heads[row].first[STORE__MODIFIER]; at < end; at++) {
        owner = tax_owner(owner, (int64_t)store__set_value(set, STORE__MODIFIER_SUM, at),
                          store__set_value(set, STORE__MODIFIER_TAX_COUNT, at));
    }
    return owner;
}

/* Write the sum of the owner of each tax of a page: ticket, modifier or line. */
static void
tax_owners(struct store__gathering *to, uint32_t page)
{
    const struct store__set *set = to->set;
    struct slice documents = slice_of(to, STORE__DOCUMENT, page);
    bool of_tickets = store__gathering_has_column(to, STORE__DOCUMENT_TAX_COUNT) ||
                      store__gathering_has_column(to, STORE__MODIFIER_TAX_COUNT);
    int64_t *owner = to->owners;
    for (uint32_t i = 0; i < documents.count; i++) {
        uint32_t row = documents.rows[i];
        if (of_tickets) {
            owner = ticket_tax_owners(set, row, owner);
        }
        uint32_t end = child_end(set, row, STORE__LINE);
        for (uint32_t at = set->heads[row].first[STORE__LINE]; at < end; at++) {
            owner = tax_owner(owner, (int64_t)store__set_value(set, STORE__LINE_SUM, at),
                              store__set_value(set, STORE__LINE_TAX_COUNT, at));
        }
    }
    CHEK_ASSERT((size_t)(owner - to->owners) == slice_of(to, STORE__TAX, page).count);
}

static void
predict_taxes(struct store__gathering *to, uint32_t page)
{
    struct slice slice = slice_of(to, STORE__TAX, page);
    bool uneven = store__gathering_has_column(to, STORE__TAX_ON_TOP) ||
                  store__gathering_has_column(to, STORE__TAX_TURNOVER);
    tax_owners(to, page);
    gather(to, STORE__TAX_RATE, slice, to->others);
    for (uint32_t i = 0; i < slice.count; i++) {
        uint32_t row = slice.rows[i];
        bool on_top = uneven && store__set_value(to->set, STORE__TAX_ON_TOP, row) != 0;
        uint64_t turnover = uneven ? store__set_value(to->set, STORE__TAX_TURNOVER, row) : 0;
        subtract(&to->values[i], store__predict_tax((uint64_t)to->others[i], on_top, turnover,
                                                    (uint64_t)to->owners[i]));
    }
}

static void
predict(struct store__gathering *to, enum store__column column, uint32_t page)
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

/* ---- memory ---- */

static int
gathering_allocate(struct store__gathering *to)
{
    const struct store__set *set = to->set;
    bool ok = true;
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        to->begin[table] = chek_memory_allocate((to->page_count + 1u) * sizeof(uint32_t));
        to->rows[table] = chek_memory_allocate((size_t)set->child_count[table] * sizeof(uint32_t));
        ok = ok && to->begin[table] != NULL && to->rows[table] != NULL;
        if (set->block_count[table] > to->array_count_max) {
            to->array_count_max = set->block_count[table];
        }
    }
    to->arrays = chek_memory_allocate(to->array_count_max * sizeof *to->arrays);
    return ok && to->arrays != NULL ? CHEK_OK : -ENOMEM;
}

static int
gathering_allocate_values(struct store__gathering *to)
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

void
store__gathering_finish(struct store__gathering *to)
{
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        chek_memory_free(to->begin[table], (to->page_count + 1u) * sizeof(uint32_t));
        chek_memory_free(to->rows[table], (size_t)to->set->child_count[table] * sizeof(uint32_t));
    }
    chek_memory_free(to->arrays, to->array_count_max * sizeof *to->arrays);
    chek_memory_free(to->values, to->value_count_max * sizeof(int64_t));
    chek_memory_free(to->others, to->value_count_max * sizeof(int64_t));
    chek_memory_free(to->owners, to->value_count_max * sizeof(int64_t));
}

static int
gathering_order(struct store__gathering *to)
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
store__gathering_init(struct store__gathering *gathering, const struct store__set *set)
{
    *gathering = (struct store__gathering){
        .set = set,
        .page_row_count = store__page_row_count(set->row_count),
    };
    gathering->page_count = (set->row_count - 1) / gathering->page_row_count + 1;
    int error = gathering_allocate(gathering);
    if (error == CHEK_OK) {
        error = gathering_order(gathering);
    }
    return error == CHEK_OK ? gathering_allocate_values(gathering) : error;
}

void
store__gathering_take(struct store__gathering *gathering, enum store__column column, uint32_t page)
{
    const struct store__column_info *info = &store__columns[column];
    gather(gathering, column, slice_of(gathering, info->table, page), gathering->values);
    if (info->kind == STORE__INTEGER) {
        predict(gathering, column, page);
    }
}
