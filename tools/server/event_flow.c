/* SPDX-License-Identifier: MIT */
/*
 * event_flow.c - events into the event log, and out of it to those who ask.
 *
 * A watch is one question for events. It carries a cursor (the last number seen of each partition)
 * from shard to shard; at each it takes what is new of that shard's partitions, as much as fits a
 * chunk, and comes home with it. After a round without anything new it ends, or, when it follows,
 * rests a moment and goes round again.
 */
#include "tools/server/event_flow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "tools/server/folder.h"

#define CHUNK_SIZE (128 * 1024)
#define CHUNK_EVENT_COUNT 1024
#define REST_NS UINT64_C(20000000)
#define EVENTS_A_COMMAND 4 /* made by one command at most */

/* ---- in --------------------------------------------------------------------------------------- */

void
server__on_event(void *context, uint16_t partition, uint64_t event_seq,
                 const struct chek_event *event)
{
    struct chek_server *server = context;
    struct server__folder *folder = server__folder(server);
    if (folder->event_logs != NULL) {
        chek_event_log_add(folder->event_logs[server__shard_of(server, partition)], partition,
                           event_seq, event);
    }
}

bool
server__events_have_room(const struct server__shard *shard)
{
    return chek_event_log_has_room(shard->events,
                                   (shard->ticket_count + 1) * (size_t)EVENTS_A_COMMAND);
}

void
server__events_turn(struct server__shard *shard)
{
    chek_event_log_turn(shard->events, chek_io_now_ns(shard->io));
}

/* ---- watches ---------------------------------------------------------------------------------- */

struct server__watch {
    struct chek_message message;
    struct chek_list link;
    struct chek_request *request; /* NULL when abandoned */
    struct server__shard *home;
    struct server__shard *host; /* the shard it is at */
    struct chek_event_read read;
    struct chek_op rest_op;
    uint64_t *cursor; /* partition_count + 1: the last number seen */
    uint32_t principal;
    uint16_t partition_only; /* + 1; 0 = all */
    uint16_t partition;      /* where it is at this shard */
    uint16_t at;             /* the shard to ask next */
    uint16_t idle_count;     /* shards in a row that had nothing */
    bool follow, under_way, resting, ready, told_idle;
    int error;
    uint8_t *chunk; /* encoded `event_entry` records, one after another */
    size_t chunk_size;
    uint32_t chunk_count;
};

int
server__watches_init(struct server__shard *shard)
{
    size_t cursor_size = (chek_server_partition_count(shard->server) + 1u) * sizeof(uint64_t);
    size_t stride = (CHUNK_SIZE + cursor_size + 63) / 64 * 64;
    chek_list_init(&shard->watches_free);
    shard->watches = chek_memory_allocate(SERVER_WATCH_COUNT * sizeof *shard->watches);
    shard->watch_memory = chek_memory_allocate(SERVER_WATCH_COUNT * stride);
    shard->watch_memory_size = SERVER_WATCH_COUNT * stride;
    if (shard->watches == NULL || shard->watch_memory == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < SERVER_WATCH_COUNT; i++) {
        shard->watches[i].chunk = shard->watch_memory + i * stride;
        shard->watches[i].cursor = (void *)(shard->watch_memory + i * stride + CHUNK_SIZE);
        chek_list_add(&shard->watches_free, &shard->watches[i].link);
    }
    return CHEK_OK;
}

void
server__watches_finish(struct server__shard *shard)
{
    chek_memory_free(shard->watches, SERVER_WATCH_COUNT * sizeof *shard->watches);
    chek_memory_free(shard->watch_memory, shard->watch_memory_size);
}

/* ---- cursors ----------------------------------------------------------------------------------
 *
 * "<partition>:<number>,..." in hexadecimal, partitions without events left out. What a client has
 * added behind it (PROTOCOL.md, ask_events) may name a partition again: the last number counts. */

