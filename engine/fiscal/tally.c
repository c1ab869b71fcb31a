/* SPDX-License-Identifier: MIT */
/* tally.c - sums in an arena. */
#include "engine/fiscal/tally.h"

#include "engine/fiscal/shift_cell.h"

struct fiscal__tally *
fiscal__tally_make(struct chek_arena *arena)
{
    struct fiscal__tally *tally = chek_arena_take(arena, sizeof *tally);
    if (tally == NULL) {
        return NULL;
    }
    *tally = (struct fiscal__tally){0};
    for (unsigned set = 0; set < FISCAL__ROW_SET_COUNT; set++) {
        uint32_t max = fiscal__row_count_max((enum fiscal__row_set)set);
        tally->sets[set].rows = chek_arena_take(arena, max * sizeof tally->sets[set].rows[0]);
        if (tally->sets[set].rows == NULL) {
            return NULL;
        }
    }
    return tally;
}

static struct chek_bytes_view
tally_row_key(const struct fiscal__tally_row *row)
{
    return row->sums.key_size <= FISCAL__ROW_KEY_INLINE_MAX
               ? chek_bytes_view_of(row->sums.key, row->sums.key_size)
               : row->text;
}

static void
other_add(struct fiscal__tally_rows *rows, uint8_t operation, const struct fiscal__addend *addend)
{
    rows->has_other[operation] = true;
    rows->others[operation].operation = operation;
    fiscal__row_add(&rows->others[operation], addend);
}

static void
tally_on_row(void *context, enum fiscal__row_set set, uint8_t operation, struct chek_bytes_view key,
             const struct fiscal__addend *addend)
{
    struct fiscal__tally *tally = context;
    struct fiscal__tally_rows *to = &tally->sets[set];
    for (uint32_t i = 0; i < to->count; i++) {
        struct fiscal__tally_row *row = &to->rows[i];
        if (row->sums.operation == operation && chek_bytes_view_equal(tally_row_key(row), key)) {
            fiscal__row_add(&row->sums, addend);
            return;
        }
    }
    if (to->count == fiscal__row_count_max(set)) {
        other_add(to, operation, addend);
        return;
    }
    struct fiscal__tally_row *made = &to->rows[to->count++];
    *made = (struct fiscal__tally_row){
        .text = key,
        .sums = {.operation = operation, .key_size = (uint8_t)key.size},
    };
    if (key.size <= FISCAL__ROW_KEY_INLINE_MAX) {
        memcpy(made->sums.key, key.bytes, key.size);
    }
    fiscal__row_add(&made->sums, addend);
}

void
fiscal__tally_add(struct fiscal__tally *tally, const struct chek_document *document, int sign)
{
    if (document->movement != NULL) {
        fiscal__movement_add(&tally->movements[document->movement->direction], document->movement,
                             sign);
    }
    if (document->receipt != NULL) {
        fiscal__operation_add(&tally->operations[document->receipt->operation], document->receipt,
                              sign);
        fiscal__receipt_rows(document->receipt, sign,
                             &(struct fiscal__row_sink){tally, tally_on_row});
    }
}

/* ---- sorting and merging ---------------------------------------------------------------------- */

static bool
row_is_before(const struct fiscal__tally_row *a, const struct fiscal__tally_row *b)
{
    struct chek_bytes_view left = tally_row_key(a);
    struct chek_bytes_view right = tally_row_key(b);
    size_t size = left.size < right.size ? left.size : right.size;
    int order = size != 0 ? memcmp(left.bytes, right.bytes, size) : 0;
    if (order != 0) {
        return order < 0;
    }
    if (left.size != right.size) {
        return left.size < right.size;
    }
    return a->sums.operation < b->sums.operation;
}

/* Shell's sort: a few hundred rows at most, no second buffer, no recursion. */
static void
rows_sort(struct fiscal__tally_rows *rows)
{
    static const uint32_t gaps[] = {132, 57, 23, 10, 4, 1};
    for (unsigned g = 0; g < CHEK_COUNT(gaps); g++) {
        for (uint32_t i = gaps[g]; i < rows->count; i++) {
            struct fiscal__tally_row row = rows->rows[i];
            uint32_t at = i;
            while (at >= gaps[g] && row_is_before(&row, &rows->rows[at - gaps[g]])) {
                rows->rows[at] = rows->rows[at - gaps[g]];
                at -= gaps[g];
            }
            rows->rows[at] = row;
        }
    }
}

static void
rows_merge(struct fiscal__tally *to, enum fiscal__row_set set, struct fiscal__tally_rows *from)
{
    rows_sort(from);
    for (uint32_t i = 0; i < from->count; i++) {
        const struct fiscal__tally_row *row = &from->rows[i];
        struct fiscal__addend addend = fiscal__row_sums(&row->sums);
        tally_on_row(to, set, row->sums.operation, tally_row_key(row), &addend);
    }
    for (uint8_t i = 0; i < CHEK_OPERATION_COUNT; i++) {
        if (from->has_other[i]) {
            struct fiscal__addend addend = fiscal__row_sums(&from->others[i]);
            other_add(&to->sets[set], i, &addend);
        }
    }
}

