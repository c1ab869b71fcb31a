/* SPDX-License-Identifier: MIT */
/*
 * test_cpcr.c - requests of Kazakh registers by rule: heads, messages, tokens, judgement. (ingest/CPCR.md)
 *
 * Messages are written by hand, field by field, so that what is wrong with one is seen in its row.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/civil.h"
#include "engine/base/limits.h"
#include "engine/base/writer.h"
#include "ingest/cpcr/cpcr_exchange.h"
#include "ingest/cpcr/cpcr_judge.h"
#include "ingest/cpcr/cpcr_report.h"
#include "tests/unit/table.h"

#define ARENA_SIZE ((size_t)16 * 1024 * 1024)

static struct chek_arena arena;

static int
setup(void **state)
{
    (void)state;
    return chek_arena_init(&arena, ARENA_SIZE);
}

static int
teardown(void **state)
{
    (void)state;
    chek_arena_finish(&arena);
    return 0;
}

/* ---- heads (R1, R2) --------------------------------------------------------------------------- */

static struct head_case {
    const char *name;
    const char *bytes;
    size_t size;
    int want;
} heads[] = {
    {"info_of_203", "\xa2\x81\xcb\0\x14\0\0\0\x91\x14\x03\0\x74\x66\x6f\x0c\x0e\0", 18, CHEK_OK},
    {"nothing_is_short", "", 0, CHEK_E_SHORT},
    {"seventeen_bytes_are_short", "\xa2\x81\xcb\0\x14\0\0\0\x91\x14\x03\0\x74\x66\x6f\x0c\x0e", 17,
     CHEK_E_SHORT},
    {"another_code", "GET /metrics HTTP/", 18, CHEK_E_MAGIC},
    {"another_code_before_all_is_there", "GE", 2, CHEK_E_MAGIC},
    {"seventeen_bytes_of_frame", "\xa2\x81\xcb\0\x11\0\0\0\x91\x14\x03\0\x74\x66\x6f\x0c\x0e\0", 18,
     CHEK_E_LIMIT},
    {"eighteen_bytes_of_frame", "\xa2\x81\xcb\0\x12\0\0\0\x91\x14\x03\0\x74\x66\x6f\x0c\x0e\0", 18,
     CHEK_OK},
    {"256_kib", "\xa2\x81\xcb\0\0\0\x04\0\x91\x14\x03\0\x74\x66\x6f\x0c\x0e\0", 18, CHEK_OK},
    {"above_256_kib", "\xa2\x81\xcb\0\x01\0\x04\0\x91\x14\x03\0\x74\x66\x6f\x0c\x0e\0", 18,
     CHEK_E_LIMIT},
    {"half_of_all_numbers", "\xa2\x81\xcb\0\0\0\0\x80\x91\x14\x03\0\x74\x66\x6f\x0c\x0e\0", 18,
     CHEK_E_LIMIT},
};

static void
test_head(void **state)
{
    const struct head_case *c = *state;
    struct chek_cpcr_head head = {.request = 777};
    uint8_t again[CHEK_CPCR_HEAD_SIZE];
    int error = chek_cpcr_head_read(chek_bytes_view_of(c->bytes, c->size), &head);
    assert_error(error, c->want);
    if (error != CHEK_OK) {
        assert_int_equal(head.request, 777);
        return;
    }
    assert_int_equal(head.version, 203);
    assert_int_equal(head.device, 201873);
    assert_int_equal(head.token, 208627316);
    assert_int_equal(head.request, 14);
    chek_cpcr_head_write(&head, again);
    assert_memory_equal(again, c->bytes, sizeof again);
}

/* ---- messages (R10..R17) ---------------------------------------------------------------------- */

/* A message being written: fields of nested messages are written into one of their own first. */
struct message {
    uint8_t bytes[4096];
    struct chek_writer out;
};

static void
begin(struct message *message)
{
    message->out = chek_writer_over(message->bytes, sizeof message->bytes);
}

static void
put_number(struct message *to, uint32_t field, uint64_t value)
{
    chek_writer_varint(&to->out, (uint64_t)field << 3);
    chek_writer_varint(&to->out, value);
}

static void
put_bytes(struct message *to, uint32_t field, const void *bytes, size_t size)
{
    chek_writer_varint(&to->out, (uint64_t)field << 3 | 2);
    chek_writer_varint(&to->out, size);
    chek_writer_bytes(&to->out, bytes, size);
}

static void
put_message(struct message *to, uint32_t field, const struct message *from)
{
    put_bytes(to, field, from->bytes, from->out.size);
}

