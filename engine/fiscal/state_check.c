/* SPDX-License-Identifier: MIT */
/*
 * state_check.c - whether loaded objects are those of registrations.
 *
 * The heap has vouched for its objects one by one. Here every reference is asked of it before it is
 * followed. No object is reached twice, so a walk that takes more steps than there are objects
 * goes in circles.
 */
#include "engine/fiscal/effect.h"
#include "engine/fiscal/fiscal_state.h"

#define OBJECT_SIZE_MIN 16

struct state_walk {
    const struct chek_page_heap *heap;
    uint64_t left; /* objects that may still be reached */
};

/* The object of a size under a reference; NULL when there is none. */
static const void *
object_take(struct state_walk *walk, chek_page_ref ref, uint32_t size)
{
    if (walk->left == 0 || !chek_page_heap_holds(walk->heap, ref, size)) {
        return NULL;
    }
    walk->left -= 1;
    return chek_page_heap_read(walk->heap, ref);
}

/* The first bytes under a reference of an object that says its own size; NULL when outside. */
static const uint8_t *
head_peek(const struct state_walk *walk, chek_page_ref ref)
{
    uint64_t end = ((uint64_t)ref + 1) * OBJECT_SIZE_MIN;
    bool is_inside = ref != 0 && end <= (uint64_t)walk->heap->page_count * CHEK_PAGE_SIZE;
    return is_inside ? chek_page_heap_read(walk->heap, ref) : NULL;
}

static bool
text_is_whole(struct state_walk *walk, chek_page_ref ref)
{
    if (ref == 0) {
        return true;
    }
    const uint8_t *head = head_peek(walk, ref);
    return head != NULL && object_take(walk, ref, 2u + chek_load_u16(head)) != NULL;
}

/* ---- cells ------------------------------------------------------------------------------------ */

/* Add the rows of a bucket that are not OTHER rows to *count. */
static bool
rows_are_whole(struct state_walk *walk, unsigned set, chek_page_ref ref, uint32_t *count)
{
    while (ref != 0) {
        const struct fiscal__row *row = object_take(walk, ref, sizeof *row);
        if (row == NULL || row->operation >= CHEK_OPERATION_COUNT ||
            !text_is_whole(walk, row->text) ||
            (row->text == 0 && row->key_size > FISCAL__ROW_KEY_INLINE_MAX) ||
            (set == FISCAL__TAXES && row->other == 0 && row->key_size != FISCAL__TAX_KEY_SIZE)) {
            return false;
        }
        *count += row->other == 0;
        ref = row->next;
    }
    return true;
}

static bool
cell_is_whole(struct state_walk *walk, const struct fiscal__cell *cell)
{
    static const unsigned buckets[FISCAL__ROW_SET_COUNT] = {
        FISCAL__SECTION_BUCKETS, FISCAL__OPERATOR_BUCKETS, FISCAL__TAX_BUCKETS};
    const chek_page_ref *rows = cell->rows;
    for (unsigned i = 0; i < CHEK_OPERATION_COUNT; i++) {
        if (cell->operations[i] != 0 &&
            object_take(walk, cell->operations[i], sizeof(struct fiscal__operation)) == NULL) {
            return false;
        }
    }
    for (unsigned set = 0; set < FISCAL__ROW_SET_COUNT; set++) {
        uint32_t count = 0;
        for (unsigned i = 0; i < buckets[set]; i++) {
            if (!rows_are_whole(walk, set, *rows++, &count)) {
                return false;
            }
        }
        if (count != cell->row_counts[set]) {
            return false;
        }
    }
    return true;
}

static bool
cells_are_whole(struct state_walk *walk, chek_page_ref ref)
{
    while (ref != 0) {
        const struct fiscal__cell *cell = object_take(walk, ref, sizeof *cell);
        if (cell == NULL || !cell_is_whole(walk, cell)) {
            return false;
        }
        ref = cell->next;
    }
    return true;
}

/* An entry of closed shifts: its late object, with as many ordinals as revisions. */
static bool
on_shift_entry(void *context, const struct fiscal__entry *entry)
{
    struct state_walk *walk = context;
    uint64_t count = 0;
    if (entry->b == 0) {
        return true;
    }
    const struct fiscal__late *late = object_take(walk, entry->b, sizeof *late);
    if (late == NULL || !cells_are_whole(walk, late->cells)) {
        return false;
    }
    for (chek_page_ref ref = late->ordinals; ref != 0;) {
        const struct fiscal__late_chunk *chunk = object_take(walk, ref, sizeof *chunk);
        if (chunk == NULL || chunk->count > FISCAL__LATE_CHUNK_COUNT) {
            return false;
        }
        count += chunk->count;
        ref = chunk->previous;
    }
    return count == late->revision;
}

/* ---- registrations ---------------------------------------------------------------------------- */

/* A run of numbers: not more documents than there are. */
static bool
run_is_whole(const struct fiscal__registration *registration, uint32_t ordinal, uint32_t count)
{
    return (uint64_t)ordinal + count <= registration->ordinal_next;
}

