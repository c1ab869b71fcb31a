/* SPDX-License-Identifier: MIT */
/*
 * sender_answer.c - answers: which frame, how late, and whether each document has its due status.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>

#include "engine/base/assertion.h"
#include "tools/load/sender_run.h"

#define BACKOFF_NS_MIN UINT64_C(50000000)
#define BACKOFF_NS_MAX UINT64_C(5000000000)

/* The frame that an answer is for; NULL when it is none that waits. */
static struct load__frame *
frame_answered(struct load__connection *connection, uint64_t frame_id)
{
    uint64_t number = frame_id - 1;
    if (number < connection->head || number >= connection->sent) {
        return NULL;
    }
    struct load__frame *frame = &connection->frames[number & (connection->capacity - 1)];
    return frame->is_answered ? NULL : frame;
}

/* Slots of answered frames are free again, in order. */
static void
head_move(struct chek_sender *sender, struct load__connection *connection)
{
    bool was_full = connection->made - connection->head == connection->capacity;
    while (connection->head < connection->sent &&
           connection->frames[connection->head & (connection->capacity - 1)].is_answered) {
        connection->head += 1;
    }
    if (was_full && connection->made - connection->head < connection->capacity) {
        sender->full_count -= 1;
        load__frame_begin(sender, connection);
    }
}

static void
wrong_note(struct chek_sender *sender, const struct chek_fed *fed)
{
    for (uint32_t i = 0; i < fed->results_count && sender->result.wrong_result.code == 0; i++) {
        if (fed->results[i].status == CHEK_STATUS_REFUSED) {
            sender->result.wrong_result = fed->results[i];
        }
    }
    sender->result.wrong_count += 1;
}

/* Count statuses and compare them with what is due to the frame's documents. */
static void
results_count(struct chek_sender *sender, const struct load__frame *frame,
              const struct chek_fed *fed)
{
    uint64_t counts[CHEK_STATUS_COUNT] = {0};
    for (uint32_t i = 0; i < fed->results_count; i++) {
        counts[fed->results[i].status] += 1;
    }
    uint64_t stored = counts[CHEK_STATUS_STORED];
    uint64_t known = stored + counts[CHEK_STATUS_DUPLICATE];
    sender->result.document_count += fed->results_count;
    sender->result.stored_count += stored;
    sender->result.duplicate_count += counts[CHEK_STATUS_DUPLICATE];
    sender->result.conflict_count += counts[CHEK_STATUS_CONFLICT];
    sender->result.refused_count += counts[CHEK_STATUS_REFUSED];
    if (known != frame->counts[CHEK_WORKLOAD_NEW] + frame->counts[CHEK_WORKLOAD_REPEAT] ||
        counts[CHEK_STATUS_CONFLICT] != frame->counts[CHEK_WORKLOAD_CONFLICT] ||
        (sender->options.fresh && stored != frame->counts[CHEK_WORKLOAD_NEW])) {
        wrong_note(sender, fed);
    }
}

static void
take_fed(struct chek_sender *sender, struct load__frame *frame, const struct chek_frame *answer)
{
    struct chek_fed fed;
    chek_arena_reset(&sender->arena);
    int error =
        chek_fed_decode_whole(answer->body.bytes, answer->body.size, &sender->arena, &fed, NULL);
    if (error != CHEK_OK || fed.results_count != frame->count) {
        load__fail(sender, error != CHEK_OK ? error : CHEK_E_RANGE,
                   "the answer to a feed is not one result a document");
        return;
    }
    uint64_t from_ns =
        sender->options.rate != 0 ? sender->start_ns + frame->due_ns : frame->sent_ns;
    uint64_t latency_ns = sender->answer_ns > from_ns ? sender->answer_ns - from_ns : 0;
    chek_histogram_add(&sender->result.latency, latency_ns);
    if (sender->options.warm_up_ns != 0 &&
        from_ns >= sender->start_ns + sender->options.warm_up_ns) {
        chek_histogram_add(&sender->result.warm_latency, latency_ns);
    }
    results_count(sender, frame, &fed);
    frame->is_answered = true;
}

/* BUSY is sticky: this frame and all behind it go again, once nothing is in flight any more. */
static void
take_busy(struct chek_sender *sender, struct load__connection *connection, uint64_t number)
{
    if (!connection->is_busy) {
        connection->is_busy = true;
        connection->busy_first = number;
        sender->result.busy_count += 1;
        uint64_t twice = 2 * connection->backoff_ns;
        connection->backoff_ns = connection->backoff_ns == 0 ? BACKOFF_NS_MIN
                                 : twice < BACKOFF_NS_MAX    ? twice
                                                             : BACKOFF_NS_MAX;
    }
    if (number < connection->busy_first) {
        connection->busy_first = number;
    }
}

static void
take_refusal(struct chek_sender *sender, struct load__connection *connection,
             const struct chek_frame *answer)
{
    struct chek_refusal refusal;
    char text[200];
    int error =
        chek_refusal_decode_whole(answer->body.bytes, answer->body.size, NULL, &refusal, NULL);
    if (error == CHEK_OK && refusal.code == (uint32_t)-CHEK_E_BUSY) {
        take_busy(sender, connection, answer->head.frame_id - 1);
        return;
    }
    error = error != CHEK_OK ? error : -(int)refusal.code;
    (void)snprintf(text, sizeof text, "the server refused a frame: %s", chek_error_text(error));
    load__fail(sender, error, text);
}

static void
take_answer(struct chek_sender *sender, struct load__connection *connection,
            const struct chek_frame *answer)
{
    if (answer->head.opcode == CHEK_OPCODE_RESUME &&
        (answer->head.flags & CHEK_FRAME_REFUSAL) == 0) {
        return;
    }
    struct load__frame *frame = frame_answered(connection, answer->head.frame_id);
    if (frame == NULL || answer->head.opcode != CHEK_OPCODE_FEED) {
        load__fail(sender, CHEK_E_HANDSHAKE, "an answer that no frame waits for");
        return;
    }
    connection->in_flight_count -= 1;
    connection->in_flight_size -= frame->size;
    if (answer->head.flags & CHEK_FRAME_REFUSAL) {
        take_refusal(sender, connection, answer);
    } else {
        take_fed(sender, frame, answer);
        connection->backoff_ns = connection->is_busy ? connection->backoff_ns : 0;
    }
    if (connection->is_busy && connection->in_flight_count == 0 && connection->sent_part == 0) {
        connection->is_busy = false;
        connection->wants_resume = true;
        connection->sent = connection->busy_first;
        connection->resume_ns = sender->answer_ns + connection->backoff_ns;
    }
    head_move(sender, connection);
}

void
load__receive(struct chek_sender *sender, struct load__connection *connection)
{
    ssize_t size = recv(connection->socket, sender->received, SENDER_RECEIVE_SIZE, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (size <= 0) {
        load__fail(sender, size == 0 ? CHEK_E_CLOSED : -errno, NULL);
        return;
    }
    sender->answer_ns = load__now_ns();
    chek_splitter_feed(&connection->splitter, sender->received, (size_t)size);
    struct chek_frame frame;
    int got;
    while ((got = chek_splitter_next(&connection->splitter, &frame)) == 1) {
        take_answer(sender, connection, &frame);
        if (sender->error != CHEK_OK) {
            return;
        }
    }
    if (got < 0) {
        load__fail(sender, got, "a frame of the server is not valid");
    }
}
