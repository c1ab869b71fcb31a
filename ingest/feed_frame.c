/* SPDX-License-Identifier: MIT */
/*
 * feed_frame.c - the pool of frames, the way of personal values, and the answers.
 */
#include "ingest/feed_frame.h"

#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/fiscal/check.h"

#define COUNT CHEK_FRAME_RECEIPT_COUNT_MAX

/* A result is at most a mask and eight numbers of five bytes. */
#define RESULT_SIZE_MAX (2 + 1 + 7 * 5)

const uint8_t ingest__no_subject[16];

/* Memory of one frame: arrays, then two buffers. */
static size_t
frame_stride(void)
{
    size_t size = COUNT * (sizeof(struct ingest__home) + sizeof(struct chek_result) +
                           sizeof(struct chek_register) + sizeof(struct chek_claimed) +
                           sizeof(struct chek_registered)) +
                  2 * (size_t)CHEK_FRAME_BODY_SIZE_MAX;
    return (size + 4095) / 4096 * 4096;
}

int
ingest__frames_init(struct chek_feed_host *host)
{
    size_t size = host->frame_count * frame_stride();
    host->frames = chek_memory_allocate(host->frame_count * sizeof *host->frames);
    host->memory = chek_memory_reserve(size);
    host->memory_size = size;
    if (host->frames == NULL || host->memory == NULL ||
        chek_memory_commit(host->memory, size) != CHEK_OK) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < host->frame_count; i++) {
        struct chek_feed_frame *frame = &host->frames[i];
        uint8_t *at = host->memory + i * frame_stride();
        frame->homes = (void *)at;
        at += COUNT * sizeof *frame->homes;
        frame->results = (void *)at;
        at += COUNT * sizeof *frame->results;
        frame->claims = (void *)at;
        at += COUNT * sizeof *frame->claims;
        frame->claimed_list = (void *)at;
        at += COUNT * sizeof *frame->claimed_list;
        frame->registered_list = (void *)at;
        at += COUNT * sizeof *frame->registered_list;
        frame->body_buffer = at;
        frame->claim_buffer = at + CHEK_FRAME_BODY_SIZE_MAX;
        chek_list_init(&frame->link);
        ingest__frame_give(host, frame);
    }
    return CHEK_OK;
}

void
ingest__frames_finish(struct chek_feed_host *host)
{
    chek_memory_free(host->frames, host->frame_count * sizeof *host->frames);
    if (host->memory != NULL) {
        chek_memory_release(host->memory, host->memory_size);
    }
}

struct chek_feed_frame *
ingest__frame_take(struct chek_feed_host *host, struct chek_request *request)
{
    if (chek_list_is_empty(&host->free)) {
        return NULL;
    }
    struct chek_feed_frame *frame =
        CHEK_CONTAINER_OF(host->free.next, struct chek_feed_frame, link);
    const struct chek_directory *directory = host->port.directory(host->port.context);

    chek_list_remove(&frame->link);
    host->free_count -= 1;
    frame->request = request;
    frame->inside = NULL;
    frame->principal = request != NULL ? chek_request_principal(request) : 0;
    frame->source = request != NULL ? chek_request_source(request) : 0;
    frame->unbounded = request == NULL || chek_directory_is_unbounded(directory, frame->principal);
    frame->offset = 0;
    frame->document_count = frame->part_count = frame->open_count = frame->claim_count = 0;
    frame->claim_round = 0;
    frame->for_claim = frame->answer_waits = false;
    if (request != NULL) {
        memcpy(chek_request_state(request), &frame, sizeof frame);
    }
    return frame;
}

struct chek_feed_frame *
ingest__frame_take_inside(struct chek_feed_host *host, struct chek_feed_inside *inside)
{
    struct chek_feed_frame *frame = ingest__frame_take(host, NULL);
    if (frame != NULL) {
        frame->inside = inside;
    }
    return frame;
}

struct chek_arena *
ingest__frame_arena(struct chek_feed_host *host, struct chek_feed_frame *frame)
{
    if (frame->inside == NULL) {
        return chek_request_arena(frame->request);
    }
    chek_arena_reset(&host->arena);
    return &host->arena;
}