static bool
on_run_entry(void *context, const struct fiscal__entry *entry)
{
    return run_is_whole(context, entry->a, entry->b);
}

static bool
keys_are_whole(struct state_walk *walk, chek_page_ref ref)
{
    while (ref != 0) {
        const struct fiscal__key *key = (const void *)head_peek(walk, ref);
        if (key == NULL || object_take(walk, ref, (uint32_t)sizeof *key + key->size) == NULL) {
            return false;
        }
        ref = key->next;
    }
    return true;
}

/* Bindings, newest first, are numbered down to 0. */
static bool
bindings_are_whole(struct state_walk *walk, const struct fiscal__registration *registration)
{
    chek_page_ref ref = registration->binding;
    for (unsigned left = registration->binding_count; left > 0; left--) {
        const struct fiscal__binding *binding = object_take(walk, ref, sizeof *binding);
        if (binding == NULL || binding->index != left - 1 || !text_is_whole(walk, binding->point) ||
            !text_is_whole(walk, binding->point_name) || !text_is_whole(walk, binding->address)) {
            return false;
        }
        ref = binding->previous;
    }
    return ref == 0;
}

static bool
warned_is_whole(struct state_walk *walk, chek_page_ref ref)
{
    if (ref == 0) {
        return true;
    }
    const struct fiscal__warned *warned = object_take(walk, ref, sizeof *warned);
    bool is_whole = warned != NULL;
    for (unsigned i = CHEK_WARNING_COUNT; is_whole && i < FISCAL__WARNING_COUNT_MAX; i++) {
        is_whole = warned->counts[i] == 0;
    }
    return is_whole;
}

/* Runs of noted numbers rise, and none reaches into the next. */
static bool
on_noted_entry(void *context, const struct fiscal__entry *entry)
{
    uint64_t *end = context;
    bool is_whole = entry->key != 0 && entry->key >= *end && entry->a == 0 && entry->b != 0 &&
                    entry->b <= UINT32_MAX - entry->key;
    *end = (uint64_t)entry->key + entry->b;
    return is_whole;
}

static bool
registration_is_whole(struct state_walk *walk, const struct fiscal__registration *registration)
{
    if (registration->removed > registration->ordinal_next ||
        !bindings_are_whole(walk, registration) || !keys_are_whole(walk, registration->keys) ||
        !text_is_whole(walk, registration->organisation) ||
        !text_is_whole(walk, registration->organisation_name) ||
        !text_is_whole(walk, registration->model)) {
        return false;
    }
    if (registration->shift != 0) {
        const struct fiscal__shift *shift = object_take(walk, registration->shift, sizeof *shift);
        if (shift == NULL || !cells_are_whole(walk, shift->cells)) {
            return false;
        }
    }
    if (!warned_is_whole(walk, registration->warned)) {
        return false;
    }
    const struct chek_page_heap *heap = walk->heap;
    uint64_t noted_end = 0;
    void *runs_of = (void *)(uintptr_t)registration; /* the callback only reads it */
    return run_is_whole(registration, registration->run_ordinal, registration->run_count) &&
           fiscal__index_is_whole(heap, &registration->runs, &walk->left, on_run_entry, runs_of) &&
           fiscal__index_is_whole(heap, &registration->noted, &walk->left, on_noted_entry,
                                  &noted_end) &&
           fiscal__index_is_whole(heap, &registration->completions, &walk->left, NULL, NULL) &&
           fiscal__index_is_whole(heap, &registration->shifts, &walk->left, on_shift_entry, walk);
}

/* Whether a value of a map is a registration. That it is the right one its user finds out. */
static bool
on_registration_ref(void *context, uint32_t value)
{
    const struct state_walk *walk = context;
    return chek_page_heap_holds(walk->heap, value, sizeof(struct fiscal__registration));
}

bool
chek_fiscal_is_valid(const struct chek_fiscal *fiscal)
{
    const struct chek_fiscal_root *root = fiscal__root(fiscal);
    struct state_walk walk = {fiscal->heap, (uint64_t)fiscal->heap->page_count *
                                                (CHEK_PAGE_SIZE / OBJECT_SIZE_MIN)};
    uint64_t count = 0;
    chek_page_ref last = 0;
    if (!chek_page_map_is_valid(walk.heap, &root->registrations) ||
        !chek_page_map_is_valid(walk.heap, &root->keys) ||
        !chek_page_map_each(walk.heap, &root->registrations, on_registration_ref, &walk) ||
        !chek_page_map_each(walk.heap, &root->keys, on_registration_ref, &walk)) {
        return false;
    }
    for (chek_page_ref ref = root->registration_first; ref != 0;) {
        const struct fiscal__registration *registration =
            object_take(&walk, ref, sizeof *registration);
        chek_page_ref found = 0;
        if (registration == NULL || !registration_is_whole(&walk, registration) ||
            fiscal__registration_find(fiscal, registration->id, &found) == NULL || found != ref) {
            return false;
        }
        count += 1;
        last = ref;
        ref = registration->next;
    }
    return last == root->registration_last && count == root->registration_count;
}
