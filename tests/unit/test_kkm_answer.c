/* SPDX-License-Identifier: MIT */
/*
 * test_kkm_answer.c - answers of a server as a register reads them: real ones (${CHEK_VECTORS}/kz),
 * whole lives through X and Z and back, and every kind of damage.
 */
#include "tools/kkm/kkm_answer.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/table.h"
#include "tools/kkm/kkm_build.h"
#include "tools/kkm/kkm_compare.h"
#include "tools/kkm/kkm_life.h"

#define LIFE_COUNT 20
#define ANSWER_SIZE_MAX 16384

static struct chek_arena making;  /* what an answer is made in */
static struct chek_arena reading; /* what it is read in */
static uint8_t bytes[ANSWER_SIZE_MAX];
static struct chek_kkm_answer answer;

static Kkm__Response *
response_begin(uint32_t command, uint32_t result)
{
    chek_arena_reset(&making);
    Kkm__Response *response = KKM__NEW(&making, Kkm__Response, kkm__response);
    response->command = (Kkm__CommandTypeEnum)command;
    response->result = KKM__NEW(&making, Kkm__Result, kkm__result);
    response->result->result_code = result;
    return response;
}

static ProtobufCBinaryData
text(const char *from)
{
    size_t size = strlen(from);
    return (ProtobufCBinaryData){.len = size,
                                 .data = memcpy(kkm__take(&making, size + 1), from, size)};
}

/* The answer as bytes with a head; returns the size. */
static size_t
response_write(const Kkm__Response *response)
{
    size_t size = CHEK_KKM_HEAD_SIZE + kkm__response__get_packed_size(response);
    struct chek_kkm_head head = {
        .version = 203, .reqnum = 4, .size = (uint32_t)size, .device = 5, .token = 6};
    assert_in_range(size, 0, sizeof bytes);
    chek_kkm_head_write(&head, bytes);
    (void)kkm__response__pack(response, bytes + CHEK_KKM_HEAD_SIZE);
    return size;
}

static int
read_bytes(size_t size)
{
    return chek_kkm_answer_read(chek_bytes_view_of(bytes, size), &reading, &answer);
}

/* ---- whole answers ---------------------------------------------------------------------------- */

static void
test_a_ticket_is_read(void **state)
{
    (void)state;
    Kkm__Response *response = response_begin(1, 0);
    response->ticket = KKM__NEW(&making, Kkm__TicketResponse, kkm__ticket_response);
    response->ticket->ticket_number = text("4228143549");
    response->ticket->has_qr_code = 1;
    response->ticket->qr_code = text("http://consumer.oofd.kz?i=4228143549");
    assert_error(read_bytes(response_write(response)), CHEK_OK);
    assert_int_equal(answer.head.token, 6);
    assert_int_equal(answer.head.reqnum, 4);
    assert_int_equal(answer.command, 1);
    assert_int_equal(answer.result, 0);
    assert_true(answer.has_ticket);
    assert_false(answer.has_report);
    assert_string_equal(answer.number, "4228143549");
    assert_string_equal(answer.qr, "http://consumer.oofd.kz?i=4228143549");
}

static void
test_a_refusal_is_read_with_its_text(void **state)
{
    (void)state;
    Kkm__Response *response = response_begin(6, 14);
    response->result->has_result_text = 1;
    response->result->result_text = text("Недостаточно наличных");
    assert_error(read_bytes(response_write(response)), CHEK_OK);
    assert_int_equal(answer.result, 14);
    assert_string_equal(answer.result_text, "Недостаточно наличных");
    assert_false(answer.has_ticket);
}

static void
test_a_long_text_is_cut_between_letters(void **state)
{
    (void)state;
    char long_text[400];
    Kkm__Response *response = response_begin(6, 255);
    for (size_t i = 0; i + 2 < sizeof long_text; i += 2) {
        memcpy(long_text + i, "ж", 3);
    }
    response->result->has_result_text = 1;
    response->result->result_text = text(long_text);
    assert_error(read_bytes(response_write(response)), CHEK_OK);
    assert_int_equal(strlen(answer.result_text), (CHEK_KKM_RESULT_TEXT_SIZE - 1) / 2 * 2);
}

