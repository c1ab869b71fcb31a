/* SPDX-License-Identifier: MIT */
/* The synchronous disk calls: inside the folder, private, all or an error, one process at a time. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

struct disk {
    struct uring_fixture fixture;
    struct chek_io *io;
};

static int
disk_open(void **state)
{
    struct disk *disk = calloc(1, sizeof *disk);
    uring_fixture_open(&disk->fixture, 1, NULL);
    disk->io = chek_uring_io(disk->fixture.group, 0);
    *state = disk;
    return 0;
}

static int
disk_close(void **state)
{
    struct disk *disk = *state;
    uring_fixture_close(&disk->fixture);
    free(disk);
    return 0;
}

static int
file_make(struct disk *disk, const char *path)
{
    return chek_disk_open(disk->io, path, CHEK_FILE_READ | CHEK_FILE_WRITE | CHEK_FILE_CREATE);
}

static mode_t
mode_of(struct disk *disk, const char *path)
{
    char full[256];
    struct stat state;
    snprintf(full, sizeof full, "%s/%s", disk->fixture.folder, path);
    assert_int_equal(stat(full, &state), 0);
    return state.st_mode & 07777;
}

static void
test_file_keeps_what_was_written(void **state)
{
    struct disk *disk = *state;
    char got[16] = {0};
    int file = file_make(disk, "f");
    assert_true(file >= 0);
    assert_int_equal(chek_disk_size(disk->io, file), 0);
    assert_int_equal(chek_disk_write(disk->io, file, "0123456789", 10, 5), CHEK_OK);
    assert_int_equal(chek_disk_size(disk->io, file), 15);
    assert_int_equal(chek_disk_read(disk->io, file, got, sizeof got, 0), 15);
    assert_memory_equal(got,
                        "\0\0\0\0\0"
                        "0123456789",
                        15);
    assert_int_equal(chek_disk_truncate(disk->io, file, 7), CHEK_OK);
    assert_int_equal(chek_disk_read(disk->io, file, got, sizeof got, 5), 2);
    assert_int_equal(chek_disk_read(disk->io, file, got, sizeof got, 7), 0);
    assert_int_equal(chek_disk_sync(disk->io, file), CHEK_OK);
    chek_disk_close(disk->io, file);
    assert_int_equal(mode_of(disk, "f"), 0600);
}

static void
test_open_follows_its_flags(void **state)
{
    struct disk *disk = *state;
    char byte = 'x';
    assert_int_equal(chek_disk_open(disk->io, "f", CHEK_FILE_READ), -ENOENT);
    int file = file_make(disk, "f");
    assert_true(file >= 0);
    chek_disk_close(disk->io, file);
    assert_int_equal(file_make(disk, "f"), -EEXIST);

    file = chek_disk_open(disk->io, "f", CHEK_FILE_READ);
    assert_int_equal(chek_disk_write(disk->io, file, &byte, 1, 0), -EBADF);
    chek_disk_close(disk->io, file);
    file = chek_disk_open(disk->io, "f", CHEK_FILE_WRITE);
    assert_int_equal(chek_disk_read(disk->io, file, &byte, 1, 0), -EBADF);
    chek_disk_close(disk->io, file);

    file = chek_disk_open(
        disk->io, "f", CHEK_FILE_READ | CHEK_FILE_WRITE | CHEK_FILE_DIRECT | CHEK_FILE_DATA_SYNC);
    assert_true(file >= 0);
    int flags = fcntl(file, F_GETFL);
    assert_true((flags & O_DIRECT) != 0 && (flags & O_DSYNC) != 0);
    assert_true((fcntl(file, F_GETFD) & FD_CLOEXEC) != 0);
    chek_disk_close(disk->io, file);
}

static void
test_direct_read_ends_with_the_file(void **state)
{
    struct disk *disk = *state;
    char *got = aligned_alloc(4096, 16384);
    char *bytes = aligned_alloc(4096, 16384);
    memset(bytes, 'b', 16384);
    int file = file_make(disk, "f");
    assert_int_equal(chek_disk_write(disk->io, file, bytes, 5000, 0), CHEK_OK);
    chek_disk_close(disk->io, file);
    file = chek_disk_open(disk->io, "f", CHEK_FILE_READ | CHEK_FILE_DIRECT);
    assert_int_equal(chek_disk_read(disk->io, file, got, 16384, 0), 5000);
    assert_memory_equal(got, bytes, 5000);
    chek_disk_close(disk->io, file);
    free(got);
    free(bytes);
}

static void
test_paths_stay_inside_the_folder(void **state)
{
    struct disk *disk = *state;
    static const char *const paths[] = {"/etc/passwd", "..", "../x", "a/../../x", "a/..", "a/../x"};
    for (size_t i = 0; i < CHEK_COUNT(paths); i++) {
        assert_int_equal(chek_disk_open(disk->io, paths[i], CHEK_FILE_READ), CHEK_E_USAGE);
        assert_int_equal(chek_disk_make_folder(disk->io, paths[i]), CHEK_E_USAGE);
        assert_int_equal(chek_disk_rename(disk->io, paths[i], "x"), CHEK_E_USAGE);
        assert_int_equal(chek_disk_rename(disk->io, "x", paths[i]), CHEK_E_USAGE);
        assert_int_equal(chek_disk_unlink(disk->io, paths[i]), CHEK_E_USAGE);
        assert_int_equal(chek_disk_sync_folder(disk->io, paths[i]), CHEK_E_USAGE);
    }
    static const char *const names[] = {"..x", "...", "x..", "a..b"};
    for (size_t i = 0; i < CHEK_COUNT(names); i++) {
        int file = file_make(disk, names[i]);
        assert_true(file >= 0);
        chek_disk_close(disk->io, file);
    }
}

static void
test_folders_are_private_and_may_exist(void **state)
{
    struct disk *disk = *state;
    assert_int_equal(chek_disk_make_folder(disk->io, "d"), CHEK_OK);
    assert_int_equal(chek_disk_make_folder(disk->io, "d"), CHEK_OK);
    assert_int_equal(mode_of(disk, "d"), 0700);
    chek_disk_close(disk->io, file_make(disk, "d/f"));
    assert_int_equal(chek_disk_make_folder(disk->io, "d/f"), -EEXIST);
    assert_int_equal(chek_disk_make_folder(disk->io, "no/d"), -ENOENT);
    assert_int_equal(chek_disk_sync_folder(disk->io, "d"), CHEK_OK);
    assert_int_equal(chek_disk_sync_folder(disk->io, ""), CHEK_OK);
    assert_int_equal(chek_disk_sync_folder(disk->io, "d/f"), -ENOTDIR);
}

struct names {
    unsigned count;
    size_t size;
    char text[300 * 200];
};

static void
on_name(void *context, const char *name)
{
    struct names *names = context;
    names->size +=
        (size_t)snprintf(names->text + names->size, sizeof names->text - names->size, "%s ", name);
    names->count += 1;
}

static void
test_list_names_everything_in_order(void **state)
{
    struct disk *disk = *state;
    struct names names = {0};
    assert_int_equal(chek_disk_list(disk->io, "", on_name, &names), CHEK_OK);
    assert_int_equal(names.count, 0);

    static const char *const files[] = {"b", "a10", "a2", "c", ".hidden", "B"};
    for (size_t i = 0; i < CHEK_COUNT(files); i++) {
        chek_disk_close(disk->io, file_make(disk, files[i]));
    }
    assert_int_equal(chek_disk_make_folder(disk->io, "d"), CHEK_OK);
    chek_memory_seal(); /* also while serving */
    assert_int_equal(chek_disk_list(disk->io, "", on_name, &names), CHEK_OK);
    chek_memory_unseal();
    assert_string_equal(names.text, ".hidden B a10 a2 b c d ");
    assert_int_equal(chek_disk_list(disk->io, "none", on_name, &names), -ENOENT);
    assert_int_equal(chek_disk_list(disk->io, "b", on_name, &names), -ENOTDIR);
    assert_int_equal(names.count, 7);
}

