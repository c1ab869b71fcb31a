/* SPDX-License-Identifier: MIT */
/*
 * test_kkm_message.c - what a register says: heads, a ticket to its last byte, every document of
 * many lives, and requests of another program through the same schema (${CHEK_VECTORS}/kz).
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/table.h"
#include "tools/kkm/kkm_message.h"
#include "tools/kkm/kkm_packet.h"
#include "tools/kkm/register.pb-c.h"

#define LIFE_COUNT 40

static struct chek_arena arena;
static uint8_t bytes[CHEK_KKM_REQUEST_SIZE_MAX];

static void *
arena_allocate(void *context, size_t size)
{
    return chek_arena_take(context, size);
}

static void
arena_free(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

/* A message of the schema; it lives until the next one. */
static Kkm__Request *
request_read(const uint8_t *body, size_t size)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_free, &arena};
    chek_arena_reset(&arena);
    Kkm__Request *message = kkm__request__unpack(&allocator, size, body);
    assert_non_null(message);
    return message;
}

/* ---- heads ------------------------------------------------------------------------------------ */

/* The first bytes of a real answer of a server, protocol 2.0.2. */
static const uint8_t real_head[] = {0xa2, 0x81, 0xca, 0x00, 0x38, 0x02, 0x00, 0x00, 0x45,
                                    0x10, 0x03, 0x00, 0x06, 0xc2, 0x90, 0x01, 0x01, 0x00};

static void
test_head_of_a_real_answer(void **state)
{
    (void)state;
    struct chek_kkm_head head;
    uint8_t again[CHEK_KKM_HEAD_SIZE];
    assert_error(chek_kkm_head_read(chek_bytes_view_of(real_head, sizeof real_head), &head),
                 CHEK_OK);
    assert_int_equal(head.version, 202);
    assert_int_equal(head.size, 568);
    assert_int_equal(head.device, 200773);
    assert_int_equal(head.token, 0x0190c206);
    assert_int_equal(head.reqnum, 1);
    chek_kkm_head_write(&head, again);
    assert_memory_equal(again, real_head, sizeof again);
}

static struct head_case {
    const char *name;
    size_t size, at;
    uint8_t byte;
    int want;
} head_cases[] = {
    {"seventeen_bytes_are_short", 17, 0, 0xa2, CHEK_E_SHORT},
    {"nothing_is_short", 0, 0, 0xa2, CHEK_E_SHORT},
    {"another_application_is_magic", 18, 0, 0xa3, CHEK_E_MAGIC},
    {"a_size_below_the_head_is_a_limit", 18, 5, 0, CHEK_E_LIMIT},
    {"a_size_above_the_limit_is_a_limit", 18, 6, 1, CHEK_E_LIMIT},
};

static void
test_head_read(void **state)
{
    const struct head_case *c = *state;
    uint8_t head_bytes[sizeof real_head];
    struct chek_kkm_head head = {.device = 7};
    memcpy(head_bytes, real_head, sizeof head_bytes);
    head_bytes[c->at] = c->byte;
    if (c->at == 5) {
        head_bytes[4] = CHEK_KKM_HEAD_SIZE - 1;
    }
    assert_error(chek_kkm_head_read(chek_bytes_view_of(head_bytes, c->size), &head), c->want);
    assert_int_equal(head.device, 7);
}

/* ---- one ticket, byte by byte ----------------------------------------------------------------- */

static const struct chek_kkm_identity identity = {
    .device = 100002,
    .device_text = "100002",
    .rnm = "640000100002",
    .factory = "SIM0000100002",
    .organisation = "900000005000",
    .point = "P3",
};

/* One piece at 1,160.00 with 16 % in it, paid in cash with 840.00 of change, on 2026-09-01 at
 * 12:05:00 in shift 3, the fifth document. */
static struct chek_kkm_document
small_ticket(void)
{
    struct chek_kkm_document document = {.kind = CHEK_KKM_TICKET,
                                         .cashier = 2,
                                         .shift_number = 3,
                                         .number = 5,
                                         .time_s = 1788264300};
    document.ticket = (struct chek_kkm_ticket){
        .operation = CHEK_KKM_SELL,
        .item_count = 1,
        .payment_count = 1,
        .has_taken = true,
        .percent = CHEK_KKM_NO_TAX,
        .total = 116000,
        .taken = 200000,
        .change = 84000,
        .payments = {{.type = CHEK_KKM_CASH, .sum = 116000}},
        .items = {{.type = CHEK_KKM_COMMODITY,
                   .section = 4,
                   .product = 7,
                   .quantity = 1000,
                   .percent = 16000,
                   .price = 116000,
                   .sum = 116000,
                   .tax = 16000}},
    };
    return document;
}

