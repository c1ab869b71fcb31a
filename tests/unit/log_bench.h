/* SPDX-License-Identifier: MIT */
/*
 * log_bench.h - one running log on a fake disk, driven step by step.
 *
 * Commands carry their number, and every call of the log's owner checks that they come in order.
 */
#ifndef CHEK_TESTS_LOG_BENCH_H
#define CHEK_TESTS_LOG_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "persist/log.h"
#include "persist/log_format.h"
#include "tests/unit/fake_disk.h"

#define FILE_1 "log/0000000000000007-0003-00000001.log"
#define FILE_2 "log/0000000000000007-0003-00000002.log"
#define WATERMARK "log/0000000000000007-0003.mark"
#define FILE_SIZE (1024 * 1024)
#define BIG_SIZE (200 * 1024) /* two do not fit a group */

/* One log on one disk, and what it told its owner. */
struct log_bench {
    struct fake_disk *disk;
    struct chek_log *log;
    struct chek_log_config config;
    uint64_t sent_count; /* commands carry their number, from 0 */
    uint64_t durable_count;
    uint64_t durable_lsn;
    unsigned end_count, latch_count;
    int latch_error;
    struct chek_log *append_inside; /* append a command from on_durable once */
};

/* The log's side of the configuration: who is told. */
struct chek_log_config log_bench_config(struct log_bench *bench, enum chek_sync_method method,
                                        uint64_t file_size);

void log_bench_open(struct log_bench *bench, enum chek_sync_method method, uint64_t file_size);
void log_bench_close(struct log_bench *bench);

/* Append one numbered command of `size` bytes; false when there is no room. */
bool log_bench_send(struct log_bench *bench, size_t size);

/* Complete the first pending operation of a kind. */
void log_bench_complete(struct log_bench *bench, enum chek_op_kind kind, int error);
unsigned log_bench_pending(const struct log_bench *bench, enum chek_op_kind kind);

/* Turn and complete everything until nothing happens any more. */
void log_bench_settle(struct log_bench *bench);

#endif
