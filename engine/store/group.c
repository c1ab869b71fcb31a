/* SPDX-License-Identifier: MIT */
/* group.c - groups are wished for, read, checked, held, and leave. */
#include "engine/store/group.h"

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "engine/store/segment.h"

#define LOOK_COUNT_MAX 4096 /* groups that are looked at in a choice */

int
store__space_init(struct store__space *space)
{
    int error = chek_extents_init(&space->extents);
    for (uint32_t i = 0; error == CHEK_OK && i < STORE__GROUP_LOCK_COUNT; i++) {
        pthread_mutex_init(&space->locks[i], NULL);
    }
    return error;
}

void
store__space_finish(struct store__space *space)
{
    if (space->extents.gaps == NULL) {
        return;
    }
    chek_extents_finish(&space->extents);
    for (uint32_t i = 0; i < STORE__GROUP_LOCK_COUNT; i++) {
        pthread_mutex_destroy(&space->locks[i]);
    }
}

void
chek_store_pool_cold(struct chek_store_pool *pool, const struct chek_cold_reader *reader,
                     uint64_t budget)
{
    pool->space.reader = *reader;
    pool->space.budget = budget;
}

static uint64_t
counted(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static void
count(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static void
uncount(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_sub_explicit(counter, value, memory_order_relaxed);
}

struct chek_residency
chek_store_pool_residency(const struct chek_store_pool *pool)
{
    const struct store__space *space = &pool->space;
    uint64_t resident_size = counted(&space->resident_size);
    uint64_t size = counted(&space->size);
    return (struct chek_residency){
        .budget = space->budget,
        .resident_size = resident_size,
        .cold_size = size > resident_size ? size - resident_size : 0,
        .read_count = counted(&space->read_count),
        .read_size = counted(&space->read_size),
        .left_count = counted(&space->left_count),
        .rotten_count = counted(&space->rotten_count),
    };
}

/* ---- states ----------------------------------------------------------------------------------- */

static uint8_t
state_of(const struct store__group *group)
{
    return atomic_load_explicit(&group->state, memory_order_acquire);
}

static void
state_set(struct store__group *group, enum store__group_state state)
{
    atomic_store_explicit(&group->state, (uint8_t)state, memory_order_release);
}

/* Neighbours have different locks. */
static pthread_mutex_t *
lock_of(const struct chek_segment *segment, uint32_t index)
{
    uint64_t number = (uintptr_t)segment / CHEK_EXTENT_PAGE_SIZE + index;
    return &segment->space->locks[number % STORE__GROUP_LOCK_COUNT];
}

void
store__groups_begin(struct chek_segment *segment)
{
    for (uint32_t i = 0; i < segment->group_count; i++) {
        struct store__group *group = &segment->groups[i];
        count(&segment->space->size, group->size);
        if (state_of(group) == STORE__GROUP_READY) {
            count(&segment->space->resident_size, group->size);
        }
    }
}

void
store__groups_end(struct chek_segment *segment)
{
    for (uint32_t i = 0; i < segment->group_count; i++) {
        struct store__group *group = &segment->groups[i];
        CHEK_ASSERT(atomic_load_explicit(&group->holds, memory_order_relaxed) == 0);
        uncount(&segment->space->size, group->size);
        if (state_of(group) != STORE__GROUP_COLD) {
            uncount(&segment->space->resident_size, group->size);
        }
    }
}

/* Give the memory of a group back: the pages that are its alone. The rest of it is wiped, so that
 * nothing that was not read again looks as if it were right. */
static void
group_wipe(const struct chek_segment *segment, const struct store__group *group)
{
    uint8_t *begin = segment->bytes + group->offset;
    uint8_t *end = begin + group->size;
    uint8_t *first = begin + (-(uintptr_t)begin % CHEK_EXTENT_PAGE_SIZE);
    uint8_t *last = end - (uintptr_t)end % CHEK_EXTENT_PAGE_SIZE;
    if (first >= last) {
        memset(begin, 0, group->size);
        return;
    }
    memset(begin, 0, (size_t)(first - begin));
    chek_memory_discard(first, (size_t)(last - first));
    memset(last, 0, (size_t)(end - last));
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void
group_tell(const struct chek_segment *segment, struct store__group *group)
{
    const struct chek_cold_reader *reader = &segment->space->reader;
    if (group->is_told) {
        return;
    }
    group->is_told = true;
    count(&segment->space->rotten_count, 1);
    if (reader->on_rotten != NULL) {
        reader->on_rotten(reader->context, &segment->file, group->offset);
    }
}

/* Read a cold group under its lock. */
static int
group_read(const struct chek_segment *segment, uint32_t index)
{
    struct store__space *space = segment->space;
    struct store__group *group = &segment->groups[index];
    CHEK_ASSERT(space->reader.read != NULL);
    int error = space->reader.read(space->reader.context, &segment->file, group->offset,
                                   segment->bytes + group->offset, group->size);
    if (error == CHEK_OK && !CHEK_PLANTED(COLD_UNCHECKED)) {
        error = store__segment_group_check(segment, index);
    }
    count(&space->read_count, 1);
    count(&space->read_size, group->size);
    if (error != CHEK_OK) {
        group_wipe(segment, group);
        if (error == CHEK_E_CORRUPT) {
            group_tell(segment, group);
        }
        return error;
    }
    count(&space->resident_size, group->size);
    state_set(group, STORE__GROUP_READY);
    return CHEK_OK;
}

/* Have a group there, under its lock. */
static int
group_ready(const struct chek_segment *segment, uint32_t index)
{
    struct store__group *group = &segment->groups[index];
    uint8_t state = state_of(group);
    atomic_store_explicit(&group->is_used, true, memory_order_relaxed);
    if (state == STORE__GROUP_LEAVING) {
        state_set(group, STORE__GROUP_READY); /* it did not go yet */
    }
    return state == STORE__GROUP_COLD ? group_read(segment, index) : CHEK_OK;
}

static void
cold_fail(struct chek_cold *cold, const struct chek_segment *segment, uint32_t index, int error)
{
    cold->error = error;
    cold->file = segment->file;
    cold->offset = segment->groups[index].offset;
}

int
store__group_hold(const struct chek_segment *segment, uint32_t index, struct chek_cold *cold)
{
    pthread_mutex_t *lock = lock_of(segment, index);
    pthread_mutex_lock(lock);
    int error = group_ready(segment, index);
    if (error == CHEK_OK) {
        atomic_fetch_add_explicit(&segment->groups[index].holds, 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(lock);
    if (error != CHEK_OK && cold != NULL) {
        cold_fail(cold, segment, index, error);
    }
    return error;
}

void
store__group_release(const struct chek_segment *segment, uint32_t index)
{
    uint32_t before =
        atomic_fetch_sub_explicit(&segment->groups[index].holds, 1, memory_order_release);
    CHEK_ASSERT(before > 0);
}

/* ---- asking ----------------------------------------------------------------------------------- */

void
chek_store_ask_begin(struct chek_store *store, struct chek_cold *cold)
{
    CHEK_ASSERT(store->cold == NULL);
    cold->count = 0;
    cold->is_more = false;
    cold->waits = false;
    cold->error = CHEK_OK;
    store->cold = cold;
}

void
chek_store_ask_end(struct chek_store *store)
{
    store->cold = NULL;
}

int
store__group_want(const struct chek_segment *segment, uint32_t index, struct chek_cold *cold)
{
    for (uint32_t i = 0; i < cold->count; i++) {
        if (cold->groups[i].segment == segment && cold->groups[i].group == index) {
            return CHEK_E_COLD;
        }
    }
    if (cold->count < CHEK_COLD_COUNT_MAX) {
        cold->groups[cold->count].segment = (struct chek_segment *)(uintptr_t)segment;
        cold->groups[cold->count].group = index;
        cold->count += 1;
    } else {
        cold->is_more = true;
    }
    return CHEK_E_COLD;
}

void
chek_cold_fetch(void *context)
{
    struct chek_cold *cold = context;
    cold->error = CHEK_OK;
    for (uint32_t i = 0; i < cold->count && cold->error == CHEK_OK; i++) {
        const struct chek_segment *segment = cold->groups[i].segment;
        pthread_mutex_t *lock = lock_of(segment, cold->groups[i].group);
        pthread_mutex_lock(lock);
        int error = group_ready(segment, cold->groups[i].group);
        pthread_mutex_unlock(lock);
        if (error != CHEK_OK) {
            cold_fail(cold, segment, cold->groups[i].group, error);
        }
    }
}

/* ---- leaving ---------------------------------------------------------------------------------- */

static bool
group_may_leave(const struct chek_segment *segment, struct store__group *group)
{
    return segment->is_stored && state_of(group) == STORE__GROUP_READY &&
           !atomic_exchange_explicit(&group->is_used, false, memory_order_relaxed);
}

/* The next group of a segment in a file; NULL after the last one, then it begins again. */
static struct chek_segment *
place_next(const struct chek_store *store, struct store__group_place *place, uint32_t *ret_group)
{
    while (place->segment < store->segment_count) {
        struct chek_segment *segment = store->segments[place->segment];
        if (segment->is_stored && place->group < segment->group_count) {
            *ret_group = place->group++;
            return segment;
        }
        place->segment += 1;
        place->group = 0;
    }
    *place = (struct store__group_place){0};
    return NULL;
}

bool
chek_cold_choose(struct chek_store *store, uint64_t size, struct chek_cold *ret)
{
    uint64_t chosen_size = 0;
    ret->count = 0;
    for (uint32_t i = 0; i < LOOK_COUNT_MAX && ret->count < CHEK_COLD_COUNT_MAX; i++) {
        uint32_t index;
        struct chek_segment *segment =
            chosen_size < size ? place_next(store, &store->clock, &index) : NULL;
        if (segment == NULL) {
            break;
        }
        struct store__group *group = &segment->groups[index];
        if (group_may_leave(segment, group)) {
            state_set(group, STORE__GROUP_LEAVING);
            chosen_size += group->size;
            ret->groups[ret->count++] =
                (struct chek_cold_group){.segment = segment, .group = index};
        }
    }
    return ret->count != 0;
}

void
chek_cold_leave(void *context)
{
    struct chek_cold *cold = context;
    for (uint32_t i = 0; i < cold->count; i++) {
        const struct chek_segment *segment = cold->groups[i].segment;
        struct store__group *group = &segment->groups[cold->groups[i].group];
        pthread_mutex_t *lock = lock_of(segment, cold->groups[i].group);
        pthread_mutex_lock(lock);
        bool is_held = atomic_load_explicit(&group->holds, memory_order_acquire) != 0;
        if (state_of(group) == STORE__GROUP_LEAVING) {
            if (is_held) {
                state_set(group, STORE__GROUP_READY);
            } else {
                group_wipe(segment, group);
                uncount(&segment->space->resident_size, group->size);
                count(&segment->space->left_count, 1);
                state_set(group, STORE__GROUP_COLD);
            }
        }
        pthread_mutex_unlock(lock);
    }
}

void
chek_store_segments_stored(struct chek_store *store, uint16_t partition,
                           const struct chek_segments *named)
{
    struct chek_segments held = chek_store_segments(store);
    for (uint32_t i = 0; i < store->segment_count; i++) {
        struct chek_segment *segment = store->segments[i];
        uint64_t number = chek_segments_number(&held, i);
        if (!segment->is_stored &&
            (chek_segments_has(named, number) || CHEK_PLANTED(COLD_BEFORE_STORED))) {
            segment->file = (struct chek_segment_file){.number = number, .partition = partition};
            segment->is_stored = true;
        }
    }
}

/* ---- scrub ------------------------------------------------------------------------------------ */

bool
chek_scrub_choose(struct chek_store *store, uint64_t size, struct chek_scrub *scrub)
{
    scrub->groups.count = 0;
    scrub->size = 0;
    scrub->is_end = false;
    while (scrub->groups.count < CHEK_COLD_COUNT_MAX && scrub->size < size) {
        uint32_t index;
        struct chek_segment *segment = place_next(store, &store->scrub, &index);
        if (segment == NULL) {
            scrub->is_end = true;
            break;
        }
        scrub->size += segment->groups[index].size;
        scrub->groups.groups[scrub->groups.count++] =
            (struct chek_cold_group){.segment = segment, .group = index};
    }
    return scrub->groups.count != 0;
}

static bool
scratch_ensure(struct chek_scrub *scrub, size_t size)
{
    if (size <= scrub->scratch_size) {
        return true;
    }
    chek_scrub_finish(scrub);
    scrub->scratch = chek_extents_take(&scrub->pool->space.extents, size);
    scrub->scratch_size = scrub->scratch != NULL ? size : 0;
    return scrub->scratch != NULL;
}

void
chek_scrub_run(void *context)
{
    struct chek_scrub *scrub = context;
    const struct chek_cold_reader *reader = &scrub->pool->space.reader;
    for (uint32_t i = 0; i < scrub->groups.count; i++) {
        const struct chek_segment *segment = scrub->groups.groups[i].segment;
        uint32_t index = scrub->groups.groups[i].group;
        struct store__group *group = &segment->groups[index];
        if (!scratch_ensure(scrub, group->size)) {
            return; /* the next pass comes by again */
        }
        int error = reader->read(reader->context, &segment->file, group->offset, scrub->scratch,
                                 group->size);
        bool is_damaged =
            error == CHEK_E_CORRUPT ||
            (error == CHEK_OK && !store__segment_is_whole(segment, index, scrub->scratch));
        if (is_damaged) {
            pthread_mutex_t *lock = lock_of(segment, index);
            pthread_mutex_lock(lock);
            group_tell(segment, group);
            pthread_mutex_unlock(lock);
        }
    }
}

void
chek_scrub_finish(struct chek_scrub *scrub)
{
    if (scrub->scratch != NULL) {
        chek_extents_give(&scrub->pool->space.extents, scrub->scratch, scrub->scratch_size);
    }
    scrub->scratch = NULL;
    scrub->scratch_size = 0;
}