void
fiscal__tally_merge(struct fiscal__tally *to, struct fiscal__tally *from)
{
    for (unsigned i = 0; i < CHEK_OPERATION_COUNT; i++) {
        fiscal__operation_merge(&to->operations[i], &from->operations[i]);
    }
    for (unsigned i = 0; i < CHEK_DIRECTION_COUNT; i++) {
        to->movements[i].count += from->movements[i].count;
        to->movements[i].offline += from->movements[i].offline;
        to->movements[i].sum += from->movements[i].sum;
    }
    for (unsigned set = 0; set < FISCAL__ROW_SET_COUNT; set++) {
        rows_merge(to, (enum fiscal__row_set)set, &from->sets[set]);
    }
}

/* ---- cells ------------------------------------------------------------------------------------ */

static void
rows_load(const struct chek_page_heap *heap, const struct fiscal__cell *cell,
          enum fiscal__row_set set, struct fiscal__tally_rows *to)
{
    uint32_t bucket_count;
    const chek_page_ref *buckets = fiscal__cell_buckets(cell, set, &bucket_count);
    for (uint32_t i = 0; i < bucket_count; i++) {
        for (chek_page_ref ref = buckets[i]; ref != 0;) {
            const struct fiscal__row *row = chek_page_heap_read(heap, ref);
            if (row->other != 0) {
                struct fiscal__addend addend = fiscal__row_sums(row);
                other_add(to, row->operation, &addend);
            } else {
                CHEK_ASSERT(to->count < fiscal__row_count_max(set));
                to->rows[to->count++] =
                    (struct fiscal__tally_row){fiscal__row_key(heap, row), *row};
            }
            ref = row->next;
        }
    }
}

static struct fiscal__tally *
cell_load(const struct chek_page_heap *heap, const struct fiscal__cell *cell,
          struct chek_arena *arena)
{
    struct fiscal__tally *tally = fiscal__tally_make(arena);
    if (tally == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < CHEK_OPERATION_COUNT; i++) {
        if (cell->operations[i] != 0) {
            tally->operations[i] =
                *(const struct fiscal__operation *)chek_page_heap_read(heap, cell->operations[i]);
        }
    }
    memcpy(tally->movements, cell->movements, sizeof tally->movements);
    for (unsigned set = 0; set < FISCAL__ROW_SET_COUNT; set++) {
        rows_load(heap, cell, (enum fiscal__row_set)set, &tally->sets[set]);
    }
    tally->binding = cell->binding;
    return tally;
}

int
fiscal__tally_cells(const struct chek_page_heap *heap, chek_page_ref first,
                    struct chek_arena *arena, struct fiscal__tally **ret)
{
    struct fiscal__tally *sum = NULL;
    for (chek_page_ref ref = first; ref != 0;) {
        const struct fiscal__cell *cell = chek_page_heap_read(heap, ref);
        size_t mark = chek_arena_mark(arena);
        struct fiscal__tally *tally = cell_load(heap, cell, arena);
        if (tally == NULL) {
            return CHEK_E_LIMIT;
        }
        if (sum == NULL) {
            sum = tally;
        } else {
            fiscal__tally_merge(sum, tally);
            chek_arena_rewind(arena, mark);
        }
        ref = cell->next;
    }
    sum = sum != NULL ? sum : fiscal__tally_make(arena);
    if (sum == NULL) {
        return CHEK_E_LIMIT;
    }
    *ret = sum;
    return CHEK_OK;
}

/* ---- the lists of a report -------------------------------------------------------------------- */

static const struct chek_sums *
sums_make(struct chek_arena *arena, uint64_t count, int64_t sum, bool *full)
{
    if (count == 0 && sum == 0) {
        return NULL;
    }
    struct chek_sums *sums = chek_arena_take(arena, sizeof *sums);
    if (sums == NULL) {
        *full = true;
        return NULL;
    }
    *sums = (struct chek_sums){.count = count, .sum = sum};
    return sums;
}

static bool
payments_report(const struct fiscal__operation *from, struct chek_arena *arena,
                struct chek_report_operation *to)
{
    struct chek_report_payment *payments =
        chek_arena_take(arena, CHEK_PAYMENT_KIND_COUNT * sizeof *payments);
    if (payments == NULL) {
        return false;
    }
    for (uint8_t i = 0; i < CHEK_PAYMENT_KIND_COUNT; i++) {
        if (from->payment_counts[i] != 0 || from->payment_sums[i] != 0) {
            payments[to->payments_count++] = (struct chek_report_payment){
                .kind = i, .count = from->payment_counts[i], .sum = from->payment_sums[i]};
        }
    }
    to->payments = payments;
    return true;
}

static bool
operation_report(const struct fiscal__operation *from, uint8_t operation, struct chek_arena *arena,
                 struct chek_report_operation *to)
{
    bool full = false;
    *to = (struct chek_report_operation){
        .operation = operation,
        .tickets = from->tickets,
        .positions = from->positions,
        .gross = from->gross,
        .net = from->net,
        .discounts = sums_make(arena, from->discount_count, from->discount_sum, &full),
        .markups = sums_make(arena, from->markup_count, from->markup_sum, &full),
        .ticket_discount = from->ticket_discount,
        .ticket_markup = from->ticket_markup,
        .change = from->change,
        .offline = from->offline,
    };
    return payments_report(from, arena, to) && !full;
}

