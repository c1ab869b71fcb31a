/* SPDX-License-Identifier: MIT */
/*
 * ask_sums.c - sums by register, trade point or organisation, by hour, day or altogether.
 *
 * An organisation is in one partition, and so are its points and registers: a group is never spread
 * over partitions, and a row that was sent is complete. A step takes whole groups and a window of
 * time so small that its rows fit into a chunk, adds up what the store gives for the groups'
 * registers in that window (hour tables mostly, engine/store/sums.h), and sends what it found.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/store/sums.h"
#include "query/host.h"

#define ROWS_A_STEP 1024     /* accumulators of a step: a row is at most 230 bytes */
#define BUCKETS_A_WINDOW 256 /* of 4 operations each */
#define OPERATIONS CHEK_OPERATION_COUNT
#define RANGE_S_MAX (UINT64_C(11) * 366 * CHEK_CIVIL_DAY_S)

_Static_assert(BUCKETS_A_WINDOW *OPERATIONS <= ROWS_A_STEP, "one group fits a step");

struct sums_state {
    uint32_t group_next;  /* among the partition's groups, in their order */
    uint32_t window_next; /* of the time range, for these groups */
};

/* A register of the partition that the question is about. */
struct member {
    struct chek_bytes_view organisation, point;
    uint32_t registration;
    uint32_t group;
};

struct sum {
    chek_i128 gross, net, cash, card, mobile, other, tax;
    int64_t tickets, positions; /* addends may take off what others brought */
    int64_t foreign_tickets;    /* of a currency that is not the first one */
    uint16_t currency, foreign_currency;
    bool is_begun;
};

/* One step at work. */
struct work {
    struct chek_ask_sums question;
    struct member *members; /* ordered by group, then by registration */
    uint32_t member_count, group_count;
    uint32_t group_first, group_last; /* of this step, the last not included */
    uint32_t *registrations;          /* of this step, ascending */
    uint32_t *groups;                 /* of each of them, less group_first */
    uint16_t *currencies;
    uint32_t registration_count;
    int64_t bucket_s; /* 0 = one bucket for all */
    int64_t from, to; /* of this step, inclusive; 0 = no bound */
    uint32_t bucket_count;
    struct sum *sums; /* [group][bucket][operation] */
    int error;
};

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_sums *ret)
{
    return chek_ask_sums_decode_whole(visit->question, visit->question_size, arena, ret,
                                      &visit->fault);
}

static int64_t
bucket_size_s(const struct chek_ask_sums *question)
{
    return question->step == CHEK_SUMS_STEP_HOUR  ? CHEK_CIVIL_HOUR_S
           : question->step == CHEK_SUMS_STEP_DAY ? CHEK_CIVIL_DAY_S
                                                  : 0;
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct chek_ask_sums question;
    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    /* Every target must be one that the asker sees; which, the owner finds out again. */
    for (uint32_t i = 0; i < question.targets_count; i++) {
        uint32_t registration;
        error = query__resolve(host, visit, &question.targets[i], CHEK_FIELD_ASK_SUMS_TARGETS,
                               &registration);
        if (error != CHEK_OK) {
            visit->fault.index = (uint16_t)i;
            return error;
        }
    }
    if (bucket_size_s(&question) != 0) {
        visit->fault = (struct chek_fault){.field = question.from == 0 ? CHEK_FIELD_ASK_SUMS_FROM
                                                                       : CHEK_FIELD_ASK_SUMS_TO};
        if (question.from == 0 || question.to == 0) {
            return CHEK_E_FIELD_MISSING;
        }
        if (question.to < question.from || (uint64_t)(question.to - question.from) > RANGE_S_MAX) {
            return CHEK_E_RANGE;
        }
    }
    visit->partition = 1;
    visit->partition_last = chek_directory_partition_count(query__directory(host));
    return CHEK_OK;
}

/* ---- who is in it ----------------------------------------------------------------------------- */

static bool
is_target(const struct chek_ask_sums *question, uint32_t registration,
          const struct chek_register *what)
{
    for (uint32_t i = 0; i < question->targets_count; i++) {
        const struct chek_target *target = &question->targets[i];
        if (target->registration == registration) {
            return true;
        }
        for (uint32_t j = 0; target->registration == 0 && j < what->keys_count; j++) {
            if ((target->kind == 0 || target->kind == what->keys[j].kind + 1u) &&
                chek_bytes_view_equal(target->key, what->keys[j].value)) {
                return true;
            }
        }
    }
    return question->targets_count == 0;
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
    const struct member *a = left;
    const struct member *b = right;
    return (a->registration > b->registration) - (a->registration < b->registration);
}