static void
put_money(struct message *to, uint32_t field, uint64_t minor)
{
    struct message money;
    begin(&money);
    put_number(&money, 1, minor / 100);
    put_number(&money, 2, minor % 100);
    put_message(to, field, &money);
}

static void
put_time(struct message *to, uint32_t field)
{
    struct message time, part;
    begin(&time);
    begin(&part);
    put_number(&part, 1, 2026);
    put_number(&part, 2, 3);
    put_number(&part, 3, 2);
    put_message(&time, 1, &part);
    begin(&part);
    put_number(&part, 1, 10);
    put_number(&part, 2, 11);
    put_message(&time, 2, &part);
    put_message(to, field, &time);
}

static void
ticket_make(struct message *ticket)
{
    struct message item, commodity, payment, amounts, operator;
    begin(ticket);
    put_number(ticket, 1, 2);
    put_time(ticket, 2);
    begin(&operator);
    put_number(&operator, 1, 7);
    put_message(ticket, 3, &operator);
    begin(&commodity);
    put_number(&commodity, 1, 12);
    put_bytes(&commodity, 2, "Bread", 5);
    put_bytes(&commodity, 3, "1", 1);
    put_number(&commodity, 4, 1500);
    put_money(&commodity, 5, 20000);
    put_money(&commodity, 6, 30000);
    put_bytes(&commodity, 12, "4870001234567", 13);
    put_bytes(&commodity, 13, "796", 3);
    begin(&item);
    put_number(&item, 1, 1);
    put_message(&item, 2, &commodity);
    put_message(ticket, 5, &item);
    begin(&payment);
    put_number(&payment, 1, 0);
    put_money(&payment, 2, 30000);
    put_message(ticket, 6, &payment);
    begin(&amounts);
    put_money(&amounts, 1, 30000);
    put_message(ticket, 8, &amounts);
    put_number(ticket, 14, 5);
}

static void
put_ticket(struct message *request)
{
    struct message ticket;
    ticket_make(&ticket);
    put_message(request, 2, &ticket);
}

/* What is put into a request besides its command. */
static void
put_nothing(struct message *to)
{
    (void)to;
}

static void
put_command_again(struct message *to)
{
    put_number(to, 1, 0);
}

static void
put_unknown_number(struct message *to)
{
    put_number(to, 77, UINT64_MAX);
}

static void
put_unknown_text(struct message *to)
{
    put_bytes(to, 78, "\xff\0x", 3);
}

static void
put_group(struct message *to)
{
    chek_writer_varint(&to->out, 79 << 3 | 3);
}

static void
put_field_zero(struct message *to)
{
    put_number(to, 0, 1);
}

static void
put_command_as_text(struct message *to)
{
    put_bytes(to, 6, "", 0);
    put_bytes(to, 1, "a", 1);
}

static void
put_endless_number(struct message *to)
{
    static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 1};
    chek_writer_varint(&to->out, 77 << 3);
    chek_writer_bytes(&to->out, endless, sizeof endless);
}

static void
put_number_above_64_bits(struct message *to)
{
    static const uint8_t large[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};
    chek_writer_varint(&to->out, 77 << 3);
    chek_writer_bytes(&to->out, large, sizeof large);
}

static void
put_longer_than_the_request(struct message *to)
{
    chek_writer_varint(&to->out, 6 << 3 | 2);
    chek_writer_varint(&to->out, 5);
}

static void
put_unknown_longer_than_the_request(struct message *to)
{
    chek_writer_varint(&to->out, 78 << 3 | 2);
    chek_writer_varint(&to->out, UINT64_MAX);
}

static void
put_position(struct message *to, uint64_t latitude)
{
    struct message service, security, position;
    begin(&position);
    put_number(&position, 1, latitude);
    put_number(&position, 2, 765432);
    begin(&security);
    put_message(&security, 1, &position);
    begin(&service);
    put_message(&service, 3, &security);
    put_message(to, 6, &service);
}

static void
put_south(struct message *to)
{
    put_position(to, (uint64_t)-432156);
}

static void
put_position_above_32_bits(struct message *to)
{
    put_position(to, UINT64_C(0x80000000));
}

static void
put_old_software_information(struct message *to)
{
    struct message service;
    begin(&service);
    put_bytes(&service, 10, "\xff\0\x01", 3); /* the only bytes that are no text */
    put_message(to, 6, &service);
}

