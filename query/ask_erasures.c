/* SPDX-License-Identifier: MIT */
/*
 * ask_erasures.c - who was erased, partition by partition, last ones first.
 *
 * The list is there to be kept elsewhere, and run again on a copy of the folder from before it.
 */
#include "engine/base/assertion.h"
#include "query/host.h"

#define ERASURES_A_STEP 512

struct erasures_state {
    uint32_t at; /* the last one that was looked at */
};

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_person_query *ret)
{
    return chek_person_query_decode_whole(visit->question, visit->question_size, arena, ret,
                                          &visit->fault);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct chek_person_query question;
    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    visit->partition = 1;
    visit->partition_last = chek_directory_partition_count(query__directory(host));
    return question.organisation.size == 0
               ? CHEK_OK
               : query__visit_organisation(host, visit, question.organisation,
                                           CHEK_FIELD_PERSON_QUERY_ORGANISATION);
}

static bool
wanted(const struct chek_visit *visit, const struct chek_visit_ground *ground,
       const struct chek_person_query *question, const struct chek_erasure *erasure)
{
    struct chek_register any = {.organisation = erasure->organisation};
    return (question->organisation.size == 0 ||
            chek_bytes_view_equal(question->organisation, erasure->organisation)) &&
           chek_directory_sees_register(ground->directory, visit->principal, &any);
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct erasures_state *state = (void *)visit->state;
    struct chek_person_query question;
    struct chek_erasure *list = chek_arena_take(ground->arena, ERASURES_A_STEP * sizeof *list);
    int error = decode(visit, ground->arena, &question);
    CHEK_ASSERT(error == CHEK_OK && list != NULL);
    uint32_t count = chek_partition_erasures(ground->partition, &state->at, list, ERASURES_A_STEP);
    struct chek_erasures answer = {.erasures = list};
    for (uint32_t i = 0; i < count; i++) {
        if (wanted(visit, ground, &question, &list[i])) {
            list[answer.erasures_count++] = list[i];
        }
    }
    visit->done = count < ERASURES_A_STEP;
    if (answer.erasures_count != 0) {
        struct chek_writer out = query__chunk_begin(visit);
        chek_erasures_encode(&out, &answer);
        query__chunk_end(visit, &out);
    }
    return CHEK_VISIT_HOME;
}

const struct query__kind query__erasures = {.opcode = CHEK_OPCODE_ASK_ERASURES,
                                            .begin = begin,
                                            .run = run};
