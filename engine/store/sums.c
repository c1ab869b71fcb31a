/* SPDX-License-Identifier: MIT */
/*
 * sums.c - a question for sums is divided: whole hours of sealed rows are for the hour tables,
 * everything else for scans.
 */
#include "engine/store/sums.h"

#include "engine/base/civil.h"
#include "engine/store/hour_table.h"
#include "engine/store/scan.h"

struct chek_addend
chek_addend_of_row(const struct chek_scan_row *row)
{
    struct chek_addend sums = {
        .time = row->time,
        .registration = row->row.registration,
        .shift = row->row.shift,
        .binding = row->row.binding,
        .operation = row->operation,
        .tickets = 1,
        .positions = row->position_count,
        .gross = row->gross,
        .net = row->total,
        .cash = row->payments[CHEK_PAYMENT_KIND_CASH],
        .card = row->payments[CHEK_PAYMENT_KIND_CARD],
        .mobile = row->payments[CHEK_PAYMENT_KIND_MOBILE],
        .tax = row->tax,
    };
    for (uint32_t i = 0; i < CHEK_PAYMENT_KIND_COUNT; i++) {
        bool is_other = i != CHEK_PAYMENT_KIND_CASH && i != CHEK_PAYMENT_KIND_CARD &&
                        i != CHEK_PAYMENT_KIND_MOBILE;
        sums.other += is_other ? row->payments[i] : 0;
    }
    return sums;
}

struct sum {
    struct store__scan scan; /* of rows; `context` is the sum */
    chek_addend_fn on_addend;
    void *context;
    bool takes_off;  /* what is scanned was summed before */
    bool is_kept;    /* of the segment that is scanned the rows say nothing */
    bool is_removed; /* one that would be summed was removed */
};

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    struct sum *sum = context;
    if (row->row.kind != CHEK_ROW_RECEIPT) {
        return true;
    }
    if (sum->is_kept) {
        sum->is_removed = true;
        return false;
    }
    struct chek_addend addend = chek_addend_of_row(row);
    if (sum->takes_off) {
#define NEGATE(name) addend.name = -addend.name;
        CHEK_ADDEND_VALUES(NEGATE)
#undef NEGATE
    }
    return sum->on_addend(sum->context, &addend);
}

/* Scan the rows of a segment whose time is min..max (0: no bound above). */
static int
rows_sum(struct sum *sum, const struct chek_segment *segment, int64_t time_min, int64_t time_max,
         bool takes_off)
{
    const struct chek_scan_filter *whole = sum->scan.filter;
    struct chek_scan_filter filter = *whole;
    filter.time_min = time_min;
    filter.time_max = time_max;
    sum->takes_off = takes_off;
    sum->is_kept = segment->is_kept;
    sum->scan.filter = &filter;
    sum->scan.only_replaced = takes_off;
    int error = store__scan_segment(&sum->scan, segment);
    sum->scan.filter = whole;
    sum->scan.only_replaced = false;
    sum->takes_off = false;
    sum->is_kept = false;
    return error == CHEK_OK && sum->is_removed ? CHEK_E_REMOVED : error;
}

/* The hours that are whole within the filter's time; none when first > last. */
static struct store__hours_wish
wish_of(const struct chek_scan_filter *filter, uint64_t *cell_count)
{
    struct store__hours_wish wish = {
        .filter = filter, .hour_last = INT64_MAX, .cell_count = cell_count};
    if (filter->time_min > 0) {
        wish.hour_first = filter->time_min / CHEK_CIVIL_HOUR_S +
                          (filter->time_min % CHEK_CIVIL_HOUR_S != 0 ? 1 : 0);
    }
    if (filter->time_max != 0 && filter->time_max <= UINT32_MAX) { /* later is no document */
        bool is_whole = filter->time_max % CHEK_CIVIL_HOUR_S == CHEK_CIVIL_HOUR_S - 1;
        wish.hour_last = filter->time_max / CHEK_CIVIL_HOUR_S - (is_whole ? 0 : 1);
    }
    return wish;
}

/* Whole hours of a segment: its table, less the rows that were replaced since. */
static int
hours_sum(struct sum *sum, const struct chek_segment *segment, const struct store__hours_wish *wish)
{
    int error = store__hours_sum(segment, wish, sum->scan.cold, sum->scan.arena, sum->on_addend,
                                 sum->context, &sum->scan.stopped);
    if (error == CHEK_E_COLD && !sum->scan.cold->is_more) {
        error = CHEK_OK; /* wished for together with the others */
    }
    if (error != CHEK_OK || sum->scan.stopped || wish->filter->with_replaced || segment->is_kept ||
        store__replaced_count(&segment->replaced_count) == 0) {
        return error;
    }
    int64_t time_max =
        wish->hour_last == INT64_MAX ? 0 : (wish->hour_last + 1) * CHEK_CIVIL_HOUR_S - 1;
    return rows_sum(sum, segment, wish->hour_first * CHEK_CIVIL_HOUR_S, time_max, true);
}

static int
segment_sum(struct sum *sum, const struct chek_segment *segment,
            const struct store__hours_wish *wish)
{
    const struct chek_scan_filter *filter = wish->filter;
    if (wish->hour_first > wish->hour_last || filter->ordinal_min != 0) {
        return rows_sum(sum, segment, filter->time_min, filter->time_max, false);
    }
    int64_t begin = wish->hour_first * CHEK_CIVIL_HOUR_S;
    int error = CHEK_OK;
    if (filter->time_min > 0 && filter->time_min < begin) {
        error = rows_sum(sum, segment, filter->time_min, begin - 1, false);
    }
    if (error == CHEK_OK && !sum->scan.stopped) {
        error = hours_sum(sum, segment, wish);
    }
    if (error == CHEK_OK && !sum->scan.stopped && wish->hour_last != INT64_MAX) {
        int64_t end = (wish->hour_last + 1) * CHEK_CIVIL_HOUR_S;
        if (filter->time_max >= end) {
            error = rows_sum(sum, segment, end, filter->time_max, false);
        }
    }
    return error;
}

int
chek_store_sum(const struct chek_store *store, const struct chek_scan_filter *filter,
               struct chek_arena *arena, chek_addend_fn on_addend, void *context)
{
    struct sum sum = {.on_addend = on_addend, .context = context};
    struct store__hours_wish wish = wish_of(filter, &store->effort->rows);
    int error = CHEK_OK;
    sum.scan = (struct store__scan){.store = store,
                                    .filter = filter,
                                    .arena = arena,
                                    .on_row = on_row,
                                    .context = &sum,
                                    .cold = store->cold};
    if (filter->time_min > UINT32_MAX) {
        return CHEK_OK; /* no document is so late, and its hour would be beyond any number */
    }
    for (uint32_t i = 0; i < store->segment_count && !sum.scan.stopped && error == CHEK_OK; i++) {
        error = segment_sum(&sum, store->segments[i], &wish);
    }
    if (error == CHEK_OK && !sum.scan.stopped) {
        store__scan_open(&sum.scan);
    }
    return error == CHEK_OK ? store__cold_result(store->cold) : error;
}
