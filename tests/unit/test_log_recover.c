/* SPDX-License-Identifier: MIT */
/*
 * test_log_recover.c - what is replayed, what is cut, and what stops a start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

#include "engine/base/memory.h"
#include "engine/base/prng.h"
#include "tests/unit/log_fixture.h"

#define BLOCK CHEK_BLOCK_SIZE
#define SECTOR CHEK_SECTOR_SIZE

#ifdef __SANITIZE_ADDRESS__
#    define ROUND_COUNT 500
#else
#    define ROUND_COUNT 4000
#endif

static struct fake_file *
file_of(struct fake_disk *disk, uint32_t number)
{
    return log_file_at(disk, 5, 1, number);
}

static void
sectors_clear(struct fake_file *file, uint32_t block, uint32_t sector, uint32_t count)
{
    memset(file->bytes + (size_t)block * BLOCK + (size_t)sector * SECTOR, 0,
           (size_t)count * SECTOR);
}

/* ---- whole logs ---------------------------------------------------------------------------- */

static void
test_log_recover_replays_everything_in_order(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    uint64_t count = log_golden_write(disk, true);

    assert_int_equal(log_reader_run(&reader, disk, 100), CHEK_OK);
    assert_int_equal(reader.command_count, count);
    assert_int_equal(reader.cut_count, 0);
    assert_int_equal(reader.generation_last, 5);
    assert_int_equal(reader.end_count, 1);
    assert_int_equal(reader.ends[0].generation, 5);
    assert_int_equal(reader.ends[0].stream, 1);
    assert_int_equal(reader.ends[0].file_first, 1);
    assert_true(reader.ends[0].ended);
    assert_non_null(file_of(disk, 3)); /* the golden log has three files */
    assert_true(file_of(disk, 1)->sync_count > 1);
    fake_disk_destroy(disk);
}

static void
test_log_recover_of_an_empty_folder_is_empty(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};

    assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_OK);
    assert_int_equal(reader.generation_last, 0);
    assert_int_equal(reader.end_count, 0);
    fake_disk_destroy(disk);
}

static void
test_log_recover_replays_generations_and_streams_in_order(void **state)
{
    (void)state;
    static const struct {
        uint64_t generation;
        uint32_t stream;
    } runs[] = {{1, 0}, {1, 1}, {2, 0}, {2, 17}, {16, 0}};
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    struct log_writer writer;

    for (size_t i = CHEK_COUNT(runs); i-- > 0;) { /* made last to first */
        log_writer_open(&writer, disk, runs[i].generation, runs[i].stream, 3 * i, 8);
        for (unsigned j = 0; j < 3; j++) {
            assert_true(log_writer_send(&writer, 50));
        }
        log_writer_settle(&writer);
        log_writer_abandon(&writer);
    }
    (void)fake_disk_put(disk, "log/notes.txt", "mine", 4); /* not ours */
    assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_OK);
    assert_int_equal(reader.command_count, 3 * CHEK_COUNT(runs));
    assert_int_equal(reader.generation_last, 16);
    assert_int_equal(reader.end_count, CHEK_COUNT(runs));
    fake_disk_destroy(disk);
}

#define STREAM_NUMBER UINT64_C(1000000) /* commands of stream s have numbers from s times this */

/* Commands of two streams as they come. */
struct turns {
    uint64_t next[2];
    unsigned last, change_count; /* from one stream to the other */
};

static int
turns_on_command(void *context, struct chek_bytes_view command)
{
    struct turns *turns = context;
    uint64_t number = chek_load_u64(command.bytes);
    unsigned stream = (unsigned)(number / STREAM_NUMBER);
    assert_true(stream < CHEK_COUNT(turns->next));
    assert_int_equal(number % STREAM_NUMBER, turns->next[stream]);
    turns->next[stream] += 1;
    turns->change_count += stream != turns->last;
    turns->last = stream;
    return CHEK_OK;
}

