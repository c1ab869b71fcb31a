/* SPDX-License-Identifier: MIT */
/*
 * workload_life.c - what profile B adds: skew, a daily curve, late and repeated receipts.
 *
 * A receipt that comes again, or late, is not kept but made once more from the state that its draws
 * began with. "Uniform over everything sent before" is a slot of a reservoir, which is a uniform
 * sample of what was sent (Vitter, algorithm R): exact, and of fixed size.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/base/memory.h"
#include "tools/load/workload_run.h"

#define FATES_SALT UINT64_C(0x6661746573) /* "fates" */
#define WORLD_SALT UINT64_C(0x776f726c64) /* "world" */
#define RESERVOIR_COUNT 65536
#define LATE_PER_100000 3000
#define CONFLICT_PER_100000 100
#define REPEAT_PER_100000 1000
#define REGISTERS_AN_ORGANISATION 10 /* on average */
#define LATE_DAY_COUNT_MAX 2

/* How busy the hours of a day are. */
static const uint32_t curve[24] = {4,  2,  1,  1,  1,  3,  10, 25, 45, 55, 65, 72,
                                   80, 78, 72, 68, 72, 80, 88, 72, 50, 30, 18, 8};
#define CURVE_SUM 1000

uint32_t
load__curve_time(const struct chek_workload *workload, uint64_t index)
{
    uint64_t count = workload->options.receipt_count;
    uint32_t day_count = workload->day_count;
    uint64_t day = (uint64_t)((chek_u128)index * day_count / count);
    uint64_t first = (uint64_t)(((chek_u128)day * count + day_count - 1) / day_count);
    uint64_t end = (uint64_t)(((chek_u128)(day + 1) * count + day_count - 1) / day_count);
    /* The place of the receipt in the day, in seconds weighted by the curve. */
    uint64_t place =
        (uint64_t)((chek_u128)(index - first) * CURVE_SUM * CHEK_CIVIL_HOUR_S / (end - first));
    uint32_t hour = 0;
    while (place >= (uint64_t)curve[hour] * CHEK_CIVIL_HOUR_S) {
        place -= (uint64_t)curve[hour] * CHEK_CIVIL_HOUR_S;
        hour += 1;
    }
    return WORKLOAD_FIRST_TIME + (uint32_t)day * CHEK_CIVIL_DAY_S + hour * CHEK_CIVIL_HOUR_S +
           (uint32_t)(place / curve[hour]);
}

/* ---- receipts that wait ----------------------------------------------------------------------- */

static bool
is_before(const struct load__capsule *a, const struct load__capsule *b)
{
    return a->arrival != b->arrival ? a->arrival < b->arrival : a->order < b->order;
}

static void
held_push(struct chek_workload *workload, const struct load__capsule *capsule)
{
    struct load__held *held = &workload->held;
    if (held->count == held->capacity) {
        size_t capacity = held->capacity == 0 ? 1024 : 2 * held->capacity;
        void *items = chek_memory_grow(held->items, held->capacity * sizeof *held->items,
                                       capacity * sizeof *held->items);
        CHEK_ASSERT(items != NULL); /* a few megabytes, of a tool */
        held->items = items;
        held->capacity = capacity;
    }
    size_t at = held->count++;
    held->items[at] = *capsule;
    held->items[at].order = workload->order++;
    while (at > 0 && is_before(&held->items[at], &held->items[(at - 1) / 2])) {
        struct load__capsule moved = held->items[at];
        held->items[at] = held->items[(at - 1) / 2];
        held->items[(at - 1) / 2] = moved;
        at = (at - 1) / 2;
    }
}

static void
held_pop(struct load__held *held)
{
    struct load__capsule last = held->items[--held->count];
    size_t at = 0;
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= held->count) {
            break;
        }
        child += child + 1 < held->count && is_before(&held->items[child + 1], &held->items[child]);
        if (!is_before(&held->items[child], &last)) {
            break;
        }
        held->items[at] = held->items[child];
        at = child;
    }
    held->items[at] = last;
}

bool
load__due(struct chek_workload *workload, uint32_t now, struct load__capsule *ret)
{
    if (workload->held.count == 0 || workload->held.items[0].arrival > now) {
        return false;
    }
    *ret = workload->held.items[0];
    held_pop(&workload->held);
    return true;
}

/* ---- fates ------------------------------------------------------------------------------------ */

/*
 * When a late receipt arrives: half of them hours later but on their day, half one hour to two
 * days after it, when the shift is closed. What has no hour left in its day is of the second half.
 */
