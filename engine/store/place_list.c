/* SPDX-License-Identifier: MIT */
#include "engine/store/place_list.h"

/* Whether a place comes before another in a list. */
static bool
is_newer(const struct chek_row_place *a, const struct chek_row_place *b)
{
    if (a->received_us != b->received_us) {
        return a->received_us > b->received_us;
    }
    return a->registration != b->registration ? a->registration > b->registration
                                              : a->ordinal > b->ordinal;
}

bool
store__place_is_wanted(const struct store__place_list *to, const struct chek_row_place *place)
{
    return (to->registration == 0 || place->registration == to->registration) &&
           (to->before.received_us == 0 || is_newer(&to->before, place)) &&
           (to->count < to->count_max || is_newer(place, &to->list[to->count - 1]));
}

void
store__place_take(struct store__place_list *to, const struct chek_row_place *place)
{
    uint32_t at = to->count;
    while (at > 0 && is_newer(place, &to->list[at - 1])) {
        at -= 1;
    }
    if (at > 0 && !is_newer(&to->list[at - 1], place)) {
        return; /* it was found before, by something else that is looked for */
    }
    uint32_t last = to->count < to->count_max ? to->count++ : to->count - 1;
    memmove(&to->list[at + 1], &to->list[at], (last - at) * sizeof *to->list);
    to->list[at] = *place;
}

const struct store__set *
store__set_before(const struct chek_store *store, const struct store__set *end)
{
    const struct store__set *set = store->oldest != end ? store->oldest : NULL;
    while (set != NULL && set->next != end) {
        set = set->next;
    }
    return set;
}
