/* SPDX-License-Identifier: MIT */
/*
 * host.c - the pools of a shard's connections, listening, the turn, and the end.
 *
 * Connections, requests and buffers lie in reserved address space. What was never used is never
 * touched, and a free list is last in, first out, so that a quiet server stays small.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "engine/session/connection.h"

#define BLOCK_SIZE ((size_t)4096)
/* Below the size at which memory is asked for in huge pages: a buffer is rarely full. */
#define COMMIT_SIZE ((size_t)1024 * 1024)

static size_t
blocks(size_t size)
{
    return (size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
}

/* ---- create and destroy ----------------------------------------------------------------------- */

static void
sizes_set(struct chek_session_host *host)
{
    const struct chek_session_config *config = &host->config;
    size_t answer_size = CHEK_FRAME_HEAD_SIZE + CHEK_FRAME_ANSWER_SIZE_MAX;
    size_t reserve = (config->request_count_max + (size_t)2) * SESSION_REFUSAL_SIZE_MAX;

    if (answer_size < config->output_size) {
        answer_size = config->output_size;
    }
    host->arrays_size =
        blocks(config->request_count_max * (sizeof(uint64_t) + sizeof(struct chek_request *)));
    host->carry_size = blocks((size_t)CHEK_FRAME_HEAD_SIZE + CHEK_FRAME_BODY_SIZE_MAX +
                              config->credits + SESSION_LATE_SIZE);
    host->half_size = blocks(answer_size + reserve);
    host->stride = host->arrays_size + host->carry_size + 2 * host->half_size;
    host->connections_size = blocks(config->connection_count_max * sizeof(struct chek_connection));
    host->requests_size = blocks((size_t)config->connection_count_max * config->request_count_max *
                                 sizeof(struct chek_request));
    host->buffers_size = config->connection_count_max * host->stride;
    host->arena_size = SESSION_ARENA_SIZE;
}

static int
pool_make(size_t size, void **ret)
{
    *ret = chek_memory_reserve(size);
    return *ret == NULL ? -ENOMEM : chek_memory_commit(*ret, size);
}

static int
pools_make(struct chek_session_host *host)
{
    void *connections = NULL, *requests = NULL, *arena = NULL;

    sizes_set(host);
    int error = pool_make(host->connections_size, &connections);
    host->connections = connections;
    if (error == CHEK_OK) {
        error = pool_make(host->requests_size, &requests);
        host->requests = requests;
    }
    if (error == CHEK_OK) {
        error = pool_make(host->arena_size, &arena);
        chek_arena_init_over(&host->arena, arena, host->arena_size);
    }
    if (error == CHEK_OK) {
        host->buffers = chek_memory_reserve(host->buffers_size);
        error = host->buffers == NULL ? -ENOMEM : CHEK_OK;
    }
    return error;
}

static uint64_t
tick_of(const struct chek_session_config *config)
{
    uint64_t shortest = config->handshake_ns_max < config->frame_ns_max ? config->handshake_ns_max
                                                                        : config->frame_ns_max;
    return shortest / 8 + 1;
}

static void
on_wake(struct chek_op *op, int64_t result)
{
    struct chek_session_host *host = CHEK_CONTAINER_OF(op, struct chek_session_host, wake_op);
    struct chek_list now;

    if (result != CHEK_OK) {
        return;
    }
    /* Those that become ready again in here have their turn in the next pass of the loop. */
    chek_list_init(&now);
    if (!chek_list_is_empty(&host->ready)) {
        chek_list_add(&host->ready, &now);
        chek_list_remove(&host->ready);
    }
    while (!chek_list_is_empty(&now)) {
        struct chek_connection *connection =
            CHEK_CONTAINER_OF(now.next, struct chek_connection, ready_link);
        chek_list_remove(&connection->ready_link);
        session__requests_room(connection);
        session__frames_run(connection);
    }
}

static void
on_tick(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result; /* it woke the loop; the turn looks at the deadlines */
}

int
chek_session_host_create(struct chek_io *io, const struct chek_session_config *config,
                         const struct chek_handler_table *table, struct chek_session_host **ret)
{
    CHEK_ASSERT(config->connection_count_max > 0 && config->unauthenticated_count_max > 0);
    CHEK_ASSERT(config->request_count_max > 0 && config->credits > 0);
    CHEK_ASSERT(config->handshake_ns_max > 0 && config->frame_ns_max > 0);
    CHEK_ASSERT(config->drain_ns_max > 0 && config->drain_ns_max <= config->frame_ns_max);
    CHEK_ASSERT(table->on_hello != NULL);

    struct chek_session_host *host = chek_memory_allocate(sizeof *host);
    if (host == NULL) {
        return -ENOMEM;
    }
    struct chek_list *lists[] = {&host->open,  &host->free,    &host->handshakes, &host->frames,
                                 &host->sends, &host->outputs, &host->ready,      &host->failures};
    for (size_t i = 0; i < CHEK_COUNT(lists); i++) {
        chek_list_init(lists[i]);
    }
    host->io = io;
    host->config = *config;
    host->table = *table;
    host->wake_op.on_done = on_wake;
    host->tick_op.on_done = host->failure_op.on_done = on_tick;
    host->tick_ns = tick_of(config);
    if (config->server != NULL) {
        CHEK_ASSERT(strlen(config->server) < sizeof host->server);
        memcpy(host->server, config->server, strlen(config->server));
    }
    int error = pools_make(host);
    if (error != CHEK_OK) {
        chek_session_host_destroy(host);
        return error;
    }
    *ret = host;
    return CHEK_OK;
}

static void
pool_release(void *pool, size_t size)
{
    if (pool != NULL) {
        chek_memory_release(pool, size);
    }
}

void
chek_session_host_destroy(struct chek_session_host *host)
{
    if (host == NULL) {
        return;
    }
    pool_release(host->connections, host->connections_size);
    pool_release(host->requests, host->requests_size);
    pool_release(host->arena.bytes, host->arena_size);
    pool_release(host->buffers, host->buffers_size);
    chek_memory_free(host, sizeof *host);
}

void
chek_session_host_directory(struct chek_session_host *host, const struct chek_directory *directory)
{
    host->directory = directory;
}

struct chek_session_counters
chek_session_count(const struct chek_session_host *host)
{
    return host->counters;
}

/* ---- connections ------------------------------------------------------------------------------ */

/* Give a connection its arrays and buffers, once in its life. */
static bool
buffers_make(struct chek_session_host *host, struct chek_connection *connection)
{
    uint8_t *at = host->buffers + (size_t)(connection - host->connections) * host->stride;

    while (connection->committed_size < host->stride) {
        size_t left = host->stride - connection->committed_size;
        size_t size = left < COMMIT_SIZE ? left : COMMIT_SIZE;
        if (chek_memory_commit(at + connection->committed_size, size) != CHEK_OK) {
            return false; /* what is committed stays for the next try */
        }
        connection->committed_size += size;
    }
    connection->frame_ids = (void *)at;
    connection->requests = (void *)(connection->frame_ids + host->config.request_count_max);
    connection->carry = at + host->arrays_size;
    connection->halves[0] = connection->carry + host->carry_size;
    connection->halves[1] = connection->halves[0] + host->half_size;
    return true;
}

struct chek_connection *
session__connection_take(struct chek_session_host *host)
{
    struct chek_connection *connection;

    if (!chek_list_is_empty(&host->free)) {
        connection = CHEK_CONTAINER_OF(host->free.previous, struct chek_connection, open_link);
        chek_list_remove(&connection->open_link);
    } else if (host->connection_used_count < host->config.connection_count_max) {
        connection = &host->connections[host->connection_used_count];
        if (!buffers_make(host, connection)) {
            return NULL;
        }
        host->connection_used_count += 1;
    } else {
        return NULL;
    }
    connection->host = host;
    chek_list_add(&host->open, &connection->open_link);
    host->counters.connection_count += 1;
    host->counters.connection_open_count += 1;
    return connection;
}

void
session__connection_give(struct chek_connection *connection)
{
    struct chek_session_host *host = connection->host;

    CHEK_ASSERT(connection->state == SESSION_CLOSED && connection->request_count == 0);
    if (connection->is_touched) {
        chek_memory_discard(connection->carry, host->stride - host->arrays_size);
    }
    chek_list_remove(&connection->open_link);
    chek_list_add(&host->free, &connection->open_link);
    host->counters.connection_open_count -= 1;
}

/* ---- listening -------------------------------------------------------------------------------- */

static void
on_accept(struct chek_listener *listener, int socket)
{
    struct session__listener *own = CHEK_CONTAINER_OF(listener, struct session__listener, listener);
    struct chek_session_host *host = own->host;

    if (socket < 0) {
        return; /* accepting goes on by itself */
    }
    if (host->is_draining ||
        host->unauthenticated_count == host->config.unauthenticated_count_max) {
        chek_io_refuse(host->io, socket);
        return;
    }
    session__connection_start(host, socket);
}

int
chek_session_listen(struct chek_session_host *host, const char *address, uint16_t *ret_port)
{
    CHEK_ASSERT(host->directory != NULL);
    if (host->listener_count == SESSION_LISTENER_COUNT_MAX) {
        return CHEK_E_FULL;
    }
    struct session__listener *own = &host->listeners[host->listener_count];
    own->host = host;
    own->listener.on_accept = on_accept;
    int error = chek_io_listen(host->io, &own->listener, address);
    if (error != CHEK_OK) {
        return error;
    }
    host->listener_count += 1;
    *ret_port = own->listener.port;
    return CHEK_OK;
}

/* ---- going on --------------------------------------------------------------------------------- */

void
session__ready(struct chek_connection *connection)
{
    struct chek_session_host *host = connection->host;

    if (connection->state > SESSION_OPEN || !chek_list_is_empty(&connection->ready_link)) {
        return;
    }
    chek_list_add(&host->ready, &connection->ready_link);
    if (!host->wake_op.in_flight) {
        chek_io_timer(host->io, &host->wake_op, 0);
    }
}

void
chek_session_turn(struct chek_session_host *host, uint64_t now_ns)
{
    chek_arena_reset(&host->arena);
    session__deadlines_expire(host, now_ns);
    while (!chek_list_is_empty(&host->outputs)) {
        struct chek_connection *connection =
            CHEK_CONTAINER_OF(host->outputs.next, struct chek_connection, output_link);
        chek_list_remove(&connection->output_link);
        session__output_turn(connection, now_ns);
    }
    session__deadlines_tick(host, now_ns);
}

/* ---- ends ------------------------------------------------------------------------------------- */

void
chek_session_revoke(struct chek_session_host *host, uint32_t principal)
{
    struct chek_list *next;

    CHEK_ASSERT(principal != 0); /* strangers have 0 */
    for (struct chek_list *at = host->open.next; at != &host->open; at = next) {
        struct chek_connection *connection =
            CHEK_CONTAINER_OF(at, struct chek_connection, open_link);
        next = at->next;
        if (connection->principal == principal && !CHEK_PLANTED(REVOKED_STAYS)) {
            session__connection_fail(connection, 0, 0, CHEK_E_REVOKED, NULL);
        }
    }
}

void
chek_session_drain(struct chek_session_host *host)
{
    struct chek_list *next;

    if (host->is_draining) {
        return;
    }
    host->is_draining = true;
    session__deadlines_drain(host);
    for (uint32_t i = 0; i < host->listener_count; i++) {
        chek_io_listen_stop(host->io, &host->listeners[i].listener);
    }
    for (struct chek_list *at = host->open.next; at != &host->open; at = next) {
        next = at->next;
        session__connection_drain(CHEK_CONTAINER_OF(at, struct chek_connection, open_link));
    }
}

bool
chek_session_is_drained(const struct chek_session_host *host)
{
    return host->is_draining && host->counters.connection_open_count == 0;
}