static int
hex_read(struct chek_bytes_view text, size_t *at, uint64_t *ret)
{
    uint64_t value = 0;
    size_t start = *at;
    for (; *at < text.size; *at += 1) {
        uint8_t byte = text.bytes[*at];
        uint8_t digit = byte >= '0' && byte <= '9'   ? (uint8_t)(byte - '0')
                        : byte >= 'a' && byte <= 'f' ? (uint8_t)(byte - 'a' + 10)
                                                     : 16;
        if (digit == 16) {
            break;
        }
        if (value >> 60 != 0) {
            return CHEK_E_OVERFLOW;
        }
        value = value << 4 | digit;
    }
    *ret = value;
    return *at != start ? CHEK_OK : CHEK_E_NUMBER;
}

static int
cursor_read(struct server__watch *watch, struct chek_bytes_view text, unsigned partition_count)
{
    size_t at = 0;
    memset(watch->cursor, 0, (partition_count + 1) * sizeof *watch->cursor);
    if (text.size != 0 && text.bytes[0] == '0' && (text.size == 1 || text.bytes[1] == ',')) {
        at = text.size == 1 ? 1 : 2; /* from the start */
    }
    while (at < text.size) {
        uint64_t partition;
        uint64_t seq;
        int error = hex_read(text, &at, &partition);
        if (error != CHEK_OK || partition > partition_count || at >= text.size ||
            text.bytes[at++] != ':') {
            return CHEK_E_RANGE;
        }
        error = hex_read(text, &at, &seq);
        if (error != CHEK_OK || (at < text.size && text.bytes[at++] != ',')) {
            return CHEK_E_RANGE;
        }
        watch->cursor[partition] = seq;
    }
    return CHEK_OK;
}

static size_t
cursor_write(const struct server__watch *watch, unsigned partition_count, char *text, size_t size)
{
    size_t at = 0;
    for (unsigned i = 0; i <= partition_count; i++) {
        if (watch->cursor[i] != 0) {
            at += (size_t)snprintf(text + at, size - at, "%s%x:%llx", at != 0 ? "," : "", i,
                                   (unsigned long long)watch->cursor[i]);
            CHEK_ASSERT(at < size);
        }
    }
    if (at == 0) {
        text[at++] = '0';
    }
    return at;
}

/* ---- at a shard ------------------------------------------------------------------------------- */

static void watch_look(struct server__watch *watch);

static void
watch_home(struct server__watch *watch)
{
    server__post(watch->host, watch->home->index, SERVER_WATCHED, &watch->message);
}

/* Whether the asker may see what this event is about. */
static bool
is_seen(const struct server__watch *watch, const struct chek_event *event)
{
    return event->registration == 0 || chek_directory_sees(server__directory(watch->host),
                                                           watch->principal, event->registration);
}

/* Take one entry into the chunk. False when it does not fit. */
static bool
entry_take(struct server__watch *watch, struct chek_bytes_view bytes, uint64_t seq, int *ret_error)
{
    struct chek_event event;
    struct chek_fault fault;
    *ret_error = chek_event_decode_whole(bytes.bytes, bytes.size, NULL, &event, &fault);
    if (*ret_error != CHEK_OK) {
        *ret_error = CHEK_E_CORRUPT;
        return false;
    }
    if (is_seen(watch, &event)) {
        struct chek_event_entry entry = {
            .partition = watch->partition, .seq = seq, .event = &event};
        struct chek_writer out =
            chek_writer_over(watch->chunk + watch->chunk_size, CHUNK_SIZE - watch->chunk_size);
        chek_event_entry_encode(&out, &entry);
        if (out.full || watch->chunk_count == CHUNK_EVENT_COUNT) {
            return false;
        }
        watch->chunk_size += out.size;
        watch->chunk_count += 1;
    }
    watch->cursor[watch->partition] = seq;
    return true;
}