static struct number_case {
    const char *name, *number;
    int want;
} number_cases[] = {
    {"a_number_of_one_digit", "7", CHEK_OK},
    {"a_number_of_23_digits", "12345678901234567890123", CHEK_OK},
    {"a_number_of_24_digits", "123456789012345678901234", CHEK_E_TEXT},
    {"no_number", "", CHEK_E_TEXT},
    {"a_number_with_a_letter", "12a4", CHEK_E_TEXT},
    {"a_negative_number", "-1", CHEK_E_TEXT},
};

static void
test_ticket_number(void **state)
{
    const struct number_case *c = *state;
    Kkm__Response *response = response_begin(1, 0);
    response->ticket = KKM__NEW(&making, Kkm__TicketResponse, kkm__ticket_response);
    response->ticket->ticket_number = text(c->number);
    assert_error(read_bytes(response_write(response)), c->want);
}

/* ---- reports ---------------------------------------------------------------------------------- */

/* A response with a report of the totals. */
static Kkm__ZXReport *
report_add(Kkm__Response *response, const struct chek_kkm_totals *totals, bool has_zero_rows)
{
    response->report = KKM__NEW(&making, Kkm__ReportResponse, kkm__report_response);
    response->report->report = KKM__REPORT_TYPE_ENUM__REPORT_Z;
    response->report->zx_report = kkm__zx_make(&making, totals, 1767096000, has_zero_rows);
    return response->report->zx_report;
}

static void
assert_survives(const struct chek_kkm_totals *totals, bool has_zero_rows)
{
    char first[CHEK_KKM_DIFFERENCE_SIZE] = "";
    Kkm__Response *response = response_begin(2, 0);
    (void)report_add(response, totals, has_zero_rows);
    assert_error(read_bytes(response_write(response)), CHEK_OK);
    assert_true(answer.has_report);
    assert_true(answer.is_z);
    assert_error(answer.report_error, CHEK_OK);
    (void)chek_kkm_compare(totals, &answer.report, first);
    assert_string_equal(first, "");
}

/* Laws of lives on the way: cash is never below zero and is what the life thinks it is, payments
 * are the total, time goes on, a shift has less than a day. */
static void
assert_lawful(const struct chek_kkm_document *document, const struct chek_kkm_totals *totals,
              int64_t *last_s)
{
    assert_true(document->time_s > *last_s);
    *last_s = document->time_s;
    assert_true(totals->cash_sum >= 0);
    assert_true(totals->open_s == 0 || document->time_s - totals->open_s < CHEK_CIVIL_DAY_S);
    if (document->kind == CHEK_KKM_TICKET) {
        int64_t paid = 0;
        for (uint32_t i = 0; i < document->ticket.payment_count; i++) {
            paid += document->ticket.payments[i].sum;
        }
        assert_int_equal(paid, document->ticket.total);
        assert_int_equal(document->ticket.taken - document->ticket.change, document->ticket.total);
        assert_true(document->is_offline == (document->sign != 0));
    }
}

