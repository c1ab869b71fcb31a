/* SPDX-License-Identifier: MIT */
/*
 * ask_registers.c - the registers that the asker may see.
 *
 * The directory knows all of them, and every shard has a copy: the only question that needs no
 * partition. It still goes as a visit, to partition 0's shard, so that a long list is sent in
 * bounded steps like any other.
 */
#include "engine/base/assertion.h"
#include "query/host.h"

#define LOOKED_AT_A_STEP 512
#define REGISTERS_A_STEP 128 /* at most 1.5 KiB each */

struct registers_state {
    uint32_t registration_next; /* + 1 of the last one looked at */
};

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_registers *ret)
{
    return chek_ask_registers_decode_whole(visit->question, visit->question_size, arena, ret,
                                           &visit->fault);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct chek_ask_registers question;
    struct registers_state *state = (void *)visit->state;
    (void)host;
    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error == CHEK_OK && question.registration != 0) {
        state->registration_next = question.registration - 1;
    }
    return error;
}

static bool
text_fits(struct chek_bytes_view wanted, struct chek_bytes_view value)
{
    return wanted.size == 0 || chek_bytes_view_equal(wanted, value);
}

static bool
wanted(const struct chek_ask_registers *question, const struct chek_register *what)
{
    bool key = question->key.size == 0;
    for (uint32_t i = 0; i < what->keys_count; i++) {
        key = key || chek_bytes_view_equal(what->keys[i].value, question->key);
    }
    return key && text_fits(question->organisation, what->organisation) &&
           text_fits(question->point, what->point);
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct registers_state *state = (void *)visit->state;
    uint32_t count = chek_directory_registration_count(ground->directory);
    struct chek_ask_registers question;
    uint32_t shown = 0;
    struct chek_registered *list = chek_arena_take(ground->arena, REGISTERS_A_STEP * sizeof *list);

    int error = decode(visit, ground->arena, &question);
    CHEK_ASSERT(error == CHEK_OK && list != NULL);
    if (question.registration != 0 && question.registration < count) {
        count = question.registration; /* the one that is asked for is the last */
    }
    for (uint32_t i = 0;
         i < LOOKED_AT_A_STEP && state->registration_next < count && shown < REGISTERS_A_STEP;
         i++) {
        uint32_t registration = ++state->registration_next;
        size_t mark = chek_arena_mark(ground->arena);
        if (!chek_directory_sees(ground->directory, visit->principal, registration)) {
            continue;
        }
        error =
            chek_directory_registered(ground->directory, registration, ground->arena, &list[shown]);
        CHEK_ASSERT(error == CHEK_OK);
        if (wanted(&question, list[shown].profile)) {
            shown += 1;
        } else {
            chek_arena_rewind(ground->arena, mark);
        }
    }
    visit->done = state->registration_next >= count;
    struct chek_registers answer = {.registers = list, .registers_count = shown};
    struct chek_writer out = query__chunk_begin(visit);
    chek_registers_encode(&out, &answer);
    query__chunk_end(visit, &out);
    return CHEK_VISIT_HOME;
}

const struct query__kind query__registers = {.opcode = CHEK_OPCODE_ASK_REGISTERS,
                                             .begin = begin,
                                             .run = run};
