/* SPDX-License-Identifier: MIT */
/*
 * ask_receipts.c - the documents of a register in the order of their arrival.
 */
#include "engine/base/assertion.h"
#include "query/host.h"

#define ROWS_A_STEP 512     /* looked at */
#define RECEIPTS_A_STEP 128 /* shown */

struct receipts_state {
    uint32_t registration;
    uint32_t ordinal_next;
    uint32_t shown_count; /* in all steps so far */
    uint32_t begun;
};

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_receipts *ret)
{
    return chek_ask_receipts_decode_whole(visit->question, visit->question_size, arena, ret,
                                          &visit->fault);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct receipts_state *state = (void *)visit->state;
    struct chek_ask_receipts question;

    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    state->ordinal_next = question.after;
    return query__visit_register(host, visit, question.target, CHEK_FIELD_ASK_RECEIPTS_TARGET,
                                 &state->registration);
}

void
query__stored_fill(struct chek_stored *stored, const struct chek_row *row,
                   const struct chek_document *document)
{
    *stored = (struct chek_stored){
        .registration = row->registration,
        .ordinal = row->ordinal,
        .received = row->received_us,
        .receipt = document->receipt,
        .movement = document->movement,
        .close = document->close,
        .completes = row->completes,
        .warnings = row->warnings,
        .shift = row->shift,
    };
}

int64_t
query__document_time(const struct chek_document *document)
{
    return document->receipt != NULL    ? document->receipt->time
           : document->movement != NULL ? document->movement->time
                                        : document->close->time;
}

static bool
wanted(const struct chek_ask_receipts *question, const struct chek_row *row, int64_t time)
{
    return !row->replaced && (question->from == 0 || time >= question->from) &&
           (question->to == 0 || time <= question->to) &&
           (question->shift_from == 0 || row->shift >= question->shift_from) &&
           (question->shift_to == 0 || row->shift <= question->shift_to);
}

/* Collect what a step shows; *ret_next is the ordinal behind each of them. */
static int
collect(struct chek_visit *visit, const struct chek_visit_ground *ground,
        const struct chek_ask_receipts *question, struct chek_stored *list, uint32_t *nexts,
        uint32_t count_max, uint32_t *ret_count)
{
    struct receipts_state *state = (void *)visit->state;
    const struct chek_store *store = chek_partition_store(ground->partition);
    uint32_t count = 0;

    for (uint32_t i = 0; i < ROWS_A_STEP && count < count_max; i++) {
        struct chek_row row;
        struct chek_document document;
        int error = chek_store_read(store, state->registration, state->ordinal_next, ground->arena,
                                    &row, &document);
        if (error == CHEK_E_NOT_FOUND) {
            visit->done = true;
            break;
        }
        if (error != CHEK_OK) {
            return error;
        }
        state->ordinal_next += 1;
        if (wanted(question, &row, query__document_time(&document))) {
            query__stored_fill(&list[count], &row, &document);
            nexts[count] = state->ordinal_next;
            count += 1;
        }
    }
    *ret_count = count;
    return CHEK_OK;
}

static void
step(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct receipts_state *state = (void *)visit->state;
    struct chek_ask_receipts question;
    struct chek_stored *list = chek_arena_take(ground->arena, RECEIPTS_A_STEP * sizeof *list);
    uint32_t *nexts = chek_arena_take(ground->arena, RECEIPTS_A_STEP * sizeof *nexts);
    uint32_t count = 0;

    int error = decode(visit, ground->arena, &question);
    CHEK_ASSERT(error == CHEK_OK && list != NULL && nexts != NULL);
    uint32_t count_max = RECEIPTS_A_STEP;
    if (question.count_max != 0 && question.count_max - state->shown_count < count_max) {
        count_max = question.count_max - state->shown_count;
    }
    visit->fault = (struct chek_fault){0};
    visit->error = collect(visit, ground, &question, list, nexts, count_max, &count);
    if (visit->error != CHEK_OK) {
        return;
    }
    /* Documents are of any size: show as many as fit. One always does. */
    struct chek_stored_list answer = {.receipts = list, .receipts_count = count};
    struct chek_writer out = query__chunk_begin(visit);
    chek_stored_list_encode(&out, &answer);
    while (out.full) {
        CHEK_ASSERT(answer.receipts_count > 1);
        answer.receipts_count = (answer.receipts_count + 1) / 2;
        state->ordinal_next = nexts[answer.receipts_count - 1];
        visit->done = false;
        out = query__chunk_begin(visit);
        chek_stored_list_encode(&out, &answer);
    }
    state->shown_count += answer.receipts_count;
    if (!visit->done && question.count_max != 0 && state->shown_count >= question.count_max) {
        answer.next = state->ordinal_next;
        visit->done = true;
        out = query__chunk_begin(visit);
        chek_stored_list_encode(&out, &answer);
    }
    query__chunk_end(visit, &out);
}

const struct query__kind query__receipts = {CHEK_OPCODE_ASK_RECEIPTS, begin, step};
