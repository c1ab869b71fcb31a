/* SPDX-License-Identifier: MIT */
/*
 * fuzz_session.c - any bytes as what a peer sends, with handlers of every temper.
 *
 * One host serves all inputs, so that a connection or a request that is not given back runs it dry.
 *
 *   byte 0  bit 7: every checksum is made right first; bit 6: a right hello goes before;
 *           bits 0-2: whose
 *   byte 1  length of the runs, less one
 *   byte 2  seed of what happens between the runs: answers, sends, time, the end
 *   3..     the stream
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/prng.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/session_fixture.h"

#define CHUNK_SIZE 100000

static struct session_fixture *fixture;

/* What a handler does at once, by the first byte of the body. */
static void
act(struct session_fixture *own, struct chek_request *request, struct chek_bytes_view body)
{
    if (own->kept_count == FIXTURE_KEPT_COUNT_MAX) {
        chek_request_refuse(request, CHEK_E_FULL, NULL, NULL);
        return;
    }
    struct kept *kept = fixture_keep(own, request, body);
    switch (body.size != 0 ? body.bytes[0] % 8 : 0) {
    case 1:
        (void)kept_stream(kept, body.size, true);
        break;
    case 2:
        kept_refuse(kept, CHEK_E_RANGE);
        break;
    case 3:
        chek_request_park(request);
        break;
    case 4:
        kept->request = NULL;
        chek_request_busy(request);
        break;
    case 5:
        chek_request_park(request);
        chek_request_unpark(request);
        break;
    case 6:
        while (chek_request_opcode(request) == CHEK_OPCODE_ASK_SUMS &&
               kept_stream(kept, CHUNK_SIZE, false)) {
        }
        break;
    default:
        break;
    }
}

static void
room(struct session_fixture *own, struct kept *kept)
{
    if (kept->request != NULL) {
        (void)kept_stream(kept, CHUNK_SIZE,
                          own->number++ % 3 == 0 || kept->opcode != CHEK_OPCODE_ASK_SUMS);
    }
}

static void
start(void)
{
    fixture = fixture_create();
    fixture->act = act;
    fixture->room = room;
    fixture_start(fixture);
}

/* Give every frame of the stream its right checksum, up to the first that is not whole. */
static void
make_right(uint8_t *bytes, size_t size)
{
    struct chek_frame_head head;
    while (size >= CHEK_FRAME_HEAD_SIZE &&
           chek_frame_head_decode(bytes, CHEK_FRAME_BODY_SIZE_MAX, &head) == CHEK_OK &&
           size - CHEK_FRAME_HEAD_SIZE >= head.body_size) {
        uint64_t seed = chek_checksum(bytes, CHEK_FRAME_SUMMED_SIZE);
        chek_store_u64(bytes + CHEK_FRAME_SUMMED_SIZE,
                       chek_checksum_seeded(bytes + CHEK_FRAME_HEAD_SIZE, head.body_size, seed));
        bytes += CHEK_FRAME_HEAD_SIZE + head.body_size;
        size -= CHEK_FRAME_HEAD_SIZE + head.body_size;
    }
}

/* Something that a kept request's handler might do later. */
static void
do_later(struct chek_prng *prng)
{
    if (fixture->kept_count == 0) {
        return;
    }
    struct kept *kept = &fixture->kept[chek_prng_below(prng, fixture->kept_count)];
    if (kept->request == NULL) {
        return;
    }
    switch (chek_prng_below(prng, 3)) {
    case 0:
        (void)kept_stream(kept, 1 + chek_prng_below(prng, 2000), true);
        break;
    case 1:
        kept_refuse(kept, CHEK_E_NOT_FOUND);
        break;
    default:
        (void)kept_stream(kept, CHUNK_SIZE, kept->opcode != CHEK_OPCODE_ASK_SUMS);
        break;
    }
}

static void
between_runs(struct chek_prng *prng, int peer)
{
    struct fake_network *network = fixture->network;
    switch (chek_prng_below(prng, 8)) {
    case 0:
    case 1:
        do_later(prng);
        break;
    case 2:
        fixture_pass(fixture);
        break;
    case 3:
        if (fake_network_is_sending(network, peer)) {
            fake_network_sent(network, peer, chek_prng_below(prng, 50) == 0 ? -32 : CHEK_OK);
        }
        break;
    case 4:
        network->now_ns += chek_prng_below(prng, fixture->config.handshake_ns_max / 2);
        break;
    case 5:
        fixture_settle(fixture);
        break;
    case 6:
        if (chek_prng_below(prng, 200) == 0) {
            chek_session_revoke(fixture->host, 1 + (uint32_t)chek_prng_below(prng, 8));
        }
        break;
    default:
        break;
    }
}

/* Whatever the server sent is frames that a client can read. */
static void
read_answers(int peer)
{
    struct client client = {.fixture = fixture, .peer = peer};
    struct seen seen;
    while (client_next(&client, &seen)) {
    }
}

static void
finish(int peer)
{
    fake_network_end(fixture->network, peer, 0);
    /* A failed handshake keeps its place until its refusal is due, though its peer has gone. */
    fixture->network->now_ns += 2 * fixture->config.handshake_ns_max;
    fixture_settle(fixture);
    for (unsigned i = 0; i < fixture->kept_count; i++) {
        CHEK_ASSERT(fixture->kept[i].request == NULL);
    }
    CHEK_ASSERT(chek_session_count(fixture->host).connection_open_count == 0);
    fixture->kept_count = 0;
    fixture->number = 0;
    fake_network_forget(fixture->network);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chek_prng prng;
    uint8_t hello[256];
    struct chek_writer out = chek_writer_over(hello, sizeof hello);

    if (size < 4) {
        return 0;
    }
    if (fixture == NULL) {
        start();
    }
    size_t stream_size = size - 3;
    uint8_t *stream = malloc(stream_size);
    CHEK_ASSERT(stream != NULL);
    memcpy(stream, bytes + 3, stream_size);
    if ((bytes[0] & 0x80) != 0) {
        make_right(stream, stream_size);
    }
    chek_prng_init(&prng, bytes[2]);
    int peer = fake_network_connect(fixture->network);
    CHEK_ASSERT(!fixture->network->peers[peer].is_refused);
    if ((bytes[0] & 0x40) != 0) {
        fixture_hello(&out, 1 + (bytes[0] & 7), 0);
        (void)fake_network_give(fixture->network, peer, hello, out.size);
    }
    size_t run_size = 1 + (size_t)bytes[1];
    for (size_t at = 0; at < stream_size; at += run_size) {
        size_t left = stream_size - at < run_size ? stream_size - at : run_size;
        (void)fake_network_give(fixture->network, peer, stream + at, left);
        between_runs(&prng, peer);
    }
    free(stream);
    fixture_settle(fixture);
    read_answers(peer);
    finish(peer);
    return 0;
}
