/* SPDX-License-Identifier: MIT */
/*
 * golden_read.c - manifest, immutable files, events and logs, each read alone.
 */
#include "tests/crash/golden_read.h"

#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/memory.h"
#include "persist/event_scan.h"
#include "persist/log_format.h"
#include "persist/manifest.h"
#include "persist/private_file.h"
#include "persist/snapshot.h"

/* What a reader gave. */
struct seen {
    uint64_t hash;
    bool noted;
};

static struct chek_manifest manifest;
static struct seen log_sound, events_sound;

/* ---- logs ------------------------------------------------------------------------------------- */

static int
on_command(void *context, struct chek_bytes_view command)
{
    struct seen *seen = context;
    seen->hash = chek_checksum_seeded(command.bytes, command.size, seen->hash);
    return CHEK_OK;
}

static void
on_cut(void *context, const struct chek_log_fault *cut)
{
    struct seen *seen = context;
    (void)cut;
    seen->noted = true;
}

static int
log_read(struct fake_disk *disk, struct seen *ret)
{
    struct chek_log_fault fault;
    uint64_t generation;
    struct chek_log_recovery recovery = {.context = ret,
                                         .on_command = on_command,
                                         .on_cut = on_cut,
                                         .known_generation = manifest.generation,
                                         .known = manifest.logs,
                                         .known_count = manifest.log_count};
    return chek_log_recover(&disk->io, manifest.folder_id, &recovery, &generation, &fault);
}

static struct log_place
place_of(const char *name)
{
    struct log_place place = {.file = 0};
    CHEK_ASSERT(persist__log_name_parse(strchr(name, '/') + 1, &place));
    return place;
}

static const struct chek_log_known *
known_of(const char *name)
{
    struct log_place place = place_of(name);
    for (size_t i = 0; i < manifest.log_count; i++) {
        const struct chek_log_known *known = &manifest.logs[i];
        if (known->generation == place.generation && known->stream == place.stream) {
            return known;
        }
    }
    CHEK_ASSERT(!"a log that the manifest knows");
}

bool
golden_read_log_is_ended(const char *name)
{
    return known_of(name)->ended;
}

bool
golden_read_log_is_torn(const char *name)
{
    return known_of(name)->torn;
}

bool
golden_read_log_is_written(const struct fake_file *file, size_t offset)
{
    const uint8_t *block = file->bytes + offset / CHEK_BLOCK_SIZE * CHEK_BLOCK_SIZE;
    return !persist__log_is_zero(block, CHEK_SECTOR_SIZE);
}

bool
golden_read_log_is_replayed(const struct fake_file *file, size_t offset)
{
    const uint8_t *block = file->bytes + offset / CHEK_BLOCK_SIZE * CHEK_BLOCK_SIZE;
    size_t sector = offset % CHEK_BLOCK_SIZE / CHEK_SECTOR_SIZE * CHEK_SECTOR_SIZE;
    size_t at = sector != 0 ? sector - LOG_HEAD_SIZE : 0; /* its first byte in the payload */
    return golden_read_log_is_written(file, offset) &&
           (sector == 0 || at < chek_load_u16(block + 50)) &&
           chek_load_u64(block + 32) + at < known_of(file->name)->lsn_end;
}

/* ---- the others ------------------------------------------------------------------------------- */

static int
on_block(void *context, const struct chek_event_block *block)
{
    struct seen *seen = context;
    seen->hash = chek_checksum_seeded(block->body.bytes, block->body.size, seen->hash + block->seq);
    return CHEK_OK;
}

static void
on_fault(void *context, const char *file, uint64_t offset, int error)
{
    struct seen *seen = context;
    (void)file;
    (void)offset;
    (void)error;
    seen->noted = true;
}

static int
events_read(struct fake_disk *disk, struct seen *ret)
{
    struct chek_event_visitor visitor = {ret, on_block, on_fault};
    return chek_event_scan(&disk->io, manifest.folder_id, manifest.partition_count, &visitor);
}

static int
manifest_read(struct fake_disk *disk)
{
    struct chek_manifest got;
    int error = chek_manifest_load(&disk->io, &got);
    if (error == CHEK_OK) {
        chek_manifest_finish(&got);
    }
    return error;
}

/* "segment/0007-000000000031" */
static int
immutable_read(struct fake_disk *disk, const char *name)
{
    const char *partition = strchr(name, '/') + 1;
    struct chek_immutable file = {
        .folder_id = {manifest.folder_id[0], manifest.folder_id[1]},
        .number = strtoull(strchr(partition, '-') + 1, NULL, 10),
        .partition = (uint16_t)strtoul(partition, NULL, 10),
        .kind = name[1] == 'e' ? CHEK_IMMUTABLE_SEGMENT : CHEK_IMMUTABLE_IMAGE,
    };
    uint8_t *bytes;
    size_t size;
    struct chek_bytes_view content;
    int error = chek_immutable_read(&disk->io, &file, &bytes, &size, &content);
    if (error == CHEK_OK) {
        chek_memory_free(bytes, size);
    }
    return error;
}

/* ---- one file --------------------------------------------------------------------------------- */

static enum golden_read
read_judge(int error, const struct seen *seen, const struct seen *before)
{
    if (error != CHEK_OK) {
        return GOLDEN_READ_FOUND;
    }
    if (seen->noted) {
        return GOLDEN_READ_NOTED;
    }
    return seen->hash == before->hash ? GOLDEN_READ_UNSEEN : GOLDEN_READ_WRONG;
}

enum golden_read
golden_read_file(struct fake_disk *disk, const char *name)
{
    struct seen seen = {0};
    if (strncmp(name, "manifest.", 9) == 0) {
        return read_judge(manifest_read(disk), &seen, &seen);
    }
    if (strncmp(name, "log/", 4) == 0) {
        int error = log_read(disk, &seen);
        enum golden_read read = read_judge(error, &seen, &log_sound);
        return read == GOLDEN_READ_NOTED && seen.hash != log_sound.hash ? GOLDEN_READ_WRONG : read;
    }
    if (strncmp(name, "event/", 6) == 0) {
        int error = events_read(disk, &seen);
        return read_judge(error, &seen, &events_sound);
    }
    if (strchr(name, '/') != NULL) {
        return read_judge(immutable_read(disk, name), &seen, &seen);
    }
    if (strcmp(name, CHEK_SECRET_NAME) == 0) {
        uint8_t secret[CHEK_SECRET_SIZE];
        return read_judge(chek_secret_read(&disk->io, secret), &seen, &seen);
    }
    return GOLDEN_READ_UNSEEN; /* no recovery judges it */
}

void
golden_read_begin(struct fake_disk *disk)
{
    CHEK_ASSERT(chek_manifest_load(&disk->io, &manifest) == CHEK_OK);
    CHEK_ASSERT(log_read(disk, &log_sound) == CHEK_OK);
    CHEK_ASSERT(events_read(disk, &events_sound) == CHEK_OK);
    CHEK_ASSERT(!log_sound.noted && !events_sound.noted);
}

void
golden_read_end(void)
{
    chek_manifest_finish(&manifest);
}
