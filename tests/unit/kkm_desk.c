/* SPDX-License-Identifier: MIT */
#include "tests/unit/kkm_desk.h"

#include "tests/unit/table.h"
#include "tools/kkm/kkm_build.h"

#define SAY_COUNT_MAX 100000

static struct chek_arena arena;

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

void
kkm_desk_open(struct kkm_desk *desk, uint64_t seed, uint32_t offline_per_million)
{
    if (arena.bytes == NULL) {
        assert_error(chek_arena_init(&arena, 1 << 20), CHEK_OK);
    }
    if (desk->shared.options != NULL) {
        chek_kkm_shared_finish(&desk->shared);
    }
    *desk = (struct kkm_desk){.token = 1000, .number = 500};
    desk->options = (struct chek_kkm_options){
        .life = {.begin_s = 1767052800,
                 .ticket_count = 20,
                 .shift_count = 3,
                 .offline_per_million = offline_per_million},
        .seed = seed,
        .register_count = 1,
        .first_device = 100002,
        .protocol = 203,
    };
    assert_error(chek_kkm_shared_init(&desk->shared, &desk->options), CHEK_OK);
    chek_kkm_register_init(&desk->kkm, &desk->options, 0);
}

bool
kkm_desk_say(struct kkm_desk *desk)
{
    ProtobufCAllocator allocator = {arena_allocate, arena_free, &arena};
    desk->size = chek_kkm_register_request(&desk->kkm, &desk->shared, desk->bytes);
    if (desk->size == 0) {
        return false;
    }
    assert_error(chek_kkm_head_read(chek_bytes_view_of(desk->bytes, desk->size), &desk->head),
                 CHEK_OK);
    chek_arena_reset(&arena);
    desk->message = kkm__request__unpack(&allocator, desk->size - CHEK_KKM_HEAD_SIZE,
                                         desk->bytes + CHEK_KKM_HEAD_SIZE);
    assert_non_null(desk->message);
    return true;
}

bool
kkm_desk_is_document(const struct kkm_desk *desk)
{
    return desk->message->ticket != NULL || desk->message->close_shift != NULL ||
           desk->message->money_placement != NULL;
}

/* The report that the register expects: its own. */
static void
report_add(const struct kkm_desk *desk, Kkm__Response *response)
{
    static const struct chek_kkm_totals fresh = {.shift_number = 1};
    const Kkm__Request *message = desk->message;
    bool is_x = message->report != NULL && message->report->report == 1;
    if (message->report == NULL && message->close_shift == NULL && message->command != 5) {
        return;
    }
    response->report = KKM__NEW(&arena, Kkm__ReportResponse, kkm__report_response);
    response->report->report = (Kkm__ReportTypeEnum)(is_x ? 1 : 0);
    response->report->zx_report = message->report != NULL        ? message->report->zx_report
                                  : message->close_shift != NULL ? message->close_shift->z_report
                                                                 : NULL;
    if (response->report->zx_report == NULL) {
        response->report->zx_report = kkm__zx_make(&arena, &fresh, 1767000000, false);
    }
}

bool
kkm_desk_answer_with(struct kkm_desk *desk, uint32_t result, struct chek_kkm_head head,
                     uint32_t command)
{
    char number[CHEK_KKM_NUMBER_SIZE];
    Kkm__Response *response = KKM__NEW(&arena, Kkm__Response, kkm__response);
    response->command = (Kkm__CommandTypeEnum)command;
    response->result = KKM__NEW(&arena, Kkm__Result, kkm__result);
    response->result->result_code = result;
    if (result == 0) {
        report_add(desk, response);
    }
    if (result == 0 && desk->message->ticket != NULL) {
        (void)snprintf(number, sizeof number, "%u", desk->number);
        response->ticket = KKM__NEW(&arena, Kkm__TicketResponse, kkm__ticket_response);
        response->ticket->ticket_number.len = strlen(number);
        response->ticket->ticket_number.data = (uint8_t *)number;
    }
    size_t size = CHEK_KKM_HEAD_SIZE + kkm__response__get_packed_size(response);
    assert_in_range(size, 0, sizeof desk->answer);
    head.size = (uint32_t)size;
    chek_kkm_head_write(&head, desk->answer);
    (void)kkm__response__pack(response, desk->answer + CHEK_KKM_HEAD_SIZE);
    return chek_kkm_register_answer(&desk->kkm, &desk->shared,
                                    chek_bytes_view_of(desk->answer, size));
}

bool
kkm_desk_answer(struct kkm_desk *desk, uint32_t result, uint32_t token)
{
    struct chek_kkm_head head = desk->head;
    head.token = token;
    return kkm_desk_answer_with(desk, result, head, (uint32_t)desk->message->command);
}

void
kkm_desk_answer_ok(struct kkm_desk *desk)
{
    desk->token += kkm_desk_is_document(desk) ? 1 : 0;
    desk->number += 1;
    assert_true(
        kkm_desk_answer(desk, 0, kkm_desk_is_document(desk) ? desk->token : desk->head.token));
}

void
kkm_desk_say_document(struct kkm_desk *desk)
{
    for (uint32_t i = 0; i < SAY_COUNT_MAX && kkm_desk_say(desk); i++) {
        if (kkm_desk_is_document(desk) && desk->kkm.has_last) {
            return;
        }
        kkm_desk_answer_ok(desk);
    }
    fail();
}
