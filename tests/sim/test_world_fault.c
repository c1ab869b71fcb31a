/* SPDX-License-Identifier: MIT */
/*
 * test_world_fault.c - names, errors, and crash points of the virtual disk.
 */
#include "tests/sim/one_machine.h"

#define NAMES_SIZE 64

/* ---- names --------------------------------------------------------------------------------- */

static void
test_disk_name_without_folder_sync_may_be_lost(void **state)
{
    unsigned lost = 0, kept = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint8_t byte;
        begin_calm(seed);
        int file = chek_disk_open(io, "a", CREATE);
        write_all(file, 1, 512, 0);
        assert_int_equal(chek_disk_sync(io, file), 0);
        assert_false(chek_world_is_durable(world, 0, "a", 0, 512));
        crash(CHEK_CRASH_POWER);
        lost += peek("a", &byte, 1) == -ENOENT;
        kept += peek("a", &byte, 1) == 1 && byte == 1;
        end();
    }
    assert_true(lost > 20 && kept > 20 && lost + kept == 100);
}

/* A new file renamed over an old one: one of the two contents is under the name, always. */
static void
test_disk_rename_is_atomic(void **state)
{
    unsigned old = 0, new = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint8_t byte, other;
        begin_calm(seed);
        (void)make_file("a", 1, 512);
        (void)make_file("a.new", 2, 512);
        assert_int_equal(chek_disk_rename(io, "a.new", "a"), 0);
        crash(CHEK_CRASH_POWER);
        assert_int_equal(peek("a", &byte, 1), 1);
        old += byte == 1;
        new += byte == 2;
        assert_int_equal(peek("a.new", &other, 1), byte == 1 ? 1 : -ENOENT);
        end();
    }
    assert_true(old > 20 && new > 20);
}

static void
test_disk_folder_lost_takes_its_files_along(void **state)
{
    unsigned lost = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint8_t byte;
        begin_calm(seed);
        assert_int_equal(chek_disk_make_folder(io, "f"), 0);
        int file = chek_disk_open(io, "f/a", CREATE);
        write_all(file, 1, 512, 0);
        assert_int_equal(chek_disk_sync(io, file), 0);
        assert_int_equal(chek_disk_sync_folder(io, "f"), 0);
        assert_false(chek_world_is_durable(world, 0, "f/a", 0, 512));
        crash(CHEK_CRASH_POWER);
        lost += peek("f/a", &byte, 1) == -ENOENT;
        end();
    }
    assert_true(lost > 20 && lost < 100);
}

static void
add_name(void *context, const char *name)
{
    char *names = context;
    size_t size = strlen(names);
    snprintf(names + size, NAMES_SIZE - size, "%s ", name);
}

static void
test_disk_list_is_in_order_of_names(void **state)
{
    char names[NAMES_SIZE] = "";
    (void)state;
    begin_calm(1);
    (void)make_file("b", 1, 1);
    (void)make_file("c", 1, 1);
    assert_int_equal(chek_disk_make_folder(io, "a"), 0);
    (void)make_file("a/x", 1, 1);
    assert_int_equal(chek_disk_unlink(io, "c"), 0);
    assert_int_equal(chek_disk_list(io, "", add_name, names), 0);
    assert_string_equal(names, "a b ");
    names[0] = '\0';
    assert_int_equal(chek_disk_list(io, "a", add_name, names), 0);
    assert_string_equal(names, "x ");
    assert_int_equal(chek_disk_list(io, "z", add_name, names), -ENOENT);
    end();
}

static struct open_case {
    const char *name, *path;
    unsigned flags;
    int want;
} open_cases[] = {
    {"open_missing_is_enoent", "z", CHEK_FILE_READ, -ENOENT},
    {"open_in_missing_folder_is_enoent", "z/a", CREATE, -ENOENT},
    {"open_in_a_file_is_enotdir", "a/a", CREATE, -ENOTDIR},
    {"open_folder_is_eisdir", "f", CHEK_FILE_READ, -EISDIR},
    {"open_create_existing_is_eexist", "a", CREATE, -EEXIST},
};

static void
test_disk_open_is_refused(void **state)
{
    const struct open_case *c = *state;
    begin_calm(1);
    (void)make_file("a", 1, 1);
    assert_int_equal(chek_disk_make_folder(io, "f"), 0);
    assert_int_equal(chek_disk_make_folder(io, "f"), 0);
    assert_int_equal(chek_disk_open(io, c->path, c->flags), c->want);
    end();
}

/* ---- faults -------------------------------------------------------------------------------- */