void
ingest__frame_give(struct chek_feed_host *host, struct chek_feed_frame *frame)
{
    frame->request = NULL;
    frame->inside = NULL;
    chek_list_add(host->free.next, &frame->link);
    host->free_count += 1;
}

/* ---- parts ------------------------------------------------------------------------------------ */

struct chek_part *
ingest__part_for(struct chek_feed_host *host, struct chek_feed_frame *frame, unsigned shard)
{
    for (uint32_t i = 0; i < frame->part_count; i++) {
        if (frame->parts[i]->owner == shard) {
            return frame->parts[i];
        }
    }
    struct chek_part *part = chek_part_take(&host->parts);
    if (part != NULL) {
        part->frame = frame;
        part->source = frame->source;
        part->origin = (uint16_t)chek_io_shard(host->io);
        part->owner = (uint16_t)shard;
        frame->parts[frame->part_count++] = part;
    }
    return part;
}

void
ingest__parts_give_back(struct chek_feed_host *host, struct chek_feed_frame *frame)
{
    for (uint32_t i = 0; i < frame->part_count; i++) {
        chek_part_give(&host->parts, frame->parts[i]);
    }
    frame->part_count = 0;
}

/* ---- personal values -------------------------------------------------------------------------- */

bool
ingest__take_personal(struct chek_feed_host *host, struct chek_part *part,
                      struct chek_part_item *item, struct chek_arena *arena)
{
    const struct chek_directory *directory = host->port.directory(host->port.context);
    size_t mark = chek_arena_mark(arena);
    struct chek_registered registered;
    struct chek_document document;
    struct chek_receipt receipt;
    struct chek_fault fault;
    struct chek_subject subjects[CHEK_SUBJECT_COUNT_MAX];
    struct chek_person persons[CHEK_PERSON_COUNT_MAX];

    int error = chek_document_decode_whole(item->body, item->body_size, arena, &document, &fault);
    CHEK_ASSERT(error == CHEK_OK); /* it was decoded a moment ago */
    error = chek_directory_registered(directory, item->registration, arena, &registered);
    CHEK_ASSERT(error == CHEK_OK);
    receipt = *document.receipt;
    document.receipt = &receipt;
    struct chek_writer out = chek_writer_over(part->buffer + part->buffer_size,
                                              CHEK_PART_BUFFER_SIZE - part->buffer_size);
    uint32_t count = chek_subjects_take(host->port.key, host->io, registered.profile->organisation,
                                        &receipt, persons, &out, subjects);
    size_t document_at = out.size;
    chek_document_encode(&out, &document);
    chek_arena_rewind(arena, mark);
    size_t list_at = (part->buffer_size + out.size + 15) / 16 * 16;
    size_t list_size = count * sizeof *subjects;
    if (out.full || list_at + list_size > CHEK_PART_BUFFER_SIZE) {
        return false;
    }
    item->body = out.bytes + document_at;
    item->body_size = (uint32_t)(out.size - document_at);
    item->subject_count = (uint8_t)count;
    item->subjects = memcpy(part->buffer + list_at, subjects, list_size);
    part->buffer_size = list_at + list_size;
    return true;
}

/* ---- answers --------------------------------------------------------------------------------- */

void
ingest__frame_busy(struct chek_feed_host *host, struct chek_feed_frame *frame)
{
    struct chek_request *request = frame->request;
    host->counters.busy_count += 1;
    ingest__parts_give_back(host, frame);
    if (frame->inside != NULL) {
        ingest__frame_tell(host, frame, CHEK_E_BUSY);
        return;
    }
    ingest__frame_give(host, frame);
    if (request != NULL) {
        chek_request_busy(request);
    }
}

void
ingest__frame_tell(struct chek_feed_host *host, struct chek_feed_frame *frame, int error)
{
    struct chek_feed_inside *inside = frame->inside;
    struct chek_result result = frame->results[0];
    ingest__frame_give(host, frame); /* who is told may feed the next */
    inside->on_done(inside, error, &result);
}

