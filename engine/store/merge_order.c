/* SPDX-License-Identifier: MIT */
/* merge_order.c - rows are counted through, per source at its runs, then as a whole at its pages. */
#include "engine/store/merge_order.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/workspace.h"

/* ---- counting children ---- */

/* The columns that say how many children a row has. */
#define COUNT_COLUMNS(X)                  \
    X(lines, DOCUMENT_LINE_COUNT)         \
    X(payments, DOCUMENT_PAYMENT_COUNT)   \
    X(ticket_taxes, DOCUMENT_TAX_COUNT)   \
    X(flags, DOCUMENT_FLAGS)              \
    X(modifier_taxes, MODIFIER_TAX_COUNT) \
    X(line_taxes, LINE_TAX_COUNT)         \
    X(line_markings, LINE_MARKING_COUNT)

#define X(field, column) STORE__##column,
static const enum store__column count_columns[] = {COUNT_COLUMNS(X)};
#undef X

#define COUNT_COLUMN_COUNT (sizeof count_columns / sizeof count_columns[0])

/* The values of a column one behind the other, or the one that all of them are. */
struct count {
    int64_t *values; /* `size` of them; NULL: they are all `constant` */
    int64_t constant;
    uint32_t size;
};

struct counts {
#define X(field, column) struct count field;
    COUNT_COLUMNS(X)
#undef X
};

static inline uint32_t
count_at(const struct count *count, uint32_t index)
{
    return (uint32_t)(count->values != NULL ? count->values[index] : count->constant);
}

static struct count *
counts_field(struct counts *counts, size_t index)
{
#define X(field, column) &counts->field,
    struct count *fields[] = {COUNT_COLUMNS(X)};
#undef X
    return fields[index];
}

static void
counts_finish(struct counts *counts)
{
    for (size_t i = 0; i < COUNT_COLUMN_COUNT; i++) {
        struct count *count = counts_field(counts, i);
        chek_workspace_give(count->values, count->size * sizeof(int64_t));
    }
}

static int
count_allocate(struct count *count, uint32_t size)
{
    count->values = chek_workspace_take(size * sizeof(int64_t));
    count->size = count->values != NULL ? size : 0;
    return count->values != NULL ? CHEK_OK : -ENOMEM;
}

/* How many rows of each table the rows that were passed have. */
struct walk {
    const struct counts *counts;
    uint32_t at[STORE__TABLE_COUNT];
};

static void
modifiers_step(struct walk *walk, uint32_t flags)
{
    uint32_t count = (flags & STORE__FLAG_DISCOUNT) != 0;
    count += (flags & STORE__FLAG_MARKUP) != 0;
    for (; count > 0; count--) {
        uint32_t index = walk->at[STORE__MODIFIER]++;
        walk->at[STORE__TAX] += count_at(&walk->counts->modifier_taxes, index);
    }
    walk->at[STORE__PARENT] += (flags & STORE__FLAG_PARENT) != 0;
}

/* The sum of a count over `count` rows from `index` on. */
static inline uint32_t
count_sum(const struct count *of, uint32_t index, uint32_t count)
{
    if (of->values == NULL) {
        return (uint32_t)of->constant * count;
    }
    uint32_t sum = 0;
    for (uint32_t i = index; i < index + count; i++) {
        sum += (uint32_t)of->values[i];
    }
    return sum;
}

static void
walk_step(struct walk *walk)
{
    const struct counts *counts = walk->counts;
    uint32_t row = walk->at[STORE__DOCUMENT]++;
    uint32_t line = walk->at[STORE__LINE];
    uint32_t line_count = count_at(&counts->lines, row);
    walk->at[STORE__LINE] += line_count;
    walk->at[STORE__PAYMENT] += count_at(&counts->payments, row);
    walk->at[STORE__TAX] += count_at(&counts->ticket_taxes, row);
    walk->at[STORE__TAX] += count_sum(&counts->line_taxes, line, line_count);
    walk->at[STORE__MARKING] += count_sum(&counts->line_markings, line, line_count);
    modifiers_step(walk, count_at(&counts->flags, row));
}

/* ---- one source ---- */

static uint32_t
table_row_count(const struct chek_segment *segment, uint32_t table)
{
    if (table == STORE__DOCUMENT) {
        return segment->row_count;
    }
    /* The pages of any column of the table say how many there are. */
    for (uint32_t i = store__table_begin[table]; i < store__table_begin[table + 1]; i++) {
        uint32_t count = 0;
        for (uint32_t page = 0; segment->columns[i] != 0 && page < segment->page_count; page++) {
            count += store__segment_page(segment, i, page)->value_count;
        }
        if (segment->columns[i] != 0) {
            return count;
        }
    }
    return 0;
}

