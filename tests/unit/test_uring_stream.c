/* SPDX-License-Identifier: MIT */
/*
 * One connection and one promise of io.h at a time. The shard runs on the test's thread, the peer
 * on another with plain blocking calls.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

#define BULK_SIZE ((size_t)16 * 1024 * 1024)
#define MILLISECOND_NS UINT64_C(1000000)

struct scene;

/* What a case does at each event; NULL does nothing. */
struct script {
    void (*on_accepted)(struct scene *scene);
    void (*on_bytes)(struct scene *scene, const uint8_t *bytes, size_t size);
    void (*on_end)(struct scene *scene);
    void (*on_sent)(struct scene *scene);
    void (*on_timer)(struct scene *scene);
    void (*peer)(struct scene *scene, int socket); /* on the other thread */
};

struct scene {
    const struct script *script;
    struct uring_fixture fixture;
    struct chek_io *io;
    struct chek_listener listener;
    struct chek_stream stream;
    struct chek_op timer, end_timer;
    pthread_t thread;
    uint8_t *got;
    size_t received_size;
    unsigned receive_count, end_count, sent_count, closed_count, late_count, timer_count;
    unsigned step;
    size_t marks[2];
    int end_error, sent_error;
    bool closing;
    uint64_t close_ns, closed_ns;
    atomic_bool peer_may_go;
};

/* What a bulk transfer carries: any shift, swap or repetition of its parts shows. */
static uint8_t bulk[BULK_SIZE];

static void
bulk_fill(void)
{
    for (size_t i = 0; i < BULK_SIZE; i++) {
        bulk[i] = (uint8_t)((i * UINT64_C(0x9e3779b97f4a7c15)) >> 56);
    }
}

static void
scene_close(struct scene *scene)
{
    scene->closing = true;
    scene->close_ns = chek_io_now_ns(scene->io);
    chek_stream_close(&scene->stream);
}

static void
scene_timer(struct scene *scene, uint64_t milliseconds)
{
    chek_io_timer(scene->io, &scene->timer,
                  chek_io_now_ns(scene->io) + milliseconds * MILLISECOND_NS);
}

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    struct scene *scene = CHEK_CONTAINER_OF(stream, struct scene, stream);

    scene->late_count += scene->closing || scene->end_count > 0;
    if (size == 0) {
        scene->end_count += 1;
        scene->end_error = error;
        if (scene->script->on_end != NULL) {
            scene->script->on_end(scene);
        }
        return;
    }
    CHEK_ASSERT(error == 0);
    scene->receive_count += 1;
    CHEK_ASSERT(size <= BULK_SIZE - scene->received_size);
    memcpy(scene->got + scene->received_size, bytes, size);
    scene->received_size += size;
    if (scene->script->on_bytes != NULL) {
        scene->script->on_bytes(scene, bytes, size);
    }
}

static void
on_sent(struct chek_stream *stream, int error)
{
    struct scene *scene = CHEK_CONTAINER_OF(stream, struct scene, stream);

    scene->late_count += scene->closing;
    scene->sent_count += 1;
    scene->sent_error = error;
    if (scene->script->on_sent != NULL) {
        scene->script->on_sent(scene);
    }
}

static void
on_closed(struct chek_stream *stream)
{
    struct scene *scene = CHEK_CONTAINER_OF(stream, struct scene, stream);

    scene->closed_count += 1;
    scene->closed_ns = chek_io_now_ns(scene->io);
    CHEK_ASSERT(!stream->receive.in_flight);
    CHEK_ASSERT(!stream->send.in_flight);
    CHEK_ASSERT(!stream->closing.in_flight);
    /* A few turns more, to see what comes late. */
    chek_io_timer(scene->io, &scene->end_timer, chek_io_now_ns(scene->io) + 5 * MILLISECOND_NS);
}

static void
on_timer(struct chek_op *op, int64_t result)
{
    struct scene *scene = CHEK_CONTAINER_OF(op, struct scene, timer);

    (void)result;
    scene->timer_count += 1;
    if (!scene->closing) {
        scene->script->on_timer(scene);
    }
}

static void
on_end_timer(struct chek_op *op, int64_t result)
{
    struct scene *scene = CHEK_CONTAINER_OF(op, struct scene, end_timer);

    (void)result;
    chek_uring_stop(scene->fixture.group);
}

static void
on_accept(struct chek_listener *listener, int socket)
{
    struct scene *scene = CHEK_CONTAINER_OF(listener, struct scene, listener);

    CHEK_ASSERT(socket >= 0);
    chek_stream_start(scene->io, &scene->stream, socket);
    if (scene->script->on_accepted != NULL) {
        scene->script->on_accepted(scene);
    }
}

