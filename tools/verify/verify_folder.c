/* SPDX-License-Identifier: MIT */
/*
 * verify_folder.c - the manifest, the files that it names, and partitions loaded from them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "persist/private_file.h"
#include "persist/snapshot.h"
#include "tools/verify/verify_run.h"

#define PAGE_COUNT_MAX (1024 * 1024) /* of a heap; address space only */
#define MANIFEST_PREFIX "manifest."
#define IMMUTABLE_HEAD_SIZE 64
#define PARTITION_IMAGE_TAIL_SIZE 48

/* ---- the manifest ----------------------------------------------------------------------------- */

struct manifests {
    struct verify__run *run;
    uint64_t count;
    char newest[CHEK_VERIFY_FILE_SIZE];
};

static void
on_manifest_name(void *context, const char *name)
{
    struct manifests *manifests = context;
    struct verify__run *run = manifests->run;
    size_t prefix = sizeof MANIFEST_PREFIX - 1;
    if (strncmp(name, MANIFEST_PREFIX, prefix) != 0 || strlen(name) != prefix + 16) {
        return;
    }
    manifests->count += 1;
    (void)snprintf(manifests->newest, sizeof manifests->newest, "%s", name);
    uint64_t number = strtoull(name + prefix, NULL, 16);
    if (run->has_manifest && number > run->manifest.number) {
        verify__find(run, name, 0, -1, 0, "not a valid manifest; an older one was taken instead");
    }
}

static int
manifest_load(struct verify__run *run)
{
    struct manifests manifests = {.run = run};
    int error = chek_manifest_is_unfinished(run->io);
    if (error < 0) {
        return error;
    }
    if (error == 1) {
        verify__find(run, CHEK_BACKUP_UNFINISHED, VERIFY_NO_OFFSET, -1, 0,
                     "the folder is a backup that was not finished");
    }
    error = chek_manifest_load(run->io, &run->manifest);
    run->has_manifest = error == CHEK_OK;
    int listed = chek_disk_list(run->io, "", on_manifest_name, &manifests);
    if (listed != CHEK_OK) {
        return listed;
    }
    if (error == CHEK_OK && (run->manifest.partition_count == 0 ||
                             run->manifest.partition_count > CHEK_PARTITION_COUNT_MAX)) {
        verify__find(run, manifests.newest, 48, -1, 0, "%u partitions",
                     run->manifest.partition_count);
        return CHEK_E_CORRUPT;
    }
    if (error == CHEK_E_NOT_FOUND) {
        verify__find(run, "", VERIFY_NO_OFFSET, -1, 0, "there is no manifest");
    } else if (error == CHEK_E_CORRUPT || error == CHEK_E_VERSION) {
        verify__find(run, manifests.newest, 0, -1, 0, "no valid manifest: %s",
                     chek_error_text(error));
    }
    return error;
}

/* The number at the end of a name: "segment/0007-000000000002" is 2. UINT64_MAX: none. */
static uint64_t
number_of(const char *name)
{
    const char *dash = strrchr(name, '-');
    char *end = NULL;
    uint64_t number = dash != NULL ? strtoull(dash + 1, &end, 10) : UINT64_MAX;
    return end != NULL && *end == '\0' && end != dash + 1 ? number : UINT64_MAX;
}

/* Whether the entry's name is the one that its kind, partition and number lead to. */
static bool
entry_fits(const struct chek_manifest_entry *entry)
{
    char name[CHEK_IMMUTABLE_NAME_MAX];
    struct chek_immutable file = {.number = number_of(entry->name),
                                  .partition = (uint16_t)entry->partition,
                                  .kind = (uint8_t)entry->kind};
    if (entry->kind != CHEK_IMMUTABLE_IMAGE && entry->kind != CHEK_IMMUTABLE_SEGMENT) {
        return false;
    }
    chek_immutable_name(&file, name);
    return strcmp(name, entry->name) == 0;
}

