/* SPDX-License-Identifier: MIT */
/* cpcr_item.c - goods, discounts and markups of a ticket, and taxes wherever they stand. (R42..R45) */
#include "engine/base/decimal.h"
#include "engine/base/limits.h"
#include "engine/base/utf8.h"
#include "ingest/cpcr/cpcr_document.h"

#define TAX_TYPE_VAT 100
#define QUANTITY_MICRO 1000 /* quantities come in thousandths */
#define LINE_NAME_SIZE_MAX 255
#define MODIFIER_NAME_SIZE_MAX 128
#define MARKING_COUNT_MAX 16
#define GTIN_MAX UINT64_C(99999999999999)

uint32_t
ingest__cpcr_incorrect(struct chek_cpcr_fault *fault, const char *field, const char *what)
{
    return chek_cpcr_refuse(fault, CHEK_CPCR_INCORRECT_REQUEST_DATA, field, what);
}

/* ---- taxes ------------------------------------------------------------------------------------ */

static uint32_t
tax_make(const Ingest__Tax *from, struct chek_tax *to, struct chek_cpcr_fault *fault)
{
    if (from->tax_type != TAX_TYPE_VAT) {
        return ingest__cpcr_incorrect(fault, "tax_type", "only VAT (100) is known");
    }
    *to = (struct chek_tax){
        .kind = CHEK_TAX_KIND_VAT, .rate = from->percent, .on_top = !from->is_in_total_sum};
    return chek_cpcr_money(from->sum, "tax.sum", &to->sum, fault);
}

uint32_t
ingest__cpcr_taxes(Ingest__Tax *const *taxes, size_t count, struct chek_arena *arena,
                   const struct chek_tax **ret, uint32_t *ret_count, struct chek_cpcr_fault *fault)
{
    if (count == 0) {
        return CHEK_CPCR_OK;
    }
    struct chek_tax *made =
        count <= CHEK_TAX_COUNT_MAX ? chek_arena_take(arena, count * sizeof *made) : NULL;
    if (made == NULL) {
        return ingest__cpcr_incorrect(fault, "taxes", "there are too many");
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t code = tax_make(taxes[i], &made[i], fault);
        if (code != CHEK_CPCR_OK) {
            return code;
        }
    }
    *ret = made;
    *ret_count = (uint32_t)count;
    return CHEK_CPCR_OK;
}

uint32_t
ingest__cpcr_modifier(const Ingest__Modifier *modifier, const char *field, struct chek_arena *arena,
                      const struct chek_modifier **ret, struct chek_cpcr_fault *fault)
{
    if (modifier == NULL) {
        return CHEK_CPCR_OK;
    }
    struct chek_modifier *made = chek_arena_take(arena, sizeof *made);
    if (made == NULL) {
        return ingest__cpcr_incorrect(fault, field, "there is no room for it");
    }
    *made = (struct chek_modifier){
        .name = chek_utf8_clip(ingest__cpcr_view(modifier->name), MODIFIER_NAME_SIZE_MAX)};
    uint32_t code = chek_cpcr_money(modifier->sum, field, &made->sum, fault);
    if (code == CHEK_CPCR_OK) {
        code = ingest__cpcr_taxes(modifier->taxes, modifier->n_taxes, arena, &made->taxes,
                                  &made->taxes_count, fault);
    }
    *ret = made;
    return code;
}

/* ---- lines ------------------------------------------------------------------------------------ */

/* What a commodity and its storno have in common, which is all but the code. */
struct goods {
    bool is_offline; /* it is on paper already (R70) */
    ProtobufCBinaryData name, section, stamp, barcode, unit;
    const ProtobufCBinaryData *stamps;
    size_t stamp_count;
    uint64_t quantity;
    const Ingest__Money *price, *sum;
    Ingest__Tax *const *taxes;
    size_t tax_count;
};

