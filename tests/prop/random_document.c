/* SPDX-License-Identifier: MIT */
/* random_document.c - see the header. */
#include "tests/prop/random_document.h"

#include <stdio.h>

#include "engine/base/civil.h"
#include "engine/base/limits.h"

struct making {
    struct chek_prng *prng;
    const struct random_document_options *options;
    struct chek_arena *arena;
    bool failed; /* the arena is used up */
};

static uint64_t
below(struct making *to, uint64_t bound)
{
    return chek_prng_below(to->prng, bound);
}

static bool
percent(struct making *to, uint32_t chance)
{
    return below(to, 100) < chance;
}

static void *
take(struct making *to, size_t size)
{
    void *memory = chek_arena_take(to->arena, size);
    if (memory == NULL) {
        to->failed = true;
        return NULL;
    }
    return memset(memory, 0, size);
}

/* Any number of bits is as likely as any other, so small and huge values are common. */
static uint64_t
number(struct making *to, uint64_t max)
{
    uint64_t value = chek_prng_next(to->prng) >> below(to, 64);
    return value <= max ? value : value % (max + 1);
}

static int64_t
money(struct making *to)
{
    switch (below(to, 8)) {
    case 0:
        return CHEK_MONEY_MAX - (int64_t)below(to, 3);
    case 1:
        return 0;
    case 2:
        return (int64_t)below(to, 100000) * 100;
    default:
        return (int64_t)number(to, CHEK_MONEY_MAX);
    }
}

static int64_t
civil(struct making *to)
{
    int64_t min = to->options->time_min != 0 ? to->options->time_min : CHEK_CIVIL_MIN;
    int64_t max = to->options->time_max != 0 ? to->options->time_max : CHEK_CIVIL_MAX;
    return min + (int64_t)below(to, (uint64_t)(max - min) + 1);
}

/* Letters of one and of two bytes; `size_max` is sometimes reached. */
static struct chek_bytes_view
any_text(struct making *to, size_t size_max)
{
    size_t size = percent(to, 10) ? size_max : below(to, size_max + 1);
    uint8_t *bytes = take(to, size + 1);
    size_t at = 0;
    while (bytes != NULL && at < size) {
        if (at + 2 <= size && percent(to, 40)) {
            bytes[at] = 0xd0;
            bytes[at + 1] = (uint8_t)(0x90 + below(to, 0x30));
            at += 2;
        } else {
            bytes[at] = (uint8_t)('!' + below(to, 90));
            at += 1;
        }
    }
    return chek_bytes_view_of(bytes, size);
}

static struct chek_bytes_view
text(struct making *to, size_t size_max)
{
    if (to->options->text_count == 0 || percent(to, 1)) {
        return any_text(to, size_max);
    }
    char *bytes = take(to, 32);
    if (bytes == NULL) {
        return (struct chek_bytes_view){0};
    }
    int size = snprintf(bytes, 32, "№%u", (unsigned)below(to, to->options->text_count));
    return chek_bytes_view_of(bytes, (size_t)size < size_max ? (size_t)size : size_max);
}

static struct chek_bytes_view
bytes_of_any_kind(struct making *to, size_t size_max)
{
    size_t size = percent(to, 10) ? size_max : below(to, size_max + 1);
    uint8_t *bytes = take(to, size + 1);
    for (size_t i = 0; bytes != NULL && i < size; i++) {
        bytes[i] = (uint8_t)below(to, 256);
    }
    return chek_bytes_view_of(bytes, size);
}

static const struct chek_tax *
taxes(struct making *to, uint32_t *ret_count)
{
    uint32_t count = (uint32_t)(percent(to, 5) ? below(to, CHEK_TAX_COUNT_MAX + 1) : below(to, 3));
    struct chek_tax *list = take(to, (count + 1) * sizeof *list);
    for (uint32_t i = 0; list != NULL && i < count; i++) {
        list[i] = (struct chek_tax){
            .kind = (uint8_t)below(to, CHEK_TAX_KIND_COUNT),
            .rate = percent(to, 80) ? 12000 : (uint32_t)below(to, CHEK_RATE_MAX + 1),
            .sum = money(to),
            .turnover = percent(to, 30) ? money(to) : 0,
            .on_top = percent(to, 10),
        };
    }
    *ret_count = list != NULL ? count : 0;
    return list;
}