static void
entries_read(struct verify__run *run)
{
    for (size_t i = 0; i < run->manifest.entry_count; i++) {
        const struct chek_manifest_entry *entry = &run->manifest.entries[i];
        if (entry->partition > run->summary.partition_count || !entry_fits(entry)) {
            verify__find(run, entry->name, VERIFY_NO_OFFSET, -1, 0,
                         "the manifest names it as kind %u of partition %u", entry->kind,
                         entry->partition);
            continue;
        }
        struct verify__partition *partition = &run->partitions[entry->partition];
        if (entry->kind == CHEK_IMMUTABLE_SEGMENT) {
            partition->segment_count += 1;
            if (!chek_segments_add(&partition->segments, number_of(entry->name))) {
                verify__find(run, entry->name, VERIFY_NO_OFFSET, (int)entry->partition, 0,
                             "the manifest names it out of order");
            }
            continue;
        }
        if (partition->image[0] != '\0') {
            verify__find(run, entry->name, VERIFY_NO_OFFSET, (int)entry->partition, 0,
                         "a second image beside %s", partition->image);
        }
        (void)snprintf(partition->image, sizeof partition->image, "%s", entry->name);
        partition->image_number = number_of(entry->name);
        partition->image_seq = entry->seq;
    }
}

/* ---- immutable files -------------------------------------------------------------------------- */

/* Where in a damaged file the damage is: its head, or what its head covers. */
static uint64_t
damage_offset(struct verify__run *run, const char *name)
{
    uint8_t head[IMMUTABLE_HEAD_SIZE];
    int file = chek_disk_open(run->io, name, CHEK_FILE_READ);
    if (file < 0) {
        return 0;
    }
    int64_t got = chek_disk_read(run->io, file, head, sizeof head, 0);
    chek_disk_close(run->io, file);
    bool is_sound = got == sizeof head && chek_checksum(head, 56) == chek_load_u64(head + 56);
    return is_sound ? IMMUTABLE_HEAD_SIZE : 0;
}

struct file_bytes {
    uint8_t *bytes;
    size_t size;
    struct chek_bytes_view content;
};

/*
 * Read a file that the manifest names.
 *
 *   Returns    CHEK_OK, or 1 when it is damaged (a finding was made)
 *   Errors     of the machine
 */
static int
immutable_read(struct verify__run *run, struct chek_immutable *file, struct file_bytes *ret)
{
    char name[CHEK_IMMUTABLE_NAME_MAX];
    memcpy(file->folder_id, run->manifest.folder_id, sizeof file->folder_id);
    chek_immutable_name(file, name);
    int error = chek_immutable_read(run->io, file, &ret->bytes, &ret->size, &ret->content);
    if (error == CHEK_OK) {
        run->summary.file_count += 1;
        run->summary.file_size += ret->content.size + IMMUTABLE_HEAD_SIZE;
        return CHEK_OK;
    }
    if (error == -ENOENT) {
        verify__find(run, name, VERIFY_NO_OFFSET, file->partition, 0,
                     "the manifest names it, and it is not there");
    } else if (error == CHEK_E_CORRUPT) {
        uint64_t offset = damage_offset(run, name);
        verify__find(run, name, offset, file->partition, 0,
                     offset == 0 ? "the head is damaged"
                                 : "the bytes from here to the end do not have their sum");
    } else if (error == CHEK_E_FOREIGN || error == CHEK_E_VERSION || error == -EIO) {
        verify__find(run, name, 0, file->partition, 0, "%s", chek_error_text(error));
    } else {
        return error;
    }
    return 1;
}

/* ---- partitions ------------------------------------------------------------------------------- */

struct segments {
    struct file_bytes *files;
    struct chek_bytes_view *views;
    uint32_t count, read_count;
};

static void
segments_free(struct segments *segments)
{
    for (uint32_t i = 0; i < segments->read_count; i++) {
        chek_memory_free(segments->files[i].bytes, segments->files[i].size);
    }
    chek_memory_free(segments->files, (segments->count + 1) * sizeof *segments->files);
    chek_memory_free(segments->views, (segments->count + 1) * sizeof *segments->views);
}

/* The number of the partition's segment that the manifest names next; there is one. */
static uint64_t
segment_next(const struct verify__run *run, uint16_t partition, size_t *at)
{
    const struct chek_manifest_entry *entry = &run->manifest.entries[*at];
    while (entry->kind != CHEK_IMMUTABLE_SEGMENT || entry->partition != partition ||
           !entry_fits(entry)) {
        entry += 1;
    }
    *at = (size_t)(entry - run->manifest.entries) + 1;
    return number_of(entry->name);
}