/* What two shards logged side by side is handed over side by side, each stream in its order. */
static void
test_log_recover_reads_streams_of_a_generation_in_turns(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct turns turns = {0};
    struct chek_log_recovery recovery = {.context = &turns, .on_command = turns_on_command};
    struct chek_log_fault fault;
    uint64_t generation_last;

    for (uint32_t stream = 0; stream < 2; stream++) {
        struct log_writer writer;
        log_writer_open(&writer, disk, 1, stream, stream * STREAM_NUMBER, 256);
        for (unsigned i = 0; i < 40; i++) {
            assert_true(log_writer_send(&writer, 20000));
            log_writer_harden(&writer);
        }
        log_writer_settle(&writer);
        log_writer_abandon(&writer);
    }
    assert_int_equal(
        chek_log_recover(&disk->io, log_folder_id, &recovery, &generation_last, &fault), CHEK_OK);
    assert_int_equal(turns.next[0], 40);
    assert_int_equal(turns.next[1], 40);
    assert_true(turns.change_count >= 4); /* 800 KB each, 256 KiB at a time */
    fake_disk_destroy(disk);
}

static void
test_log_recover_stops_at_the_callers_error(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {.fail_at = 12};
    (void)log_golden_write(disk, true);

    assert_int_equal(log_reader_run(&reader, disk, 100), CHEK_E_BUSY);
    assert_int_equal(reader.command_count, 12);
    fake_disk_destroy(disk);
}

static void
test_log_recover_returns_every_disk_error(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    (void)log_golden_write(disk, true);
    uint64_t heap_size = chek_memory_count().heap_size;

    for (unsigned n = 1;; n++) {
        disk->fail_call_at = n;
        disk->fail_call_error = -EIO;
        int error = log_reader_run(&reader, disk, 100);
        assert_int_equal(chek_memory_count().heap_size, heap_size);
        if (disk->fail_call_at != 0) {
            assert_int_equal(error, CHEK_OK);
            assert_true(n > 12); /* four files, three calls each */
            break;
        }
        assert_int_equal(error, -EIO);
    }
    for (uint64_t n = 1; n <= 2; n++) {
        disk->fail_call_at = 0;
        chek_memory_fail_at(n);
        assert_int_equal(log_reader_run(&reader, disk, 100), -ENOMEM);
        chek_memory_fail_at(0);
        assert_int_equal(chek_memory_count().heap_size, heap_size);
    }
    fake_disk_destroy(disk);
}

/* ---- the validity list ----------------------------------------------------------------------- */

/* In block `block` of a log of two groups and an idle mark, `size` bytes at `offset` become
 * `value`; then the sums are made right again. */
static struct head_case {
    const char *name;
    uint32_t block, offset, size;
    uint64_t value;
    int want;
} head_cases[] = {
    {"an_untouched_block_is_accepted", 0, 6, 2, LOG_FLAG_GROUP_FIRST | LOG_FLAG_GROUP_LAST, 0},
    {"another_magic_is_corrupt", 0, 0, 4, 0x474c4b44, CHEK_E_CORRUPT},
    {"version_2_is_not_supported", 0, 4, 2, 2, CHEK_E_VERSION},
    {"an_unknown_flag_is_corrupt", 0, 6, 2, 8 + 3, CHEK_E_CORRUPT},
    {"another_folder_is_foreign", 0, 8, 8, 1, CHEK_E_FOREIGN},
    {"another_folders_high_half_is_foreign", 0, 16, 8, 1, CHEK_E_FOREIGN},
    {"another_generation_is_corrupt", 0, 24, 8, 6, CHEK_E_CORRUPT},
    {"an_lsn_that_does_not_follow_is_corrupt", 1, 32, 8, LOG_PLAIN_GROUP_SIZE + 1, CHEK_E_CORRUPT},
    {"a_log_that_does_not_begin_at_zero_is_corrupt", 0, 32, 8, 1, CHEK_E_CORRUPT},
    {"durable_above_the_block_is_corrupt", 1, 40, 8, LOG_PLAIN_GROUP_SIZE + 1, CHEK_E_CORRUPT},
    {"another_stream_is_corrupt", 0, 48, 2, 2, CHEK_E_CORRUPT},
    {"payload_above_a_block_is_corrupt", 0, 50, 2, LOG_PAYLOAD_SIZE + 1, CHEK_E_CORRUPT},
    {"payload_shorter_than_its_commands_is_corrupt", 1, 50, 2, 100, CHEK_E_CORRUPT},
    {"another_file_number_is_corrupt", 0, 52, 4, 2, CHEK_E_CORRUPT},
    {"another_block_number_is_corrupt", 1, 56, 4, 2, CHEK_E_CORRUPT},
    {"more_blocks_than_the_file_has_is_corrupt", 0, 60, 4, 17, CHEK_E_CORRUPT},
    {"fewer_blocks_than_the_file_has_is_corrupt", 0, 60, 4, 15, CHEK_E_CORRUPT},
    {"a_group_without_its_first_block_is_corrupt", 0, 6, 2, LOG_FLAG_GROUP_LAST, CHEK_E_CORRUPT},
    {"a_group_inside_a_group_is_corrupt", 0, 6, 2, LOG_FLAG_GROUP_FIRST, CHEK_E_CORRUPT},
    {"an_idle_mark_with_payload_is_corrupt", 0, 6, 2, LOG_FLAGS_ALL, CHEK_E_CORRUPT},
    {"an_empty_block_that_is_no_idle_mark_is_corrupt", 2, 6, 2, 3, CHEK_E_CORRUPT},
    {"an_idle_mark_that_is_not_a_whole_group_is_corrupt", 2, 6, 2, 5, CHEK_E_CORRUPT},
    {"an_idle_mark_with_something_not_durable_is_corrupt", 2, 40, 8, 0, CHEK_E_CORRUPT},
    {"a_command_of_no_size_is_corrupt", 0, LOG_HEAD_SIZE, 4, 0, CHEK_E_CORRUPT},
    {"a_command_beyond_its_group_is_corrupt", 0, LOG_HEAD_SIZE, 4, 100000, CHEK_E_CORRUPT},
    {"a_command_above_the_limit_is_corrupt", 0, LOG_HEAD_SIZE, 4, 0xffffffff, CHEK_E_CORRUPT},
    {"a_command_that_misses_its_sum_is_corrupt", 0, LOG_HEAD_SIZE + 4, 4, 0, CHEK_E_CORRUPT},
    {"a_command_with_other_bytes_is_corrupt", 0, LOG_HEAD_SIZE + 30, 1, 0, CHEK_E_CORRUPT},
};

