/* SPDX-License-Identifier: MIT */
/*
 * test_kkm_register.c - tokens, request numbers, retries and recovery of one register.
 */
#include "tests/unit/kkm_desk.h"
#include "tests/unit/table.h"

static struct kkm_desk desk;

static uint32_t
document_number(void)
{
    return desk.message->ticket != NULL ? desk.message->ticket->shift_document_number : 0;
}

/* ---- tokens and numbers ----------------------------------------------------------------------- */

static void
test_the_first_thing_said_is_info_with_the_first_token(void **state)
{
    (void)state;
    kkm_desk_open(&desk, 1, 0);
    uint16_t reqnum = desk.kkm.reqnum;
    assert_true(kkm_desk_say(&desk));
    assert_int_equal(desk.message->command, 5);
    assert_int_equal(desk.head.token, desk.kkm.identity.token);
    assert_int_equal(desk.head.reqnum, (uint16_t)(reqnum + 1));
    assert_int_equal(desk.head.device, 100002);
}

static void
test_each_request_takes_the_token_and_the_next_number(void **state)
{
    (void)state;
    kkm_desk_open(&desk, 1, 0);
    uint16_t reqnum = desk.kkm.reqnum;
    uint32_t token = desk.kkm.token;
    uint32_t count = 0;
    for (; kkm_desk_say(&desk); count++) {
        assert_int_equal(desk.head.reqnum, ++reqnum);
        assert_int_equal(desk.head.token, token);
        kkm_desk_answer_ok(&desk);
        token = desk.kkm.token;
    }
    assert_in_range(count, 60, 200);
    assert_int_equal(desk.kkm.state, CHEK_KKM_REGISTER_FINISHED);
    assert_int_equal(desk.shared.counts.tickets, 60);
    assert_int_equal(desk.shared.counts.z_differences, 0);
    assert_int_equal(desk.shared.counts.wrong_answers, 0);
}

static struct wrap_case {
    const char *name;
    uint32_t device;
    uint16_t want;
} wrap_cases[] = {
    {"the_number_after_the_last_is_0", 100002, 0},
    {"the_number_after_the_last_is_1", 100003, 1},
};

static void
test_request_number_wraps(void **state)
{
    const struct wrap_case *c = *state;
    kkm_desk_open(&desk, 1, 0);
    desk.kkm.identity.device = c->device;
    desk.kkm.reqnum = UINT16_MAX;
    assert_true(kkm_desk_say(&desk));
    assert_int_equal(desk.head.reqnum, c->want);
}

/* ---- lost answers ----------------------------------------------------------------------------- */

static void
test_without_an_answer_the_same_bytes_are_said_again(void **state)
{
    (void)state;
    static uint8_t first[CHEK_KKM_REQUEST_SIZE_MAX];
    uint32_t ping_count = 0;
    uint32_t plain_count = 0;
    kkm_desk_open(&desk, 3, 0);
    for (uint32_t i = 0; i < 30; i++) {
        kkm_desk_say_document(&desk);
        size_t size = desk.size;
        struct chek_kkm_head head = desk.head;
        memcpy(first, desk.bytes, size);
        chek_kkm_register_broken(&desk.kkm, &desk.shared);
        assert_true(kkm_desk_say(&desk));
        if (desk.message->command == 0) {
            /* A SYSTEM on the way: the same token, a number of its own. Whatever it is answered,
             * the document's own retry decides. */
            assert_int_equal(desk.head.token, head.token);
            assert_int_equal(desk.head.reqnum, (uint16_t)(head.reqnum + 1));
            assert_true(kkm_desk_answer(&desk, i % 2 == 0 ? 0 : 2, head.token));
            assert_true(kkm_desk_say(&desk));
            ping_count += 1;
        } else {
            plain_count += 1;
        }
        assert_int_equal(desk.size, size);
        assert_memory_equal(desk.bytes, first, size);
        kkm_desk_answer_ok(&desk);
    }
    assert_true(ping_count > 2 && plain_count > 2);
    assert_int_equal(desk.shared.counts.retries, 30);
    assert_int_equal(desk.shared.counts.pings, ping_count);
    assert_int_equal(desk.shared.counts.documents, 31);
    assert_int_equal(desk.shared.counts.refused, 0);
}