static bool
operations_report(const struct fiscal__tally *tally, struct chek_arena *arena,
                  struct chek_report *report)
{
    struct chek_report_operation *list =
        chek_arena_take(arena, CHEK_OPERATION_COUNT * sizeof *list);
    if (list == NULL) {
        return false;
    }
    for (uint8_t i = 0; i < CHEK_OPERATION_COUNT; i++) {
        const struct fiscal__operation *from = &tally->operations[i];
        if (!fiscal__operation_is_zero(from)) {
            if (!operation_report(from, i, arena, &list[report->operations_count])) {
                return false;
            }
            report->operations_count += 1;
            report->revenue += fiscal__direction(i) * from->net;
        }
    }
    report->operations = list;
    return true;
}

static bool
movements_report(const struct fiscal__tally *tally, struct chek_arena *arena,
                 struct chek_report *report)
{
    struct chek_report_movement *list = chek_arena_take(arena, CHEK_DIRECTION_COUNT * sizeof *list);
    if (list == NULL) {
        return false;
    }
    for (uint8_t i = 0; i < CHEK_DIRECTION_COUNT; i++) {
        const struct fiscal__movement *from = &tally->movements[i];
        if (from->count != 0 || from->offline != 0 || from->sum != 0) {
            list[report->movements_count++] = (struct chek_report_movement){
                .direction = i, .count = from->count, .offline = from->offline, .sum = from->sum};
        }
    }
    report->movements = list;
    return true;
}

static bool
row_is_zero(const struct fiscal__row *row)
{
    return row->count == 0 && row->sum == 0 && row->turnover == 0;
}

static void
row_report(const struct fiscal__row *from, struct chek_bytes_view key, bool other,
           struct chek_report_row *list, uint32_t *count)
{
    if (!row_is_zero(from)) {
        list[(*count)++] = (struct chek_report_row){
            .key = key,
            .operation = from->operation,
            .count = (uint64_t)from->count,
            .sum = from->sum,
            .other = other,
        };
    }
}

static const struct chek_report_row *
rows_report(struct fiscal__tally_rows *from, struct chek_arena *arena, uint32_t *count)
{
    struct chek_report_row *list =
        chek_arena_take(arena, (from->count + CHEK_OPERATION_COUNT) * sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    rows_sort(from);
    for (uint32_t i = 0; i < from->count; i++) {
        row_report(&from->rows[i].sums, tally_row_key(&from->rows[i]), false, list, count);
    }
    for (unsigned i = 0; i < CHEK_OPERATION_COUNT; i++) {
        row_report(&from->others[i], (struct chek_bytes_view){0}, true, list, count);
    }
    return list;
}

static void
tax_report(const struct fiscal__row *from, struct chek_bytes_view key, bool other,
           struct chek_report_tax *list, uint32_t *count)
{
    if (row_is_zero(from)) {
        return;
    }
    struct chek_report_tax *to = &list[(*count)++];
    *to = (struct chek_report_tax){
        .operation = from->operation,
        .turnover = from->turnover,
        .turnover_without_tax = from->turnover - from->sum,
        .sum = from->sum,
        .other = other,
    };
    if (!other) {
        CHEK_ASSERT(key.size == FISCAL__TAX_KEY_SIZE);
        to->kind = key.bytes[0];
        for (unsigned i = 1; i < FISCAL__TAX_KEY_SIZE; i++) {
            to->rate = to->rate << 8 | key.bytes[i];
        }
    }
}

static const struct chek_report_tax *
taxes_report(struct fiscal__tally_rows *from, struct chek_arena *arena, uint32_t *count)
{
    struct chek_report_tax *list =
        chek_arena_take(arena, (from->count + CHEK_OPERATION_COUNT) * sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    rows_sort(from);
    for (uint32_t i = 0; i < from->count; i++) {
        tax_report(&from->rows[i].sums, tally_row_key(&from->rows[i]), false, list, count);
    }
    for (unsigned i = 0; i < CHEK_OPERATION_COUNT; i++) {
        tax_report(&from->others[i], (struct chek_bytes_view){0}, true, list, count);
    }
    return list;
}

int
fiscal__tally_report(struct fiscal__tally *tally, struct chek_arena *arena,
                     struct chek_report *report)
{
    struct chek_report made = *report;
    made.sections = rows_report(&tally->sets[FISCAL__SECTIONS], arena, &made.sections_count);
    made.operators = rows_report(&tally->sets[FISCAL__OPERATORS], arena, &made.operators_count);
    made.taxes = taxes_report(&tally->sets[FISCAL__TAXES], arena, &made.taxes_count);
    if (made.sections == NULL || made.operators == NULL || made.taxes == NULL ||
        !operations_report(tally, arena, &made) || !movements_report(tally, arena, &made)) {
        return CHEK_E_LIMIT;
    }
    *report = made;
    return CHEK_OK;
}