static uint32_t
late_arrival(struct chek_workload *workload, uint32_t time)
{
    uint32_t day_end = time - time % CHEK_CIVIL_DAY_S + CHEK_CIVIL_DAY_S;
    uint32_t left = day_end - time;
    bool same_day = chek_prng_below(&workload->fates, 2) == 0;
    if (same_day && left > CHEK_CIVIL_HOUR_S + 1) {
        return time + CHEK_CIVIL_HOUR_S +
               (uint32_t)chek_prng_below(&workload->fates, left - CHEK_CIVIL_HOUR_S - 1);
    }
    return day_end + CHEK_CIVIL_HOUR_S +
           (uint32_t)chek_prng_below(&workload->fates,
                                     LATE_DAY_COUNT_MAX * CHEK_CIVIL_DAY_S - CHEK_CIVIL_HOUR_S);
}

/* A copy, right or wrong: of this receipt within a second, or of any before it at once. */
static void
copy_plan(struct chek_workload *workload, const struct load__capsule *capsule, bool was_sent,
          uint8_t fate)
{
    bool is_near = chek_prng_below(&workload->fates, 2) == 0;
    if (is_near && was_sent) {
        struct load__capsule copy = *capsule;
        copy.fate = fate;
        copy.arrival = capsule->time + 1;
        held_push(workload, &copy);
    } else if (workload->reservoir_seen != 0) {
        uint64_t count =
            workload->reservoir_seen < RESERVOIR_COUNT ? workload->reservoir_seen : RESERVOIR_COUNT;
        workload->far = workload->reservoir[chek_prng_below(&workload->fates, count)];
        workload->far.fate = fate;
        workload->has_far = true;
    }
}

bool
load__fate_decide(struct chek_workload *workload, struct load__capsule *capsule)
{
    bool is_late = chek_prng_below(&workload->fates, 100000) < LATE_PER_100000;
    uint64_t copied = chek_prng_below(&workload->fates, 100000);
    if (is_late) {
        capsule->is_late = true;
        capsule->arrival = late_arrival(workload, capsule->time);
        held_push(workload, capsule);
    }
    if (copied < CONFLICT_PER_100000) {
        copy_plan(workload, capsule, !is_late, CHEK_WORKLOAD_CONFLICT);
    } else if (copied < CONFLICT_PER_100000 + REPEAT_PER_100000) {
        copy_plan(workload, capsule, !is_late, CHEK_WORKLOAD_REPEAT);
    }
    return !is_late;
}

void
load__sent(struct chek_workload *workload, const struct load__capsule *capsule)
{
    uint64_t slot = workload->reservoir_seen++;
    if (slot >= RESERVOIR_COUNT) {
        slot = chek_prng_below(&workload->fates, workload->reservoir_seen);
    }
    if (slot < RESERVOIR_COUNT) {
        workload->reservoir[slot] = *capsule;
    }
}

/* ---- making and ending ------------------------------------------------------------------------ */

/* Organisations of Zipf size; two registers of one in the order of their numbers share a point. */
static int
owners_make(struct chek_workload *workload)
{
    struct load__zipf sizes = {0};
    uint32_t count = workload->register_count / REGISTERS_AN_ORGANISATION + 1;
    int error = load__zipf_init(&sizes, count);
    uint32_t *owned = chek_memory_allocate(count * sizeof *owned);
    if (error != CHEK_OK || owned == NULL) {
        load__zipf_finish(&sizes);
        chek_memory_free(owned, count * sizeof *owned);
        return -ENOMEM;
    }
    struct chek_prng prng;
    chek_prng_init(&prng, workload->options.seed ^ WORLD_SALT);
    for (uint32_t i = 0; i < workload->register_count; i++) {
        uint32_t organisation = load__zipf_draw(&sizes, &prng);
        workload->organisations[i] = organisation;
        workload->points[i] = owned[organisation]++ / 2;
    }
    chek_memory_free(owned, count * sizeof *owned);
    load__zipf_finish(&sizes);
    return CHEK_OK;
}

int
load__life_init(struct chek_workload *workload)
{
    size_t count = workload->register_count;
    chek_prng_init(&workload->fates, workload->options.seed ^ FATES_SALT);
    workload->organisations = chek_memory_allocate(count * sizeof *workload->organisations);
    workload->points = chek_memory_allocate(count * sizeof *workload->points);
    workload->reservoir = chek_memory_allocate(RESERVOIR_COUNT * sizeof *workload->reservoir);
    if (workload->organisations == NULL || workload->points == NULL ||
        workload->reservoir == NULL) {
        return -ENOMEM;
    }
    int error = load__zipf_init(&workload->zipf, WORKLOAD_PRODUCT_COUNT);
    return error != CHEK_OK ? error : owners_make(workload);
}

void
load__life_finish(struct chek_workload *workload)
{
    size_t count = workload->register_count;
    load__zipf_finish(&workload->zipf);
    chek_memory_free(workload->organisations, count * sizeof *workload->organisations);
    chek_memory_free(workload->points, count * sizeof *workload->points);
    chek_memory_free(workload->reservoir, RESERVOIR_COUNT * sizeof *workload->reservoir);
    chek_memory_free(workload->held.items, workload->held.capacity * sizeof *workload->held.items);
}
