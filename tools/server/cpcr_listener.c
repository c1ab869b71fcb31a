/* SPDX-License-Identifier: MIT */
/*
 * cpcr_listener.c - connections of Kazakh registers.
 *
 * A connection has one request at work; what follows waits in its buffer, so answers come in the
 * order of the requests. Where no job is free the connection waits for one, and its peer for room.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/decimal.h"
#include "engine/base/memory.h"
#include "tools/server/kkm.h"

#define CONNECTION_COUNT 16384
/* A frame, and what may arrive after reading was paused. */
#define CARRY_SIZE ((size_t)2 * CHEK_CPCR_FRAME_SIZE_MAX)
#define BUFFER_SIZE (CARRY_SIZE + CHEK_CPCR_ANSWER_SIZE_MAX)
#define TOUCHED_SIZE_MAX ((size_t)16 * 1024) /* more is given back with the connection */
#define IDLE_NS_MAX (UINT64_C(120) * 1000000000)
#define LOOK_NS UINT64_C(1000000000) /* how often deadlines are looked at */

struct server__cpcr_connection {
    struct chek_stream stream;
    struct server__cpcr *cpcr;
    struct chek_list link; /* free, or open: the one that was active longest ago first */
    struct chek_list wait_link;
    struct server__job *job; /* at work */
    uint8_t *carry;          /* CARRY_SIZE, then the answer's bytes */
    size_t carry_size, touched_size;
    uint64_t active_ns;
    bool committed;
    bool sending, ended, paused, closing;
};

struct server__cpcr {
    struct chek_listener listener;
    struct server__shard *shard;
    struct server__cpcr_connection *connections;
    uint8_t *memory;
    struct chek_list free, open, waiting;
    struct chek_op look_op;
    bool stopping;
    struct server__cpcr_counters counters;
};

/* ---- connections end -------------------------------------------------------------------------- */

static void
connection_close(struct server__cpcr_connection *connection)
{
    if (!connection->closing) {
        connection->closing = true;
        chek_list_remove(&connection->wait_link);
        chek_stream_close(&connection->stream);
    }
}

static void
on_closed(struct chek_stream *stream)
{
    struct server__cpcr_connection *connection =
        CHEK_CONTAINER_OF(stream, struct server__cpcr_connection, stream);
    struct server__cpcr *cpcr = connection->cpcr;
    if (connection->job != NULL) {
        connection->job->connection = NULL;
        connection->job = NULL;
    }
    if (connection->touched_size > TOUCHED_SIZE_MAX) {
        chek_memory_discard(connection->carry, BUFFER_SIZE);
    }
    chek_list_remove(&connection->link);
    chek_list_add(cpcr->free.next, &connection->link);
    cpcr->counters.connection_open_count -= 1;
}

static void
connection_touch(struct server__cpcr_connection *connection)
{
    struct server__cpcr *cpcr = connection->cpcr;
    connection->active_ns =
        cpcr->shard->steps.begin_ns; /* now, without another look at the clock */
    chek_list_remove(&connection->link);
    chek_list_add(&cpcr->open, &connection->link);
}

/* ---- requests --------------------------------------------------------------------------------- */

/* Where the register of a device lives; nowhere when it is not known. */
static void
job_address(struct server__shard *shard, uint32_t device, struct server__job *job)
{
    const struct chek_directory *directory = server__directory(shard);
    struct chek_home home;
    uint32_t registration;
    char text[CHEK_DECIMAL_TEXT_MAX];
    struct chek_bytes_view key = chek_bytes_view_of(text, chek_decimal_write_u64(device, 1, text));
    if (chek_directory_find_key(directory, CHEK_KEY_KIND_DEVICE, key, &registration) == CHEK_OK &&
        chek_directory_home(directory, registration, &home) == CHEK_OK) {
        job->registration = registration;
        job->partition = home.partition;
    }
}

/* Make a job of a frame. NULL: none is free; the connection waits for one. */
static struct server__job *
frame_take(struct server__cpcr_connection *connection, const struct chek_cpcr_head *head,
           const uint8_t *bytes)
{
    struct server__cpcr *cpcr = connection->cpcr;
    struct server__job *job = server__job_take(cpcr->shard, SERVER_JOB_EXCHANGE);
    if (job == NULL) {
        chek_list_remove(&connection->wait_link);
        chek_list_add(&cpcr->waiting, &connection->wait_link);
        return NULL;
    }
    memcpy(job->frame, bytes, head->size);
    job->frame_size = head->size;
    job->connection = connection;
    connection->job = job;
    cpcr->counters.request_count += 1;
    job_address(cpcr->shard, head->device, job);
    return job;
}