static void
make_payments(struct making *to, struct chek_receipt *receipt)
{
    uint32_t count =
        (uint32_t)(percent(to, 5) ? below(to, CHEK_PAYMENT_COUNT_MAX + 1) : below(to, 3));
    struct chek_payment *list = take(to, (count + 1) * sizeof *list);
    for (uint32_t i = 0; list != NULL && i < count; i++) {
        list[i].kind = (uint8_t)below(to, CHEK_PAYMENT_KIND_COUNT);
        list[i].sum = percent(to, 50) ? receipt->total : money(to);
    }
    receipt->payments = list;
    receipt->payments_count = list != NULL ? count : 0;
}

static const struct chek_modifier *
modifier(struct making *to)
{
    struct chek_modifier *made = take(to, sizeof *made);
    if (made != NULL) {
        made->sum = money(to);
        made->taxes = taxes(to, &made->taxes_count);
        made->name = percent(to, 50) ? text(to, 128) : (struct chek_bytes_view){0};
    }
    return made;
}

static const struct chek_parent *
parent(struct making *to)
{
    struct chek_parent *made = take(to, sizeof *made);
    if (made != NULL) {
        made->document = (uint32_t)number(to, UINT32_MAX);
        made->sign = number(to, UINT64_MAX);
        made->time = percent(to, 50) ? civil(to) : 0;
        made->total = money(to);
        made->registration_number = percent(to, 50) ? text(to, 64) : (struct chek_bytes_view){0};
        made->offline = percent(to, 30);
        made->shift = (uint32_t)number(to, UINT32_MAX);
    }
    return made;
}

static void
make_markings(struct making *to, struct chek_line *line)
{
    uint32_t count = percent(to, 10) ? (uint32_t)below(to, 17) : 0;
    struct chek_bytes_view *list = take(to, (count + 1) * sizeof *list);
    for (uint32_t i = 0; list != NULL && i < count; i++) {
        list[i] = bytes_of_any_kind(to, CHEK_MARKING_SIZE_MAX);
    }
    line->markings = list;
    line->markings_count = list != NULL ? count : 0;
}

static void
make_line(struct making *to, struct chek_line *line)
{
    line->kind = percent(to, 80) ? 0 : (uint8_t)below(to, CHEK_LINE_KIND_COUNT);
    line->storno = percent(to, 5);
    line->code = percent(to, 80) ? text(to, 64) : (struct chek_bytes_view){0};
    line->name = percent(to, 60) ? text(to, 255) : (struct chek_bytes_view){0};
    line->gtin = percent(to, 30) ? below(to, UINT64_C(100000000000000)) : 0;
    line->section = percent(to, 60) ? text(to, 32) : (struct chek_bytes_view){0};
    line->unit = percent(to, 60) ? text(to, 16) : (struct chek_bytes_view){0};
    line->quantity = percent(to, 70) ? (int64_t)(1 + below(to, 4)) * 1000000
                                     : (int64_t)number(to, CHEK_QUANTITY_MAX);
    line->price = money(to);
    line->sum = money(to);
    line->taxes = taxes(to, &line->taxes_count);
    line->settlement = (uint8_t)(percent(to, 20) ? below(to, 256) : 0);
    line->subject = (uint8_t)(percent(to, 20) ? below(to, 256) : 0);
    make_markings(to, line);
}

static void
make_lines(struct making *to, struct chek_receipt *receipt)
{
    uint32_t max =
        to->options->line_count_max != 0 ? to->options->line_count_max : CHEK_LINE_COUNT_MAX;
    uint32_t few = max < 6 ? max : 6;
    uint32_t count = (uint32_t)(below(to, 200) == 0 ? below(to, max + 1) : below(to, few + 1));
    struct chek_line *list = take(to, (count + 1) * sizeof *list);
    for (uint32_t i = 0; list != NULL && i < count; i++) {
        make_line(to, &list[i]);
    }
    receipt->lines = list;
    receipt->lines_count = list != NULL ? count : 0;
}