static void
test_list_of_many_is_complete_or_an_error(void **state)
{
    struct disk *disk = *state;
    for (unsigned i = 0; i < 300; i++) {
        char name[200];
        snprintf(name, sizeof name, "%03u-%0150u", i * 7 % 300, i);
        chek_disk_close(disk->io, file_make(disk, name));
    }
    uint64_t taken_size = chek_workspace_count().size;
    unsigned failed_count = 0;
    for (unsigned n = 1;; n++) {
        struct names *names = calloc(1, sizeof *names);
        chek_memory_fail_at(n);
        int error = chek_disk_list(disk->io, "", on_name, names);
        chek_memory_fail_at(0);
        assert_int_equal(names->count, error == CHEK_OK ? 300 : 0);
        for (unsigned i = 0; i < names->count; i++) {
            char number[16];
            snprintf(number, sizeof number, "%03u-", i);
            assert_memory_equal(names->text + i * 155, number, 4);
        }
        free(names);
        if (error == CHEK_OK) {
            break;
        }
        assert_int_equal(error, -ENOMEM);
        failed_count += 1;
    }
    assert_true(failed_count >= 3);
    assert_int_equal(chek_workspace_count().size, taken_size);
}

static void
test_rename_and_unlink(void **state)
{
    struct disk *disk = *state;
    chek_disk_close(disk->io, file_make(disk, "a"));
    chek_disk_close(disk->io, file_make(disk, "b"));
    assert_int_equal(chek_disk_rename(disk->io, "a", "b"), CHEK_OK);
    assert_int_equal(chek_disk_rename(disk->io, "a", "b"), -ENOENT);
    assert_int_equal(chek_disk_unlink(disk->io, "b"), CHEK_OK);
    assert_int_equal(chek_disk_unlink(disk->io, "b"), -ENOENT);
}