/* The same fields of two types that protobuf-c made. */
#define GOODS_OF(from, offline)                                                         \
    {                                                                                   \
        .is_offline = (offline), .name = (from)->name, .section = (from)->section_code, \
        .stamp = (from)->excise_stamp, .barcode = (from)->barcode,                      \
        .unit = (from)->measure_unit_code, .stamps = (from)->list_excise_stamp,         \
        .stamp_count = (from)->n_list_excise_stamp, .quantity = (from)->quantity,       \
        .price = (from)->price, .sum = (from)->sum, .taxes = (from)->taxes,             \
        .tax_count = (from)->n_taxes,                                                   \
    }

/* Marking codes of a line: the single one and the list, offline as many as fit. */
static uint32_t
markings_make(const struct goods *goods, struct chek_arena *arena, struct chek_line *line,
              struct chek_cpcr_fault *fault)
{
    size_t first = goods->stamp.len != 0 ? 1 : 0;
    size_t all = goods->stamp_count + first;
    if (goods->is_offline && all > MARKING_COUNT_MAX) {
        all = MARKING_COUNT_MAX;
    }
    if (all == 0) {
        return CHEK_CPCR_OK;
    }
    struct chek_bytes_view *made =
        all <= MARKING_COUNT_MAX ? chek_arena_take(arena, all * sizeof *made) : NULL;
    if (made == NULL) {
        return ingest__cpcr_incorrect(fault, "list_excise_stamp", "there are too many");
    }
    line->markings = made;
    line->markings_count = (uint32_t)all;
    if (first != 0) {
        made[0] = ingest__cpcr_view(goods->stamp);
    }
    for (size_t i = first; i < all; i++) {
        made[i] = ingest__cpcr_view(goods->stamps[i - first]);
    }
    return CHEK_CPCR_OK;
}

static uint32_t
goods_make(const struct goods *goods, struct chek_arena *arena, struct chek_line *line,
           struct chek_cpcr_fault *fault)
{
    uint64_t gtin;
    line->kind = CHEK_LINE_KIND_COMMODITY;
    line->name = chek_utf8_clip(ingest__cpcr_view(goods->name), LINE_NAME_SIZE_MAX);
    line->section = ingest__cpcr_view(goods->section);
    line->unit = ingest__cpcr_view(goods->unit);
    if (chek_decimal_read_u64(ingest__cpcr_view(goods->barcode), &gtin) == CHEK_OK &&
        gtin <= GTIN_MAX) {
        line->gtin = gtin;
    }
    if (goods->quantity > (uint64_t)CHEK_QUANTITY_MAX / QUANTITY_MICRO) {
        return ingest__cpcr_incorrect(fault, "quantity", "it is too large");
    }
    line->quantity = (int64_t)goods->quantity * QUANTITY_MICRO;
    uint32_t code = chek_cpcr_money(goods->price, "price", &line->price, fault);
    if (code == CHEK_CPCR_OK) {
        code = chek_cpcr_money(goods->sum, "sum", &line->sum, fault);
    }
    if (code == CHEK_CPCR_OK) {
        code = markings_make(goods, arena, line, fault);
    }
    return code == CHEK_CPCR_OK ? ingest__cpcr_taxes(goods->taxes, goods->tax_count, arena,
                                                     &line->taxes, &line->taxes_count, fault)
                                : code;
}

static uint32_t
commodity_make(const Ingest__Commodity *from, bool is_offline, struct chek_arena *arena,
               struct chek_line *line, struct chek_cpcr_fault *fault)
{
    struct goods goods = GOODS_OF(from, is_offline);
    if (!from->has_code && from->name.len == 0 && !is_offline) {
        return ingest__cpcr_incorrect(fault, "commodity", "neither code nor name is there");
    }
    if (from->has_code) {
        char *text = chek_arena_take(arena, CHEK_DECIMAL_TEXT_MAX);
        if (text == NULL) {
            return ingest__cpcr_incorrect(fault, "code", "there is no room for it");
        }
        line->code = chek_bytes_view_of(text, chek_decimal_write_u64(from->code, 1, text));
    }
    return goods_make(&goods, arena, line, fault);
}

