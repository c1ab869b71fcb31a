/* SPDX-License-Identifier: MIT */
#include "tools/server/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"

#define CONNECTION_COUNT 8
#define REQUEST_SIZE_MAX 8192
#define TEXT_SIZE_MAX (512 * 1024)
#define DEADLINE_NS UINT64_C(5000000000) /* from accept to the last byte of the answer taken */
#define LOOK_NS UINT64_C(1000000000)     /* how often deadlines are looked at */

struct metrics_connection {
    struct chek_stream stream;
    struct server__metrics *metrics;
    struct server__gather *gather; /* under way */
    char *text;                    /* TEXT_SIZE_MAX */
    char request[REQUEST_SIZE_MAX];
    size_t request_size;
    uint64_t deadline_ns;
    bool used, answering, closing;
};

struct server__metrics {
    struct chek_listener listener;
    struct server__shard *shard;
    struct chek_op look_op;
    struct metrics_connection connections[CONNECTION_COUNT];
};

/* ---- the answer ------------------------------------------------------------------------------- */

static size_t
text_write(struct metrics_connection *connection, const struct chek_status_items *items)
{
    char *text = connection->text;
    size_t size = 0;
    for (uint32_t i = 0; i < items->items_count && size < TEXT_SIZE_MAX - 512; i++) {
        const struct chek_status_item *item = &items->items[i];
        size += (size_t)snprintf(text + size, TEXT_SIZE_MAX - size, "chek_%.*s{",
                                 (int)item->name.size, (const char *)item->name.bytes);
        if (item->shard != 0) {
            size += (size_t)snprintf(text + size, TEXT_SIZE_MAX - size, "shard=\"%u\"",
                                     item->shard - 1);
        }
        if (item->text.size != 0) {
            size += (size_t)snprintf(text + size, TEXT_SIZE_MAX - size, "%stext=\"%.*s\"",
                                     item->shard != 0 ? "," : "", (int)item->text.size,
                                     (const char *)item->text.bytes);
        }
        /* A row that is a text has the value 1: the usual form of an "info" metric. */
        size += (size_t)snprintf(text + size, TEXT_SIZE_MAX - size, "} %" PRId64 "\n",
                                 item->text.size != 0 ? INT64_C(1) : item->value);
    }
    return size;
}

static void
answer(struct metrics_connection *connection, const char *status, size_t body_size)
{
    char head[256];
    int head_size = snprintf(head, sizeof head,
                             "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4\r\n"
                             "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                             status, body_size);
    CHEK_ASSERT(head_size > 0 && (size_t)head_size < sizeof head);
    CHEK_ASSERT(body_size + (size_t)head_size <= TEXT_SIZE_MAX);
    memmove(connection->text + head_size, connection->text, body_size);
    memcpy(connection->text, head, (size_t)head_size);
    chek_stream_send(&connection->stream, (const uint8_t *)connection->text,
                     body_size + (size_t)head_size);
}

static void
on_gathered(struct server__shard *shard, struct server__gather *gather)
{
    struct metrics_connection *connection = gather->asker;
    connection->gather = NULL;
    if (!connection->closing) {
        struct chek_status_items items = server__status_join(shard, gather);
        answer(connection, "200 OK", text_write(connection, &items));
    } else if (connection->stream.on_closed == NULL) {
        connection->used = false;
    }
    server__gather_give(shard, gather);
}

static void
request_answer(struct metrics_connection *connection)
{
    static const char wanted[] = "GET /metrics ";
    struct server__shard *shard = connection->metrics->shard;
    connection->answering = true;
    if (memcmp(connection->request, wanted, sizeof wanted - 1) != 0) {
        static const char hint[] = "there is /metrics\n";
        memcpy(connection->text, hint, sizeof hint - 1);
        answer(connection, "404 Not Found", sizeof hint - 1);
        return;
    }
    struct server__gather *gather = server__gather_take(shard);
    if (gather == NULL) {
        answer(connection, "503 Service Unavailable", 0);
        return;
    }
    connection->gather = gather;
    gather->asker = connection;
    gather->run = server__status_run;
    gather->on_done = on_gathered;
    server__gather_begin(shard, gather);
}

/* ---- connections ------------------------------------------------------------------------------ */

static void
connection_close(struct metrics_connection *connection)
{
    if (!connection->closing) {
        connection->closing = true;
        chek_stream_close(&connection->stream);
    }
}

static void look_again(struct server__metrics *metrics);

/* Places are few: who asks slowly, or takes its answer slowly, must not keep others out. */
static void
on_look(struct chek_op *op, int64_t result)
{
    struct server__metrics *metrics = CHEK_CONTAINER_OF(op, struct server__metrics, look_op);
    uint64_t now_ns = chek_io_now_ns(metrics->shard->io);
    bool is_open = false;
    (void)result;
    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        struct metrics_connection *connection = &metrics->connections[i];
        if (connection->used && now_ns >= connection->deadline_ns) {
            connection_close(connection);
        }
        is_open = is_open || (connection->used && !connection->closing);
    }
    if (is_open) {
        look_again(metrics);
    }
}

