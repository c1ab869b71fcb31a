/* SPDX-License-Identifier: MIT */
/*
 * session_fixture.h - a session host over the fake network, with a directory of principals and
 * handlers that do what the test says.
 *
 * Principal n + 1 has the rights n (bits of enum right), n of 0..15, the one with all of them is
 * trusted; principal 9 is revoked. A handler keeps its request, or does at once what `act` of the fixture says. Kept requests are
 * numbered in the order of their coming and forgotten when they end.
 */
#ifndef CHEK_TESTS_SESSION_FIXTURE_H
#define CHEK_TESTS_SESSION_FIXTURE_H

#include "engine/session/session.h"
#include "tests/unit/fake_network.h"

#define FIXTURE_ALL 16     /* principal with every right */
#define FIXTURE_REVOKED 17 /* principal */
#define FIXTURE_KEPT_COUNT_MAX 256
#define FIXTURE_SERVER "chek test"

struct session_fixture;

struct kept {
    struct chek_request *request; /* NULL when it is over */
    uint64_t mark;                /* first 8 bytes of the body; 0 when it is shorter */
    size_t body_size;
    uint8_t opcode;
    unsigned room_count;
    bool is_abandoned;
};

struct session_fixture {
    struct fake_network *network;
    struct chek_directory *directory;
    struct chek_session_host *host;
    struct chek_session_config config;
    struct kept kept[FIXTURE_KEPT_COUNT_MAX];
    unsigned kept_count;
    unsigned abandon_count;
    unsigned hello_count;
    uint64_t acknowledged;
    struct chek_request *hello; /* when `keeps_hello` */
    bool keeps_hello;
    /* Called instead of keeping; it keeps with fixture_keep() if it wants to. */
    void (*act)(struct session_fixture *fixture, struct chek_request *request,
                struct chek_bytes_view body);
    /* Called by on_room; NULL only counts. */
    void (*room)(struct session_fixture *fixture, struct kept *kept);
    uint64_t number; /* for `act` and `room` */
};

/* What the server sent: one frame. */
struct seen {
    struct chek_frame_head head;
    struct chek_bytes_view body; /* in the peer's buffer, until it gets more */
    int error;                   /* of a refusal, else CHEK_OK */
    uint32_t field;
};

struct client {
    struct session_fixture *fixture;
    int peer;
    size_t read_size; /* of what it got */
};

/* Small caps; a test may change them before fixture_start(). */
struct session_fixture *fixture_create(void);
void fixture_start(struct session_fixture *fixture);
void fixture_destroy(struct session_fixture *fixture);

/* Text of a principal's right token, and of one with another secret. */
void fixture_token(uint32_t principal, bool is_right, char ret[CHEK_TOKEN_TEXT_MAX]);

struct kept *fixture_keep(struct session_fixture *fixture, struct chek_request *request,
                          struct chek_bytes_view body);
/* The newest one that is kept. */
struct kept *fixture_last(struct session_fixture *fixture);

/* End kept requests. */
void kept_answer(struct kept *kept, size_t body_size);
void kept_refuse(struct kept *kept, int error);
/* One frame of a stream; false when there is no room. */
bool kept_stream(struct kept *kept, size_t body_size, bool last);

/* One pass of a shard's loop without completions of sends: what is due, then the turn. */
void fixture_pass(struct session_fixture *fixture);
/* Passes, and sends that are through at once, until nothing happens any more. */
void fixture_settle(struct session_fixture *fixture);

/* Append a frame. Returns its size. */
size_t fixture_frame(struct chek_writer *out, uint16_t opcode, uint64_t frame_id, const void *body,
                     size_t body_size);
size_t fixture_hello(struct chek_writer *out, uint32_t principal, uint64_t acknowledged);

/* A peer that has connected only; one that was welcomed. */
struct client client_connect(struct session_fixture *fixture);
struct client client_open(struct session_fixture *fixture, uint32_t principal);

/* Bytes arrive; a frame arrives in one piece. No pass is made. */
void client_give(struct client *client, const void *bytes, size_t size);
void client_send(struct client *client, uint16_t opcode, uint64_t frame_id, const void *body,
                 size_t body_size);
/* A request of any size: its body is `mark`, then zeros. */
void client_ask(struct client *client, uint16_t opcode, uint64_t frame_id, size_t body_size);
void client_cancel(struct client *client, uint64_t frame_id, uint64_t target);
void client_allow(struct client *client, uint64_t frame_id, uint64_t target, uint32_t size);

/* The next frame that the server sent; false when there is none. */
bool client_next(struct client *client, struct seen *ret);
bool client_is_closed(const struct client *client);

#endif
