/* SPDX-License-Identifier: MIT */
/*
 * scan.c - rows that a filter lets through, one after the other.
 *
 * Sealed rows are decoded a batch of rows at a time, one column behind the other, and only in
 * ranges that the run directory and the zone maps leave over: time and shift first, and the
 * columns of a batch only when a row of it passes. Open rows are read where they are.
 */
#include "engine/store/scan.h"

#include "engine/base/assertion.h"

#define BATCH_ROW_COUNT 256

/* ---- the filter ---- */

static bool
time_passes(const struct chek_scan_filter *filter, int64_t time)
{
    return time >= filter->time_min && (filter->time_max == 0 || time <= filter->time_max);
}

static bool
shift_passes(const struct chek_scan_filter *filter, uint32_t shift)
{
    return shift >= filter->shift_min && (filter->shift_max == 0 || shift <= filter->shift_max);
}

static bool
warnings_pass(const struct chek_scan_filter *filter, uint32_t warnings)
{
    return filter->warnings == 0 || (warnings & filter->warnings) != 0;
}

static bool
registration_passes(const struct chek_scan_filter *filter, uint32_t registration, uint32_t ordinal)
{
    if (filter->registrations == NULL) {
        return true;
    }
    if (filter->registration_count == 1) {
        return filter->registrations[0] == registration && ordinal >= filter->ordinal_min;
    }
    uint32_t low = 0;
    uint32_t high = filter->registration_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (filter->registrations[middle] < registration) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < filter->registration_count && filter->registrations[low] == registration;
}

/* Cash is what stays in the drawer: what was handed back is not part of it. */
static void
payments_settle(struct chek_scan_row *row, int64_t paid, int64_t change)
{
    if (paid > row->total) {
        row->payments[CHEK_PAYMENT_KIND_CASH] -= change;
    }
}

/* ---- open rows ---- */

static void
open_payments(const struct store__row *in, struct chek_scan_row *row)
{
    if ((in->flags & STORE__FLAG_PAYMENTS) != 0) {
        memcpy(row->payments, in->bytes + store__payments_at(in->document_size, in->cell_size),
               STORE__PAYMENTS_SIZE);
    } else if (in->payment_count != 0) {
        row->payments[in->payment_kind] = in->paid;
    }
}

struct chek_scan_row
store__scan_row_open(const struct store__row *in)
{
    struct chek_scan_row row = {
        .row = store__row_told(in, false),
        .time = in->time,
        .operation = in->operation,
        .offline = (in->flags & STORE__FLAG_OFFLINE) != 0,
        .position_count = in->position_count,
        .gross = in->gross,
        .total = in->total,
        .tax = in->tax,
        .document = in->number,
        .sign = in->sign,
        .autonomous = in->autonomous,
    };
    row.row.cell = (struct chek_bytes_view){0};
    open_payments(in, &row);
    return row;
}

static bool
open_row_passes(const struct store__scan *scan, const struct store__row *row)
{
    return time_passes(scan->filter, row->time) && shift_passes(scan->filter, row->shift) &&
           warnings_pass(scan->filter, row->warnings) &&
           registration_passes(scan->filter, row->registration, row->ordinal);
}

static void
open_row_show(struct store__scan *scan, const struct store__set *set, uint32_t index)
{
    bool replaced = store__is_replaced(scan->store, set->replaced, index);
    if (!replaced || scan->filter->with_replaced) {
        struct chek_scan_row row = store__scan_row_open(store__set_row(set, index));
        row.row.replaced = replaced;
        scan->stopped = !scan->on_row(scan->context, &row);
    }
}

/*
 * Rows of one registration hang together from the newest on. Those that pass are noted on the way,
 * and shown in the order they came. False: there is no room for notes.
 */
