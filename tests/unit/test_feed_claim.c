/* SPDX-License-Identifier: MIT */
/* test_feed_claim.c - the opcode claim: what is answered, and what is refused before it is logged. */
#include "ingest/feed.h"
#include "tests/unit/session_fixture.h"
#include "tests/unit/table.h"

#define KEY_COUNT_MAX 9

/* A feed host between a session and a directory; parts wait until the test lets them come back. */
static struct scene {
    struct session_fixture *fixture;
    struct client client;
    struct chek_feed_host *feeds;
    struct chek_request *request; /* the newest */
    struct chek_feed_frame *frame;
    struct chek_part *part;
    uint8_t claim[4096];
    size_t claim_size;
    unsigned claim_count;
} scene;

/* ---- the ports -------------------------------------------------------------------------------- */

static const struct chek_directory *
port_directory(void *context)
{
    (void)context;
    return scene.fixture->directory;
}

static unsigned
port_shard_of(void *context, uint16_t partition)
{
    (void)context;
    (void)partition;
    return 0;
}

static bool
port_has_credit(void *context, unsigned shard, size_t size)
{
    (void)context;
    (void)shard;
    (void)size;
    return true;
}

static void
port_submit(void *context, struct chek_part *part)
{
    (void)context;
    scene.part = part;
}

static bool
port_claim(void *context, struct chek_feed_frame *frame, struct chek_bytes_view claim)
{
    (void)context;
    assert_true(claim.size <= sizeof scene.claim);
    memcpy(scene.claim, claim.bytes, claim.size);
    scene.claim_size = claim.size;
    scene.frame = frame;
    scene.claim_count += 1;
    return true;
}

/* ---- a scene ---------------------------------------------------------------------------------- */

static void
on_claim(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    scene.request = request;
    chek_feed_claim_handle(context, request, body);
}

static void
on_hello(void *context, struct chek_request *request, uint64_t acknowledged)
{
    (void)context;
    (void)acknowledged;
    chek_request_welcome(request, false);
}

static void
session_start(void)
{
    static const uint16_t numbers[CHEK_OPCODE_COUNT] = {
#define NUMBER(number, NAME, name, RIGHT, SCOPE, size, request, answer, stream) (number),
        CHEK_OPCODES(NUMBER)
#undef NUMBER
    };
    struct session_fixture *fixture = scene.fixture;
    struct chek_handler_table table = {.context = scene.feeds, .on_hello = on_hello};
    uint16_t port;

    for (size_t i = 0; i < CHEK_OPCODE_COUNT; i++) {
        if (numbers[i] == CHEK_OPCODE_CLAIM) {
            table.handlers[i] =
                (struct chek_handler){on_claim, chek_feed_on_abandon, chek_feed_on_room};
        }
    }
    assert_error(
        chek_session_host_create(&fixture->network->io, &fixture->config, &table, &fixture->host),
        CHEK_OK);
    chek_session_host_directory(fixture->host, fixture->directory);
    assert_error(chek_session_listen(fixture->host, "localhost:0", &port), CHEK_OK);
}

static void
scene_begin(uint32_t principal)
{
    static const struct chek_subject_key key;
    scene = (struct scene){.fixture = fixture_create()};
    struct chek_feed_config config = {&scene.fixture->network->io, 4, 4};
    struct chek_feed_port port = {NULL,        port_directory, port_shard_of, port_has_credit,
                                  port_submit, port_claim,     &key};
    assert_error(chek_feed_host_create(&config, &port, &scene.feeds), CHEK_OK);
    session_start();
    scene.client = client_open(scene.fixture, principal);
}

static void
scene_end(void)
{
    assert_true(chek_feed_is_idle(scene.feeds));
    fixture_destroy(scene.fixture);
    chek_feed_host_destroy(scene.feeds);
}

/* Send a claim of registers, each a text of keys, a letter a key. */
static void
claim_send(const char *const *texts, uint32_t count)
{
    struct chek_register registers[4];
    struct chek_register_key keys[4][KEY_COUNT_MAX];
    uint8_t body[1024];
    struct chek_writer out = chek_writer_over(body, sizeof body);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t key_count = 0;
        for (const char *at = texts[i]; *at != 0; at++) {
            keys[i][key_count++] = (struct chek_register_key){
                .kind = CHEK_KEY_KIND_NAME, .value = chek_bytes_view_of((const uint8_t *)at, 1)};
        }
        registers[i] = (struct chek_register){
            .keys = keys[i], .keys_count = key_count, .organisation = chek_bytes_view_text("1")};
    }
    chek_claim_encode(&out, &(struct chek_claim){.registers = registers, .registers_count = count});
    client_send(&scene.client, CHEK_OPCODE_CLAIM, 2, body, out.size);
}

/* The directory decides: what was handed to the port is applied. */
static void
claim_apply(void)
{
    struct chek_arena arena;
    struct chek_command_claim claim;
    struct chek_claimed claimed[4];
    struct chek_fault fault;

    assert_error(chek_arena_init(&arena, 65536), CHEK_OK);
    assert_error(
        chek_command_claim_decode_whole(scene.claim, scene.claim_size, &arena, &claim, &fault),
        CHEK_OK);
    assert_error(chek_directory_ensure(scene.fixture->directory, scene.claim_size), CHEK_OK);
    for (uint32_t i = 0; i < claim.registers_count; i++) {
        chek_directory_claim(scene.fixture->directory, &claim.registers[i], &claimed[i]);
    }
    chek_feed_claimed(scene.feeds, scene.frame, CHEK_OK, claimed, claim.registers_count);
    chek_arena_finish(&arena);
}

