/* SPDX-License-Identifier: MIT */
/* Messages between shards: in order, none lost, none doubled, and a sleeping peer always wakes. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

/* ---- a flood between four shards --------------------------------------------------------------- */

#define SHARD_COUNT 4
#define FLOOD_COUNT 1000000 /* over all pairs, not counting the answers */
#define WINDOW 64           /* messages of a pair on their way */
#define PAIR_FLOOD_COUNT (FLOOD_COUNT / (SHARD_COUNT * SHARD_COUNT))

enum { QUESTION = 1, ANSWER };

struct letter {
    struct chek_message message;
    unsigned sender;
    uint64_t number;
};

struct town;

/* One shard's side: what it has sent to each, and what it has had from each. */
struct house {
    struct town *town;
    struct chek_io *io;
    uint64_t sent[SHARD_COUNT], answered[SHARD_COUNT], received[SHARD_COUNT];
    uint64_t turn_count;
    struct letter letters[SHARD_COUNT][WINDOW];
};

struct town {
    struct uring_fixture fixture;
    struct house houses[SHARD_COUNT];
    atomic_uint done_count;
};

static void
letter_send(struct house *house, unsigned to, struct letter *letter)
{
    letter->message.kind = QUESTION;
    letter->sender = chek_io_shard(house->io);
    letter->number = house->sent[to];
    house->sent[to] += 1;
    int error = chek_io_post(house->io, to, &letter->message);
    CHEK_ASSERT(error == CHEK_OK);
}

static bool
house_is_done(const struct house *house)
{
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        if (house->answered[i] < PAIR_FLOOD_COUNT || house->received[i] < PAIR_FLOOD_COUNT) {
            return false;
        }
    }
    return true;
}

static void
on_letter(void *context, struct chek_message *message)
{
    struct house *house = context;
    struct letter *letter = CHEK_CONTAINER_OF(message, struct letter, message);
    unsigned from = message->from;

    if (message->kind == QUESTION) {
        CHEK_ASSERT(letter->sender == from);
        CHEK_ASSERT(letter->number == house->received[from]); /* in order, each once */
        house->received[from] += 1;
        message->kind = ANSWER;
        int error = chek_io_post(house->io, from, message);
        CHEK_ASSERT(error == CHEK_OK);
    } else {
        CHEK_ASSERT(message->kind == ANSWER);
        CHEK_ASSERT(letter->sender == chek_io_shard(house->io));
        CHEK_ASSERT(letter->number == house->answered[from]);
        house->answered[from] += 1;
        if (house->sent[from] < PAIR_FLOOD_COUNT) {
            letter_send(house, from, letter);
        }
    }
    if (house_is_done(house) && atomic_fetch_add(&house->town->done_count, 1) == SHARD_COUNT - 1) {
        chek_uring_stop(house->town->fixture.group);
    }
}

static void
on_house_turn(void *context)
{
    struct house *house = context;
    house->turn_count += 1;
}

static struct flood_case {
    const char *name;
    struct chek_uring_options options;
} flood_cases[] = {
    {"a_million_messages_arrive_once_in_order", {0}},
    {"a_million_messages_arrive_on_rings_of_2", {.submission_count = 2, .completion_count = 2}},
};

static void
test_flood(void **state)
{
    const struct flood_case *c = *state;
    struct town *town = calloc(1, sizeof *town);
    assert_non_null(town);
    uring_fixture_open(&town->fixture, SHARD_COUNT, &c->options);
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        struct house *house = &town->houses[i];
        house->town = town;
        house->io = chek_uring_io(town->fixture.group, i);
        chek_io_set_owner(house->io, &(struct chek_io_owner){.context = house,
                                                             .on_message = on_letter,
                                                             .on_turn = on_house_turn});
        for (unsigned to = 0; to < SHARD_COUNT; to++) {
            for (unsigned w = 0; w < WINDOW; w++) {
                letter_send(house, to, &house->letters[to][w]);
            }
        }
    }

    uring_fixture_start(&town->fixture);
    uring_fixture_join(&town->fixture);

    uint64_t wake_count = 0;
    uint64_t turn_count = 0;
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        for (unsigned j = 0; j < SHARD_COUNT; j++) {
            assert_int_equal(town->houses[i].received[j], PAIR_FLOOD_COUNT);
            assert_int_equal(town->houses[i].answered[j], PAIR_FLOOD_COUNT);
        }
        struct chek_uring_counters counters = chek_uring_count(town->houses[i].io);
        assert_true(town->houses[i].turn_count >= counters.turn_count);
        wake_count += counters.wake_count;
        turn_count += counters.turn_count;
    }
    printf("%u messages there and back: %llu turns, %llu wake-ups\n", FLOOD_COUNT,
           (unsigned long long)turn_count, (unsigned long long)wake_count);
    uring_fixture_close(&town->fixture);
    free(town);
}

