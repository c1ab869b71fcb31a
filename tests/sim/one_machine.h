/* SPDX-License-Identifier: MIT */
/*
 * one_machine.h - a world with one calm machine, for the tests of the virtual disk.
 */
#ifndef CHEK_SIM_ONE_MACHINE_H
#define CHEK_SIM_ONE_MACHINE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "engine/base/limits.h"
#include "tests/sim/world.h"

#define READ_WRITE (CHEK_FILE_READ | CHEK_FILE_WRITE)
#define CREATE (READ_WRITE | CHEK_FILE_CREATE)

static struct chek_world *world;
static struct chek_io *io;

static inline void
begin(const struct chek_world_options *options)
{
    world = chek_world_create(options);
    (void)chek_world_machine_add(world, 1);
    io = chek_world_io(world, 0, 0);
}

static inline void
begin_calm(uint64_t seed)
{
    struct chek_world_options options = chek_world_options_calm(seed);
    begin(&options);
}

static inline void
end(void)
{
    chek_world_destroy(world);
}

static inline void
crash(enum chek_world_crash kind)
{
    chek_world_crash(world, 0, kind);
    chek_world_restart(world, 0, 1);
    io = chek_world_io(world, 0, 0);
}

/* A file whose name and first `size` bytes, all `byte`, are durable. */
static inline int
make_file(const char *path, uint8_t byte, size_t size)
{
    uint8_t bytes[8192];
    int file = chek_disk_open(io, path, CREATE);
    assert_true(file >= 0 && size <= sizeof(bytes));
    memset(bytes, byte, size);
    assert_int_equal(chek_disk_write(io, file, bytes, size, 0), 0);
    assert_int_equal(chek_disk_sync(io, file), 0);
    assert_int_equal(chek_disk_sync_folder(io, ""), 0);
    return file;
}

static inline void
write_all(int file, uint8_t byte, size_t size, uint64_t offset)
{
    uint8_t bytes[8192];
    assert_true(size <= sizeof(bytes));
    memset(bytes, byte, size);
    assert_int_equal(chek_disk_write(io, file, bytes, size, offset), 0);
}

static inline int64_t
peek(const char *path, uint8_t *bytes, size_t size)
{
    return chek_world_peek(world, 0, path, bytes, size, 0);
}

static inline bool
all_are(const uint8_t *bytes, size_t size, uint8_t byte)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != byte) {
            return false;
        }
    }
    return true;
}

#endif
