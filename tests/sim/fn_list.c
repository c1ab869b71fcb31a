/* SPDX-License-Identifier: MIT */
/*
 * fn_list.c - the list of a drive's documents, as the native protocol shows it, against the drive's.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/wire/frame.h"
#include "tests/sim/fn_run.h"

#define ARENA_SIZE ((size_t)4 * 1024 * 1024)
#define ASKED 2 /* the frame id of the question; hello has 1 */

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
        fn_violate(run, "drive %s: document %u is shown, which it did not send so", device->number,
                   number);
        return;
    }
    run->seen_count[number - 1] += 1;
    run->result.listed_count += 1;
}

static void
frame_take(struct fn_run *run, const struct chek_frame *frame)
{
    struct chek_arena arena;
    struct chek_stored_list list;
    struct chek_fault fault;
    run->moved_ns = chek_world_now_ns(run->world);
    if ((frame->head.flags & CHEK_FRAME_REFUSAL) != 0) {
        run->is_refused = true;
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
        fn_violate(run, "drive %u: a list that is none, or not whole", run->listed);
    }
    chek_arena_finish(&arena);
    run->is_listed = (frame->head.flags & CHEK_FRAME_LAST) != 0;
    for (uint32_t i = 0; run->is_listed && i < FN_DOCUMENT_COUNT; i++) {
        uint32_t want = fn_is_kept(run->devices[run->listed].documents[i].code);
        if (run->seen_count[i] != want) {
            fn_violate(run, "drive %s: document %u is there %u times",
                       run->devices[run->listed].number, i + 1, run->seen_count[i]);
        }
    }
}

static void
on_connected(void *context, int error)
{
    struct fn_run *run = context;
    run->reader_lost = run->reader_lost || error != CHEK_OK;
}

static void
on_receive(void *context, const uint8_t *bytes, size_t size, int error)
{
    struct fn_run *run = context;
    struct chek_frame frame;
    if (error != CHEK_OK || size == 0 || size > sizeof run->list - run->list_size) {
        run->reader_lost = true;
        return;
    }
    memcpy(run->list + run->list_size, bytes, size);
    run->list_size += size;
    while (run->list_size >= CHEK_FRAME_HEAD_SIZE &&
           chek_frame_head_decode(run->list, FN_LIST_SIZE, &frame.head) == CHEK_OK &&
           run->list_size >= CHEK_FRAME_HEAD_SIZE + (size_t)frame.head.body_size) {
        size_t whole = CHEK_FRAME_HEAD_SIZE + (size_t)frame.head.body_size;
        frame.body = chek_bytes_view_of(run->list + CHEK_FRAME_HEAD_SIZE, frame.head.body_size);
        frame_take(run, &frame);
        run->list_size -= whole;
        memmove(run->list, run->list + whole, run->list_size);
    }
}

void
fn_list_drop(struct fn_run *run)
{
    if (run->reader != NULL) {
        chek_world_client_reset(run->reader);
        run->reader = NULL;
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
    chek_hello_encode(&out, &(struct chek_hello){.token = chek_bytes_view_text(run->token)});
    chek_frame_finish(&out, begin, CHEK_OPCODE_HELLO, 0, ASKED - 1);
    CHEK_ASSERT(!out.full);
    chek_world_client_send(run->reader, bytes, out.size);
    out = chek_writer_over(bytes, sizeof bytes);
    begin = chek_frame_begin(&out);
    chek_ask_receipts_encode(&out, &(struct chek_ask_receipts){.target = &target});
    chek_frame_finish(&out, begin, CHEK_OPCODE_ASK_RECEIPTS, 0, ASKED);
    CHEK_ASSERT(!out.full);
    chek_world_client_send(run->reader, bytes, out.size);
}

void
fn_list_step(struct fn_run *run)
{
    struct chek_world_client_owner owner = {run, on_connected, on_receive};
    if (run->reader != NULL && (run->reader_lost || run->is_refused)) {
        fn_list_drop(run);
    }
    if (run->reader == NULL && run->is_ready) {
        run->reader_lost = run->is_refused = run->is_listed = false;
        run->list_size = 0;
        memset(run->seen_count, 0, sizeof run->seen_count);
        run->reader = chek_world_client_connect(run->world, run->machine, FN_ADDRESS, &owner);
        question_send(run);
    }
}
