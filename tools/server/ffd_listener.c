/* SPDX-License-Identifier: MIT */
/*
 * ffd_listener.c - connections of Russian registers: their buffers, their time, their end.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/memory.h"
#include "tools/server/ffd_connection.h"

#define CONNECTION_COUNT 16384
#define JOB_COUNT 128 /* documents at work at once: a quarter of what the shard can feed */
#define BUFFER_SIZE (SERVER_FFD_CARRY_SIZE + 4096)
#define TOUCHED_SIZE_MAX ((size_t)16 * 1024) /* more is given back with the connection */
#define IDLE_NS_MAX (UINT64_C(120) * 1000000000)
#define LOOK_NS UINT64_C(1000000000) /* how often deadlines are looked at */

_Static_assert(CHEK_FFD_ANSWER_SIZE_MAX <= BUFFER_SIZE - SERVER_FFD_CARRY_SIZE,
               "an answer is behind it");

/* ---- connections end -------------------------------------------------------------------------- */

void
server__ffd_close(struct ffd_connection *connection)
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
    struct ffd_connection *connection = CHEK_CONTAINER_OF(stream, struct ffd_connection, stream);
    struct server__ffd *ffd = connection->ffd;
    if (connection->job != NULL) {
        connection->job->connection = NULL;
        connection->job = NULL;
    }
    if (connection->touched_size > TOUCHED_SIZE_MAX) {
        chek_memory_discard(connection->carry, BUFFER_SIZE);
    }
    chek_list_remove(&connection->link);
    chek_list_add(ffd->free.next, &connection->link);
    ffd->counters.connection_open_count -= 1;
}

void
server__ffd_touch(struct ffd_connection *connection)
{
    struct server__ffd *ffd = connection->ffd;
    connection->active_ns = chek_io_now_ns(ffd->shard->io);
    chek_list_remove(&connection->link);
    chek_list_add(&ffd->open, &connection->link);
}

/* ---- streams ---------------------------------------------------------------------------------- */

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    struct ffd_connection *connection = CHEK_CONTAINER_OF(stream, struct ffd_connection, stream);
    if (error != CHEK_OK || size > SERVER_FFD_CARRY_SIZE - connection->carry_size) {
        server__ffd_close(connection); /* broken, or it sends without waiting for any answer */
        return;
    }
    if (size == 0) {
        connection->ended = true;
        server__ffd_run(connection);
        return;
    }
    memcpy(connection->carry + connection->carry_size, bytes, size);
    connection->carry_size += size;
    if (connection->carry_size > connection->touched_size) {
        connection->touched_size = connection->carry_size;
    }
    server__ffd_run(connection);
    if (!connection->closing && !connection->paused &&
        connection->carry_size >= CHEK_FFD_MESSAGE_SIZE_MAX) {
        connection->paused = true;
        chek_stream_pause(stream);
    }
}

static void
on_sent(struct chek_stream *stream, int error)
{
    struct ffd_connection *connection = CHEK_CONTAINER_OF(stream, struct ffd_connection, stream);
    connection->sending = false;
    if (error != CHEK_OK) {
        server__ffd_close(connection);
        return;
    }
    server__ffd_touch(connection);
    server__ffd_run(connection);
    if (connection->paused && !connection->closing &&
        connection->carry_size < CHEK_FFD_MESSAGE_SIZE_MAX) {
        connection->paused = false;
        chek_stream_resume(stream);
    }
}

static void
on_look(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result; /* it woke the loop; the turn looks */
}

static void
look_again(struct server__ffd *ffd)
{
    if (!ffd->look_op.in_flight && !chek_list_is_empty(&ffd->open)) {
        ffd->look_op.on_done = on_look;
        chek_io_timer(ffd->shard->io, &ffd->look_op, chek_io_now_ns(ffd->shard->io) + LOOK_NS);
    }
}

static void
on_accept(struct chek_listener *listener, int socket)
{
    struct server__ffd *ffd = CHEK_CONTAINER_OF(listener, struct server__ffd, listener);
    if (socket < 0) {
        return;
    }
    if (chek_list_is_empty(&ffd->free)) {
        chek_io_refuse(ffd->shard->io, socket);
        return;
    }
    struct ffd_connection *connection =
        CHEK_CONTAINER_OF(ffd->free.next, struct ffd_connection, link);
    if (!connection->committed) {
        if (chek_memory_commit(connection->carry, BUFFER_SIZE) != CHEK_OK) {
            chek_io_refuse(ffd->shard->io, socket);
            return;
        }
        connection->committed = true;
    }
    connection->carry_size = connection->touched_size = connection->message_size = 0;
    connection->sending = connection->ended = connection->paused = connection->closing = false;
    connection->registered = false;
    connection->stream =
        (struct chek_stream){.on_receive = on_receive, .on_sent = on_sent, .on_closed = on_closed};
    ffd->counters.connection_count += 1;
    ffd->counters.connection_open_count += 1;
    server__ffd_touch(connection);
    chek_stream_start(ffd->shard->io, &connection->stream, socket);
    look_again(ffd);
}

