/* SPDX-License-Identifier: MIT */
/*
 * test_kkm_decide.c - what a register does with each result code.
 */
#include "tests/unit/table.h"
#include "tools/kkm/kkm_decide.h"

#define DOCUMENT .asked.is_document = true
#define QUEUED DOCUMENT, .asked.is_queued = true
#define LAST .asked.has_last = true

static struct decide_case {
    const char *name;
    uint32_t result;
    struct chek_kkm_asked asked;
    enum chek_kkm_action want;
} cases[] = {
    {"ok_is_accepted", 0, DOCUMENT, .want = CHEK_KKM_ACCEPT},
    {"ok_of_a_queue_is_accepted", 0, QUEUED, .want = CHEK_KKM_ACCEPT},
    {"ok_of_a_report_is_accepted", 0, .want = CHEK_KKM_ACCEPT},
    {"unknown_device_blocks", 1, DOCUMENT, .want = CHEK_KKM_BLOCK},
    {"token_is_recovered", 2, DOCUMENT, LAST, .want = CHEK_KKM_RECOVER},
    {"token_of_a_queue_is_recovered", 2, QUEUED, LAST, .want = CHEK_KKM_RECOVER},
    {"token_of_a_ping_is_recovered", 2, LAST, .want = CHEK_KKM_RECOVER},
    {"token_without_a_last_document_blocks", 2, DOCUMENT, .want = CHEK_KKM_BLOCK},
    {"token_refused_twice_blocks", 2, DOCUMENT, LAST, .asked.was_recovered = true,
     .want = CHEK_KKM_BLOCK},
    {"token_of_the_recovery_blocks", 2, DOCUMENT, LAST, .asked.is_recovery = true,
     .want = CHEK_KKM_BLOCK},
    {"protocol_error_blocks", 3, DOCUMENT, .want = CHEK_KKM_BLOCK},
    {"unknown_command_blocks", 4, DOCUMENT, .want = CHEK_KKM_BLOCK},
    {"unsupported_command_blocks", 5, DOCUMENT, .want = CHEK_KKM_BLOCK},
    {"request_number_is_made_anew", 8, DOCUMENT, .want = CHEK_KKM_RENUMBER},
    {"request_number_of_a_queue_is_made_anew", 8, QUEUED, .want = CHEK_KKM_RENUMBER},
    {"request_number_refused_twice_blocks", 8, DOCUMENT, .asked.was_recovered = true,
     .want = CHEK_KKM_BLOCK},
    {"request_number_of_the_recovery_blocks", 8, DOCUMENT, .asked.is_recovery = true,
     .want = CHEK_KKM_BLOCK},
    {"another_command_is_a_lost_token", 9, DOCUMENT, LAST, .want = CHEK_KKM_RECOVER},
    {"long_shift_is_closed_first", 11, DOCUMENT, .want = CHEK_KKM_CLOSE_FIRST},
    {"long_shift_of_a_queue_may_not_be", 11, QUEUED, .want = CHEK_KKM_BLOCK},
    {"long_shift_of_a_report_may_not_be", 11, .want = CHEK_KKM_BLOCK},
    {"wrong_data_is_dropped", 13, DOCUMENT, .want = CHEK_KKM_DROP},
    {"wrong_data_of_a_queue_blocks", 13, QUEUED, .want = CHEK_KKM_BLOCK},
    {"wrong_data_of_the_recovery_blocks", 13, DOCUMENT, LAST, .asked.is_recovery = true,
     .want = CHEK_KKM_BLOCK},
    {"not_enough_cash_is_dropped", 14, DOCUMENT, .want = CHEK_KKM_DROP},
    {"not_enough_cash_of_a_queue_blocks", 14, QUEUED, .want = CHEK_KKM_BLOCK},
    {"blocked_blocks", 15, DOCUMENT, .want = CHEK_KKM_BLOCK},
    {"own_bin_is_dropped", 17, DOCUMENT, .want = CHEK_KKM_DROP},
    {"a_code_of_later_blocks", 19, DOCUMENT, .want = CHEK_KKM_BLOCK},
    {"unavailable_is_no_answer", 254, DOCUMENT, .want = CHEK_KKM_RETRY},
    {"unavailable_for_a_queue_is_no_answer", 254, QUEUED, .want = CHEK_KKM_RETRY},
    {"unknown_error_is_no_answer", 255, DOCUMENT, .want = CHEK_KKM_RETRY},
    {"unknown_error_of_the_recovery_is_no_answer", 255, DOCUMENT, LAST, .asked.is_recovery = true,
     .want = CHEK_KKM_RETRY},
};

static void
test_decide(void **state)
{
    const struct decide_case *c = *state;
    assert_int_equal(chek_kkm_decide(c->result, &c->asked), c->want);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_decide, cases);
    return table_run(&table, "kkm_decide");
}