static void
on_read(struct chek_event_read *read, int error, struct chek_bytes_view body, uint64_t seq,
        uint32_t count)
{
    struct server__watch *watch = CHEK_CONTAINER_OF(read, struct server__watch, read);
    struct chek_cursor in = chek_cursor_over(body.bytes, body.size);

    for (uint32_t i = 0; error == CHEK_OK && i < count; i++) {
        struct chek_bytes_view entry = chek_cursor_view(&in, chek_cursor_u16(&in));
        if (in.error != CHEK_OK) {
            error = CHEK_E_CORRUPT;
        } else if (!entry_take(watch, entry, seq + i, &error)) {
            break;
        }
    }
    watch->error = error;
    if (error != CHEK_OK || watch->chunk_size > CHUNK_SIZE / 2 ||
        watch->chunk_count > CHUNK_EVENT_COUNT / 2) {
        watch_home(watch);
        return;
    }
    if (count == 0) {
        watch->partition += 1;
    }
    watch_look(watch);
}

/* Find the next partition of this shard that has something new, and read it. */
static void
watch_look(struct server__watch *watch)
{
    struct server__shard *shard = watch->host;
    unsigned partition_count = chek_server_partition_count(shard->server);
    for (; watch->partition <= partition_count; watch->partition += 1) {
        uint16_t partition = watch->partition;
        if (shard->grounds[partition] == NULL ||
            (watch->partition_only != 0 && watch->partition_only - 1u != partition) ||
            chek_event_log_last(shard->events, partition) <= watch->cursor[partition]) {
            continue;
        }
        chek_event_log_read(shard->events, partition, watch->cursor[partition] + 1, &watch->read);
        return;
    }
    watch_home(watch);
}

/* ---- at home ---------------------------------------------------------------------------------- */

static void
watch_give(struct server__watch *watch)
{
    watch->request = NULL;
    chek_list_add(&watch->home->watches_free, &watch->link);
}

static void
watch_go(struct server__watch *watch)
{
    watch->under_way = true;
    watch->ready = false;
    watch->chunk_size = 0;
    watch->chunk_count = 0;
    watch->error = CHEK_OK;
    server__post(watch->home, watch->at, SERVER_WATCH, &watch->message);
}

static void
on_rested(struct chek_op *op, int64_t result)
{
    struct server__watch *watch = CHEK_CONTAINER_OF(op, struct server__watch, rest_op);
    (void)result;
    watch->resting = false;
    if (watch->request == NULL) {
        watch_give(watch);
    } else {
        watch_go(watch);
    }
}

static void
watch_rest(struct server__watch *watch)
{
    struct chek_io *io = watch->home->io;
    watch->resting = true;
    watch->rest_op.on_done = on_rested;
    chek_io_timer(io, &watch->rest_op, chek_io_now_ns(io) + REST_NS);
}

/* The entries of the chunk, decoded again: they go into one record with the cursor behind them. */
static struct chek_event_entry *
entries_read(const struct server__watch *watch, struct chek_arena *arena)
{
    struct chek_cursor in = chek_cursor_over(watch->chunk, watch->chunk_size);
    struct chek_event_entry *entries =
        chek_arena_take(arena, (watch->chunk_count + 1) * sizeof *entries);
    CHEK_ASSERT(entries != NULL);
    for (uint32_t i = 0; i < watch->chunk_count; i++) {
        struct chek_fault fault;
        int error = chek_event_entry_decode(&in, arena, &entries[i], &fault);
        CHEK_ASSERT(error == CHEK_OK); /* the owner encoded it */
    }
    return entries;
}

/* Send what is in the chunk. False: no room now. */
static bool
answer_try(struct server__watch *watch, bool idle, bool last)
{
    unsigned partition_count = chek_server_partition_count(watch->home->server);
    struct chek_arena *arena = chek_request_arena(watch->request);
    size_t cursor_size_max = (partition_count + 1u) * 24 + 2;
    size_t mark = chek_arena_mark(arena);
    struct chek_writer out =
        chek_request_answer_begin(watch->request, watch->chunk_size + cursor_size_max + 32);
    if (out.full) {
        return false;
    }
    char *cursor = chek_arena_take(arena, cursor_size_max);
    CHEK_ASSERT(cursor != NULL);
    struct chek_events events = {
        .events = entries_read(watch, arena), .events_count = watch->chunk_count, .idle = idle};
    events.cursor =
        chek_bytes_view_of(cursor, cursor_write(watch, partition_count, cursor, cursor_size_max));
    chek_events_encode(&out, &events);
    CHEK_ASSERT(!out.full);
    chek_arena_rewind(arena, mark);
    struct chek_request *request = watch->request;
    if (last) {
        watch_give(watch);
    }
    chek_request_answer_end(request, &out, last);
    return true;
}

