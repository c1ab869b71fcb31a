/* SPDX-License-Identifier: MIT */
/*
 * effect.h - what one document adds to totals. (rules F1..F10)
 *
 * Inside the room only. Cells in the heap and tallies in an arena are two ways to keep the same
 * sums; both get them from here, so they cannot differ in what a document means.
 *
 * A `sign` is +1 to add a document, -1 to take away a copy that a fuller one replaces.
 */
#ifndef CHEK_FISCAL_EFFECT_H
#define CHEK_FISCAL_EFFECT_H

#include "engine/fiscal/fiscal_state.h"

/* What a document moves beside the rows of its cell. */
struct fiscal__effect {
    int64_t cash;       /* in the drawer, signed */
    int64_t total;      /* of a receipt */
    uint64_t magnitude; /* F23: all its amounts without their signs */
};

/* What a document adds to a row. */
struct fiscal__addend {
    int64_t count, sum, turnover;
};

/* Where the rows of a document go: called once or more for a section, a tax, the operator. */
struct fiscal__row_sink {
    void *context;
    void (*on_row)(void *context, enum fiscal__row_set set, uint8_t operation,
                   struct chek_bytes_view key, const struct fiscal__addend *addend);
};

struct fiscal__effect fiscal__receipt_effect(const struct chek_receipt *receipt);
struct fiscal__effect fiscal__movement_effect(const struct chek_movement *movement);

/* The effect of a document; a close has none. */
struct fiscal__effect fiscal__document_effect(const struct chek_document *document);

/* Cash of a receipt net of change, without the direction of its operation. (F6) */
int64_t fiscal__receipt_cash(const struct chek_receipt *receipt);

/* +1 when the operation brings money in, -1 when it takes some out. (F7) */
int64_t fiscal__direction(uint8_t operation);

void fiscal__operation_add(struct fiscal__operation *to, const struct chek_receipt *receipt,
                           int sign);
void fiscal__operation_merge(struct fiscal__operation *to, const struct fiscal__operation *from);
bool fiscal__operation_is_zero(const struct fiscal__operation *operation);

void fiscal__movement_add(struct fiscal__movement *to, const struct chek_movement *movement,
                          int sign);

/* Give the rows of a receipt; neighbours of one key come as one. */
void fiscal__receipt_rows(const struct chek_receipt *receipt, int sign,
                          const struct fiscal__row_sink *sink);

static inline void
fiscal__row_add(struct fiscal__row *to, const struct fiscal__addend *addend)
{
    to->count += addend->count;
    to->sum += addend->sum;
    to->turnover += addend->turnover;
}

static inline struct fiscal__addend
fiscal__row_sums(const struct fiscal__row *row)
{
    return (struct fiscal__addend){row->count, row->sum, row->turnover};
}

/* The turnover of a tax on `amount`, tax included; as stated when it is. (F9) */
int64_t fiscal__tax_turnover(const struct chek_tax *tax, int64_t amount);

#define FISCAL__TAX_KEY_SIZE 5

/* The key of a tax row: kind, then the rate with its highest byte first, so that bytes sort. */
static inline struct chek_bytes_view
fiscal__tax_key(uint8_t kind, uint32_t rate, uint8_t key[FISCAL__TAX_KEY_SIZE])
{
    key[0] = kind;
    for (unsigned i = 0; i < 4; i++) {
        key[1 + i] = (uint8_t)(rate >> (24 - 8 * i));
    }
    return chek_bytes_view_of(key, FISCAL__TAX_KEY_SIZE);
}

#endif