/* ---- one message to and fro, both asleep most of the time ------------------------------------- */

#define BALL_COUNT 20000

struct court {
    struct uring_fixture fixture;
    struct player {
        struct court *court;
        struct chek_io *io;
        struct chek_op pause;
        struct chek_message *ball;
        uint64_t hit_count;
    } players[2];
    struct chek_message ball;
};

static void
player_hit(struct player *player)
{
    unsigned other = 1 - chek_io_shard(player->io);

    player->hit_count += 1;
    if (player->hit_count == BALL_COUNT / 2) {
        chek_uring_stop(player->court->fixture.group);
        return;
    }
    int error = chek_io_post(player->io, other, player->ball);
    CHEK_ASSERT(error == CHEK_OK);
}

static void
on_pause_over(struct chek_op *op, int64_t result)
{
    (void)result;
    player_hit(CHEK_CONTAINER_OF(op, struct player, pause));
}

/* Every other hit comes after a pause of up to 100 us, so that the peer is anywhere between
 * polling, announcing its sleep, and asleep. */
static void
on_ball(void *context, struct chek_message *message)
{
    struct player *player = context;
    uint64_t pause_ns = player->hit_count * 7919 % 100000;

    player->ball = message;
    if (player->hit_count % 2 == 0) {
        player_hit(player);
    } else {
        chek_io_timer(player->io, &player->pause, chek_io_now_ns(player->io) + pause_ns);
    }
}

static void
test_sleeping_peer_is_always_woken(void **state)
{
    (void)state;
    struct court court = {0};
    uring_fixture_open(&court.fixture, 2, NULL);
    for (unsigned i = 0; i < 2; i++) {
        struct player *player = &court.players[i];
        player->court = &court;
        player->io = chek_uring_io(court.fixture.group, i);
        player->pause.on_done = on_pause_over;
        chek_io_set_owner(player->io,
                          &(struct chek_io_owner){.context = player, .on_message = on_ball});
    }
    court.players[0].ball = &court.ball;
    player_hit(&court.players[0]);

    uring_fixture_start(&court.fixture);
    uring_fixture_join(&court.fixture); /* a lost wake-up is a test that does not end */

    assert_true(court.players[0].hit_count >= BALL_COUNT / 2 - 1);
    assert_true(court.players[1].hit_count >= BALL_COUNT / 2 - 1);
    uring_fixture_close(&court.fixture);
}

/* ---- edges ------------------------------------------------------------------------------------- */

struct box {
    struct uring_fixture fixture;
    unsigned received_count, order_broken_count;
    unsigned want_count;
    struct chek_message messages[5000];
};

static void
on_boxed(void *context, struct chek_message *message)
{
    struct box *box = context;

    box->order_broken_count += message != &box->messages[box->received_count];
    box->received_count += 1;
    if (box->received_count == box->want_count) {
        chek_uring_stop(box->fixture.group);
    }
}

static void
test_full_ring_refuses_and_the_message_stays(void **state)
{
    (void)state;
    struct box *box = calloc(1, sizeof *box);
    assert_non_null(box);
    uring_fixture_open(&box->fixture, 2, NULL);
    struct chek_io *from = chek_uring_io(box->fixture.group, 1);
    struct chek_io *to = chek_uring_io(box->fixture.group, 0);
    unsigned count = 0;
    while (count < CHEK_COUNT(box->messages) &&
           chek_io_post(from, 0, &box->messages[count]) == CHEK_OK) {
        count += 1;
    }
    assert_int_equal(chek_io_post(from, 0, &box->messages[count]), CHEK_E_FULL);
    assert_true(count >= 4096 && count < CHEK_COUNT(box->messages));
    assert_int_equal(from->post_count, count);
    box->want_count = count;
    chek_io_set_owner(to, &(struct chek_io_owner){.context = box, .on_message = on_boxed});

    assert_int_equal(chek_uring_run(to), CHEK_OK);

    assert_int_equal(box->received_count, count);
    assert_int_equal(box->order_broken_count, 0);
    assert_int_equal(chek_io_post(from, 0, &box->messages[0]), CHEK_OK);
    uring_fixture_close(&box->fixture);
    free(box);
}

