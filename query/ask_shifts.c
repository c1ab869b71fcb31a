/* SPDX-License-Identifier: MIT */
/*
 * ask_shifts.c - the shifts of a register, a bounded number a step.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "query/host.h"

#define SHIFTS_A_STEP 16 /* looked at: a closed one is a row that is read */

struct shifts_state {
    uint32_t registration;
    uint32_t shift_next; /* go on from here; 0 = from the first wanted */
};

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_shifts *ret)
{
    return chek_ask_shifts_decode_whole(visit->question, visit->question_size, arena, ret,
                                        &visit->fault);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct shifts_state *state = (void *)visit->state;
    struct chek_ask_shifts question;

    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    return query__visit_register(host, visit, question.target, CHEK_FIELD_ASK_SHIFTS_TARGET,
                                 &state->registration);
}

#define POINT_SIZE_MAX 64 /* of register.point */

struct collect {
    struct chek_shift *list;
    uint8_t (*points)[POINT_SIZE_MAX]; /* of the shifts in the list, which are only lent */
    uint32_t count, looked_count;
    int64_t from, to;
    uint32_t next; /* where a step that was cut goes on */
};

static bool
on_shift(void *context, const struct chek_shift *shift)
{
    struct collect *collect = context;
    if (collect->looked_count == SHIFTS_A_STEP) {
        collect->next = shift->shift;
        return false;
    }
    collect->looked_count += 1;
    bool after = collect->from == 0 || shift->last >= collect->from;
    bool before = collect->to == 0 || shift->opened <= collect->to;
    if (after && before) {
        struct chek_shift *kept = &collect->list[collect->count];
        *kept = *shift;
        CHEK_ASSERT(shift->point.size <= POINT_SIZE_MAX);
        if (shift->point.size != 0) {
            memcpy(collect->points[collect->count], shift->point.bytes, shift->point.size);
            kept->point.bytes = collect->points[collect->count];
        }
        collect->count += 1;
    }
    return true;
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct shifts_state *state = (void *)visit->state;
    struct chek_ask_shifts question;

    int error = decode(visit, ground->arena, &question);
    CHEK_ASSERT(error == CHEK_OK);
    struct collect collect = {.from = question.from, .to = question.to};
    collect.list = chek_arena_take(ground->arena, SHIFTS_A_STEP * sizeof *collect.list);
    collect.points = chek_arena_take(ground->arena, SHIFTS_A_STEP * sizeof *collect.points);
    CHEK_ASSERT(collect.list != NULL && collect.points != NULL);
    uint32_t first = state->shift_next != 0 ? state->shift_next : question.shift_from;
    visit->fault = (struct chek_fault){0};
    visit->error = chek_fiscal_shifts(chek_partition_fiscal(ground->partition), state->registration,
                                      first, question.shift_to, ground->arena, on_shift, &collect);
    visit->done = collect.next == 0;
    state->shift_next = collect.next;
    if (visit->error != CHEK_OK) {
        return CHEK_VISIT_HOME;
    }
    if (collect.count == 0 && !visit->done) {
        return CHEK_VISIT_HOME; /* nothing to send yet */
    }
    struct chek_shifts answer = {.shifts = collect.list, .shifts_count = collect.count};
    struct chek_writer out = query__chunk_begin(visit);
    chek_shifts_encode(&out, &answer);
    query__chunk_end(visit, &out);
    return CHEK_VISIT_HOME;
}

const struct query__kind query__shifts = {.opcode = CHEK_OPCODE_ASK_SHIFTS,
                                          .begin = begin,
                                          .run = run};
