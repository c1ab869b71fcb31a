/* SPDX-License-Identifier: MIT */
/*
 * client_run.h - a client's inside, shared by the files of this room.
 */
#ifndef CHEK_CLIENT_CLIENT_RUN_H
#define CHEK_CLIENT_CLIENT_RUN_H

#include "query/client/client.h"

#define CLIENT_FRAME_SIZE_MAX (CHEK_FRAME_HEAD_SIZE + CHEK_FRAME_BODY_SIZE_MAX)
#define CLIENT_ANSWER_SIZE_MAX (CHEK_FRAME_HEAD_SIZE + CHEK_FRAME_ANSWER_SIZE_MAX)
#define CLIENT_BACKOFF_MS_MIN 50
#define CLIENT_BACKOFF_MS_MAX 5000

/* The first id that a client gives out itself; those below are for finished frames. */
#define CLIENT_FRAME_ID_FIRST (UINT64_C(1) << 63)

struct chek_client {
    int socket;
    uint32_t timeout_ms;
    uint64_t frame_id; /* the last one given out */
    uint32_t in_flight_count;
    int error;   /* of the connection; final */
    uint8_t *in; /* what was received: frames in_at .. in_size */
    size_t in_capacity, in_at, in_size;
    uint8_t *out; /* one frame */
    struct chek_client_welcome welcome;
    struct chek_failure failure;
};

/* Milliseconds of a clock that never goes back. */
uint64_t client__now_ms(void);
void client__sleep_ms(uint32_t wait_ms);

/* Zero a secret in a way that the compiler does not leave out. */
void client__forget(uint8_t *bytes, size_t size);

/* Note a failure of `code` with its own text, or with `text`; returns `code`. */
int client__fail(struct chek_failure *failure, int code, const char *text);

/* Open a connected socket that does not block. Errors as chek_client_connect(). */
CHEK_MUST_USE int client__socket_open(const char *address, uint32_t timeout_ms, int *ret,
                                      struct chek_failure *failure);

/* Send a frame of this opcode with an id of its own. */
CHEK_MUST_USE int client__send(struct chek_client *client, uint16_t opcode,
                               struct chek_bytes_view body, uint64_t *ret_frame_id);

#endif