static void
test_message_to_oneself_arrives(void **state)
{
    (void)state;
    struct box *box = calloc(1, sizeof *box);
    assert_non_null(box);
    uring_fixture_open(&box->fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(box->fixture.group, 0);
    box->want_count = 2;
    chek_io_set_owner(io, &(struct chek_io_owner){.context = box, .on_message = on_boxed});
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(chek_io_post(io, 0, &box->messages[i]), CHEK_OK);
    }
    assert_int_equal(chek_uring_run(io), CHEK_OK);
    assert_int_equal(box->received_count, 2);
    assert_int_equal(box->order_broken_count, 0);
    assert_int_equal(box->messages[0].from, 0);
    uring_fixture_close(&box->fixture);
    free(box);
}

/* ---- steps ------------------------------------------------------------------------------------ */

#define STEP_COUNT_MAX 256

/* What the owner was called with, in order: w(ake), m(essage), o(p), t(urn), s(tep). */
struct stepper {
    struct uring_fixture fixture;
    struct chek_io *io;
    struct chek_message message;
    struct chek_op timer, work;
    char calls[STEP_COUNT_MAX + 1];
    unsigned count, op_count;
};

static void
called(struct stepper *stepper, char what)
{
    if (stepper->count < STEP_COUNT_MAX) {
        stepper->calls[stepper->count++] = what;
    }
}

static void
on_step_message(void *context, struct chek_message *message)
{
    (void)message;
    called(context, 'm');
}

static void
on_step_turn(void *context)
{
    called(context, 't');
}

static void
on_step_wake(void *context)
{
    called(context, 'w');
}

static void
on_step_end(void *context)
{
    called(context, 's');
}

static void
op_called(struct stepper *stepper)
{
    called(stepper, 'o');
    stepper->op_count += 1;
    if (stepper->op_count == 2) {
        chek_uring_stop(stepper->fixture.group);
    }
}

static void
on_step_timer(struct chek_op *op, int64_t result)
{
    (void)result;
    op_called(CHEK_CONTAINER_OF(op, struct stepper, timer));
}

static void
on_step_work(struct chek_op *op, int64_t result)
{
    (void)result;
    op_called(CHEK_CONTAINER_OF(op, struct stepper, work));
}

static void
nothing(void *argument)
{
    (void)argument;
}

/* Whatever was called is over before anything else is: measuring leaves nothing out. */
static void
test_every_callback_is_a_step(void **state)
{
    static struct stepper stepper;
    (void)state;
    uring_fixture_open(&stepper.fixture, 1, NULL);
    stepper.io = chek_uring_io(stepper.fixture.group, 0);
    chek_io_set_owner(stepper.io, &(struct chek_io_owner){.context = &stepper,
                                                          .on_message = on_step_message,
                                                          .on_turn = on_step_turn,
                                                          .on_wake = on_step_wake,
                                                          .on_step = on_step_end});
    stepper.timer.on_done = on_step_timer;
    stepper.work.on_done = on_step_work;
    assert_int_equal(chek_io_post(stepper.io, 0, &stepper.message), CHEK_OK);
    chek_io_timer(stepper.io, &stepper.timer, chek_io_now_ns(stepper.io) + 1000000);
    chek_io_work(stepper.io, &stepper.work, nothing, NULL);
    assert_int_equal(chek_uring_run(stepper.io), CHEK_OK);
    assert_int_equal(stepper.calls[0], 'w');
    for (unsigned i = 0; i + 1 < stepper.count; i++) {
        bool is_callback = strchr("mot", stepper.calls[i]) != NULL;
        assert_true(!is_callback || stepper.calls[i + 1] == 's');
    }
    assert_non_null(strchr(stepper.calls, 'm'));
    assert_int_equal(stepper.op_count, 2);
    uring_fixture_close(&stepper.fixture);
}

int
main(void)
{
    static struct table table;
    int skip = uring_fixture_skip();

    if (skip != 0) {
        return skip;
    }
    TABLE_ROWS(&table, test_flood, flood_cases);
    TABLE_TEST(&table, test_sleeping_peer_is_always_woken);
    TABLE_TEST(&table, test_full_ring_refuses_and_the_message_stays);
    TABLE_TEST(&table, test_message_to_oneself_arrives);
    TABLE_TEST(&table, test_every_callback_is_a_step);
    return table_run(&table, "uring_message");
}
