/* SPDX-License-Identifier: MIT */
/*
 * cold_read.c - parts of segment files, for stores.
 *
 * A disk that does not give a sector back is asked again a few times, as it may be only now that it
 * cannot; then the sector is as good as damaged.
 */
#include "tools/server/cold_read.h"

#include <errno.h>

#include "engine/base/memory.h"
#include "persist/snapshot.h"

#define TRY_COUNT 4

static struct chek_immutable
file_of(const struct server__folder *folder, uint16_t partition, uint64_t number)
{
    return (struct chek_immutable){.folder_id = {folder->id[0], folder->id[1]},
                                   .number = number,
                                   .partition = partition,
                                   .kind = CHEK_IMMUTABLE_SEGMENT};
}

static int
read_part(void *context, const struct chek_segment_file *file, uint64_t offset, uint8_t *bytes,
          size_t size)
{
    struct server__folder *folder = context;
    struct chek_immutable what = file_of(folder, file->partition, file->number);
    uint64_t content_size;
    int error = -EIO;
    for (unsigned i = 0; i < TRY_COUNT && error < 0 && error != CHEK_E_HALTED; i++) {
        error = chek_immutable_read_part(folder->io, &what, offset, bytes, size, &content_size);
    }
    return error == -EIO ? CHEK_E_CORRUPT : error;
}

static void
tell(void *context, const struct chek_segment_file *file, uint64_t offset)
{
    struct server__folder *folder = context;
    struct chek_immutable what = file_of(folder, file->partition, file->number);
    char name[CHEK_IMMUTABLE_NAME_MAX];
    if (folder->on_damage != NULL) {
        chek_immutable_name(&what, name);
        folder->on_damage(folder->damage_context, name, offset);
    }
}

struct chek_cold_reader
server__cold_reader(struct server__folder *folder)
{
    return (struct chek_cold_reader){.context = folder, .read = read_part, .on_rotten = tell};
}

/* ---- fronts ----------------------------------------------------------------------------------- */

/* How large the front of a segment is, and whether the file is as large as its head says. */
static int
front_measure(struct server__folder *folder, const struct chek_immutable *file, size_t *ret)
{
    uint8_t head[CHEK_SEGMENT_HEAD_SIZE];
    uint64_t content_size, front_size, size;
    int error = chek_immutable_read_part(folder->io, file, 0, head, sizeof head, &content_size);
    if (error == CHEK_OK) {
        error = chek_segment_front(chek_bytes_view_of(head, sizeof head), &front_size, &size);
    }
    if (error == CHEK_OK && size != content_size) {
        error = CHEK_E_CORRUPT;
    }
    if (error == CHEK_OK) {
        *ret = (size_t)front_size;
    }
    return error;
}

static int
front_read(struct server__folder *folder, const struct chek_immutable *file,
           struct server__fronts *to, uint32_t index)
{
    uint64_t content_size;
    size_t size;
    int error = front_measure(folder, file, &size);
    if (error != CHEK_OK) {
        return error;
    }
    uint8_t *bytes = chek_memory_allocate(size);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    to->bytes[index] = bytes;
    to->sizes[index] = size;
    to->views[index] = chek_bytes_view_of(bytes, size);
    return chek_immutable_read_part(folder->io, file, 0, bytes, size, &content_size);
}

int
server__fronts_read(struct server__folder *folder, unsigned partition, struct server__fronts *ret)
{
    const struct chek_segments *named = &folder->entries[partition].segments;
    struct server__fronts fronts = {.count = chek_segments_count(named)};
    fronts.views = chek_memory_allocate((fronts.count + 1) * sizeof *fronts.views);
    fronts.bytes = chek_memory_allocate((fronts.count + 1) * sizeof(uint8_t *));
    fronts.sizes = chek_memory_allocate((fronts.count + 1) * sizeof *fronts.sizes);
    *ret = fronts;
    if (fronts.views == NULL || fronts.bytes == NULL || fronts.sizes == NULL) {
        return -ENOMEM;
    }
    int error = CHEK_OK;
    for (uint32_t i = 0; i < fronts.count && error == CHEK_OK; i++) {
        struct chek_immutable file =
            file_of(folder, (uint16_t)partition, chek_segments_number(named, i));
        error = front_read(folder, &file, ret, i);
    }
    return error;
}

void
server__fronts_free(struct server__fronts *fronts)
{
    for (uint32_t i = 0; fronts->bytes != NULL && fronts->sizes != NULL && i < fronts->count; i++) {
        chek_memory_free(fronts->bytes[i], fronts->sizes[i]);
    }
    chek_memory_free(fronts->views, (fronts->count + 1) * sizeof *fronts->views);
    chek_memory_free(fronts->bytes, (fronts->count + 1) * sizeof(uint8_t *));
    chek_memory_free(fronts->sizes, (fronts->count + 1) * sizeof *fronts->sizes);
    *fronts = (struct server__fronts){0};
}
