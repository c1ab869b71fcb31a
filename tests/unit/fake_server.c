/* SPDX-License-Identifier: MIT */
#include "tests/unit/fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/assertion.h"

#define MOMENT_MS 2
#define FRAME_SIZE_MAX (CHEK_FRAME_HEAD_SIZE + CHEK_FRAME_BODY_SIZE_MAX)

void
fake_server_send(struct fake_server *server, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t sent = send(server->connection, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return; /* the client is gone: its next connection is another story */
        }
        at += sent;
        size -= (size_t)sent;
    }
}

void
fake_server_answer(struct fake_server *server, uint64_t frame_id, uint16_t opcode, uint8_t flags,
                   struct chek_bytes_view body)
{
    size_t capacity = CHEK_FRAME_HEAD_SIZE + body.size;
    uint8_t *bytes = malloc(capacity);
    CHEK_ASSERT(bytes != NULL);
    struct chek_writer out = chek_writer_over(bytes, capacity);
    size_t begin = chek_frame_begin(&out);
    chek_writer_view(&out, body);
    chek_frame_finish(&out, begin, opcode, flags, frame_id);
    fake_server_send(server, out.bytes, out.size);
    free(bytes);
}

void
fake_server_refuse(struct fake_server *server, uint64_t frame_id, uint16_t opcode, int error)
{
    uint8_t bytes[512];
    struct chek_refusal refusal = {.code = (uint16_t)-error,
                                   .field = CHEK_FIELD_LINE_SUM,
                                   .index = 3,
                                   .text = chek_bytes_view_text("because of the test")};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_refusal_encode(&out, &refusal);
    fake_server_answer(server, frame_id, opcode,
                       CHEK_FRAME_ANSWER | CHEK_FRAME_LAST | CHEK_FRAME_REFUSAL,
                       chek_bytes_view_of(bytes, out.size));
}

static bool
hello_take(struct fake_server *server, const struct chek_frame *frame)
{
    struct chek_hello hello;
    struct chek_fault fault;
    uint8_t bytes[128];
    int error = chek_hello_decode_whole(frame->body.bytes, frame->body.size, NULL, &hello, &fault);
    CHEK_ASSERT(error == CHEK_OK);
    atomic_store(&server->acknowledged, hello.acknowledged);
    atomic_fetch_add(&server->hello_count, 1);
    if (!chek_bytes_view_equal(hello.token, chek_bytes_view_text(FAKE_SERVER_TOKEN))) {
        fake_server_refuse(server, frame->head.frame_id, CHEK_OPCODE_HELLO, CHEK_E_AUTHENTICATION);
        return false;
    }
    struct chek_welcome welcome = {.principal = 7,
                                   .credits = server->credits,
                                   .rights = 3,
                                   .partitions = 64,
                                   .alarm = hello.acknowledged > server->held,
                                   .server = chek_bytes_view_text("fake/1")};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_welcome_encode(&out, &welcome);
    fake_server_answer(server, frame->head.frame_id, CHEK_OPCODE_HELLO,
                       CHEK_FRAME_ANSWER | CHEK_FRAME_LAST, chek_bytes_view_of(bytes, out.size));
    return true;
}

/* Receive what is there within a moment; -1 when the client is gone. */
static ssize_t
receive(struct fake_server *server, uint8_t *bytes, size_t size)
{
    struct pollfd wait = {.fd = server->connection, .events = POLLIN};
    if (poll(&wait, 1, MOMENT_MS) <= 0) {
        return 0;
    }
    ssize_t got = recv(server->connection, bytes, size, 0);
    return got > 0 ? got : -1;
}

static void
connection_serve(struct fake_server *server, uint8_t *carry, uint8_t *bytes)
{
    struct chek_splitter splitter;
    bool goes_on = true;
    chek_splitter_init(&splitter, carry, FRAME_SIZE_MAX, CHEK_FRAME_BODY_SIZE_MAX);

    while (goes_on && !atomic_load(&server->stops)) {
        ssize_t size = receive(server, bytes, FRAME_SIZE_MAX);
        if (size < 0) {
            return;
        }
        if (size == 0) {
            goes_on = server->on_frame == NULL || server->on_frame(server->context, server, NULL);
            continue;
        }
        struct chek_frame frame;
        int taken = 1;
        chek_splitter_feed(&splitter, bytes, (size_t)size);
        while (goes_on && (taken = chek_splitter_next(&splitter, &frame)) == 1) {
            goes_on = frame.head.opcode == CHEK_OPCODE_HELLO
                          ? hello_take(server, &frame)
                          : server->on_frame(server->context, server, &frame);
        }
        CHEK_ASSERT(taken >= 0);
    }
}

static void *
serve(void *context)
{
    struct fake_server *server = context;
    uint8_t *carry = malloc(FRAME_SIZE_MAX);
    uint8_t *bytes = malloc(FRAME_SIZE_MAX);
    CHEK_ASSERT(carry != NULL && bytes != NULL);
    while (!atomic_load(&server->stops)) {
        struct pollfd wait = {.fd = server->listener, .events = POLLIN};
        if (poll(&wait, 1, MOMENT_MS) <= 0) {
            continue;
        }
        server->connection = accept(server->listener, NULL, NULL);
        if (server->connection >= 0) {
            int on = 1;
            (void)setsockopt(server->connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            connection_serve(server, carry, bytes);
            (void)close(server->connection);
        }
    }
    free(carry);
    free(bytes);
    return NULL;
}

void
fake_server_open(struct fake_server *server, fake_server_on_frame on_frame, void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    server->on_frame = on_frame;
    server->context = context;
    server->credits = server->credits != 0 ? server->credits : 4 << 20;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    CHEK_ASSERT(server->listener >= 0);
    CHEK_ASSERT(bind(server->listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHEK_ASSERT(listen(server->listener, 8) == 0);
    CHEK_ASSERT(getsockname(server->listener, (struct sockaddr *)&address, &size) == 0);
    (void)snprintf(server->address, sizeof server->address, "127.0.0.1:%u",
                   ntohs(address.sin_port));
    CHEK_ASSERT(pthread_create(&server->thread, NULL, serve, server) == 0);
}

void
fake_server_close(struct fake_server *server)
{
    atomic_store(&server->stops, true);
    CHEK_ASSERT(pthread_join(server->thread, NULL) == 0);
    (void)close(server->listener);
}