static int
by_organisation(const void *left, const void *right)
{
    int order = view_compare(((const struct member *)left)->organisation,
                             ((const struct member *)right)->organisation);
    return order != 0 ? order : by_register(left, right);
}

static int
by_point(const void *left, const void *right)
{
    const struct member *a = left;
    const struct member *b = right;
    int order = view_compare(a->organisation, b->organisation);
    order = order != 0 ? order : view_compare(a->point, b->point);
    return order != 0 ? order : by_register(left, right);
}

static bool
same_group(uint8_t by, const struct member *a, const struct member *b)
{
    return by == CHEK_SUMS_BY_REGISTER ? false
           : by == CHEK_SUMS_BY_POINT  ? chek_bytes_view_equal(a->organisation, b->organisation) &&
                                            chek_bytes_view_equal(a->point, b->point)
                                      : chek_bytes_view_equal(a->organisation, b->organisation);
}

/* The registers of this partition that are asked for and seen, in groups. */
static int
members_collect(struct chek_visit *visit, const struct chek_visit_ground *ground, struct work *work)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    const struct chek_ask_sums *question = &work->question;
    uint32_t count_max = (uint32_t)chek_partition_registration_count(ground->partition);
    uint32_t registration = 0;

    work->members = chek_arena_take(ground->arena, (count_max + 1) * sizeof *work->members);
    if (work->members == NULL) {
        return CHEK_E_LIMIT;
    }
    for (bool first = true; chek_fiscal_registration_next(fiscal, &registration, first);
         first = false) {
        struct chek_registered known;
        size_t mark = chek_arena_mark(ground->arena);
        if (!chek_directory_sees(ground->directory, visit->principal, registration)) {
            continue;
        }
        int error =
            chek_directory_registered(ground->directory, registration, ground->arena, &known);
        if (error != CHEK_OK) {
            return error;
        }
        const struct chek_register *what = known.profile;
        if (!is_target(question, registration, what) ||
            (question->organisation.size != 0 &&
             !chek_bytes_view_equal(question->organisation, what->organisation)) ||
            (question->point.size != 0 && !chek_bytes_view_equal(question->point, what->point))) {
            chek_arena_rewind(ground->arena, mark);
            continue;
        }
        /* The texts are in the directory's own pages, which stay as they are during a step. */
        work->members[work->member_count++] = (struct member){
            .organisation = what->organisation, .point = what->point, .registration = registration};
        chek_arena_rewind(ground->arena, mark);
    }
    qsort(work->members, work->member_count, sizeof *work->members,
          question->by == CHEK_SUMS_BY_REGISTER ? by_register
          : question->by == CHEK_SUMS_BY_POINT  ? by_point
                                                : by_organisation);
    for (uint32_t i = 0; i < work->member_count; i++) {
        if (i == 0 || !same_group(question->by, &work->members[i - 1], &work->members[i])) {
            work->group_count += 1;
        }
        work->members[i].group = work->group_count - 1;
    }
    return CHEK_OK;
}

/* ---- what a step takes ------------------------------------------------------------------------ */

/* The window of time and the groups of this step. False: there are no more groups. */
static bool
slice_choose(struct sums_state *state, struct work *work)
{
    work->bucket_s = bucket_size_s(&work->question);
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
};

static int
pair_compare(const void *left, const void *right)
{
    return by_register(
        &(struct member){.registration = ((const struct pair *)left)->registration},
        &(struct member){.registration = ((const struct pair *)right)->registration});
}

