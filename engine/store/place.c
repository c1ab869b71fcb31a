/* SPDX-License-Identifier: MIT */
/* place.c - where a row is, and what does not need its document. */
#include "engine/store/place.h"

#include "engine/store/image.h"
#include "engine/store/keep.h"
#include "engine/store/row_source.h"

/* Open sets hold the newest rows; each registration is in few of the segments. */
bool
store__place_find(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
                  struct store__place *ret)
{
    for (struct store__set *set = store->oldest; set != NULL; set = set->next) {
        uint32_t row = store__set_find(set, registration, ordinal);
        if (row != UINT32_MAX) {
            *ret = (struct store__place){.set = set, .row = row};
            return true;
        }
    }
    for (uint32_t i = store->segment_count; i > 0; i--) {
        uint32_t row = store__segment_find(store->segments[i - 1], registration, ordinal);
        if (row != UINT32_MAX) {
            *ret = (struct store__place){.segment = store->segments[i - 1], .row = row};
            return true;
        }
    }
    return false;
}

/* Of a sealed row without a look at its children. */
static int
head_read(const struct chek_store *store, const struct store__place *place, struct chek_row *row,
          uint64_t *sign)
{
    const struct chek_segment *segment = place->segment;
    uint32_t group = place->row / segment->page_row_count;
    struct store__source from = {.store = store,
                                 .segment = segment,
                                 .page = group,
                                 .row = place->row % segment->page_row_count};
    int error = store__segment_use(segment, group, store->cold);
    if (error == CHEK_OK) {
        store__source_head(&from, row);
        *sign = store__source_value(&from, STORE__DOCUMENT_SIGN, from.row);
        row->replaced = store__is_replaced(store, segment->replaced, place->row);
        store__segment_done(segment, group, store->cold);
    }
    return error;
}

int
chek_store_read_head(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
                     struct chek_row *ret_row, uint64_t *ret_sign)
{
    struct store__place place;
    struct chek_row row = {.registration = registration, .ordinal = ordinal};
    uint64_t sign = 0;
    int error = CHEK_OK;
    if (!store__place_find(store, registration, ordinal, &place)) {
        return CHEK_E_NOT_FOUND;
    }
    if (place.set == NULL) {
        error = head_read(store, &place, &row, &sign);
    } else {
        sign = store__set_row(place.set, place.row)->sign;
        row = store__row_told(store__set_row(place.set, place.row),
                              store__is_replaced(store, place.set->replaced, place.row));
        row.received_us = 0;
        row.cell = (struct chek_bytes_view){0};
    }
    if (error == CHEK_OK) {
        *ret_row = row;
        *ret_sign = sign;
    }
    return error;
}

bool
chek_store_is_kept(const struct chek_store *store, uint32_t registration, uint32_t ordinal)
{
    struct store__place place;
    return store__place_find(store, registration, ordinal, &place) && place.set == NULL &&
           place.segment->is_kept;
}

bool
chek_store_is_covered(const struct chek_store *store, uint32_t registration, uint32_t ordinal)
{
    struct store__place place;
    return store__place_find(store, registration, ordinal, &place) && place.set == NULL;
}

int
chek_store_replace(struct chek_store *store, uint32_t registration, uint32_t ordinal)
{
    struct store__place place;
    if (!store__place_find(store, registration, ordinal, &place)) {
        return CHEK_E_NOT_FOUND;
    }
    bool open = place.set != NULL;
    uint64_t *bits = open ? place.set->replaced : place.segment->replaced;
    uint32_t *count = open ? &place.set->replaced_count : &place.segment->replaced_count;
    if (store__bit(bits, place.row)) {
        return CHEK_OK;
    }
    if (store->image != NULL) {
        store__image_note(store->image, bits, place.row);
    }
    store__views_note(store, bits, place.row); /* before its bit */
    __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
    uint64_t word = bits[place.row / 64] | UINT64_C(1) << (place.row % 64);
    __atomic_store_n(&bits[place.row / 64], word, __ATOMIC_RELEASE);
    return CHEK_OK;
}