void
store__merge_decode(const struct store__merge_source *source, enum store__column column,
                    int64_t *ret)
{
    const struct chek_segment *segment = source->segment;
    uint32_t table = store__columns[column].table;
    if (segment->columns[column] == 0) {
        memset(ret, 0, source->begin[table][segment->run_count] * sizeof *ret);
        return;
    }
    for (uint32_t i = 0; i < segment->page_count; i++) {
        const struct store__page *page = store__segment_page(segment, column, i);
        store__page_decode(page, 0, page->value_count, ret);
        ret += page->value_count;
    }
}

bool
store__merge_constant(const struct store__merge_source *sources, uint32_t count,
                      enum store__column column, int64_t *ret)
{
    uint32_t table = store__columns[column].table;
    int64_t constant = 0;
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        const struct chek_segment *segment = sources[i].segment;
        if (sources[i].begin[table][segment->run_count] == 0) {
            continue;
        }
        for (uint32_t k = 0; k < segment->page_count; k++) {
            const struct store__page *page = store__segment_page(segment, column, k);
            int64_t value = page != NULL ? page->min : 0;
            if (page != NULL && page->value_count == 0) {
                continue;
            }
            if ((page != NULL && page->codec != STORE__CONSTANT) || (found && value != constant)) {
                return false;
            }
            found = true;
            constant = value;
        }
    }
    *ret = constant;
    return true;
}

/* Bytes of both places of each run, table by table. */
static size_t
source_size(const struct store__merge_source *source)
{
    return 2 * STORE__TABLE_COUNT * (source->segment->run_count + 1u) * sizeof(uint32_t);
}

static int
source_allocate(struct store__merge_source *source)
{
    uint32_t *places = chek_workspace_take(source_size(source));
    if (places == NULL) {
        return -ENOMEM;
    }
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        source->begin[table] = places;
        source->to[table] = places + source->segment->run_count + 1;
        places = source->to[table] + source->segment->run_count + 1;
    }
    return CHEK_OK;
}

/* Find where the rows of each run begin. */
static int
source_init(struct store__merge_source *source)
{
    const struct chek_segment *segment = source->segment;
    struct counts counts = {0};
    int error = source_allocate(source);
    for (uint32_t table = 0; error == CHEK_OK && table < STORE__TABLE_COUNT; table++) {
        source->begin[table][segment->run_count] = table_row_count(segment, table);
    }
    for (size_t i = 0; error == CHEK_OK && i < COUNT_COLUMN_COUNT; i++) {
        uint32_t table = store__columns[count_columns[i]].table;
        struct count *count = counts_field(&counts, i);
        if (!store__merge_constant(source, 1, count_columns[i], &count->constant)) {
            error = count_allocate(count, source->begin[table][segment->run_count]);
        }
        if (count->values != NULL) {
            store__merge_decode(source, count_columns[i], count->values);
        }
    }
    struct walk walk = {.counts = &counts};
    for (uint32_t run = 0; error == CHEK_OK && run < segment->run_count; run++) {
        for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
            source->begin[table][run] = walk.at[table];
        }
        while (walk.at[STORE__DOCUMENT] < store__segment_run(segment, run).row_end) {
            walk_step(&walk);
        }
    }
    for (uint32_t table = 0; error == CHEK_OK && table < STORE__TABLE_COUNT; table++) {
        /* Also of tables all of whose columns are absent, so that only counting knows of them. */
        source->begin[table][segment->run_count] = walk.at[table];
    }
    counts_finish(&counts);
    return error;
}

/* ---- all of them ---- */

/* The source whose next run has the lowest registration, the first of them; UINT32_MAX: none. */
static uint32_t
lowest_find(const struct store__merge_order *order, const uint32_t *next)
{
    uint32_t lowest = UINT32_MAX;
    uint32_t registration = UINT32_MAX;
    for (uint32_t i = 0; i < order->source_count; i++) {
        const struct chek_segment *segment = order->sources[i].segment;
        if (next[i] < segment->run_count) {
            uint32_t own = store__segment_run(segment, next[i]).registration;
            if (lowest == UINT32_MAX || own < registration) {
                lowest = i;
                registration = own;
            }
        }
    }
    return lowest;
}

static void
run_place(struct store__merge_order *order, uint32_t index, uint32_t run)
{
    struct store__merge_source *source = &order->sources[index];
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        source->to[table][run] = order->row_count[table];
        order->row_count[table] += source->begin[table][run + 1] - source->begin[table][run];
    }
}

/* Runs of a registration stand in the order of their segments, which is that of their ordinals. */
static int
runs_order(struct store__merge_order *order, struct store__segment_writer *writer)
{
    uint32_t next[CHEK_MERGE_COUNT] = {0};
    uint32_t registration = 0;
    uint64_t ordinal_next = 0;
    bool is_first = true;
    for (uint32_t i = lowest_find(order, next); i != UINT32_MAX; i = lowest_find(order, next)) {
        struct store__run run = store__segment_run(order->sources[i].segment, next[i]);
        if (is_first || run.registration != registration) {
            store__segment_write_run(writer, run.registration, run.ordinal,
                                     order->row_count[STORE__DOCUMENT]);
        } else if (run.ordinal != ordinal_next) {
            return CHEK_E_CORRUPT;
        }
        run_place(order, i, next[i]);
        is_first = false;
        registration = run.registration;
        ordinal_next = (uint64_t)run.ordinal + (run.row_end - run.row);
        next[i] += 1;
    }
    return CHEK_OK;
}