/* The registers of the step's groups, ascending, as a scan wants them. */
static int
registrations_collect(const struct chek_visit_ground *ground, struct work *work)
{
    struct pair *pairs = chek_arena_take(ground->arena, work->member_count * sizeof *pairs);
    work->registrations =
        chek_arena_take(ground->arena, work->member_count * sizeof *work->registrations);
    work->groups = chek_arena_take(ground->arena, work->member_count * sizeof *work->groups);
    work->currencies =
        chek_arena_take(ground->arena, work->member_count * sizeof *work->currencies);
    work->sums = chek_arena_take(ground->arena, ROWS_A_STEP * sizeof *work->sums);
    if (pairs == NULL || work->registrations == NULL || work->groups == NULL ||
        work->currencies == NULL || work->sums == NULL) {
        return CHEK_E_LIMIT;
    }
    memset(work->sums, 0, ROWS_A_STEP * sizeof *work->sums);
    for (uint32_t i = 0; i < work->member_count; i++) {
        const struct member *member = &work->members[i];
        if (member->group >= work->group_first && member->group < work->group_last) {
            pairs[work->registration_count++] =
                (struct pair){member->registration, member->group - work->group_first};
        }
    }
    qsort(pairs, work->registration_count, sizeof *pairs, pair_compare);
    for (uint32_t i = 0; i < work->registration_count; i++) {
        struct chek_home home;
        int error = chek_directory_home(ground->directory, pairs[i].registration, &home);
        CHEK_ASSERT(error == CHEK_OK);
        work->registrations[i] = pairs[i].registration;
        work->groups[i] = pairs[i].group;
        work->currencies[i] = home.currency;
    }
    return CHEK_OK;
}

/* ---- adding up -------------------------------------------------------------------------------- */

static uint32_t
registration_index(const struct work *work, uint32_t registration)
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
    struct work *work = context;
    uint32_t index = registration_index(work, addend->registration);
    int64_t bucket =
        work->bucket_s == 0 ? 0 : addend->time / work->bucket_s - work->from / work->bucket_s;
    CHEK_ASSERT(bucket >= 0 && bucket < work->bucket_count);
    if (addend->operation >= OPERATIONS) {
        work->error = CHEK_E_CORRUPT;
        return false;
    }
    struct sum *sum =
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
sums_settle(struct work *work)
{
    uint32_t count = (work->group_last - work->group_first) * work->bucket_count * OPERATIONS;
    for (uint32_t i = 0; i < count; i++) {
        struct sum *sum = &work->sums[i];
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
rows_make(const struct work *work, struct chek_sums_row *rows)
{
    uint32_t count = 0;
    const struct member *member = work->members;
    for (uint32_t group = work->group_first; group < work->group_last; group++) {
        while (member->group < group) {
            member += 1;
        }
        for (uint32_t i = 0; i < work->bucket_count * OPERATIONS; i++) {
            const struct sum *sum =
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
chunk_make(struct chek_visit *visit, const struct chek_visit_ground *ground,
           const struct work *work)
{
    struct chek_sums_row *rows = chek_arena_take(ground->arena, ROWS_A_STEP * sizeof *rows);
    struct chek_seen seen = {.partition = visit->partition,
                             .seq = chek_partition_seq(ground->partition)};
    CHEK_ASSERT(rows != NULL);
    struct chek_sums_rows answer = {.rows = rows,
                                    .rows_count = rows_make(work, rows),
                                    .partition_seqs = &seen,
                                    .partition_seqs_count = 1};
    struct chek_writer out = query__chunk_begin(visit);
    chek_sums_rows_encode(&out, &answer);
    query__chunk_end(visit, &out);
}

static void
step(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct sums_state *state = (void *)visit->state;
    struct work work = {0};

    int error = decode(visit, ground->arena, &work.question);
    CHEK_ASSERT(error == CHEK_OK);
    visit->fault = (struct chek_fault){0};
    visit->error = members_collect(visit, ground, &work);
    if (visit->error != CHEK_OK) {
        return;
    }
    if (!slice_choose(state, &work)) {
        visit->done = true;
        return;
    }
    visit->error = registrations_collect(ground, &work);
    if (visit->error != CHEK_OK) {
        return;
    }
    struct chek_scan_filter filter = {.registrations = work.registrations,
                                      .registration_count = work.registration_count,
                                      .time_min = work.from,
                                      .time_max = work.to};
    visit->error = chek_store_sum(chek_partition_store(ground->partition), &filter, ground->arena,
                                  on_addend, &work);
    visit->error = visit->error == CHEK_OK ? work.error : visit->error;
    visit->error = visit->error == CHEK_OK ? sums_settle(&work) : visit->error;
    if (visit->error == CHEK_E_CURRENCY) {
        visit->fault = (struct chek_fault){.field = CHEK_FIELD_ASK_SUMS_BY};
    }
    if (visit->error != CHEK_OK) {
        return;
    }
    visit->done = state->group_next >= work.group_count;
    chunk_make(visit, ground, &work);
}

const struct query__kind query__sums = {CHEK_OPCODE_ASK_SUMS, begin, step};
