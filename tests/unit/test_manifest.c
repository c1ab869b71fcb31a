/* SPDX-License-Identifier: MIT */
/*
 * test_manifest.c - the manifest's bytes, and that one valid manifest exists at every moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

#include "engine/base/checksum.h"
#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "persist/manifest.h"
#include "tests/unit/fake_disk.h"

#define VECTOR "tests/vectors/log/manifest.bin"
#define FILE_3 "manifest.0000000000000003"

/* The manifest of the worked example in persist/FORMAT.md. */
static struct chek_manifest
example(void)
{
    struct chek_manifest manifest = {
        .number = 3,
        .folder_id = {UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00)},
        .generation = 2,
        .partition_count = 64,
    };
    const struct chek_manifest_entry entry = {
        .kind = 1, .partition = 5, .seq = 1000, .size = 16384, .sum = 0xabcdef, .name = "p/5.1"};
    const struct chek_log_known logs[] = {
        {.generation = 1,
         .stream = 0,
         .file_first = 1,
         .ended = true,
         .lsn_end = 100000,
         .torn = true},
        {.generation = 2, .stream = 0, .file_first = 4, .lsn_first = 5000},
    };
    assert_int_equal(chek_manifest_add_entry(&manifest, &entry), CHEK_OK);
    assert_int_equal(chek_manifest_set_log(&manifest, &logs[0]), CHEK_OK);
    assert_int_equal(chek_manifest_set_log(&manifest, &logs[1]), CHEK_OK);
    struct chek_manifest_chain chain = {.partition = 5, .range_count = 3, .row_count = 47104};
    for (size_t i = 0; i < sizeof chain.head; i++) {
        chain.head[i] = (uint8_t)(0xc0 + i);
    }
    assert_int_equal(chek_manifest_set_chain(&manifest, &chain), CHEK_OK);
    return manifest;
}

static void
assert_is_example(const struct chek_manifest *manifest)
{
    struct chek_manifest want = example();
    assert_int_equal(manifest->number, want.number);
    assert_memory_equal(manifest->folder_id, want.folder_id, sizeof want.folder_id);
    assert_int_equal(manifest->generation, want.generation);
    assert_int_equal(manifest->partition_count, want.partition_count);
    assert_int_equal(manifest->entry_count, 1);
    assert_string_equal(manifest->entries[0].name, "p/5.1");
    assert_int_equal(manifest->entries[0].kind, 1);
    assert_int_equal(manifest->entries[0].partition, 5);
    assert_int_equal(manifest->entries[0].seq, 1000);
    assert_int_equal(manifest->entries[0].size, 16384);
    assert_int_equal(manifest->entries[0].sum, 0xabcdef);
    assert_int_equal(manifest->log_count, 2);
    assert_int_equal(manifest->logs[0].generation, 1);
    assert_true(manifest->logs[0].ended && manifest->logs[0].torn);
    assert_int_equal(manifest->logs[0].lsn_end, 100000);
    assert_int_equal(manifest->logs[1].file_first, 4);
    assert_int_equal(manifest->logs[1].lsn_first, 5000);
    assert_false(manifest->logs[1].ended || manifest->logs[1].torn);
    assert_int_equal(manifest->chain_count, 1);
    assert_int_equal(manifest->chains[0].partition, 5);
    assert_int_equal(manifest->chains[0].range_count, 3);
    assert_int_equal(manifest->chains[0].row_count, 47104);
    assert_memory_equal(manifest->chains[0].head, want.chains[0].head, sizeof want.chains[0].head);
    chek_manifest_finish(&want);
}

/* ---- bytes --------------------------------------------------------------------------------- */

static void
test_manifest_decodes_and_encodes_the_vector(void **state)
{
    (void)state;
    uint8_t bytes[512], again[512];
    FILE *file = fopen(VECTOR, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);

    struct chek_manifest manifest;
    assert_int_equal(chek_manifest_decode(bytes, size, 3, &manifest), CHEK_OK);
    assert_is_example(&manifest);
    assert_int_equal(chek_manifest_size(&manifest), size);
    chek_manifest_encode(&manifest, again);
    assert_memory_equal(again, bytes, size);
    chek_manifest_finish(&manifest);
}