static bool
open_chain(struct store__scan *scan, const struct store__set *set)
{
    size_t mark = chek_arena_mark(scan->arena);
    uint32_t *passing = chek_arena_take(scan->arena, set->row_count * sizeof *passing);
    uint32_t passing_count = 0;
    if (passing == NULL) {
        return false;
    }
    uint32_t number = store__set_newest(set, scan->filter->registrations[0]);
    for (; number != 0; number = store__set_previous(set, number - 1)) {
        const struct store__row *row = store__set_row(set, number - 1);
        if (row->ordinal < scan->filter->ordinal_min) {
            break;
        }
        scan->store->effort->rows += 1;
        if (open_row_passes(scan, row)) {
            passing[passing_count++] = number - 1;
        }
    }
    while (passing_count != 0 && !scan->stopped) {
        passing_count -= 1;
        open_row_show(scan, set, passing[passing_count]);
    }
    chek_arena_rewind(scan->arena, mark);
    return true;
}

static void
open_set(struct store__scan *scan, const struct store__set *set)
{
    scan->store->effort->rows += set->row_count;
    for (uint32_t i = 0; i < set->row_count && !scan->stopped; i++) {
        if (open_row_passes(scan, store__set_row(set, i))) {
            open_row_show(scan, set, i);
        }
    }
}

void
store__scan_open(struct store__scan *scan)
{
    bool is_of_one = scan->filter->registrations != NULL && scan->filter->registration_count == 1;
    for (const struct store__set *set = scan->store->oldest; set != NULL; set = set->next) {
        if (scan->stopped) {
            return;
        }
        if (!is_of_one || !open_chain(scan, set)) {
            open_set(scan, set);
        }
    }
}

/* ---- sealed rows ---- */

/* The columns of a batch, in this order. */
#define BATCH_COLUMNS(X)      \
    X(FLAGS, flags)           \
    X(COMPLETES, completes)   \
    X(WARNINGS, warnings)     \
    X(BINDING, binding)       \
    X(RECEIVED, received)     \
    X(OPERATION, operation)   \
    X(NUMBER, number)         \
    X(SIGN, sign)             \
    X(AUTONOMOUS, autonomous) \
    X(TOTAL, total)           \
    X(CHANGE, change)         \
    X(GROSS, gross)           \
    X(POSITIONS, positions)   \
    X(LINE_COUNT, line_count) \
    X(TAX_SUM, tax_sum)

#define X(NAME, field) int64_t field[BATCH_ROW_COUNT];
struct batch {
    int64_t time[BATCH_ROW_COUNT];
    int64_t shift[BATCH_ROW_COUNT];
    int64_t payment_count[BATCH_ROW_COUNT];
    bool passes[BATCH_ROW_COUNT];
    BATCH_COLUMNS(X)
    int64_t payment_kind[BATCH_ROW_COUNT * CHEK_PAYMENT_COUNT_MAX];
    int64_t payment_sum[BATCH_ROW_COUNT * CHEK_PAYMENT_COUNT_MAX];
};
#undef X

_Static_assert(sizeof(struct batch) + 16 <= CHEK_SCAN_ARENA_SIZE, "as the header says");

/* A range of rows of one page, and the columns of it that are there. */
struct part {
    const struct chek_segment *segment;
    uint32_t page;
    uint32_t from, count; /* in the page */
    uint32_t row;         /* of `from`, in the segment */
    uint32_t payment;     /* first payment of `from`, in the page */
    uint32_t payment_count;
};

static void
part_decode(const struct part *part, enum store__column column, int64_t *ret)
{
    const struct store__page *page = store__segment_page(part->segment, column, part->page);
    if (page == NULL) {
        memset(ret, 0, part->count * sizeof *ret);
        return;
    }
    store__page_decode(page, part->from, part->count, ret);
}

/* Add to a column what it was stored less (predict.h); nothing to an absent one. */
static bool
part_is_predicted(const struct part *part, enum store__column column)
{
    return store__segment_page(part->segment, column, part->page) != NULL;
}

