/* SPDX-License-Identifier: MIT */
/*
 * golden_read.h - one file of a golden folder, read by the part of recovery that reads it.
 *
 * The whole check reads all files and recomputes all reports. What finds a damaged byte is one
 * reader, which takes microseconds, so that a bit of every byte can be tried.
 */
#ifndef CHEK_TESTS_GOLDEN_READ_H
#define CHEK_TESTS_GOLDEN_READ_H

#include "tests/unit/fake_disk.h"

#define GOLDEN_LOG_FILE_SIZE 32768

enum golden_read {
    GOLDEN_READ_FOUND,  /* the reader refuses it */
    GOLDEN_READ_NOTED,  /* it takes what is behind the damage for a torn tail */
    GOLDEN_READ_UNSEEN, /* it gives what it gave before */
    GOLDEN_READ_WRONG,  /* it gives something else */
};

/* Remember what a sound folder gives. */
void golden_read_begin(struct fake_disk *disk);
void golden_read_end(void);

enum golden_read golden_read_file(struct fake_disk *disk, const char *name);

/* Whether the manifest has recorded where the stream of a log file ended. */
bool golden_read_log_is_ended(const char *name);
/* Whether something torn was cut there: what it left behind the end says nothing. */
bool golden_read_log_is_torn(const char *name);
/* Whether the sector at an offset holds commands of the stream before its recorded end. */
bool golden_read_log_is_replayed(const struct fake_file *file, size_t offset);
/* Whether the block at an offset was written. */
bool golden_read_log_is_written(const struct fake_file *file, size_t offset);

#endif