static void
make_persons(struct making *to, struct chek_receipt *receipt)
{
    uint32_t count = (uint32_t)below(to, CHEK_PERSON_COUNT_MAX + 1);
    struct chek_person *list = take(to, (count + 1) * sizeof *list);
    for (uint32_t i = 0; list != NULL && i < count; i++) {
        list[i].kind = (uint8_t)below(to, CHEK_PERSON_KIND_COUNT);
        if (to->options->with_personal) {
            list[i].value = text(to, 255);
        }
        for (uint32_t j = 0; j < sizeof list[i].subject; j++) {
            list[i].subject[j] = (uint8_t)below(to, 256);
        }
    }
    receipt->persons = list;
    receipt->persons_count = list != NULL ? count : 0;
}

static const struct chek_receipt *
make_receipt(struct making *to)
{
    struct chek_receipt *receipt = take(to, sizeof *receipt);
    if (receipt == NULL) {
        return NULL;
    }
    receipt->operation = (uint8_t)below(to, CHEK_OPERATION_COUNT);
    receipt->time = civil(to);
    receipt->shift = (uint32_t)number(to, UINT32_MAX);
    receipt->document = (uint32_t)number(to, UINT32_MAX);
    receipt->sign = number(to, UINT64_MAX);
    receipt->autonomous = percent(to, 10) ? number(to, UINT64_MAX) : 0;
    receipt->offline = percent(to, 10);
    receipt->domain = (uint8_t)(percent(to, 10) ? below(to, 256) : 0);
    receipt->operator= percent(to, 50) ? text(to, 64) : (struct chek_bytes_view){0};
    receipt->client = percent(to, 30) ? text(to, 64) : (struct chek_bytes_view){0};
    receipt->total = money(to);
    make_payments(to, receipt);
    if (percent(to, 20)) {
        receipt->taxes = taxes(to, &receipt->taxes_count);
    }
    receipt->discount = percent(to, 10) ? modifier(to) : NULL;
    receipt->markup = percent(to, 5) ? modifier(to) : NULL;
    receipt->change = percent(to, 20) ? money(to) : 0;
    receipt->parent = percent(to, 10) ? parent(to) : NULL;
    receipt->form = (uint8_t)below(to, CHEK_FORM_COUNT);
    receipt->tax_system = (uint8_t)(percent(to, 10) ? below(to, 256) : 0);
    receipt->number_in_shift = (uint32_t)number(to, UINT32_MAX);
    if (to->options->with_personal && percent(to, 30)) {
        receipt->buyer = text(to, 255);
    }
    for (uint32_t i = 0; percent(to, 30) && i < sizeof receipt->subject; i++) {
        receipt->subject[i] = (uint8_t)below(to, 256);
    }
    if (percent(to, 20)) {
        make_persons(to, receipt);
    }
    make_lines(to, receipt);
    receipt->fiscal_drive = percent(to, 30) ? text(to, 20) : (struct chek_bytes_view){0};
    receipt->taken = percent(to, 20) ? money(to) : 0;
    return receipt;
}

static const struct chek_movement *
make_movement(struct making *to)
{
    struct chek_movement *movement = take(to, sizeof *movement);
    if (movement != NULL) {
        movement->direction = (uint8_t)below(to, CHEK_DIRECTION_COUNT);
        movement->time = civil(to);
        movement->shift = (uint32_t)number(to, UINT32_MAX);
        movement->document = (uint32_t)number(to, UINT32_MAX);
        movement->sum = money(to);
        movement->offline = percent(to, 10);
        movement->autonomous = percent(to, 10) ? number(to, UINT64_MAX) : 0;
        movement->operator= percent(to, 50) ? text(to, 64) : (struct chek_bytes_view){0};
    }
    return movement;
}

static const struct chek_close *
make_close(struct making *to)
{
    struct chek_close *close = take(to, sizeof *close);
    if (close != NULL) {
        close->time = civil(to);
        close->shift = (uint32_t)number(to, UINT32_MAX);
        close->document = (uint32_t)number(to, UINT32_MAX);
        close->withdraw = percent(to, 30);
        close->operator= percent(to, 50) ? text(to, 64) : (struct chek_bytes_view){0};
        close->sign = number(to, UINT64_MAX);
        close->figures = percent(to, 30) ? bytes_of_any_kind(to, 400) : (struct chek_bytes_view){0};
    }
    return close;
}

