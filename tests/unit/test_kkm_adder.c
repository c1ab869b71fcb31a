/* SPDX-License-Identifier: MIT */
/*
 * test_kkm_adder.c - what kkm_adder.h promises, against a server that answers late and out of order.
 */
#include <string.h>

#include "query/client/kkm_adder.h"
#include "tests/unit/fake_server.h"
#include "tests/unit/table.h"

#define COUNT 50
#define TAKEN 13    /* a device that the server has already */
#define DROPPING 99 /* one at which it goes away */

struct held {
    uint64_t frame_id;
    uint32_t device;
};

struct world {
    struct fake_server server;
    struct held held[64];
    unsigned held_count, held_max;
    struct chek_client *client;
    struct chek_kkm_adder adder;
    unsigned added_count, refused_count;
    bool was_told[COUNT + 1];
    int wanted; /* what on_added returns for a refusal */
};

/* Answer what is held, the last first: its token is its device and 1000. */
static void
held_answer(struct world *world)
{
    while (world->held_count != 0) {
        uint8_t bytes[64];
        struct held held = world->held[--world->held_count];
        struct chek_kkm_added added = {.registration = held.device, .token = held.device + 1000};
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        if (held.device == TAKEN) {
            fake_server_refuse(&world->server, held.frame_id, CHEK_OPCODE_KKM_ADD, CHEK_E_EXISTS);
            continue;
        }
        chek_kkm_added_encode(&out, &added);
        fake_server_answer(&world->server, held.frame_id, CHEK_OPCODE_KKM_ADD,
                           CHEK_FRAME_ANSWER | CHEK_FRAME_LAST,
                           chek_bytes_view_of(bytes, out.size));
    }
}

static bool
on_frame(void *context, struct fake_server *server, const struct chek_frame *frame)
{
    struct world *world = context;
    struct chek_kkm_add what;
    struct chek_fault fault;
    static uint8_t memory[4096];
    struct chek_arena arena;
    (void)server;
    if (frame == NULL) { /* nothing more comes until something is answered */
        held_answer(world);
        return true;
    }
    chek_arena_init_over(&arena, memory, sizeof memory);
    int error =
        chek_kkm_add_decode_whole(frame->body.bytes, frame->body.size, &arena, &what, &fault);
    if (error != CHEK_OK || what.device == DROPPING) {
        return false;
    }
    world->held[world->held_count++] = (struct held){frame->head.frame_id, what.device};
    world->held_max = world->held_count > world->held_max ? world->held_count : world->held_max;
    return true;
}

static int
on_added(void *context, uint64_t number, const struct chek_kkm_added *added,
         const struct chek_failure *failure)
{
    struct world *world = context;
    assert_in_range(number, 1, COUNT);
    assert_false(world->was_told[number]);
    world->was_told[number] = true;
    if (added == NULL) {
        assert_int_equal(number, TAKEN);
        assert_error(failure->code, CHEK_E_EXISTS);
        world->refused_count += 1;
        return world->wanted;
    }
    assert_int_equal(added->registration, number);
    assert_int_equal(added->token, number + 1000);
    world->added_count += 1;
    return CHEK_OK;
}

static void
world_open(struct world *world)
{
    memset(world, 0, sizeof *world);
    fake_server_open(&world->server, on_frame, world);
    struct chek_client_options options = {.address = world->server.address,
                                          .token = chek_bytes_view_text(FAKE_SERVER_TOKEN)};
    assert_error(chek_client_connect(&options, &world->client, NULL), CHEK_OK);
    world->adder =
        (struct chek_kkm_adder){.client = world->client, .on_added = on_added, .context = world};
}

static void
world_close(struct world *world)
{
    chek_client_close(world->client);
    fake_server_close(&world->server);
}

static int
device_add(struct world *world, uint32_t device, size_t point_size)
{
    static char point[8192];
    struct chek_register_key key = {.kind = CHEK_KEY_KIND_REGISTRATION_NUMBER,
                                    .value = chek_bytes_view_text("640300014538")};
    memset(point, 'p', sizeof point);
    struct chek_register profile = {.keys = &key,
                                    .keys_count = 1,
                                    .organisation = chek_bytes_view_text("123456789012"),
                                    .point = chek_bytes_view_of(point, point_size)};
    struct chek_kkm_add what = {.device = device, .profile = &profile};
    return chek_kkm_adder_add(&world->adder, device, &what);
}

static struct world world;

static void
test_each_is_told_once_in_any_order(void **state)
{
    (void)state;
    world_open(&world);
    for (uint32_t device = 1; device <= COUNT; device++) {
        assert_error(device_add(&world, device, 10), CHEK_OK);
    }
    assert_error(chek_kkm_adder_finish(&world.adder), CHEK_OK);
    assert_int_equal(world.added_count, COUNT - 1);
    assert_int_equal(world.refused_count, 1);
    assert_int_equal(world.held_max, CHEK_KKM_ADDER_WINDOW);
    assert_error(chek_kkm_adder_finish(&world.adder), CHEK_OK); /* nothing is left */
    world_close(&world);
}

static void
test_what_the_callback_returns_ends_the_call(void **state)
{
    (void)state;
    world_open(&world);
    world.wanted = CHEK_E_CONFLICT;
    assert_error(device_add(&world, TAKEN, 10), CHEK_OK);
    assert_error(chek_kkm_adder_finish(&world.adder), CHEK_E_CONFLICT);
    assert_error(chek_kkm_adder_finish(&world.adder), CHEK_OK); /* it was told */
    world_close(&world);
}

static void
test_one_that_is_too_long_is_not_sent(void **state)
{
    (void)state;
    world_open(&world);
    assert_error(device_add(&world, 1, 8192), CHEK_E_LIMIT);
    assert_error(chek_kkm_adder_finish(&world.adder), CHEK_OK);
    assert_error(device_add(&world, 2, 10), CHEK_OK);
    assert_error(chek_kkm_adder_finish(&world.adder), CHEK_OK);
    assert_int_equal(world.added_count, 1);
    world_close(&world);
}

static void
test_a_server_that_goes_away(void **state)
{
    (void)state;
    world_open(&world);
    assert_error(device_add(&world, DROPPING, 10), CHEK_OK);
    assert_error(chek_kkm_adder_finish(&world.adder), CHEK_E_CLOSED);
    world_close(&world);
}

int
main(void)
{
    static struct table table;
    TABLE_TEST(&table, test_each_is_told_once_in_any_order);
    TABLE_TEST(&table, test_what_the_callback_returns_ends_the_call);
    TABLE_TEST(&table, test_one_that_is_too_long_is_not_sent);
    TABLE_TEST(&table, test_a_server_that_goes_away);
    return table_run(&table, "kkm_adder");
}