static void
test_manifest_decode_finds_every_flipped_bit_and_cut(void **state)
{
    (void)state;
    struct chek_manifest manifest = example(), got = {0};
    uint8_t bytes[512] = {0};
    size_t size = chek_manifest_size(&manifest);
    chek_manifest_encode(&manifest, bytes);

    for (size_t i = 0; i < sizeof bytes * 8; i++) {
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(chek_manifest_decode(bytes, sizeof bytes, 3, &got), CHEK_E_CORRUPT);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(chek_manifest_decode(bytes, cut, 3, &got), CHEK_E_CORRUPT);
    }
    assert_int_equal(chek_manifest_decode(bytes, size, 4, &got), CHEK_E_CORRUPT); /* misplaced */
    assert_int_equal(chek_manifest_decode(bytes, sizeof bytes, 3, &got), CHEK_OK);
    chek_manifest_finish(&got);
    chek_manifest_finish(&manifest);
}

/* `size` bytes at `offset` of the example become `value`; then the sum is made right again. */
static struct decode_case {
    const char *name;
    size_t offset, size;
    uint64_t value;
    int want;
} decode_cases[] = {
    {"an_untouched_manifest_is_accepted", 48, 4, 64, CHEK_OK},
    {"another_magic_is_corrupt", 0, 8, 1, CHEK_E_CORRUPT},
    {"version_2_is_not_supported", 8, 4, 2, CHEK_E_VERSION},
    {"a_size_above_the_file_is_corrupt", 12, 4, 100000, CHEK_E_CORRUPT},
    {"a_size_of_nothing_is_corrupt", 12, 4, 71, CHEK_E_CORRUPT},
    {"another_number_is_corrupt", 16, 8, 4, CHEK_E_CORRUPT},
    {"no_partition_is_corrupt", 48, 4, 0, CHEK_E_CORRUPT},
    {"too_many_partitions_are_corrupt", 48, 4, CHEK_PARTITION_COUNT_MAX + 1, CHEK_E_CORRUPT},
    {"one_entry_more_is_corrupt", 52, 4, 2, CHEK_E_CORRUPT},
    {"one_entry_less_is_corrupt", 52, 4, 0, CHEK_E_CORRUPT},
    {"entries_above_the_limit_are_corrupt", 52, 4, UINT32_MAX, CHEK_E_CORRUPT},
    {"one_log_less_is_corrupt", 56, 4, 1, CHEK_E_CORRUPT},
    {"logs_above_the_limit_are_corrupt", 56, 4, UINT32_MAX, CHEK_E_CORRUPT},
    {"one_chain_less_is_corrupt", 60, 4, 0, CHEK_E_CORRUPT},
    {"one_chain_more_is_corrupt", 60, 4, 2, CHEK_E_CORRUPT},
    {"more_chains_than_partitions_are_corrupt", 60, 4, 65, CHEK_E_CORRUPT},
    {"a_chain_of_the_directory_is_corrupt", 166, 4, 0, CHEK_E_CORRUPT},
    {"a_chain_of_no_partition_is_corrupt", 166, 4, 65, CHEK_E_CORRUPT},
    {"a_chain_without_a_range_is_corrupt", 170, 8, 0, CHEK_E_CORRUPT},
    {"a_chain_with_empty_ranges_is_corrupt", 178, 8, 2, CHEK_E_CORRUPT},
    {"a_name_of_nothing_is_corrupt", 96, 1, 0, CHEK_E_CORRUPT},
    {"a_name_above_the_limit_is_corrupt", 96, 1, 64, CHEK_E_CORRUPT},
    {"a_name_from_the_root_is_corrupt", 97, 1, '/', CHEK_E_CORRUPT},
    {"a_name_of_another_folder_is_corrupt", 98, 2, '.' | '.' << 8, CHEK_E_CORRUPT},
    {"a_name_with_a_nul_is_corrupt", 98, 1, 0, CHEK_E_CORRUPT},
    {"a_name_with_a_capital_is_corrupt", 97, 1, 'P', CHEK_E_CORRUPT},
    {"a_log_of_generation_0_is_corrupt", 102, 8, 0, CHEK_E_CORRUPT},
    {"a_log_of_a_later_generation_is_corrupt", 102, 8, 3, CHEK_E_CORRUPT},
    {"a_log_with_an_unknown_flag_is_corrupt", 112, 2, 4 + 3, CHEK_E_CORRUPT},
    {"a_log_without_a_first_file_is_corrupt", 114, 4, 0, CHEK_E_CORRUPT},
    {"a_log_that_ends_before_it_begins_is_corrupt", 118, 8, 100001, CHEK_E_CORRUPT},
    {"a_log_that_is_torn_and_has_no_end_is_corrupt", 144, 2, 2, CHEK_E_CORRUPT},
    {"a_log_with_an_end_that_has_not_ended_is_corrupt", 158, 8, 9000, CHEK_E_CORRUPT},
    {"the_same_log_twice_is_corrupt", 134, 8, 1, CHEK_E_CORRUPT},
};

