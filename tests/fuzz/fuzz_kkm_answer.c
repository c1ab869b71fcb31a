/* SPDX-License-Identifier: MIT */
/*
 * fuzz_kkm_answer.c - any bytes as what a server answers to a register.
 *
 * As they are, and behind a head that fits them. A report that is readable makes, written and read
 * again, the same figures.
 */
#include "engine/base/assertion.h"
#include "tests/fuzz/fuzz.h"
#include "tools/kkm/kkm_answer.h"
#include "tools/kkm/kkm_build.h"
#include "tools/kkm/kkm_compare.h"

static void
again(const struct chek_kkm_totals *totals, bool has_zero_rows)
{
    static _Alignas(16) uint8_t memory[CHEK_KKM_ANSWER_ARENA_SIZE];
    static struct chek_kkm_totals second;
    struct chek_arena arena;
    char first_difference[CHEK_KKM_DIFFERENCE_SIZE];

    chek_arena_init_over(&arena, memory, sizeof memory);
    const Kkm__ZXReport *report = kkm__zx_make(&arena, totals, 1767096000, has_zero_rows);
    int error = kkm__zx_read(report, &second);
    CHEK_ASSERT(error == CHEK_OK);
    if (has_zero_rows) { /* else a row of no tickets and some sums is left away */
        CHEK_ASSERT(chek_kkm_compare(totals, &second, first_difference) == 0);
    }
}

static void
answer_check(const uint8_t *bytes, size_t size)
{
    static _Alignas(16) uint8_t memory[CHEK_KKM_ANSWER_ARENA_SIZE];
    static struct chek_kkm_answer answer;
    struct chek_arena arena;

    chek_arena_init_over(&arena, memory, sizeof memory);
    if (chek_kkm_answer_read(chek_bytes_view_of(bytes, size), &arena, &answer) != CHEK_OK) {
        return;
    }
    CHEK_ASSERT(!answer.has_ticket || answer.number[0] != 0);
    if (answer.has_report && answer.report_error == CHEK_OK) {
        again(&answer.report, true);
        again(&answer.report, false);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t framed[CHEK_KKM_PACKET_SIZE_MAX];

    answer_check(bytes, size);
    if (size <= sizeof framed - CHEK_KKM_HEAD_SIZE) {
        struct chek_kkm_head head = {.version = 203, .size = (uint32_t)(size + CHEK_KKM_HEAD_SIZE)};
        chek_kkm_head_write(&head, framed);
        if (size != 0) {
            memcpy(framed + CHEK_KKM_HEAD_SIZE, bytes, size);
        }
        answer_check(framed, size + CHEK_KKM_HEAD_SIZE);
    }
    return 0;
}