void
ingest__frame_refuse(struct chek_feed_host *host, struct chek_feed_frame *frame, int error,
                     const struct chek_fault *fault)
{
    struct chek_request *request = frame->request;
    if (frame->inside != NULL) {
        ingest__frame_tell(host, frame, error);
        return;
    }
    ingest__frame_give(host, frame);
    if (request != NULL) {
        chek_request_refuse(request, error, fault, NULL);
    }
}

/* True when the answer is out and the frame is free again. */
static bool
answer_try(struct chek_feed_host *host, struct chek_feed_frame *frame)
{
    struct chek_fed fed = {.results = frame->results, .results_count = frame->document_count};
    struct chek_writer out = chek_request_answer_begin(
        frame->request, 16 + (size_t)frame->document_count * RESULT_SIZE_MAX);
    if (out.full) {
        return false;
    }
    chek_fed_encode(&out, &fed);
    CHEK_ASSERT(!out.full);
    struct chek_request *request = frame->request;
    ingest__frame_give(host, frame);
    chek_request_answer_end(request, &out, true);
    return true;
}

static void
results_count(struct chek_feed_host *host, const struct chek_feed_frame *frame)
{
    uint64_t *counts[] = {&host->counters.stored_count,    &host->counters.duplicate_count,
                          &host->counters.conflict_count,  &host->counters.refused_count,
                          &host->counters.completed_count, &host->counters.noted_count};
    _Static_assert(CHEK_COUNT(counts) == CHEK_STATUS_COUNT, "every status is counted");
    for (uint32_t i = 0; i < frame->document_count; i++) {
        *counts[frame->results[i].status] += 1;
    }
}

void
ingest__answer(struct chek_feed_host *host, struct chek_feed_frame *frame)
{
    results_count(host, frame);
    frame->part_count = 0;
    if (frame->inside != NULL) {
        ingest__frame_tell(host, frame, CHEK_OK);
        return;
    }
    if (frame->request == NULL) {
        ingest__frame_give(host, frame);
        return;
    }
    frame->answer_waits = !answer_try(host, frame);
}

void
chek_feed_part_done(struct chek_feed_host *host, struct chek_part *part)
{
    struct chek_feed_frame *frame = part->frame;
    CHEK_ASSERT(part->done_count == part->item_count);
    CHEK_ASSERT(frame->open_count > 0);
    if (!frame->for_claim) {
        for (uint32_t i = 0; i < part->item_count; i++) {
            struct chek_result *result = &frame->results[part->items[i].index];
            *result = part->results[i];
            result->warnings |= part->items[i].warnings;
        }
    }
    chek_part_give(&host->parts, part);
    frame->open_count -= 1;
    if (frame->open_count == 0 && !frame->for_claim) {
        ingest__answer(host, frame);
    } else if (frame->open_count == 0) {
        ingest__answer_claim(host, frame, CHEK_OK, NULL, 0);
    }
}

static struct chek_feed_frame *
frame_of(struct chek_request *request)
{
    struct chek_feed_frame *frame;
    memcpy(&frame, chek_request_state(request), sizeof frame);
    return frame;
}

void
chek_feed_on_abandon(void *context, struct chek_request *request)
{
    struct chek_feed_host *host = context;
    struct chek_feed_frame *frame = frame_of(request);
    frame->request = NULL;
    /* Parts and claims under way come back and find nobody to tell. */
    if (frame->answer_waits) {
        ingest__frame_give(host, frame);
    }
}

void
chek_feed_on_room(void *context, struct chek_request *request)
{
    struct chek_feed_host *host = context;
    struct chek_feed_frame *frame = frame_of(request);
    if (!frame->answer_waits) {
        return;
    }
    if (frame->for_claim) {
        ingest__answer_claim(host, frame, CHEK_OK, NULL, 0);
    } else {
        frame->answer_waits = !answer_try(host, frame);
    }
}

bool
chek_feed_is_idle(const struct chek_feed_host *host)
{
    return host->free_count == host->frame_count;
}

struct chek_feed_counters
chek_feed_count(const struct chek_feed_host *host)
{
    return host->counters;
}
