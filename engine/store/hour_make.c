/* SPDX-License-Identifier: MIT */
/*
 * hour_make.c - hour tables are made: from rows when they are sealed, from tables when segments are
 * merged.
 *
 * Both come registration by registration, and within one nearly in the order of time. So a cell is
 * looked for among the last ones only, and when a registration ends its cells are sorted if they
 * need it, and equal ones become one. Sums are checked: what would not fit goes on in a cell of its
 * own, and a table's order does not depend on how a sort treats equal keys, as it is stable.
 */
#include "engine/store/sealer.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/base/workspace.h"
#include "engine/store/scan.h"

#define ROWS_A_CELL 2 /* as a table begins */
#define LOOK_BACK 4   /* cells: operations of one hour */

/* ---- cells ---- */

static int
key_compare(const struct chek_addend *a, const struct chek_addend *b)
{
    int order = (a->registration > b->registration) - (a->registration < b->registration);
    order = order != 0 ? order : (a->time > b->time) - (a->time < b->time);
    order = order != 0 ? order : (a->shift > b->shift) - (a->shift < b->shift);
    order = order != 0 ? order : (a->binding > b->binding) - (a->binding < b->binding);
    return order != 0 ? order : (a->operation > b->operation) - (a->operation < b->operation);
}

/* Add the values of a cell to another of the same key; false when one of them does not fit. */
static bool
cell_add(struct chek_addend *to, const struct chek_addend *from)
{
    struct chek_addend sum = *to;
    bool overflow = false;
#define ADD(name) overflow |= __builtin_add_overflow(sum.name, from->name, &sum.name);
    CHEK_ADDEND_VALUES(ADD)
#undef ADD
    if (!overflow) {
        *to = sum;
    }
    return !overflow;
}

static int
hours_grow(struct store__hours *hours, uint32_t capacity)
{
    if (capacity <= hours->capacity) {
        return CHEK_OK;
    }
    struct chek_addend *grown = chek_workspace_grow(hours->cells, hours->capacity * sizeof *grown,
                                                    capacity * sizeof *grown);
    if (grown == NULL) {
        return -ENOMEM;
    }
    hours->cells = grown;
    hours->capacity = capacity;
    return CHEK_OK;
}

static int
hours_push(struct store__hours *hours, const struct chek_addend *cell)
{
    uint32_t first =
        hours->count > hours->group + LOOK_BACK ? hours->count - LOOK_BACK : hours->group;
    for (uint32_t i = hours->count; i > first; i--) {
        struct chek_addend *known = &hours->cells[i - 1];
        if (key_compare(known, cell) == 0 && cell_add(known, cell)) {
            return CHEK_OK;
        }
    }
    if (hours->count == hours->capacity) {
        int error = hours_grow(hours, 2 * hours->capacity + 1);
        if (error != CHEK_OK) {
            return error;
        }
    }
    hours->cells[hours->count++] = *cell;
    return CHEK_OK;
}

void
store__hours_finish(struct store__hours *hours)
{
    chek_workspace_give(hours->cells, hours->capacity * sizeof *hours->cells);
    chek_workspace_give(hours->sorting, hours->sorting_capacity * sizeof *hours->sorting);
}

/* ---- order ---- */

static bool
is_sorted(const struct chek_addend *cells, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        if (key_compare(&cells[i - 1], &cells[i]) > 0) {
            return false;
        }
    }
    return true;
}

/* Merge cells from..middle-1 and middle..to-1 of `in` into `out`; of equal ones the former first. */
static void
halves_merge(const struct chek_addend *in, uint32_t from, uint32_t middle, uint32_t to,
             struct chek_addend *out)
{
    uint32_t left = from;
    uint32_t right = middle;
    for (uint32_t i = from; i < to; i++) {
        bool takes_left = left < middle && (right >= to || key_compare(&in[left], &in[right]) <= 0);
        out[i] = in[takes_left ? left++ : right++];
    }
}

static int
sorting_ensure(struct store__hours *hours, uint32_t count)
{
    if (count <= hours->sorting_capacity) {
        return CHEK_OK;
    }
    chek_workspace_give(hours->sorting, hours->sorting_capacity * sizeof *hours->sorting);
    hours->sorting = chek_workspace_take(2 * (size_t)count * sizeof *hours->sorting);
    hours->sorting_capacity = hours->sorting != NULL ? 2 * count : 0;
    return hours->sorting != NULL ? CHEK_OK : -ENOMEM;
}

static int
cells_sort(struct store__hours *hours, struct chek_addend *cells, uint32_t count)
{
    int error = sorting_ensure(hours, count);
    struct chek_addend *in = cells;
    struct chek_addend *out = hours->sorting;
    if (error != CHEK_OK) {
        return error;
    }
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t from = 0; from < count; from += 2 * width) {
            uint32_t middle = from + width < count ? from + width : count;
            uint32_t to = from + 2 * width < count ? from + 2 * width : count;
            halves_merge(in, from, middle, to, out);
        }
        struct chek_addend *merged = out;
        out = in;
        in = merged;
    }
    if (in != cells) {
        memcpy(cells, in, count * sizeof *cells);
    }
    return CHEK_OK;
}

