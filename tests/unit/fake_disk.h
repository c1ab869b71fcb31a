/* SPDX-License-Identifier: MIT */
/*
 * fake_disk.h - files in memory behind engine/io/io.h, whose operations complete when told.
 *
 * For tests that choose the order and the result of every completion, or that edit the bytes of a
 * file between two calls. It knows nothing of power cuts; that is tests/sim/world.h.
 */
#ifndef CHEK_TESTS_FAKE_DISK_H
#define CHEK_TESTS_FAKE_DISK_H

#include "engine/io/io.h"

#define FAKE_FILE_COUNT_MAX 64
#define FAKE_PENDING_COUNT_MAX 64

struct fake_file {
    char name[96];
    bool exists;
    uint8_t *bytes;
    size_t size, capacity;
    unsigned sync_count;
};

struct fake_disk {
    struct chek_io io;
    struct fake_file files[FAKE_FILE_COUNT_MAX];
    struct chek_op *pending[FAKE_PENDING_COUNT_MAX];
    unsigned pending_count;
    uint64_t now_ns;
    uint64_t write_ns, data_sync_write_ns, sync_ns; /* what disk calls cost */
    unsigned folder_sync_count;
    unsigned open_count; /* files that are open */
    size_t free_size;    /* bytes that files may still grow, then -ENOSPC */
    /* The n-th synchronous disk call from now on fails with this; 0 = none does. */
    unsigned fail_call_at;
    int fail_call_error;
};

struct fake_disk *fake_disk_create(void);
void fake_disk_destroy(struct fake_disk *disk);

/* Complete the pending operation at `index`: with its effect, or with `error` and without. */
void fake_disk_complete(struct fake_disk *disk, unsigned index, int error);

/* The index of the n-th (from 0) pending operation of a kind; FAKE_PENDING_COUNT_MAX if none. */
unsigned fake_disk_find(const struct fake_disk *disk, enum chek_op_kind kind, unsigned n);

/* NULL when it is not there. */
struct fake_file *fake_disk_file(struct fake_disk *disk, const char *name);

/* Make a file, or replace what is in it. */
struct fake_file *fake_disk_put(struct fake_disk *disk, const char *name, const void *bytes,
                                size_t size);

/* Make all files what they are in `from`. */
void fake_disk_copy(struct fake_disk *disk, const struct fake_disk *from);

#endif
