/* SPDX-License-Identifier: MIT */
/* keep.c - which segment is kept next, and whether its totals are right. */
#include "engine/store/keep.h"

#include "engine/base/assertion.h"
#include "engine/store/hour_table.h"
#include "engine/store/set.h"

/* The zone maps know it without a look at a page. */
static uint64_t
received_last(const struct chek_segment *segment)
{
    int64_t last = 0;
    for (uint32_t i = 0; i < segment->page_count; i++) {
        const struct store__page *page = store__segment_page(segment, STORE__DOCUMENT_RECEIVED, i);
        last = page != NULL && page->max > last ? page->max : last;
    }
    return (uint64_t)last;
}

bool
chek_store_keep_next(const struct chek_store *store, struct chek_keep_next *ret)
{
    uint32_t index = store->kept_count;
    if (index == store->segment_count || store->is_unkeepable) {
        return false;
    }
    const struct chek_segment *segment = store->segments[index];
    *ret = (struct chek_keep_next){
        .index = index,
        .run_count = segment->run_count,
        .row_end = segment->first_row + segment->row_count,
        .received_last = received_last(segment),
    };
    return true;
}

struct chek_keep_run
chek_store_keep_run(const struct chek_store *store, uint32_t index, uint32_t run)
{
    CHEK_ASSERT(index < store->segment_count);
    CHEK_ASSERT(run < store->segments[index]->run_count);
    struct store__run at = store__segment_run(store->segments[index], run);
    return (struct chek_keep_run){
        .registration = at.registration,
        .ordinal = at.ordinal,
        .ordinal_end = at.ordinal + (at.row_end - at.row),
    };
}

int
chek_store_hours_prove(const struct chek_store *store, uint32_t index)
{
    CHEK_ASSERT(index < store->segment_count);
    return store__hours_prove(store, store->segments[index]);
}

struct chek_chain
chek_store_segment_chain(const struct chek_store *store, uint32_t index)
{
    return index < store->segment_count ? store->segments[index]->chain : (struct chek_chain){0};
}

struct chek_chain
chek_store_kept_chain(const struct chek_store *store)
{
    return chek_store_segment_chain(store, store->kept_count - 1); /* none: no segment of 2^32 */
}
