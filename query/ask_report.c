/* SPDX-License-Identifier: MIT */
/*
 * ask_report.c - X and Z: one register, one shift, one chunk.
 */
#include "engine/base/assertion.h"
#include "query/host.h"

struct report_state {
    uint32_t registration;
};

_Static_assert(sizeof(struct report_state) <= CHEK_VISIT_STATE_SIZE, "a visit's state");

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_report *ret)
{
    return chek_ask_report_decode_whole(visit->question, visit->question_size, arena, ret,
                                        &visit->fault);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct report_state *state = (void *)visit->state;
    struct chek_ask_report question;

    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    return query__visit_register(host, visit, question.target, CHEK_FIELD_ASK_REPORT_TARGET,
                                 &state->registration);
}

/* Whether the chain covers a Z, and how far it reaches. */
static void
chain_tell(const struct report_state *state, const struct chek_visit_ground *ground,
           struct chek_chain_reach *chain, struct chek_answer_report *answer)
{
    uint32_t ordinal;
    int error = chek_fiscal_close_find(chek_partition_fiscal(ground->partition),
                                       state->registration, answer->report->shift, &ordinal);
    CHEK_ASSERT(error == CHEK_OK); /* the report was read from it */
    answer->covered = chek_store_is_covered(chek_partition_store(ground->partition),
                                            state->registration, ordinal);
    *chain = chek_partition_chain_reach(ground->partition);
    answer->chain = chain;
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    const struct report_state *state = (void *)visit->state;
    const struct chek_fiscal *fiscal = chek_partition_fiscal(ground->partition);
    struct chek_ask_report question;
    struct chek_answer_report answer;
    struct chek_chain_reach chain;

    int error = decode(visit, ground->arena, &question);
    CHEK_ASSERT(error == CHEK_OK); /* the origin decoded it */

    visit->fault = (struct chek_fault){.field = CHEK_FIELD_ASK_REPORT_SHIFT};
    visit->done = true;
    visit->error = chek_fiscal_report(fiscal, state->registration, question.shift,
                                      question.revision - 1 /* absent: UINT32_MAX */,
                                      question.closed, ground->arena, &answer);
    if (visit->error != CHEK_OK) {
        return CHEK_VISIT_HOME;
    }
    struct chek_report report = *answer.report;
    report.partition_seq = chek_partition_seq(ground->partition);
    answer.report = &report;
    if (report.closed != 0) {
        chain_tell(state, ground, &chain, &answer);
    }
    struct chek_writer out = query__chunk_begin(visit);
    chek_answer_report_encode(&out, &answer);
    query__chunk_end(visit, &out);
    return CHEK_VISIT_HOME;
}

const struct query__kind query__report = {.opcode = CHEK_OPCODE_ASK_REPORT,
                                          .begin = begin,
                                          .run = run};