static void
test_log_recover_head(void **state)
{
    const struct head_case *c = *state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    uint64_t count = log_plain_write(disk, 2, true);

    uint8_t *block = file_of(disk, 1)->bytes + (size_t)c->block * BLOCK;
    uint8_t value[8];
    chek_store_u64(value, c->value);
    memcpy(block + c->offset, value, c->size);
    struct log_place place = {.generation = 5, .stream = 1, .file = 1};
    place.folder_id[0] = chek_load_u64(block + 8);
    place.folder_id[1] = chek_load_u64(block + 16);
    log_block_seal(block, &place, c->block);

    assert_string_equal(chek_error_text(log_reader_run(&reader, disk, 0)),
                        chek_error_text(c->want));
    if (c->want == CHEK_OK) {
        assert_int_equal(reader.command_count, count);
    } else {
        assert_string_equal(reader.fault.file, "log/0000000000000005-0001-00000001.log");
        assert_true(reader.fault.offset <= 16 * BLOCK);
    }
    fake_disk_destroy(disk);
}

/* ---- torn tails ---------------------------------------------------------------------------- */

/*
 * Any subset of the sectors of the last two groups was not written. What is replayed is a prefix
 * that has the two durable groups before them, and a second start replays exactly the same.
 */
static void
test_log_recover_cuts_any_torn_tail(void **state)
{
    (void)state;
    struct fake_disk *golden = fake_disk_create();
    struct fake_disk *disk = fake_disk_create();
    struct chek_prng prng;
    (void)log_plain_write(golden, 4, false);
    /* Heads formed while four groups were in flight know less than those of one by one. */
    const struct log_place place = {
        .folder_id = {log_folder_id[0], log_folder_id[1]}, .generation = 5, .stream = 1, .file = 1};
    for (uint32_t i = 2; i < 4; i++) {
        uint8_t *block = file_of(golden, 1)->bytes + (size_t)i * BLOCK;
        chek_store_u64(block + 40, 2 * LOG_PLAIN_GROUP_SIZE);
        log_block_seal(block, &place, i);
    }
    unsigned cut_count = 0;
    chek_prng_init(&prng, 7);
    fake_disk_copy(disk, golden);
    for (uint32_t round = 0; round < ROUND_COUNT; round++) {
        uint32_t lost = (uint32_t)chek_prng_next(&prng) & 0xffff;
        lost &= round % 2 == 0 ? 0xffff : (uint32_t)chek_prng_next(&prng);
        memcpy(file_of(disk, 1)->bytes, file_of(golden, 1)->bytes, 4 * BLOCK);
        for (uint32_t i = 0; i < 16; i++) {
            if ((lost >> i & 1) != 0) {
                sectors_clear(file_of(disk, 1), 2 + i / 8, i % 8, 1);
            }
        }
        struct log_reader reader = {0}, again = {0};
        assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_OK);
        unsigned want = 16 + (lost == 0 ? 16 : 0);
        assert_true(reader.command_count >= want);
        assert_true((lost & 0xff) != 0 || reader.command_count >= 24);
        assert_true((lost & 1) == 0 || reader.command_count == 16);
        cut_count += reader.cut_count;
        assert_int_equal(log_reader_run_known(&again, disk, 0, reader.ends, 1, 6), CHEK_OK);
        assert_int_equal(again.command_count, reader.command_count);
        assert_int_equal(again.cut_count, 0); /* recorded already */
        assert_int_equal(again.ends[0].lsn_end, reader.ends[0].lsn_end);
        assert_true(reader.ends[0].torn == (reader.cut_count == 1));
        assert_true(again.ends[0].torn == reader.ends[0].torn);

        /* Behind a recorded end, nothing that happens to the bytes matters any more. */
        size_t end = 2 * BLOCK + (size_t)chek_prng_below(&prng, 2 * BLOCK);
        if (reader.ends[0].lsn_end == 2 * LOG_PLAIN_GROUP_SIZE) {
            file_of(disk, 1)->bytes[end] ^= 0x10;
            assert_int_equal(log_reader_run_known(&again, disk, 0, reader.ends, 1, 6), CHEK_OK);
            assert_int_equal(again.command_count, reader.command_count);
        }
    }
    assert_true(cut_count > ROUND_COUNT / 8);
    fake_disk_destroy(disk);
    fake_disk_destroy(golden);
}

