/* SPDX-License-Identifier: MIT */
/*
 * verify_directory.c - principals, and homes of registrations.
 */
#include <errno.h>

#include "engine/base/checksum.h"
#include "engine/fiscal/check.h"
#include "persist/private_file.h"
#include "tools/verify/verify_run.h"

static const struct chek_directory *
directory_of(const struct verify__run *run)
{
    const struct verify__partition *zero = &run->partitions[0];
    return zero->partition != NULL ? chek_partition_directory(zero->partition) : NULL;
}

static void
find_zero(struct verify__run *run, uint32_t registration, const char *text)
{
    verify__find(run, run->partitions[0].image, VERIFY_NO_OFFSET, 0, registration, "%s", text);
}

static void
principals_check(struct verify__run *run, const struct chek_directory *directory)
{
    uint32_t count = chek_directory_principal_count(directory);
    for (uint32_t i = 1; i <= count; i++) {
        struct chek_principal principal;
        chek_arena_reset(&run->pages);
        int error = chek_directory_principal_read(directory, i, &run->pages, &principal);
        if (error != CHEK_OK || principal.principal != i) {
            verify__find(run, run->partitions[0].image, VERIFY_NO_OFFSET, 0, 0,
                         "principal %u of %u cannot be read: %s", i, count, chek_error_text(error));
        }
    }
    run->summary.principal_count = count;
}

/* persist/FORMAT.md "Partition image": the home of an organisation. */
static uint16_t
partition_of(const struct verify__run *run, struct chek_bytes_view organisation)
{
    return (uint16_t)(1 + chek_checksum(organisation.bytes, organisation.size) %
                              run->summary.partition_count);
}

static void
registration_check(struct verify__run *run, const struct chek_directory *directory,
                   uint32_t registration)
{
    struct chek_registered registered;
    struct chek_fault fault;
    uint32_t found = 0;
    chek_arena_reset(&run->pages);
    int error = chek_directory_registered(directory, registration, &run->pages, &registered);
    if (error != CHEK_OK) {
        verify__find(run, run->partitions[0].image, VERIFY_NO_OFFSET, 0, registration,
                     "the directory cannot read it: %s", chek_error_text(error));
        return;
    }
    const struct chek_register *profile = registered.profile;
    if (chek_register_check(profile, &fault) != CHEK_OK) {
        find_zero(run, registration, "what the directory knows of it is not in shape");
    } else if (registered.partition != partition_of(run, profile->organisation)) {
        find_zero(run, registration, "its partition is not that of its organisation");
    } else {
        error = chek_directory_find_register(directory, profile, &found);
        if (error != CHEK_OK || found != registration) {
            find_zero(run, registration, "its keys do not lead back to it");
        }
    }
}

static bool
is_token_text(const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (!is_digit && text[i] != '.' && (text[i] < 'a' || text[i] > 'f')) {
            return false;
        }
    }
    return true;
}

/* The token of the first administrator, when it is still there, is one that the directory knows. */
static int
token_check(struct verify__run *run, const struct chek_directory *directory)
{
    uint8_t text[CHEK_TOKEN_TEXT_MAX + 2];
    struct chek_principal first;
    uint32_t principal;
    int file = chek_disk_open(run->io, CHEK_ADMIN_TOKEN_NAME, CHEK_FILE_READ);
    if (file < 0) {
        return file == -ENOENT ? CHEK_OK : file;
    }
    int64_t size = chek_disk_read(run->io, file, text, sizeof text, 0);
    chek_disk_close(run->io, file);
    if (size < 0) {
        return (int)size;
    }
    bool is_known =
        size > 1 && text[size - 1] == '\n' && is_token_text(text, (size_t)size - 1) &&
        chek_directory_authenticate(directory, chek_bytes_view_of(text, (size_t)size - 1),
                                    &principal) == CHEK_OK;
    explicit_bzero(text, sizeof text);
    chek_arena_reset(&run->pages);
    if (is_known) {
        return CHEK_OK;
    }
    if (chek_directory_principal_read(directory, 1, &run->pages, &first) == CHEK_OK &&
        first.revoked) {
        verify__note(run, CHEK_ADMIN_TOKEN_NAME, "the first administrator was revoked");
    } else {
        verify__find(run, CHEK_ADMIN_TOKEN_NAME, VERIFY_NO_OFFSET, -1, 0,
                     "it is no principal's token");
    }
    return CHEK_OK;
}

int
verify__directory_check(struct verify__run *run)
{
    const struct chek_directory *directory = directory_of(run);
    if (directory == NULL) {
        return CHEK_OK;
    }
    uint64_t id[2];
    chek_directory_folder_id(directory, id);
    if (id[0] != run->manifest.folder_id[0] || id[1] != run->manifest.folder_id[1]) {
        find_zero(run, 0, "the directory is that of another folder");
    }
    if (chek_directory_partition_count(directory) != run->summary.partition_count) {
        find_zero(run, 0, "the directory has another number of partitions");
    }
    principals_check(run, directory);
    uint32_t count = chek_directory_registration_count(directory);
    for (uint32_t i = 1; i <= count; i++) {
        registration_check(run, directory, i);
    }
    return token_check(run, directory);
}

static bool
has_key(const struct chek_register *profile, const struct chek_register_key *key)
{
    for (uint32_t i = 0; i < profile->keys_count; i++) {
        if (profile->keys[i].kind == key->kind &&
            chek_bytes_view_equal(profile->keys[i].value, key->value)) {
            return true;
        }
    }
    return false;
}

void
verify__registration_home(struct verify__run *run, uint16_t partition, uint32_t registration,
                          const struct chek_register *profile)
{
    const struct chek_directory *directory = directory_of(run);
    struct chek_home home;
    struct chek_registered known;
    if (directory == NULL) {
        return;
    }
    if (chek_directory_home(directory, registration, &home) != CHEK_OK ||
        chek_directory_registered(directory, registration, &run->pages, &known) != CHEK_OK) {
        find_zero(run, registration, "a partition has it, and the directory does not");
        return;
    }
    if (home.partition != partition) {
        verify__find(run, run->partitions[0].image, VERIFY_NO_OFFSET, partition, registration,
                     "the directory says that it is in partition %u", home.partition);
    }
    if (home.currency != profile->currency ||
        !chek_bytes_view_equal(known.profile->organisation, profile->organisation)) {
        find_zero(run, registration, "organisation or currency differ from those of its partition");
    }
    for (uint32_t i = 0; i < profile->keys_count; i++) {
        if (!has_key(known.profile, &profile->keys[i])) {
            find_zero(run, registration, "the directory lacks a key that its partition knows");
        }
    }
}
