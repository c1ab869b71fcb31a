/* SPDX-License-Identifier: MIT */
/*
 * feeder_open.c - a feeder's life: its memory, its copy of the options, its connection.
 */
#include <errno.h>
#include <stdio.h>

#include "engine/base/memory.h"
#include "query/client/feeder_run.h"

#define FRAME_SIZE_DEFAULT (128 * 1024)
#define FRAME_COUNT_DEFAULT 32
#define FRAME_COUNT_MAX 4096
#define PATIENCE_MS_DEFAULT 60000
#define ARENA_SIZE (FEEDER_DOCUMENT_COUNT_MAX * sizeof(struct chek_result) + 64)

int
client__feeder_connect(struct chek_feeder *feeder, struct chek_failure *failure)
{
    struct chek_client_options options = feeder->options.connection;
    if (feeder->counters.acknowledged > options.acknowledged) {
        options.acknowledged = feeder->counters.acknowledged;
    }
    int error = chek_client_connect(&options, &feeder->client, failure);
    if (error == CHEK_OK) {
        feeder->sent_size = 0;
        feeder->counters.alarm =
            feeder->counters.alarm || chek_client_welcome(feeder->client)->alarm;
    }
    return error;
}

/* Keep what the options point to. */
static int
options_copy(struct chek_feeder *feeder, const struct chek_feeder_options *options)
{
    struct chek_client_options *connection = &feeder->options.connection;
    feeder->options = *options;
    if (strlen(connection->address) > FEEDER_ADDRESS_SIZE_MAX ||
        connection->token.size > FEEDER_TOKEN_SIZE_MAX ||
        options->frame_size > CHEK_FRAME_BODY_SIZE_MAX || options->frame_count > FRAME_COUNT_MAX) {
        return CHEK_E_LIMIT;
    }
    (void)snprintf(feeder->address, sizeof feeder->address, "%s", connection->address);
    connection->address = feeder->address;
    if (connection->program != NULL) {
        (void)snprintf(feeder->program, sizeof feeder->program, "%s", connection->program);
        connection->program = feeder->program;
    }
    if (connection->token.size != 0) {
        memcpy(feeder->token, connection->token.bytes, connection->token.size);
    }
    connection->token.bytes = feeder->token;
    if (connection->timeout_ms == 0) {
        connection->timeout_ms = CHEK_CLIENT_TIMEOUT_MS_DEFAULT;
    }
    feeder->options.patience_ms =
        options->patience_ms != 0 ? options->patience_ms : PATIENCE_MS_DEFAULT;
    feeder->options.backoff_ms =
        options->backoff_ms != 0 ? options->backoff_ms : CLIENT_BACKOFF_MS_MIN;
    feeder->options.frame_size =
        options->frame_size != 0 ? options->frame_size : FRAME_SIZE_DEFAULT;
    if (feeder->options.frame_size > CHEK_FRAME_BODY_SIZE_MAX - FEEDER_SIZE_OVERHEAD) {
        feeder->options.frame_size = CHEK_FRAME_BODY_SIZE_MAX - FEEDER_SIZE_OVERHEAD;
    }
    feeder->frame_count = options->frame_count != 0 ? options->frame_count : FRAME_COUNT_DEFAULT;
    feeder->offset_next = options->offset;
    return CHEK_OK;
}

static bool
memory_take(struct chek_feeder *feeder)
{
    size_t count = FEEDER_DOCUMENT_COUNT_MAX;
    feeder->fill_capacity = CHEK_FRAME_BODY_SIZE_MAX;
    feeder->fill = chek_memory_allocate(feeder->fill_capacity);
    feeder->documents = chek_memory_allocate(count * sizeof *feeder->documents);
    feeder->document_sizes = chek_memory_allocate(count * sizeof *feeder->document_sizes);
    feeder->frames = chek_memory_allocate(feeder->frame_count * sizeof *feeder->frames);
    if (feeder->fill == NULL || feeder->documents == NULL || feeder->document_sizes == NULL ||
        feeder->frames == NULL || chek_arena_init(&feeder->arena, ARENA_SIZE) != CHEK_OK) {
        return false;
    }
    for (uint32_t i = 0; i < feeder->frame_count; i++) {
        struct client__frame *frame = &feeder->frames[i];
        frame->results = chek_memory_allocate(count * sizeof *frame->results);
        frame->judged = chek_memory_allocate(count * sizeof *frame->judged);
        if (frame->results == NULL || frame->judged == NULL) {
            return false;
        }
    }
    return true;
}

int
chek_feeder_open(const struct chek_feeder_options *options, struct chek_feeder **ret,
                 struct chek_failure *failure)
{
    struct chek_feeder *feeder = chek_memory_allocate(sizeof *feeder);
    if (feeder == NULL) {
        return client__fail(failure, -ENOMEM, NULL);
    }
    int error = options_copy(feeder, options);
    if (error == CHEK_OK && !memory_take(feeder)) {
        error = -ENOMEM;
    }
    if (error != CHEK_OK) {
        chek_feeder_close(feeder);
        return client__fail(failure, error, NULL);
    }
    feeder->backoff_ms = feeder->options.backoff_ms;
    feeder->progress_ms = client__now_ms();
    error = client__feeder_connect(feeder, failure);
    if (error != CHEK_OK) {
        chek_feeder_close(feeder);
        return error;
    }
    *ret = feeder;
    return CHEK_OK;
}

void
chek_feeder_close(struct chek_feeder *feeder)
{
    if (feeder == NULL) {
        return;
    }
    size_t count = FEEDER_DOCUMENT_COUNT_MAX;
    chek_client_close(feeder->client);
    for (uint32_t i = 0; feeder->frames != NULL && i < feeder->frame_count; i++) {
        struct client__frame *frame = &feeder->frames[i];
        chek_memory_free(frame->bytes, frame->capacity);
        chek_memory_free(frame->results, count * sizeof *frame->results);
        chek_memory_free(frame->judged, count * sizeof *frame->judged);
    }
    chek_arena_finish(&feeder->arena);
    chek_memory_free(feeder->frames, feeder->frame_count * sizeof *feeder->frames);
    chek_memory_free(feeder->documents, count * sizeof *feeder->documents);
    chek_memory_free(feeder->document_sizes, count * sizeof *feeder->document_sizes);
    chek_memory_free(feeder->fill, feeder->fill_capacity);
    client__forget(feeder->token, sizeof feeder->token);
    chek_memory_free(feeder, sizeof *feeder);
}

struct chek_feeder_counters
chek_feeder_count(const struct chek_feeder *feeder)
{
    return feeder->counters;
}

const struct chek_failure *
chek_feeder_failure(const struct chek_feeder *feeder)
{
    return &feeder->failure;
}