/* Read all segments of a partition, also behind a damaged one. As immutable_read(). */
static int
segments_read(struct verify__run *run, uint16_t number, struct segments *ret)
{
    struct segments segments = {.count = run->partitions[number].segment_count};
    segments.files = chek_memory_allocate((segments.count + 1) * sizeof *segments.files);
    segments.views = chek_memory_allocate((segments.count + 1) * sizeof *segments.views);
    int worst = segments.files != NULL && segments.views != NULL ? CHEK_OK : -ENOMEM;
    size_t at = 0;
    for (uint32_t i = 0; i < segments.count && worst >= 0; i++) {
        struct chek_immutable file = {.number = segment_next(run, number, &at),
                                      .partition = number,
                                      .kind = CHEK_IMMUTABLE_SEGMENT};
        struct file_bytes *bytes = &segments.files[segments.read_count];
        int error = immutable_read(run, &file, bytes);
        if (error == CHEK_OK) {
            segments.views[i] = bytes->content;
            segments.read_count += 1;
        } else {
            worst = error;
        }
    }
    if (worst != CHEK_OK) {
        segments_free(&segments);
        return worst;
    }
    *ret = segments;
    return CHEK_OK;
}

/*
 * How many rows this folder seals together, as the store's image behind the heap's pages says;
 * 0 when the bytes do not reach so far, which loading will find out.
 */
static uint32_t
segment_row_count(struct chek_bytes_view image)
{
    struct chek_cursor in = chek_cursor_over(image.bytes, image.size);
    struct chek_cursor tail = chek_cursor_over(image.bytes, image.size);
    (void)chek_cursor_take(&tail, image.size - PARTITION_IMAGE_TAIL_SIZE);
    (void)chek_cursor_take(&tail, 16);
    (void)chek_cursor_take(&in, chek_cursor_u64(&tail)); /* the pages */
    (void)chek_cursor_take(&in, 12);
    uint32_t count = chek_cursor_u32(&in);
    return tail.error == CHEK_OK && in.error == CHEK_OK ? count : 0;
}

/* How far the chain reaches is said twice; the rows say what its head is. */
static void
chain_compare(struct verify__run *run, uint16_t number, const struct verify__partition *to)
{
    const struct chek_manifest_chain *said = chek_manifest_chain(&run->manifest, number);
    uint64_t row_count = said != NULL ? said->row_count : 0;
    uint64_t range_count = said != NULL ? said->range_count : 0;
    if (to->image_chain.row_count != row_count || to->image_chain.range_count != range_count) {
        verify__find(run, to->image, IMMUTABLE_HEAD_SIZE, number, 0,
                     "its chain has %" PRIu64 " ranges of %" PRIu64
                     " rows, and the manifest says %" PRIu64 " of %" PRIu64,
                     to->image_chain.range_count, to->image_chain.row_count, range_count,
                     row_count);
    }
}

/* The manifest's numbers say which segments are merged, and how many sets came before each. */
static void
segments_compare(struct verify__run *run, uint16_t number)
{
    const struct verify__partition *of = &run->partitions[number];
    struct chek_store *store = chek_partition_store(of->partition);
    struct chek_segments held = store != NULL ? chek_store_segments(store) : of->segments;
    held.single_first = held.single_count != 0 ? held.single_first : 0;
    if (memcmp(&held, &of->segments, sizeof held) != 0) {
        verify__find(run, of->image, IMMUTABLE_HEAD_SIZE, number, 0,
                     "its %u merged and %u single segments are not those of the manifest",
                     held.merged_count, held.single_count);
    }
}

static int
partition_make(struct verify__run *run, uint16_t number, struct chek_bytes_view image,
               const struct segments *segments)
{
    struct verify__partition *to = &run->partitions[number];
    struct chek_partition_sink sink = {run, verify__event_made};
    struct chek_partition_config config = {.number = number,
                                           .page_count_max = PAGE_COUNT_MAX,
                                           .segment_row_count = segment_row_count(image)};
    int error = chek_partition_load(&config, &sink, image, segments->views, segments->count,
                                    &to->partition);
    if (error == -ENOMEM) {
        return error;
    }
    if (error != CHEK_OK) {
        verify__find(run, to->image, IMMUTABLE_HEAD_SIZE, number, 0,
                     "its content is not sound, or not that of its segments: %s",
                     chek_error_text(error));
        return CHEK_OK;
    }
    if (!chek_partition_is_valid(to->partition)) {
        verify__find(run, to->image, IMMUTABLE_HEAD_SIZE, number, 0,
                     "its sums are right, and its objects do not hold together");
        chek_partition_destroy(to->partition);
        to->partition = NULL; /* whoever follows its references may end anywhere */
        return CHEK_OK;
    }
    segments_compare(run, number);
    to->image_event_seq = chek_partition_event_seq(to->partition);
    const struct chek_store *store = chek_partition_store(to->partition);
    to->image_chain = store != NULL ? *chek_store_chain(store) : (struct chek_chain){0};
    chain_compare(run, number, to);
    if (chek_partition_seq(to->partition) != to->image_seq) {
        verify__find(run, to->image, IMMUTABLE_HEAD_SIZE, number, 0,
                     "it reaches command %" PRIu64 ", and the manifest says %" PRIu64,
                     chek_partition_seq(to->partition), to->image_seq);
    }
    return CHEK_OK;
}

