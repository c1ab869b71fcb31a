/* SPDX-License-Identifier: MIT */
/*
 * log_fixture.h - write logs on a fake disk, and replay what became of them.
 *
 * Command n is 8 bytes of n and then bytes that follow from n, so that a replay can check every
 * byte of every command. Works without cmocka: what must not happen asserts.
 */
#ifndef CHEK_TESTS_LOG_FIXTURE_H
#define CHEK_TESTS_LOG_FIXTURE_H

#include "persist/log.h"
#include "persist/log_format.h"
#include "tests/unit/fake_disk.h"

#define FIXTURE_END_COUNT_MAX 16

/* A running log with its owner. */
struct log_writer {
    struct fake_disk *disk;
    struct chek_log *log;
    uint64_t sent_count, durable_count; /* of commands, from `number_first` on */
    uint64_t number_first;
    uint64_t durable_lsn;
};

/* Open generation and stream on a disk; file_size in blocks. */
void log_writer_open(struct log_writer *writer, struct fake_disk *disk, uint64_t generation,
                     uint32_t stream, uint64_t number_first, uint32_t file_block_count);
bool log_writer_send(struct log_writer *writer, size_t size);
/* Turn and complete everything until the log is quiet: durable, marked, watermarked. */
void log_writer_settle(struct log_writer *writer);
/* Turn and complete writes until what was sent is durable; no mark, no watermark, no next file. */
void log_writer_harden(struct log_writer *writer);
/* Forget the log; the disk stays as it is. */
void log_writer_abandon(struct log_writer *writer);

/*
 * Write a log of generation 5, stream 1, commands from number 100: three files of eight blocks,
 * groups of one to three blocks, commands across blocks, and in the first file blocks left over
 * because a group did not fit. Returns the number of commands; `settle`: with idle mark and
 * watermark.
 */
uint64_t log_golden_write(struct fake_disk *disk, bool settle);

/* The same generation and stream: groups of one block and eight commands, numbers from 0. */
uint64_t log_plain_write(struct fake_disk *disk, unsigned group_count, bool settle);

#define LOG_PLAIN_GROUP_SIZE (8 * (400 + CHEK_LOG_COMMAND_OVERHEAD))

size_t log_command_size(uint64_t number);
void log_command_fill(uint64_t number, size_t size, uint8_t *ret);

/* One recovery and what it said. */
struct log_reader {
    struct chek_log_recovery recovery;
    uint64_t number_next; /* commands must come with these numbers */
    uint64_t command_count;
    uint64_t fail_at; /* on_command answers BUSY at this count; 0 = never */
    unsigned cut_count;
    struct chek_log_fault cut;
    struct chek_log_known ends[FIXTURE_END_COUNT_MAX];
    unsigned end_count;
    int error;
    uint64_t generation_last;
    struct chek_log_fault fault;
};

/* Recover the disk; commands from `number_first` on are wanted. Returns reader->error. */
int log_reader_run(struct log_reader *reader, struct fake_disk *disk, uint64_t number_first);

/* The same, with what an earlier recovery has recorded, as the manifest of `generation`. */
int log_reader_run_known(struct log_reader *reader, struct fake_disk *disk, uint64_t number_first,
                         const struct chek_log_known *known, size_t known_count,
                         uint64_t generation);

/* The file of a place, which must be there. */
struct fake_file *log_file_at(struct fake_disk *disk, uint64_t generation, uint32_t stream,
                              uint32_t number);

/* Make the sums of a block right again after an edit of anything else in it. */
void log_block_seal(uint8_t *block, const struct log_place *place, uint32_t index);

extern const uint64_t log_folder_id[2];

#endif
