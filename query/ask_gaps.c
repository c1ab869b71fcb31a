/* SPDX-License-Identifier: MIT */
/*
 * ask_gaps.c - numbers that are missing among the documents of registers.
 *
 * A step looks at a bounded number of registers and runs of numbers, and sends what it has found. A
 * register may sell between two steps: a hole that is sent was one when its step was run.
 */
#include "engine/base/assertion.h"
#include "query/host.h"

#define LOOKS_A_STEP 2048 /* runs of numbers, and REGISTER_LOOKS for a register */
#define REGISTER_LOOKS 16
#define GAPS_A_STEP LOOKS_A_STEP /* a run has one before it, a register one more; 90 bytes each */

struct gaps_state {
    uint32_t registration; /* looked at last */
    uint32_t from;         /* 0 = it is done with, else go on from this number */
    bool is_begun, is_one;
};

_Static_assert(sizeof(struct gaps_state) <= CHEK_VISIT_STATE_SIZE, "state of a visit");
_Static_assert(GAPS_A_STEP <= 4096, "a list of the answer");

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_gaps *ret)
{
    return chek_ask_gaps_decode_whole(visit->question, visit->question_size, arena, ret,
                                      &visit->fault);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct gaps_state *state = (void *)visit->state;
    struct chek_ask_gaps question;

    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    if (question.target != NULL) {
        state->is_one = true;
        return query__visit_register(host, visit, question.target, CHEK_FIELD_ASK_GAPS_TARGET,
                                     &state->registration);
    }
    visit->partition = 1;
    visit->partition_last = chek_directory_partition_count(query__directory(host));
    return CHEK_OK;
}

/* What a step collects of one register after another. */
struct collect {
    const struct chek_ask_gaps *question;
    struct chek_gap *list;
    uint32_t count;
    uint32_t registration;
    struct chek_bytes_view key; /* of the register at hand */
};

static void
on_gap(void *context, uint32_t first, uint32_t count)
{
    struct collect *collect = context;
    CHEK_ASSERT(collect->count < GAPS_A_STEP);
    collect->list[collect->count++] = (struct chek_gap){.registration = collect->registration,
                                                        .key = collect->key,
                                                        .first = first,
                                                        .last = first + (count - 1),
                                                        .count = count};
}

/* Whether a register is seen and asked for; its name goes into *collect. */
static bool
is_wanted(const struct chek_visit *visit, const struct chek_visit_ground *ground,
          uint32_t registration, struct collect *collect)
{
    const struct chek_ask_gaps *question = collect->question;
    struct chek_registered known;
    if (!chek_directory_sees(ground->directory, visit->principal, registration) ||
        !query__register_fits(ground, registration, question->organisation, question->point)) {
        return false;
    }
    size_t mark = chek_arena_mark(ground->arena);
    int error = chek_directory_registered(ground->directory, registration, ground->arena, &known);
    CHEK_ASSERT(error == CHEK_OK);
    collect->registration = registration;
    /* The texts of the profile are the directory's own, so the arena can go back. */
    collect->key =
        known.profile->keys_count != 0 ? known.profile->keys[0].value : chek_bytes_view_of(NULL, 0);
    chek_arena_rewind(ground->arena, mark);
    return true;
}

/* Choose the register to go on with. False: there is none. */
static bool
register_next(struct gaps_state *state, const struct chek_fiscal *fiscal)
{
    bool is_first = !state->is_begun;
    state->is_begun = true;
    if (state->from != 0) {
        return true;
    }
    return state->is_one ? is_first
                         : chek_fiscal_registration_next(fiscal, &state->registration, is_first);
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct gaps_state *state = (void *)visit->state;
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    struct chek_ask_gaps question;

    int error = decode(visit, ground->arena, &question);
    CHEK_ASSERT(error == CHEK_OK);
    struct collect collect = {.question = &question};
    collect.list = chek_arena_take(ground->arena, GAPS_A_STEP * sizeof *collect.list);
    CHEK_ASSERT(collect.list != NULL);
    visit->fault = (struct chek_fault){0};
    uint32_t left = LOOKS_A_STEP;
    while (left > REGISTER_LOOKS && !visit->done) {
        visit->done = !register_next(state, fiscal);
        left -= REGISTER_LOOKS;
        if (visit->done || !is_wanted(visit, ground, state->registration, &collect)) {
            state->from = 0;
            continue;
        }
        /* UNREGISTERED: it was claimed, and nothing has come yet. */
        error =
            chek_fiscal_gaps(fiscal, state->registration, &state->from, &left, on_gap, &collect);
        CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_UNREGISTERED);
    }
    if (collect.count == 0) {
        return CHEK_VISIT_HOME; /* nothing to send, or nothing yet */
    }
    struct chek_gaps answer = {.gaps = collect.list, .gaps_count = collect.count};
    struct chek_writer out = query__chunk_begin(visit);
    chek_gaps_encode(&out, &answer);
    query__chunk_end(visit, &out);
    return CHEK_VISIT_HOME;
}

const struct query__kind query__gaps = {.opcode = CHEK_OPCODE_ASK_GAPS, .begin = begin, .run = run};