static struct message_case {
    const char *name;
    void (*put)(struct message *to);
    uint32_t want;
} messages[] = {
    {"a_command_alone", put_nothing, CHEK_CPCR_OK},
    {"the_command_twice", put_command_again, CHEK_CPCR_PROTOCOL_ERROR},
    {"an_unknown_number", put_unknown_number, CHEK_CPCR_OK},
    {"an_unknown_text", put_unknown_text, CHEK_CPCR_OK},
    {"a_group", put_group, CHEK_CPCR_PROTOCOL_ERROR},
    {"a_field_without_a_number", put_field_zero, CHEK_CPCR_PROTOCOL_ERROR},
    {"a_number_as_a_text", put_command_as_text, CHEK_CPCR_PROTOCOL_ERROR},
    {"a_number_that_does_not_end", put_endless_number, CHEK_CPCR_PROTOCOL_ERROR},
    {"a_number_above_64_bits", put_number_above_64_bits, CHEK_CPCR_PROTOCOL_ERROR},
    {"a_message_that_is_cut", put_longer_than_the_request, CHEK_CPCR_PROTOCOL_ERROR},
    {"an_unknown_field_that_is_cut", put_unknown_longer_than_the_request, CHEK_CPCR_PROTOCOL_ERROR},
    {"a_position_in_the_south", put_south, CHEK_CPCR_OK},
    {"a_position_above_32_bits", put_position_above_32_bits, CHEK_CPCR_PROTOCOL_ERROR},
    {"software_information_of_old", put_old_software_information, CHEK_CPCR_OK},
};

static uint32_t
message_read(const struct message *message, uint16_t version, struct chek_cpcr_message *ret)
{
    struct chek_cpcr_fault fault = {0};
    chek_arena_reset(&arena);
    uint32_t code = chek_cpcr_message_read(chek_bytes_view_of(message->bytes, message->out.size),
                                           version, &arena, ret, &fault);
    assert_int_equal(code, fault.code);
    assert_int_equal(code != CHEK_CPCR_OK, fault.text[0] != 0);
    return code;
}

static void
test_message(void **state)
{
    const struct message_case *c = *state;
    struct chek_cpcr_message read;
    struct message request;
    begin(&request);
    put_number(&request, 1, 5);
    c->put(&request);
    assert_int_equal(message_read(&request, 203, &read), c->want);
    assert_int_equal(read.command, 5); /* R14 */
}

/* Every prefix of a good request is read or refused; the whole is read. */
static void
test_prefixes_of_a_ticket(void **state)
{
    struct chek_cpcr_message read;
    struct message request;
    (void)state;
    begin(&request);
    put_number(&request, 1, 1);
    put_ticket(&request);
    size_t size = request.out.size;
    assert_int_equal(message_read(&request, 202, &read), CHEK_CPCR_OK);
    for (request.out.size = 0; request.out.size < size; request.out.size++) {
        assert_int_equal(message_read(&request, 202, &read), CHEK_CPCR_PROTOCOL_ERROR);
        assert_int_equal(read.command, request.out.size < 2 ? CHEK_CPCR_COMMAND_UNREADABLE : 1);
    }
}

/* R15: what a later version wants is noted, and no refusal of its own. */
static void
test_soft_fields(void **state)
{
    struct chek_cpcr_message read;
    struct message request;
    (void)state;
    begin(&request);
    put_number(&request, 1, 1);
    put_ticket(&request);
    assert_int_equal(message_read(&request, 200, &read), CHEK_CPCR_OK);
    assert_null(read.missing);
    assert_int_equal(message_read(&request, 203, &read), CHEK_CPCR_OK);
    assert_string_equal(read.missing, "domain");
}

/* R13 */
static void
test_fields_of_org_by_their_form(void **state)
{
    struct chek_cpcr_message read;
    struct message request, service, info, org;
    (void)state;
    for (int form = 0; form < 3; form++) {
        begin(&request);
        put_number(&request, 1, 0);
        begin(&org);
        if (form == 0) {
            put_number(&org, 6, 41);
        } else if (form == 1) {
            put_bytes(&org, 6, "Abai 1", 6);
            put_number(&org, 7, 42);
        }
        begin(&info);
        put_message(&info, 2, &org);
        begin(&service);
        put_message(&service, 12, &info);
        put_message(&request, 6, &service);
        assert_int_equal(message_read(&request, 203, &read), CHEK_CPCR_OK);
        assert_int_equal(read.org_tenant, form == 0 ? 41 : form == 1 ? 42 : 0);
        assert_int_equal(read.org_address_kz.size, form == 1 ? 6 : 0);
    }
}

