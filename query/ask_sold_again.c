/* SPDX-License-Identifier: MIT */
/*
 * ask_sold_again.c - sales of marked goods that were sold before, without a return in between.
 *
 * A worker judges the goods of some hashes a step, over a view; the owner takes out the sales that
 * the asker does not see, and what it does not see of the sales before them. Goods are judged by
 * partition: registers of one organisation are in one.
 */
#include "engine/base/assertion.h"
#include "engine/store/marking_again.h"
#include "query/host.h"

#define ENTRIES_A_STEP (128 * 1024)

struct again_state {
    uint32_t registration; /* 0: any */
    bool is_judged;        /* the owner comes next */
    uint64_t hash_next;    /* where the step begins */
    uint64_t hash_after;   /* and where it ended, when it is judged */
};

_Static_assert(sizeof(struct again_state) <= CHEK_VISIT_STATE_SIZE, "state of a visit");

struct again_work {
    struct chek_marking_again found[CHEK_MARKING_AGAIN_COUNT_MAX];
    struct chek_marked list[CHEK_MARKING_AGAIN_COUNT_MAX];
    struct chek_stored stored[CHEK_MARKING_AGAIN_COUNT_MAX];
    struct chek_receipt receipts[CHEK_MARKING_AGAIN_COUNT_MAX];
    struct chek_ask_marked question;
    uint32_t count;
    uint32_t count_max; /* of the question; 0: all */
};

static int
decode(struct chek_visit *visit, struct chek_arena *arena, struct chek_ask_marked *ret)
{
    return chek_ask_marked_decode_whole(visit->question, visit->question_size, arena, ret,
                                        &visit->fault);
}

static int
begin(struct chek_query_host *host, struct chek_visit *visit)
{
    struct again_state *state = (void *)visit->state;
    struct chek_ask_marked question;
    int error = decode(visit, chek_request_arena(visit->request), &question);
    if (error != CHEK_OK) {
        return error;
    }
    if (question.codes_count != 0) {
        visit->fault = (struct chek_fault){.field = CHEK_FIELD_ASK_MARKED_CODES};
        return CHEK_E_RANGE;
    }
    visit->partition = 1;
    visit->partition_last = chek_directory_partition_count(query__directory(host));
    return question.target == NULL
               ? CHEK_OK
               : query__visit_register(host, visit, question.target, CHEK_FIELD_ASK_MARKED_TARGET,
                                       &state->registration);
}

/* ---- on a worker ------------------------------------------------------------------------------ */

/* What is shown of a sale; its document is left in the arena no longer than it takes. */
static int
sale_read(const struct chek_visit_view *view, const struct chek_row_place *place,
          struct chek_stored *stored, struct chek_receipt *receipt)
{
    struct chek_row row;
    struct chek_document document;
    size_t mark = chek_arena_mark(view->arena);
    int error = chek_store_read(view->store, place->registration, place->ordinal, view->arena, &row,
                                &document);
    if (error == CHEK_OK) {
        const struct chek_receipt *from = document.receipt;
        *receipt = (struct chek_receipt){.operation = from->operation,
                                         .time = from->time,
                                         .shift = from->shift,
                                         .document = from->document,
                                         .sign = from->sign,
                                         .autonomous = from->autonomous,
                                         .total = from->total,
                                         .form = from->form};
        document.receipt = receipt;
        query__stored_fill(stored, &row, &document);
    }
    chek_arena_rewind(view->arena, mark);
    return error;
}

static enum chek_visit_next
work(struct chek_visit *visit, const struct chek_visit_view *view)
{
    struct again_state *state = (void *)visit->state;
    struct again_work *work = visit->prepared;
    state->hash_after = state->hash_next;
    work->count = 0;
    visit->error = chek_marking_again(view->store, &state->hash_after, ENTRIES_A_STEP, view->arena,
                                      work->found, &work->count);
    for (uint32_t i = 0; visit->error == CHEK_OK && i < work->count; i++) {
        visit->error = sale_read(view, &work->found[i].sale, &work->stored[i], &work->receipts[i]);
    }
    state->is_judged = visit->error == CHEK_OK;
    return visit->error == CHEK_OK ? CHEK_VISIT_AGAIN : CHEK_VISIT_HOME;
}

/* ---- at the owner ----------------------------------------------------------------------------- */

static bool
is_wanted(const struct chek_visit *visit, const struct chek_visit_ground *ground,
          uint32_t registration, uint32_t ordinal)
{
    const struct again_state *state = (const void *)visit->state;
    const struct again_work *work = visit->prepared;
    return (state->registration == 0 || state->registration == registration) &&
           query__sees_document(visit, ground, registration, ordinal) &&
           query__register_fits(ground, registration, work->question.organisation,
                                work->question.point);
}

static void
show(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct again_work *work = visit->prepared;
    struct chek_marked_list answer = {.receipts = work->list};
    uint64_t left = work->count_max != 0 ? work->count_max - visit->carried : UINT64_MAX;
    for (uint32_t i = 0; i < work->count && answer.receipts_count < left; i++) {
        const struct chek_marking_again *found = &work->found[i];
        if (!is_wanted(visit, ground, found->sale.registration, found->sale.ordinal)) {
            continue;
        }
        struct chek_marked *marked = &work->list[answer.receipts_count++];
        *marked = (struct chek_marked){.key = query__key_copy(ground, found->sale.registration),
                                       .stored = &work->stored[i],
                                       .code = found->code};
        if (query__sees_document(visit, ground, found->before.registration,
                                 found->before.ordinal)) {
            marked->before_registration = found->before.registration;
            marked->before_ordinal = found->before.ordinal;
        }
    }
    visit->carried += answer.receipts_count;
    if (answer.receipts_count != 0) {
        struct chek_writer out = query__chunk_begin(visit);
        chek_marked_list_encode(&out, &answer);
        query__chunk_end(visit, &out);
    }
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct again_state *state = (void *)visit->state;
    struct again_work *work = visit->prepared;
    if (work == NULL) {
        visit->prepared = work = chek_arena_take(ground->arena, sizeof *work);
        CHEK_ASSERT(work != NULL);
        int error = decode(visit, ground->arena, &work->question);
        CHEK_ASSERT(error == CHEK_OK);
        visit->fault = (struct chek_fault){0};
        work->count_max = (uint32_t)work->question.count_max;
        state->is_judged = false;
    }
    if (!state->is_judged) {
        return CHEK_VISIT_WORKER;
    }
    show(visit, ground);
    state->is_judged = false;
    state->hash_next = state->hash_after;
    visit->done = state->hash_next == CHEK_MARKING_HASH_END;
    if (work->count_max != 0 && visit->carried == work->count_max) {
        visit->done = true;
        visit->partition_last = visit->partition;
    }
    return CHEK_VISIT_HOME;
}

const struct query__kind query__sold_again = {.opcode = CHEK_OPCODE_ASK_SOLD_AGAIN,
                                              .begin = begin,
                                              .run = run,
                                              .work = work,
                                              .is_long = true};
