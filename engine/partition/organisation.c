/* SPDX-License-Identifier: MIT */
/*
 * organisation.c - what a partition keeps of organisations beside their registers.
 *
 * Most folders have none of it, so its maps are an object of their own, made with the first of them.
 */
#include "engine/base/assertion.h"
#include "engine/partition/state.h"

uint64_t
partition__organisation_key(struct chek_bytes_view organisation)
{
    return chek_checksum(organisation.bytes, organisation.size);
}

struct partition__organisations *
partition__organisations_change(struct chek_partition *partition)
{
    struct partition__root *root = chek_page_heap_root_change(&partition->heap);
    if (root->organisations == 0) {
        root->organisations =
            chek_page_heap_allocate(&partition->heap, sizeof(struct partition__organisations));
        CHEK_ASSERT(root->organisations != 0);
        struct partition__organisations *made =
            chek_page_heap_change(&partition->heap, root->organisations);
        made->operators.seed = made->nomenclatures.seed = root->sources.seed;
        return made;
    }
    return chek_page_heap_change(&partition->heap, root->organisations);
}

void
partition__organisations_forget(struct chek_partition *partition)
{
    ((struct partition__root *)chek_page_heap_root_change(&partition->heap))->organisations = 0;
}

bool
partition__organisations_are_valid(const struct chek_partition *partition)
{
    const struct chek_page_heap *heap = &partition->heap;
    const struct partition__root *root = chek_page_heap_root(heap);
    void *context = (void *)(uintptr_t)partition; /* it is only read */
    if (root->organisations == 0) {
        return true;
    }
    if (!chek_page_heap_holds(heap, root->organisations, sizeof(struct partition__organisations))) {
        return false;
    }
    const struct partition__organisations *all = chek_page_heap_read(heap, root->organisations);
    return chek_page_map_is_valid(heap, &all->operators) &&
           chek_page_map_each(heap, &all->operators, partition__operator_is_valid, context) &&
           partition__nomenclatures_are_valid(partition, &all->nomenclatures);
}