static void
batch_payments(const struct part *part, struct batch *batch)
{
    const struct store__page *kinds =
        store__segment_page(part->segment, STORE__PAYMENT_KIND, part->page);
    const struct store__page *sums =
        store__segment_page(part->segment, STORE__PAYMENT_SUM, part->page);
    uint32_t count = part->payment_count;
    CHEK_ASSERT(count <= BATCH_ROW_COUNT * CHEK_PAYMENT_COUNT_MAX);
    memset(batch->payment_kind, 0, count * sizeof *batch->payment_kind);
    memset(batch->payment_sum, 0, count * sizeof *batch->payment_sum);
    if (kinds != NULL) {
        store__page_decode(kinds, part->payment, count, batch->payment_kind);
    }
    if (sums == NULL) {
        return;
    }
    store__page_decode(sums, part->payment, count, batch->payment_sum);
    int64_t *sum = batch->payment_sum;
    for (uint32_t i = 0; i < part->count; i++) {
        uint64_t rest = (uint64_t)batch->total[i];
        for (int64_t k = 0; k < batch->payment_count[i]; k++, sum++) {
            uint64_t value = (uint64_t)*sum + rest;
            rest -= value;
            *sum = (int64_t)value;
        }
    }
}

static void
batch_decode(const struct part *part, struct batch *batch)
{
#define X(NAME, field) part_decode(part, STORE__DOCUMENT_##NAME, batch->field);
    BATCH_COLUMNS(X)
#undef X
    if (part_is_predicted(part, STORE__DOCUMENT_GROSS)) {
        for (uint32_t i = 0; i < part->count; i++) {
            batch->gross[i] = (int64_t)((uint64_t)batch->gross[i] + (uint64_t)batch->total[i]);
        }
    }
    if (part_is_predicted(part, STORE__DOCUMENT_POSITIONS)) {
        for (uint32_t i = 0; i < part->count; i++) {
            uint64_t lines = (uint64_t)batch->line_count[i];
            batch->positions[i] = (int64_t)((uint64_t)batch->positions[i] + lines);
        }
    }
    batch_payments(part, batch);
}

/* Say which rows pass; false when none does. */
static bool
batch_filter(const struct store__scan *scan, const struct part *part, struct batch *batch)
{
    const struct chek_segment *segment = part->segment;
    bool looks = store__replaced_count(&segment->replaced_count) != 0 &&
                 (scan->only_replaced || !scan->filter->with_replaced);
    bool any = false;
    part_decode(part, STORE__DOCUMENT_TIME, batch->time);
    part_decode(part, STORE__DOCUMENT_SHIFT, batch->shift);
    if (scan->filter->warnings != 0) {
        part_decode(part, STORE__DOCUMENT_WARNINGS, batch->warnings);
    }
    for (uint32_t i = 0; i < part->count; i++) {
        bool passes = time_passes(scan->filter, batch->time[i]) &&
                      shift_passes(scan->filter, (uint32_t)batch->shift[i]) &&
                      (scan->filter->warnings == 0 ||
                       warnings_pass(scan->filter, (uint32_t)batch->warnings[i])) &&
                      !(looks && store__is_replaced(scan->store, segment->replaced,
                                                    part->row + i) != scan->only_replaced);
        batch->passes[i] = passes;
        any |= passes;
    }
    return any;
}