/* Take the first whole frame out of the buffer, if there is one and somebody to do it. */
static void
connection_run(struct server__cpcr_connection *connection)
{
    struct server__cpcr *cpcr = connection->cpcr;
    struct chek_cpcr_head head;
    if (connection->job != NULL || connection->sending || connection->closing) {
        return;
    }
    int error =
        chek_cpcr_head_read(chek_bytes_view_of(connection->carry, connection->carry_size), &head);
    if (error == CHEK_E_SHORT || (error == CHEK_OK && connection->carry_size < head.size)) {
        if (connection->ended || cpcr->stopping) {
            connection_close(connection);
        }
        return;
    }
    if (error != CHEK_OK) { /* R2: where a frame begins is not known any more */
        cpcr->counters.frame_error_count += 1;
        connection_close(connection);
        return;
    }
    struct server__job *job = frame_take(connection, &head, connection->carry);
    if (job != NULL) {
        connection->carry_size -= head.size;
        memmove(connection->carry, connection->carry + head.size, connection->carry_size);
        server__job_submit(cpcr->shard, job);
    }
}

/* Take what a frame as a rule is, all that came at once, past the buffer. Returns its size, or 0. */
static size_t
connection_run_past(struct server__cpcr_connection *connection, const uint8_t *bytes, size_t size)
{
    struct chek_cpcr_head head;
    if (connection->job != NULL || connection->sending || connection->carry_size != 0 ||
        chek_cpcr_head_read(chek_bytes_view_of(bytes, size), &head) != CHEK_OK ||
        size < head.size) {
        return 0;
    }
    struct server__job *job = frame_take(connection, &head, bytes);
    if (job == NULL) {
        return 0;
    }
    server__job_submit(connection->cpcr->shard, job);
    return head.size;
}

void
server__cpcr_answered(struct server__cpcr *cpcr, struct server__job *job)
{
    struct server__cpcr_connection *connection = job->connection;
    cpcr->counters.refusal_count += job->exchange.fault.code != CHEK_CPCR_OK;
    if (connection == NULL) {
        return;
    }
    connection->job = NULL;
    if (connection->closing) {
        return;
    }
    uint8_t *answer = connection->carry + CARRY_SIZE;
    memcpy(answer, job->answer, job->answer_size);
    if (job->answer_size > connection->touched_size) {
        connection->touched_size = job->answer_size;
    }
    connection->sending = true;
    connection_touch(connection); /* it has its time to take the answer from here on */
    chek_stream_send(&connection->stream, answer, job->answer_size);
}

/* ---- streams ---------------------------------------------------------------------------------- */

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    struct server__cpcr_connection *connection =
        CHEK_CONTAINER_OF(stream, struct server__cpcr_connection, stream);
    if (error != CHEK_OK || size > CARRY_SIZE - connection->carry_size) {
        connection_close(connection); /* broken, or it sends without waiting for any answer */
        return;
    }
    if (size == 0) {
        connection->ended = true;
        connection_run(connection);
        return;
    }
    connection_touch(connection);
    size_t done_size = connection_run_past(connection, bytes, size);
    if (done_size == size) {
        return;
    }
    memcpy(connection->carry + connection->carry_size, bytes + done_size, size - done_size);
    connection->carry_size += size - done_size;
    if (connection->carry_size > connection->touched_size) {
        connection->touched_size = connection->carry_size;
    }
    connection_run(connection);
    if (!connection->closing && connection->carry_size >= CHEK_CPCR_FRAME_SIZE_MAX) {
        connection->paused = true;
        chek_stream_pause(stream);
    }
}

static void
on_sent(struct chek_stream *stream, int error)
{
    struct server__cpcr_connection *connection =
        CHEK_CONTAINER_OF(stream, struct server__cpcr_connection, stream);
    connection->sending = false;
    if (error != CHEK_OK) {
        connection_close(connection);
        return;
    }
    connection_touch(connection);
    connection_run(connection);
    if (connection->paused && !connection->closing &&
        connection->carry_size < CHEK_CPCR_FRAME_SIZE_MAX) {
        connection->paused = false;
        chek_stream_resume(stream);
    }
}

static void look_again(struct server__cpcr *cpcr);

static void
on_look(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result; /* it woke the loop; the turn looks */
}

static void
look_again(struct server__cpcr *cpcr)
{
    if (!cpcr->look_op.in_flight && !chek_list_is_empty(&cpcr->open)) {
        cpcr->look_op.on_done = on_look;
        chek_io_timer(cpcr->shard->io, &cpcr->look_op, chek_io_now_ns(cpcr->shard->io) + LOOK_NS);
    }
}

