/* SPDX-License-Identifier: MIT */
/*
 * hour_table.c - hour tables are checked once and read.
 *
 * The zone maps of registration, hour and shift say which pages a question needs; in a page the
 * cells of a registration are found by searching its first column.
 */
#include "engine/store/hour_table.h"

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/base/memory.h"

#define STORE__X(NAME, id) [STORE__HOUR_##NAME] = (id),
const uint16_t store__hour_column_ids[STORE__HOUR_COLUMN_COUNT] = {STORE__HOUR_COLUMNS(STORE__X)};
#undef STORE__X

/* ---- reading ---- */

static void
column_read(const struct chek_segment *segment, enum store__hour_column column, uint32_t page,
            uint32_t from, uint32_t count, int64_t *ret)
{
    store__page_decode(store__segment_hour_page(segment, column, page), from, count, ret);
}

void
store__hours_read(const struct chek_segment *segment, uint32_t page, uint32_t from, uint32_t count,
                  struct chek_addend *ret)
{
    int64_t values[STORE__HOUR_BATCH_COUNT];
    CHEK_ASSERT(count <= STORE__HOUR_BATCH_COUNT);
#define READ(NAME, field, type)                                          \
    column_read(segment, STORE__HOUR_##NAME, page, from, count, values); \
    for (uint32_t i = 0; i < count; i++) {                               \
        ret[i].field = (type)values[i];                                  \
    }
    READ(REGISTRATION, registration, uint32_t)
    READ(HOUR, time, int64_t)
    READ(SHIFT, shift, uint32_t)
    READ(BINDING, binding, uint16_t)
    READ(OPERATION, operation, uint8_t)
    READ(TICKETS, tickets, int64_t)
    READ(POSITIONS, positions, int64_t)
    READ(GROSS, gross, int64_t)
    READ(NET, net, int64_t)
    READ(CASH, cash, int64_t)
    READ(CARD, card, int64_t)
    READ(MOBILE, mobile, int64_t)
    READ(OTHER, other, int64_t)
    READ(TAX, tax, int64_t)
#undef READ
    for (uint32_t i = 0; i < count; i++) {
        struct chek_addend *cell = &ret[i];
        cell->time *= CHEK_CIVIL_HOUR_S;
        cell->gross = (int64_t)((uint64_t)cell->gross + (uint64_t)cell->net);
        cell->mobile =
            (int64_t)((uint64_t)cell->mobile +
                      store__hours_predict_mobile(cell->net, cell->cash, cell->card, cell->other));
    }
}

/* ---- checks ---- */

/* The key of a cell, and what is added up as a count. */
struct keys {
    int64_t registration[STORE__HOUR_BATCH_COUNT];
    int64_t hour[STORE__HOUR_BATCH_COUNT];
    int64_t shift[STORE__HOUR_BATCH_COUNT];
    int64_t binding[STORE__HOUR_BATCH_COUNT];
    int64_t operation[STORE__HOUR_BATCH_COUNT];
    int64_t tickets[STORE__HOUR_BATCH_COUNT];
};

static void
keys_read(const struct chek_segment *segment, uint32_t page, uint32_t from, uint32_t count,
          struct keys *ret)
{
    column_read(segment, STORE__HOUR_REGISTRATION, page, from, count, ret->registration);
    column_read(segment, STORE__HOUR_HOUR, page, from, count, ret->hour);
    column_read(segment, STORE__HOUR_SHIFT, page, from, count, ret->shift);
    column_read(segment, STORE__HOUR_BINDING, page, from, count, ret->binding);
    column_read(segment, STORE__HOUR_OPERATION, page, from, count, ret->operation);
    column_read(segment, STORE__HOUR_TICKETS, page, from, count, ret->tickets);
}

/* What a key can be, so that nothing that is added up by it leaves its place. */
static bool
key_is_valid(const struct keys *keys, uint32_t i)
{
    return keys->registration[i] >= 0 && keys->registration[i] <= UINT32_MAX &&
           keys->hour[i] >= 0 && keys->hour[i] <= UINT32_MAX / CHEK_CIVIL_HOUR_S &&
           keys->shift[i] >= 0 && keys->shift[i] <= UINT32_MAX && keys->binding[i] >= 0 &&
           keys->binding[i] <= UINT16_MAX && keys->operation[i] >= 0 &&
           keys->operation[i] <= UINT8_MAX;
}

/* The key before a cell, in the order of the table. */
struct key {
    int64_t parts[5];
};

static bool
keys_rise(struct key *before, const struct keys *keys, uint32_t i)
{
    struct key key = {{keys->registration[i], keys->hour[i], keys->shift[i], keys->binding[i],
                       keys->operation[i]}};
    unsigned part = 0;
    while (part < CHEK_COUNT(key.parts) && key.parts[part] == before->parts[part]) {
        part += 1;
    }
    bool rises = part == CHEK_COUNT(key.parts) || key.parts[part] > before->parts[part];
    *before = key;
    return rises;
}

static int
page_check(const struct chek_segment *segment, uint32_t page, uint32_t count, struct key *before,
           int64_t *tickets)
{
    for (uint32_t i = 0; i < STORE__HOUR_COLUMN_COUNT; i++) {
        const struct store__page *at = store__segment_hour_page(segment, i, page);
        int error = at->value_count == count ? store__page_check(at) : CHEK_E_CORRUPT;
        if (error != CHEK_OK) {
            return error;
        }
    }
    for (uint32_t from = 0; from < count; from += STORE__HOUR_BATCH_COUNT) {
        struct keys keys;
        uint32_t left = count - from;
        uint32_t batch = left < STORE__HOUR_BATCH_COUNT ? left : STORE__HOUR_BATCH_COUNT;
        keys_read(segment, page, from, batch, &keys);
        for (uint32_t i = 0; i < batch; i++) {
            if (!key_is_valid(&keys, i) || !keys_rise(before, &keys, i) || keys.tickets[i] <= 0 ||
                keys.tickets[i] > segment->row_count) {
                return CHEK_E_CORRUPT;
            }
            *tickets += keys.tickets[i];
        }
    }
    return CHEK_OK;
}

int64_t
store__hours_receipts(const struct chek_segment *segment)
{
    int64_t flags[STORE__HOUR_BATCH_COUNT];
    int64_t count = 0;
    for (uint32_t page = 0; page < segment->page_count; page++) {
        const struct store__page *in = store__segment_page(segment, STORE__DOCUMENT_FLAGS, page);
        uint32_t rows = segment->row_count - page * segment->page_row_count;
        rows = rows < segment->page_row_count ? rows : segment->page_row_count;
        count += in == NULL ? rows : 0;
        for (uint32_t from = 0; in != NULL && from < rows; from += STORE__HOUR_BATCH_COUNT) {
            uint32_t batch =
                rows - from < STORE__HOUR_BATCH_COUNT ? rows - from : STORE__HOUR_BATCH_COUNT;
            store__page_decode(in, from, batch, flags);
            for (uint32_t i = 0; i < batch; i++) {
                count += (flags[i] & STORE__FLAG_KIND) == CHEK_ROW_RECEIPT;
            }
        }
    }
    return count;
}

int
store__hours_check(const struct chek_segment *segment, int64_t *ret_tickets)
{
    struct key before = {{0}};
    int64_t tickets = 0;
    int error = CHEK_OK;
    for (uint32_t page = 0; page < segment->hour_page_count && error == CHEK_OK; page++) {
        uint32_t left = segment->hour_count - page * segment->page_row_count;
        uint32_t count = left < segment->page_row_count ? left : segment->page_row_count;
        error = page_check(segment, page, count, &before, &tickets);
    }
    *ret_tickets = tickets;
    return error;
}

/* ---- answering ---- */

struct summing {
    const struct chek_segment *segment;
    const struct store__hours_wish *wish;
    struct chek_addend *cells; /* STORE__HOUR_BATCH_COUNT */
    chek_addend_fn on_addend;
    void *context;
    bool stopped;
};

/* Give those of the cells from..to-1 of a page that are wanted; all are of wanted registrations. */
static void
range_sum(struct summing *sum, uint32_t page, uint32_t from, uint32_t to)
{
    const struct store__hours_wish *wish = sum->wish;
    const struct chek_scan_filter *filter = wish->filter;
    while (from < to && !sum->stopped) {
        uint32_t count = to - from < STORE__HOUR_BATCH_COUNT ? to - from : STORE__HOUR_BATCH_COUNT;
        store__hours_read(sum->segment, page, from, count, sum->cells);
        for (uint32_t i = 0; i < count && !sum->stopped; i++) {
            const struct chek_addend *cell = &sum->cells[i];
            int64_t hour = cell->time / CHEK_CIVIL_HOUR_S;
            if (hour >= wish->hour_first && hour <= wish->hour_last &&
                cell->shift >= filter->shift_min &&
                (filter->shift_max == 0 || cell->shift <= filter->shift_max)) {
                sum->stopped = !sum->on_addend(sum->context, cell);
            }
        }
        from += count;
    }
}

/* The first cell from..to-1 of a page whose value in a column is not less; they rise. */
static uint32_t
bound_find(const struct store__page *in, uint32_t from, uint32_t to, int64_t value)
{
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (store__page_value(in, middle) < value) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from;
}

/* Give the wanted cells of one registration: its hours rise, too. Returns where it ends. */
static uint32_t
registration_sum(struct summing *sum, uint32_t page, uint32_t from, uint32_t registration)
{
    const struct store__page *in =
        store__segment_hour_page(sum->segment, STORE__HOUR_REGISTRATION, page);
    const struct store__page *hours =
        store__segment_hour_page(sum->segment, STORE__HOUR_HOUR, page);
    uint32_t first = bound_find(in, from, in->value_count, registration);
    uint32_t end = bound_find(in, first, in->value_count, (int64_t)registration + 1);
    uint32_t begin = bound_find(hours, first, end, sum->wish->hour_first);
    uint32_t last = sum->wish->hour_last == INT64_MAX
                        ? end
                        : bound_find(hours, begin, end, sum->wish->hour_last + 1);
    range_sum(sum, page, begin, last);
    return end;
}

static void
page_sum(struct summing *sum, uint32_t page, uint32_t *next)
{
    const struct chek_scan_filter *filter = sum->wish->filter;
    const struct store__page *zone =
        store__segment_hour_page(sum->segment, STORE__HOUR_REGISTRATION, page);
    uint32_t at = 0;
    if (filter->registrations == NULL) {
        range_sum(sum, page, 0, zone->value_count);
        return;
    }
    while (*next < filter->registration_count && filter->registrations[*next] < zone->min) {
        *next += 1;
    }
    /* The last one may go on in the next page, so it stays next. */
    for (uint32_t i = *next;
         i < filter->registration_count && !sum->stopped && filter->registrations[i] <= zone->max;
         i++) {
        at = registration_sum(sum, page, at, filter->registrations[i]);
    }
}

static bool
zones_pass(const struct chek_segment *segment, const struct store__hours_wish *wish, uint32_t page)
{
    const struct store__page *hour = store__segment_hour_page(segment, STORE__HOUR_HOUR, page);
    const struct store__page *shift = store__segment_hour_page(segment, STORE__HOUR_SHIFT, page);
    const struct chek_scan_filter *filter = wish->filter;
    return hour->max >= wish->hour_first && hour->min <= wish->hour_last &&
           shift->max >= filter->shift_min &&
           (filter->shift_max == 0 || shift->min <= filter->shift_max);
}

int
store__hours_sum(const struct chek_segment *segment, const struct store__hours_wish *wish,
                 struct chek_cold *cold, struct chek_arena *arena, chek_addend_fn on_addend,
                 void *context, bool *stopped)
{
    uint32_t group = store__segment_hour_group(segment);
    size_t mark = chek_arena_mark(arena);
    struct summing sum = {
        .segment = segment,
        .wish = wish,
        .on_addend = on_addend,
        .context = context,
        .cells = chek_arena_take(arena, STORE__HOUR_BATCH_COUNT * sizeof(struct chek_addend))};
    uint32_t next = 0;
    if (sum.cells == NULL) {
        return CHEK_E_LIMIT;
    }
    bool is_used = false;
    int error = CHEK_OK;
    for (uint32_t page = 0; page < segment->hour_page_count && !sum.stopped; page++) {
        if (!zones_pass(segment, wish, page)) {
            continue;
        }
        error = is_used ? CHEK_OK : store__segment_use(segment, group, cold);
        if (error != CHEK_OK) {
            break;
        }
        is_used = true;
        page_sum(&sum, page, &next);
    }
    if (is_used) {
        store__segment_done(segment, group, cold);
    }
    chek_arena_rewind(arena, mark);
    *stopped = sum.stopped;
    return error;
}