static void
test_manifest_decode(void **state)
{
    const struct decode_case *c = *state;
    struct chek_manifest manifest = example(), got = {.generation = 77};
    uint8_t bytes[512] = {0}, value[8];
    size_t size = chek_manifest_size(&manifest);
    uint64_t heap_size = chek_memory_count().heap_size;
    uint64_t taken_size = chek_workspace_count().size;

    chek_manifest_encode(&manifest, bytes);
    chek_store_u64(value, c->value);
    memcpy(bytes + c->offset, value, c->size);
    chek_store_u64(bytes + size - 8, chek_checksum_seeded(bytes, size - 8, 3));

    int error = chek_manifest_decode(bytes, sizeof bytes, 3, &got);
    assert_string_equal(chek_error_text(error), chek_error_text(c->want));
    if (error == CHEK_OK) {
        assert_is_example(&got);
        chek_manifest_finish(&got);
    } else {
        assert_int_equal(got.generation, 77); /* untouched */
    }
    assert_int_equal(chek_memory_count().heap_size, heap_size);
    assert_int_equal(chek_workspace_count().size, taken_size);
    chek_manifest_finish(&manifest);
}

/* ---- in memory ----------------------------------------------------------------------------- */

static void
test_manifest_init_draws_an_identity(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct chek_manifest first, second;
    chek_manifest_init(&first, &disk->io, 64);
    disk->now_ns += 1;
    chek_manifest_init(&second, &disk->io, 64);
    assert_memory_not_equal(first.folder_id, second.folder_id, sizeof first.folder_id);
    assert_int_equal(first.generation, 0);
    fake_disk_destroy(disk);
}

static void
test_manifest_entries_are_set_and_dropped_by_name(void **state)
{
    (void)state;
    struct chek_manifest manifest = example();
    struct chek_manifest_entry entry = manifest.entries[0];

    entry.seq = 2000;
    assert_int_equal(chek_manifest_set_entry(&manifest, &entry), CHEK_OK);
    assert_int_equal(manifest.entry_count, 1);
    assert_int_equal(manifest.entries[0].seq, 2000);
    for (unsigned i = 0; i < 100; i++) {
        (void)snprintf(entry.name, sizeof entry.name, "p/%u", i);
        assert_int_equal(chek_manifest_set_entry(&manifest, &entry), CHEK_OK);
    }
    assert_int_equal(manifest.entry_count, 101);
    assert_true(chek_manifest_drop_entry(&manifest, "p/50"));
    assert_false(chek_manifest_drop_entry(&manifest, "p/50"));
    assert_int_equal(manifest.entry_count, 100);
    assert_string_equal(manifest.entries[51].name, "p/51");
    chek_manifest_finish(&manifest);
}

