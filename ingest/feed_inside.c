/* SPDX-License-Identifier: MIT */
/*
 * feed_inside.c - what adapters' listeners feed: one document, or one register, of no session.
 *
 * It becomes a frame as a session would have sent it, so that there is one way of judging, claiming
 * and cutting, and a document is the same whichever door it came through.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/fiscal/check.h"
#include "ingest/feed_frame.h"

static void
tell(struct chek_feed_inside *inside, int error)
{
    inside->on_done(inside, error, &(struct chek_result){0});
}

/* A frame to fill, or it is told that there is none. */
static struct chek_feed_frame *
frame_for(struct chek_feed_host *host, struct chek_feed_inside *inside)
{
    struct chek_feed_frame *frame = ingest__frame_take_inside(host, inside);
    if (frame == NULL) {
        host->counters.busy_count += 1;
        tell(inside, CHEK_E_BUSY);
        return NULL;
    }
    frame->results[0] = (struct chek_result){0};
    return frame;
}

void
chek_feed_document(struct chek_feed_host *host, struct chek_feed_inside *inside,
                   const struct chek_document *document)
{
    struct chek_feed_frame *frame = frame_for(host, inside);
    if (frame == NULL) {
        return;
    }
    /* The other buffer is free until something is claimed, and then the body is in its place. */
    struct chek_writer out = chek_writer_over(frame->claim_buffer, CHEK_FRAME_BODY_SIZE_MAX);
    chek_document_encode(&out, document);
    struct chek_bytes_view body = chek_bytes_view_of(out.bytes, out.size);
    struct chek_writer whole = chek_writer_over(frame->body_buffer, CHEK_FRAME_BODY_SIZE_MAX);
    chek_feed_encode(&whole, &(struct chek_feed){.documents = &body, .documents_count = 1});
    if (out.full || whole.full) {
        ingest__frame_refuse(host, frame, CHEK_E_LIMIT, NULL);
        return;
    }
    frame->body_size = whole.size;
    host->counters.frame_count += 1;
    ingest__frame_run(host, frame, chek_bytes_view_of(frame->body_buffer, frame->body_size));
}

/* What the directory would not take: a definite answer, before anything is logged. */
static int
register_judge(struct chek_feed_host *host, const struct chek_register *what,
               struct chek_result *ret)
{
    const struct chek_directory *directory = host->port.directory(host->port.context);
    struct chek_fault fault = {0};
    int error = chek_register_check(what, &fault);
    if (error == CHEK_OK) {
        fault = (struct chek_fault){.field = CHEK_FIELD_CLAIM_REGISTERS};
        error = chek_directory_claim_check(directory, what);
    }
    if (error != CHEK_OK) {
        *ret = (struct chek_result){.status = CHEK_STATUS_REFUSED,
                                    .code = (uint32_t)-error,
                                    .field = fault.field,
                                    .index = fault.index};
    }
    return error;
}

void
chek_feed_register(struct chek_feed_host *host, struct chek_feed_inside *inside,
                   const struct chek_register *what)
{
    struct chek_feed_frame *frame = frame_for(host, inside);
    if (frame == NULL) {
        return;
    }
    if (register_judge(host, what, &frame->results[0]) != CHEK_OK) {
        ingest__frame_tell(host, frame, CHEK_OK);
        return;
    }
    struct chek_command_claim claim = {.registers = what, .registers_count = 1};
    struct chek_writer out = chek_writer_over(frame->claim_buffer, CHEK_FRAME_BODY_SIZE_MAX);
    chek_command_claim_encode(&out, &claim);
    CHEK_ASSERT(!out.full); /* it was checked: a few KiB */
    frame->for_claim = true;
    frame->body_size = out.size;
    ingest__frame_claim(host, frame);
}
