/* SPDX-License-Identifier: MIT */
/*
 * sender_fill.c - documents into frames.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tools/load/sender_run.h"

/* Head, mask of the feed, and a count of two bytes; with a smaller count all begin a byte later. */
#define DOCUMENTS_AT (CHEK_FRAME_HEAD_SIZE + 1 + 2)
#define FEED_MASK 0x02 /* documents, no offset */
#define SMALL_COUNT_MAX 127
#define FULL_SIZE_LEFT 192 /* a frame with less left is full: most receipts would not fit */

_Static_assert(FEED_MASK == 1 << (CHEK_FIELD_FEED_DOCUMENTS % CHEK_FIELDS_A_RECORD - 1),
               "the mask");
_Static_assert(CHEK_WORKLOAD_DOCUMENT_SIZE_MAX < 1 << 14, "the size of a blob is two bytes");
_Static_assert(CHEK_FRAME_RECEIPT_COUNT_MAX < 1 << 14, "the count is two bytes");

static struct load__frame *
frame_of(struct load__connection *connection, uint64_t number)
{
    return &connection->frames[number & (connection->capacity - 1)];
}

void
load__frame_begin(struct chek_sender *sender, struct load__connection *connection)
{
    struct load__frame *frame = frame_of(connection, connection->made);
    if (frame->bytes == NULL) {
        frame->bytes =
            chek_memory_allocate(sender->options.frame_size + CHEK_WORKLOAD_DOCUMENT_SIZE_MAX);
    }
    *frame = (struct load__frame){.bytes = frame->bytes, .size = DOCUMENTS_AT};
    if (frame->bytes == NULL) {
        load__fail(sender, -ENOMEM, NULL);
    }
}

/* Write head, mask and count before the documents. */
static void
frame_finish(struct load__frame *frame, uint64_t number)
{
    bool is_small = frame->count <= SMALL_COUNT_MAX;
    frame->begin = is_small ? 1 : 0;
    uint8_t *at = frame->bytes + frame->begin + CHEK_FRAME_HEAD_SIZE;
    at[0] = FEED_MASK;
    at[1] = (uint8_t)(is_small ? frame->count : (frame->count & 0x7f) | 0x80);
    if (!is_small) {
        at[2] = (uint8_t)(frame->count >> 7);
    }
    struct chek_writer out =
        chek_writer_over(frame->bytes + frame->begin, frame->size - frame->begin);
    out.size = frame->size - frame->begin;
    frame->size = (uint32_t)out.size;
    chek_frame_finish(&out, 0, CHEK_OPCODE_FEED, 0, number + 1);
}

/* The frame being filled is complete: the next one begins, if there is room. */
static void
frame_close(struct chek_sender *sender, struct load__connection *connection)
{
    struct load__frame *frame = frame_of(connection, connection->made);
    if (sender->options.rate != 0) {
        frame->due_ns =
            (uint64_t)((chek_u128)sender->receipt_count * 1000000000 / sender->options.rate);
    }
    frame_finish(frame, connection->made);
    connection->made += 1;
    connection->fill_size_max = sender->options.frame_size;
    if (connection->made - connection->head == connection->capacity) {
        sender->full_count += 1;
    } else {
        load__frame_begin(sender, connection);
    }
}

static void
document_put(struct load__frame *frame, const uint8_t *bytes,
             const struct chek_workload_document *document)
{
    uint8_t *at = frame->bytes + frame->size;
    uint32_t size = document->size;
    if (size < 0x80) {
        at[0] = (uint8_t)size;
        at += 1;
    } else {
        at[0] = (uint8_t)(size | 0x80);
        at[1] = (uint8_t)(size >> 7);
        at += 2;
    }
    memcpy(at, bytes, size);
    frame->size = (uint32_t)(at + size - frame->bytes);
    frame->count += 1;
    frame->counts[document->fate] += 1;
}

static void
document_add(struct chek_sender *sender, const uint8_t *bytes,
             const struct chek_workload_document *document)
{
    struct load__connection *connection =
        &sender->connections[document->register_index % sender->options.connection_count];
    struct load__frame *frame = frame_of(connection, connection->made);

    document_put(frame, bytes, document);
    sender->receipt_count += !document->is_close && document->fate == CHEK_WORKLOAD_NEW;
    chek_account_add(sender->account, document);
    if (frame->size + FULL_SIZE_LEFT > connection->fill_size_max ||
        frame->count == sender->options.frame_document_count_max) {
        frame_close(sender, connection);
    }
}

static void
rest_close(struct chek_sender *sender)
{
    for (uint32_t i = 0; i < sender->options.connection_count; i++) {
        struct load__connection *connection = &sender->connections[i];
        if (frame_of(connection, connection->made)->count != 0) {
            frame_close(sender, connection);
        }
    }
    sender->made_all = true;
}

bool
load__fill(struct chek_sender *sender, uint32_t count)
{
    uint8_t bytes[CHEK_WORKLOAD_DOCUMENT_SIZE_MAX];
    struct chek_workload_document document;

    for (uint32_t i = 0; i < count && sender->full_count == 0 && sender->error == CHEK_OK; i++) {
        if (!chek_workload_next(sender->workload, bytes, &document)) {
            rest_close(sender);
            return false;
        }
        document_add(sender, bytes, &document);
    }
    return true;
}

/* Twice as many slots; frames go to the slots that their numbers now have. */
static int
ring_grow(struct chek_sender *sender, struct load__connection *connection)
{
    uint32_t capacity = 2 * connection->capacity;
    struct load__frame *frames = chek_memory_allocate(capacity * sizeof *frames);
    if (frames == NULL) {
        return -ENOMEM;
    }
    for (uint64_t number = connection->head; number < connection->made; number++) {
        frames[number & (capacity - 1)] = *frame_of(connection, number);
    }
    chek_memory_free(connection->frames, connection->capacity * sizeof *frames);
    connection->frames = frames;
    connection->capacity = capacity;
    sender->full_count -= 1;
    load__frame_begin(sender, connection);
    return CHEK_OK;
}

int
load__fill_all(struct chek_sender *sender)
{
    while (sender->error == CHEK_OK && load__fill(sender, UINT32_MAX)) {
        for (uint32_t i = 0; i < sender->options.connection_count; i++) {
            struct load__connection *connection = &sender->connections[i];
            if (connection->made - connection->head == connection->capacity) {
                int error = ring_grow(sender, connection);
                if (error != CHEK_OK) {
                    return error;
                }
            }
        }
    }
    return sender->error;
}
