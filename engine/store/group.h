/* SPDX-License-Identifier: MIT */
/*
 * group.h - groups of pages that are in memory or not (of this room only; cold.h says what for).
 *
 * A group is READY, or LEAVING: its shard gave it up and a worker will give its memory back unless
 * somebody takes it again before; or COLD. Only the shard makes READY groups LEAVING, so what it
 * saw READY stays so until it has answered. Every other change is made under one of a few locks,
 * which is held while a group is read: who wants the same one waits, and finds it there. Who reads
 * beside the shard holds groups by counting.
 */
#ifndef CHEK_STORE_GROUP_H
#define CHEK_STORE_GROUP_H

#include <stdatomic.h>

#include "engine/base/extents.h"
#include "engine/store/cold.h"

enum store__group_state { STORE__GROUP_COLD, STORE__GROUP_READY, STORE__GROUP_LEAVING };

struct store__group {
    size_t offset, size; /* in the segment; the last STORE__PAGE_SLACK bytes are zero */
    _Atomic uint32_t holds;
    _Atomic uint8_t state;
    _Atomic bool is_used; /* since it was last looked at */
    bool is_told;         /* that it is damaged; guarded by its lock */
};

#define STORE__GROUP_LOCK_COUNT 16

/* Memory of segments: a pool's. */
struct store__space {
    struct chek_extents extents;
    struct chek_cold_reader reader;
    uint64_t budget;
    pthread_mutex_t locks[STORE__GROUP_LOCK_COUNT];
    _Atomic uint64_t size, resident_size; /* of groups */
    _Atomic uint64_t read_count, read_size, left_count, rotten_count;
};

CHEK_MUST_USE int store__space_init(struct store__space *space); /* zeroed. Errors: -ENOMEM */
void store__space_finish(struct store__space *space);

struct chek_segment;

/* What was read while asking is void when anything was wished for. */
static inline int
store__cold_result(const struct chek_cold *cold)
{
    return cold != NULL && cold->count != 0 ? CHEK_E_COLD : CHEK_OK;
}

/* Count the groups of a segment that was opened, and that is about to be destroyed. */
void store__groups_begin(struct chek_segment *segment);
void store__groups_end(struct chek_segment *segment);

/* Wish for a group, or wait for it and hold it. */
CHEK_MUST_USE int store__group_want(const struct chek_segment *segment, uint32_t index,
                                    struct chek_cold *cold);
CHEK_MUST_USE int store__group_hold(const struct chek_segment *segment, uint32_t index);
void store__group_release(const struct chek_segment *segment, uint32_t index);

#endif
