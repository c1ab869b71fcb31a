/* SPDX-License-Identifier: MIT */
/*
 * manifest_file.c - load and store the manifest: new file, sync, rename, folder sync, read back.
 *
 * Files are read and written past the page cache and padded to whole blocks: after a failed sync
 * the cache may show what the device never got, and a start must not believe it.
 */
#include "persist/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/limits.h"
#include "engine/base/workspace.h"

#define NAME_NEW "manifest.new"
#define NAME_PREFIX "manifest."
#define FILE_SIZE_MAX (256 * 1024 * 1024)

/* Bytes on a block's border, for direct reads and writes. */
struct block_buffer {
    uint8_t *bytes;
    size_t size; /* whole blocks */
};

static int
buffer_init(struct block_buffer *buffer, size_t size)
{
    buffer->size = (size + CHEK_BLOCK_SIZE - 1) / CHEK_BLOCK_SIZE * CHEK_BLOCK_SIZE;
    buffer->bytes = chek_workspace_take(buffer->size);
    return buffer->bytes != NULL ? CHEK_OK : -ENOMEM;
}

static void
buffer_finish(struct block_buffer *buffer)
{
    chek_workspace_give(buffer->bytes, buffer->size);
}

void
chek_manifest_name(uint64_t number, char ret[CHEK_MANIFEST_NAME_SIZE])
{
    (void)snprintf(ret, CHEK_MANIFEST_NAME_SIZE, NAME_PREFIX "%016llx", (unsigned long long)number);
}

int
chek_manifest_is_unfinished(struct chek_io *io)
{
    int file = chek_disk_open(io, CHEK_BACKUP_UNFINISHED, CHEK_FILE_READ);
    if (file < 0) {
        return file == -ENOENT ? 0 : file;
    }
    chek_disk_close(io, file);
    return 1;
}

/* ---- which ones there are ------------------------------------------------------------------ */

#define FOUND_COUNT_MAX 64

/* The newest numbers found, not sorted. */
struct found {
    uint64_t numbers[FOUND_COUNT_MAX];
    size_t count;
};

static void
found_on_name(void *context, const char *name)
{
    struct found *found = context;
    const size_t prefix_size = sizeof NAME_PREFIX - 1;
    char made[CHEK_MANIFEST_NAME_SIZE];

    if (strncmp(name, NAME_PREFIX, prefix_size) != 0) {
        return;
    }
    uint64_t number = strtoull(name + prefix_size, NULL, 16);
    chek_manifest_name(number, made);
    if (number == 0 || strcmp(made, name) != 0) {
        return;
    }
    size_t at = found->count;
    if (at == FOUND_COUNT_MAX) { /* names come in order: the oldest gives way */
        memmove(&found->numbers[0], &found->numbers[1], (at - 1) * sizeof found->numbers[0]);
        at -= 1;
        found->count -= 1;
    }
    found->numbers[at] = number;
    found->count += 1;
}

static int
found_list(struct chek_io *io, struct found *ret)
{
    ret->count = 0;
    return chek_disk_list(io, "", found_on_name, ret);
}

/* ---- loading ------------------------------------------------------------------------------- */

/* Read a whole file of blocks, synced first. CORRUPT for a size that no manifest has. */
static int
file_read(struct chek_io *io, int file, struct block_buffer *ret)
{
    int error = chek_disk_sync(io, file);
    int64_t size = error != CHEK_OK ? error : chek_disk_size(io, file);
    if (size < 0) {
        return (int)size;
    }
    if (size == 0 || size > FILE_SIZE_MAX || size % CHEK_BLOCK_SIZE != 0) {
        return CHEK_E_CORRUPT;
    }
    error = buffer_init(ret, (size_t)size);
    if (error != CHEK_OK) {
        return error;
    }
    int64_t got = chek_disk_read(io, file, ret->bytes, ret->size, 0);
    if (got != size) {
        buffer_finish(ret);
        return got < 0 ? (int)got : -EIO;
    }
    return CHEK_OK;
}

static int
number_read(struct chek_io *io, uint64_t number, struct block_buffer *ret)
{
    char name[CHEK_MANIFEST_NAME_SIZE];
    chek_manifest_name(number, name);
    int file = chek_disk_open(io, name, CHEK_FILE_READ | CHEK_FILE_DIRECT);
    if (file < 0) {
        return file;
    }
    int error = file_read(io, file, ret);
    chek_disk_close(io, file);
    return error;
}

static int
number_load(struct chek_io *io, uint64_t number, struct chek_manifest *ret)
{
    struct block_buffer buffer;
    int error = number_read(io, number, &buffer);
    if (error != CHEK_OK) {
        return error;
    }
    error = chek_manifest_decode(buffer.bytes, buffer.size, number, ret);
    buffer_finish(&buffer);
    return error;
}