void
store__merge_place(const struct store__merge_source *source, uint32_t table, const int64_t *values,
                   int64_t *ret)
{
    const uint32_t *begin = source->begin[table];
    const uint32_t *to = source->to[table];
    for (uint32_t run = 0; run < source->segment->run_count; run++) {
        memcpy(ret + to[run], values + begin[run], (begin[run + 1] - begin[run]) * sizeof *ret);
    }
}

void
store__merge_gather(struct store__merge_order *order, enum store__column column)
{
    uint32_t table = store__columns[column].table;
    for (uint32_t i = 0; i < order->source_count; i++) {
        store__merge_decode(&order->sources[i], column, order->scratch);
        store__merge_place(&order->sources[i], table, order->scratch, order->values);
    }
}

/* ---- pages ---- */

static int
values_allocate(struct store__merge_order *order)
{
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        if (order->row_count[table] > order->value_count_max) {
            order->value_count_max = order->row_count[table];
        }
        for (uint32_t i = 0; i < order->source_count; i++) {
            const struct store__merge_source *source = &order->sources[i];
            uint32_t count = source->begin[table][source->segment->run_count];
            order->scratch_count_max =
                count > order->scratch_count_max ? count : order->scratch_count_max;
        }
    }
    order->values = chek_workspace_take(order->value_count_max * sizeof(int64_t));
    order->scratch = chek_workspace_take(order->scratch_count_max * sizeof(int64_t));
    return order->values != NULL && order->scratch != NULL ? CHEK_OK : -ENOMEM;
}

/* Find where each table's rows of each page begin. */
static int
pages_find(struct store__merge_order *order)
{
    struct counts counts = {0};
    int error = CHEK_OK;
    for (size_t i = 0; error == CHEK_OK && i < COUNT_COLUMN_COUNT; i++) {
        struct count *count = counts_field(&counts, i);
        if (store__merge_constant(order->sources, order->source_count, count_columns[i],
                                  &count->constant)) {
            continue;
        }
        error = count_allocate(count, order->row_count[store__columns[count_columns[i]].table]);
        if (error == CHEK_OK) {
            store__merge_gather(order, count_columns[i]);
            memcpy(count->values, order->values, count->size * sizeof(int64_t));
        }
    }
    struct walk walk = {.counts = &counts};
    for (uint32_t page = 0; error == CHEK_OK && page <= order->page_count; page++) {
        for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
            order->page_begin[table][page] = walk.at[table];
        }
        for (uint32_t i = 0; i < order->page_row_count &&
                             walk.at[STORE__DOCUMENT] < order->row_count[STORE__DOCUMENT];
             i++) {
            walk_step(&walk);
        }
    }
    counts_finish(&counts);
    return error;
}

static int
pages_init(struct store__merge_order *order)
{
    order->page_row_count = store__page_row_count(order->row_count[STORE__DOCUMENT]);
    order->page_count = (order->row_count[STORE__DOCUMENT] - 1) / order->page_row_count + 1;
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        order->page_begin[table] = chek_workspace_take((order->page_count + 1u) * sizeof(uint32_t));
        if (order->page_begin[table] == NULL) {
            return -ENOMEM;
        }
    }
    int error = values_allocate(order);
    return error == CHEK_OK ? pages_find(order) : error;
}

int
store__merge_order_init(struct store__merge_order *order, struct chek_segment *const *segments,
                        uint32_t count, struct store__segment_writer *writer)
{
    CHEK_ASSERT(count > 1 && count <= CHEK_MERGE_COUNT);
    *order = (struct store__merge_order){.source_count = count};
    order->sources = chek_workspace_take(count * sizeof *order->sources);
    if (order->sources == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < count; i++) {
        order->sources[i].segment = segments[i];
    }
    int error = CHEK_OK;
    for (uint32_t i = 0; i < count && error == CHEK_OK; i++) {
        error = source_init(&order->sources[i]);
    }
    if (error == CHEK_OK) {
        error = runs_order(order, writer);
    }
    return error == CHEK_OK ? pages_init(order) : error;
}

void
store__merge_order_finish(struct store__merge_order *order)
{
    for (uint32_t i = 0; order->sources != NULL && i < order->source_count; i++) {
        const struct store__merge_source *source = &order->sources[i];
        chek_workspace_give(source->begin[0], source_size(source));
    }
    chek_workspace_give(order->sources, order->source_count * sizeof *order->sources);
    for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
        chek_workspace_give(order->page_begin[table], (order->page_count + 1u) * sizeof(uint32_t));
    }
    chek_workspace_give(order->values, order->value_count_max * sizeof(int64_t));
    chek_workspace_give(order->scratch, order->scratch_count_max * sizeof(int64_t));
}
