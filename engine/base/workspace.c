/* SPDX-License-Identifier: MIT */
/*
 * workspace.c - one set of extents for the whole process.
 *
 * It is reserved by whoever needs it first, which is a start: an ordered way to hand it to every
 * room would touch all of them, and the heap and the address space are the process's as well.
 */
#include "engine/base/workspace.h"

#include <pthread.h>
#include <stdatomic.h>

#include "engine/base/assertion.h"
#include "engine/base/extents.h"
#include "engine/base/memory.h"

static struct {
    pthread_mutex_t mutex; /* of the making */
    _Atomic bool is_ready;
    struct chek_extents extents;
    _Atomic uint64_t take_count, size;
} workspace = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static bool
workspace_ready(void)
{
    if (CHEK_LIKELY(atomic_load_explicit(&workspace.is_ready, memory_order_acquire))) {
        return true;
    }
    pthread_mutex_lock(&workspace.mutex);
    bool is_ready = atomic_load_explicit(&workspace.is_ready, memory_order_relaxed);
    if (!is_ready) {
        chek_memory_unsealed_begin(); /* address space, once */
        is_ready = chek_extents_init(&workspace.extents) == CHEK_OK;
        chek_memory_unsealed_end();
        atomic_store_explicit(&workspace.is_ready, is_ready, memory_order_release);
    }
    pthread_mutex_unlock(&workspace.mutex);
    return is_ready;
}

static inline size_t
size_at_least(size_t size)
{
    return size != 0 ? size : 1;
}

static void
count_taken(size_t size)
{
    atomic_fetch_add_explicit(&workspace.take_count, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&workspace.size, size, memory_order_relaxed);
}

void *
chek_workspace_take(size_t size)
{
    if (chek_memory_is_refused() || !workspace_ready()) {
        return NULL;
    }
    void *bytes = chek_extents_take(&workspace.extents, size_at_least(size));
    if (bytes != NULL) {
        count_taken(size);
    }
    return bytes;
}

void *
chek_workspace_grow(void *bytes, size_t size_old, size_t size_new)
{
    CHEK_ASSERT(size_new >= size_old);
    if (bytes == NULL) {
        CHEK_ASSERT(size_old == 0);
        return chek_workspace_take(size_new);
    }
    if (chek_memory_is_refused()) {
        return NULL;
    }
    void *grown = chek_extents_grow(&workspace.extents, bytes, size_at_least(size_old),
                                    size_at_least(size_new));
    if (grown != NULL) {
        count_taken(size_new - size_old);
    }
    return grown;
}

void
chek_workspace_give(void *bytes, size_t size)
{
    if (bytes == NULL) {
        return;
    }
    chek_extents_give(&workspace.extents, bytes, size_at_least(size));
    atomic_fetch_sub_explicit(&workspace.size, size, memory_order_relaxed);
}

struct chek_workspace_counters
chek_workspace_count(void)
{
    return (struct chek_workspace_counters){
        .take_count = atomic_load_explicit(&workspace.take_count, memory_order_relaxed),
        .size = atomic_load_explicit(&workspace.size, memory_order_relaxed),
    };
}

void
chek_workspace_finish(void)
{
    CHEK_ASSERT(workspace.extents.used_size == 0);
    atomic_store_explicit(&workspace.is_ready, false, memory_order_relaxed);
    chek_extents_finish(&workspace.extents);
}