/* The newest registration has all its cells: put them in order, and make one of equal ones. */
static int
group_end(struct store__hours *hours)
{
    struct chek_addend *cells = hours->cells + hours->group;
    uint32_t count = hours->count - hours->group;
    if (!is_sorted(cells, count)) {
        int error = cells_sort(hours, cells, count);
        if (error != CHEK_OK) {
            return error;
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || key_compare(&cells[kept - 1], &cells[i]) != 0 ||
            !cell_add(&cells[kept - 1], &cells[i])) {
            cells[kept++] = cells[i];
        }
    }
    hours->count = hours->group + kept;
    hours->group = hours->count;
    return CHEK_OK;
}

/* Add a cell; cells come registration by registration. */
static int
hours_add(struct store__hours *hours, const struct chek_addend *cell)
{
    bool ends = hours->count > hours->group &&
                hours->cells[hours->group].registration != cell->registration;
    int error = ends ? group_end(hours) : CHEK_OK;
    return error == CHEK_OK ? hours_push(hours, cell) : error;
}

/* ---- from rows ---- */

int
store__hours_begin(struct store__hours *hours, uint32_t row_count)
{
    hours->count = 0;
    hours->group = 0;
    return hours_grow(hours, row_count / ROWS_A_CELL + 1);
}

int
store__hours_row(struct store__hours *hours, const struct store__row *row)
{
    if ((row->flags & STORE__FLAG_KIND) != CHEK_ROW_RECEIPT) {
        return CHEK_OK; /* what is no receipt has no tickets */
    }
    struct chek_scan_row told = store__scan_row_open(row);
    struct chek_addend cell = chek_addend_of_row(&told);
    cell.time -= cell.time % CHEK_CIVIL_HOUR_S;
    return hours_add(hours, &cell);
}

int
store__hours_end(struct store__hours *hours)
{
    return group_end(hours);
}

/* ---- from tables ---- */

/* A table that is read from its beginning on. */
struct hour_reader {
    const struct chek_segment *segment;
    uint32_t next;      /* cell to be decoded next */
    uint32_t at, count; /* of `cells` */
    struct chek_addend cells[STORE__HOUR_BATCH_COUNT];
};

/* The cell that is next; NULL at the end. */
static const struct chek_addend *
reader_peek(struct hour_reader *reader)
{
    const struct chek_segment *segment = reader->segment;
    if (reader->at < reader->count) {
        return &reader->cells[reader->at];
    }
    if (reader->next == segment->hour_count) {
        return NULL;
    }
    uint32_t page = reader->next / segment->page_row_count;
    uint32_t from = reader->next % segment->page_row_count;
    uint32_t left = store__segment_hour_page(segment, STORE__HOUR_HOUR, page)->value_count - from;
    reader->count = left < STORE__HOUR_BATCH_COUNT ? left : STORE__HOUR_BATCH_COUNT;
    reader->at = 0;
    reader->next += reader->count;
    store__hours_read(segment, page, from, reader->count, reader->cells);
    return reader->cells;
}

/* Give the cells of the lowest registration of all, table by table. False: there are none. */
static bool
registration_add(struct hour_reader *readers, uint32_t count, struct store__hours *to,
                 int *ret_error)
{
    uint32_t lowest = 0;
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct chek_addend *cell = reader_peek(&readers[i]);
        if (cell != NULL && (!found || cell->registration < lowest)) {
            lowest = cell->registration;
            found = true;
        }
    }
    for (uint32_t i = 0; found && i < count; i++) {
        const struct chek_addend *cell = reader_peek(&readers[i]);
        while (cell != NULL && cell->registration == lowest && *ret_error == CHEK_OK) {
            *ret_error = hours_add(to, cell);
            readers[i].at += 1;
            cell = reader_peek(&readers[i]);
        }
    }
    return found && *ret_error == CHEK_OK;
}

int
store__hours_of_segments(struct chek_segment *const *segments, uint32_t count,
                         struct store__hours *ret)
{
    struct hour_reader *readers = chek_workspace_take(count * sizeof *readers);
    uint32_t cell_count = 0;
    *ret = (struct store__hours){0};
    if (readers == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        readers[i].segment = segments[i];
        cell_count += segments[i]->hour_count;
    }
    int error = hours_grow(ret, cell_count + 1);
    while (error == CHEK_OK && registration_add(readers, count, ret, &error)) {
    }
    chek_workspace_give(readers, count * sizeof *readers);
    return error == CHEK_OK ? group_end(ret) : error;
}

/* ---- from the rows of a segment ---- */

struct summing {
    struct store__hours *hours;
    int error;
};

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    struct summing *sum = context;
    if (row->row.kind == CHEK_ROW_RECEIPT) {
        struct chek_addend cell = chek_addend_of_row(row);
        cell.time -= cell.time % CHEK_CIVIL_HOUR_S;
        sum->error = hours_add(sum->hours, &cell);
    }
    return sum->error == CHEK_OK;
}

