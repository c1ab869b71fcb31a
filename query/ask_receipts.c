/* SPDX-License-Identifier: MIT */
/*
 * ask_receipts.c - the documents of a register in the order of their arrival.
 *
 * An answer is the list at one moment, however many steps it takes and however slowly it is read:
 * the first step notes how many rows there are. Rows of later are left out, and a row that one of
 * them replaced is shown, because it was not replaced at that moment. So no document is missing
 * from a list, or in it twice, because of what came while it was sent.
 */
#include "engine/base/assertion.h"
#include "engine/fiscal/prove.h"
#include "query/host.h"

#define ROWS_A_STEP 4096    /* looked at */
#define RECEIPTS_A_STEP 512 /* shown, or found replaced */

struct receipts_state {
    uint32_t registration;
    uint32_t ordinal_next;
    uint32_t ordinal_end; /* rows that there were at the first step */
    uint32_t shown_count; /* in all steps so far */
    uint32_t removed;     /* documents below it were, at the first step; 0 = told, or none */
    bool is_begun;
    uint64_t border_us; /* then */
};

_Static_assert(sizeof(struct receipts_state) <= CHEK_VISIT_STATE_SIZE, "a visit's state");

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
    return (question->from == 0 || time >= question->from) &&
           (question->to == 0 || time <= question->to) &&
           (question->shift_from == 0 || row->shift >= question->shift_from) &&
           (question->shift_to == 0 || row->shift <= question->shift_to);
}

/* ---- at the owner ----------------------------------------------------------------------------- */

/* Go on behind what was removed, and say so: a list that begins later is not a shorter list. */
static void
removed_skip(struct receipts_state *state, const struct chek_partition *partition)
{
    uint32_t removed = chek_fiscal_removed(chek_partition_fiscal(partition), state->registration);
    if (state->ordinal_next < removed) {
        state->ordinal_next = removed;
        state->removed = removed;
        state->border_us = chek_partition_retention(partition).border_us;
    }
}

static enum chek_visit_next
run(struct chek_visit *visit, const struct chek_visit_ground *ground)
{
    struct receipts_state *state = (void *)visit->state;
    if (!state->is_begun) {
        state->is_begun = true;
        state->ordinal_end =
            chek_fiscal_row_count(chek_partition_fiscal(ground->partition), state->registration);
        removed_skip(state, ground->partition);
    }
    return CHEK_VISIT_WORKER;
}

/* ---- on a worker ------------------------------------------------------------------------------ */

/* One step at work. */
struct work {
    struct chek_ask_receipts question;
    struct chek_arena *arena;
    struct chek_stored *list;
    bool *replaced;  /* of the list: by the view */
    uint32_t *nexts; /* of the list: the ordinal behind */
    uint32_t count, count_max;
    uint32_t replaced_count;
    uint32_t ordinal_next;
};

static bool
work_init(struct work *work, struct chek_arena *arena)
{
    work->arena = arena;
    work->list = chek_arena_take(arena, RECEIPTS_A_STEP * sizeof *work->list);
    work->replaced = chek_arena_take(arena, RECEIPTS_A_STEP * sizeof *work->replaced);
    work->nexts = chek_arena_take(arena, RECEIPTS_A_STEP * sizeof *work->nexts);
    return work->list != NULL && work->replaced != NULL && work->nexts != NULL;
}

/* Collect what the filter lets through, and what is replaced: whether that counts is seen later. */
static int
collect(struct work *work, const struct receipts_state *state, const struct chek_store *store)
{
    for (uint32_t i = 0; i < ROWS_A_STEP && work->count < work->count_max &&
                         work->ordinal_next < state->ordinal_end;
         i++) {
        struct chek_row row;
        struct chek_document document;
        size_t mark = chek_arena_mark(work->arena);
        int error = chek_store_read(store, state->registration, work->ordinal_next, work->arena,
                                    &row, &document);
        if (error == CHEK_E_LIMIT && work->count != 0) {
            return CHEK_OK; /* documents are of any size: the others are for the next step */
        }
        if (error != CHEK_OK) {
            return error;
        }
        work->ordinal_next += 1;
        if (!wanted(&work->question, &row, query__document_time(&document))) {
            chek_arena_rewind(work->arena, mark);
            continue;
        }
        query__stored_fill(&work->list[work->count], &row, &document);
        work->replaced[work->count] = row.replaced;
        work->replaced_count += row.replaced;
        work->nexts[work->count] = work->ordinal_next;
        work->count += 1;
    }
    return CHEK_OK;
}

