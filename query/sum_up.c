/* SPDX-License-Identifier: MIT */
/*
 * sum_up.c - groups of registers and what they come to, on a worker.
 */
#include "query/sum_up.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/store/sums.h"

#define ROWS_A_STEP 1024     /* accumulators of a step: a row is at most 230 bytes */
#define BUCKETS_A_WINDOW 256 /* of 4 operations each */
#define OPERATIONS CHEK_OPERATION_COUNT

_Static_assert(BUCKETS_A_WINDOW *OPERATIONS <= ROWS_A_STEP, "one group fits a step");

int64_t
query__bucket_size_s(const struct chek_ask_sums *question)
{
    return question->step == CHEK_SUMS_STEP_HOUR  ? CHEK_CIVIL_HOUR_S
           : question->step == CHEK_SUMS_STEP_DAY ? CHEK_CIVIL_DAY_S
                                                  : 0;
}

static int
view_compare(struct chek_bytes_view a, struct chek_bytes_view b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size != 0 ? memcmp(a.bytes, b.bytes, size) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int
by_register(const void *left, const void *right)
{
    const struct query__member *a = left;
    const struct query__member *b = right;
    return (a->registration > b->registration) - (a->registration < b->registration);
}

static int
by_organisation(const void *left, const void *right)
{
    int order = view_compare(((const struct query__member *)left)->organisation,
                             ((const struct query__member *)right)->organisation);
    return order != 0 ? order : by_register(left, right);
}

static int
by_point(const void *left, const void *right)
{
    const struct query__member *a = left;
    const struct query__member *b = right;
    int order = view_compare(a->organisation, b->organisation);
    order = order != 0 ? order : view_compare(a->point, b->point);
    return order != 0 ? order : by_register(left, right);
}

static bool
same_group(uint8_t by, const struct query__member *a, const struct query__member *b)
{
    return by == CHEK_SUMS_BY_REGISTER ? false
           : by == CHEK_SUMS_BY_POINT  ? chek_bytes_view_equal(a->organisation, b->organisation) &&
                                            chek_bytes_view_equal(a->point, b->point)
                                      : chek_bytes_view_equal(a->organisation, b->organisation);
}

/* ---- groups ----------------------------------------------------------------------------------- */

static void
members_group(struct query__sums_work *work)
{
    uint8_t by = work->question.by;
    work->group_count = 0;
    qsort(work->members, work->member_count, sizeof *work->members,
          by == CHEK_SUMS_BY_REGISTER ? by_register
          : by == CHEK_SUMS_BY_POINT  ? by_point
                                      : by_organisation);
    for (uint32_t i = 0; i < work->member_count; i++) {
        if (i == 0 || !same_group(by, &work->members[i - 1], &work->members[i])) {
            work->group_count += 1;
        }
        work->members[i].group = work->group_count - 1;
    }
}

/* ---- what a step takes ------------------------------------------------------------------------ */

/* The window of time and the groups of this step. False: there are no more groups. */
static bool
slice_choose(struct query__sums_state *state, struct query__sums_work *work)
{
    work->bucket_s = query__bucket_size_s(&work->question);
    work->from = work->question.from;
    work->to = work->question.to;
    work->bucket_count = 1;
    if (work->bucket_s != 0) {
        int64_t first = work->question.from / work->bucket_s;
        int64_t last = work->question.to / work->bucket_s;
        int64_t window = first + (int64_t)state->window_next * BUCKETS_A_WINDOW;
        int64_t window_last = window + BUCKETS_A_WINDOW - 1;
        if (window_last > last) {
            window_last = last;
        }
        work->bucket_count = (uint32_t)(window_last - window + 1);
        if (window * work->bucket_s > work->from) {
            work->from = window * work->bucket_s;
        }
        if ((window_last + 1) * work->bucket_s - 1 < work->to) {
            work->to = (window_last + 1) * work->bucket_s - 1;
        }
        if (window_last < last) {
            state->window_next += 1; /* the same groups again, later in time */
        } else {
            state->window_next = 0;
        }
    }
    uint32_t groups_a_step = ROWS_A_STEP / (BUCKETS_A_WINDOW * OPERATIONS);
    if (work->bucket_s == 0 || (work->question.to / work->bucket_s -
                                work->question.from / work->bucket_s) < BUCKETS_A_WINDOW) {
        groups_a_step = ROWS_A_STEP / (work->bucket_count * OPERATIONS);
    }
    work->group_first = state->group_next;
    work->group_last = work->group_first + groups_a_step;
    if (work->group_last > work->group_count) {
        work->group_last = work->group_count;
    }
    if (state->window_next == 0) {
        state->group_next = work->group_last;
    }
    return work->group_first < work->group_count;
}

struct pair {
    uint32_t registration, group;
    uint16_t currency;
};

static int
pair_compare(const void *left, const void *right)
{
    return by_register(
        &(struct query__member){.registration = ((const struct pair *)left)->registration},
        &(struct query__member){.registration = ((const struct pair *)right)->registration});
}

/* The registers of the step's groups, ascending, as a scan wants them. */
static int
registrations_collect(struct chek_arena *arena, struct query__sums_work *work)
{
    struct pair *pairs = chek_arena_take(arena, work->member_count * sizeof *pairs);
    work->registrations = chek_arena_take(arena, work->member_count * sizeof *work->registrations);
    work->groups = chek_arena_take(arena, work->member_count * sizeof *work->groups);
    work->currencies = chek_arena_take(arena, work->member_count * sizeof *work->currencies);
    work->sums = chek_arena_take(arena, ROWS_A_STEP * sizeof *work->sums);
    if (pairs == NULL || work->registrations == NULL || work->groups == NULL ||
        work->currencies == NULL || work->sums == NULL) {
        return CHEK_E_LIMIT;
    }
    memset(work->sums, 0, ROWS_A_STEP * sizeof *work->sums);
    work->registration_count = 0;
    for (uint32_t i = 0; i < work->member_count; i++) {
        const struct query__member *member = &work->members[i];
        if (member->group >= work->group_first && member->group < work->group_last) {
            pairs[work->registration_count++] = (struct pair){
                member->registration, member->group - work->group_first, member->currency};
        }
    }
    qsort(pairs, work->registration_count, sizeof *pairs, pair_compare);
    for (uint32_t i = 0; i < work->registration_count; i++) {
        work->registrations[i] = pairs[i].registration;
        work->groups[i] = pairs[i].group;
        work->currencies[i] = pairs[i].currency;
    }
    return CHEK_OK;
}

/* ---- adding up -------------------------------------------------------------------------------- */

static uint32_t
registration_index(const struct query__sums_work *work, uint32_t registration)
{
    uint32_t low = 0;
    uint32_t high = work->registration_count;
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;
        if (work->registrations[middle] <= registration) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool
on_addend(void *context, const struct chek_addend *addend)
{
    struct query__sums_work *work = context;
    uint32_t index = registration_index(work, addend->registration);
    int64_t bucket =
        work->bucket_s == 0 ? 0 : addend->time / work->bucket_s - work->from / work->bucket_s;
    CHEK_ASSERT(bucket >= 0 && bucket < work->bucket_count);
    if (addend->operation >= OPERATIONS) {
        work->error = CHEK_E_CORRUPT;
        return false;
    }
    struct query__sum *sum =
        &work->sums[(work->groups[index] * work->bucket_count + (uint32_t)bucket) * OPERATIONS +
                    addend->operation];
    uint16_t currency = work->currencies[index];
    sum->currency = sum->is_begun ? sum->currency : currency;
    sum->is_begun = true;
    if (currency != sum->currency) {
        sum->foreign_currency = currency;
        sum->foreign_tickets += addend->tickets;
    }
    sum->tickets += addend->tickets;
    sum->positions += addend->positions;
    sum->gross += addend->gross;
    sum->net += addend->net;
    sum->cash += addend->cash;
    sum->card += addend->card;
    sum->mobile += addend->mobile;
    sum->other += addend->other;
    sum->tax += addend->tax;
    return true;
}

/* A group of several currencies cannot be one row. What was taken off altogether does not count. */
static int
sums_settle(struct query__sums_work *work)
{
    uint32_t count = (work->group_last - work->group_first) * work->bucket_count * OPERATIONS;
    for (uint32_t i = 0; i < count; i++) {
        struct query__sum *sum = &work->sums[i];
        if (sum->tickets < 0) {
            return CHEK_E_CORRUPT; /* a table that is not that of its rows */
        }
        if (sum->foreign_tickets != 0 && sum->foreign_tickets != sum->tickets) {
            return CHEK_E_CURRENCY;
        }
        sum->currency = sum->foreign_tickets != 0 ? sum->foreign_currency : sum->currency;
    }
    return CHEK_OK;
}

static uint32_t
rows_make(const struct query__sums_work *work, struct chek_sums_row *rows)
{
    uint32_t count = 0;
    const struct query__member *member = work->members;
    for (uint32_t group = work->group_first; group < work->group_last; group++) {
        while (member->group < group) {
            member += 1;
        }
        for (uint32_t i = 0; i < work->bucket_count * OPERATIONS; i++) {
            const struct query__sum *sum =
                &work->sums[(group - work->group_first) * work->bucket_count * OPERATIONS + i];
            if (sum->tickets == 0) {
                continue;
            }
            int64_t bucket = i / OPERATIONS;
            rows[count++] = (struct chek_sums_row){
                .registration =
                    work->question.by == CHEK_SUMS_BY_REGISTER ? member->registration : 0,
                .organisation = member->organisation,
                .point = work->question.by != CHEK_SUMS_BY_ORGANISATION
                             ? member->point
                             : chek_bytes_view_of(NULL, 0),
                .time = work->bucket_s == 0
                            ? 0
                            : (work->from / work->bucket_s + bucket) * work->bucket_s,
                .operation = (uint8_t)(i % OPERATIONS),
                .currency = sum->currency,
                .tickets = (uint64_t)sum->tickets,
                .positions = (uint64_t)sum->positions,
                .gross = sum->gross,
                .net = sum->net,
                .cash = sum->cash,
                .card = sum->card,
                .mobile = sum->mobile,
                .other = sum->other,
                .tax = sum->tax,
            };
        }
    }
    return count;
}

static void
chunk_make(struct chek_visit *visit, const struct chek_visit_view *view,
           const struct query__sums_work *work)
{
    struct chek_sums_row *rows = chek_arena_take(view->arena, ROWS_A_STEP * sizeof *rows);
    struct chek_seen seen = {.partition = visit->partition, .seq = view->partition_seq};
    CHEK_ASSERT(rows != NULL);
    struct chek_sums_rows answer = {.rows = rows,
                                    .rows_count = rows_make(work, rows),
                                    .partition_seqs = &seen,
                                    .partition_seqs_count = 1};
    struct chek_writer out = query__chunk_begin(visit);
    chek_sums_rows_encode(&out, &answer);
    query__chunk_end(visit, &out);
}

enum chek_visit_next
query__sum_up(struct chek_visit *visit, const struct chek_visit_view *view)
{
    struct query__sums_state *state = (void *)visit->state;
    struct query__sums_work *work = visit->prepared;

    work->error = CHEK_OK;
    members_group(work);
    if (!slice_choose(state, work)) {
        visit->done = true;
        return CHEK_VISIT_HOME;
    }
    visit->error = registrations_collect(view->arena, work);
    if (visit->error != CHEK_OK) {
        return CHEK_VISIT_HOME;
    }
    struct chek_scan_filter filter = {.registrations = work->registrations,
                                      .registration_count = work->registration_count,
                                      .time_min = work->from,
                                      .time_max = work->to};
    visit->error = chek_store_sum(view->store, &filter, view->arena, on_addend, work);
    visit->error = visit->error == CHEK_OK ? work->error : visit->error;
    visit->error = visit->error == CHEK_OK ? sums_settle(work) : visit->error;
    if (visit->error == CHEK_E_CURRENCY) {
        visit->fault = (struct chek_fault){.field = CHEK_FIELD_ASK_SUMS_BY};
    }
    if (visit->error != CHEK_OK) {
        return CHEK_VISIT_HOME;
    }
    visit->done = state->group_next >= work->group_count;
    chunk_make(visit, view, work);
    return CHEK_VISIT_HOME;
}
