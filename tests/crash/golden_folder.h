/* SPDX-License-Identifier: MIT */
/*
 * golden_folder.h - a data folder in memory, to be damaged, and what the check says of it.
 *
 * The folder is read once from a real disk; then each check takes a fraction of a millisecond.
 */
#ifndef CHEK_TESTS_GOLDEN_FOLDER_H
#define CHEK_TESTS_GOLDEN_FOLDER_H

#include "tests/unit/fake_disk.h"
#include "tools/verify/verify.h"

/* Read all files of a folder, and of those in it. Aborts when it cannot. */
struct fake_disk *golden_folder_load(const char *path);

struct golden_outcome {
    int error; /* of the check itself */
    uint64_t finding_count, note_count;
    uint64_t state;                       /* of every partition, and the summary's counts */
    struct chek_verify_finding first;     /* finding */
    char note[CHEK_VERIFY_FILE_SIZE];     /* file of the last one */
    char files[8][CHEK_VERIFY_FILE_SIZE]; /* of the first findings */
};

struct golden_outcome golden_folder_verify(struct fake_disk *disk);

/* The same, against a head that was noted. */
struct golden_outcome golden_folder_verify_head(struct fake_disk *disk,
                                                const struct chek_verify_anchor *head);

/* Whether one of the first findings names the file. */
bool golden_outcome_names(const struct golden_outcome *outcome, const char *file);

/* The only file whose name begins so; asserted. */
struct fake_file *golden_folder_file(struct fake_disk *disk, const char *prefix);

#endif
