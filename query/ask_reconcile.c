/* SPDX-License-Identifier: MIT */
/*
 * ask_reconcile.c - what a register counted against what the engine did, a few shifts a step.
 */
#include "engine/base/assertion.h"
#include "engine/fiscal/reconcile.h"
#include "query/host.h"

#define SHIFTS_A_STEP 4          /* of each one or two rows are read */
#define DIFFERENCE_COUNT_MAX 256 /* that are listed of a shift, at most 130 bytes each */

struct reconcile_state {
    uint32_t registration;
    uint32_t shift_next; /* 0 = begin with the first wanted */
};

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_reconcile *ret)
{
    return chek_ask_reconcile_decode_whole(visit->question, visit->question_size, arena, ret,
                                           &visit->fault);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct reconcile_state *state = (void *)visit->state;
    struct chek_ask_reconcile question;

    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    return query__visit_register(host, visit, question.target, CHEK_FIELD_ASK_RECONCILE_TARGET,
                                 &state->registration);
}

/* The differences of one shift. */
struct collect {
    struct chek_difference *list;
    uint32_t count, more;
};

/* The keys stay where they are in the arena of the step. */
static void
on_difference(void *context, const struct chek_difference *difference)
{
    struct collect *collect = context;
    if (collect->count == DIFFERENCE_COUNT_MAX) {
        collect->more += 1;
        return;
    }
    collect->list[collect->count++] = *difference;
}

/* Compare the next shift. False: there is none that is wanted, or it cannot be read. */
static bool
shift_compare(struct chek_visit *visit, const struct chek_visit_ground *ground, uint32_t first,
              struct chek_reconciliation *ret)
{
    const struct reconcile_state *state = (void *)visit->state;
    struct collect collect = {
        .list = chek_arena_take(ground->arena, DIFFERENCE_COUNT_MAX * sizeof *collect.list)};
    CHEK_ASSERT(collect.list != NULL);
    int error = chek_fiscal_reconcile(chek_partition_fiscal(ground->partition), state->registration,
                                      first, ground->arena, on_difference, &collect, ret);
    ret->differences = collect.list;
    ret->differences_count = collect.count;
    ret->more = collect.more;
    /* UNREGISTERED: it was claimed, and nothing has come yet. */
    if (error != CHEK_E_NOT_FOUND && error != CHEK_E_UNREGISTERED) {
        visit->error = error;
    }
    return error == CHEK_OK;
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct reconcile_state *state = (void *)visit->state;
    struct chek_ask_reconcile question;
    struct chek_reconciliation list[SHIFTS_A_STEP];
    struct chek_reconciliations answer = {.shifts = list};

    int error = decode(visit, ground->arena, &question);
    CHEK_ASSERT(error == CHEK_OK);
    uint32_t last = question.shift_to != 0 ? question.shift_to : UINT32_MAX;
    uint32_t next = state->shift_next != 0 ? state->shift_next : question.shift_from;
    visit->fault = (struct chek_fault){0};
    while (answer.shifts_count < SHIFTS_A_STEP && !visit->done) {
        struct chek_reconciliation *shift = &list[answer.shifts_count];
        if (!shift_compare(visit, ground, next, shift) || shift->shift > last) {
            visit->done = true;
            break;
        }
        answer.shifts_count += 1;
        visit->done = shift->shift == last;
        next = (uint32_t)shift->shift + 1;
    }
    state->shift_next = next;
    if (visit->error != CHEK_OK || answer.shifts_count == 0) {
        return CHEK_VISIT_HOME;
    }
    struct chek_writer out = query__chunk_begin(visit);
    chek_reconciliations_encode(&out, &answer);
    query__chunk_end(visit, &out);
    return CHEK_VISIT_HOME;
}

const struct query__kind query__reconcile = {.opcode = CHEK_OPCODE_ASK_RECONCILE,
                                             .begin = begin,
                                             .run = run};