int
store__hours_of_rows(const struct chek_store *store, const struct chek_segment *segment,
                     bool with_replaced, struct store__hours *ret)
{
    struct chek_scan_filter filter = {.with_replaced = with_replaced};
    struct summing sum = {.hours = ret};
    struct chek_arena arena;
    uint8_t *memory = chek_workspace_take(CHEK_SCAN_ARENA_SIZE);
    *ret = (struct store__hours){0};
    if (memory == NULL) {
        return -ENOMEM;
    }
    chek_arena_init_over(&arena, memory, CHEK_SCAN_ARENA_SIZE);
    struct store__scan scan = {.store = store,
                               .filter = &filter,
                               .arena = &arena,
                               .on_row = on_row,
                               .context = &sum,
                               .cold = store->cold};
    int error = store__scan_segment(&scan, segment);
    chek_workspace_give(memory, CHEK_SCAN_ARENA_SIZE);
    error = error == CHEK_OK ? sum.error : error;
    return error == CHEK_OK ? group_end(ret) : error;
}

static bool
cell_equals(const struct chek_addend *a, const struct chek_addend *b)
{
    bool differs = key_compare(a, b) != 0;
#define DIFFERS(name) differs |= a->name != b->name;
    CHEK_ADDEND_VALUES(DIFFERS)
#undef DIFFERS
    return !differs;
}

/* Whether a table, whose group is there, has these cells. */
static bool
table_equals(const struct chek_segment *segment, const struct store__hours *hours)
{
    struct hour_reader reader = {.segment = segment};
    uint32_t at = 0;
    for (const struct chek_addend *cell = reader_peek(&reader); cell != NULL;
         cell = reader_peek(&reader)) {
        if (at == hours->count || !cell_equals(cell, &hours->cells[at])) {
            return false;
        }
        reader.at += 1;
        at += 1;
    }
    return at == hours->count;
}

int
store__hours_prove(const struct chek_store *store, const struct chek_segment *segment)
{
    struct store__hours hours;
    uint32_t group = store__segment_hour_group(segment);
    int error = store__hours_of_rows(store, segment, true, &hours);
    if (error == CHEK_OK && segment->hour_count == 0) {
        error = hours.count == 0 ? CHEK_OK : CHEK_E_CONFLICT;
    } else if (error == CHEK_OK) {
        error = store__segment_use(segment, group, store->cold);
        if (error == CHEK_OK) {
            error = table_equals(segment, &hours) ? CHEK_OK : CHEK_E_CONFLICT;
            store__segment_done(segment, group, store->cold);
        }
    }
    store__hours_finish(&hours);
    return error;
}

/* ---- columns ---- */

/* What a column holds of a cell; GROSS and MOBILE less what they are predicted to be. */
static int64_t
cell_value(const struct chek_addend *cell, enum store__hour_column column)
{
    switch (column) {
    case STORE__HOUR_REGISTRATION:
        return cell->registration;
    case STORE__HOUR_HOUR:
        return cell->time / CHEK_CIVIL_HOUR_S;
    case STORE__HOUR_SHIFT:
        return cell->shift;
    case STORE__HOUR_BINDING:
        return cell->binding;
    case STORE__HOUR_OPERATION:
        return cell->operation;
    case STORE__HOUR_TICKETS:
        return cell->tickets;
    case STORE__HOUR_POSITIONS:
        return cell->positions;
    case STORE__HOUR_GROSS:
        return (int64_t)((uint64_t)cell->gross - (uint64_t)cell->net);
    case STORE__HOUR_NET:
        return cell->net;
    case STORE__HOUR_CASH:
        return cell->cash;
    case STORE__HOUR_CARD:
        return cell->card;
    case STORE__HOUR_MOBILE:
        return (int64_t)((uint64_t)cell->mobile - store__hours_predict_mobile(cell->net, cell->cash,
                                                                              cell->card,
                                                                              cell->other));
    case STORE__HOUR_OTHER:
        return cell->other;
    default:
        CHEK_ASSERT(column == STORE__HOUR_TAX);
        return cell->tax;
    }
}

void
store__hours_write(struct store__segment_writer *writer, const struct store__hours *hours,
                   uint32_t page_row_count)
{
    int64_t values[CHEK_CHUNK_RECEIPT_COUNT];
    for (uint32_t column = 0; hours->count != 0 && column < STORE__HOUR_COLUMN_COUNT; column++) {
        uint16_t id = store__hour_column_ids[column];
        store__segment_write_column(writer, id, STORE__REQUIRED, STORE__INTEGER);
        for (uint32_t at = 0; at < hours->count; at += page_row_count) {
            uint32_t left = hours->count - at;
            uint32_t count = left < page_row_count ? left : page_row_count;
            for (uint32_t i = 0; i < count; i++) {
                values[i] = cell_value(&hours->cells[at + i], column);
            }
            store__segment_write_integers(writer, id, at / page_row_count, values, count);
        }
    }
}