/* Field numbers and wire types are those of the protocol's tables, by hand. */
static const uint8_t small_ticket_bytes[] =
    {
        0x08, 0x02,                                     /* operation: SELL */
        0x12, 0x11, 0x0a, 0x07, 0x08, 0xea, 0x0f, 0x10, /* date_time: date 2026- */
        0x09, 0x18, 0x01, 0x12, 0x06, 0x08, 0x0c, 0x10, /* 09-01, time 12: */
        0x05, 0x18, 0x00,                               /* 05:00 */
        0x1a, 0x12, 0x08, 0x02, 0x12, 0x0e,             /* operator: code 2, name */
        0xd0, 0x9a, 0xd0, 0xb0, 0xd1, 0x81, 0xd1, 0x81, 0xd0, 0xb8, 0xd1,
        0x80, 0x20, 0x32, 0x2a, 0x4e, 0x08, 0x01, 0x12, 0x4a, /* items: COMMODITY, commodity */
        0x08, 0x07,                                           /* code 7 */
        0x12, 0x0c, 0xd0, 0xa2, 0xd0, 0xbe, 0xd0,             /* name */
        0xb2, 0xd0, 0xb0, 0xd1, 0x80, 0x20, 0x37,             /* */
        0x1a, 0x01, 0x34, 0x20, 0xe8, 0x07,                   /* section "4", quantity 1000 */
        0x2a, 0x05, 0x08, 0x88, 0x09, 0x10, 0x00,             /* price 1160.00 */
        0x32, 0x05, 0x08, 0x88, 0x09, 0x10, 0x00,             /* sum 1160.00 */
        0x3a, 0x10, 0x08, 0x64, 0x10, 0x65,                   /* taxes: type 100, taxation 101 */
        0x18, 0x80, 0x7d, 0x22, 0x05, 0x08, 0xa0,             /* percent 16000, sum 160 */
        0x01, 0x10, 0x00, 0x28, 0x01,                         /* .00, in the total */
        0x62, 0x0d, 0x34, 0x38, 0x37, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30,
        0x30, 0x30, 0x30, 0x37,                         /* barcode */
        0x6a, 0x03, 0x37, 0x39, 0x36,                   /* unit "796" */
        0x32, 0x09, 0x08, 0x00, 0x12, 0x05, 0x08, 0x88, /* payments: CASH, sum 1160 */
        0x09, 0x10, 0x00,                               /* .00 */
        0x42, 0x15, 0x0a, 0x05, 0x08, 0x88, 0x09, 0x10, /* amounts: total 1160.00 */
        0x00, 0x12, 0x05, 0x08, 0xd0, 0x0f, 0x10, 0x00, /* taken 2000.00 */
        0x1a, 0x05, 0x08, 0xc8, 0x06, 0x10, 0x00,       /* change 840.00 */
        0x70, 0x03, 0x78, 0x05, 0x80, 0x01, 0x05,       /* shift 3, document 5, printed 5 */
};

static size_t
write(const struct chek_kkm_document *document, uint16_t version)
{
    static struct chek_arena scratch;
    if (scratch.bytes == NULL) {
        assert_error(chek_arena_init(&scratch, CHEK_KKM_ARENA_SIZE), CHEK_OK);
    }
    struct chek_kkm_request request = {
        .kind = CHEK_KKM_REQUEST_DOCUMENT,
        .version = version,
        .reqnum = 9,
        .token = 0xfedcba98,
        .identity = &identity,
        .document = document,
        .now_s = document->time_s,
        .lost_s = document->time_s,
        .back_s = document->time_s,
    };
    return chek_kkm_request_write(&request, &scratch, bytes);
}

