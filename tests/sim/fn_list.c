/* SPDX-License-Identifier: MIT */
/*
 * fn_list.c - the list of a drive's documents and its gaps, as the native protocol shows them, against
 * the drive's.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tests/sim/fn_run.h"

#define ARENA_SIZE ((size_t)4 * 1024 * 1024)
#define ASKED 2 /* the frame id of the question; hello has 1, */
#define GAPS 3  /* and that for what is missing comes behind it */

static uint32_t
number_of(const struct chek_stored *stored)
{
    return stored->receipt != NULL ? stored->receipt->document
           : stored->close != NULL ? stored->close->document
                                   : 0;
}

/* A document that is shown has to be one of the drive's, with the sum that it had. */
static void
stored_judge(struct fn_run *run, const struct chek_stored *stored)
{
    const struct fn_device *device = &run->devices[run->listed];
    uint32_t number = number_of(stored);
    const struct fn_document *document =
        number != 0 && number <= FN_DOCUMENT_COUNT ? &device->documents[number - 1] : NULL;
    if (document == NULL || !fn_is_kept(document->code) || document->answer.size == 0 ||
        (document->code == 3) != (stored->receipt != NULL) ||
        (stored->receipt != NULL && stored->receipt->total != document->total)) {
        peer_violate(&run->peer, "drive %s: document %u is shown, which it did not send so",
                     device->number, number);
        return;
    }
    run->seen_count[number - 1] += 1;
    run->peer.result.counts[FN_LISTED] += 1;
}

/* Answers may overtake each other; whether this was the last frame of its own. */
static bool
answer_end(struct fn_run *run, const struct chek_frame *frame)
{
    bool is_last = (frame->head.flags & CHEK_FRAME_LAST) != 0;
    run->answers_left -= is_last;
    run->is_listed = run->answers_left == 0;
    return is_last;
}

/* All that a drive has sent was acknowledged, reports too: nothing is missing. */
static void
gaps_judge(struct fn_run *run, const struct chek_frame *frame)
{
    struct chek_arena arena;
    struct chek_gaps gaps;
    struct chek_fault fault;
    int error = chek_arena_init(&arena, ARENA_SIZE);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_gaps_decode_whole(frame->body.bytes, frame->body.size, &arena, &gaps, &fault);
    if (error != CHEK_OK || gaps.gaps_count != 0) {
        peer_violate(&run->peer, "drive %s: %u documents are missing from number %u on",
                     run->devices[run->listed].number,
                     error == CHEK_OK ? (unsigned)gaps.gaps[0].count : 0,
                     error == CHEK_OK ? (unsigned)gaps.gaps[0].first : 0);
    }
    chek_arena_finish(&arena);
    (void)answer_end(run, frame);
}

static void
counts_judge(struct fn_run *run)
{
    const struct fn_device *device = &run->devices[run->listed];
    for (uint32_t i = 0; i < FN_DOCUMENT_COUNT; i++) {
        if (run->seen_count[i] != fn_is_kept(device->documents[i].code)) {
            peer_violate(&run->peer, "drive %s: document %u is there %u times", device->number,
                         i + 1, run->seen_count[i]);
        }
    }
}

static void
on_frame(struct peer_client *reader, const struct chek_frame *frame)
{
    struct fn_run *run = CHEK_CONTAINER_OF(reader, struct fn_run, reader);
    struct chek_arena arena;
    struct chek_stored_list list;
    struct chek_fault fault;
    if ((frame->head.flags & CHEK_FRAME_REFUSAL) != 0) {
        reader->line.lost = true; /* it asks again */
        return;
    }
    if (frame->head.frame_id == GAPS) {
        gaps_judge(run, frame);
        return;
    }
    if (frame->head.frame_id != ASKED) {
        return;
    }
    int error = chek_arena_init(&arena, ARENA_SIZE);
    CHEK_ASSERT(error == CHEK_OK);
    error =
        chek_stored_list_decode_whole(frame->body.bytes, frame->body.size, &arena, &list, &fault);
    for (uint32_t i = 0; error == CHEK_OK && i < list.receipts_count; i++) {
        stored_judge(run, &list.receipts[i]);
    }
    if (error != CHEK_OK || list.next != 0) {
        peer_violate(&run->peer, "drive %u: a list that is none, or not whole", run->listed);
    }
    chek_arena_finish(&arena);
    if (answer_end(run, frame)) {
        counts_judge(run);
    }
}

static void
question_send(struct fn_run *run)
{
    uint8_t bytes[1024];
    struct chek_target target = {
        .key = chek_bytes_view_text(run->devices[run->listed].number),
        .kind = CHEK_KEY_KIND_FISCAL_DRIVE + 1,
    };
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t begin = chek_frame_begin(&out);
    chek_ask_receipts_encode(&out, &(struct chek_ask_receipts){.target = &target});
    peer_client_send(&run->reader, CHEK_OPCODE_ASK_RECEIPTS, &out, begin);
    out = chek_writer_over(bytes, sizeof bytes);
    begin = chek_frame_begin(&out);
    chek_ask_gaps_encode(&out, &(struct chek_ask_gaps){.target = &target});
    peer_client_send(&run->reader, CHEK_OPCODE_ASK_GAPS, &out, begin);
}

void
fn_lists_begin(struct fn_run *run)
{
    peer_client_begin(&run->reader, &run->peer, on_frame);
}

void
fn_lists_judge(struct fn_run *run)
{
    for (run->listed = 0; run->listed < FN_COUNT; run->listed++) {
        run->is_listed = false;
        while (peer_is_good(&run->peer) && !run->is_listed) {
            if (!peer_line_step(&run->reader.line) && run->peer.is_ready) {
                memset(run->seen_count, 0, sizeof run->seen_count);
                run->answers_left = 2;
                peer_client_connect(&run->reader);
                question_send(run); /* without waiting for the answer to hello */
            }
            peer_step(&run->peer);
        }
        peer_line_drop(&run->reader.line);
    }
}