/* What came home is sent; then it goes on, rests or ends. */
static void
watch_continue(struct server__watch *watch)
{
    bool round_over = watch->idle_count >= server__shard_count(watch->home->server);
    if (round_over && !watch->follow) {
        watch->ready = !answer_try(watch, true, true);
        return;
    }
    if (watch->chunk_count != 0 || (round_over && !watch->told_idle)) {
        if (!answer_try(watch, round_over, false)) {
            watch->ready = true;
            return;
        }
        watch->told_idle = round_over;
    }
    if (round_over) {
        watch->idle_count = 0;
        watch_rest(watch);
    } else {
        watch_go(watch);
    }
}

static void
watch_back(struct server__watch *watch)
{
    watch->under_way = false;
    if (watch->request == NULL) {
        watch_give(watch);
        return;
    }
    if (watch->error != CHEK_OK) {
        struct chek_request *request = watch->request;
        int error = watch->error;
        watch_give(watch);
        chek_request_refuse(request, error, NULL, NULL);
        return;
    }
    if (watch->chunk_count != 0) {
        watch->idle_count = 0;
    } else {
        watch->idle_count += 1;
        watch->at = (uint16_t)((watch->at + 1u) % server__shard_count(watch->home->server));
    }
    watch_continue(watch);
}

void
server__watch_message(struct server__shard *shard, struct chek_message *message)
{
    struct server__watch *watch = message->payload;
    if (message->kind == SERVER_WATCHED) {
        watch_back(watch);
        return;
    }
    watch->host = shard;
    watch->partition = 0;
    watch->read.on_read = on_read;
    watch_look(watch);
}

void
server__watches_stop(struct server__shard *shard)
{
    for (size_t i = 0; i < SERVER_WATCH_COUNT; i++) {
        shard->watches[i].follow = false; /* it ends when it has shown what there is */
    }
}

/* ---- handlers --------------------------------------------------------------------------------- */

void
server__ask_events(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct chek_ask_events question;
    struct chek_fault fault = {0};

    int error = chek_ask_events_decode_whole(body.bytes, body.size, chek_request_arena(request),
                                             &question, &fault);
    if (error == CHEK_OK && chek_list_is_empty(&shard->watches_free)) {
        error = CHEK_E_BUSY;
    }
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, &fault, NULL);
        return;
    }
    struct server__watch *watch =
        CHEK_CONTAINER_OF(shard->watches_free.next, struct server__watch, link);
    error = cursor_read(watch, question.cursor, chek_server_partition_count(shard->server));
    if (error != CHEK_OK) {
        fault = (struct chek_fault){.field = CHEK_FIELD_ASK_EVENTS_CURSOR};
        chek_request_refuse(request, error, &fault, NULL);
        return;
    }
    chek_list_remove(&watch->link);
    watch->message = (struct chek_message){.payload = watch};
    watch->request = request;
    watch->home = shard;
    watch->principal = chek_request_principal(request);
    watch->partition_only = (uint16_t)question.partition;
    watch->follow = question.follow;
    watch->at = watch->idle_count = 0;
    watch->resting = watch->ready = watch->told_idle = false;
    memcpy(chek_request_state(request), &watch, sizeof(struct server__watch *));
    watch_go(watch);
}

static struct server__watch *
watch_of(struct chek_request *request)
{
    struct server__watch *watch;
    memcpy(&watch, chek_request_state(request), sizeof watch);
    return watch;
}

void
server__events_on_abandon(void *context, struct chek_request *request)
{
    struct server__watch *watch = watch_of(request);
    (void)context;
    watch->request = NULL;
    if (!watch->under_way && !watch->resting) {
        watch_give(watch);
    }
}

void
server__events_on_room(void *context, struct chek_request *request)
{
    struct server__watch *watch = watch_of(request);
    (void)context;
    if (watch->ready) {
        watch->ready = false;
        watch_continue(watch);
    }
}