static void
test_a_ticket_to_its_last_byte(void **state)
{
    (void)state;
    struct chek_kkm_document document = small_ticket();
    struct chek_kkm_head head;
    size_t size = write(&document, 202);

    assert_error(chek_kkm_head_read(chek_bytes_view_of(bytes, size), &head), CHEK_OK);
    assert_int_equal(head.size, size);
    assert_int_equal(head.version, 202);
    assert_int_equal(head.device, 100002);
    assert_int_equal(head.token, 0xfedcba98);
    assert_int_equal(head.reqnum, 9);
    const uint8_t *body = bytes + CHEK_KKM_HEAD_SIZE;
    const uint8_t begin[] = {0x08, 0x01, 0x12, 0xa2, 0x01}; /* command TICKET, ticket of 162 */
    assert_int_equal(sizeof small_ticket_bytes, 162);
    assert_memory_equal(body, begin, sizeof begin);
    assert_memory_equal(body + sizeof begin, small_ticket_bytes, sizeof small_ticket_bytes);
    assert_int_equal(body[sizeof begin + sizeof small_ticket_bytes], 0x32); /* service */
}

static void
test_equal_requests_are_equal_bytes(void **state)
{
    (void)state;
    struct chek_kkm_document document = small_ticket();
    uint8_t first[CHEK_KKM_REQUEST_SIZE_MAX];
    size_t size = write(&document, 203);
    memcpy(first, bytes, size);
    memset(bytes, 0xaa, sizeof bytes);
    assert_int_equal(write(&document, 203), size);
    assert_memory_equal(bytes, first, size);
}

/* ---- what a version wants --------------------------------------------------------------------- */

static void
assert_service(const Kkm__Request *message, uint16_t version)
{
    const Kkm__ServiceRequest *service = message->service;
    assert_non_null(service);
    assert_non_null(service->offline_period);
    assert_string_equal(service->reg_info->kkm->fns_kkm_id, identity.rnm);
    assert_string_equal(service->reg_info->kkm->kkm_id, "100002");
    assert_string_equal(service->reg_info->org->inn, identity.organisation);
    assert_int_equal(service->reg_info->org->address_kz != NULL, version == 203);
    assert_int_equal(service->security_stats->geo_position->source != NULL, version == 203);
}

static void
assert_ticket(const struct chek_kkm_document *document, const Kkm__TicketRequest *ticket,
              uint16_t version)
{
    bool is_return = document->ticket.parent.number[0] != 0;
    assert_int_equal(ticket->operation, document->ticket.operation);
    assert_int_equal(ticket->n_items, document->ticket.item_count);
    assert_int_equal(ticket->n_payments, document->ticket.payment_count);
    assert_int_equal(ticket->amounts->total->bills * 100 + ticket->amounts->total->coins,
                     document->ticket.total);
    assert_int_equal(ticket->has_offline_ticket_number, document->is_offline);
    assert_int_equal(ticket->domain != NULL, version == 203);
    assert_int_equal(ticket->parent_ticket != NULL, is_return && version == 203);
    assert_int_equal(ticket->has_printed_document_number, version == 202);
    for (size_t i = 0; i < ticket->n_payments; i++) {
        const Kkm__Payment *payment = ticket->payments[i];
        assert_int_equal(payment->card_payment_fields != NULL,
                         payment->type == KKM__PAYMENT_TYPE_ENUM__PAYMENT_CARD && version == 203);
    }
    for (size_t i = 0; i < ticket->n_items; i++) {
        const Kkm__Item *item = ticket->items[i];
        const void *const parts[] = {item->commodity, item->storno_commodity,
                                     item->markup,    item->storno_markup,
                                     item->discount,  item->storno_discount};
        for (size_t k = 0; k < CHEK_COUNT(parts); k++) {
            assert_int_equal(parts[k] != NULL, (int)item->type == (int)k + 1);
        }
    }
}

static struct version_case {
    const char *name;
    uint16_t version;
} version_cases[] = {
    {"every_document_of_many_lives_in_202", 202},
    {"every_document_of_many_lives_in_203", 203},
};

