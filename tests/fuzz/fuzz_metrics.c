/* SPDX-License-Identifier: MIT */
/*
 * fuzz_metrics.c - any bytes as what a peer of GET /metrics sends, to a whole server in the simulator.
 *
 * One server serves all inputs, so that a connection or a question that is not given back runs it
 * dry: behind each input a right request has to be answered.
 *
 *   byte 0  bits 0-2: how many peers send it at once, less one; bit 3: they end after it; bit 4: they
 *           break off instead; bit 5: a right request goes before
 *   byte 1  length of the pieces, less one
 *   2..     the bytes
 */
#include <sodium.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "tests/fuzz/fuzz.h"
#include "tests/sim/world.h"
#include "tools/server/server.h"

#define ADDRESS "127.0.0.1:4003"
#define PEER_COUNT_MAX 8
#define STEP_COUNT_MAX 100000
#define ANSWER_SIZE_MAX ((size_t)64 * 1024)
#define INPUT_COUNT_MAX 20000 /* then a new world: clients of the old one take memory */

static const char request[] = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";

static struct chek_world *world;
static struct chek_server *server;
static bool is_ready;
static unsigned input_count;

struct peer {
    struct chek_world_client *client;
    char answer[ANSWER_SIZE_MAX];
    size_t size;
    bool is_over;
};

static void
on_ready(void *context, const struct chek_server_ports *ports)
{
    (void)context;
    CHEK_ASSERT(strcmp(ports->metrics, ADDRESS) == 0);
    is_ready = true;
}

static void
on_stopped(void *context, int error)
{
    (void)context;
    (void)error;
    CHEK_ASSERT(false);
}

static void
start(void)
{
    struct chek_world_options options = chek_world_options_calm(1);
    struct chek_server_config config = {.listen = "127.0.0.1:4000",
                                        .metrics = ADDRESS,
                                        .partition_count = 1,
                                        .on_ready = on_ready,
                                        .on_stopped = on_stopped};
    struct chek_server_fault fault;
    options.step_count_max = UINT64_MAX;
    world = chek_world_create(&options);
    unsigned machine = chek_world_machine_add(world, 1);
    struct chek_io *io = chek_world_io(world, machine, 0);
    int error = chek_server_create(&io, 1, &config, &fault, &server);
    CHEK_ASSERT(error == CHEK_OK);
    is_ready = false;
    while (!is_ready) {
        (void)chek_world_step(world);
    }
}

static void
end(void)
{
    chek_world_crash(world, 0, CHEK_CRASH_KILL);
    chek_server_destroy(server);
    chek_world_destroy(world);
    input_count = 0;
}

/* ---- peers ------------------------------------------------------------------------------------ */

static void
on_receive(void *context, const uint8_t *bytes, size_t size, int error)
{
    struct peer *peer = context;
    if (error != CHEK_OK || size == 0) {
        peer->is_over = true;
        return;
    }
    CHEK_ASSERT(size <= sizeof peer->answer - 1 - peer->size);
    memcpy(peer->answer + peer->size, bytes, size);
    peer->size += size;
    peer->answer[peer->size] = 0;
}

static void
peer_begin(struct peer *peer)
{
    struct chek_world_client_owner owner = {.context = peer, .on_receive = on_receive};
    peer->size = 0;
    peer->is_over = false;
    peer->answer[0] = 0;
    peer->client = chek_world_client_connect(world, 0, ADDRESS, &owner);
}

