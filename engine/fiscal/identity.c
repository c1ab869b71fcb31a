/* SPDX-License-Identifier: MIT */
/* identity.c - runs of numbers, pointers to fuller copies, and the look by sign. */
#include "engine/fiscal/identity.h"

#define MINUTE_S 60

struct fiscal__key_set
fiscal__keys_of(const struct chek_document *document)
{
    if (document->receipt != NULL) {
        const struct chek_receipt *receipt = document->receipt;
        return (struct fiscal__key_set){receipt->time,     receipt->sign,  receipt->autonomous,
                                        receipt->document, receipt->shift, CHEK_ROW_RECEIPT};
    }
    if (document->movement != NULL) {
        const struct chek_movement *movement = document->movement;
        return (struct fiscal__key_set){movement->time,       0,
                                        movement->autonomous, movement->document,
                                        movement->shift,      CHEK_ROW_MOVEMENT};
    }
    const struct chek_close *close = document->close;
    return (struct fiscal__key_set){close->time,     close->sign,  0,
                                    close->document, close->shift, CHEK_ROW_CLOSE};
}

/* ---- numbers ---------------------------------------------------------------------------------- */

bool
fiscal__number_find(const struct chek_page_heap *heap,
                    const struct fiscal__registration *registration, uint32_t number,
                    uint32_t *ret_ordinal)
{
    if (number > registration->number_last) {
        return false;
    }
    uint32_t below_last = registration->number_last - number;
    if (below_last < registration->run_count) {
        *ret_ordinal = registration->run_ordinal + (registration->run_count - 1 - below_last);
        return true;
    }
    const struct fiscal__entry *run = fiscal__index_floor(heap, &registration->runs, number);
    if (run == NULL || number - run->key >= run->b) {
        return false;
    }
    *ret_ordinal = run->a + (number - run->key);
    return true;
}

/* A number below the last one: its run is extended when it ends just before, in both counts. */
static void
number_add_below(struct chek_page_heap *heap, struct fiscal__registration *registration,
                 uint32_t number, uint32_t ordinal)
{
    const struct fiscal__entry *run = fiscal__index_floor(heap, &registration->runs, number);
    if (run != NULL && number - run->key == run->b && ordinal - run->a == run->b) {
        fiscal__index_change(heap, &registration->runs, run->key)->b += 1;
        return;
    }
    fiscal__index_insert(heap, &registration->runs, (struct fiscal__entry){number, ordinal, 1});
}

void
fiscal__number_add(struct chek_page_heap *heap, struct fiscal__registration *registration,
                   uint32_t number, uint32_t ordinal)
{
    if (number < registration->number_last) {
        number_add_below(heap, registration, number, ordinal);
        return;
    }
    bool is_next = registration->run_count != 0 && number - registration->number_last == 1 &&
                   ordinal - registration->run_ordinal == registration->run_count;
    if (is_next) {
        registration->run_count += 1;
    } else {
        if (registration->run_count != 0) {
            uint32_t first = registration->number_last - registration->run_count + 1;
            fiscal__index_insert(
                heap, &registration->runs,
                (struct fiscal__entry){first, registration->run_ordinal, registration->run_count});
        }
        registration->run_ordinal = ordinal;
        registration->run_count = 1;
    }
    registration->number_last = number;
}

/* The number behind the run of noted ones that `number` is in; `number` itself when it is in none. */
static uint32_t
noted_end(const struct chek_page_heap *heap, const struct fiscal__registration *registration,
          uint32_t number)
{
    const struct fiscal__entry *run = fiscal__index_floor(heap, &registration->noted, number);
    return run != NULL && number - run->key < run->b ? run->key + run->b : number;
}

bool
fiscal__number_is_noted(const struct chek_page_heap *heap,
                        const struct fiscal__registration *registration, uint32_t number)
{
    return noted_end(heap, registration, number) != number;
}

void
fiscal__number_note(struct chek_page_heap *heap, struct fiscal__registration *registration,
                    uint32_t number)
{
    const struct fiscal__entry *run = fiscal__index_floor(heap, &registration->noted, number);
    if (run != NULL && number - run->key == run->b) {
        fiscal__index_change(heap, &registration->noted, run->key)->b += 1;
        return;
    }
    fiscal__index_insert(heap, &registration->noted, (struct fiscal__entry){number, 0, 1});
}