static void
test_lives_are_said_as_the_version_wants(void **state)
{
    const struct version_case *c = *state;
    const struct chek_kkm_life_options options = {
        .begin_s = 1767052800, .ticket_count = 30, .shift_count = 3, .offline_per_million = 100000};
    uint32_t seen[3] = {0};
    for (uint64_t seed = 1; seed <= LIFE_COUNT; seed++) {
        struct chek_kkm_life life;
        struct chek_kkm_document document;
        enum chek_kkm_step step;
        chek_kkm_life_init(&life, &options, seed);
        while ((step = chek_kkm_life_next(&life, &document)) != CHEK_KKM_STEP_END) {
            if (step != CHEK_KKM_STEP_DOCUMENT) {
                continue;
            }
            size_t size = write(&document, c->version);
            const Kkm__Request *message =
                request_read(bytes + CHEK_KKM_HEAD_SIZE, size - CHEK_KKM_HEAD_SIZE);
            assert_service(message, c->version);
            assert_int_equal(message->ticket != NULL, document.kind == CHEK_KKM_TICKET);
            assert_int_equal(message->close_shift != NULL, document.kind == CHEK_KKM_CLOSE);
            assert_int_equal(message->money_placement != NULL, document.kind == CHEK_KKM_PLACEMENT);
            if (message->ticket != NULL) {
                assert_ticket(&document, message->ticket, c->version);
                chek_kkm_life_acknowledged(&life, &document, "123");
            }
            seen[document.kind] += 1;
        }
    }
    assert_int_equal(seen[CHEK_KKM_TICKET], LIFE_COUNT * 90);
    assert_int_equal(seen[CHEK_KKM_CLOSE], LIFE_COUNT * 3);
    assert_true(seen[CHEK_KKM_PLACEMENT] > 0);
}

/* ---- requests of another program -------------------------------------------------------------- */

static size_t
hex_read(const char *name, uint8_t *into, size_t room)
{
    char path[1024];
    unsigned byte;
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/kz/codec_requests/%s.derived.hex", getenv("CHEK_VECTORS"),
                   name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    /* NOLINTNEXTLINE(cert-err34-c): two digits fit */
    while (size < room && fscanf(file, "%2x", &byte) == 1) {
        into[size++] = (uint8_t)byte;
    }
    (void)fclose(file);
    return size;
}

/* Whether the schema has every field of the request; then it makes the same bytes of it again. */
static struct vector_case {
    const char *name;
    bool is_whole;
    uint32_t command;
} vector_cases[] = {
    {"close_shift_minimal", true, 2},     {"info_empty", true, 5},
    {"money_deposit", true, 6},           {"money_withdrawal", true, 6},
    {"report_x_minimal", true, 3},        {"report_z_minimal", true, 3},
    {"report_z_full_sections", true, 3},  {"ticket_sell_cash_1000", false, 1},
    {"ticket_sell_vat16_bread", true, 1},
};

static void
test_a_request_of_another_program(void **state)
{
    const struct vector_case *c = *state;
    static uint8_t vector[8192];
    static uint8_t again[8192];
    struct chek_kkm_head head;

    if (getenv("CHEK_VECTORS") == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    size_t size = hex_read(c->name, vector, sizeof vector);
    assert_error(chek_kkm_head_read(chek_bytes_view_of(vector, size), &head), CHEK_OK);
    assert_int_equal(head.size, size);
    assert_int_equal(head.version, 203);
    const Kkm__Request *message =
        request_read(vector + CHEK_KKM_HEAD_SIZE, size - CHEK_KKM_HEAD_SIZE);
    assert_int_equal(message->command, c->command);
    if (c->is_whole) {
        assert_int_equal(kkm__request__get_packed_size(message), size - CHEK_KKM_HEAD_SIZE);
        (void)kkm__request__pack(message, again);
        assert_memory_equal(again, vector + CHEK_KKM_HEAD_SIZE, size - CHEK_KKM_HEAD_SIZE);
        return;
    }
    /* It has a text to print, which a register of ours has not. */
    assert_int_equal(message->ticket->base.n_unknown_fields, 1);
    assert_int_equal(message->ticket->base.unknown_fields[0].tag, 12);
    assert_int_equal(message->ticket->amounts->total->bills, 1000);
    assert_string_equal(message->ticket->items[0]->commodity->measure_unit_code, "796");
}

int
main(void)
{
    struct table table = {.count = 0};

    if (chek_arena_init(&arena, 1 << 20) != CHEK_OK) {
        return 1;
    }
    TABLE_TEST(&table, test_head_of_a_real_answer);
    TABLE_ROWS(&table, test_head_read, head_cases);
    TABLE_TEST(&table, test_a_ticket_to_its_last_byte);
    TABLE_TEST(&table, test_equal_requests_are_equal_bytes);
    TABLE_ROWS(&table, test_lives_are_said_as_the_version_wants, version_cases);
    TABLE_ROWS(&table, test_a_request_of_another_program, vector_cases);
    return table_run(&table, "kkm_message");
}
