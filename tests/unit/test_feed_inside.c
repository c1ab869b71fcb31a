/* SPDX-License-Identifier: MIT */
/* test_feed_inside.c - documents and registers that no session feeds: told once, whatever happens. */
#include <errno.h>

#include "engine/base/civil.h"
#include "ingest/feed.h"
#include "tests/unit/session_fixture.h"
#include "tests/unit/table.h"

#define FRAME_COUNT 2

/* A feed host over a directory; parts and claims wait until the test goes on with them. */
static struct scene {
    struct session_fixture *fixture;
    struct chek_feed_host *feeds;
    struct chek_feed_inside inside[FRAME_COUNT + 1];
    struct chek_feed_frame *frame;
    struct chek_part *part;
    uint8_t claim[4096];
    size_t claim_size;
    unsigned claim_count, part_count;
    bool has_no_credit, cannot_claim, feeds_again;
    unsigned told_count;
    int error; /* told last, with its result */
    struct chek_result result;
} scene;

static struct chek_register_key keys[2] = {{.kind = CHEK_KEY_KIND_FISCAL_DRIVE},
                                           {.kind = CHEK_KEY_KIND_REGISTRATION_NUMBER}};
static struct chek_register profile;
static struct chek_close closing = {.document = 7, .shift = 2};
static struct chek_document document = {.profile = &profile, .close = &closing};

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
    return !scene.has_no_credit;
}

static void
port_submit(void *context, struct chek_part *part)
{
    (void)context;
    scene.part = part;
    scene.part_count += 1;
}

static bool
port_claim(void *context, struct chek_feed_frame *frame, struct chek_bytes_view claim)
{
    (void)context;
    if (scene.cannot_claim) {
        return false;
    }
    assert_true(claim.size <= sizeof scene.claim);
    memcpy(scene.claim, claim.bytes, claim.size);
    scene.claim_size = claim.size;
    scene.frame = frame;
    scene.claim_count += 1;
    return true;
}

static void
on_done(struct chek_feed_inside *inside, int error, const struct chek_result *result)
{
    scene.told_count += 1;
    scene.error = error;
    scene.result = *result;
    if (scene.feeds_again) { /* its frame is free by now */
        scene.feeds_again = false;
        chek_feed_document(scene.feeds, inside, &document);
    }
}

static void
scene_begin(void)
{
    static const struct chek_subject_key key;
    scene = (struct scene){.fixture = fixture_create()};
    struct chek_feed_config config = {&scene.fixture->network->io, FRAME_COUNT, FRAME_COUNT};
    struct chek_feed_port port = {NULL,        port_directory, port_shard_of, port_has_credit,
                                  port_submit, port_claim,     &key};
    assert_error(chek_feed_host_create(&config, &port, &scene.feeds), CHEK_OK);
    for (size_t i = 0; i <= FRAME_COUNT; i++) {
        scene.inside[i].on_done = on_done;
    }
    keys[0].value = chek_bytes_view_text("9999078900000031");
    keys[1].value = chek_bytes_view_text("0000000006000031");
    profile = (struct chek_register){
        .keys = keys, .keys_count = 1, .organisation = chek_bytes_view_text("0000000027")};
    assert_error(chek_civil_read(chek_bytes_view_text("2026-08-03T16:44:00"), &closing.time),
                 CHEK_OK);
}

static void
scene_end(void)
{
    assert_true(chek_feed_is_idle(scene.feeds));
    fixture_destroy(scene.fixture);
    chek_feed_host_destroy(scene.feeds);
}

/* The directory decides, or does not. */
static void
claim_apply(int error)
{
    struct chek_arena arena;
    struct chek_command_claim claim;
    struct chek_claimed claimed;
    struct chek_fault fault;
    assert_error(chek_arena_init(&arena, 65536), CHEK_OK);
    assert_error(
        chek_command_claim_decode_whole(scene.claim, scene.claim_size, &arena, &claim, &fault),
        CHEK_OK);
    assert_int_equal(claim.registers_count, 1);
    if (error == CHEK_OK) {
        assert_error(chek_directory_ensure(scene.fixture->directory, scene.claim_size), CHEK_OK);
        chek_directory_claim(scene.fixture->directory, &claim.registers[0], &claimed);
    }
    chek_feed_claimed(scene.feeds, scene.frame, error, &claimed, error == CHEK_OK);
    chek_arena_finish(&arena);
}

static void
part_return(uint8_t status)
{
    struct chek_part *part = scene.part;
    scene.part = NULL;
    assert_int_equal(part->item_count, 1);
    part->results[0] = (struct chek_result){.status = status, .registration = 1};
    part->done_count = part->taken_count = 1;
    chek_feed_part_done(scene.feeds, part);
}

static void
expect(unsigned told_count, int error, uint8_t status)
{
    assert_int_equal(scene.told_count, told_count);
    assert_error(scene.error, error);
    assert_int_equal(scene.result.status, status);
}

/* ---- documents -------------------------------------------------------------------------------- */

/* A register that nobody knows is claimed, once; what comes of the document is told. */
static void
test_feed_inside_claims_then_feeds(void **state)
{
    (void)state;
    scene_begin();
    chek_feed_document(scene.feeds, &scene.inside[0], &document);
    assert_int_equal(scene.claim_count, 1);
    assert_int_equal(scene.told_count, 0);
    claim_apply(CHEK_OK);
    assert_int_equal(scene.part->items[0].kind, CHEK_COMMAND_DOCUMENT);
    assert_int_equal(scene.part->items[0].number, 7);
    assert_int_equal(scene.part->items[0].source_offset, 0);
    part_return(CHEK_STATUS_STORED);
    expect(1, CHEK_OK, CHEK_STATUS_STORED);
    chek_feed_document(scene.feeds, &scene.inside[0], &document);
    part_return(CHEK_STATUS_DUPLICATE);
    expect(2, CHEK_OK, CHEK_STATUS_DUPLICATE);
    assert_int_equal(scene.claim_count, 1);
    scene_end();
}