static void
test_manifest_chains_are_one_a_partition(void **state)
{
    (void)state;
    struct chek_manifest manifest = example();
    struct chek_manifest_chain chain = manifest.chains[0];
    chain.row_count += 16384;
    chain.range_count += 1;
    assert_int_equal(chek_manifest_set_chain(&manifest, &chain), CHEK_OK);
    assert_int_equal(manifest.chain_count, 1);
    assert_int_equal(chek_manifest_chain(&manifest, 5)->row_count, 63488);
    assert_null(chek_manifest_chain(&manifest, 6));
    chain.partition = 6;
    assert_int_equal(chek_manifest_set_chain(&manifest, &chain), CHEK_OK);
    assert_int_equal(manifest.chain_count, 2);

    /* The same partition twice is refused when it is read. */
    uint8_t bytes[512] = {0};
    struct chek_manifest got;
    size_t size = chek_manifest_size(&manifest);
    chek_manifest_encode(&manifest, bytes);
    assert_int_equal(chek_manifest_decode(bytes, size, 3, &got), CHEK_OK);
    chek_manifest_finish(&got);
    chek_store_u32(bytes + size - 8 - 52, 5);
    chek_store_u64(bytes + size - 8, chek_checksum_seeded(bytes, size - 8, 3));
    assert_int_equal(chek_manifest_decode(bytes, size, 3, &got), CHEK_E_CORRUPT);
    chek_manifest_finish(&manifest);
}

static void
test_manifest_begin_run_lists_what_ended_and_what_begins(void **state)
{
    (void)state;
    struct chek_manifest manifest = example();
    const struct chek_log_known ends[] = {
        {.generation = 1, .stream = 0, .file_first = 1, .ended = true, .lsn_end = 100000},
        {.generation = 2,
         .stream = 0,
         .file_first = 4,
         .lsn_first = 9,
         .ended = true,
         .lsn_end = 9},
    };
    assert_int_equal(chek_manifest_begin_run(&manifest, ends, CHEK_COUNT(ends), 2, 3), CHEK_OK);
    assert_int_equal(manifest.generation, 3);
    assert_int_equal(manifest.log_count, 4); /* the one that was empty is not needed any more */
    assert_int_equal(manifest.logs[0].lsn_end, 100000);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(manifest.logs[1 + i].generation, 3);
        assert_int_equal(manifest.logs[1 + i].stream, i);
        assert_int_equal(manifest.logs[1 + i].file_first, 1);
        assert_false(manifest.logs[1 + i].ended);
    }
    chek_manifest_drop_logs_before(&manifest, 3);
    assert_int_equal(manifest.log_count, 3);
    chek_manifest_finish(&manifest);
}

static void
test_manifest_create_makes_a_folder_once(void **state)
{
    (void)state;
    static const char *const folders[] = {"snapshot", "segment"};
    static const char *const there[] = {"log", "segment", "manifest.new", "secret.key"};
    struct chek_manifest manifest = {0};

    for (size_t i = 0; i < CHEK_COUNT(there); i++) {
        struct fake_disk *disk = fake_disk_create();
        (void)fake_disk_put(disk, there[i], "", 0);
        int error = chek_manifest_create(&disk->io, 64, folders, CHEK_COUNT(folders), &manifest);
        assert_int_equal(error, i < 3 ? CHEK_E_EXISTS : CHEK_OK);
        assert_int_equal(manifest.number, error == CHEK_OK);
        if (error == CHEK_OK) {
            struct chek_manifest got;
            assert_int_equal(chek_manifest_load(&disk->io, &got), CHEK_OK);
            assert_int_equal(got.partition_count, 64);
            assert_memory_equal(got.folder_id, manifest.folder_id, sizeof got.folder_id);
            assert_int_equal(
                chek_manifest_create(&disk->io, 64, folders, CHEK_COUNT(folders), &manifest),
                CHEK_E_EXISTS);
        }
        fake_disk_destroy(disk);
    }
}

static void
test_manifest_create_returns_every_disk_error(void **state)
{
    (void)state;
    bool created = false;
    for (unsigned n = 1; !created; n++) {
        struct fake_disk *disk = fake_disk_create();
        struct chek_manifest manifest = {.generation = 77};
        disk->fail_call_at = n;
        disk->fail_call_error = -EIO;
        int error = chek_manifest_create(&disk->io, 64, NULL, 0, &manifest);
        created = error == CHEK_OK;
        assert_true(created || error == -EIO);
        assert_int_equal(manifest.generation, created ? 0 : 77);
        fake_disk_destroy(disk);
        assert_true(n < 20);
    }
}

