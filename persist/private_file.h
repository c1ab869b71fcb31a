/* SPDX-License-Identifier: MIT */
/*
 * private_file.h - the small files of a data folder that are for its owner alone.
 *
 * They stand in no manifest, because they are in no backup: the keys of personal values carry a
 * sum of their own, the first administrator's token is one that the directory knows.
 *
 *   Source   persist/FORMAT.md "Data folder"
 *   Threads  one at a time; synchronous, so at start or on a worker
 */
#ifndef CHEK_PERSIST_PRIVATE_FILE_H
#define CHEK_PERSIST_PRIVATE_FILE_H

#include "engine/base/error.h"
#include "engine/io/io.h"

#define CHEK_SECRET_NAME "secret.key"
#define CHEK_SECRET_SIZE 64 /* without its sum */
#define CHEK_ADMIN_TOKEN_NAME "admin.token"

/*
 * Write a file anew, and sync it. Its name is as durable as the folder.
 *
 *   Errors     -errno, HALTED; there may be a part of it, or none
 */
CHEK_MUST_USE int chek_private_write(struct chek_io *io, const char *name, const void *bytes,
                                     size_t size);

/* Write the folder's keys. Errors: as above. */
CHEK_MUST_USE int chek_secret_write(struct chek_io *io, const uint8_t secret[CHEK_SECRET_SIZE]);

/*
 * Read the folder's keys.
 *
 *   Ownership  the caller wipes *ret
 *   Errors     CORRUPT another size, or the sum is wrong; -errno, HALTED; *ret is unchanged
 */
CHEK_MUST_USE int chek_secret_read(struct chek_io *io, uint8_t ret[CHEK_SECRET_SIZE]);

#endif