static void
part_return(void)
{
    struct chek_part *part = scene.part;
    scene.part = NULL;
    part->done_count = part->taken_count = part->item_count;
    chek_feed_part_done(scene.feeds, part);
}

/* A register that the directory has. */
static void
known(const char *keys)
{
    claim_send(&keys, 1);
    claim_apply();
    part_return();
    fixture_settle(scene.fixture);
    struct seen seen;
    assert_true(client_next(&scene.client, &seen));
    assert_error(seen.error, CHEK_OK);
    scene.claim_count = 0;
}

static void
expect(int error, uint32_t field, uint32_t index)
{
    struct seen seen;
    fixture_settle(scene.fixture);
    assert_true(client_next(&scene.client, &seen));
    assert_error(seen.error, error);
    assert_int_equal(seen.head.opcode, CHEK_OPCODE_CLAIM);
    if (error != CHEK_OK) {
        struct chek_refusal refusal;
        struct chek_fault fault;
        assert_error(
            chek_refusal_decode_whole(seen.body.bytes, seen.body.size, NULL, &refusal, &fault),
            CHEK_OK);
        assert_int_equal(refusal.field, field);
        assert_int_equal(refusal.index, index);
    }
}

/* ---- refused before anything is logged -------------------------------------------------------- */

static struct refusal_case {
    const char *name;
    const char *registers[2];
    int error;
    uint32_t field;
} refusals[] = {
    {"ninth_key_of_a_register_is_refused", {"x", "aI"}, CHEK_E_LIMIT, CHEK_FIELD_REGISTER_KEYS},
    {"nine_keys_at_once_are_refused", {"x", "123456789"}, CHEK_E_LIMIT, CHEK_FIELD_REGISTER_KEYS},
    {"keys_of_two_registers_are_refused", {"x", "ak"}, CHEK_E_EXISTS, CHEK_FIELD_CLAIM_REGISTERS},
};

static void
test_claim_refused(void **state)
{
    const struct refusal_case *c = *state;
    scene_begin(FIXTURE_ALL);
    known("abcdefgh");
    known("kl");
    claim_send(c->registers, 2);
    expect(c->error, c->field, 1);
    assert_int_equal(scene.claim_count, 0); /* nobody was asked to log anything */
    scene_end();
}

static void
test_claim_of_a_stranger_is_unregistered(void **state)
{
    (void)state;
    const char *keys = "q";
    scene_begin(1 + (1u << CHEK_RIGHT_INGEST)); /* may feed, is not trusted */
    claim_send(&keys, 1);
    expect(CHEK_E_UNREGISTERED, CHEK_FIELD_CLAIM_REGISTERS, 0);
    assert_int_equal(scene.claim_count, 0);
    scene_end();
}

/* ---- refused afterwards ----------------------------------------------------------------------- */

/* Each is good alone; the directory sees only when it applies them that they are one register. */
static void
test_claim_of_two_halves_of_a_register_is_refused_when_they_are_too_much(void **state)
{
    (void)state;
    static const char *const halves[] = {"abcde", "efghij"};
    scene_begin(FIXTURE_ALL);
    claim_send(halves, 2);
    claim_apply();
    assert_int_equal(scene.part->item_count, 1); /* the partition hears of the first */
    part_return();
    expect(CHEK_E_LIMIT, CHEK_FIELD_REGISTER_KEYS, 1);
    claim_send(halves, 1);
    claim_apply();
    part_return();
    expect(CHEK_OK, 0, 0);
    scene_end();
}

/* ---- a turn that has used its arena ------------------------------------------------------------ */

static void
arena_use_up(void)
{
    struct chek_arena *arena = chek_request_arena(scene.request);
    size_t size = 1;
    while (chek_arena_take(arena, size) != NULL) {
        size *= 2;
    }
    for (; size != 0; size /= 2) {
        while (chek_arena_take(arena, size) != NULL) {
        }
    }
}

/* Everything is done by then: an answer that needs no memory cannot be missing. */
static void
test_claim_is_answered_though_the_arena_is_used_up(void **state)
{
    (void)state;
    const char *keys = "a";
    scene_begin(FIXTURE_ALL);
    claim_send(&keys, 1);
    claim_apply();
    arena_use_up();
    part_return();
    expect(CHEK_OK, 0, 0);
    scene_end();
}

/* The directory has the register, the partition is not told: the client claims again. */
static void
test_claim_is_busy_when_the_arena_is_used_up_before_the_partitions_are_told(void **state)
{
    (void)state;
    const char *keys = "a";
    scene_begin(FIXTURE_ALL);
    claim_send(&keys, 1);
    arena_use_up();
    claim_apply();
    assert_null(scene.part);
    expect(CHEK_E_BUSY, 0, 0);
    scene_end();
}

int
main(void)
{
    struct table table = {0};
    TABLE_ROWS(&table, test_claim_refused, refusals);
    TABLE_TEST(&table, test_claim_of_a_stranger_is_unregistered);
    TABLE_TEST(&table, test_claim_of_two_halves_of_a_register_is_refused_when_they_are_too_much);
    TABLE_TEST(&table, test_claim_is_answered_though_the_arena_is_used_up);
    TABLE_TEST(&table, test_claim_is_busy_when_the_arena_is_used_up_before_the_partitions_are_told);
    return table_run(&table, "feed_claim");
}
