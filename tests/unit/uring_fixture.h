/* SPDX-License-Identifier: MIT */
/*
 * uring_fixture.h - a group of shards over a folder of its own, for the tests of engine/io.
 *
 * The calls assert with CHEK_ASSERT and not with cmocka's macros, since those may only be used on
 * the test's own thread and never below a callback of the loop.
 */
#ifndef CHEK_TESTS_URING_FIXTURE_H
#define CHEK_TESTS_URING_FIXTURE_H

#include <pthread.h>
#include <sys/types.h>

#include "engine/base/limits.h"
#include "engine/io/uring.h"

struct uring_fixture {
    char folder[64];
    struct chek_uring_group *group;
    unsigned shard_count;
    unsigned started_count;
    pthread_t threads[CHEK_SHARD_COUNT_MAX];
};

/* 0, or 77 after saying why: io_uring is not here. To be returned from main(). */
int uring_fixture_skip(void);

/* Make a folder and a group over it. */
void uring_fixture_open(struct uring_fixture *fixture, unsigned shard_count,
                        const struct chek_uring_options *options);

/* Run every shard on a thread of its own; wait for them to end; make them end, and wait. */
void uring_fixture_start(struct uring_fixture *fixture);
void uring_fixture_join(struct uring_fixture *fixture);
void uring_fixture_stop(struct uring_fixture *fixture);

/* Stop if running, destroy the group, remove the folder. */
void uring_fixture_close(struct uring_fixture *fixture);

/* A folder below the system's place for such; the second call removes it and what is in it. */
void uring_fixture_folder_make(char *folder, size_t size);
void uring_fixture_folder_remove(const char *folder);

/* A blocking client's socket to a port of 127.0.0.1. It gives up only on a peer that hangs. */
#define URING_FIXTURE_WAIT_S_MAX 120
int uring_fixture_connect(uint16_t port);

/* recv(2), again after an interruption: the kernel interrupts a thread that has used a ring. */
ssize_t uring_fixture_receive(int socket, void *bytes, size_t size);

/* Read or write all of it; false when the peer is gone or too slow. */
bool uring_fixture_read(int socket, void *bytes, size_t size);
bool uring_fixture_write(int socket, const void *bytes, size_t size);

/* Open descriptors of this process. */
unsigned uring_fixture_file_count(void);

#endif