static int
partition_load(struct verify__run *run, uint16_t number)
{
    struct chek_immutable file = {.number = run->partitions[number].image_number,
                                  .partition = number,
                                  .kind = CHEK_IMMUTABLE_IMAGE};
    struct file_bytes image;
    struct segments segments;
    if (run->partitions[number].image[0] == '\0') {
        verify__find(run, "", VERIFY_NO_OFFSET, number, 0, "the manifest names no image of it");
        return CHEK_OK;
    }
    int image_error = immutable_read(run, &file, &image);
    int error = image_error < 0 ? image_error : segments_read(run, number, &segments);
    if (error == CHEK_OK) {
        if (image_error == CHEK_OK) {
            error = partition_make(run, number, image.content, &segments);
        }
        segments_free(&segments);
    }
    if (image_error == CHEK_OK) {
        chek_memory_free(image.bytes, image.size);
    }
    return error < 0 ? error : CHEK_OK;
}

/* ---- what nothing names ----------------------------------------------------------------------- */

struct leftovers {
    struct verify__run *run;
    const char *folder;
};

static void
on_file_name(void *context, const char *name)
{
    struct leftovers *leftovers = context;
    struct verify__run *run = leftovers->run;
    char path[CHEK_VERIFY_FILE_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s", leftovers->folder, name);
    for (size_t i = 0; i < run->manifest.entry_count; i++) {
        if (strcmp(run->manifest.entries[i].name, path) == 0) {
            return;
        }
    }
    verify__note(run, path, "the manifest does not name it: left by a snapshot that was cut short");
}

static int
leftovers_list(struct verify__run *run)
{
    static const char *const folders[] = {CHEK_SNAPSHOT_FOLDER, CHEK_SEGMENT_FOLDER};
    for (size_t i = 0; i < CHEK_COUNT(folders); i++) {
        struct leftovers leftovers = {run, folders[i]};
        int error = chek_disk_list(run->io, folders[i], on_file_name, &leftovers);
        if (error == -ENOENT) {
            verify__find(run, folders[i], VERIFY_NO_OFFSET, -1, 0, "the folder is not there");
        } else if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

/* The key is in no backup; without it personal values stay closed, but nothing else. */
static int
key_check(struct verify__run *run)
{
    uint8_t secret[CHEK_SECRET_SIZE];
    int error = chek_secret_read(run->io, secret);
    explicit_bzero(secret, sizeof secret);
    if (error == -ENOENT) {
        verify__note(run, CHEK_SECRET_NAME, "it is not here, as in a backup: a server needs it");
    } else if (error == CHEK_E_CORRUPT) {
        verify__find(run, CHEK_SECRET_NAME, VERIFY_NO_OFFSET, -1, 0,
                     "it is not what was written: put it back from where you keep it");
    } else if (error != CHEK_OK) {
        return error;
    }
    return CHEK_OK;
}

int
verify__folder_load(struct verify__run *run)
{
    int error = manifest_load(run);
    if (error != CHEK_OK) {
        return error;
    }
    run->summary.partition_count = run->manifest.partition_count;
    run->summary.generation = run->manifest.generation;
    run->summary.manifest_number = run->manifest.number;
    memcpy(run->summary.folder_id, run->manifest.folder_id, sizeof run->summary.folder_id);
    run->partitions =
        chek_memory_allocate((run->summary.partition_count + 1) * sizeof *run->partitions);
    if (run->partitions == NULL) {
        return -ENOMEM;
    }
    entries_read(run);
    for (uint32_t i = 0; i <= run->summary.partition_count && error == CHEK_OK; i++) {
        verify__progress(run, "snapshot", i, run->summary.partition_count + 1);
        error = partition_load(run, (uint16_t)i);
    }
    if (error == CHEK_OK) {
        error = leftovers_list(run);
    }
    return error == CHEK_OK ? key_check(run) : error;
}