static void *
peer_main(void *argument)
{
    struct scene *scene = argument;
    int socket = uring_fixture_connect(scene->listener.port);

    CHEK_ASSERT(socket >= 0);
    scene->script->peer(scene, socket);
    return NULL;
}

static struct scene *
scene_play(const struct script *script, const struct chek_uring_options *options)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    scene->script = script;
    scene->got = malloc(BULK_SIZE);
    assert_non_null(scene->got);
    scene->stream.on_receive = on_receive;
    scene->stream.on_sent = on_sent;
    scene->stream.on_closed = on_closed;
    scene->listener.on_accept = on_accept;
    scene->timer.on_done = on_timer;
    scene->end_timer.on_done = on_end_timer;
    uring_fixture_open(&scene->fixture, 1, options);
    scene->io = chek_uring_io(scene->fixture.group, 0);
    assert_int_equal(chek_io_listen(scene->io, &scene->listener, "localhost:0"), CHEK_OK);
    assert_int_equal(pthread_create(&scene->thread, NULL, peer_main, scene), 0);

    assert_int_equal(chek_uring_run(scene->io), CHEK_OK);

    atomic_store(&scene->peer_may_go, true);
    pthread_join(scene->thread, NULL);
    assert_int_equal(scene->late_count, 0);
    assert_int_equal(scene->closed_count, 1);
    return scene;
}

static void
scene_end(struct scene *scene)
{
    uring_fixture_close(&scene->fixture);
    free(scene->got);
    free(scene);
}

/* ---- what peers do ----------------------------------------------------------------------------- */

static void
peer_waits(struct scene *scene, int socket)
{
    while (!atomic_load(&scene->peer_may_go)) {
        usleep(500);
    }
    close(socket);
}

static void
peer_sends_until_gone(struct scene *scene, int socket)
{
    (void)scene;
    while (uring_fixture_write(socket, bulk, 1000)) {
        usleep(1000);
    }
    close(socket);
}

static void
peer_floods_until_gone(struct scene *scene, int socket)
{
    (void)scene;
    while (uring_fixture_write(socket, bulk, 100000)) {
    }
    close(socket);
}

static void
peer_sends_bulk(struct scene *scene, int socket)
{
    CHEK_ASSERT(uring_fixture_write(socket, bulk, BULK_SIZE));
    shutdown(socket, SHUT_WR);
    peer_waits(scene, socket);
}

static void
peer_sends_a_byte_then_resets(struct scene *scene, int socket)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};

    CHEK_ASSERT(uring_fixture_write(socket, "x", 1));
    while (!atomic_load(&scene->peer_may_go)) {
        usleep(500);
    }
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(socket);
}

static void
peer_reads_a_part_then_resets(struct scene *scene, int socket)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    uint8_t *piece = malloc(1 << 20);

    (void)scene;
    CHEK_ASSERT(uring_fixture_read(socket, piece, 1 << 20));
    free(piece);
    setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(socket);
}

/* Half-closes first, then reads slowly, and wants the bulk and an end. */
static void
peer_asks_and_reads_slowly(struct scene *scene, int socket)
{
    (void)scene;
    uint8_t *piece = malloc(1 << 20);

    CHEK_ASSERT(uring_fixture_write(socket, "hello", 5));
    shutdown(socket, SHUT_WR);
    for (size_t at = 0; at < BULK_SIZE; at += 1 << 20) {
        usleep(300);
        CHEK_ASSERT(uring_fixture_read(socket, piece, 1 << 20));
        CHEK_ASSERT(memcmp(piece, bulk + at, 1 << 20) == 0);
    }
    CHEK_ASSERT(uring_fixture_receive(socket, piece, 1) == 0);
    free(piece);
    close(socket);
}

/* ---- closing ----------------------------------------------------------------------------------- */

static void
close_on_bytes(struct scene *scene, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    scene_close(scene);
}

static void
test_close_inside_on_receive_is_the_last_call_but_on_closed(void **state)
{
    (void)state;
    struct scene *scene = scene_play(
        &(struct script){.on_bytes = close_on_bytes, .peer = peer_floods_until_gone}, NULL);
    assert_int_equal(scene->receive_count, 1);
    assert_int_equal(scene->end_count, 0);
    scene_end(scene);
}

static void
test_close_inside_on_accept_receives_nothing(void **state)
{
    (void)state;
    struct scene *scene = scene_play(
        &(struct script){.on_accepted = scene_close, .peer = peer_sends_until_gone}, NULL);
    assert_int_equal(scene->receive_count, 0);
    assert_int_equal(scene->end_count, 0);
    scene_end(scene);
}

