/* SPDX-License-Identifier: MIT */
/*
 * change_hours.c - make the sums by hour of a folder's oldest segment others, under right sums.
 *
 *   change_hours FOLDER
 *
 * Only who compares them with the rows finds it. The folder is of a server that has stopped, with one
 * partition beside the directory.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "tests/crash/folder_resum.h"
#include "tests/crash/golden_folder.h"
#include "tests/fuzz/store_resum.h"

static uint64_t
segment_sum(const struct fake_file *segment)
{
    return store_resum_segment_sum(segment->bytes + FOLDER_FILE_HEAD,
                                   segment->size - FOLDER_FILE_HEAD);
}

/* The segment that the image names first. */
static struct fake_file *
oldest_find(struct fake_disk *disk, struct fake_file *image)
{
    uint64_t sum = chek_load_u64(folder_store_image(image) + FOLDER_SEGMENT_SUM_AT);
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &disk->files[i];
        if (file->exists && strncmp(file->name, "segment/", 8) == 0 && segment_sum(file) == sum) {
            return file;
        }
    }
    return NULL;
}

static bool
file_write(const char *folder, const struct fake_file *file)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file->name);
    FILE *to = fopen(path, "wb");
    return to != NULL && fwrite(file->bytes, 1, file->size, to) == file->size && fclose(to) == 0;
}

int
main(int count, char **arguments)
{
    if (count != 2) {
        return 2;
    }
    struct fake_disk *disk = golden_folder_load(arguments[1]);
    struct fake_file *image = golden_folder_file(disk, "snapshot/0001-");
    struct fake_file *segment = oldest_find(disk, image);
    CHEK_ASSERT(segment != NULL);
    bool changed = folder_hours_change(segment, STORE__HOUR_TAX) ||
                   folder_hours_change(segment, STORE__HOUR_POSITIONS);
    chek_store_u64(folder_store_image(image) + FOLDER_SEGMENT_SUM_AT, segment_sum(segment));
    folder_resum_image(image);
    bool is_written = file_write(arguments[1], segment) && file_write(arguments[1], image);
    fake_disk_destroy(disk);
    return changed && is_written ? 0 : 1;
}