static void
test_every_figure_of_many_lives_survives(void **state)
{
    (void)state;
    const struct chek_kkm_life_options options = {
        .begin_s = 1767052800, .ticket_count = 25, .shift_count = 4, .offline_per_million = 50000};
    for (uint64_t seed = 1; seed <= LIFE_COUNT; seed++) {
        struct chek_kkm_totals totals = {.shift_number = 1};
        struct chek_kkm_life life;
        struct chek_kkm_document document;
        enum chek_kkm_step step;
        int64_t last_s = 0;
        chek_kkm_life_init(&life, &options, seed);
        while ((step = chek_kkm_life_next(&life, &document)) != CHEK_KKM_STEP_END) {
            if (step != CHEK_KKM_STEP_DOCUMENT) {
                continue;
            }
            assert_int_equal(document.shift_number, totals.shift_number);
            assert_error(chek_kkm_totals_add(&totals, &document), CHEK_OK);
            chek_kkm_life_acknowledged(&life, &document, "1");
            assert_lawful(&document, &totals, &last_s);
            assert_int_equal(totals.cash_sum, life.drawer);
            if (document.kind == CHEK_KKM_CLOSE) {
                assert_survives(&totals, seed % 2 == 0);
                chek_kkm_totals_carry(&totals);
            }
        }
        assert_int_equal(totals.shift_number, 5);
    }
}

enum damage {
    DAMAGE_COINS,
    DAMAGE_BILLS,
    DAMAGE_OPERATION,
    DAMAGE_OPERATION_TWICE,
    DAMAGE_PAYMENT,
    DAMAGE_PLACEMENT_TWICE,
    DAMAGE_SECTION_TWICE,
    DAMAGE_SECTION_TEXT,
    DAMAGE_SECTIONS,
    DAMAGE_TAX_TWICE,
    DAMAGE_MONTH,
    DAMAGE_DAY,
    DAMAGE_ANNULLED,
};

static struct damage_case {
    const char *name;
    enum damage damage;
    int want;
} damage_cases[] = {
    {"a_hundred_coins", DAMAGE_COINS, CHEK_E_RANGE},
    {"bills_beyond_64_bits_of_coins", DAMAGE_BILLS, CHEK_E_RANGE},
    {"a_fifth_operation", DAMAGE_OPERATION, CHEK_E_RANGE},
    {"an_operation_twice", DAMAGE_OPERATION_TWICE, CHEK_E_EXISTS},
    {"a_sixth_payment_type", DAMAGE_PAYMENT, CHEK_E_RANGE},
    {"a_placement_twice", DAMAGE_PLACEMENT_TWICE, CHEK_E_EXISTS},
    {"a_section_twice", DAMAGE_SECTION_TWICE, CHEK_E_EXISTS},
    {"a_section_with_a_nul", DAMAGE_SECTION_TEXT, CHEK_E_TEXT},
    {"more_sections_than_there_is_room_for", DAMAGE_SECTIONS, CHEK_E_LIMIT},
    {"a_tax_twice", DAMAGE_TAX_TWICE, CHEK_E_EXISTS},
    {"month_13", DAMAGE_MONTH, CHEK_E_DATE},
    {"the_31st_of_november", DAMAGE_DAY, CHEK_E_DATE},
    {"annulled_tickets", DAMAGE_ANNULLED, CHEK_E_RANGE},
};

static void
sections_fill(Kkm__ZXReport *report)
{
    report->sections = kkm__list(&making, CHEK_KKM_SECTION_COUNT_MAX + 1);
    for (report->n_sections = 0; report->n_sections <= CHEK_KKM_SECTION_COUNT_MAX;) {
        Kkm__ZXReport__Section *row =
            KKM__NEW(&making, Kkm__ZXReport__Section, kkm__zxreport__section);
        char code[] = {(char)('a' + report->n_sections), 0};
        row->section_code = text(code);
        report->sections[report->n_sections++] = row;
    }
}

