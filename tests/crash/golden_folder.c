/* SPDX-License-Identifier: MIT */
/*
 * golden_folder.c - files from a real disk into the fake one, and the check over it.
 */
#include "tests/crash/golden_folder.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"

#define PATH_SIZE 512

/* ---- loading ---------------------------------------------------------------------------------- */

static void
file_load(struct fake_disk *disk, const char *path, const char *name)
{
    FILE *file = fopen(path, "rb");
    CHEK_ASSERT(file != NULL);
    CHEK_ASSERT(fseek(file, 0, SEEK_END) == 0);
    long size = ftell(file);
    CHEK_ASSERT(size >= 0);
    uint8_t *bytes = malloc((size_t)size + 1);
    CHEK_ASSERT(bytes != NULL);
    rewind(file);
    CHEK_ASSERT(fread(bytes, 1, (size_t)size, file) == (size_t)size);
    (void)fclose(file);
    (void)fake_disk_put(disk, name, bytes, (size_t)size);
    free(bytes);
}

/* `inside` is the folder's name in the data folder with a slash, or "". */
static void
folder_load(struct fake_disk *disk, const char *path, const char *inside)
{
    DIR *folder = opendir(path);
    CHEK_ASSERT(folder != NULL);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char from[PATH_SIZE], name[PATH_SIZE];
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(from, sizeof from, "%s/%s", path, entry->d_name);
        (void)snprintf(name, sizeof name, "%s%s", inside, entry->d_name);
        if (entry->d_type == DT_DIR) {
            (void)snprintf(name, sizeof name, "%s%s/", inside, entry->d_name);
            folder_load(disk, from, name);
        } else {
            file_load(disk, from, name);
        }
    }
    (void)closedir(folder);
}

struct fake_disk *
golden_folder_load(const char *path)
{
    struct fake_disk *disk = fake_disk_create();
    folder_load(disk, path, "");
    return disk;
}

struct fake_file *
golden_folder_file(struct fake_disk *disk, const char *prefix)
{
    struct fake_file *found = NULL;
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &disk->files[i];
        if (file->exists && strncmp(file->name, prefix, strlen(prefix)) == 0) {
            CHEK_ASSERT(found == NULL);
            found = file;
        }
    }
    CHEK_ASSERT(found != NULL);
    return found;
}

/* ---- checking --------------------------------------------------------------------------------- */

static void
on_finding(void *context, const struct chek_verify_finding *finding)
{
    struct golden_outcome *outcome = context;
    if (outcome->finding_count == 0) {
        outcome->first = *finding;
    }
    if (outcome->finding_count < CHEK_COUNT(outcome->files)) {
        memcpy(outcome->files[outcome->finding_count], finding->file, sizeof finding->file);
    }
    outcome->finding_count += 1;
}

static void
on_note(void *context, const char *file, const char *text)
{
    struct golden_outcome *outcome = context;
    (void)text;
    (void)snprintf(outcome->note, sizeof outcome->note, "%s", file);
    outcome->note_count += 1;
}

static void
on_partition(void *context, const struct chek_verify_partition *partition)
{
    struct golden_outcome *outcome = context;
    outcome->state = chek_checksum_seeded(&partition->hash, sizeof partition->hash, outcome->state);
}

struct golden_outcome
golden_folder_verify(struct fake_disk *disk)
{
    return golden_folder_verify_head(disk, NULL);
}

struct golden_outcome
golden_folder_verify_head(struct fake_disk *disk, const struct chek_verify_anchor *head)
{
    struct golden_outcome outcome = {.finding_count = 0};
    struct chek_verify_config config = {.context = &outcome,
                                        .anchors = head,
                                        .anchor_count = head != NULL,
                                        .on_finding = on_finding,
                                        .on_note = on_note,
                                        .on_partition = on_partition};
    struct chek_verify_summary summary = {.finding_count = 0};
    outcome.error = chek_verify_folder(&disk->io, &config, &summary);
    uint64_t counts[] = {outcome.state, summary.row_count, summary.registration_count,
                         summary.shift_count, summary.report_count};
    outcome.state = chek_checksum(counts, sizeof counts);
    return outcome;
}

bool
golden_outcome_names(const struct golden_outcome *outcome, const char *file)
{
    for (size_t i = 0; i < CHEK_COUNT(outcome->files) && i < outcome->finding_count; i++) {
        if (strcmp(outcome->files[i], file) == 0) {
            return true;
        }
    }
    return false;
}