/* R17: what takes most memory for its bytes stays inside the allowance; without memory it is refused. */
static void
test_memory_of_a_message(void **state)
{
    static uint8_t bytes[CHEK_CPCR_FRAME_SIZE_MAX];
    struct chek_cpcr_message read;
    struct chek_cpcr_fault fault = {0};
    struct chek_arena small;
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t count = 50000; /* pairs of a key without bytes: five bytes each */
    (void)state;
    chek_writer_varint(&out, 1 << 3);
    chek_writer_varint(&out, 0);
    chek_writer_varint(&out, 6 << 3 | 2);
    chek_writer_varint(&out, 5 * count);
    for (size_t i = 0; i < count; i++) {
        chek_writer_varint(&out, 60 << 3 | 2);
        chek_writer_varint(&out, 2);
        chek_writer_varint(&out, 1 << 3 | 2);
        chek_writer_varint(&out, 0);
    }
    assert_false(out.full);
    chek_arena_reset(&arena);
    assert_int_equal(
        chek_cpcr_message_read(chek_bytes_view_of(bytes, out.size), 203, &arena, &read, &fault),
        CHEK_CPCR_OK);
    assert_int_equal(read.request->service->n_auxiliary, count);
    assert_in_range(arena.used, 16 * out.size, CHEK_CPCR_ARENA_SIZE(out.size));

    chek_arena_init_over(&small, arena.bytes, 20 * out.size);
    assert_int_equal(
        chek_cpcr_message_read(chek_bytes_view_of(bytes, out.size), 203, &small, &read, &fault),
        CHEK_CPCR_PROTOCOL_ERROR);
    assert_string_equal(fault.text, "request: there is more in it than fits");
}

/* ---- documents (R40..R49) --------------------------------------------------------------------- */

static void
test_a_ticket_becomes_a_receipt(void **state)
{
    struct chek_cpcr_message read;
    struct chek_document document;
    struct chek_cpcr_fault fault;
    struct chek_cpcr_terms terms = {.sign = 1234567890, .registration = 9};
    struct message request;
    (void)state;
    begin(&request);
    put_number(&request, 1, 1);
    put_ticket(&request);
    assert_int_equal(message_read(&request, 202, &read), CHEK_CPCR_OK);
    assert_int_equal(chek_cpcr_to_document(&read, &terms, &arena, &document, &fault), CHEK_CPCR_OK);
    assert_int_equal(document.registration, 9);
    const struct chek_receipt *receipt = document.receipt;
    assert_int_equal(receipt->operation, CHEK_OPERATION_SELL);
    assert_int_equal(receipt->time, 1772446260); /* 2026-03-02T10:11:00 */
    assert_int_equal(receipt->sign, 1234567890);
    assert_int_equal(receipt->shift, 5);
    assert_int_equal(receipt->total, 30000);
    assert_false(receipt->offline);
    assert_memory_equal(receipt->operator.bytes, "7", 1);
    assert_int_equal(receipt->operator.size, 1);
    assert_int_equal(receipt->payments[0].kind, CHEK_PAYMENT_KIND_CASH);
    assert_int_equal(receipt->payments[0].sum, 30000);
    assert_int_equal(receipt->lines_count, 1);
    const struct chek_line *line = &receipt->lines[0];
    assert_int_equal(line->quantity, 1500000);
    assert_int_equal(line->price, 20000);
    assert_int_equal(line->sum, 30000);
    assert_int_equal(line->gtin, 4870001234567);
    assert_int_equal(line->code.size, 2);
    assert_memory_equal(line->code.bytes, "12", 2);
    assert_memory_equal(line->section.bytes, "1", 1);
    assert_memory_equal(line->unit.bytes, "796", 3);
}

/* R49: what a ticket says of its customer, and who becomes of it. */
static struct customer_case {
    const char *name;
    const char *email, *phone, *iin;
    const char *buyer, *contact, *tin; /* wanted */
} customers[] = {
    {"nobody", NULL, NULL, NULL, "", NULL, NULL},
    {"a_phone", NULL, "+77015550123", NULL, "+77015550123", NULL, NULL},
    {"an_e_mail", "a@b.kz", NULL, NULL, "a@b.kz", NULL, NULL},
    {"an_iin_is_no_contact", NULL, NULL, "850101300123", "", NULL, "850101300123"},
    {"phone_and_e_mail", "a@b.kz", "+77015550123", NULL, "+77015550123", "a@b.kz", NULL},
    {"e_mail_and_iin", "a@b.kz", NULL, "850101300123", "a@b.kz", NULL, "850101300123"},
    {"all_three", "a@b.kz", "+77015550123", "850101300123", "+77015550123", "a@b.kz",
     "850101300123"},
    {"empty_ones", "", "", "", "", NULL, NULL},
};

