/* SPDX-License-Identifier: MIT */
/*
 * view.c - a store that stands still, made of what never changes and copies of what does.
 *
 * Of a store, most is immutable: segments, rows and their bytes, texts. What changes is the list
 * of segments, the list of sets, the rows of the newest set with their chains, and the bits of
 * replaced rows. Lists, the head of each set and the chains of the newest one are copied: some
 * kilobytes. Bits are not: all segments together have megabytes of them, and most of what is
 * replaced while a view is open nobody looks at. They are set in place, with an order that a worker
 * can rely on: the row is in the view's table before its bit is set.
 */
#include "engine/store/view.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "engine/base/workspace.h"
#include "engine/store/set.h"

struct chek_view {
    struct chek_store frozen; /* what readers see; nothing of it is ever written to */
    struct chek_store *store; /* NULL: closed */
    struct chek_view *next;   /* open view of the same store */
    uint64_t number;
    struct store__set *sets;
    uint32_t set_count_max, segment_count_max;
    uint32_t newest[STORE__CHAIN_COUNT]; /* of the newest set */
    struct store__late late;
    struct chek_cold cold;
    struct chek_store_effort effort;
};

/* ---- rows that are replaced meanwhile --------------------------------------------------------- */

static size_t
late_size(const struct store__late *late)
{
    return ((size_t)late->slot_mask + 1) * sizeof *late->slots;
}

/* Slots are twice as many as rows, so that a search for one that is not there is short. */
static int
late_init(struct store__late *late, uint32_t count_max)
{
    uint32_t slot_count = 2;
    CHEK_ASSERT(count_max <= UINT32_MAX / 8);
    while (slot_count < 2 * count_max) {
        slot_count *= 2;
    }
    late->slot_mask = slot_count - 1;
    late->count_max = count_max;
    late->slots = chek_memory_reserve(late_size(late));
    if (late->slots == NULL) {
        return -ENOMEM;
    }
    return chek_memory_commit(late->slots, late_size(late));
}

/* Forget all rows: slots of other openings count as empty. */
static void
late_begin(struct store__late *late)
{
    late->count = 0;
    late->is_ended = false;
    late->opening += 1;
    if (late->opening == 0) {
        memset(late->slots, 0, late_size(late));
        late->opening = 1;
    }
}

static void
late_add(struct store__late *late, const uint64_t *bits, uint32_t row)
{
    if (late->count == late->count_max) {
        late->is_ended = true;
        return;
    }
    uint32_t at = store__late_hash(bits, row);
    while (late->slots[at & late->slot_mask].opening == late->opening) {
        at += 1;
    }
    struct store__late_slot *slot = &late->slots[at & late->slot_mask];
    slot->bits = bits;
    slot->row = row;
    __atomic_store_n(&slot->opening, late->opening, __ATOMIC_RELEASE);
    late->count += 1;
}

void
store__views_note(struct chek_store *store, const uint64_t *bits, uint32_t row)
{
    for (struct chek_view *view = store->views; view != NULL; view = view->next) {
        late_add(&view->late, bits, row);
    }
}

/* ---- what leaves the store while it is shown -------------------------------------------------- */

bool
store__views_show(const struct chek_store *store, uint64_t number)
{
    for (const struct chek_view *view = store->views; view != NULL; view = view->next) {
        if (view->number <= number) {
            return true;
        }
    }
    return false;
}

static void
set_give(struct chek_store *store, struct store__set *set)
{
    store__set_clear(set, &store->pool);
    set->next = store->spare;
    store->spare = set;
    store->spare_count += 1;
}

void
store__set_retire(struct chek_store *store, struct store__set *set)
{
    struct store__set **last = &store->retired;
    if (store->views == NULL) {
        set_give(store, set);
        return;
    }
    while (*last != NULL) {
        last = &(*last)->next;
    }
    set->retired_at = store->view_number;
    set->next = NULL;
    *last = set;
}

/* Sets were retired in order, so the first ones are free first. */
static void
retired_give(struct chek_store *store)
{
    while (store->retired != NULL && !store__views_show(store, store->retired->retired_at)) {
        struct store__set *set = store->retired;
        store->retired = set->next;
        set_give(store, set);
    }
}

/* ---- opening and closing ---------------------------------------------------------------------- */

int
chek_view_create(uint32_t late_count_max, struct chek_view **ret)
{
    struct chek_view *view = chek_memory_allocate(sizeof *view);
    int error = view != NULL ? late_init(&view->late, late_count_max) : -ENOMEM;
    if (error != CHEK_OK) {
        chek_view_destroy(view);
        return error;
    }
    *ret = view;
    return CHEK_OK;
}

