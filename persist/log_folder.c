/* SPDX-License-Identifier: MIT */
/*
 * log_folder.c - list the files of the log, and remove those of runs that nobody needs.
 */
#include "persist/log_folder.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/workspace.h"

#define CAPACITY_FIRST 64

static int
entry_compare(const void *left, const void *right)
{
    const struct log_entry *a = left, *b = right;
    if (a->generation != b->generation) {
        return a->generation < b->generation ? -1 : 1;
    }
    if (a->stream != b->stream) {
        return a->stream < b->stream ? -1 : 1;
    }
    return a->file < b->file ? -1 : a->file > b->file;
}

static bool
folder_grow(struct log_folder *folder)
{
    size_t capacity = folder->capacity == 0 ? CAPACITY_FIRST : 2 * folder->capacity;
    const size_t entry_size = sizeof *folder->entries;
    struct log_entry *entries =
        chek_workspace_grow(folder->entries, folder->capacity * entry_size, capacity * entry_size);
    if (entries == NULL) {
        return false;
    }
    folder->entries = entries;
    folder->capacity = capacity;
    return true;
}

static void
folder_on_name(void *context, const char *name)
{
    struct log_folder *folder = context;
    struct log_place place = {0};

    if (folder->out_of_memory || !persist__log_name_parse(name, &place)) {
        return;
    }
    if (folder->count == folder->capacity && !folder_grow(folder)) {
        folder->out_of_memory = true;
        return;
    }
    folder->entries[folder->count++] = (struct log_entry){
        .generation = place.generation, .stream = place.stream, .file = place.file};
}

int
persist__log_folder_list(struct chek_io *io, struct log_folder *folder)
{
    *folder = (struct log_folder){0};
    int error = chek_disk_list(io, CHEK_LOG_FOLDER, folder_on_name, folder);
    if (error == -ENOENT) {
        return CHEK_OK;
    }
    if (error != CHEK_OK) {
        return error;
    }
    if (folder->out_of_memory) {
        return -ENOMEM;
    }
    if (folder->count > 1) {
        qsort(folder->entries, folder->count, sizeof *folder->entries, entry_compare);
    }
    return CHEK_OK;
}

void
persist__log_folder_finish(struct log_folder *folder)
{
    chek_workspace_give(folder->entries, folder->capacity * sizeof *folder->entries);
    *folder = (struct log_folder){0};
}

static bool
is_listed(const struct log_entry *entry, const struct chek_log_known *known, size_t known_count)
{
    for (size_t i = 0; i < known_count; i++) {
        if (entry->generation == known[i].generation && entry->stream == known[i].stream) {
            return entry->file == 0 || entry->file >= known[i].file_first;
        }
    }
    return false;
}

/* In whatever order the names vanish: the manifest does not list them, so nobody looks. */
int
chek_log_remove_unlisted(struct chek_io *io, const struct chek_log_known *known, size_t known_count)
{
    struct log_folder folder;
    int error = persist__log_folder_list(io, &folder);

    for (size_t i = 0; i < folder.count && error == CHEK_OK; i++) {
        const struct log_entry *entry = &folder.entries[i];
        if (is_listed(entry, known, known_count)) {
            continue;
        }
        const struct log_place place = {
            .generation = entry->generation, .stream = entry->stream, .file = entry->file};
        char name[LOG_NAME_SIZE];
        persist__log_name(name, &place);
        error = chek_disk_unlink(io, name);
    }
    if (error == CHEK_OK && folder.count != 0) {
        error = chek_disk_sync_folder(io, CHEK_LOG_FOLDER);
    }
    persist__log_folder_finish(&folder);
    return error;
}