/* The error comes once; the page cache goes on showing what the medium does not have. */
static void
test_disk_failed_sync_loses_data_behind_a_later_success(void **state)
{
    unsigned lost = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint8_t byte;
        begin_calm(seed);
        int file = make_file("a", 1, 512);
        write_all(file, 2, 512, 0);
        chek_world_options(world)->disk_sync_error_rate = 1000000;
        assert_int_equal(chek_disk_sync(io, file), -EIO);
        chek_world_heal(world);
        assert_int_equal(chek_disk_sync(io, file), 0);
        assert_int_equal(chek_disk_read(io, file, &byte, 1, 0), 1);
        assert_int_equal(byte, 2);
        crash(CHEK_CRASH_POWER);
        assert_int_equal(peek("a", &byte, 1), 1);
        lost += byte == 1;
        end();
    }
    assert_true(lost > 30 && lost < 100);
}

/* Past the page cache, reads show the medium: no lie is left after the error. */
static void
test_disk_failed_sync_of_direct_writes_reads_the_truth(void **state)
{
    unsigned lost = 0;
    static _Alignas(4096) uint8_t bytes[4096];
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint8_t before, after;
        begin_calm(seed);
        (void)make_file("a", 1, 4096);
        int file = chek_disk_open(io, "a", READ_WRITE | CHEK_FILE_DIRECT);
        memset(bytes, 2, sizeof(bytes));
        assert_int_equal(chek_disk_write(io, file, bytes, sizeof(bytes), 0), 0);
        chek_world_options(world)->disk_sync_error_rate = 1000000;
        assert_int_equal(chek_disk_sync(io, file), -EIO);
        assert_int_equal(peek("a", &before, 1), 1);
        crash(CHEK_CRASH_POWER);
        assert_int_equal(peek("a", &after, 1), 1);
        assert_int_equal(before, after);
        lost += after == 1;
        end();
    }
    assert_true(lost > 30 && lost < 100);
}

static void
test_disk_full_is_enospc(void **state)
{
    struct chek_world_options options = chek_world_options_calm(1);
    uint8_t bytes[4096] = {0};
    (void)state;
    options.disk_capacity = 10000;
    begin(&options);
    int file = make_file("a", 1, 8000);
    assert_int_equal(chek_disk_free(io), 2000);
    assert_int_equal(chek_disk_write(io, file, bytes, 4096, 8000), -ENOSPC);
    assert_int_equal(chek_disk_write(io, file, bytes, 4096, 0), 0); /* what exists is writable */
    assert_int_equal(chek_disk_free(io), 0);
    assert_int_equal(chek_disk_unlink(io, "a"), 0);
    chek_disk_close(io, file);
    assert_int_equal(chek_disk_sync_folder(io, ""), 0);
    assert_int_equal(chek_disk_free(io), 10000);
    end();
}

static void
test_disk_write_error_leaves_any_part(void **state)
{
    unsigned untouched = 0, touched = 0;
    uint8_t bytes[4096];
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        begin_calm(seed);
        int file = make_file("a", 1, 4096);
        chek_world_options(world)->disk_write_error_rate = 1000000;
        memset(bytes, 2, sizeof(bytes));
        assert_int_equal(chek_disk_write(io, file, bytes, sizeof(bytes), 0), -EIO);
        assert_int_equal(peek("a", bytes, sizeof(bytes)), 4096);
        untouched += all_are(bytes, sizeof(bytes), 1);
        touched += memchr(bytes, 2, sizeof(bytes)) != NULL;
        end();
    }
    assert_true(untouched > 5 && touched > 5 && untouched + touched == 100);
}

static void
test_disk_rot_flips_one_bit(void **state)
{
    uint8_t bytes[512];
    unsigned bits = 0;
    (void)state;
    begin_calm(1);
    (void)make_file("a", 0, 512);
    assert_int_equal(chek_world_rot(world, 0, "a", 100, 50), 0);
    assert_int_equal(chek_world_rot(world, 0, "a", 500, 50), CHEK_E_RANGE);
    assert_int_equal(chek_world_rot(world, 0, "z", 0, 1), -ENOENT);
    crash(CHEK_CRASH_POWER);
    assert_int_equal(peek("a", bytes, 512), 512);
    for (size_t i = 0; i < 512; i++) {
        assert_true(bytes[i] == 0 || (i >= 100 && i < 150));
        bits += (unsigned)__builtin_popcount(bytes[i]);
    }
    assert_int_equal(bits, 1);
    end();
}

static void
test_disk_bad_sector_reads_again_after_a_write(void **state)
{
    uint8_t bytes[512];
    (void)state;
    begin_calm(1);
    int file = make_file("a", 1, 2048);
    assert_int_equal(chek_world_unreadable(world, 0, "a", 512, 512), 0);
    assert_int_equal(chek_disk_read(io, file, bytes, 512, 0), 512);
    assert_int_equal(chek_disk_read(io, file, bytes, 512, 600), -EIO);
    write_all(file, 2, 512, 512);
    assert_int_equal(chek_disk_read(io, file, bytes, 512, 600), 512);
    end();
}

