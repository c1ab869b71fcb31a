/* SPDX-License-Identifier: MIT */
/*
 * fns_name.c - what the names of members mean: a table by hash, filled from the lists of fields.
 *
 * A file has some 75 names a receipt, most of them ours, so that looking through the lists was a
 * seventh of an import.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "ingest/fns_raw.h"

#define NAMES_MASK (FNS_NAME_PLACE_COUNT - 1)

_Static_assert((FNS_NAME_PLACE_COUNT & NAMES_MASK) == 0, "a power of two");

/* Sizes and three letters tell nearly all of the names apart. */
static size_t
place_of(struct chek_bytes_view name)
{
    const uint8_t *at = name.bytes;
    return name.size * 3u + at[0] * 5u + at[name.size / 2] * 11u + at[name.size - 1] * 23u;
}

/* The place of a name, or the free one where it would be. */
static size_t
name_find(const struct ingest__fns_names *names, struct chek_bytes_view name)
{
    size_t at = place_of(name) & NAMES_MASK;
    while (names->places[at].size != 0 &&
           (names->places[at].size != name.size ||
            memcmp(names->places[at].text, name.bytes, name.size) != 0)) {
        at = (at + 1) & NAMES_MASK;
    }
    return at;
}

static struct ingest__fns_name *
name_add(struct ingest__fns_names *names, const char *text)
{
    size_t at = name_find(names, chek_bytes_view_text(text));
    struct ingest__fns_name *name = &names->places[at];
    if (name->size == 0) {
        names->count += 1;
        CHEK_ASSERT(names->count <= FNS_NAME_PLACE_COUNT / 2);
        name->text = text;
        name->size = (uint8_t)strlen(text);
    }
    return name;
}

#define ROW(name, a, b, c) {a, b, c},
static const char *const field_names[FNS_FIELD_COUNT][3] = {FNS_FIELDS(ROW)};
static const char *const line_names[FNS_LINE_FIELD_COUNT][3] = {FNS_LINE_FIELDS(ROW)};
#undef ROW

void
ingest__fns_names_make(struct ingest__fns_names *names)
{
    memset(names, 0, sizeof *names);
    for (unsigned i = 0; i < FNS_FIELD_COUNT; i++) {
        for (unsigned j = 0; j < 3 && field_names[i][j] != NULL; j++) {
            name_add(names, field_names[i][j])->field = (uint8_t)(i + 1);
        }
    }
    for (unsigned i = 0; i < FNS_LINE_FIELD_COUNT; i++) {
        for (unsigned j = 0; j < 3 && line_names[i][j] != NULL; j++) {
            name_add(names, line_names[i][j])->line = (uint8_t)(i + 1);
        }
    }
    name_add(names, "nds")->other = SLOT_AMOUNT_CODE;
    name_add(names, "ndsSum")->other = SLOT_AMOUNT_SUM;
    name_add(names, "rawProductCode")->other = SLOT_MARKING;
    name_add(names, "rawData")->other = SLOT_BYTES;
    name_add(names, "raw_data")->other = SLOT_BYTES;
}

static struct ingest__fns_slot
slot(bool is, enum ingest__fns_slot_kind kind, unsigned index)
{
    return is ? (struct ingest__fns_slot){(uint8_t)kind, (uint8_t)index}
              : (struct ingest__fns_slot){SLOT_NONE, 0};
}

struct ingest__fns_slot
ingest__fns_slot_find(const struct ingest__fns_names *names, enum ingest__fns_level level,
                      struct chek_bytes_view text)
{
    if (text.size == 0) {
        return slot(false, SLOT_NONE, 0);
    }
    const struct ingest__fns_name *name = &names->places[name_find(names, text)];
    unsigned field = name->field - 1u;
    switch (level) {
    case LEVEL_RECEIPT:
        return name->field != 0 ? slot(true, SLOT_FIELD, field)
                                : slot(name->other == SLOT_BYTES, SLOT_BYTES, 0);
    case LEVEL_BUYER:
        return slot(field == FNS_BUYER_NAME || field == FNS_BUYER_INN, SLOT_FIELD, field);
    case LEVEL_ITEM:
        return name->line != 0 ? slot(true, SLOT_LINE, name->line - 1u)
                               : slot(name->other == SLOT_MARKING, SLOT_MARKING, 0);
    case LEVEL_AMOUNT:
        return slot(name->other == SLOT_AMOUNT_CODE || name->other == SLOT_AMOUNT_SUM, name->other,
                    0);
    case LEVEL_MARKING:
        if (name->other == SLOT_MARKING) {
            return slot(true, SLOT_MARKING, 0);
        }
        return slot(name->line == FNS_LINE_GTIN + 1, SLOT_LINE, FNS_LINE_GTIN);
    case LEVEL_BARCODE:
        return slot(name->line == FNS_LINE_GTIN + 1, SLOT_LINE, FNS_LINE_GTIN);
    default:
        return slot(false, SLOT_NONE, 0);
    }
}