/* What cannot be done now is BUSY and leaves nothing; what failed is told as it failed. */
static void
test_feed_inside_is_busy(void **state)
{
    (void)state;
    scene_begin();
    scene.cannot_claim = true;
    chek_feed_document(scene.feeds, &scene.inside[0], &document);
    expect(1, CHEK_E_BUSY, 0);
    chek_feed_register(scene.feeds, &scene.inside[0], &profile);
    expect(2, CHEK_E_BUSY, 0);
    scene.cannot_claim = false;
    chek_feed_document(scene.feeds, &scene.inside[0], &document);
    claim_apply(-ENOMEM);
    expect(3, -ENOMEM, 0);
    chek_feed_document(scene.feeds, &scene.inside[0], &document);
    scene.has_no_credit = true;
    claim_apply(CHEK_OK);
    expect(4, CHEK_E_BUSY, 0);
    scene.has_no_credit = false;
    chek_feed_document(scene.feeds, &scene.inside[0], &document);
    struct chek_part *first = scene.part;
    chek_feed_document(scene.feeds, &scene.inside[1], &document);
    chek_feed_document(scene.feeds, &scene.inside[2], &document);
    expect(5, CHEK_E_BUSY, 0);
    assert_int_equal(scene.part_count, 2);
    part_return(CHEK_STATUS_STORED);
    scene.part = first;
    part_return(CHEK_STATUS_STORED);
    expect(7, CHEK_OK, CHEK_STATUS_STORED);
    scene_end();
}

/* Who is told may feed the next in the same call. */
static void
test_feed_inside_again_when_told(void **state)
{
    (void)state;
    scene_begin();
    chek_feed_document(scene.feeds, &scene.inside[0], &document);
    claim_apply(CHEK_OK);
    scene.feeds_again = true;
    part_return(CHEK_STATUS_STORED);
    expect(1, CHEK_OK, CHEK_STATUS_STORED);
    part_return(CHEK_STATUS_DUPLICATE);
    expect(2, CHEK_OK, CHEK_STATUS_DUPLICATE);
    scene_end();
}

/* A report of a register that nobody knows does not make it, unless it registers it. (R10) */
static void
test_feed_inside_reports(void **state)
{
    struct chek_drive_report report = {.kind = 2, .document = 6};
    struct chek_document what = {.profile = &profile, .drive_report = &report};
    (void)state;
    scene_begin();
    for (unsigned i = 0; i < 3; i++) {
        report.kind = (uint8_t[]){2, 6, 21}[i];
        chek_feed_document(scene.feeds, &scene.inside[0], &what);
        expect(1 + i, CHEK_OK, CHEK_STATUS_REFUSED);
        assert_error(-(int)scene.result.code, CHEK_E_UNREGISTERED);
        assert_int_equal(scene.claim_count + scene.part_count, 0);
    }
    report.kind = 1;
    chek_feed_document(scene.feeds, &scene.inside[0], &what);
    assert_int_equal(scene.claim_count, 1);
    claim_apply(CHEK_OK);
    part_return(CHEK_STATUS_NOTED);
    expect(4, CHEK_OK, CHEK_STATUS_NOTED);
    report.kind = 2;
    chek_feed_document(scene.feeds, &scene.inside[0], &what);
    assert_int_equal(scene.part->items[0].number, 6);
    part_return(CHEK_STATUS_DUPLICATE);
    expect(5, CHEK_OK, CHEK_STATUS_DUPLICATE);
    assert_int_equal(scene.claim_count, 1);
    scene_end();
}

/* A document that is none is refused with its field before anything is claimed. */
static void
test_feed_inside_refuses(void **state)
{
    struct chek_document none = {.profile = &profile};
    (void)state;
    scene_begin();
    chek_feed_document(scene.feeds, &scene.inside[0], &none);
    expect(1, CHEK_OK, CHEK_STATUS_REFUSED);
    assert_int_not_equal(scene.result.code, 0);
    assert_int_equal(scene.claim_count + scene.part_count, 0);
    scene_end();
}

/* ---- registers -------------------------------------------------------------------------------- */

static void
test_feed_inside_registers(void **state)
{
    struct chek_register nobody = {.organisation = profile.organisation};
    (void)state;
    scene_begin();
    chek_feed_register(scene.feeds, &scene.inside[0], &nobody);
    expect(1, CHEK_OK, CHEK_STATUS_REFUSED);
    assert_int_equal(scene.claim_count, 0);
    for (unsigned round = 0; round < 2; round++) { /* known or not, the partition is told */
        profile.keys_count = 1 + round;
        chek_feed_register(scene.feeds, &scene.inside[0], &profile);
        claim_apply(CHEK_OK);
        assert_int_equal(scene.part->items[0].kind, CHEK_COMMAND_REGISTER);
        part_return(CHEK_STATUS_STORED);
        expect(2 + round, CHEK_OK, CHEK_STATUS_STORED);
        assert_int_equal(scene.result.registration, 1);
    }
    scene_end();
}

int
main(void)
{
    struct table table = {0};
    TABLE_TEST(&table, test_feed_inside_claims_then_feeds);
    TABLE_TEST(&table, test_feed_inside_is_busy);
    TABLE_TEST(&table, test_feed_inside_again_when_told);
    TABLE_TEST(&table, test_feed_inside_reports);
    TABLE_TEST(&table, test_feed_inside_refuses);
    TABLE_TEST(&table, test_feed_inside_registers);
    return table_run(&table, "feed_inside");
}
