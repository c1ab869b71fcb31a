/* SPDX-License-Identifier: MIT */
/*
 * feeder.c - frames of documents, kept in a ring until every document in them is judged.
 *
 * Frames go out in the order of the ring, always: after BUSY nothing is sent until everything in
 * flight is answered, so the order of a register's documents holds.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "query/client/feeder_run.h"

#define BACKOFF_GROWTH_MAX 64

static struct client__frame *
frame_at(const struct chek_feeder *feeder, uint64_t number)
{
    return &feeder->frames[number % feeder->frame_count];
}

static uint32_t
count_in_state(const struct chek_feeder *feeder, enum client__frame_state state)
{
    uint32_t count = 0;
    for (uint64_t i = feeder->head; i < feeder->tail; i++) {
        count += frame_at(feeder, i)->state == state;
    }
    return count;
}

static int
feeder_fail(struct chek_feeder *feeder, const struct chek_failure *failure)
{
    feeder->failure = *failure;
    feeder->error = failure->code;
    return feeder->error;
}

/* ---- the connection --------------------------------------------------------------------------- */

/* The connection is gone: what was in flight is unknown and will be repeated. */
static void
connection_drop(struct chek_feeder *feeder)
{
    chek_client_close(feeder->client);
    feeder->client = NULL;
    for (uint64_t i = feeder->head; i < feeder->tail; i++) {
        struct client__frame *frame = frame_at(feeder, i);
        if (frame->state == FRAME_SENT || frame->state == FRAME_AGAIN) {
            frame->state = FRAME_READY;
        }
    }
}

/* Whether trying again may help. */
static bool
is_passing(int error)
{
    return (error < 0 && error > -4096 && error != -ENOMEM) || error == CHEK_E_BUSY ||
           error == CHEK_E_TIMEOUT || error == CHEK_E_CLOSED || error == CHEK_E_STOPPING ||
           error == CHEK_E_LATCHED;
}

/* Whether the server gave a document back without judging it. */
static bool
is_unjudged(const struct chek_result *result)
{
    int code = -(int)result->code;
    return result->status == CHEK_STATUS_REFUSED &&
           (code == CHEK_E_BUSY || code == CHEK_E_STOPPING || code == CHEK_E_LATCHED);
}

/* Wait a little longer each time; gives up when nothing got through for too long. */
static int
wait_patiently(struct chek_feeder *feeder, const struct chek_failure *why)
{
    if (client__now_ms() - feeder->progress_ms + feeder->backoff_ms > feeder->options.patience_ms) {
        return feeder_fail(feeder, why);
    }
    client__sleep_ms(feeder->backoff_ms);
    if (feeder->backoff_ms / feeder->options.backoff_ms < BACKOFF_GROWTH_MAX) {
        feeder->backoff_ms *= 2;
    }
    return CHEK_OK;
}

static int
reconnect(struct chek_feeder *feeder, const struct chek_failure *why)
{
    struct chek_failure failure = *why;
    connection_drop(feeder);
    for (;;) {
        int error = wait_patiently(feeder, &failure);
        if (error != CHEK_OK) {
            return error;
        }
        error = client__feeder_connect(feeder, &failure);
        if (error == CHEK_OK) {
            feeder->counters.reconnect_count += 1;
            return CHEK_OK;
        }
        if (!is_passing(error)) {
            return feeder_fail(feeder, &failure);
        }
    }
}