static void
batch_row(struct store__scan *scan, const struct part *part, const struct batch *batch, uint32_t i,
          const struct store__run *run, const int64_t *kinds, const int64_t *sums)
{
    const struct chek_segment *segment = part->segment;
    int64_t flags = batch->flags[i];
    uint32_t ordinal = run->ordinal + (part->row + i - run->row);
    bool numbered = part_is_predicted(part, STORE__DOCUMENT_NUMBER);
    struct chek_scan_row row = {
        .row = {.registration = run->registration,
                .ordinal = ordinal,
                .shift = (uint32_t)batch->shift[i],
                .completes = (uint32_t)batch->completes[i],
                .warnings = (uint32_t)batch->warnings[i],
                .binding = (uint16_t)batch->binding[i],
                .kind = (uint8_t)(flags & STORE__FLAG_KIND),
                .late = (flags & STORE__FLAG_LATE) != 0,
                .replaced = store__is_replaced(scan->store, segment->replaced, part->row + i),
                .received_us = (uint64_t)batch->received[i]},
        .time = batch->time[i],
        .operation = (uint8_t)batch->operation[i],
        .offline = (flags & STORE__FLAG_OFFLINE) != 0,
        .position_count = (uint32_t)batch->positions[i],
        .gross = batch->gross[i],
        .total = batch->total[i],
        .tax = batch->tax_sum[i],
        .document = numbered ? (uint32_t)batch->number[i] + ordinal : 0,
        .sign = (uint64_t)batch->sign[i],
        .autonomous = (uint64_t)batch->autonomous[i],
    };
    int64_t paid = 0;
    for (int64_t k = 0; k < batch->payment_count[i]; k++) {
        row.payments[kinds[k]] += sums[k];
        paid += sums[k];
    }
    if (row.row.kind == CHEK_ROW_RECEIPT) {
        payments_settle(&row, paid, batch->change[i]);
    }
    scan->stopped = !scan->on_row(scan->context, &row);
}

static void
batch_show(struct store__scan *scan, const struct part *part, const struct batch *batch)
{
    const int64_t *kinds = batch->payment_kind;
    const int64_t *sums = batch->payment_sum;
    uint32_t index = store__segment_run_of(part->segment, part->row);
    struct store__run run = store__segment_run(part->segment, index);
    for (uint32_t i = 0; i < part->count && !scan->stopped; i++) {
        if (part->row + i == run.row_end) {
            index += 1;
            run = store__segment_run(part->segment, index);
        }
        if (batch->passes[i]) {
            batch_row(scan, part, batch, i, &run, kinds, sums);
        }
        kinds += batch->payment_count[i];
        sums += batch->payment_count[i];
    }
}

/* Whether a value of the page can be in min..max (0: no bound above). */
static bool
zone_passes(const struct chek_segment *segment, enum store__column column, uint32_t page,
            int64_t min, int64_t max)
{
    const struct store__page *zone = store__segment_page(segment, column, page);
    int64_t zone_min = zone != NULL ? zone->min : 0;
    int64_t zone_max = zone != NULL ? zone->max : 0;
    return zone_max >= min && (max == 0 || zone_min <= max);
}

/* Whether any of the rows from..to-1 was replaced. */
static bool
any_replaced(const struct chek_segment *segment, uint32_t from, uint32_t to)
{
    for (uint32_t word = from / 64; word * 64 < to; word++) {
        uint64_t bits = __atomic_load_n(&segment->replaced[word], __ATOMIC_RELAXED);
        bits &= word == from / 64 ? UINT64_MAX << (from % 64) : UINT64_MAX;
        bits &= to - word * 64 < 64 ? (UINT64_C(1) << (to - word * 64)) - 1 : UINT64_MAX;
        if (bits != 0) {
            return true;
        }
    }
    return false;
}

/* Rows from..to-1 of a segment, all of one page, which is there. */
static int
part_scan(struct store__scan *scan, const struct chek_segment *segment, uint32_t from, uint32_t to)
{
    uint32_t page = from / segment->page_row_count;
    size_t mark = chek_arena_mark(scan->arena);
    struct batch *batch = chek_arena_take(scan->arena, sizeof *batch);
    if (batch == NULL) {
        return CHEK_E_LIMIT;
    }
    struct part part = {.segment = segment, .page = page};
    const struct store__page *counts =
        store__segment_page(segment, STORE__DOCUMENT_PAYMENT_COUNT, page);
    uint32_t first = from % segment->page_row_count;
    part.payment = counts != NULL ? (uint32_t)store__page_sum_before(counts, first) : 0;
    while (from < to && !scan->stopped) {
        part.row = from;
        part.from = from % segment->page_row_count;
        part.count = to - from < BATCH_ROW_COUNT ? to - from : BATCH_ROW_COUNT;
        scan->store->effort->rows += part.count;
        part_decode(&part, STORE__DOCUMENT_PAYMENT_COUNT, batch->payment_count);
        part.payment_count = 0;
        for (uint32_t i = 0; i < part.count; i++) {
            part.payment_count += (uint32_t)batch->payment_count[i];
        }
        if (batch_filter(scan, &part, batch)) {
            batch_decode(&part, batch);
            batch_show(scan, &part, batch);
        }
        part.payment += part.payment_count;
        from += part.count;
    }
    chek_arena_rewind(scan->arena, mark);
    return CHEK_OK;
}