static void
put_customer(struct message *request, const struct customer_case *c)
{
    const char *const values[] = {c->email, c->phone, NULL, c->iin};
    struct message options;
    begin(&options);
    for (uint32_t i = 0; i < CHEK_COUNT(values); i++) {
        if (values[i] != NULL) {
            put_bytes(&options, i + 1, values[i], strlen(values[i]));
        }
    }
    put_message(request, 9, &options);
}

static void
text_is(struct chek_bytes_view got, const char *want)
{
    assert_int_equal(got.size, strlen(want));
    assert_memory_equal(got.bytes, want, got.size);
}

static void
test_customer(void **state)
{
    const struct customer_case *c = *state;
    struct chek_cpcr_message read;
    struct chek_document document;
    struct chek_cpcr_fault fault;
    struct chek_cpcr_terms terms = {.sign = 1234567890, .registration = 9};
    struct message request, ticket;
    begin(&request);
    put_number(&request, 1, 1);
    ticket_make(&ticket);
    put_customer(&ticket, c);
    put_message(&request, 2, &ticket);
    assert_int_equal(message_read(&request, 202, &read), CHEK_CPCR_OK);
    assert_int_equal(chek_cpcr_to_document(&read, &terms, &arena, &document, &fault), CHEK_CPCR_OK);
    const struct chek_receipt *receipt = document.receipt;
    uint32_t count = 0;
    text_is(receipt->buyer, c->buyer);
    if (c->contact != NULL) {
        assert_int_equal(receipt->persons[count].kind, CHEK_PERSON_KIND_CONTACT);
        text_is(receipt->persons[count++].value, c->contact);
    }
    if (c->tin != NULL) {
        assert_int_equal(receipt->persons[count].kind, CHEK_PERSON_KIND_TIN);
        text_is(receipt->persons[count++].value, c->tin);
    }
    assert_int_equal(receipt->persons_count, count);
}

static struct money_case {
    const char *name;
    uint64_t bills;
    uint32_t coins;
    uint32_t code;
    int64_t want;
} moneys[] = {
    {"nothing", 0, 0, CHEK_CPCR_OK, 0},
    {"tiyn", 1, 99, CHEK_CPCR_OK, 199},
    {"hundred_tiyn", 1, 100, CHEK_CPCR_INCORRECT_REQUEST_DATA, -1},
    {"the_most", 99999999999, 99, CHEK_CPCR_OK, INT64_C(9999999999999)},
    {"too_much", 100000000000, 0, CHEK_CPCR_INCORRECT_REQUEST_DATA, -1},
    {"what_wraps", UINT64_C(184467440737095517), 0, CHEK_CPCR_INCORRECT_REQUEST_DATA, -1},
};

static void
test_money(void **state)
{
    const struct money_case *c = *state;
    Ingest__Money money = INGEST__MONEY__INIT;
    struct chek_cpcr_fault fault;
    int64_t got = -1;
    money.bills = c->bills;
    money.coins = c->coins;
    assert_int_equal(chek_cpcr_money(&money, "sum", &got, &fault), c->code);
    assert_int_equal(got, c->want);
}

/* ---- judgement (R21) -------------------------------------------------------------------------- */

static struct judge_case {
    const char *name;
    uint32_t token;
    uint16_t request;
    uint32_t command;
    enum chek_cpcr_judgement want;
    uint32_t code;
} judges[] = {
    {"a_repeat", 10, 5, 1, CHEK_CPCR_REPLAY, 0},
    {"a_repeat_of_another_command", 10, 5, 6, CHEK_CPCR_REFUSE, CHEK_CPCR_INVALID_RETRY_REQUEST},
    {"the_next_token_and_the_same_number", 11, 5, 1, CHEK_CPCR_REFUSE,
     CHEK_CPCR_INVALID_REQUEST_NUMBER},
    {"an_old_token", 10, 6, 1, CHEK_CPCR_REFUSE, CHEK_CPCR_INVALID_TOKEN},
    {"another_token_and_the_same_number", 12, 5, 1, CHEK_CPCR_REFUSE, CHEK_CPCR_INVALID_TOKEN},
    {"no_token", 0, 6, 1, CHEK_CPCR_REFUSE, CHEK_CPCR_INVALID_TOKEN},
    {"a_new_document", 11, 6, 1, CHEK_CPCR_COUNT, 0},
    {"a_number_that_went_back", 11, 4, 2, CHEK_CPCR_COUNT, 0},
    {"a_number_that_went_round", 11, 0, 6, CHEK_CPCR_COUNT, 0},
};