void
chek_view_destroy(struct chek_view *view)
{
    if (view == NULL) {
        return;
    }
    CHEK_ASSERT(view->store == NULL);
    chek_workspace_give(view->frozen.segments,
                        view->segment_count_max * sizeof *view->frozen.segments);
    chek_workspace_give(view->sets, view->set_count_max * sizeof *view->sets);
    if (view->late.slots != NULL) {
        chek_memory_release(view->late.slots, late_size(&view->late));
    }
    chek_memory_free(view, sizeof *view);
}

/* Have room for the lists of a store, with some to spare: they grow by one at a time. */
static int
lists_ensure(struct chek_view *view, uint32_t segment_count, uint32_t set_count)
{
    if (segment_count > view->segment_count_max) {
        uint32_t count = segment_count + segment_count / 4 + 16;
        struct chek_segment **grown = chek_workspace_grow(
            view->frozen.segments, view->segment_count_max * sizeof *view->frozen.segments,
            count * sizeof *view->frozen.segments);
        if (grown == NULL) {
            return -ENOMEM;
        }
        view->frozen.segments = grown;
        view->segment_count_max = count;
    }
    if (set_count > view->set_count_max) {
        uint32_t count = set_count + set_count / 4 + 4;
        struct store__set *grown = chek_workspace_grow(
            view->sets, view->set_count_max * sizeof *view->sets, count * sizeof *view->sets);
        if (grown == NULL) {
            return -ENOMEM;
        }
        view->sets = grown;
        view->set_count_max = count;
    }
    return CHEK_OK;
}

/* Copies of the sets' heads; rows that come later are behind their counts. */
static void
sets_freeze(struct chek_view *view, const struct chek_store *store, uint32_t set_count)
{
    const struct store__set *set = store->oldest;
    for (uint32_t i = 0; i < set_count; i++, set = set->next) {
        view->sets[i] = *set;
        view->sets[i].next = i + 1 < set_count ? &view->sets[i + 1] : NULL;
    }
    struct store__set *newest = &view->sets[set_count - 1];
    memcpy(view->newest, store->newest->newest, sizeof view->newest);
    newest->newest = view->newest;
    view->frozen.oldest = view->sets;
    view->frozen.newest = newest;
}

static void
freeze(struct chek_view *view, const struct chek_store *store, uint32_t set_count)
{
    struct chek_store *frozen = &view->frozen;
    if (store->segment_count != 0) {
        memcpy(frozen->segments, store->segments, store->segment_count * sizeof *frozen->segments);
    }
    frozen->segment_count = store->segment_count;
    frozen->kept_count = store->kept_count;
    frozen->merged_count = store->merged_count;
    frozen->merged_set_count = store->merged_set_count;
    frozen->config = store->config;
    frozen->dictionaries = store->dictionaries;
    memcpy(frozen->texts, store->texts, sizeof frozen->texts);
    frozen->history_hash = store->history_hash;
    frozen->chain = store->chain;
    frozen->row_count = store->row_count;
    frozen->line_count = store->line_count;
    frozen->sealed_row_count = store->sealed_row_count;
    frozen->effort = &view->effort;
    view->cold.waits = true;
    view->cold.error = CHEK_OK;
    frozen->cold = &view->cold;
    /* The planted bug shows what is replaced later. */
    frozen->late = CHEK_PLANTED(VIEW_SEES_LATER) ? NULL : &view->late;
    sets_freeze(view, store, set_count);
}

int
chek_view_open(struct chek_view *view, struct chek_store *store)
{
    uint32_t set_count = 0;
    CHEK_ASSERT(view->store == NULL);
    CHEK_ASSERT(store->late == NULL); /* not a view of a view */
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        set_count += 1;
    }
    int error = lists_ensure(view, store->segment_count, set_count);
    if (error != CHEK_OK) {
        return error;
    }
    late_begin(&view->late);
    freeze(view, store, set_count);
    view->store = store;
    view->number = ++store->view_number;
    view->next = store->views;
    store->views = view;
    return CHEK_OK;
}

const struct chek_store *
chek_view_store(const struct chek_view *view)
{
    CHEK_ASSERT(view->store != NULL);
    return &view->frozen;
}

const struct chek_cold *
chek_view_cold(const struct chek_view *view)
{
    return &view->cold;
}

bool
chek_view_is_whole(const struct chek_view *view)
{
    return !view->late.is_ended;
}

void
chek_view_close(struct chek_view *view)
{
    struct chek_store *store = view->store;
    if (store == NULL) {
        return;
    }
    struct chek_view **at = &store->views;
    while (*at != view) {
        at = &(*at)->next;
    }
    *at = view->next;
    view->store = NULL;
    retired_give(store);
}