static void
damage(Kkm__ZXReport *report, enum damage how)
{
    switch (how) {
    case DAMAGE_COINS:
        report->cash_sum->coins = 100;
        break;
    case DAMAGE_BILLS:
        report->cash_sum->bills = (uint64_t)INT64_MAX / 100;
        break;
    case DAMAGE_OPERATION:
        report->operations[0]->operation = (Kkm__OperationTypeEnum)4;
        break;
    case DAMAGE_OPERATION_TWICE:
        report->operations[1]->operation = report->operations[0]->operation;
        break;
    case DAMAGE_PAYMENT:
        report->ticket_operations[0]->payments[0]->payment = (Kkm__PaymentTypeEnum)5;
        break;
    case DAMAGE_PLACEMENT_TWICE:
        report->money_placements[1]->operation = report->money_placements[0]->operation;
        break;
    case DAMAGE_SECTION_TWICE:
        report->sections[1]->section_code = report->sections[0]->section_code;
        break;
    case DAMAGE_SECTION_TEXT:
        report->sections[0]->section_code.data[0] = 0;
        break;
    case DAMAGE_SECTIONS:
        sections_fill(report);
        break;
    case DAMAGE_TAX_TWICE:
        report->taxes[1]->percent = report->taxes[0]->percent;
        break;
    case DAMAGE_MONTH:
        report->date_time->date->month = 13;
        break;
    case DAMAGE_DAY:
        report->date_time->date->month = 11;
        report->date_time->date->day = 31;
        break;
    default:
        report->annulled_tickets =
            KKM__NEW(&making, Kkm__ZXReport__AnnulledTickets, kkm__zxreport__annulled_tickets);
        report->annulled_tickets->has_annulled_tickets_count = 1;
        report->annulled_tickets->annulled_tickets_count = 1;
        break;
    }
}

static void
test_a_report_that_cannot_be(void **state)
{
    const struct damage_case *c = *state;
    struct chek_kkm_totals totals = {.shift_number = 1};
    assert_non_null(chek_kkm_totals_section(&totals, chek_bytes_view_text("1")));
    assert_non_null(chek_kkm_totals_section(&totals, chek_bytes_view_text("2")));
    assert_non_null(chek_kkm_totals_tax(&totals, CHEK_KKM_VAT, 0));
    assert_non_null(chek_kkm_totals_tax(&totals, CHEK_KKM_VAT, 16000));
    assert_survives(&totals, true);

    Kkm__Response *response = response_begin(2, 0);
    damage(report_add(response, &totals, true), c->damage);
    assert_error(read_bytes(response_write(response)), CHEK_OK);
    assert_true(answer.has_report);
    assert_error(answer.report_error, c->want);
}

/* ---- bytes that are none ---------------------------------------------------------------------- */

static void
test_sizes_must_agree(void **state)
{
    (void)state;
    size_t size = response_write(response_begin(0, 0));
    assert_error(read_bytes(size - 1), CHEK_E_SHORT);
    assert_error(read_bytes(size + 1), CHEK_E_TRAILING);
    assert_error(read_bytes(17), CHEK_E_SHORT);
    assert_error(read_bytes(size), CHEK_OK);
}

static void
test_an_answer_without_a_result_is_none(void **state)
{
    (void)state;
    const uint8_t body[] = {0x08, 0x00};
    struct chek_kkm_head head = {.version = 203, .size = CHEK_KKM_HEAD_SIZE + sizeof body};
    chek_kkm_head_write(&head, bytes);
    memcpy(bytes + CHEK_KKM_HEAD_SIZE, body, sizeof body);
    assert_error(read_bytes(head.size), CHEK_E_NUMBER);
}

/* Whatever comes is an answer or an error, within the memory that there is for it. */
static void
test_damaged_bytes_end_in_an_error_or_an_answer(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {.shift_number = 1, .cash_sum = 5};
    static uint8_t whole[ANSWER_SIZE_MAX];
    Kkm__Response *response = response_begin(2, 0);
    (void)report_add(response, &totals, true);
    size_t size = response_write(response);
    uint32_t refused_count = 0;
    memcpy(whole, bytes, size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        memcpy(bytes, whole, size);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        refused_count += read_bytes(size) != CHEK_OK || answer.report_error != CHEK_OK ? 1 : 0;
    }
    assert_in_range(refused_count, size, size * 8);

    /* The worst blow-up: a head of the largest size, and as many empty rows as fit. */
    static uint8_t rows[CHEK_KKM_PACKET_SIZE_MAX];
    struct chek_kkm_head head = {.version = 203, .size = sizeof rows};
    chek_kkm_head_write(&head, rows);
    for (size_t i = CHEK_KKM_HEAD_SIZE; i + 2 <= sizeof rows; i += 2) {
        rows[i] = 0x22; /* report, again and again, merged or not */
        rows[i + 1] = 0;
    }
    int error = chek_kkm_answer_read(chek_bytes_view_of(rows, sizeof rows), &reading, &answer);
    assert_int_not_equal(error, CHEK_OK);
}