static void
test_judge(void **state)
{
    const struct judge_case *c = *state;
    struct chek_cpcr_ledger ledger = {
        .issued = 11, .last_token = 10, .last_request = 5, .last_command = 1, .has_last = true};
    uint32_t code = 0;
    assert_int_equal(chek_cpcr_judge(&ledger, c->token, c->request, c->command, &code), c->want);
    assert_int_equal(code, c->code);
}

/* ---- what applying led to (R77) --------------------------------------------------------------- */

static struct counted_case {
    const char *name;
    int error;
    uint8_t status;
    int refused_with;
    uint32_t want;
} counted[] = {
    {"stored", CHEK_OK, CHEK_STATUS_STORED, 0, CHEK_CPCR_OK},
    {"a_duplicate", CHEK_OK, CHEK_STATUS_DUPLICATE, 0, CHEK_CPCR_OK},
    {"a_conflict", CHEK_OK, CHEK_STATUS_CONFLICT, 0, CHEK_CPCR_INCORRECT_REQUEST_DATA},
    {"a_sum_that_would_wrap", CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_OVERFLOW,
     CHEK_CPCR_INCORRECT_REQUEST_DATA},
    {"a_row_that_is_damaged", CHEK_OK, CHEK_STATUS_REFUSED, CHEK_E_CORRUPT,
     CHEK_CPCR_SERVICE_TEMPORARILY_UNAVAILABLE},
    {"a_row_that_the_disk_does_not_give", CHEK_OK, CHEK_STATUS_REFUSED, -EIO,
     CHEK_CPCR_SERVICE_TEMPORARILY_UNAVAILABLE},
    {"not_logged", -ENOSPC, 0, 0, CHEK_CPCR_SERVICE_TEMPORARILY_UNAVAILABLE},
};

static void
test_counted(void **state)
{
    const struct counted_case *c = *state;
    struct chek_cpcr_exchange exchange = {.is_document = true};
    struct chek_result result = {.status = c->status, .code = (uint32_t)-c->refused_with};
    chek_cpcr_counted(&exchange, c->error == CHEK_OK ? &result : NULL, c->error);
    assert_int_equal(exchange.fault.code, c->want);
}

/* Before the first exchange there is nothing to repeat, whatever the numbers are. */
static void
test_judge_the_first(void **state)
{
    struct chek_cpcr_ledger ledger = {.issued = 11};
    uint32_t code = 0;
    (void)state;
    assert_int_equal(chek_cpcr_judge(&ledger, 11, 0, 1, &code), CHEK_CPCR_COUNT);
    assert_int_equal(chek_cpcr_judge(&ledger, 0, 0, 0, &code), CHEK_CPCR_REFUSE);
    assert_int_equal(code, CHEK_CPCR_INVALID_TOKEN);
    ledger.issued = code = 0; /* no token is due: 0 is none */
    assert_int_equal(chek_cpcr_judge(&ledger, 0, 0, 1, &code), CHEK_CPCR_REFUSE);
    assert_int_equal(code, CHEK_CPCR_INVALID_TOKEN);
}

/* ---- tokens and signs (R20, R80) -------------------------------------------------------------- */

static const struct chek_subject_key key = {.hash = {1, 2, 3}, .secret = {4, 5, 6}};

static int
number_compare(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;
    return *left < *right ? -1 : *left > *right;
}

static void
test_tokens_depend_on_all_that_names_them(void **state)
{
    struct chek_device_token which = {.count = 3, .resets = 2, .device = 201873};
    struct chek_device_token others[] = {which, which, which};
    struct chek_subject_key other_key = key;
    (void)state;
    uint32_t token = chek_cpcr_token(&key, &which);
    assert_int_not_equal(token, 0);
    assert_int_equal(chek_cpcr_token(&key, &which), token);
    others[0].count = 4;
    others[1].resets = 3;
    others[2].device = 201874;
    for (size_t i = 0; i < CHEK_COUNT(others); i++) {
        assert_int_not_equal(chek_cpcr_token(&key, &others[i]), token);
    }
    other_key.hash[31] ^= 1;
    assert_int_not_equal(chek_cpcr_token(&other_key, &which), token);
}

static void
test_a_token_that_was_chosen(void **state)
{
    struct chek_device_token which = {.device = 201873, .resets = 1};
    (void)state;
    which.mask = chek_cpcr_token_mask(&key, 201873, 1, 2704817126);
    assert_int_equal(chek_cpcr_token(&key, &which), 2704817126);
    which.mask = chek_cpcr_token_mask(&key, 201873, 1, 1);
    assert_int_equal(chek_cpcr_token(&key, &which), 1);
}