static void
send_bulk_and_set_timer(struct scene *scene)
{
    chek_stream_send(&scene->stream, bulk, BULK_SIZE);
    scene_timer(scene, 50);
}

static void
test_close_does_not_wait_for_a_peer_that_never_reads(void **state)
{
    (void)state;
    struct scene *scene = scene_play(&(struct script){.on_accepted = send_bulk_and_set_timer,
                                                      .on_timer = scene_close,
                                                      .peer = peer_waits},
                                     NULL);
    assert_int_equal(scene->sent_count, 0);
    assert_true(scene->closed_ns - scene->close_ns < 1000 * MILLISECOND_NS);
    scene_end(scene);
}

static void
test_close_with_both_directions_busy(void **state)
{
    (void)state;
    struct scene *scene = scene_play(&(struct script){.on_accepted = send_bulk_and_set_timer,
                                                      .on_timer = scene_close,
                                                      .peer = peer_sends_until_gone},
                                     NULL);
    assert_int_equal(scene->sent_count, 0);
    assert_true(scene->receive_count > 0);
    scene_end(scene);
}

static void
pause_then_close(struct scene *scene)
{
    chek_stream_pause(&scene->stream);
    scene_close(scene);
    chek_stream_resume(&scene->stream); /* of no meaning any more, and allowed */
}

static void
test_close_right_after_a_pause(void **state)
{
    (void)state;
    struct scene *scene = scene_play(
        &(struct script){.on_accepted = pause_then_close, .peer = peer_sends_until_gone}, NULL);
    assert_int_equal(scene->receive_count, 0);
    scene_end(scene);
}

static void
test_close_on_a_ring_of_one_entry(void **state)
{
    (void)state;
    struct scene *scene =
        scene_play(&(struct script){.on_bytes = close_on_bytes, .peer = peer_floods_until_gone},
                   &(struct chek_uring_options){.submission_count = 1, .completion_count = 1});
    assert_int_equal(scene->receive_count, 1);
    scene_end(scene);
}

/* ---- ends -------------------------------------------------------------------------------------- */

static void
let_peer_go(struct scene *scene, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    atomic_store(&scene->peer_may_go, true);
}

static void
test_reset_by_the_peer_is_reported_once(void **state)
{
    (void)state;
    struct scene *scene = scene_play(&(struct script){.on_bytes = let_peer_go,
                                                      .on_end = scene_close,
                                                      .peer = peer_sends_a_byte_then_resets},
                                     NULL);
    assert_int_equal(scene->received_size, 1);
    assert_int_equal(scene->end_count, 1);
    assert_int_equal(scene->end_error, -ECONNRESET);
    scene_end(scene);
}

static void
send_bulk(struct scene *scene)
{
    chek_stream_send(&scene->stream, bulk, BULK_SIZE);
}

static void
test_peer_that_has_sent_its_last_gets_all_of_a_long_answer(void **state)
{
    (void)state;
    struct scene *scene = scene_play(&(struct script){.on_end = send_bulk,
                                                      .on_sent = scene_close,
                                                      .peer = peer_asks_and_reads_slowly},
                                     NULL);
    assert_int_equal(scene->received_size, 5);
    assert_memory_equal(scene->got, "hello", 5);
    assert_int_equal(scene->end_count, 1);
    assert_int_equal(scene->end_error, 0);
    assert_int_equal(scene->sent_count, 1);
    assert_int_equal(scene->sent_error, 0);
    assert_true(chek_uring_count(scene->io).completion_count <
                100); /* an end is not asked for again */
    scene_end(scene);
}

static void
wait_for_reset_then_send(struct scene *scene)
{
    if (scene->step == 0) {
        scene->step = 1;
        send_bulk(scene);
    }
}

static void
test_send_to_a_peer_that_reset_fails(void **state)
{
    (void)state;
    struct scene *scene = scene_play(&(struct script){.on_bytes = let_peer_go,
                                                      .on_end = wait_for_reset_then_send,
                                                      .on_sent = scene_close,
                                                      .peer = peer_sends_a_byte_then_resets},
                                     NULL);
    assert_int_equal(scene->sent_count, 1);
    assert_int_equal(scene->sent_error, -EPIPE);
    scene_end(scene);
}

static void
test_send_that_the_peer_breaks_off_fails(void **state)
{
    (void)state;
    struct scene *scene = scene_play(&(struct script){.on_accepted = send_bulk,
                                                      .on_sent = scene_close,
                                                      .peer = peer_reads_a_part_then_resets},
                                     NULL);
    assert_int_equal(scene->sent_count, 1);
    assert_true(scene->sent_error == -ECONNRESET || scene->sent_error == -EPIPE);
    scene_end(scene);
}

/* ---- pause and resume -------------------------------------------------------------------------- */