bool
fiscal__numbers_are_noted(const struct chek_page_heap *heap,
                          const struct fiscal__registration *registration, uint32_t number)
{
    uint32_t next = registration->number_last + 1;
    for (uint32_t end; next < number && (end = noted_end(heap, registration, next)) != next;) {
        next = end;
    }
    return next >= number;
}

uint32_t
fiscal__newest_copy(const struct chek_page_heap *heap,
                    const struct fiscal__registration *registration, uint32_t ordinal)
{
    const struct fiscal__entry *copy;
    while ((copy = fiscal__index_find(heap, &registration->completions, ordinal)) != NULL) {
        ordinal = copy->a;
    }
    return ordinal;
}

void
chek_fiscal_forget(struct chek_fiscal *fiscal)
{
    for (chek_page_ref ref = fiscal__root(fiscal)->registration_first; ref != 0;) {
        struct fiscal__registration *registration = chek_page_heap_change(fiscal->heap, ref);
        registration->runs = (struct fiscal__index){0};
        registration->run_count = 0;
        ref = registration->next;
    }
}

/* ---- signs ------------------------------------------------------------------------------------ */

/* A look through the rows of a minute. */
struct sign_search {
    const struct fiscal__key_set *keys;
    bool found;
    uint32_t ordinal;
};

/* Rows with numbers of their own are another document when ours has one too. (F16) */
static bool
search_on_row(void *context, const struct chek_scan_row *row)
{
    struct sign_search *search = context;
    const struct fiscal__key_set *keys = search->keys;
    bool is_comparable = row->row.kind == keys->row_kind &&
                         (keys->number == 0 || row->document == 0) && !row->row.replaced;
    bool sign_is_equal = (keys->sign != 0 && row->sign == keys->sign) ||
                         (keys->autonomous != 0 && row->autonomous == keys->autonomous);
    if (is_comparable && sign_is_equal && (!search->found || row->row.ordinal < search->ordinal)) {
        search->found = true;
        search->ordinal = row->row.ordinal;
    }
    return true;
}

static int
sign_find(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
          const struct fiscal__key_set *keys, uint32_t *ret_ordinal)
{
    struct sign_search search = {.keys = keys};
    int64_t minute = keys->time - keys->time % MINUTE_S;
    struct chek_scan_filter filter = {
        .registrations = &registration->id,
        .registration_count = 1,
        .time_min = minute,
        .time_max = minute + MINUTE_S - 1,
    };
    int error = chek_store_scan(fiscal->store, &filter, fiscal->scratch, search_on_row, &search);
    if (error != CHEK_OK) {
        return error;
    }
    if (!search.found) {
        return CHEK_E_NOT_FOUND;
    }
    *ret_ordinal = search.ordinal;
    return CHEK_OK;
}

/* Whether a row with the same sign can be there at all: only up to the last minute seen. */
static bool
sign_is_searched(const struct fiscal__registration *registration,
                 const struct fiscal__key_set *keys)
{
    if (keys->sign == 0 && keys->autonomous == 0) {
        return false;
    }
    int64_t last = keys->number == 0 ? registration->time_last : registration->numberless_time_last;
    return keys->time / MINUTE_S <= last / MINUTE_S;
}

int
fiscal__identity_find(const struct chek_fiscal *fiscal,
                      const struct fiscal__registration *registration,
                      const struct fiscal__key_set *keys, uint32_t *ret_ordinal)
{
    uint32_t ordinal;
    if (keys->number != 0 &&
        fiscal__number_find(fiscal->heap, registration, keys->number, &ordinal)) {
        *ret_ordinal = fiscal__newest_copy(fiscal->heap, registration, ordinal);
        return CHEK_OK;
    }
    if (!sign_is_searched(registration, keys)) {
        return CHEK_E_NOT_FOUND;
    }
    return sign_find(fiscal, registration, keys, ret_ordinal);
}

void
fiscal__identity_note(struct fiscal__registration *registration, const struct fiscal__key_set *keys)
{
    if (keys->time > registration->time_last) {
        registration->time_last = keys->time;
    }
    if (keys->number == 0 && keys->time > registration->numberless_time_last) {
        registration->numberless_time_last = keys->time;
    }
}