static void
test_signs_are_all_different(void **state)
{
    static uint32_t low[1 << 17];
    (void)state;
    for (uint32_t i = 0; i < CHEK_COUNT(low); i++) {
        uint64_t sign = chek_cpcr_sign(&key, 7, i);
        assert_in_range(sign, UINT64_C(1000000000), UINT64_C(1000000000) + UINT32_MAX);
        low[i] = (uint32_t)(sign - UINT64_C(1000000000));
    }
    qsort(low, CHEK_COUNT(low), sizeof low[0], number_compare);
    for (size_t i = 1; i < CHEK_COUNT(low); i++) {
        assert_int_not_equal(low[i - 1], low[i]);
    }
    assert_int_not_equal(chek_cpcr_sign(&key, 7, 0), chek_cpcr_sign(&key, 8, 0));
}

/* ---- reports (R60..R69) ----------------------------------------------------------------------- */

static void
test_amounts_of_reports_have_no_sign(void **state)
{
    (void)state;
    chek_arena_reset(&arena);
    struct chek_sums discounts = {.count = 1, .sum = -5025};
    struct chek_report_operation operation = {.operation = CHEK_OPERATION_SELL_RETURN,
                                              .tickets = 1,
                                              .positions = 1,
                                              .gross = 10000,
                                              .net = 15025,
                                              .discounts = &discounts};
    struct chek_report report = {.shift = 3,
                                 .operations = &operation,
                                 .operations_count = 1,
                                 .cash = -15025,
                                 .revenue = -15025};
    struct chek_device_totals totals = {.tickets = {[CHEK_OPERATION_SELL_RETURN] = 4}};
    Ingest__ZxReport *made = ingest__cpcr_zx(&report, &totals, 1772446260, &arena);
    assert_non_null(made);
    assert_int_equal(made->cash_sum->bills, 0);
    assert_int_equal(made->cash_sum->coins, 0);
    assert_int_equal(made->revenue->is_negative, 1);
    assert_int_equal(made->revenue->sum->bills, 150);
    assert_int_equal(made->revenue->sum->coins, 25);
    assert_int_equal(made->n_discounts, 1);
    assert_int_equal(made->discounts[0]->sum->bills, 50);
    assert_int_equal(made->total_result[0]->sum->bills, 150);
    assert_int_equal(made->n_ticket_operations, 1);
    assert_int_equal(made->ticket_operations[0]->operation,
                     INGEST__OPERATION_TYPE__OPERATION_SELL_RETURN);
    assert_int_equal(made->ticket_operations[0]->tickets_total_count, 4);
    assert_int_equal(made->date_time->date->year, 2026);
    assert_int_equal(made->date_time->time->minute, 11);
}

/* 17 rates in all operations, and a section more than the row before in each. */
static void
test_rows_become_sections_and_rates(void **state)
{
    static struct chek_report_tax taxes[17 * CHEK_OPERATION_COUNT];
    struct chek_report_row sections[] = {
        {.key = chek_bytes_view_text("1"), .operation = 0, .count = 1, .sum = 100},
        {.key = chek_bytes_view_text("1"), .operation = 2, .count = 2, .sum = 200},
        {.key = chek_bytes_view_text("10"), .operation = 0, .count = 3, .sum = 300},
        {.operation = 0, .count = 4, .sum = 400, .other = true},
    };
    (void)state;
    chek_arena_reset(&arena);
    for (uint32_t i = 0; i < CHEK_COUNT(taxes); i++) {
        taxes[i] =
            (struct chek_report_tax){.kind = i % 17 == 16 ? CHEK_TAX_KIND_NONE : CHEK_TAX_KIND_VAT,
                                     .rate = i % 17 * 1000,
                                     .operation = (uint8_t)(i / 17),
                                     .turnover = i,
                                     .sum = 1};
    }
    struct chek_report report = {.shift = 1,
                                 .sections = sections,
                                 .sections_count = CHEK_COUNT(sections),
                                 .taxes = taxes,
                                 .taxes_count = CHEK_COUNT(taxes)};
    Ingest__ZxReport *made =
        ingest__cpcr_zx(&report, &(struct chek_device_totals){0}, 1772446260, &arena);
    assert_non_null(made);
    assert_int_equal(made->n_sections, 3);
    assert_int_equal(made->sections[0]->n_operations, 2);
    assert_int_equal(made->sections[0]->operations[1]->operation,
                     INGEST__OPERATION_TYPE__OPERATION_BUY);
    assert_int_equal(made->sections[1]->operations[0]->count, 3);
    assert_memory_equal(made->sections[2]->section_code.data, "*", 1);
    assert_int_equal(made->n_taxes, 16); /* R63: not the one that no tax is on */
    for (size_t i = 0; i < made->n_taxes; i++) {
        assert_int_equal(made->taxes[i]->percent, i * 1000);
        assert_int_equal(made->taxes[i]->n_operations, CHEK_OPERATION_COUNT);
    }
    assert_int_equal(made->taxes[3]->operations[1]->turnover->coins, 17 + 3);
}