static void
test_free_is_what_the_system_says(void **state)
{
    struct disk *disk = *state;
    struct statvfs said;
    assert_int_equal(statvfs(disk->fixture.folder, &said), 0);
    int64_t size = chek_disk_free(disk->io);
    int64_t wanted = (int64_t)(said.f_bavail * said.f_frsize);
    assert_true(size > 0);
    /* Others write here, too: as near as makes it that file system and that count. */
    assert_true(size > wanted / 2 && size / 2 < wanted);
}

/* ---- limits and other processes ---------------------------------------------------------------- */

static void
test_write_over_the_size_limit_is_an_error(void **state)
{
    struct disk *disk = *state;
    int status;
    int file = file_make(disk, "f");
    pid_t child = fork();
    if (child == 0) {
        static char bytes[200000];
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){100000, 100000});
        _exit(-chek_disk_write(disk->io, file, bytes, sizeof bytes, 0));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), EFBIG);
    assert_int_equal(chek_disk_size(disk->io, file), 100000); /* the short write came first */
    chek_disk_close(disk->io, file);
}

/* What chek_disk_lock() says in a process that opens the folder for itself. */
static int
lock_of_another_process(const char *folder)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct chek_uring_group *group;
        CHEK_ASSERT(chek_uring_group_create(folder, 1, NULL, &group) == CHEK_OK);
        int error = chek_disk_lock(chek_uring_io(group, 0));
        _exit(error == CHEK_OK ? 0 : error == CHEK_E_LOCKED ? 1 : 2);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0   ? CHEK_OK
           : WEXITSTATUS(status) == 1 ? CHEK_E_LOCKED
                                      : CHEK_E_USAGE;
}

static void
test_lock_is_for_one_process_and_ends_with_it(void **state)
{
    (void)state;
    char folder[64];
    struct chek_uring_group *group;
    uring_fixture_folder_make(folder, sizeof folder);
    assert_int_equal(lock_of_another_process(folder), CHEK_OK);
    assert_int_equal(chek_uring_group_create(folder, 1, NULL, &group), CHEK_OK);
    assert_int_equal(chek_disk_lock(chek_uring_io(group, 0)), CHEK_OK); /* the other one ended */
    assert_int_equal(chek_disk_lock(chek_uring_io(group, 0)), CHEK_OK);
    assert_int_equal(lock_of_another_process(folder), CHEK_E_LOCKED);
    chek_uring_group_destroy(group);
    assert_int_equal(lock_of_another_process(folder), CHEK_OK);
    uring_fixture_folder_remove(folder);
}

#define disk_test(name) cmocka_unit_test_setup_teardown(name, disk_open, disk_close)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        disk_test(test_file_keeps_what_was_written),
        disk_test(test_open_follows_its_flags),
        disk_test(test_direct_read_ends_with_the_file),
        disk_test(test_paths_stay_inside_the_folder),
        disk_test(test_folders_are_private_and_may_exist),
        disk_test(test_list_names_everything_in_order),
        disk_test(test_list_of_many_is_complete_or_an_error),
        disk_test(test_rename_and_unlink),
        disk_test(test_free_is_what_the_system_says),
        disk_test(test_write_over_the_size_limit_is_an_error),
        cmocka_unit_test(test_lock_is_for_one_process_and_ends_with_it),
    };
    int skip = uring_fixture_skip();

    return skip != 0 ? skip : cmocka_run_group_tests_name("uring_disk", tests, NULL, NULL);
}
