/* SPDX-License-Identifier: MIT */
/*
 * source.c - what a partition remembers about senders.
 */
#include "engine/base/assertion.h"
#include "engine/partition/state.h"

/* The object of a source; 0 when it never sent a numbered document here. */
static chek_page_ref
source_find(const struct chek_partition *partition, uint64_t source)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    uint32_t ref;
    return chek_page_map_find(&partition->heap, &root->sources, source, &ref, NULL) ? ref : 0;
}

void
partition__source_add(struct chek_partition *partition, uint64_t source, uint64_t offset)
{
    chek_page_ref ref = source_find(partition, source);
    if (ref == 0) {
        struct partition__root *root = chek_page_heap_root_change(&partition->heap);
        ref = chek_page_heap_allocate(&partition->heap, sizeof(struct partition__source));
        CHEK_ASSERT(ref != 0);
        int error = chek_page_map_insert(&partition->heap, &root->sources, source, ref);
        CHEK_ASSERT(error == CHEK_OK);
    }
    struct partition__source *known = chek_page_heap_change(&partition->heap, ref);
    known->source = source;
    if (offset > known->offset) {
        known->offset = offset;
    }
}

uint64_t
chek_partition_source_offset(const struct chek_partition *partition, uint64_t source)
{
    chek_page_ref ref = source_find(partition, source);
    if (ref == 0) {
        return 0;
    }
    const struct partition__source *known = chek_page_heap_read(&partition->heap, ref);
    return known->offset;
}

/* ---- whole? ----------------------------------------------------------------------------------- */

static bool
on_source_ref(void *context, uint32_t value)
{
    const struct chek_page_heap *heap = context;
    return chek_page_heap_holds(heap, value, sizeof(struct partition__source));
}

bool
chek_partition_is_valid(const struct chek_partition *partition)
{
    const struct partition__root *root = chek_page_heap_root(&partition->heap);
    void *heap = (void *)(uintptr_t)&partition->heap; /* callbacks only read it */
    return chek_page_map_is_valid(heap, &root->sources) &&
           chek_page_map_each(heap, &root->sources, on_source_ref, heap) &&
           partition__subjects_are_valid(partition) && partition__devices_are_valid(partition) &&
           partition__organisations_are_valid(partition) &&
           partition__retention_is_valid(partition) && chek_fiscal_is_valid(&partition->fiscal);
}