/* ---- vectors ---------------------------------------------------------------------------------- */

static size_t
hex_read(const char *name, uint8_t *bytes, size_t size_max)
{
    char path[512];
    unsigned byte;
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/kz/packets/%s", getenv("CHEK_VECTORS"), name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (size < size_max && fscanf(file, "%2x", &byte) == 1) {
        bytes[size++] = (uint8_t)byte;
    }
    (void)fclose(file);
    return size;
}

/* The only answers of an operator that are published: read by our schema, and written again. */
static void
test_published_answers(void **state)
{
    static uint8_t bytes[8192], again[8192];
    struct chek_cpcr_head head;
    (void)state;
    if (getenv("CHEK_VECTORS") == NULL) {
        skip();
    }
    size_t size = hex_read("kz203_ticket_response_prefix_reframed.hex", bytes, sizeof bytes);
    assert_error(chek_cpcr_head_read(chek_bytes_view_of(bytes, size), &head), CHEK_OK);
    assert_int_equal(head.size, size);
    Ingest__Response *ticket = ingest__response__unpack(NULL, size - 18, bytes + 18);
    assert_non_null(ticket);
    assert_int_equal(ticket->command, 1);
    assert_memory_equal(ticket->ticket->ticket_number.data, "4228143549", 10);
    assert_int_equal(ingest__response__pack(ticket, again), size - 18);
    assert_memory_equal(again, bytes + 18, size - 18);
    ingest__response__free_unpacked(ticket, NULL);

    size = hex_read("kz202_command_info_response_kazakhtelecom_test.hex", bytes, sizeof bytes);
    assert_error(chek_cpcr_head_read(chek_bytes_view_of(bytes, size), &head), CHEK_OK);
    assert_int_equal(head.size, size);
    Ingest__Response *info = ingest__response__unpack(NULL, size - 18, bytes + 18);
    assert_non_null(info);
    assert_int_equal(info->report->report, INGEST__REPORT_TYPE__REPORT_Z);
    assert_int_equal(info->report->zx_report->shift_number, 1);
    assert_int_equal(info->service->reg_info->org->base.n_unknown_fields, 1);
    assert_memory_equal(info->service->reg_info->kkm->fns_kkm_id.data, "281948271821", 12);
    ingest__response__free_unpacked(info, NULL);

    /* A packet that is damaged is refused or read, and nothing else. */
    size = hex_read("kz203_ticket_response_corrupt_full_3062bytes.hex", bytes, sizeof bytes);
    Ingest__Response *damaged = ingest__response__unpack(NULL, size - 18, bytes + 18);
    if (damaged != NULL) {
        ingest__response__free_unpacked(damaged, NULL);
    }
    struct chek_cpcr_message read;
    struct chek_cpcr_fault fault;
    chek_arena_reset(&arena);
    (void)!chek_cpcr_message_read(chek_bytes_view_of(bytes + 18, size - 18), 203, &arena, &read,
                                  &fault);
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_head, heads);
    TABLE_ROWS(&table, test_message, messages);
    TABLE_TEST(&table, test_prefixes_of_a_ticket);
    TABLE_TEST(&table, test_soft_fields);
    TABLE_TEST(&table, test_fields_of_org_by_their_form);
    TABLE_TEST(&table, test_memory_of_a_message);
    TABLE_TEST(&table, test_a_ticket_becomes_a_receipt);
    TABLE_ROWS(&table, test_customer, customers);
    TABLE_ROWS(&table, test_money, moneys);
    TABLE_ROWS(&table, test_judge, judges);
    TABLE_TEST(&table, test_judge_the_first);
    TABLE_ROWS(&table, test_counted, counted);
    TABLE_TEST(&table, test_tokens_depend_on_all_that_names_them);
    TABLE_TEST(&table, test_a_token_that_was_chosen);
    TABLE_TEST(&table, test_signs_are_all_different);
    TABLE_TEST(&table, test_amounts_of_reports_have_no_sign);
    TABLE_TEST(&table, test_rows_become_sections_and_rates);
    TABLE_TEST(&table, test_published_answers);
    if (setup(NULL) != 0) {
        return 1;
    }
    int failed = table_run(&table, "cpcr");
    return teardown(NULL) + failed;
}