static void
look_again(struct server__metrics *metrics)
{
    struct chek_io *io = metrics->shard->io;
    if (!metrics->look_op.in_flight) {
        metrics->look_op.on_done = on_look;
        chek_io_timer(io, &metrics->look_op, chek_io_now_ns(io) + LOOK_NS);
    }
}

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    struct metrics_connection *connection =
        CHEK_CONTAINER_OF(stream, struct metrics_connection, stream);
    if (error != CHEK_OK || (size == 0 && !connection->answering)) {
        connection_close(connection);
        return;
    }
    if (connection->answering) {
        return;
    }
    if (size > sizeof connection->request - 1 - connection->request_size) {
        connection_close(connection);
        return;
    }
    memcpy(connection->request + connection->request_size, bytes, size);
    connection->request_size += size;
    connection->request[connection->request_size] = 0;
    if (strstr(connection->request, "\r\n\r\n") != NULL) {
        request_answer(connection);
    }
}

static void
on_sent(struct chek_stream *stream, int error)
{
    (void)error;
    connection_close(CHEK_CONTAINER_OF(stream, struct metrics_connection, stream));
}

static void
on_closed(struct chek_stream *stream)
{
    struct metrics_connection *connection =
        CHEK_CONTAINER_OF(stream, struct metrics_connection, stream);
    connection->stream.on_closed = NULL;
    connection->used = connection->gather != NULL; /* until that is back */
}

static void
on_accept(struct chek_listener *listener, int socket)
{
    struct server__metrics *metrics = CHEK_CONTAINER_OF(listener, struct server__metrics, listener);
    if (socket < 0) {
        return;
    }
    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        struct metrics_connection *connection = &metrics->connections[i];
        if (connection->used) {
            continue;
        }
        connection->used = true;
        connection->answering = connection->closing = false;
        connection->request_size = 0;
        connection->deadline_ns = chek_io_now_ns(metrics->shard->io) + DEADLINE_NS;
        connection->stream = (struct chek_stream){
            .on_receive = on_receive, .on_sent = on_sent, .on_closed = on_closed};
        chek_stream_start(metrics->shard->io, &connection->stream, socket);
        look_again(metrics);
        return;
    }
    chek_io_refuse(metrics->shard->io, socket);
}

int
server__metrics_open(struct server__shard *zero, const char *address, uint16_t *ret_port,
                     struct server__metrics **ret)
{
    struct server__metrics *metrics = chek_memory_allocate(sizeof *metrics);
    if (metrics == NULL) {
        return -ENOMEM;
    }
    metrics->shard = zero;
    int error = CHEK_OK;
    for (unsigned i = 0; error == CHEK_OK && i < CONNECTION_COUNT; i++) {
        metrics->connections[i].metrics = metrics;
        metrics->connections[i].text = chek_memory_allocate(TEXT_SIZE_MAX);
        error = metrics->connections[i].text != NULL ? CHEK_OK : -ENOMEM;
    }
    if (error == CHEK_OK) {
        metrics->listener.on_accept = on_accept;
        error = chek_io_listen(zero->io, &metrics->listener, address);
    }
    if (error != CHEK_OK) {
        server__metrics_free(metrics);
        return error;
    }
    *ret_port = metrics->listener.port;
    *ret = metrics;
    return CHEK_OK;
}

void
server__metrics_stop(struct server__metrics *metrics)
{
    chek_io_listen_stop(metrics->shard->io, &metrics->listener);
    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        if (metrics->connections[i].used) {
            connection_close(&metrics->connections[i]);
        }
    }
}

void
server__metrics_free(struct server__metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        chek_memory_free(metrics->connections[i].text, TEXT_SIZE_MAX);
    }
    chek_memory_free(metrics, sizeof *metrics);
}
