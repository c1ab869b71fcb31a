/* SPDX-License-Identifier: MIT */
/*
 * arena.c - where the bytes of an arena come from and go to.
 */
#include "engine/base/arena.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/error.h"
#include "engine/base/memory.h"

#define ARENA_ALIGNMENT 16

int
chek_arena_init(struct chek_arena *arena, size_t capacity)
{
    uint8_t *bytes = chek_memory_allocate(capacity);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    chek_arena_init_over(arena, bytes, capacity);
    arena->owned = true;
    return CHEK_OK;
}

void
chek_arena_init_over(struct chek_arena *arena, void *bytes, size_t capacity)
{
    CHEK_ASSERT((uintptr_t)bytes % ARENA_ALIGNMENT == 0);
    *arena = (struct chek_arena){.bytes = bytes, .capacity = capacity};
}

void
chek_arena_finish(struct chek_arena *arena)
{
    CHEK_ASSERT(arena->used <= arena->used_max && arena->used_max <= arena->capacity);
    if (arena->owned) {
        chek_memory_free(arena->bytes, arena->capacity);
    }
    *arena = (struct chek_arena){0};
}