static struct no_answer_case {
    const char *name;
    uint32_t result;
} no_answer_cases[] = {{"unavailable_waits", 254}, {"unknown_error_waits", 255}};

static void
test_an_answer_that_is_none(void **state)
{
    const struct no_answer_case *c = *state;
    static uint8_t first[CHEK_KKM_REQUEST_SIZE_MAX];
    kkm_desk_open(&desk, 1, 0);
    kkm_desk_say_document(&desk);
    size_t size = desk.size;
    memcpy(first, desk.bytes, size);
    assert_false(kkm_desk_answer(&desk, c->result, desk.head.token));
    assert_true(kkm_desk_say(&desk));
    assert_int_equal(desk.size, size);
    assert_memory_equal(desk.bytes, first, size);
    assert_int_equal(desk.shared.counts.refused, 0);
}

/* ---- recovery --------------------------------------------------------------------------------- */

/* Let a document be acknowledged and the next one be refused with INVALID_TOKEN. Returns the size
 * of the first, whose bytes are kept; its answer's token is in desk.token. */
static size_t
lose_token(uint8_t *last, uint32_t *ret_number)
{
    size_t size = 0;
    bool is_after_ticket = false;
    kkm_desk_say_document(&desk);
    while (!is_after_ticket || desk.message->ticket == NULL) {
        is_after_ticket = desk.message->ticket != NULL;
        size = desk.size;
        memcpy(last, desk.bytes, size);
        kkm_desk_answer_ok(&desk);
        assert_true(kkm_desk_say(&desk));
    }
    *ret_number = document_number();
    assert_true(kkm_desk_answer(&desk, 2, desk.head.token));
    return size;
}

static void
test_a_lost_token_is_told_by_the_last_document(void **state)
{
    (void)state;
    static uint8_t last[CHEK_KKM_REQUEST_SIZE_MAX];
    uint32_t refused_number;
    kkm_desk_open(&desk, 7, 0);
    size_t size = lose_token(last, &refused_number);
    uint64_t documents = desk.shared.counts.documents;
    uint16_t reqnum = desk.head.reqnum;

    assert_true(kkm_desk_say(&desk));
    assert_int_equal(desk.size, size);
    assert_memory_equal(desk.bytes, last, size); /* with its token and number of then */
    assert_true(kkm_desk_answer(&desk, 0, 0xf0000001));
    assert_int_equal(desk.shared.counts.documents, documents); /* not counted again */

    assert_true(kkm_desk_say(&desk));
    assert_int_equal(document_number(), refused_number);
    assert_int_equal(desk.head.token, 0xf0000001);
    assert_int_equal(desk.head.reqnum, (uint16_t)(reqnum + 1));
    kkm_desk_answer_ok(&desk);
    assert_int_equal(desk.shared.counts.recoveries, 1);
    assert_int_equal(desk.shared.counts.refused, 0);
    assert_int_equal(desk.shared.counts.wrong_answers, 0);
}

static void
test_a_token_that_is_not_recovered_blocks(void **state)
{
    (void)state;
    static uint8_t last[CHEK_KKM_REQUEST_SIZE_MAX];
    uint32_t refused_number;
    kkm_desk_open(&desk, 7, 0);
    (void)lose_token(last, &refused_number);
    assert_true(kkm_desk_say(&desk));
    assert_true(kkm_desk_answer(&desk, 2, desk.head.token));
    assert_false(kkm_desk_say(&desk));
    assert_int_equal(desk.kkm.state, CHEK_KKM_REGISTER_BLOCKED);
    assert_int_equal(desk.shared.counts.refused, 1);
    assert_int_equal(desk.shared.counts.blocked, 1);
}