static void
test_log_recover_keeps_whole_commands_before_a_torn_sector(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    (void)log_plain_write(disk, 1, false);

    sectors_clear(file_of(disk, 1), 0, 4, 1); /* bytes 1920.. of the payload; commands take 408 */
    assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_OK);
    assert_int_equal(reader.command_count, 4);
    assert_int_equal(reader.cut_count, 1);
    assert_int_equal(reader.cut.offset, 4 * SECTOR);
    assert_int_equal(reader.cut.lsn_from, 4 * 408);
    assert_int_equal(reader.cut.lsn_to, 0);
    assert_int_equal(reader.ends[0].lsn_end, 4 * 408);
    fake_disk_destroy(disk);
}

/* An idle mark is a group like any other: what is behind a lost one was not durable. */
static void
test_log_recover_stops_at_a_lost_idle_mark(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    struct log_writer writer;
    log_writer_open(&writer, disk, 5, 1, 0, 8);
    assert_true(log_writer_send(&writer, 100));
    log_writer_settle(&writer);
    assert_true(log_writer_send(&writer, 100));
    log_writer_harden(&writer);
    log_writer_abandon(&writer);

    sectors_clear(file_of(disk, 1), 1, 0, 8);
    assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_OK);
    assert_int_equal(reader.command_count, 1);
    assert_int_equal(reader.cut_count, 1);
    assert_int_equal(reader.cut.offset, BLOCK);
    fake_disk_destroy(disk);
}

static void
test_log_recover_of_a_group_that_leaves_its_file_is_corrupt(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    const struct log_place place = {
        .folder_id = {log_folder_id[0], log_folder_id[1]}, .generation = 5, .stream = 1, .file = 1};
    (void)log_plain_write(disk, 16, false); /* to the last block of the file */
    uint8_t *block = file_of(disk, 1)->bytes + (size_t)15 * BLOCK;
    assert_false(persist__log_is_zero(block, BLOCK));
    chek_store_u16(block + 6, LOG_FLAG_GROUP_FIRST);
    log_block_seal(block, &place, 15);
    assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_E_CORRUPT);
    assert_int_equal(reader.fault.offset, 16 * BLOCK);
    fake_disk_destroy(disk);
}

