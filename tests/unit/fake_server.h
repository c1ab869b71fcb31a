/* SPDX-License-Identifier: MIT */
/*
 * fake_server.h - a thread that speaks frames, for tests of what talks to a server.
 *
 * It takes one connection after another on 127.0.0.1, answers `hello` by itself, and gives every
 * other frame to the test's callback, on its own thread. The callback answers with
 * fake_server_answer() now or later; when nothing arrives for a moment it is called without a frame,
 * so that answers can be held back.
 */
#ifndef CHEK_TESTS_FAKE_SERVER_H
#define CHEK_TESTS_FAKE_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/wire/frame.h"
#include "engine/wire/protocol.h"

#define FAKE_SERVER_ADDRESS_MAX 32
#define FAKE_SERVER_TOKEN "1.good"

struct fake_server;

/* Take a frame (NULL: nothing came for a moment). False closes the connection. */
typedef bool (*fake_server_on_frame)(void *context, struct fake_server *server,
                                     const struct chek_frame *frame);

struct fake_server {
    fake_server_on_frame on_frame;
    void *context;
    uint32_t credits; /* of the welcome */
    uint64_t held;    /* offset that the server holds: less than acknowledged is alarm */
    _Atomic uint64_t acknowledged; /* of the last hello */
    atomic_uint hello_count;
    atomic_bool stops;
    char address[FAKE_SERVER_ADDRESS_MAX];
    int listener, connection;
    pthread_t thread;
};

/* Listen on a free port and serve until fake_server_close(). */
void fake_server_open(struct fake_server *server, fake_server_on_frame on_frame, void *context);
void fake_server_close(struct fake_server *server);

/* Send one frame of an answer; `flags` as frame.h has them. */
void fake_server_answer(struct fake_server *server, uint64_t frame_id, uint16_t opcode,
                        uint8_t flags, struct chek_bytes_view body);
void fake_server_refuse(struct fake_server *server, uint64_t frame_id, uint16_t opcode, int error);

/* Send any bytes. */
void fake_server_send(struct fake_server *server, const void *bytes, size_t size);

#endif
