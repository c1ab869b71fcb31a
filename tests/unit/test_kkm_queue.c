/* SPDX-License-Identifier: MIT */
/*
 * test_kkm_queue.c - a register without connection, and one whose server breaks the protocol.
 */
#include "tests/unit/kkm_desk.h"
#include "tests/unit/table.h"

static struct kkm_desk desk;

/* ---- queue ------------------------------------------------------------------------------------ */

static uint64_t
seconds(const Kkm__DateTime *at)
{
    const Kkm__Date *date = at->date;
    const Kkm__Time *time = at->time;
    return ((((date->year * UINT64_C(12) + date->month) * 31 + date->day) * 24 + time->hour) * 60 +
            time->minute) *
               60 +
           time->second;
}

static void
test_a_queue_goes_out_in_order(void **state)
{
    (void)state;
    uint32_t queued_count = 0;
    uint32_t broken_count = 0;
    uint32_t system_count = 0;
    kkm_desk_open(&desk, 5, 400000);
    uint64_t last_time = 0;
    uint64_t lost_time = 0;
    bool was_queue = false;
    while (kkm_desk_say(&desk)) {
        struct chek_kkm_cut cut = chek_kkm_register_cut(&desk.kkm, &desk.shared, desk.size);
        if (cut.kind != CHEK_KKM_CUT_NOT) { /* the connection is lost on the way: it says so */
            assert_true(kkm_desk_is_document(&desk));
            chek_kkm_register_broken(&desk.kkm, &desk.shared);
            broken_count += 1;
            continue;
        }
        const Kkm__OfflinePeriod *period = desk.message->service->offline_period;
        bool is_queue = seconds(period->begin_time) != seconds(period->end_time);
        assert_true(seconds(period->begin_time) <= seconds(period->end_time));
        if (kkm_desk_is_document(&desk) && desk.message->ticket != NULL) {
            const Kkm__TicketRequest *ticket = desk.message->ticket;
            assert_true(seconds(ticket->date_time) > last_time);
            last_time = seconds(ticket->date_time);
            queued_count += ticket->has_offline_ticket_number ? 1 : 0;
        }
        if (is_queue && was_queue && kkm_desk_is_document(&desk)) {
            assert_true(seconds(period->begin_time) >= lost_time);
        }
        if (desk.message->command == 0 && !was_queue) {
            system_count += 1; /* noticed between two exchanges */
        }
        lost_time = seconds(period->begin_time);
        was_queue = is_queue;
        kkm_desk_answer_ok(&desk);
    }
    assert_int_equal(desk.kkm.state, CHEK_KKM_REGISTER_FINISHED);
    assert_int_equal(desk.shared.counts.tickets, 60);
    assert_int_equal(desk.shared.counts.z_differences, 0);
    assert_true(queued_count > 10);
    assert_true(broken_count > 2);
    assert_true(system_count > 2);
}

static void
test_a_document_on_the_way_is_first_and_unchanged(void **state)
{
    (void)state;
    static uint8_t first[CHEK_KKM_REQUEST_SIZE_MAX];
    kkm_desk_open(&desk, 5, 400000);
    uint32_t seen = 0;
    while (kkm_desk_say(&desk)) {
        struct chek_kkm_cut cut = chek_kkm_register_cut(&desk.kkm, &desk.shared, desk.size);
        if (cut.kind != CHEK_KKM_CUT_NOT) {
            size_t size = desk.size;
            memcpy(first, desk.bytes, size);
            chek_kkm_register_broken(&desk.kkm, &desk.shared);
            assert_true(desk.kkm.queue_count > 1); /* it worked on meanwhile */
            assert_true(kkm_desk_say(&desk));
            assert_int_equal(desk.size, size);
            assert_memory_equal(desk.bytes, first, size);
            seen += 1;
        }
        kkm_desk_answer_ok(&desk);
    }
    assert_true(seen > 2);
}

/* ---- answers that may not be ------------------------------------------------------------------ */

enum wrong {
    WRONG_VERSION,
    WRONG_DEVICE,
    WRONG_REQNUM,
    WRONG_COMMAND,
    WRONG_TOKEN_ZERO,
    WRONG_TOKEN_REFUSED,
};

static struct wrong_case {
    const char *name;
    enum wrong wrong;
} wrong_cases[] = {
    {"another_version", WRONG_VERSION},       {"another_device", WRONG_DEVICE},
    {"another_request_number", WRONG_REQNUM}, {"another_command", WRONG_COMMAND},
    {"token_zero", WRONG_TOKEN_ZERO},         {"a_refusal_with_another_token", WRONG_TOKEN_REFUSED},
};

static void
test_wrong_answer(void **state)
{
    const struct wrong_case *c = *state;
    kkm_desk_open(&desk, 1, 0);
    kkm_desk_say_document(&desk);
    struct chek_kkm_head head = desk.head;
    uint32_t command = (uint32_t)desk.message->command;
    head.version = (uint16_t)(head.version - (c->wrong == WRONG_VERSION));
    head.device += c->wrong == WRONG_DEVICE;
    head.reqnum = (uint16_t)(head.reqnum + (c->wrong == WRONG_REQNUM));
    command += c->wrong == WRONG_COMMAND;
    head.token = c->wrong == WRONG_TOKEN_ZERO ? 0 : head.token + 1;
    uint64_t documents = desk.shared.counts.documents;
    assert_true(
        kkm_desk_answer_with(&desk, c->wrong == WRONG_TOKEN_REFUSED ? 13 : 0, head, command));
    assert_int_equal(desk.shared.counts.wrong_answers, 1);
    assert_int_equal(desk.shared.counts.documents, documents);
    assert_int_equal(desk.kkm.state, CHEK_KKM_REGISTER_BLOCKED);
    assert_string_not_equal(desk.shared.counts.first_wrong_answer, "");
}

static void
test_info_may_not_change_the_token(void **state)
{
    (void)state;
    kkm_desk_open(&desk, 1, 0);
    assert_true(kkm_desk_say(&desk));
    assert_true(kkm_desk_answer(&desk, 0, desk.head.token + 1));
    assert_int_equal(desk.shared.counts.wrong_answers, 1);
    assert_int_equal(desk.kkm.state, CHEK_KKM_REGISTER_BLOCKED);
}

int
main(void)
{
    struct table table = {.count = 0};

    TABLE_TEST(&table, test_a_queue_goes_out_in_order);
    TABLE_TEST(&table, test_a_document_on_the_way_is_first_and_unchanged);
    TABLE_ROWS(&table, test_wrong_answer, wrong_cases);
    TABLE_TEST(&table, test_info_may_not_change_the_token);
    return table_run(&table, "kkm_queue");
}