static void
test_log_recover_of_a_log_that_just_ends_cuts_nothing(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    uint64_t count = log_plain_write(disk, 3, false);

    assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_OK);
    assert_int_equal(reader.command_count, count);
    assert_int_equal(reader.cut_count, 0);
    fake_disk_destroy(disk);
}

static void
test_log_recover_of_a_file_that_was_being_filled_is_empty(void **state)
{
    (void)state;
    for (size_t size = 0; size < 3 * BLOCK; size += 1000) {
        struct fake_disk *disk = fake_disk_create();
        struct log_reader reader = {0};
        (void)log_plain_write(disk, 0, false);
        file_of(disk, 1)->size = size;
        file_of(disk, 0)->size = size < 2 * BLOCK ? size : 2 * BLOCK;
        assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_OK);
        assert_int_equal(reader.command_count, 0);
        assert_int_equal(reader.ends[0].lsn_end, 0);
        fake_disk_destroy(disk);
    }
}

/* ---- witnesses ----------------------------------------------------------------------------- */

/* A written sector reads as zeros; who says that it was durable? */
static struct witness_case {
    const char *name;
    bool settled;
    bool keep_watermark, keep_idle_mark;
    unsigned group; /* of three that loses its head */
    int want;
} witness_cases[] = {
    {"a_later_head_proves_the_first_group", false, false, false, 0, CHEK_E_CORRUPT},
    {"the_last_group_has_no_witness_in_a_busy_log", false, false, false, 2, CHEK_OK},
    {"the_idle_mark_proves_the_last_group", true, false, true, 2, CHEK_E_CORRUPT},
    {"the_watermark_proves_the_last_group", true, true, false, 2, CHEK_E_CORRUPT},
    {"both_prove_the_last_group", true, true, true, 2, CHEK_E_CORRUPT},
};

static void
test_log_recover_witness(void **state)
{
    const struct witness_case *c = *state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    (void)log_plain_write(disk, 3, c->settled);

    struct fake_file *file = file_of(disk, 1);
    if (!c->keep_watermark) {
        memset(file_of(disk, 0)->bytes, 0, 2 * BLOCK);
    }
    if (!c->keep_idle_mark) {
        sectors_clear(file, 3, 0, 8);
    }
    sectors_clear(file, c->group, 0, 1);
    assert_string_equal(chek_error_text(log_reader_run(&reader, disk, 0)),
                        chek_error_text(c->want));
    assert_int_equal(reader.command_count, 8 * c->group);
    const struct chek_log_fault *fault = c->want != CHEK_OK ? &reader.fault : &reader.cut;
    assert_int_equal(fault->offset, c->group * BLOCK);
    assert_int_equal(fault->lsn_from, c->group * LOG_PLAIN_GROUP_SIZE);
    if (c->want != CHEK_OK) {
        /* One by one: the head of a group knows those before it; the marks know all. */
        assert_int_equal(fault->lsn_to, (c->settled ? 3u : 2u) * LOG_PLAIN_GROUP_SIZE);
    }
    fake_disk_destroy(disk);
}

static void
test_log_recover_a_head_in_a_later_file_is_a_witness(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    (void)log_golden_write(disk, false);

    struct fake_file *file = file_of(disk, 1);
    uint32_t last = 7;
    while (persist__log_is_zero(file->bytes + (size_t)last * BLOCK, BLOCK)) {
        last -= 1;
    }
    sectors_clear(file, last, 0, 8);
    assert_int_equal(log_reader_run(&reader, disk, 100), CHEK_E_CORRUPT);
    assert_string_equal(reader.fault.file, "log/0000000000000005-0001-00000001.log");
    assert_int_equal(reader.fault.offset, last * BLOCK);
    assert_true(reader.fault.lsn_to > reader.fault.lsn_from);
    fake_disk_destroy(disk);
}

static void
test_log_recover_without_a_watermark_file_is_corrupt(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    (void)log_plain_write(disk, 3, true);

    file_of(disk, 0)->exists = false;
    assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_E_CORRUPT);
    assert_string_equal(reader.fault.file, "log/0000000000000005-0001.mark");
    fake_disk_destroy(disk);
}

static void
test_log_recover_without_a_middle_file_is_corrupt(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    (void)log_golden_write(disk, true);

    file_of(disk, 2)->exists = false;
    assert_int_equal(log_reader_run(&reader, disk, 100), CHEK_E_CORRUPT);
    assert_string_equal(reader.fault.file, "log/0000000000000005-0001-00000002.log");
    fake_disk_destroy(disk);
}