/* A row that came after the list's moment, and took the place of one that is in the list. */
static bool
on_late_row(void *context, const struct chek_scan_row *row)
{
    struct work *work = context;
    uint32_t low = 0;
    uint32_t high = work->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (work->list[middle].ordinal + 1 < row->row.completes) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < work->count && work->list[low].ordinal + 1 == row->row.completes) {
        work->replaced_count -= work->replaced[low];
        work->replaced[low] = false;
    }
    return true;
}

/* Take out of the list what was replaced at its moment. */
static int
replaced_drop(struct work *work, const struct receipts_state *state, const struct chek_store *store,
              uint8_t *scan_memory)
{
    struct chek_arena arena;
    struct chek_scan_filter filter = {.registrations = &state->registration,
                                      .registration_count = 1,
                                      .ordinal_min = state->ordinal_end,
                                      .with_replaced = true};
    uint32_t count = 0;
    if (work->replaced_count == 0) {
        return CHEK_OK;
    }
    chek_arena_init_over(&arena, scan_memory, CHEK_SCAN_ARENA_SIZE);
    int error = chek_store_scan(store, &filter, &arena, on_late_row, work);
    for (uint32_t i = 0; error == CHEK_OK && i < work->count; i++) {
        if (!work->replaced[i]) {
            work->list[count] = work->list[i];
            work->nexts[count] = work->nexts[i];
            count += 1;
        }
    }
    work->count = count;
    return error;
}

/* Documents are of any size: show as many as fit. One always does. */
static void
chunk_make(struct chek_visit *visit, struct work *work)
{
    struct receipts_state *state = (void *)visit->state;
    struct chek_stored_list answer = {.receipts = work->list,
                                      .receipts_count = work->count,
                                      .removed = state->removed,
                                      .border = state->border_us};
    struct chek_writer out = query__chunk_begin(visit);
    state->ordinal_next = work->ordinal_next;
    chek_stored_list_encode(&out, &answer);
    while (out.full) {
        CHEK_ASSERT(answer.receipts_count > 1);
        answer.receipts_count = (answer.receipts_count + 1) / 2;
        state->ordinal_next = work->nexts[answer.receipts_count - 1];
        out = query__chunk_begin(visit);
        chek_stored_list_encode(&out, &answer);
    }
    state->shown_count += answer.receipts_count;
    state->removed = 0;
    state->border_us = 0;
    visit->done = state->ordinal_next >= state->ordinal_end;
    if (!visit->done && work->question.count_max != 0 &&
        state->shown_count >= work->question.count_max) {
        answer.next = state->ordinal_next;
        visit->done = true;
        out = query__chunk_begin(visit);
        chek_stored_list_encode(&out, &answer);
        CHEK_ASSERT(!out.full || answer.receipts_count > 1);
    }
    query__chunk_end(visit, &out);
}

static enum chek_visit_next
work(struct chek_visit *visit, const struct chek_visit_view *view)
{
    struct receipts_state *state = (void *)visit->state;
    struct work work = {.ordinal_next = state->ordinal_next};
    uint8_t *scan_memory = chek_arena_take(view->arena, CHEK_SCAN_ARENA_SIZE);

    int error = decode(visit, view->arena, &work.question);
    CHEK_ASSERT(error == CHEK_OK && scan_memory != NULL);
    bool is_made = work_init(&work, view->arena);
    CHEK_ASSERT(is_made);
    work.count_max = RECEIPTS_A_STEP;
    if (work.question.count_max != 0 &&
        work.question.count_max - state->shown_count < work.count_max) {
        work.count_max = work.question.count_max - state->shown_count;
    }
    visit->fault = (struct chek_fault){0};
    visit->error = collect(&work, state, view->store);
    if (visit->error == CHEK_OK) {
        visit->error = replaced_drop(&work, state, view->store, scan_memory);
    }
    if (visit->error == CHEK_OK) {
        chunk_make(visit, &work);
    }
    return CHEK_VISIT_HOME;
}

const struct query__kind query__receipts = {.opcode = CHEK_OPCODE_ASK_RECEIPTS,
                                            .begin = begin,
                                            .run = run,
                                            .work = work,
                                            .is_long = true};
