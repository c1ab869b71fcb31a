/* SPDX-License-Identifier: MIT */
/*
 * test_person.c - subjects of a partition: kept once, erased, listed, and back with a later document.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/cpcr_fixture.h"

#define SUBJECT_SIZE 16

static struct chek_bytes_view
subject_of(uint32_t number)
{
    static uint8_t bytes[SUBJECT_SIZE];
    memset(bytes, 0x5a, sizeof bytes); /* subjects with the same first half are told apart */
    bytes[SUBJECT_SIZE - 1] = (uint8_t)(number % 256);
    bytes[SUBJECT_SIZE - 2] = (uint8_t)(number / 256);
    return chek_bytes_view_of(bytes, sizeof bytes);
}

static void
subject_add(uint32_t number, const char *secret)
{
    struct chek_outcome outcome;
    struct chek_command_subject what = {.secret = chek_bytes_view_text(secret)};
    memcpy(what.subject, subject_of(number).bytes, SUBJECT_SIZE);
    APPLY(CHEK_COMMAND_SUBJECT, command_subject, &what, CHEK_OK);
    (void)outcome;
}

static int
erase(uint32_t number, uint64_t erased)
{
    struct chek_outcome outcome;
    struct chek_erasure what = {.organisation = chek_bytes_view_text(ORGANISATION),
                                .erased = erased};
    memcpy(what.subject, subject_of(number).bytes, SUBJECT_SIZE);
    APPLY(CHEK_COMMAND_ERASE, erasure, &what, CHEK_OK);
    return outcome.error;
}

static bool
is_there(uint32_t number)
{
    return chek_partition_has_subject(partition, subject_of(number).bytes);
}

static uint64_t
erased_us(uint32_t number)
{
    return chek_partition_erased_us(partition, subject_of(number).bytes);
}

/* Whether some bytes are anywhere in an image of the partition. */
static bool
image_has(const char *text)
{
    static uint8_t bytes[1 << 20];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_partition_image_write(partition, &out);
    assert_false(out.full);
    return memmem(bytes, out.size, text, strlen(text)) != NULL;
}

static void
test_an_erased_value_is_gone_from_the_state(void **state)
{
    (void)state;
    subject_add(1, "the first one's cipher text");
    subject_add(2, "the second one's");
    assert_true(image_has("the first one's cipher"));
    assert_int_equal(erased_us(1), 0);
    assert_error(erase(1, 0), CHEK_OK);
    assert_false(is_there(1));
    assert_true(is_there(2));
    assert_false(image_has("first one's"));
    assert_true(image_has("the second one's"));
    assert_in_range(erased_us(1), CPCR_TIME_US, CPCR_TIME_US + 100);
    assert_int_equal(erased_us(2), 0);
    assert_int_equal(chek_partition_subject_count(partition), 1);
    assert_int_equal(chek_partition_erasure_count(partition), 1);
    cpcr_reload();
    assert_false(is_there(1));
    assert_true(is_there(2));
    assert_in_range(erased_us(1), CPCR_TIME_US, CPCR_TIME_US + 100);
}

static void
test_erasing_again_changes_nothing(void **state)
{
    (void)state;
    assert_error(erase(1, 0), CHEK_E_NOT_FOUND);
    assert_int_equal(chek_partition_erasure_count(partition), 0); /* whatever ids are tried */
    subject_add(1, "a");
    assert_error(erase(1, 0), CHEK_OK);
    uint64_t first_us = erased_us(1);
    assert_error(erase(1, 0), CHEK_OK);
    assert_int_equal(erased_us(1), first_us);
    assert_int_equal(chek_partition_erasure_count(partition), 1);
}

static void
test_who_comes_back_is_erased_anew(void **state)
{
    struct chek_bytes_view secret;
    (void)state;
    subject_add(1, "old");
    assert_error(erase(1, 0), CHEK_OK);
    uint64_t first_us = erased_us(1);
    subject_add(1, "new");
    assert_error(chek_partition_subject(partition, subject_of(1).bytes, &secret), CHEK_OK);
    assert_true(chek_bytes_view_equal(secret, chek_bytes_view_text("new")));
    assert_int_equal(erased_us(1), first_us);
    assert_error(erase(1, 0), CHEK_OK);
    assert_false(is_there(1));
    assert_true(erased_us(1) > first_us);
    assert_int_equal(chek_partition_erasure_count(partition), 1);
    assert_true(chek_partition_is_valid(partition));
}