/* ---- the listener ----------------------------------------------------------------------------- */

static int
pools_init(struct server__ffd *ffd)
{
    ffd->connections = chek_memory_allocate(CONNECTION_COUNT * sizeof *ffd->connections);
    ffd->jobs = chek_memory_allocate(JOB_COUNT * sizeof *ffd->jobs);
    ffd->memory = chek_memory_reserve(CONNECTION_COUNT * BUFFER_SIZE);
    if (ffd->connections == NULL || ffd->jobs == NULL || ffd->memory == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < CONNECTION_COUNT; i++) {
        struct ffd_connection *connection = &ffd->connections[i];
        connection->ffd = ffd;
        connection->carry = ffd->memory + i * BUFFER_SIZE;
        chek_list_init(&connection->wait_link);
        chek_list_add(&ffd->free, &connection->link);
    }
    for (size_t i = 0; i < JOB_COUNT; i++) {
        ffd->jobs[i].ffd = ffd;
        ffd->jobs[i].inside.on_done = server__ffd_fed;
        chek_list_add(&ffd->jobs_free, &ffd->jobs[i].link);
    }
    return chek_ffd_maker_create(&ffd->maker);
}

int
server__ffd_open(struct server__shard *shard, const char *address, uint16_t *ret_port,
                 struct server__ffd **ret)
{
    struct server__ffd *ffd = chek_memory_allocate(sizeof *ffd);
    if (ffd == NULL) {
        return -ENOMEM;
    }
    const char *inn = server__config(shard->server)->ffd_inn;
    ffd->shard = shard;
    ffd->operator_inn = chek_bytes_view_text(inn != NULL ? inn : "");
    chek_list_init(&ffd->free);
    chek_list_init(&ffd->open);
    chek_list_init(&ffd->waiting);
    chek_list_init(&ffd->jobs_free);
    int error = pools_init(ffd);
    if (error == CHEK_OK) {
        ffd->listener.on_accept = on_accept;
        error = chek_io_listen(shard->io, &ffd->listener, address);
    }
    if (error != CHEK_OK) {
        server__ffd_free(ffd);
        return error;
    }
    *ret_port = ffd->listener.port;
    *ret = ffd;
    return CHEK_OK;
}

/* Begin what waited, in order, until one has to wait again. */
static void
waiting_run(struct server__ffd *ffd)
{
    while (!chek_list_is_empty(&ffd->waiting) && !chek_list_is_empty(&ffd->jobs_free)) {
        struct ffd_connection *connection =
            CHEK_CONTAINER_OF(ffd->waiting.next, struct ffd_connection, wait_link);
        chek_list_remove(&connection->wait_link);
        server__ffd_run(connection);
        if (!chek_list_is_empty(&connection->wait_link)) {
            chek_list_remove(&connection->wait_link);
            chek_list_add(ffd->waiting.next, &connection->wait_link);
            return;
        }
    }
}

void
server__ffd_turn(struct server__ffd *ffd, uint64_t now_ns)
{
    waiting_run(ffd);
    uint64_t idle_ns_max = ffd->stopping ? SERVER_DRAIN_NS_MAX : IDLE_NS_MAX;
    for (struct chek_list *at = ffd->open.next; at != &ffd->open;) {
        struct ffd_connection *connection = CHEK_CONTAINER_OF(at, struct ffd_connection, link);
        at = at->next;
        if (now_ns < connection->active_ns + idle_ns_max) {
            break;
        }
        if (connection->message_size == 0 && !connection->closing) {
            ffd->counters.timeout_count += 1;
            server__ffd_close(connection);
        }
    }
    look_again(ffd);
}

void
server__ffd_stop(struct server__ffd *ffd)
{
    ffd->stopping = true;
    chek_io_listen_stop(ffd->shard->io, &ffd->listener);
    for (struct chek_list *at = ffd->open.next; at != &ffd->open;) {
        struct ffd_connection *connection = CHEK_CONTAINER_OF(at, struct ffd_connection, link);
        at = at->next;
        server__ffd_run(connection); /* what came whole is answered; else it is closed */
    }
}

bool
server__ffd_is_idle(const struct server__ffd *ffd)
{
    return chek_list_is_empty(&ffd->open) && ffd->job_open_count == 0 && !ffd->look_op.in_flight;
}

void
server__ffd_free(struct server__ffd *ffd)
{
    if (ffd == NULL) {
        return;
    }
    chek_ffd_maker_destroy(ffd->maker);
    chek_memory_free(ffd->connections, CONNECTION_COUNT * sizeof *ffd->connections);
    chek_memory_free(ffd->jobs, JOB_COUNT * sizeof *ffd->jobs);
    if (ffd->memory != NULL) {
        chek_memory_release(ffd->memory, CONNECTION_COUNT * BUFFER_SIZE);
    }
    chek_memory_free(ffd, sizeof *ffd);
}

struct server__ffd_counters
server__ffd_count(const struct server__ffd *ffd)
{
    return ffd != NULL ? ffd->counters : (struct server__ffd_counters){0};
}
