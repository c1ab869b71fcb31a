/* SPDX-License-Identifier: MIT */
/* backup_check.c - the readers of persist over a whole copy. */
#include "tools/chek/backup_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persist/event_scan.h"
#include "persist/manifest.h"
#include "persist/snapshot.h"

static int
files_check(struct chek_io *io, const struct chek_manifest *manifest,
            struct chek__backup_summary *ret)
{
    for (size_t i = 0; i < manifest->entry_count; i++) {
        const struct chek_manifest_entry *entry = &manifest->entries[i];
        const char *dash = strrchr(entry->name, '-');
        struct chek_immutable what = {
            .folder_id = {manifest->folder_id[0], manifest->folder_id[1]},
            .number = dash != NULL ? strtoull(dash + 1, NULL, 10) : 0,
            .partition = (uint16_t)entry->partition,
            .kind = (uint8_t)entry->kind,
        };
        uint64_t size;
        (void)snprintf(ret->file, sizeof ret->file, "%s", entry->name);
        int error = chek_immutable_check(io, &what, &size);
        if (error != CHEK_OK) {
            return error;
        }
        ret->file_count += 1;
        ret->file_size += size;
    }
    ret->file[0] = 0;
    return CHEK_OK;
}

static int
on_command(void *context, struct chek_bytes_view command)
{
    struct chek__backup_summary *summary = context;
    (void)command;
    summary->command_count += 1;
    return CHEK_OK;
}

/* The copy ends where its watermark says, so it has no torn tail. */
static void
on_cut(void *context, const struct chek_log_fault *cut)
{
    struct chek__backup_summary *summary = context;
    (void)snprintf(summary->file, sizeof summary->file, "%s", cut->file);
}

static int
log_check(struct chek_io *io, const struct chek_manifest *manifest,
          struct chek__backup_summary *ret)
{
    struct chek_log_fault fault = {0};
    struct chek_log_recovery recovery = {
        .context = ret,
        .on_command = on_command,
        .on_cut = on_cut,
        .known_generation = manifest->generation,
        .known = manifest->logs,
        .known_count = manifest->log_count,
    };
    uint64_t generation_last;
    int error = chek_log_recover(io, manifest->folder_id, &recovery, &generation_last, &fault);
    if (error != CHEK_OK) {
        (void)snprintf(ret->file, sizeof ret->file, "%s", fault.file);
    }
    return error == CHEK_OK && ret->file[0] != 0 ? CHEK_E_CORRUPT : error;
}

static int
on_block(void *context, const struct chek_event_block *block)
{
    struct chek__backup_summary *summary = context;
    (void)block;
    summary->event_block_count += 1;
    return CHEK_OK;
}

/* The last block of a file may have been on its way: it is made again by the replay. */
static void
on_fault(void *context, const char *file, uint64_t offset, int error)
{
    (void)context;
    (void)file;
    (void)offset;
    (void)error;
}

int
chek__backup_check(struct chek_io *io, struct chek__backup_summary *ret)
{
    struct chek_manifest manifest;
    *ret = (struct chek__backup_summary){.file = "the manifest"};
    int error = chek_manifest_load(io, &manifest);
    if (error != CHEK_OK) {
        return error;
    }
    error = files_check(io, &manifest, ret);
    if (error == CHEK_OK) {
        error = log_check(io, &manifest, ret);
    }
    if (error == CHEK_OK) {
        struct chek_event_visitor visitor = {ret, on_block, on_fault};
        error = chek_event_scan(io, manifest.folder_id, manifest.partition_count, &visitor);
    }
    chek_manifest_finish(&manifest);
    return error;
}
