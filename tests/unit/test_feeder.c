/* SPDX-License-Identifier: MIT */
/*
 * test_feeder.c - how feeding ends when it cannot go on; prop_feeder.c has the long histories.
 */
#include <errno.h>

#include "engine/base/memory.h"
#include "query/client/feeder.h"
#include "tests/unit/fake_server.h"
#include "tests/unit/table.h"

/* A server that refuses every feed with one error. */
static bool
on_frame(void *context, struct fake_server *server, const struct chek_frame *frame)
{
    const int *error = context;
    if (frame != NULL && frame->head.opcode == CHEK_OPCODE_FEED) {
        fake_server_refuse(server, frame->head.frame_id, CHEK_OPCODE_FEED, *error);
    }
    return true;
}

static void
on_result(void *context, uint64_t index, const struct chek_result *result)
{
    unsigned *count = context;
    (void)index;
    (void)result;
    *count += 1;
}

static struct refusal_case {
    const char *name;
    int error;
    unsigned frames_min, frames_max; /* sent before giving up */
    unsigned reconnects_min;
} refusals[] = {
    {"no_right_to_feed_is_final", CHEK_E_PERMISSION, 1, 1, 0},
    {"an_unknown_opcode_is_final", CHEK_E_OPCODE, 1, 1, 0},
    {"busy_for_ever_runs_out_of_patience", CHEK_E_BUSY, 3, 30, 0},
    {"a_latched_log_is_tried_again", CHEK_E_LATCHED, 3, 30, 2},
    {"a_server_that_stops_is_tried_again", CHEK_E_STOPPING, 3, 30, 2},
};

static void
test_feeder_refused(void **state)
{
    const struct refusal_case *c = *state;
    struct fake_server server = {.credits = 1 << 20};
    struct chek_feeder *feeder;
    unsigned told_count = 0;
    int error = c->error;

    fake_server_open(&server, on_frame, &error);
    struct chek_feeder_options options = {
        .connection = {.address = server.address, .token = chek_bytes_view_text(FAKE_SERVER_TOKEN)},
        .backoff_ms = 10,
        .patience_ms = 1500,
        .context = &told_count,
        .on_result = on_result};
    assert_error(chek_feeder_open(&options, &feeder, NULL), CHEK_OK);
    assert_error(chek_feeder_add(feeder, chek_bytes_view_text("document")), CHEK_OK);
    assert_error(chek_feeder_flush(feeder), c->error);
    assert_error(chek_feeder_failure(feeder)->code, c->error);
    assert_true(chek_feeder_failure(feeder)->text[0] != 0);
    struct chek_feeder_counters counters = chek_feeder_count(feeder);
    assert_in_range(counters.frame_count, c->frames_min, c->frames_max);
    assert_true(counters.reconnect_count >= c->reconnects_min);
    assert_int_equal(told_count, 0);
    /* The failure is final. */
    assert_error(chek_feeder_add(feeder, chek_bytes_view_text("more")), c->error);
    assert_error(chek_feeder_flush(feeder), c->error);
    chek_feeder_close(feeder);
    fake_server_close(&server);
}

static void
test_feeder_open_tells_who_refused(void **state)
{
    struct fake_server server = {0};
    struct chek_feeder *feeder = NULL;
    struct chek_failure failure = {0};
    (void)state;
    fake_server_open(&server, on_frame, NULL);
    struct chek_feeder_options options = {
        .connection = {.address = server.address, .token = chek_bytes_view_text("1.bad")}};
    assert_error(chek_feeder_open(&options, &feeder, &failure), CHEK_E_AUTHENTICATION);
    assert_error(failure.code, CHEK_E_AUTHENTICATION);
    assert_null(feeder);
    options.frame_size = CHEK_FRAME_BODY_SIZE_MAX + 1;
    assert_error(chek_feeder_open(&options, &feeder, &failure), CHEK_E_LIMIT);
    fake_server_close(&server);
}

static void
test_feeder_add_too_large(void **state)
{
    static const uint8_t document[CHEK_FRAME_BODY_SIZE_MAX];
    struct fake_server server = {0};
    struct chek_feeder *feeder;
    int error = CHEK_E_PERMISSION;
    (void)state;
    fake_server_open(&server, on_frame, &error);
    struct chek_feeder_options options = {
        .connection = {.address = server.address,
                       .token = chek_bytes_view_text(FAKE_SERVER_TOKEN)}};
    assert_error(chek_feeder_open(&options, &feeder, NULL), CHEK_OK);
    assert_error(chek_feeder_add(feeder, chek_bytes_view_of(document, sizeof document)),
                 CHEK_E_LIMIT);
    assert_error(chek_feeder_add(feeder, chek_bytes_view_of(document, 0)), CHEK_E_LIMIT);
    assert_error(chek_feeder_flush(feeder), CHEK_OK); /* nothing was added */
    assert_error(chek_feeder_add(feeder, chek_bytes_view_of(document, sizeof document - 14)),
                 CHEK_OK);
    assert_error(chek_feeder_flush(feeder), CHEK_E_PERMISSION); /* it was sent */
    chek_feeder_close(feeder);
    fake_server_close(&server);
}

/* Every allocation of an open fails once; nothing leaks. */
static void
test_feeder_open_without_memory(void **state)
{
    struct fake_server server = {0};
    struct chek_feeder *feeder = NULL;
    uint64_t heap_size = chek_memory_count().heap_size;
    int error = -ENOMEM;
    unsigned failed = 0;
    (void)state;
    fake_server_open(&server, on_frame, NULL);
    struct chek_feeder_options options = {
        .connection = {.address = server.address, .token = chek_bytes_view_text(FAKE_SERVER_TOKEN)},
        .frame_count = 2};
    for (uint64_t n = 1; error == -ENOMEM; n++) {
        chek_memory_fail_at(n);
        error = chek_feeder_open(&options, &feeder, NULL);
        chek_memory_fail_at(0);
        failed += error != CHEK_OK;
    }
    assert_error(error, CHEK_OK);
    assert_int_equal(failed, 6 + 2 * 2 + 3); /* its own, two a frame, the client's */
    chek_feeder_close(feeder);
    assert_int_equal(chek_memory_count().heap_size, heap_size);
    fake_server_close(&server);
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_feeder_refused, refusals);
    TABLE_TEST(&table, test_feeder_open_tells_who_refused);
    TABLE_TEST(&table, test_feeder_add_too_large);
    TABLE_TEST(&table, test_feeder_open_without_memory);
    return table_run(&table, "feeder");
}