int
chek_manifest_load(struct chek_io *io, struct chek_manifest *ret)
{
    /* A name that is seen now must not vanish after it was relied on. */
    int error = chek_disk_sync_folder(io, "");
    if (error != CHEK_OK) {
        return error;
    }
    struct found found;
    error = found_list(io, &found);
    if (error != CHEK_OK) {
        return error;
    }
    error = CHEK_E_NOT_FOUND;
    for (size_t i = found.count; i-- > 0;) {
        error = number_load(io, found.numbers[i], ret);
        if (error != CHEK_E_CORRUPT) {
            return error;
        }
    }
    return error;
}

/* ---- storing ------------------------------------------------------------------------------- */

static int
new_write(struct chek_io *io, const struct block_buffer *buffer)
{
    int error = chek_disk_unlink(io, NAME_NEW);
    if (error != CHEK_OK && error != -ENOENT) {
        return error;
    }
    int file = chek_disk_open(io, NAME_NEW, CHEK_FILE_WRITE | CHEK_FILE_CREATE | CHEK_FILE_DIRECT);
    if (file < 0) {
        return file;
    }
    error = chek_disk_write(io, file, buffer->bytes, buffer->size, 0);
    if (error == CHEK_OK) {
        error = chek_disk_sync(io, file);
    }
    chek_disk_close(io, file);
    return error;
}

/* Whether the file of `number` holds exactly these bytes. */
static int
verify(struct chek_io *io, uint64_t number, const struct block_buffer *want)
{
    struct block_buffer got;
    int error = number_read(io, number, &got);
    if (error != CHEK_OK) {
        return error;
    }
    bool is_equal = got.size == want->size && memcmp(got.bytes, want->bytes, got.size) == 0;
    buffer_finish(&got);
    return is_equal ? CHEK_OK : CHEK_E_CORRUPT;
}

/* Older ones that cannot be removed now are removed the next time; they do no harm. */
static void
older_remove(struct chek_io *io, uint64_t number)
{
    struct found found;
    if (found_list(io, &found) != CHEK_OK) {
        return;
    }
    for (size_t i = 0; i < found.count; i++) {
        if (found.numbers[i] < number) {
            char name[CHEK_MANIFEST_NAME_SIZE];
            chek_manifest_name(found.numbers[i], name);
            int ignored = chek_disk_unlink(io, name);
            (void)ignored;
        }
    }
}

static int
buffer_store(struct chek_io *io, uint64_t number, const struct block_buffer *buffer)
{
    char name[CHEK_MANIFEST_NAME_SIZE];
    chek_manifest_name(number, name);

    int error = new_write(io, buffer);
    if (error == CHEK_OK) {
        error = chek_disk_rename(io, NAME_NEW, name);
    }
    if (error == CHEK_OK) {
        error = chek_disk_sync_folder(io, "");
    }
    if (error == CHEK_OK) {
        error = verify(io, number, buffer);
    }
    return error;
}

int
chek_manifest_store(struct chek_io *io, struct chek_manifest *manifest)
{
    struct chek_manifest next = *manifest;
    struct block_buffer buffer;

    next.number += 1;
    if (chek_manifest_size(&next) > FILE_SIZE_MAX) {
        return CHEK_E_LIMIT;
    }
    int error = buffer_init(&buffer, chek_manifest_size(&next));
    if (error != CHEK_OK) {
        return error;
    }
    chek_manifest_encode(&next, buffer.bytes);
    error = buffer_store(io, next.number, &buffer);
    buffer_finish(&buffer);
    if (error == CHEK_OK) {
        manifest->number = next.number;
        older_remove(io, next.number);
    }
    return error;
}

/* ---- creating ------------------------------------------------------------------------------ */

struct creation {
    const char *const *folders;
    size_t folder_count;
    bool exists;
};

static void
creation_on_name(void *context, const char *name)
{
    struct creation *creation = context;
    bool is_ours = strcmp(name, CHEK_LOG_FOLDER) == 0 ||
                   strncmp(name, NAME_PREFIX, sizeof NAME_PREFIX - 1) == 0;
    for (size_t i = 0; i < creation->folder_count; i++) {
        is_ours |= strcmp(name, creation->folders[i]) == 0;
    }
    creation->exists |= is_ours;
}

int
chek_manifest_create(struct chek_io *io, uint32_t partition_count, const char *const *folders,
                     size_t folder_count, struct chek_manifest *ret)
{
    struct creation creation = {.folders = folders, .folder_count = folder_count};
    int error = chek_disk_list(io, "", creation_on_name, &creation);
    if (error == CHEK_OK && creation.exists) {
        return CHEK_E_EXISTS;
    }
    if (error == CHEK_OK) {
        error = chek_disk_make_folder(io, CHEK_LOG_FOLDER);
    }
    for (size_t i = 0; i < folder_count && error == CHEK_OK; i++) {
        error = chek_disk_make_folder(io, folders[i]);
    }
    if (error == CHEK_OK) {
        error = chek_disk_sync_folder(io, "");
    }
    struct chek_manifest manifest;
    chek_manifest_init(&manifest, io, partition_count);
    if (error == CHEK_OK) {
        error = chek_manifest_store(io, &manifest);
    }
    if (error == CHEK_OK) {
        *ret = manifest;
    }
    return error;
}
