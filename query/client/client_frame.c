/* SPDX-License-Identifier: MIT */
/*
 * client_frame.c - frames out of the socket and into it.
 *
 * While something is sent what arrives is received too: a server that waits for its answers to be
 * read would otherwise wait for us, and we for it.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "engine/base/memory.h"
#include "query/client/client_run.h"

#define RECEIVE_SIZE_MIN ((size_t)16 * 1024)        /* room worth a call */
#define RECEIVE_SIZE_MAX ((size_t)16 * 1024 * 1024) /* kept while something is sent */

_Static_assert(RECEIVE_SIZE_MAX >= CLIENT_ANSWER_SIZE_MAX + RECEIVE_SIZE_MIN, "a frame fits");

/* The connection is over; the first reason stays. */
static int
connection_fail(struct chek_client *client, int error)
{
    if (client->error == CHEK_OK) {
        client->error = error;
    }
    return client__fail(&client->failure, client->error, NULL);
}

/* ---- receiving -------------------------------------------------------------------------------- */

/* Make room for a receive; false when enough is kept already, or there is no memory. */
static bool
room_make(struct chek_client *client)
{
    if (client->in_at == client->in_size) {
        client->in_at = client->in_size = 0;
    }
    if (client->in_capacity - client->in_size >= RECEIVE_SIZE_MIN) {
        return true;
    }
    if (client->in_at >= client->in_capacity / 2) {
        memmove(client->in, client->in + client->in_at, client->in_size - client->in_at);
        client->in_size -= client->in_at;
        client->in_at = 0;
        return true;
    }
    if (client->in_capacity * 2 > RECEIVE_SIZE_MAX * 2) {
        return false;
    }
    uint8_t *more = chek_memory_grow(client->in, client->in_capacity, client->in_capacity * 2);
    if (more == NULL) {
        return false;
    }
    client->in = more;
    client->in_capacity *= 2;
    return true;
}

/* Take what the socket has. */
static int
receive_some(struct chek_client *client)
{
    ssize_t size = recv(client->socket, client->in + client->in_size,
                        client->in_capacity - client->in_size, MSG_DONTWAIT);
    if (size == 0) {
        return connection_fail(client, CHEK_E_CLOSED);
    }
    if (size < 0) {
        bool nothing = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        return nothing ? CHEK_OK : connection_fail(client, -errno);
    }
    client->in_size += (size_t)size;
    return CHEK_OK;
}

/* Note the refusal in a frame's body. */
static void
refusal_note(struct chek_client *client, struct chek_bytes_view body)
{
    struct chek_refusal refusal;
    struct chek_fault fault;
    int error = chek_refusal_decode_whole(body.bytes, body.size, NULL, &refusal, &fault);
    if (error != CHEK_OK) {
        (void)client__fail(&client->failure, error, "the server's refusal cannot be read");
        return;
    }
    (void)client__fail(&client->failure, -(int)refusal.code, NULL);
    client->failure.field = (uint16_t)refusal.field;
    client->failure.index = (uint16_t)refusal.index;
    client->failure.at = (uint32_t)refusal.at;
    if (refusal.text.size != 0) {
        (void)snprintf(client->failure.text, sizeof client->failure.text, "%.*s",
                       (int)refusal.text.size, (const char *)refusal.text.bytes);
    }
}

/* Whether a request is one that somebody waits for, and not about the connection itself. */
static bool
is_counted(uint16_t opcode)
{
    return opcode != CHEK_OPCODE_ALLOW && opcode != CHEK_OPCODE_CANCEL &&
           opcode != CHEK_OPCODE_RESUME;
}

/* Take a whole frame out of what was received: 1, 0 when none is there, or an error. */
static int
frame_take(struct chek_client *client, struct chek_client_answer *ret)
{
    const uint8_t *bytes = client->in + client->in_at;
    size_t size = client->in_size - client->in_at;
    struct chek_frame_head head;

    if (size < CHEK_FRAME_HEAD_SIZE) {
        return 0;
    }
    int error = chek_frame_head_decode(bytes, CHEK_FRAME_ANSWER_SIZE_MAX, &head);
    if (error == CHEK_OK && (head.flags & CHEK_FRAME_ANSWER) == 0) {
        error = CHEK_E_RANGE;
    }
    if (error != CHEK_OK) {
        return connection_fail(client, error);
    }
    if (size - CHEK_FRAME_HEAD_SIZE < head.body_size) {
        return 0;
    }
    if (!chek_frame_check(bytes, &head)) {
        return connection_fail(client, CHEK_E_CHECKSUM);
    }
    *ret = (struct chek_client_answer){
        .frame_id = head.frame_id,
        .opcode = head.opcode,
        .body = chek_bytes_view_of(bytes + CHEK_FRAME_HEAD_SIZE, head.body_size),
        .last = (head.flags & CHEK_FRAME_LAST) != 0,
        .refused = (head.flags & CHEK_FRAME_REFUSAL) != 0,
    };
    client->in_at += CHEK_FRAME_HEAD_SIZE + head.body_size;
    if (ret->refused) {
        refusal_note(client, ret->body);
    }
    if (ret->last && ret->frame_id >= CLIENT_FRAME_ID_FIRST && is_counted(ret->opcode)) {
        client->in_flight_count -= client->in_flight_count > 0;
    }
    return 1;
}

