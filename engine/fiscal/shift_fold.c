/* SPDX-License-Identifier: MIT */
/* shift_fold.c - rows become tallies. */
#include "engine/fiscal/shift_fold.h"

#include "engine/fiscal/identity.h"

static struct fiscal__tally *
fold_tally(struct fiscal__fold *fold, uint16_t binding, struct chek_arena *arena)
{
    struct fiscal__tally **link = &fold->newest;
    while (*link != NULL && (*link)->binding > binding) {
        link = &(*link)->older;
    }
    if (*link == NULL || (*link)->binding != binding) {
        struct fiscal__tally *made = fiscal__tally_make(arena);
        if (made == NULL) {
            return NULL;
        }
        made->binding = binding;
        made->older = *link;
        *link = made;
    }
    return *link;
}

static int
document_add(struct fiscal__fold *fold, const struct chek_document *document, uint16_t binding,
             int sign, struct chek_arena *arena)
{
    if (document->close != NULL) {
        return CHEK_OK;
    }
    struct fiscal__tally *tally = fold_tally(fold, binding, arena);
    if (tally == NULL) {
        return CHEK_E_LIMIT;
    }
    fiscal__tally_add(tally, document, sign);
    fold->cash += sign * fiscal__document_effect(document).cash;
    return CHEK_OK;
}

int
fiscal__fold_add(struct fiscal__fold *fold, uint32_t ordinal, struct chek_arena *arena)
{
    struct chek_row row;
    struct chek_document document;
    int error = chek_store_read(fold->store, fold->registration, ordinal, arena, &row, &document);
    if (error != CHEK_OK) {
        return error;
    }
    int64_t time = fiscal__keys_of(&document).time;
    fold->last = time > fold->last ? time : fold->last;
    if (row.completes != 0) {
        struct chek_row old_row;
        struct chek_document old;
        error = chek_store_read(fold->store, fold->registration, row.completes - 1, arena, &old_row,
                                &old);
        if (error == CHEK_OK) {
            error = document_add(fold, &old, row.binding, -1, arena);
        }
    }
    return error == CHEK_OK ? document_add(fold, &document, row.binding, 1, arena) : error;
}

int
fiscal__fold_end(struct fiscal__fold *fold, struct chek_arena *arena)
{
    if (fold->newest == NULL) {
        fold->newest = fiscal__tally_make(arena);
        if (fold->newest == NULL) {
            return CHEK_E_LIMIT;
        }
    }
    for (struct fiscal__tally *tally = fold->newest->older; tally != NULL; tally = tally->older) {
        fiscal__tally_merge(fold->newest, tally);
    }
    return CHEK_OK;
}
