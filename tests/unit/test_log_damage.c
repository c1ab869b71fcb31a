/* SPDX-License-Identifier: MIT */
/*
 * test_log_damage.c - a log that is proved durable to its end is replayed whole or not at all,
 * whatever happens to its bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/log_fixture.h"

#define BLOCK CHEK_BLOCK_SIZE
#define SECTOR CHEK_SECTOR_SIZE

/* Every bit and byte is tried; under a sanitizer, which is slow, every so many. */
#ifdef __SANITIZE_ADDRESS__
#    define STRIDE 13
#else
#    define STRIDE 1
#endif

static struct fake_file *
file_of(struct fake_disk *disk, uint32_t number)
{
    return log_file_at(disk, 5, 1, number);
}

/* Damage to a log that is proved durable to its end is found, or changes nothing. */
static void
damage_check(struct fake_disk *disk, uint64_t number_first, uint64_t count, size_t *ret_found)
{
    struct log_reader reader = {0};
    int error = log_reader_run(&reader, disk, number_first);
    if (error == CHEK_E_CORRUPT) {
        assert_true(reader.command_count <= count);
        *ret_found += 1;
        return;
    }
    assert_int_equal(error, CHEK_OK);
    assert_int_equal(reader.command_count, count);
}

/* One group and the idle mark. */
static void
test_log_damage_finds_every_flipped_bit(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    struct log_writer writer;
    size_t found = 0;

    log_writer_open(&writer, disk, 5, 1, 0, 8);
    for (unsigned i = 0; i < 4; i++) {
        assert_true(log_writer_send(&writer, 800));
    }
    log_writer_settle(&writer);
    log_writer_abandon(&writer);
    uint8_t *bytes = file_of(disk, 1)->bytes;
    const size_t size = 2 * BLOCK;
    assert_false(persist__log_is_zero(bytes + size - BLOCK, BLOCK));
    assert_true(persist__log_is_zero(bytes + size, BLOCK));
    size_t tried = 0;
    for (size_t i = 0; i < size * 8; i += STRIDE) {
        tried += 1;
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        damage_check(disk, 0, 4, &found);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    assert_int_equal(found, tried);
    fake_disk_destroy(disk);
}

static void
test_log_damage_finds_every_flipped_bit_of_the_watermark(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    size_t found = 0, tried = 0;
    uint64_t count = log_golden_write(disk, true);

    struct fake_file *file = file_of(disk, 0);
    assert_int_equal(file->size, 2 * BLOCK);
    for (size_t i = 0; i < file->size; i += i < 64 ? 1 : STRIDE) {
        for (unsigned bit = 0; bit < 8; bit += i < 64 ? 1 : 5) {
            tried += 1;
            file->bytes[i] ^= (uint8_t)(1 << bit);
            damage_check(disk, 100, count, &found);
            file->bytes[i] ^= (uint8_t)(1 << bit);
        }
    }
    assert_int_equal(found, tried);
    fake_disk_destroy(disk);
}

/* One bit of every byte of a log with several files and groups, and of some of its unused blocks. */
static void
test_log_damage_finds_damage_in_every_byte(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    size_t found = 0, used = 0;
    uint64_t count = log_golden_write(disk, true);

    for (uint32_t number = 1; number <= 3; number++) {
        struct fake_file *file = file_of(disk, number);
        for (size_t i = 0; i < file->size; i += STRIDE) {
            const uint8_t *block = file->bytes + i / BLOCK * BLOCK;
            if (persist__log_is_zero(block, SECTOR) && i % 16 != 5) {
                continue;
            }
            /* Behind the last head that was written nothing but heads is judged. */
            used += number < 3 || !persist__log_is_zero(block, SECTOR) || i % BLOCK < SECTOR;
            file->bytes[i] ^= (uint8_t)(1 << i % 7);
            damage_check(disk, 100, count, &found);
            file->bytes[i] ^= (uint8_t)(1 << i % 7);
        }
    }
    assert_int_equal(found, used);
    fake_disk_destroy(disk);
}

static void
test_log_damage_finds_truncation(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    size_t found = 0, tried = 0;
    uint64_t count = log_golden_write(disk, true);

    for (uint32_t number = 0; number <= 3; number++) {
        struct fake_file *file = file_of(disk, number);
        const size_t size = file->size;
        for (size_t length = 0; length < size; length += number % 2 == 0 ? STRIDE : 5 * STRIDE) {
            file->size = length;
            damage_check(disk, 100, count, &found);
            tried += 1;
        }
        file->size = size;
    }
    assert_int_equal(found, tried);
    fake_disk_destroy(disk);
}

static void
test_log_damage_finds_swapped_and_copied_blocks(void **state)
{
    (void)state;
    struct fake_disk *disk = fake_disk_create();
    size_t found = 0, tried = 0, harmless = 0;
    uint64_t count = log_golden_write(disk, true);
    uint8_t first[BLOCK], second[BLOCK];

    for (uint32_t i = 0; i < 24; i++) {
        for (uint32_t j = 0; j < 24; j++) {
            uint8_t *a = file_of(disk, 1 + i / 8)->bytes + (size_t)(i % 8) * BLOCK;
            uint8_t *b = file_of(disk, 1 + j / 8)->bytes + (size_t)(j % 8) * BLOCK;
            memcpy(first, a, BLOCK);
            memcpy(second, b, BLOCK);
            if (memcmp(first, second, BLOCK) == 0) {
                continue; /* the same one, or both unwritten */
            }
            memcpy(a, second, BLOCK); /* a copy: lost, misdirected or stale */
            damage_check(disk, 100, count, &found);
            memcpy(b, first, BLOCK);
            damage_check(disk, 100, count, &found);
            memcpy(a, first, BLOCK);
            memcpy(b, second, BLOCK);
            tried += 2;
            /* The idle mark is lost; the watermark says the same. */
            harmless += first[6] == LOG_FLAGS_ALL && persist__log_is_zero(second, BLOCK);
        }
    }
    assert_true(tried > 500 && harmless > 0);
    assert_int_equal(found, tried - harmless);
    fake_disk_destroy(disk);
}

static void
test_log_damage_finds_a_block_of_another_run_or_stream(void **state)
{
    (void)state;
    static const struct {
        uint64_t generation;
        uint32_t stream;
    } runs[] = {{4, 1}, {5, 0}};
    for (size_t i = 0; i < CHEK_COUNT(runs); i++) {
        struct fake_disk *disk = fake_disk_create();
        struct fake_disk *other = fake_disk_create();
        struct log_writer writer;
        struct log_reader reader = {0};
        (void)log_plain_write(disk, 3, true);
        log_writer_open(&writer, other, runs[i].generation, runs[i].stream, 0, 16);
        for (unsigned j = 0; j < 8; j++) {
            assert_true(log_writer_send(&writer, 400));
        }
        log_writer_settle(&writer);
        log_writer_abandon(&writer);
        memcpy(file_of(disk, 1)->bytes,
               log_file_at(other, runs[i].generation, runs[i].stream, 1)->bytes, BLOCK);
        assert_int_equal(log_reader_run(&reader, disk, 0), CHEK_E_CORRUPT);
        assert_int_equal(reader.fault.offset, 0);
        fake_disk_destroy(other);
        fake_disk_destroy(disk);
    }
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_damage_finds_every_flipped_bit),
        cmocka_unit_test(test_log_damage_finds_every_flipped_bit_of_the_watermark),
        cmocka_unit_test(test_log_damage_finds_damage_in_every_byte),
        cmocka_unit_test(test_log_damage_finds_truncation),
        cmocka_unit_test(test_log_damage_finds_swapped_and_copied_blocks),
        cmocka_unit_test(test_log_damage_finds_a_block_of_another_run_or_stream),
    };
    return cmocka_run_group_tests_name("log_damage", tests, NULL, NULL);
}