/* Milliseconds for poll(): -1 = for ever, 0 when the time is over. */
static int
wait_left_ms(uint64_t begin_ms, uint32_t timeout_ms)
{
    if (timeout_ms == CHEK_CLIENT_TIMEOUT_FOREVER) {
        return -1;
    }
    uint64_t spent_ms = client__now_ms() - begin_ms;
    if (spent_ms >= timeout_ms) {
        return 0;
    }
    uint64_t left_ms = timeout_ms - spent_ms;
    return left_ms < INT32_MAX ? (int)left_ms : INT32_MAX;
}

int
chek_client_receive(struct chek_client *client, uint32_t timeout_ms, struct chek_client_answer *ret)
{
    uint64_t begin_ms = client__now_ms();
    bool waited = false;

    for (;;) {
        int taken = frame_take(client, ret);
        if (taken != 0) {
            return taken;
        }
        if (client->error != CHEK_OK) {
            return connection_fail(client, client->error);
        }
        struct pollfd wait = {.fd = client->socket, .events = POLLIN};
        int left_ms = wait_left_ms(begin_ms, timeout_ms);
        if (waited && left_ms == 0) {
            return 0;
        }
        waited = true;
        int ready = poll(&wait, 1, left_ms);
        if (ready < 0 && errno != EINTR) {
            return connection_fail(client, -errno);
        }
        if (ready <= 0) {
            continue;
        }
        if (!room_make(client)) {
            return connection_fail(client, -ENOMEM);
        }
        int error = receive_some(client);
        if (error != CHEK_OK) {
            return error;
        }
    }
}

/* ---- sending ---------------------------------------------------------------------------------- */

/* Wait until the socket takes more, receiving what comes. */
static int
send_wait(struct chek_client *client, uint64_t begin_ms)
{
    bool receives = room_make(client);
    struct pollfd wait = {.fd = client->socket,
                          .events = (short)(POLLOUT | (receives ? POLLIN : 0))};
    int left_ms = wait_left_ms(begin_ms, client->timeout_ms);
    if (left_ms == 0) {
        return connection_fail(client, CHEK_E_TIMEOUT);
    }
    int ready = poll(&wait, 1, left_ms);
    if (ready < 0) {
        return errno == EINTR ? CHEK_OK : connection_fail(client, -errno);
    }
    return (wait.revents & POLLIN) != 0 ? receive_some(client) : CHEK_OK;
}

static int
send_all(struct chek_client *client, const uint8_t *bytes, size_t size)
{
    uint64_t begin_ms = client__now_ms();
    while (size > 0) {
        if (client->error != CHEK_OK) {
            return connection_fail(client, client->error);
        }
        ssize_t sent = send(client->socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            size -= (size_t)sent;
            begin_ms = client__now_ms();
            continue;
        }
        if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
            bool gone = errno == EPIPE || errno == ECONNRESET;
            int error = gone ? CHEK_E_CLOSED : -errno;
            /* Keep what the server said before it closed. */
            if (gone && room_make(client)) {
                (void)receive_some(client);
            }
            return connection_fail(client, error);
        }
        int error = send_wait(client, begin_ms);
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

int
chek_client_send_frames(struct chek_client *client, struct chek_bytes_view frames)
{
    return send_all(client, frames.bytes, frames.size);
}

int
client__send(struct chek_client *client, uint16_t opcode, struct chek_bytes_view body,
             uint64_t *ret_frame_id)
{
    struct chek_writer out = chek_writer_over(client->out, CLIENT_FRAME_SIZE_MAX);
    size_t begin = chek_frame_begin(&out);

    chek_writer_view(&out, body);
    if (out.full) {
        return client__fail(&client->failure, CHEK_E_LIMIT, "the request is larger than a frame");
    }
    uint64_t frame_id = ++client->frame_id;
    chek_frame_finish(&out, begin, opcode, 0, frame_id);
    int error = send_all(client, out.bytes, out.size);
    if (error == CHEK_OK) {
        *ret_frame_id = frame_id;
    }
    return error;
}

int
chek_client_send(struct chek_client *client, uint16_t opcode, struct chek_bytes_view body,
                 uint64_t *ret_frame_id)
{
    int error = client__send(client, opcode, body, ret_frame_id);
    if (error == CHEK_OK && is_counted(opcode)) {
        client->in_flight_count += 1;
    }
    return error;
}
