/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory of one lifetime, freed all at once.
 *
 * An arena is a fixed capacity taken at creation; taking from it is a bump of an offset and
 * running out is a normal answer (NULL). Lifetimes have names: process, connection, turn, query.
 */
#ifndef CHEK_BASE_ARENA_H
#define CHEK_BASE_ARENA_H

#include "engine/base/attribute.h"

struct chek_arena {
    uint8_t *bytes;
    size_t capacity;
    size_t used;
    size_t used_max; /* high-water mark, for status */
    bool owned;      /* the bytes came from the heap and go back there */
};

/*
 * Make an arena of `capacity` bytes from the heap.
 *
 *   Errors     -ENOMEM; *arena is unchanged
 */
CHEK_MUST_USE int chek_arena_init(struct chek_arena *arena, size_t capacity);

/* Make an arena over bytes that the caller owns and keeps alive. */
void chek_arena_init_over(struct chek_arena *arena, void *bytes, size_t capacity);

void chek_arena_finish(struct chek_arena *arena);

/*
 * Take `size` bytes, aligned to 16, not zeroed.
 *
 *   Ownership  valid until the arena is reset to before them
 *   Errors     NULL when they do not fit; the arena is unchanged
 */
static inline void *
chek_arena_take(struct chek_arena *arena, size_t size)
{
    size_t at = (arena->used + 15) & ~(size_t)15;
    if (CHEK_UNLIKELY(at > arena->capacity || size > arena->capacity - at)) {
        return NULL;
    }
    arena->used = at + size;
    if (arena->used > arena->used_max) {
        arena->used_max = arena->used;
    }
    return arena->bytes + at;
}

/* Forget everything taken; the memory stays with the arena. */
static inline void
chek_arena_reset(struct chek_arena *arena)
{
    arena->used = 0;
}

/* A place to go back to with chek_arena_rewind(). */
static inline size_t
chek_arena_mark(const struct chek_arena *arena)
{
    return arena->used;
}

static inline void
chek_arena_rewind(struct chek_arena *arena, size_t mark)
{
    arena->used = mark;
}

#endif