/* ---- real answers ----------------------------------------------------------------------------- */

static size_t
packet_read(const char *name)
{
    char path[1024];
    unsigned byte;
    size_t size = 0;
    if (getenv("CHEK_VECTORS") == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    (void)snprintf(path, sizeof path, "%s/kz/packets/%s.hex", getenv("CHEK_VECTORS"), name);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    /* NOLINTNEXTLINE(cert-err34-c): two digits fit */
    while (size < sizeof bytes && fscanf(file, "%2x", &byte) == 1) {
        bytes[size++] = (uint8_t)byte;
    }
    (void)fclose(file);
    return size;
}

/* A fresh register of a real server: a Z of shift 1 without any row. */
static void
real_info(void **state)
{
    (void)state;
    struct chek_kkm_totals want = {.shift_number = 1};
    char first[CHEK_KKM_DIFFERENCE_SIZE] = "";
    assert_error(read_bytes(packet_read("kz202_command_info_response_kazakhtelecom_test")),
                 CHEK_OK);
    assert_int_equal(answer.head.version, 202);
    assert_int_equal(answer.head.device, 200773);
    assert_int_equal(answer.command, 5);
    assert_int_equal(answer.result, 0);
    assert_true(answer.has_report && answer.is_z);
    assert_error(answer.report_error, CHEK_OK);
    assert_int_equal(chek_kkm_compare(&want, &answer.report, first), 0);
    assert_string_equal(first, "");
}

static void
real_ticket(void **state)
{
    (void)state;
    assert_error(read_bytes(packet_read("kz203_ticket_response_prefix_reframed")), CHEK_OK);
    assert_int_equal(answer.head.version, 203);
    assert_true(answer.has_ticket);
    assert_string_equal(answer.number, "4228143549");
    assert_non_null(strstr(answer.qr, "?i=4228143549&f=640300014538&s=696.90&t=20280629T170916"));
}

static void
real_damage(void **state)
{
    (void)state;
    size_t size = packet_read("kz203_ticket_response_corrupt_full_3062bytes");
    assert_int_not_equal(read_bytes(size), CHEK_OK);
}

int
main(void)
{
    struct table table = {.count = 0};

    if (chek_arena_init(&making, 1 << 18) != CHEK_OK ||
        chek_arena_init(&reading, CHEK_KKM_ANSWER_ARENA_SIZE) != CHEK_OK) {
        return 1;
    }
    TABLE_TEST(&table, test_a_ticket_is_read);
    TABLE_TEST(&table, test_a_refusal_is_read_with_its_text);
    TABLE_TEST(&table, test_a_long_text_is_cut_between_letters);
    TABLE_ROWS(&table, test_ticket_number, number_cases);
    TABLE_TEST(&table, test_every_figure_of_many_lives_survives);
    TABLE_ROWS(&table, test_a_report_that_cannot_be, damage_cases);
    TABLE_TEST(&table, test_sizes_must_agree);
    TABLE_TEST(&table, test_an_answer_without_a_result_is_none);
    TABLE_TEST(&table, test_damaged_bytes_end_in_an_error_or_an_answer);
    TABLE_TEST(&table, real_info);
    TABLE_TEST(&table, real_ticket);
    TABLE_TEST(&table, real_damage);
    return table_run(&table, "kkm_answer");
}