/* An answer is one of three, whole or cut off, and nothing comes behind it. */
static void
answer_judge(const struct peer *peer, bool is_whole)
{
    static const char *const heads[] = {"HTTP/1.1 200 OK\r\n", "HTTP/1.1 404 Not Found\r\n",
                                        "HTTP/1.1 503 Service Unavailable\r\n"};
    static const char length[] = "Content-Length: ";
    bool is_known = peer->size == 0 && !is_whole;
    for (size_t i = 0; i < CHEK_COUNT(heads); i++) {
        size_t size = strlen(heads[i]);
        size = size < peer->size || is_whole ? size : peer->size;
        is_known = is_known || strncmp(peer->answer, heads[i], size) == 0;
    }
    CHEK_ASSERT(is_known);
    const char *body = strstr(peer->answer, "\r\n\r\n");
    if (body == NULL) {
        CHEK_ASSERT(!is_whole);
        return;
    }
    const char *at = strstr(peer->answer, length);
    CHEK_ASSERT(at != NULL && at < body);
    size_t body_size = 0;
    for (at += sizeof length - 1; *at >= '0' && *at <= '9'; at++) {
        body_size = body_size * 10 + (size_t)(*at - '0');
    }
    size_t got = peer->size - (size_t)(body + 4 - peer->answer);
    CHEK_ASSERT(got <= body_size && (!is_whole || got == body_size));
}

/*
 * A right request is answered: places are given back, in five seconds at the latest. Who comes while
 * there is none, because peers that broke off are still being accepted, is sent away without a word.
 */
static void
server_judge(struct peer *peer)
{
    peer_begin(peer);
    chek_world_client_send(peer->client, request, sizeof request - 1);
    for (unsigned i = 0; i < STEP_COUNT_MAX && peer->size == 0; i++) {
        (void)chek_world_step(world);
        if (peer->is_over && peer->size == 0) {
            chek_world_client_close(peer->client);
            peer_begin(peer);
            chek_world_client_send(peer->client, request, sizeof request - 1);
        }
    }
    for (unsigned i = 0; i < STEP_COUNT_MAX && !peer->is_over; i++) {
        (void)chek_world_step(world);
    }
    CHEK_ASSERT(peer->is_over);
    answer_judge(peer, true);
    CHEK_ASSERT(strstr(peer->answer, "200 OK") != NULL);
    CHEK_ASSERT(strstr(peer->answer, "\nchek_") != NULL);
    chek_world_client_close(peer->client);
}

static void
peers_send(struct peer *peers, unsigned count, struct chek_bytes_view bytes, size_t piece)
{
    for (size_t at = 0; at < bytes.size; at += piece) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;
        for (unsigned i = 0; i < count; i++) {
            chek_world_client_send(peers[i].client, bytes.bytes + at, size);
        }
        (void)chek_world_step(world);
    }
}

/* Who neither asks nor ends is sent away. */
static void
peer_end(struct peer *peer, uint8_t what)
{
    if ((what & 0x10) != 0) {
        chek_world_client_reset(peer->client);
        return;
    }
    if ((what & 0x08) != 0) {
        chek_world_client_shutdown(peer->client);
    }
    for (unsigned i = 0; i < STEP_COUNT_MAX && !peer->is_over; i++) {
        (void)chek_world_step(world);
    }
    CHEK_ASSERT(peer->is_over);
    answer_judge(peer, false);
    chek_world_client_close(peer->client);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct peer peers[PEER_COUNT_MAX];
    struct chek_cursor in = chek_cursor_over(bytes, size);
    uint8_t what = chek_cursor_u8(&in);
    size_t piece = (size_t)chek_cursor_u8(&in) + 1;
    unsigned count = 1 + (what & 7);
    if (in.error != CHEK_OK || sodium_init() < 0) {
        return 0;
    }
    if (server == NULL || ++input_count > INPUT_COUNT_MAX) {
        if (server != NULL) {
            end();
        }
        start();
    }
    for (unsigned i = 0; i < count; i++) {
        peer_begin(&peers[i]);
        if ((what & 0x20) != 0) {
            chek_world_client_send(peers[i].client, request, sizeof request - 1);
        }
    }
    peers_send(peers, count, chek_cursor_view(&in, chek_cursor_left(&in)), piece);
    for (unsigned i = 0; i < count; i++) {
        peer_end(&peers[i], what);
    }
    server_judge(&peers[0]);
    return 0;
}