static void
test_the_last_ticket_must_keep_its_number(void **state)
{
    (void)state;
    static uint8_t last[CHEK_KKM_REQUEST_SIZE_MAX];
    uint32_t refused_number;
    kkm_desk_open(&desk, 7, 0);
    (void)lose_token(last, &refused_number);
    assert_true(kkm_desk_say(&desk));
    desk.number += 1;
    assert_true(kkm_desk_answer(&desk, 0, 0xf0000001));
    assert_int_equal(desk.shared.counts.wrong_answers, 1);
}

static void
test_a_number_that_was_used_is_followed_by_the_next(void **state)
{
    (void)state;
    kkm_desk_open(&desk, 1, 0);
    kkm_desk_say_document(&desk);
    struct chek_kkm_head head = desk.head;
    uint32_t number = document_number();
    assert_true(kkm_desk_answer(&desk, 8, head.token));
    assert_true(kkm_desk_say(&desk));
    assert_int_equal(document_number(), number);
    assert_int_equal(desk.head.token, head.token);
    assert_int_equal(desk.head.reqnum, (uint16_t)(head.reqnum + 1));
    assert_true(kkm_desk_answer(&desk, 8, head.token));
    assert_false(kkm_desk_say(&desk));
    assert_int_equal(desk.kkm.state, CHEK_KKM_REGISTER_BLOCKED);
}

static void
test_a_refused_document_is_in_no_figure(void **state)
{
    (void)state;
    struct chek_kkm_totals before;
    kkm_desk_open(&desk, 1, 0);
    kkm_desk_say_document(&desk);
    memcpy(&before, &desk.kkm.totals, sizeof before);
    uint32_t token = desk.head.token;
    assert_true(kkm_desk_answer(&desk, 13, token));
    assert_memory_equal(&desk.kkm.totals, &before, sizeof before);
    assert_int_equal(desk.kkm.life.drawer, before.cash_sum);
    assert_int_equal(desk.shared.counts.refused, 1);
    assert_true(kkm_desk_say(&desk));
    assert_int_equal(desk.head.token, token);
    while (desk.size != 0) {
        kkm_desk_answer_ok(&desk);
        (void)kkm_desk_say(&desk);
    }
    assert_int_equal(desk.kkm.state, CHEK_KKM_REGISTER_FINISHED);
}

static void
test_a_shift_that_is_too_long_is_closed_next(void **state)
{
    (void)state;
    kkm_desk_open(&desk, 1, 0);
    kkm_desk_say_document(&desk);
    assert_true(kkm_desk_answer(&desk, 11, desk.head.token));
    assert_int_equal(desk.shared.counts.refused, 1);
    assert_true(kkm_desk_say(&desk));
    assert_non_null(desk.message->close_shift);
    kkm_desk_answer_ok(&desk);
    assert_int_equal(desk.shared.counts.shifts, 1);
    assert_int_equal(desk.shared.counts.z_differences, 0);
}

int
main(void)
{
    struct table table = {.count = 0};

    TABLE_TEST(&table, test_the_first_thing_said_is_info_with_the_first_token);
    TABLE_TEST(&table, test_each_request_takes_the_token_and_the_next_number);
    TABLE_ROWS(&table, test_request_number_wraps, wrap_cases);
    TABLE_TEST(&table, test_without_an_answer_the_same_bytes_are_said_again);
    TABLE_ROWS(&table, test_an_answer_that_is_none, no_answer_cases);
    TABLE_TEST(&table, test_a_lost_token_is_told_by_the_last_document);
    TABLE_TEST(&table, test_a_token_that_is_not_recovered_blocks);
    TABLE_TEST(&table, test_the_last_ticket_must_keep_its_number);
    TABLE_TEST(&table, test_a_number_that_was_used_is_followed_by_the_next);
    TABLE_TEST(&table, test_a_refused_document_is_in_no_figure);
    TABLE_TEST(&table, test_a_shift_that_is_too_long_is_closed_next);
    return table_run(&table, "kkm_register");
}
