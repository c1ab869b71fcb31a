/* SPDX-License-Identifier: MIT */
/*
 * server_watch.c - the rule over the trace: what is acknowledged was durable before.
 *
 * It needs no crash: the sign of a marked receipt is looked for in what is written to the log, and
 * when an answer is given to a connection, the place of that sign must be durable.
 */
#include <errno.h>
#include <stdio.h>

#include "tests/sim/server_run.h"

/* Note where signs of our receipts are written in the log. */
static void
watch_write(struct run *run, const struct chek_world_event *event)
{
    static const uint8_t magic[4] = {STORY_MARK & 0xff, STORY_MARK >> 8 & 0xff,
                                     STORY_MARK >> 16 & 0xff, STORY_MARK >> 24};
    const uint8_t *at = event->bytes;
    const uint8_t *end = event->bytes + event->size;
    if (strncmp(event->path, CHEK_LOG_FOLDER "/", 4) != 0 || event->result != 0) {
        return;
    }
    while ((at = memmem(at, (size_t)(end - at), magic, sizeof magic)) != NULL) {
        if (at - event->bytes >= 4) {
            uint32_t mark = chek_load_u32(at - 4);
            if (mark < run->journal.place_count) {
                struct run_place *place = &run->journal.places[mark];
                uint32_t slot = place->count++ % CHEK_COUNT(place->path);
                (void)snprintf(place->path[slot], sizeof place->path[slot], "%s", event->path);
                place->offset[slot] = event->offset + (uint64_t)(at - 4 - event->bytes);
            }
        }
        at += sizeof magic;
    }
}

/* Whether a receipt of this mark would be in the log after any power cut. */
static bool
is_durable(struct run *run, uint32_t mark)
{
    const struct run_place *place = &run->journal.places[mark];
    uint64_t sign = (uint64_t)STORY_MARK << 32 | mark;
    if (place->count == 0) {
        run->result.unwatched_count += 1; /* its sign lies across two blocks */
        return true;
    }
    run->result.watched_count += 1;
    for (uint32_t i = 0; i < place->count && i < CHEK_COUNT(place->path); i++) {
        uint8_t bytes[8];
        int64_t got = chek_world_peek(run->world, run->machine, place->path[i], bytes, sizeof bytes,
                                      place->offset[i]);
        if (got == -ENOENT || (got == sizeof bytes && chek_load_u64(bytes) == sign &&
                               chek_world_is_durable(run->world, run->machine, place->path[i],
                                                     place->offset[i], sizeof bytes))) {
            return true; /* or a snapshot holds it, and the log was let go */
        }
    }
    return false;
}

static void
watch_fed(struct run_client *client, const struct chek_frame *frame)
{
    struct run *run = client->run;
    const struct run_request *request = run_request_find(client, frame->head.frame_id);
    struct chek_fed fed;
    struct chek_fault fault;
    int error =
        chek_fed_decode_whole(frame->body.bytes, frame->body.size, &run->arena, &fed, &fault);
    if (request == NULL || error != CHEK_OK || fed.results_count != request->item_count) {
        return; /* found when it arrives */
    }
    for (uint32_t i = 0; i < fed.results_count; i++) {
        const struct run_item *item = &request->items[i];
        const struct story_document *story =
            &run->story.registers[item->at].documents[item->document];
        /* A repeat is another copy's acknowledgement, and may never have been in the log itself. */
        if (item->kind == ITEM_DOCUMENT && fed.results[i].status != CHEK_STATUS_REFUSED &&
            fed.results[i].status != CHEK_STATUS_DUPLICATE && story->mark != 0 &&
            !is_durable(run, story->mark)) {
            run_violate(run, "register %u: document %u is acknowledged before it is durable",
                        item->at, item->document);
        }
    }
}

static void
watch_send(struct run *run, const struct chek_world_event *event)
{
    size_t at = 0;
    struct run_client *client = NULL;
    for (unsigned i = 0; i < RUN_CLIENT_COUNT; i++) {
        if (run->clients[i].link == event->client && event->client != NULL) {
            client = &run->clients[i];
        }
    }
    while (client != NULL && event->size - at >= CHEK_FRAME_HEAD_SIZE) {
        struct chek_frame frame;
        if (chek_frame_head_decode(event->bytes + at, CHEK_FRAME_ANSWER_SIZE_MAX, &frame.head) !=
                CHEK_OK ||
            event->size - at - CHEK_FRAME_HEAD_SIZE < frame.head.body_size) {
            return; /* a frame that goes out in several pieces */
        }
        frame.body =
            chek_bytes_view_of(event->bytes + at + CHEK_FRAME_HEAD_SIZE, frame.head.body_size);
        if (frame.head.opcode == CHEK_OPCODE_FEED &&
            frame.head.flags == (CHEK_FRAME_ANSWER | CHEK_FRAME_LAST)) {
            chek_arena_reset(&run->arena);
            watch_fed(client, &frame);
        }
        at += CHEK_FRAME_HEAD_SIZE + frame.head.body_size;
    }
}

void
run_watch(void *context, const struct chek_world_event *event)
{
    struct run *run = context;
    if (event->machine != run->machine) {
        return;
    }
    if (event->kind == CHEK_WORLD_WRITE) {
        watch_write(run, event);
    } else if (event->kind == CHEK_WORLD_SEND) {
        watch_send(run, event);
    } else if (event->kind == CHEK_WORLD_SYNC_FOLDER && event->result != CHEK_OK) {
        run->result.folder_failure_count += 1;
        if (run->is_ready && event->path[0] == 0) { /* only the manifest is stored there then */
            run->manifest_failed_ns = chek_world_now_ns(run->world);
        }
    }
}