static void
pause_at_first_bytes(struct scene *scene, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    if (scene->step == 0) {
        scene->step = 1;
        chek_stream_pause(&scene->stream);
        scene_timer(scene, 10);
    }
}

static void
look_twice_then_resume(struct scene *scene)
{
    scene->marks[scene->step - 1] = scene->received_size;
    if (scene->step == 1) {
        scene->step = 2;
        scene_timer(scene, 50);
    } else {
        scene->step = 3;
        chek_stream_resume(&scene->stream);
    }
}

static void
test_pause_holds_back_and_resume_goes_on_where_it_was(void **state)
{
    (void)state;
    struct scene *scene = scene_play(&(struct script){.on_bytes = pause_at_first_bytes,
                                                      .on_timer = look_twice_then_resume,
                                                      .on_end = scene_close,
                                                      .peer = peer_sends_bulk},
                                     NULL);
    assert_int_equal(scene->marks[0], scene->marks[1]); /* silence between the two looks */
    assert_true(scene->marks[1] < BULK_SIZE / 2);
    assert_int_equal(scene->received_size, BULK_SIZE);
    assert_memory_equal(scene->got, bulk, BULK_SIZE);
    scene_end(scene);
}

static void
flicker(struct scene *scene, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    for (unsigned i = 0; i < scene->receive_count % 4; i++) {
        chek_stream_pause(&scene->stream);
        chek_stream_resume(&scene->stream);
    }
    if (scene->receive_count % 5 == 0 && !scene->timer.in_flight) {
        chek_stream_pause(&scene->stream);
        scene_timer(scene, scene->receive_count % 2);
    }
}

static void
resume_now(struct scene *scene)
{
    chek_stream_resume(&scene->stream);
}

static struct pause_case {
    const char *name;
    struct chek_uring_options options;
} pause_cases[] = {
    {"pauses_on_a_usual_ring_lose_and_double_nothing", {0}},
    {"pauses_on_a_tiny_ring_lose_and_double_nothing",
     {.submission_count = 2,
      .completion_count = 2,
      .receive_buffer_count = 4,
      .receive_buffer_size = 8192}},
};

static void
test_pauses_and_resumes_lose_and_double_nothing(void **state)
{
    const struct pause_case *c = *state;
    struct scene *scene = scene_play(&(struct script){.on_bytes = flicker,
                                                      .on_timer = resume_now,
                                                      .on_end = scene_close,
                                                      .peer = peer_sends_bulk},
                                     &c->options);
    assert_int_equal(scene->received_size, BULK_SIZE);
    assert_memory_equal(scene->got, bulk, BULK_SIZE);
    assert_true(scene->timer_count > 2);
    scene_end(scene);
}

/* ---- the socket itself ------------------------------------------------------------------------- */

static void
check_no_delay_and_close(struct scene *scene)
{
    int on = 0;
    socklen_t size = sizeof on;

    CHEK_ASSERT(getsockopt(scene->stream.file, IPPROTO_TCP, TCP_NODELAY, &on, &size) == 0);
    CHEK_ASSERT(on != 0);
    scene_close(scene);
}

static void
test_accepted_sockets_send_without_delay(void **state)
{
    (void)state;
    scene_end(scene_play(
        &(struct script){.on_accepted = check_no_delay_and_close, .peer = peer_waits}, NULL));
}

int
main(void)
{
    static struct table table;
    int skip = uring_fixture_skip();

    if (skip != 0) {
        return skip;
    }
    bulk_fill();
    TABLE_ROWS(&table, test_pauses_and_resumes_lose_and_double_nothing, pause_cases);
    TABLE_TEST(&table, test_close_inside_on_receive_is_the_last_call_but_on_closed);
    TABLE_TEST(&table, test_close_inside_on_accept_receives_nothing);
    TABLE_TEST(&table, test_close_does_not_wait_for_a_peer_that_never_reads);
    TABLE_TEST(&table, test_close_with_both_directions_busy);
    TABLE_TEST(&table, test_close_right_after_a_pause);
    TABLE_TEST(&table, test_close_on_a_ring_of_one_entry);
    TABLE_TEST(&table, test_reset_by_the_peer_is_reported_once);
    TABLE_TEST(&table, test_peer_that_has_sent_its_last_gets_all_of_a_long_answer);
    TABLE_TEST(&table, test_send_to_a_peer_that_reset_fails);
    TABLE_TEST(&table, test_send_that_the_peer_breaks_off_fails);
    TABLE_TEST(&table, test_pause_holds_back_and_resume_goes_on_where_it_was);
    TABLE_TEST(&table, test_accepted_sockets_send_without_delay);
    return table_run(&table, "uring_stream");
}