/* The connection failed or a frame was refused: go on if that may help. */
static int
trouble(struct chek_feeder *feeder)
{
    struct chek_failure failure = *chek_client_failure(feeder->client);
    return is_passing(failure.code) ? reconnect(feeder, &failure) : feeder_fail(feeder, &failure);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static void
result_count(struct chek_feeder *feeder, uint64_t offset, const struct chek_result *result)
{
    struct chek_feeder_counters *counters = &feeder->counters;
    uint64_t *by_status[] = {
        [CHEK_STATUS_STORED] = &counters->stored_count,
        [CHEK_STATUS_DUPLICATE] = &counters->duplicate_count,
        [CHEK_STATUS_CONFLICT] = &counters->conflict_count,
        [CHEK_STATUS_REFUSED] = &counters->refused_count,
        [CHEK_STATUS_COMPLETED] = &counters->completed_count,
        [CHEK_STATUS_NOTED] = &counters->noted_count,
    };
    _Static_assert(CHEK_COUNT(by_status) == CHEK_STATUS_COUNT, "every status is counted");
    *by_status[result->status] += 1;
    counters->document_count += 1;
    bool kept = result->status == CHEK_STATUS_STORED || result->status == CHEK_STATUS_COMPLETED ||
                result->status == CHEK_STATUS_NOTED;
    if (kept && offset > counters->acknowledged) {
        counters->acknowledged = offset;
    }
}

/* Tell the results of all frames that are done and have nothing undone before them. */
static void
results_deliver(struct chek_feeder *feeder)
{
    while (feeder->head < feeder->tail && frame_at(feeder, feeder->head)->state == FRAME_DONE) {
        struct client__frame *frame = frame_at(feeder, feeder->head);
        for (uint32_t i = 0; i < frame->count; i++) {
            const struct chek_result *result = &frame->results[i];
            result_count(feeder, frame->offset != 0 ? frame->offset + i : 0, result);
            uint64_t index = feeder->delivered_count++;
            if (feeder->options.on_result != NULL) {
                feeder->options.on_result(feeder->options.context, index, result);
            }
        }
        frame->state = FRAME_FREE;
        feeder->head += 1;
    }
}

static struct client__frame *
frame_find(struct chek_feeder *feeder, uint64_t frame_id)
{
    for (uint64_t i = feeder->head; i < feeder->tail; i++) {
        struct client__frame *frame = frame_at(feeder, i);
        if (frame->frame_id == frame_id && frame->state == FRAME_SENT) {
            return frame;
        }
    }
    return NULL;
}

/* Keep the results of documents that were not judged before. */
static void
results_merge(struct chek_feeder *feeder, struct client__frame *frame, const struct chek_fed *fed)
{
    for (uint32_t i = 0; i < frame->count; i++) {
        if (!frame->judged[i] && !is_unjudged(&fed->results[i])) {
            frame->results[i] = fed->results[i];
            frame->judged[i] = true;
            frame->judged_count += 1;
        }
    }
    frame->state = frame->judged_count == frame->count ? FRAME_DONE : FRAME_AGAIN;
    if (frame->state == FRAME_DONE) {
        feeder->progress_ms = client__now_ms();
        feeder->backoff_ms = feeder->options.backoff_ms;
    } else {
        feeder->counters.busy_count += 1;
    }
}

static int
fed_take(struct chek_feeder *feeder, struct client__frame *frame, struct chek_bytes_view body)
{
    struct chek_fed fed;
    struct chek_fault fault;
    struct chek_failure failure;

    chek_arena_reset(&feeder->arena);
    int error = chek_fed_decode_whole(body.bytes, body.size, &feeder->arena, &fed, &fault);
    if (error == CHEK_OK && fed.results_count != frame->count) {
        error = CHEK_E_RANGE;
    }
    if (error != CHEK_OK) {
        (void)client__fail(&failure, error, "the server's results cannot be read");
        return feeder_fail(feeder, &failure);
    }
    results_merge(feeder, frame, &fed);
    results_deliver(feeder);
    return CHEK_OK;
}

static int
answer_take(struct chek_feeder *feeder, const struct chek_client_answer *answer)
{
    struct client__frame *frame = frame_find(feeder, answer->frame_id);
    if (frame == NULL) {
        /* Of a resume; or a refusal of the whole connection. */
        return answer->refused ? trouble(feeder) : CHEK_OK;
    }
    feeder->sent_size -= frame->size;
    if (!answer->refused) {
        return fed_take(feeder, frame, answer->body);
    }
    if (chek_client_failure(feeder->client)->code == CHEK_E_BUSY) {
        frame->state = FRAME_AGAIN;
        feeder->counters.busy_count += 1;
        return CHEK_OK;
    }
    return trouble(feeder);
}

/* ---- going on --------------------------------------------------------------------------------- */

/* Everything in flight is answered and some of it must be sent again: wait, resume, make ready. */
static int
resume(struct chek_feeder *feeder)
{
    struct chek_failure busy;
    uint64_t frame_id;

    (void)client__fail(&busy, CHEK_E_BUSY, "the server stayed busy");
    int error = wait_patiently(feeder, &busy);
    if (error != CHEK_OK) {
        return error;
    }
    if (client__send(feeder->client, CHEK_OPCODE_RESUME, chek_bytes_view_of("", 1), &frame_id) !=
        CHEK_OK) {
        return trouble(feeder);
    }
    for (uint64_t i = feeder->head; i < feeder->tail; i++) {
        struct client__frame *frame = frame_at(feeder, i);
        frame->state = frame->state == FRAME_AGAIN ? FRAME_READY : frame->state;
    }
    return CHEK_OK;
}

/* Send what is ready, in order, as far as credits reach. */
static int
ready_send(struct chek_feeder *feeder)
{
    uint32_t credits = chek_client_welcome(feeder->client)->credits;
    for (uint64_t i = feeder->head; i < feeder->tail; i++) {
        struct client__frame *frame = frame_at(feeder, i);
        if (frame->state == FRAME_AGAIN) {
            return CHEK_OK;
        }
        if (frame->state != FRAME_READY) {
            continue;
        }
        if (feeder->sent_size != 0 && feeder->sent_size + frame->size > credits) {
            return CHEK_OK;
        }
        frame->state = FRAME_SENT;
        feeder->sent_size += frame->size;
        feeder->counters.frame_count += 1;
        int error =
            chek_client_send_frames(feeder->client, chek_bytes_view_of(frame->bytes, frame->size));
        if (error != CHEK_OK) {
            return trouble(feeder);
        }
    }
    return CHEK_OK;
}

/* Send what can be sent and take one answer, waiting for it or not. 1 = an answer was taken. */
static int
step(struct chek_feeder *feeder, bool waits)
{
    bool again = count_in_state(feeder, FRAME_AGAIN) != 0;
    if (again && count_in_state(feeder, FRAME_SENT) == 0) {
        int error = resume(feeder);
        if (error != CHEK_OK) {
            return error;
        }
        again = false;
    }
    int error = again ? CHEK_OK : ready_send(feeder);
    if (error != CHEK_OK) {
        return error;
    }
    if (waits && feeder->sent_size == 0) {
        return 0; /* a new connection: nothing was sent on it that could be answered */
    }
    struct chek_client_answer answer;
    uint32_t timeout_ms = feeder->options.connection.timeout_ms;
    int taken = chek_client_receive(feeder->client, waits ? timeout_ms : 0, &answer);
    if (taken == 0 && waits) {
        struct chek_failure failure;
        (void)client__fail(&failure, CHEK_E_TIMEOUT, "the server does not answer");
        return reconnect(feeder, &failure);
    }
    if (taken < 0) {
        return trouble(feeder);
    }
    error = taken == 1 ? answer_take(feeder, &answer) : CHEK_OK;
    return error == CHEK_OK ? taken : error;
}

/* Room in a frame for what was filled. */
static int
frame_grow(struct chek_feeder *feeder, struct client__frame *frame)
{
    struct chek_failure failure;
    size_t capacity = CHEK_FRAME_HEAD_SIZE + FEEDER_SIZE_OVERHEAD + feeder->fill_size +
                      feeder->document_count * (size_t)FEEDER_DOCUMENT_SIZE_OVERHEAD;
    if (capacity <= frame->capacity) {
        return CHEK_OK;
    }
    uint8_t *bytes = chek_memory_grow(frame->bytes, frame->capacity, capacity);
    if (bytes == NULL) {
        (void)client__fail(&failure, -ENOMEM, NULL);
        return feeder_fail(feeder, &failure);
    }
    frame->bytes = bytes;
    frame->capacity = capacity;
    return CHEK_OK;
}

/* Make a frame of what was filled. */
static int
fill_seal(struct chek_feeder *feeder)
{
    while (feeder->tail - feeder->head == feeder->frame_count) {
        int error = step(feeder, true);
        if (error < 0) {
            return error;
        }
    }
    if (feeder->head == feeder->tail) {
        feeder->progress_ms = client__now_ms();
    }
    struct client__frame *frame = frame_at(feeder, feeder->tail);
    int error = frame_grow(feeder, frame);
    if (error != CHEK_OK) {
        return error;
    }
    size_t at = 0;
    for (uint32_t i = 0; i < feeder->document_count; i++) {
        size_t size = feeder->document_sizes[i];
        feeder->documents[i] = chek_bytes_view_of(feeder->fill + at, size);
        at += size;
    }
    struct chek_feed feed = {.offset = feeder->offset_next,
                             .documents = feeder->documents,
                             .documents_count = feeder->document_count};
    struct chek_writer out = chek_writer_over(frame->bytes, frame->capacity);
    size_t begin = chek_frame_begin(&out);
    chek_feed_encode(&out, &feed);
    CHEK_ASSERT(!out.full);
    frame->frame_id = ++feeder->frame_id;
    chek_frame_finish(&out, begin, CHEK_OPCODE_FEED, 0, frame->frame_id);
    frame->size = out.size;
    frame->offset = feeder->offset_next;
    frame->count = feeder->document_count;
    frame->judged_count = 0;
    memset(frame->judged, 0, frame->count * sizeof *frame->judged);
    frame->state = FRAME_READY;
    feeder->tail += 1;
    feeder->offset_next += feeder->offset_next != 0 ? feeder->document_count : 0;
    feeder->fill_size = 0;
    feeder->document_count = 0;
    return CHEK_OK;
}

/* Send and receive what goes without waiting. */
static int
turn(struct chek_feeder *feeder)
{
    int taken = 1;
    while (taken == 1) {
        taken = step(feeder, false);
    }
    return taken;
}

int
chek_feeder_add(struct chek_feeder *feeder, struct chek_bytes_view document)
{
    if (feeder->error != CHEK_OK) {
        return feeder->error;
    }
    size_t size = document.size + FEEDER_DOCUMENT_SIZE_OVERHEAD;
    size_t used =
        feeder->fill_size + feeder->document_count * (size_t)FEEDER_DOCUMENT_SIZE_OVERHEAD;
    if (document.size == 0 || size > CHEK_FRAME_BODY_SIZE_MAX - FEEDER_SIZE_OVERHEAD) {
        return client__fail(&feeder->failure, CHEK_E_LIMIT, "no frame can hold this document");
    }
    bool full = used + size > feeder->options.frame_size ||
                feeder->document_count == FEEDER_DOCUMENT_COUNT_MAX;
    if (full && feeder->document_count != 0) {
        int error = fill_seal(feeder);
        error = error == CHEK_OK ? turn(feeder) : error;
        if (error != CHEK_OK) {
            return error;
        }
    }
    memcpy(feeder->fill + feeder->fill_size, document.bytes, document.size);
    feeder->fill_size += document.size;
    feeder->document_sizes[feeder->document_count++] = document.size;
    return CHEK_OK;
}

int
chek_feeder_flush(struct chek_feeder *feeder)
{
    int error = feeder->error;
    if (error == CHEK_OK && feeder->document_count != 0) {
        error = fill_seal(feeder);
    }
    while (error >= 0 && feeder->head < feeder->tail) {
        error = step(feeder, true);
    }
    return error < 0 ? error : CHEK_OK;
}
