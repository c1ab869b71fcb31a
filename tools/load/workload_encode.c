/* SPDX-License-Identifier: MIT */
/*
 * workload_encode.c - a receipt of the workload as bytes, written by somebody who knows its shape.
 *
 * The generated codec asks every field whether it is there; here the answer is known, a product's
 * code, name and section are copied as they were encoded at the start, and numbers of up to 28
 * bits are written with one store. A test holds the bytes equal to the codec's.
 *
 *   Source  engine/wire/PROTOCOL.md chapter 4; the masks are those of protocol.def
 */
#include "engine/base/assertion.h"
#include "tools/load/workload_run.h"

#define BIT(record, name) (UINT32_C(1) << (CHEK_FIELD_##record##_##name % CHEK_FIELDS_A_RECORD - 1))

#define RECEIPT_MASK                                                                          \
    (BIT(RECEIPT, TIME) | BIT(RECEIPT, SHIFT) | BIT(RECEIPT, DOCUMENT) | BIT(RECEIPT, SIGN) | \
     BIT(RECEIPT, TOTAL) | BIT(RECEIPT, PAYMENTS) | BIT(RECEIPT, LINES))
#define OFFLINE_MASK (BIT(RECEIPT, OFFLINE) | BIT(RECEIPT, AUTONOMOUS))
#define TAX_MASK (BIT(TAX, KIND) | BIT(TAX, RATE) | BIT(TAX, SUM))
#define CLOSE_MASK (BIT(CLOSE, TIME) | BIT(CLOSE, SHIFT) | BIT(CLOSE, DOCUMENT))

/* Pieces in 10^-6: 1, 2, 3 and 4 times a million as LEB128. */
static const struct {
    uint8_t size, bytes[4];
} quantities[] = {
    {0, {0}},
    {3, {0xc0, 0x84, 0x3d}},
    {3, {0x80, 0x89, 0x7a}},
    {4, {0xc0, 0x8d, 0xb7, 0x01}},
    {4, {0x80, 0x92, 0xf4, 0x01}},
};

size_t
load__number_size(uint32_t value)
{
    return (size_t)(38 - __builtin_clz(value | 1)) / 7;
}

/* Write a number below 2^28; stores four bytes, of which those behind the number do not count. */
static inline uint8_t *
put_number(uint8_t *at, uint32_t value)
{
    size_t size = load__number_size(value);
    uint32_t groups =
        (value & 0x7f) | (value & 0x3f80) << 1 | (value & 0x1fc000) << 2 | (value & 0xfe00000) << 3;
    uint32_t more = UINT32_C(0x808080) & ((UINT32_C(1) << (8 * (size - 1))) - 1);
    chek_store_u32(at, groups | more);
    return at + size;
}

static inline uint8_t *
put_byte(uint8_t *at, unsigned value)
{
    *at = (uint8_t)value;
    return at + 1;
}

static inline uint8_t *
put_text_number(uint8_t *at, uint32_t value)
{
    char text[10];
    unsigned size = 0;
    do {
        text[size++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    at = put_byte(at, size);
    while (size != 0) {
        at = put_byte(at, (uint8_t)text[--size]);
    }
    return at;
}

/* A line; its sum and its tax are added to the document's. */
static inline uint8_t *
put_line(uint8_t *at, const uint8_t *slot, uint32_t pieces, uint32_t price,
         struct chek_workload_document *document)
{
    uint32_t sum = pieces * price;
    /* 16 % inside, rounded half up: sum * 16 / 116 */
    uint32_t tax = (sum * 8 + 29) / 58;

    memcpy(at, slot + 1, WORKLOAD_SLOT_SIZE_A - 1);
    if (slot[0] > WORKLOAD_SLOT_SIZE_A - 1) {
        memcpy(at, slot + 1, WORKLOAD_SLOT_SIZE_B - 1);
    }
    at += slot[0];
    memcpy(at, quantities[pieces].bytes, 4);
    at += quantities[pieces].size;
    at = put_number(at, price);
    at = put_number(at, sum);
    /* One tax: mask, kind, rate. */
    chek_store_u32(at, UINT32_C(1) | TAX_MASK << 8 | (uint32_t)CHEK_TAX_KIND_VAT << 16 |
                           (WORKLOAD_RATE % 128 + UINT32_C(128)) << 24);
    at = put_byte(at + 4, WORKLOAD_RATE / 128);
    at = put_number(at, tax);
    document->tax += tax;
    return at;
}

static inline uint8_t *
put_payment(uint8_t *at, uint32_t kind, uint32_t total)
{
    at = put_byte(at, 1);
    if (kind == CHEK_PAYMENT_KIND_CASH) {
        at = put_byte(at, BIT(PAYMENT, SUM));
    } else {
        at = put_byte(at, BIT(PAYMENT, KIND) | BIT(PAYMENT, SUM));
        at = put_byte(at, kind);
    }
    return put_number(at, total);
}

void
load__receipt_encode(const struct chek_workload *workload, const struct load__draft *draft,
                     uint8_t *to, struct chek_workload_document *document)
{
    uint8_t *at = to;
    uint32_t mask = RECEIPT_MASK | (draft->operation != 0 ? BIT(RECEIPT, OPERATION) : 0) |
                    (document->is_offline ? OFFLINE_MASK : 0) |
                    (draft->has_client ? BIT(RECEIPT, CLIENT) : 0);
    uint32_t total = 0;
    for (uint32_t i = 0; i < draft->line_count; i++) {
        total += draft->pieces[i] * draft->price[i];
    }
    at = put_byte(at, BIT(DOCUMENT, REGISTRATION) | BIT(DOCUMENT, RECEIPT));
    at = put_number(at, workload->registers[draft->register_index].registration);
    chek_store_u32(at, mask);
    at += 4;
    if (draft->operation != 0) {
        at = put_byte(at, draft->operation);
    }
    chek_store_u32(at, document->time);
    at = put_number(at + 4, document->shift);
    at = put_number(at, document->document);
    chek_store_u64(at, draft->sign);
    at += 8;
    if (document->is_offline) {
        at = put_number(at, document->document); /* the autonomous sign */
    }
    if (draft->has_client) {
        at = put_text_number(at, draft->client);
    }
    at = put_number(at, total);
    at = put_payment(at, draft->payment, total);
    at = put_byte(at, draft->line_count);
    for (uint32_t i = 0; i < draft->line_count; i++) {
        at = put_line(at, workload->products + draft->product[i] * workload->slot_size,
                      draft->pieces[i], draft->price[i], document);
    }
    document->total = total;
    document->size = (uint32_t)(at - to);
    CHEK_ASSERT(document->size + 4 <= CHEK_WORKLOAD_DOCUMENT_SIZE_MAX);
}

void
load__close_encode(const struct chek_workload *workload, uint8_t *to,
                   struct chek_workload_document *document)
{
    uint8_t *at = to;
    at = put_byte(at, BIT(DOCUMENT, REGISTRATION) | BIT(DOCUMENT, CLOSE));
    at = put_number(at, workload->registers[document->register_index].registration);
    chek_store_u16(at, CLOSE_MASK);
    chek_store_u32(at + 2, document->time);
    at = put_number(at + 6, document->shift);
    at = put_number(at, document->document);
    document->size = (uint32_t)(at - to);
}