/* On a copy from before an erasure its list erases; where it is known what came back stays. */
static void
test_a_list_is_run_again(void **state)
{
    (void)state;
    subject_add(1, "a");
    assert_error(erase(1, CPCR_TIME_US - 5), CHEK_OK);
    assert_int_equal(erased_us(1), CPCR_TIME_US - 5);
    subject_add(1, "b");
    assert_error(erase(1, CPCR_TIME_US - 5), CHEK_OK);
    assert_error(erase(1, CPCR_TIME_US - 6), CHEK_OK);
    assert_true(is_there(1));
    assert_error(erase(1, CPCR_TIME_US - 4), CHEK_OK);
    assert_false(is_there(1));
    assert_int_equal(erased_us(1), CPCR_TIME_US - 4);
    assert_error(erase(2, CPCR_TIME_US), CHEK_E_NOT_FOUND);
    assert_int_equal(chek_partition_erasure_count(partition), 1);
}

static void
test_the_list_is_given_piece_by_piece(void **state)
{
    enum { COUNT = 700, PIECE = 64 };
    struct chek_erasure list[PIECE];
    uint32_t at = 0;
    uint32_t next = COUNT;
    uint32_t count;
    (void)state;
    assert_int_equal(chek_partition_erasures(partition, &at, list, PIECE), 0);
    for (uint32_t i = 1; i <= COUNT; i++) {
        subject_add(i, "x");
        assert_error(erase(i, i), CHEK_OK);
    }
    cpcr_reload();
    do {
        count = chek_partition_erasures(partition, &at, list, PIECE);
        for (uint32_t i = 0; i < count; i++, next--) {
            assert_int_equal(list[i].erased, next);
            assert_memory_equal(list[i].subject, subject_of(next).bytes, SUBJECT_SIZE);
            assert_true(
                chek_bytes_view_equal(list[i].organisation, chek_bytes_view_text(ORGANISATION)));
        }
        if (next == COUNT - PIECE) { /* one that is made meanwhile is not in the list */
            subject_add(COUNT + 1, "x");
            assert_error(erase(COUNT + 1, COUNT + 1), CHEK_OK);
        }
    } while (count == PIECE);
    assert_int_equal(next, 0);
    assert_int_equal(chek_partition_erasure_count(partition), COUNT + 1);
    assert_true(chek_partition_is_valid(partition));
}

static bool
on_subject(void *context, const uint8_t subject[SUBJECT_SIZE], struct chek_bytes_view secret)
{
    uint32_t *sum = context;
    *sum += subject[SUBJECT_SIZE - 1] * 10u + (uint32_t)secret.size;
    return true;
}

static void
test_all_subjects_are_told(void **state)
{
    uint32_t sum = 0;
    (void)state;
    subject_add(1, "a");
    subject_add(2, "bb");
    subject_add(3, "ccc");
    assert_error(erase(2, 0), CHEK_OK);
    chek_partition_subjects_each(partition, on_subject, &sum);
    assert_int_equal(sum, 10 + 1 + 30 + 3);
}

static void
test_a_command_that_is_none_is_corrupt(void **state)
{
    struct chek_outcome outcome;
    struct chek_erasure what = {.erased = 1};
    static uint8_t bytes[64];
    (void)state;
    memcpy(what.subject, subject_of(1).bytes, SUBJECT_SIZE);
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    what.organisation = chek_bytes_view_text("1");
    chek_erasure_encode(&out, &what);
    for (size_t size = 0; size < out.size; size++) {
        struct chek_writer cut = {.bytes = bytes, .size = size, .capacity = size};
        outcome = cpcr_apply(CHEK_COMMAND_ERASE, &cut, CHEK_E_CORRUPT);
    }
    (void)outcome;
    assert_int_equal(chek_partition_erasure_count(partition), 0);
}

int
main(void)
{
    static struct table table;
    TABLE_TEST(&table, test_an_erased_value_is_gone_from_the_state);
    TABLE_TEST(&table, test_erasing_again_changes_nothing);
    TABLE_TEST(&table, test_who_comes_back_is_erased_anew);
    TABLE_TEST(&table, test_a_list_is_run_again);
    TABLE_TEST(&table, test_the_list_is_given_piece_by_piece);
    TABLE_TEST(&table, test_all_subjects_are_told);
    TABLE_TEST(&table, test_a_command_that_is_none_is_corrupt);
    for (size_t i = 0; i < table.count; i++) {
        table.tests[i].setup_func = cpcr_setup;
        table.tests[i].teardown_func = cpcr_teardown;
    }
    return table_run(&table, "person");
}