static const struct chek_register *
make_profile(struct making *to)
{
    struct chek_register *profile = take(to, sizeof *profile);
    struct chek_register_key *keys = take(to, 3 * sizeof *keys);
    if (profile == NULL || keys == NULL) {
        return NULL;
    }
    profile->keys = keys;
    profile->keys_count = 1 + (uint32_t)below(to, 3);
    for (uint32_t i = 0; i < profile->keys_count; i++) {
        keys[i].kind = (uint8_t)below(to, CHEK_KEY_KIND_COUNT);
        keys[i].value = text(to, 64);
    }
    profile->organisation = text(to, 32);
    profile->address = percent(to, 50) ? text(to, 255) : (struct chek_bytes_view){0};
    profile->point = percent(to, 50) ? text(to, 64) : (struct chek_bytes_view){0};
    profile->zone_minutes = (int64_t)below(to, 1500) - 720;
    profile->currency = (uint16_t)below(to, 1000);
    return profile;
}

/*
 * Encode a document as a sender does that writes a zero where encoders leave the field away: two
 * encodings with 1 and 2 there differ in one byte, and that becomes 0. Returns the size.
 */
static size_t
encode_with_zero(struct making *to, const struct chek_document *document, uint8_t *bytes,
                 size_t capacity)
{
    uint8_t *other = take(to, capacity);
    struct chek_writer outs[2] = {chek_writer_over(bytes, capacity),
                                  chek_writer_over(other, capacity)};
    for (uint32_t i = 0; i < 2 && !to->failed; i++) {
        struct chek_document copy = *document;
        struct chek_receipt receipt;
        struct chek_movement movement;
        if (document->receipt != NULL) {
            receipt = *document->receipt;
            receipt.change = 1 + i;
            copy.receipt = &receipt;
        } else if (document->movement != NULL) {
            movement = *document->movement;
            movement.autonomous = 1 + i;
            copy.movement = &movement;
        }
        chek_document_encode(&outs[i], &copy);
    }
    for (size_t at = 0; !to->failed && at < outs[0].size; at++) {
        bytes[at] = bytes[at] == other[at] ? bytes[at] : 0;
    }
    return outs[0].size;
}

int
random_document_make(struct chek_prng *prng, const struct random_document_options *options,
                     struct chek_arena *arena, struct chek_document *ret)
{
    struct making to = {.prng = prng, .options = options, .arena = arena};
    struct chek_document document = {.registration = (uint32_t)number(&to, UINT32_MAX)};
    uint64_t kind = below(&to, 100);
    if (kind < 90) {
        document.receipt = make_receipt(&to);
    } else if (kind < 95) {
        document.movement = make_movement(&to);
    } else {
        document.close = make_close(&to);
    }
    if (options->with_profile && percent(&to, 20)) {
        document.profile = make_profile(&to);
    }
    struct chek_writer size_probe = chek_writer_over(take(&to, 65536), 65536);
    if (!to.failed) {
        chek_document_encode(&size_probe, &document);
    }
    size_t capacity = size_probe.full ? CHEK_DOCUMENT_SIZE_MAX : size_probe.capacity;
    struct chek_writer out = size_probe;
    if (size_probe.full) {
        out = chek_writer_over(take(&to, capacity), capacity);
        if (!to.failed) {
            chek_document_encode(&out, &document);
        }
    }
    uint8_t *bytes = out.bytes;
    size_t size = out.size;
    if (options->with_zero_fields && percent(&to, 20) && capacity - size >= 16) {
        size = encode_with_zero(&to, &document, bytes, capacity);
    }
    struct chek_document decoded;
    if (to.failed || chek_document_decode_whole(bytes, size, arena, &decoded, NULL) != CHEK_OK) {
        return CHEK_E_LIMIT;
    }
    *ret = decoded;
    return to.failed ? CHEK_E_LIMIT : CHEK_OK;
}