static void
on_accept(struct chek_listener *listener, int socket)
{
    struct server__cpcr *cpcr = CHEK_CONTAINER_OF(listener, struct server__cpcr, listener);
    if (socket < 0) {
        return;
    }
    if (chek_list_is_empty(&cpcr->free)) {
        chek_io_refuse(cpcr->shard->io, socket);
        return;
    }
    struct server__cpcr_connection *connection =
        CHEK_CONTAINER_OF(cpcr->free.next, struct server__cpcr_connection, link);
    if (!connection->committed) {
        if (chek_memory_commit(connection->carry, BUFFER_SIZE) != CHEK_OK) {
            chek_io_refuse(cpcr->shard->io, socket);
            return;
        }
        connection->committed = true;
    }
    connection->carry_size = connection->touched_size = 0;
    connection->sending = connection->ended = connection->paused = connection->closing = false;
    connection->stream =
        (struct chek_stream){.on_receive = on_receive, .on_sent = on_sent, .on_closed = on_closed};
    cpcr->counters.connection_count += 1;
    cpcr->counters.connection_open_count += 1;
    connection_touch(connection);
    chek_stream_start(cpcr->shard->io, &connection->stream, socket);
    look_again(cpcr);
}

/* ---- the listener ----------------------------------------------------------------------------- */

int
server__cpcr_open(struct server__shard *shard, const char *address, uint16_t *ret_port,
                  struct server__cpcr **ret)
{
    struct server__cpcr *cpcr = chek_memory_allocate(sizeof *cpcr);
    if (cpcr == NULL) {
        return -ENOMEM;
    }
    cpcr->shard = shard;
    chek_list_init(&cpcr->free);
    chek_list_init(&cpcr->open);
    chek_list_init(&cpcr->waiting);
    cpcr->connections = chek_memory_allocate(CONNECTION_COUNT * sizeof *cpcr->connections);
    cpcr->memory = chek_memory_reserve(CONNECTION_COUNT * BUFFER_SIZE);
    int error = cpcr->connections != NULL && cpcr->memory != NULL ? CHEK_OK : -ENOMEM;
    for (size_t i = 0; error == CHEK_OK && i < CONNECTION_COUNT; i++) {
        struct server__cpcr_connection *connection = &cpcr->connections[i];
        connection->cpcr = cpcr;
        connection->carry = cpcr->memory + i * BUFFER_SIZE;
        chek_list_init(&connection->wait_link);
        chek_list_add(&cpcr->free, &connection->link);
    }
    if (error == CHEK_OK) {
        cpcr->listener.on_accept = on_accept;
        error = chek_io_listen(shard->io, &cpcr->listener, address);
    }
    if (error != CHEK_OK) {
        server__cpcr_free(cpcr);
        return error;
    }
    *ret_port = cpcr->listener.port;
    *ret = cpcr;
    return CHEK_OK;
}

void
server__cpcr_turn(struct server__cpcr *cpcr, uint64_t now_ns)
{
    while (!chek_list_is_empty(&cpcr->waiting) && !chek_list_is_empty(&cpcr->shard->jobs_free)) {
        struct server__cpcr_connection *connection =
            CHEK_CONTAINER_OF(cpcr->waiting.next, struct server__cpcr_connection, wait_link);
        chek_list_remove(&connection->wait_link);
        connection_run(connection);
    }
    uint64_t idle_ns_max = cpcr->stopping ? SERVER_DRAIN_NS_MAX : IDLE_NS_MAX;
    for (struct chek_list *at = cpcr->open.next; at != &cpcr->open;) {
        struct server__cpcr_connection *connection =
            CHEK_CONTAINER_OF(at, struct server__cpcr_connection, link);
        at = at->next;
        if (now_ns < connection->active_ns + idle_ns_max) {
            break;
        }
        if (connection->job == NULL && !connection->closing) {
            cpcr->counters.timeout_count += 1;
            connection_close(connection);
        }
    }
    look_again(cpcr);
}

void
server__cpcr_stop(struct server__cpcr *cpcr)
{
    cpcr->stopping = true;
    chek_io_listen_stop(cpcr->shard->io, &cpcr->listener);
    for (struct chek_list *at = cpcr->open.next; at != &cpcr->open;) {
        struct server__cpcr_connection *connection =
            CHEK_CONTAINER_OF(at, struct server__cpcr_connection, link);
        at = at->next;
        connection_run(connection); /* what came whole is answered; else it is closed */
    }
}

bool
server__cpcr_is_idle(const struct server__cpcr *cpcr)
{
    return chek_list_is_empty(&cpcr->open) && !cpcr->look_op.in_flight;
}

void
server__cpcr_free(struct server__cpcr *cpcr)
{
    if (cpcr == NULL) {
        return;
    }
    chek_memory_free(cpcr->connections, CONNECTION_COUNT * sizeof *cpcr->connections);
    if (cpcr->memory != NULL) {
        chek_memory_release(cpcr->memory, CONNECTION_COUNT * BUFFER_SIZE);
    }
    chek_memory_free(cpcr, sizeof *cpcr);
}

struct server__cpcr_counters
server__cpcr_count(const struct server__cpcr *cpcr)
{
    return cpcr != NULL ? cpcr->counters : (struct server__cpcr_counters){0};
}