/* ---- with a manifest ----------------------------------------------------------------------- */

/* What the manifest lists of the golden log, and what is done to its files. */
static struct known_case {
    const char *name;
    bool is_listed;
    uint64_t generation; /* of the manifest */
    uint32_t file_first; /* its lsn_first is taken from the file */
    int64_t end_less;    /* the recorded end is so much less than the real one */
    bool ended;
    uint32_t removed; /* file */
    int want;
    int64_t command_less; /* fewer commands than all */
} known_cases[] = {
    {"known_log_is_replayed", true, 5, 1, 0, false, 99, CHEK_OK, 0},
    {"known_log_of_a_later_manifest_is_replayed", true, 9, 1, 0, false, 99, CHEK_OK, 0},
    {"known_end_is_kept", true, 6, 1, 0, true, 99, CHEK_OK, 0},
    {"known_end_before_the_real_one_is_kept", true, 6, 1, 8 + 50, true, 99, CHEK_OK, 1},
    {"known_end_inside_a_command_is_corrupt", true, 6, 1, 20, true, 99, CHEK_E_CORRUPT, 0},
    {"known_end_behind_the_real_one_is_corrupt", true, 6, 1, -1, true, 99, CHEK_E_CORRUPT, 0},
    {"unlisted_log_is_passed_over", false, 5, 1, 0, false, 99, CHEK_OK, 1000},
    {"log_of_a_later_generation_is_corrupt", false, 4, 1, 0, false, 99, CHEK_E_CORRUPT, 0},
    {"files_below_the_first_are_passed_over", true, 5, 2, 0, false, 99, CHEK_OK, 500},
    {"files_below_the_first_may_be_gone", true, 5, 2, 0, false, 1, CHEK_OK, 500},
    {"first_file_gone_is_corrupt", true, 5, 2, 0, false, 2, CHEK_E_CORRUPT, 0},
    {"first_file_of_all_gone_is_corrupt", true, 5, 1, 0, false, 1, CHEK_E_CORRUPT, 0},
    {"first_file_of_an_ended_log_gone_is_corrupt", true, 6, 1, 0, true, 1, CHEK_E_CORRUPT, 0},
};

static void
test_log_recover_known(void **state)
{
    const struct known_case *c = *state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    struct log_writer writer;
    log_writer_open(&writer, disk, 5, 1, 100, 8);
    for (unsigned i = 0; i < 100; i++) { /* the last command takes 50 bytes */
        assert_true(log_writer_send(&writer, i < 99 ? 600 : 50));
        log_writer_settle(&writer);
    }
    uint64_t lsn = writer.durable_lsn;
    log_writer_abandon(&writer);

    const uint8_t *head = file_of(disk, c->file_first)->bytes;
    const struct chek_log_known known = {
        .generation = 5,
        .stream = 1,
        .file_first = c->file_first,
        .lsn_first = chek_load_u64(head + 32),
        .ended = c->ended,
        .lsn_end = c->ended ? lsn - (uint64_t)c->end_less : 0,
    };
    uint64_t first = known.lsn_first / (600 + CHEK_LOG_COMMAND_OVERHEAD);
    if (c->end_less > 0) {
        memset(file_of(disk, 0)->bytes, 0, 2 * BLOCK); /* it would know better */
    }
    if (c->removed <= 3) {
        file_of(disk, c->removed)->exists = false;
    }
    int error = log_reader_run_known(&reader, disk, 100 + first, &known, c->is_listed ? 1 : 0,
                                     c->generation);
    assert_string_equal(chek_error_text(error), chek_error_text(c->want));
    if (error == CHEK_OK) {
        uint64_t want = 100 - first - (c->command_less == 1);
        assert_int_equal(reader.command_count, c->is_listed ? want : 0);
        assert_int_equal(reader.end_count, c->is_listed);
        assert_int_equal(reader.generation_last, c->generation);
        assert_true(c->command_less == 500 ? first > 0 : first == 0);
    }
    fake_disk_destroy(disk);
}