static uint32_t
storno_make(const Ingest__StornoCommodity *from, bool is_offline, struct chek_arena *arena,
            struct chek_line *line, struct chek_cpcr_fault *fault)
{
    struct goods goods = GOODS_OF(from, is_offline);
    line->storno = true;
    return goods_make(&goods, arena, line, fault);
}

static uint32_t
modifier_line_make(const Ingest__Modifier *from, uint8_t kind, bool storno,
                   struct chek_arena *arena, struct chek_line *line, struct chek_cpcr_fault *fault)
{
    const struct chek_modifier *made = NULL;
    uint32_t code = ingest__cpcr_modifier(from, "modifier.sum", arena, &made, fault);
    if (code != CHEK_CPCR_OK) {
        return code;
    }
    line->kind = kind;
    line->storno = storno;
    line->name = made->name;
    line->sum = made->sum;
    line->taxes = made->taxes;
    line->taxes_count = made->taxes_count;
    return CHEK_CPCR_OK;
}

static uint32_t
line_make(const Ingest__Item *item, bool is_offline, struct chek_arena *arena,
          struct chek_line *line, struct chek_cpcr_fault *fault)
{
    const Ingest__Modifier *modifier = NULL;
    switch (item->type) {
    case INGEST__ITEM_TYPE__ITEM_COMMODITY:
        if (item->commodity != NULL) {
            return commodity_make(item->commodity, is_offline, arena, line, fault);
        }
        break;
    case INGEST__ITEM_TYPE__ITEM_STORNO_COMMODITY:
        if (item->storno_commodity != NULL) {
            return storno_make(item->storno_commodity, is_offline, arena, line, fault);
        }
        break;
    case INGEST__ITEM_TYPE__ITEM_MARKUP:
        modifier = item->markup;
        break;
    case INGEST__ITEM_TYPE__ITEM_STORNO_MARKUP:
        modifier = item->storno_markup;
        break;
    case INGEST__ITEM_TYPE__ITEM_DISCOUNT:
        modifier = item->discount;
        break;
    default:
        modifier = item->storno_discount;
    }
    if (modifier == NULL) {
        return chek_cpcr_refuse(fault, CHEK_CPCR_PROTOCOL_ERROR, "item",
                                "what its type says is missing");
    }
    bool is_markup = item->type == INGEST__ITEM_TYPE__ITEM_MARKUP ||
                     item->type == INGEST__ITEM_TYPE__ITEM_STORNO_MARKUP;
    bool is_storno = item->type == INGEST__ITEM_TYPE__ITEM_STORNO_MARKUP ||
                     item->type == INGEST__ITEM_TYPE__ITEM_STORNO_DISCOUNT;
    return modifier_line_make(modifier, is_markup ? CHEK_LINE_KIND_MARKUP : CHEK_LINE_KIND_DISCOUNT,
                              is_storno, arena, line, fault);
}

uint32_t
ingest__cpcr_lines(const Ingest__TicketRequest *ticket, struct chek_arena *arena,
                   struct chek_receipt *ret, struct chek_cpcr_fault *fault)
{
    size_t count = ticket->n_items;
    if (count == 0) {
        return ticket->has_offline_ticket_number
                   ? CHEK_CPCR_OK
                   : ingest__cpcr_incorrect(fault, "items", "there are none");
    }
    struct chek_line *lines =
        count <= CHEK_LINE_COUNT_MAX ? chek_arena_take(arena, count * sizeof *lines) : NULL;
    if (lines == NULL) {
        return ingest__cpcr_incorrect(fault, "items", "there are too many");
    }
    for (size_t i = 0; i < count; i++) {
        lines[i] = (struct chek_line){0};
        uint32_t code =
            line_make(ticket->items[i], ticket->has_offline_ticket_number, arena, &lines[i], fault);
        if (code != CHEK_CPCR_OK) {
            return code;
        }
    }
    ret->lines = lines;
    ret->lines_count = (uint32_t)count;
    return CHEK_CPCR_OK;
}