/* ---- files --------------------------------------------------------------------------------- */

static void
test_manifest_load_without_one_is_not_found(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct chek_manifest manifest;
    (void)fake_disk_put(disk, "manifest.new", "x", 1);
    (void)fake_disk_put(disk, "manifest.0", "x", 1);
    (void)fake_disk_put(disk, "manifest.00000000000000zz", "x", 1);
    assert_int_equal(chek_manifest_load(&disk->io, &manifest), CHEK_E_NOT_FOUND);
    fake_disk_destroy(disk);
}

static void
test_manifest_store_replaces_the_one_before(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct chek_manifest manifest = example(), got;
    manifest.number = 1;
    assert_int_equal(chek_manifest_store(&disk->io, &manifest), CHEK_OK);
    assert_int_equal(chek_manifest_store(&disk->io, &manifest), CHEK_OK);
    assert_int_equal(manifest.number, 3);
    assert_null(fake_disk_file(disk, "manifest.0000000000000002"));
    assert_null(fake_disk_file(disk, "manifest.new"));
    assert_int_equal(fake_disk_file(disk, FILE_3)->size, CHEK_BLOCK_SIZE);
    assert_true(fake_disk_file(disk, FILE_3)->sync_count >= 1);
    assert_int_equal(chek_manifest_load(&disk->io, &got), CHEK_OK);
    assert_is_example(&got);
    chek_manifest_finish(&got);
    chek_manifest_finish(&manifest);
    fake_disk_destroy(disk);
}

/* Every call of a store fails once; what a start then loads is the old one or the new one. */
static void
test_manifest_store_leaves_a_valid_one_after_every_failure(void **state)
{
    (void)state;
    bool stored = false;
    for (unsigned n = 1; !stored; n++) {
        struct fake_disk *disk = fake_disk_create();
        struct chek_manifest manifest = example(), got;
        assert_int_equal(chek_manifest_store(&disk->io, &manifest), CHEK_OK);
        manifest.generation = 50;
        disk->fail_call_at = n;
        disk->fail_call_error = -EIO;
        int error = chek_manifest_store(&disk->io, &manifest);
        stored = disk->fail_call_at != 0;
        disk->fail_call_at = 0;
        assert_true(error == CHEK_OK || error == -EIO);
        assert_true(!stored || error == CHEK_OK);
        assert_int_equal(manifest.number, error == CHEK_OK ? 5 : 4);
        assert_int_equal(chek_manifest_load(&disk->io, &got), CHEK_OK);
        assert_true(got.generation == 50 || (error != CHEK_OK && got.generation == 2));
        chek_manifest_finish(&got);
        chek_manifest_finish(&manifest);
        fake_disk_destroy(disk);
        assert_true(n < 40);
    }
}

static void
test_manifest_load_returns_every_disk_error(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct chek_manifest manifest = example(), got;
    assert_int_equal(chek_manifest_store(&disk->io, &manifest), CHEK_OK);
    for (unsigned n = 1; n <= 6; n++) { /* folder sync, list, open, sync, size, read */
        disk->fail_call_at = n;
        disk->fail_call_error = -EIO;
        assert_int_equal(chek_manifest_load(&disk->io, &got), -EIO);
        assert_int_equal(disk->open_count, 0);
    }
    for (uint64_t n = 1; n <= 3; n++) { /* buffer, entries, logs */
        chek_memory_fail_at(n);
        assert_int_equal(chek_manifest_load(&disk->io, &got), -ENOMEM);
        chek_memory_fail_at(0);
    }
    assert_int_equal(chek_manifest_load(&disk->io, &got), CHEK_OK);
    chek_manifest_finish(&got);
    chek_manifest_finish(&manifest);
    fake_disk_destroy(disk);
}