static void
test_disk_lock_is_exclusive(void **state)
{
    (void)state;
    begin_calm(1);
    chek_world_lock_elsewhere(world, 0, true);
    assert_int_equal(chek_disk_lock(io), CHEK_E_LOCKED);
    chek_world_lock_elsewhere(world, 0, false);
    assert_int_equal(chek_disk_lock(io), 0);
    assert_int_equal(chek_disk_lock(io), 0); /* the same process */
    end();
}

static void
test_disk_open_files_are_limited(void **state)
{
    struct chek_world_options options = chek_world_options_calm(1);
    (void)state;
    options.file_count_max = 1;
    begin(&options);
    int file = make_file("a", 1, 1);
    assert_int_equal(chek_disk_open(io, "a", CHEK_FILE_READ), -EMFILE);
    assert_int_equal(chek_world_file_count(world, 0), 1);
    chek_disk_close(io, file);
    assert_int_equal(chek_world_file_count(world, 0), 0);
    assert_true(chek_disk_open(io, "a", CHEK_FILE_READ) >= 0);
    end();
}

/* ---- crash points and the view from outside ------------------------------------------------- */

static void
test_disk_call_at_the_crash_has_its_effect_or_not(void **state)
{
    unsigned effect = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        uint8_t byte;
        begin_calm(seed);
        chek_world_crash_after(world, 0, 2, CHEK_CRASH_KILL);
        int file = chek_disk_open(io, "a", CREATE);
        assert_true(file >= 0);
        assert_int_equal(chek_disk_write(io, file, "x", 1, 0), CHEK_E_HALTED);
        assert_false(chek_world_is_up(world, 0));
        assert_int_equal(chek_disk_write(io, file, "y", 1, 0), CHEK_E_HALTED);
        assert_int_equal(chek_disk_unlink(io, "a"), CHEK_E_HALTED);
        int64_t size = peek("a", &byte, 1);
        assert_true(size == 0 || (size == 1 && byte == 'x'));
        effect += size == 1;
        end();
    }
    assert_true(effect > 20 && effect < 80);
}

static void
test_disk_copy_reads_the_same(void **state)
{
    (void)state;
    begin_calm(1);
    assert_int_equal(chek_world_machine_add(world, 1), 1);
    assert_int_equal(chek_disk_make_folder(io, "f"), 0);
    (void)make_file("f/a", 1, 5000);
    chek_world_crash(world, 1, CHEK_CRASH_POWER);
    assert_true(chek_world_disk_hash(world, 0) != chek_world_disk_hash(world, 1));
    chek_world_disk_copy(world, 0, 1);
    assert_true(chek_world_disk_hash(world, 0) == chek_world_disk_hash(world, 1));
    assert_true(chek_world_is_durable(world, 1, "f/a", 0, 5000));
    chek_world_poke(world, 1, "f/a", "z", 1, 4999);
    assert_true(chek_world_disk_hash(world, 0) != chek_world_disk_hash(world, 1));
    assert_int_equal(chek_world_cut(world, 1, "f/a", 10), 0);
    assert_int_equal(chek_world_remove(world, 1, "f/a"), 0);
    assert_false(chek_world_is_durable(world, 1, "f/a", 0, 1));
    end();
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disk_name_without_folder_sync_may_be_lost),
        cmocka_unit_test(test_disk_rename_is_atomic),
        cmocka_unit_test(test_disk_folder_lost_takes_its_files_along),
        cmocka_unit_test(test_disk_list_is_in_order_of_names),
        cmocka_unit_test(test_disk_failed_sync_loses_data_behind_a_later_success),
        cmocka_unit_test(test_disk_failed_sync_of_direct_writes_reads_the_truth),
        cmocka_unit_test(test_disk_full_is_enospc),
        cmocka_unit_test(test_disk_write_error_leaves_any_part),
        cmocka_unit_test(test_disk_rot_flips_one_bit),
        cmocka_unit_test(test_disk_bad_sector_reads_again_after_a_write),
        cmocka_unit_test(test_disk_lock_is_exclusive),
        cmocka_unit_test(test_disk_open_files_are_limited),
        cmocka_unit_test(test_disk_call_at_the_crash_has_its_effect_or_not),
        cmocka_unit_test(test_disk_copy_reads_the_same),
    };
    struct CMUnitTest rows[CHEK_COUNT(open_cases)];
    for (size_t i = 0; i < CHEK_COUNT(open_cases); i++) {
        rows[i] = (struct CMUnitTest){.name = open_cases[i].name,
                                      .test_func = test_disk_open_is_refused,
                                      .initial_state = &open_cases[i]};
    }
    int failed = cmocka_run_group_tests_name("world_fault", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("world_fault_open", rows, NULL, NULL);
}