/* The same, when the zone maps do not leave the page out. What is wished for is passed over: it is
 * wished for together with what comes behind it. */
static int
scan_part(struct store__scan *scan, const struct chek_segment *segment, uint32_t from, uint32_t to)
{
    const struct chek_scan_filter *filter = scan->filter;
    uint32_t page = from / segment->page_row_count;
    if (!zone_passes(segment, STORE__DOCUMENT_TIME, page, filter->time_min, filter->time_max) ||
        !zone_passes(segment, STORE__DOCUMENT_SHIFT, page, filter->shift_min, filter->shift_max) ||
        (filter->warnings != 0 && !zone_passes(segment, STORE__DOCUMENT_WARNINGS, page, 1, 0)) ||
        (scan->only_replaced && !any_replaced(segment, from, to))) {
        return CHEK_OK;
    }
    int error = store__segment_use(segment, page, scan->cold);
    if (error != CHEK_OK) {
        return error == CHEK_E_COLD && !scan->cold->is_more ? CHEK_OK : error;
    }
    error = part_scan(scan, segment, from, to);
    store__segment_done(segment, page, scan->cold);
    return error;
}

static int
scan_range(struct store__scan *scan, const struct chek_segment *segment, uint32_t from, uint32_t to)
{
    int error = CHEK_OK;
    while (from < to && !scan->stopped && error == CHEK_OK) {
        uint32_t page_end = (from / segment->page_row_count + 1) * segment->page_row_count;
        uint32_t end = to < page_end ? to : page_end;
        error = scan_part(scan, segment, from, end);
        from = end;
    }
    return error;
}

int
store__scan_segment(struct store__scan *scan, const struct chek_segment *segment)
{
    const struct chek_scan_filter *filter = scan->filter;
    if (filter->registrations == NULL) {
        return scan_range(scan, segment, 0, segment->row_count);
    }
    int error = CHEK_OK;
    for (uint32_t i = 0; i < filter->registration_count && error == CHEK_OK; i++) {
        uint32_t index = store__segment_run_find(segment, filter->registrations[i]);
        if (index == segment->run_count) {
            break;
        }
        struct store__run run = store__segment_run(segment, index);
        uint32_t skipped = 0;
        if (run.registration != filter->registrations[i]) {
            continue;
        }
        if (filter->registration_count == 1 && filter->ordinal_min > run.ordinal) {
            skipped = filter->ordinal_min - run.ordinal;
        }
        if (skipped < run.row_end - run.row) {
            error = scan_range(scan, segment, run.row + skipped, run.row_end);
        }
    }
    return error;
}

int
chek_store_scan(const struct chek_store *store, const struct chek_scan_filter *filter,
                struct chek_arena *arena, chek_scan_fn on_row, void *context)
{
    struct store__scan scan = {.store = store,
                               .filter = filter,
                               .arena = arena,
                               .on_row = on_row,
                               .context = context,
                               .cold = store->cold};
    int error = CHEK_OK;
    for (uint32_t i = 0; i < store->segment_count && !scan.stopped && error == CHEK_OK; i++) {
        error = store__scan_segment(&scan, store->segments[i]);
    }
    if (error == CHEK_OK) {
        store__scan_open(&scan);
    }
    return error == CHEK_OK ? store__cold_result(store->cold) : error;
}
