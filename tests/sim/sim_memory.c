/* SPDX-License-Identifier: MIT */
/*
 * sim_memory.c - the simulator's own memory, straight from the C library.
 *
 * The machine that is simulated has the kernel's memory for its page cache and its sockets; no
 * limit, seal or planned failure of the product reaches it.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "tests/sim/sim.h"

#define OWN_MAPPING_SIZE (1024 * 1024)

void
sim__memory_prepare(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, OWN_MAPPING_SIZE);
    (void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

void *
sim__allocate(size_t size)
{
    void *pointer = calloc(1, size != 0 ? size : 1);
    CHEK_ASSERT(pointer != NULL);
    return pointer;
}

void *
sim__grow(void *pointer, size_t size)
{
    void *grown = realloc(pointer, size);
    CHEK_ASSERT(grown != NULL);
    return grown;
}

char *
sim__copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(sim__allocate(size), text, size);
}

void
sim__free(void *pointer)
{
    free(pointer);
}

void *
sim__array_room(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return array;
    }
    *capacity = *capacity != 0 ? *capacity * 2 : 8;
    return sim__grow(array, *capacity * size);
}