static void
put_manifest(struct fake_disk *disk, const struct chek_manifest *manifest)
{
    char name[32];
    uint8_t bytes[CHEK_BLOCK_SIZE] = {0};
    (void)snprintf(name, sizeof name, "manifest.%016llx", (unsigned long long)manifest->number);
    chek_manifest_encode(manifest, bytes);
    (void)fake_disk_put(disk, name, bytes, sizeof bytes);
}

static void
test_manifest_load_takes_the_newest_valid_one(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct chek_manifest manifest = example(), got;
    for (uint64_t number = 1; number <= 3; number++) {
        manifest.number = number;
        put_manifest(disk, &manifest);
    }
    assert_int_equal(chek_manifest_load(&disk->io, &got), CHEK_OK);
    assert_int_equal(got.number, 3);
    chek_manifest_finish(&got);

    fake_disk_file(disk, FILE_3)->bytes[100] ^= 1;
    assert_int_equal(chek_manifest_load(&disk->io, &got), CHEK_OK);
    assert_int_equal(got.number, 2);
    chek_manifest_finish(&got);

    fake_disk_file(disk, "manifest.0000000000000002")->size = 100;
    fake_disk_file(disk, "manifest.0000000000000001")->size = 0;
    assert_int_equal(chek_manifest_load(&disk->io, &got), CHEK_E_CORRUPT);
    chek_manifest_finish(&manifest);
    fake_disk_destroy(disk);
}

static void
test_manifest_load_does_not_go_back_behind_a_later_version(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct chek_manifest manifest = example(), got;
    manifest.number = 2;
    put_manifest(disk, &manifest);
    manifest.number = 3;
    put_manifest(disk, &manifest);
    uint8_t *bytes = fake_disk_file(disk, FILE_3)->bytes;
    size_t size = chek_manifest_size(&manifest);
    chek_store_u32(bytes + 8, 2);
    chek_store_u64(bytes + size - 8, chek_checksum_seeded(bytes, size - 8, 3));
    assert_int_equal(chek_manifest_load(&disk->io, &got), CHEK_E_VERSION);
    chek_manifest_finish(&manifest);
    fake_disk_destroy(disk);
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write-vector") == 0) {
        uint8_t bytes[512];
        struct chek_manifest manifest = example();
        FILE *file = fopen(VECTOR, "wb");
        chek_manifest_encode(&manifest, bytes);
        if (file == NULL || fwrite(bytes, chek_manifest_size(&manifest), 1, file) != 1) {
            return 1;
        }
        return fclose(file);
    }
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(test_manifest_decodes_and_encodes_the_vector),
        cmocka_unit_test(test_manifest_decode_finds_every_flipped_bit_and_cut),
        cmocka_unit_test(test_manifest_init_draws_an_identity),
        cmocka_unit_test(test_manifest_entries_are_set_and_dropped_by_name),
        cmocka_unit_test(test_manifest_chains_are_one_a_partition),
        cmocka_unit_test(test_manifest_begin_run_lists_what_ended_and_what_begins),
        cmocka_unit_test(test_manifest_create_makes_a_folder_once),
        cmocka_unit_test(test_manifest_create_returns_every_disk_error),
        cmocka_unit_test(test_manifest_load_without_one_is_not_found),
        cmocka_unit_test(test_manifest_store_replaces_the_one_before),
        cmocka_unit_test(test_manifest_store_leaves_a_valid_one_after_every_failure),
        cmocka_unit_test(test_manifest_load_returns_every_disk_error),
        cmocka_unit_test(test_manifest_load_takes_the_newest_valid_one),
        cmocka_unit_test(test_manifest_load_does_not_go_back_behind_a_later_version),
    };
    struct CMUnitTest tests[CHEK_COUNT(plain) + CHEK_COUNT(decode_cases)];
    size_t count = 0;

    for (size_t i = 0; i < CHEK_COUNT(plain); i++) {
        tests[count++] = plain[i];
    }
    for (size_t i = 0; i < CHEK_COUNT(decode_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = decode_cases[i].name,
                                             .test_func = test_manifest_decode,
                                             .initial_state = &decode_cases[i]};
    }
    return cmocka_run_group_tests_name("manifest", tests, NULL, NULL);
}