static void
test_log_recover_known_stream_that_never_began_is_empty(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_reader reader = {0};
    const struct chek_log_known known = {.generation = 1, .stream = 0, .file_first = 1};

    assert_int_equal(log_reader_run_known(&reader, disk, 0, &known, 1, 1), CHEK_OK);
    assert_int_equal(reader.generation_last, 1);
    fake_disk_destroy(disk);
}

static void
test_log_remove_unlisted_keeps_what_the_manifest_lists(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_writer writer;
    const struct chek_log_known known[] = {
        {.generation = 2, .stream = 1, .file_first = 2},
        {.generation = 3, .stream = 0, .file_first = 1},
    };
    for (uint64_t generation = 1; generation <= 3; generation++) {
        for (uint32_t stream = 0; stream < 2; stream++) {
            log_writer_open(&writer, disk, generation, stream, 0, 8);
            log_writer_settle(&writer); /* file 2 is prepared, too */
            log_writer_abandon(&writer);
        }
    }
    (void)fake_disk_put(disk, "log/notes.txt", "mine", 4);
    assert_int_equal(chek_log_remove_unlisted(&disk->io, known, CHEK_COUNT(known)), CHEK_OK);
    unsigned kept = 0;
    struct log_place place;
    for (place.generation = 1; place.generation <= 3; place.generation++) {
        for (place.stream = 0; place.stream < 2; place.stream++) {
            for (place.file = 0; place.file <= 2; place.file++) {
                char name[LOG_NAME_SIZE];
                persist__log_name(name, &place);
                bool want = (place.generation == 2 && place.stream == 1 && place.file != 1) ||
                            (place.generation == 3 && place.stream == 0);
                assert_true((fake_disk_file(disk, name) != NULL) == want);
                kept += want;
            }
        }
    }
    assert_int_equal(kept, 5);
    assert_non_null(fake_disk_file(disk, "log/notes.txt"));
    fake_disk_destroy(disk);
}

int
main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(test_log_recover_replays_everything_in_order),
        cmocka_unit_test(test_log_recover_of_an_empty_folder_is_empty),
        cmocka_unit_test(test_log_recover_replays_generations_and_streams_in_order),
        cmocka_unit_test(test_log_recover_reads_streams_of_a_generation_in_turns),
        cmocka_unit_test(test_log_recover_stops_at_the_callers_error),
        cmocka_unit_test(test_log_recover_returns_every_disk_error),
        cmocka_unit_test(test_log_recover_cuts_any_torn_tail),
        cmocka_unit_test(test_log_recover_keeps_whole_commands_before_a_torn_sector),
        cmocka_unit_test(test_log_recover_stops_at_a_lost_idle_mark),
        cmocka_unit_test(test_log_recover_of_a_group_that_leaves_its_file_is_corrupt),
        cmocka_unit_test(test_log_recover_of_a_log_that_just_ends_cuts_nothing),
        cmocka_unit_test(test_log_recover_of_a_file_that_was_being_filled_is_empty),
        cmocka_unit_test(test_log_recover_a_head_in_a_later_file_is_a_witness),
        cmocka_unit_test(test_log_recover_without_a_watermark_file_is_corrupt),
        cmocka_unit_test(test_log_recover_without_a_middle_file_is_corrupt),
        cmocka_unit_test(test_log_recover_known_stream_that_never_began_is_empty),
        cmocka_unit_test(test_log_remove_unlisted_keeps_what_the_manifest_lists),
    };
    struct CMUnitTest tests[CHEK_COUNT(plain) + CHEK_COUNT(head_cases) + CHEK_COUNT(witness_cases) +
                            CHEK_COUNT(known_cases)];
    size_t count = 0;

    for (size_t i = 0; i < CHEK_COUNT(plain); i++) {
        tests[count++] = plain[i];
    }
    for (size_t i = 0; i < CHEK_COUNT(head_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = head_cases[i].name,
                                             .test_func = test_log_recover_head,
                                             .initial_state = &head_cases[i]};
    }
    for (size_t i = 0; i < CHEK_COUNT(witness_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = witness_cases[i].name,
                                             .test_func = test_log_recover_witness,
                                             .initial_state = &witness_cases[i]};
    }
    for (size_t i = 0; i < CHEK_COUNT(known_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = known_cases[i].name,
                                             .test_func = test_log_recover_known,
                                             .initial_state = &known_cases[i]};
    }
    return cmocka_run_group_tests_name("log_recover", tests, NULL, NULL);
}
