/* SPDX-License-Identifier: MIT */
/*
 * peer_client.c - the administrator of a run, over the native protocol.
 */
#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tests/sim/peer_run.h"

#define HELLO_ID 1

int
peer_refusal(const struct chek_frame *frame)
{
    struct chek_refusal refusal;
    struct chek_fault fault;
    struct chek_arena arena;
    _Alignas(16) uint8_t memory[4096];
    if ((frame->head.flags & CHEK_FRAME_REFUSAL) == 0) {
        return CHEK_OK;
    }
    chek_arena_init_over(&arena, memory, sizeof memory);
    int error =
        chek_refusal_decode_whole(frame->body.bytes, frame->body.size, &arena, &refusal, &fault);
    return error == CHEK_OK ? -(int)refusal.code : error;
}

bool
peer_is_temporary(int code)
{
    return code == CHEK_E_BUSY || code == CHEK_E_STOPPING || code == CHEK_E_TIMEOUT;
}

static void
frame_take(struct peer_client *client, const struct chek_frame *frame)
{
    peer_moved(client->line.run);
    if (frame->head.frame_id != HELLO_ID) {
        client->on_frame(client, frame);
        return;
    }
    int code = peer_refusal(frame);
    if (code != CHEK_OK && !peer_is_temporary(code)) {
        peer_violate(client->line.run, "hello: %s", chek_error_name(code));
    }
    client->is_in = code == CHEK_OK;
    client->line.lost = client->line.lost || code != CHEK_OK;
}

static size_t
take(struct peer_line *line)
{
    struct peer_client *client = CHEK_CONTAINER_OF(line, struct peer_client, line);
    struct chek_frame frame;
    if (line->carry_size < CHEK_FRAME_HEAD_SIZE) {
        return 0;
    }
    int error = chek_frame_head_decode(line->carry, PEER_CARRY_SIZE, &frame.head);
    if (error != CHEK_OK) {
        peer_violate(line->run, "an answer that is no frame: %s", chek_error_name(error));
        return 0;
    }
    size_t size = CHEK_FRAME_HEAD_SIZE + (size_t)frame.head.body_size;
    if (line->carry_size < size) {
        return 0;
    }
    frame.body = chek_bytes_view_of(line->carry + CHEK_FRAME_HEAD_SIZE, frame.head.body_size);
    frame_take(client, &frame);
    return size;
}

void
peer_client_begin(struct peer_client *client, struct peer_run *run,
                  void (*on_frame)(struct peer_client *client, const struct chek_frame *frame))
{
    client->line.run = run;
    client->line.address = PEER_ADDRESS;
    client->line.take = take;
    client->on_frame = on_frame;
}

void
peer_client_connect(struct peer_client *client)
{
    uint8_t bytes[1024];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct chek_hello hello = {.token = chek_bytes_view_text(client->line.run->token)};
    peer_line_connect(&client->line);
    client->is_in = false;
    client->frame_id = HELLO_ID - 1;
    size_t begin = chek_frame_begin(&out);
    chek_hello_encode(&out, &hello);
    peer_client_send(client, CHEK_OPCODE_HELLO, &out, begin);
}

void
peer_client_send(struct peer_client *client, uint16_t opcode, struct chek_writer *out, size_t begin)
{
    client->frame_id += 1;
    chek_frame_finish(out, begin, opcode, 0, client->frame_id);
    CHEK_ASSERT(!out->full);
    peer_line_send(&client->line, out->bytes, out->size);
}
